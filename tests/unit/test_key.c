#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "item_json.h"
#include "key.h"

static const struct key_schema pk_sk = { .partition = { "pk", VALUE_S }, .sort = { "sk", VALUE_N }, .has_sort = true };
static const struct key_schema id_only = { .partition = { "id", VALUE_S } };
static const struct key_schema binary_pair = {
	.partition = { "z", VALUE_B }, .sort = { "a", VALUE_B }, .has_sort = true
};

static struct slice parse(const char *text, struct buffer *storage)
{
	struct error error = { 0 };
	buffer_clear(storage);
	if (item_from_json(slice_of_text(text), ITEM_PLAIN, storage, &error) < 0)
		fail_msg("%s: %s", text, error.message);
	return buffer_slice(storage);
}

static void check_refused(const char *text, const struct key_schema *schema, const char *message)
{
	struct buffer storage = BUFFER_INIT;
	struct error error = { 0 };
	struct key key;
	assert_int_equal(key_of_item(parse(text, &storage), schema, &key, &error), -EINVAL);
	assert_string_equal(error.message, message);
	assert_string_equal(error.aws, "ValidationException");
	buffer_free(&storage);
}

static void test_key_of_an_item(void **state)
{
	(void)state;
	struct buffer storage = BUFFER_INIT;
	struct key key;
	struct slice item = parse("{\"a\":1,\"pk\":\"x\",\"sk\":2.0,\"z\":null}", &storage);
	assert_int_equal(key_of_item(item, &pk_sk, &key, NULL), 0);
	assert_true(key.has_sort);
	assert_true(slice_equal(key.partition.bytes, slice_of_text("x")));
	assert_true(slice_equal(key.sort.whole, slice_of_text("N\x01"
							      "2")));
	buffer_free(&storage);
}

static void test_items_without_a_good_key(void **state)
{
	(void)state;
	check_refused(
		"{\"sk\":1}", &pk_sk, "One or more parameter values were invalid: Missing the key pk in the item");
	check_refused(
		"{\"pk\":\"x\"}", &pk_sk, "One or more parameter values were invalid: Missing the key sk in the item");
	check_refused("{\"pk\":1,\"sk\":1}", &pk_sk,
		"One or more parameter values were invalid: Type mismatch for key pk expected: S actual: N");
	static const char *const others[][2] = { { "true", "BOOL" }, { "null", "NULL" }, { "[]", "L" }, { "{}", "M" },
		{ "{\"$binary\":\"\"}", "B" }, { "\"x\"", "S" }, { "{\"$stringSet\":[\"\"]}", "SS" },
		{ "{\"$numberSet\":[1]}", "NS" }, { "{\"$binarySet\":[\"\"]}", "BS" } };
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct buffer text = BUFFER_INIT, message = BUFFER_INIT;
		buffer_append_format(&text, "{\"pk\":\"x\",\"sk\":%s}", others[i][0]);
		buffer_append_format(&message,
			"One or more parameter values were invalid: Type mismatch for key sk expected: N actual: %s",
			others[i][1]);
		check_refused(buffer_text(&text), &pk_sk, buffer_text(&message));
		buffer_free(&text);
		buffer_free(&message);
	}
	check_refused("{\"id\":\"\"}", &id_only,
		"One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
		"empty "
		"string value. Key: id");
	check_refused("{\"z\":{\"$binary\":\"\"},\"a\":{\"$binary\":\"AA==\"}}", &binary_pair,
		"One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
		"empty "
		"binary value. Key: z");
}

static int check_sized(size_t size, bool is_sort, struct error *error)
{
	struct key_attribute attribute = { "id", VALUE_S };
	struct value value = { .tag = VALUE_S, .bytes = { (const uint8_t *)"not read", size } };
	return key_check_value(&value, &attribute, is_sort, error);
}

static void test_key_sizes(void **state)
{
	(void)state;
	struct error error = { 0 };
	assert_int_equal(check_sized(PARTITION_KEY_MAX_BYTES, false, &error), 0);
	assert_int_equal(check_sized(PARTITION_KEY_MAX_BYTES + 1, false, &error), -EINVAL);
	assert_string_equal(error.message, "One or more parameter values were invalid: Size of hashkey has exceeded "
					   "the maximum size limit of2048 bytes");
	assert_int_equal(check_sized(SORT_KEY_MAX_BYTES, true, &error), 0);
	assert_int_equal(check_sized(SORT_KEY_MAX_BYTES + 1, true, &error), -EINVAL);
	assert_string_equal(error.message, "One or more parameter values were invalid: Aggregated size of all range "
					   "keys has exceeded the size limit of "
					   "1024 bytes");
}

