/* Conditions: a descent by precedence (OR, AND, NOT, the rest), with the depth of what is nested counted. */
#include "expression_parse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define SHOWN_MAX 60

/* --- Telling what is wrong ------------------------------------------------------------------------------------------ */

static size_t column_of(struct slice text, size_t place)
{
	size_t column = 1;
	for (size_t i = 0; i < place && i < text.size; i++)
		column += (text.data[i] & 0xc0) != 0x80;
	return column;
}

static int fail_at(struct slice text, size_t place, struct error *error, const char *message)
{
	return error_set_aws(
		error, -EINVAL, "ValidationException", "at column %zu: %s", column_of(text, place), message);
}

int parser_fail(struct parser *p, size_t place, const char *format, ...)
{
	char message[400];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	return fail_at(p->expression->text, place, p->error, message);
}

void token_show(const struct token *token, char shown[80])
{
	struct slice text = text_cut(token->text, SHOWN_MAX);
	if (token->kind == TOKEN_END) {
		strcpy(shown, "end of text");
		return;
	}
	bool is_bare = token->kind != TOKEN_TEXT && token->kind != TOKEN_QUOTED && token->kind != TOKEN_NAME_QUOTED;
	int length = snprintf(shown, 80, "%s%.*s%s%s", is_bare ? "'" : "", (int)text.size, (const char *)text.data,
		text.size < token->text.size ? "..." : "", is_bare ? "'" : "");
	for (int i = 0; i < length; i++)
		if ((unsigned char)shown[i] < ' ' || shown[i] == 0x7f)
			shown[i] = ' ';
}

int parser_expected(struct parser *p, const char *what)
{
	char before[80], found[80];
	token_show(&p->previous, before);
	token_show(&p->token, found);
	if (p->previous.text.size == 0)
		return parser_fail(p, p->token.place, "expected %s, found %s", what, found);
	return parser_fail(p, p->token.place, "expected %s after %s, found %s", what, before, found);
}

/* --- Moving along --------------------------------------------------------------------------------------------------- */

int parser_advance(struct parser *p)
{
	p->previous = p->token;
	p->token = expression_token(p->expression->text, token_end(&p->token));
	return p->token.kind == TOKEN_BAD ? parser_fail(p, p->token.place, "%s", p->token.reason) : 0;
}

struct token parser_peek(const struct parser *p)
{
	return expression_token(p->expression->text, token_end(&p->token));
}

int parser_take(struct parser *p, enum token_kind kind, const char *what)
{
	return p->token.kind == kind ? parser_advance(p) : parser_expected(p, what);
}

bool parser_is_keyword(const struct token *token)
{
	static const char *const words[] = { "AND", "OR", "NOT", "BETWEEN", "IN", "TRUE", "FALSE", "NULL" };
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (token_is_word(token, words[i]))
			return true;
	return false;
}

int parser_count_operator(struct parser *p, size_t place)
{
	if (++p->operators > EXPRESSION_OPERATORS_MAX)
		return parser_fail(
			p, place, "an expression has %d operators and functions at most", EXPRESSION_OPERATORS_MAX);
	return 0;
}

static uint32_t add_condition(struct parser *p, enum condition_kind kind, uint32_t first, uint32_t count)
{
	struct expression *e = p->expression;
	e->conditions[e->condition_count] =
		(struct condition){ .kind = kind, .first = first, .count = count, .next = NOWHERE };
	return e->condition_count++;
}

/* --- Conditions ----------------------------------------------------------------------------------------------------- */

static const struct {
	enum token_kind token;
	enum condition_kind kind;
	const char *text;
} comparisons[] = {
	{ TOKEN_EQUAL, CONDITION_EQUAL, "=" },
	{ TOKEN_NOT_EQUAL, CONDITION_NOT_EQUAL, "<>" },
	{ TOKEN_LESS, CONDITION_LESS, "<" },
	{ TOKEN_LESS_EQUAL, CONDITION_LESS_EQUAL, "<=" },
	{ TOKEN_GREATER, CONDITION_GREATER, ">" },
	{ TOKEN_GREATER_EQUAL, CONDITION_GREATER_EQUAL, ">=" },
};

