/* Invariants
 * 1. META "r" of a table is there exactly while its description says that it is in progress; both change in one commit.
 * 2. What is expected comes from one snapshot: another one's is refused while there are items. */
#include "restore.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "layout.h"
#include "pin_state.h"
#include "restore_document.h"
#include "restore_parts.h"
#include "state.h"
#include "table_document.h"

/* How long after its beginning a copy that was accepted for want of expectations may still be told what to expect: it
 * was made by one program and is filled by another, or items came before the description. */
#define LATE_US (INT64_C(3600) * SECOND_US)

static int failed(int r, const char *what, const char *name, struct error *error)
{
	return r ? error_set(error, r, "%s %s: %s", what, name, strerror(-r)) : 0;
}

/* --- META "r" --- */

static int put_expected(struct store_txn *txn, uint32_t table, int64_t expected)
{
	struct layout_key key = layout_meta_number('r', table);
	struct buffer value = BUFFER_INIT;
	buffer_append_varint(&value, (uint64_t)(expected + 1));
	int r = buffer_error(&value);
	if (!r)
		r = store_put(txn, STORE_META, layout_slice(&key), buffer_slice(&value));
	buffer_free(&value);
	return r;
}

static int get_expected(struct store_txn *txn, uint32_t table, int64_t *ret_expected)
{
	struct layout_key key = layout_meta_number('r', table);
	struct slice value;
	int r = store_get(txn, STORE_META, layout_slice(&key), &value);
	if (r)
		return r;
	struct reader reader = reader_of(value);
	*ret_expected = (int64_t)reader_varint(&reader) - 1;
	return reader.is_bad ? -EIO : 0;
}

int restore_forget(struct store_txn *txn, uint32_t table)
{
	struct layout_key key = layout_meta_number('r', table);
	int r = store_delete(txn, STORE_META, layout_slice(&key));
	return r == -ENOENT ? 0 : r;
}

/* --- beginning --- */

static int request_by_default(struct slice target, struct json **ret_request, struct error *error)
{
	static const char text[] = "{\"KeySchema\":[{\"AttributeName\":\"id\",\"KeyType\":\"HASH\"}],"
				   "\"AttributeDefinitions\":[{\"AttributeName\":\"id\",\"AttributeType\":\"S\"}],"
				   "\"BillingMode\":\"PAY_PER_REQUEST\"}";
	struct json *settings = NULL;
	int r = json_parse(slice_of_text(text), &json_default_limits, &settings, error);
	if (!r)
		r = restore_request(settings, NULL, target, ret_request, error);
	json_free(settings);
	return r;
}

static void note_source(struct restore_progress *record, const struct table *like)
{
	strcpy(record->source, like->name);
	strcpy(record->source_id, like->id);
	record->source_number = like->number;
}

int restore_begin(struct batch *batch, struct slice target, const struct table *like,
	const struct change_context *context, struct table *ret_table, struct error *error)
{
	struct restore_progress record = { .is_in_progress = true, .expected = -1 };
	struct json *request = NULL;
	int r = restore_check_target(batch_txn(batch), target, error);
	if (!r)
		r = like ? restore_request_like(like, NULL, target, &request, error)
			 : request_by_default(target, &request, error);
	if (like)
		note_source(&record, like);
	if (!r)
		r = restore_make_table(batch, request, &record, context, ret_table, error);
	json_free(request);
	if (r)
		return r;
	r = put_expected(batch_txn(batch), ret_table->number, -1);
	if (r)
		table_free(ret_table);
	return failed(r, "begin to restore", like ? like->name : "a table", error);
}

/* --- changing what is known of it --- */

/* A table in progress as it is now: with its record, and what is in it. */
struct copy {
	struct table table;
	struct restore_progress record;
	struct log_entry last;
};

static int load(struct batch *batch, const struct table *table, struct copy *ret_copy, struct error *error)
{
	struct store_txn *txn = batch_txn(batch);
	int r = table_load(txn, table->number, TIME_NOW, &ret_copy->table);
	if (r)
		return failed(r, "restore into", table->name, error);
	r = restore_record_read(buffer_slice(&ret_copy->table.description), &ret_copy->record);
	if (!r)
		r = pin_last_change(txn, table->number, &ret_copy->last);
	if (r)
		table_free(&ret_copy->table);
	if (r == -ENOENT)
		return error_set(error, -EEXIST, "%s is not being restored; restore under another name", table->name);
	return failed(r, "restore into", table->name, error);
}

