/* JSON text to a tree, exactly: numbers stay text, strings keep NUL bytes, and bad text gets a position and a reason.
 * The one file that knows cJSON. Since cJSON reads numbers into doubles and ends strings at NUL, json_parse first
 * runs a
 * lexical pass that checks the grammar, UTF-8, depth and duplicate-free escapes, and rewrites numbers as marked
 * strings.
 *
 * Refused: anything RFC 8259 refuses, a byte order mark, lone surrogates, nesting over `max_depth`, text over
 * `max_size` bytes, the same name twice in one object. */
#ifndef PITR_JSON_H
#define PITR_JSON_H

#include <stdbool.h>

#include "bytes.h"
#include "error.h"

enum json_type { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json; /* a node; the root owns the tree */

struct json_limits {
	size_t max_size;    /* of the text; below 2 GiB */
	unsigned max_depth; /* at most 1000 */
	size_t max_values;  /* 0: no bound but the size */
	size_t max_content; /* bytes beside white space, roughly, for texts that may be indented deeply; 0: likewise */
};
extern const struct json_limits json_default_limits; /* 16 MiB, depth 100 */

/* Parses exactly one value with white space around it. 0, -EINVAL (message with line and column), -EFBIG, -ENOMEM.
 * Free the root with json_free. */
int json_parse(struct slice text, const struct json_limits *limits, struct json **ret_root, struct error *error);
void json_free(struct json *root);

enum json_type json_type(const struct json *node);
/* Bytes of a string, or the literal text of a number. Borrowed from the tree; NUL bytes may be inside. Empty for
 * other types. */
struct slice json_text(const struct json *node);
struct slice json_name(const struct json *member);      /* its name, when it is a member of an object */
size_t json_count(const struct json *node);             /* children of an array or object */
const struct json *json_first(const struct json *node); /* first child or NULL */
const struct json *json_next(const struct json *child); /* next sibling or NULL */
const struct json *json_member(const struct json *object, const char *name); /* NULL: none, or not an object */

/* Conveniences over json_member; false when absent or of another type. */
bool json_get_text(const struct json *object, const char *name, struct slice *ret_text);
bool json_get_bool(const struct json *object, const char *name, bool *ret_value);
bool json_get_i64(const struct json *object, const char *name, int64_t *ret_value); /* integers only */

/* Writing: a JSON string literal with quotes, escaped as jq does (", \, control characters as \b\f\n\r\t or \u00XX, and
 * DEL as \u007f; everything else as UTF-8). */
void json_append_string(struct buffer *out, struct slice text);
/* The same into `ret_text`, room for 6 bytes for each and 2; returns the length. No NUL. */
size_t json_write_string(struct slice text, char *ret_text);
/* The length json_append_string would append. */
size_t json_string_size(struct slice text);

/* Appends the tree as compact JSON, numbers as they were written. */
void json_append(struct buffer *out, const struct json *node);

#endif
