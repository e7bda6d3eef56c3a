#include "difffile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "author.h"
#include "change.h"
#include "hash.h"
#include "instant.h"
#include "item_json.h"
#include "json.h"
#include "loop.h"
#include "mount.h"
#include "patch.h"
#include "render.h"

#define PLACE_DIFFERENCES (UINT64_C(1) << 33)
#define PLACE_OF_SUMMARY UINT64_C(0)
/* Nobody knows how long a damaged file is; empty ones are not read at all. */
#define SIZE_OF_DAMAGED 1
/* A walk over more changes than that may take long. */
#define CHANGES_QUICK 2000

int64_t difffile_time(const struct view *view)
{
	return view->from.time_us > view->snapshot.time_us ? view->from.time_us : view->snapshot.time_us;
}

/* --- contents that were rendered --- */

static struct text_key key_of(const struct view *view, uint64_t place)
{
	const uint64_t id[] = { view->from.seq, view->snapshot.seq, (uint64_t)view->from.time_us,
		(uint64_t)view->snapshot.time_us };

	return (struct text_key){ PLACE_DIFFERENCES | view->table.number,
		hash_checksum64(slice_of(id, sizeof(id)), place), place };
}

int difffile_read_kept(
	struct mount *mount, const struct view *view, uint64_t place, uint64_t offset, size_t size, struct buffer *out)
{
	struct text_key key = key_of(view, place);
	struct text *text = texts_find(mount->texts, &key, NULL);

	if (text == NULL)
		return 0;
	text_append_part(text_slice(text), offset, size, out);
	text_put(text);
	return 1;
}

/* Kept when it is to be read in several pieces. */
static void give(struct mount *mount, const struct view *view, uint64_t place, struct slice text, uint64_t offset,
	size_t size, struct buffer *out)
{
	struct text_key key = key_of(view, place);

	if (offset + size < text.size || place == PLACE_OF_SUMMARY)
		text_put(texts_add(mount->texts, &key, text));
	text_append_part(text, offset, size, out);
}

/* --- what changed in an item --- */

static int append_item(
	const struct mount *mount, const struct view *view, const char *name, struct slice item, struct buffer *out)
{
	int result;

	buffer_append_format(out, "  \"%s\": ", name);
	result = render_item_within(mount, view, item, out);
	buffer_append_text(out, ",\n");
	return result;
}

static int append_key(const struct mount *mount, const struct view *view, struct slice encoded_key, struct buffer *out)
{
	struct buffer storage = BUFFER_INIT, item = BUFFER_INIT;
	struct key key;
	int result = key_decode(encoded_key, &storage, &key);

	if (result == 0)
		result = key_append_item(&key, &view->table.schema, &item);
	if (result == 0)
		result = append_item(mount, view, "key", buffer_slice(&item), out);
	buffer_free(&storage);
	buffer_free(&item);
	return result;
}

static int append_last(struct store_txn *txn, const struct log_entry *last, struct buffer *out)
{
	char time[INSTANT_TEXT_MAX];
	struct slice author;
	int result = author_text(txn, last->author, &author);

	instant_format_z(last->time_us, time, sizeof(time));
	buffer_append_format(out,
		"  \"last\": {\n    \"seq\": %" PRIu64 ",\n    \"op\": \"%s\",\n    \"time\": \"%s\",\n"
		"    \"author\": ",
		last->seq, change_op_name(last->op), time);
	if (result == 0)
		buffer_append_slice(out, author);
	else
		buffer_append_text(out, "null");
	buffer_append_text(out, "\n  }\n}\n");
	return result == -ENOENT ? 0 : result;
}

static int render_change(struct mount *mount, struct store_txn *txn, const struct view *view,
	const struct difference *difference, struct buffer *out)
{
	int result;

	buffer_append_text(out, "{\n");
	result = append_key(mount, view, difference->encoded_key, out);
	if (result == 0)
		result = append_item(mount, view, "before", difference->before, out);
	if (result == 0)
		result = append_item(mount, view, "after", difference->after, out);
	buffer_append_text(out, "  \"patch\": ");
	if (result == 0)
		result = patch_to_json(difference->before, difference->after, true, 1, out);
	buffer_append_text(out, ",\n");
	return result < 0 ? result : append_last(txn, &difference->last, out);
}

/* --- files --- */

static struct slice item_of(const struct difference *difference)
{
	return difference->kind == DIFFERENCE_REMOVED ? difference->before : difference->after;
}

static int render(struct mount *mount, struct store_txn *txn, const struct view *view,
	const struct difference *difference, struct buffer *out)
{
	int result = difference->kind == DIFFERENCE_CHANGED ? render_change(mount, txn, view, difference, out)
							    : render_item(mount, view, item_of(difference), out);

	return result < 0 ? result : buffer_error(out);
}

