#include "snapshot.h"

#include <errno.h>
#include <string.h>

#include "layout.h"
#include "name.h"
#include "pin.h"
#include "retention.h"

struct snapshot snapshot_live(uint32_t table)
{
	return (struct snapshot){ .table = table, .seq = SEQ_MAX, .time_us = TIME_NOW };
}

struct snapshot snapshot_of_pin(const struct pin *pin)
{
	return (struct snapshot){ .table = pin->table, .seq = pin->seq, .time_us = pin->time_us };
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

/* A change of the table, or the state a restored one began with. */
static int change_at(struct store_txn *txn, const struct table *table, uint64_t seq, struct log_entry *ret_entry)
{
	int r = log_get(txn, table->number, seq, ret_entry);
	if (r != -ENOENT || !seq)
		return r;
	r = log_base(txn, table->number, ret_entry);
	if (!r && ret_entry->seq != seq)
		return -ENOENT;
	ret_entry->time_us = table->exists_from_us;
	return r;
}

static int resolve_seq(
	struct store_txn *txn, const struct table *table, uint64_t seq, struct snapshot *snapshot, struct error *error)
{
	struct log_entry entry, first = { .seq = 1 };
	int r = change_at(txn, table, seq, &entry);
	if (r == -ENOENT) {
		struct table_statistics statistics = { 0 };
		table_statistics(txn, table->number, &statistics);
		if (log_first(txn, table->number, &first) == -ENOENT)
			return error_set(error, -ENOENT, "%s has no change number %llu; it has had none yet",
				table->name, (unsigned long long)seq);
		return error_set(error, r, "%s has no change number %llu; its changes are %llu to %llu", table->name,
			(unsigned long long)seq, (unsigned long long)first.seq, (unsigned long long)statistics.seq);
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
	snapshot->time_us = statistics.last_us ? statistics.last_us : table->exists_from_us;
	return r;
}

/* Does a hold keep an instant before the window? Where the log no longer tells which change that was, only the very
 * instant that was held is known. */
static int is_held(struct store_txn *txn, const struct table *table, struct snapshot *snapshot, bool is_seq_known)
{
	struct pin_place place = { 0 };
	struct log_entry entry;
	struct pin pin;
	int r = 0;
	if (!is_seq_known) {
		r = log_at_time(txn, table->number, snapshot->time_us, &entry);
		is_seq_known = r == 0;
		snapshot->seq = entry.seq;
	}
	if (r && r != -ENOENT)
		return r;
	while ((r = pin_next(txn, table->number, &place, &pin)) == 1) {
		bool is_same = is_seq_known ? pin.seq == snapshot->seq : pin.time_us == snapshot->time_us;
		bool is_in_range = pin.is_range && is_seq_known && pin.seq <= snapshot->seq;
		if (pin.kind != PIN_HOLD || (!is_same && !is_in_range))
			continue;
		snapshot->seq = is_seq_known ? snapshot->seq : pin.seq;
		return 1;
	}
	return r;
}

static int64_t time_of(const struct instant *instant, int64_t now_us, int64_t earliest_us)
{
	if (instant->kind == INSTANT_BEFORE_NOW)
		return now_us - instant->time_us;
	return instant->kind == INSTANT_EARLIEST ? earliest_us : instant->time_us;
}

static int damaged(const struct table *table, int r, struct error *error)
{
	return error_set(error, r, "%s: %s", table->name, strerror(-r));
}

/* What the instant asks for, as far as it can be told before the instant is promised. *ret_is_known: the change is. */
static int choose(struct store_txn *txn, const struct table *table, const struct instant *instant, int64_t now_us,
	int64_t *earliest_us, struct snapshot *ret_snapshot, bool *ret_is_known, struct error *error)
{
	int r = 0;
	*ret_snapshot = (struct snapshot){ .table = table->number };
	*ret_is_known = instant->kind == INSTANT_SEQ || instant->kind == INSTANT_LATEST;
	if (instant->kind == INSTANT_SEQ) {
		r = resolve_seq(txn, table, instant->seq, ret_snapshot, error);
	} else if (instant->kind == INSTANT_LATEST) {
		r = resolve_latest(txn, table, ret_snapshot);
		if (ret_snapshot->time_us < *earliest_us)
			*earliest_us = ret_snapshot->time_us;
	} else {
		ret_snapshot->time_us = time_of(instant, now_us, *earliest_us);
	}
	return r && r != -ENOENT ? damaged(table, r, error) : r;
}

int snapshot_resolve(struct history *history, struct store_txn *txn, const struct table *table,
	const struct instant *instant, struct snapshot *ret_snapshot, struct error *error)
{
	int64_t now = history_now(history, txn), earliest, latest;
	struct snapshot snapshot;
	bool is_known;
	int r = table_window(txn, table, now, &earliest, &latest);
	if (r)
		return damaged(table, r, error);
	r = choose(txn, table, instant, now, &earliest, &snapshot, &is_known, error);
	if (r)
		return r;
	if (snapshot.time_us < earliest) {
		r = is_held(txn, table, &snapshot, is_known);
		if (r < 0)
			return damaged(table, r, error);
		is_known = r == 1;
		r = 0;
	}
	if ((snapshot.time_us < earliest && !is_known) || snapshot.time_us > latest)
		return outside(table, snapshot.time_us, earliest, latest, error);
	history_serve(history, snapshot.time_us);
	if (!is_known) {
		r = history_settle(history, txn, snapshot.time_us);
		if (!r)
			r = seq_at(txn, table, snapshot.time_us, &snapshot.seq);
	}
	if (!r)
		r = retention_check(txn, table->number, snapshot.seq);
	if (r == -ESTALE)
		return outside(table, snapshot.time_us, earliest, latest, error);
	if (r)
		return damaged(table, r, error);
	*ret_snapshot = snapshot;
	return 0;
}

/* The first instant at which one of the live tables can be seen. */
static int store_earliest(struct store_txn *txn, int64_t now, int64_t *ret_time_us)
{
	uint64_t place = 0;
	struct table table;
	int64_t earliest, latest;
	int r;
	*ret_time_us = INT64_MAX;
	while ((r = table_list(txn, TIME_NOW, &place, &table)) == 1) {
		bool is_whole = !table.is_restoring;
		r = table_window(txn, &table, now, &earliest, &latest);
		table_free(&table);
		if (r)
			return r;
		if (is_whole && earliest < *ret_time_us)
			*ret_time_us = earliest;
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
		r = store_earliest(txn, now, &earliest);
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
	int r = retention_check(txn, snapshot->table, snapshot->seq);
	if (!r)
		r = node_find(txn, snapshot->table, encoded_key, snapshot->seq, ret_node, NULL);
	return if_alive(r, ret_node);
}

static int read_alive(struct store_txn *txn, const struct snapshot *snapshot, uint64_t number, struct node *ret_node,
	struct node_place *ret_place)
{
	int r = retention_check(txn, snapshot->table, snapshot->seq);
	if (!r)
		r = node_read(txn, snapshot->table, number, snapshot->seq, ret_node, ret_place);
	return if_alive(r, ret_node);
}

int snapshot_node(struct store_txn *txn, const struct snapshot *snapshot, uint64_t number, struct node *ret_node)
{
	return read_alive(txn, snapshot, number, ret_node, NULL);
}

/* Directories of a table and of the one it goes on from can have the same number, when both are younger than the base: a
 * key in another partition is not the one. */
static bool is_in_partition(struct slice encoded, struct slice partition)
{
	return !partition.size ||
	       (encoded.size > partition.size + 2 && slice_equal(slice_of(encoded.data, partition.size), partition) &&
		       memcmp(encoded.data + partition.size, "\1\1", 2) == 0);
}

int snapshot_long_name(struct store_txn *txn, uint32_t table, uint64_t directory, struct slice partition,
	const uint8_t hash[NAME_HASH_BYTES], struct buffer *out)
{
	uint64_t unused = SEQ_MAX;
	int r;
	do {
		struct layout_key key = layout_long_name(table, directory, hash);
		struct slice encoded;
		r = store_get(txn, STORE_INDEX, layout_slice(&key), &encoded);
		if (!r && is_in_partition(encoded, partition)) {
			buffer_append_slice(out, encoded);
			return buffer_error(out);
		}
		r = r ? r : -ENOENT;
	} while (r == -ENOENT && !(r = lineage_up(txn, &table, &unused)));
	return r;
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
			r = snapshot_long_name(txn, table->number, directory, partition, hash, out);
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
		r = snapshot_long_name(txn, table->number, directory, partition.encoded_key, hash, &encoded);
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
	int r = read_alive(txn, snapshot, number, &node, &place);
	return r ? r : pack_content(place.pack, place.place, out);
}

int snapshot_read(struct store_txn *txn, const struct snapshot *snapshot, struct slice encoded_key,
	struct node *ret_node, struct buffer *out)
{
	struct node_place place = { 0 };
	int r = retention_check(txn, snapshot->table, snapshot->seq);
	if (!r)
		r = node_find(txn, snapshot->table, encoded_key, snapshot->seq, ret_node, &place);
	r = if_alive(r, ret_node);
	return r ? r : pack_content(place.pack, place.place, out);
}

int snapshot_walk_begin(struct snapshot_walk *walk, struct store_txn *txn, const struct snapshot *snapshot,
	uint64_t directory, uint64_t slot)
{
	walk->snapshot = *snapshot;
	walk->nodes = node_reader(txn, snapshot->table, snapshot->seq);
	walk->place = (struct node_place){ 0 };
	int r = retention_check(txn, snapshot->table, snapshot->seq);
	if (!r)
		r = roster_walk_begin(&walk->roster, txn, snapshot->table, directory, snapshot->seq, slot);
	return r;
}

int snapshot_walk_next(struct snapshot_walk *walk, struct node *ret_node)
{
	uint64_t number, slot;
	int r = roster_walk_next(&walk->roster, &number, &slot);
	if (r <= 0)
		return r;
	r = node_reader_read(&walk->nodes, number, ret_node, &walk->place);
	/* Slots are in order of birth: the first one not begun yet is followed by none that had. */
	if (r == -ENOENT)
		return 0;
	if (r == -EIO) {
		*ret_node = (struct node){ .number = number, .directory = walk->roster.directory, .slot = slot };
		walk->place = (struct node_place){ 0 };
	}
	return r && r != -EIO ? r : 1;
}

int snapshot_walk_content(const struct snapshot_walk *walk, struct buffer *out)
{
	return walk->place.pack.size ? pack_content(walk->place.pack, walk->place.place, out) : -EIO;
}

void snapshot_walk_end(struct snapshot_walk *walk)
{
	node_reader_end(&walk->nodes);
}

/* Of a state the log no longer tells: what it was when it was pinned. */
static int statistics_of_pin(struct store_txn *txn, const struct snapshot *snapshot, struct log_entry *ret_entry)
{
	struct pin_place place = { 0 };
	struct pin pin;
	int r;
	while ((r = pin_next(txn, snapshot->table, &place, &pin)) == 1 && pin.seq <= snapshot->seq)
		if (pin.seq == snapshot->seq) {
			ret_entry->items = pin.items;
			ret_entry->bytes = pin.bytes;
			return 0;
		}
	return r < 0 ? r : -ENOENT;
}

int snapshot_statistics(
	struct store_txn *txn, const struct snapshot *snapshot, uint64_t *ret_items, uint64_t *ret_bytes)
{
	struct table_statistics statistics;
	struct log_entry entry = { 0 };
	int r = retention_check(txn, snapshot->table, snapshot->seq);
	if (!r && snapshot->seq == SEQ_MAX) {
		r = table_statistics(txn, snapshot->table, &statistics);
		entry.items = statistics.items;
		entry.bytes = statistics.bytes;
	} else if (!r && snapshot->seq) {
		r = log_get(txn, snapshot->table, snapshot->seq, &entry);
		if (r == -ENOENT && (r = log_base(txn, snapshot->table, &entry)) == 0 && entry.seq != snapshot->seq)
			r = -ENOENT;
		if (r == -ENOENT)
			r = statistics_of_pin(txn, snapshot, &entry);
	}
	*ret_items = entry.items;
	*ret_bytes = entry.bytes;
	return r;
}
