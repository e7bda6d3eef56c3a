/* Forgetting versions, node by node. */
#ifndef PITR_RETENTION_NODE_H
#define PITR_RETENTION_NODE_H

#include "lineage.h"
#include "pack.h"
#include "retention.h"
#include "retention_needs.h"

/* Where something is forgotten. */
struct retention_trim {
	struct store_txn *txn;
	uint32_t table;
	struct retention_needs needs;
	bool has_parent; /* what is inherited is hidden by what the table keeps */
	struct lineage lineage;
	struct retention_counts *counts; /* added to */
	struct buffer scratch;
	uint64_t work; /* done so far: records looked at, and pages of what was read */
};

/* Which versions of a pack (newest first) are needed: a bit for each place. `end`: the change that ended the newest. Removals are
 * always among them. */
unsigned retention_needed_versions(
	const struct retention_needs *needs, const struct version *versions, unsigned count, uint64_t end);
/* Was this node inherited? 1, 0, negative. */
int retention_is_inherited(const struct retention_trim *trim, uint64_t number);
/* A life of which only its removal, with change `seq`, is left: does that go as well? 1, 0, negative. */
int retention_may_forget_life(const struct retention_trim *trim, uint64_t number, uint64_t seq);

/* Changes `first` to `last` of a node have left the window: forgets the versions they ended and, when the last was a removal,
 * perhaps the node. */
int retention_trim_changes(
	struct retention_trim *trim, uint64_t number, uint64_t first, uint64_t last, bool is_removed);
/* Forgets what is not needed of the first pack at or behind this place in the table, and tells the place behind it. -ENOENT: there is
 * none. A place: a node, and in it the greatest oldest change a pack is to have. */
struct retention_place {
	uint64_t number, seq;
};
int retention_trim_pack(struct retention_trim *trim, struct retention_place *place);

#endif
