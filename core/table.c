#include "table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup.h"
#include "hold.h"
#include "item_json.h"
#include "item_map.h"
#include "layout.h"
#include "node.h"
#include "restore_parts.h"
#include "retention.h"
#include "roster.h"
#include "state.h"
#include "table_document.h"

/* Places in table_list: slots of the catalogue, then from here on the backdated tables by number. */
#define BACKDATED_PLACES (UINT64_C(1) << 40)

void table_free(struct table *table)
{
	buffer_free(&table->description);
}

int table_copy(const struct table *from, struct table *ret_to)
{
	*ret_to = *from;
	ret_to->description = BUFFER_INIT;
	buffer_append_slice(&ret_to->description, buffer_slice(&from->description));
	return buffer_error(&ret_to->description);
}

void table_catalogue(struct table *ret_table)
{
	*ret_table =
		(struct table){ .number = CATALOGUE, .name = "the catalogue", .id = "catalogue", .is_pitr_on = true };
	strcpy(ret_table->schema.partition.name, "TableName");
	ret_table->schema.partition.type = VALUE_S;
}

/* The change of the catalogue that `time_us` sees last; 0: none. */
static int catalogue_seq(struct store_txn *txn, int64_t time_us, uint64_t *ret_seq)
{
	*ret_seq = SEQ_MAX;
	if (time_us == TIME_NOW)
		return 0;
	struct log_entry entry;
	int r = log_at_time(txn, CATALOGUE, time_us, &entry);
	*ret_seq = r ? 0 : entry.seq;
	return r == -ENOENT ? 0 : r;
}

static int from_place(uint64_t number, const struct node_place *place, struct table *ret_table)
{
	struct buffer description = BUFFER_INIT;
	int r = pack_content(place->pack, place->place, &description);
	if (!r)
		r = table_from_document((uint32_t)number, &description, ret_table);
	buffer_free(&description);
	return r == -ENOENT ? -EIO : r;
}

static void append_encoded_name(struct slice name, struct buffer *out)
{
	struct key key = { .partition = { .tag = VALUE_S, .bytes = name } };
	key_append_encoded(&key, out);
}

/* META "b" table := varint first catalogue seq | varint exists_from_us */
static int put_backdated(struct store_txn *txn, uint32_t table, uint64_t seq, int64_t exists_from_us)
{
	struct layout_key key = layout_meta_number('b', table);
	struct buffer value = BUFFER_INIT;
	buffer_append_varint(&value, seq);
	buffer_append_varint(&value, (uint64_t)exists_from_us);
	int r = buffer_error(&value);
	if (!r)
		r = store_put(txn, STORE_META, layout_slice(&key), buffer_slice(&value));
	buffer_free(&value);
	return r;
}

/* The first backdated table with a number >= *number that `time_us` sees although the catalogue knew nothing of it yet:
 * its description as first written. 0, -ENOENT at the end. */
static int next_backdated(struct store_txn *txn, int64_t time_us, uint64_t *number, struct table *ret_table)
{
	for (;; (*number)++) {
		struct layout_key from = layout_meta_number('b', *number);
		struct slice key, value;
		int r = store_seek(txn, STORE_META, layout_slice(&from), &key, &value);
		r = store_within(r, key, slice_of(from.bytes, 1));
		if (r || key.size != from.size)
			return r ? r : -ENOENT;
		*number = layout_meta_read_number(key);
		struct reader reader = reader_of(value);
		uint64_t seq = reader_varint(&reader);
		int64_t exists_from_us = (int64_t)reader_varint(&reader);
		if (reader.is_bad)
			return -EIO;
		struct node node;
		struct node_place place;
		if (exists_from_us > time_us)
			continue;
		r = node_read(txn, CATALOGUE, *number, seq, &node, &place);
		if (!r && node.version.time_us <= time_us)
			continue;
		return r ? (r == -ENOENT ? -EIO : r) : from_place(*number, &place, ret_table);
	}
}

static int find_backdated(struct store_txn *txn, struct slice name, int64_t time_us, struct table *ret_table)
{
	for (uint64_t number = 0;; number++) {
		int r = next_backdated(txn, time_us, &number, ret_table);
		if (r)
			return r;
		if (slice_equal(slice_of_text(ret_table->name), name))
			return 0;
		table_free(ret_table);
	}
}

