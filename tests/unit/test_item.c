#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "item.h"
#include "item_json.h"

static struct slice parse(const char *text, struct buffer *storage)
{
	struct error error = { 0 };
	buffer_clear(storage);
	if (item_from_json(slice_of_text(text), ITEM_PLAIN, storage, &error) < 0)
		fail_msg("%s: %s", text, error.message);
	assert_int_equal(item_check(buffer_slice(storage)), 0);
	return buffer_slice(storage);
}

static void check_size(const char *text, size_t wanted)
{
	struct buffer storage = BUFFER_INIT;
	assert_int_equal(item_size_bytes(parse(text, &storage)), wanted);
	buffer_free(&storage);
}

static void test_stored_bytes(void **state)
{
	(void)state;
	static const uint8_t wanted[] = "M\x18\x04"
					"\x01"
					"aN\x02-1"
					"\x01"
					"bL\x03\x02T0"
					"\x01"
					"cs\x03\x01\x01x"
					"\x01"
					"dF";
	struct buffer storage = BUFFER_INIT;
	struct slice item =
		parse("{\"d\":false,\"c\":{\"$stringSet\":[\"x\"]},\"b\":[true,null],\"a\":-1.0}", &storage);
	assert_int_equal(item.size, sizeof(wanted) - 1);
	assert_memory_equal(item.data, wanted, item.size);
	buffer_free(&storage);
}

static void test_equal_items_are_equal_bytes(void **state)
{
	(void)state;
	struct buffer a = BUFFER_INIT, b = BUFFER_INIT;
	parse("{\"x\":{\"b\":1.0,\"a\":2},\"s\":{\"$numberSet\":[3,1e1]}}", &a);
	parse("{\"s\":{\"$numberSet\":[10,3.00]},\"x\":{\"a\":2e0,\"b\":1}}", &b);
	assert_true(slice_equal(buffer_slice(&a), buffer_slice(&b)));
	buffer_free(&a);
	buffer_free(&b);
}

static void test_walking(void **state)
{
	(void)state;
	struct buffer storage = BUFFER_INIT;
	struct slice item = parse("{\"l\":[\"x\",7],\"s\":{\"$binarySet\":[\"/w==\",\"\"]}}", &storage), name = { 0 };
	struct value value, member;
	assert_true(item_attribute(item, slice_of_text("l"), &value));
	assert_int_equal(value.tag, VALUE_L);
	assert_int_equal(value.count, 2);
	struct reader r = reader_of(value.body);
	assert_true(value_next(&value, &r, &name, &member));
	assert_int_equal(member.tag, VALUE_S);
	assert_true(slice_equal(member.whole, slice_of("S\x01x", 3)));
	assert_true(value_next(&value, &r, &name, &member));
	assert_int_equal(member.tag, VALUE_N);
	assert_false(value_next(&value, &r, &name, &member));
	assert_false(r.is_bad);

	assert_true(item_attribute(item, slice_of_text("s"), &value));
	assert_int_equal(value.tag, VALUE_BS);
	r = reader_of(value.body);
	assert_true(value_next(&value, &r, &name, &member));
	assert_int_equal(member.tag, VALUE_B);
	assert_int_equal(member.bytes.size, 0);
	assert_true(value_next(&value, &r, &name, &member));
	assert_true(slice_equal(member.bytes, slice_of("\xff", 1)));
	assert_false(value_next(&value, &r, &name, &member));

	assert_false(item_attribute(item, slice_of_text("a"), &value));
	assert_false(item_attribute(item, slice_of_text("z"), &value));
	assert_false(item_attribute(slice_of_text("S\x01x"), slice_of_text("a"), &value));
	buffer_free(&storage);
}

