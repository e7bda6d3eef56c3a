#include "json_lex.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 1000 /* cJSON's own bound */

struct lexer {
	struct slice text;
	const uint8_t *at, *end;
	unsigned depth, max_depth;
	size_t values, max_values, max_content;
	struct buffer *out;
	struct error *error;
};

int json_lex_error(struct slice text, size_t place, struct error *error, const char *format, ...)
{
	char reason[sizeof(error->message)];
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(reason, sizeof(reason), format, arguments);
	va_end(arguments);
	size_t line = 1, column = 1;
	for (size_t i = 0; i < place; i++) {
		bool is_newline = text.data[i] == '\n';
		bool is_continuation = (text.data[i] & 0xc0) == 0x80;
		line += is_newline;
		column = is_newline ? 1 : column + !is_continuation;
	}
	return error_set(error, -EINVAL, "line %zu, column %zu: %s", line, column, length > 0 ? reason : "bad JSON");
}

size_t json_lex_place(const char *header)
{
	size_t place = 0;
	for (int i = 1; i < JSON_MARK_SIZE; i++)
		place = place << 7 | ((uint8_t)header[i] & 0x7f);
	return place;
}

static void append_header(struct lexer *lexer, char mark, const uint8_t *where)
{
	size_t place = (size_t)(where - lexer->text.data);
	uint8_t header[1 + JSON_MARK_SIZE] = { '"', (uint8_t)mark };
	for (size_t i = sizeof(header) - 1; i >= 2; i--, place >>= 7)
		header[i] = (uint8_t)(0x80 | (place & 0x7f));
	buffer_append(lexer->out, header, sizeof(header));
}

static int fail(struct lexer *lexer, const uint8_t *where, const char *reason)
{
	return json_lex_error(lexer->text, (size_t)(where - lexer->text.data), lexer->error, "%s", reason);
}

/* "expected ..., found ..." at the lexer's place. */
static int fail_expected(struct lexer *lexer, const char *expected)
{
	size_t place = (size_t)(lexer->at - lexer->text.data);
	struct slice rest = slice_of(lexer->at, (size_t)(lexer->end - lexer->at));
	size_t length = utf8_sequence_length(rest);
	if (rest.size == 0)
		return json_lex_error(lexer->text, place, lexer->error, "expected %s, but the text ends", expected);
	if (length == 0 || *lexer->at < 0x20 || *lexer->at == 0x7f)
		return json_lex_error(
			lexer->text, place, lexer->error, "expected %s, found the byte 0x%02x", expected, *lexer->at);
	return json_lex_error(lexer->text, place, lexer->error, "expected %s, found %.*s", expected, (int)length,
		(const char *)lexer->at);
}

/* Copies from `start` to the lexer's place. Every value and string comes by here or through lex_value, so that memory
 * is bounded before it is taken. */
static int append_checked(struct lexer *lexer, const uint8_t *start)
{
	size_t size = (size_t)(lexer->at - start);
	if (size > lexer->max_content || lexer->out->size > lexer->max_content - size)
		return error_set(lexer->error, -EFBIG, "the JSON text has more than %zu bytes beside white space",
			lexer->max_content);
	buffer_append(lexer->out, start, size);
	return 0;
}

static void skip_space(struct lexer *lexer)
{
	while (lexer->at < lexer->end &&
		(*lexer->at == ' ' || *lexer->at == '\n' || *lexer->at == '\t' || *lexer->at == '\r'))
		lexer->at++;
}

static int peek(const struct lexer *lexer)
{
	return lexer->at < lexer->end ? *lexer->at : -1;
}

/* The four digits of a \u escape, or -1. */
static int hex4(const uint8_t *at, const uint8_t *end)
{
	if (end - at < 4)
		return -1;
	int value = 0;
	for (int i = 0; i < 4; i++) {
		uint8_t letter = at[i] | 0x20;
		bool is_digit = at[i] >= '0' && at[i] <= '9';
		if (!is_digit && (letter < 'a' || letter > 'f'))
			return -1;
		value = value * 16 + (is_digit ? at[i] - '0' : letter - 'a' + 10);
	}
	return value;
}

