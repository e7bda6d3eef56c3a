/* The difference between two items as a JSON Patch (RFC 6902): operations that make the second from the first, in plain form
 * (item_json.h). Paths are JSON Pointers (RFC 6901). Maps are compared member by member at any depth, lists element by element with what
 * is left over added or removed at the end, other values (sets are values) replaced whole. */
#ifndef PITR_PATCH_H
#define PITR_PATCH_H

#include "bytes.h"

/* Appends the array, compact or as `jq .` prints it at `indent` levels. Equal items give []. -EIO for damaged bytes. */
int patch_to_json(struct slice before, struct slice after, bool is_pretty, unsigned indent, struct buffer *out);

/* Tells each operation: "add", "remove", "replace"; the path as an attribute path for people (a.b[2]); values are tagged value
 * bytes, empty where there is none. Negative from `each` ends it. */
typedef int (*patch_each)(void *context, const char *op, struct slice path, struct slice before, struct slice after);
int patch_walk(struct slice before, struct slice after, patch_each each, void *context);

#endif
