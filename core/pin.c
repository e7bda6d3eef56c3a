#include "pin.h"

#include <errno.h>
#include <string.h>

#include "layout.h"
#include "retention.h"

#define FLAG_RANGE 1u

int pin_revision(struct store_txn *txn, uint64_t *ret_revision)
{
	struct layout_key key = layout_meta('q');
	struct slice value;
	*ret_revision = 0;
	int r = store_get(txn, STORE_META, layout_slice(&key), &value);
	if (r)
		return r == -ENOENT ? 0 : r;
	struct reader reader = reader_of(value);
	*ret_revision = reader_varint(&reader);
	return reader.is_bad ? -EIO : 0;
}

static int next_number(struct store_txn *txn, uint64_t *ret_number)
{
	struct layout_key key = layout_meta('q');
	struct buffer next = BUFFER_INIT;
	int r = pin_revision(txn, ret_number);
	if (r)
		return r;
	(*ret_number)++;
	buffer_append_varint(&next, *ret_number);
	r = buffer_error(&next);
	if (!r)
		r = store_put(txn, STORE_META, layout_slice(&key), buffer_slice(&next));
	buffer_free(&next);
	return r;
}

static void append_pin(const struct pin *pin, struct buffer *out)
{
	buffer_append_byte(out, (uint8_t)pin->kind);
	buffer_append_byte(out, pin->is_range ? FLAG_RANGE : 0);
	buffer_append_varint(out, (uint64_t)pin->time_us);
	buffer_append_varint(out, (uint64_t)pin->created_us);
	buffer_append_varint(out, (uint64_t)pin->expires_us);
	buffer_append_varint(out, pin->items);
	buffer_append_varint(out, pin->bytes);
	buffer_append_varint(out, pin->child);
	buffer_append_blob(out, slice_of_text(pin->name));
	buffer_append_blob(out, slice_of_text(pin->reason));
	buffer_append_blob(out, slice_of_text(pin->author));
}

static void read_text(struct reader *reader, char *out, size_t size)
{
	struct slice text = reader_blob(reader);
	if (text.size >= size)
		reader->is_bad = true;
	else if (text.size)
		memcpy(out, text.data, text.size);
}

static int read_pin(struct slice key, struct slice value, struct pin *ret_pin)
{
	struct reader reader = reader_of(value);
	*ret_pin = (struct pin){ .kind = reader_byte(&reader) };
	layout_pin_read(key, &ret_pin->table, &ret_pin->seq, &ret_pin->number);
	ret_pin->is_range = reader_byte(&reader) & FLAG_RANGE;
	ret_pin->time_us = (int64_t)reader_varint(&reader);
	ret_pin->created_us = (int64_t)reader_varint(&reader);
	ret_pin->expires_us = (int64_t)reader_varint(&reader);
	ret_pin->items = reader_varint(&reader);
	ret_pin->bytes = reader_varint(&reader);
	ret_pin->child = (uint32_t)reader_varint(&reader);
	read_text(&reader, ret_pin->name, sizeof(ret_pin->name));
	read_text(&reader, ret_pin->reason, sizeof(ret_pin->reason));
	read_text(&reader, ret_pin->author, sizeof(ret_pin->author));
	bool is_right = !reader.is_bad && ret_pin->kind >= PIN_BACKUP && ret_pin->kind <= PIN_CHILD;
	return is_right ? 0 : -EIO;
}

int pin_add(struct store_txn *txn, struct pin *pin)
{
	int r = next_number(txn, &pin->number);
	struct buffer value = BUFFER_INIT;
	append_pin(pin, &value);
	if (!r)
		r = buffer_error(&value);
	struct layout_key key = layout_pin(pin->table, pin->seq, pin->number);
	if (!r)
		r = store_put(txn, STORE_META, layout_slice(&key), buffer_slice(&value));
	buffer_free(&value);
	return !r && pin->expires_us ? retention_want_until(txn, pin->expires_us) : r;
}

int pin_remove(struct store_txn *txn, const struct pin *pin)
{
	struct layout_key key = layout_pin(pin->table, pin->seq, pin->number);
	uint64_t unused;
	int r = store_delete(txn, STORE_META, layout_slice(&key));
	if (!r)
		r = next_number(txn, &unused);
	return r ? r : retention_want_sweep(txn, pin->table);
}

int pin_next(struct store_txn *txn, uint32_t table, struct pin_place *place, struct pin *ret_pin)
{
	bool is_all = table == UINT32_MAX;
	uint32_t from_table = is_all ? 0 : table;
	struct layout_key from = place->is_begun ? layout_pin(place->table, place->seq, place->number + 1)
						 : layout_pin(from_table, 0, 0);
	struct slice key, value;
	size_t prefix_size = is_all ? 1 : layout_pin_table(table).size;
	int r = store_seek(txn, STORE_META, layout_slice(&from), &key, &value);
	r = store_within(r, key, slice_of(from.bytes, prefix_size));
	if (!r)
		r = key.size == from.size ? read_pin(key, value, ret_pin) : -ENOENT;
	if (r)
		return r == -ENOENT ? 0 : r;
	*place = (struct pin_place){ ret_pin->table, ret_pin->seq, ret_pin->number, true };
	return 1;
}

int pin_covers(struct store_txn *txn, uint32_t table, uint64_t seq, struct pin *ret_pin)
{
	struct pin_place place = { 0 };
	struct pin pin;
	int r;
	while ((r = pin_next(txn, table, &place, &pin)) == 1 && pin.seq <= seq) {
		if (pin.seq != seq && !pin.is_range)
			continue;
		if (ret_pin)
			*ret_pin = pin;
		return 1;
	}
	return r < 0 ? r : 0;
}
