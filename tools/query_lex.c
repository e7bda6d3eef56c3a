#include <errno.h>
#include <string.h>

#include "tools/query_parts.h"

struct lexer {
	struct query_arena *arena;
	struct slice text;
	const uint8_t *at, *end;
	struct query_token *token; /* that is being read */
};

size_t query_column(struct slice text, const uint8_t *at)
{
	size_t column = 1;
	for (const uint8_t *before = text.data; before && before < at; before++)
		column += (*before & 0xc0) != 0x80;
	return column;
}

static bool refuse(struct lexer *lexer, const uint8_t *at, const char *why)
{
	return query_fail(lexer->arena, -EINVAL, "column %zu: %s", query_column(lexer->text, at), why);
}

static bool is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

static bool is_name_start(uint8_t byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
}

static bool read_name(struct lexer *lexer)
{
	const uint8_t *start = lexer->at;
	while (lexer->at < lexer->end && (is_name_start(*lexer->at) || is_digit(*lexer->at)))
		lexer->at++;
	lexer->token->kind = QUERY_TOKEN_NAME;
	lexer->token->text = slice_of(start, (size_t)(lexer->at - start));
	return true;
}

static bool read_number(struct lexer *lexer)
{
	const uint8_t *start = lexer->at;
	lexer->at += *start == '-';
	while (lexer->at < lexer->end && is_digit(*lexer->at))
		lexer->at++;
	lexer->token->kind = QUERY_TOKEN_NUMBER;
	if (lexer->at == start + 1 && *start == '-')
		return refuse(lexer, start,
			"a - stands before the digits of an index; names with a - in them are written in double "
			"quotes");
	if (!query_is_whole(slice_of(start, (size_t)(lexer->at - start)), &lexer->token->number))
		return refuse(lexer, start, "the number is too large");
	return true;
}

/* What is between two `delimiter`s. A backslash takes the next byte with it. */
static bool read_delimited(struct lexer *lexer, const char *unclosed, struct slice *ret_inside)
{
	const uint8_t *start = lexer->at++;
	while (lexer->at < lexer->end && *lexer->at != *start)
		lexer->at += *lexer->at == '\\' && lexer->at + 1 < lexer->end ? 2 : 1;
	if (lexer->at >= lexer->end)
		return refuse(lexer, start, unclosed);
	*ret_inside = slice_of(start + 1, (size_t)(lexer->at - start - 1));
	lexer->at++;
	return true;
}

/* The value that JSON text has; NULL: it is none. */
static const struct query_value *value_of_json(struct lexer *lexer, struct slice text)
{
	struct json *root;
	static const struct json_limits limits = { .max_size = 2 * QUERY_TEXT_MAX, .max_depth = QUERY_DEPTH_MAX };
	if (json_parse(text, &limits, &root, NULL) < 0)
		return NULL;
	const struct query_value *value = query_from_json(lexer->arena, root, /* copies= */ true);
	json_free(root);
	return value;
}

/* `inside` without the backslashes before delimiters. */
static struct slice unescape(struct lexer *lexer, struct slice inside, uint8_t delimiter)
{
	size_t size = 0;
	uint8_t *text = query_alloc(lexer->arena, inside.size + 1);
	for (size_t i = 0; text && i < inside.size; i++) {
		bool is_escape = inside.data[i] == '\\' && i + 1 < inside.size && inside.data[i + 1] == delimiter;
		text[size++] = inside.data[i += is_escape];
	}
	return slice_of(text, size);
}

static bool read_raw(struct lexer *lexer)
{
	struct slice inside;
	if (!read_delimited(lexer, "the text that begins here has no closing '", &inside))
		return false;
	lexer->token->kind = QUERY_TOKEN_LITERAL;
	lexer->token->literal = query_make_text(lexer->arena, JSON_STRING, unescape(lexer, inside, '\''));
	return lexer->token->literal;
}

static const struct query_value *value_of_quoted(struct lexer *lexer, struct slice inside)
{
	struct buffer quoted = BUFFER_INIT;
	buffer_append_byte(&quoted, '"');
	buffer_append_slice(&quoted, inside);
	buffer_append_byte(&quoted, '"');
	const struct query_value *value =
		buffer_error(&quoted) == 0 ? value_of_json(lexer, buffer_slice(&quoted)) : NULL;
	buffer_free(&quoted);
	return value;
}

