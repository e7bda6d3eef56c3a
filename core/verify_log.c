/* The log of a table, block by block: numbers, times and sums; each change against its version; and the chain, made again from
 * what the versions hold.
 *
 * What cannot be read is told once, and the chain is taken up again where the next block says it stood. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "author.h"
#include "change.h"
#include "item.h"
#include "verify_parts.h"
#include "verify_record.h"

struct scan {
	struct verify_table *table;
	struct verify *verify;
	struct log_entry at;           /* the last one seen */
	bool is_begun;                 /* one was seen */
	bool is_gap;                   /* what came just before could not be read */
	struct chain chain;            /* after `at` */
	bool is_chained;               /* it is known */
	struct verify_version version; /* the next of the sorter */
	bool has_version;
	uint64_t unknown_author; /* told already */
	struct change_reader reader;
	struct buffer line;
};

static struct verify_about about(const struct scan *scan, const char *part, const struct log_entry *entry)
{
	struct slice key = entry && entry->seq == scan->reader.change.entry.seq ? scan->reader.change.encoded_key
										: (struct slice){ 0 };
	return (struct verify_about){ scan->table, part, entry ? entry->seq : 0, entry ? entry->number : 0, key };
}

/* --- a change and its version --- */

static int next_version(struct scan *scan)
{
	int r = sorter_next(scan->table->versions, &scan->version);
	scan->has_version = r == 1;
	return r < 0 ? r : 0;
}

/* Versions of changes before `seq` that the log did not tell of. After a gap that is no wonder. */
static int pass_versions(struct scan *scan, uint64_t seq)
{
	int r = 0;
	while (!r && scan->has_version && verify_get_u64(scan->version.seq) < seq) {
		struct log_entry entry = { .seq = verify_get_u64(scan->version.seq),
			.number = verify_get_u64(scan->version.number) };
		if (!scan->is_gap)
			r = verify_tell(scan->verify, about(scan, "versions", &entry),
				"there is a version by change %" PRIu64 " of node %" PRIu64
				" that the log does not tell of: it is shown, but was not made by that change",
				entry.seq, entry.number);
		if (!r)
			r = next_version(scan);
	}
	return r;
}

static int match_version(struct scan *scan, const struct log_entry *entry)
{
	int r = pass_versions(scan, entry->seq);
	if (r)
		return r;
	if (!scan->has_version || verify_get_u64(scan->version.seq) != entry->seq)
		return verify_tell(scan->verify, about(scan, "versions", entry),
			"the version that change %" PRIu64 " made of node %" PRIu64
			" is not there: the item cannot be read as of then",
			entry->seq, entry->number);
	if (verify_get_u64(scan->version.number) != entry->number ||
		verify_get_u64(scan->version.time) != (uint64_t)entry->time_us ||
		scan->version.is_removal != (entry->op == CHANGE_REMOVE))
		r = verify_tell(scan->verify, about(scan, "versions", entry),
			"the version of change %" PRIu64
			" is of another node, time or kind than the log tells: one of them is wrong",
			entry->seq);
	return r ? r : next_version(scan);
}

/* --- a change and its line --- */

static int64_t size_of(struct slice item)
{
	return item.size ? (int64_t)item_size_bytes(item) : 0;
}

/* Told once for as long as changes have it. */
static int tell_unread(struct scan *scan, const struct log_entry *entry)
{
	struct slice text;
	scan->is_chained = false;
	if (entry->author && verify_is_damage(author_text(scan->verify->txn, entry->author, &text))) {
		if (entry->author == scan->unknown_author)
			return 0;
		scan->unknown_author = entry->author;
		return verify_tell(scan->verify, about(scan, "authors", entry),
			"author %" PRIu64 ", who made change %" PRIu64 ", is not known any more", entry->author,
			entry->seq);
	}
	return verify_tell(scan->verify, about(scan, "versions", entry),
		"change %" PRIu64 " of node %" PRIu64
		" cannot be read in full: the item before or after it is damaged or missing",
		entry->seq, entry->number);
}

static int check_line(struct scan *scan, const struct log_entry *entry)
{
	const struct change *change = &scan->reader.change;
	buffer_clear(&scan->line);
	int r = change_append_line(&scan->table->table, change, &scan->line);
	if (r)
		return verify_is_damage(r) ? tell_unread(scan, entry) : r;
	scan->verify->counts.bytes += scan->line.size;
	if (scan->is_chained)
		chain_add(&scan->chain, buffer_slice(&scan->line));
	if (scan->line.size + 1 != entry->line_bytes)
		return verify_tell(scan->verify, about(scan, "change log", entry),
			"change %" PRIu64 " was told in %" PRIu64
			" bytes when it was made, and in %zu now: it is not what it was",
			entry->seq, entry->line_bytes, scan->line.size + 1);
	if (entry->growth_bytes != size_of(change->after) - size_of(change->before))
		return verify_tell(scan->verify, about(scan, "change log", entry),
			"change %" PRIu64 " made the table grow by another size than its items did", entry->seq);
	return 0;
}

