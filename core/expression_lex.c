#include "expression_lex.h"

#include <string.h>
#include <strings.h>

static bool is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

static bool is_word_start(uint8_t byte)
{
	return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || byte == '_';
}

static bool is_word(uint8_t byte)
{
	return is_word_start(byte) || is_digit(byte);
}

static bool is_space(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* The byte so far after `place`; 0 past the end. */
static uint8_t peek(struct slice text, size_t place, size_t ahead)
{
	return place + ahead < text.size ? text.data[place + ahead] : 0;
}

static struct token token_of(enum token_kind kind, struct slice text, size_t place, size_t size)
{
	return (struct token){ .kind = kind, .place = place, .text = slice_of(text.data + place, size) };
}

static struct token bad(struct slice text, size_t place, size_t size, const char *reason)
{
	struct token token = token_of(TOKEN_BAD, text, place, size);
	token.reason = reason;
	return token;
}

static struct token take_word(struct slice text, size_t place)
{
	size_t size = 1;
	while (is_word(peek(text, place, size)))
		size++;
	return token_of(TOKEN_WORD, text, place, size);
}

static struct token take_placeholder(struct slice text, size_t place)
{
	size_t size = 1;
	bool is_name = text.data[place] == '#';
	while (is_word(peek(text, place, size)))
		size++;
	if (size == 1)
		return bad(text, place, size,
			is_name ? "a name's placeholder is # and letters or digits"
				: "a value's placeholder is : and letters or digits");
	return token_of(is_name ? TOKEN_NAME_PLACEHOLDER : TOKEN_VALUE_PLACEHOLDER, text, place, size);
}

/* All that looks as if it were meant to belong to the number; whether it is one is seen later. */
static struct token take_number(struct slice text, size_t place)
{
	size_t size = 1;
	for (;; size++) {
		uint8_t byte = peek(text, place, size), before = text.data[place + size - 1];
		bool is_exponent_sign = (byte == '+' || byte == '-') && (before == 'e' || before == 'E');
		if (!is_word(byte) && byte != '.' && !is_exponent_sign)
			break;
	}
	return token_of(TOKEN_NUMBER, text, place, size);
}

static struct token take_quoted(struct slice text, size_t place)
{
	uint8_t quote = text.data[place];
	size_t size = 1;
	for (; place + size < text.size; size++) {
		if (text.data[place + size] != quote)
			continue;
		if (peek(text, place, size + 1) != quote) {
			enum token_kind kind = quote == '\''  ? TOKEN_TEXT
					       : quote == '"' ? TOKEN_QUOTED
							      : TOKEN_NAME_QUOTED;
			return token_of(kind, text, place, size + 1);
		}
		size++;
	}
	return bad(text, place, 1, "the quotes that open here are not closed; a quote inside is written twice");
}

/* What people write who know another language. */
static const char *reason_of(struct slice text, size_t place)
{
	uint8_t byte = text.data[place];
	if (byte == '!')
		return peek(text, place, 1) == '=' ? "not equal is written <>" : "not is written NOT";
	if (byte == '=')
		return "equal is written =, with one sign";
	if (byte == '&')
		return "and is written AND";
	if (byte == '|')
		return "or is written OR";
	if (byte == '-' || byte >= 0x80 || byte == '$' || byte == '@' || byte == '/')
		return "a name with other characters than letters, digits and _ stands in quotes, \"so\", and a text "
		       "too, 'so'";
	return "this character has no meaning here";
}

static struct token take_sign(struct slice text, size_t place)
{
	uint8_t next = peek(text, place, 1);
	switch (text.data[place]) {
	case '(':
		return token_of(TOKEN_LEFT, text, place, 1);
	case ')':
		return token_of(TOKEN_RIGHT, text, place, 1);
	case '[':
		return token_of(TOKEN_LEFT_BRACKET, text, place, 1);
	case ']':
		return token_of(TOKEN_RIGHT_BRACKET, text, place, 1);
	case ',':
		return token_of(TOKEN_COMMA, text, place, 1);
	case '.':
		return token_of(TOKEN_DOT, text, place, 1);
	case '=':
		if (next != '=')
			return token_of(TOKEN_EQUAL, text, place, 1);
		break;
	case '<':
		if (next == '>')
			return token_of(TOKEN_NOT_EQUAL, text, place, 2);
		return next == '=' ? token_of(TOKEN_LESS_EQUAL, text, place, 2) : token_of(TOKEN_LESS, text, place, 1);
	case '>':
		return next == '=' ? token_of(TOKEN_GREATER_EQUAL, text, place, 2)
				   : token_of(TOKEN_GREATER, text, place, 1);
	}
	struct slice rest = slice_of(text.data + place, text.size - place);
	size_t size = utf8_sequence_length(rest);
	return bad(text, place, size > 0 ? size : 1, reason_of(text, place));
}

struct token expression_token(struct slice text, size_t place)
{
	while (place < text.size && is_space(text.data[place]))
		place++;
	if (place >= text.size)
		return (struct token){ .kind = TOKEN_END, .place = text.size };
	uint8_t byte = text.data[place];
	if (is_word_start(byte))
		return take_word(text, place);
	if (byte == '#' || byte == ':')
		return take_placeholder(text, place);
	if (is_digit(byte) || ((byte == '-' || byte == '+') && is_digit(peek(text, place, 1))))
		return take_number(text, place);
	if (byte == '\'' || byte == '"' || byte == '`')
		return take_quoted(text, place);
	return take_sign(text, place);
}

bool token_is_word(const struct token *token, const char *word)
{
	return token->kind == TOKEN_WORD && token->text.size == strlen(word) &&
	       strncasecmp((const char *)token->text.data, word, token->text.size) == 0;
}

void expression_unquote(const struct token *token, struct buffer *out)
{
	uint8_t quote = token->text.data[0];
	for (size_t i = 1; i + 1 < token->text.size; i++) {
		buffer_append_byte(out, token->text.data[i]);
		if (token->text.data[i] == quote)
			i++;
	}
}
