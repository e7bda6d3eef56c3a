#include "roster.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "bytes.h"
#include "layout.h"

#define SEQ_BYTES 6u

static uint64_t read_seq(struct slice deaths, unsigned i)
{
	uint64_t seq = 0;
	for (unsigned b = SEQ_BYTES; b-- > 0;)
		seq = seq << 8 | deaths.data[i * SEQ_BYTES + b];
	return seq;
}

static void write_seq(uint8_t *deaths, unsigned i, uint64_t seq)
{
	for (unsigned b = 0; b < SEQ_BYTES; b++)
		deaths[i * SEQ_BYTES + b] = (uint8_t)(seq >> (8 * b));
}

struct block {
	uint64_t first_number;
	unsigned count;
	struct slice deaths; /* empty: all live */
};

static int read_block(
	struct store_txn *txn, uint32_t table, uint64_t directory, uint64_t index, struct block *ret_block)
{
	struct layout_key key = layout_roster(table, directory, 0, index);
	struct slice value;
	int r = store_get(txn, STORE_ROSTER, layout_slice(&key), &value);
	if (r)
		return r;
	struct reader reader = reader_of(value);
	ret_block->first_number = reader_varint(&reader);
	ret_block->count = reader_byte(&reader);
	ret_block->deaths = slice_of(reader.at, reader_left(&reader));
	bool is_right = !reader.is_bad && ret_block->count <= ROSTER_BLOCK &&
			(ret_block->deaths.size == 0 || ret_block->deaths.size == ret_block->count * SEQ_BYTES);
	return is_right ? 0 : -EIO;
}

static int write_block(
	struct store_txn *txn, uint32_t table, uint64_t directory, uint64_t index, const struct block *block)
{
	struct buffer value = BUFFER_INIT;
	buffer_append_varint(&value, block->first_number);
	buffer_append_byte(&value, (uint8_t)block->count);
	buffer_append_slice(&value, block->deaths);
	struct layout_key key = layout_roster(table, directory, 0, index);
	int r = buffer_error(&value);
	if (!r)
		r = store_put(txn, STORE_ROSTER, layout_slice(&key), buffer_slice(&value));
	buffer_free(&value);
	return r;
}

int roster_head(struct store_txn *txn, uint32_t table, uint64_t directory, struct roster_head *ret_head)
{
	struct layout_key key = layout_roster(table, directory, ROSTER_HEAD, 0);
	struct slice value;
	*ret_head = (struct roster_head){ 0 };
	int r = store_get(txn, STORE_ROSTER, layout_slice(&key), &value);
	if (r)
		return r == -ENOENT ? 0 : r;
	struct reader reader = reader_of(value);
	ret_head->slots = reader_varint(&reader);
	ret_head->alive = reader_varint(&reader);
	return reader.is_bad ? -EIO : 0;
}

static int write_head(struct store_txn *txn, uint32_t table, uint64_t directory, const struct roster_head *head)
{
	struct buffer value = BUFFER_INIT;
	buffer_append_varint(&value, head->slots);
	buffer_append_varint(&value, head->alive);
	struct layout_key key = layout_roster(table, directory, ROSTER_HEAD, 0);
	int r = buffer_error(&value);
	if (!r)
		r = store_put(txn, STORE_ROSTER, layout_slice(&key), buffer_slice(&value));
	buffer_free(&value);
	return r;
}

int roster_add(struct store_txn *txn, uint32_t table, uint64_t directory, uint64_t *next_number, uint64_t *ret_number,
	uint64_t *ret_slot)
{
	struct roster_head head;
	int r = roster_head(txn, table, directory, &head);
	if (r)
		return r;
	uint64_t index = head.slots / ROSTER_BLOCK;
	unsigned place = (unsigned)(head.slots % ROSTER_BLOCK);
	struct block block = { .first_number = *next_number };
	uint8_t deaths[ROSTER_BLOCK * SEQ_BYTES] = { 0 };
	if (place) {
		r = read_block(txn, table, directory, index, &block);
		if (!r && block.count != place)
			r = -EIO;
		if (r)
			return r == -ENOENT ? -EIO : r;
	} else {
		if (*next_number + ROSTER_BLOCK > NODE_NUMBER_MAX)
			return -ENOSPC;
		*next_number += ROSTER_BLOCK;
	}
	block.count++;
	if (block.deaths.size) {
		memcpy(deaths, block.deaths.data, block.deaths.size);
		block.deaths = slice_of(deaths, block.count * SEQ_BYTES);
	}
	r = write_block(txn, table, directory, index, &block);
	*ret_number = block.first_number + place;
	*ret_slot = head.slots++;
	head.alive++;
	return r ? r : write_head(txn, table, directory, &head);
}

/* Notes at `level` that the whole block below died; goes up while that ends a whole block again. */
static int end_block(struct store_txn *txn, uint32_t table, uint64_t directory, uint64_t index, uint64_t seq)
{
	for (unsigned level = 1; level < ROSTER_LEVELS; level++) {
		uint8_t deaths[ROSTER_BLOCK * SEQ_BYTES] = { 0 };
		struct layout_key key = layout_roster(table, directory, level, index / ROSTER_BLOCK);
		struct slice value;
		int r = store_get(txn, STORE_ROSTER, layout_slice(&key), &value);
		if (r && r != -ENOENT)
			return r;
		if (!r && value.size != sizeof(deaths))
			return -EIO;
		if (!r)
			memcpy(deaths, value.data, sizeof(deaths));
		write_seq(deaths, (unsigned)(index % ROSTER_BLOCK), seq);
		r = store_put(txn, STORE_ROSTER, layout_slice(&key), slice_of(deaths, sizeof(deaths)));
		if (r)
			return r;
		for (unsigned i = 0; i < ROSTER_BLOCK; i++)
			if (!read_seq(slice_of(deaths, sizeof(deaths)), i))
				return 0;
		index /= ROSTER_BLOCK;
	}
	return 0;
}