static int check_change(struct scan *scan, const struct log_entry *entry)
{
	scan->verify->counts.changes++;
	int r = match_version(scan, entry);
	if (!r && entry->number >= scan->table->counters.next_number)
		r = verify_tell(scan->verify, about(scan, "change log", entry),
			"change %" PRIu64 " is of node %" PRIu64 ", a number that was never given", entry->seq,
			entry->number);
	if (r)
		return r;
	r = change_read(&scan->reader, scan->verify->txn, scan->table->table.number, entry);
	if (r)
		r = verify_is_damage(r) ? tell_unread(scan, entry) : r;
	else if (scan->table->is_described)
		r = check_line(scan, entry);
	return r ? r : verify_progress(scan->verify, 1);
}

/* --- entries --- */

static int check_sums(struct scan *scan, const struct log_entry *entry)
{
	const struct log_entry *at = &scan->at;
	uint64_t items = at->items + (entry->op == CHANGE_INSERT) - (entry->op == CHANGE_REMOVE);
	if (!scan->is_begun)
		return 0;
	if (entry->time_us < at->time_us)
		return verify_tell(scan->verify, about(scan, "change log", entry),
			"change %" PRIu64 " is told as earlier than the one before it: instants show wrong states",
			entry->seq);
	if (entry->items != items || entry->bytes != at->bytes + (uint64_t)entry->growth_bytes ||
		entry->lines_bytes != at->lines_bytes + entry->line_bytes)
		return verify_tell(scan->verify, about(scan, "change log", entry),
			"the sums of items and bytes before change %" PRIu64 " are not those after the one before it",
			entry->seq);
	return 0;
}

/* A change whose own state was dropped has left that of its node, or a later one. */
static int check_left(struct scan *scan, const struct log_entry *entry)
{
	struct node node;
	int r = node_read(scan->verify->txn, scan->table->table.number, entry->number, scan->table->first, &node, NULL);
	if (r || node.version.seq >= entry->seq)
		return r && !verify_is_damage(r) ? r : 0;
	struct verify_about where = about(scan, "versions", entry);
	where.encoded_key = node.encoded_key;
	return verify_tell(scan->verify, where,
		"what is shown since change %" PRIu64 " of node %" PRIu64 " is the version of change %" PRIu64
		", an older one",
		entry->seq, entry->number, node.version.seq);
}

static int check_entry(struct scan *scan, const struct log_entry *entry)
{
	int r = check_sums(scan, entry);
	scan->at = *entry;
	scan->is_begun = true;
	if (!r)
		r = entry->seq > scan->table->first ? check_change(scan, entry) : check_left(scan, entry);
	if (!r && entry->seq == scan->table->retention.floor && scan->table->retention.is_anchored) {
		scan->chain = scan->table->retention.anchor;
		scan->is_chained = true;
	}
	scan->is_gap = false;
	return r;
}

/* --- blocks --- */

/* The first number this block can have. */
static int check_place(struct scan *scan, uint64_t first_seq)
{
	const struct verify_table *table = scan->table;
	bool is_whole = table->first == table->lineage.base;
	uint64_t latest = table->first + is_whole;
	uint64_t expected = scan->is_begun ? scan->at.seq + 1 : latest;
	bool is_missing = first_seq > expected;
	int r = 0;
	if (first_seq == expected || (!scan->is_begun && !is_missing) || (scan->is_gap && is_missing))
		return 0;
	if (is_missing)
		r = verify_tell(scan->verify, about(scan, "change log", NULL),
			"changes %" PRIu64 " to %" PRIu64
			" are missing from the log: what happened then cannot be told",
			expected, first_seq - 1);
	else
		r = verify_tell(scan->verify, about(scan, "change log", NULL),
			"the record of changes from %" PRIu64 " on repeats numbers up to %" PRIu64, first_seq,
			scan->at.seq);
	scan->is_begun = !is_missing && scan->is_begun;
	scan->is_chained = scan->is_chained && !is_missing;
	scan->is_gap = scan->is_gap || is_missing;
	return r;
}

