#include "snapshot.h"

#include <errno.h>
#include <string.h>

#include "layout.h"
#include "name.h"

struct snapshot snapshot_live(uint32_t table)
{
	return (struct snapshot){ .table = table, .seq = SEQ_MAX, .time_us = TIME_NOW };
}

static int outside(
	const struct table *table, int64_t time_us, int64_t earliest_us, int64_t latest_us, struct error *error)
{
	char asked[INSTANT_TEXT_MAX], earliest[INSTANT_TEXT_MAX], latest[INSTANT_TEXT_MAX];
	instant_format_z(time_us, asked, sizeof(asked));
	instant_format_z(earliest_us, earliest, sizeof(earliest));
	instant_format_z(latest_us, latest, sizeof(latest));
	return error_set(error, -ENOENT, "%s at %s: %s; it can be seen from %s to %s", table->name, asked,
		time_us > latest_us ? "that is in the future" : "that is before its window", earliest, latest);
}

static int seq_at(struct store_txn *txn, const struct table *table, int64_t time_us, uint64_t *ret_seq)
{
	struct log_entry entry;
	int r = log_at_time(txn, table->number, time_us, &entry);
	*ret_seq = r ? 0 : entry.seq;
	return r == -ENOENT ? 0 : r;
}

static int resolve_seq(
	struct store_txn *txn, const struct table *table, uint64_t seq, struct snapshot *snapshot, struct error *error)
{
	struct log_entry entry;
	int r = log_get(txn, table->number, seq, &entry);
	if (r == -ENOENT) {
		struct table_statistics statistics = { 0 };
		table_statistics(txn, table->number, &statistics);
		return error_set(error, r, "%s has no change number %llu; its changes are 1 to %llu", table->name,
			(unsigned long long)seq, (unsigned long long)statistics.seq);
	}
	snapshot->seq = seq;
	snapshot->time_us = entry.time_us;
	return r;
}

static int resolve_latest(struct store_txn *txn, const struct table *table, struct snapshot *snapshot)
{
	struct table_statistics statistics;
	int r = table_statistics(txn, table->number, &statistics);
	snapshot->seq = statistics.seq;
	snapshot->time_us = statistics.seq ? statistics.last_us : table->exists_from_us;
	return r;
}

static int64_t time_of(const struct instant *instant, int64_t now_us, int64_t earliest_us)
{
	if (instant->kind == INSTANT_BEFORE_NOW)
		return now_us - instant->time_us;
	return instant->kind == INSTANT_EARLIEST ? earliest_us : instant->time_us;
}

int snapshot_resolve(struct history *history, struct store_txn *txn, const struct table *table,
	const struct instant *instant, struct snapshot *ret_snapshot, struct error *error)
{
	int64_t now = history_now(history, txn), earliest, latest;
	int r = table_window(txn, table, now, &earliest, &latest);
	if (r)
		return error_set(error, r, "%s: %s", table->name, strerror(-r));
	struct snapshot snapshot = { .table = table->number };
	if (instant->kind == INSTANT_SEQ) {
		r = resolve_seq(txn, table, instant->seq, &snapshot, error);
	} else if (instant->kind == INSTANT_LATEST) {
		r = resolve_latest(txn, table, &snapshot);
		earliest = snapshot.time_us < earliest ? snapshot.time_us : earliest;
	} else {
		snapshot.time_us = time_of(instant, now, earliest);
	}
	if (r)
		return r == -ENOENT ? r : error_set(error, r, "%s: %s", table->name, strerror(-r));
	if (snapshot.time_us < earliest || snapshot.time_us > latest)
		return outside(table, snapshot.time_us, earliest, latest, error);
	history_serve(history, snapshot.time_us);
	if (instant->kind != INSTANT_SEQ && instant->kind != INSTANT_LATEST) {
		r = history_settle(history, txn, snapshot.time_us);
		if (!r)
			r = seq_at(txn, table, snapshot.time_us, &snapshot.seq);
		if (r)
			return error_set(error, r, "%s: %s", table->name, strerror(-r));
	}
	*ret_snapshot = snapshot;
	return 0;
}

