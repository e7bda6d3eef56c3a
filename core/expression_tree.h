/* What the parser of expressions builds and the evaluator walks. Everything stands in arrays that are as long as the
 * text, since each part takes a byte of it or more; parts name each other by their places. */
#ifndef PITR_EXPRESSION_TREE_H
#define PITR_EXPRESSION_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "expression.h"
#include "item.h"

#define EXPRESSION_TEXT_MAX 4096
#define EXPRESSION_OPERATORS_MAX 300
#define EXPRESSION_DEPTH_MAX 100
#define EXPRESSION_IN_MAX 100
#define NOWHERE UINT32_MAX

/* A part of the expression's bytes. */
struct span {
	uint32_t at, size;
};

struct path_step {
	bool is_index;
	uint32_t index;
	struct span name;
};

enum operand_kind { OPERAND_PATH, OPERAND_SIZE, OPERAND_VALUE };

struct operand {
	enum operand_kind kind;
	uint32_t first_step, step_count; /* of a path, or of what size() is asked of */
	struct span value;               /* tagged bytes */
	struct span placeholder;         /* in the text; size 0: a literal */
	size_t place;                    /* in the text */
	bool is_quoted;                  /* a path of one name in double quotes, which may have been meant as a text */
};

enum condition_kind {
	CONDITION_AND,
	CONDITION_OR,
	CONDITION_NOT,
	CONDITION_EQUAL,
	CONDITION_NOT_EQUAL,
	CONDITION_LESS,
	CONDITION_LESS_EQUAL,
	CONDITION_GREATER,
	CONDITION_GREATER_EQUAL,
	CONDITION_BETWEEN,
	CONDITION_IN,
	CONDITION_EXISTS,
	CONDITION_NOT_EXISTS,
	CONDITION_TYPE,
	CONDITION_BEGINS_WITH,
	CONDITION_CONTAINS,
};

struct condition {
	enum condition_kind kind;
	uint32_t first; /* of AND, OR, NOT: the first condition inside; else the first operand */
	uint32_t count; /* of operands, which stand one after the other */
	uint32_t next;  /* the next condition inside the same AND or OR, or NOWHERE */
};

struct expression {
	struct slice text;   /* owned */
	struct buffer bytes; /* names and values */
	struct operand *operands;
	struct path_step *steps;
	struct condition *conditions;
	uint32_t operand_count, step_count, condition_count;
	uint32_t root;
};

static inline struct slice expression_bytes(const struct expression *e, struct span span)
{
	return slice_of(e->bytes.data + span.at, span.size);
}

/* The value of a literal or a placeholder. */
static inline struct value expression_value(const struct expression *e, const struct operand *operand)
{
	struct reader r = reader_of(expression_bytes(e, operand->value));
	struct value value = { 0 };
	(void)value_read(&r, &value);
	return value;
}

/* Of values of one type among S, N and B, which alone have an order: <0, 0, >0. */
int expression_compare(const struct value *a, const struct value *b);
static inline bool expression_is_ordered(enum value_tag tag)
{
	return tag == VALUE_S || tag == VALUE_N || tag == VALUE_B;
}

#endif