static bool read_literal(struct lexer *lexer)
{
	struct slice inside;
	const uint8_t *start = lexer->at;
	if (!read_delimited(lexer, "the literal that begins here has no closing `", &inside))
		return false;
	inside = unescape(lexer, inside, '`');
	while (inside.size > 0 && strchr(" \t\r\n", inside.data[0]))
		inside = slice_of(inside.data + 1, inside.size - 1);
	lexer->token->kind = QUERY_TOKEN_LITERAL;
	lexer->token->literal = value_of_json(lexer, inside);
	if (!lexer->token->literal)
		lexer->token->literal = value_of_quoted(lexer, inside);
	return lexer->token->literal || refuse(lexer, start, "the literal is not JSON");
}

static bool read_quoted(struct lexer *lexer)
{
	struct slice inside;
	const uint8_t *start = lexer->at;
	if (!read_delimited(lexer, "the name that begins here has no closing \"", &inside))
		return false;
	const struct query_value *name = value_of_json(lexer, slice_of(start, inside.size + 2));
	if (!name)
		return refuse(lexer, start, "the quoted name is not a JSON string");
	lexer->token->kind = QUERY_TOKEN_QUOTED;
	lexer->token->text = name->text;
	return true;
}

/* The longest symbol first. */
static const struct {
	const char *text;
	enum query_token_kind kind;
} symbols[] = {
	{ "||", QUERY_TOKEN_OR },
	{ "&&", QUERY_TOKEN_AND },
	{ "==", QUERY_TOKEN_EQUAL },
	{ "!=", QUERY_TOKEN_UNEQUAL },
	{ "<=", QUERY_TOKEN_LESS_EQUAL },
	{ ">=", QUERY_TOKEN_GREATER_EQUAL },
	{ "[]", QUERY_TOKEN_FLATTEN },
	{ "[?", QUERY_TOKEN_FILTER },
	{ "|", QUERY_TOKEN_PIPE },
	{ "&", QUERY_TOKEN_REFERENCE },
	{ "<", QUERY_TOKEN_LESS },
	{ ">", QUERY_TOKEN_GREATER },
	{ "[", QUERY_TOKEN_BRACKET },
	{ "]", QUERY_TOKEN_CLOSE_BRACKET },
	{ "(", QUERY_TOKEN_PAREN },
	{ ")", QUERY_TOKEN_CLOSE_PAREN },
	{ "{", QUERY_TOKEN_BRACE },
	{ "}", QUERY_TOKEN_CLOSE_BRACE },
	{ ",", QUERY_TOKEN_COMMA },
	{ ":", QUERY_TOKEN_COLON },
	{ "@", QUERY_TOKEN_CURRENT },
	{ "*", QUERY_TOKEN_STAR },
	{ ".", QUERY_TOKEN_DOT },
	{ "!", QUERY_TOKEN_NOT },
};

static bool read_symbol(struct lexer *lexer)
{
	struct slice rest = slice_of(lexer->at, (size_t)(lexer->end - lexer->at));
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		if (!slice_starts_with(rest, symbols[i].text))
			continue;
		lexer->token->kind = symbols[i].kind;
		lexer->at += strlen(symbols[i].text);
		return true;
	}
	return refuse(lexer, lexer->at,
		*lexer->at == '=' ? "a single = compares nothing; use =="
				  : "this character has no meaning here; names with it are written in double quotes");
}

static bool read_token(struct lexer *lexer)
{
	uint8_t first = *lexer->at;
	if (is_name_start(first))
		return read_name(lexer);
	if (is_digit(first) || first == '-')
		return read_number(lexer);
	if (first == '\'')
		return read_raw(lexer);
	if (first == '`')
		return read_literal(lexer);
	return first == '"' ? read_quoted(lexer) : read_symbol(lexer);
}

struct query_token *query_lex(struct query_arena *arena, struct slice text)
{
	struct lexer lexer = { .arena = arena, .text = text, .at = text.data, .end = text.data + text.size };
	struct query_token *tokens = query_alloc(arena, (text.size + 1) * sizeof(*tokens));
	if (!tokens)
		return NULL;
	for (lexer.token = tokens;; lexer.token++) {
		while (lexer.at < lexer.end && (*lexer.at == ' ' || (*lexer.at >= '\t' && *lexer.at <= '\r')))
			lexer.at++;
		lexer.token->shown = slice_of(lexer.at, 0);
		if (lexer.at == lexer.end)
			return tokens;
		if (!read_token(&lexer))
			return NULL;
		lexer.token->shown.size = (size_t)(lexer.at - lexer.token->shown.data);
	}
}
