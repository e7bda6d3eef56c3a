/* Invariants
 * 1. A partition has its two records while it has an item's, and counts those.
 * 2. An item has a record when its key's last life ended after the floor; what is read asks no more than that. */
#include "gone.h"

#include <errno.h>
#include <string.h>

#include "hash.h"
#include "key.h"
#include "layout.h"

#define HASH_BYTES 16

/* --- records --- */

struct partition {
	uint8_t hash[HASH_BYTES];
	uint64_t number, items;
	int64_t time_us;
	struct slice encoded_key;
};

static int put(struct store_txn *txn, struct layout_key key, struct buffer *value)
{
	int r = buffer_error(value);
	if (!r)
		r = store_put(txn, STORE_INDEX, layout_slice(&key), buffer_slice(value));
	buffer_free(value);
	return r;
}

/* 1: it was there. */
static int drop(struct store_txn *txn, struct layout_key key)
{
	int r = store_delete(txn, STORE_INDEX, layout_slice(&key));
	return r == -ENOENT ? 0 : r ? r : 1;
}

static int put_item(struct store_txn *txn, struct layout_key key, bool is_listed, uint64_t seq)
{
	struct buffer value = BUFFER_INIT;
	if (is_listed)
		buffer_append_byte(&value, NODE_ITEM);
	buffer_append_varint(&value, seq);
	return put(txn, key, &value);
}

static int read_partition(
	struct store_txn *txn, uint32_t table, const uint8_t hash[HASH_BYTES], struct partition *ret_partition)
{
	struct layout_key key = layout_gone_partition(table, hash);
	struct slice value;
	int r = store_get(txn, STORE_INDEX, layout_slice(&key), &value);
	if (r)
		return r;
	struct reader reader = reader_of(value);
	memcpy(ret_partition->hash, hash, HASH_BYTES);
	ret_partition->number = reader_varint(&reader);
	ret_partition->items = reader_varint(&reader);
	ret_partition->time_us = (int64_t)reader_varint(&reader);
	ret_partition->encoded_key = slice_of(reader.at, reader_left(&reader));
	return reader.is_bad ? -EIO : 0;
}

static int put_partition(struct store_txn *txn, uint32_t table, const struct partition *partition)
{
	struct buffer value = BUFFER_INIT;
	buffer_append_varint(&value, partition->number);
	buffer_append_varint(&value, partition->items);
	buffer_append_varint(&value, (uint64_t)partition->time_us);
	buffer_append_slice(&value, partition->encoded_key);
	return put(txn, layout_gone_partition(table, partition->hash), &value);
}

static int list_partition(struct store_txn *txn, uint32_t table, const struct partition *partition)
{
	struct buffer value = BUFFER_INIT;
	buffer_append_byte(&value, NODE_PARTITION);
	buffer_append(&value, partition->hash, HASH_BYTES);
	return put(txn, layout_gone(table, partition->number), &value);
}

static void hash_partition(struct slice encoded_key, uint8_t ret_hash[HASH_BYTES])
{
	hash_strong(key_encoded_partition(encoded_key), ret_hash);
}

/* --- writing --- */

/* One more of the partition's items is gone. */
static int add_to_partition(struct store_txn *txn, uint32_t table, struct slice encoded_key,
	const uint8_t hash[HASH_BYTES], uint64_t directory, int64_t time_us)
{
	struct partition partition;
	int r = read_partition(txn, table, hash, &partition);
	if (r && r != -ENOENT)
		return r;
	if (r) {
		partition = (struct partition){ .encoded_key = key_encoded_partition(encoded_key) };
		memcpy(partition.hash, hash, HASH_BYTES);
	}
	uint64_t listed = partition.number;
	partition.number = directory;
	partition.items++;
	partition.time_us = time_us;
	r = put_partition(txn, table, &partition);
	if (!r && listed != directory)
		r = list_partition(txn, table, &partition);
	if (!r && listed && listed != directory)
		r = drop(txn, layout_gone(table, listed));
	return r < 0 ? r : 0;
}

