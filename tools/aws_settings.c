#include "tools/aws_settings.h"

#include <errno.h>
#include <string.h>

#include "item_json.h"

int settings_begin(struct aws_call *call, struct settings *ret_settings)
{
	struct buffer text = BUFFER_INIT;
	*ret_settings = (struct settings){ .document = BUFFER_INIT };
	int result = item_to_json(buffer_slice(&call->table.description), ITEM_PLAIN, ITEM_COMPACT, NULL, &text);
	if (result == 0)
		result = json_parse(buffer_slice(&text), &json_default_limits, &ret_settings->old, NULL);
	buffer_free(&text);
	buffer_append_text(&ret_settings->document, "{\"TableName\":");
	json_append_string(&ret_settings->document, slice_of_text(call->table.name));
	return result < 0 ? error_set(call->error, result, "the settings of %s could not be read: %s", call->table.name,
				    strerror(-result))
			  : 0;
}

void settings_free(struct settings *settings)
{
	json_free(settings->old);
	buffer_free(&settings->document);
}

void settings_set_text(struct settings *settings, const char *name, struct slice json)
{
	buffer_append_format(&settings->document, ",\"%s\":", name);
	buffer_append_slice(&settings->document, json);
}

void settings_set(struct settings *settings, const char *name, const struct json *value)
{
	struct buffer text = BUFFER_INIT;
	if (value)
		json_append(&text, value);
	else
		buffer_append_text(&text, "null");
	settings_set_text(settings, name, buffer_slice(&text));
	buffer_free(&text);
}

int settings_apply(struct aws_call *call, struct settings *settings)
{
	struct json *document = NULL;
	struct table updated = { 0 };
	buffer_append_byte(&settings->document, '}');
	int result = buffer_error(&settings->document);
	if (result == 0)
		result = json_parse(buffer_slice(&settings->document), &json_default_limits, &document, call->error);
	if (result == 0)
		result = table_update(call->batch, &call->table, document, &call->context, call->error);
	json_free(document);
	if (result < 0)
		return result;
	result = table_load(call->txn, call->table.number, TIME_NOW, &updated);
	if (result < 0)
		return error_set(
			call->error, result, "table %s could not be read: %s", call->table.name, strerror(-result));
	table_free(&call->table);
	call->table = updated;
	return 0;
}
