/* Texts from anywhere (file names, command lines, lines of input) made fit for JSON that people read. */
#ifndef PITR_TEXT_H
#define PITR_TEXT_H

#include "bytes.h"

/* The longest beginning of `text` of at most `max_bytes` (at least 4) that splits no UTF-8 character. */
struct slice text_cut(struct slice text, size_t max_bytes);

/* Appends a JSON string literal; each byte that is not UTF-8 becomes U+FFFD. */
void text_append_json(struct buffer *out, struct slice text);

#endif