static void test_sizes_as_dynamodb_counts(void **state)
{
	(void)state;
	check_size("{}", 0);
	check_size("{\"shirt-color\":\"R\",\"shirt-size\":\"M\"}", 23);
	check_size("{\"n\":null,\"t\":true,\"f\":false}", 6);
	check_size("{\"b\":{\"$binary\":\"AAEC\"}}", 4);
	check_size("{\"l\":[],\"m\":{}}", 8);
	check_size("{\"l\":[1,\"xy\"]}", 1 + 3 + (1 + 2) + (1 + 2));
	check_size("{\"m\":{\"ab\":{\"c\":\"\"}}}", 1 + 3 + (1 + 2 + 3 + (1 + 1)));
	check_size("{\"s\":{\"$stringSet\":[\"a\",\"bc\"]},\"n\":{\"$numberSet\":[1,-42]}}", 1 + 3 + 1 + 5);
	check_size(
		"{\"pk\":\"CUST#100\",\"sk\":1,\"name\":\"Ann\",\"vip\":true,\"tags\":{\"$stringSet\":[\"a\",\"b\"]}}",
		31);
	check_size("{\"pk\":\"CUST#200\",\"sk\":7,\"blob\":{\"$binary\":\"AAEC\"},\"addr\":{\"zip\":\"1000\",\"geo\":["
		   "1.5,null]}}",
		49);
	assert_int_equal(item_size_bytes(slice_of(NULL, 0)), 0);
}

static void check_builder_refuses(
	enum value_tag tag, enum value_tag member_tag, const char *const *members, size_t count, const char *reason)
{
	struct value_builder *builder = NULL;
	struct buffer out = BUFFER_INIT;
	struct error error = { 0 };
	assert_int_equal(value_builder_new(tag, &builder), 0);
	for (size_t i = 0; i < count; i++) {
		struct buffer *member = value_builder_member(builder, slice_of_text(members[i]));
		value_append_bytes(member, member_tag, slice_of_text(members[i]));
	}
	assert_int_equal(value_builder_finish(builder, &out, &error), -EINVAL);
	assert_string_equal(error.message, reason);
	assert_string_equal(error.aws, "ValidationException");
	assert_int_equal(out.size, 0);
	value_builder_free(builder);
	buffer_free(&out);
}

static void test_builder_refuses_duplicates_and_empty_sets(void **state)
{
	(void)state;
	static const char *const same[] = { "a", "b", "a" };
	static const char *const numbers[] = { "1", "1" };
	static const char *const lengthy[] = { "x",
		"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
		"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
		"y",
		"x" };
	check_builder_refuses(VALUE_SS, VALUE_S, same, 3,
		"One or more parameter values were invalid: Input collection [a, b, a] contains duplicates.");
	check_builder_refuses(VALUE_SS, VALUE_S, lengthy, 3,
		"One or more parameter values were invalid: Input collection [x, ...] contains duplicates.");
	check_builder_refuses(VALUE_BS, VALUE_B, same, 3,
		"One or more parameter values were invalid: Input collection [YQ==, Yg==, YQ==]of type BS contains "
		"duplicates.");
	check_builder_refuses(VALUE_NS, VALUE_N, numbers, 2, "Input collection contains duplicates");
	check_builder_refuses(VALUE_M, VALUE_S, same, 3, "the attribute name \"a\" is given twice; keep one of them");
	check_builder_refuses(VALUE_SS, VALUE_S, NULL, 0,
		"One or more parameter values were invalid: An string set  may not be empty");
	check_builder_refuses(VALUE_NS, VALUE_N, NULL, 0,
		"One or more parameter values were invalid: An number set  may not be empty");
	check_builder_refuses(VALUE_BS, VALUE_B, NULL, 0,
		"One or more parameter values were invalid: Binary sets should not be empty");
}

