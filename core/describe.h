/* Tables told as AWS tells them. All append to `out` and return 0 or a negative errno. */
#ifndef PITR_DESCRIBE_H
#define PITR_DESCRIBE_H

#include "snapshot.h"

/* The members of a TableDescription as a JSON object, two-space indent: TableName, KeySchema, AttributeDefinitions,
 * TableStatus, CreationDateTime, ItemCount, TableSizeBytes, TableArn, TableId, BillingModeSummary,
 * ProvisionedThroughput, DeletionProtectionEnabled, indexes, ... as of the snapshot. Dates: epoch seconds as numbers
 * on the wire, so here too. */
int describe_table(
	struct store_txn *txn, const struct table *table, const struct snapshot *snapshot, struct buffer *out);
/* The content of `.table.json`: the same object, with a PointInTimeRecoveryDescription member, and a newline. */
int describe_table_file(struct history *history, struct store_txn *txn, const struct table *table,
	const struct snapshot *snapshot, struct buffer *out);
/* arn:aws:dynamodb:local:000000000000:table/NAME */
void describe_arn(const struct table *table, struct buffer *out);

#endif
