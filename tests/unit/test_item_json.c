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

static const char everything[] = "{\n"
				 "  \"id\": \"1001\",\n"
				 "  \"at\": -12.5,\n"
				 "  \"bin\": {\n"
				 "    \"$binary\": \"AAEC\"\n"
				 "  },\n"
				 "  \"bins\": {\n"
				 "    \"$binarySet\": [\n"
				 "      \"\",\n"
				 "      \"/w==\"\n"
				 "    ]\n"
				 "  },\n"
				 "  \"list\": [\n"
				 "    1,\n"
				 "    \"\\u0000\\u007f\xc3\xa9\",\n"
				 "    [],\n"
				 "    {}\n"
				 "  ],\n"
				 "  \"map\": {\n"
				 "    \"k\": {\n"
				 "      \"f\": false,\n"
				 "      \"t\": true\n"
				 "    }\n"
				 "  },\n"
				 "  \"none\": null,\n"
				 "  \"numbers\": {\n"
				 "    \"$numberSet\": [\n"
				 "      -1,\n"
				 "      9,\n"
				 "      10\n"
				 "    ]\n"
				 "  },\n"
				 "  \"texts\": {\n"
				 "    \"$stringSet\": [\n"
				 "      \"a\"\n"
				 "    ]\n"
				 "  }\n"
				 "}\n";

static const char everything_typed[] =
	"{\"id\":{\"S\":\"1001\"},\"at\":{\"N\":\"-12.5\"},\"bin\":{\"B\":\"AAEC\"},\"bins\":{\"BS\":[\"\",\"/w==\"]},"
	"\"list\":{\"L\":[{\"N\":\"1\"},{\"S\":\"\\u0000\\u007f\xc3\xa9\"},{\"L\":[]},{\"M\":{}}]},"
	"\"map\":{\"M\":{\"k\":{\"M\":{\"f\":{\"BOOL\":false},\"t\":{\"BOOL\":true}}}}},\"none\":{\"NULL\":true},"
	"\"numbers\":{\"NS\":[\"-1\",\"9\",\"10\"]},\"texts\":{\"SS\":[\"a\"]}}";

static void read_item(const char *text, enum item_form form, struct buffer *out)
{
	struct error error = { 0 };
	if (item_from_json(slice_of_text(text), form, out, &error) < 0)
		fail_msg("%s: %s", text, error.message);
	assert_int_equal(item_check(buffer_slice(out)), 0);
}

static void check_written(struct slice item, enum item_form form, enum item_layout layout, const char *partition,
	const char *sort, const char *wanted)
{
	struct item_order order = { slice_of_text(partition), slice_of_text(sort) };
	struct buffer out = BUFFER_INIT;
	assert_int_equal(item_to_json(item, form, layout, &order, &out), 0);
	assert_string_equal(buffer_text(&out), wanted);
	if (layout == ITEM_PRETTY)
		assert_int_equal(item_json_size(item, form, &order), out.size);
	size_t plain, dynamodb;
	assert_int_equal(item_json_sizes(item, &plain, &dynamodb), item_size_bytes(item));
	assert_int_equal(plain, item_json_size(item, ITEM_PLAIN, NULL));
	assert_int_equal(dynamodb, item_json_size(item, ITEM_DYNAMODB, NULL));
	buffer_free(&out);
}

/* Plain text to the compact form again. */
static void check_plain(const char *text, const char *wanted)
{
	struct buffer item = BUFFER_INIT;
	read_item(text, ITEM_PLAIN, &item);
	check_written(buffer_slice(&item), ITEM_PLAIN, ITEM_COMPACT, "", "", wanted);
	buffer_free(&item);
}

static void check_plain_is_typed(const char *plain, const char *typed)
{
	struct buffer a = BUFFER_INIT, b = BUFFER_INIT;
	read_item(plain, ITEM_PLAIN, &a);
	read_item(typed, ITEM_DYNAMODB, &b);
	assert_true(slice_equal(buffer_slice(&a), buffer_slice(&b)));
	check_written(buffer_slice(&a), ITEM_PLAIN, ITEM_COMPACT, "", "", plain);
	check_written(buffer_slice(&a), ITEM_DYNAMODB, ITEM_COMPACT, "", "", typed);
	buffer_free(&a);
	buffer_free(&b);
}

