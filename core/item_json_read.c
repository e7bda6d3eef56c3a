#include <errno.h>
#include <string.h>

#include "item_json_form.h"
#include "number.h"

#define ATTRIBUTE_NAME_MAX 65535
#define PATH_SHOWN_MAX 200 /* bytes of a path in a message */

/* Whatever we write must be readable, and indented DynamoDB JSON of a deep list takes up to 700 bytes for each byte
 * that counts. So memory is bounded by what is not indentation: each byte that counts has at most three values,
 * {"SS":[""]}, and about 30 bytes of text. */
static const struct json_limits item_limits = {
	.max_size = 320u << 20,
	.max_depth = 256,
	.max_values = 3 * ITEM_MAX_SIZE_BYTES + 16,
	.max_content = 16u << 20,
};

/* Where a value stands in its item: a chain of frames on the stack, printed only into messages. */
struct path {
	const struct path *up;
	struct slice name; /* data NULL: an element of a list or set */
	size_t index;
};

struct reading {
	enum item_form form;
	struct error *error;
};

static void show_path(const struct path *path, struct buffer *out)
{
	if (path->up != NULL)
		show_path(path->up, out);
	if (out->size > PATH_SHOWN_MAX)
		return;
	if (path->name.data == NULL) {
		buffer_append_format(out, "[%zu]", path->index);
		return;
	}
	if (path->up != NULL)
		buffer_append_byte(out, '.');
	buffer_append(out, path->name.data, path->name.size < PATH_SHOWN_MAX ? path->name.size : PATH_SHOWN_MAX);
}

/* Puts the path in front of the error that was just set. */
static int at_path(const struct reading *reading, const struct path *path, int rc)
{
	if (reading->error == NULL || path == NULL)
		return rc;
	struct buffer shown = BUFFER_INIT;
	show_path(path, &shown);
	const char *text = buffer_text(&shown);
	error_prefix(reading->error, "attribute %s", text != NULL ? text : "?");
	buffer_free(&shown);
	return rc;
}

static int refuse(const struct reading *reading, const struct path *path, const char *reason)
{
	return at_path(reading, path, error_set_aws(reading->error, -EINVAL, "ValidationException", "%s", reason));
}

static int no_memory(const struct reading *reading)
{
	return error_set(reading->error, -ENOMEM, "out of memory while reading an item");
}

static int read_value(const struct reading *reading, const struct json *node, unsigned level, const struct path *path,
	struct buffer *out);

static int read_string(
	const struct reading *reading, const struct json *node, const struct path *path, struct buffer *out)
{
	if (json_type(node) != JSON_STRING)
		return refuse(reading, path, "expected a text in double quotes");
	value_append_bytes(out, VALUE_S, json_text(node));
	return 0;
}

static int read_number(
	const struct reading *reading, const struct json *node, const struct path *path, struct buffer *out)
{
	if (reading->form == ITEM_PLAIN && json_type(node) != JSON_NUMBER)
		return refuse(reading, path, "expected a number without quotes");
	if (reading->form == ITEM_DYNAMODB && json_type(node) != JSON_STRING)
		return refuse(reading, path, "DynamoDB JSON has numbers in double quotes, such as {\"N\":\"5\"}");
	char text[NUMBER_TEXT_MAX + 1];
	size_t size = 0;
	int rc = number_canonical(json_text(node), text, &size, reading->error);
	if (rc < 0)
		return at_path(reading, path, rc);
	value_append_bytes(out, VALUE_N, slice_of(text, size));
	return 0;
}

static int read_binary(
	const struct reading *reading, const struct json *node, const struct path *path, struct buffer *out)
{
	struct buffer bytes = BUFFER_INIT;
	int rc = json_type(node) == JSON_STRING ? base64_decode(json_text(node), &bytes) : -EINVAL;
	if (rc == 0)
		value_append_bytes(out, VALUE_B, buffer_slice(&bytes));
	else if (rc == -EINVAL)
		refuse(reading, path, "expected binary as base64 text with padding, such as \"AAEC\"");
	else
		no_memory(reading);
	buffer_free(&bytes);
	return rc;
}

