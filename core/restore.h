/* Restoring: a new table out of a past state of one.
 *
 * By sharing (the whole table at once, whatever its size: lineage.h), or by copying (items arrive one by one,
 * through the mount). A table that is being copied is in the catalogue with Restore.InProgress and its status is
 * CREATING; `struct table.is_restoring` tells. The change that completes it ends that in the same commit. Nobody but
 * the one who copies sees it at the root.
 *
 * Carried over, as at the instant: keys, attribute definitions, indexes, billing mode, throughput, encryption. Not: TTL,
 * tags, stream, PITR settings (the store's default holds), deletion protection, table class.
 *
 * META "r" table := varint expected items + 1 (0: none are expected); there is one for each table in progress.
 * In the description: Restore { Way "copy"|"share", SourceTable, SourceTableId, SourceTableNumber, InstantUs, SourceSeq?,
 *     BackupArn?, ExpectedItems?, Items? (when it ended), StartedUs, InProgress } */
#ifndef PITR_RESTORE_H
#define PITR_RESTORE_H

#include <stdbool.h>
#include <stdint.h>

#include "json.h"
#include "snapshot.h"
#include "table.h"

/* A state that can be restored. */
struct restore_source {
	struct table table;       /* with its settings as they were; owned */
	struct snapshot snapshot; /* snapshot.seq is never SEQ_MAX: "live" was resolved to the last change */
	uint64_t items, bytes;    /* of the state */
	char backup_arn[1024];    /* "": from a window */
};
void restore_source_free(struct restore_source *source);

/* From an instant of a table, as snapshot_resolve does; also TIME_NOW. In a batch's transaction only before the batch
 * has changed anything. -ENOENT with why: outside the window, or the table was still being restored then. */
int restore_source_at(struct history *history, struct store_txn *txn, const struct table *table,
	const struct instant *instant, struct restore_source *ret_source, struct error *error);
/* From a snapshot that stands already (a view, a backup). */
int restore_source_of(struct store_txn *txn, const struct table *table, const struct snapshot *snapshot,
	const char *backup_arn, struct restore_source *ret_source, struct error *error);

/* The whole table at once. `overrides` (may be NULL) has RestoreTable...'s members: BillingModeOverride,
 * ProvisionedThroughputOverride, OnDemandThroughputOverride, GlobalSecondaryIndexOverride, LocalSecondaryIndexOverride,
 * SSESpecificationOverride. After a failure the batch can only be aborted. -EEXIST (TableAlreadyExistsException "Table already exists: NAME"; TableInUseException
 * while its own restore is in progress), -EINVAL (ValidationException, texts as in AWS), -ESTALE: the state is gone. */
int restore_share(struct batch *batch, const struct restore_source *source, struct slice target,
	const struct json *overrides, const struct change_context *context, struct table *ret_table,
	struct error *error);

/* Begins a table to be copied into; nothing is expected yet. `like` (may be NULL: key `id`, S) gives keys and settings. */
int restore_begin(struct batch *batch, struct slice target, const struct table *like,
	const struct change_context *context, struct table *ret_table, struct error *error);
/* The keys become known from what is copied first. Only while the table has no item and expects nothing. */
int restore_set_keys(struct batch *batch, const struct table *table, const struct table *like,
	const struct change_context *context, struct error *error);
/* A snapshot's `.table.json` was copied in (a live table's too, which expects nothing): its settings, and its Snapshot member {Table, TableId, Instant, SequenceNumber,
 * Backup?} and ItemCount say what to expect. -EINVAL with why: other keys than the table's, which has items already. */
int restore_expect(struct batch *batch, const struct table *table, const struct json *document,
	const struct change_context *context, struct error *error);
/* Ends it as it is. Not in progress: nothing changes. */
int restore_accept(
	struct batch *batch, const struct table *table, const struct change_context *context, struct error *error);
/* Called by the batch before it commits, for each table it changed: ends a restore that has all it expects. One that expects
 * nothing ends when it is accepted; should what to expect come within an hour, it is in progress again. */
int restore_settle(struct batch *batch, uint32_t table, uint64_t items);

/* Data of a table in progress can't be used but by copying: -ENOENT, ResourceNotFoundException as AWS says it. */
int restore_check_usable(const struct table *table, struct error *error);

struct restore_progress {
	bool is_in_progress;
	bool is_shared;
	char source[256]; /* name of the source table; "": not known */
	char source_id[TABLE_ID_SIZE];
	uint32_t source_number; /* 0: not of this store, or not known */
	int64_t instant_us;     /* 0: not known */
	uint64_t seq;           /* of the source's last change in it, for several can share an instant; 0: not known */
	char backup_arn[1024];
	uint64_t items;   /* now; of one that has ended: when it did */
	int64_t expected; /* -1: nothing is */
	int64_t started_us;
};
/* How far a restored table is, or where it came from. -ENOENT: it was not restored. */
int restore_progress(struct store_txn *txn, const struct table *table, struct restore_progress *ret_progress);

/* Tables in progress, from *number on: 1 and the next, 0 at the end. */
int restore_next(struct store_txn *txn, uint32_t *number, struct table *ret_table);

/* The name of a table restored under a snapshot's own name, "@2025-03-01T12:30:00" (without the '@'):
 * restored-2025-03-01T12-30-00. Characters tables' names can't have become '-'. */
void restore_own_name(struct slice instant_text, struct buffer *out);

#endif
