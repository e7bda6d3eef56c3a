/* A second reader of JSON, for texts with nothing unusual in them, which most are: it makes the tree in one pass, in a few pieces of memory.
 * Where json_parse would refuse a text, or has work of its own with it (escapes, many names in one object), it makes none, and
 * json_parse goes the long way, which tells what is wrong. What it makes, json_parse would have made too.
 *
 * It knows no node: json.c has those. */
#ifndef PITR_JSON_QUICK_H
#define PITR_JSON_QUICK_H

#include "bytes.h"

/* Moves `at` behind the string that begins there: *ret_text is what is between its quotes. False: it is unusual. */
bool json_quick_string(const uint8_t **at, const uint8_t *end, struct slice *ret_text);
/* The same for a number. */
bool json_quick_number(const uint8_t **at, const uint8_t *end, struct slice *ret_text);

#endif
