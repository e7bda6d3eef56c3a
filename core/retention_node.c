/* Invariants
 * 1. Packs keep their keys: the change a pack's key names may be forgotten, but no needed state looks for it.
 * 2. A node's last pack, its index entry and its slot go in one transaction.
 * 3. A partition's node stays until nothing is left of any node that ever stood in it. */
#include "retention_node.h"

#include <errno.h>
#include <string.h>

#include "gone.h"
#include "key.h"
#include "layout.h"
#include "name.h"
#include "node.h"
#include "roster_drop.h"

#define PAGE_BYTES 4096u
#define TABLE_PREFIX 4u

/* What the traces of a node are found by, when its packs are gone. */
struct traces {
	bool is_item;
	uint64_t number, directory, slot;
	uint64_t oldest; /* a change at or after the one that began it, and before the next life of its key */
	struct buffer encoded_key;
};

unsigned retention_needed_versions(
	const struct retention_needs *needs, const struct version *versions, unsigned count, uint64_t end)
{
	unsigned needed = 0;
	for (unsigned i = 0; i < count; i++) {
		if (versions[i].is_removal || retention_needs_any(needs, versions[i].seq, end))
			needed |= 1u << i;
		end = versions[i].seq;
	}
	return needed;
}

int retention_is_inherited(const struct retention_trim *trim, uint64_t number)
{
	struct node node;
	if (!trim->has_parent)
		return 0;
	int r = node_read(trim->txn, trim->lineage.parent, number, trim->lineage.base, &node, NULL);
	return r == -ENOENT ? 0 : r ? r : 1;
}

int retention_may_forget_life(const struct retention_trim *trim, uint64_t number, uint64_t seq)
{
	if (!retention_needs_any(&trim->needs, seq, SEQ_NEVER))
		return 1;
	int r = retention_is_inherited(trim, number);
	return r < 0 ? r : !r;
}

static void count_freed(struct retention_trim *trim, size_t key_size, size_t value_size)
{
	trim->counts->bytes += key_size + value_size;
}

/* --- traces --- */

/* Is this index entry, the next on one side of a life that goes, of another life of its key in the same directory? */
static int is_neighbour(const struct retention_trim *trim, struct slice value, uint64_t directory)
{
	struct reader reader = reader_of(value);
	struct node node;
	int r = node_read(trim->txn, trim->table, reader_varint(&reader), SEQ_MAX, &node, NULL);
	return r == -ENOENT ? 0 : r ? r : node.directory == directory;
}

/* Lives of one key in one directory follow each other: the nearest two tell whether there are any. */
static int has_neighbours(
	const struct retention_trim *trim, const struct traces *traces, const struct layout_key *index)
{
	struct layout_key prefix = layout_index_prefix(trim->table, buffer_slice(&traces->encoded_key));
	struct store_cursor *cursor;
	struct slice key, value;
	int r = store_cursor_open(trim->txn, STORE_INDEX, &cursor);
	if (r)
		return r;
	r = store_cursor_seek(cursor, layout_slice(index), &key, &value);
	r = store_within(r, key, layout_slice(&prefix));
	r = r ? r : is_neighbour(trim, value, traces->directory);
	if (!r || r == -ENOENT) {
		r = store_cursor_seek_before(cursor, layout_slice(index), &key, &value);
		r = store_within(r, key, layout_slice(&prefix));
		r = r ? r : is_neighbour(trim, value, traces->directory);
	}
	store_cursor_close(cursor);
	return r == -ENOENT ? 0 : r;
}