/* At the backslash of \uXXXX. Copies it, with its second half if it is a surrogate pair. */
static int lex_unicode_escape(struct lexer *lexer)
{
	int code = hex4(lexer->at + 2, lexer->end);
	ptrdiff_t size = 6;
	if (code < 0)
		return fail(lexer, lexer->at, "\\u must be followed by four hexadecimal digits");
	if (code >= 0xdc00 && code <= 0xdfff)
		return fail(lexer, lexer->at, "the second half of a surrogate pair stands alone");
	if (code >= 0xd800 && code <= 0xdbff) {
		const uint8_t *second = lexer->at + 6;
		bool is_escape = lexer->end - second >= 6 && second[0] == '\\' && second[1] == 'u';
		int low = is_escape ? hex4(second + 2, lexer->end) : -1;
		if (low < 0xdc00 || low > 0xdfff)
			return fail(
				lexer, lexer->at, "the first half of a surrogate pair is not followed by the second");
		size = 12;
	}
	if (code == 0)
		buffer_append(lexer->out, "\xc0\x80", 2);
	else
		buffer_append(lexer->out, lexer->at, (size_t)size);
	lexer->at += size;
	return 0;
}

static int lex_escape(struct lexer *lexer)
{
	int letter = lexer->end - lexer->at > 1 ? lexer->at[1] : 0;
	if (letter == 'u')
		return lex_unicode_escape(lexer);
	if (letter == 0 || strchr("\"\\/bfnrt", letter) == NULL)
		return fail(lexer, lexer->at, "a backslash in a string must be followed by one of \" \\ / b f n r t u");
	buffer_append(lexer->out, lexer->at, 2);
	lexer->at += 2;
	return 0;
}

