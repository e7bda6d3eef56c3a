#include "tools/shorthand.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "json.h"

#define DEPTH_MAX 40

struct parser {
	const char *text, *at;
	struct buffer *out;
	struct error *error;
	unsigned depth;
};

static int expected(struct parser *parser, const char *what)
{
	return error_set(parser->error, -EINVAL, "expected %s at character %zu of: %s", what,
		(size_t)(parser->at - parser->text) + 1, parser->text);
}

static void skip_blanks(struct parser *parser)
{
	while (isspace((unsigned char)*parser->at))
		parser->at++;
}

static bool is_name_character(char c)
{
	return isalnum((unsigned char)c) || (c != '\0' && strchr("_.#/:-", c)) || (c & 0x80);
}

static bool is_one_of(struct slice name, const char *const *names)
{
	for (; *names; names++)
		if (slice_equal(name, slice_of_text(*names)))
			return true;
	return false;
}

static bool is_integer(struct slice text)
{
	size_t i = text.size > 1 && text.data[0] == '-';
	if (text.size == 0 || text.size > 18 || (text.data[i] == '0' && text.size > i + 1))
		return false;
	for (; i < text.size; i++)
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
	return true;
}

/* In capitals or not: guides write both true and True. */
static bool is_word(struct slice text, const char *word)
{
	return text.size == strlen(word) && strncasecmp((const char *)text.data, word, text.size) == 0;
}

/* A scalar is text, unless the member it belongs to is of another type in DynamoDB's requests. */
static void append_scalar(struct parser *parser, struct slice name, struct slice text)
{
	static const char *const numbers[] = { "ReadCapacityUnits", "WriteCapacityUnits", "MaxReadRequestUnits",
		"MaxWriteRequestUnits", "ReadUnitsPerSecond", "WriteUnitsPerSecond", "RecoveryPeriodInDays", NULL };
	static const char *const booleans[] = { "BOOL", "NULL", "Enabled", "StreamEnabled",
		"PointInTimeRecoveryEnabled", NULL };
	bool is_truth = is_one_of(name, booleans);
	if (is_one_of(name, numbers) && is_integer(text))
		buffer_append_slice(parser->out, text);
	else if (is_truth && is_word(text, "true"))
		buffer_append_text(parser->out, "true");
	else if (is_truth && is_word(text, "false"))
		buffer_append_text(parser->out, "false");
	else
		json_append_string(parser->out, text);
}

static int parse_quoted(struct parser *parser, struct buffer *text)
{
	char quote = *parser->at++;
	while (*parser->at != quote) {
		if (*parser->at == '\0')
			return expected(parser, "the closing quote");
		if (*parser->at == '\\' && (parser->at[1] == quote || parser->at[1] == '\\'))
			parser->at++;
		buffer_append_byte(text, (uint8_t)*parser->at++);
	}
	parser->at++;
	return 0;
}

static void parse_bare(struct parser *parser, const char *ends, struct buffer *text)
{
	while (*parser->at != '\0' && !strchr(ends, *parser->at)) {
		if (*parser->at == '\\' && parser->at[1] != '\0' && strchr(",\\]}", parser->at[1]))
			parser->at++;
		buffer_append_byte(text, (uint8_t)*parser->at++);
	}
	while (text->size > 0 && isspace(text->data[text->size - 1]))
		text->size--;
}

static int parse_scalar(struct parser *parser, struct slice name, const char *ends)
{
	struct buffer text = BUFFER_INIT;
	int result = 0;
	if (*parser->at == '"' || *parser->at == '\'')
		result = parse_quoted(parser, &text);
	else
		parse_bare(parser, ends, &text);
	if (result == 0)
		append_scalar(parser, name, buffer_slice(&text));
	if (result == 0)
		result = buffer_error(&text);
	buffer_free(&text);
	return result;
}

static int parse_members(struct parser *parser, const char *ends);

static int parse_object(struct parser *parser)
{
	parser->at++;
	int result = parse_members(parser, ",}");
	if (result < 0)
		return result;
	if (*parser->at != '}')
		return expected(parser, "'}'");
	parser->at++;
	return 0;
}

static int parse_value(struct parser *parser, struct slice name, const char *ends);

static int parse_list(struct parser *parser, struct slice name)
{
	parser->at++;
	buffer_append_byte(parser->out, '[');
	skip_blanks(parser);
	while (*parser->at != ']') {
		int result = parse_value(parser, name, ",]");
		if (result < 0)
			return result;
		skip_blanks(parser);
		if (*parser->at == ',') {
			buffer_append_byte(parser->out, ',');
			parser->at++;
			skip_blanks(parser);
		} else if (*parser->at != ']') {
			return expected(parser, "',' or ']'");
		}
	}
	parser->at++;
	buffer_append_byte(parser->out, ']');
	return 0;
}

static int parse_value(struct parser *parser, struct slice name, const char *ends)
{
	if (++parser->depth > DEPTH_MAX)
		return expected(parser, "less nesting");
	skip_blanks(parser);
	int result = *parser->at == '{'   ? parse_object(parser)
		     : *parser->at == '[' ? parse_list(parser, name)
					  : parse_scalar(parser, name, ends);
	parser->depth--;
	return result;
}

/* Is what follows the comma a member of its own, "name=", and not one more value of the list before? */
static bool begins_member(const char *at)
{
	while (isspace((unsigned char)*at))
		at++;
	while (is_name_character(*at))
		at++;
	while (isspace((unsigned char)*at))
		at++;
	return *at == '=';
}

/* "a,b,c" after a name: one value, or a list of them. */
static int parse_values(struct parser *parser, struct slice name, const char *ends)
{
	struct buffer *out = parser->out;
	size_t start = out->size;
	int result = parse_value(parser, name, ends);
	size_t count = 1;
	skip_blanks(parser);
	while (result == 0 && *parser->at == ',' && !begins_member(parser->at + 1)) {
		parser->at++;
		buffer_append_byte(out, ',');
		result = parse_value(parser, name, ends);
		skip_blanks(parser);
		count++;
	}
	if (result < 0 || count == 1)
		return result;
	buffer_append_text(out, "[]");
	if (buffer_error(out) < 0)
		return -ENOMEM;
	memmove(out->data + start + 1, out->data + start, out->size - start - 2);
	out->data[start] = '[';
	out->data[out->size - 1] = ']';
	return 0;
}

static int parse_member(struct parser *parser, const char *ends)
{
	skip_blanks(parser);
	const char *start = parser->at;
	while (is_name_character(*parser->at))
		parser->at++;
	struct slice name = slice_of(start, (size_t)(parser->at - start));
	skip_blanks(parser);
	if (name.size == 0)
		return expected(parser, "a name");
	if (*parser->at != '=')
		return expected(parser, "'='");
	parser->at++;
	json_append_string(parser->out, name);
	buffer_append_byte(parser->out, ':');
	return parse_values(parser, name, ends);
}

static int parse_members(struct parser *parser, const char *ends)
{
	buffer_append_byte(parser->out, '{');
	int result = parse_member(parser, ends);
	while (result == 0 && *parser->at == ',') {
		parser->at++;
		buffer_append_byte(parser->out, ',');
		result = parse_member(parser, ends);
	}
	buffer_append_byte(parser->out, '}');
	return result;
}

int shorthand_to_json(const char *text, struct buffer *out, struct error *error)
{
	struct parser parser = { .text = text, .at = text, .out = out, .error = error };
	int result = parse_members(&parser, ",");
	if (result < 0)
		return result;
	return *parser.at == '\0' ? 0 : expected(&parser, "the end");
}
