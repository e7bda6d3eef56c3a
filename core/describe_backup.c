#include "describe_backup.h"

#include <errno.h>

#include "backup.h"
#include "clock.h"
#include "describe.h"
#include "describe_parts.h"
#include "item_json.h"

static int render(struct map *map, int result, struct buffer *out)
{
	struct buffer item = BUFFER_INIT;
	int built = map_end(map, &item);
	if (result == 0)
		result = built;
	if (result == 0)
		result = buffer_error(&item);
	if (result == 0)
		result = item_to_json(buffer_slice(&item), ITEM_PLAIN, ITEM_COMPACT, NULL, out);
	buffer_free(&item);
	return result;
}

static void set_table_arn(struct map *map, const struct table *table)
{
	struct buffer arn = BUFFER_INIT;
	describe_arn(table, &arn);
	map_set_bytes(map, "TableArn", VALUE_S, buffer_slice(&arn));
	if (buffer_error(&arn) < 0)
		map->result = -ENOMEM;
	buffer_free(&arn);
}

/* --- backups --- */

/* AWS's times of backups are whole milliseconds, the same that stand in the ARN. */
static int64_t whole_ms(int64_t time_us)
{
	return time_us / 1000 * 1000;
}

static int set_details(struct map *map, struct store_txn *txn, const struct pin *pin, const char *status)
{
	char arn[BACKUP_ARN_MAX];
	int result = backup_arn(txn, pin, arn);
	if (result < 0)
		return result;
	map_set_text(map, "BackupArn", arn);
	map_set_text(map, "BackupName", pin->name);
	map_set_number(map, "BackupSizeBytes", (int64_t)pin->bytes);
	map_set_text(map, "BackupStatus", status ? status : "AVAILABLE");
	map_set_text(map, "BackupType", pin->kind == PIN_SYSTEM ? "SYSTEM" : "USER");
	map_set_time(map, "BackupCreationDateTime", whole_ms(pin->created_us));
	if (pin->expires_us)
		map_set_time(map, "BackupExpiryDateTime", whole_ms(pin->expires_us));
	return 0;
}

int describe_backup_details(struct store_txn *txn, const struct pin *pin, const char *status, struct buffer *out)
{
	struct map map = map_begin();
	int result = set_details(&map, txn, pin, status);
	return render(&map, result, out);
}

int describe_backup_summary(struct store_txn *txn, const struct pin *pin, struct buffer *out)
{
	struct table table;
	struct map map = map_begin();
	int result = set_details(&map, txn, pin, NULL);
	if (result == 0)
		result = backup_table(txn, pin, &table);
	if (result == 0) {
		map_set_text(&map, "TableName", table.name);
		map_set_text(&map, "TableId", table.id);
		set_table_arn(&map, &table);
		table_free(&table);
	}
	return render(&map, result, out);
}

/* Copies a member of the stored description as it is. */
static void copy(struct map *map, const struct table *table, const char *name)
{
	struct value value;
	if (item_attribute(buffer_slice(&table->description), slice_of_text(name), &value))
		map_set_whole(map, slice_of_text(name), value.whole);
}

static void set_throughput(struct map *map, const struct table *table)
{
	struct value value;
	if (item_attribute(buffer_slice(&table->description), slice_of_text("ProvisionedThroughput"), &value)) {
		map_set_whole(map, slice_of_text("ProvisionedThroughput"), value.whole);
		return;
	}
	struct map inner = map_begin();
	map_set_number(&inner, "ReadCapacityUnits", 0);
	map_set_number(&inner, "WriteCapacityUnits", 0);
	map_set_map(map, "ProvisionedThroughput", &inner);
}

static void set_source(struct map *map, const struct table *table, const struct pin *pin)
{
	struct map inner = map_begin();
	map_set_text(&inner, "TableName", table->name);
	map_set_text(&inner, "TableId", table->id);
	set_table_arn(&inner, table);
	map_set_number(&inner, "TableSizeBytes", (int64_t)pin->bytes);
	map_set_number(&inner, "ItemCount", (int64_t)pin->items);
	map_set_time(&inner, "TableCreationDateTime", table->created_us);
	copy(&inner, table, "KeySchema");
	copy(&inner, table, "BillingMode");
	copy(&inner, table, "OnDemandThroughput");
	set_throughput(&inner, table);
	map_set_map(map, "SourceTableDetails", &inner);
}

static void set_time_to_live(struct map *map, const struct table *table)
{
	struct slice setting;
	struct value name;
	bool is_on = item_map(buffer_slice(&table->description), "TimeToLive", &setting) &&
		     item_flag(setting, "Enabled") && item_attribute(setting, slice_of_text("AttributeName"), &name);
	map_set_text(map, "TimeToLiveStatus", is_on ? "ENABLED" : "DISABLED");
	if (is_on)
		map_set_whole(map, slice_of_text("AttributeName"), name.whole);
}

