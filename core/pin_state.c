#include "pin_state.h"

#include <errno.h>
#include <string.h>

#include "author.h"
#include "json.h"
#include "layout.h"
#include "reach.h"
#include "retention.h"

int pin_last_change(struct store_txn *txn, uint32_t table, struct log_entry *ret_entry)
{
	struct table_statistics statistics;
	*ret_entry = (struct log_entry){ 0 };
	int r = log_last(txn, table, ret_entry);
	if (r != -ENOENT)
		return r;
	r = table_statistics(txn, table, &statistics);
	ret_entry->seq = statistics.seq;
	ret_entry->items = statistics.items;
	ret_entry->bytes = statistics.bytes;
	ret_entry->time_us = statistics.last_us;
	return r;
}

static int set_live(struct batch *batch, const struct table *table, struct pin *pin)
{
	struct log_entry last;
	int r = pin_last_change(batch_txn(batch), table->number, &last);
	pin->seq = last.seq;
	pin->items = last.items;
	pin->bytes = last.bytes;
	return r;
}

int pin_set_state(struct batch *batch, const struct table *table, const struct snapshot *snapshot, struct pin *pin)
{
	struct store_txn *txn = batch_txn(batch);
	pin->table = table->number;
	pin->created_us = history_now(batch_history(batch), txn);
	if (!snapshot || snapshot->seq == SEQ_MAX) {
		pin->time_us = pin->created_us;
		history_serve(batch_history(batch), pin->created_us);
		return set_live(batch, table, pin);
	}
	pin->seq = snapshot->seq;
	pin->time_us = snapshot->time_us;
	return snapshot_statistics(txn, snapshot, &pin->items, &pin->bytes);
}

int pin_set_window(struct batch *batch, const struct table *table, int64_t now_us, struct pin *pin)
{
	struct store_txn *txn = batch_txn(batch);
	int64_t latest_us;
	pin->table = table->number;
	pin->is_range = true;
	pin->created_us = now_us;
	int r = table_window(txn, table, now_us, &pin->time_us, &latest_us);
	if (!r)
		r = set_live(batch, table, pin);
	if (!r)
		r = reach_begin(txn, table, pin->time_us, &pin->seq);
	return r ? r : retention_check(txn, table->number, pin->seq);
}

/* As many members as fit. */
static void shorten(const struct json *author, struct buffer *out)
{
	buffer_append_byte(out, '{');
	for (const struct json *member = json_first(author); member; member = json_next(member)) {
		size_t size = out->size;
		if (size > 1)
			buffer_append_byte(out, ',');
		json_append_string(out, json_name(member));
		buffer_append_byte(out, ':');
		json_append(out, member);
		if (out->size + 1 > PIN_REASON_MAX)
			out->size = size;
	}
	buffer_append_byte(out, '}');
}

int pin_set_author(struct store_txn *txn, uint64_t author, struct pin *pin)
{
	struct slice text;
	struct json *root = NULL;
	struct buffer shorter = BUFFER_INIT;
	int r = author ? author_text(txn, author, &text) : -ENOENT;
	pin->author[0] = '\0';
	if (r)
		return r == -ENOENT ? 0 : r;
	if (text.size > PIN_REASON_MAX) {
		r = json_parse(text, &json_default_limits, &root, NULL);
		if (!r)
			shorten(root, &shorter);
		json_free(root);
		text = buffer_slice(&shorter);
	}
	if (!r)
		r = buffer_error(&shorter);
	if (!r) {
		memcpy(pin->author, text.data, text.size);
		pin->author[text.size] = '\0';
	}
	buffer_free(&shorter);
	return r;
}

int pin_failed(int code, const char *what, const struct table *table, struct error *error)
{
	return error_set(error, code, "%s of %s: %s", what, table->name,
		code == -ESTALE   ? "that state has been forgotten meanwhile; choose one inside the window"
		: code == -ENOSPC ? "no space left for the store"
				  : strerror(-code));
}