int gone_add(struct store_txn *txn, uint32_t table, struct slice encoded_key, uint64_t directory, uint64_t number,
	uint64_t seq, int64_t time_us)
{
	uint8_t hash[HASH_BYTES];
	if (!directory)
		return put_item(txn, layout_gone(table, number), true, seq);
	hash_partition(encoded_key, hash);
	int r = add_to_partition(txn, table, encoded_key, hash, directory, time_us);
	return r ? r : put_item(txn, layout_gone_in(table, hash, number), false, seq);
}

static int remove_from_partition(struct store_txn *txn, uint32_t table, const uint8_t hash[HASH_BYTES], int64_t time_us)
{
	struct partition partition;
	int r = read_partition(txn, table, hash, &partition);
	if (r)
		return r == -ENOENT ? -EIO : r;
	if (time_us)
		partition.time_us = time_us;
	if (--partition.items)
		return put_partition(txn, table, &partition);
	r = drop(txn, layout_gone(table, partition.number));
	return r < 0 ? r : drop(txn, layout_gone_partition(table, hash));
}

int gone_remove(struct store_txn *txn, uint32_t table, struct slice encoded_key, uint64_t directory, uint64_t number,
	int64_t time_us)
{
	uint8_t hash[HASH_BYTES];
	if (!directory)
		return drop(txn, layout_gone(table, number));
	hash_partition(encoded_key, hash);
	int r = drop(txn, layout_gone_in(table, hash, number));
	if (r <= 0)
		return r;
	r = remove_from_partition(txn, table, hash, time_us);
	return r < 0 ? r : 1;
}

/* --- reading --- */

/* What had another kind of key, when keys were chosen anew, has no name in the table of today. */
static bool has_schema(const struct table *table, struct slice encoded_key, bool is_item)
{
	struct slice part = key_encoded_partition(encoded_key);
	bool has_sort = part.size < encoded_key.size, wants_sort = table->schema.has_sort && is_item;
	if (!part.size || has_sort != wants_sort || part.data[0] != (uint8_t)table->schema.partition.type)
		return false;
	return !has_sort || encoded_key.data[part.size + 2] == (uint8_t)table->schema.sort.type;
}

static int of_node(const struct table *table, const struct reach *reach, const struct node *node, struct gone *ret_gone)
{
	if (node->kind != NODE_ITEM || !node->version.is_removal || node->version.seq <= reach->first_seq ||
		!has_schema(table, node->encoded_key, true))
		return -ENOENT;
	*ret_gone = (struct gone){ .kind = NODE_ITEM,
		.number = node->number,
		.encoded_key = node->encoded_key,
		.time_us = node->version.time_us,
		.seq = node->version.seq };
	return 0;
}

static int of_partition(
	const struct table *table, const struct reach *reach, const struct partition *partition, struct gone *ret_gone)
{
	if (partition->time_us < reach->earliest_us || !has_schema(table, partition->encoded_key, false))
		return -ENOENT;
	*ret_gone = (struct gone){ .kind = NODE_PARTITION,
		.number = partition->number,
		.encoded_key = partition->encoded_key,
		.time_us = partition->time_us,
		.items = partition->items };
	return 0;
}

int gone_find(struct store_txn *txn, const struct table *table, const struct reach *reach, struct slice encoded_key,
	struct gone *ret_gone)
{
	struct node node;
	if (!table->schema.has_sort || key_encoded_partition(encoded_key).size < encoded_key.size) {
		int r = node_find(txn, table->number, encoded_key, SEQ_MAX, &node, NULL);
		return r ? r : of_node(table, reach, &node, ret_gone);
	}
	struct partition partition;
	uint8_t hash[HASH_BYTES];
	hash_partition(encoded_key, hash);
	int r = read_partition(txn, table->number, hash, &partition);
	return r ? r : of_partition(table, reach, &partition, ret_gone);
}