static int find(struct store_txn *txn, struct slice name, int64_t time_us, struct table *ret_table)
{
	uint64_t seq;
	int r = catalogue_seq(txn, time_us, &seq);
	if (r)
		return r;
	struct buffer encoded = BUFFER_INIT;
	append_encoded_name(name, &encoded);
	struct node node;
	struct node_place place;
	r = buffer_error(&encoded);
	if (!r)
		r = node_find(txn, CATALOGUE, buffer_slice(&encoded), seq, &node, &place);
	buffer_free(&encoded);
	if (!r && !node.version.is_removal)
		return from_place(node.number, &place, ret_table);
	if (r && r != -ENOENT)
		return r;
	return time_us == TIME_NOW ? -ENOENT : find_backdated(txn, name, time_us, ret_table);
}

int table_find(struct store_txn *txn, struct slice name, int64_t time_us, struct table *ret_table, struct error *error)
{
	int r = name.size && name.size <= 255 ? find(txn, name, time_us, ret_table) : -ENOENT;
	if (r == -ENOENT)
		return error_set_aws(error, r, "ResourceNotFoundException",
			"Requested resource not found: Table: %.*s not found", (int)name.size, (const char *)name.data);
	return r ? error_set(error, r, "look up table %.*s: %s", (int)name.size, (const char *)name.data, strerror(-r))
		 : 0;
}

int table_load(struct store_txn *txn, uint32_t number, int64_t time_us, struct table *ret_table)
{
	uint64_t seq;
	int r = catalogue_seq(txn, time_us, &seq);
	struct node node;
	struct node_place place;
	if (!r)
		r = node_read(txn, CATALOGUE, number, seq, &node, &place);
	if (!r)
		return node.version.is_removal ? -ENOENT : from_place(number, &place, ret_table);
	if (r != -ENOENT || time_us == TIME_NOW)
		return r;
	uint64_t backdated = number;
	r = next_backdated(txn, time_us, &backdated, ret_table);
	if (!r && backdated != number) {
		table_free(ret_table);
		return -ENOENT;
	}
	return r;
}

/* Its description before change `seq` of the catalogue; *seq becomes that description's own. */
static int load_before(struct store_txn *txn, uint32_t number, uint64_t *seq, struct table *ret_table)
{
	struct node node;
	struct node_place place;
	int r;
	do {
		r = *seq ? node_read(txn, CATALOGUE, number, *seq - 1, &node, &place) : -ENOENT;
		*seq = r ? 0 : node.version.seq;
	} while (!r && node.version.is_removal);
	return r ? r : from_place(number, &place, ret_table);
}

int table_load_last(struct store_txn *txn, uint32_t number, struct table *ret_table)
{
	uint64_t seq = SEQ_MAX;
	if (number != CATALOGUE)
		return load_before(txn, number, &seq, ret_table);
	table_catalogue(ret_table);
	return 0;
}

int table_keys_at(struct store_txn *txn, uint32_t number, uint64_t seq, struct key_schema *ret_schema,
	uint64_t *ret_from, uint64_t *ret_end)
{
	struct table table;
	uint64_t catalogue_seq = SEQ_MAX;
	*ret_end = SEQ_MAX;
	if (number == CATALOGUE) {
		table_catalogue(&table);
	} else {
		int r = load_before(txn, number, &catalogue_seq, &table);
		for (; !r && table.keys_from > seq; r = load_before(txn, number, &catalogue_seq, &table)) {
			*ret_end = table.keys_from;
			table_free(&table);
		}
		if (r)
			return r == -ENOENT ? -EIO : r;
	}
	*ret_schema = table.schema;
	*ret_from = table.keys_from;
	table_free(&table);
	return 0;
}

int table_list(struct store_txn *txn, int64_t time_us, uint64_t *place, struct table *ret_table)
{
	uint64_t seq, number, slot;
	int r = catalogue_seq(txn, time_us, &seq);
	struct roster_walk walk;
	if (!r && *place < BACKDATED_PLACES)
		r = roster_walk_begin(&walk, txn, CATALOGUE, 0, seq, *place);
	while (!r && *place < BACKDATED_PLACES) {
		struct node node;
		struct node_place where;
		r = roster_walk_next(&walk, &number, &slot);
		*place = r == 1 ? slot + 1 : BACKDATED_PLACES;
		if (r <= 0)
			break;
		r = node_read(txn, CATALOGUE, number, seq, &node, &where);
		if (!r)
			r = from_place(number, &where, ret_table);
		if (r != -ENOENT)
			return r ? r : 1;
		r = 0;
	}
	if (r || time_us == TIME_NOW)
		return r;
	number = *place - BACKDATED_PLACES;
	r = next_backdated(txn, time_us, &number, ret_table);
	*place = BACKDATED_PLACES + number + 1;
	return r == -ENOENT ? 0 : r ? r : 1;
}

