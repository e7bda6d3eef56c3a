/* Changes, gathered into one commit.
 *
 * A batch holds the store's write lock from begin to commit. Each change gets the next change number of its table and a
 * time: its own (imports), or one microsecond-exact time greater than all before. What leaves an item as it was makes
 * no change. */
#ifndef PITR_BATCH_H
#define PITR_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "error.h"
#include "history.h"
#include "log.h"

struct table;
struct batch;

struct change_context {
	int64_t time_us; /* 0: now. Otherwise not before the table's last change and not after now: else -ERANGE */
	uint64_t author; /* from batch_author */
};

struct change_result {
	bool is_changed; /* false: it was so already */
	enum change_op op;
	uint64_t number, seq;
	int64_t time_us;
};

int batch_begin(struct history *history, struct batch **ret_batch, struct error *error);
struct store_txn *batch_txn(struct batch *batch);
struct history *batch_history(struct batch *batch);

/* The number of an author, given as compact JSON text (author.h); the same text has the same number for ever. */
int batch_author(struct batch *batch, struct slice text, uint64_t *ret_author);

/* Puts a whole item (canonical), creating the partition when it is the first in it. -EINVAL: key (message). */
int batch_put(struct batch *batch, const struct table *table, struct slice item, const struct change_context *context,
	struct change_result *ret_result, struct error *error);
/* Removes the item with this encoded key; absent: nothing changed. */
int batch_remove(struct batch *batch, const struct table *table, struct slice encoded_key,
	const struct change_context *context, struct change_result *ret_result, struct error *error);

/* The time the batch's next change will have, when it brings none of its own. */
int64_t batch_next_us(struct batch *batch);

/* The change numbers the batch gave in its i-th table. False: it changed fewer. */
bool batch_range(const struct batch *batch, size_t i, uint32_t *ret_table, uint64_t *ret_first, uint64_t *ret_last);
/* How many changes the batch holds. */
uint64_t batch_changes(const struct batch *batch);
/* Remembers, with this commit, that a journal was worked off up to `position` (writer.h). */
int batch_note_journal(struct batch *batch, struct slice journal_id, uint64_t position);

/* Something was written beside changes of items: it is committed also when there are none. */
void batch_note(struct batch *batch);

/* Commits, durably, and rings the bell; an empty batch commits nothing. Always ends the batch. */
int batch_commit(struct batch *batch, struct error *error);
void batch_abort(struct batch *batch); /* NULL is fine */

#endif