static void test_builder_sorts(void **state)
{
	(void)state;
	static const char *const numbers[] = { "10", "9", "-1", "0.5" };
	struct value_builder *builder = NULL;
	struct buffer out = BUFFER_INIT;
	assert_int_equal(value_builder_new(VALUE_NS, &builder), 0);
	for (size_t i = 0; i < 4; i++)
		value_append_bytes(
			value_builder_member(builder, slice_of(NULL, 0)), VALUE_N, slice_of_text(numbers[i]));
	assert_int_equal(value_builder_finish(builder, &out, NULL), 0);
	assert_true(slice_equal(buffer_slice(&out), slice_of_text("n\x0d\x04\x02-1\x03"
								  "0.5\x01"
								  "9\x02"
								  "10")));
	value_builder_free(builder);
	value_builder_free(NULL);
	buffer_free(&out);
}

static void check_with(const char *before, const char *name, const char *value, const char *after)
{
	struct buffer item = BUFFER_INIT, wanted = BUFFER_INIT, out = BUFFER_INIT;
	parse(before, &item);
	parse(after, &wanted);
	assert_int_equal(item_with_attribute(buffer_slice(&item), slice_of_text(name), slice_of_text(value), &out), 0);
	assert_true(slice_equal(buffer_slice(&wanted), buffer_slice(&out)));
	buffer_free(&item);
	buffer_free(&wanted);
	buffer_free(&out);
}

static void test_with_attribute(void **state)
{
	(void)state;
	check_with("{}", "a", "T", "{\"a\":true}");
	check_with("{\"b\":1,\"d\":2}", "a", "T", "{\"a\":true,\"b\":1,\"d\":2}");
	check_with("{\"b\":1,\"d\":2}", "b", "T", "{\"b\":true,\"d\":2}");
	check_with("{\"b\":1,\"d\":2}", "c", "T", "{\"b\":1,\"c\":true,\"d\":2}");
	check_with("{\"b\":1,\"d\":2}", "d", "T", "{\"b\":1,\"d\":true}");
	check_with("{\"b\":1,\"d\":2}", "e", "T", "{\"b\":1,\"d\":2,\"e\":true}");
	check_with("{\"b\":1,\"d\":2}", "b", "", "{\"d\":2}");
	check_with("{\"b\":1,\"d\":2}", "d", "", "{\"b\":1}");
	check_with("{\"b\":1,\"d\":2}", "c", "", "{\"b\":1,\"d\":2}");
	check_with("{\"b\":1}", "b", "", "{}");
	struct buffer out = BUFFER_INIT;
	assert_int_equal(item_with_attribute(slice_of_text("T"), slice_of_text("a"), slice_of_text("T"), &out), -EIO);
	assert_int_equal(
		item_with_attribute(slice_of("M\x02\x01\x05", 4), slice_of_text("a"), slice_of_text("T"), &out), -EIO);
	assert_int_equal(out.size, 0);
}

