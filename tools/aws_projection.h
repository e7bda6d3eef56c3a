/* ProjectionExpression: names of attributes, or placeholders for them, with commas between. */
#ifndef PITR_TOOLS_AWS_PROJECTION_H
#define PITR_TOOLS_AWS_PROJECTION_H

#include "tools/aws.h"

/* Of a request, parsed. Free with projection_free. */
struct projection {
	struct slice *names; /* borrowed from the request */
	size_t count;        /* 0: everything is wanted */
};
/* -EINVAL, -EOPNOTSUPP for paths into documents. */
int projection_read(const struct json *request, struct projection *ret_projection, struct error *error);
void projection_free(struct projection *projection);
/* The name an attribute has in an expression: what a placeholder stands for. -EINVAL. */
int projection_name(const struct json *request, struct slice text, struct slice *ret_name, struct error *error);
/* Appends a canonical item with the attributes that are wanted. */
int projection_apply(const struct projection *projection, struct slice item, struct buffer *out);

#endif
