/* Invariants
 * 1. seq grows by one with each change of a table; times never decrease with it.
 * 2. A change without a time of its own gets one greater than every commit and every served instant before it.
 * 3. INDEX, VERSIONS, ROSTER, LOG and the counters change together or not at all: any failure spoils the batch, and a
 *    spoilt batch can only be aborted. */
#include "batch_parts.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "author.h"
#include "chain.h"
#include "change.h"
#include "clock.h"
#include "gone.h"
#include "hash.h"
#include "item_json.h"
#include "key.h"
#include "layout.h"
#include "life.h"
#include "node.h"
#include "table.h"

int batch_begin(struct history *history, struct batch **ret_batch, struct error *error)
{
	struct batch *batch = calloc(1, sizeof(*batch));
	if (!batch)
		return error_set(error, -ENOMEM, "begin a change: out of memory");
	batch->history = history;
	int r = store_begin(history_store(history), true, &batch->txn);
	if (!r)
		r = state_read(batch->txn, &batch->state);
	if (r) {
		batch_abort(batch);
		return error_set(error, r, "begin a change in %s: %s", history_directory(history), strerror(-r));
	}
	batch->began_us = batch->state.last_us;
	history_note_writing(history, 0);
	*ret_batch = batch;
	return 0;
}

struct store_txn *batch_txn(struct batch *batch)
{
	return batch->txn;
}

struct history *batch_history(struct batch *batch)
{
	return batch->history;
}

bool batch_range(const struct batch *batch, size_t i, uint32_t *ret_table, uint64_t *ret_first, uint64_t *ret_last)
{
	for (size_t at = 0; at < batch->touched_count; at++) {
		const struct touched *touched = &batch->touched[at];
		if (!touched->first_seq || i-- > 0)
			continue;
		*ret_table = touched->table;
		*ret_first = touched->first_seq;
		*ret_last = touched->counters.seq;
		return true;
	}
	return false;
}

uint64_t batch_changes(const struct batch *batch)
{
	return batch->changes;
}

