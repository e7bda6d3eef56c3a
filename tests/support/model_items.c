#include "model_items.h"

#include <stdio.h>
#include <string.h>

#include "core/number.h"
#include "fixture.h"
#include "model.h"

#define LETTERS "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggghhhhhhhhhhiiiiiiiiiijjjjjjjjjj"

static void append_letters(struct buffer *out, size_t count)
{
	for (; count > 100; count -= 100)
		buffer_append(out, LETTERS, 100);
	buffer_append(out, LETTERS, count);
}

static void append_text(unsigned n, struct buffer *out)
{
	switch (n % 8) {
	case 0:
		buffer_append_format(out, "key %u", n);
		return;
	case 1:
		buffer_append_format(out, "a/%u%%", n);
		return;
	case 2:
		buffer_append_format(out, n % 16 == 2 ? ".hidden %u" : "@%u", n);
		return;
	case 3:
		append_letters(out, 280);
		buffer_append_format(out, "%u", n);
		return;
	case 4:
		append_letters(out, n % 16 == 4 ? 1000 : 690);
		buffer_append_format(out, "%u", n);
		return;
	case 5:
		append_letters(out, 220 + n / 8 % 4 - 4);
		buffer_append_format(out, "%03u~abcdefghijklmnopqrstuvwxya", n);
		return;
	case 6:
		buffer_append(out, "\0\1\1\1", 4);
		buffer_append_format(out, "\xc3\xa9 %u", n);
		buffer_append(out, "\1\1", n % 16 == 6 ? 2 : 1);
		return;
	default:
		append_letters(out, 244 + n % 9);
		buffer_append_format(out, "%02u", n);
	}
}

static void append_number(unsigned n, struct buffer *out)
{
	static const char *const forms[] = { "%u", "-0.%03u1", "-%u.5e20", "%ue-40", "0.%03u5", "%u.25E+100" };
	char text[40], canonical[NUMBER_TEXT_MAX + 1];
	size_t size;
	_Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wformat-nonliteral\"")
		snprintf(text, sizeof(text), forms[n % 6], n + 1);
	_Pragma("GCC diagnostic pop")
		fixture_require(number_canonical(slice_of_text(text), canonical, &size, NULL) == 0, text, NULL);
	buffer_append(out, canonical, size);
}

static void append_binary(unsigned n, struct buffer *out)
{
	static const uint8_t endings[][4] = { { 0, 0, 1, 0 }, { 1, 1, 1, 0 }, { 255, 255, 1, 1 } };
	buffer_append_byte(out, (uint8_t)n);
	if (n % 4 == 3)
		for (int i = 0; i < 600; i++)
			buffer_append_byte(out, 255);
	buffer_append(out, endings[n % 3], 4);
}

/* The tagged value of a key attribute. */
static void append_value(enum value_tag type, unsigned n, struct buffer *out)
{
	struct buffer bytes = BUFFER_INIT;
	if (type == VALUE_S)
		append_text(n, &bytes);
	else if (type == VALUE_N)
		append_number(n, &bytes);
	else
		append_binary(n, &bytes);
	value_append_bytes(out, type, buffer_slice(&bytes));
	buffer_free(&bytes);
}

static void read_values(const struct key_schema *schema, unsigned k, struct buffer *storage, struct key *ret_key)
{
	unsigned partition = schema->has_sort ? k / MODEL_SORTS : k;
	append_value(schema->partition.type, partition, storage);
	if (schema->has_sort)
		append_value(schema->sort.type, k % MODEL_SORTS, storage);
	struct reader reader = reader_of(buffer_slice(storage));
	*ret_key = (struct key){ .has_sort = schema->has_sort };
	value_read(&reader, &ret_key->partition);
	if (schema->has_sort)
		value_read(&reader, &ret_key->sort);
}

void model_items_key(const struct key_schema *schema, unsigned k, struct buffer *out)
{
	struct buffer storage = BUFFER_INIT;
	struct key key;
	read_values(schema, k, &storage, &key);
	buffer_clear(out);
	key_append_encoded(&key, out);
	buffer_free(&storage);
}

void model_items_partition(const struct key_schema *schema, unsigned p, struct buffer *out)
{
	struct buffer storage = BUFFER_INIT;
	struct key key;
	read_values(schema, p * MODEL_SORTS, &storage, &key);
	buffer_clear(out);
	key_append_partition(&key.partition, out);
	buffer_free(&storage);
}

/* Every few hundred bytes something of the variant, and the rest as in the others: as real versions are. */
static void append_content(uint64_t variant, struct buffer *out)
{
	uint64_t random = variant;
	size_t size = variant < 5 ? 60 * variant : variant == 5 ? 3000 : variant == 6 ? 60000 : 500;
	while (out->size < size) {
		buffer_append_format(out, "%016llx", (unsigned long long)fixture_random(&random));
		append_letters(out, variant == 6 ? 40 : 200);
	}
}

void model_items_make(const struct key_schema *schema, unsigned k, uint64_t variant, struct buffer *out)
{
	struct buffer storage = BUFFER_INIT, content = BUFFER_INIT;
	struct value_builder *builder = NULL;
	struct key key;
	read_values(schema, k, &storage, &key);
	append_content(variant, &content);
	fixture_require(value_builder_new(VALUE_M, &builder) == 0, "build an item", NULL);
	buffer_append_slice(value_builder_member(builder, slice_of_text(schema->partition.name)), key.partition.whole);
	if (schema->has_sort)
		buffer_append_slice(value_builder_member(builder, slice_of_text(schema->sort.name)), key.sort.whole);
	value_append_plain(value_builder_member(builder, slice_of_text("flag")), variant % 2 ? VALUE_TRUE : VALUE_NULL);
	value_append_bytes(value_builder_member(builder, slice_of_text("text")), VALUE_S, buffer_slice(&content));
	buffer_clear(out);
	fixture_require(value_builder_finish(builder, out, NULL) == 0, "build an item", NULL);
	value_builder_free(builder);
	buffer_free(&content);
	buffer_free(&storage);
}

struct json *model_items_request(const char *name, uint64_t *random)
{
	static const char types[] = "SSNB";
	struct json *request = NULL;
	struct buffer text = BUFFER_INIT;
	struct error error = { 0 };
	bool has_sort = fixture_random_below(random, 2);
	buffer_append_format(
		&text, "{\"TableName\":\"%s\",\"KeySchema\":[{\"AttributeName\":\"id\",\"KeyType\":\"HASH\"}", name);
	if (has_sort)
		buffer_append_text(&text, ",{\"AttributeName\":\"at\",\"KeyType\":\"RANGE\"}");
	buffer_append_format(&text, "],\"AttributeDefinitions\":[{\"AttributeName\":\"id\",\"AttributeType\":\"%c\"}",
		types[fixture_random_below(random, 4)]);
	if (has_sort)
		buffer_append_format(&text, ",{\"AttributeName\":\"at\",\"AttributeType\":\"%c\"}",
			types[fixture_random_below(random, 4)]);
	buffer_append_text(&text, "],\"BillingMode\":\"PAY_PER_REQUEST\"}");
	fixture_require(
		json_parse(buffer_slice(&text), &json_default_limits, &request, &error) == 0, "a request", &error);
	buffer_free(&text);
	return request;
}
