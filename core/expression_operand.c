/* Paths, literals and placeholders of expressions. */
#include "expression_parse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "item_json.h"
#include "number.h"

#define INDEX_DIGITS_MAX 9

static struct operand *add_operand(struct parser *p, enum operand_kind kind)
{
	struct expression *e = p->expression;
	struct operand *operand = &e->operands[e->operand_count++];
	*operand = (struct operand){ .kind = kind, .place = p->token.place, .first_step = e->step_count };
	return operand;
}

static struct operand *last_operand(struct parser *p)
{
	return &p->expression->operands[p->expression->operand_count - 1];
}

static struct span span_from(const struct parser *p, size_t start)
{
	return (struct span){ (uint32_t)start, (uint32_t)(p->expression->bytes.size - start) };
}

/* --- Paths ---------------------------------------------------------------------------------------------------------- */

static int add_placeholder_name(struct parser *p)
{
	const struct json *member = p->names && json_type(p->names) == JSON_OBJECT ? json_first(p->names) : NULL;
	char shown[80];
	while (member && !slice_equal(json_name(member), p->token.text))
		member = json_next(member);
	token_show(&p->token, shown);
	if (!member)
		return parser_fail(p, p->token.place,
			"An expression attribute name used in the document path is not defined; attribute name: %s",
			shown);
	if (json_type(member) != JSON_STRING || json_text(member).size == 0)
		return parser_fail(p, p->token.place, "the expression attribute name %s is not a text", shown);
	buffer_append_slice(&p->expression->bytes, json_text(member));
	return 0;
}

/* A name at the next token, quoted or not. */
static int parse_name(struct parser *p)
{
	struct expression *e = p->expression;
	size_t start = e->bytes.size;
	int result = 0;
	switch (p->token.kind) {
	case TOKEN_WORD:
		buffer_append_slice(&e->bytes, p->token.text);
		break;
	case TOKEN_QUOTED:
	case TOKEN_NAME_QUOTED:
		expression_unquote(&p->token, &e->bytes);
		break;
	case TOKEN_NAME_PLACEHOLDER:
		result = add_placeholder_name(p);
		break;
	default:
		return parser_expected(p, "the name of an attribute");
	}
	if (result == 0 && e->bytes.size == start)
		result = parser_fail(p, p->token.place, "a name has one character at least");
	if (result < 0)
		return result;
	e->steps[e->step_count++] = (struct path_step){ .name = span_from(p, start) };
	return parser_advance(p);
}

static int parse_index(struct parser *p)
{
	struct expression *e = p->expression;
	uint32_t index = 0;
	struct slice digits = p->token.text;
	bool is_index = p->token.kind == TOKEN_NUMBER && digits.size <= INDEX_DIGITS_MAX;
	for (size_t i = 0; is_index && i < digits.size; i++) {
		is_index = digits.data[i] >= '0' && digits.data[i] <= '9';
		index = index * 10 + (uint32_t)(digits.data[i] - '0');
	}
	if (!is_index)
		return parser_expected(p, "the place in a list, 0 or more,");
	e->steps[e->step_count++] = (struct path_step){ .is_index = true, .index = index };
	int result = parser_advance(p);
	return result < 0 ? result : parser_take(p, TOKEN_RIGHT_BRACKET, "]");
}

static int parse_steps(struct parser *p, uint32_t *ret_count)
{
	uint32_t first = p->expression->step_count;
	int result = parse_name(p);
	while (result == 0 && (p->token.kind == TOKEN_DOT || p->token.kind == TOKEN_LEFT_BRACKET)) {
		bool is_member = p->token.kind == TOKEN_DOT;
		result = parser_advance(p);
		if (result == 0)
			result = is_member ? parse_name(p) : parse_index(p);
	}
	*ret_count = p->expression->step_count - first;
	return result;
}

int parse_path(struct parser *p)
{
	struct token start = p->token;
	if (start.kind != TOKEN_QUOTED && start.kind != TOKEN_NAME_QUOTED && start.kind != TOKEN_NAME_PLACEHOLDER &&
		(start.kind != TOKEN_WORD || parser_is_keyword(&start)))
		return parser_expected(p, "the path of an attribute");
	struct operand *operand = add_operand(p, OPERAND_PATH);
	int result = parse_steps(p, &operand->step_count);
	operand->is_quoted = start.kind == TOKEN_QUOTED && operand->step_count == 1;
	return result;
}

static int parse_size(struct parser *p)
{
	size_t place = p->token.place;
	int result = parser_count_operator(p, place);
	if (result == 0)
		result = parser_advance(p);
	if (result == 0)
		result = parser_take(p, TOKEN_LEFT, "(");
	if (result == 0)
		result = parse_path(p);
	if (result < 0)
		return result;
	last_operand(p)->kind = OPERAND_SIZE;
	last_operand(p)->is_quoted = false;
	last_operand(p)->place = place;
	return parser_take(p, TOKEN_RIGHT, ")");
}