static void test_key_items_have_the_key_and_nothing_else(void **state)
{
	(void)state;
	static const char *const bad[] = { "{}", "{\"pk\":\"x\"}", "{\"pk\":\"x\",\"sk\":1,\"a\":1}",
		"{\"pk\":\"x\",\"a\":1}", "{\"pk\":\"x\",\"sk\":\"1\"}", "{\"pk\":1,\"sk\":1}" };
	struct buffer storage = BUFFER_INIT;
	struct error error = { 0 };
	struct key key;
	assert_int_equal(key_of_key_item(parse("{\"pk\":\"x\",\"sk\":1}", &storage), &pk_sk, &key, &error), 0);
	assert_int_equal(key_of_key_item(parse("{\"id\":\"x\"}", &storage), &id_only, &key, &error), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(key_of_key_item(parse(bad[i], &storage), &pk_sk, &key, &error), -EINVAL);
		assert_string_equal(error.message, "The provided key element does not match the schema");
	}
	assert_int_equal(key_of_key_item(slice_of(NULL, 0), &id_only, &key, &error), -EINVAL);
	assert_int_equal(key_of_key_item(parse("{\"pk\":\"\",\"sk\":1}", &storage), &pk_sk, &key, &error), -EINVAL);
	assert_non_null(strstr(error.message, "empty string value"));
	buffer_free(&storage);
}

static struct value value_in(const struct buffer *bytes)
{
	struct reader r = reader_of(buffer_slice(bytes));
	struct value value;
	assert_true(value_read(&r, &value));
	return value;
}

static void check_part(enum value_tag tag, struct slice bytes, struct slice wanted)
{
	struct buffer tagged = BUFFER_INIT, encoded = BUFFER_INIT, storage = BUFFER_INIT;
	struct key key;
	value_append_bytes(&tagged, tag, bytes);
	struct value value = value_in(&tagged);
	key_append_partition(&value, &encoded);
	assert_true(slice_equal(buffer_slice(&encoded), wanted));
	assert_int_equal(key_decode(buffer_slice(&encoded), &storage, &key), 0);
	assert_false(key.has_sort);
	assert_true(slice_equal(key.partition.whole, buffer_slice(&tagged)));
	/* As a partition, alone and with a sort part behind it. */
	struct key pair = { .partition = value, .sort = value, .has_sort = true };
	struct buffer both = BUFFER_INIT;
	key_append_encoded(&pair, &both);
	assert_true(slice_equal(key_encoded_partition(buffer_slice(&encoded)), wanted));
	assert_true(slice_equal(key_encoded_partition(buffer_slice(&both)), wanted));
	buffer_free(&both);
	buffer_free(&tagged);
	buffer_free(&encoded);
	buffer_free(&storage);
}

static void test_encoding(void **state)
{
	(void)state;
	check_part(VALUE_S, slice_of("abc", 3), slice_of("Sabc", 4));
	check_part(VALUE_S, slice_of("a\0b\1c", 5), slice_of("Sa\1\2b\1\3c", 8));
	check_part(VALUE_B, slice_of("\0\1\xff", 3), slice_of("B\1\2\1\3\xff", 6));
	check_part(VALUE_N, slice_of("0", 1), slice_of("N\x80", 2));
	check_part(VALUE_N, slice_of("1", 1), slice_of("N\x82\x03\x0c\x01", 5));
	check_part(VALUE_N, slice_of("-1", 2), slice_of("N\x7e\x7e\x5b\xff", 5));
}

