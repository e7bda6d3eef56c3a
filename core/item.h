/* Items and attribute values in one flat, canonical form: equal items are equal bytes.
 *
 *   item   := map
 *   value  := tag body
 *     S N B      : tag, varint length, bytes            (N: canonical text)
 *     TRUE FALSE NULL : tag
 *     L          : tag, varint body length, varint count, values
 *     M          : tag, varint body length, varint count, (varint name length, name, value)...  sorted by name bytes
 *     SS NS BS   : tag, varint body length, varint count, (varint length, bytes)...  sorted; NS by value
 * Body length counts what follows it (count included). An item is a value with tag M.
 * Invariants: names unique, sets not empty and without duplicates, strings and names valid UTF-8, at most ITEM_MAX_DEPTH
 * levels. item_check verifies all of them on bytes from outside. */
#ifndef PITR_ITEM_H
#define PITR_ITEM_H

#include <stdbool.h>

#include "bytes.h"
#include "error.h"

#define ITEM_MAX_SIZE_BYTES 409600 /* DynamoDB's 400 KB, by item_size_bytes */
#define ITEM_MAX_DEPTH 32

enum value_tag {
	VALUE_S = 'S',
	VALUE_N = 'N',
	VALUE_B = 'B',
	VALUE_TRUE = 'T',
	VALUE_FALSE = 'F',
	VALUE_NULL = '0',
	VALUE_L = 'L',
	VALUE_M = 'M',
	VALUE_SS = 's',
	VALUE_NS = 'n',
	VALUE_BS = 'b',
};

/* --- reading; all results are borrowed from the slice given --- */

/* One value read in place. */
struct value {
	enum value_tag tag;
	struct slice bytes; /* S N B: the bytes; otherwise empty */
	size_t count;       /* L M SS NS BS: how many */
	struct slice body;  /* L M SS NS BS: the members' bytes, after the count */
	struct slice whole; /* the value's own bytes, tag included */
};

/* Reads the value at the reader's place and moves past it. False on damaged bytes. */
bool value_read(struct reader *r, struct value *ret_value);
/* Iterates: for L give name NULL; for M the name is filled; for sets `member` has tag S, N or B.
 * `r` starts as reader_of(value.body). False at the end or on damage (r->is_bad tells). */
bool value_next(const struct value *container, struct reader *r, struct slice *ret_name, struct value *ret_member);

/* The attribute of a map (or of a whole item) by name. False: none. */
bool item_attribute(struct slice item, struct slice name, struct value *ret_value);

/* Verifies every invariant of the form. 0 or -EIO. */
int item_check(struct slice item);

/* Size as DynamoDB counts it (developer guide, item sizes and formats): names plus values. */
size_t item_size_bytes(struct slice item);

/* --- building --- */

/* Builders append one value each to `out`. Numbers must be canonical. */
void value_append_bytes(struct buffer *out, enum value_tag tag, struct slice bytes); /* S N B */
void value_append_plain(struct buffer *out, enum value_tag tag);                     /* T F 0 */

/* Collects the members of a container in any order, then appends it sorted and checked. */
struct value_builder;
int value_builder_new(enum value_tag tag, struct value_builder **ret_builder); /* L M SS NS BS */
void value_builder_free(struct value_builder *builder);
/* The buffer into which the next member's value is appended (for sets: the tagged S, N or B). name: only for M. */
struct buffer *value_builder_member(struct value_builder *builder, struct slice name);
/* Appends the container. -EINVAL on a duplicate name or member, or an empty set, with DynamoDB's message; -ENOMEM. */
int value_builder_finish(struct value_builder *builder, struct buffer *out, struct error *error);

/* A copy of `item` with attribute `name` set to the tagged value bytes (or removed when value.size is 0). */
int item_with_attribute(struct slice item, struct slice name, struct slice value, struct buffer *out);

#endif