int roster_end(
	struct store_txn *txn, uint32_t table, uint64_t directory, uint64_t slot, uint64_t seq, uint64_t *ret_alive)
{
	struct roster_head head;
	struct block block;
	uint64_t index = slot / ROSTER_BLOCK;
	unsigned place = (unsigned)(slot % ROSTER_BLOCK), living = 0;
	int r = roster_head(txn, table, directory, &head);
	if (!r)
		r = read_block(txn, table, directory, index, &block);
	if (r)
		return r == -ENOENT ? -EIO : r;
	if (place >= block.count || !head.alive)
		return -EIO;
	uint8_t deaths[ROSTER_BLOCK * SEQ_BYTES] = { 0 };
	if (block.deaths.size)
		memcpy(deaths, block.deaths.data, block.deaths.size);
	write_seq(deaths, place, seq);
	block.deaths = slice_of(deaths, block.count * SEQ_BYTES);
	for (unsigned i = 0; i < block.count; i++)
		living += read_seq(block.deaths, i) == 0;
	r = write_block(txn, table, directory, index, &block);
	if (!r && !living && block.count == ROSTER_BLOCK)
		r = end_block(txn, table, directory, index, seq);
	*ret_alive = --head.alive;
	return r ? r : write_head(txn, table, directory, &head);
}

int roster_walk_begin(struct roster_walk *walk, struct store_txn *txn, uint32_t table, uint64_t directory, uint64_t seq,
	uint64_t slot)
{
	struct roster_head head;
	int r = roster_head(txn, table, directory, &head);
	if (r)
		return r;
	*walk = (struct roster_walk){ .txn = txn,
		.table = table,
		.directory = directory,
		.seq = seq,
		.slot = slot,
		.slots = head.slots,
		.block_index = UINT64_MAX };
	for (unsigned level = 0; level < ROSTER_LEVELS; level++)
		walk->levels[level].index = UINT64_MAX;
	return 0;
}

/* Blocks of `level` hold this many slots. */
static uint64_t span_of(unsigned level)
{
	uint64_t span = 1;
	for (unsigned i = 0; i <= level; i++)
		span *= ROSTER_BLOCK;
	return span;
}

/* The deaths a block of a level above the first keeps; empty when none was noted yet. */
static int read_level(struct roster_walk *walk, unsigned level, uint64_t index, struct slice *ret_deaths)
{
	if (walk->levels[level].index != index) {
		struct layout_key key = layout_roster(walk->table, walk->directory, level, index);
		struct slice deaths = { 0 };
		int r = store_get(walk->txn, STORE_ROSTER, layout_slice(&key), &deaths);
		if (r && r != -ENOENT)
			return r;
		if (!r && deaths.size != ROSTER_BLOCK * SEQ_BYTES)
			return -EIO;
		walk->levels[level].index = index;
		walk->levels[level].deaths = deaths;
	}
	*ret_deaths = walk->levels[level].deaths;
	return 0;
}

/* At the beginning of a block: skips as much of what died at or before the walk's change as one level knows of. Returns
 * 1 when something was skipped. */
static int skip_dead(struct roster_walk *walk, unsigned level)
{
	uint64_t below = span_of(level - 1), index = walk->slot / below;
	if (walk->slot % below)
		return 0;
	struct slice deaths;
	int r = read_level(walk, level, index / ROSTER_BLOCK, &deaths);
	if (r || !deaths.size)
		return r;
	uint64_t before = walk->slot;
	do {
		uint64_t death = read_seq(deaths, (unsigned)(index % ROSTER_BLOCK));
		if (!death || death > walk->seq)
			break;
		walk->slot = ++index * below;
	} while (index % ROSTER_BLOCK && walk->slot < walk->slots);
	return walk->slot != before;
}

/* Moves on to the block that holds the walk's slot, passing over dead ones. 1, 0 at the end, negative. */
static int enter_block(struct roster_walk *walk)
{
	unsigned top = 1;
	while (top + 1 < ROSTER_LEVELS && span_of(top) < walk->slots)
		top++;
	for (unsigned level = top; level >= 1 && walk->slot < walk->slots;) {
		int r = skip_dead(walk, level);
		if (r < 0)
			return r;
		level = r ? top : level - 1;
	}
	if (walk->slot >= walk->slots)
		return 0;
	struct block block;
	walk->block_index = walk->slot / ROSTER_BLOCK;
	int r = read_block(walk->txn, walk->table, walk->directory, walk->block_index, &block);
	if (r)
		return r == -ENOENT ? -EIO : r;
	walk->first_number = block.first_number;
	walk->block_count = block.count;
	walk->deaths = block.deaths;
	return 1;
}

int roster_walk_next(struct roster_walk *walk, uint64_t *ret_number, uint64_t *ret_slot)
{
	while (walk->slot < walk->slots) {
		if (walk->slot / ROSTER_BLOCK != walk->block_index) {
			int r = enter_block(walk);
			if (r <= 0)
				return r;
		}
		unsigned place = (unsigned)(walk->slot % ROSTER_BLOCK);
		if (place >= walk->block_count)
			return -EIO;
		uint64_t death = walk->deaths.size ? read_seq(walk->deaths, place) : 0;
		uint64_t slot = walk->slot++;
		if (!death || death > walk->seq) {
			*ret_number = walk->first_number + place;
			*ret_slot = slot;
			return 1;
		}
	}
	return 0;
}
