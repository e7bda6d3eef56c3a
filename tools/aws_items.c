#include <errno.h>
#include <string.h>

#include "item_json.h"
#include "snapshot.h"
#include "tools/aws.h"
#include "tools/verbs.h"

#define WRITE_UNIT_BYTES 1024
#define READ_UNIT_BYTES 4096

/* --- What requests have in common ----------------------------------------------------------------------------------- */

static int take_item(const struct json *request, const char *member, struct buffer *out, struct error *error)
{
	return item_from_tree(json_member(request, member), ITEM_DYNAMODB, out, error);
}

static int take_key(const struct json *request, const struct table *table, struct buffer *out, struct error *error)
{
	struct buffer item = BUFFER_INIT;
	struct key key;
	int result = take_item(request, "Key", &item, error);
	if (result == 0)
		result = key_of_key_item(buffer_slice(&item), &table->schema, &key, error);
	if (result == 0)
		key_append_encoded(&key, out);
	buffer_free(&item);
	return result < 0 ? result : buffer_error(out);
}

static int wants_old(const struct json *request, bool *ret_wants_old, struct error *error)
{
	struct slice wanted = slice_of_text("NONE");
	json_get_text(request, "ReturnValues", &wanted);
	*ret_wants_old = slice_equal(wanted, slice_of_text("ALL_OLD"));
	if (*ret_wants_old || slice_equal(wanted, slice_of_text("NONE")))
		return 0;
	return error_set_aws(error, -EINVAL, "ValidationException", "ReturnValues can only be ALL_OLD or NONE");
}

/* The item with this key as of a snapshot, into `out`; left empty when there is none. */
static int read_item(struct store_txn *txn, const struct snapshot *snapshot, struct slice encoded_key,
	struct buffer *out, struct error *error)
{
	struct node node;
	int result = snapshot_find(txn, snapshot, encoded_key, &node);
	if (result == -ENOENT)
		return 0;
	if (result == 0)
		result = snapshot_content(txn, snapshot, node.number, out);
	return result < 0 ? error_set(error, result, "the item could not be read: %s", strerror(-result)) : 0;
}

static void append_comma(struct buffer *response)
{
	if (response->size > 1)
		buffer_append_byte(response, ',');
}

static int append_item(const char *member, struct slice item, const struct table *table, struct buffer *response)
{
	struct item_order order = { slice_of_text(table->schema.partition.name), slice_of(NULL, 0) };
	if (table->schema.has_sort)
		order.sort = slice_of_text(table->schema.sort.name);
	append_comma(response);
	buffer_append_format(response, "\"%s\":", member);
	return item_to_json(item, ITEM_DYNAMODB, ITEM_COMPACT, &order, response);
}

/* Half units, since an eventually consistent read costs half. */
static void append_capacity(
	const struct json *request, const struct table *table, size_t half_units, struct buffer *response)
{
	struct slice wanted = slice_of(NULL, 0);
	if (!json_get_text(request, "ReturnConsumedCapacity", &wanted) || slice_equal(wanted, slice_of_text("NONE")))
		return;
	append_comma(response);
	buffer_append_text(response, "\"ConsumedCapacity\":{\"TableName\":");
	json_append_string(response, slice_of_text(table->name));
	buffer_append_format(response, ",\"CapacityUnits\":%zu.%c}", half_units / 2, half_units % 2 ? '5' : '0');
}

static size_t write_half_units(struct slice new_item, struct slice old_item)
{
	size_t new_size = new_item.size > 0 ? item_size_bytes(new_item) : 0;
	size_t old_size = old_item.size > 0 ? item_size_bytes(old_item) : 0;
	size_t size = new_size > old_size ? new_size : old_size;
	size_t units = (size + WRITE_UNIT_BYTES - 1) / WRITE_UNIT_BYTES;
	return 2 * (units > 0 ? units : 1);
}

static size_t read_half_units(struct slice item, bool is_consistent)
{
	size_t size = item.size > 0 ? item_size_bytes(item) : 0;
	size_t units = (size + READ_UNIT_BYTES - 1) / READ_UNIT_BYTES;
	units = units > 0 ? units : 1;
	return is_consistent ? 2 * units : units;
}

/* Nothing at all is printed for a response without members. */
static void end_response(struct buffer *response)
{
	if (response->size == 1)
		buffer_clear(response);
	else
		buffer_append_byte(response, '}');
}

/* --- put-item and delete-item --------------------------------------------------------------------------------------- */

/* One write of one item, while it is made. */
struct write {
	struct tool_change change;
	struct table table;
	struct buffer item, key, old;
	bool wants_old;
};

static int prepare_put(struct write *write, const struct json *request, struct error *error)
{
	struct key key;
	int result = take_item(request, "Item", &write->item, error);
	if (result == 0)
		result = key_of_item(buffer_slice(&write->item), &write->table.schema, &key, error);
	if (result == 0)
		key_append_encoded(&key, &write->key);
	return result < 0 ? result : buffer_error(&write->key);
}

