#include "tests/support/consistency_parts.h"

#include <errno.h>
#include <string.h>

#include "item_json.h"
#include "layout.h"
#include "node.h"
#include "pack.h"
#include "roster.h"

/* --- rosters --- */

/* Does the roster list the slot as of a change? */
static bool is_listed(struct check *check, uint64_t directory, uint64_t slot, uint64_t seq)
{
	struct roster_walk walk;
	uint64_t number, found;
	return roster_walk_begin(&walk, check->txn, check->table->number, directory, seq, slot) == 0 &&
	       roster_walk_next(&walk, &number, &found) == 1 && found == slot;
}

/* A slot whose node was forgotten ended at the floor or before. */
static int check_slot(struct check *check, uint64_t directory, uint64_t slot, uint64_t number, uint64_t *alive)
{
	struct node node;
	int r = node_read(check->txn, check->table->number, number, SEQ_MAX, &node, NULL);
	if (r == -ENOENT && check->floor && !is_listed(check, directory, slot, check->floor))
		return 0;
	if (r)
		return check_wrong(check, "a roster's slot has no node", number);
	if (node.directory != directory || node.slot != slot)
		return check_wrong(check, "a node stands elsewhere than its roster tells", number);
	*alive += !node.version.is_removal;
	if (!is_listed(check, directory, slot, node.version.is_removal ? node.version.seq - 1 : SEQ_MAX) ||
		(node.version.is_removal && is_listed(check, directory, slot, node.version.seq)))
		return check_wrong(check, "a roster tells another end than its node", number);
	return 0;
}

/* The slots of a block, which is there whole or, when all of it was forgotten, not at all. */
static int check_block(struct check *check, uint64_t directory, uint64_t first, uint64_t end, uint64_t *alive)
{
	struct roster_walk walk;
	uint64_t number, slot, next = first;
	int r = roster_walk_begin(&walk, check->txn, check->table->number, directory, 0, first), more = 0;
	while (!r && next < end && (more = roster_walk_next(&walk, &number, &slot)) == 1) {
		if (slot != next++)
			return check_wrong(check, "a roster passes over a slot", slot);
		r = check_slot(check, directory, slot, number, alive);
	}
	bool is_gone = next == first && !more && check->floor && end - first == ROSTER_BLOCK;
	if (r || more < 0 || (next != end && !is_gone))
		return r ? r : check_wrong(check, "a roster ends early: directory", directory);
	return 0;
}

int check_roster(struct check *check, uint64_t directory)
{
	struct roster_head head;
	uint64_t alive = 0;
	if (check->is_ended)
		return 0;
	int r = roster_head(check->txn, check->table->number, directory, &head);
	for (uint64_t slot = 0; !r && slot < head.slots; slot += ROSTER_BLOCK) {
		uint64_t end = slot + ROSTER_BLOCK < head.slots ? slot + ROSTER_BLOCK : head.slots;
		r = check_block(check, directory, slot, end, &alive);
	}
	if (r || alive != head.alive)
		return r ? r : check_wrong(check, "a roster's head differs from its slots: directory", directory);
	return 0;
}

/* --- packs --- */

static uint64_t read_number(const uint8_t *bytes)
{
	uint64_t value = 0;
	for (unsigned i = 0; i < 6; i++)
		value = value << 7 | (bytes[i] & 0x7f);
	return value;
}

static int check_version(
	struct check *check, struct slice pack, const struct pack_header *header, unsigned place, struct buffer *item)
{
	struct version version;
	if (pack_version(pack, place, &version))
		return -EIO;
	if (version.is_removal || header->kind == NODE_PARTITION)
		return 0;
	int r = pack_content(pack, place, item);
	if (r || item->size != version.item_bytes || item_check(buffer_slice(item)))
		return -EIO;
	return item_json_size(buffer_slice(item), ITEM_PLAIN, NULL) == version.plain_size &&
			       item_json_size(buffer_slice(item), ITEM_DYNAMODB, NULL) == version.dynamodb_size
		       ? 0
		       : check_wrong(check, "a version tells a wrong size; place", place);
}

struct packs {
	uint64_t number, oldest_seq; /* of the pack before */
	uint64_t oldest_kept;        /* and of what is left in it */
	uint64_t nodes;
	uint64_t item_versions; /* after the floor */
	struct buffer item;
};

static bool is_inherited(struct check *check, uint64_t number)
{
	struct node node;
	return check->has_lineage &&
	       node_read(check->txn, check->table->number, number, check->lineage.base, &node, NULL) == 0;
}

static bool is_pinned(const struct check *check, uint64_t first, uint64_t end)
{
	for (size_t i = 0; i < check->pin_count; i++)
		if (check->pins[i] >= first && check->pins[i] < end)
			return true;
	return false;
}

/* What is there of an item, and what is not, is what is needed. `end`: where the newest version in the pack ends. */
static int check_versions(struct check *check, struct packs *packs, struct slice pack, unsigned count, uint64_t end)
{
	struct version version;
	for (unsigned place = 0; place < count; place++, end = version.seq) {
		if (pack_version(pack, place, &version) || (place && version.seq >= end))
			return check_wrong(check, "versions in a pack are out of order: node", packs->number);
		packs->item_versions += version.seq > check->floor;
		if (check->is_swept && !version.is_removal && end <= check->floor &&
			!is_pinned(check, version.seq, end))
			return check_wrong(check, "a version that nothing needs was not forgotten", version.seq);
	}
	packs->oldest_kept = version.seq;
	return 0;
}

