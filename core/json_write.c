#include "json.h"

/* How long a byte is inside a string literal: 1 as it is, 2 as \n, 6 as \u001f. */
static size_t escaped_size(uint8_t byte)
{
	if (byte >= 0x20 && byte != '"' && byte != '\\' && byte != 0x7f)
		return 1;
	switch (byte) {
	case '"':
	case '\\':
	case '\b':
	case '\f':
	case '\n':
	case '\r':
	case '\t':
		return 2;
	default:
		return 6;
	}
}

static void append_escape(struct buffer *out, uint8_t byte)
{
	static const char hex[] = "0123456789abcdef";
	switch (byte) {
	case '\b':
		buffer_append(out, "\\b", 2);
		break;
	case '\f':
		buffer_append(out, "\\f", 2);
		break;
	case '\n':
		buffer_append(out, "\\n", 2);
		break;
	case '\r':
		buffer_append(out, "\\r", 2);
		break;
	case '\t':
		buffer_append(out, "\\t", 2);
		break;
	case '"':
	case '\\':
		buffer_append_byte(out, '\\');
		buffer_append_byte(out, byte);
		break;
	default:
		buffer_append(out, "\\u00", 4);
		buffer_append_byte(out, (uint8_t)hex[byte >> 4]);
		buffer_append_byte(out, (uint8_t)hex[byte & 15]);
	}
}

void json_append_string(struct buffer *out, struct slice text)
{
	size_t start = 0;
	buffer_append_byte(out, '"');
	for (size_t i = 0; i < text.size; i++) {
		if (escaped_size(text.data[i]) == 1)
			continue;
		buffer_append(out, text.data + start, i - start);
		append_escape(out, text.data[i]);
		start = i + 1;
	}
	if (start < text.size)
		buffer_append(out, text.data + start, text.size - start);
	buffer_append_byte(out, '"');
}

size_t json_string_size(struct slice text)
{
	size_t size = 2;
	for (size_t i = 0; i < text.size; i++)
		size += escaped_size(text.data[i]);
	return size;
}

static void append_container(struct buffer *out, const struct json *node, bool is_object)
{
	buffer_append_byte(out, is_object ? '{' : '[');
	for (const struct json *child = json_first(node); child != NULL; child = json_next(child)) {
		if (is_object) {
			json_append_string(out, json_name(child));
			buffer_append_byte(out, ':');
		}
		json_append(out, child);
		if (json_next(child) != NULL)
			buffer_append_byte(out, ',');
	}
	buffer_append_byte(out, is_object ? '}' : ']');
}

void json_append(struct buffer *out, const struct json *node)
{
	switch (json_type(node)) {
	case JSON_NULL:
		buffer_append_text(out, "null");
		break;
	case JSON_FALSE:
		buffer_append_text(out, "false");
		break;
	case JSON_TRUE:
		buffer_append_text(out, "true");
		break;
	case JSON_NUMBER:
		buffer_append_slice(out, json_text(node));
		break;
	case JSON_STRING:
		json_append_string(out, json_text(node));
		break;
	case JSON_ARRAY:
		append_container(out, node, false);
		break;
	case JSON_OBJECT:
		append_container(out, node, true);
		break;
	}
}
