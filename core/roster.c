#include "roster.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "bytes.h"
#include "layout.h"
#include "node.h"

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

/* A record of the table or, where it has none, of the nearest table above that has one. What is greater than *ret_limit does
 * not count in it; SEQ_MAX: it is the table's own. */
static int get_record(struct lineage_path *path, uint64_t directory, unsigned level, uint64_t index,
	struct slice *ret_value, uint64_t *ret_limit)
{
	uint32_t table;
	int r;
	for (unsigned i = 0; !(r = lineage_step(path, i, &table, ret_limit)); i++) {
		struct layout_key key = layout_roster(table, directory, level, index);
		r = store_get(path->txn, STORE_ROSTER, layout_slice(&key), ret_value);
		if (r != -ENOENT)
			return r;
	}
	return r;
}

static int put_record(struct lineage_path *path, uint64_t directory, unsigned level, uint64_t index, struct slice value)
{
	struct layout_key key = layout_roster(path->steps[0].table, directory, level, index);
	return store_put(path->txn, STORE_ROSTER, layout_slice(&key), value);
}

/* A copy of deaths, of which those after `limit` have not happened. */
static void copy_deaths(struct slice deaths, uint64_t limit, uint8_t *ret_deaths)
{
	memcpy(ret_deaths, deaths.data, deaths.size);
	for (unsigned i = 0; limit < SEQ_MAX && i < deaths.size / SEQ_BYTES; i++)
		if (read_seq(deaths, i) > limit)
			write_seq(ret_deaths, i, 0);
}

struct block {
	uint64_t first_number;
	unsigned count;
	struct slice deaths; /* empty: all live */
	uint64_t limit;      /* deaths after it don't count; SEQ_MAX: the block is the table's own */
};

static int read_block(struct lineage_path *path, uint64_t directory, uint64_t index, struct block *ret_block)
{
	struct slice value;
	int r = get_record(path, directory, 0, index, &value, &ret_block->limit);
	if (r)
		return r;
	struct reader reader = reader_of(value);
	ret_block->first_number = reader_varint(&reader);
	ret_block->count = reader_byte(&reader);
	ret_block->deaths = slice_of(reader.at, reader_left(&reader));
	bool is_right = !reader.is_bad && ret_block->count <= ROSTER_BLOCK &&
			(ret_block->deaths.size == 0 || ret_block->deaths.size == ret_block->count * SEQ_BYTES);
	return !is_right ? -EIO : ret_block->count ? 0 : -ENOENT;
}

/* The block as the table's own to change, with as many slots as its directory has of it; its deaths are in `deaths`. */
static int take_block(struct lineage_path *path, uint64_t directory, uint64_t index, uint64_t slots,
	uint8_t deaths[ROSTER_BLOCK * SEQ_BYTES], struct block *ret_block)
{
	int r = read_block(path, directory, index, ret_block);
	if (r)
		return r == -ENOENT ? -EIO : r;
	uint64_t left = slots - index * ROSTER_BLOCK;
	unsigned count = left < ROSTER_BLOCK ? (unsigned)left : ROSTER_BLOCK;
	if (ret_block->limit == SEQ_MAX ? ret_block->count != count : ret_block->count < count)
		return -EIO;
	ret_block->count = count;
	if (ret_block->deaths.size) {
		ret_block->deaths.size = count * SEQ_BYTES;
		copy_deaths(ret_block->deaths, ret_block->limit, deaths);
		ret_block->deaths.data = deaths;
	}
	return 0;
}

static int write_block(struct lineage_path *path, uint64_t directory, uint64_t index, const struct block *block)
{
	struct buffer value = BUFFER_INIT;
	buffer_append_varint(&value, block->first_number);
	buffer_append_byte(&value, (uint8_t)block->count);
	buffer_append_slice(&value, block->deaths);
	int r = buffer_error(&value);
	if (!r)
		r = put_record(path, directory, 0, index, buffer_slice(&value));
	buffer_free(&value);
	return r;
}

