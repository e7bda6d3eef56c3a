/* The first byte chooses: a file name to a key of type S, N or B and back, or a key to its file name and back. */
#include <stdlib.h>
#include <string.h>

#include "core/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static const char *const suffixes[] = { ".json", "" };
static const enum value_tag types[] = { VALUE_S, VALUE_N, VALUE_B };

static struct value value_of(const struct buffer *bytes)
{
	struct reader r = reader_of(buffer_slice(bytes));
	struct value value;
	require(value_read(&r, &value) && reader_left(&r) == 0);
	return value;
}

static void check_name(struct slice name, const char *suffix, enum value_tag type)
{
	struct key_attribute attribute = { .name = "id", .type = type };
	struct buffer bytes = BUFFER_INIT;
	struct error error = { 0 };
	char again[FILE_NAME_MAX + 1];
	int rc = name_to_value(name, suffix, &attribute, &bytes, &error);
	if (rc == 0) {
		struct value value = value_of(&bytes);
		bool is_cut = true;
		size_t size = name_of_value(&value, suffix, again, &is_cut);
		require(!is_cut && slice_equal(name, slice_of(again, size)));
		require(key_check_value(&value, &attribute, false, &error) == 0);
	} else {
		require(bytes.size == 0 && error.code == rc);
	}
	buffer_free(&bytes);
}

static void check_value(struct slice content, const char *suffix, enum value_tag type)
{
	struct key_attribute attribute = { .name = "id", .type = type };
	struct buffer bytes = BUFFER_INIT, again = BUFFER_INIT;
	struct error error = { 0 };
	char name[FILE_NAME_MAX + 1];
	uint8_t hash[NAME_HASH_BYTES], wanted[NAME_HASH_BYTES];
	bool is_cut = false;
	value_append_bytes(&bytes, type, content);
	struct value value = value_of(&bytes);
	size_t size = name_of_value(&value, suffix, name, &is_cut);
	require(size <= FILE_NAME_MAX && strlen(name) == size);
	require(strchr(name, '/') == NULL && name[0] != '.' && name[0] != '@');
	require(utf8_is_valid(slice_of(name, size)));
	int rc = name_to_value(slice_of(name, size), suffix, &attribute, &again, &error);
	if (is_cut) {
		require(rc < 0 && name_is_cut(slice_of(name, size), suffix, hash));
		name_hash_of_value(&value, wanted);
		require(memcmp(hash, wanted, sizeof(hash)) == 0);
	} else {
		require(rc == 0 && slice_equal(buffer_slice(&bytes), buffer_slice(&again)));
	}
	buffer_free(&bytes);
	buffer_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	struct slice rest = slice_of(data + 1, size - 1);
	const char *suffix = suffixes[data[0] & 1];
	enum value_tag type = types[data[0] / 2 % 3];
	check_name(rest, suffix, type);
	if (type == VALUE_B || (type == VALUE_S && utf8_is_valid(rest)))
		check_value(rest, suffix, type);
	name_check_table(rest, NULL);
	name_is_item_name(rest);
	return 0;
}
