#include "roster_drop.h"

#include <errno.h>
#include <string.h>

#include "layout.h"
#include "lineage.h"
#include "roster.h"

#define SEQ_BYTES 6u
#define DIRECTORY_PREFIX 10u /* table and directory */

static bool is_death_noted(struct slice deaths, unsigned i)
{
	static const uint8_t none[SEQ_BYTES];
	return memcmp(deaths.data + (size_t)i * SEQ_BYTES, none, SEQ_BYTES) != 0;
}

static bool are_all_dead(struct slice deaths)
{
	if (deaths.size != ROSTER_BLOCK * SEQ_BYTES)
		return false;
	for (unsigned i = 0; i < ROSTER_BLOCK; i++)
		if (!is_death_noted(deaths, i))
			return false;
	return true;
}

struct block {
	uint64_t first_number;
	unsigned count;
	bool is_dead;
};

static int read_block(struct slice value, struct block *ret_block)
{
	struct reader reader = reader_of(value);
	ret_block->first_number = reader_varint(&reader);
	ret_block->count = reader_byte(&reader);
	ret_block->is_dead = are_all_dead(slice_of(reader.at, reader_left(&reader)));
	return reader.is_bad ? -EIO : 0;
}

/* The first record with a key in [from, end). 0 or -ENOENT. */
static int seek_between(struct store_txn *txn, enum store_space space, const struct layout_key *from,
	const struct layout_key *end, struct slice *ret_key, struct slice *ret_value)
{
	int r = store_seek(txn, space, layout_slice(from), ret_key, ret_value);
	return ret_key->size > 0 && slice_compare(*ret_key, layout_slice(end)) >= 0 ? -ENOENT : r;
}

static int has_nodes(struct store_txn *txn, uint32_t table, const struct block *block)
{
	struct layout_key from = layout_version_prefix(table, block->first_number);
	struct layout_key end = layout_version_prefix(table, block->first_number + ROSTER_BLOCK);
	struct slice key, value;
	int r = seek_between(txn, STORE_VERSIONS, &from, &end, &key, &value);
	return r == -ENOENT ? 0 : r ? r : 1;
}

/* Notes in the first level that a block may be passed by whoever did not find it before. */
static int mark_ended(struct store_txn *txn, uint32_t table, uint64_t directory, uint64_t index)
{
	struct layout_key key = layout_roster(table, directory, 1, index / ROSTER_BLOCK);
	uint8_t deaths[ROSTER_BLOCK * SEQ_BYTES] = { 0 };
	struct slice value;
	int r = store_get(txn, STORE_ROSTER, layout_slice(&key), &value);
	if (r && r != -ENOENT)
		return r;
	if (!r && value.size != sizeof(deaths))
		return -EIO;
	if (!r)
		memcpy(deaths, value.data, sizeof(deaths));
	for (unsigned b = 0; b < SEQ_BYTES; b++)
		deaths[index % ROSTER_BLOCK * SEQ_BYTES + b] = (uint8_t)(SEQ_MAX >> (8 * b));
	return store_put(txn, STORE_ROSTER, layout_slice(&key), slice_of(deaths, sizeof(deaths)));
}

/* A record of `level` went: the one above it goes too when it tells of nothing but records that went. */
static int drop_above(struct store_txn *txn, uint32_t table, uint64_t directory, unsigned level, uint64_t index)
{
	for (; level + 2 < ROSTER_LEVELS; level++) {
		index /= ROSTER_BLOCK;
		struct layout_key from = layout_roster(table, directory, level, index * ROSTER_BLOCK);
		struct layout_key end = layout_roster(table, directory, level, (index + 1) * ROSTER_BLOCK);
		struct layout_key above = layout_roster(table, directory, level + 1, index);
		struct layout_key higher = layout_roster(table, directory, level + 2, index / ROSTER_BLOCK);
		struct slice key, deaths, unused;
		int r = seek_between(txn, STORE_ROSTER, &from, &end, &key, &unused);
		if (r != -ENOENT)
			return r;
		r = store_get(txn, STORE_ROSTER, layout_slice(&above), &deaths);
		if (r || !are_all_dead(deaths))
			return r == -ENOENT ? 0 : r;
		r = store_get(txn, STORE_ROSTER, layout_slice(&higher), &unused);
		if (!r)
			r = store_delete(txn, STORE_ROSTER, layout_slice(&above));
		if (r)
			return r == -ENOENT ? 0 : r;
	}
	return 0;
}

/* In a restored table nothing is looked for further up instead. */
static int drop_block(struct store_txn *txn, uint32_t table, uint64_t directory, uint64_t index)
{
	static const char no_slots[] = { 0, 0 };
	struct layout_key key = layout_roster(table, directory, 0, index);
	struct lineage lineage;
	int r = lineage_read(txn, table, &lineage);
	if (!r)
		return store_put(txn, STORE_ROSTER, layout_slice(&key), slice_of(no_slots, sizeof(no_slots)));
	if (r == -ENOENT)
		r = store_delete(txn, STORE_ROSTER, layout_slice(&key));
	return r ? r : drop_above(txn, table, directory, 0, index);
}

int roster_drop_slot(struct store_txn *txn, uint32_t table, uint64_t directory, uint64_t slot, bool is_ended)
{
	uint64_t index = slot / ROSTER_BLOCK;
	struct layout_key key = layout_roster(table, directory, 0, index);
	struct slice value;
	struct block block;
	int r = store_get(txn, STORE_ROSTER, layout_slice(&key), &value);
	if (!r)
		r = read_block(value, &block);
	if (r || block.count < ROSTER_BLOCK || !(block.is_dead || is_ended))
		return r == -ENOENT ? 0 : r;
	r = has_nodes(txn, table, &block);
	if (r)
		return r < 0 ? r : 0;
	if (!block.is_dead)
		r = mark_ended(txn, table, directory, index);
	return r ? r : drop_block(txn, table, directory, index);
}

int roster_is_bare(struct store_txn *txn, uint32_t table, uint64_t directory)
{
	struct layout_key from = layout_roster(table, directory, 0, 0);
	struct layout_key end = layout_roster(table, directory, 1, 0);
	struct slice key, value;
	struct block block = { 0 };
	int r = 0;
	while (!r && !block.count) {
		r = seek_between(txn, STORE_ROSTER, &from, &end, &key, &value);
		if (r)
			break;
		r = read_block(value, &block);
		memcpy(from.bytes, key.data, key.size);
		from.size = key.size;
		from.bytes[from.size++] = 0;
	}
	if (r)
		return r == -ENOENT ? 1 : r;
	/* Only the last block, which is not full, can stay behind without nodes. */
	r = has_nodes(txn, table, &block);
	return r < 0 ? r : !r && block.count < ROSTER_BLOCK;
}

int roster_drop_directory(struct store_txn *txn, uint32_t table, uint64_t directory)
{
	struct layout_key prefix = layout_roster(table, directory, 0, 0);
	prefix.size = DIRECTORY_PREFIX;
	for (;;) {
		struct slice key, value;
		int r = store_seek(txn, STORE_ROSTER, layout_slice(&prefix), &key, &value);
		r = store_within(r, key, layout_slice(&prefix));
		if (r && !(r == -EIO && key.size))
			return r == -ENOENT ? 0 : r;
		struct layout_key one = { .size = key.size };
		memcpy(one.bytes, key.data, key.size);
		r = store_delete(txn, STORE_ROSTER, layout_slice(&one));
		if (r)
			return r;
	}
}
