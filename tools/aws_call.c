#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "describe.h"
#include "snapshot.h"
#include "tools/aws.h"

#define LIMIT_MAX 100

int aws_invalid(struct error *error, const char *format, ...)
{
	char text[400];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return error_set_aws(error, -EINVAL, "ValidationException", "%s", text);
}

/* --- Tables --------------------------------------------------------------------------------------------------------- */

struct slice aws_name_of_arn(struct slice name)
{
	static const char start[] = "arn:aws:dynamodb:";
	if (!slice_starts_with(name, start))
		return name;
	const uint8_t *slash = memchr(name.data, '/', name.size);
	return slash ? slice_of(slash + 1, name.size - (size_t)(slash + 1 - name.data)) : name;
}

static int not_found(enum aws_use_of_table use, struct slice name, struct error *error)
{
	int size = (int)name.size;
	const char *text = size > 0 ? (const char *)name.data : "";
	if (use == AWS_FOR_ITEMS)
		return error_set_aws(error, -ENOENT, "ResourceNotFoundException", "Requested resource not found");
	if (use == AWS_FOR_BACKUPS)
		return error_set_aws(error, -ENOENT, "TableNotFoundException", "Table not found: %.*s", size, text);
	return error_set_aws(error, -ENOENT, "ResourceNotFoundException",
		"Requested resource not found: Table: %.*s not found", size, text);
}

int aws_find_table(struct store_txn *txn, struct slice name, enum aws_use_of_table use, struct table *ret_table,
	struct error *error)
{
	struct slice plain = aws_name_of_arn(name);
	int result = table_find(txn, plain, TIME_NOW, ret_table, error);
	if (result == 0 && ret_table->is_restoring && use != AWS_TO_DESCRIBE) {
		table_free(ret_table);
		*ret_table = (struct table){ 0 };
		result = -ENOENT;
	}
	return result == -ENOENT ? not_found(use, plain, error) : result;
}

int aws_table(struct store_txn *txn, const struct json *request, enum aws_use_of_table use, struct table *ret_table,
	struct error *error)
{
	struct slice name = slice_of(NULL, 0);
	json_get_text(request, "TableName", &name);
	return aws_find_table(txn, name, use, ret_table, error);
}

static void append_described(struct buffer *out, const struct json *member, const char *status)
{
	bool is_status = slice_equal(json_name(member), slice_of_text("TableStatus"));
	json_append_string(out, json_name(member));
	buffer_append_byte(out, ':');
	if (is_status && status)
		json_append_string(out, slice_of_text(status));
	else
		json_append(out, member);
}

int aws_append_table(struct store_txn *txn, const struct table *table, const char *member, const char *status,
	struct buffer *response, struct error *error)
{
	struct snapshot snapshot = snapshot_live(table->number);
	struct buffer text = BUFFER_INIT;
	struct json *root = NULL;
	int result = describe_table(txn, table, &snapshot, &text);
	if (result == 0)
		result = json_parse(buffer_slice(&text), &json_default_limits, &root, NULL);
	if (result == 0) {
		buffer_append_format(response, "{\"%s\":{", member);
		for (const struct json *child = json_first(root); child; child = json_next(child)) {
			if (child != json_first(root))
				buffer_append_byte(response, ',');
			append_described(response, child, status);
		}
		buffer_append_text(response, "}}");
	}
	json_free(root);
	buffer_free(&text);
	return result < 0
		       ? error_set(error, result, "table %s could not be described: %s", table->name, strerror(-result))
		       : 0;
}

/* --- Times and pages ------------------------------------------------------------------------------------------------ */

/* Epoch seconds of any length, as the wire has them. False: it is not such a number, or too large. */
static bool parse_epoch(const char *text, int64_t *ret_us)
{
	size_t whole = strspn(text, "0123456789");
	size_t fraction = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;
	int64_t unit_us = SECOND_US;
	if (whole == 0 || whole > 11 || text[whole + (text[whole] == '.') + fraction] != '\0')
		return false;
	*ret_us = strtoll(text, NULL, 10) * SECOND_US;
	for (size_t i = 0; i < fraction && unit_us > 1; i++)
		*ret_us += (text[whole + 1 + i] - '0') * (unit_us /= 10);
	return *ret_us <= TIME_MAX_US;
}

int aws_time(const struct tool *tool, const struct json *request, const char *member, struct instant *ret_instant,
	bool *ret_is_given, struct error *error)
{
	const struct json *node = json_member(request, member);
	char text[64];
	*ret_is_given = node != NULL;
	if (!node)
		return 0;
	struct slice given = json_text(node);
	bool is_text = json_type(node) == JSON_STRING;
	if ((!is_text && json_type(node) != JSON_NUMBER) || given.size >= sizeof(text))
		return aws_invalid(error, "%s is not a time", member);
	memcpy(text, given.data, given.size);
	text[given.size] = '\0';
	*ret_instant = (struct instant){ .kind = INSTANT_AT };
	/* Eight digits are a day, in instants as in AWS's command line's. */
	bool is_day = is_text && strlen(text) == 8 && strspn(text, "0123456789") == 8;
	if (!is_day && parse_epoch(text, &ret_instant->time_us))
		return 0;
	if (strlen(text) > 11 && text[10] == ' ')
		text[10] = 'T';
	int result = tool_instant(tool, text, ret_instant, error);
	if (result == -EINVAL && error)
		error->aws = "ValidationException";
	return result;
}

int aws_page(
	const struct json *request, const char *start, const char *rest, struct aws_page *ret_page, struct error *error)
{
	struct aws_page page = { .limit = INT64_MAX, .rest = "NextToken" };
	if (!json_get_text(request, "StartingToken", &page.after))
		json_get_text(request, start, &page.after);
	json_get_i64(request, "MaxItems", &page.limit);
	if (json_get_i64(request, "Limit", &page.limit)) {
		page.rest = rest;
		if (page.limit < 1 || page.limit > LIMIT_MAX)
			return aws_invalid(error,
				"1 validation error detected: Value '%lld' at 'limit' failed to satisfy constraint: "
				"Member must have value %s than or equal to %d",
				(long long)page.limit, page.limit < 1 ? "greater" : "less",
				page.limit < 1 ? 1 : LIMIT_MAX);
	}
	*ret_page = page;
	return 0;
}

/* --- Transactions --------------------------------------------------------------------------------------------------- */

static int end(struct aws_call *call, int result)
{
	table_free(&call->table);
	call->table = (struct table){ 0 };
	call->txn = NULL;
	call->batch = NULL;
	return result;
}

int aws_read(struct aws_call *call, aws_work work)
{
	struct store_txn *txn;
	int result = store_begin(history_store(call->tool->history), /* is_writable= */ false, &txn);
	if (result < 0)
		return error_set(call->error, result, "the store could not be read: %s", strerror(-result));
	call->txn = txn;
	result = end(call, work(call));
	store_abort(txn);
	return result;
}

int aws_change(struct aws_call *call, aws_work work)
{
	struct tool_change change;
	int result = tool_begin(call->tool, &change, call->error);
	if (result < 0)
		return result;
	call->batch = change.batch;
	call->txn = batch_txn(change.batch);
	call->context = change.context;
	result = end(call, work(call));
	if (result == 0)
		return batch_commit(change.batch, call->error);
	batch_abort(change.batch);
	return result;
}