static int change_item(struct write *write, struct error *error)
{
	struct change_result done;
	struct snapshot live = snapshot_live(write->table.number);
	struct batch *batch = write->change.batch;
	int result = read_item(batch_txn(batch), &live, buffer_slice(&write->key), &write->old, error);
	if (result < 0)
		return result;
	if (write->item.size > 0)
		return batch_put(
			batch, &write->table, buffer_slice(&write->item), &write->change.context, &done, error);
	return batch_remove(batch, &write->table, buffer_slice(&write->key), &write->change.context, &done, error);
}

static int answer_write(const struct write *write, const struct json *request, struct buffer *response)
{
	int result = 0;
	struct slice old = buffer_slice(&write->old);
	buffer_append_byte(response, '{');
	if (write->wants_old && old.size > 0)
		result = append_item("Attributes", old, &write->table, response);
	append_capacity(request, &write->table, write_half_units(buffer_slice(&write->item), old), response);
	end_response(response);
	return result;
}

static int write_item(
	struct write *write, const struct json *request, bool is_put, struct buffer *response, struct error *error)
{
	int result = wants_old(request, &write->wants_old, error);
	if (result == 0)
		result = aws_table(batch_txn(write->change.batch), request, AWS_FOR_ITEMS, &write->table, error);
	if (result == 0)
		result = is_put ? prepare_put(write, request, error)
				: take_key(request, &write->table, &write->key, error);
	if (result == 0)
		result = change_item(write, error);
	return result < 0 ? result : answer_write(write, request, response);
}

static int write_and_commit(
	struct tool *tool, const struct json *request, bool is_put, struct buffer *response, struct error *error)
{
	struct write write = { 0 };
	int result = tool_begin(tool, &write.change, error);
	if (result < 0)
		return result;
	result = write_item(&write, request, is_put, response, error);
	if (result == 0)
		result = batch_commit(write.change.batch, error);
	else
		batch_abort(write.change.batch);
	table_free(&write.table);
	buffer_free(&write.item);
	buffer_free(&write.key);
	buffer_free(&write.old);
	return result;
}

static int put_item(struct tool *tool, const struct json *request, struct buffer *response, struct error *error)
{
	return write_and_commit(tool, request, true, response, error);
}

static int delete_item(struct tool *tool, const struct json *request, struct buffer *response, struct error *error)
{
	return write_and_commit(tool, request, false, response, error);
}

static const struct aws_parameter put_parameters[] = {
	{ "TableName", "table-name", AWS_TEXT, AWS_REQUIRED },
	{ "Item", "item", AWS_STRUCTURE, AWS_REQUIRED },
	{ "ReturnValues", "return-values", AWS_TEXT, AWS_OPTIONAL },
	{ "ReturnConsumedCapacity", "return-consumed-capacity", AWS_TEXT, AWS_OPTIONAL },
	{ "ReturnItemCollectionMetrics", "return-item-collection-metrics", AWS_TEXT, AWS_OPTIONAL },
	{ "ConditionExpression", "condition-expression", AWS_TEXT, AWS_REFUSED },
	{ "ExpressionAttributeNames", "expression-attribute-names", AWS_STRUCTURE, AWS_REFUSED },
	{ "ExpressionAttributeValues", "expression-attribute-values", AWS_STRUCTURE, AWS_REFUSED },
	{ "Expected", "expected", AWS_STRUCTURE, AWS_REFUSED },
	{ "ConditionalOperator", "conditional-operator", AWS_TEXT, AWS_REFUSED },
	{ "ReturnValuesOnConditionCheckFailure", "return-values-on-condition-check-failure", AWS_TEXT, AWS_REFUSED },
	{ 0 },
};

static const struct aws_parameter delete_parameters[] = {
	{ "TableName", "table-name", AWS_TEXT, AWS_REQUIRED },
	{ "Key", "key", AWS_STRUCTURE, AWS_REQUIRED },
	{ "ReturnValues", "return-values", AWS_TEXT, AWS_OPTIONAL },
	{ "ReturnConsumedCapacity", "return-consumed-capacity", AWS_TEXT, AWS_OPTIONAL },
	{ "ReturnItemCollectionMetrics", "return-item-collection-metrics", AWS_TEXT, AWS_OPTIONAL },
	{ "ConditionExpression", "condition-expression", AWS_TEXT, AWS_REFUSED },
	{ "ExpressionAttributeNames", "expression-attribute-names", AWS_STRUCTURE, AWS_REFUSED },
	{ "ExpressionAttributeValues", "expression-attribute-values", AWS_STRUCTURE, AWS_REFUSED },
	{ "Expected", "expected", AWS_STRUCTURE, AWS_REFUSED },
	{ "ConditionalOperator", "conditional-operator", AWS_TEXT, AWS_REFUSED },
	{ "ReturnValuesOnConditionCheckFailure", "return-values-on-condition-check-failure", AWS_TEXT, AWS_REFUSED },
	{ 0 },
};