static int parse_comparison(struct parser *p, size_t which, uint32_t first, uint32_t *ret_condition)
{
	struct expression *e = p->expression;
	enum condition_kind kind = comparisons[which].kind;
	bool has_order = kind != CONDITION_EQUAL && kind != CONDITION_NOT_EQUAL;
	int result = parser_count_operator(p, p->token.place);
	if (result == 0)
		result = parser_advance(p);
	uint32_t second = e->operand_count;
	if (result == 0)
		result = parse_operand(p, QUOTED_IS_TEXT);
	if (result == 0)
		result = operand_check_pair(p, first, second);
	if (result == 0 && has_order)
		result = operand_check_ordered(p, &e->operands[first], comparisons[which].text);
	if (result == 0 && has_order)
		result = operand_check_ordered(p, &e->operands[second], comparisons[which].text);
	if (result == 0)
		*ret_condition = add_condition(p, kind, first, 2);
	return result;
}

static int parse_between(struct parser *p, uint32_t first, uint32_t *ret_condition)
{
	struct expression *e = p->expression;
	int result = parser_count_operator(p, p->token.place);
	if (result == 0)
		result = parser_advance(p);
	uint32_t low = e->operand_count;
	if (result == 0)
		result = parse_operand(p, QUOTED_IS_TEXT);
	if (result == 0)
		result = token_is_word(&p->token, "AND") ? parser_advance(p)
							 : parser_expected(p, "AND and the upper bound");
	if (result == 0)
		result = parse_operand(p, QUOTED_IS_TEXT);
	for (uint32_t i = first; result == 0 && i < e->operand_count; i = i < low ? low : i + 1)
		result = operand_check_ordered(p, &e->operands[i], "BETWEEN");
	for (uint32_t i = low; result == 0 && i < e->operand_count; i++)
		result = operand_check_pair(p, first, i);
	if (result == 0)
		result = operand_check_bounds(p, low);
	if (result == 0)
		*ret_condition = add_condition(p, CONDITION_BETWEEN, first, 3);
	return result;
}

static int parse_in(struct parser *p, uint32_t first, uint32_t *ret_condition)
{
	struct expression *e = p->expression;
	size_t place = p->token.place;
	uint32_t list = e->operand_count;
	int result = parser_count_operator(p, place);
	if (result == 0)
		result = parser_advance(p);
	if (result == 0)
		result = parser_take(p, TOKEN_LEFT, "( and the list of values");
	while (result == 0) {
		uint32_t other = e->operand_count;
		result = parse_operand(p, QUOTED_IS_TEXT);
		if (result == 0)
			result = operand_check_pair(p, first, other);
		if (result < 0 || p->token.kind != TOKEN_COMMA)
			break;
		result = parser_advance(p);
	}
	if (result == 0)
		result = parser_take(p, TOKEN_RIGHT, ", or )");
	if (result == 0 && e->operand_count - list > EXPRESSION_IN_MAX)
		result = parser_fail(p, place, "IN takes %d values at most, here are %u", EXPRESSION_IN_MAX,
			e->operand_count - list);
	if (result == 0)
		*ret_condition = add_condition(p, CONDITION_IN, first, e->operand_count - first);
	return result;
}

/* What follows an operand that no operator follows. */
static int fail_operator(struct parser *p)
{
	if (token_is_word(&p->token, "LIKE"))
		return parser_fail(
			p, p->token.place, "there is no LIKE; use begins_with(path, 'text') or contains(path, 'text')");
	if (token_is_word(&p->token, "IS"))
		return parser_fail(p, p->token.place,
			"there is no IS; use attribute_exists(path), attribute_not_exists(path) or path = NULL");
	if (token_is_word(&p->token, "NOT"))
		return parser_fail(p, p->token.place, "NOT stands in front of a condition: NOT path IN (...)");
	return parser_expected(p, "=, <>, <, <=, >, >=, BETWEEN or IN");
}

static bool can_begin_operand(const struct token *token)
{
	return token->kind >= TOKEN_WORD && token->kind <= TOKEN_VALUE_PLACEHOLDER;
}

