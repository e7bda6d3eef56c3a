/* Building a past state from the change log alone, and comparing it with a table that claims to be that state.
 *
 * Begins with the oldest state that is whole (the empty table, what retention has left, or what a restored table
 * began with), takes every change after it in turn, and holds what comes out against the copy: item for item, and the number and
 * size of the items. On the way the log is held against itself: what is inserted was not there, what is changed or removed
 * was, each change has its version. Nothing of a past listing or look-up is used for the source. */
#ifndef PITR_REPLAY_H
#define PITR_REPLAY_H

#include <stdint.h>

#include "compare.h"

struct replay_counts {
	uint64_t from_seq;              /* the state it began with */
	uint64_t changes;               /* replayed */
	uint64_t faults;                /* where the log contradicts itself, or the versions, or the totals */
	struct compare_counts compared; /* what was replayed is the first, the copy the second */
};

/* 0 also when they differ. -ESTALE: the state after `seq` is not whole any more. Memory is bounded: temporary files take what is
 * more. */
int replay_compare(struct history *history, struct store_txn *txn, const struct table *source, uint64_t seq,
	const struct snapshot *copy, compare_each each, void *context, struct replay_counts *ret_counts,
	struct error *error);

#endif
