#include "log_parts.h"

#include <errno.h>

#include "hash.h"

/* Blocks are rewritten for each change that joins them, so they stay well inside a page. */
#define LOG_BLOCK_BYTES 900u

static void append_entry(struct buffer *out, const struct log_entry *entry, const struct log_entry *previous)
{
	buffer_append_byte(out, (uint8_t)entry->op);
	buffer_append_varint(out, (uint64_t)(entry->time_us - previous->time_us));
	buffer_append_zigzag(out, (int64_t)(entry->number - previous->number));
	buffer_append_varint(out, entry->author);
	buffer_append_zigzag(out, entry->growth_bytes);
	buffer_append_varint(out, entry->line_bytes);
}

/* A count is at most LOG_BLOCK_MAX: a byte. */
static void begin_block(struct log_tail *tail, const struct log_entry *entry, const struct chain *before)
{
	struct buffer *block = &tail->block;
	buffer_clear(block);
	buffer_append_u32(block, 0);
	buffer_append_varint(block, (uint64_t)entry->time_us);
	buffer_append_varint(block, tail->last.items);
	buffer_append_varint(block, tail->last.bytes);
	buffer_append_varint(block, tail->last.lines_bytes);
	buffer_append(block, before->head, CHAIN_BYTES);
	tail->count_at = block->size;
	buffer_append_byte(block, 0);
	tail->first_seq = entry->seq;
	tail->count = 0;
	tail->last.number = 0;
	tail->last.time_us = entry->time_us;
}

static int read_tail(struct log_tail *tail, struct store_txn *txn, uint32_t table, uint64_t seq)
{
	struct slice block, entries;
	struct log_block_head head = { 0 };
	int r = log_find_block(txn, table, seq, &tail->first_seq, &block);
	tail->count = 0;
	tail->last = (struct log_entry){ 0 };
	buffer_clear(&tail->block);
	if (!r)
		r = log_last_entry(block, tail->first_seq, &head, &tail->last, &entries);
	else if (r == -ENOENT)
		r = log_base(txn, table, &tail->last);
	if (head.count) {
		buffer_append_slice(&tail->block, block);
		tail->count = head.count;
		tail->count_at = (size_t)(entries.data - block.data) - 1;
	}
	return r == -ENOENT ? 0 : r ? r : buffer_error(&tail->block);
}

static int put_tail(struct log_tail *tail, struct store_txn *txn, uint32_t table)
{
	struct buffer *block = &tail->block;
	struct layout_key key = layout_log(table, tail->first_seq);
	int r = buffer_error(block);
	if (r)
		return r;
	/* The checksum of what follows it takes the place kept for it. */
	size_t size = block->size;
	block->data[tail->count_at] = (uint8_t)tail->count;
	block->size = 0;
	buffer_append_u32(block, hash_checksum(slice_of(block->data + 4, size - 4)));
	block->size = size;
	return tail->count == 1 ? store_append(txn, STORE_LOG, layout_slice(&key), buffer_slice(block))
				: store_put(txn, STORE_LOG, layout_slice(&key), buffer_slice(block));
}

int log_append_to(struct log_tail *tail, struct store_txn *txn, uint32_t table, struct log_entry *entry,
	const struct chain *before)
{
	struct log_entry *last = &tail->last;
	int r = tail->is_known ? 0 : read_tail(tail, txn, table, entry->seq);
	tail->is_known = false;
	if (!r && last->seq && entry->seq != last->seq + 1)
		r = -EIO;
	if (r)
		return r;
	entry->items = last->items + (entry->op == CHANGE_INSERT ? 1 : entry->op == CHANGE_REMOVE ? UINT64_MAX : 0);
	entry->bytes = last->bytes + (uint64_t)entry->growth_bytes;
	entry->lines_bytes = last->lines_bytes + entry->line_bytes;
	if (!tail->count || tail->count == LOG_BLOCK_MAX || tail->block.size > LOG_BLOCK_BYTES)
		begin_block(tail, entry, before);
	append_entry(&tail->block, entry, last);
	tail->count++;
	r = put_tail(tail, txn, table);
	*last = *entry;
	tail->is_known = !r;
	return r;
}

void log_tail_free(struct log_tail *tail)
{
	buffer_free(&tail->block);
	*tail = (struct log_tail){ 0 };
}

int log_append(struct store_txn *txn, uint32_t table, struct log_entry *entry, const struct chain *before)
{
	struct log_tail tail = { 0 };
	int r = log_append_to(&tail, txn, table, entry, before);
	log_tail_free(&tail);
	return r;
}
