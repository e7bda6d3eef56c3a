#include "commit.h"

#include <errno.h>
#include <string.h>

#include "copied.h"
#include "item_json.h"
#include "json.h"
#include "key.h"
#include "loop.h"
#include "mount.h"
#include "resolve.h"
#include "table.h"

/* --- items --- */

static int contradiction(
	const char *attribute, const struct value *named, const struct value *found, struct error *error)
{
	char name[FILE_NAME_MAX + 1], other[FILE_NAME_MAX + 1] = "of another type";

	name_of_value(named, "", name, NULL);
	if (found->tag == named->tag)
		name_of_value(found, "", other, NULL);
	return error_set(error, -EINVAL,
		"the file name says %s is %.100s, the document says %.100s; change one of them, or leave %s out",
		attribute, name, other, attribute);
}

/* `item` with the attribute that the name stands for; 1 when it has it already. */
static int add_key_attribute(
	struct slice item, const char *attribute, const struct value *named, struct buffer *out, struct error *error)
{
	struct value found;

	if (!item_attribute(item, slice_of_text(attribute), &found))
		return item_with_attribute(item, slice_of_text(attribute), named->whole, out);
	return slice_equal(found.whole, named->whole) ? 1 : contradiction(attribute, named, &found, error);
}

static int complete(struct buffer *item, const char *attribute, const struct value *named, struct error *error)
{
	struct buffer completed = BUFFER_INIT;
	int result = add_key_attribute(buffer_slice(item), attribute, named, &completed, error);

	if (result == 0) {
		buffer_free(item);
		*item = completed;
	} else {
		buffer_free(&completed);
	}
	return result < 0 ? result : 0;
}

int commit_complete_item(const struct view *view, struct slice encoded, struct buffer *item, struct error *error)
{
	const struct key_schema *schema = &view->table.schema;
	struct buffer storage = BUFFER_INIT;
	struct key key;
	int result = key_decode(encoded, &storage, &key);

	if (result == 0)
		result = complete(item, schema->partition.name, &key.partition, error);
	if (result == 0 && schema->has_sort && key.has_sort)
		result = complete(item, schema->sort.name, &key.sort, error);
	if (result == 0)
		result = key_of_item(buffer_slice(item), schema, &key, error);
	if (result == 0 && item_size_bytes(buffer_slice(item)) > ITEM_MAX_SIZE_BYTES)
		result = error_set_aws(error, -EFBIG, "ValidationException",
			"Item size has exceeded the maximum allowed size of 400 KB");
	buffer_free(&storage);
	return result;
}

static int submit(struct mount *mount, struct pending_change *change, const struct who *who, uint64_t *ret_ticket)
{
	struct buffer author = BUFFER_INIT;
	int result;

	who_author(who, &author);
	change->author = buffer_slice(&author);
	result = buffer_error(&author);
	if (result == 0)
		result = writer_submit(mount->writer, change, ret_ticket);
	buffer_free(&author);
	return result;
}

int commit_item(struct mount *mount, const struct view *view, struct slice key, struct slice item,
	const struct who *who, uint64_t *ret_ticket, struct error *error)
{
	struct pending_change change = { .table = view->table.number, .encoded_key = key, .item = item };
	int result;

	asides_lock(mount->asides);
	result = submit(mount, &change, who, ret_ticket);
	if (result == 0)
		asides_cancel(mount->asides, view->table.number, key, UINT64_MAX);
	asides_unlock(mount->asides);
	return result < 0 ? error_set(error, result, "the change could not be accepted: %s", strerror(-result)) : 0;
}

int commit_stored(struct mount *mount, const struct view *view, struct slice key, struct buffer *item,
	const struct table *from, const struct who *who, uint64_t *ret_ticket, struct error *error)
{
	int result;

	if (view->is_alias)
		return restoring_commit(mount, view, key, item, from, who, ret_ticket, error);
	result = commit_complete_item(view, key, item, error);
	return result < 0 ? result : commit_item(mount, view, key, buffer_slice(item), who, ret_ticket, error);
}

int commit_document(struct mount *mount, const struct view *view, struct slice key, struct slice text,
	const struct who *who, uint64_t *ret_ticket, struct error *error)
{
	struct buffer item = BUFFER_INIT;
	int result = item_from_json(text, mount->options->form, &item, error);

	if (result == 0)
		result = commit_stored(mount, view, key, &item, NULL, who, ret_ticket, error);
	buffer_free(&item);
	return result;
}

int commit_copied(struct mount *mount, const struct view *view, struct slice key, const struct copied *copied,
	const struct who *who, uint64_t *ret_ticket, struct error *error)
{
	struct buffer item = BUFFER_INIT;
	int result;

	buffer_append_slice(&item, buffer_slice(&copied->item));
	result = buffer_error(&item);
	if (result == 0)
		result = commit_stored(mount, view, key, &item, &copied->from->table, who, ret_ticket, error);
	buffer_free(&item);
	return result;
}

int commit_removal(struct mount *mount, uint32_t table, struct slice key, const struct who *who, uint64_t *ret_ticket)
{
	struct pending_change change = { .table = table, .is_removal = true, .encoded_key = key };

	return submit(mount, &change, who, ret_ticket);
}