/* --- Values --------------------------------------------------------------------------------------------------------- */

static int end_value(struct parser *p, size_t start)
{
	last_operand(p)->value = span_from(p, start);
	return parser_advance(p);
}

static int parse_text(struct parser *p)
{
	struct expression *e = p->expression;
	struct buffer text = BUFFER_INIT;
	size_t start = e->bytes.size;
	add_operand(p, OPERAND_VALUE);
	expression_unquote(&p->token, &text);
	value_append_bytes(&e->bytes, VALUE_S, buffer_slice(&text));
	int result = buffer_error(&text);
	buffer_free(&text);
	return result < 0 ? result : end_value(p, start);
}

static int parse_number(struct parser *p)
{
	struct expression *e = p->expression;
	char text[NUMBER_TEXT_MAX + 1];
	size_t size, start = e->bytes.size;
	struct error error = { 0 };
	if (number_canonical(p->token.text, text, &size, &error) < 0)
		return parser_fail(p, p->token.place, "%s", error.message);
	add_operand(p, OPERAND_VALUE);
	value_append_bytes(&e->bytes, VALUE_N, slice_of(text, size));
	return end_value(p, start);
}

static int parse_plain(struct parser *p, enum value_tag tag)
{
	size_t start = p->expression->bytes.size;
	add_operand(p, OPERAND_VALUE);
	value_append_plain(&p->expression->bytes, tag);
	return end_value(p, start);
}

/* The same placeholder is stored once. */
static bool find_placeholder(const struct parser *p, struct span *ret_value)
{
	const struct expression *e = p->expression;
	for (uint32_t i = 0; i < e->operand_count; i++) {
		struct span span = e->operands[i].placeholder;
		if (span.size > 0 && slice_equal(slice_of(e->text.data + span.at, span.size), p->token.text)) {
			*ret_value = e->operands[i].value;
			return true;
		}
	}
	return false;
}

static int read_placeholder(struct parser *p, struct span *ret_value)
{
	const struct json *member = p->values && json_type(p->values) == JSON_OBJECT ? json_first(p->values) : NULL;
	size_t start = p->expression->bytes.size;
	struct error error = { 0 };
	char shown[80];
	while (member && !slice_equal(json_name(member), p->token.text))
		member = json_next(member);
	token_show(&p->token, shown);
	if (!member)
		return parser_fail(p, p->token.place,
			"An expression attribute value used in expression is not defined; attribute value: %s", shown);
	int result = value_from_tree(member, ITEM_DYNAMODB, &p->expression->bytes, &error);
	if (result == -ENOMEM)
		return result;
	if (result < 0)
		return parser_fail(p, p->token.place, "the value of %s: %s", shown, error_text(&error));
	*ret_value = span_from(p, start);
	return 0;
}

static int parse_placeholder(struct parser *p)
{
	struct span value = { 0 };
	int result = find_placeholder(p, &value) ? 0 : read_placeholder(p, &value);
	if (result < 0)
		return result;
	struct operand *operand = add_operand(p, OPERAND_VALUE);
	operand->placeholder = (struct span){ (uint32_t)p->token.place, (uint32_t)p->token.text.size };
	operand->value = value;
	return parser_advance(p);
}

static int parse_word(struct parser *p)
{
	enum token_kind next = parser_peek(p).kind;
	char shown[80];
	if (next == TOKEN_LEFT && slice_equal(p->token.text, slice_of_text("size")))
		return parse_size(p);
	if (next == TOKEN_LEFT && !parser_is_keyword(&p->token)) {
		token_show(&p->token, shown);
		return parser_fail(p, p->token.place, "%s is no function that gives a value; only size() is", shown);
	}
	if (token_is_word(&p->token, "TRUE"))
		return parse_plain(p, VALUE_TRUE);
	if (token_is_word(&p->token, "FALSE"))
		return parse_plain(p, VALUE_FALSE);
	if (token_is_word(&p->token, "NULL"))
		return parse_plain(p, VALUE_NULL);
	if (parser_is_keyword(&p->token))
		return parser_expected(p, "a value");
	return parse_path(p);
}

int parse_operand(struct parser *p, enum quoted_meaning meaning)
{
	enum token_kind next;
	switch (p->token.kind) {
	case TOKEN_WORD:
		return parse_word(p);
	case TOKEN_QUOTED:
		next = parser_peek(p).kind;
		if (meaning == QUOTED_IS_TEXT && next != TOKEN_DOT && next != TOKEN_LEFT_BRACKET)
			return parse_text(p);
		return parse_path(p);
	case TOKEN_NAME_QUOTED:
	case TOKEN_NAME_PLACEHOLDER:
		return parse_path(p);
	case TOKEN_TEXT:
		return parse_text(p);
	case TOKEN_NUMBER:
		return parse_number(p);
	case TOKEN_VALUE_PLACEHOLDER:
		return parse_placeholder(p);
	default:
		return parser_expected(p, meaning == QUOTED_IS_TEXT ? "a value" : "an attribute or a value");
	}
}