/* Keys of one table in rising order: a partition stands together, numbers go by value. */
static void test_byte_order_is_key_order(void **state)
{
	(void)state;
	static const char *const rising[] = {
		"{\"pk\":\"a\",\"sk\":-1e125}",
		"{\"pk\":\"a\",\"sk\":-2}",
		"{\"pk\":\"a\",\"sk\":0}",
		"{\"pk\":\"a\",\"sk\":9}",
		"{\"pk\":\"a\",\"sk\":10}",
		"{\"pk\":\"a\\u0000\",\"sk\":-5}",
		"{\"pk\":\"a\\u0000\\u0000\",\"sk\":1}",
		"{\"pk\":\"a\\u0000b\",\"sk\":1}",
		"{\"pk\":\"a\\u0001\",\"sk\":1}",
		"{\"pk\":\"a\\u0001\\u0001\",\"sk\":1}",
		"{\"pk\":\"a\\u0002\",\"sk\":1}",
		"{\"pk\":\"aa\",\"sk\":-5}",
		"{\"pk\":\"b\",\"sk\":-5}",
		"{\"pk\":\"\xc3\xa9\",\"sk\":1}",
	};
	struct buffer storage = BUFFER_INIT, before = BUFFER_INIT, now = BUFFER_INIT, decoded = BUFFER_INIT;
	for (size_t i = 0; i < sizeof(rising) / sizeof(rising[0]); i++) {
		struct key key, again;
		assert_int_equal(key_of_item(parse(rising[i], &storage), &pk_sk, &key, NULL), 0);
		buffer_clear(&now);
		key_append_encoded(&key, &now);
		assert_null(memchr(now.data, 0, now.size));
		assert_true(slice_compare(buffer_slice(&before), buffer_slice(&now)) < 0);
		assert_int_equal(key_decode(buffer_slice(&now), &decoded, &again), 0);
		assert_true(again.has_sort);
		assert_true(slice_equal(again.partition.whole, key.partition.whole));
		assert_true(slice_equal(again.sort.whole, key.sort.whole));
		buffer_clear(&before);
		buffer_append_slice(&before, buffer_slice(&now));
	}
	buffer_free(&storage);
	buffer_free(&before);
	buffer_free(&now);
	buffer_free(&decoded);
}

static void test_damaged_encodings(void **state)
{
	(void)state;
#define BYTES(text)                                                                                                    \
	{                                                                                                              \
		(const uint8_t *)(text), sizeof(text) - 1                                                              \
	}
	static const struct slice cases[] = { BYTES(""), BYTES("S"), BYTES("Xa"), BYTES("Sa\0"), BYTES("Sa\1"),
		BYTES("Sa\1\4"), BYTES("Sa\1\1"), BYTES("Sa\1\1S"), BYTES("Sa\1\1X"), BYTES("Sa\1\1Sb\1\1Sc"),
		BYTES("S\1\1Sb"), BYTES("S\xff"), BYTES("N"), BYTES("N\x82\x03\x0c"), BYTES("N\x80\x80"),
		BYTES("N\x80\1"), BYTES("N\x80\1\2"), BYTES("N\x82\x03\x02\x01") };
#undef BYTES
	struct buffer storage = BUFFER_INIT;
	struct key key;
	buffer_append_text(&storage, "before");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (key_decode(cases[i], &storage, &key) != -EIO)
			fail_msg("case %zu was taken", i);
		assert_int_equal(storage.size, 6);
	}
	struct buffer lengthy = BUFFER_INIT;
	buffer_append_byte(&lengthy, 'S');
	for (int i = 0; i < PARTITION_KEY_MAX_BYTES + 1; i++)
		buffer_append_byte(&lengthy, 'x');
	assert_int_equal(key_decode(buffer_slice(&lengthy), &storage, &key), -EIO);
	lengthy.size--;
	assert_int_equal(key_decode(buffer_slice(&lengthy), &storage, &key), 0);
	buffer_free(&lengthy);
	buffer_free(&storage);
}

static void test_key_item(void **state)
{
	(void)state;
	struct buffer storage = BUFFER_INIT, wanted = BUFFER_INIT, out = BUFFER_INIT;
	struct key key;
	assert_int_equal(key_of_item(parse("{\"pk\":\"x\",\"sk\":1,\"b\":2}", &storage), &pk_sk, &key, NULL), 0);
	assert_int_equal(key_append_item(&key, &pk_sk, &out), 0);
	assert_true(slice_equal(parse("{\"pk\":\"x\",\"sk\":1}", &wanted), buffer_slice(&out)));
	/* The sort key's name may come first. */
	buffer_clear(&out);
	parse("{\"z\":{\"$binary\":\"AA==\"},\"a\":{\"$binary\":\"AQ==\"}}", &storage);
	assert_int_equal(key_of_item(buffer_slice(&storage), &binary_pair, &key, NULL), 0);
	assert_int_equal(key_append_item(&key, &binary_pair, &out), 0);
	assert_true(slice_equal(buffer_slice(&storage), buffer_slice(&out)));
	buffer_free(&storage);
	buffer_free(&wanted);
	buffer_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key_of_an_item),
		cmocka_unit_test(test_items_without_a_good_key),
		cmocka_unit_test(test_key_sizes),
		cmocka_unit_test(test_key_items_have_the_key_and_nothing_else),
		cmocka_unit_test(test_encoding),
		cmocka_unit_test(test_byte_order_is_key_order),
		cmocka_unit_test(test_damaged_encodings),
		cmocka_unit_test(test_key_item),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
