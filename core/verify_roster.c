/* Rosters of a table, record by record: each slot against its node, each level against the one below it, heads against their
 * slots. That every node has its slot is asked where its versions are read (verify_versions.c).
 *
 * Records come directory by directory: blocks, the levels above them, the head. */
#include <errno.h>
#include <inttypes.h>

#include "roster.h"
#include "verify_parts.h"

#define SEQ_BYTES 6u

struct scan {
	struct verify_table *table;
	struct verify *verify;
	struct node_reader nodes;
	/* the directory at hand */
	uint64_t directory, alive, end; /* slots of its own blocks: living, and behind the last */
	bool is_begun, has_head, is_damaged;
};

struct block {
	uint64_t first_number;
	unsigned count;
	struct slice deaths;
};

static struct verify_about about(const struct scan *scan, uint64_t number)
{
	return (struct verify_about){ scan->table, "roster", 0, number, { 0 } };
}

static uint64_t death_at(struct slice deaths, unsigned i)
{
	uint64_t seq = 0;
	if (!deaths.size)
		return 0;
	for (unsigned b = SEQ_BYTES; b-- > 0;)
		seq = seq << 8 | deaths.data[i * SEQ_BYTES + b];
	return seq;
}

/* When all of it had ended: the last death; 0: some of it lives, or it is not full. */
static uint64_t end_of(struct slice deaths)
{
	uint64_t last = 0;
	if (deaths.size != ROSTER_BLOCK * SEQ_BYTES)
		return 0;
	for (unsigned i = 0; i < ROSTER_BLOCK; i++) {
		uint64_t death = death_at(deaths, i);
		if (!death)
			return 0;
		last = death > last ? death : last;
	}
	return last;
}

static bool read_block(struct slice value, struct block *ret_block)
{
	struct reader reader = reader_of(value);
	ret_block->first_number = reader_varint(&reader);
	ret_block->count = reader_byte(&reader);
	ret_block->deaths = slice_of(reader.at, reader_left(&reader));
	return !reader.is_bad && ret_block->count <= ROSTER_BLOCK &&
	       (!ret_block->deaths.size || ret_block->deaths.size == ret_block->count * SEQ_BYTES);
}

/* --- one directory --- */

static int check_head(struct scan *scan, const struct roster_head *head)
{
	uint64_t alive = scan->alive;
	int r = 0;
	if (scan->table->has_lineage) {
		/* Some of its blocks are its parent's. */
		struct roster_walk walk;
		uint64_t number, slot;
		r = roster_walk_begin(&walk, scan->verify->txn, scan->table->table.number, scan->directory, SEQ_MAX, 0);
		for (alive = 0; !r && (r = roster_walk_next(&walk, &number, &slot)) == 1; r = 0)
			alive++;
		if (r)
			return verify_is_damage(r) ? 0 : r;
	}
	bool can_end = head->slots == scan->end || scan->table->has_lineage ||
		       (head->slots > scan->end && head->slots % ROSTER_BLOCK == 0 && scan->table->first);
	if (head->alive == alive && head->slots >= scan->end && can_end)
		return 0;
	return verify_tell(scan->verify, about(scan, scan->directory),
		"directory %" PRIu64 " is told to have %" PRIu64 " living entries in %" PRIu64
		" slots, and has %" PRIu64 " in %" PRIu64 ": listings may end early",
		scan->directory, head->alive, head->slots, alive, scan->end);
}

static int end_directory(struct scan *scan)
{
	bool is_missing = scan->is_begun && !scan->has_head && !scan->is_damaged && !scan->table->is_ended;
	scan->is_begun = false;
	if (!is_missing)
		return 0;
	return verify_tell(scan->verify, about(scan, scan->directory),
		"directory %" PRIu64 " has no head: it is listed as if it were empty", scan->directory);
}

static int begin_directory(struct scan *scan, uint64_t directory)
{
	int r = end_directory(scan);
	scan->directory = directory;
	scan->alive = scan->end = 0;
	scan->is_begun = true;
	scan->has_head = scan->is_damaged = false;
	return r;
}

/* --- blocks --- */

static int check_slot(struct scan *scan, uint64_t number, uint64_t slot, uint64_t death)
{
	struct node node;
	int r = node_reader_read(&scan->nodes, number, &node, NULL);
	if (r && !verify_is_damage(r))
		return r;
	if (r == -ENOENT && death && death <= scan->table->first)
		return 0;
	if (r)
		return verify_tell(scan->verify, about(scan, number),
			"slot %" PRIu64 " of directory %" PRIu64 " is of node %" PRIu64
			", whose versions are missing or damaged: listings tell an error there, or end",
			slot, scan->directory, number);
	uint64_t ended = node.version.is_removal ? node.version.seq : 0;
	if (node.directory == scan->directory && node.slot == slot && ended == death)
		return 0;
	struct verify_about where = about(scan, number);
	where.encoded_key = node.encoded_key;
	return verify_tell(scan->verify, where,
		"slot %" PRIu64 " of directory %" PRIu64 " tells another place or end of node %" PRIu64
		" than its versions: listings show it too long or not at all",
		slot, scan->directory, number);
}

