#include "log_parts.h"

#include <errno.h>
#include <string.h>

#include "hash.h"
#include "layout.h"
#include "lineage.h"

static int read_head(struct slice block, uint64_t first_seq, struct reader *ret_reader, struct log_block_head *ret_head)
{
	struct reader r = reader_of(block);
	uint32_t checksum = reader_u32(&r);
	if (r.is_bad || hash_checksum(slice_of(r.at, reader_left(&r))) != checksum)
		return -EIO;
	ret_head->first_seq = first_seq;
	ret_head->first_time_us = (int64_t)reader_varint(&r);
	ret_head->items = reader_varint(&r);
	ret_head->bytes = reader_varint(&r);
	ret_head->lines = reader_varint(&r);
	struct slice chain = reader_bytes(&r, CHAIN_BYTES);
	ret_head->count = (unsigned)reader_varint(&r);
	if (r.is_bad || ret_head->count == 0 || ret_head->count > LOG_BLOCK_MAX)
		return -EIO;
	memcpy(ret_head->chain.head, chain.data, CHAIN_BYTES);
	*ret_reader = r;
	return 0;
}

/* What stands before the first entry, so that read_next can add up differences. */
static struct log_entry before_first(const struct log_block_head *head)
{
	return (struct log_entry){ .seq = head->first_seq - 1,
		.time_us = head->first_time_us,
		.items = head->items,
		.bytes = head->bytes,
		.lines_bytes = head->lines };
}

static int read_next(struct reader *r, struct log_entry *entry)
{
	unsigned op = reader_byte(r);
	uint64_t time = reader_varint(r);
	int64_t number = reader_zigzag(r);
	bool is_late = time > INT64_MAX || __builtin_add_overflow(entry->time_us, (int64_t)time, &entry->time_us);
	entry->author = reader_varint(r);
	entry->growth_bytes = reader_zigzag(r);
	entry->line_bytes = reader_varint(r);
	bool is_long = __builtin_add_overflow(entry->lines_bytes, entry->line_bytes, &entry->lines_bytes);
	if (r->is_bad || is_late || is_long || op < CHANGE_INSERT || op > CHANGE_REMOVE)
		return -EIO;
	entry->op = (enum change_op)op;
	entry->seq++;
	entry->number += (uint64_t)number;
	entry->items += op == CHANGE_INSERT ? 1 : op == CHANGE_REMOVE ? UINT64_MAX : 0;
	entry->bytes += (uint64_t)entry->growth_bytes;
	return 0;
}

int log_find_block(
	struct store_txn *txn, uint32_t table, uint64_t seq, uint64_t *ret_first_seq, struct slice *ret_block)
{
	struct store_cursor *cursor;
	int r = store_cursor_open(txn, STORE_LOG, &cursor);
	if (r)
		return r;
	struct layout_key key = layout_log(table, seq + 1), prefix = layout_log_prefix(table);
	struct slice found;
	r = store_cursor_seek_before(cursor, layout_slice(&key), &found, ret_block);
	store_cursor_close(cursor);
	r = store_within(r, found, layout_slice(&prefix));
	*ret_first_seq = !r || (r == -EIO && found.size) ? layout_log_seq(found) : 0;
	return r;
}

int log_last_entry(struct slice block, uint64_t first_seq, struct log_block_head *ret_head, struct log_entry *ret_entry,
	struct slice *ret_entries)
{
	struct reader reader;
	int r = read_head(block, first_seq, &reader, ret_head);
	if (r)
		return r;
	*ret_entries = slice_of(reader.at, reader_left(&reader));
	*ret_entry = before_first(ret_head);
	for (unsigned i = 0; i < ret_head->count && !r; i++)
		r = read_next(&reader, ret_entry);
	return r;
}

int log_base(struct store_txn *txn, uint32_t table, struct log_entry *ret_entry)
{
	struct lineage lineage;
	int r = lineage_read(txn, table, &lineage);
	if (!r)
		*ret_entry = (struct log_entry){
			.seq = lineage.base, .time_us = lineage.time_us, .items = lineage.items, .bytes = lineage.bytes
		};
	return r;
}