/* When the first of the live tables began. */
static int store_earliest(struct store_txn *txn, int64_t *ret_time_us)
{
	uint64_t place = 0;
	struct table table;
	int r;
	*ret_time_us = INT64_MAX;
	while ((r = table_list(txn, TIME_NOW, &place, &table)) == 1) {
		if (table.exists_from_us < *ret_time_us)
			*ret_time_us = table.exists_from_us;
		table_free(&table);
	}
	return r;
}

int snapshot_resolve_store(struct history *history, struct store_txn *txn, const struct instant *instant,
	int64_t *ret_time_us, struct error *error)
{
	int64_t now = history_now(history, txn), time = 0, earliest = 0;
	char asked[INSTANT_TEXT_MAX], latest[INSTANT_TEXT_MAX];
	int r = 0;
	if (instant->kind == INSTANT_SEQ)
		return error_set(error, -ENOENT, "change numbers belong to tables: use TABLE/@seq-%llu",
			(unsigned long long)instant->seq);
	if (instant->kind == INSTANT_EARLIEST)
		r = store_earliest(txn, &earliest);
	time = time_of(instant, now, earliest);
	if (!r && instant->kind == INSTANT_LATEST)
		r = history_last_commit(txn, &time);
	if (r)
		return error_set(error, r, "resolve an instant: %s", strerror(-r));
	if (time > now || time < 0) {
		instant_format_z(time == INT64_MAX ? now : time < 0 ? 0 : time, asked, sizeof(asked));
		instant_format_z(now, latest, sizeof(latest));
		return error_set(error, -ENOENT, "the store at %s: %s", asked,
			time == INT64_MAX ? "it has no tables"
			: time < 0        ? "that is before 1970"
					  : "that is in the future");
	}
	history_serve(history, time);
	r = history_settle(history, txn, time);
	if (r)
		return error_set(error, r, "resolve an instant: %s", strerror(-r));
	*ret_time_us = time;
	return 0;
}

static int if_alive(int r, const struct node *node)
{
	return r ? r : node->version.is_removal ? -ENOENT : 0;
}

int snapshot_find(
	struct store_txn *txn, const struct snapshot *snapshot, struct slice encoded_key, struct node *ret_node)
{
	return if_alive(node_find(txn, snapshot->table, encoded_key, snapshot->seq, ret_node, NULL), ret_node);
}

int snapshot_node(struct store_txn *txn, const struct snapshot *snapshot, uint64_t number, struct node *ret_node)
{
	return if_alive(node_read(txn, snapshot->table, number, snapshot->seq, ret_node, NULL), ret_node);
}

static int find_long_name(
	struct store_txn *txn, uint32_t table, uint64_t directory, const uint8_t hash[16], struct buffer *out)
{
	struct layout_key key = layout_long_name(table, directory, hash);
	struct slice encoded;
	int r = store_get(txn, STORE_INDEX, layout_slice(&key), &encoded);
	if (!r)
		buffer_append_slice(out, encoded);
	return r ? r : buffer_error(out);
}

/* The directory's number by its partition part; 0 for the table itself. A partition that ended counts too: its names
 * are still known. */
static int directory_of(
	struct store_txn *txn, const struct table *table, struct slice partition, uint64_t *ret_directory)
{
	struct node node;
	*ret_directory = 0;
	if (!partition.size)
		return 0;
	int r = node_find(txn, table->number, partition, SEQ_MAX, &node, NULL);
	*ret_directory = r ? 0 : node.number;
	return r;
}

int snapshot_key_of_name(struct store_txn *txn, const struct table *table, struct slice partition, struct slice name,
	struct buffer *out, struct error *error)
{
	bool is_item = !table->schema.has_sort || partition.size;
	const char *suffix = is_item ? ".json" : "";
	const struct key_attribute *attribute = partition.size ? &table->schema.sort : &table->schema.partition;
	struct buffer value = BUFFER_INIT;
	uint8_t hash[NAME_HASH_BYTES];
	int r = name_to_value(name, suffix, attribute, &value, error);
	if (!r) {
		struct reader reader = reader_of(buffer_slice(&value));
		struct value part;
		value_read(&reader, &part);
		r = key_check_value(&part, attribute, partition.size != 0, error);
		if (!r && partition.size) {
			buffer_append_slice(out, partition);
			buffer_append(out, "\1\1", 2);
		}
		if (!r)
			key_append_partition(&part, out);
	} else if (name_is_cut(name, suffix, hash)) {
		uint64_t directory;
		r = directory_of(txn, table, partition, &directory);
		if (!r)
			r = find_long_name(txn, table->number, directory, hash, out);
	}
	buffer_free(&value);
	return r ? r : buffer_error(out);
}