static int read_set_members(const struct reading *reading, const struct json *array, enum value_tag tag,
	const struct path *path, struct value_builder *builder)
{
	struct path here = { .up = path };
	for (const struct json *child = json_first(array); child != NULL; child = json_next(child), here.index++) {
		struct buffer *member = value_builder_member(builder, slice_of(NULL, 0));
		int rc = tag == VALUE_SS   ? read_string(reading, child, &here, member)
			 : tag == VALUE_NS ? read_number(reading, child, &here, member)
					   : read_binary(reading, child, &here, member);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int read_list_members(const struct reading *reading, const struct json *array, unsigned level,
	const struct path *path, struct value_builder *builder)
{
	struct path here = { .up = path };
	for (const struct json *child = json_first(array); child != NULL; child = json_next(child), here.index++) {
		struct buffer *member = value_builder_member(builder, slice_of(NULL, 0));
		int rc = read_value(reading, child, level + 1, &here, member);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int check_name(const struct reading *reading, struct slice name, const struct path *path)
{
	if (name.size == 0)
		return refuse(reading, path, "an attribute name must not be empty");
	if (name.size > ATTRIBUTE_NAME_MAX)
		return refuse(reading, path, "the attribute name is longer than 65535 bytes");
	return 0;
}

/* `dollars`: how many to take off the front of the names. */
static int read_map_members(const struct reading *reading, const struct json *object, size_t dollars, unsigned level,
	const struct path *path, struct value_builder *builder)
{
	for (const struct json *child = json_first(object); child != NULL; child = json_next(child)) {
		struct slice name = json_name(child);
		name = slice_of(name.data + dollars, name.size - dollars);
		struct path here = { .up = path, .name = name };
		int rc = check_name(reading, name, path);
		if (rc == 0)
			rc = read_value(reading, child, level + 1, &here, value_builder_member(builder, name));
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int read_container(const struct reading *reading, const struct json *node, enum value_tag tag, size_t dollars,
	unsigned level, const struct path *path, struct buffer *out)
{
	struct value_builder *builder = NULL;
	if (value_builder_new(tag, &builder) < 0)
		return no_memory(reading);
	int rc;
	if (tag == VALUE_M)
		rc = read_map_members(reading, node, dollars, level, path, builder);
	else if (tag == VALUE_L)
		rc = read_list_members(reading, node, level, path, builder);
	else
		rc = read_set_members(reading, node, tag, path, builder);
	if (rc == 0) {
		rc = value_builder_finish(builder, out, reading->error);
		if (rc < 0)
			at_path(reading, path, rc);
	}
	value_builder_free(builder);
	return rc;
}

static int read_plain_wrapped(const struct reading *reading, const struct json *node, enum value_tag tag,
	unsigned level, const struct path *path, struct buffer *out)
{
	if (tag == VALUE_B)
		return read_binary(reading, node, path, out);
	if (json_type(node) != JSON_ARRAY)
		return refuse(reading, path,
			"expected an array in \"$stringSet\", \"$numberSet\" or \"$binarySet\"; a map that has such a "
			"name gets a "
			"second '$'");
	return read_container(reading, node, tag, 0, level, path, out);
}

static int read_plain_object(const struct reading *reading, const struct json *object, unsigned level,
	const struct path *path, struct buffer *out)
{
	enum value_tag tag = VALUE_M;
	size_t dollars = json_count(object) == 1 ? item_json_dollars(json_name(json_first(object)), &tag) : 0;
	if (dollars == 1)
		return read_plain_wrapped(reading, json_first(object), tag, level, path, out);
	return read_container(reading, object, VALUE_M, dollars > 1, level, path, out);
}

static int read_plain(const struct reading *reading, const struct json *node, unsigned level, const struct path *path,
	struct buffer *out)
{
	switch (json_type(node)) {
	case JSON_NULL:
		value_append_plain(out, VALUE_NULL);
		return 0;
	case JSON_FALSE:
		value_append_plain(out, VALUE_FALSE);
		return 0;
	case JSON_TRUE:
		value_append_plain(out, VALUE_TRUE);
		return 0;
	case JSON_NUMBER:
		return read_number(reading, node, path, out);
	case JSON_STRING:
		return read_string(reading, node, path, out);
	case JSON_ARRAY:
		return read_container(reading, node, VALUE_L, 0, level, path, out);
	case JSON_OBJECT:
		return read_plain_object(reading, node, level, path, out);
	}
	return -EINVAL;
}

static int read_bool(
	const struct reading *reading, const struct json *node, const struct path *path, struct buffer *out)
{
	if (json_type(node) != JSON_TRUE && json_type(node) != JSON_FALSE)
		return refuse(reading, path, "expected true or false in \"BOOL\"");
	value_append_plain(out, json_type(node) == JSON_TRUE ? VALUE_TRUE : VALUE_FALSE);
	return 0;
}

static int read_null(
	const struct reading *reading, const struct json *node, const struct path *path, struct buffer *out)
{
	if (json_type(node) != JSON_TRUE)
		return refuse(reading, path,
			"One or more parameter values were invalid: Null attribute value types must have the value of "
			"true");
	value_append_plain(out, VALUE_NULL);
	return 0;
}

static int read_typed_container(const struct reading *reading, const struct json *node, enum value_tag tag,
	unsigned level, const struct path *path, struct buffer *out)
{
	if (tag == VALUE_M && json_type(node) != JSON_OBJECT)
		return refuse(reading, path, "expected an object in \"M\"");
	if (tag != VALUE_M && json_type(node) != JSON_ARRAY)
		return refuse(reading, path, "expected an array in \"L\", \"SS\", \"NS\" or \"BS\"");
	return read_container(reading, node, tag, 0, level, path, out);
}

static bool tag_of_name(struct slice name, enum value_tag *ret_tag)
{
	static const enum value_tag tags[] = { VALUE_S, VALUE_N, VALUE_B, VALUE_TRUE, VALUE_NULL, VALUE_L, VALUE_M,
		VALUE_SS, VALUE_NS, VALUE_BS };
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		*ret_tag = tags[i];
		if (slice_equal(name, slice_of_text(item_json_wrapper(ITEM_DYNAMODB, tags[i]))))
			return true;
	}
	return false;
}

static int read_dynamodb(const struct reading *reading, const struct json *node, unsigned level,
	const struct path *path, struct buffer *out)
{
	enum value_tag tag = VALUE_NULL;
	if (json_type(node) != JSON_OBJECT)
		return refuse(reading, path,
			"expected a value with its type, as DynamoDB JSON has it, such as {\"S\":\"text\"}");
	if (json_count(node) > 1)
		return refuse(reading, path,
			"Supplied AttributeValue has more than one datatypes set, must contain exactly one of the "
			"supported "
			"datatypes");
	if (json_count(node) == 0 || !tag_of_name(json_name(json_first(node)), &tag))
		return refuse(reading, path,
			"Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
	node = json_first(node);
	switch (tag) {
	case VALUE_S:
		return read_string(reading, node, path, out);
	case VALUE_N:
		return read_number(reading, node, path, out);
	case VALUE_B:
		return read_binary(reading, node, path, out);
	case VALUE_TRUE:
		return read_bool(reading, node, path, out);
	case VALUE_NULL:
		return read_null(reading, node, path, out);
	default:
		return read_typed_container(reading, node, tag, level, path, out);
	}
}

static int read_value(const struct reading *reading, const struct json *node, unsigned level, const struct path *path,
	struct buffer *out)
{
	if (level > ITEM_MAX_DEPTH)
		return refuse(reading, path,
			"Nesting Levels have exceeded supported limits: Attributes in the item have nested levels "
			"beyond "
			"supported limit");
	if (reading->form == ITEM_PLAIN)
		return read_plain(reading, node, level, path, out);
	return read_dynamodb(reading, node, level, path, out);
}

static int refuse_size(size_t size, struct error *error)
{
	return error_set_aws(error, -EFBIG, "ValidationException",
		"Item size has exceeded the maximum allowed size (%zu bytes of at most %d)", size, ITEM_MAX_SIZE_BYTES);
}

int value_from_tree(const struct json *node, enum item_form form, struct buffer *out, struct error *error)
{
	const struct reading reading = { .form = form, .error = error };
	size_t start = out->size;
	int rc = read_value(&reading, node, 1, NULL, out);
	if (rc == 0 && buffer_error(out) < 0)
		rc = no_memory(&reading);
	if (rc < 0)
		out->size = start;
	return rc;
}

int item_from_tree(const struct json *object, enum item_form form, struct buffer *out, struct error *error)
{
	const struct reading reading = { .form = form, .error = error };
	size_t start = out->size;
	if (json_type(object) != JSON_OBJECT)
		return refuse(&reading, NULL, "an item must be a JSON object, such as {\"id\": ...}");
	int rc = read_container(&reading, object, VALUE_M, 0, 0, NULL, out);
	if (rc == 0 && buffer_error(out) < 0)
		rc = no_memory(&reading);
	if (rc == 0) {
		size_t size = item_size_bytes(slice_of(out->data + start, out->size - start));
		if (size > ITEM_MAX_SIZE_BYTES)
			rc = refuse_size(size, error);
	}
	if (rc < 0)
		out->size = start;
	return rc;
}

int item_from_json(struct slice text, enum item_form form, struct buffer *out, struct error *error)
{
	struct json *root = NULL;
	int rc = json_parse(text, &item_limits, &root, error);
	if (rc == -EFBIG)
		return error_set_aws(
			error, rc, "ValidationException", "Item size has exceeded the maximum allowed size");
	if (rc < 0)
		return rc;
	rc = item_from_tree(root, form, out, error);
	json_free(root);
	return rc;
}
