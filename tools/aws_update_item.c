#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "item_json.h"
#include "tools/aws_item.h"
#include "tools/aws_projection.h"
#include "tools/verbs.h"

/* update-item with the update expressions that set and remove whole attributes:
 *   [SET name = operand, ...] [REMOVE name, ...]
 *   operand := :placeholder | name | if_not_exists(name, :placeholder or name) */

#define INVALID "Invalid UpdateExpression: "

struct update {
	struct aws_call *call;
	struct slice text;
	size_t at;
	struct buffer key, old, item; /* old: empty when there was none; item: what it becomes */
	struct buffer touched;        /* an item of the attributes that were set or removed */
};

/* --- Words of the expression ---------------------------------------------------------------------------------------- */

/* A name, a placeholder, or one character; empty at the end. */
static struct slice next_word(struct update *update)
{
	const uint8_t *data = update->text.data;
	size_t end = update->text.size;
	while (update->at < end && isspace(data[update->at]))
		update->at++;
	size_t start = update->at;
	while (update->at < end && (isalnum(data[update->at]) || strchr("_#:.-[]", data[update->at])))
		update->at++;
	if (update->at == start && update->at < end)
		update->at++;
	return slice_of(data + start, update->at - start);
}

static bool is_word(struct slice word, const char *text)
{
	return word.size == strlen(text) && strncasecmp((const char *)word.data, text, word.size) == 0;
}

static int expected(struct update *update, const char *what, struct slice found)
{
	return aws_invalid(update->call->error, INVALID "Syntax error; expected %s, found \"%.*s\"", what,
		found.size > 0 ? (int)found.size : 3, found.size > 0 ? (const char *)found.data : "end");
}

/* --- Operands ------------------------------------------------------------------------------------------------------- */

static int placeholder(struct update *update, struct slice word, struct buffer *out)
{
	char name[256] = "";
	if (word.size < sizeof(name))
		memcpy(name, word.data, word.size);
	const struct json *value = json_member(json_member(update->call->request, "ExpressionAttributeValues"), name);
	if (!value)
		return aws_invalid(update->call->error,
			INVALID
			"An expression attribute value used in expression is not defined; attribute value: %.*s",
			(int)word.size, (const char *)word.data);
	return value_from_tree(value, ITEM_DYNAMODB, out, update->call->error);
}

/* The value of an attribute as the item was. 1, or 0 when it has none. */
static int attribute(struct update *update, struct slice word, struct buffer *out)
{
	struct slice name;
	struct value value;
	int result = projection_name(update->call->request, word, &name, update->call->error);
	if (result < 0)
		return result;
	if (update->old.size == 0 || !item_attribute(buffer_slice(&update->old), name, &value))
		return 0;
	buffer_append_slice(out, value.whole);
	return 1;
}

static int value_or_attribute(struct update *update, struct slice word, struct buffer *out)
{
	if (word.size > 0 && word.data[0] == ':')
		return placeholder(update, word, out);
	int result = attribute(update, word, out);
	if (result == 0)
		return aws_invalid(update->call->error,
			"The provided expression refers to an attribute that does not exist in the item");
	return result < 0 ? result : 0;
}

static int if_not_exists(struct update *update, struct buffer *out)
{
	struct slice word = next_word(update);
	if (!is_word(word, "("))
		return expected(update, "\"(\"", word);
	int result = attribute(update, next_word(update), out);
	if (result < 0)
		return result;
	word = next_word(update);
	if (!is_word(word, ","))
		return expected(update, "\",\"", word);
	struct buffer ignored = BUFFER_INIT;
	result = value_or_attribute(update, next_word(update), result > 0 ? &ignored : out);
	buffer_free(&ignored);
	word = next_word(update);
	if (result == 0 && !is_word(word, ")"))
		return expected(update, "\")\"", word);
	return result;
}

static int operand(struct update *update, struct buffer *out)
{
	struct slice word = next_word(update);
	if (word.size == 0 || strchr("=,()", word.data[0]))
		return expected(update, "a value", word);
	if (is_word(word, "if_not_exists"))
		return if_not_exists(update, out);
	if (is_word(word, "list_append"))
		return error_set_aws(update->call->error, -EOPNOTSUPP, "ValidationException",
			"list_append is not supported by pitr");
	return value_or_attribute(update, word, out);
}

/* --- Clauses -------------------------------------------------------------------------------------------------------- */

static int put_attribute(struct buffer *item, struct slice name, struct slice value)
{
	struct buffer changed = BUFFER_INIT;
	int result = item_with_attribute(buffer_slice(item), name, value, &changed);
	if (result == 0)
		result = buffer_error(&changed);
	buffer_free(item);
	*item = changed;
	return result;
}

