/* The index of a table, entry by entry: each leads to what its key says. That every node is found is asked where its versions
 * are read (verify_versions.c).
 *
 * Keys that are gone (gone.h) come last: 'g' those of the table, then 'h' each partition and after it its items. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "hash.h"
#include "key.h"
#include "name.h"
#include "verify_parts.h"

#define KIND_AT 4u
#define HASH_KEY_BYTES 19u
#define PARTITION_KEY_BYTES (KIND_AT + 1 + HASH_KEY_BYTES)

struct scan {
	struct verify_table *table;
	struct verify *verify;
	uint64_t entries;
	bool is_damaged;
	/* the partition of which gone items are being counted */
	struct layout_key partition;
	uint64_t items, told_items;
};

static struct verify_about about(const struct scan *scan, uint64_t number, struct slice encoded_key)
{
	return (struct verify_about){ scan->table, "index", 0, number, encoded_key };
}

static int tell_wrong(struct scan *scan, int r, uint64_t number, struct slice encoded_key, const char *what)
{
	return r && !verify_is_damage(r) ? r : verify_tell(scan->verify, about(scan, number, encoded_key), "%s", what);
}

/* --- keys --- */

static int check_key(struct scan *scan, struct slice key, struct slice value)
{
	struct reader reader = reader_of(value);
	uint64_t number = reader_varint(&reader), seq = SEQ_MAX - verify_key_number(key, key.size - 6, 6);
	struct node node = { 0 };
	/* Of what began before the first state, the beginning may be forgotten. */
	bool is_whole = seq > scan->table->first;
	scan->entries++;
	int r = reader.is_bad ? -EIO
			      : node_read(scan->verify->txn, scan->table->table.number, number,
					is_whole ? seq : SEQ_MAX, &node, NULL);
	bool is_right = !r && (!is_whole || node.version.seq == seq);
	if (is_right) {
		struct layout_key right = layout_index(scan->table->table.number, node.encoded_key, seq);
		is_right = slice_equal(layout_slice(&right), key);
	}
	if (is_right)
		return 0;
	return tell_wrong(scan, r, number, node.encoded_key,
		r ? "an entry of the index leads to a node whose versions are missing or damaged: it cannot be opened "
		    "by its name"
		  : "an entry of the index leads to another node than its key says: another item is shown under its "
		    "name");
}

/* --- cut names --- */

static int check_long_name(struct scan *scan, struct slice key, struct slice encoded_key)
{
	struct buffer storage = BUFFER_INIT;
	struct key decoded;
	struct node node;
	uint8_t hash[NAME_HASH_BYTES];
	int r = key_decode(encoded_key, &storage, &decoded);
	if (!r)
		name_hash_of_value(decoded.has_sort ? &decoded.sort : &decoded.partition, hash);
	buffer_free(&storage);
	if (!r) {
		struct layout_key right =
			layout_long_name(scan->table->table.number, verify_key_number(key, KIND_AT + 1, 6), hash);
		r = slice_equal(layout_slice(&right), key) ? 0 : -EIO;
	}
	if (!r)
		r = node_find(scan->verify->txn, scan->table->table.number, encoded_key, SEQ_MAX, &node, NULL);
	if (!r)
		return 0;
	return tell_wrong(scan, r, 0, encoded_key,
		"a cut file name leads to another key, or one that never was: another item is shown under it");
}

/* --- what is gone --- */

static int check_gone_item(struct scan *scan, uint64_t number, uint64_t seq, struct slice key)
{
	struct node node = { 0 }, last = { 0 };
	int r = node_read(scan->verify->txn, scan->table->table.number, number, SEQ_MAX, &node, NULL);
	bool is_right = !r && node.kind == NODE_ITEM && node.version.is_removal && node.version.seq == seq;
	if (is_right)
		r = node_find(scan->verify->txn, scan->table->table.number, node.encoded_key, SEQ_MAX, &last, NULL);
	is_right = is_right && !r && last.number == number;
	if (is_right && key.size > PARTITION_KEY_BYTES) {
		uint8_t hash[16];
		hash_strong(key_encoded_partition(node.encoded_key), hash);
		struct layout_key right = layout_gone_in(scan->table->table.number, hash, number);
		is_right = slice_equal(layout_slice(&right), key);
	}
	if (is_right)
		return 0;
	return tell_wrong(scan, r, number, node.encoded_key,
		"an item is told to be gone that is not, or by another change: deleted/ shows it wrong");
}

static int end_partition(struct scan *scan)
{
	bool is_wrong = scan->partition.size && scan->items != scan->told_items && !scan->is_damaged;
	scan->partition.size = 0;
	return is_wrong ? verify_tell(scan->verify, about(scan, 0, (struct slice){ 0 }),
				  "of a partition %" PRIu64 " items are told to be gone, and %" PRIu64 " are listed",
				  scan->told_items, scan->items)
			: 0;
}