static void check_refused(const char *text, enum item_form form, const char *message)
{
	struct buffer out = BUFFER_INIT;
	struct error error = { 0 };
	buffer_append_text(&out, "before");
	int rc = item_from_json(slice_of_text(text), form, &out, &error);
	assert_int_equal(rc, -EINVAL);
	assert_int_equal(error.code, rc);
	if (strstr(error.message, message) == NULL)
		fail_msg("%s says \"%s\", not \"%s\"", text, error.message, message);
	assert_string_equal(buffer_text(&out), "before");
	buffer_free(&out);
}

static void test_every_type_in_both_forms(void **state)
{
	(void)state;
	struct buffer item = BUFFER_INIT, typed = BUFFER_INIT;
	read_item(everything, ITEM_PLAIN, &item);
	read_item(everything_typed, ITEM_DYNAMODB, &typed);
	assert_true(slice_equal(buffer_slice(&item), buffer_slice(&typed)));
	check_written(buffer_slice(&item), ITEM_PLAIN, ITEM_PRETTY, "id", "at", everything);
	check_written(buffer_slice(&item), ITEM_DYNAMODB, ITEM_COMPACT, "id", "at", everything_typed);
	buffer_free(&item);
	buffer_free(&typed);
}

static void test_typed_form_is_indented_like_jq(void **state)
{
	(void)state;
	struct buffer item = BUFFER_INIT;
	read_item("{\"id\":\"1001\",\"l\":[null,{}]}", ITEM_PLAIN, &item);
	check_written(buffer_slice(&item), ITEM_DYNAMODB, ITEM_PRETTY, "id", "",
		"{\n  \"id\": {\n    \"S\": \"1001\"\n  },\n  \"l\": {\n    \"L\": [\n      {\n        \"NULL\": "
		"true\n      },\n"
		"      {\n        \"M\": {}\n      }\n    ]\n  }\n}\n");
	buffer_free(&item);
}

static void test_keys_come_first_at_the_top_only(void **state)
{
	(void)state;
	struct buffer item = BUFFER_INIT;
	read_item("{\"z\":1,\"y\":2,\"a\":{\"z\":3,\"b\":4}}", ITEM_PLAIN, &item);
	struct slice bytes = buffer_slice(&item);
	check_written(bytes, ITEM_PLAIN, ITEM_COMPACT, "z", "y", "{\"z\":1,\"y\":2,\"a\":{\"b\":4,\"z\":3}}");
	check_written(bytes, ITEM_PLAIN, ITEM_COMPACT, "y", "", "{\"y\":2,\"a\":{\"b\":4,\"z\":3},\"z\":1}");
	check_written(bytes, ITEM_PLAIN, ITEM_COMPACT, "absent", "z", "{\"z\":1,\"a\":{\"b\":4,\"z\":3},\"y\":2}");
	check_written(bytes, ITEM_PLAIN, ITEM_COMPACT, "", "", "{\"a\":{\"b\":4,\"z\":3},\"y\":2,\"z\":1}");
	struct buffer out = BUFFER_INIT;
	assert_int_equal(item_to_json(bytes, ITEM_PLAIN, ITEM_COMPACT, NULL, &out), 0);
	assert_string_equal(buffer_text(&out), "{\"a\":{\"b\":4,\"z\":3},\"y\":2,\"z\":1}");
	buffer_free(&out);
	buffer_free(&item);
}

static void test_empty_item(void **state)
{
	(void)state;
	struct buffer item = BUFFER_INIT;
	read_item("{}", ITEM_PLAIN, &item);
	check_written(buffer_slice(&item), ITEM_PLAIN, ITEM_PRETTY, "id", "", "{}\n");
	check_written(buffer_slice(&item), ITEM_DYNAMODB, ITEM_COMPACT, "id", "", "{}");
	buffer_free(&item);
}