int table_statistics(struct store_txn *txn, uint32_t number, struct table_statistics *ret_statistics)
{
	struct table_counters counters;
	int r = counters_read(txn, number, &counters);
	*ret_statistics = (struct table_statistics){ counters.items, counters.bytes, counters.seq, counters.first_us,
		counters.last_us };
	return r;
}

/* A name may not stand for two tables at one instant: whoever had it must have ended before the new one begins. */
static int check_name_free(struct store_txn *txn, struct slice name, int64_t exists_from_us, struct error *error)
{
	struct buffer encoded = BUFFER_INIT;
	append_encoded_name(name, &encoded);
	struct node node;
	int r = buffer_error(&encoded);
	if (!r)
		r = node_find(txn, CATALOGUE, buffer_slice(&encoded), SEQ_MAX, &node, NULL);
	buffer_free(&encoded);
	if (r)
		return r == -ENOENT ? 0 : error_set(error, r, "look up table: %s", strerror(-r));
	if (!node.version.is_removal)
		return error_set_aws(error, -EEXIST, "ResourceInUseException", "Table already exists: %.*s",
			(int)name.size, (const char *)name.data);
	if (exists_from_us && node.version.time_us >= exists_from_us)
		return error_set(error, -EEXIST,
			"another table named %.*s existed after the first of these changes; choose another name",
			(int)name.size, (const char *)name.data);
	return 0;
}

static int create(struct batch *batch, struct slice name, struct buffer *document, const struct change_context *context,
	int64_t exists_from_us, struct table *ret_table, struct error *error)
{
	struct table catalogue;
	struct change_result result = { 0 };
	table_catalogue(&catalogue);
	int r = check_name_free(batch_txn(batch), name, exists_from_us, error);
	struct change_context now = { .author = context->author };
	if (!r)
		r = batch_put(batch, &catalogue, buffer_slice(document), &now, &result, error);
	if (!r && exists_from_us && exists_from_us < result.time_us) {
		r = put_backdated(batch_txn(batch), (uint32_t)result.number, result.seq, exists_from_us);
		if (r)
			error_set(error, r, "make table: %s", strerror(-r));
	}
	if (!r && result.number > TABLE_NUMBER_MAX)
		r = error_set(error, -ENOSPC, "make table: the store has had too many tables");
	return r ? r : table_from_document((uint32_t)result.number, document, ret_table);
}

int table_create(struct batch *batch, const struct json *request, const struct change_context *context,
	int64_t exists_from_us, struct table *ret_table, struct error *error)
{
	struct slice name;
	struct buffer document = BUFFER_INIT;
	if (!json_get_text(request, "TableName", &name))
		return error_set_aws(error, -EINVAL, "ValidationException",
			"The parameter 'TableName' is required but was not present in the request");
	int r = name_check_table_request(name, error);
	int64_t now = batch_next_us(batch), from = exists_from_us && exists_from_us < now ? exists_from_us : now;
	struct table_defaults defaults;
	if (!r && (r = table_defaults(batch_txn(batch), &defaults)))
		error_set(error, r, "make table: %s", strerror(-r));
	if (!r)
		r = table_document_new(request, &defaults, now, from, &document, error);
	if (!r)
		r = create(batch, name, &document, context, exists_from_us, ret_table, error);
	buffer_free(&document);
	return r;
}

int table_document_create(struct batch *batch, struct buffer *document, const struct change_context *context,
	struct table *ret_table, struct error *error)
{
	char name[sizeof(ret_table->name)];
	if (!item_text(buffer_slice(document), "TableName", name, sizeof(name)))
		return error_set(error, -EINVAL, "make a table: its description has no name");
	return create(batch, slice_of_text(name), document, context, 0, ret_table, error);
}

int table_document_put(
	struct batch *batch, struct slice document, const struct change_context *context, struct error *error)
{
	struct table catalogue;
	struct change_result result;
	struct change_context now = { .author = context->author };
	table_catalogue(&catalogue);
	return batch_put(batch, &catalogue, document, &now, &result, error);
}

int table_create_default(struct batch *batch, struct slice name, const struct change_context *context,
	struct table *ret_table, struct error *error)
{
	struct buffer text = BUFFER_INIT;
	struct json *request = NULL;
	buffer_append_text(&text, "{\"TableName\":");
	json_append_string(&text, name);
	buffer_append_text(&text, ",\"KeySchema\":[{\"AttributeName\":\"id\",\"KeyType\":\"HASH\"}],"
				  "\"AttributeDefinitions\":[{\"AttributeName\":\"id\",\"AttributeType\":\"S\"}],"
				  "\"BillingMode\":\"PAY_PER_REQUEST\"}");
	int r = name_check_table_request(name, error);
	if (!r)
		r = json_parse(buffer_slice(&text), &json_default_limits, &request, error);
	if (!r)
		r = table_create(batch, request, context, 0, ret_table, error);
	json_free(request);
	buffer_free(&text);
	return r;
}

