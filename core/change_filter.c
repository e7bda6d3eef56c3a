/* The log is read in blocks of numbers, so that going back costs no more than going on: each is read forwards once. */
#include "change_filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "author.h"
#include "author_match.h"
#include "change_grep.h"
#include "log.h"
#include "versions.h"

#define KNOWN_AUTHORS 64
#define READ_AT_ONCE 64
#define PROGRESS_EVERY 256

struct change_walk {
	struct store_txn *txn;
	const struct table *table;
	const struct change_filter *filter;
	bool is_newest_first;
	uint64_t first, last; /* what is left to look at; first > last: nothing */
	struct log_entry entries[READ_AT_ONCE];
	unsigned count, at; /* of them: those there are, and how many have been given */
	uint64_t looked_at, damaged, first_damaged;
	struct change_reader reader;
	struct change_grep *grep; /* NULL: no pattern */
	struct {
		uint64_t number; /* plus one; 0: none */
		bool is_matching;
	} authors[KNOWN_AUTHORS];
};

/* --- Which changes at all ------------------------------------------------------------------------------------------- */

static int bound_by_time(struct change_walk *walk)
{
	const struct change_filter *filter = walk->filter;
	struct log_entry entry = { 0 };
	int r = 0;
	if (filter->to_us != INT64_MAX) {
		r = log_at_time(walk->txn, walk->table->number, filter->to_us, &entry);
		if (entry.seq < walk->last)
			walk->last = entry.seq;
	}
	if ((r && r != -ENOENT) || filter->from_us <= 0)
		return r == -ENOENT ? 0 : r;
	entry.seq = 0;
	r = log_at_time(walk->txn, walk->table->number, filter->from_us - 1, &entry);
	if (!r && entry.seq >= walk->first)
		walk->first = entry.seq + 1;
	return r == -ENOENT ? 0 : r;
}

static int bound(struct change_walk *walk, const struct reach *reach)
{
	const struct change_filter *filter = walk->filter;
	walk->first = reach->first_seq + 1;
	walk->last = reach->last_seq;
	if (filter->from_seq > walk->first)
		walk->first = filter->from_seq;
	if (filter->to_seq && filter->to_seq < walk->last)
		walk->last = filter->to_seq;
	return bound_by_time(walk);
}

int change_walk_begin(struct store_txn *txn, const struct table *table, const struct reach *reach,
	const struct change_filter *filter, bool is_newest_first, struct change_walk **ret_walk, struct error *error)
{
	struct change_walk *walk = calloc(1, sizeof(*walk));
	if (!walk)
		return error_set(error, -ENOMEM, "out of memory");
	walk->txn = txn;
	walk->table = table;
	walk->filter = filter;
	walk->is_newest_first = is_newest_first;
	int r = bound(walk, reach);
	if (!r && filter->grep)
		r = change_grep_new(filter->grep, &table->schema, &walk->grep);
	if (r) {
		change_walk_end(walk);
		return error_set(error, r, "the changes of %s could not be read: %s", table->name, strerror(-r));
	}
	*ret_walk = walk;
	return 0;
}

void change_walk_end(struct change_walk *walk)
{
	if (!walk)
		return;
	change_reader_free(&walk->reader);
	change_grep_free(walk->grep);
	free(walk);
}

/* --- One after the other -------------------------------------------------------------------------------------------- */

static void note_damage(struct change_walk *walk, uint64_t seq)
{
	if (!walk->damaged++)
		walk->first_damaged = seq;
}

static int read_together(struct change_walk *walk, uint64_t from, uint64_t to)
{
	struct log_walk log;
	int r = log_walk_begin(&log, walk->txn, walk->table->number, from);
	for (walk->count = 0; !r && from + walk->count <= to; walk->count++) {
		struct log_entry *entry = &walk->entries[walk->count];
		r = log_walk_next(&log, entry);
		if (r < 0)
			return r;
		r = r == 1 && entry->seq == from + walk->count ? 0 : -EIO;
	}
	return r;
}

/* Those that can be read, where a part of the log is damaged. */
static int read_singly(struct change_walk *walk, uint64_t from, uint64_t to)
{
	walk->count = 0;
	for (uint64_t seq = from; seq <= to; seq++) {
		int r = log_get(walk->txn, walk->table->number, seq, &walk->entries[walk->count]);
		if (r && r != -EIO && r != -ENOENT)
			return r;
		if (r)
			note_damage(walk, seq);
		else
			walk->count++;
	}
	return 0;
}

/* The next stretch of the log that is left; it may turn out to be empty. -ENOENT: nothing is left. */
static int read_stretch(struct change_walk *walk)
{
	uint64_t from = walk->first, to = walk->last;
	if (from > to)
		return -ENOENT;
	if (to - from >= READ_AT_ONCE && walk->is_newest_first)
		from = to - READ_AT_ONCE + 1;
	else if (to - from >= READ_AT_ONCE)
		to = from + READ_AT_ONCE - 1;
	int r = read_together(walk, from, to);
	if (r == -EIO)
		r = read_singly(walk, from, to);
	walk->at = 0;
	if (walk->is_newest_first)
		walk->last = from - 1;
	else
		walk->first = to + 1;
	return r;
}