static void test_wrapper_names_in_maps(void **state)
{
	(void)state;
	check_plain_is_typed("{\"a\":{\"$$binary\":\"AAEC\"}}", "{\"a\":{\"M\":{\"$binary\":{\"S\":\"AAEC\"}}}}");
	check_plain_is_typed("{\"a\":{\"$$$stringSet\":[]}}", "{\"a\":{\"M\":{\"$$stringSet\":{\"L\":[]}}}}");
	check_plain_is_typed(
		"{\"a\":{\"$$numberSet\":{\"$numberSet\":[1]}}}", "{\"a\":{\"M\":{\"$numberSet\":{\"NS\":[\"1\"]}}}}");
	check_plain_is_typed(
		"{\"a\":{\"$binary\":1,\"b\":2}}", "{\"a\":{\"M\":{\"$binary\":{\"N\":\"1\"},\"b\":{\"N\":\"2\"}}}}");
	check_plain_is_typed(
		"{\"a\":{\"$$binary\":1,\"b\":2}}", "{\"a\":{\"M\":{\"$$binary\":{\"N\":\"1\"},\"b\":{\"N\":\"2\"}}}}");
	check_plain_is_typed("{\"a\":{\"binary\":1}}", "{\"a\":{\"M\":{\"binary\":{\"N\":\"1\"}}}}");
	check_plain_is_typed("{\"a\":{\"$other\":1}}", "{\"a\":{\"M\":{\"$other\":{\"N\":\"1\"}}}}");
	check_plain_is_typed("{\"a\":{\"$\":1}}", "{\"a\":{\"M\":{\"$\":{\"N\":\"1\"}}}}");
	check_plain_is_typed(
		"{\"a\":[{\"$$binarySet\":null}]}", "{\"a\":{\"L\":[{\"M\":{\"$binarySet\":{\"NULL\":true}}}]}}");
	/* The item itself cannot be a wrapped value, so its attributes keep their names. */
	check_plain_is_typed("{\"$binary\":\"x\"}", "{\"$binary\":{\"S\":\"x\"}}");
	check_plain_is_typed("{\"$$binary\":\"x\"}", "{\"$$binary\":{\"S\":\"x\"}}");
}

static void test_wrapper_names_with_other_contents(void **state)
{
	(void)state;
	check_refused("{\"a\":{\"$binary\":1}}", ITEM_PLAIN, "attribute a: expected binary as base64");
	check_refused("{\"a\":{\"$binary\":\"A\"}}", ITEM_PLAIN, "attribute a: expected binary as base64");
	check_refused("{\"a\":{\"$stringSet\":\"x\"}}", ITEM_PLAIN, "a map that has such a name gets a second '$'");
	check_refused("{\"a\":{\"$stringSet\":[1]}}", ITEM_PLAIN, "attribute a[0]: expected a text");
	check_refused(
		"{\"a\":{\"$numberSet\":[1,\"2\"]}}", ITEM_PLAIN, "attribute a[1]: expected a number without quotes");
	check_refused("{\"a\":{\"$binarySet\":[\"AA==\",\"=\"]}}", ITEM_PLAIN, "attribute a[1]: expected binary");
}

static void test_numbers_are_exact(void **state)
{
	(void)state;
	check_plain(
		"{\"a\":12345678901234567890123456789012345678,\"b\":0.1,\"c\":1E3,\"d\":-0.0,\"e\":9007199254740993}",
		"{\"a\":12345678901234567890123456789012345678,\"b\":0.1,\"c\":1000,\"d\":0,\"e\":9007199254740993}");
	check_refused("{\"m\":{\"x\":[0,1e126]}}", ITEM_PLAIN, "attribute m.x[1]: Number overflow");
	check_refused("{\"n\":{\"N\":\"abc\"}}", ITEM_DYNAMODB, "attribute n: The parameter cannot be converted");
	check_refused("{\"n\":{\"N\":5}}", ITEM_DYNAMODB, "numbers in double quotes");
}

static void test_what_is_not_an_item(void **state)
{
	(void)state;
	check_refused("[]", ITEM_PLAIN, "an item must be a JSON object");
	check_refused("5", ITEM_DYNAMODB, "an item must be a JSON object");
	check_refused("", ITEM_PLAIN, "the text is empty");
	check_refused("{\"a\":1,}", ITEM_PLAIN, "line 1, column 8: there is a comma");
	check_refused("{\"\":1}", ITEM_PLAIN, "an attribute name must not be empty");
	check_refused("{\"m\":{\"\":1}}", ITEM_PLAIN, "attribute m: an attribute name must not be empty");
	check_refused("{\"m\":1,\"m\":2}", ITEM_PLAIN, "the name \"m\" stands twice");
}

