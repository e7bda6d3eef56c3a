#include "tools/aws_item.h"

#include <errno.h>
#include <string.h>

#include "expression.h"
#include "item_json.h"

#define WRITE_UNIT_BYTES 1024
#define READ_UNIT_BYTES 4096

int aws_take_item(const struct json *given, struct buffer *out, struct error *error)
{
	if (!given)
		return aws_invalid(error, "1 validation error detected: Value null at 'item' failed to satisfy "
					  "constraint: Member must not be null");
	return item_from_tree(given, ITEM_DYNAMODB, out, error);
}

int aws_take_key(const struct json *given, const struct table *table, struct buffer *out, struct error *error)
{
	struct buffer item = BUFFER_INIT;
	struct key key;
	int result = aws_take_item(given, &item, error);
	if (result == 0)
		result = key_of_key_item(buffer_slice(&item), &table->schema, &key, error);
	if (result == 0)
		key_append_encoded(&key, out);
	buffer_free(&item);
	return result < 0 ? result : buffer_error(out);
}

int aws_key_of_item(struct slice item, const struct table *table, struct buffer *out, struct error *error)
{
	struct key key;
	int result = key_of_item(item, &table->schema, &key, error);
	if (result == 0)
		key_append_encoded(&key, out);
	return result < 0 ? result : buffer_error(out);
}

int aws_read_item(struct store_txn *txn, const struct snapshot *snapshot, struct slice encoded_key, struct buffer *out,
	struct error *error)
{
	struct node node;
	int result = snapshot_read(txn, snapshot, encoded_key, &node, out);
	if (result == -ENOENT)
		return 0;
	return result < 0 ? error_set(error, result, "the item could not be read: %s", strerror(-result)) : 0;
}

int aws_check_condition(const struct json *request, struct slice item, struct error *error)
{
	const struct json *names = json_member(request, "ExpressionAttributeNames");
	const struct json *values = json_member(request, "ExpressionAttributeValues");
	struct expression *condition;
	struct slice text;
	if (!json_get_text(request, "ConditionExpression", &text))
		return 0;
	int result = expression_parse(text, names, values, &condition, error);
	if (result < 0)
		return result == -EINVAL ? error_prefix(error, "Invalid ConditionExpression") : result;
	result = expression_holds(condition, item);
	expression_free(condition);
	if (result == 0)
		return error_set_aws(
			error, -ECANCELED, "ConditionalCheckFailedException", "The conditional request failed");
	return result < 0 ? error_set(error, result, "the condition could not be checked: %s", strerror(-result)) : 0;
}

void aws_append_comma(struct buffer *response)
{
	if (response->size > 1)
		buffer_append_byte(response, ',');
}

int aws_append_item(const char *member, struct slice item, const struct table *table, struct buffer *response)
{
	struct item_order order = { slice_of_text(table->schema.partition.name), slice_of(NULL, 0) };
	if (table->schema.has_sort)
		order.sort = slice_of_text(table->schema.sort.name);
	aws_append_comma(response);
	buffer_append_format(response, "\"%s\":", member);
	return item_to_json(item, ITEM_DYNAMODB, ITEM_COMPACT, &order, response);
}

void aws_append_capacity(
	const struct json *request, const struct table *table, size_t half_units, struct buffer *response)
{
	struct slice wanted = slice_of(NULL, 0);
	if (!json_get_text(request, "ReturnConsumedCapacity", &wanted) || slice_equal(wanted, slice_of_text("NONE")))
		return;
	aws_append_comma(response);
	buffer_append_text(response, "\"ConsumedCapacity\":{\"TableName\":");
	json_append_string(response, slice_of_text(table->name));
	buffer_append_format(response, ",\"CapacityUnits\":%zu.%c}", half_units / 2, half_units % 2 ? '5' : '0');
}

size_t aws_write_half_units(struct slice new_item, struct slice old_item)
{
	size_t new_size = new_item.size > 0 ? item_size_bytes(new_item) : 0;
	size_t old_size = old_item.size > 0 ? item_size_bytes(old_item) : 0;
	size_t size = new_size > old_size ? new_size : old_size;
	size_t units = (size + WRITE_UNIT_BYTES - 1) / WRITE_UNIT_BYTES;
	return 2 * (units > 0 ? units : 1);
}

size_t aws_read_half_units(struct slice item, bool is_consistent)
{
	size_t size = item.size > 0 ? item_size_bytes(item) : 0;
	size_t units = (size + READ_UNIT_BYTES - 1) / READ_UNIT_BYTES;
	units = units > 0 ? units : 1;
	return is_consistent ? 2 * units : units;
}

void aws_end_response(struct buffer *response)
{
	if (response->size == 1)
		buffer_clear(response);
	else
		buffer_append_byte(response, '}');
}
