#include <errno.h>
#include <string.h>

#include "describe_backup.h"
#include "tools/aws_settings.h"
#include "tools/verbs.h"

#define TAGS_MAX 50
#define KEY_MAX 128
#define VALUE_MAX 256

#define WRONG "One or more parameter values were invalid: "

static int find_resource(struct aws_call *call)
{
	struct slice arn = slice_of(NULL, 0);
	json_get_text(call->request, "ResourceArn", &arn);
	int size = (int)(arn.size < 300 ? arn.size : 300);
	const char *text = arn.size > 0 ? (const char *)arn.data : "";
	if (!slice_starts_with(arn, "arn:"))
		return aws_invalid(call->error, WRONG "ARNs must start with 'arn:': %.*s", size, text);
	struct slice name = aws_name_of_arn(arn);
	if (name.data == arn.data)
		return aws_invalid(call->error, WRONG "Provided Arn is not a DynamoDB resource arn: %.*s", size, text);
	if (memchr(name.data, '/', name.size))
		return aws_invalid(call->error,
			WRONG
			"Invalid resource arn provided, only table or stream is accepted. Provided resource arn: %.*s",
			size, text);
	return aws_find_table(call->txn, name, AWS_TO_CHANGE, &call->table, call->error);
}

/* --- What tags may be ----------------------------------------------------------------------------------------------- */

static size_t count_characters(struct slice text)
{
	size_t count = 0;
	for (size_t i = 0; i < text.size; i++)
		count += (text.data[i] & 0xc0) != 0x80;
	return count;
}

/* Letters of every script, digits, white space, and + - = . _ : / @ */
static bool is_fit(struct slice text)
{
	static const char others[] = " \t\n+-=._:/@";
	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!is_letter && c < 0x80 && !memchr(others, c, sizeof(others) - 1))
			return false;
	}
	return true;
}

static const struct json *find_tag(const struct json *tags, struct slice key)
{
	struct slice found;
	for (const struct json *tag = tags ? json_first(tags) : NULL; tag; tag = json_next(tag))
		if (json_get_text(tag, "Key", &found) && slice_equal(found, key))
			return tag;
	return NULL;
}

static int check_tag(const struct json *tags, const struct json *tag, struct error *error)
{
	struct slice key = slice_of(NULL, 0), value;
	bool has_key = json_get_text(tag, "Key", &key);
	int size = (int)(key.size < KEY_MAX ? key.size : KEY_MAX);
	const char *text = has_key && key.size > 0 ? (const char *)key.data : has_key ? "" : "null";
	if (!has_key || key.size == 0 || count_characters(key) > KEY_MAX || !is_fit(key))
		return aws_invalid(error, "The Tag Key provided is invalid, Key: %.*s", has_key ? size : 4, text);
	if (slice_starts_with(key, "aws:"))
		return aws_invalid(error, "Tag Key cannot be prefixed with aws:, Key: %.*s", size, text);
	if (find_tag(tags, key) != tag)
		return aws_invalid(
			error, "Duplicate Tag Keys provided as input: Duplicate Tag Key found %.*s", size, text);
	if (!json_get_text(tag, "Value", &value))
		return aws_invalid(error, "The Tag Value provided is invalid, Value: null");
	if (count_characters(value) > VALUE_MAX || !is_fit(value))
		return aws_invalid(error, "The Tag Value provided is invalid, Value: %.*s",
			(int)(value.size < VALUE_MAX ? value.size : VALUE_MAX), (const char *)value.data);
	return 0;
}

static int check_tags(const struct json *tags, struct error *error)
{
	int result = 0;
	if (json_count(tags) == 0)
		return aws_invalid(error, "Atleast one Tag needs to be provided as Input.");
	for (const struct json *tag = json_first(tags); tag && result == 0; tag = json_next(tag))
		result = check_tag(tags, tag, error);
	return result;
}

/* --- tag-resource, untag-resource ----------------------------------------------------------------------------------- */

static bool is_listed(const struct json *keys, struct slice key)
{
	for (const struct json *child = keys ? json_first(keys) : NULL; child; child = json_next(child))
		if (slice_equal(json_text(child), key))
			return true;
	return false;
}

static size_t append_tags(
	struct buffer *out, const struct json *tags, const struct json *but_these, const struct json *but_keys)
{
	size_t count = 0;
	for (const struct json *tag = tags ? json_first(tags) : NULL; tag; tag = json_next(tag)) {
		struct slice key = slice_of(NULL, 0);
		json_get_text(tag, "Key", &key);
		if (find_tag(but_these, key) || is_listed(but_keys, key))
			continue;
		if (out->size > 1)
			buffer_append_byte(out, ',');
		json_append(out, tag);
		count++;
	}
	return count;
}