static void test_typed_values(void **state)
{
	(void)state;
	check_refused("{\"a\":1}", ITEM_DYNAMODB, "attribute a: expected a value with its type");
	check_refused("{\"a\":{}}", ITEM_DYNAMODB,
		"attribute a: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
	check_refused("{\"a\":{\"X\":1}}", ITEM_DYNAMODB, "Supplied AttributeValue is empty");
	check_refused("{\"a\":{\"S\":\"x\",\"N\":\"1\"}}", ITEM_DYNAMODB,
		"Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported "
		"datatypes");
	check_refused("{\"a\":{\"NULL\":false}}", ITEM_DYNAMODB,
		"One or more parameter values were invalid: Null attribute value types must have the value of true");
	check_refused("{\"a\":{\"BOOL\":\"true\"}}", ITEM_DYNAMODB, "expected true or false");
	check_refused("{\"a\":{\"S\":1}}", ITEM_DYNAMODB, "expected a text");
	check_refused("{\"a\":{\"B\":1}}", ITEM_DYNAMODB, "expected binary");
	check_refused("{\"a\":{\"M\":[]}}", ITEM_DYNAMODB, "expected an object");
	check_refused("{\"a\":{\"L\":{}}}", ITEM_DYNAMODB, "expected an array");
	check_refused("{\"a\":{\"SS\":\"x\"}}", ITEM_DYNAMODB, "expected an array");
	check_refused("{\"a\":{\"SS\":[]}}", ITEM_DYNAMODB, "An string set  may not be empty");
	check_refused("{\"a\":{\"M\":{\"b\":{\"SS\":[\"x\",\"x\"]}}}}", ITEM_DYNAMODB,
		"attribute a.b: One or more parameter values were invalid: Input collection [x, x] contains "
		"duplicates.");
	check_refused("{\"a\":{\"NS\":[\"1\",\"1.0\"]}}", ITEM_DYNAMODB, "Input collection contains duplicates");
	check_refused("{\"a\":{\"BS\":[\"\",\"\"]}}", ITEM_DYNAMODB, "[, ]of type BS contains duplicates");
}

static void nest(struct buffer *text, const char *open, const char *inner, const char *close, unsigned times)
{
	buffer_clear(text);
	buffer_append_text(text, "{\"a\":");
	for (unsigned i = 0; i < times; i++)
		buffer_append_text(text, open);
	buffer_append_text(text, inner);
	for (unsigned i = 0; i < times; i++)
		buffer_append_text(text, close);
	buffer_append_text(text, "}");
	assert_non_null(buffer_text(text));
}

static void test_depth(void **state)
{
	(void)state;
	static const char message[] =
		"Nesting Levels have exceeded supported limits: Attributes in the item have nested levels "
		"beyond supported limit";
	struct buffer text = BUFFER_INIT, item = BUFFER_INIT, written = BUFFER_INIT;
	nest(&text, "{\"M\":{\"b\":", "{\"SS\":[\"\"]}", "}}", 31);
	read_item(buffer_text(&text), ITEM_DYNAMODB, &item);
	assert_int_equal(item_to_json(buffer_slice(&item), ITEM_DYNAMODB, ITEM_PRETTY, NULL, &written), 0);
	assert_int_equal(item_json_size(buffer_slice(&item), ITEM_DYNAMODB, NULL), written.size);
	nest(&text, "[", "{\"$stringSet\":[\"\"]}", "]", 31);
	buffer_clear(&item);
	read_item(buffer_text(&text), ITEM_PLAIN, &item);
	nest(&text, "[", "1", "]", 32);
	check_refused(buffer_text(&text), ITEM_PLAIN, message);
	nest(&text, "{\"M\":{\"b\":", "{\"S\":\"\"}", "}}", 32);
	check_refused(buffer_text(&text), ITEM_DYNAMODB, message);
	nest(&text, "[", "1", "]", 100000);
	check_refused(buffer_text(&text), ITEM_PLAIN, "nested more than");
	buffer_free(&written);
	buffer_free(&item);
	buffer_free(&text);
}

static int read_sized(size_t size, struct error *error)
{
	struct buffer text = BUFFER_INIT, item = BUFFER_INIT;
	buffer_append_text(&text, "{\"a\":\"");
	for (size_t i = 1; i < size; i++)
		buffer_append_byte(&text, 'x');
	buffer_append_text(&text, "\"}");
	int rc = item_from_json(buffer_slice(&text), ITEM_PLAIN, &item, error);
	assert_true(rc == 0 || item.size == 0);
	buffer_free(&item);
	buffer_free(&text);
	return rc;
}

static void test_size_limit(void **state)
{
	(void)state;
	static const char message[] = "Item size has exceeded the maximum allowed size";
	struct error error = { 0 };
	assert_int_equal(read_sized(ITEM_MAX_SIZE_BYTES, &error), 0);
	assert_int_equal(read_sized(ITEM_MAX_SIZE_BYTES + 1, &error), -EFBIG);
	assert_memory_equal(error.message, message, strlen(message));
	assert_int_equal(read_sized(20u << 20, &error), -EFBIG);
	assert_memory_equal(error.message, message, strlen(message));
	assert_string_equal(error.aws, "ValidationException");
}

static void test_attribute_name_limit(void **state)
{
	(void)state;
	struct buffer text = BUFFER_INIT, item = BUFFER_INIT;
	buffer_append_text(&text, "{\"");
	for (size_t i = 0; i < 65535; i++)
		buffer_append_byte(&text, 'x');
	size_t size = text.size;
	buffer_append_text(&text, "\":1}");
	read_item(buffer_text(&text), ITEM_PLAIN, &item);
	text.size = size;
	buffer_append_text(&text, "x\":1}");
	check_refused(buffer_text(&text), ITEM_PLAIN, "the attribute name is longer than 65535 bytes");
	buffer_free(&item);
	buffer_free(&text);
}

/* Indentation can make the text hundreds of times as long as the item. */
static void test_a_very_long_text_can_be_read_back(void **state)
{
	(void)state;
	struct buffer text = BUFFER_INIT, item = BUFFER_INIT, again = BUFFER_INIT, list = BUFFER_INIT;
	for (int i = 0; i < 40000; i++)
		buffer_append_text(&list, i > 0 ? ",{\"$stringSet\":[\"\"]}" : "0");
	nest(&text, "[", buffer_text(&list), "]", 31);
	read_item(buffer_text(&text), ITEM_PLAIN, &item);
	buffer_clear(&text);
	assert_int_equal(item_to_json(buffer_slice(&item), ITEM_DYNAMODB, ITEM_PRETTY, NULL, &text), 0);
	assert_true(text.size > 16u << 20);
	assert_int_equal(item_json_size(buffer_slice(&item), ITEM_DYNAMODB, NULL), text.size);
	assert_int_equal(item_from_json(buffer_slice(&text), ITEM_DYNAMODB, &again, NULL), 0);
	assert_true(slice_equal(buffer_slice(&item), buffer_slice(&again)));
	buffer_free(&list);
	buffer_free(&text);
	buffer_free(&item);
	buffer_free(&again);
}

static void test_damaged_bytes_are_not_shown(void **state)
{
	(void)state;
	static const char *const cases[] = { "", "T", "M\x02\x01\x05",
		"M\x04\x02\x01"
		"aT",
		"M\x04\x01\x01"
		"a?",
		"M\x07\x01\x01"
		"aL\x02\x02T" };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buffer out = BUFFER_INIT;
		buffer_append_text(&out, "before");
		assert_int_equal(item_to_json(slice_of_text(cases[i]), ITEM_PLAIN, ITEM_PRETTY, NULL, &out), -EIO);
		assert_string_equal(buffer_text(&out), "before");
		assert_int_equal(item_json_size(slice_of_text(cases[i]), ITEM_PLAIN, NULL), 0);
		buffer_free(&out);
	}
}

