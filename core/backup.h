/* On-demand backups, and what is kept of deleted tables: named pins (pin.h), told as AWS tells them.
 *
 * BackupArn: TABLE-ARN/backup/<14 digits of the creation's epoch milliseconds>-<8 hex digits>, which are the pin's number for
 * backups on demand and 00000000 for the system's (reference: dynamodb.md 0.1). */
#ifndef PITR_BACKUP_H
#define PITR_BACKUP_H

#include "batch.h"
#include "pin.h"
#include "restore.h"
#include "table.h"

#define BACKUP_ARN_MAX 1024
#define BACKUP_SYSTEM_DAYS 35

/* A backup of the live table, or of a snapshot of it. Names are not unique. -EINVAL (ValidationException): the name;
 * -ESTALE. */
int backup_create(struct batch *batch, const struct table *table, const struct snapshot *snapshot, struct slice name,
	const struct change_context *context, struct pin *ret_pin, struct error *error);
/* -EPERM for the system's: ValidationException with AWS's text. */
int backup_delete(struct batch *batch, const struct pin *pin, struct error *error);
/* Called by table_drop before the table ends: the window as it is then is kept for 35 days, when the table keeps
 * history. The pin is a range from the window's first change on: time_us is the window's beginning, created_us the table's
 * end, items and bytes those of the end. */
int backup_of_dropped(struct batch *batch, const struct table *table, int64_t end_us);

/* The pin's table as it was at the pin, though it may be gone by now. */
int backup_table(struct store_txn *txn, const struct pin *pin, struct table *ret_table);
int backup_source(struct store_txn *txn, const struct pin *pin, struct restore_source *ret_source, struct error *error);

/* The state a backup is shown and restored as: of a deleted table, the last before its end. */
int backup_snapshot(struct store_txn *txn, const struct pin *pin, struct snapshot *ret_snapshot);

/* The newest backup of just this state, taken at just this instant. -ENOENT: none. */
int backup_of_snapshot(struct store_txn *txn, const struct snapshot *snapshot, struct pin *ret_pin);

/* Walks backups, the system's too: of a table; with table UINT32_MAX of every table that ever had the name; with an empty
 * name of all. Start with a zeroed *place. 1 and the next, by table and change; 0 at the end; negative. */
int backup_next(
	struct store_txn *txn, uint32_t table, struct slice table_name, struct pin_place *place, struct pin *ret_pin);
/* The first name, in order of bytes, after this one ("": the first of all) of a table that has backups, though it may be
 * gone by now. 1, 0 at the end, negative. */
int backup_next_table_name(struct store_txn *txn, struct slice after, char ret_name[256]);

/* BackupNotFoundException "Backup not found: ARN"; ValidationException "Invalid Backup ARN". */
int backup_find_arn(struct store_txn *txn, struct slice arn, struct pin *ret_pin, struct error *error);
/* By the name a backup's directory has (below). table UINT32_MAX with `table_name`: of any table that had that name. */
int backup_find_name(
	struct store_txn *txn, uint32_t table, struct slice table_name, struct slice name, struct pin *ret_pin);
/* The name of a backup's directory: its name; for all but the newest of one name, name~<id of the ARN>. The longer form finds
 * the newest, too. Tables that had one name share a directory of backups at the root, so names are told apart over all
 * of them. */
int backup_directory_name(struct store_txn *txn, const struct pin *pin, struct buffer *out);
/* The text of an ARN, NUL-terminated. */
int backup_arn(struct store_txn *txn, const struct pin *pin, char ret_arn[BACKUP_ARN_MAX]);

#endif