/* The tags there are, without those that are replaced or taken away, and the new ones. */
static int change_tags(struct aws_call *call, const struct json *added, const struct json *removed)
{
	struct settings settings;
	struct buffer list = BUFFER_INIT;
	int result = settings_begin(call, &settings);
	buffer_append_byte(&list, '[');
	size_t count = append_tags(&list, json_member(settings.old, "Tags"), added, removed);
	count += append_tags(&list, added, NULL, NULL);
	buffer_append_byte(&list, ']');
	if (result == 0 && count > TAGS_MAX)
		result = aws_invalid(
			call->error, "Number of Tags exceed the current limit for the provided ResourceArn");
	if (count > 0)
		settings_set_text(&settings, "Tags", buffer_slice(&list));
	else
		settings_set(&settings, "Tags", NULL);
	if (result == 0)
		result = buffer_error(&list);
	if (result == 0)
		result = settings_apply(call, &settings);
	buffer_free(&list);
	settings_free(&settings);
	return result;
}

static int tag_work(struct aws_call *call)
{
	const struct json *tags = json_member(call->request, "Tags");
	int result = check_tags(tags, call->error);
	if (result == 0)
		result = find_resource(call);
	return result < 0 ? result : change_tags(call, tags, NULL);
}

static int untag_work(struct aws_call *call)
{
	const struct json *keys = json_member(call->request, "TagKeys");
	if (json_count(keys) == 0)
		return aws_invalid(call->error, "Atleast one Tag Key needs to be provided as Input.");
	int result = find_resource(call);
	return result < 0 ? result : change_tags(call, NULL, keys);
}

static const struct aws_parameter tag_parameters[] = {
	{ "ResourceArn", "resource-arn", AWS_TEXT, AWS_REQUIRED },
	{ "Tags", "tags", AWS_LIST, AWS_REQUIRED },
	{ 0 },
};

static int run_tag(struct tool *tool)
{
	static const struct aws_operation operation = { "TagResource", tag_parameters, true, .work = tag_work };
	return aws_run(tool, &operation);
}

const struct verb verb_tag_resource = {
	.name = "tag-resource",
	.summary = "give a table tags",
	.usage = "--resource-arn ARN --tags Key=KEY,Value=VALUE ...",
	.help = "  pitr tag-resource --resource-arn arn:aws:dynamodb:local:000000000000:table/orders --tags "
		"Key=team,Value=a\n\n"
		"Region and account of the ARN don't matter. A tag with the same key is replaced.\n",
	.run = run_tag,
};

static const struct aws_parameter untag_parameters[] = {
	{ "ResourceArn", "resource-arn", AWS_TEXT, AWS_REQUIRED },
	{ "TagKeys", "tag-keys", AWS_TEXT_LIST, AWS_REQUIRED },
	{ 0 },
};

static int run_untag(struct tool *tool)
{
	static const struct aws_operation operation = { "UntagResource", untag_parameters, true, .work = untag_work };
	return aws_run(tool, &operation);
}

const struct verb verb_untag_resource = {
	.name = "untag-resource",
	.summary = "take tags away",
	.usage = "--resource-arn ARN --tag-keys KEY ...",
	.help = "  pitr untag-resource --resource-arn arn:aws:dynamodb:local:000000000000:table/orders --tag-keys "
		"team\n\n"
		"Keys that are not there are no failure.\n",
	.run = run_untag,
};

/* --- list-tags-of-resource ------------------------------------------------------------------------------------------ */

static int list_work(struct aws_call *call)
{
	int result = find_resource(call);
	if (result < 0)
		return result;
	buffer_append_text(call->response, "{\"Tags\":");
	result = describe_tags(&call->table, call->response);
	buffer_append_byte(call->response, '}');
	return result < 0 ? error_set(call->error, result, "the tags of %s could not be read: %s", call->table.name,
				    strerror(-result))
			  : 0;
}

static const struct aws_parameter list_parameters[] = {
	{ "ResourceArn", "resource-arn", AWS_TEXT, AWS_REQUIRED },
	{ "NextToken", "next-token", AWS_TEXT, AWS_OPTIONAL },
	{ "MaxItems", "max-items", AWS_NUMBER, AWS_PLAIN },
	{ "StartingToken", "starting-token", AWS_TEXT, AWS_PLAIN },
	{ 0 },
};

static int run_list(struct tool *tool)
{
	static const struct aws_operation operation = { "ListTagsOfResource", list_parameters, false,
		.work = list_work };
	return aws_run(tool, &operation);
}

const struct verb verb_list_tags_of_resource = {
	.name = "list-tags-of-resource",
	.summary = "a table's tags",
	.usage = "--resource-arn ARN",
	.help = "Prints {\"Tags\": [...]} as `aws dynamodb list-tags-of-resource` does, all of them at once.\n",
	.run = run_list,
};
