/* Items as JSON, in two forms, both ways without loss.
 *
 * Plain form: S string, N number literal (canonical digits), BOOL, NULL, M object, L array; what JSON lacks is wrapped:
 * {"$binary":"base64"}, {"$stringSet":[..]}, {"$numberSet":[..]}, {"$binarySet":[..]}. A map with exactly one member
 * whose name is one of these with any number of '$' in front (one or more) gets one more '$' when written and
 * loses it when read.
 * DynamoDB form: {"id":{"S":"1001"},...} as in the AWS API.
 *
 * Written as `jq .` prints: two-space indent, "name": value, empty containers as {} and [], a newline at the end. Key
 * attributes first (partition, then sort), the rest by name bytes; sets in their stored order. */
#ifndef PITR_ITEM_JSON_H
#define PITR_ITEM_JSON_H

#include "bytes.h"
#include "error.h"
#include "json.h"

enum item_form { ITEM_PLAIN, ITEM_DYNAMODB };
enum item_layout { ITEM_PRETTY, ITEM_COMPACT }; /* COMPACT: one line, no spaces, no newline */

/* Which attributes come first. An empty slice: none. */
struct item_order {
	struct slice partition, sort;
};

/* Text to a canonical item, appended to `out`. Checks types, sizes (EFBIG over 400 KB, with DynamoDB's message), depth,
 * numbers. 0, -EINVAL, -EFBIG, -ENOMEM; messages name the attribute path. */
int item_from_json(struct slice text, enum item_form form, struct buffer *out, struct error *error);
/* The same from a parsed object. */
int item_from_tree(const struct json *object, enum item_form form, struct buffer *out, struct error *error);
/* One DynamoDB-form value ({"S":"x"}) to tagged value bytes. */
int value_from_tree(const struct json *node, enum item_form form, struct buffer *out, struct error *error);

/* A canonical item to text, appended to `out`. 0, -EIO on damaged bytes, -ENOMEM. */
int item_to_json(struct slice item, enum item_form form, enum item_layout layout, const struct item_order *order,
	struct buffer *out);

/* One value likewise, without a newline at the end. `indent`: how many levels in its later lines stand. */
int value_to_json(
	struct slice value, enum item_form form, enum item_layout layout, unsigned indent, struct buffer *out);

/* The length item_to_json would append with ITEM_PRETTY, without building it. 0 on damaged bytes. */
size_t item_json_size(struct slice item, enum item_form form, const struct item_order *order);
/* That of both forms, and what DynamoDB counts (item_size_bytes), which is returned. */
size_t item_json_sizes(struct slice item, size_t *ret_plain, size_t *ret_dynamodb);

/* Standard base64 with padding, and base64url without; decoding is strict (-EINVAL). */
void base64_append(struct buffer *out, struct slice bytes);
/* The same into `ret_text`, room for 4 bytes for each 3 begun; returns the length. No NUL. */
size_t base64_write(struct slice bytes, char *ret_text);
int base64_decode(struct slice text, struct buffer *out);
void base64url_append(struct buffer *out, struct slice bytes);
/* The same into `ret_text`, room for 4 bytes for each 3 begun; returns the length. No NUL. */
size_t base64url_write(struct slice bytes, char *ret_text);
int base64url_decode(struct slice text, struct buffer *out);

#endif