int log_walk_begin(struct log_walk *walk, struct store_txn *txn, uint32_t table, uint64_t seq)
{
	*walk = (struct log_walk){ .txn = txn, .table = table, .entry = { .seq = seq ? seq - 1 : 0 } };
	struct log_block_head head;
	uint64_t first_seq;
	int r = log_find_block(txn, table, seq, &first_seq, &walk->block);
	if (r)
		return r == -ENOENT ? 0 : r;
	r = read_head(walk->block, first_seq, &walk->reader, &head);
	if (r)
		return r;
	walk->entry = before_first(&head);
	walk->left = head.count;
	while (!r && walk->left && walk->entry.seq + 1 < seq) {
		r = read_next(&walk->reader, &walk->entry);
		walk->left--;
	}
	return r;
}

/* The first block that begins after `seq`. Errors as above. */
static int block_after(
	struct store_txn *txn, uint32_t table, uint64_t seq, uint64_t *ret_first_seq, struct slice *ret_block)
{
	struct layout_key key = layout_log(table, seq + 1), prefix = layout_log_prefix(table);
	struct store_cursor *cursor;
	struct slice found;
	int r = store_cursor_open(txn, STORE_LOG, &cursor);
	if (r)
		return r;
	r = store_cursor_seek(cursor, layout_slice(&key), &found, ret_block);
	store_cursor_close(cursor);
	r = store_within(r, found, layout_slice(&prefix));
	*ret_first_seq = !r || (r == -EIO && found.size) ? layout_log_seq(found) : 0;
	return r;
}

static int next_block(struct log_walk *walk)
{
	struct log_block_head head;
	uint64_t first_seq;
	int r = block_after(walk->txn, walk->table, walk->entry.seq, &first_seq, &walk->block);
	if (!r)
		r = read_head(walk->block, first_seq, &walk->reader, &head);
	if (!r) {
		walk->entry = before_first(&head);
		walk->left = head.count;
	}
	return r;
}

int log_walk_next(struct log_walk *walk, struct log_entry *ret_entry)
{
	if (!walk->left) {
		int r = next_block(walk);
		if (r)
			return r == -ENOENT ? 0 : r;
	}
	int r = read_next(&walk->reader, &walk->entry);
	if (r)
		return r;
	walk->left--;
	*ret_entry = walk->entry;
	return 1;
}

int log_get(struct store_txn *txn, uint32_t table, uint64_t seq, struct log_entry *ret_entry)
{
	struct log_walk walk;
	if (seq >= SEQ_MAX)
		return -ENOENT;
	int r = log_walk_begin(&walk, txn, table, seq);
	if (!r)
		r = log_walk_next(&walk, ret_entry);
	if (r < 0)
		return r;
	return r == 1 && ret_entry->seq == seq ? 0 : -ENOENT;
}

int log_first(struct store_txn *txn, uint32_t table, struct log_entry *ret_entry)
{
	struct log_walk walk;
	int r = log_walk_begin(&walk, txn, table, 0);
	if (!r)
		r = log_walk_next(&walk, ret_entry);
	return r < 0 ? r : r == 1 ? 0 : -ENOENT;
}

int log_last(struct store_txn *txn, uint32_t table, struct log_entry *ret_entry)
{
	struct slice block, entries;
	struct log_block_head head;
	uint64_t first_seq;
	int r = log_find_block(txn, table, SEQ_MAX - 1, &first_seq, &block);
	return r ? r : log_last_entry(block, first_seq, &head, ret_entry, &entries);
}

/* --- looking up, beside what is damaged --- */