/* The item's next change that is left. */
static int read_version(struct change_walk *walk)
{
	struct slice key = walk->filter->encoded_key;
	struct node node;
	if (walk->first > walk->last)
		return -ENOENT;
	int r = walk->is_newest_first
			? versions_before(walk->txn, walk->table->number, key, walk->last + 1, &node, NULL)
			: versions_after(walk->txn, walk->table->number, key, walk->first - 1, &node, NULL);
	if (!r && (node.version.seq < walk->first || node.version.seq > walk->last))
		r = -ENOENT;
	if (!r)
		r = read_singly(walk, node.version.seq, node.version.seq);
	if (r)
		return r;
	walk->at = 0;
	if (walk->is_newest_first)
		walk->last = node.version.seq - 1;
	else
		walk->first = node.version.seq + 1;
	return 0;
}

static int next_entry(struct change_walk *walk, struct log_entry *ret_entry)
{
	while (walk->at == walk->count) {
		int r = walk->filter->encoded_key.size ? read_version(walk) : read_stretch(walk);
		if (r)
			return r == -ENOENT ? 0 : r;
	}
	unsigned place = walk->is_newest_first ? walk->count - 1 - walk->at : walk->at;
	*ret_entry = walk->entries[place];
	walk->at++;
	if (walk->filter->progress && ++walk->looked_at % PROGRESS_EVERY == 0)
		walk->filter->progress(walk->filter->progress_context, walk->looked_at);
	return 1;
}

/* --- Is it chosen? -------------------------------------------------------------------------------------------------- */

static int matches_any(struct change_walk *walk, uint64_t author)
{
	struct slice text = slice_of_text("{}");
	int r = author ? author_text(walk->txn, author, &text) : 0;
	if (r == -ENOENT)
		r = 0;
	for (size_t i = 0; i < walk->filter->by_count && !r; i++)
		r = author_matches(text, walk->filter->by[i]);
	return r;
}

static int is_by(struct change_walk *walk, uint64_t author)
{
	size_t place = author % KNOWN_AUTHORS;
	if (!walk->filter->by_count)
		return 1;
	if (walk->authors[place].number != author + 1) {
		int r = matches_any(walk, author);
		if (r < 0)
			return r;
		walk->authors[place].number = author + 1;
		walk->authors[place].is_matching = r;
	}
	return walk->authors[place].is_matching;
}

static int is_where(const struct change_filter *filter, const struct change *change)
{
	int r = 1;
	for (size_t i = 0; i < filter->where_count && r == 1; i++) {
		r = change->before.size ? expression_holds(filter->where[i], change->before) : 0;
		if (!r && change->after.size)
			r = expression_holds(filter->where[i], change->after);
	}
	return r;
}

static bool is_whole(const struct change *change)
{
	return (change->before.size || change->entry.op == CHANGE_INSERT) &&
	       (change->after.size || change->entry.op == CHANGE_REMOVE);
}

static int read_change(struct change_walk *walk, const struct log_entry *entry)
{
	int r = change_read(&walk->reader, walk->txn, walk->table->number, entry);
	if (r != -EIO)
		return r;
	note_damage(walk, entry->seq);
	return 0;
}

/* The entry alone, with its author. */
static int read_author(struct change_walk *walk, const struct log_entry *entry)
{
	struct change *change = &walk->reader.change;
	*change = (struct change){ .entry = *entry };
	int r = entry->author ? author_text(walk->txn, entry->author, &change->author) : 0;
	return r && r != -ENOENT ? r : 1;
}

static int is_chosen(struct change_walk *walk, const struct log_entry *entry)
{
	const struct change_filter *filter = walk->filter;
	const struct change *change = &walk->reader.change;
	if (filter->ops && !(filter->ops & 1u << entry->op))
		return 0;
	int r = is_by(walk, entry->author);
	if (r != 1)
		return r;
	if (filter->is_brief && !filter->where_count && !walk->grep)
		return read_author(walk, entry);
	r = read_change(walk, entry);
	if (r)
		return r;
	if (!is_whole(change))
		return 1;
	r = is_where(filter, change);
	return r == 1 && walk->grep ? change_grep_matches(walk->grep, change->before, change->after) : r;
}

int change_walk_next(struct change_walk *walk, const struct change **ret_change)
{
	struct log_entry entry;
	int r;
	while ((r = next_entry(walk, &entry)) == 1) {
		r = is_chosen(walk, &entry);
		if (r)
			break;
	}
	*ret_change = &walk->reader.change;
	return r;
}

uint64_t change_walk_damaged(const struct change_walk *walk, uint64_t *ret_first_seq)
{
	*ret_first_seq = walk->first_damaged;
	return walk->damaged;
}
