/* Evaluating expressions. What an item lacks has no value: tag 0. */
#include "expression.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "expression_lex.h"
#include "expression_tree.h"
#include "number.h"

#define MISSING ((enum value_tag)0)
#define SIZE_TEXT_MAX 24

struct evaluation {
	const struct expression *expression;
	struct slice item;
};

/* --- Operands ------------------------------------------------------------------------------------------------------- */

static bool list_member(const struct value *list, uint32_t index, struct value *ret_member)
{
	struct reader r = reader_of(list->body);
	struct slice name;
	if (list->tag != VALUE_L || index >= list->count)
		return false;
	for (uint32_t i = 0; value_next(list, &r, &name, ret_member); i++)
		if (i == index)
			return true;
	return false;
}

static struct value follow_path(const struct evaluation *evaluation, const struct operand *operand)
{
	const struct expression *e = evaluation->expression;
	struct value value = { .whole = evaluation->item };
	for (uint32_t i = 0; i < operand->step_count; i++) {
		const struct path_step *step = &e->steps[operand->first_step + i];
		struct value next = { 0 };
		bool is_there = step->is_index ? list_member(&value, step->index, &next)
					       : item_attribute(value.whole, expression_bytes(e, step->name), &next);
		if (!is_there)
			return (struct value){ .tag = MISSING };
		value = next;
	}
	return value;
}

static size_t characters(struct slice text)
{
	size_t count = 0;
	for (size_t i = 0; i < text.size; i++)
		count += (text.data[i] & 0xc0) != 0x80;
	return count;
}

/* What has no size (numbers, booleans, null) is missing. */
static struct value size_of(const struct value *value, char text[SIZE_TEXT_MAX])
{
	size_t size;
	switch (value->tag) {
	case VALUE_S:
		size = characters(value->bytes);
		break;
	case VALUE_B:
		size = value->bytes.size;
		break;
	case VALUE_L:
	case VALUE_M:
	case VALUE_SS:
	case VALUE_NS:
	case VALUE_BS:
		size = value->count;
		break;
	default:
		return (struct value){ .tag = MISSING };
	}
	int length = snprintf(text, SIZE_TEXT_MAX, "%zu", size);
	return (struct value){ .tag = VALUE_N, .bytes = slice_of(text, (size_t)length) };
}

static struct value operand_value(const struct evaluation *evaluation, uint32_t which, char text[SIZE_TEXT_MAX])
{
	const struct operand *operand = &evaluation->expression->operands[which];
	if (operand->kind == OPERAND_VALUE)
		return expression_value(evaluation->expression, operand);
	struct value value = follow_path(evaluation, operand);
	return operand->kind == OPERAND_SIZE ? size_of(&value, text) : value;
}

/* --- Comparing ------------------------------------------------------------------------------------------------------ */

int expression_compare(const struct value *a, const struct value *b)
{
	return a->tag == VALUE_N ? number_compare(a->bytes, b->bytes) : slice_compare(a->bytes, b->bytes);
}

/* Canonical values are equal when their bytes are. */
static bool is_equal(const struct value *a, const struct value *b)
{
	if (a->tag != b->tag || a->tag == MISSING)
		return false;
	return expression_is_ordered(a->tag) ? slice_equal(a->bytes, b->bytes) : slice_equal(a->whole, b->whole);
}

static bool is_comparable(const struct value *a, const struct value *b)
{
	return a->tag == b->tag && expression_is_ordered(a->tag);
}

static bool compares(enum condition_kind kind, const struct value *a, const struct value *b)
{
	switch (kind) {
	case CONDITION_EQUAL:
		return is_equal(a, b);
	case CONDITION_NOT_EQUAL:
		return !is_equal(a, b);
	case CONDITION_LESS:
		return is_comparable(a, b) && expression_compare(a, b) < 0;
	case CONDITION_LESS_EQUAL:
		return is_comparable(a, b) && expression_compare(a, b) <= 0;
	case CONDITION_GREATER:
		return is_comparable(a, b) && expression_compare(a, b) > 0;
	default:
		return is_comparable(a, b) && expression_compare(a, b) >= 0;
	}
}

static bool is_in(const struct evaluation *evaluation, const struct condition *condition, const struct value *value)
{
	char text[SIZE_TEXT_MAX];
	for (uint32_t i = 1; i < condition->count; i++) {
		struct value other = operand_value(evaluation, condition->first + i, text);
		if (is_equal(value, &other))
			return true;
	}
	return false;
}

static bool is_between(
	const struct evaluation *evaluation, const struct condition *condition, const struct value *value)
{
	char low_text[SIZE_TEXT_MAX], high_text[SIZE_TEXT_MAX];
	struct value low = operand_value(evaluation, condition->first + 1, low_text);
	struct value high = operand_value(evaluation, condition->first + 2, high_text);
	return compares(CONDITION_GREATER_EQUAL, value, &low) && compares(CONDITION_LESS_EQUAL, value, &high);
}

/* --- Functions ------------------------------------------------------------------------------------------------------ */