static int parse_predicate(struct parser *p, uint32_t *ret_condition)
{
	uint32_t first = p->expression->operand_count;
	if (!can_begin_operand(&p->token))
		return parser_expected(p, "a condition");
	int result = parse_operand(p, QUOTED_IS_NAME);
	if (result < 0)
		return result;
	for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]); i++)
		if (p->token.kind == comparisons[i].token)
			return parse_comparison(p, i, first, ret_condition);
	if (token_is_word(&p->token, "BETWEEN"))
		return parse_between(p, first, ret_condition);
	if (token_is_word(&p->token, "IN"))
		return parse_in(p, first, ret_condition);
	return fail_operator(p);
}

/* --- Functions ------------------------------------------------------------------------------------------------------ */

static const struct function {
	const char *name;
	enum condition_kind kind;
	uint32_t operands;
} functions[] = {
	{ "attribute_exists", CONDITION_EXISTS, 1 },
	{ "attribute_not_exists", CONDITION_NOT_EXISTS, 1 },
	{ "attribute_type", CONDITION_TYPE, 2 },
	{ "begins_with", CONDITION_BEGINS_WITH, 2 },
	{ "contains", CONDITION_CONTAINS, 2 },
};

static const struct function *find_function(const struct token *token)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (slice_equal(token->text, slice_of_text(functions[i].name)))
			return &functions[i];
	return NULL;
}

static int parse_function(struct parser *p, const struct function *function, uint32_t *ret_condition)
{
	uint32_t first = p->expression->operand_count;
	bool is_of_path = function->kind == CONDITION_EXISTS || function->kind == CONDITION_NOT_EXISTS;
	int result = parser_count_operator(p, p->token.place);
	if (result == 0)
		result = parser_advance(p);
	if (result == 0)
		result = parser_take(p, TOKEN_LEFT, "(");
	if (result == 0)
		result = is_of_path ? parse_path(p) : parse_operand(p, QUOTED_IS_NAME);
	if (result == 0 && function->operands == 2)
		result = parser_take(p, TOKEN_COMMA, "a comma and the second operand");
	if (result == 0 && function->operands == 2)
		result = parse_operand(p, QUOTED_IS_TEXT);
	if (result == 0)
		result = parser_take(p, TOKEN_RIGHT, ")");
	if (result == 0 && function->operands == 2)
		result = operand_check_function(p, function->kind, first);
	if (result == 0)
		*ret_condition = add_condition(p, function->kind, first, function->operands);
	return result;
}

static int fail_function(struct parser *p)
{
	char shown[80];
	token_show(&p->token, shown);
	return parser_fail(p, p->token.place,
		"there is no function %s; there are attribute_exists, attribute_not_exists, attribute_type, "
		"begins_with, contains and size, in small letters",
		shown);
}

/* --- Precedence ----------------------------------------------------------------------------------------------------- */

static int parse_or(struct parser *p, uint32_t *ret_condition);

static int go_deeper(struct parser *p)
{
	if (++p->depth > EXPRESSION_DEPTH_MAX)
		return parser_fail(p, p->token.place, "nested more than %d levels deep", EXPRESSION_DEPTH_MAX);
	return parser_advance(p);
}

static int parse_group(struct parser *p, uint32_t *ret_condition)
{
	int result = go_deeper(p);
	if (result == 0)
		result = parse_or(p, ret_condition);
	if (result == 0)
		result = parser_take(p, TOKEN_RIGHT, "AND, OR or )");
	p->depth--;
	return result;
}

static int parse_not(struct parser *p, uint32_t *ret_condition);

static int parse_negation(struct parser *p, uint32_t *ret_condition)
{
	uint32_t inner = NOWHERE;
	int result = parser_count_operator(p, p->token.place);
	if (result == 0)
		result = go_deeper(p);
	if (result == 0)
		result = parse_not(p, &inner);
	p->depth--;
	if (result == 0)
		*ret_condition = add_condition(p, CONDITION_NOT, inner, 1);
	return result;
}

static int parse_not(struct parser *p, uint32_t *ret_condition)
{
	if (p->token.kind == TOKEN_LEFT)
		return parse_group(p, ret_condition);
	if (token_is_word(&p->token, "NOT"))
		return parse_negation(p, ret_condition);
	if (p->token.kind == TOKEN_WORD && !parser_is_keyword(&p->token) && parser_peek(p).kind == TOKEN_LEFT &&
		!slice_equal(p->token.text, slice_of_text("size"))) {
		const struct function *function = find_function(&p->token);
		return function ? parse_function(p, function, ret_condition) : fail_function(p);
	}
	if (parser_is_keyword(&p->token) && !token_is_word(&p->token, "TRUE") && !token_is_word(&p->token, "FALSE") &&
		!token_is_word(&p->token, "NULL"))
		return parser_expected(p, "a condition");
	return parse_predicate(p, ret_condition);
}

