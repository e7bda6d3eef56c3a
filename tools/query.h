/* JMESPath, as AWS's command line takes it for --query: a text to an expression, an expression and a JSON value to another
 * JSON value.
 *
 * As in AWS's implementation beyond the specification: texts can be ordered with <, and a `literal` that is not JSON is
 * a text. Numbers that are only passed on keep their digits. Both sides are bounded: a text of 4 KB, nested 64 deep, and
 * work and memory in proportion to the value that is asked. */
#ifndef PITR_TOOLS_QUERY_H
#define PITR_TOOLS_QUERY_H

#include "bytes.h"
#include "error.h"
#include "json.h"

#define QUERY_TEXT_MAX 4096
#define QUERY_DEPTH_MAX 64

struct query;

/* 0, or -EINVAL with the column and what was expected there, -ENOMEM. Names and numbers of arguments of functions are
 * checked here too. Free with query_free. */
int query_parse(struct slice text, struct query **ret_query, struct error *error);
void query_free(struct query *query);

/* Appends the result to `out` as compact JSON; what selects nothing is null. -EINVAL when a function is given a value of a
 * type that it does not take, -EFBIG when the work or the result exceeds the bounds, -ENOMEM. */
int query_run(const struct query *query, const struct json *root, struct buffer *out, struct error *error);

#endif
