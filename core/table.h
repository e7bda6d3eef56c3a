/* Tables and their descriptions.
 *
 * The catalogue is itself a table, number 0, with key TableName: each table is an item in it, so that a table's
 * settings, its beginning and its end are history like everything else. The node number of that item is the table's
 * number, and a new table of the same name is another node, hence another table.
 *
 * A description is a canonical item in the shape AWS gives a table (KeySchema, AttributeDefinitions, BillingMode, ...)
 * plus TableNumber, CreatedUs, ExistsFromUs, KeysFrom (when its keys were changed), PointInTimeRecovery {Enabled, PeriodDays (0: forever), SinceUs} and, when it was
 * restored, Restore (restore.h). Statistics are not part of it (see table_statistics). A table that was imported exists from its first change on: its ExistsFromUs
 * lies before the catalogue's own record of it, and the "backdated" index finds it there. */
#ifndef PITR_TABLE_H
#define PITR_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "batch.h"
#include "history.h"
#include "json.h"
#include "key.h"

#define CATALOGUE 0u
#define TABLE_ID_SIZE 37
#define TIME_NOW INT64_MAX /* as an instant: the live state */

struct table {
	uint32_t number;
	char name[256];
	char id[TABLE_ID_SIZE]; /* TableId, a UUID for each table that ever was */
	struct key_schema schema;
	uint64_t keys_from; /* the first change told by this schema: those before it had other keys (table_keys_at) */
	int64_t created_us, exists_from_us;
	bool is_pitr_on;
	int period_days;           /* 0: forever */
	int64_t window_since_us;   /* the window begins here at the earliest, whatever the period; 0: anywhere */
	bool is_restoring;         /* being copied into (restore.h): stands only in restore/ */
	bool is_protected;         /* DeletionProtectionEnabled */
	struct buffer description; /* canonical item */
};
void table_free(struct table *table); /* releases the description; not the struct */
int table_copy(const struct table *from, struct table *ret_to);

/* The table of that name as of `time_us` (TIME_NOW: live), with its settings as they were then. -ENOENT with
 * ResourceNotFoundException and a message that tells whether the name was ever in use. */
int table_find(struct store_txn *txn, struct slice name, int64_t time_us, struct table *ret_table, struct error *error);
/* The same by number. -ENOENT when it did not exist then. */
int table_load(struct store_txn *txn, uint32_t number, int64_t time_us, struct table *ret_table);
/* The same as it was last: live, or when it ended. -ENOENT: there never was such a table. */
int table_load_last(struct store_txn *txn, uint32_t number, struct table *ret_table);
/* The keys that change `seq` of a table is told by, and which changes have the same: *ret_from <= seq < *ret_end. */
int table_keys_at(struct store_txn *txn, uint32_t number, uint64_t seq, struct key_schema *ret_schema,
	uint64_t *ret_from, uint64_t *ret_end);
/* The catalogue as a table. */
void table_catalogue(struct table *ret_table);

/* Lists tables as of an instant, from place 0 on: 1 and the next table (and *place moved on), 0 at the end, negative.
 * Order: by number; in the past, imported tables that the catalogue did not know yet come last. */
int table_list(struct store_txn *txn, int64_t time_us, uint64_t *place, struct table *ret_table);

struct table_statistics {
	uint64_t items, bytes;     /* live, size as DynamoDB counts it */
	uint64_t seq;              /* number of the last change; 0 none yet */
	int64_t first_us, last_us; /* times of the first and last change; 0 none yet */
};
int table_statistics(struct store_txn *txn, uint32_t number, struct table_statistics *ret_statistics);

/* Where its settings alone let a living table's window begin. */
int64_t table_window_begin(const struct table *table, int64_t now_us);
/* The window of instants that can be asked for: from the latest of its beginning, what its settings' changes have left
 * (window_since_us) and now - period, to now. A hold on the whole table keeps its beginning where it was. Of a table that has ended:
 * what its system backup keeps (backup.h); -ENOENT when that is nothing. */
int table_window(struct store_txn *txn, const struct table *table, int64_t now_us, int64_t *ret_earliest_us,
	int64_t *ret_latest_us);

/* --- changing --- */

/* Makes a table from a request in the shape of CreateTable's (TableName, KeySchema, AttributeDefinitions,
 * BillingMode, ...;
 * also PointInTimeRecoverySpecification {PointInTimeRecoveryEnabled, RecoveryPeriodInDays}). exists_from_us 0:
 * from now.
 * -EINVAL (ValidationException), -EEXIST (ResourceInUseException: "Table already exists: orders"). */
int table_create(struct batch *batch, const struct json *request, const struct change_context *context,
	int64_t exists_from_us, struct table *ret_table, struct error *error);
/* The request that `mkdir` means: key `id` (S), on demand. */
int table_create_default(struct batch *batch, struct slice name, const struct change_context *context,
	struct table *ret_table, struct error *error);
/* Changes settings from a document in the shape of DescribeTable's "Table" (unknown and computed members are ignored);
 * keys only while the table has no item. A setting that is null is taken away. Nothing changed: no version. -EINVAL with
 * what and why. */
int table_update(struct batch *batch, const struct table *table, const struct json *document,
	const struct change_context *context, struct error *error);
/* Turns PITR on or off, or changes its period (0: forever): what UpdateContinuousBackups does. On again begins a new window;
 * a shorter period forgets at once, a longer one grows from what there is. */
int table_set_recovery(struct batch *batch, const struct table *table, bool is_on, int period_days,
	const struct change_context *context, struct error *error);
/* What new tables get, unless their request says otherwise: on, 35 days, until somebody sets it. META "d". */
struct table_defaults {
	bool is_pitr_on;
	int period_days;
};
int table_defaults(struct store_txn *txn, struct table_defaults *ret_defaults);
int table_set_defaults(struct batch *batch, const struct table_defaults *defaults);

/* Ends a table. -EPERM when protected (ValidationException) or held (hold.h). Its window is kept for 35 days (backup.h). */
int table_drop(
	struct batch *batch, const struct table *table, const struct change_context *context, struct error *error);

#endif