static int touch(struct batch *batch, const struct table *table, struct touched **ret_touched)
{
	for (size_t i = 0; i < batch->touched_count; i++)
		if (batch->touched[i].table == table->number) {
			*ret_touched = &batch->touched[i];
			return 0;
		}
	if (batch->touched_count == batch->touched_room) {
		size_t room = batch->touched_room ? 2 * batch->touched_room : 4;
		struct touched *more = realloc(batch->touched, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		batch->touched = more;
		batch->touched_room = room;
	}
	struct touched *touched = &batch->touched[batch->touched_count];
	*touched = (struct touched){ .table = table->number };
	int r = counters_read(batch->txn, table->number, &touched->counters);
	if (r)
		return r;
	if (!touched->counters.first_us)
		chain_begin(table->id, touched->counters.seq, &touched->counters.head);
	batch->touched_count++;
	*ret_touched = touched;
	return 0;
}

int batch_author(struct batch *batch, struct slice text, uint64_t *ret_author)
{
	uint8_t hash[16];
	hash_strong(text, hash);
	struct layout_key by_hash = layout_author_hash(hash);
	struct slice value;
	int r = store_get(batch->txn, STORE_AUTHORS, layout_slice(&by_hash), &value);
	if (!r) {
		struct reader reader = reader_of(value);
		*ret_author = reader_varint(&reader);
		return reader.is_bad ? -EIO : 0;
	}
	if (r != -ENOENT)
		return r;
	*ret_author = ++batch->state.authors;
	struct layout_key by_number = layout_author(*ret_author);
	struct buffer number = BUFFER_INIT;
	buffer_append_varint(&number, *ret_author);
	r = buffer_error(&number);
	if (!r)
		r = store_put(batch->txn, STORE_AUTHORS, layout_slice(&by_hash), buffer_slice(&number));
	if (!r)
		r = store_append(batch->txn, STORE_AUTHORS, layout_slice(&by_number), text);
	buffer_free(&number);
	batch->has_notes = true;
	batch->is_spoilt |= r != 0;
	return r;
}

int64_t batch_next_us(struct batch *batch)
{
	int64_t now = clock_now_us(), floor = batch->state.last_us;
	if (!batch->writing_us)
		history_note_writing(batch->history, floor + 1);
	if (history_served(batch->history) > floor)
		floor = history_served(batch->history);
	if (batch->next_us <= floor)
		batch->next_us = now > floor ? now : floor + 1;
	if (!batch->writing_us) {
		batch->writing_us = batch->next_us;
		history_note_writing(batch->history, batch->writing_us);
	}
	return batch->next_us;
}

/* Invariants 1 and 2. */
static int choose_time(struct batch *batch, const struct touched *touched, const struct change_context *context,
	int64_t *ret_time_us, struct error *error)
{
	int64_t now = clock_now_us();
	if (!context->time_us) {
		*ret_time_us = batch_next_us(batch);
		batch->next_us = 0;
		return *ret_time_us <= TIME_MAX_US ? 0 : error_set(error, -ERANGE, "the clock is beyond the year 4252");
	}
	if (context->time_us < touched->counters.last_us)
		return error_set(
			error, -ERANGE, "history can only grow at its end: this change is older than the last one");
	if (context->time_us > (now > batch->state.last_us ? now : batch->state.last_us))
		return error_set(error, -ERANGE, "the change lies in the future");
	*ret_time_us = context->time_us;
	return 0;
}

static struct lives lives_of(struct batch *batch, struct touched *touched)
{
	return (struct lives){ batch->txn, touched->table, &touched->counters.next_number, &batch->scratch };
}

static int read_author(struct batch *batch, uint64_t author, struct slice *ret_text)
{
	*ret_text = (struct slice){ 0 };
	if (!author)
		return 0;
	if (author != batch->author) {
		struct slice text;
		int r = author_text(batch->txn, author, &text);
		if (r)
			return r;
		buffer_clear(&batch->author_text);
		buffer_append_slice(&batch->author_text, text);
		batch->author = buffer_error(&batch->author_text) ? 0 : author;
	}
	*ret_text = buffer_slice(&batch->author_text);
	return buffer_error(&batch->author_text);
}

/* Makes the change's line, and binds it. *ret_before: where the chain stood. */
static int bind(struct batch *batch, const struct table *table, struct touched *touched, struct change *change,
	struct chain *ret_before)
{
	*ret_before = touched->counters.head;
	buffer_clear(&batch->line);
	int r = read_author(batch, change->entry.author, &change->author);
	if (!r)
		r = change_append_line(table, change, &batch->line);
	if (r)
		return r;
	chain_add(&touched->counters.head, buffer_slice(&batch->line));
	change->entry.line_bytes = batch->line.size + 1;
	return 0;
}

/* `change` has the items and the growth. */
static int record(struct batch *batch, const struct table *table, struct touched *touched,
	const struct change_context *context, struct change *change, struct change_result *result)
{
	struct table_counters *counters = &touched->counters;
	struct log_entry entry;
	struct chain before;
	change->entry.seq = result->seq;
	change->entry.time_us = result->time_us;
	change->entry.op = result->op;
	change->entry.number = result->number;
	change->entry.author = context->author;
	int r = bind(batch, table, touched, change, &before);
	entry = change->entry;
	if (!r)
		r = log_append_to(&touched->log, batch->txn, touched->table, &entry, &before);
	if (r)
		return r;
	counters->seq = result->seq;
	counters->items = entry.items;
	counters->bytes = entry.bytes;
	counters->last_us = result->time_us;
	if (!counters->first_us)
		counters->first_us = result->time_us;
	if (!touched->first_seq) {
		touched->first_seq = result->seq;
		touched->first_us = result->time_us;
	}
	if (result->time_us <= batch->began_us)
		touched->is_past = true;
	if (result->time_us > batch->state.last_us)
		batch->state.last_us = result->time_us;
	batch->changes++;
	result->is_changed = true;
	return 0;
}

/* What a put or removal finds: the key's last life, if it lives or has lived. */
struct found {
	bool is_alive, has_lived;
	struct node node;
	struct node_place place;
	size_t size_bytes; /* of the old item, as DynamoDB counts it; its content is in batch->old */
};

static int look(struct batch *batch, uint32_t table, struct slice encoded_key, struct found *ret)
{
	int r = node_find(batch->txn, table, encoded_key, SEQ_MAX, &ret->node, &ret->place);
	bool is_item = !r && ret->node.kind == NODE_ITEM;
	ret->is_alive = is_item && !ret->node.version.is_removal;
	ret->has_lived = is_item && !ret->is_alive;
	ret->size_bytes = 0;
	if (!ret->is_alive)
		return r == -ENOENT ? 0 : r;
	r = pack_content(ret->place.pack, ret->place.place, &batch->old);
	if (!r)
		ret->size_bytes = item_size_bytes(buffer_slice(&batch->old));
	return r == -ENOENT ? -EIO : r;
}

static int put_found(struct batch *batch, const struct table *table, struct touched *touched, struct found *found,
	const struct key *key, struct slice encoded_key, struct slice item, const struct change_context *context,
	struct change_result *result)
{
	size_t plain_size, dynamodb_size, size_bytes = item_json_sizes(item, &plain_size, &dynamodb_size);
	struct version version = { .seq = result->seq,
		.time_us = result->time_us,
		.plain_size = (uint32_t)plain_size,
		.dynamodb_size = (uint32_t)dynamodb_size };
	struct lives lives = lives_of(batch, touched);
	int r;
	if (found->is_alive) {
		result->op = CHANGE_MODIFY;
		result->number = found->node.number;
		r = life_add_version(&lives, &found->node, &found->place, &version, item);
	} else {
		uint64_t directory = 0;
		result->op = CHANGE_INSERT;
		r = found->has_lived ? gone_remove(batch->txn, touched->table, encoded_key, found->node.directory,
					       found->node.number, version.time_us)
				     : 0;
		if (r >= 0)
			r = key->has_sort ? life_need_partition(&lives, key, &version, &directory) : 0;
		if (!r)
			r = life_begin(&lives, NODE_ITEM, directory, encoded_key, &version, item, &result->number);
	}
	struct change change = { .encoded_key = encoded_key, .after = item };
	change.image_bytes = size_bytes + found->size_bytes;
	change.entry.growth_bytes = (int64_t)size_bytes - (int64_t)found->size_bytes;
	if (found->is_alive)
		change.before = buffer_slice(&batch->old);
	return r ? r : record(batch, table, touched, context, &change, result);
}

static int spoil(struct batch *batch, int r, const struct table *table, struct error *error)
{
	if (!r)
		return 0;
	batch->is_spoilt = true;
	/* Absence that nobody expected is damage; callers take the rest for something that is wrong with the change. */
	if (r == -ENOENT || r == -EINVAL || r == -ERANGE)
		r = -EIO;
	return error_set(error, r, "change table %s: %s", table->name,
		r == -EIO      ? "a stored record is damaged"
		: r == -ENOSPC ? "no space left for the store"
			       : strerror(-r));
}

int batch_put(struct batch *batch, const struct table *table, struct slice item, const struct change_context *context,
	struct change_result *ret_result, struct error *error)
{
	assert(!batch->is_spoilt);
	*ret_result = (struct change_result){ 0 };
	struct key key;
	struct touched *touched;
	struct found found;
	int r = key_of_item(item, &table->schema, &key, error);
	if (r)
		return r;
	struct buffer encoded = BUFFER_INIT;
	key_append_encoded(&key, &encoded);
	r = buffer_error(&encoded);
	if (!r)
		r = touch(batch, table, &touched);
	if (!r)
		r = look(batch, table->number, buffer_slice(&encoded), &found);
	if (r) {
		buffer_free(&encoded);
		return spoil(batch, r, table, error);
	}
	if (found.is_alive && slice_equal(buffer_slice(&batch->old), item)) {
		buffer_free(&encoded);
		ret_result->number = found.node.number;
		return 0;
	}
	r = choose_time(batch, touched, context, &ret_result->time_us, error);
	if (!r) {
		ret_result->seq = touched->counters.seq + 1;
		r = spoil(batch,
			put_found(
				batch, table, touched, &found, &key, buffer_slice(&encoded), item, context, ret_result),
			table, error);
	}
	buffer_free(&encoded);
	return r;
}

int batch_remove(struct batch *batch, const struct table *table, struct slice encoded_key,
	const struct change_context *context, struct change_result *ret_result, struct error *error)
{
	assert(!batch->is_spoilt);
	*ret_result = (struct change_result){ 0 };
	struct touched *touched;
	struct found found;
	int r = touch(batch, table, &touched);
	if (!r)
		r = look(batch, table->number, encoded_key, &found);
	if (r)
		return spoil(batch, r, table, error);
	if (!found.is_alive)
		return 0;
	r = choose_time(batch, touched, context, &ret_result->time_us, error);
	if (r)
		return r;
	struct lives lives = lives_of(batch, touched);
	ret_result->op = CHANGE_REMOVE;
	ret_result->number = found.node.number;
	ret_result->seq = touched->counters.seq + 1;
	r = gone_add(batch->txn, table->number, encoded_key, found.node.directory, found.node.number, ret_result->seq,
		ret_result->time_us);
	if (!r)
		r = life_end(&lives, &found.node, &found.place, ret_result->seq, ret_result->time_us);
	struct change change = { .encoded_key = encoded_key, .before = buffer_slice(&batch->old) };
	change.entry.growth_bytes = -(int64_t)found.size_bytes;
	if (!r)
		r = record(batch, table, touched, context, &change, ret_result);
	return spoil(batch, r, table, error);
}

int batch_note_journal(struct batch *batch, struct slice journal_id, uint64_t position)
{
	struct layout_key key = layout_meta_bytes('j', journal_id);
	batch->has_notes = true;
	if (position == UINT64_MAX) {
		int r = store_delete(batch->txn, STORE_META, layout_slice(&key));
		return r == -ENOENT ? 0 : r;
	}
	struct buffer value = BUFFER_INIT;
	buffer_append_varint(&value, position);
	int r = buffer_error(&value);
	if (!r)
		r = store_put(batch->txn, STORE_META, layout_slice(&key), buffer_slice(&value));
	buffer_free(&value);
	return r;
}

void batch_note(struct batch *batch)
{
	batch->has_notes = true;
}
