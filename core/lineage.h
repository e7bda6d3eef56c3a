/* Restored tables that share their source's history.
 *
 * Such a table begins as its source was after one change of it, the base, and has nothing of its own: what is not
 * found under its number is looked for in its parent, as of the base, and so on up the chain. Its change numbers and node
 * numbers go on after its parent's, so that one number means one thing in the whole chain. What it changes is written
 * under its own number: a new version of an inherited node opens a new pack; a death in an inherited roster block
 * copies that block first, without the deaths after the base. The parent's log is not inherited: a restored table's
 * history begins when it was made.
 *
 * Invariants: base < every change number of the child. A child pins its parent at the base (pin.h) for as long as anything of
 * the child is left. What a child keeps to hide something inherited (a removal, a dead slot) is never dropped while it is inherited.
 *
 * META "l" table := varint parent | varint base | varint items | varint bytes | varint base time */
#ifndef PITR_LINEAGE_H
#define PITR_LINEAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"

struct lineage {
	uint32_t parent;
	uint64_t base;         /* change number of the parent; also the child's state before its first change */
	uint64_t items, bytes; /* of the table at the base */
	int64_t time_us;       /* the instant that was restored */
};

/* Where a table's history goes on. -ENOENT: nowhere, it is all its own. */
int lineage_read(struct store_txn *txn, uint32_t table, struct lineage *ret_lineage);
/* One step up the chain: the table and the change number where a miss is looked for next. -ENOENT: at its end. */
int lineage_up(struct store_txn *txn, uint32_t *table, uint64_t *seq);
/* Makes `child`, which has no change yet, a continuation of its parent; sets its counters. A parent that is continued at
 * its own base is passed over, so that restores of restores don't grow the chain for nothing: who pins the parent
 * asks lineage_read which it is. -EINVAL: the child has changes, or the parent had no such change yet. */
int lineage_begin(struct store_txn *txn, uint32_t child, const struct lineage *lineage);
/* Forgets it, with the last of the child's records. */
int lineage_end(struct store_txn *txn, uint32_t child);

/* A table's chain, read as far as it was needed, for who looks there again and again within one transaction. */
#define LINEAGE_STEPS 6
struct lineage_path {
	struct store_txn *txn;
	unsigned known;
	bool is_whole; /* nothing follows what is known */
	struct {
		uint32_t table;
		uint64_t limit; /* what is found there counts as of this change at most */
	} steps[LINEAGE_STEPS];
};
struct lineage_path lineage_path(struct store_txn *txn, uint32_t table);
/* Its i-th table: 0 is the table itself, with limit SEQ_MAX. -ENOENT: the chain is shorter. */
int lineage_step(struct lineage_path *path, unsigned i, uint32_t *ret_table, uint64_t *ret_limit);

#endif
