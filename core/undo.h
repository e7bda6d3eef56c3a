/* Undo: reversing the changes of a window, and only those.
 *
 * For each item that the chosen changes of the window touched: `before` is its state before the first of them, `after`
 * the state the last of them left, `now` what it is now. It is undone by going back to `before`: deleted items come back, changed ones
 * return, inserted ones go. When `now` differs from `after` (somebody changed it again, in the window or later) it is a
 * conflict and left alone, unless the policy says otherwise; when `now` equals `before` there is nothing to do.
 * Changes that were not chosen by `where` and `by` but lie between chosen ones of the same item make it a conflict too.
 *
 * Each `where` holds for a change when the item before or after it fulfils the expression; all of them must hold. Of
 * several authors one must match. */
#ifndef PITR_UNDO_H
#define PITR_UNDO_H

#include <stdbool.h>
#include <stdint.h>

#include "batch.h"
#include "expression.h"
#include "snapshot.h"
#include "table.h"

enum undo_action {
	UNDO_NOTHING, /* it is as it was */
	UNDO_BRING_BACK,
	UNDO_REVERT,
	UNDO_REMOVE,
	UNDO_CONFLICT,
};

enum undo_conflicts {
	UNDO_CONFLICTS_KEEP, /* leave alone what was changed again */
	UNDO_CONFLICTS_UNDO, /* go back to before the window all the same */
	UNDO_CONFLICTS_MERGE, /* attribute by attribute: what the window changed goes back, what others changed since stays; where
			       * both changed the same attribute it stays a conflict */
};

struct undo_options {
	int64_t from_us, to_us; /* changes with from <= time <= to */
	const struct expression *const *where;
	size_t where_count;
	const char *const *by;
	size_t by_count;
	enum undo_conflicts conflicts;
};

/* One item. Everything is borrowed for the duration of the call. Empty slices: not there. */
struct undo_item {
	enum undo_action action;
	bool was_conflict; /* decided by the policy */
	struct slice encoded_key;
	struct slice before, after, now, result; /* canonical items; result: what it will be */
	uint64_t first_seq, last_seq;            /* of the chosen changes */
	int64_t first_us, last_us;
	uint64_t author;       /* of the last chosen change */
	uint64_t later_author; /* of the change that made it a conflict */
	int64_t later_us;
};

struct undo_counts {
	uint64_t changes; /* chosen */
	uint64_t brought_back, reverted, removed, conflicts, unchanged;
};

/* Tells what would be done, item by item in order of the items' first chosen change; `each` (may be NULL) may end it with a negative errno. The cost
 * follows the changes in the window; memory the items in it, spilled to disk when they are many. */
int undo_plan(struct history *history, struct store_txn *txn, const struct table *table,
	const struct undo_options *options, int (*each)(void *context, const struct undo_item *item), void *context,
	struct undo_counts *ret_counts, struct error *error);

/* Does it: in the table itself, or in `into`, a table made from its present state (restore.h). One commit, all or
 * nothing; planned again in the batch's own transaction, so that nothing can come in between. */
int undo_apply(struct batch *batch, const struct table *table, const struct table *into,
	const struct undo_options *options, const struct change_context *context,
	int (*each)(void *context, const struct undo_item *item), void *context_of_each, struct undo_counts *ret_counts,
	struct error *error);

#endif