/* What was on, by AWS's names; the system's backups tell nothing of it. */
static void set_features(struct map *map, const struct table *table, const struct pin *pin)
{
	struct slice description = buffer_slice(&table->description), setting;
	struct value value;
	struct map inner = map_begin();
	if (pin->kind != PIN_SYSTEM) {
		copy(&inner, table, "GlobalSecondaryIndexes");
		copy(&inner, table, "LocalSecondaryIndexes");
		if (item_map(description, "StreamSpecification", &setting) && item_flag(setting, "StreamEnabled") &&
			item_attribute(description, slice_of_text("StreamSpecification"), &value))
			map_set_whole(&inner, slice_of_text("StreamDescription"), value.whole);
		if (item_map(description, "TimeToLive", &setting) && item_flag(setting, "Enabled")) {
			struct map time_to_live = map_begin();
			set_time_to_live(&time_to_live, table);
			map_set_map(&inner, "TimeToLiveDescription", &time_to_live);
		}
		if (item_attribute(description, slice_of_text("SSESpecification"), &value))
			describe_encryption(&inner, &value);
	}
	map_set_map(map, "SourceTableFeatureDetails", &inner);
}

int describe_backup(struct store_txn *txn, const struct pin *pin, const char *status, struct buffer *out)
{
	struct table table;
	struct map map = map_begin(), details = map_begin();
	int result = set_details(&details, txn, pin, status);
	map_set_map(&map, "BackupDetails", &details);
	if (result == 0)
		result = backup_table(txn, pin, &table);
	if (result == 0) {
		set_source(&map, &table, pin);
		set_features(&map, &table, pin);
		table_free(&table);
	}
	return render(&map, result, out);
}

/* --- windows --- */

static int set_recovery(struct map *map, struct store_txn *txn, const struct table *table, int64_t now_us)
{
	int64_t earliest_us = 0, latest_us = 0;
	map_set_text(map, "PointInTimeRecoveryStatus", table->is_pitr_on ? "ENABLED" : "DISABLED");
	if (!table->is_pitr_on)
		return 0;
	int result = table_window(txn, table, now_us, &earliest_us, &latest_us);
	if (result < 0)
		return result;
	if (table->period_days > 0)
		map_set_number(map, "RecoveryPeriodInDays", table->period_days);
	else
		map_set_text(map, "RecoveryPeriodInDays", "forever");
	map_set_time(map, "EarliestRestorableDateTime", earliest_us);
	map_set_time(map, "LatestRestorableDateTime", latest_us);
	return 0;
}

int describe_continuous_backups(
	struct history *history, struct store_txn *txn, const struct table *table, struct buffer *out)
{
	struct map map = map_begin(), recovery = map_begin();
	map_set_text(&map, "ContinuousBackupsStatus", "ENABLED");
	int result = set_recovery(&recovery, txn, table, history_now(history, txn));
	map_set_map(&map, "PointInTimeRecoveryDescription", &recovery);
	return render(&map, result, out);
}

/* --- restored tables --- */

int describe_restored_table(struct store_txn *txn, const struct table *table, struct buffer *out)
{
	struct snapshot live = snapshot_live(table->number);
	struct table creating = *table;
	struct restore_progress progress;
	struct map map = map_begin();
	creating.is_restoring = true;
	int result = describe_members(&map, txn, &creating, &live);
	if (result == 0)
		result = restore_progress(txn, table, &progress);
	if (result == 0)
		describe_restore_summary(&map, &progress);
	return render(&map, result == -ENOENT ? 0 : result, out);
}

/* --- settings --- */

int describe_time_to_live(const struct table *table, struct buffer *out)
{
	struct map map = map_begin();
	set_time_to_live(&map, table);
	return render(&map, 0, out);
}

static int append_tag(struct slice tag, struct buffer *out)
{
	struct value key, value;
	if (!item_attribute(tag, slice_of_text("Key"), &key) || !item_attribute(tag, slice_of_text("Value"), &value))
		return -EIO;
	buffer_append_text(out, "{\"Key\":");
	json_append_string(out, key.bytes);
	buffer_append_text(out, ",\"Value\":");
	json_append_string(out, value.bytes);
	buffer_append_byte(out, '}');
	return buffer_error(out);
}

int describe_tags(const struct table *table, struct buffer *out)
{
	struct value list, tag;
	int result = 0;
	buffer_append_byte(out, '[');
	if (item_attribute(buffer_slice(&table->description), slice_of_text("Tags"), &list) && list.tag == VALUE_L) {
		struct reader reader = reader_of(list.body);
		for (bool is_first = true; result == 0 && value_next(&list, &reader, NULL, &tag); is_first = false) {
			if (!is_first)
				buffer_append_byte(out, ',');
			result = append_tag(tag.whole, out);
		}
	}
	buffer_append_byte(out, ']');
	return result ? result : buffer_error(out);
}
