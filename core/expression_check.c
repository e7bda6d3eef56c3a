/* What is known of operands before any item is looked at. */
#include "expression_parse.h"

static const char *type_name(enum value_tag tag)
{
	switch (tag) {
	case VALUE_TRUE:
	case VALUE_FALSE:
		return "BOOL";
	case VALUE_NULL:
		return "NULL";
	case VALUE_SS:
		return "SS";
	case VALUE_NS:
		return "NS";
	case VALUE_BS:
		return "BS";
	case VALUE_S:
		return "S";
	case VALUE_N:
		return "N";
	case VALUE_B:
		return "B";
	case VALUE_L:
		return "L";
	default:
		return "M";
	}
}

int operand_check_ordered(struct parser *p, const struct operand *operand, const char *what)
{
	if (operand->kind != OPERAND_VALUE)
		return 0;
	enum value_tag tag = expression_value(p->expression, operand).tag;
	if (expression_is_ordered(tag))
		return 0;
	return parser_fail(p, operand->place, "%s takes texts, numbers and binary values, not one of type %s", what,
		type_name(tag));
}

static bool is_same_path(const struct expression *e, const struct operand *a, const struct operand *b)
{
	if (a->kind != b->kind || a->kind == OPERAND_VALUE || a->step_count != b->step_count)
		return false;
	for (uint32_t i = 0; i < a->step_count; i++) {
		const struct path_step *x = &e->steps[a->first_step + i], *y = &e->steps[b->first_step + i];
		if (x->is_index != y->is_index || x->index != y->index ||
			!slice_equal(expression_bytes(e, x->name), expression_bytes(e, y->name)))
			return false;
	}
	return true;
}

int operand_check_pair(struct parser *p, uint32_t first, uint32_t other)
{
	const struct expression *e = p->expression;
	const struct operand *a = &e->operands[first], *b = &e->operands[other];
	if (is_same_path(e, a, b))
		return parser_fail(p, b->place, "the two sides are the same attribute; they must be distinct");
	if (a->is_quoted && b->kind == OPERAND_PATH && !b->is_quoted)
		return parser_fail(p, a->place,
			"double quotes in front of an attribute can be meant for a text or a name; write 'so' for a "
			"text, `so` for a name");
	return 0;
}

int operand_check_bounds(struct parser *p, uint32_t low)
{
	const struct expression *e = p->expression;
	const struct operand *from = &e->operands[low], *to = &e->operands[low + 1];
	if (from->kind != OPERAND_VALUE || to->kind != OPERAND_VALUE)
		return 0;
	struct value lower = expression_value(e, from), upper = expression_value(e, to);
	if (lower.tag != upper.tag)
		return parser_fail(p, to->place, "the bounds of BETWEEN are of different types, %s and %s",
			type_name(lower.tag), type_name(upper.tag));
	if (expression_compare(&lower, &upper) > 0)
		return parser_fail(p, to->place, "the upper bound of BETWEEN is below the lower one");
	return 0;
}

static int check_type_code(struct parser *p, const struct operand *operand)
{
	static const char *const codes[] = { "S", "SS", "N", "NS", "B", "BS", "BOOL", "NULL", "L", "M" };
	struct value value = { 0 };
	if (operand->kind == OPERAND_VALUE)
		value = expression_value(p->expression, operand);
	for (size_t i = 0; value.tag == VALUE_S && i < sizeof(codes) / sizeof(codes[0]); i++)
		if (slice_equal(value.bytes, slice_of_text(codes[i])))
			return 0;
	return parser_fail(p, operand->place,
		"attribute_type wants the code of a type: 'S', 'N', 'B', 'BOOL', 'NULL', 'L', 'M', 'SS', 'NS' or "
		"'BS'");
}

/* begins_with goes with texts and binary values only. */
static int check_beginning(struct parser *p, const struct operand *operand)
{
	if (operand->kind == OPERAND_SIZE)
		return parser_fail(p, operand->place, "size() gives a number, and begins_with takes none");
	if (operand->kind == OPERAND_PATH)
		return 0;
	enum value_tag tag = expression_value(p->expression, operand).tag;
	if (tag == VALUE_S || tag == VALUE_B)
		return 0;
	return parser_fail(
		p, operand->place, "begins_with takes texts and binary values, not one of type %s", type_name(tag));
}

int operand_check_function(struct parser *p, enum condition_kind kind, uint32_t first)
{
	const struct operand *operands = &p->expression->operands[first];
	int result = 0;
	if (kind == CONDITION_TYPE)
		return check_type_code(p, &operands[1]);
	if (kind == CONDITION_BEGINS_WITH)
		result = check_beginning(p, &operands[0]);
	if (result == 0 && kind == CONDITION_BEGINS_WITH)
		result = check_beginning(p, &operands[1]);
	if (result == 0 && is_same_path(p->expression, &operands[0], &operands[1]))
		result = parser_fail(
			p, operands[1].place, "the two operands are the same attribute; they must be distinct");
	return result;
}
