/* Stores for tests: in a temporary directory, changed by JSON text in which ' stands for ". Whatever fails ends the
 * program with a message. */
#ifndef PITR_SUPPORT_FIXTURE_H
#define PITR_SUPPORT_FIXTURE_H

#include <stdint.h>

#include "core/batch.h"
#include "core/snapshot.h"
#include "core/table.h"

struct fixture {
	char directory[256];
	struct history *history;
};

/* Ends the program unless `holds`. */
void fixture_require(bool holds, const char *what, const struct error *error);

void fixture_make_directory(char *ret_path, size_t size);
void fixture_remove_directory(const char *path);

void fixture_open(struct fixture *fixture);
void fixture_reopen(struct fixture *fixture);
void fixture_close(struct fixture *fixture);

/* For cmocka: a store of its own for a test, whose clock stands. */
int fixture_begin_test(void **state, int64_t now_us);
int fixture_end_test(void **state);

struct batch *fixture_begin(struct fixture *fixture);
void fixture_commit(struct batch *batch);
struct store_txn *fixture_read(struct fixture *fixture);

/* sort NULL: a flat table. Key types are S. exists_from_us 0: from now. */
void fixture_create_in(struct batch *batch, const char *name, const char *partition, const char *sort,
	int64_t exists_from_us, struct table *ret_table);
void fixture_create(struct fixture *fixture, const char *name, const char *sort, struct table *ret_table); /* key id */
void fixture_create_text(struct fixture *fixture, const char *request, struct table *ret_table);
void fixture_drop(struct fixture *fixture, const struct table *table);
/* Restores a state of a table by sharing; seq SEQ_MAX: as it is now. In a batch: 0, or -EEXIST. */
int fixture_restore_in(
	struct batch *batch, const struct table *table, uint64_t seq, const char *name, struct table *ret_table);
void fixture_restore(
	struct fixture *fixture, const struct table *table, uint64_t seq, const char *name, struct table *ret_table);

void fixture_item(const char *text, struct buffer *ret_item);
void fixture_key(const struct table *table, const char *text, struct buffer *ret_encoded);

/* In a batch of its own, or in one that is open; time_us 0: now. The change's number; 0: nothing changed. */
uint64_t fixture_put(struct fixture *fixture, const struct table *table, const char *text);
uint64_t fixture_put_in(struct batch *batch, const struct table *table, const char *text, int64_t time_us);
uint64_t fixture_remove(struct fixture *fixture, const struct table *table, const char *key);
uint64_t fixture_remove_in(struct batch *batch, const struct table *table, const char *key, int64_t time_us);

/* The snapshot as of an instant. Negative errno when it can't be had. */
int fixture_at(struct fixture *fixture, const struct table *table, int64_t time_us, struct snapshot *ret_snapshot);
/* Everything in it, in the order it is listed: "name {content}\n" or "partition/name {content}\n". Borrowed from `out`,
 * which it replaces. */
const char *fixture_show(
	struct fixture *fixture, const struct table *table, const struct snapshot *snapshot, struct buffer *out);
/* The same for the live table. */
const char *fixture_show_live(struct fixture *fixture, const struct table *table, struct buffer *out);

/* Spoils a stored value within a write transaction, so that its checksum is wrong; spoiled again it is what it was. */
void fixture_spoil(struct store_txn *txn, enum store_space space, struct slice key);

/* A generator of random numbers that is the same everywhere (splitmix64). */
uint64_t fixture_random(uint64_t *state);
uint64_t fixture_random_below(uint64_t *state, uint64_t bound);

#endif
