#include "news.h"

#include <errno.h>

/* What a commit of a table without history may take up here, so that the notes of many such stay small. */
#define LISTED_MAX 512u
#define LISTED_BYTES_MAX (16u << 10)

enum { RANGE_PAST = 1, RANGE_LISTED = 2 };

static int list_change(
	struct store_txn *txn, const struct news_range *range, const struct log_entry *entry, struct buffer *list)
{
	struct node node;
	int r = node_read(txn, range->table, entry->number, entry->seq, &node, NULL);
	if (r)
		return r;
	buffer_append_byte(list, (uint8_t)entry->op);
	buffer_append_varint(list, node.number);
	buffer_append_varint(list, node.directory);
	buffer_append_blob(list, node.encoded_key);
	return buffer_error(list);
}

/* 1: they are listed; 0: they are too many. */
static int list_changes(struct store_txn *txn, const struct news_range *range, struct buffer *list)
{
	struct log_walk walk;
	struct log_entry entry;
	uint64_t left = range->last - range->first + 1;
	if (left > LISTED_MAX)
		return 0;
	int r = log_walk_begin(&walk, txn, range->table, range->first);
	for (; !r && left; left--) {
		r = log_walk_next(&walk, &entry);
		r = r < 0 ? r : r == 1 ? list_change(txn, range, &entry, list) : -EIO;
	}
	return r ? r : buffer_slice(list).size <= LISTED_BYTES_MAX;
}

int news_add(struct store_txn *txn, struct news_range *range, bool is_forgetting, struct buffer *note)
{
	struct buffer list = BUFFER_INIT;
	int r = is_forgetting ? list_changes(txn, range, &list) : 0;
	range->is_listed = r == 1;
	buffer_append_varint(note, range->table);
	buffer_append_varint(note, range->first);
	buffer_append_varint(note, range->last);
	buffer_append_byte(note, (uint8_t)((range->is_past ? RANGE_PAST : 0) | (range->is_listed ? RANGE_LISTED : 0)));
	if (range->is_listed)
		buffer_append_slice(note, buffer_slice(&list));
	buffer_free(&list);
	return r < 0 ? r : buffer_error(note);
}

int news_put(struct store_txn *txn, uint64_t commit, const struct buffer *note)
{
	struct layout_key key = layout_meta_number('c', commit % WATCH_COMMITS);
	return store_put(txn, STORE_META, layout_slice(&key), buffer_slice(note));
}

int news_read(struct store_txn *txn, uint64_t commit, struct reader *ret_note)
{
	struct layout_key key = layout_meta_number('c', commit % WATCH_COMMITS);
	struct slice note;
	int r = store_get(txn, STORE_META, layout_slice(&key), &note);
	if (r)
		return r;
	*ret_note = reader_of(note);
	return reader_varint(ret_note) == commit ? 0 : -ENOENT;
}

int news_next_range(struct reader *note, struct news_range *ret_range)
{
	if (!note->is_bad && !reader_left(note))
		return 0;
	ret_range->table = (uint32_t)reader_varint(note);
	ret_range->first = reader_varint(note);
	ret_range->last = reader_varint(note);
	uint8_t flags = reader_byte(note);
	ret_range->is_past = flags & RANGE_PAST;
	ret_range->is_listed = flags & RANGE_LISTED;
	return note->is_bad || ret_range->last < ret_range->first ? -EIO : 1;
}

int news_next_change(struct reader *note, enum change_op *ret_op, struct node *ret_node)
{
	unsigned op = reader_byte(note);
	*ret_op = (enum change_op)op;
	*ret_node = (struct node){ .kind = NODE_ITEM };
	ret_node->number = reader_varint(note);
	ret_node->directory = reader_varint(note);
	ret_node->encoded_key = reader_blob(note);
	return note->is_bad || op < CHANGE_INSERT || op > CHANGE_REMOVE ? -EIO : 0;
}
