/* A node's packs stand with the newest first, and so do the lives of a key: what comes next in time is the record before. */
#include "versions.h"

#include <errno.h>

#include "layout.h"
#include "lineage.h"
#include "retention.h"

/* The last change of its parents that a table knows of; 0: it has none. */
static int base_of(struct store_txn *txn, uint32_t table, uint64_t *ret_base)
{
	struct lineage lineage = { 0 };
	int r = lineage_read(txn, table, &lineage);
	*ret_base = r ? 0 : lineage.base;
	return r == -ENOENT ? 0 : r;
}

/* The key as of a change. */
static int find(struct store_txn *txn, uint32_t table, struct slice encoded_key, uint64_t seq, struct node *ret_node,
	struct node_place *ret_place)
{
	int r = node_find(txn, table, encoded_key, seq, ret_node, ret_place);
	return r == -EIO && retention_check(txn, table, seq) == -ESTALE ? -ESTALE : r;
}

static int seek_before(struct store_txn *txn, enum store_space space, const struct layout_key *from,
	const struct layout_key *prefix, struct slice *ret_key, struct slice *ret_value)
{
	struct store_cursor *cursor;
	int r = store_cursor_open(txn, space, &cursor);
	if (r)
		return r;
	r = store_cursor_seek_before(cursor, layout_slice(from), ret_key, ret_value);
	store_cursor_close(cursor);
	r = store_within(r, *ret_key, layout_slice(prefix));
	bool is_longer = ret_key->size > 0 && ret_key->size != from->size;
	return is_longer ? -ENOENT : r;
}

static int read_place(struct slice key, struct slice pack, uint64_t number, unsigned newer, struct node *ret_node,
	struct node_place *ret_place)
{
	struct version versions[PACK_VERSIONS_MAX];
	struct pack_header header;
	int r = pack_versions(pack, &header, versions);
	if (r)
		return r;
	unsigned place = newer ? newer - 1 : header.count - 1;
	*ret_node = (struct node){ .number = number,
		.kind = header.kind,
		.directory = header.directory,
		.slot = header.slot,
		.version = versions[place],
		.encoded_key = header.encoded_key };
	if (ret_place)
		*ret_place = (struct node_place){ pack, key, place };
	return 0;
}

/* The first version of a node after a change, of those in packs that begin after it and are the table's own. */
static int next_pack(struct store_txn *txn, uint32_t table, uint64_t number, uint64_t seq, struct node *ret_node,
	struct node_place *ret_place)
{
	struct layout_key from = layout_version(table, number, seq), prefix = layout_version_prefix(table, number);
	struct slice key, pack;
	int r = seek_before(txn, STORE_VERSIONS, &from, &prefix, &key, &pack);
	return r ? r : read_place(key, pack, number, 0, ret_node, ret_place);
}

/* The first version of the key's next life. */
static int next_life(struct store_txn *txn, uint32_t table, struct slice encoded_key, uint64_t seq,
	struct node *ret_node, struct node_place *ret_place)
{
	struct layout_key from = layout_index(table, encoded_key, seq);
	struct layout_key prefix = layout_index_prefix(table, encoded_key);
	struct slice key, value;
	int r = seek_before(txn, STORE_INDEX, &from, &prefix, &key, &value);
	if (r)
		return r;
	struct reader reader = reader_of(value);
	uint64_t number = reader_varint(&reader);
	if (reader.is_bad)
		return -EIO;
	r = next_pack(txn, table, number, seq, ret_node, ret_place);
	return r == -ENOENT ? -EIO : r;
}

static int after(struct store_txn *txn, uint32_t table, struct slice encoded_key, uint64_t seq, struct node *ret_node,
	struct node_place *ret_place)
{
	struct node_place place;
	struct node node;
	int r = find(txn, table, encoded_key, seq, &node, &place);
	if (r && r != -ENOENT)
		return r;
	if (!r && !node.version.is_removal) {
		if (place.place && node_is_own(&place, table))
			return read_place(place.key, place.pack, node.number, place.place, ret_node, ret_place);
		r = next_pack(txn, table, node.number, seq, ret_node, ret_place);
		if (r != -ENOENT)
			return r;
	}
	return next_life(txn, table, encoded_key, seq, ret_node, ret_place);
}

int versions_after(struct store_txn *txn, uint32_t table, struct slice encoded_key, uint64_t seq, struct node *ret_node,
	struct node_place *ret_place)
{
	uint64_t base;
	int r = base_of(txn, table, &base);
	if (r)
		return r;
	seq = seq < base ? base : seq;
	return seq >= SEQ_MAX ? -ENOENT : after(txn, table, encoded_key, seq, ret_node, ret_place);
}

/* What a table did not see itself it began with, or it knows nothing of it. */
static int if_seen(const struct node *node, uint64_t base)
{
	return node->version.seq <= base && node->version.is_removal ? -ENOENT : 0;
}

int versions_before(struct store_txn *txn, uint32_t table, struct slice encoded_key, uint64_t seq,
	struct node *ret_node, struct node_place *ret_place)
{
	uint64_t base;
	int r = base_of(txn, table, &base);
	if (r || !seq || seq <= base)
		return r ? r : -ENOENT;
	r = find(txn, table, encoded_key, (seq < SEQ_MAX ? seq : SEQ_MAX) - 1, ret_node, ret_place);
	return r ? r : if_seen(ret_node, base);
}

int versions_at(struct store_txn *txn, uint32_t table, struct slice encoded_key, uint64_t seq, struct node *ret_node,
	struct node_place *ret_place)
{
	uint64_t base;
	int r = base_of(txn, table, &base);
	if (r || !seq || seq >= SEQ_MAX)
		return r ? r : -ENOENT;
	r = find(txn, table, encoded_key, seq < base ? base : seq, ret_node, ret_place);
	if (!r && ret_node->version.seq != seq)
		r = -ENOENT;
	return r ? r : if_seen(ret_node, base);
}

int versions_first(struct store_txn *txn, uint32_t table, struct slice encoded_key, const struct reach *reach,
	struct node *ret_node, struct node_place *ret_place)
{
	int r = find(txn, table, encoded_key, reach->first_seq, ret_node, ret_place);
	if (r == -ENOENT || (!r && ret_node->version.is_removal))
		return versions_after(txn, table, encoded_key, reach->first_seq, ret_node, ret_place);
	return r;
}
