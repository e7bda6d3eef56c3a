#include "tools/aws_restore.h"

#include <errno.h>
#include <string.h>

#include "describe_backup.h"
#include "table_document.h"

int aws_check_target(const struct json *request, struct error *error)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	struct slice name = slice_of(NULL, 0);
	json_get_text(request, "TargetTableName", &name);
	if (name.size < 3 || name.size > 255)
		return aws_invalid(error,
			"1 validation error detected: Value '%.*s' at 'targetTableName' failed to satisfy constraint: "
			"Member "
			"must have length %s than or equal to %d",
			(int)(name.size < 255 ? name.size : 255), name.size > 0 ? (const char *)name.data : "",
			name.size < 3 ? "greater" : "less", name.size < 3 ? 3 : 255);
	for (size_t i = 0; i < name.size; i++)
		if (!memchr(allowed, name.data[i], sizeof(allowed) - 1))
			return aws_invalid(error,
				"1 validation error detected: Value '%.*s' at 'targetTableName' failed to satisfy "
				"constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
				(int)name.size, (const char *)name.data);
	return name_check_table_request(name, error);
}

/* The restore itself, in a transaction of its own. */
static int restore_work(struct aws_call *call)
{
	const struct restore_source *source = call->more;
	struct slice target = slice_of(NULL, 0);
	json_get_text(call->request, "TargetTableName", &target);
	int result =
		restore_share(call->batch, source, target, call->request, &call->context, &call->table, call->error);
	if (result < 0)
		return result;
	buffer_append_text(call->response, "{\"TableDescription\":");
	result = describe_restored_table(call->txn, &call->table, call->response);
	buffer_append_byte(call->response, '}');
	return result < 0 ? error_set(call->error, result, "table %s could not be described: %s", call->table.name,
				    strerror(-result))
			  : 0;
}

/* The source is found while reading: an instant may have to wait for changes that are still being committed, and those
 * would wait for us. */
int aws_restore(
	struct tool *tool, const struct json *request, struct buffer *response, struct error *error, aws_work find)
{
	struct restore_source source = { 0 };
	struct buffer nothing = BUFFER_INIT;
	struct aws_call call = {
		.tool = tool, .request = request, .response = &nothing, .error = error, .more = &source
	};
	int result = aws_read(&call, find);
	if (result == 0) {
		call.response = response;
		result = aws_change(&call, restore_work);
		restore_source_free(&source);
	}
	buffer_free(&nothing);
	return result;
}
