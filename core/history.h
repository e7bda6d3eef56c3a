/* An open store: the directory, its key space, its clock, and the news of commits between processes.
 *
 *   STORE/data.mdb lock.mdb    the key space (store.h)
 *   STORE/shared               4 KiB mapped by every process: served instant, commit bell
 *   STORE/journal/             one file for each running writer (writer.h)
 *   STORE/rejected/ errors.jsonl    what was refused (reject.h)
 *
 * Commit times are greater than every earlier commit's and than every instant already served, whatever the clock
 * says. */
#ifndef PITR_HISTORY_H
#define PITR_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "store.h"

struct history;

struct history_options {
	bool is_read_only;
	bool is_lock_free;       /* with is_read_only: touches no file at all */
	uint64_t map_size_bytes; /* 0: default */
	bool is_volatile;        /* no fsync: tests and benchmarks */
};

/* Makes a new, empty store. The directory is created (0700) when absent; -EEXIST when it is a store already; -ENOTEMPTY
 * when it holds something else. */
int history_init(const char *directory, struct error *error);
/* Opens a store. -ENOENT: no store there (the message says how to make one); -EPROTO: another format; -EIO: damaged or
 * cut. Unless read-only, what writers that died had accepted is committed first (journal.h), if the disk has room. */
int history_open(const char *directory, const struct history_options *options, struct history **ret_history,
	struct error *error);
void history_close(struct history *history); /* NULL is fine */

struct store *history_store(const struct history *history);
const char *history_directory(const struct history *history); /* absolute, symlinks resolved */
bool history_is_read_only(const struct history *history);

/* The store's identifier, a UUID text that never changes. */
const char *history_id(const struct history *history);

/* A new random UUID text (37 bytes with NUL), as TableIds are. */
void history_new_id(char id[37]);

/* Time of the last commit of the whole store. */
int history_last_commit(struct store_txn *txn, int64_t *ret_time_us);
/* Now, but never before the last commit or an instant already served: what "now" means when an instant is resolved. */
int64_t history_now(struct history *history, struct store_txn *txn);
/* Promises that no later commit will be at or below `time_us`: called for every instant that is resolved and shown. */
void history_serve(struct history *history, int64_t time_us);
int64_t history_served(const struct history *history);
/* After an instant was promised: waits until no open batch can still commit at or below it, and has `txn`, which has no
 * cursor open, see all that is there by then; what was borrowed from it before is void. A batch that is still open after some seconds, or
 * whose process died, is waited for no longer. */
int history_settle(struct history *history, struct store_txn *txn, int64_t time_us);
/* For batches: the least time their changes without times of their own can get. Called before the served instant is looked at. 0: none. */
void history_note_writing(struct history *history, int64_t time_us);

/* Takes upon itself what one process of a store is enough for, such as retention, until it has not called this for HISTORY_TURN_MS.
 * False: another has it. *turn is the caller's, at first 0. */
#define HISTORY_TURN_MS 3000
bool history_take_turn(struct history *history, int64_t *turn);

/* The bell. history_ring is called after a commit; history_wait_commit returns when the store's commit number differs
 * from `known` or after `timeout_ms`; it returns the current number. */
void history_ring(struct history *history);
uint64_t history_wait_commit(struct history *history, uint64_t known, int timeout_ms);

#endif