static int size_of_change(struct mount *mount, struct store_txn *txn, const struct view *view,
	const struct difference *difference, uint64_t *ret_size)
{
	struct buffer rendered = BUFFER_INIT;
	int result = render(mount, txn, view, difference, &rendered);

	*ret_size = rendered.size;
	buffer_free(&rendered);
	return result;
}

int difffile_node(struct mount *mount, struct store_txn *txn, const struct view *view,
	const struct difference *difference, struct branch_node *ret_node)
{
	const struct key_schema *schema = &view->table.schema;
	struct item_order order = { .partition = slice_of_text(schema->partition.name) };
	int result = difference->is_damaged ? -EIO : 0;

	*ret_node = (struct branch_node){
		.is_file = true, .time_us = difference->last.time_us, .is_settled = true, .seq = difference->last.seq
	};
	if (result == 0 && difference->kind == DIFFERENCE_CHANGED)
		result = size_of_change(mount, txn, view, difference, &ret_node->size_bytes);
	if (result == -EIO) {
		ret_node->size_bytes = SIZE_OF_DAMAGED;
		return 0;
	}
	if (result < 0 || difference->kind == DIFFERENCE_CHANGED)
		return result;
	if (schema->has_sort)
		order.sort = slice_of_text(schema->sort.name);
	ret_node->size_bytes = item_json_size(item_of(difference), mount->options->form, &order);
	return 0;
}

int difffile_read(struct mount *mount, struct store_txn *txn, const struct view *view,
	const struct difference *difference, uint64_t offset, size_t size, struct buffer *out)
{
	struct buffer rendered = BUFFER_INIT;
	int result = render(mount, txn, view, difference, &rendered);

	if (result == 0)
		give(mount, view, difference->place, buffer_slice(&rendered), offset, size, out);
	buffer_free(&rendered);
	return result < 0 ? result : buffer_error(out);
}

/* --- the sum --- */

static uint64_t changes_of(const struct view *view)
{
	uint64_t from = view->from.seq, to = view->snapshot.seq;

	return from < to ? to - from : from - to;
}

void difffile_walks(const struct view *view)
{
	if (changes_of(view) > CHANGES_QUICK)
		loop_blocks();
}

static void append_summary(const struct view *view, const struct difference_counts *counts, struct buffer *out)
{
	char from[INSTANT_TEXT_MAX], to[INSTANT_TEXT_MAX], changes[24];
	int width = snprintf(changes, sizeof(changes), "%" PRIu64, changes_of(view));

	instant_format_z(view->from.time_us, from, sizeof(from));
	instant_format_z(view->snapshot.time_us, to, sizeof(to));
	buffer_append_text(out, "{\n  \"table\": ");
	json_append_string(out, slice_of_text(view->table.name));
	buffer_append_format(
		out, ",\n  \"from\": {\n    \"time\": \"%s\",\n    \"seq\": %" PRIu64 "\n  }", from, view->from.seq);
	buffer_append_format(
		out, ",\n  \"to\": {\n    \"time\": \"%s\",\n    \"seq\": %" PRIu64 "\n  }", to, view->snapshot.seq);
	buffer_append_format(out,
		",\n  \"added\": %*" PRIu64 ",\n  \"removed\": %*" PRIu64 ",\n  \"changed\": %*" PRIu64
		",\n  \"damaged\": %*" PRIu64 ",\n  \"changes\": %s\n}\n",
		width, counts->added, width, counts->removed, width, counts->changed, width, counts->damaged, changes);
}

int difffile_summary_node(const struct view *view, struct branch_node *ret_node)
{
	const struct difference_counts none = { 0 };
	struct buffer text = BUFFER_INIT;
	int result;

	append_summary(view, &none, &text);
	*ret_node = (struct branch_node){
		.is_file = true, .size_bytes = text.size, .time_us = difffile_time(view), .is_settled = true
	};
	result = buffer_error(&text);
	buffer_free(&text);
	return result;
}

int difffile_summary_read(struct mount *mount, struct store_txn *txn, const struct view *view, uint64_t offset,
	size_t size, struct buffer *out)
{
	struct buffer text = BUFFER_INIT;
	struct difference_counts counts;
	int result;

	if (difffile_read_kept(mount, view, PLACE_OF_SUMMARY, offset, size, out) == 1)
		return buffer_error(out);
	difffile_walks(view);
	result = difference_count(txn, view->table.number, view->from.seq, view->snapshot.seq, &counts);
	if (result == 0)
		append_summary(view, &counts, &text);
	if (result == 0)
		result = buffer_error(&text);
	if (result == 0)
		give(mount, view, PLACE_OF_SUMMARY, buffer_slice(&text), offset, size, out);
	buffer_free(&text);
	return result < 0 ? result : buffer_error(out);
}
