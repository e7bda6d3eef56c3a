#include <errno.h>
#include <string.h>

#include "describe_backup.h"
#include "tools/aws_settings.h"
#include "tools/verbs.h"

#define NAME_MAX_LENGTH 255

/* The attribute that items of the table expire by; an empty slice while none does. Borrowed from the settings. */
static struct slice current_attribute(const struct settings *settings)
{
	const struct json *current = json_member(settings->old, "TimeToLive");
	struct slice attribute = slice_of(NULL, 0);
	bool is_on = false;
	if (current && json_get_bool(current, "Enabled", &is_on) && is_on)
		json_get_text(current, "AttributeName", &attribute);
	return attribute;
}

static int read_specification(
	const struct json *specification, bool *ret_is_on, struct slice *ret_attribute, struct error *error)
{
	const char *missing = !json_get_bool(specification, "Enabled", ret_is_on)             ? "enabled"
			      : !json_get_text(specification, "AttributeName", ret_attribute) ? "attributeName"
											      : NULL;
	if (missing)
		return aws_invalid(error,
			"1 validation error detected: Value null at 'timeToLiveSpecification.%s' failed to satisfy "
			"constraint: Member must not be null",
			missing);
	if (ret_attribute->size > 0 && ret_attribute->size <= NAME_MAX_LENGTH)
		return 0;
	return aws_invalid(error,
		"1 validation error detected: Value '%.*s' at 'timeToLiveSpecification.attributeName' failed to "
		"satisfy "
		"constraint: Member must have length %s than or equal to %d",
		(int)(ret_attribute->size < NAME_MAX_LENGTH ? ret_attribute->size : NAME_MAX_LENGTH),
		(const char *)ret_attribute->data, ret_attribute->size > 0 ? "less" : "greater",
		ret_attribute->size > 0 ? NAME_MAX_LENGTH : 1);
}

static int check_change(const struct settings *settings, bool is_on, struct slice attribute, struct error *error)
{
	struct slice current = current_attribute(settings);
	if (current.size == 0)
		return is_on ? 0 : aws_invalid(error, "TimeToLive is already disabled");
	if (!slice_equal(current, attribute))
		return aws_invalid(error,
			"TimeToLive is active on a different AttributeName: current AttributeName is %.*s",
			(int)current.size, (const char *)current.data);
	return is_on ? aws_invalid(error, "TimeToLive is already enabled") : 0;
}

static int update_work(struct aws_call *call)
{
	const struct json *specification = json_member(call->request, "TimeToLiveSpecification");
	struct settings settings;
	struct slice attribute;
	bool is_on;
	int result = read_specification(specification, &is_on, &attribute, call->error);
	if (result == 0)
		result = aws_table(call->txn, call->request, AWS_TO_CHANGE, &call->table, call->error);
	if (result < 0)
		return result;
	result = settings_begin(call, &settings);
	if (result == 0)
		result = check_change(&settings, is_on, attribute, call->error);
	settings_set(&settings, "TimeToLive", is_on ? specification : NULL);
	if (result == 0)
		result = settings_apply(call, &settings);
	settings_free(&settings);
	buffer_append_text(call->response, "{\"TimeToLiveSpecification\":");
	json_append(call->response, specification);
	buffer_append_byte(call->response, '}');
	return result;
}

static const struct aws_parameter update_parameters[] = {
	{ "TableName", "table-name", AWS_TEXT, AWS_REQUIRED },
	{ "TimeToLiveSpecification", "time-to-live-specification", AWS_STRUCTURE, AWS_REQUIRED },
	{ 0 },
};

static int run_update(struct tool *tool)
{
	static const struct aws_operation operation = { "UpdateTimeToLive", update_parameters, true,
		.work = update_work };
	return aws_run(tool, &operation);
}

const struct verb verb_update_time_to_live = {
	.name = "update-time-to-live",
	.summary = "set by which attribute items expire",
	.usage = "--table-name NAME --time-to-live-specification Enabled=true,AttributeName=NAME",
	.help = "  pitr update-time-to-live --table-name sessions --time-to-live-specification "
		"Enabled=true,AttributeName=ttl\n\n"
		"The setting is recorded; it removes no items here. Unlike AWS's it can be changed again at once.\n",
	.run = run_update,
};

static int describe_work(struct aws_call *call)
{
	int result = aws_table(call->txn, call->request, AWS_TO_CHANGE, &call->table, call->error);
	if (result < 0)
		return result;
	buffer_append_text(call->response, "{\"TimeToLiveDescription\":");
	result = describe_time_to_live(&call->table, call->response);
	buffer_append_byte(call->response, '}');
	return result < 0 ? error_set(call->error, result, "the time to live of %s could not be read: %s",
				    call->table.name, strerror(-result))
			  : 0;
}

static const struct aws_parameter describe_parameters[] = {
	{ "TableName", "table-name", AWS_TEXT, AWS_REQUIRED },
	{ 0 },
};

static int run_describe(struct tool *tool)
{
	static const struct aws_operation operation = { "DescribeTimeToLive", describe_parameters, false,
		.work = describe_work };
	return aws_run(tool, &operation);
}

const struct verb verb_describe_time_to_live = {
	.name = "describe-time-to-live",
	.summary = "by which attribute items expire",
	.usage = "--table-name NAME",
	.help = "Prints {\"TimeToLiveDescription\": ...} as `aws dynamodb describe-time-to-live` does.\n",
	.run = run_describe,
};
