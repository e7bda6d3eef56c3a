/* Keys as file names (DESIGN section 2).
 *
 * S: UTF-8 bytes with '/', control characters (00-1f, 7f), '%', and a leading '.' or '@' written %XX (upper-case hex).
 * N: the canonical number. B: base64url without padding. An item's name is its last key part and ".json"; a partition's
 * directory is its partition value alone. A name that would pass 255 bytes is cut at a character (and escape) boundary
 * so that prefix + "~" + 26 lower-case base32 digits of the key's hash (+ ".json") fits; such names are found
 * through an
 * index, not decoded. */
#ifndef PITR_NAME_H
#define PITR_NAME_H

#include <stdbool.h>

#include "bytes.h"
#include "error.h"
#include "item.h"
#include "key.h"

#define FILE_NAME_MAX 255
#define NAME_HASH_BYTES 16

/* The file name of a key part: with suffix ".json" for items, "" for partitions. Writes a NUL-terminated text into
 * `ret_name` (FILE_NAME_MAX + 1 bytes); returns its length. *ret_is_cut (may be NULL) tells that it was cut. */
size_t name_of_value(const struct value *value, const char *suffix, char *ret_name, bool *ret_is_cut);

/* A file name back to the tagged value bytes, appended to `out`. Only the spelling name_of_value gives is accepted:
 * -EINVAL otherwise, with a message that says what the right spelling would be where that is clear.
 * `suffix` as above; -ENOENT when the name does not end in it. */
int name_to_value(struct slice name, const char *suffix, const struct key_attribute *attribute, struct buffer *out,
	struct error *error);

/* Does the name look like a cut one? Then `ret_hash` gets the hash it carries. */
bool name_is_cut(struct slice name, const char *suffix, uint8_t ret_hash[NAME_HASH_BYTES]);
/* The hash a cut name of this value carries: of the tagged value bytes (hash_strong). */
void name_hash_of_value(const struct value *value, uint8_t ret_hash[NAME_HASH_BYTES]);

/* Item names end in ".json" and do not begin with a dot. */
bool name_is_item_name(struct slice name);

/* Table names: 3 to 255 of a-zA-Z0-9_.- (DynamoDB), not "restore", not beginning with '.'. 0 or -EINVAL. */
int name_check_table(struct slice name, struct error *error);

#endif
