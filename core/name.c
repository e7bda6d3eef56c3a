#include "name.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "hash.h"
#include "item_json.h"
#include "number.h"

#define HASH_DIGITS 26
#define CUT_TAIL (1 + HASH_DIGITS) /* "~" and the hash */
#define UNIT_MAX 4                 /* longest character or escape */

static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";

static void write_hash(const uint8_t hash[NAME_HASH_BYTES], char *ret_digits)
{
	unsigned bits = 0, count = 0;
	for (size_t i = 0; i < NAME_HASH_BYTES; i++) {
		bits = bits << 8 | hash[i];
		for (count += 8; count >= 5; count -= 5)
			*ret_digits++ = base32[bits >> (count - 5) & 31];
		bits &= (1u << count) - 1;
	}
	*ret_digits = base32[bits << (5 - count) & 31];
}

static bool read_hash(const uint8_t *digits, uint8_t ret_hash[NAME_HASH_BYTES])
{
	unsigned bits = 0, count = 0;
	size_t size = 0;
	for (size_t i = 0; i < HASH_DIGITS; i++) {
		const char *digit = digits[i] != '\0' ? strchr(base32, digits[i]) : NULL;
		if (digit == NULL)
			return false;
		bits = bits << 5 | (unsigned)(digit - base32);
		count += 5;
		if (count >= 8) {
			count -= 8;
			ret_hash[size++] = (uint8_t)(bits >> count);
			bits &= (1u << count) - 1;
		}
	}
	return bits == 0;
}

static bool is_escaped(uint8_t byte, bool is_first)
{
	return byte < 0x20 || byte == 0x7f || byte == '/' || byte == '%' || (is_first && (byte == '.' || byte == '@'));
}

/* Spells the character that starts `rest` into `ret_unit`, escaped or not; a byte that is not UTF-8 is escaped too.
 * Returns how many bytes of the value it was. */
static size_t spell_unit(struct slice rest, bool is_first, char ret_unit[UNIT_MAX], size_t *ret_size)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t length = utf8_sequence_length(rest);
	if (length == 0 || (length == 1 && is_escaped(rest.data[0], is_first))) {
		ret_unit[0] = '%';
		ret_unit[1] = hex[rest.data[0] >> 4];
		ret_unit[2] = hex[rest.data[0] & 15];
		*ret_size = 3;
		return 1;
	}
	memcpy(ret_unit, rest.data, length);
	*ret_size = length;
	return length;
}

/* Writes the spelling, at most `limit` bytes of it; *ret_is_whole tells whether that was all. Returns the length. */
static size_t spell_text(struct slice text, size_t limit, char *ret_name, bool *ret_is_whole)
{
	size_t size = 0, unit_size = 0;
	*ret_is_whole = false;
	for (size_t i = 0; i < text.size;) {
		char unit[UNIT_MAX];
		i += spell_unit(slice_of(text.data + i, text.size - i), i == 0, unit, &unit_size);
		if (size + unit_size > limit)
			return size;
		memcpy(ret_name + size, unit, unit_size);
		size += unit_size;
	}
	*ret_is_whole = true;
	return size;
}

static size_t spell(const struct value *value, size_t limit, char *ret_name, bool *ret_is_whole)
{
	if (value->tag == VALUE_S)
		return spell_text(value->bytes, limit, ret_name, ret_is_whole);
	/* 192 bytes make 256 digits: more than a name holds. */
	char digits[256];
	struct slice start = slice_of(value->bytes.data, value->bytes.size < 192 ? value->bytes.size : 192);
	struct slice text = value->bytes;
	if (value->tag == VALUE_B)
		text = slice_of(digits, base64url_write(start, digits));
	*ret_is_whole = text.size <= limit;
	size_t size = *ret_is_whole ? text.size : limit;
	memcpy(ret_name, text.data, size);
	return size;
}

size_t name_of_value(const struct value *value, const char *suffix, char *ret_name, bool *ret_is_cut)
{
	assert(value->tag == VALUE_S || value->tag == VALUE_N || value->tag == VALUE_B);
	size_t suffix_size = strlen(suffix);
	uint8_t hash[NAME_HASH_BYTES];
	bool is_whole = false;
	size_t size = spell(value, FILE_NAME_MAX - suffix_size, ret_name, &is_whole);
	memcpy(ret_name + size, suffix, suffix_size + 1);
	/* A value whose own spelling looks like a cut name is cut as well, so that what looks cut always is. */
	bool is_cut = !is_whole || name_is_cut(slice_of(ret_name, size + suffix_size), suffix, hash);
	if (is_cut) {
		size = spell(value, FILE_NAME_MAX - suffix_size - CUT_TAIL, ret_name, &is_whole);
		name_hash_of_value(value, hash);
		ret_name[size] = '~';
		write_hash(hash, ret_name + size + 1);
		size += CUT_TAIL;
		memcpy(ret_name + size, suffix, suffix_size + 1);
	}
	if (ret_is_cut != NULL)
		*ret_is_cut = is_cut;
	return size + suffix_size;
}