static int run_put(struct tool *tool)
{
	static const struct aws_operation operation = { "PutItem", put_parameters, true, .run = put_item };
	return aws_run(tool, &operation);
}

static int run_delete(struct tool *tool)
{
	static const struct aws_operation operation = { "DeleteItem", delete_parameters, true, .run = delete_item };
	return aws_run(tool, &operation);
}

const struct verb verb_put_item = {
	.name = "put-item",
	.summary = "insert or replace an item",
	.usage = "--table-name NAME --item JSON [--return-values ALL_OLD]",
	.help = "The item is in DynamoDB JSON, here or in a file:\n\n"
		"  pitr put-item --table-name orders --item '{\"id\":{\"S\":\"1001\"},\"total\":{\"N\":\"9.90\"}}'\n"
		"  pitr put-item --table-name orders --item file://item.json\n\n"
		"Conditions and expressions are refused. `pitr put` takes plain JSON.\n",
	.run = run_put,
};

const struct verb verb_delete_item = {
	.name = "delete-item",
	.summary = "remove an item",
	.usage = "--table-name NAME --key JSON [--return-values ALL_OLD]",
	.help = "  pitr delete-item --table-name orders --key '{\"id\":{\"S\":\"1001\"}}'\n\n"
		"That there is no such item is no failure. Conditions and expressions are refused. `pitr rm` takes "
		"names.\n",
	.run = run_delete,
};

/* --- get-item ------------------------------------------------------------------------------------------------------- */

static int choose_snapshot(struct tool *tool, struct store_txn *txn, const struct table *table,
	struct snapshot *ret_snapshot, struct error *error)
{
	struct instant instant;
	const char *at = option_value(tool->options, "at");
	*ret_snapshot = snapshot_live(table->number);
	if (!at)
		return 0;
	int result = tool_instant(tool, at, &instant, error);
	if (result == 0)
		result = snapshot_resolve(tool->history, txn, table, &instant, ret_snapshot, error);
	return result;
}

static int answer_get(struct tool *tool, struct store_txn *txn, const struct json *request, const struct table *table,
	struct buffer *response, struct error *error)
{
	struct snapshot snapshot;
	struct buffer key = BUFFER_INIT, item = BUFFER_INIT;
	bool is_consistent = false;
	int result = take_key(request, table, &key, error);
	if (result == 0)
		result = choose_snapshot(tool, txn, table, &snapshot, error);
	if (result == 0)
		result = read_item(txn, &snapshot, buffer_slice(&key), &item, error);
	json_get_bool(request, "ConsistentRead", &is_consistent);
	buffer_append_byte(response, '{');
	if (result == 0 && item.size > 0)
		result = append_item("Item", buffer_slice(&item), table, response);
	append_capacity(request, table, read_half_units(buffer_slice(&item), is_consistent), response);
	end_response(response);
	buffer_free(&key);
	buffer_free(&item);
	return result;
}

static int get_item(struct tool *tool, const struct json *request, struct buffer *response, struct error *error)
{
	struct store_txn *txn;
	struct table table = { 0 };
	int result = store_begin(history_store(tool->history), /* is_writable= */ false, &txn);
	if (result < 0)
		return error_set(error, result, "the store could not be read: %s", strerror(-result));
	result = aws_table(txn, request, AWS_FOR_ITEMS, &table, error);
	if (result == 0)
		result = answer_get(tool, txn, request, &table, response, error);
	table_free(&table);
	store_abort(txn);
	return result;
}

static const struct aws_parameter get_parameters[] = {
	{ "TableName", "table-name", AWS_TEXT, AWS_REQUIRED },
	{ "Key", "key", AWS_STRUCTURE, AWS_REQUIRED },
	{ "ConsistentRead", "consistent-read", AWS_BOOLEAN, AWS_OPTIONAL },
	{ "ReturnConsumedCapacity", "return-consumed-capacity", AWS_TEXT, AWS_OPTIONAL },
	{ "At", "at", AWS_TEXT, AWS_PLAIN },
	{ "ProjectionExpression", "projection-expression", AWS_TEXT, AWS_REFUSED },
	{ "ExpressionAttributeNames", "expression-attribute-names", AWS_STRUCTURE, AWS_REFUSED },
	{ "AttributesToGet", "attributes-to-get", AWS_LIST, AWS_REFUSED },
	{ 0 },
};

static int run_get(struct tool *tool)
{
	static const struct aws_operation operation = { "GetItem", get_parameters, false, .run = get_item };
	return aws_run(tool, &operation);
}

const struct verb verb_get_item = {
	.name = "get-item",
	.summary = "an item, now or --at a time",
	.usage = "--table-name NAME --key JSON [--at TIME]",
	.help = "  pitr get-item --table-name orders --key '{\"id\":{\"S\":\"1001\"}}' --at 2025-03-01T09:14:59\n\n"
		"Prints nothing when there is no such item, as AWS does. --at is pitr's own. Projections are refused.\n"
		"`pitr get` takes names and prints plain JSON.\n",
	.run = run_get,
};