int commit_asides(struct mount *mount, enum aside_choice choice, uint64_t value)
{
	struct aside aside;
	uint64_t ticket;
	int result = 0;

	asides_lock(mount->asides);
	while (mount->writer != NULL && asides_take(mount->asides, choice, value, &aside)) {
		struct pending_change change = { .table = aside.table,
			.is_removal = true,
			.only_seq = aside.seq,
			.encoded_key = aside.key,
			.author = aside.author };
		int submitted = writer_submit(mount->writer, &change, &ticket);

		result = result < 0 ? result : submitted;
		aside_free(&aside);
	}
	asides_unlock(mount->asides);
	return result;
}

/* --- tables --- */

int commit_begin(struct mount *mount, const struct who *who, struct batch **ret_batch,
	struct change_context *ret_context, struct error *error)
{
	struct buffer author = BUFFER_INIT;
	int result;

	loop_blocks();
	result = batch_begin(mount->history, ret_batch, error);
	if (result < 0)
		return result;
	*ret_context = (struct change_context){ 0 };
	who_author(who, &author);
	result = batch_author(*ret_batch, buffer_slice(&author), &ret_context->author);
	buffer_free(&author);
	if (result < 0)
		batch_abort(*ret_batch);
	return result;
}

int commit_finish(struct batch *batch, int result, struct error *error)
{
	if (result == 0)
		return batch_commit(batch, error);
	batch_abort(batch);
	return result;
}

int commit_new_table(struct mount *mount, struct slice name, const struct who *who, struct error *error)
{
	struct change_context context;
	struct batch *batch;
	struct table table;
	int result = commit_begin(mount, who, &batch, &context, error);

	if (result < 0)
		return result;
	result = table_create_default(batch, name, &context, &table, error);
	if (result == 0)
		table_free(&table);
	return commit_finish(batch, result, error);
}

static int apply_table_file(struct mount *mount, struct batch *batch, const struct view *view,
	const struct json *document, const struct change_context *context, struct error *error)
{
	struct table table;
	int result = table_load(batch_txn(batch), view->table.number, TIME_NOW, &table);

	if (result < 0)
		return result;
	result = view->is_alias ? restoring_describe(mount, batch, &table, document, context, error)
				: table_update(batch, &table, document, context, error);
	table_free(&table);
	return result;
}

/* A description copied from another table brings that table's name along, which is not meant to be this one's. */
static bool is_of_another(const struct view *view, const struct json *document)
{
	struct slice id;

	return json_get_text(document, "TableId", &id) && !slice_equal(id, slice_of_text(view->table.id));
}

static int without_name(struct json **document, struct error *error)
{
	struct buffer text = BUFFER_INIT;
	struct json *rest;
	int result;

	for (const struct json *member = json_first(*document); member != NULL; member = json_next(member)) {
		if (slice_equal(json_name(member), slice_of_text("TableName")))
			continue;
		buffer_append_byte(&text, text.size == 0 ? '{' : ',');
		json_append_string(&text, json_name(member));
		buffer_append_byte(&text, ':');
		json_append(&text, member);
	}
	buffer_append_byte(&text, '}');
	result = buffer_error(&text);
	if (result == 0)
		result = json_parse(buffer_slice(&text), &json_default_limits, &rest, error);
	buffer_free(&text);
	if (result == 0) {
		json_free(*document);
		*document = rest;
	}
	return result;
}

int commit_table_file(
	struct mount *mount, const struct view *view, struct slice text, const struct who *who, struct error *error)
{
	struct change_context context;
	struct batch *batch;
	struct json *document;
	int result = json_parse(text, &json_default_limits, &document, error);

	if (result < 0)
		return result;
	if (!view->is_alias && is_of_another(view, document))
		result = without_name(&document, error);
	if (result == 0) {
		loop_blocks();
		result = writer_drain(mount->writer, view->table.number);
	}
	if (result == 0)
		result = commit_begin(mount, who, &batch, &context, error);
	if (result == 0)
		result = commit_finish(batch, apply_table_file(mount, batch, view, document, &context, error), error);
	json_free(document);
	if (result == 0)
		resolve_refresh_all(mount, view);
	return result;
}

/* That it may not be dropped at all is told before its items have to go. */
static int drop_if_empty(
	struct batch *batch, uint32_t number, const struct change_context *context, struct error *error)
{
	struct table_statistics statistics;
	struct table table;
	int result = table_statistics(batch_txn(batch), number, &statistics);

	if (result == 0)
		result = table_load(batch_txn(batch), number, TIME_NOW, &table);
	if (result < 0)
		return result;
	result = table_drop(batch, &table, context, error);
	table_free(&table);
	if (result == 0 && statistics.items > 0)
		result = error_set(error, -ENOTEMPTY, "the table is not empty; remove its items first, or use rm -r");
	return result;
}

int commit_drop_table(struct mount *mount, const struct view *view, const struct who *who, struct error *error)
{
	struct change_context context;
	struct batch *batch;
	int result = commit_asides(mount, ASIDE_OF_TABLE, view->table.number);

	if (result == 0) {
		loop_blocks();
		result = writer_drain(mount->writer, view->table.number);
	}
	if (result == 0)
		result = commit_begin(mount, who, &batch, &context, error);
	if (result < 0)
		return result;
	result = commit_finish(batch, drop_if_empty(batch, view->table.number, &context, error), error);
	if (result == 0)
		resolve_refresh_all(mount, view);
	return result;
}