/* The entry that leads from a long name's hash to its key, when no other life of the key stands in the directory. */
static int forget_long_name(struct retention_trim *trim, const struct traces *traces, const struct layout_key *index)
{
	struct slice encoded_key = buffer_slice(&traces->encoded_key), value;
	char name[FILE_NAME_MAX + 1];
	uint8_t hash[NAME_HASH_BYTES];
	struct key key;
	struct buffer storage = BUFFER_INIT;
	bool is_cut = false;
	if (encoded_key.size * 3 + sizeof(".json") <= FILE_NAME_MAX)
		return 0;
	int r = key_decode(encoded_key, &storage, &key);
	if (!r) {
		const struct value *part = key.has_sort ? &key.sort : &key.partition;
		name_of_value(part, traces->is_item ? ".json" : "", name, &is_cut);
		name_hash_of_value(part, hash);
	}
	buffer_free(&storage);
	if (!r && is_cut)
		r = has_neighbours(trim, traces, index);
	if (r || !is_cut)
		return r < 0 ? r : 0;
	struct layout_key long_name = layout_long_name(trim->table, traces->directory, hash);
	r = store_get(trim->txn, STORE_INDEX, layout_slice(&long_name), &value);
	if (!r) {
		count_freed(trim, long_name.size, value.size);
		r = store_delete(trim->txn, STORE_INDEX, layout_slice(&long_name));
	}
	return r == -ENOENT ? 0 : r;
}

/* The index entry of the life: the last one that begins at or before a change of it. */
static int forget_index(struct retention_trim *trim, const struct traces *traces)
{
	struct slice encoded_key = buffer_slice(&traces->encoded_key), key, value;
	struct layout_key prefix = layout_index_prefix(trim->table, encoded_key);
	struct layout_key index = layout_index(trim->table, encoded_key, traces->oldest);
	int r = store_seek(trim->txn, STORE_INDEX, layout_slice(&index), &key, &value);
	r = store_within(r, key, layout_slice(&prefix));
	if (r || key.size != index.size)
		return r == -ENOENT ? 0 : r;
	struct reader reader = reader_of(value);
	if (reader_varint(&reader) != traces->number)
		return 0;
	memcpy(index.bytes, key.data, key.size);
	count_freed(trim, key.size, value.size);
	r = store_delete(trim->txn, STORE_INDEX, layout_slice(&index));
	return r ? r : forget_long_name(trim, traces, &index);
}

static int forget_partition(struct retention_trim *trim, uint64_t number);

static int forget_traces(struct retention_trim *trim, const struct traces *traces)
{
	bool is_ended = !trim->needs.is_alive && !trim->has_parent;
	trim->counts->lives++;
	trim->work += 8;
	int r = forget_index(trim, traces);
	if (!r && !traces->is_item)
		r = roster_drop_directory(trim->txn, trim->table, traces->number);
	if (!r)
		r = roster_drop_slot(trim->txn, trim->table, traces->directory, traces->slot, is_ended);
	return !r && traces->directory ? forget_partition(trim, traces->directory) : r;
}

/* --- packs --- */

struct pack_at {
	struct layout_key key;
	uint64_t number, oldest; /* what the key tells */
	struct slice pack;       /* borrowed; void after a write */
	struct pack_header header;
	struct version versions[PACK_VERSIONS_MAX];
};

static int set_traces(struct traces *traces, const struct pack_at *at)
{
	const struct pack_header *header = &at->header;
	traces->number = at->number;
	traces->is_item = header->kind == NODE_ITEM;
	traces->directory = header->directory;
	traces->slot = header->slot;
	traces->oldest = at->versions[header->count - 1].seq;
	buffer_append_slice(&traces->encoded_key, header->encoded_key);
	return buffer_error(&traces->encoded_key);
}

/* The first pack at or behind a place in the table. -ENOENT: there is none; 1: it is damaged, and only its key is known. */
static int read_pack_from(struct retention_trim *trim, const struct retention_place *place, struct pack_at *ret_at)
{
	struct layout_key from = layout_version(trim->table, place->number, place->seq);
	struct slice key;
	trim->work++;
	int r = store_seek(trim->txn, STORE_VERSIONS, layout_slice(&from), &key, &ret_at->pack);
	r = store_within(r, key, slice_of(from.bytes, TABLE_PREFIX));
	bool is_damaged = r == -EIO && key.size == from.size;
	if (r && !is_damaged)
		return r;
	if (key.size != from.size)
		return -ENOENT;
	ret_at->key.size = key.size;
	memcpy(ret_at->key.bytes, key.data, key.size);
	layout_version_read(key, &ret_at->number, &ret_at->oldest);
	return is_damaged || pack_versions(ret_at->pack, &ret_at->header, ret_at->versions) ? 1 : 0;
}

