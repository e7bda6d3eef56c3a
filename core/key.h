/* Primary keys: their schema, and their bytes, whose order is the key order.
 *
 * Encoded part := type byte ('B' 'N' 'S'), then  S, B: the bytes with 00 -> 01 02 and 01 -> 01 03;  N:
 * number_append_ordered.
 * Encoded key  := partition part [ 01 01 sort part ].
 * The encoding has no zero bytes, compares by value (1e3 = 1000), and a partition's keys stand together. */
#ifndef PITR_KEY_H
#define PITR_KEY_H

#include <stdbool.h>

#include "bytes.h"
#include "error.h"
#include "item.h"

#define KEY_NAME_MAX 255
#define PARTITION_KEY_MAX_BYTES 2048
#define SORT_KEY_MAX_BYTES 1024

struct key_attribute {
	char name[KEY_NAME_MAX + 1];
	enum value_tag type; /* VALUE_S, VALUE_N or VALUE_B */
};

struct key_schema {
	struct key_attribute partition, sort;
	bool has_sort;
};

/* A key's values in place: tagged S, N or B, borrowed. */
struct key {
	struct value partition, sort;
	bool has_sort;
};

/* The key of an item. -EINVAL with DynamoDB's message: missing, wrong type, empty, too long. */
int key_of_item(struct slice item, const struct key_schema *schema, struct key *ret_key, struct error *error);
/* Checks that an item (e.g. the Keys of a request) has exactly the key attributes. -EINVAL:
 * "The provided key element does not match the schema". */
int key_of_key_item(struct slice item, const struct key_schema *schema, struct key *ret_key, struct error *error);
/* Checks one value against one key attribute: type and size. */
int key_check_value(
	const struct value *value, const struct key_attribute *attribute, bool is_sort, struct error *error);

void key_append_encoded(const struct key *key, struct buffer *out);           /* the whole key */
void key_append_partition(const struct value *partition, struct buffer *out); /* its partition part only */
/* The partition part of an encoded key: all of it, when it has no sort part. Borrowed. */
struct slice key_encoded_partition(struct slice encoded);
/* Decoding appends the tagged value bytes to `storage` and points `ret_key` into it. -EIO on damage. */
int key_decode(struct slice encoded, struct buffer *storage, struct key *ret_key);

/* Appends an item that has the key attributes only. */
int key_append_item(const struct key *key, const struct key_schema *schema, struct buffer *out);

#endif
