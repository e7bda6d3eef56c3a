/* The lexical pass of json_parse: checks the whole grammar and rewrites the text into one that cJSON cannot misread.
 *
 * In the text that comes out there is no white space, and every string, name and number is a string literal that begins
 * with a header of JSON_MARK_SIZE bytes: a mark, then the place in the original text as bytes of seven bits with the top
 * bit set. \u0000 becomes the bytes C0 80, which valid UTF-8 never has. */
#ifndef PITR_JSON_LEX_H
#define PITR_JSON_LEX_H

#include "bytes.h"
#include "error.h"
#include "json.h"

#define JSON_MARK_STRING 's'
#define JSON_MARK_NUMBER 'n'
#define JSON_MARK_SIZE 6
#define JSON_TEXT_MAX ((size_t)INT32_MAX) /* sizes and counts are kept in 31 bits */

/* Appends the rewritten text. 0, -EINVAL, -EFBIG, -ENOMEM. */
int json_lex(struct slice text, const struct json_limits *limits, struct buffer *out, struct error *error);

/* The place a header tells. */
size_t json_lex_place(const char *header);

/* Sets an -EINVAL error that begins with the line and column of `place` in `text`. */
int json_lex_error(struct slice text, size_t place, struct error *error, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