/* The pack of a node in which the version before or at change `seq` stands. -ENOENT; 1 as above. */
static int read_pack(struct retention_trim *trim, uint64_t number, uint64_t seq, struct pack_at *ret_at)
{
	int r = read_pack_from(trim, &(struct retention_place){ number, seq }, ret_at);
	return r >= 0 && ret_at->number != number ? -ENOENT : r;
}

/* The pack with only the versions that are needed; without any, no pack. */
static int keep_versions(struct retention_trim *trim, const struct pack_at *at, unsigned needed)
{
	unsigned kept = (unsigned)__builtin_popcount(needed);
	if (kept == at->header.count)
		return 0;
	trim->work += 2 + at->pack.size / PAGE_BYTES;
	buffer_clear(&trim->scratch);
	int r = kept ? pack_keep(at->pack, needed, &trim->scratch) : 0;
	if (r)
		return r == -EIO ? 0 : r; /* damaged: left as it is */
	trim->counts->versions += at->header.count - kept;
	count_freed(trim, kept ? 0 : at->key.size, at->pack.size - trim->scratch.size);
	if (kept)
		return store_put(trim->txn, STORE_VERSIONS, layout_slice(&at->key), buffer_slice(&trim->scratch));
	return store_delete(trim->txn, STORE_VERSIONS, layout_slice(&at->key));
}

/* What a node leaves behind besides packs. What is inherited has none of it here. */
static int forget_rest(struct retention_trim *trim, const struct traces *traces)
{
	int r = retention_is_inherited(trim, traces->number);
	return r < 0 ? r : r ? 0 : forget_traces(trim, traces);
}

static int forget_last_pack(struct retention_trim *trim, const struct pack_at *at)
{
	struct traces traces = { 0 };
	int r = set_traces(&traces, at);
	if (!r)
		r = keep_versions(trim, at, 0);
	if (!r)
		r = forget_rest(trim, &traces);
	buffer_free(&traces.encoded_key);
	return r;
}

/* The next older pack of the same node. */
static int read_older(struct retention_trim *trim, const struct pack_at *at, struct pack_at *ret_older)
{
	return at->oldest ? read_pack(trim, at->number, at->oldest - 1, ret_older) : -ENOENT;
}

/* Is only the removal left of an item's node? Then that may go as well. */
static int forget_removal(struct retention_trim *trim, uint64_t number)
{
	struct pack_at at, older;
	int r = read_pack(trim, number, SEQ_MAX, &at);
	if (r || at.header.count > 1 || !at.versions[0].is_removal)
		return r == -ENOENT || r > 0 ? 0 : r;
	r = read_older(trim, &at, &older);
	if (r != -ENOENT)
		return r < 0 ? r : 0;
	r = retention_may_forget_life(trim, number, at.versions[0].seq);
	return r == 1 ? forget_last_pack(trim, &at) : r;
}

/* Invariant 3. */
static int forget_partition(struct retention_trim *trim, uint64_t number)
{
	struct pack_at at;
	int r = read_pack(trim, number, SEQ_MAX, &at);
	if (r)
		return r == -ENOENT || r == 1 ? 0 : r;
	unsigned needed = retention_needed_versions(&trim->needs, at.versions, at.header.count, SEQ_NEVER);
	bool has_ended = at.versions[0].is_removal;
	if (at.header.kind != NODE_PARTITION || (needed & ~(has_ended ? 1u : 0)))
		return 0;
	r = has_ended ? retention_may_forget_life(trim, number, at.versions[0].seq) : 1;
	if (r != 1)
		return r;
	r = retention_is_inherited(trim, number);
	if (!r)
		r = roster_is_bare(trim->txn, trim->table, number);
	return r == 1 ? forget_last_pack(trim, &at) : r;
}

/* That the item is gone can't be told any more. 1: something was written, 0, negative. */
static int forget_gone(struct retention_trim *trim, const struct pack_at *at)
{
	const struct version *newest = &at->versions[0];
	if (at->header.kind != NODE_ITEM || !newest->is_removal || newest->seq > trim->needs.floor)
		return 0;
	return gone_remove(trim->txn, trim->table, at->header.encoded_key, at->header.directory, at->number, 0);
}

