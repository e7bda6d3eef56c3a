/* Backups, windows and restores told as AWS tells them. All append one JSON value, compact and without a newline, and
 * return 0 or a negative errno. Dates are epoch seconds, as on the wire. */
#ifndef PITR_DESCRIBE_BACKUP_H
#define PITR_DESCRIBE_BACKUP_H

#include "bytes.h"
#include "history.h"
#include "pin.h"
#include "table.h"

/* BackupDetails: BackupArn, BackupName, BackupSizeBytes, BackupStatus, BackupType, BackupCreationDateTime, and
 * BackupExpiryDateTime of the system's. `status` NULL: AVAILABLE; CREATING and DELETED are told only by the calls that
 * create and delete. */
int describe_backup_details(struct store_txn *txn, const struct pin *pin, const char *status, struct buffer *out);
/* BackupSummary: the same with TableName, TableId and TableArn. */
int describe_backup_summary(struct store_txn *txn, const struct pin *pin, struct buffer *out);
/* BackupDescription: BackupDetails, SourceTableDetails and SourceTableFeatureDetails, the table as it was then. */
int describe_backup(struct store_txn *txn, const struct pin *pin, const char *status, struct buffer *out);

/* ContinuousBackupsDescription of a live table. */
int describe_continuous_backups(
	struct history *history, struct store_txn *txn, const struct table *table, struct buffer *out);

/* TableDescription as the calls that restore answer: CREATING, with a RestoreSummary in progress, also of a table that was
 * whole at once. */
int describe_restored_table(struct store_txn *txn, const struct table *table, struct buffer *out);

/* TimeToLiveDescription. */
int describe_time_to_live(const struct table *table, struct buffer *out);
/* Tags: a list of {Key, Value}. */
int describe_tags(const struct table *table, struct buffer *out);

#endif
