/* The ordered key space everything is kept in. store.c, store_txn.c and store_records.c alone know LMDB.
 *
 * What it offers is deliberately narrow: named spaces of keys in byte order, reads from one consistent state, seeks and
 * steps, and atomic batches of puts and deletes. What callers promise in return, so that a distributed engine
 * could stand
 * here one day:
 *  - keys have 1 to STORE_KEY_MAX bytes and no zero byte (layout.h makes them so);
 *  - a batch must be correct table by table: nothing relies on two tables changing in the same instant, except
 * that what
 *    one batch writes is seen together;
 *  - no slice from the store outlives its transaction, or the next write in a write transaction.
 * Transactions are not tied to threads, but each is used by one thread at a time.
 *
 * Errors: -ENOENT absent; -ENOSPC disk or map full; -EIO damage or I/O; -EBUSY no reader slot; -EROFS; -ENOMEM; others
 * from the system. LMDB's positive system errors never get out of here. */
#ifndef PITR_STORE_H
#define PITR_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "error.h"

#define STORE_KEY_MAX 511

enum store_space {
	STORE_META,     /* format, clocks, counters of tables, commits, journals */
	STORE_INDEX,    /* key -> node number */
	STORE_VERSIONS, /* node number -> version packs */
	STORE_ROSTER,   /* directory -> who is in it, until when */
	STORE_LOG,      /* change number -> what changed */
	STORE_AUTHORS,  /* author number <-> author */
	STORE_SPACES
};

struct store;
struct store_txn;
struct store_cursor;

struct store_options {
	bool is_read_only;       /* never writes the data */
	bool is_lock_free;       /* for read-only media or a store nobody writes to: touches no file at all */
	uint64_t map_size_bytes; /* 0: the default, 1 TiB of address space */
	bool is_volatile;        /* no fsync at commit: for tests and benchmarks */
};

/* Opens the store's files in an existing directory, creating them unless read-only. */
int store_open(
	const char *directory, const struct store_options *options, struct store **ret_store, struct error *error);
void store_close(struct store *store); /* NULL is fine; no transaction may be open */

/* A read transaction sees the state of the last commit for as long as it lives. A write transaction is exclusive
 * over all
 * processes (begin waits), sees its own writes, and is durable when store_commit returns 0. */
int store_begin(struct store *store, bool is_writable, struct store_txn **ret_txn);
int store_commit(struct store_txn *txn); /* always ends the transaction, also on error */
void store_abort(struct store_txn *txn); /* NULL is fine; ends a read transaction too */

/* Has a read transaction that has no cursor open see the last commit. When that fails, it can only be aborted. */
int store_renew(struct store_txn *txn);
/* Number of the commit a read transaction sees. For as long as a commit is on its way to the disk, store_commit_number may be greater
 * than what the newest transaction sees: who remembers how far he has looked must ask for this. */
uint64_t store_shown(struct store_txn *txn);
/* Does it see the last commit of any process? A write transaction does. */
bool store_is_current(struct store_txn *txn);

/* What was worked out of the state a read transaction sees, for who asks the same again and again: two numbers for each of a few subjects of
 * the caller's. Forgotten with that state; a write transaction keeps nothing. */
void store_remember(struct store_txn *txn, uint64_t subject, uint64_t first, uint64_t second);
bool store_recall(const struct store_txn *txn, uint64_t subject, uint64_t *ret_first, uint64_t *ret_second);

/* Every value is stored with a checksum of its key and itself, which is held against it whenever it is read: -EIO when it was
 * damaged, cut short, or is another key's. */
int store_get(struct store_txn *txn, enum store_space space, struct slice key, struct slice *ret_value);
int store_put(struct store_txn *txn, enum store_space space, struct slice key, struct slice value);
/* As store_put, for a key that is probably greater than all in the space: packs pages full when it is. */
int store_append(struct store_txn *txn, enum store_space space, struct slice key, struct slice value);
int store_delete(struct store_txn *txn, enum store_space space, struct slice key); /* -ENOENT */

/* The first key >= `key`, without a cursor of one's own. */
int store_seek(struct store_txn *txn, enum store_space space, struct slice key, struct slice *ret_key,
	struct slice *ret_value);

/* Cursors: positions in one space of one transaction, from the first seek on. Closed before it ends. Results stay valid as the header says.
 * A record whose checksum is wrong is -EIO too, but then *ret_key is its key: the cursor stands on it and can go on from there. After
 * any other failure *ret_key is empty, and the space cannot be read on here.
 * Neither seeks nor steps lead from the catalogue's keys to other tables' or back: the ends of both are ends. */
int store_cursor_open(struct store_txn *txn, enum store_space space, struct store_cursor **ret_cursor);
void store_cursor_close(struct store_cursor *cursor); /* NULL is fine */
int store_cursor_seek(struct store_cursor *cursor, struct slice key, struct slice *ret_key,
	struct slice *ret_value); /* first >= key */
int store_cursor_seek_before(
	struct store_cursor *cursor, struct slice key, struct slice *ret_key, struct slice *ret_value); /* last < key */
int store_cursor_next(struct store_cursor *cursor, struct slice *ret_key, struct slice *ret_value);
int store_cursor_previous(struct store_cursor *cursor, struct slice *ret_key, struct slice *ret_value);
/* What a seek or step has given, for who looks for keys with this prefix only: -ENOENT when it has found another one, be that damaged or
 * not. So what is damaged is nothing to its neighbours. */
int store_within(int r, struct slice key, struct slice prefix);

/* META has a census: the sum of its records' hashes, kept by the store under a key of its own ("u") and written with each commit, so that
 * a record is missed that nothing else tells of. -EIO: what is there is not what was written. Reads all of META. */
int store_check_census(struct store_txn *txn);

/* Number of the last commit by any process: changes when anything was committed. Cheap, no transaction needed. */
uint64_t store_commit_number(struct store *store);
/* The file's size and the part of it in use, in bytes. */
int store_usage(struct store *store, uint64_t *ret_file_bytes, uint64_t *ret_used_bytes);
/* Brings what was written to a file or directory beside the store's own to the disk, unless the store is volatile. Of a file that grew or was
 * made, its directory is another matter. */
int store_sync_file(struct store *store, int fd);
/* Clears reader slots of processes that died. Returns how many. */
int store_clear_dead_readers(struct store *store);

/* How often each operation was done, over all threads, since the store was opened. */
struct store_counts {
	uint64_t begins, gets, seeks, steps, puts, deletes, commits, file_syncs;
};
void store_counts(const struct store *store, struct store_counts *ret_counts);

/* Fault injection. The hook is called before each operation; a negative errno makes the operation fail with it, as if
 * the engine had. For tests only; set before threads start. */
enum store_op {
	STORE_OP_BEGIN,
	STORE_OP_GET,
	STORE_OP_PUT,
	STORE_OP_DELETE,
	STORE_OP_SEEK,
	STORE_OP_COMMIT,
	STORE_OP_SYNC
};
typedef int (*store_fault_hook)(void *context, enum store_op op);
void store_set_fault_hook(struct store *store, store_fault_hook hook, void *context);

#endif
