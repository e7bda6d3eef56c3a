/* What of a table's history can be told: the states of its window, and the changes between them. */
#ifndef PITR_REACH_H
#define PITR_REACH_H

#include <stdint.h>

#include "history.h"
#include "table.h"

/* States first_seq to last_seq can be shown; changes first_seq + 1 to last_seq can be told in full. A restored table's begin
 * with its base. Equal when nothing has changed in the window. */
struct reach {
	uint64_t first_seq, last_seq;
	int64_t earliest_us; /* the window's beginning */
};

/* Of a living table, or of one that has ended whose window is kept. -ENOENT: nothing is kept. Doesn't promise instants. */
int reach_of(struct history *history, struct store_txn *txn, const struct table *table, struct reach *ret_reach);

/* The first state of a window that begins then. Where the table itself begins, that is the one before its first change: an
 * imported table exists from the very instant of that. */
int reach_begin(struct store_txn *txn, const struct table *table, int64_t earliest_us, uint64_t *ret_first_seq);

#endif