/* The table as it is now: it may have been changed, or be gone, or another may bear its name. */
static int load_current(struct batch *batch, const struct table *table, struct table *ret_table, struct error *error)
{
	int r = table_load(batch_txn(batch), table->number, TIME_NOW, ret_table);
	if (r == -ENOENT)
		return error_set_aws(error, r, "ResourceNotFoundException",
			"Requested resource not found: Table: %s not found", table->name);
	return r ? error_set(error, r, "change table %s: %s", table->name, strerror(-r)) : 0;
}

/* Also what the batch itself did counts: the log has it, the counters don't yet. *ret_keys_from: from which change on the table may have
 * other keys; 0: from none, it has items. */
static int find_keys_from(struct batch *batch, const struct table *table, uint64_t *ret_keys_from)
{
	struct log_entry last = { 0 };
	int r = log_last(batch_txn(batch), table->number, &last);
	if (r == -ENOENT)
		r = log_base(batch_txn(batch), table->number, &last);
	*ret_keys_from = last.items ? 0 : last.seq + 1;
	return r == -ENOENT ? 0 : r;
}

int table_update(struct batch *batch, const struct table *table, const struct json *document,
	const struct change_context *context, struct error *error)
{
	struct table current, catalogue;
	struct change_result result;
	struct buffer updated = BUFFER_INIT;
	uint64_t keys_from;
	table_catalogue(&catalogue);
	int r = load_current(batch, table, &current, error);
	if (r)
		return r;
	r = find_keys_from(batch, &current, &keys_from);
	if (r)
		error_set(error, r, "update table %s: %s", table->name, strerror(-r));
	if (!r)
		r = table_document_update(&current, document, keys_from, batch_next_us(batch), &updated, error);
	if (!r)
		r = batch_put(batch, &catalogue, buffer_slice(&updated), context, &result, error);
	if (!r && result.is_changed && (r = retention_want_until(batch_txn(batch), 0)))
		error_set(error, r, "update table %s: %s", table->name, strerror(-r));
	buffer_free(&updated);
	table_free(&current);
	return r;
}

static int check_drop(struct batch *batch, const struct table *table, struct error *error)
{
	struct pin hold;
	if (table->is_protected)
		return error_set_aws(error, -EPERM, "ValidationException",
			"1 validation error detected: Table '%s' can't be deleted while DeletionProtectionEnabled is "
			"set to True",
			table->name);
	int r = hold_of_table(batch_txn(batch), table->number, &hold);
	if (!r)
		return error_set_aws(error, -EPERM, "ValidationException",
			"Table '%s' can't be deleted while the hold %s is on it%s%.200s; release it with: pitr hold "
			"release %s",
			table->name, hold.name, hold.reason[0] ? ": " : "", hold.reason, hold.name);
	return r == -ENOENT ? 0 : error_set(error, r, "drop table %s: %s", table->name, strerror(-r));
}

/* What is kept of it, and that the rest may go. */
static int settle_drop(struct batch *batch, const struct table *table, int64_t end_us, struct error *error)
{
	int r = backup_of_dropped(batch, table, end_us);
	if (!r)
		r = restore_forget(batch_txn(batch), table->number);
	if (!r)
		r = retention_want_sweep(batch_txn(batch), table->number);
	return r ? error_set(error, r, "drop table %s: %s", table->name, strerror(-r)) : 0;
}

int table_drop(
	struct batch *batch, const struct table *table, const struct change_context *context, struct error *error)
{
	struct table current, catalogue;
	struct change_result result;
	struct buffer encoded = BUFFER_INIT;
	int r = load_current(batch, table, &current, error);
	if (r)
		return r;
	r = check_drop(batch, &current, error);
	if (!r)
		r = settle_drop(batch, &current, context->time_us ? context->time_us : batch_next_us(batch), error);
	table_free(&current);
	if (r)
		return r;
	table_catalogue(&catalogue);
	append_encoded_name(slice_of_text(table->name), &encoded);
	r = buffer_error(&encoded);
	if (!r)
		r = batch_remove(batch, &catalogue, buffer_slice(&encoded), context, &result, error);
	buffer_free(&encoded);
	return r;
}
