#include "key.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "number.h"

/* Bytes 00 and 01 inside a part are escaped with 01, so that 01 01 can only be the separator; it sorts before every
 * continuation of the partition part. */
#define ESCAPE 0x01
#define SEPARATOR 0x01
#define ESCAPED_00 0x02
#define ESCAPED_01 0x03

static const char *type_name(enum value_tag tag)
{
	switch (tag) {
	case VALUE_S:
		return "S";
	case VALUE_N:
		return "N";
	case VALUE_B:
		return "B";
	case VALUE_TRUE:
	case VALUE_FALSE:
		return "BOOL";
	case VALUE_NULL:
		return "NULL";
	case VALUE_L:
		return "L";
	case VALUE_M:
		return "M";
	case VALUE_SS:
		return "SS";
	case VALUE_NS:
		return "NS";
	case VALUE_BS:
		return "BS";
	}
	return "?";
}

int key_check_value(const struct value *value, const struct key_attribute *attribute, bool is_sort, struct error *error)
{
	if (value->tag != attribute->type)
		return error_set_aws(error, -EINVAL, "ValidationException",
			"One or more parameter values were invalid: Type mismatch for key %s expected: %s actual: %s",
			attribute->name, type_name(attribute->type), type_name(value->tag));
	if (value->bytes.size == 0)
		return error_set_aws(error, -EINVAL, "ValidationException",
			"One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
			"contain "
			"an empty %s value. Key: %s",
			value->tag == VALUE_B ? "binary" : "string", attribute->name);
	if (!is_sort && value->bytes.size > PARTITION_KEY_MAX_BYTES)
		return error_set_aws(error, -EINVAL, "ValidationException",
			"One or more parameter values were invalid: Size of hashkey has exceeded the maximum size "
			"limit of2048 "
			"bytes");
	if (is_sort && value->bytes.size > SORT_KEY_MAX_BYTES)
		return error_set_aws(error, -EINVAL, "ValidationException",
			"One or more parameter values were invalid: Aggregated size of all range keys has exceeded the "
			"size "
			"limit of 1024 bytes");
	return 0;
}

static int key_part(struct slice item, const struct key_attribute *attribute, bool is_sort, struct value *ret_value,
	struct error *error)
{
	if (!item_attribute(item, slice_of_text(attribute->name), ret_value))
		return error_set_aws(error, -EINVAL, "ValidationException",
			"One or more parameter values were invalid: Missing the key %s in the item", attribute->name);
	return key_check_value(ret_value, attribute, is_sort, error);
}

int key_of_item(struct slice item, const struct key_schema *schema, struct key *ret_key, struct error *error)
{
	*ret_key = (struct key){ .has_sort = schema->has_sort };
	int rc = key_part(item, &schema->partition, false, &ret_key->partition, error);
	if (rc == 0 && schema->has_sort)
		rc = key_part(item, &schema->sort, true, &ret_key->sort, error);
	return rc;
}

static bool has_attribute(struct slice item, const struct key_attribute *attribute)
{
	struct value value;
	return item_attribute(item, slice_of_text(attribute->name), &value) && value.tag == attribute->type;
}

int key_of_key_item(struct slice item, const struct key_schema *schema, struct key *ret_key, struct error *error)
{
	struct reader r = reader_of(item);
	struct value map;
	size_t count = schema->has_sort ? 2 : 1;
	if (!value_read(&r, &map) || map.tag != VALUE_M || map.count != count ||
		!has_attribute(item, &schema->partition) || (schema->has_sort && !has_attribute(item, &schema->sort)))
		return error_set_aws(
			error, -EINVAL, "ValidationException", "The provided key element does not match the schema");
	return key_of_item(item, schema, ret_key, error);
}

static void append_escaped(struct slice bytes, struct buffer *out)
{
	size_t start = 0;
	for (size_t i = 0; i < bytes.size; i++) {
		if (bytes.data[i] > ESCAPE)
			continue;
		buffer_append(out, bytes.data + start, i - start);
		buffer_append_byte(out, ESCAPE);
		buffer_append_byte(out, bytes.data[i] == 0 ? ESCAPED_00 : ESCAPED_01);
		start = i + 1;
	}
	buffer_append_slice(out, slice_of(bytes.data + start, bytes.size - start));
}

