#include "node.h"

#include <errno.h>

#define STEPS_NEAR 3 /* records between neighbours: packs of older versions */

static int from_pack(struct slice key, struct slice pack, uint64_t number, uint64_t seq, struct node *ret_node,
	struct node_place *ret_place)
{
	struct pack_header header;
	unsigned place;
	int r = pack_find(pack, seq, &header, &ret_node->version, &place);
	if (r)
		return r;
	ret_node->number = number;
	ret_node->kind = header.kind;
	ret_node->directory = header.directory;
	ret_node->slot = header.slot;
	ret_node->encoded_key = header.encoded_key;
	if (ret_place)
		*ret_place = (struct node_place){ pack, key, place };
	return 0;
}

/* What a seek for a node's version has given: -ENOENT when it is another's. */
static int of_node(int r, struct slice key, const struct layout_key *from)
{
	return store_within(r, key, layout_without_seq(from));
}

static int read_own(struct store_txn *txn, uint32_t table, uint64_t number, uint64_t seq, struct node *ret_node,
	struct node_place *ret_place)
{
	struct layout_key from = layout_version(table, number, seq);
	struct slice key, pack;
	int r = of_node(store_seek(txn, STORE_VERSIONS, layout_slice(&from), &key, &pack), key, &from);
	return r ? r : from_pack(key, pack, number, seq, ret_node, ret_place);
}

int node_read(struct store_txn *txn, uint32_t table, uint64_t number, uint64_t seq, struct node *ret_node,
	struct node_place *ret_place)
{
	if (number > NODE_NUMBER_MAX)
		return -ENOENT;
	int r;
	do
		r = read_own(txn, table, number, seq, ret_node, ret_place);
	while (r == -ENOENT && !(r = lineage_up(txn, &table, &seq)));
	return r;
}

struct node_reader node_reader(struct store_txn *txn, uint32_t table, uint64_t seq)
{
	return (struct node_reader){ .txn = txn, .path = lineage_path(txn, table), .seq = seq };
}

/* Steps on to the first record not before `from`, when it is known to be behind the one the cursor stands at, and close. */
static bool step_to(struct node_reader *reader, unsigned i, struct slice from)
{
	unsigned steps = reader->places[i].is_near ? STEPS_NEAR : 1;
	struct slice *key = &reader->places[i].key, *pack = &reader->places[i].pack;
	int *result = &reader->places[i].result;
	for (; *result != -ENOENT; *result = store_cursor_next(reader->places[i].cursor, key, pack)) {
		if (!key->size)
			return false;
		if (slice_compare(*key, from) >= 0)
			break;
		if (!steps--)
			return false;
	}
	return true;
}

/* Has the first record not before the node's as of the reader's change at hand, in the i-th table of the path. */
static int move_to(struct node_reader *reader, unsigned i, uint64_t number, struct slice from)
{
	int r = 0;
	bool is_behind = reader->places[i].cursor && number > reader->places[i].number;
	if (!reader->places[i].cursor)
		r = store_cursor_open(reader->txn, STORE_VERSIONS, &reader->places[i].cursor);
	if (r)
		return r;
	reader->places[i].is_near = is_behind && step_to(reader, i, from);
	reader->places[i].number = number;
	if (!reader->places[i].is_near)
		reader->places[i].result = store_cursor_seek(
			reader->places[i].cursor, from, &reader->places[i].key, &reader->places[i].pack);
	return reader->places[i].result;
}

int node_reader_read(struct node_reader *reader, uint64_t number, struct node *ret_node, struct node_place *ret_place)
{
	uint32_t table;
	uint64_t limit;
	int r;
	for (unsigned i = 0; !(r = lineage_step(&reader->path, i, &table, &limit)); i++) {
		uint64_t seq = reader->seq < limit ? reader->seq : limit;
		if (i == LINEAGE_STEPS)
			return node_read(reader->txn, table, number, seq, ret_node, ret_place);
		struct layout_key from = layout_version(table, number, seq);
		r = move_to(reader, i, number, layout_slice(&from));
		struct slice key = reader->places[i].key;
		r = of_node(r, key, &from);
		if (r != -ENOENT)
			return r ? r : from_pack(key, reader->places[i].pack, number, seq, ret_node, ret_place);
	}
	return r;
}

void node_reader_end(struct node_reader *reader)
{
	for (unsigned i = 0; i < LINEAGE_STEPS; i++) {
		store_cursor_close(reader->places[i].cursor);
		reader->places[i].cursor = NULL;
	}
}

int node_stored_from(struct store_txn *txn, uint32_t table, uint64_t number, uint64_t seq, uint64_t *ret_seq)
{
	struct layout_key from = layout_version(table, number, seq);
	struct slice key, pack;
	int r = of_node(store_seek(txn, STORE_VERSIONS, layout_slice(&from), &key, &pack), key, &from);
	if (r && !(r == -EIO && key.size))
		return r;
	layout_version_read(key, &number, ret_seq);
	return 0;
}

bool node_is_own(const struct node_place *place, uint32_t table)
{
	struct layout_key prefix = layout_log_prefix(table);
	return place->key.size > prefix.size &&
	       slice_equal(slice_of(place->key.data, prefix.size), layout_slice(&prefix));
}

static int find_own(struct store_txn *txn, uint32_t table, struct slice encoded_key, uint64_t seq, uint64_t *ret_number)
{
	struct layout_key from = layout_index(table, encoded_key, seq);
	struct slice key, value;
	int r = store_seek(txn, STORE_INDEX, layout_slice(&from), &key, &value);
	r = store_within(r, key, layout_without_seq(&from));
	bool is_longer = key.size > 0 && key.size != from.size;
	if (r || is_longer)
		return is_longer ? -ENOENT : r;
	struct reader reader = reader_of(value);
	*ret_number = reader_varint(&reader);
	return reader.is_bad ? -EIO : 0;
}

int node_find(struct store_txn *txn, uint32_t table, struct slice encoded_key, uint64_t seq, struct node *ret_node,
	struct node_place *ret_place)
{
	uint32_t at = table;
	uint64_t limit = seq, number;
	int r;
	do
		r = find_own(txn, at, encoded_key, limit, &number);
	while (r == -ENOENT && !(r = lineage_up(txn, &at, &limit)));
	if (r)
		return r;
	/* Wherever it began, the table itself may have changed it since. */
	r = node_read(txn, table, number, seq, ret_node, ret_place);
	return r == -ENOENT ? -EIO : r;
}