static bool is_of_type(const struct value *value, struct slice code)
{
	const char *name = NULL;
	switch (value->tag) {
	case VALUE_S:
	case VALUE_N:
	case VALUE_B:
	case VALUE_L:
	case VALUE_M:
		return code.size == 1 && code.data[0] == (uint8_t)value->tag;
	case VALUE_TRUE:
	case VALUE_FALSE:
		name = "BOOL";
		break;
	case VALUE_NULL:
		name = "NULL";
		break;
	case VALUE_SS:
		name = "SS";
		break;
	case VALUE_NS:
		name = "NS";
		break;
	case VALUE_BS:
		name = "BS";
		break;
	}
	return name && slice_equal(code, slice_of_text(name));
}

static bool begins_with(const struct value *value, const struct value *beginning)
{
	if (value->tag != beginning->tag || (value->tag != VALUE_S && value->tag != VALUE_B))
		return false;
	return value->bytes.size >= beginning->bytes.size &&
	       slice_equal(slice_of(value->bytes.data, beginning->bytes.size), beginning->bytes);
}

/* A text in a text, bytes in bytes, a member of a set or a list. */
static bool contains(const struct value *value, const struct value *part)
{
	struct reader r = reader_of(value->body);
	struct slice name;
	struct value member;
	if (value->tag == VALUE_S || value->tag == VALUE_B) {
		return part->tag == value->tag &&
		       (part->bytes.size == 0 ||
			       (value->bytes.size > 0 && memmem(value->bytes.data, value->bytes.size, part->bytes.data,
								 part->bytes.size) != NULL));
	}
	if (value->tag == VALUE_M)
		return false;
	while (value_next(value, &r, &name, &member))
		if (is_equal(&member, part))
			return true;
	return false;
}

/* --- Conditions ----------------------------------------------------------------------------------------------------- */

static bool holds_simple(const struct evaluation *evaluation, const struct condition *condition)
{
	char first_text[SIZE_TEXT_MAX], second_text[SIZE_TEXT_MAX];
	struct value first = operand_value(evaluation, condition->first, first_text);
	struct value second = { 0 };
	if (condition->count == 2)
		second = operand_value(evaluation, condition->first + 1, second_text);
	switch (condition->kind) {
	case CONDITION_EXISTS:
		return first.tag != MISSING;
	case CONDITION_NOT_EXISTS:
		return first.tag == MISSING;
	case CONDITION_TYPE:
		return is_of_type(&first, second.bytes);
	case CONDITION_BEGINS_WITH:
		return begins_with(&first, &second);
	case CONDITION_CONTAINS:
		return contains(&first, &second);
	case CONDITION_BETWEEN:
		return is_between(evaluation, condition, &first);
	case CONDITION_IN:
		return is_in(evaluation, condition, &first);
	default:
		return compares(condition->kind, &first, &second);
	}
}

/* As deep as the parser let it be. */
static bool holds(const struct evaluation *evaluation, uint32_t which)
{
	const struct condition *conditions = evaluation->expression->conditions;
	const struct condition *condition = &conditions[which];
	bool is_or = condition->kind == CONDITION_OR;
	if (condition->kind == CONDITION_NOT)
		return !holds(evaluation, condition->first);
	if (!is_or && condition->kind != CONDITION_AND)
		return holds_simple(evaluation, condition);
	for (uint32_t i = condition->first; i != NOWHERE; i = conditions[i].next)
		if (holds(evaluation, i) == is_or)
			return is_or;
	return !is_or;
}

int expression_holds(const struct expression *expression, struct slice item)
{
	struct evaluation evaluation = { expression, item };
	struct reader r = reader_of(item);
	struct value map;
	if (item.size > 0 && (!value_read(&r, &map) || map.tag != VALUE_M))
		return -EIO;
	return holds(&evaluation, expression->root) ? 1 : 0;
}

/* --- Placeholders --------------------------------------------------------------------------------------------------- */

static bool uses(const struct expression *e, struct slice placeholder)
{
	struct token token = { 0 };
	do {
		token = expression_token(e->text, token_end(&token));
		if (slice_equal(token.text, placeholder))
			return true;
	} while (token.kind != TOKEN_END);
	return false;
}

static int check_used(const struct expression *const *expressions, size_t count, const struct json *members,
	const char *what, struct error *error)
{
	for (const struct json *member = members ? json_first(members) : NULL; member; member = json_next(member)) {
		struct slice name = json_name(member);
		bool is_used = false;
		for (size_t i = 0; i < count && !is_used; i++)
			is_used = uses(expressions[i], name);
		if (!is_used)
			return error_set_aws(error, -EINVAL, "ValidationException",
				"Value provided in %s unused in expressions: keys: {%.*s}", what,
				(int)(name.size < 100 ? name.size : 100), (const char *)name.data);
	}
	return 0;
}

int expression_check_used(const struct expression *const *expressions, size_t count, const struct json *names,
	const struct json *values, struct error *error)
{
	int result = check_used(expressions, count, names, "ExpressionAttributeNames", error);
	return result < 0 ? result : check_used(expressions, count, values, "ExpressionAttributeValues", error);
}