static int read_item(struct store_txn *txn, const struct table *table, const struct reach *reach, uint64_t number,
	struct reader *reader, struct gone *ret_gone)
{
	struct node node;
	uint64_t seq = reader_varint(reader);
	if (reader->is_bad || seq <= reach->first_seq)
		return reader->is_bad ? -EIO : -ENOENT;
	int r = node_read(txn, table->number, number, SEQ_MAX, &node, NULL);
	return r ? r : of_node(table, reach, &node, ret_gone);
}

/* What a record tells of that stands in the table's own list, or in a partition's. */
static int read_record(struct store_txn *txn, const struct table *table, const struct reach *reach, uint64_t number,
	struct slice value, bool is_listed, struct gone *ret_gone)
{
	struct reader reader = reader_of(value);
	uint8_t kind = is_listed ? reader_byte(&reader) : NODE_ITEM;
	if (kind != NODE_PARTITION)
		return read_item(txn, table, reach, number, &reader, ret_gone);
	struct partition partition;
	struct slice hash = reader_bytes(&reader, HASH_BYTES);
	if (reader.is_bad)
		return -EIO;
	int r = read_partition(txn, table->number, hash.data, &partition);
	return r ? r : of_partition(table, reach, &partition, ret_gone);
}

int gone_walk_begin(struct gone_walk *walk, struct store_txn *txn, const struct table *table, const struct reach *reach,
	struct slice partition, uint64_t after)
{
	uint8_t hash[HASH_BYTES];
	*walk = (struct gone_walk){ .txn = txn, .table = table, .reach = *reach, .is_listed = !partition.size };
	if (partition.size)
		hash_partition(partition, hash);
	walk->at =
		partition.size ? layout_gone_in(table->number, hash, after + 1) : layout_gone(table->number, after + 1);
	return store_cursor_open(txn, STORE_INDEX, &walk->cursor);
}

static int next_record(struct gone_walk *walk, bool is_first, struct slice *ret_key, struct slice *ret_value)
{
	struct slice from = layout_slice(&walk->at);
	int r = is_first ? store_cursor_seek(walk->cursor, from, ret_key, ret_value)
			 : store_cursor_next(walk->cursor, ret_key, ret_value);
	r = store_within(r, *ret_key, slice_of(from.data, layout_gone_prefix_size(from)));
	return r ? r : ret_key->size == from.size ? 0 : -ENOENT;
}

int gone_walk_next(struct gone_walk *walk, struct gone *ret_gone)
{
	struct slice key, value;
	int r = next_record(walk, !walk->is_begun, &key, &value);
	walk->is_begun = true;
	for (;; r = next_record(walk, false, &key, &value)) {
		bool is_passed = r == -EIO && key.size > 0;
		if (!r) {
			r = read_record(walk->txn, walk->table, &walk->reach, layout_gone_number(key), value,
				walk->is_listed, ret_gone);
			is_passed = r == -ENOENT || r == -EIO;
		}
		if (!is_passed)
			return r == -ENOENT ? 0 : r ? r : 1;
	}
}

void gone_walk_end(struct gone_walk *walk)
{
	store_cursor_close(walk->cursor);
	walk->cursor = NULL;
}

int gone_number(struct store_txn *txn, const struct table *table, const struct reach *reach, uint64_t number,
	struct gone *ret_gone)
{
	struct layout_key key = layout_gone(table->number, number);
	struct slice value;
	struct node node;
	int r = store_get(txn, STORE_INDEX, layout_slice(&key), &value);
	if (!r)
		return read_record(txn, table, reach, number, value, true, ret_gone);
	if (r != -ENOENT || !table->schema.has_sort)
		return r;
	r = node_read(txn, table->number, number, SEQ_MAX, &node, NULL);
	if (r || node.kind != NODE_ITEM)
		return r ? r : -ENOENT;
	uint8_t hash[HASH_BYTES];
	hash_partition(node.encoded_key, hash);
	key = layout_gone_in(table->number, hash, number);
	r = store_get(txn, STORE_INDEX, layout_slice(&key), &value);
	return r ? r : of_node(table, reach, &node, ret_gone);
}
