#include "node.h"

#include <errno.h>

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

static int of_node(int r, struct slice key, uint32_t table, uint64_t number)
{
	struct layout_key prefix = layout_version_prefix(table, number);
	return store_within(r, key, layout_slice(&prefix));
}

static int read_own(struct store_txn *txn, uint32_t table, uint64_t number, uint64_t seq, struct node *ret_node,
	struct node_place *ret_place)
{
	struct layout_key from = layout_version(table, number, seq);
	struct slice key, pack;
	int r = of_node(store_seek(txn, STORE_VERSIONS, layout_slice(&from), &key, &pack), key, table, number);
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

int node_read_with(struct store_cursor *versions, struct lineage_path *path, uint64_t number, uint64_t seq,
	struct node *ret_node, struct node_place *ret_place)
{
	uint32_t table;
	uint64_t limit;
	int r;
	for (unsigned i = 0; !(r = lineage_step(path, i, &table, &limit)); i++) {
		struct layout_key from = layout_version(table, number, seq < limit ? seq : limit);
		struct slice key, pack;
		r = of_node(store_cursor_seek(versions, layout_slice(&from), &key, &pack), key, table, number);
		if (r != -ENOENT)
			return r ? r : from_pack(key, pack, number, seq < limit ? seq : limit, ret_node, ret_place);
	}
	return r;
}

int node_stored_from(struct store_txn *txn, uint32_t table, uint64_t number, uint64_t seq, uint64_t *ret_seq)
{
	struct layout_key from = layout_version(table, number, seq);
	struct slice key, pack;
	int r = of_node(store_seek(txn, STORE_VERSIONS, layout_slice(&from), &key, &pack), key, table, number);
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
	struct layout_key prefix = layout_index_prefix(table, encoded_key);
	struct layout_key from = layout_index(table, encoded_key, seq);
	struct slice key, value;
	int r = store_seek(txn, STORE_INDEX, layout_slice(&from), &key, &value);
	r = store_within(r, key, layout_slice(&prefix));
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
