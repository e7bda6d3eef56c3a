#include "describe.h"

#include <errno.h>

#include "backup.h"
#include "clock.h"
#include "describe_parts.h"
#include "item.h"
#include "item_json.h"
#include "restore_document.h"

#define ARN_START "arn:aws:dynamodb:local:000000000000:table/"

static bool text_is(struct slice text, const char *expected)
{
	return slice_equal(text, slice_of_text(expected));
}

/* Tables and indexes report their throughput in this shape; those on demand report zero. */
static void set_throughput(struct map *map, struct slice item)
{
	struct value given;
	struct map inner = map_begin();
	bool is_given = item_attribute(item, slice_of_text("ProvisionedThroughput"), &given) && given.tag == VALUE_M;
	map_set_number(&inner, "NumberOfDecreasesToday", 0);
	if (is_given) {
		map_copy_members(&inner, &given);
	} else {
		map_set_number(&inner, "ReadCapacityUnits", 0);
		map_set_number(&inner, "WriteCapacityUnits", 0);
	}
	map_set_map(map, "ProvisionedThroughput", &inner);
}

static void set_index(struct map *map, const struct table *table, const struct value *index, bool is_global)
{
	struct reader reader = reader_of(index->body);
	struct slice name;
	struct value member;
	struct buffer arn = BUFFER_INIT;
	describe_arn(table, &arn);
	buffer_append_text(&arn, "/index/");
	while (value_next(index, &reader, &name, &member)) {
		if (text_is(name, "ProvisionedThroughput"))
			continue;
		if (text_is(name, "IndexName"))
			buffer_append_slice(&arn, member.bytes);
		map_set_whole(map, name, member.whole);
	}
	if (buffer_error(&arn) < 0 || reader.is_bad)
		map->result = reader.is_bad ? -EIO : -ENOMEM;
	map_set_bytes(map, "IndexArn", VALUE_S, buffer_slice(&arn));
	if (is_global) {
		map_set_text(map, "IndexStatus", "ACTIVE");
		set_throughput(map, index->whole);
	}
	buffer_free(&arn);
}

static int append_indexes(
	struct value_builder *list, const struct table *table, const struct value *indexes, bool is_global)
{
	struct reader reader = reader_of(indexes->body);
	struct value index;
	while (value_next(indexes, &reader, NULL, &index)) {
		struct buffer *member = value_builder_member(list, slice_of(NULL, 0));
		if (!member)
			return -ENOMEM;
		struct map map = map_begin();
		set_index(&map, table, &index, is_global);
		int result = map_end(&map, member);
		if (result < 0)
			return result;
	}
	return reader.is_bad ? -EIO : 0;
}

static void set_indexes(
	struct map *map, const struct table *table, struct slice name, const struct value *indexes, bool is_global)
{
	struct value_builder *list;
	struct buffer whole = BUFFER_INIT;
	if (map->result < 0)
		return;
	map->result = value_builder_new(VALUE_L, &list);
	if (map->result < 0)
		return;
	map->result = append_indexes(list, table, indexes, is_global);
	if (map->result == 0) {
		int result = value_builder_finish(list, &whole, NULL);
		if (result == 0)
			result = buffer_error(&whole);
		if (result == 0)
			map_set_whole(map, name, buffer_slice(&whole));
		else
			map->result = result;
	}
	value_builder_free(list);
	buffer_free(&whole);
}

static void set_billing_mode(struct map *map, const struct value *mode)
{
	if (!text_is(mode->bytes, "PAY_PER_REQUEST"))
		return;
	struct map inner = map_begin();
	map_set_bytes(&inner, "BillingMode", VALUE_S, mode->bytes);
	map_set_map(map, "BillingModeSummary", &inner);
}

static void set_table_class(struct map *map, const struct value *class)
{
	struct map inner = map_begin();
	map_set_bytes(&inner, "TableClass", VALUE_S, class->bytes);
	map_set_map(map, "TableClassSummary", &inner);
}

void describe_encryption(struct map *map, const struct value *specification)
{
	struct value member;
	struct map inner;
	if (specification->tag != VALUE_M || !item_attribute(specification->whole, slice_of_text("Enabled"), &member) ||
		member.tag != VALUE_TRUE)
		return;
	inner = map_begin();
	map_set_text(&inner, "Status", "ENABLED");
	map_set_text(&inner, "SSEType", "KMS");
	if (item_attribute(specification->whole, slice_of_text("KMSMasterKeyId"), &member))
		map_set_bytes(&inner, "KMSMasterKeyArn", VALUE_S, member.bytes);
	map_set_map(map, "SSEDescription", &inner);
}

