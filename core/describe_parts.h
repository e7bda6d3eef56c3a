/* What the parts of describing share among themselves. */
#ifndef PITR_DESCRIBE_PARTS_H
#define PITR_DESCRIBE_PARTS_H

#include "item_map.h"
#include "restore.h"

/* The members of a TableDescription as of the snapshot, without its RestoreSummary. */
int describe_members(
	struct map *map, struct store_txn *txn, const struct table *table, const struct snapshot *snapshot);
/* RestoreSummary: of a restore in progress. */
void describe_restore_summary(struct map *map, const struct restore_progress *progress);
/* SSEDescription, when a stored SSESpecification says that there is something to tell. */
void describe_encryption(struct map *map, const struct value *specification);

#endif
