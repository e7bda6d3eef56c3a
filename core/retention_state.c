#include "retention_state.h"

#include <errno.h>
#include <string.h>

#include "layout.h"
#include "pin.h"

static int put(struct store_txn *txn, struct layout_key key, struct buffer *value)
{
	int r = buffer_error(value);
	if (!r)
		r = store_put(txn, STORE_META, layout_slice(&key), buffer_slice(value));
	buffer_free(value);
	return r;
}

int retention_table_read(struct store_txn *txn, uint32_t table, struct retention_table *ret_state)
{
	struct layout_key key = layout_meta_number('g', table);
	struct slice value;
	*ret_state = (struct retention_table){ 0 };
	int r = store_get(txn, STORE_META, layout_slice(&key), &value);
	if (r)
		return r == -ENOENT ? 0 : r;
	struct reader reader = reader_of(value);
	ret_state->floor = reader_varint(&reader);
	ret_state->sweep = reader_byte(&reader);
	ret_state->number = reader_varint(&reader);
	ret_state->seq = reader_varint(&reader);
	ret_state->is_anchored = reader_left(&reader) > 0;
	if (ret_state->is_anchored) {
		struct slice anchor = reader_bytes(&reader, CHAIN_BYTES);
		if (!reader.is_bad)
			memcpy(ret_state->anchor.head, anchor.data, CHAIN_BYTES);
	}
	return reader.is_bad || ret_state->sweep > SWEEP_AGAIN ? -EIO : 0;
}

int retention_table_write(struct store_txn *txn, uint32_t table, const struct retention_table *state)
{
	struct buffer value = BUFFER_INIT;
	buffer_append_varint(&value, state->floor);
	buffer_append_byte(&value, (uint8_t)state->sweep);
	buffer_append_varint(&value, state->number);
	buffer_append_varint(&value, state->seq);
	if (state->is_anchored)
		buffer_append(&value, state->anchor.head, CHAIN_BYTES);
	return put(txn, layout_meta_number('g', table), &value);
}

int retention_store_read(struct store_txn *txn, struct retention_store *ret_state)
{
	struct layout_key key = layout_meta('h');
	struct slice value;
	*ret_state = (struct retention_store){ 0 };
	int r = store_get(txn, STORE_META, layout_slice(&key), &value);
	if (r)
		return r == -ENOENT ? 0 : r;
	struct reader reader = reader_of(value);
	ret_state->due_us = (int64_t)reader_varint(&reader);
	ret_state->next_table = (uint32_t)reader_varint(&reader);
	ret_state->next_due_us = (int64_t)reader_varint(&reader);
	return reader.is_bad ? -EIO : 0;
}

int retention_store_write(struct store_txn *txn, const struct retention_store *state)
{
	struct buffer value = BUFFER_INIT;
	buffer_append_varint(&value, (uint64_t)state->due_us);
	buffer_append_varint(&value, state->next_table);
	buffer_append_varint(&value, (uint64_t)state->next_due_us);
	return put(txn, layout_meta('h'), &value);
}

int retention_next_table(struct store_txn *txn, uint32_t *number)
{
	static const char kinds[] = { 't', 'g' };
	uint32_t found = UINT32_MAX;
	if (*number > TABLE_NUMBER_MAX)
		return -ENOENT;
	for (size_t i = 0; i < sizeof(kinds); i++) {
		struct layout_key from = layout_meta_number(kinds[i], *number);
		struct slice key, value;
		int r = store_seek(txn, STORE_META, layout_slice(&from), &key, &value);
		r = store_within(r, key, slice_of(from.bytes, 1));
		/* Also of a damaged record the key tells whose it is. */
		bool is_found = (!r || r == -EIO) && key.size == from.size;
		if (r && r != -ENOENT && !is_found)
			return r;
		if (is_found && layout_meta_read_number(key) < found)
			found = (uint32_t)layout_meta_read_number(key);
	}
	struct pin_place place = { .table = *number, .is_begun = true };
	struct pin pin;
	int r = pin_next(txn, UINT32_MAX, &place, &pin);
	if (r == 1 && pin.table < found)
		found = pin.table;
	*number = found;
	return r < 0 ? r : found == UINT32_MAX ? -ENOENT : 0;
}
