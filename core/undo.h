/* Undo: reversing the changes of a window, and only those.
 *
 * For each item that the chosen changes of the window touched: `before` is its state before the first of them, `after`
 * the state the last of them left, `now` what it is now. It is undone by going back to `before`: deleted items come back,
 * changed ones return, inserted ones go. When `now` equals `before` there is nothing to do. When it differs from `after`
 * (somebody changed it again, in the window or later), or a change that was not chosen lies between chosen ones, it is a
 * conflict and left alone, unless the policy says otherwise. An item is its key: one that was removed and inserted again is the same.
 *
 * Each `where` holds for a change when the item before or after it fulfils the expression; all of them must hold. Of
 * several authors one must match.
 *
 * What an undo does are changes like others: they have an author, and can be undone. */
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
	UNDO_CONFLICT, /* left alone */
};

enum undo_conflicts {
	UNDO_CONFLICTS_KEEP, /* leave alone what was changed again */
	UNDO_CONFLICTS_UNDO, /* go back to before the window all the same */
	/* Attribute by attribute: what the chosen changes changed goes back, what others changed stays. Where both changed
	 * the same one, or one of them inserted or removed the item, it stays a conflict. */
	UNDO_CONFLICTS_MERGE,
};

struct undo_options {
	int64_t from_us, to_us;    /* changes with from <= time <= to */
	uint64_t from_seq, to_seq; /* instead of a time, where not 0: changes from this number on, or up to it */
	const struct expression *const *where;
	size_t where_count;
	const char *const *by; /* patterns that author_pattern_check has seen */
	size_t by_count;
	unsigned ops; /* bit 1 << enum change_op for each kind of change that is chosen; 0: all */
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
	uint64_t later_author; /* of the last change that made it a conflict; without one: 0 */
	int64_t later_us;
};

struct undo_counts {
	uint64_t changes; /* chosen */
	uint64_t brought_back, reverted, removed, conflicts, unchanged;
	uint64_t decided; /* of those done: conflicts that the policy decided */
};

/* Negative ends the undo with it. */
typedef int (*undo_each)(void *context, const struct undo_item *item);

/* Tells what would be done, item by item in order of the items' first chosen changes (`each` may be NULL). The cost
 * follows the changes in the window; memory is bounded, temporary files take what is more. -EINVAL: the window ends before it
 * begins; -ENOENT: there is no change of that number; -ESTALE: its history is not whole any more. */
int undo_plan(struct history *history, struct store_txn *txn, const struct table *table,
	const struct undo_options *options, undo_each each, void *context, struct undo_counts *ret_counts,
	struct error *error);

/* Does it: in the table itself (`into` NULL), or in a table made from its present state in the same batch (restore.h). All
 * or nothing is the batch's: planned in its transaction, so that nothing can come in between. */
int undo_apply(struct batch *batch, const struct table *table, const struct table *into,
	const struct undo_options *options, const struct change_context *change, undo_each each, void *context,
	struct undo_counts *ret_counts, struct error *error);

#endif