/* The level above tells of what has ended as a whole. */
static int check_told_above(struct scan *scan, unsigned level, uint64_t index, uint64_t ended)
{
	struct layout_key above =
		layout_roster(scan->table->table.number, scan->directory, level + 1, index / ROSTER_BLOCK);
	struct slice deaths;
	if (!ended || level + 1 >= ROSTER_LEVELS)
		return 0;
	int r = store_get(scan->verify->txn, STORE_ROSTER, layout_slice(&above), &deaths);
	if (r == -EIO || (!r && death_at(deaths, (unsigned)(index % ROSTER_BLOCK))))
		return 0;
	if (r && r != -ENOENT)
		return r;
	return verify_tell(scan->verify, about(scan, scan->directory),
		"that block %" PRIu64 " of directory %" PRIu64
		" has ended is not told on level %u: listings walk over what is gone, and take longer",
		index, scan->directory, level + 1);
}

static int check_block(struct scan *scan, uint64_t index, struct slice value)
{
	struct block block;
	int r = 0;
	if (!read_block(value, &block) || (!block.count && !scan->table->has_lineage) ||
		(block.count && block.first_number + block.count > scan->table->counters.next_number))
		return verify_tell(scan->verify, about(scan, scan->directory),
			"block %" PRIu64 " of directory %" PRIu64 " makes no sense: listings end there", index,
			scan->directory);
	uint64_t first = index * ROSTER_BLOCK;
	if (first + block.count > scan->end)
		scan->end = first + block.count;
	for (unsigned i = 0; i < block.count && !r; i++) {
		uint64_t death = death_at(block.deaths, i);
		scan->alive += !death;
		if (!scan->table->is_ended)
			r = check_slot(scan, block.first_number + i, first + i, death);
	}
	return r ? r : check_told_above(scan, 0, index, end_of(block.deaths));
}

/* --- levels --- */

static int check_entry(struct scan *scan, unsigned level, uint64_t index, uint64_t told)
{
	struct layout_key below = layout_roster(scan->table->table.number, scan->directory, level - 1, index);
	struct slice value;
	struct block block;
	int r = store_get(scan->verify->txn, STORE_ROSTER, layout_slice(&below), &value);
	if (r)
		return r == -EIO || r == -ENOENT ? 0 : r;
	block.deaths = value;
	if (level == 1 && (!read_block(value, &block) || !block.count))
		return 0;
	uint64_t ended = end_of(block.deaths);
	if (told == ended || (ended && told == SEQ_MAX))
		return 0;
	return verify_tell(scan->verify, about(scan, scan->directory),
		"level %u tells another end of block %" PRIu64 " of directory %" PRIu64
		" than the block: listings pass over what was there",
		level, index, scan->directory);
}

static int check_level(struct scan *scan, unsigned level, uint64_t index, struct slice deaths)
{
	int r = 0;
	if (deaths.size != ROSTER_BLOCK * SEQ_BYTES)
		return verify_tell(scan->verify, about(scan, scan->directory),
			"level %u of directory %" PRIu64 " has a record of a wrong size: listings end there", level,
			scan->directory);
	for (unsigned i = 0; i < ROSTER_BLOCK && !r; i++)
		r = check_entry(scan, level, index * ROSTER_BLOCK + i, death_at(deaths, i));
	return r ? r : check_told_above(scan, level, index, end_of(deaths));
}

/* --- all --- */

static int check_record(struct scan *scan, const struct verify_walk *walk)
{
	uint64_t directory = verify_key_number(walk->key, 4, 6), index = verify_key_number(walk->key, 11, 6);
	unsigned level = (unsigned)verify_key_number(walk->key, 10, 1);
	struct reader reader = reader_of(walk->value);
	int r = scan->is_begun && scan->directory == directory ? 0 : begin_directory(scan, directory);
	if (r)
		return r;
	scan->is_damaged |= walk->is_damaged;
	if (walk->is_damaged || walk->key.size != 17)
		return verify_tell(scan->verify, about(scan, directory),
			"a record of directory %" PRIu64 " (level %u, block %" PRIu64
			") is damaged: it cannot be listed, or not in full",
			directory, level, index);
	if (level == 0)
		return check_block(scan, index, walk->value);
	if (level < ROSTER_LEVELS)
		return check_level(scan, level, index, walk->value);
	struct roster_head head = { .slots = reader_varint(&reader), .alive = reader_varint(&reader) };
	scan->has_head = true;
	return scan->is_damaged || scan->table->is_ended ? 0 : check_head(scan, &head);
}

int verify_rosters(struct verify_table *table)
{
	struct scan scan = { .table = table,
		.verify = table->verify,
		.nodes = node_reader(table->verify->txn, table->table.number, SEQ_MAX) };
	struct verify_walk walk;
	int r = verify_walk_begin(&walk, table->verify, STORE_ROSTER, layout_log_prefix(table->table.number));
	while (!r && (r = verify_walk_next(&walk)) == 1)
		r = check_record(&scan, &walk);
	verify_walk_end(&walk);
	node_reader_end(&scan.nodes);
	if (r == -EIO)
		r = verify_tell(table->verify, about(&scan, 0),
			"rosters after directory %" PRIu64 " cannot be read on: a page of the store is damaged",
			scan.directory);
	return r ? r : end_directory(&scan);
}
