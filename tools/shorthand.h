/* The AWS command line's shorthand for structures, turned into JSON:
 *   AttributeName=id,KeyType=HASH               {"AttributeName":"id","KeyType":"HASH"}
 *   NonKeyAttributes=a,b,ProjectionType=INCLUDE  {"NonKeyAttributes":["a","b"],...}
 *   KeySchema=[{AttributeName=id,KeyType=HASH}],Projection={ProjectionType=ALL}
 *   id={S=1001},ok={BOOL=true} */
#ifndef PITR_TOOLS_SHORTHAND_H
#define PITR_TOOLS_SHORTHAND_H

#include "bytes.h"
#include "error.h"

/* Appends the JSON object. Members that DynamoDB has as numbers or booleans become such. -EINVAL with what was expected,
 * and where. */
int shorthand_to_json(const char *text, struct buffer *out, struct error *error);

#endif