static bool is_ordinary(uint8_t byte)
{
	return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* Copies characters up to the next quote, escape or fault. */
static int lex_characters(struct lexer *lexer)
{
	const uint8_t *start = lexer->at;
	while (lexer->at < lexer->end && *lexer->at != '"' && *lexer->at != '\\') {
		if (is_ordinary(*lexer->at)) {
			lexer->at++;
			continue;
		}
		if (*lexer->at < 0x20)
			return fail(lexer, lexer->at,
				"a control character in a string must be written as an escape, such as \\n");
		size_t length = utf8_sequence_length(slice_of(lexer->at, (size_t)(lexer->end - lexer->at)));
		if (length == 0)
			return fail(lexer, lexer->at, "the string is not valid UTF-8 here; save the text as UTF-8");
		lexer->at += length;
	}
	return append_checked(lexer, start);
}

static int lex_string(struct lexer *lexer)
{
	const uint8_t *start = lexer->at++;
	append_header(lexer, JSON_MARK_STRING, start);
	for (;;) {
		int rc = lex_characters(lexer);
		if (rc < 0)
			return rc;
		if (lexer->at == lexer->end)
			return fail(lexer, start, "the string that begins here has no closing quote");
		if (*lexer->at == '"')
			break;
		rc = lex_escape(lexer);
		if (rc < 0)
			return rc;
	}
	lexer->at++;
	buffer_append_byte(lexer->out, '"');
	return 0;
}

/* False when there is no digit. */
static bool skip_digits(struct lexer *lexer)
{
	const uint8_t *start = lexer->at;
	while (lexer->at < lexer->end && *lexer->at >= '0' && *lexer->at <= '9')
		lexer->at++;
	return lexer->at > start;
}

static int lex_number(struct lexer *lexer)
{
	const uint8_t *start = lexer->at;
	if (*lexer->at == '-')
		lexer->at++;
	bool has_leading_zero = peek(lexer) == '0';
	const uint8_t *first = lexer->at;
	if (!skip_digits(lexer))
		return fail_expected(lexer, "a digit");
	if (has_leading_zero && lexer->at - first > 1)
		return fail(lexer, start, "a number must not begin with 0 before other digits");
	if (peek(lexer) == '.') {
		lexer->at++;
		if (!skip_digits(lexer))
			return fail_expected(lexer, "a digit after the point");
	}
	if (peek(lexer) == 'e' || peek(lexer) == 'E') {
		lexer->at++;
		if (peek(lexer) == '+' || peek(lexer) == '-')
			lexer->at++;
		if (!skip_digits(lexer))
			return fail_expected(lexer, "a digit of the exponent");
	}
	append_header(lexer, JSON_MARK_NUMBER, start);
	int rc = append_checked(lexer, start);
	buffer_append_byte(lexer->out, '"');
	return rc;
}

static int lex_literal(struct lexer *lexer)
{
	static const char *const literals[] = { "true", "false", "null" };
	struct slice rest = slice_of(lexer->at, (size_t)(lexer->end - lexer->at));
	for (size_t i = 0; i < sizeof(literals) / sizeof(literals[0]); i++) {
		if (!slice_starts_with(rest, literals[i]))
			continue;
		buffer_append_text(lexer->out, literals[i]);
		lexer->at += strlen(literals[i]);
		return 0;
	}
	return fail_expected(lexer, "a value (a string in double quotes, a number, true, false, null, { or [)");
}

static int lex_value(struct lexer *lexer);

/* What follows a member: 1 after a comma, 0 after the closing bracket. */
static int lex_separator(struct lexer *lexer, uint8_t close, const char *expected)
{
	skip_space(lexer);
	int byte = peek(lexer);
	if (byte != ',' && byte != close)
		return fail_expected(lexer, expected);
	buffer_append_byte(lexer->out, (uint8_t)byte);
	lexer->at++;
	skip_space(lexer);
	if (byte == ',' && peek(lexer) == close)
		return fail(lexer, lexer->at, "there is a comma before the closing bracket; remove it");
	return byte == ',';
}

static int lex_member(struct lexer *lexer)
{
	if (peek(lexer) != '"')
		return fail_expected(lexer, "a name in double quotes");
	int rc = lex_string(lexer);
	if (rc < 0)
		return rc;
	skip_space(lexer);
	if (peek(lexer) != ':')
		return fail_expected(lexer, "a colon after the name");
	buffer_append_byte(lexer->out, ':');
	lexer->at++;
	return lex_value(lexer);
}

static int lex_container(struct lexer *lexer)
{
	bool is_object = *lexer->at == '{';
	uint8_t close = is_object ? '}' : ']';
	if (lexer->depth == lexer->max_depth)
		return json_lex_error(lexer->text, (size_t)(lexer->at - lexer->text.data), lexer->error,
			"objects and arrays are nested more than %u deep", lexer->max_depth);
	lexer->depth++;
	buffer_append_byte(lexer->out, *lexer->at++);
	skip_space(lexer);
	int rc = 1;
	if (peek(lexer) == close) {
		buffer_append_byte(lexer->out, close);
		lexer->at++;
		rc = 0;
	}
	while (rc == 1) {
		rc = is_object ? lex_member(lexer) : lex_value(lexer);
		if (rc == 0)
			rc = lex_separator(lexer, close,
				is_object ? "a comma or } after the value" : "a comma or ] after the value");
	}
	lexer->depth--;
	return rc;
}

static int lex_value(struct lexer *lexer)
{
	skip_space(lexer);
	if (lexer->values++ == lexer->max_values)
		return error_set(lexer->error, -EFBIG, "the JSON text has more than %zu values", lexer->max_values);
	if (lexer->out->is_out_of_memory)
		return error_set(lexer->error, -ENOMEM, "out of memory while reading JSON");
	int byte = peek(lexer);
	if (byte == '{' || byte == '[')
		return lex_container(lexer);
	if (byte == '"')
		return lex_string(lexer);
	if (byte == '-' || (byte >= '0' && byte <= '9'))
		return lex_number(lexer);
	return lex_literal(lexer);
}

int json_lex(struct slice text, const struct json_limits *limits, struct buffer *out, struct error *error)
{
	size_t max_size = limits->max_size < JSON_TEXT_MAX ? limits->max_size : JSON_TEXT_MAX;
	if (text.size > max_size)
		return error_set(
			error, -EFBIG, "the JSON text has %zu bytes; at most %zu can be read", text.size, max_size);
	struct reader r = reader_of(text);
	struct lexer lexer = {
		.text = text,
		.at = r.at,
		.end = r.end,
		.max_depth = limits->max_depth < DEPTH_MAX ? limits->max_depth : DEPTH_MAX,
		.max_values = limits->max_values > 0 ? limits->max_values : SIZE_MAX,
		.max_content = limits->max_content > 0 ? limits->max_content : SIZE_MAX,
		.out = out,
		.error = error,
	};
	if (slice_starts_with(text, "\xef\xbb\xbf"))
		return fail(&lexer, text.data, "the text begins with a byte order mark; save it as UTF-8 without one");
	skip_space(&lexer);
	if (lexer.at == lexer.end)
		return error_set(error, -EINVAL, "the text is empty; a JSON value is needed");
	int rc = lex_value(&lexer);
	if (rc < 0)
		return rc;
	skip_space(&lexer);
	return lexer.at == lexer.end ? 0 : fail_expected(&lexer, "nothing more after the value");
}