void key_append_partition(const struct value *partition, struct buffer *out)
{
	assert(partition->tag == VALUE_S || partition->tag == VALUE_N || partition->tag == VALUE_B);
	assert(partition->bytes.size > 0);
	buffer_append_byte(out, (uint8_t)partition->tag);
	if (partition->tag == VALUE_N)
		number_append_ordered(partition->bytes, out);
	else
		append_escaped(partition->bytes, out);
}

void key_append_encoded(const struct key *key, struct buffer *out)
{
	key_append_partition(&key->partition, out);
	if (!key->has_sort)
		return;
	buffer_append_byte(out, SEPARATOR);
	buffer_append_byte(out, SEPARATOR);
	key_append_partition(&key->sort, out);
}

struct slice key_encoded_partition(struct slice encoded)
{
	size_t i = 1;
	if (encoded.size && encoded.data[0] == VALUE_N)
		i += number_ordered_size(slice_of(encoded.data + 1, encoded.size - 1));
	while (i + 1 < encoded.size && (encoded.data[i] != SEPARATOR || encoded.data[i + 1] != SEPARATOR))
		i++;
	return slice_of(encoded.data, i + 1 < encoded.size ? i : encoded.size);
}

static bool decode_number(struct reader *r, struct buffer *storage)
{
	size_t encoded_size = number_ordered_size(slice_of(r->at, reader_left(r)));
	struct slice ordered = reader_bytes(r, encoded_size);
	char text[NUMBER_TEXT_MAX + 1];
	size_t size = 0;
	if (number_from_ordered(ordered, text, &size) < 0)
		return false;
	value_append_bytes(storage, VALUE_N, slice_of(text, size));
	return true;
}

/* Undoes the escapes up to the separator or the end. An encoded part is never shorter than its bytes. */
static bool decode_bytes(struct reader *r, enum value_tag tag, struct buffer *storage)
{
	uint8_t bytes[PARTITION_KEY_MAX_BYTES];
	size_t size = 0;
	while (reader_left(r) > 0) {
		uint8_t byte = *r->at;
		if (byte == ESCAPE) {
			uint8_t escaped = reader_left(r) > 1 ? r->at[1] : 0;
			if (escaped == SEPARATOR)
				break;
			if (escaped != ESCAPED_00 && escaped != ESCAPED_01)
				return false;
			byte = escaped == ESCAPED_00 ? 0x00 : 0x01;
			r->at++;
		} else if (byte == 0) {
			return false;
		}
		if (size == sizeof(bytes))
			return false;
		bytes[size++] = byte;
		r->at++;
	}
	if (size == 0 || (tag == VALUE_S && !utf8_is_valid(slice_of(bytes, size))))
		return false;
	value_append_bytes(storage, tag, slice_of(bytes, size));
	return true;
}

static bool decode_part(struct reader *r, struct buffer *storage)
{
	enum value_tag tag = (enum value_tag)reader_byte(r);
	if (tag == VALUE_N)
		return decode_number(r, storage);
	return (tag == VALUE_S || tag == VALUE_B) && decode_bytes(r, tag, storage);
}

int key_decode(struct slice encoded, struct buffer *storage, struct key *ret_key)
{
	struct reader r = reader_of(encoded);
	size_t start = storage->size;
	*ret_key = (struct key){ 0 };
	bool is_good = decode_part(&r, storage);
	if (is_good && reader_left(&r) > 0) {
		ret_key->has_sort = true;
		is_good = reader_byte(&r) == SEPARATOR && reader_byte(&r) == SEPARATOR && decode_part(&r, storage) &&
			  reader_left(&r) == 0;
	}
	if (buffer_error(storage) < 0)
		return -ENOMEM;
	if (!is_good) {
		storage->size = start;
		return -EIO;
	}
	/* Only now: the storage may have moved while it grew. */
	struct reader decoded = reader_of(slice_of(storage->data + start, storage->size - start));
	value_read(&decoded, &ret_key->partition);
	if (ret_key->has_sort)
		value_read(&decoded, &ret_key->sort);
	return 0;
}

int key_append_item(const struct key *key, const struct key_schema *schema, struct buffer *out)
{
	struct value_builder *builder = NULL;
	int rc = value_builder_new(VALUE_M, &builder);
	if (rc < 0)
		return rc;
	buffer_append_slice(value_builder_member(builder, slice_of_text(schema->partition.name)), key->partition.whole);
	if (schema->has_sort)
		buffer_append_slice(value_builder_member(builder, slice_of_text(schema->sort.name)), key->sort.whole);
	rc = value_builder_finish(builder, out, NULL);
	value_builder_free(builder);
	return rc;
}