static int read_head(struct lineage_path *path, uint64_t directory, struct roster_head *ret_head, uint64_t *ret_limit)
{
	struct slice value;
	*ret_head = (struct roster_head){ 0 };
	int r = get_record(path, directory, ROSTER_HEAD, 0, &value, ret_limit);
	if (r)
		return r == -ENOENT ? 0 : r;
	struct reader reader = reader_of(value);
	ret_head->slots = reader_varint(&reader);
	ret_head->alive = reader_varint(&reader);
	return reader.is_bad ? -EIO : 0;
}

static int write_head(struct lineage_path *path, uint64_t directory, const struct roster_head *head)
{
	struct buffer value = BUFFER_INIT;
	buffer_append_varint(&value, head->slots);
	buffer_append_varint(&value, head->alive);
	int r = buffer_error(&value);
	if (!r)
		r = put_record(path, directory, ROSTER_HEAD, 0, buffer_slice(&value));
	buffer_free(&value);
	return r;
}

/* When the block ended of which only the levels above still tell, or a greater block it was in. */
static int end_of_block(struct lineage_path *path, uint64_t directory, uint64_t index, uint64_t *ret_seq)
{
	*ret_seq = 0;
	for (unsigned level = 1; level < ROSTER_LEVELS && !*ret_seq; level++, index /= ROSTER_BLOCK) {
		struct slice deaths;
		uint64_t limit;
		int r = get_record(path, directory, level, index / ROSTER_BLOCK, &deaths, &limit);
		if (r && r != -ENOENT)
			return r;
		if (!r && deaths.size != ROSTER_BLOCK * SEQ_BYTES)
			return -EIO;
		if (!r)
			*ret_seq = read_seq(deaths, (unsigned)(index % ROSTER_BLOCK));
	}
	return *ret_seq ? 0 : -EIO;
}

/* Had the life at this slot begun at change `seq`? 1, 0, negative. */
static int had_begun(struct lineage_path *path, uint64_t directory, uint64_t slot, uint64_t seq)
{
	struct block block;
	struct node node;
	uint64_t death = 0;
	unsigned place = (unsigned)(slot % ROSTER_BLOCK);
	int r = read_block(path, directory, slot / ROSTER_BLOCK, &block);
	if (r == -ENOENT) {
		r = end_of_block(path, directory, slot / ROSTER_BLOCK, &death);
		return r ? r : death <= seq;
	}
	if (r || place >= block.count)
		return r;
	death = block.deaths.size ? read_seq(block.deaths, place) : 0;
	if (death && death <= seq)
		return 1;
	r = node_read(path->txn, path->steps[0].table, block.first_number + place, seq, &node, NULL);
	return r == -ENOENT ? 0 : r ? r : 1;
}

/* Slots are in order of birth: how many had been given at change `seq`, of those ever given. */
static int count_slots(struct lineage_path *path, uint64_t directory, uint64_t seq, uint64_t *slots)
{
	uint64_t given = 0, end = *slots, middle = end ? end - 1 : 0;
	while (given < end) {
		int r = had_begun(path, directory, middle, seq);
		if (r < 0)
			return r;
		if (r)
			given = middle + 1;
		else
			end = middle;
		middle = given + (end - given) / 2;
	}
	*slots = given;
	return 0;
}

static void walk_begin(struct roster_walk *walk, const struct lineage_path *path, uint64_t directory, uint64_t seq,
	uint64_t slot, uint64_t slots)
{
	*walk = (struct roster_walk){ .path = *path,
		.directory = directory,
		.seq = seq,
		.slot = slot,
		.slots = slots,
		.block_index = UINT64_MAX };
	for (unsigned level = 0; level < ROSTER_LEVELS; level++)
		walk->levels[level].index = UINT64_MAX;
}