/* The last block that can be read of those that hold something in (low, seq]. -ENOENT: none. */
static int readable_before(
	struct store_txn *txn, uint32_t table, uint64_t low, uint64_t seq, struct log_block_head *ret_head)
{
	struct reader reader;
	struct slice block;
	uint64_t first_seq;
	for (; seq > low; seq = first_seq - 1) {
		int r = log_find_block(txn, table, seq, &first_seq, &block);
		if (!r)
			r = read_head(block, first_seq, &reader, ret_head);
		if (!r)
			return ret_head->first_seq + ret_head->count > low + 1 ? 0 : -ENOENT;
		if (r != -EIO || !first_seq)
			return r;
	}
	return -ENOENT;
}

/* The first block that can be read of those that begin in (seq, high). -ENOENT: none. */
static int readable_after(
	struct store_txn *txn, uint32_t table, uint64_t seq, uint64_t high, struct log_block_head *ret_head)
{
	struct reader reader;
	struct slice block;
	uint64_t first_seq;
	for (;; seq = first_seq) {
		int r = block_after(txn, table, seq, &first_seq, &block);
		if (first_seq >= high)
			return -ENOENT;
		if (!r)
			r = read_head(block, first_seq, &reader, ret_head);
		if (r != -EIO || !first_seq)
			return r;
	}
}

/* The first entry that can be read. *ret_is_cut: what is damaged stands before it. */
static int first_readable(struct store_txn *txn, uint32_t table, struct log_entry *ret_entry, bool *ret_is_cut)
{
	struct log_block_head head;
	int r = log_first(txn, table, ret_entry);
	*ret_is_cut = r == -EIO;
	if (r != -EIO)
		return r;
	r = readable_after(txn, table, 0, SEQ_MAX, &head);
	return r ? -EIO : log_get(txn, table, head.first_seq, ret_entry);
}

static int last_readable(struct store_txn *txn, uint32_t table, struct log_entry *ret_entry, bool *ret_is_cut)
{
	struct log_block_head head;
	int r = log_last(txn, table, ret_entry);
	*ret_is_cut = r == -EIO;
	if (r != -EIO)
		return r;
	r = readable_before(txn, table, 0, SEQ_MAX - 1, &head);
	return r ? -EIO : log_get(txn, table, head.first_seq + head.count - 1, ret_entry);
}

typedef bool begins_after_fn(const struct log_block_head *head, uint64_t place);

static bool begins_after_time(const struct log_block_head *head, uint64_t time_us)
{
	return head->first_time_us > (int64_t)time_us;
}

static bool begins_after_byte(const struct log_block_head *head, uint64_t offset)
{
	return head->lines > offset;
}

/* Halves the range of change numbers. `low` always lies in a block that begins at or before the place and can be read, `high` is a
 * change after it; returns the first number of the last such block. */
static int block_at(struct store_txn *txn, uint32_t table, begins_after_fn *begins_after, uint64_t place, uint64_t low,
	uint64_t high, uint64_t *ret_first_seq)
{
	struct slice block;
	while (low + 1 < high) {
		struct log_block_head head;
		uint64_t middle = low + (high - low) / 2;
		int r = readable_before(txn, table, low, middle, &head);
		if (r == -ENOENT)
			r = readable_after(txn, table, middle, high, &head);
		if (r == -ENOENT)
			break;
		if (r)
			return r;
		uint64_t last = head.first_seq + head.count - 1;
		if (begins_after(&head, place))
			high = head.first_seq;
		else
			low = last + 1 < high ? last : high - 1;
	}
	return log_find_block(txn, table, low, ret_first_seq, &block);
}

/* The next entry of a walk over a part of the log that must be whole. */
static int next_of_whole(struct log_walk *walk, uint64_t seq, struct log_entry *ret_entry)
{
	int r = log_walk_next(walk, ret_entry);
	return r < 0 ? r : r == 1 && ret_entry->seq == seq ? 0 : -EIO;
}

/* The base, unless changes that followed it have been forgotten. first_seq 0: none are logged. */
static int before_first_change(struct store_txn *txn, uint32_t table, uint64_t first_seq, struct log_entry *ret_entry)
{
	int r = log_base(txn, table, ret_entry);
	return r ? r : !first_seq || first_seq == ret_entry->seq + 1 ? 0 : -ENOENT;
}