int retention_trim_changes(struct retention_trim *trim, uint64_t number, uint64_t first, uint64_t last, bool is_removed)
{
	struct pack_at at;
	uint64_t seq = last - 1, end = last;
	int r = is_removed ? read_pack(trim, number, SEQ_MAX, &at) : -ENOENT;
	if (!r)
		r = forget_gone(trim, &at);
	if (r < 0 && r != -ENOENT)
		return r;
	while (!(r = read_pack(trim, number, seq, &at))) {
		/* What began with the last change, or after it, is in no question here. */
		uint64_t newest_end = at.versions[0].seq >= last ? SEQ_NEVER : end;
		end = at.versions[at.header.count - 1].seq;
		seq = at.oldest - 1;
		r = keep_versions(
			trim, &at, retention_needed_versions(&trim->needs, at.versions, at.header.count, newest_end));
		if (r || end < first || !at.oldest)
			break;
	}
	if (r < 0 && r != -ENOENT)
		return r;
	return is_removed ? forget_removal(trim, number) : 0;
}

/* Where the newest version of a pack ends: at the oldest of the next newer pack. */
static int end_of_pack(struct retention_trim *trim, const struct pack_at *at, uint64_t *ret_end)
{
	struct store_cursor *cursor;
	struct slice key, pack;
	struct pack_header header;
	struct version versions[PACK_VERSIONS_MAX];
	uint64_t number, oldest;
	*ret_end = SEQ_NEVER;
	int r = store_cursor_open(trim->txn, STORE_VERSIONS, &cursor);
	if (r)
		return r;
	r = store_cursor_seek_before(cursor, layout_slice(&at->key), &key, &pack);
	r = store_within(r, key, slice_of(at->key.bytes, TABLE_PREFIX));
	bool is_damaged = r == -EIO && key.size == at->key.size;
	if ((!r || is_damaged) && key.size == at->key.size) {
		layout_version_read(key, &number, &oldest);
		if (number == at->number)
			*ret_end = is_damaged || pack_versions(pack, &header, versions)
					   ? oldest
					   : versions[header.count - 1].seq;
	}
	store_cursor_close(cursor);
	return r == -ENOENT || is_damaged ? 0 : r;
}

/* With the last pack that has anything but a removal goes the node. */
static int trim_item_pack(struct retention_trim *trim, const struct pack_at *at, unsigned needed)
{
	struct pack_at older;
	bool has_alive = needed && !(needed == 1 && at->versions[0].is_removal);
	int r = has_alive ? 0 : read_older(trim, at, &older);
	if (r != -ENOENT)
		return r < 0 ? r : keep_versions(trim, at, needed);
	uint64_t number = at->number;
	struct traces traces = { 0 };
	r = set_traces(&traces, at);
	if (!r)
		r = keep_versions(trim, at, needed);
	if (!r)
		r = read_pack(trim, number, SEQ_MAX, &older);
	if (r == -ENOENT)
		r = forget_rest(trim, &traces);
	else if (r >= 0)
		r = forget_removal(trim, number);
	buffer_free(&traces.encoded_key);
	return r;
}

int retention_trim_pack(struct retention_trim *trim, struct retention_place *place)
{
	struct pack_at at;
	uint64_t end;
	int r = read_pack_from(trim, place, &at);
	if (r < 0)
		return r;
	*place = at.oldest ? (struct retention_place){ at.number, at.oldest - 1 }
			   : (struct retention_place){ at.number + 1, SEQ_MAX };
	if (r == 1)
		return 0;
	if (at.header.kind == NODE_PARTITION)
		return forget_partition(trim, at.number);
	r = forget_gone(trim, &at);
	if (r == 1)
		r = read_pack(trim, at.number, at.oldest, &at);
	if (r)
		return r;
	r = end_of_pack(trim, &at, &end);
	if (r)
		return r;
	return trim_item_pack(trim, &at, retention_needed_versions(&trim->needs, at.versions, at.header.count, end));
}