/* Nodes stand in directories that may have ended, and are looked for there in the past. */
static bool has_slot(struct check *check, const struct pack_header *header)
{
	struct roster_head head;
	return check->is_ended || (roster_head(check->txn, check->table->number, header->directory, &head) == 0 &&
					  header->slot < head.slots);
}

static int check_pack(struct check *check, struct packs *packs, struct slice key, struct slice pack)
{
	uint64_t number = read_number(key.data + 4), oldest = SEQ_MAX - read_number(key.data + 10);
	struct pack_header header;
	struct version first, last;
	if (key.size != 16 || pack_read(pack, &header) || number >= check->counters.next_number)
		return check_wrong(check, "a pack cannot be read: node", number);
	for (unsigned place = 0; place < header.count; place++)
		if (check_version(check, pack, &header, place, &packs->item))
			return check_wrong(check, "a version in a pack cannot be read: node", number);
	if (pack_version(pack, 0, &first) || pack_version(pack, header.count - 1, &last) ||
		(last.seq != oldest && (last.seq < oldest || oldest >= check->floor)))
		return check_wrong(check, "a pack stands under another change than its oldest: node", number);
	if (check->has_lineage && oldest <= check->lineage.base)
		return check_wrong(check, "a version of its own is older than its base: node", number);
	if (number == packs->number && first.seq >= packs->oldest_seq)
		return check_wrong(check, "two packs of a node overlap", number);
	bool is_new = number != packs->number;
	uint64_t end = is_new ? UINT64_MAX : packs->oldest_kept;
	packs->number = number;
	packs->oldest_seq = oldest;
	packs->nodes += is_new && !is_inherited(check, number);
	if (is_new && !has_slot(check, &header))
		return check_wrong(check, "a node's directory does not know of its slot: node", number);
	if (header.kind == NODE_ITEM)
		return check_versions(check, packs, pack, header.count, end);
	return is_new ? check_roster(check, number) : 0;
}

static bool has_prefix(struct slice key, const struct layout_key *prefix)
{
	return key.size > prefix->size && memcmp(key.data, prefix->bytes, prefix->size) == 0;
}

static int check_packs(struct check *check, uint64_t *ret_nodes)
{
	struct store_cursor *cursor;
	struct packs packs = { 0 };
	struct slice key, pack;
	struct layout_key prefix = layout_log_prefix(check->table->number);
	int r = store_cursor_open(check->txn, STORE_VERSIONS, &cursor);
	if (r)
		return check_wrong(check, "no cursor", 0);
	r = store_cursor_seek(cursor, layout_slice(&prefix), &key, &pack);
	while (!r && has_prefix(key, &prefix)) {
		r = check_pack(check, &packs, key, pack);
		if (!r)
			r = store_cursor_next(cursor, &key, &pack);
	}
	store_cursor_close(cursor);
	buffer_free(&packs.item);
	*ret_nodes = packs.nodes;
	if (r && r != -ENOENT)
		return r;
	return check->is_ended || packs.item_versions == check->counters.seq - check->floor
		       ? 0
		       : check_wrong(check, "the log does not tell of as many versions", packs.item_versions);
}

static int check_index_entry(struct check *check, struct slice key, struct slice value)
{
	struct reader reader = reader_of(value);
	uint64_t number = reader_varint(&reader), seq = SEQ_MAX - read_number(key.data + key.size - 6);
	struct node node;
	/* Of what began before the floor, the beginning may be forgotten. */
	bool is_whole = seq > check->floor;
	if (reader.is_bad || node_read(check->txn, check->table->number, number, is_whole ? seq : SEQ_MAX, &node, NULL))
		return check_wrong(check, "the index names a node that is not there", number);
	struct layout_key right = layout_index(check->table->number, node.encoded_key, seq);
	if ((is_whole && node.version.seq != seq) || !slice_equal(layout_slice(&right), key))
		return check_wrong(check, "the index has a node under another key", number);
	return 0;
}

static int check_index(struct check *check, uint64_t nodes)
{
	struct store_cursor *cursor;
	struct slice key, value;
	struct layout_key prefix = layout_log_prefix(check->table->number);
	uint64_t entries = 0;
	prefix.bytes[prefix.size++] = 'k';
	int r = store_cursor_open(check->txn, STORE_INDEX, &cursor);
	if (r)
		return check_wrong(check, "no cursor", 0);
	r = store_cursor_seek(cursor, layout_slice(&prefix), &key, &value);
	while (!r && has_prefix(key, &prefix)) {
		entries++;
		r = check_index_entry(check, key, value);
		if (!r)
			r = store_cursor_next(cursor, &key, &value);
	}
	store_cursor_close(cursor);
	if (r && r != -ENOENT)
		return r;
	return entries == nodes
		       ? 0
		       : check_wrong(check, "the index does not have as many entries as there are nodes", nodes);
}

int check_records(struct check *check)
{
	uint64_t nodes = 0;
	int r = check_packs(check, &nodes);
	if (!r)
		r = check_index(check, nodes);
	return r ? r : check_roster(check, 0);
}
