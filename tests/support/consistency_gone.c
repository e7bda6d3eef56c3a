#include <errno.h>
#include <string.h>

#include "gone.h"
#include "hash.h"
#include "key.h"
#include "layout.h"
#include "node.h"
#include "tests/support/consistency_parts.h"

/* The records of one kind, one after the other, and those of the partition at hand. */
struct walk {
	struct check *check;
	uint64_t items, listed, partitions;
	struct layout_key partition; /* its key */
	uint64_t left;               /* of its items */
};

/* Has the item ended, after the floor, and has its key not come back? */
static bool is_gone(struct check *check, uint64_t number, uint64_t seq, struct node *ret_node)
{
	struct node last;
	uint32_t table = check->table->number;
	if (node_read(check->txn, table, number, SEQ_MAX, ret_node, NULL) || ret_node->kind != NODE_ITEM ||
		!ret_node->version.is_removal || ret_node->version.seq != seq)
		return false;
	return node_find(check->txn, table, ret_node->encoded_key, SEQ_MAX, &last, NULL) == 0 && last.number == number;
}

static int check_item(struct walk *walk, uint64_t number, uint64_t seq, struct node *node)
{
	if (!is_gone(walk->check, number, seq, node))
		return check_wrong(walk->check, "what is not gone is listed as gone: node", number);
	if (seq <= walk->check->floor && walk->check->is_swept)
		return check_wrong(walk->check, "what went before the floor is listed as gone: node", number);
	walk->items += seq > walk->check->floor;
	return 0;
}

static int check_listed_partition(struct walk *walk, uint64_t number, struct reader *reader)
{
	struct slice hash = reader_bytes(reader, 16), value;
	if (reader->is_bad)
		return check_wrong(walk->check, "a partition that items are gone from has no hash", number);
	struct layout_key key = layout_gone_partition(walk->check->table->number, hash.data);
	if (store_get(walk->check->txn, STORE_INDEX, layout_slice(&key), &value))
		return check_wrong(walk->check, "a partition that items are gone from has no record", number);
	struct reader record = reader_of(value);
	walk->listed++;
	return reader_varint(&record) == number
		       ? 0
		       : check_wrong(walk->check, "a partition that items are gone from is listed twice", number);
}

static int check_listed(struct walk *walk, struct slice key, struct slice value)
{
	struct reader reader = reader_of(value);
	struct node node;
	uint64_t number = layout_gone_number(key);
	if (reader_byte(&reader) == NODE_PARTITION)
		return check_listed_partition(walk, number, &reader);
	int r = check_item(walk, number, reader_varint(&reader), &node);
	return r || !node.directory ? r
				    : check_wrong(walk->check, "listed as gone from the table itself: node", number);
}

static int end_partition(struct walk *walk)
{
	return walk->left ? check_wrong(walk->check, "fewer items are gone from a partition than it counts", walk->left)
			  : 0;
}

static int begin_partition(struct walk *walk, struct slice key, struct slice value)
{
	struct reader reader = reader_of(value);
	uint8_t hash[16];
	int r = end_partition(walk);
	reader_varint(&reader);
	walk->left = reader_varint(&reader);
	reader_varint(&reader);
	hash_strong(slice_of(reader.at, reader_left(&reader)), hash);
	walk->partition = layout_gone_partition(walk->check->table->number, hash);
	walk->partitions++;
	if (!r && (!walk->left || !slice_equal(layout_slice(&walk->partition), key)))
		r = check_wrong(walk->check, "a partition that items are gone from has another hash", walk->left);
	return r;
}

static int check_within(struct walk *walk, struct slice key, struct slice value)
{
	struct reader reader = reader_of(value);
	struct node node;
	uint8_t hash[16];
	struct layout_key own = layout_gone_partition(walk->check->table->number, (uint8_t[16]){ 0 });
	if (key.size == own.size)
		return begin_partition(walk, key, value);
	int r = check_item(walk, layout_gone_number(key), reader_varint(&reader), &node);
	if (r)
		return r;
	hash_strong(key_encoded_partition(node.encoded_key), hash);
	own = layout_gone_in(walk->check->table->number, hash, node.number);
	if (!slice_equal(layout_slice(&own), key) || !walk->left--)
		return check_wrong(walk->check, "gone from another partition than its own: node", node.number);
	return 0;
}

static int walk_records(struct walk *walk, uint8_t kind, int (*each)(struct walk *, struct slice, struct slice))
{
	struct layout_key prefix = layout_log_prefix(walk->check->table->number);
	struct store_cursor *cursor;
	struct slice key, value;
	prefix.bytes[prefix.size++] = kind;
	int r = store_cursor_open(walk->check->txn, STORE_INDEX, &cursor);
	if (r)
		return check_wrong(walk->check, "no cursor", 0);
	r = store_cursor_seek(cursor, layout_slice(&prefix), &key, &value);
	while (!r && key.size > prefix.size && memcmp(key.data, prefix.bytes, prefix.size) == 0) {
		r = each(walk, key, value);
		if (!r)
			r = store_cursor_next(cursor, &key, &value);
	}
	store_cursor_close(cursor);
	return r == -ENOENT ? 0 : r;
}

/* By the log, replayed: those that have ended and whose keys have no later life. */
static uint64_t count_gone(struct check *check)
{
	uint64_t count = 0;
	struct node node;
	for (uint64_t n = 0; n < check->counters.next_number && !check->is_ended; n++) {
		const struct known *known = &check->nodes[n];
		count += known->is_item && !known->is_alive && known->seq > check->floor &&
			 is_gone(check, n, known->seq, &node);
	}
	return count;
}

int check_gone(struct check *check)
{
	struct walk walk = { .check = check };
	int r = walk_records(&walk, 'g', check_listed);
	if (!r)
		r = walk_records(&walk, 'h', check_within);
	if (!r)
		r = end_partition(&walk);
	if (!r && walk.listed != walk.partitions)
		r = check_wrong(check, "not every partition that items are gone from is listed", walk.partitions);
	uint64_t wanted = count_gone(check);
	return r || walk.items == wanted ? r : check_wrong(check, "not all that is gone is listed; items", wanted);
}