static void test_values_and_trees(void **state)
{
	(void)state;
	struct json *root = NULL;
	struct buffer out = BUFFER_INIT;
	struct error error = { 0 };
	struct slice text = slice_of_text(
		"{\"v\":{\"N\":\"1.50\"},\"bad\":{\"L\":[{\"S\":\"x\"},{\"N\":\"y\"}]},\"i\":{\"a\":{\"S\":\"\"}}}");
	assert_int_equal(json_parse(text, &json_default_limits, &root, &error), 0);
	assert_int_equal(value_from_tree(json_member(root, "v"), ITEM_DYNAMODB, &out, &error), 0);
	assert_true(slice_equal(buffer_slice(&out), slice_of_text("N\x03"
								  "1.5")));
	assert_int_equal(value_from_tree(json_member(root, "bad"), ITEM_DYNAMODB, &out, &error), -EINVAL);
	assert_non_null(strstr(error.message, "[1]: The parameter cannot be converted"));
	assert_int_equal(out.size, 5);
	buffer_clear(&out);
	assert_int_equal(item_from_tree(json_member(root, "i"), ITEM_DYNAMODB, &out, &error), 0);
	assert_int_equal(item_check(buffer_slice(&out)), 0);
	assert_int_equal(item_from_tree(json_member(root, "bad"), ITEM_DYNAMODB, &out, NULL), -EINVAL);
	json_free(root);
	buffer_free(&out);
}

