/* When does a condition hold? By halving the time between two instants, or by walking all changes between them.
 *
 * The condition is about how many items there are (of those that fulfil an expression): holds while that number is within bounds.
 * At instants with several changes the state after the last of them counts, since that is what a snapshot shows. */
#ifndef PITR_FIND_WHEN_H
#define PITR_FIND_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#include "expression.h"
#include "history.h"
#include "reach.h"
#include "table.h"

struct find_condition {
	const struct expression *where; /* NULL: every item counts */
	struct slice encoded_key;       /* one item alone; empty: all */
	uint64_t least, most;           /* bounds of the number */
	/* Called for every item and change that is looked at, with the change's number, 0 for items; NULL: nobody wants to know. */
	void (*tell)(void *context, uint64_t seq);
	void *context;
};

struct find_moment {
	uint64_t seq;
	int64_t time_us;
	bool holds;      /* from here on */
	uint64_t number; /* of items that count, then */
	bool is_there;   /* the one item is; of all items: true */
	/* By halving: the last state before it that is known not to hold; and how many instants in between can't be told of. When there are
	 * any, it may hold since one of them. */
	uint64_t before_seq, skipped;
};

/* Does it hold in the state after change `seq`? 1, 0, negative. Costs the items of the state, or one look for one item. Of one item the
 * expression is asked also when it is not there (expression.h); without one, it counts while it is there. */
int find_when_holds(struct store_txn *txn, const struct table *table, const struct find_condition *condition,
	uint64_t seq, uint64_t *ret_number, struct error *error);

/* The least state in (low, high] for which `test` says 1, given that it says 0 at low and 1 at high, by halving over instants with changes.
 * Also for conditions that are tested by running something. `test` returns 1, 0, 2 (can't tell this one: another near it is taken), or a
 * negative errno, which ends it and is returned. */
typedef int (*find_test)(void *context, uint64_t seq, int64_t time_us);
int find_when_first(struct store_txn *txn, uint32_t table, uint64_t low, uint64_t high, find_test test, void *context,
	struct find_moment *ret_moment, struct error *error);

/* Tells each instant between two states at which the condition begins or ends to hold, and first how it is at `low`; exact, at the cost of the
 * items at `low` and the changes after it (of one item: of its versions). A value other than 0 from `each` ends it and is returned. */
typedef int (*find_each)(void *context, const struct find_moment *moment);
int find_when_all(struct store_txn *txn, const struct table *table, const struct find_condition *condition,
	uint64_t low, uint64_t high, find_each each, void *context, struct error *error);

/* The end of the instant that the change belongs to: the last change with the same time. */
int find_when_settle(struct store_txn *txn, uint32_t table, uint64_t seq, struct log_entry *ret_entry);

#endif