static int take_name(struct update *update, struct slice *ret_name)
{
	const struct key_schema *schema = &update->call->table.schema;
	struct slice word = next_word(update);
	if (word.size == 0 || strchr("=,():", word.data[0]))
		return expected(update, "an attribute's name", word);
	int result = projection_name(update->call->request, word, ret_name, update->call->error);
	if (result < 0)
		return result;
	if (slice_equal(*ret_name, slice_of_text(schema->partition.name)) ||
		(schema->has_sort && slice_equal(*ret_name, slice_of_text(schema->sort.name))))
		return aws_invalid(update->call->error,
			"One or more parameter values were invalid: Cannot update attribute %.*s. This attribute is "
			"part "
			"of the key",
			(int)ret_name->size, (const char *)ret_name->data);
	struct value value;
	if (item_attribute(buffer_slice(&update->touched), *ret_name, &value))
		return aws_invalid(update->call->error,
			INVALID
			"Two document paths overlap with each other; must remove or rewrite one of these paths; path "
			"one: [%.*s], path two: [%.*s]",
			(int)ret_name->size, (const char *)ret_name->data, (int)ret_name->size,
			(const char *)ret_name->data);
	struct buffer null = BUFFER_INIT;
	value_append_plain(&null, VALUE_NULL);
	result = put_attribute(&update->touched, *ret_name, buffer_slice(&null));
	buffer_free(&null);
	return result;
}

static int set_one(struct update *update)
{
	struct buffer value = BUFFER_INIT;
	struct slice name;
	int result = take_name(update, &name);
	struct slice word = result == 0 ? next_word(update) : slice_of(NULL, 0);
	if (result == 0 && !is_word(word, "="))
		result = expected(update, "\"=\"", word);
	if (result == 0)
		result = operand(update, &value);
	if (result == 0)
		result = put_attribute(&update->item, name, buffer_slice(&value));
	buffer_free(&value);
	return result;
}

static int remove_one(struct update *update)
{
	struct slice name;
	int result = take_name(update, &name);
	return result < 0 ? result : put_attribute(&update->item, name, slice_of(NULL, 0));
}

/* From the word after the keyword to the next keyword, which is returned in *ret_word. */
static int clause(struct update *update, int (*one)(struct update *update), struct slice *ret_word)
{
	do {
		int result = one(update);
		if (result < 0)
			return result;
		*ret_word = next_word(update);
	} while (is_word(*ret_word, ","));
	return 0;
}

static int follow_expression(struct update *update)
{
	if (!json_get_text(update->call->request, "UpdateExpression", &update->text))
		return 0;
	int result = 0;
	struct slice word = next_word(update);
	if (word.size == 0)
		return aws_invalid(update->call->error, INVALID "The expression can not be empty;");
	while (word.size > 0 && result == 0) {
		if (is_word(word, "SET"))
			result = clause(update, set_one, &word);
		else if (is_word(word, "REMOVE"))
			result = clause(update, remove_one, &word);
		else if (is_word(word, "+") || is_word(word, "-") || is_word(word, "ADD") || is_word(word, "DELETE"))
			result = error_set_aws(update->call->error, -EOPNOTSUPP, "ValidationException",
				"%.*s in an UpdateExpression is not supported by pitr: SET and REMOVE of whole "
				"attributes are",
				(int)word.size, (const char *)word.data);
		else
			result = expected(update, "SET or REMOVE", word);
	}
	return result;
}

/* --- The item ------------------------------------------------------------------------------------------------------- */

/* What is changed: the item there is, or one of the key alone. */
static int read_old(struct update *update)
{
	struct aws_call *call = update->call;
	const struct json *key = json_member(call->request, "Key");
	struct snapshot live = snapshot_live(call->table.number);
	int result = aws_take_key(key, &call->table, &update->key, call->error);
	if (result == 0)
		result = aws_read_item(call->txn, &live, buffer_slice(&update->key), &update->old, call->error);
	if (result == 0)
		result = aws_check_condition(call->request, buffer_slice(&update->old), call->error);
	if (result < 0)
		return result;
	struct value_builder *nothing;
	result = value_builder_new(VALUE_M, &nothing);
	if (result == 0) {
		result = value_builder_finish(nothing, &update->touched, NULL);
		value_builder_free(nothing);
	}
	if (result == 0 && update->old.size == 0)
		return aws_take_item(key, &update->item, call->error);
	buffer_append_slice(&update->item, buffer_slice(&update->old));
	return result < 0 ? result : buffer_error(&update->item);
}

/* The attributes of `item` that the expression touched. */
static int append_touched(struct update *update, struct slice item)
{
	struct slice name, touched = buffer_slice(&update->touched);
	struct buffer shown = BUFFER_INIT;
	struct projection projection = { 0 };
	struct value whole, member;
	struct reader reader = reader_of(touched);
	value_read(&reader, &whole);
	projection.names = calloc(whole.count + 1, sizeof(*projection.names));
	if (!projection.names)
		return -ENOMEM;
	reader = reader_of(whole.body);
	while (value_next(&whole, &reader, &name, &member))
		projection.names[projection.count++] = name;
	int result = 0;
	if (item.size > 0 && projection.count > 0)
		result = projection_apply(&projection, item, &shown);
	if (result == 0 && shown.size > 0)
		result = aws_append_item(
			"Attributes", buffer_slice(&shown), &update->call->table, update->call->response);
	projection_free(&projection);
	buffer_free(&shown);
	return result;
}