/* How many of these slots lived at the base. Items that stand in the table itself, the lineage has counted. */
static int count_alive(struct lineage_path *path, uint64_t directory, uint64_t seq, uint64_t slots, uint64_t *ret_alive)
{
	struct roster_walk walk;
	struct lineage lineage;
	struct node node;
	uint64_t number, slot;
	uint32_t table = path->steps[0].table;
	*ret_alive = 0;
	int r = 0;
	walk_begin(&walk, path, directory, seq, 0, slots);
	while (!r && (r = roster_walk_next(&walk, &number, &slot)) == 1) {
		r = 0;
		if (++*ret_alive > 1 || directory)
			continue;
		r = node_read(path->txn, table, number, seq, &node, NULL);
		if (!r && node.kind == NODE_ITEM) {
			r = lineage_read(path->txn, table, &lineage);
			*ret_alive = lineage.items;
			return r;
		}
	}
	return r;
}

/* The head as the table's own: an inherited one as of the base. */
static int take_head(struct lineage_path *path, uint64_t directory, struct roster_head *ret_head)
{
	uint64_t limit;
	int r = read_head(path, directory, ret_head, &limit);
	if (r || limit == SEQ_MAX || !ret_head->slots)
		return r;
	r = count_slots(path, directory, limit, &ret_head->slots);
	return r ? r : count_alive(path, directory, limit, ret_head->slots, &ret_head->alive);
}

int roster_head(struct store_txn *txn, uint32_t table, uint64_t directory, struct roster_head *ret_head)
{
	struct lineage_path path = lineage_path(txn, table);
	return take_head(&path, directory, ret_head);
}

int roster_add(struct store_txn *txn, uint32_t table, uint64_t directory, uint64_t *next_number, uint64_t *ret_number,
	uint64_t *ret_slot)
{
	struct lineage_path path = lineage_path(txn, table);
	struct roster_head head;
	int r = take_head(&path, directory, &head);
	if (r)
		return r;
	uint64_t index = head.slots / ROSTER_BLOCK;
	unsigned place = (unsigned)(head.slots % ROSTER_BLOCK);
	struct block block = { .first_number = *next_number };
	uint8_t deaths[ROSTER_BLOCK * SEQ_BYTES] = { 0 };
	if (place) {
		r = take_block(&path, directory, index, head.slots, deaths, &block);
		if (r)
			return r;
	} else {
		if (*next_number + ROSTER_BLOCK > NODE_NUMBER_MAX)
			return -ENOSPC;
		*next_number += ROSTER_BLOCK;
	}
	block.count++;
	if (block.deaths.size)
		block.deaths.size = block.count * SEQ_BYTES;
	r = write_block(&path, directory, index, &block);
	*ret_number = block.first_number + place;
	*ret_slot = head.slots++;
	head.alive++;
	return r ? r : write_head(&path, directory, &head);
}