/* One condition, or several with `word` between them as one. */
static int parse_chain(struct parser *p, const char *word, enum condition_kind kind,
	int (*parse)(struct parser *p, uint32_t *ret_condition), uint32_t *ret_condition)
{
	struct condition *conditions = p->expression->conditions;
	uint32_t first = NOWHERE, last;
	int result = parse(p, &first);
	*ret_condition = last = first;
	if (result < 0 || !token_is_word(&p->token, word))
		return result;
	*ret_condition = add_condition(p, kind, first, 0);
	while (result == 0 && token_is_word(&p->token, word)) {
		uint32_t next = NOWHERE;
		result = parser_count_operator(p, p->token.place);
		if (result == 0)
			result = parser_advance(p);
		if (result == 0)
			result = parse(p, &next);
		conditions[last].next = next;
		last = next;
		if (result < 0)
			return result;
	}
	return result;
}

static int parse_and(struct parser *p, uint32_t *ret_condition)
{
	return parse_chain(p, "AND", CONDITION_AND, parse_not, ret_condition);
}

static int parse_or(struct parser *p, uint32_t *ret_condition)
{
	return parse_chain(p, "OR", CONDITION_OR, parse_and, ret_condition);
}

static int parse_whole(struct parser *p)
{
	int result = parser_advance(p);
	if (result == 0 && p->token.kind == TOKEN_END)
		return error_set_aws(p->error, -EINVAL, "ValidationException",
			"The expression can not be empty; write a condition such as status = 'open'");
	if (result == 0)
		result = parse_or(p, &p->expression->root);
	if (result == 0 && p->token.kind != TOKEN_END)
		result = parser_expected(p, "AND, OR or the end");
	return result < 0 ? result : buffer_error(&p->expression->bytes);
}

/* --- The whole ------------------------------------------------------------------------------------------------------ */

static int check_text(struct slice text, struct error *error)
{
	if (text.size > EXPRESSION_TEXT_MAX)
		return error_set_aws(error, -EINVAL, "ValidationException",
			"Expression size has exceeded the maximum allowed size; it has %zu bytes, %d are allowed",
			text.size, EXPRESSION_TEXT_MAX);
	for (size_t i = 0; i < text.size;) {
		size_t size = utf8_sequence_length(slice_of(text.data + i, text.size - i));
		if (size == 0)
			return fail_at(text, i, error, "what stands here is not UTF-8");
		i += size;
	}
	return 0;
}

static struct expression *make(struct slice text)
{
	size_t parts = text.size + 1;
	struct expression *e = calloc(1, sizeof(*e));
	uint8_t *copy = malloc(parts);
	if (!e || !copy) {
		free(e);
		free(copy);
		return NULL;
	}
	if (text.size > 0)
		memcpy(copy, text.data, text.size);
	e->text = slice_of(copy, text.size);
	e->operands = calloc(parts, sizeof(*e->operands));
	e->steps = calloc(parts, sizeof(*e->steps));
	e->conditions = calloc(parts, sizeof(*e->conditions));
	if (e->operands && e->steps && e->conditions)
		return e;
	expression_free(e);
	return NULL;
}

int expression_parse(struct slice text, const struct json *names, const struct json *values,
	struct expression **ret_expression, struct error *error)
{
	int result = check_text(text, error);
	if (result < 0)
		return result;
	struct expression *e = make(text);
	if (!e)
		return -ENOMEM;
	struct parser p = { .expression = e, .names = names, .values = values, .error = error };
	result = parse_whole(&p);
	if (result < 0) {
		expression_free(e);
		return result;
	}
	*ret_expression = e;
	return 0;
}

void expression_free(struct expression *expression)
{
	if (!expression)
		return;
	free((void *)expression->text.data);
	free(expression->operands);
	free(expression->steps);
	free(expression->conditions);
	buffer_free(&expression->bytes);
	free(expression);
}
