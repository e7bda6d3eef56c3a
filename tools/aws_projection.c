#include "tools/aws_projection.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int projection_name(const struct json *request, struct slice text, struct slice *ret_name, struct error *error)
{
	const struct json *names = json_member(request, "ExpressionAttributeNames");
	char placeholder[256];
	*ret_name = text;
	if (text.size == 0)
		return aws_invalid(error, "An attribute's name is missing in an expression");
	if (memchr(text.data, '.', text.size) || memchr(text.data, '[', text.size))
		return error_set_aws(error, -EOPNOTSUPP, "ValidationException",
			"paths into documents are not supported by pitr here: %.*s", (int)text.size,
			(const char *)text.data);
	if (text.data[0] != '#')
		return 0;
	if (text.size < sizeof(placeholder)) {
		memcpy(placeholder, text.data, text.size);
		placeholder[text.size] = '\0';
		if (json_get_text(names, placeholder, ret_name))
			return 0;
	}
	return aws_invalid(error,
		"Invalid ProjectionExpression: An expression attribute name used in the document path is not defined; "
		"attribute name: %.*s",
		(int)text.size, (const char *)text.data);
}

static struct slice trim(struct slice text)
{
	while (text.size > 0 && isspace(text.data[0]))
		text = slice_of(text.data + 1, text.size - 1);
	while (text.size > 0 && isspace(text.data[text.size - 1]))
		text.size--;
	return text;
}

int projection_read(const struct json *request, struct projection *ret_projection, struct error *error)
{
	struct projection projection = { 0 };
	struct slice rest;
	int result = 0;
	*ret_projection = projection;
	if (!json_get_text(request, "ProjectionExpression", &rest))
		return 0;
	projection.names = calloc(rest.size + 1, sizeof(*projection.names));
	if (!projection.names)
		return -ENOMEM;
	for (bool is_more = true; is_more && result == 0;) {
		const uint8_t *comma = rest.size > 0 ? memchr(rest.data, ',', rest.size) : NULL;
		size_t size = comma ? (size_t)(comma - rest.data) : rest.size;
		result = projection_name(
			request, trim(slice_of(rest.data, size)), &projection.names[projection.count++], error);
		is_more = comma != NULL;
		if (is_more)
			rest = slice_of(comma + 1, rest.size - size - 1);
	}
	if (result < 0)
		projection_free(&projection);
	*ret_projection = projection;
	return result;
}

void projection_free(struct projection *projection)
{
	free(projection->names);
	*projection = (struct projection){ 0 };
}

int projection_apply(const struct projection *projection, struct slice item, struct buffer *out)
{
	struct value_builder *builder;
	struct value value;
	if (projection->count == 0) {
		buffer_append_slice(out, item);
		return buffer_error(out);
	}
	int result = value_builder_new(VALUE_M, &builder);
	for (size_t i = 0; i < projection->count && result == 0; i++) {
		if (!item_attribute(item, projection->names[i], &value))
			continue;
		struct buffer *member = value_builder_member(builder, projection->names[i]);
		if (!member)
			result = -ENOMEM;
		else
			buffer_append_slice(member, value.whole);
	}
	if (result == 0)
		result = value_builder_finish(builder, out, NULL);
	value_builder_free(builder);
	return result;
}