/* Where the block says that the chain stood, and where it does. */
static int check_head(struct scan *scan, uint64_t first_seq)
{
	struct chain said;
	uint64_t found;
	int r = log_chain_before(scan->verify->txn, scan->table->table.number, first_seq, &found, &said);
	if (r)
		return verify_is_damage(r) ? 0 : r;
	if (first_seq <= scan->table->first)
		return 0;
	bool is_right = !scan->is_chained || memcmp(said.head, scan->chain.head, CHAIN_BYTES) == 0;
	scan->chain = said;
	scan->is_chained = true;
	if (is_right)
		return 0;
	return verify_tell(scan->verify, about(scan, "chain", NULL),
		"the chain is broken before change %" PRIu64
		": changes before it, since the last place where it held, are not the ones that were made",
		first_seq);
}

static int lose_block(struct scan *scan, uint64_t first_seq)
{
	scan->is_gap = true;
	scan->is_chained = false;
	scan->is_begun = false;
	return verify_tell(scan->verify, about(scan, "change log", &(struct log_entry){ .seq = first_seq }),
		"the record of changes from %" PRIu64
		" on is damaged: up to %d of them cannot be told, nor can their times",
		first_seq, LOG_BLOCK_MAX);
}

static int check_block(struct scan *scan, const struct verify_walk *walk)
{
	uint64_t first_seq = layout_log_seq(walk->key);
	struct log_walk entries;
	struct log_entry entry;
	int r = walk->is_damaged ? -EIO
				 : log_walk_begin(&entries, scan->verify->txn, scan->table->table.number, first_seq);
	if (r)
		return verify_is_damage(r) ? lose_block(scan, first_seq) : r;
	r = check_place(scan, first_seq);
	if (!r)
		r = check_head(scan, first_seq);
	bool is_first = true;
	while (!r && (is_first || entries.left) && (r = log_walk_next(&entries, &entry)) == 1) {
		is_first = false;
		r = check_entry(scan, &entry);
	}
	return r == -EIO ? lose_block(scan, first_seq) : r;
}

/* --- the end --- */

static int check_counters(struct scan *scan)
{
	const struct table_counters *counters = &scan->table->counters;
	const struct log_entry *at = &scan->at;
	int r = 0;
	if (scan->is_gap && !scan->is_begun)
		return 0;
	if (at->seq != counters->seq)
		r = verify_tell(scan->verify, about(scan, "change log", NULL),
			"the log ends with change %" PRIu64 ", but %" PRIu64 " were made: %s", at->seq, counters->seq,
			at->seq < counters->seq ? "the last are missing" : "the table's counters are older");
	else if (at->items != counters->items || at->bytes != counters->bytes ||
		 (at->time_us != counters->last_us && at->op))
		r = verify_tell(scan->verify, about(scan, "counters", NULL),
			"the table's counters tell another number or size of items, or another last change, than the "
			"log");
	if (r || !scan->is_chained || at->seq != counters->seq || !at->op || scan->table->has_no_counters)
		return r;
	if (memcmp(scan->chain.head, counters->head.head, CHAIN_BYTES) == 0)
		return 0;
	return verify_tell(scan->verify, about(scan, "chain", NULL),
		"the chain does not end where it did after change %" PRIu64
		": the last changes are not the ones that were made",
		counters->seq);
}

/* A table begins empty, or as its lineage tells; what was forgotten is taken from the log itself. */
static void begin(struct scan *scan)
{
	const struct verify_table *table = scan->table;
	const struct lineage *lineage = &table->lineage;
	if (table->first != lineage->base)
		return;
	scan->at = (struct log_entry){ .seq = lineage->base, .items = lineage->items, .bytes = lineage->bytes };
	scan->is_begun = true;
	if (table->is_described)
		chain_begin(table->table.id, lineage->base, &scan->chain);
	scan->is_chained = table->is_described;
}

static int check_blocks(struct scan *scan)
{
	struct verify_walk walk;
	int r = verify_walk_begin(&walk, scan->verify, STORE_LOG, layout_log_prefix(scan->table->table.number));
	while (!r && (r = verify_walk_next(&walk)) == 1)
		r = scan->table->is_ended && !walk.is_damaged ? 0 : check_block(scan, &walk);
	verify_walk_end(&walk);
	if (r == -EIO)
		r = verify_tell(scan->verify, about(scan, "change log", NULL),
			"the log cannot be read on after change %" PRIu64 ": a page of the store is damaged",
			scan->at.seq);
	return r;
}

int verify_log(struct verify_table *table)
{
	struct scan scan = { .table = table, .verify = table->verify };
	begin(&scan);
	int r = next_version(&scan);
	if (!r)
		r = check_blocks(&scan);
	if (!r && !table->is_ended)
		r = pass_versions(&scan, UINT64_MAX);
	if (!r && !table->is_ended)
		r = check_counters(&scan);
	change_reader_free(&scan.reader);
	buffer_free(&scan.line);
	return r;
}