static int answer(struct update *update, struct slice wanted)
{
	struct aws_call *call = update->call;
	struct slice old = buffer_slice(&update->old), item = buffer_slice(&update->item);
	int result = 0;
	buffer_append_byte(call->response, '{');
	if (is_word(wanted, "ALL_OLD") && old.size > 0)
		result = aws_append_item("Attributes", old, &call->table, call->response);
	else if (is_word(wanted, "ALL_NEW"))
		result = aws_append_item("Attributes", item, &call->table, call->response);
	else if (is_word(wanted, "UPDATED_OLD"))
		result = append_touched(update, old);
	else if (is_word(wanted, "UPDATED_NEW"))
		result = append_touched(update, item);
	aws_append_capacity(call->request, &call->table, aws_write_half_units(item, old), call->response);
	aws_end_response(call->response);
	return result;
}

static int check_wanted(struct slice wanted, struct error *error)
{
	static const char *const known[] = { "NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW" };
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (is_word(wanted, known[i]))
			return 0;
	return aws_invalid(error,
		"1 validation error detected: Value '%.*s' at 'returnValues' failed to satisfy constraint: Member must "
		"satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]",
		(int)wanted.size, (const char *)wanted.data);
}

static int change(struct update *update)
{
	struct aws_call *call = update->call;
	struct change_result done;
	struct slice wanted = slice_of_text("NONE");
	json_get_text(call->request, "ReturnValues", &wanted);
	int result = check_wanted(wanted, call->error);
	if (result == 0)
		result = aws_table(call->txn, call->request, AWS_FOR_ITEMS, &call->table, call->error);
	if (result == 0)
		result = read_old(update);
	if (result == 0)
		result = follow_expression(update);
	if (result == 0 && item_size_bytes(buffer_slice(&update->item)) > ITEM_MAX_SIZE_BYTES)
		result = error_set_aws(call->error, -EFBIG, "ValidationException",
			"Item size to update has exceeded the maximum allowed size");
	if (result == 0)
		result = batch_put(
			call->batch, &call->table, buffer_slice(&update->item), &call->context, &done, call->error);
	return result < 0 ? result : answer(update, wanted);
}

static int update_work(struct aws_call *call)
{
	struct update update = { .call = call };
	int result = change(&update);
	buffer_free(&update.key);
	buffer_free(&update.old);
	buffer_free(&update.item);
	buffer_free(&update.touched);
	return result;
}

static const struct aws_parameter update_parameters[] = {
	{ "TableName", "table-name", AWS_TEXT, AWS_REQUIRED },
	{ "Key", "key", AWS_STRUCTURE, AWS_REQUIRED },
	{ "UpdateExpression", "update-expression", AWS_TEXT, AWS_OPTIONAL },
	{ "ConditionExpression", "condition-expression", AWS_TEXT, AWS_OPTIONAL },
	{ "ExpressionAttributeNames", "expression-attribute-names", AWS_STRUCTURE, AWS_OPTIONAL },
	{ "ExpressionAttributeValues", "expression-attribute-values", AWS_STRUCTURE, AWS_OPTIONAL },
	{ "ReturnValues", "return-values", AWS_TEXT, AWS_OPTIONAL },
	{ "ReturnConsumedCapacity", "return-consumed-capacity", AWS_TEXT, AWS_OPTIONAL },
	{ "ReturnItemCollectionMetrics", "return-item-collection-metrics", AWS_TEXT, AWS_OPTIONAL },
	{ "AttributeUpdates", "attribute-updates", AWS_STRUCTURE, AWS_REFUSED },
	{ "Expected", "expected", AWS_STRUCTURE, AWS_REFUSED },
	{ "ConditionalOperator", "conditional-operator", AWS_TEXT, AWS_REFUSED },
	{ "ReturnValuesOnConditionCheckFailure", "return-values-on-condition-check-failure", AWS_TEXT, AWS_REFUSED },
	{ 0 },
};

static int run_update(struct tool *tool)
{
	static const struct aws_operation operation = { "UpdateItem", update_parameters, true, .work = update_work };
	return aws_run(tool, &operation);
}

const struct verb verb_update_item = {
	.name = "update-item",
	.summary = "change attributes of an item",
	.usage = "--table-name NAME --key JSON --update-expression 'SET NAME = :v, ... REMOVE NAME, ...'",
	.help = "  pitr update-item --table-name orders --key '{\"id\":{\"S\":\"1001\"}}' \\\n"
		"      --update-expression 'SET price = :p' --expression-attribute-values '{\":p\":{\"N\":\"12\"}}'\n\n"
		"SET and REMOVE of whole attributes, with if_not_exists. Sums, list_append, ADD, DELETE, and paths "
		"into documents\n"
		"are refused.\n",
	.run = run_update,
};
