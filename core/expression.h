/* DynamoDB's condition expressions, over canonical items: the language of every --where.
 *
 *   condition := operand (= | <> | < | <= | > | >=) operand | operand BETWEEN operand AND operand
 *              | operand IN ( operand, ... ) | function | condition AND condition | condition OR condition
 *              | NOT condition | ( condition )
 *   function  := attribute_exists(path) | attribute_not_exists(path) | attribute_type(path, operand)
 *              | begins_with(path, operand) | contains(path, operand)
 *   operand   := path | literal | :placeholder | size(path)
 *   path      := name | #placeholder  { .name | [index] };  a name with other characters than letters, digits and _
 *                stands in "quotes" or `so`; a quote inside is written twice
 *   literal   := number | 'text' | TRUE | FALSE | NULL, and "text" on the right side: after a comparison, in the bounds of
 *                BETWEEN, in IN's list, as a function's second operand
 * Keywords in any case, functions in small letters. Beyond DynamoDB: literals in place, and reserved words as names.
 *
 * As in DynamoDB: values of different types are not equal, and neither less nor greater; an attribute that is missing is <> to
 * anything, and fulfils no other comparison. BETWEEN and <, <=, >, >= are for S, N and B; numbers compare by value with 38
 * digits, texts by their UTF-8 bytes. size(): characters of S, bytes of B, members of the rest; numbers, booleans and null
 * have none, as if missing. contains: S in S, B in B, a member of a set or list. What can be seen beforehand is refused when
 * parsing: bounds in the wrong order or of two types, values without order in comparisons, an attribute compared with
 * itself. At most 4 KB, 300 operators and functions, 100 values of IN (dynamodb.md 7.7), 100 levels. */
#ifndef PITR_EXPRESSION_H
#define PITR_EXPRESSION_H

#include <stdbool.h>

#include "bytes.h"
#include "error.h"
#include "json.h"

struct expression;

/* `names` and `values` (may be NULL): ExpressionAttributeNames and ExpressionAttributeValues, DynamoDB JSON. -EINVAL
 * (ValidationException): the message tells the place in characters, what was expected and what was found, as in "at column 14:
 * expected a value after '=', found end of text". -ENOMEM. */
int expression_parse(struct slice text, const struct json *names, const struct json *values,
	struct expression **ret_expression, struct error *error);
void expression_free(struct expression *expression); /* NULL is fine */

/* Refuses placeholders that are given but used in none of a request's expressions, as AWS does. */
int expression_check_used(const struct expression *const *expressions, size_t count, const struct json *names,
	const struct json *values, struct error *error);

/* Does a canonical item fulfil it? An empty slice is an item that is not there: attribute_not_exists holds. 1, 0, or
 * -EIO when it is no item. */
int expression_holds(const struct expression *expression, struct slice item);

#endif