static void check_base64(const char *text, int wanted, const char *bytes, size_t size)
{
	struct buffer out = BUFFER_INIT;
	assert_int_equal(base64_decode(slice_of_text(text), &out), wanted);
	assert_true(slice_equal(buffer_slice(&out), slice_of(bytes, size)));
	buffer_clear(&out);
	if (wanted == 0) {
		base64_append(&out, slice_of(bytes, size));
		assert_string_equal(buffer_text(&out), text);
	}
	buffer_free(&out);
}

static void check_base64url(const char *text, int wanted, const char *bytes, size_t size)
{
	struct buffer out = BUFFER_INIT;
	assert_int_equal(base64url_decode(slice_of_text(text), &out), wanted);
	assert_true(slice_equal(buffer_slice(&out), slice_of(bytes, size)));
	buffer_clear(&out);
	if (wanted == 0) {
		base64url_append(&out, slice_of(bytes, size));
		assert_string_equal(buffer_text(&out), text);
	}
	buffer_free(&out);
}

static void test_base64(void **state)
{
	(void)state;
	check_base64("", 0, "", 0);
	check_base64("AA==", 0, "\0", 1);
	check_base64("AAE=", 0, "\0\1", 2);
	check_base64("AAEC", 0, "\0\1\2", 3);
	check_base64("+/8=", 0, "\xfb\xff", 2);
	check_base64("Zm9vYmFy", 0, "foobar", 6);
	static const char *const bad[] = { "A", "AA", "AA=", "AAE", "A===", "====", "AB==", "AAF=", "AA==AA==", "AA E",
		"-_8=", "AAEC\n", "=AAA", "AA=A" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_base64(bad[i], -EINVAL, NULL, 0);
	check_base64url("", 0, "", 0);
	check_base64url("AA", 0, "\0", 1);
	check_base64url("-_8", 0, "\xfb\xff", 2);
	check_base64url("Zm9vYmFy", 0, "foobar", 6);
	static const char *const bad_url[] = { "A", "AB", "AA==", "+/8", "AAF", "AAECA" };
	for (size_t i = 0; i < sizeof(bad_url) / sizeof(bad_url[0]); i++)
		check_base64url(bad_url[i], -EINVAL, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_type_in_both_forms),
		cmocka_unit_test(test_typed_form_is_indented_like_jq),
		cmocka_unit_test(test_keys_come_first_at_the_top_only),
		cmocka_unit_test(test_empty_item),
		cmocka_unit_test(test_wrapper_names_in_maps),
		cmocka_unit_test(test_wrapper_names_with_other_contents),
		cmocka_unit_test(test_numbers_are_exact),
		cmocka_unit_test(test_what_is_not_an_item),
		cmocka_unit_test(test_typed_values),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_size_limit),
		cmocka_unit_test(test_attribute_name_limit),
		cmocka_unit_test(test_a_very_long_text_can_be_read_back),
		cmocka_unit_test(test_damaged_bytes_are_not_shown),
		cmocka_unit_test(test_values_and_trees),
		cmocka_unit_test(test_base64),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