int snapshot_find_name(struct store_txn *txn, const struct snapshot *snapshot, const struct table *table,
	uint64_t directory, struct slice name, struct node *ret_node, struct error *error)
{
	struct node partition = { 0 };
	struct buffer encoded = BUFFER_INIT;
	uint8_t hash[NAME_HASH_BYTES];
	const char *suffix = directory || !table->schema.has_sort ? ".json" : "";
	int r = directory ? snapshot_node(txn, snapshot, directory, &partition) : 0;
	if (!r && name_is_cut(name, suffix, hash))
		r = find_long_name(txn, table->number, directory, hash, &encoded);
	if (!r && !encoded.size)
		r = snapshot_key_of_name(txn, table, partition.encoded_key, name, &encoded, error);
	if (!r)
		r = snapshot_find(txn, snapshot, buffer_slice(&encoded), ret_node);
	buffer_free(&encoded);
	return r;
}

int snapshot_name(const struct table *table, const struct node *node, char *ret_name)
{
	(void)table;
	struct key key;
	struct buffer storage = BUFFER_INIT;
	int r = key_decode(node->encoded_key, &storage, &key);
	if (!r)
		r = (int)name_of_value(key.has_sort ? &key.sort : &key.partition,
			node->kind == NODE_ITEM ? ".json" : "", ret_name, NULL);
	buffer_free(&storage);
	return r;
}

int snapshot_content(struct store_txn *txn, const struct snapshot *snapshot, uint64_t number, struct buffer *out)
{
	struct node node;
	struct node_place place;
	int r = if_alive(node_read(txn, snapshot->table, number, snapshot->seq, &node, &place), &node);
	return r ? r : pack_content(place.pack, place.place, out);
}

int snapshot_walk_begin(struct snapshot_walk *walk, struct store_txn *txn, const struct snapshot *snapshot,
	uint64_t directory, uint64_t slot)
{
	walk->snapshot = *snapshot;
	walk->versions = NULL;
	int r = roster_walk_begin(&walk->roster, txn, snapshot->table, directory, snapshot->seq, slot);
	return r ? r : store_cursor_open(txn, STORE_VERSIONS, &walk->versions);
}

int snapshot_walk_next(struct snapshot_walk *walk, struct node *ret_node)
{
	uint64_t number, slot;
	int r = roster_walk_next(&walk->roster, &number, &slot);
	if (r <= 0)
		return r;
	r = node_read_with(walk->versions, walk->snapshot.table, number, walk->snapshot.seq, ret_node, NULL);
	/* Slots are in order of birth: the first one not begun yet is followed by none that had. */
	if (r == -ENOENT)
		return 0;
	if (r == -EIO)
		*ret_node = (struct node){ .number = number, .directory = walk->roster.directory, .slot = slot };
	return r && r != -EIO ? r : 1;
}

void snapshot_walk_end(struct snapshot_walk *walk)
{
	store_cursor_close(walk->versions);
	walk->versions = NULL;
}

int snapshot_statistics(
	struct store_txn *txn, const struct snapshot *snapshot, uint64_t *ret_items, uint64_t *ret_bytes)
{
	if (snapshot->seq == SEQ_MAX) {
		struct table_statistics statistics;
		int r = table_statistics(txn, snapshot->table, &statistics);
		*ret_items = statistics.items;
		*ret_bytes = statistics.bytes;
		return r;
	}
	struct log_entry entry = { 0 };
	int r = snapshot->seq ? log_get(txn, snapshot->table, snapshot->seq, &entry) : 0;
	*ret_items = entry.items;
	*ret_bytes = entry.bytes;
	return r;
}