/* Notes in the levels that a whole block died; goes up while that ends a whole block again. */
static int end_block(struct lineage_path *path, uint64_t directory, uint64_t index, uint64_t seq)
{
	for (unsigned level = 1; level < ROSTER_LEVELS; level++) {
		uint8_t deaths[ROSTER_BLOCK * SEQ_BYTES] = { 0 };
		struct slice value;
		uint64_t limit;
		int r = get_record(path, directory, level, index / ROSTER_BLOCK, &value, &limit);
		if (r && r != -ENOENT)
			return r;
		if (!r && value.size != sizeof(deaths))
			return -EIO;
		if (!r)
			copy_deaths(value, limit, deaths);
		write_seq(deaths, (unsigned)(index % ROSTER_BLOCK), seq);
		r = put_record(path, directory, level, index / ROSTER_BLOCK, slice_of(deaths, sizeof(deaths)));
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
	struct lineage_path path = lineage_path(txn, table);
	struct roster_head head;
	struct block block;
	uint8_t deaths[ROSTER_BLOCK * SEQ_BYTES] = { 0 };
	uint64_t index = slot / ROSTER_BLOCK;
	unsigned place = (unsigned)(slot % ROSTER_BLOCK), living = 0;
	int r = take_head(&path, directory, &head);
	if (!r && (slot >= head.slots || !head.alive))
		r = -EIO;
	if (!r)
		r = take_block(&path, directory, index, head.slots, deaths, &block);
	if (r)
		return r;
	write_seq(deaths, place, seq);
	block.deaths = slice_of(deaths, block.count * SEQ_BYTES);
	for (unsigned i = 0; i < block.count; i++)
		living += read_seq(block.deaths, i) == 0;
	r = write_block(&path, directory, index, &block);
	if (!r && !living && block.count == ROSTER_BLOCK)
		r = end_block(&path, directory, index, seq);
	*ret_alive = --head.alive;
	return r ? r : write_head(&path, directory, &head);
}

int roster_walk_begin(struct roster_walk *walk, struct store_txn *txn, uint32_t table, uint64_t directory, uint64_t seq,
	uint64_t slot)
{
	struct lineage_path path = lineage_path(txn, table);
	struct roster_head head;
	uint64_t limit;
	int r = read_head(&path, directory, &head, &limit);
	if (!r)
		walk_begin(walk, &path, directory, seq, slot, head.slots);
	return r;
}

/* Blocks of `level` hold this many slots. */
static uint64_t span_of(unsigned level)
{
	uint64_t span = 1;
	for (unsigned i = 0; i <= level; i++)
		span *= ROSTER_BLOCK;
	return span;
}

/* Has the block of a level above the first that the walk is in at hand; its deaths are empty when none was noted yet. */
static int read_level(struct roster_walk *walk, unsigned level, uint64_t index)
{
	if (walk->levels[level].index == index)
		return 0;
	struct slice deaths = { 0 };
	uint64_t limit;
	int r = get_record(&walk->path, walk->directory, level, index, &deaths, &limit);
	if (r && r != -ENOENT)
		return r;
	if (!r && deaths.size != ROSTER_BLOCK * SEQ_BYTES)
		return -EIO;
	walk->levels[level].index = index;
	walk->levels[level].deaths = deaths;
	walk->levels[level].seq = walk->seq < limit ? walk->seq : limit;
	return 0;
}

/* Skips as much of what died at or before the walk's change as one level knows of. Returns 1 when something was
 * skipped. */
static int skip_dead(struct roster_walk *walk, unsigned level)
{
	uint64_t below = span_of(level - 1), index = walk->slot / below, before = walk->slot;
	int r = read_level(walk, level, index / ROSTER_BLOCK);
	struct slice deaths = walk->levels[level].deaths;
	if (r || !deaths.size)
		return r;
	do {
		uint64_t death = read_seq(deaths, (unsigned)(index % ROSTER_BLOCK));
		if (!death || death > walk->levels[level].seq)
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
	int r = read_block(&walk->path, walk->directory, walk->block_index, &block);
	if (r)
		return r;
	walk->first_number = block.first_number;
	walk->block_count = block.count;
	walk->deaths = block.deaths;
	walk->deaths_seq = walk->seq < block.limit ? walk->seq : block.limit;
	return 1;
}

/* The block at hand was dropped with all who were ever in it. One of them ended after the walk's change, but did not live
 * then, or it would have been needed: so it was born later, and so were all who follow. */
static int end_at_dropped(struct roster_walk *walk)
{
	uint64_t death;
	walk->slot = walk->slots;
	return end_of_block(&walk->path, walk->directory, walk->block_index, &death);
}

int roster_walk_next(struct roster_walk *walk, uint64_t *ret_number, uint64_t *ret_slot)
{
	while (walk->slot < walk->slots) {
		if (walk->slot / ROSTER_BLOCK != walk->block_index) {
			int r = enter_block(walk);
			if (r == -ENOENT)
				r = end_at_dropped(walk);
			if (r <= 0)
				return r;
		}
		unsigned place = (unsigned)(walk->slot % ROSTER_BLOCK);
		if (place >= walk->block_count)
			return -EIO;
		uint64_t death = walk->deaths.size ? read_seq(walk->deaths, place) : 0;
		uint64_t slot = walk->slot++;
		if (!death || death > walk->deaths_seq) {
			*ret_number = walk->first_number + place;
			*ret_slot = slot;
			return 1;
		}
	}
	return 0;
}
