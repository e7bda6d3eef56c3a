#include "tools/output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "instant.h"
#include "tools/tool.h"

#define INDENT 4

void output(struct slice bytes)
{
	if (bytes.size > 0)
		fwrite(bytes.data, 1, bytes.size, stdout);
}

int output_finish(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (errno == EPIPE)
		return status;
	return tool_fail("standard output: %s", strerror(errno));
}

const char *output_plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

void output_size(uint64_t bytes, char *text, size_t size)
{
	static const char units[] = "KMGTP";
	double scaled = (double)bytes;
	int unit = -1;
	while (scaled >= 999.5 && unit < 4) {
		scaled /= 1000;
		unit++;
	}
	if (unit < 0)
		snprintf(text, size, "%" PRIu64 " B", bytes);
	else
		snprintf(text, size, scaled < 9.95 ? "%.1f %cB" : "%.0f %cB", scaled, units[unit]);
}

static void append_indent(struct buffer *out, unsigned depth)
{
	buffer_append_byte(out, '\n');
	for (unsigned i = 0; i < depth * INDENT; i++)
		buffer_append_byte(out, ' ');
}

/* Epoch seconds, up to six fraction digits, to microseconds. */
static int64_t epoch_us(struct slice number)
{
	char text[64] = "";
	int64_t fraction_us = 0, unit_us = SECOND_US;
	char *end;
	memcpy(text, number.data, number.size < sizeof(text) ? number.size : sizeof(text) - 1);
	int64_t seconds = strtoll(text, &end, 10);
	if (*end == '.')
		for (end++; *end >= '0' && *end <= '9' && unit_us > 1; end++)
			fraction_us += (*end - '0') * (unit_us /= 10);
	return seconds * SECOND_US + fraction_us;
}

/* As Python's isoformat() has it: no fraction, or six digits. */
static void append_time(struct buffer *out, struct slice number)
{
	char text[INSTANT_TEXT_MAX];
	int64_t time_us = epoch_us(number);
	int64_t fraction_us = time_us % SECOND_US;
	instant_format(time_us - fraction_us, text, sizeof(text));
	buffer_append_format(out, "\"%s", text);
	if (fraction_us > 0)
		buffer_append_format(out, ".%06d", (int)fraction_us);
	buffer_append_text(out, "+00:00\"");
}

static bool is_time(const struct json *member)
{
	return json_type(member) == JSON_NUMBER && slice_ends_with(json_name(member), "DateTime");
}

static void append_container(struct buffer *out, const struct json *node, unsigned depth)
{
	bool is_object = json_type(node) == JSON_OBJECT;
	buffer_append_byte(out, is_object ? '{' : '[');
	for (const struct json *child = json_first(node); child; child = json_next(child)) {
		if (child != json_first(node))
			buffer_append_byte(out, ',');
		append_indent(out, depth + 1);
		if (is_object) {
			json_append_string(out, json_name(child));
			buffer_append_text(out, ": ");
		}
		if (is_object && is_time(child))
			append_time(out, json_text(child));
		else
			output_aws_value(out, child, depth + 1);
	}
	if (json_count(node) > 0)
		append_indent(out, depth);
	buffer_append_byte(out, is_object ? '}' : ']');
}

void output_aws_value(struct buffer *out, const struct json *node, unsigned depth)
{
	enum json_type type = json_type(node);
	if (type == JSON_OBJECT || type == JSON_ARRAY)
		append_container(out, node, depth);
	else
		json_append(out, node);
}

void output_aws_append(struct buffer *out, const struct json *root)
{
	output_aws_value(out, root, 0);
	buffer_append_byte(out, '\n');
}

void output_aws_compact(struct buffer *out, const struct json *root)
{
	enum json_type type = json_type(root);
	if (type != JSON_OBJECT && type != JSON_ARRAY) {
		json_append(out, root);
		return;
	}
	buffer_append_byte(out, type == JSON_OBJECT ? '{' : '[');
	for (const struct json *child = json_first(root); child; child = json_next(child)) {
		if (child != json_first(root))
			buffer_append_byte(out, ',');
		if (type == JSON_OBJECT) {
			json_append_string(out, json_name(child));
			buffer_append_byte(out, ':');
		}
		if (type == JSON_OBJECT && is_time(child))
			append_time(out, json_text(child));
		else
			output_aws_compact(out, child);
	}
	buffer_append_byte(out, type == JSON_OBJECT ? '}' : ']');
}
