/* DynamoDB's condition expressions, over canonical items: the language of every --where.
 *
 *   condition := operand (= | <> | < | <= | > | >=) operand | operand BETWEEN operand AND operand
 *              | operand IN ( operand, ... ) | function | condition AND condition | condition OR condition
 *              | NOT condition | ( condition )
 *   function  := attribute_exists(path) | attribute_not_exists(path) | attribute_type(path, operand)
 *              | begins_with(path, operand) | contains(path, operand)
 *   operand   := path | literal | :placeholder | size(path)
 *   path      := name | #placeholder  { .name | [index] };  names that are reserved words or hold other characters: "in quotes" or `so`
 *   literal   := number | 'text' | "text" where a path can't be meant | TRUE | FALSE | NULL
 * Beyond DynamoDB: literals in place, and reserved words as names. Comparing values of different types is false, also
 * <> is true then, as in DynamoDB; missing attributes make every comparison false. Numbers compare by value with 38
 * digits. At most 4 KB, 300 operators (dynamodb.md 7.7), 100 levels. */
#ifndef PITR_EXPRESSION_H
#define PITR_EXPRESSION_H

#include <stdbool.h>

#include "bytes.h"
#include "error.h"
#include "json.h"

struct expression;

/* `names` and `values` (may be NULL): ExpressionAttributeNames and ExpressionAttributeValues, DynamoDB JSON. -EINVAL: the
 * message has the expression's line with what is wrong and where (column, what was found, what was expected). */
int expression_parse(struct slice text, const struct json *names, const struct json *values,
	struct expression **ret_expression, struct error *error);
void expression_free(struct expression *expression); /* NULL is fine */

/* Does a canonical item fulfil it? An empty slice is an item that is not there: attribute_not_exists holds. 1, 0, or negative errno (-ENOMEM, -EIO). */
int expression_holds(const struct expression *expression, struct slice item);

#endif
