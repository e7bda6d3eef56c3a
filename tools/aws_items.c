#include <errno.h>
#include <string.h>

#include "tools/aws_item.h"
#include "tools/aws_projection.h"
#include "tools/verbs.h"

/* --- put-item and delete-item --------------------------------------------------------------------------------------- */

static int wants_old(const struct json *request, bool *ret_wants_old, struct error *error)
{
	struct slice wanted = slice_of_text("NONE");
	json_get_text(request, "ReturnValues", &wanted);
	*ret_wants_old = slice_equal(wanted, slice_of_text("ALL_OLD"));
	if (*ret_wants_old || slice_equal(wanted, slice_of_text("NONE")))
		return 0;
	return error_set_aws(error, -EINVAL, "ValidationException", "ReturnValues can only be ALL_OLD or NONE");
}

/* One write of one item, while it is made. */
struct write {
	struct tool_change change;
	struct table table;
	struct buffer item, key, old;
	bool wants_old;
};

static int prepare_put(struct write *write, const struct json *request, struct error *error)
{
	int result = aws_take_item(json_member(request, "Item"), &write->item, error);
	if (result == 0)
		result = aws_key_of_item(buffer_slice(&write->item), &write->table, &write->key, error);
	return result;
}

static int change_item(struct write *write, const struct json *request, struct error *error)
{
	struct change_result done;
	struct snapshot live = snapshot_live(write->table.number);
	struct batch *batch = write->change.batch;
	int result = aws_read_item(batch_txn(batch), &live, buffer_slice(&write->key), &write->old, error);
	if (result == 0)
		result = aws_check_condition(request, buffer_slice(&write->old), error);
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
		result = aws_append_item("Attributes", old, &write->table, response);
	aws_append_capacity(request, &write->table, aws_write_half_units(buffer_slice(&write->item), old), response);
	aws_end_response(response);
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
				: aws_take_key(json_member(request, "Key"), &write->table, &write->key, error);
	if (result == 0)
		result = change_item(write, request, error);
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
	{ "ConditionExpression", "condition-expression", AWS_TEXT, AWS_OPTIONAL },
	{ "ExpressionAttributeNames", "expression-attribute-names", AWS_STRUCTURE, AWS_OPTIONAL },
	{ "ExpressionAttributeValues", "expression-attribute-values", AWS_STRUCTURE, AWS_OPTIONAL },
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
	{ "ConditionExpression", "condition-expression", AWS_TEXT, AWS_OPTIONAL },
	{ "ExpressionAttributeNames", "expression-attribute-names", AWS_STRUCTURE, AWS_OPTIONAL },
	{ "ExpressionAttributeValues", "expression-attribute-values", AWS_STRUCTURE, AWS_OPTIONAL },
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
		"`pitr put` takes plain JSON.\n",
	.run = run_put,
};

const struct verb verb_delete_item = {
	.name = "delete-item",
	.summary = "remove an item",
	.usage = "--table-name NAME --key JSON [--return-values ALL_OLD]",
	.help = "  pitr delete-item --table-name orders --key '{\"id\":{\"S\":\"1001\"}}'\n\n"
		"That there is no such item is no failure. `pitr rm` takes names.\n",
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

static int append_projected(
	struct aws_call *call, const struct projection *projection, struct slice item, struct buffer *response)
{
	struct buffer shown = BUFFER_INIT;
	int result = projection_apply(projection, item, &shown);
	if (result == 0)
		result = aws_append_item("Item", buffer_slice(&shown), &call->table, response);
	buffer_free(&shown);
	return result;
}

/* What a get-item reads. */
struct reading {
	struct projection projection;
	struct snapshot snapshot;
	struct buffer key, item;
};

static int read_wanted(struct aws_call *call, struct reading *reading)
{
	int result = aws_table(call->txn, call->request, AWS_FOR_ITEMS, &call->table, call->error);
	if (result == 0)
		result = projection_read(call->request, &reading->projection, call->error);
	if (result == 0)
		result = aws_take_key(json_member(call->request, "Key"), &call->table, &reading->key, call->error);
	if (result == 0)
		result = choose_snapshot(call->tool, call->txn, &call->table, &reading->snapshot, call->error);
	if (result == 0)
		result = aws_read_item(
			call->txn, &reading->snapshot, buffer_slice(&reading->key), &reading->item, call->error);
	return result;
}

static int get_work(struct aws_call *call)
{
	struct reading reading = { 0 };
	bool is_consistent = false;
	int result = read_wanted(call, &reading);
	struct slice item = buffer_slice(&reading.item);
	json_get_bool(call->request, "ConsistentRead", &is_consistent);
	buffer_append_byte(call->response, '{');
	if (result == 0 && item.size > 0)
		result = append_projected(call, &reading.projection, item, call->response);
	aws_append_capacity(call->request, &call->table, aws_read_half_units(item, is_consistent), call->response);
	aws_end_response(call->response);
	projection_free(&reading.projection);
	buffer_free(&reading.key);
	buffer_free(&reading.item);
	return result;
}

static const struct aws_parameter get_parameters[] = {
	{ "TableName", "table-name", AWS_TEXT, AWS_REQUIRED },
	{ "Key", "key", AWS_STRUCTURE, AWS_REQUIRED },
	{ "ConsistentRead", "consistent-read", AWS_BOOLEAN, AWS_OPTIONAL },
	{ "ReturnConsumedCapacity", "return-consumed-capacity", AWS_TEXT, AWS_OPTIONAL },
	{ "At", "at", AWS_TEXT, AWS_PLAIN },
	{ "ProjectionExpression", "projection-expression", AWS_TEXT, AWS_OPTIONAL },
	{ "ExpressionAttributeNames", "expression-attribute-names", AWS_STRUCTURE, AWS_OPTIONAL },
	{ "AttributesToGet", "attributes-to-get", AWS_TEXT_LIST, AWS_REFUSED },
	{ 0 },
};

static int run_get(struct tool *tool)
{
	static const struct aws_operation operation = { "GetItem", get_parameters, false, .work = get_work };
	return aws_run(tool, &operation);
}

const struct verb verb_get_item = {
	.name = "get-item",
	.summary = "an item, now or --at a time",
	.usage = "--table-name NAME --key JSON [--at TIME]",
	.help = "  pitr get-item --table-name orders --key '{\"id\":{\"S\":\"1001\"}}' --at 2025-03-01T09:14:59\n\n"
		"Prints nothing when there is no such item, as AWS does. --at is pitr's own. Projections are of\n"
		"whole attributes. "
		"`pitr get` takes names and prints plain JSON.\n",
	.run = run_get,
};
