#include "state.h"

#include <errno.h>
#include <string.h>

#include "layout.h"
#include "roster.h"

int state_read(struct store_txn *txn, struct store_state *ret_state)
{
	struct layout_key key = layout_meta('s');
	struct slice value;
	*ret_state = (struct store_state){ 0 };
	int r = store_get(txn, STORE_META, layout_slice(&key), &value);
	if (r)
		return r == -ENOENT ? 0 : r;
	struct reader reader = reader_of(value);
	ret_state->last_us = (int64_t)reader_u64(&reader);
	ret_state->commits = reader_varint(&reader);
	ret_state->authors = reader_varint(&reader);
	return reader.is_bad ? -EIO : 0;
}

static int put(struct store_txn *txn, struct layout_key key, struct buffer *value)
{
	int r = buffer_error(value);
	if (!r)
		r = store_put(txn, STORE_META, layout_slice(&key), buffer_slice(value));
	buffer_free(value);
	return r;
}

int state_write(struct store_txn *txn, const struct store_state *state)
{
	struct buffer value = BUFFER_INIT;
	buffer_append_u64(&value, (uint64_t)state->last_us);
	buffer_append_varint(&value, state->commits);
	buffer_append_varint(&value, state->authors);
	return put(txn, layout_meta('s'), &value);
}

int counters_read(struct store_txn *txn, uint32_t table, struct table_counters *ret_counters)
{
	struct layout_key key = layout_meta_number('t', table);
	struct slice value;
	/* Block 0 of numbers is left to directories and their own files. */
	*ret_counters = (struct table_counters){ .next_number = ROSTER_BLOCK };
	int r = store_get(txn, STORE_META, layout_slice(&key), &value);
	if (r)
		return r == -ENOENT ? 0 : r;
	struct reader reader = reader_of(value);
	ret_counters->next_number = reader_varint(&reader);
	ret_counters->seq = reader_varint(&reader);
	ret_counters->items = reader_varint(&reader);
	ret_counters->bytes = reader_varint(&reader);
	ret_counters->first_us = (int64_t)reader_varint(&reader);
	ret_counters->last_us = (int64_t)reader_varint(&reader);
	struct slice head = reader_bytes(&reader, CHAIN_BYTES);
	if (reader.is_bad)
		return -EIO;
	memcpy(ret_counters->head.head, head.data, CHAIN_BYTES);
	return 0;
}

int counters_write(struct store_txn *txn, uint32_t table, const struct table_counters *counters)
{
	struct buffer value = BUFFER_INIT;
	buffer_append_varint(&value, counters->next_number);
	buffer_append_varint(&value, counters->seq);
	buffer_append_varint(&value, counters->items);
	buffer_append_varint(&value, counters->bytes);
	buffer_append_varint(&value, (uint64_t)counters->first_us);
	buffer_append_varint(&value, (uint64_t)counters->last_us);
	buffer_append(&value, counters->head.head, CHAIN_BYTES);
	return put(txn, layout_meta_number('t', table), &value);
}
