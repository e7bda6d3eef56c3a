#include "json.h"

#include <string.h>

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Of eight bytes at once: is one of them escaped? */
static bool has_escaped(uint64_t eight)
{
	uint64_t quote = eight ^ EACH('"'), backslash = eight ^ EACH('\\'), del = eight ^ EACH(0x7f);
	uint64_t found = ((eight - EACH(0x20)) & ~eight) | ((quote - EACH(1)) & ~quote) |
			 ((backslash - EACH(1)) & ~backslash) | ((del - EACH(1)) & ~del);
	return (found & EACH(0x80)) != 0;
}

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

/* How many bytes at the beginning stand for themselves. */
static size_t plain_run(const uint8_t *bytes, size_t size)
{
	size_t run = 0;
	for (uint64_t eight; size - run >= sizeof(eight); run += sizeof(eight)) {
		memcpy(&eight, bytes + run, sizeof(eight));
		if (has_escaped(eight))
			break;
	}
	while (run < size && escaped_size(bytes[run]) == 1)
		run++;
	return run;
}

static size_t write_escape(uint8_t byte, char *at)
{
	static const char hex[] = "0123456789abcdef", letters[] = "btn?fr";
	bool is_named = byte >= '\b' && byte <= '\r' && byte != '\v';
	at[0] = '\\';
	at[1] = is_named ? letters[byte - '\b'] : (char)byte;
	if (is_named || byte == '"' || byte == '\\')
		return 2;
	memcpy(at + 1, "u00", 3);
	at[4] = hex[byte >> 4];
	at[5] = hex[byte & 15];
	return 6;
}

/* What needs no escape. */
static size_t write_quoted(struct slice text, char *at)
{
	at[0] = '"';
	if (text.size > 0)
		memcpy(at + 1, text.data, text.size);
	at[text.size + 1] = '"';
	return text.size + 2;
}

void json_append_string(struct buffer *out, struct slice text)
{
	char escape[6];
	size_t run = plain_run(text.data, text.size);
	if (run == text.size && buffer_has_room(out, run + 2)) {
		out->size += write_quoted(text, (char *)out->data + out->size);
		return;
	}
	buffer_append_byte(out, '"');
	for (size_t at = 0; at < text.size; at += run + 1) {
		run = at == 0 ? run : plain_run(text.data + at, text.size - at);
		buffer_append(out, text.data + at, run);
		if (at + run < text.size)
			buffer_append(out, escape, write_escape(text.data[at + run], escape));
	}
	buffer_append_byte(out, '"');
}

size_t json_write_string(struct slice text, char *ret_text)
{
	char *to = ret_text;
	*to++ = '"';
	for (size_t at = 0, run; at < text.size; at += run + 1) {
		run = plain_run(text.data + at, text.size - at);
		memcpy(to, text.data + at, run);
		to += run;
		if (at + run < text.size)
			to += write_escape(text.data[at + run], to);
	}
	*to++ = '"';
	return (size_t)(to - ret_text);
}

size_t json_string_size(struct slice text)
{
	size_t size = 2;
	for (size_t at = 0, run; at < text.size; at += run + 1) {
		run = plain_run(text.data + at, text.size - at);
		size += run;
		if (at + run < text.size)
			size += escaped_size(text.data[at + run]);
	}
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