/* Writes the record, with new settings unless `request` is NULL. */
static int store(struct batch *batch, struct copy *copy, const struct json *request,
	const struct change_context *context, struct error *error)
{
	struct buffer settings = BUFFER_INIT, document = BUFFER_INIT;
	int r = 0;
	if (request)
		r = table_document_replace(&copy->table, request, &settings, error);
	else
		buffer_append_slice(&settings, buffer_slice(&copy->table.description));
	if (!r) {
		r = buffer_error(&settings);
		if (!r)
			r = restore_record_write(buffer_slice(&settings), &copy->record, &document);
		failed(r, "describe", copy->table.name, error);
	}
	if (!r)
		r = table_document_put(batch, buffer_slice(&document), context, error);
	buffer_free(&settings);
	buffer_free(&document);
	return r;
}

/* The end of it. */
static int finish(struct batch *batch, struct copy *copy, const struct json *request,
	const struct change_context *context, struct error *error)
{
	copy->record.is_in_progress = false;
	copy->record.items = copy->last.items;
	int r = store(batch, copy, request, context, error);
	return r ? r
		 : failed(restore_forget(batch_txn(batch), copy->table.number), "end the restore of", copy->table.name,
			   error);
}

static int refuse_keys(const struct table *table, struct error *error)
{
	return error_set_aws(error, -EINVAL, "ValidationException",
		"%s has other keys and items already; restore under another name", table->name);
}

static bool has_keys_of(const struct table *table, const struct table *other)
{
	const struct key_schema *a = &table->schema, *b = &other->schema;
	return a->has_sort == b->has_sort && !strcmp(a->partition.name, b->partition.name) &&
	       a->partition.type == b->partition.type &&
	       (!a->has_sort || (!strcmp(a->sort.name, b->sort.name) && a->sort.type == b->sort.type));
}

int restore_set_keys(struct batch *batch, const struct table *table, const struct table *like,
	const struct change_context *context, struct error *error)
{
	struct copy copy;
	struct json *request = NULL;
	int r = load(batch, table, &copy, error);
	if (r)
		return r;
	bool is_settled = copy.last.items || copy.record.expected >= 0 || !copy.record.is_in_progress;
	if (is_settled && !has_keys_of(&copy.table, like))
		r = refuse_keys(table, error);
	if (!is_settled) {
		note_source(&copy.record, like);
		r = restore_request_like(like, NULL, slice_of_text(table->name), &request, error);
		if (!r)
			r = store(batch, &copy, request, context, error);
	}
	json_free(request);
	table_free(&copy.table);
	return r;
}

/* --- what to expect --- */

static void copy_text(const struct json *object, const char *name, char *out, size_t size)
{
	struct slice text;
	out[0] = '\0';
	if (!json_get_text(object, name, &text) || text.size >= size)
		return;
	memcpy(out, text.data, text.size);
	out[text.size] = '\0';
}

/* The source, if it is a table of this store. */
static int find_source(struct store_txn *txn, struct restore_progress *record)
{
	struct table table;
	record->source_number = 0;
	int r = table_find(txn, slice_of_text(record->source), record->instant_us, &table, NULL);
	if (r)
		return r == -ENOENT ? 0 : r;
	if (!strcmp(table.id, record->source_id))
		record->source_number = table.number;
	table_free(&table);
	return 0;
}

/* The Snapshot member and ItemCount; 0 and nothing expected when there is none, as in a live table's document. */
static int read_expectation(
	struct store_txn *txn, const struct json *document, struct restore_progress *wanted, struct error *error)
{
	const struct json *snapshot = json_member(document, "Snapshot");
	struct slice text;
	int64_t seq;
	struct instant instant;
	if (!snapshot || json_type(snapshot) == JSON_NULL)
		return 0;
	copy_text(snapshot, "Table", wanted->source, sizeof(wanted->source));
	copy_text(snapshot, "TableId", wanted->source_id, sizeof(wanted->source_id));
	copy_text(snapshot, "Backup", wanted->backup_arn, sizeof(wanted->backup_arn));
	if (!json_get_i64(document, "ItemCount", &wanted->expected) || wanted->expected < 0)
		return error_set(error, -EINVAL,
			"the description has a Snapshot but no ItemCount: nobody knows when "
			"the copy is whole");
	if (!json_get_text(snapshot, "Instant", &text) || instant_parse(text, NULL, &instant, NULL) ||
		instant.kind != INSTANT_AT)
		return error_set(error, -EINVAL,
			"the description's Snapshot has no Instant such as "
			"2025-03-01T12:30:00Z");
	wanted->instant_us = instant.time_us;
	if (json_get_i64(snapshot, "SequenceNumber", &seq) && seq > 0)
		wanted->seq = (uint64_t)seq;
	return failed(find_source(txn, wanted), "find the source", wanted->source, error);
}

