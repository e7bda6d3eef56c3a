/* Where a table's chain (chain.h) stood after a change.
 *
 * Known without reading any change: the chain's beginning (0, or the base of a restored table), the head before each block of the
 * log, the head after the last change in the table's counters, and, once retention has dropped the first changes' states, the
 * anchor: the head after the floor. From there the lines of the changes between are made again. */
#ifndef PITR_CHANGE_CHAIN_H
#define PITR_CHANGE_CHAIN_H

#include "chain.h"
#include "store.h"
#include "table.h"

struct chain_anchor {
	uint64_t seq; /* the table's floor: of the changes after it every line can be made */
	bool is_known;
	struct chain head; /* after change `seq` */
};

/* The anchor of a table as it stands. -ENOENT: no state of it is left but pinned ones; then its last head is in its counters. */
int chain_anchor_read(struct store_txn *txn, const struct table *table, struct chain_anchor *ret_anchor);

/* The head after change `seq`. -ESTALE: it lies below the floor; -ENOENT: there is no such change yet; -EIO: what it takes is damaged. */
int chain_head_at(struct store_txn *txn, const struct table *table, uint64_t seq, struct chain *ret_head);
/* The same, beginning at an anchor that is not stored yet. */
int chain_head_from(struct store_txn *txn, const struct table *table, const struct chain_anchor *anchor, uint64_t seq,
	struct chain *ret_head);

/* Adds the lines of the changes after `from` up to `to`, which must be there. */
int chain_add_changes(
	struct store_txn *txn, const struct table *table, uint64_t from, uint64_t to, struct chain *chain);

#endif