/* 'g' number: an item, or a partition whose hash tells where it stands. */
static int check_gone(struct scan *scan, struct slice key, struct slice value)
{
	struct reader reader = reader_of(value);
	uint64_t number = layout_gone_number(key);
	if (reader_byte(&reader) == NODE_ITEM)
		return check_gone_item(scan, number, reader_varint(&reader), key);
	struct slice hash = reader_bytes(&reader, 16), partition;
	int r = reader.is_bad ? -EIO : 0;
	if (!r) {
		struct layout_key at = layout_gone_partition(scan->table->table.number, hash.data);
		r = store_get(scan->verify->txn, STORE_INDEX, layout_slice(&at), &partition);
	}
	if (!r) {
		reader = reader_of(partition);
		r = reader_varint(&reader) == number ? 0 : -EIO;
	}
	return r ? tell_wrong(scan, r, number, (struct slice){ 0 },
			   "a partition is told to have gone items where it does not: deleted/ shows it wrong")
		 : 0;
}

static int check_gone_partition(struct scan *scan, struct slice key, struct slice value)
{
	struct reader reader = reader_of(value);
	uint64_t number = reader_varint(&reader);
	scan->told_items = reader_varint(&reader);
	scan->items = 0;
	reader_varint(&reader);
	struct slice encoded_key = slice_of(reader.at, reader_left(&reader)), listed;
	uint8_t hash[16];
	hash_strong(encoded_key, hash);
	struct layout_key right = layout_gone_partition(scan->table->table.number, hash);
	struct layout_key at = layout_gone(scan->table->table.number, number);
	int r = reader.is_bad || !slice_equal(layout_slice(&right), key) ? -EIO : 0;
	scan->partition = right;
	if (!r)
		r = store_get(scan->verify->txn, STORE_INDEX, layout_slice(&at), &listed);
	return r ? tell_wrong(scan, r, number, encoded_key,
			   "a partition with gone items is not listed, or under another name: deleted/ misses it")
		 : 0;
}

static int check_gone_in(struct scan *scan, struct slice key, struct slice value)
{
	struct reader reader = reader_of(value);
	if (scan->partition.size && memcmp(key.data, scan->partition.bytes, PARTITION_KEY_BYTES) == 0)
		scan->items++;
	else if (!scan->is_damaged)
		return tell_wrong(scan, 0, layout_gone_number(key), (struct slice){ 0 },
			"an item is gone from a partition that is not told to have any: deleted/ misses it");
	return check_gone_item(scan, layout_gone_number(key), reader_varint(&reader), key);
}

/* --- all --- */

static int check_entry(struct scan *scan, const struct verify_walk *walk)
{
	struct slice key = walk->key, value = walk->value;
	char kind = key.size > KIND_AT + 6 ? (char)key.data[KIND_AT] : 0;
	int r = kind == 'h' && key.size > PARTITION_KEY_BYTES ? 0 : end_partition(scan);
	if (r)
		return r;
	if (walk->is_damaged || !kind || !strchr("kngh", kind)) {
		scan->is_damaged = true;
		return verify_tell(scan->verify, about(scan, 0, (struct slice){ 0 }), "%s is damaged: %s",
			kind == 'k'   ? "an entry that leads from a key to its item"
			: kind == 'n' ? "an entry that leads from a cut file name to its item"
				      : "a record of what is gone",
			kind == 'k' || kind == 'n' ? "the item cannot be opened by its name" : "deleted/ may miss it");
	}
	switch (kind) {
	case 'k':
		return check_key(scan, key, value);
	case 'n':
		return check_long_name(scan, key, value);
	case 'g':
		return check_gone(scan, key, value);
	default:
		return key.size > PARTITION_KEY_BYTES ? check_gone_in(scan, key, value)
						      : check_gone_partition(scan, key, value);
	}
}

int verify_index(struct verify_table *table)
{
	struct scan scan = { .table = table, .verify = table->verify };
	struct verify_walk walk;
	int r = verify_walk_begin(&walk, table->verify, STORE_INDEX, layout_log_prefix(table->table.number));
	while (!r && (r = verify_walk_next(&walk)) == 1)
		r = check_entry(&scan, &walk);
	verify_walk_end(&walk);
	if (r == -EIO) {
		scan.is_damaged = true;
		r = verify_tell(table->verify, about(&scan, 0, (struct slice){ 0 }),
			"the index cannot be read on: a page of the store is damaged");
	}
	if (!r)
		r = end_partition(&scan);
	if (r || scan.is_damaged || table->damaged || scan.entries == table->nodes)
		return r;
	return verify_tell(table->verify, about(&scan, 0, (struct slice){ 0 }),
		"the index has %" PRIu64 " entries for %" PRIu64 " lives of keys", scan.entries, table->nodes);
}