int log_at_time(struct store_txn *txn, uint32_t table, int64_t time_us, struct log_entry *ret_entry)
{
	struct log_entry first, last, entry;
	struct log_walk walk;
	uint64_t seq;
	bool is_cut;
	int r = first_readable(txn, table, &first, &is_cut);
	if (r == -ENOENT || (!r && first.time_us > time_us))
		return is_cut ? -EIO : before_first_change(txn, table, r ? 0 : first.seq, ret_entry);
	if (!r)
		r = last_readable(txn, table, &last, &is_cut);
	if (r)
		return r;
	if (last.time_us <= time_us) {
		*ret_entry = last;
		return is_cut ? -EIO : 0;
	}
	r = block_at(txn, table, begins_after_time, (uint64_t)time_us, first.seq, last.seq, &seq);
	if (!r)
		r = log_walk_begin(&walk, txn, table, seq);
	*ret_entry = first;
	while (!r && !(r = next_of_whole(&walk, seq++, &entry)) && entry.time_us <= time_us)
		*ret_entry = entry;
	return r;
}

int log_after_time(struct store_txn *txn, uint32_t table, int64_t time_us, struct log_entry *ret_entry)
{
	struct log_entry before;
	int r = log_at_time(txn, table, time_us, &before);
	if (r == -ENOENT)
		return log_first(txn, table, ret_entry);
	return r ? r : log_get(txn, table, before.seq + 1, ret_entry);
}

int log_at_line(struct store_txn *txn, uint32_t table, uint64_t offset, struct log_entry *ret_entry)
{
	struct log_entry first, last;
	struct log_walk walk;
	uint64_t seq;
	bool is_begin_cut, is_end_cut;
	int r = first_readable(txn, table, &first, &is_begin_cut);
	if (!r)
		r = last_readable(txn, table, &last, &is_end_cut);
	if (r)
		return r;
	if (offset < first.lines_bytes - first.line_bytes)
		return is_begin_cut ? -EIO : -ENOENT;
	if (offset >= last.lines_bytes)
		return is_end_cut ? -EIO : -ENOENT;
	r = block_at(txn, table, begins_after_byte, offset, first.seq, last.seq + 1, &seq);
	if (!r)
		r = log_walk_begin(&walk, txn, table, seq);
	do
		r = r ? r : next_of_whole(&walk, seq++, ret_entry);
	while (!r && ret_entry->lines_bytes <= offset);
	return r;
}

int log_chain_before(
	struct store_txn *txn, uint32_t table, uint64_t seq, uint64_t *ret_first_seq, struct chain *ret_chain)
{
	struct slice block;
	struct reader reader;
	struct log_block_head head;
	int r = log_find_block(txn, table, seq, ret_first_seq, &block);
	if (!r)
		r = read_head(block, *ret_first_seq, &reader, &head);
	if (r)
		return r;
	*ret_chain = head.chain;
	return seq - *ret_first_seq < head.count ? 0 : -ENOENT;
}

int log_unneeded(struct store_txn *txn, uint32_t table, uint64_t from_seq, uint64_t floor, struct layout_key *ret_key,
	size_t *ret_bytes)
{
	struct layout_key from = layout_log(table, from_seq), prefix = layout_log_prefix(table);
	struct slice key, value;
	int r = store_seek(txn, STORE_LOG, layout_slice(&from), &key, &value);
	r = store_within(r, key, layout_slice(&prefix));
	if (r && !(r == -EIO && key.size))
		return r;
	uint64_t first_seq = layout_log_seq(key);
	*ret_key = layout_log(table, first_seq);
	*ret_bytes = key.size + value.size;
	if (floor == UINT64_MAX)
		return 0;
	from = layout_log(table, first_seq + 1);
	r = store_seek(txn, STORE_LOG, layout_slice(&from), &key, &value);
	r = store_within(r, key, layout_slice(&prefix));
	if (r && !(r == -EIO && key.size))
		return r;
	return layout_log_seq(key) <= floor ? 0 : -ENOENT;
}