/* Computed here, or none of AWS's. */
static bool is_left_out(struct slice name)
{
	static const char *const names[] = { "TableNumber", "CreatedUs", "ExistsFromUs", "KeysFrom",
		"PointInTimeRecovery", "Tags", "TimeToLive", "TableId", "ProvisionedThroughput", "CreationDateTime",
		"ItemCount", "TableSizeBytes", "TableArn", "Restore" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (text_is(name, names[i]))
			return true;
	return false;
}

static void set_stored_member(struct map *map, const struct table *table, struct slice name, const struct value *member)
{
	if (is_left_out(name))
		return;
	if (text_is(name, "BillingMode"))
		set_billing_mode(map, member);
	else if (text_is(name, "TableClass"))
		set_table_class(map, member);
	else if (text_is(name, "SSESpecification"))
		describe_encryption(map, member);
	else if (text_is(name, "GlobalSecondaryIndexes"))
		set_indexes(map, table, name, member, true);
	else if (text_is(name, "LocalSecondaryIndexes"))
		set_indexes(map, table, name, member, false);
	else
		map_set_whole(map, name, member->whole);
}

static void set_stored(struct map *map, const struct table *table)
{
	struct slice description = buffer_slice(&table->description);
	struct reader reader = reader_of(description);
	struct slice name;
	struct value whole, member;
	if (!value_read(&reader, &whole)) {
		map->result = -EIO;
		return;
	}
	reader = reader_of(whole.body);
	while (value_next(&whole, &reader, &name, &member))
		set_stored_member(map, table, name, &member);
	if (reader.is_bad)
		map->result = -EIO;
	if (!item_attribute(description, slice_of_text("TableStatus"), &member))
		map_set_text(map, "TableStatus", table->is_restoring ? "CREATING" : "ACTIVE");
	if (!item_attribute(description, slice_of_text("DeletionProtectionEnabled"), &member))
		map_set_flag(map, "DeletionProtectionEnabled", false);
	set_throughput(map, description);
}

static int set_computed(
	struct map *map, struct store_txn *txn, const struct table *table, const struct snapshot *snapshot)
{
	struct buffer arn = BUFFER_INIT;
	uint64_t items, bytes;
	int result = snapshot_statistics(txn, snapshot, &items, &bytes);
	if (result < 0)
		return result;
	describe_arn(table, &arn);
	result = buffer_error(&arn);
	map_set_bytes(map, "TableArn", VALUE_S, buffer_slice(&arn));
	buffer_free(&arn);
	map_set_text(map, "TableId", table->id);
	map_set_time(map, "CreationDateTime", table->created_us);
	map_set_number(map, "ItemCount", (int64_t)items);
	map_set_number(map, "TableSizeBytes", (int64_t)bytes);
	return result;
}

int describe_members(struct map *map, struct store_txn *txn, const struct table *table, const struct snapshot *snapshot)
{
	set_stored(map, table);
	return set_computed(map, txn, table, snapshot);
}

static int render(struct map *map, int result, struct buffer *out)
{
	struct item_order order = { slice_of_text("TableName"), { NULL, 0 } };
	struct buffer item = BUFFER_INIT;
	int built = map_end(map, &item);
	if (result == 0)
		result = built;
	if (result == 0)
		result = buffer_error(&item);
	if (result == 0)
		result = item_to_json(buffer_slice(&item), ITEM_PLAIN, ITEM_PRETTY, &order, out);
	buffer_free(&item);
	return result;
}

/* --- where it came from --- */

static void set_arn(struct map *map, const char *name, const char *table)
{
	struct buffer arn = BUFFER_INIT;
	buffer_append_text(&arn, ARN_START);
	buffer_append_text(&arn, table);
	if (buffer_error(&arn) < 0)
		map->result = -ENOMEM;
	else
		map_set_bytes(map, name, VALUE_S, buffer_slice(&arn));
	buffer_free(&arn);
}

/* As AWS tells it, while it lasts. */
void describe_restore_summary(struct map *map, const struct restore_progress *progress)
{
	struct map inner = map_begin();
	if (progress->backup_arn[0])
		map_set_text(&inner, "SourceBackupArn", progress->backup_arn);
	if (progress->source[0])
		set_arn(&inner, "SourceTableArn", progress->source);
	map_set_time(&inner, "RestoreDateTime", progress->instant_us ? progress->instant_us : progress->started_us);
	map_set_flag(&inner, "RestoreInProgress", true);
	map_set_map(map, "RestoreSummary", &inner);
}

static void set_instant(struct map *map, const char *name, int64_t time_us)
{
	char text[INSTANT_TEXT_MAX];
	instant_format_z(time_us, text, sizeof(text));
	map_set_text(map, name, text);
}

/* More than AWS tells, and for good. */
static void set_restore(struct map *map, const struct restore_progress *progress)
{
	struct map inner = map_begin();
	map_set_text(&inner, "Way", progress->is_shared ? "share" : "copy");
	map_set_flag(&inner, "InProgress", progress->is_in_progress);
	if (progress->source[0])
		map_set_text(&inner, "SourceTable", progress->source);
	if (progress->source_id[0])
		map_set_text(&inner, "SourceTableId", progress->source_id);
	if (progress->backup_arn[0])
		map_set_text(&inner, "SourceBackupArn", progress->backup_arn);
	if (progress->instant_us)
		set_instant(&inner, "Instant", progress->instant_us);
	set_instant(&inner, "Started", progress->started_us);
	map_set_number(&inner, progress->is_shared ? "Items" : "ItemsCopied", (int64_t)progress->items);
	if (!progress->is_shared && progress->expected >= 0)
		map_set_number(&inner, "ItemsExpected", progress->expected);
	map_set_map(map, "Restore", &inner);
}

/* What is copied counts as of the snapshot. */
static int set_origin(struct map *map, struct store_txn *txn, const struct table *table,
	const struct snapshot *snapshot, bool is_file)
{
	struct restore_progress progress;
	uint64_t bytes;
	int result = restore_record_read(buffer_slice(&table->description), &progress);
	if (result == -ENOENT)
		return 0;
	if (result == 0 && progress.is_in_progress) {
		result = snapshot_statistics(txn, snapshot, &progress.items, &bytes);
		describe_restore_summary(map, &progress);
	}
	if (is_file)
		set_restore(map, &progress);
	return result;
}

/* Which state it is: what a copy of this document makes its copy expect (restore.h). */
static int set_snapshot(
	struct map *map, struct store_txn *txn, const struct table *table, const struct snapshot *snapshot)
{
	struct map inner = map_begin();
	struct pin pin;
	char arn[BACKUP_ARN_MAX];
	int result = backup_of_snapshot(txn, snapshot, &pin);
	if (result == 0)
		result = backup_arn(txn, &pin, arn);
	if (result == 0)
		map_set_text(&inner, "Backup", arn);
	map_set_text(&inner, "Table", table->name);
	map_set_text(&inner, "TableId", table->id);
	set_instant(&inner, "Instant", snapshot->time_us);
	map_set_number(&inner, "SequenceNumber", (int64_t)snapshot->seq);
	map_set_map(map, "Snapshot", &inner);
	return result == -ENOENT ? 0 : result;
}

int describe_table(
	struct store_txn *txn, const struct table *table, const struct snapshot *snapshot, struct buffer *out)
{
	struct map map = map_begin();
	int result = describe_members(&map, txn, table, snapshot);
	if (result == 0)
		result = set_origin(&map, txn, table, snapshot, false);
	return render(&map, result, out);
}

static int64_t whole_second(int64_t time_us)
{
	return time_us / SECOND_US * SECOND_US;
}

/* What moves with the clock is told in whole seconds within the window, so that the text keeps its length. */
static int set_recovery(struct map *map, struct store_txn *txn, const struct table *table, int64_t now_us)
{
	struct map inner = map_begin();
	int64_t earliest_us = 0, latest_us = 0;
	int result = 0;
	map_set_text(&inner, "PointInTimeRecoveryStatus", table->is_pitr_on ? "ENABLED" : "DISABLED");
	if (table->is_pitr_on) {
		result = table_window(txn, table, now_us, &earliest_us, &latest_us);
		if (table->period_days > 0)
			map_set_number(&inner, "RecoveryPeriodInDays", table->period_days);
		else
			map_set_text(&inner, "RecoveryPeriodInDays", "forever");
		if (table->period_days > 0 && earliest_us == now_us - table->period_days * DAY_US)
			earliest_us = whole_second(earliest_us + SECOND_US - 1);
		latest_us = whole_second(latest_us) > earliest_us ? whole_second(latest_us) : earliest_us;
		map_set_time(&inner, "EarliestRestorableDateTime", earliest_us);
		map_set_time(&inner, "LatestRestorableDateTime", latest_us);
	}
	map_set_map(map, "PointInTimeRecoveryDescription", &inner);
	return result;
}

int describe_table_file(struct history *history, struct store_txn *txn, const struct table *table,
	const struct snapshot *snapshot, struct buffer *out)
{
	bool is_live = snapshot->time_us == TIME_NOW;
	int64_t now_us = is_live ? history_now(history, txn) : snapshot->time_us;
	struct map map = map_begin();
	int result = describe_members(&map, txn, table, snapshot);
	if (result == 0)
		result = set_recovery(&map, txn, table, now_us);
	if (result == 0)
		result = set_origin(&map, txn, table, snapshot, true);
	if (result == 0 && !is_live)
		result = set_snapshot(&map, txn, table, snapshot);
	return render(&map, result, out);
}

void describe_arn(const struct table *table, struct buffer *out)
{
	buffer_append_text(out, ARN_START);
	buffer_append_text(out, table->name);
}
