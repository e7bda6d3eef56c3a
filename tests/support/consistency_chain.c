#include <errno.h>
#include <string.h>

#include "change.h"
#include "change_chain.h"
#include "tests/support/consistency_parts.h"

struct links {
	struct change_reader reader;
	struct buffer line;
	struct chain head;
};

/* The block that begins with this change, if one does, says where the chain stands. */
static int check_block(struct check *check, const struct links *links, uint64_t seq)
{
	struct chain before;
	uint64_t first;
	if (log_chain_before(check->txn, check->table->number, seq, &first, &before))
		return check_wrong(check, "the log does not tell the chain's head before", seq);
	if (first == seq && memcmp(&before, &links->head, sizeof(before)) != 0)
		return check_wrong(check, "the chain is another before the block at", seq);
	return 0;
}

static int check_link(struct check *check, struct links *links, const struct log_entry *entry)
{
	int r = check_block(check, links, entry->seq);
	if (r)
		return r;
	buffer_clear(&links->line);
	if (change_read(&links->reader, check->txn, check->table->number, entry) ||
		change_append_line(check->table, &links->reader.change, &links->line))
		return check_wrong(check, "the line can't be made again of change", entry->seq);
	if (entry->line_bytes != links->line.size + 1)
		return check_wrong(check, "the log tells another length of the line of change", entry->seq);
	chain_add(&links->head, buffer_slice(&links->line));
	return 0;
}

static int follow(struct check *check, struct links *links, uint64_t from)
{
	struct log_walk walk;
	struct log_entry entry;
	struct chain told;
	uint64_t asked = from + (check->counters.seq - from) / 2, lines = 0;
	int r = log_walk_begin(&walk, check->txn, check->table->number, from + 1), more = 0;
	while (!r && (more = log_walk_next(&walk, &entry)) == 1) {
		r = check_link(check, links, &entry);
		if (!r && lines && entry.lines_bytes != lines + entry.line_bytes)
			r = check_wrong(check, "the lines don't add up at change", entry.seq);
		lines = entry.lines_bytes;
		if (!r && entry.seq == asked &&
			(chain_head_at(check->txn, check->table, asked, &told) ||
				memcmp(&told, &links->head, sizeof(told)) != 0))
			r = check_wrong(check, "another head is told after change", asked);
	}
	return r ? r : more ? check_wrong(check, "the chain's log cannot be read", from) : 0;
}

int check_chain(struct check *check)
{
	struct chain_anchor anchor;
	struct links links = { 0 };
	int r = chain_anchor_read(check->txn, check->table, &anchor);
	if (r || check->is_ended)
		return r == -ENOENT && check->is_ended ? 0 : check_wrong(check, "there is no anchor of the chain", 0);
	if (!anchor.is_known || anchor.seq != check->floor)
		return check_wrong(check, "the chain's anchor is not known at", check->floor);
	links.head = anchor.head;
	r = follow(check, &links, anchor.seq);
	if (!r && check->counters.first_us && memcmp(&links.head, &check->counters.head, sizeof(links.head)) != 0)
		r = check_wrong(check, "the chain does not end at the counters' head; changes", check->counters.seq);
	change_reader_free(&links.reader);
	buffer_free(&links.line);
	return r;
}