static int hex_digit(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	byte |= 0x20;
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static int decode_text(struct slice stem, struct buffer *ret_text, struct error *error)
{
	for (size_t i = 0; i < stem.size; i++) {
		uint8_t byte = stem.data[i];
		if (byte == '%') {
			int high = i + 1 < stem.size ? hex_digit(stem.data[i + 1]) : -1;
			int low = i + 2 < stem.size ? hex_digit(stem.data[i + 2]) : -1;
			if (high < 0 || low < 0)
				return error_set(error, -EINVAL,
					"a '%%' in a name must be followed by two hexadecimal digits; write %%25 for "
					"the character "
					"itself");
			byte = (uint8_t)(high << 4 | low);
			i += 2;
		}
		buffer_append_byte(ret_text, byte);
	}
	if (!utf8_is_valid(buffer_slice(ret_text)))
		return error_set(error, -EINVAL, "the name is not valid UTF-8, which a key of type S must be");
	return 0;
}

static int decode_number(struct slice stem, struct buffer *ret_text, struct error *error)
{
	char text[NUMBER_TEXT_MAX + 1];
	size_t size = 0;
	int rc = number_canonical(stem, text, &size, error);
	if (rc == 0)
		buffer_append(ret_text, text, size);
	return rc;
}

static int decode_stem(struct slice stem, enum value_tag type, struct buffer *ret_bytes, struct error *error)
{
	if (type == VALUE_S)
		return decode_text(stem, ret_bytes, error);
	if (type == VALUE_N)
		return decode_number(stem, ret_bytes, error);
	if (base64url_decode(stem, ret_bytes) < 0)
		return error_set(error, -EINVAL,
			"the name of a key of type B must be base64url without padding (A-Z a-z 0-9 - _)");
	return 0;
}

/* Appends the value that `bytes` make when `name` is exactly how it is spelled. */
static int append_if_spelled(struct slice name, const char *suffix, enum value_tag type, struct slice bytes,
	struct buffer *out, struct error *error)
{
	struct value value = { .tag = type, .bytes = bytes };
	size_t start = out->size;
	value_append_bytes(out, type, bytes);
	if (buffer_error(out) < 0)
		return error_set(error, -ENOMEM, "out of memory while reading a name");
	value.whole = slice_of(out->data + start, out->size - start);
	char right[FILE_NAME_MAX + 1];
	size_t size = name_of_value(&value, suffix, right, NULL);
	if (slice_equal(name, slice_of(right, size)))
		return 0;
	out->size = start;
	return error_set(error, -EINVAL, "the name for this key is spelled \"%s\"", right);
}

int name_to_value(struct slice name, const char *suffix, const struct key_attribute *attribute, struct buffer *out,
	struct error *error)
{
	uint8_t hash[NAME_HASH_BYTES];
	if (!slice_ends_with(name, suffix))
		return error_set(error, -ENOENT, "the name does not end in %s", suffix);
	struct slice stem = slice_of(name.data, name.size - strlen(suffix));
	if (name.size > FILE_NAME_MAX)
		return error_set(error, -EINVAL, "the name is longer than %d bytes", FILE_NAME_MAX);
	if (stem.size == 0)
		return error_set(error, -EINVAL, "the name is empty, and a key cannot be");
	if (name_is_cut(name, suffix, hash))
		return error_set(error, -EINVAL,
			"the name is a cut one, which stands for a key too long for a name; it names an item that "
			"exists, or none");
	struct buffer bytes = BUFFER_INIT;
	int rc = decode_stem(stem, attribute->type, &bytes, error);
	if (rc == 0 && buffer_error(&bytes) < 0)
		rc = error_set(error, -ENOMEM, "out of memory while reading a name");
	if (rc == 0)
		rc = append_if_spelled(name, suffix, attribute->type, buffer_slice(&bytes), out, error);
	buffer_free(&bytes);
	return rc;
}

bool name_is_cut(struct slice name, const char *suffix, uint8_t ret_hash[NAME_HASH_BYTES])
{
	/* A name is cut no earlier than its last character or escape demands. */
	if (!slice_ends_with(name, suffix) || name.size > FILE_NAME_MAX || name.size <= FILE_NAME_MAX - UNIT_MAX)
		return false;
	const uint8_t *tail = name.data + name.size - strlen(suffix) - CUT_TAIL;
	return *tail == '~' && read_hash(tail + 1, ret_hash);
}

void name_hash_of_value(const struct value *value, uint8_t ret_hash[NAME_HASH_BYTES])
{
	assert(value->whole.size > 0);
	hash_strong(value->whole, ret_hash);
}

bool name_is_item_name(struct slice name)
{
	return name.size > strlen(".json") && name.data[0] != '.' && slice_ends_with(name, ".json");
}

static bool is_table_character(uint8_t byte)
{
	bool is_letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
	return is_letter || (byte >= '0' && byte <= '9') || byte == '_' || byte == '.' || byte == '-';
}

int name_check_table(struct slice name, struct error *error)
{
	int shown = name.size < KEY_NAME_MAX ? (int)name.size : KEY_NAME_MAX;
	const char *text = name.size > 0 ? (const char *)name.data : "";
	if (name.size < 3 || name.size > KEY_NAME_MAX)
		return error_set_aws(error, -EINVAL, "ValidationException",
			"the table name \"%.*s\" has %zu characters; it must have 3 to %d", shown, text, name.size,
			KEY_NAME_MAX);
	for (size_t i = 0; i < name.size; i++) {
		if (!is_table_character(name.data[i]))
			return error_set_aws(error, -EINVAL, "ValidationException",
				"the table name \"%.*s\" has a character that is not one of a-z A-Z 0-9 _ . -", shown,
				text);
	}
	if (name.data[0] == '.')
		return error_set_aws(error, -EINVAL, "ValidationException",
			"the table name \"%.*s\" begins with a dot; such names are kept for the mount", shown, text);
	if (slice_equal(name, slice_of_text("restore")))
		return error_set_aws(error, -EINVAL, "ValidationException",
			"the table name \"restore\" is taken by the directory that restores tables; choose another");
	return 0;
}