static void test_check_finds_damage(void **state)
{
	(void)state;
#define BYTES(text)                                                                                                    \
	{                                                                                                              \
		(const uint8_t *)(text), sizeof(text) - 1                                                              \
	}
	static const struct slice cases[] = {
		BYTES(""), BYTES("M"), BYTES("T"), BYTES("M\x00"), /* no count */
		BYTES("M\x01\x00x"),                               /* bytes behind the item */
		BYTES("M\x81\x00\x00"),                            /* a length longer than need be */
		BYTES("M\x02\x81\x00"),                            /* a count longer than need be */
		BYTES("M\x04\x02\x01"
		      "aT"), /* a count over the members */
		BYTES("M\x07\x01\x01"
		      "aT\x01"
		      "bT"), /* a count under the members */
		BYTES("M\x07\x02\x01"
		      "bT\x01"
		      "aT"), /* names out of order */
		BYTES("M\x07\x02\x01"
		      "aT\x01"
		      "aT"),                 /* a name twice */
		BYTES("M\x03\x01\x00T"),     /* an empty name */
		BYTES("M\x04\x01\x01\xffT"), /* a name not UTF-8 */
		BYTES("M\x04\x01\x01"
		      "a?"), /* no such type */
		BYTES("M\x06\x01\x01"
		      "aS\x01\xff"), /* a string not UTF-8 */
		BYTES("M\x07\x01\x01"
		      "aN\x02"
		      "01"), /* a number not canonical */
		BYTES("M\x05\x01\x01"
		      "aS\x05"), /* a string past the end */
		BYTES("M\x06\x01\x01"
		      "as\x01\x00"), /* an empty set */
		BYTES("M\x0a\x01\x01"
		      "as\x05\x02\x01"
		      "b\x01"
		      "a"), /* a set out of order */
		BYTES("M\x0a\x01\x01"
		      "an\x05\x02\x01"
		      "1\x01"
		      "1"), /* a member twice */
		BYTES("M\x0b\x01\x01"
		      "an\x06\x02\x02"
		      "10\x01"
		      "9"), /* numbers by text instead of value */
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (item_check(cases[i]) != -EIO)
			fail_msg("case %zu was taken", i);
		item_size_bytes(cases[i]);
	}
	static const struct slice good[] = { BYTES("M\x01\x00"),
		BYTES("M\x04\x01\x01"
		      "aT"),
		BYTES("M\x0b\x01\x01"
		      "an\x06\x02\x01"
		      "9\x02"
		      "10") };
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(item_check(good[i]), 0);
#undef BYTES
}

static void wrap_in_lists(struct buffer *value, unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		struct value_builder *builder = NULL;
		struct buffer outer = BUFFER_INIT;
		assert_int_equal(value_builder_new(VALUE_L, &builder), 0);
		buffer_append_slice(value_builder_member(builder, slice_of(NULL, 0)), buffer_slice(value));
		assert_int_equal(value_builder_finish(builder, &outer, NULL), 0);
		value_builder_free(builder);
		buffer_free(value);
		*value = outer;
	}
}

static int check_nested(unsigned times)
{
	struct buffer value = BUFFER_INIT, item = BUFFER_INIT;
	value_append_plain(&value, VALUE_NULL);
	wrap_in_lists(&value, times);
	assert_int_equal(
		item_with_attribute(slice_of("M\x01\x00", 3), slice_of_text("a"), buffer_slice(&value), &item), 0);
	int rc = item_check(buffer_slice(&item));
	item_size_bytes(buffer_slice(&item));
	buffer_free(&value);
	buffer_free(&item);
	return rc;
}

static void test_depth(void **state)
{
	(void)state;
	assert_int_equal(check_nested(31), 0);
	assert_int_equal(check_nested(32), -EIO);
	assert_int_equal(check_nested(5000), -EIO);
}

static void test_longest_attribute_name(void **state)
{
	(void)state;
	struct buffer name = BUFFER_INIT, item = BUFFER_INIT;
	for (int i = 0; i < 65535; i++)
		buffer_append_byte(&name, 'x');
	item_with_attribute(slice_of("M\x01\x00", 3), buffer_slice(&name), slice_of_text("T"), &item);
	assert_int_equal(item_check(buffer_slice(&item)), 0);
	buffer_append_byte(&name, 'x');
	buffer_clear(&item);
	item_with_attribute(slice_of("M\x01\x00", 3), buffer_slice(&name), slice_of_text("T"), &item);
	assert_int_equal(item_check(buffer_slice(&item)), -EIO);
	buffer_free(&name);
	buffer_free(&item);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stored_bytes),
		cmocka_unit_test(test_equal_items_are_equal_bytes),
		cmocka_unit_test(test_walking),
		cmocka_unit_test(test_sizes_as_dynamodb_counts),
		cmocka_unit_test(test_builder_refuses_duplicates_and_empty_sets),
		cmocka_unit_test(test_builder_sorts),
		cmocka_unit_test(test_with_attribute),
		cmocka_unit_test(test_check_finds_damage),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_longest_attribute_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