/* Only inserts so far, and a little while ago: items came before their description. */
static bool is_late(const struct copy *copy)
{
	return !copy->record.is_shared && copy->record.expected < 0 && copy->last.seq == copy->last.items &&
	       clock_now_us() - copy->record.started_us < LATE_US;
}

static int check_expectation(
	const struct copy *copy, const struct restore_progress *wanted, const char *name, struct error *error)
{
	const struct restore_progress *record = &copy->record;
	if (!record->is_in_progress && !is_late(copy))
		return error_set(error, -EEXIST, "%s is whole already; restore under another name", name);
	if (!copy->last.items || record->expected < 0 || wanted->expected < 0)
		return 0;
	if (strcmp(record->source_id, wanted->source_id) != 0 || record->instant_us != wanted->instant_us ||
		record->seq != wanted->seq)
		return error_set(error, -EINVAL,
			"%s has items of another snapshot already: finish that copy, or remove restore/%s and begin "
			"again",
			name, name);
	return 0;
}

/* The settings may change with items in it, the keys may not once it has had any. */
static int check_keys(const struct copy *copy, const struct json *request, struct error *error)
{
	struct buffer document = BUFFER_INIT;
	struct table wanted;
	int r = table_document_replace(&copy->table, request, &document, error);
	if (!r)
		r = table_from_document(copy->table.number, &document, &wanted);
	buffer_free(&document);
	if (r)
		return r;
	bool is_same = has_keys_of(&copy->table, &wanted);
	table_free(&wanted);
	return is_same || !copy->last.seq ? 0 : refuse_keys(&copy->table, error);
}

static int expect(struct batch *batch, struct copy *copy, const struct json *request,
	const struct restore_progress *wanted, const struct change_context *context, struct error *error)
{
	struct restore_progress *record = &copy->record;
	if (wanted->expected >= 0) {
		strcpy(record->source, wanted->source);
		strcpy(record->source_id, wanted->source_id);
		strcpy(record->backup_arn, wanted->backup_arn);
		record->source_number = wanted->source_number;
		record->instant_us = wanted->instant_us;
		record->seq = wanted->seq;
		record->expected = wanted->expected;
	}
	if (record->expected >= 0 && copy->last.items >= (uint64_t)record->expected)
		return finish(batch, copy, request, context, error);
	if (record->expected >= 0)
		record->is_in_progress = true;
	int r = store(batch, copy, request, context, error);
	if (!r && record->is_in_progress)
		r = failed(put_expected(batch_txn(batch), copy->table.number, record->expected), "restore into",
			copy->table.name, error);
	return r;
}

int restore_expect(struct batch *batch, const struct table *table, const struct json *document,
	const struct change_context *context, struct error *error)
{
	struct restore_progress wanted = { .expected = -1 };
	struct copy copy;
	struct json *request = NULL;
	int r = load(batch, table, &copy, error);
	if (r)
		return r;
	r = restore_request(document, NULL, slice_of_text(table->name), &request, error);
	if (!r)
		r = read_expectation(batch_txn(batch), document, &wanted, error);
	if (!r)
		r = check_expectation(&copy, &wanted, table->name, error);
	if (!r)
		r = check_keys(&copy, request, error);
	if (!r)
		r = restore_check_state(
			batch_txn(batch), table, copy.record.expected < 0 ? copy.last.items : 0, &wanted, error);
	if (!r)
		r = expect(batch, &copy, request, &wanted, context, error);
	json_free(request);
	table_free(&copy.table);
	return r;
}

/* --- ending --- */

int restore_accept(
	struct batch *batch, const struct table *table, const struct change_context *context, struct error *error)
{
	struct copy copy;
	int64_t expected;
	int r = get_expected(batch_txn(batch), table->number, &expected);
	if (r)
		return r == -ENOENT ? 0 : failed(r, "end the restore of", table->name, error);
	r = load(batch, table, &copy, error);
	if (r)
		return r;
	r = finish(batch, &copy, NULL, context, error);
	table_free(&copy.table);
	return r;
}

int restore_settle(struct batch *batch, uint32_t table, uint64_t items)
{
	struct store_txn *txn = batch_txn(batch);
	struct table found;
	struct log_entry last;
	int64_t expected;
	int r = get_expected(txn, table, &expected);
	if (r)
		return r == -ENOENT ? 0 : r;
	if (expected < 0 || items < (uint64_t)expected)
		return 0;
	r = log_last(txn, table, &last);
	if (!r)
		r = table_load(txn, table, TIME_NOW, &found);
	if (r)
		return r == -ENOENT ? -EIO : r;
	struct change_context context = { .author = last.author };
	r = restore_accept(batch, &found, &context, NULL);
	table_free(&found);
	return r;
}
