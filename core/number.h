/* DynamoDB numbers: text of up to 38 significant digits, magnitude 1E-130 to 9.99..E+125, never passed through a double.
 * Rules and texts: the DynamoDB developer guide (naming rules and data types), summarised in the README's reference. */
#ifndef PITR_NUMBER_H
#define PITR_NUMBER_H

#include <stdbool.h>

#include "bytes.h"
#include "error.h"

#define NUMBER_TEXT_MAX 172   /* longest canonical form, with sign, without NUL */
#define NUMBER_ORDERED_MAX 24 /* longest ordered form in bytes */

/* Canonical form: plain decimal, no exponent, no '+', no leading or trailing zeros, "-0" and "0.0" are "0".
 * Writes a NUL-terminated text into `ret_text` (at least NUMBER_TEXT_MAX + 1 bytes) and its length. Accepts
 * [+-]? digits with at most one point and at least one digit, optional exponent, nothing else. -EINVAL with
 * DynamoDB's own message: not a number, over 38 digits, overflow, underflow. */
int number_canonical(struct slice text, char *ret_text, size_t *ret_size, struct error *error);

/* Compares two canonical numbers by value: <0, 0, >0. */
int number_compare(struct slice a, struct slice b);

/* A form of a canonical number whose byte order is the numeric order, self-delimiting, without zero bytes.
 * Appends at most NUMBER_ORDERED_MAX bytes. number_from_ordered gives the canonical text back (0 or -EINVAL). */
void number_append_ordered(struct slice canonical, struct buffer *out);
int number_from_ordered(struct slice ordered, char *ret_text, size_t *ret_size);
/* How many bytes the ordered form that starts `bytes` takes; 0 when none can start there. */
size_t number_ordered_size(struct slice bytes);

/* Size of a canonical number as DynamoDB counts it: 1 + ceil(integer digits/2) + ceil(fraction digits/2) + 1 if
 * negative, digits without leading and trailing zeros; zero is 1. */
size_t number_size_bytes(struct slice canonical);

#endif
