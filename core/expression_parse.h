/* What the parts of the parser share: conditions (expression_parse.c), operands (expression_operand.c), and what can be said
 * of operands beforehand (expression_check.c). */
#ifndef PITR_EXPRESSION_PARSE_H
#define PITR_EXPRESSION_PARSE_H

#include "expression_lex.h"
#include "expression_tree.h"

struct parser {
	struct expression *expression;
	const struct json *names, *values;
	struct token token;    /* the next to be read */
	struct token previous; /* the last that was; text.size 0 at the start */
	unsigned operators, depth;
	struct error *error;
};

/* Whether `token` may be what stands in double quotes for a text: where a value is more likely than a name. */
enum quoted_meaning { QUOTED_IS_NAME, QUOTED_IS_TEXT };

/* Moves on to the next token. 0 or -EINVAL, as all of these. */
int parser_advance(struct parser *p);
/* Takes a token of this kind, or says that `what` was expected. */
int parser_take(struct parser *p, enum token_kind kind, const char *what);
struct token parser_peek(const struct parser *p);
/* One more operator or function. */
int parser_count_operator(struct parser *p, size_t place);
bool parser_is_keyword(const struct token *token);

int parser_fail(struct parser *p, size_t place, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* "expected WHAT after ..., found ...", at the next token. */
int parser_expected(struct parser *p, const char *what);
/* A token as messages show it. */
void token_show(const struct token *token, char shown[80]);

/* Appends an operand to the expression's. */
int parse_operand(struct parser *p, enum quoted_meaning meaning);
/* A path, as the functions that look at attributes want. */
int parse_path(struct parser *p);

/* Is a value that is written down one of those that have an order? `what` is the operator. */
int operand_check_ordered(struct parser *p, const struct operand *operand, const char *what);
/* DynamoDB refuses to compare an attribute with itself. And "a" = b is most likely meant the other way round. */
int operand_check_pair(struct parser *p, uint32_t first, uint32_t other);
/* Bounds that are both written down must be of one type and in order. */
int operand_check_bounds(struct parser *p, uint32_t low);
/* The two operands of a function. */
int operand_check_function(struct parser *p, enum condition_kind kind, uint32_t first);

#endif
