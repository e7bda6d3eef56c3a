#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

static struct json *parse(const char *text)
{
	struct json *root = NULL;
	struct error error = { 0 };
	if (json_parse(slice_of_text(text), &json_default_limits, &root, &error) < 0)
		fail_msg("%s: %s", text, error.message);
	return root;
}

static void check_refused_slice(struct slice text, const char *reason)
{
	struct json *root = NULL;
	struct error error = { 0 };
	assert_int_equal(json_parse(text, &json_default_limits, &root, &error), -EINVAL);
	assert_null(root);
	if (strstr(error.message, reason) == NULL)
		fail_msg("\"%s\" says \"%s\", not \"%s\"", (const char *)text.data, error.message, reason);
}

static void check_refused(const char *text, const char *reason)
{
	check_refused_slice(slice_of_text(text), reason);
}

static void check_written(const char *text, const char *wanted)
{
	struct buffer out = BUFFER_INIT;
	struct json *root = parse(text);
	json_append(&out, root);
	assert_string_equal(buffer_text(&out), wanted);
	buffer_free(&out);
	json_free(root);
}

static void test_types(void **state)
{
	(void)state;
	struct json *root =
		parse(" { \"s\": \"x\", \"n\": -1.50e3, \"t\": true, \"f\": false, \"z\": null,\r\n\t\"a\": [1, 2], "
		      "\"o\": {} } ");
	assert_int_equal(json_type(root), JSON_OBJECT);
	assert_int_equal(json_count(root), 7);
	assert_int_equal(json_type(json_member(root, "s")), JSON_STRING);
	assert_int_equal(json_type(json_member(root, "n")), JSON_NUMBER);
	assert_int_equal(json_type(json_member(root, "t")), JSON_TRUE);
	assert_int_equal(json_type(json_member(root, "f")), JSON_FALSE);
	assert_int_equal(json_type(json_member(root, "z")), JSON_NULL);
	assert_int_equal(json_type(json_member(root, "a")), JSON_ARRAY);
	assert_int_equal(json_type(json_member(root, "o")), JSON_OBJECT);
	assert_true(slice_equal(json_text(json_member(root, "s")), slice_of_text("x")));
	assert_true(slice_equal(json_text(json_member(root, "n")), slice_of_text("-1.50e3")));
	assert_int_equal(json_text(json_member(root, "a")).size, 0);
	assert_int_equal(json_count(json_member(root, "a")), 2);
	assert_int_equal(json_count(json_member(root, "s")), 0);
	assert_null(json_member(root, "absent"));
	assert_null(json_member(json_member(root, "s"), "x"));
	assert_null(json_member(NULL, "x"));
	json_free(root);
}

static void test_children_keep_their_order(void **state)
{
	(void)state;
	struct json *root = parse("{\"b\":1,\"a\":2}");
	const struct json *child = json_first(root);
	assert_true(slice_equal(json_name(child), slice_of_text("b")));
	child = json_next(child);
	assert_true(slice_equal(json_name(child), slice_of_text("a")));
	assert_null(json_next(child));
	assert_int_equal(json_name(root).size, 0);
	json_free(root);
}

static void test_numbers_stay_as_written(void **state)
{
	(void)state;
	static const char *const numbers[] = { "0", "-0", "12345678901234567890123456789012345678", "1E-130", "0.10",
		"1e+5", "9007199254740993" };
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct json *root = parse(numbers[i]);
		assert_int_equal(json_type(root), JSON_NUMBER);
		assert_true(slice_equal(json_text(root), slice_of_text(numbers[i])));
		json_free(root);
		check_written(numbers[i], numbers[i]);
	}
}

static void test_strings_keep_nul_bytes(void **state)
{
	(void)state;
	struct json *root = parse("{\"a\\u0000b\":\"\\u0000x\\u0000\\u0000y\\u0000\"}");
	const struct json *child = json_first(root);
	assert_true(slice_equal(json_name(child), slice_of("a\0b", 3)));
	assert_true(slice_equal(json_text(child), slice_of("\0x\0\0y\0", 6)));
	json_free(root);
	check_written("\"\\u0000\"", "\"\\u0000\"");
	/* Names that differ only behind a NUL are different names. */
	check_written("{\"a\\u0000b\":1,\"a\\u0000c\":2}", "{\"a\\u0000b\":1,\"a\\u0000c\":2}");
}

static void test_strings_that_look_marked(void **state)
{
	(void)state;
	check_written("[\"n\",\"s\",\"n1\",\"\",{\"\":\"n\"}]", "[\"n\",\"s\",\"n1\",\"\",{\"\":\"n\"}]");
}

static void test_escapes(void **state)
{
	(void)state;
	struct json *root = parse("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\ude00\\uFFFF\"");
	assert_true(slice_equal(json_text(root), slice_of_text("\"\\/\b\f\n\r\t\xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbf")));
	json_free(root);
}

static void test_strings_are_written_as_jq_does(void **state)
{
	(void)state;
	struct slice text = slice_of("\"\\/\b\f\n\r\t\0\x01\x1f\x7f\xc3\xa9<", 15);
	struct buffer out = BUFFER_INIT;
	json_append_string(&out, text);
	assert_string_equal(buffer_text(&out), "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u0001\\u001f\\u007f\xc3\xa9<\"");
	assert_int_equal(json_string_size(text), out.size);
	assert_int_equal(json_string_size(slice_of(NULL, 0)), 2);
	/* Eight bytes are looked at at once: each byte at each place among eight. */
	for (unsigned byte = 0; byte < 256; byte++)
		for (unsigned at = 0; at < 19; at++) {
			uint8_t bytes[19];
			char written[6 * 19 + 2];
			memset(bytes, 'x', sizeof(bytes));
			bytes[at] = (uint8_t)byte;
			buffer_clear(&out);
			json_append_string(&out, slice_of(bytes, sizeof(bytes)));
			assert_int_equal(json_string_size(slice_of(bytes, sizeof(bytes))), out.size);
			assert_int_equal(json_write_string(slice_of(bytes, sizeof(bytes)), written), out.size);
			assert_memory_equal(written, out.data, out.size);
			bool is_escaped = byte < 0x20 || byte == '"' || byte == '\\' || byte == 0x7f;
			assert_int_equal(out.size == sizeof(bytes) + 2, !is_escaped);
			assert_int_equal(out.data[1 + at], is_escaped ? '\\' : byte);
		}
	buffer_clear(&out);
	buffer_clear(&out);
	json_append_string(&out, slice_of(NULL, 0));
	assert_string_equal(buffer_text(&out), "\"\"");
	buffer_free(&out);
}

static void test_trees_are_written_compactly(void **state)
{
	(void)state;
	check_written(" { \"a\" : [ 1 , true , false , null , \"x\" ] , \"b\" : { } , \"c\" : [ ] } ",
		"{\"a\":[1,true,false,null,\"x\"],\"b\":{},\"c\":[]}");
}

static void test_grammar(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "", "the text is empty" },
		{ " \n", "the text is empty" },
		{ "{", "line 1, column 2: expected a name in double quotes, but the text ends" },
		{ "{\"a\"", "expected a colon after the name, but the text ends" },
		{ "{\"a\" 1}", "expected a colon after the name, found 1" },
		{ "{\"a\":}", "expected a value" },
		{ "{\"a\":1", "expected a comma or } after the value, but the text ends" },
		{ "{\"a\":1 \"b\":2}", "column 8: expected a comma or }" },
		{ "{a:1}", "expected a name in double quotes, found a" },
		{ "{'a':1}", "expected a name in double quotes, found '" },
		{ "{\n  \"a\": 1,\n}", "line 3, column 1: there is a comma before the closing bracket" },
		{ "[1,]", "there is a comma before the closing bracket" },
		{ "[,1]", "expected a value" },
		{ "[1 2]", "expected a comma or ] after the value, found 2" },
		{ "[1}", "expected a comma or ]" },
		{ "1 1", "expected nothing more after the value" },
		{ "[]]", "expected nothing more" },
		{ "nul", "expected a value" },
		{ "True", "expected a value" },
		{ "nullx", "expected nothing more" },
		{ "01", "must not begin with 0" },
		{ "-01", "must not begin with 0" },
		{ "-", "expected a digit" },
		{ "+1", "expected a value" },
		{ "1.", "a digit after the point" },
		{ ".5", "expected a value" },
		{ "1e", "a digit of the exponent" },
		{ "1e+", "a digit of the exponent" },
		{ "\"abc", "column 1: the string that begins here has no closing quote" },
		{ "\"\\", "a backslash in a string must be followed by" },
		{ "\"\\x41\"", "a backslash in a string must be followed by" },
		{ "\"\\u12g4\"", "four hexadecimal digits" },
		{ "\"\\u12", "four hexadecimal digits" },
		{ "\"a\nb\"", "column 3: a control character" },
		{ "/* c */ 1", "expected a value" },
		{ "\x01", "found the byte 0x01" },
		{ "\xff", "found the byte 0xff" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_refused(cases[i][0], cases[i][1]);
	check_refused_slice(slice_of("1\0", 2), "expected nothing more");
	check_refused_slice(slice_of("\"a\0b\"", 5), "a control character");
	check_refused_slice(slice_of(NULL, 0), "the text is empty");
}

static void test_text_must_be_utf8(void **state)
{
	(void)state;
	check_refused("\"\xff\"", "not valid UTF-8");
	check_refused("\"\xc0\x80\"", "not valid UTF-8");
	check_refused("\"\xed\xa0\x80\"", "not valid UTF-8");
	check_refused("\"\xc3", "not valid UTF-8");
	check_refused("\"\\ud83d\"", "first half of a surrogate pair");
	check_refused("\"\\ud83dx\"", "first half of a surrogate pair");
	check_refused("\"\\ud83d\\u0041\"", "first half of a surrogate pair");
	check_refused("\"\\ude00\"", "second half of a surrogate pair");
	check_refused("\xef\xbb\xbf{}", "byte order mark");
	check_refused("{\n\"\xc3\xa9\xc3\xa9\" x", "line 2, column 6");
}

static void test_a_name_stands_once(void **state)
{
	(void)state;
	check_refused("{\"a\":1,\n\"b\":2,\"a\":3}", "line 2, column 7: the name \"a\" stands twice");
	check_refused("{\"a\":1,\"\\u0061\":3}", "the name \"a\" stands twice");
	check_refused("[{\"x\":{\"\":1,\"\":2}}]", "stands twice");
	json_free(parse("{\"a\":{\"a\":{\"a\":1}}}"));
}

static void test_a_name_stands_once_among_many(void **state)
{
	(void)state;
	struct buffer text = BUFFER_INIT;
	struct json *root = NULL;
	buffer_append_text(&text, "{");
	for (int i = 0; i < 100000; i++)
		buffer_append_format(&text, "\"%d\":0,", i * 7919 % 100000);
	size_t size = text.size;
	buffer_append_text(&text, "\"x\":0}");
	assert_int_equal(json_parse(buffer_slice(&text), &json_default_limits, &root, NULL), 0);
	assert_int_equal(json_count(root), 100001);
	json_free(root);
	text.size = size;
	buffer_append_text(&text, "\"4711\":0}");
	buffer_text(&text);
	check_refused_slice(buffer_slice(&text), "the name \"4711\" stands twice");
	buffer_free(&text);
}

static void check_limits(const char *text, const struct json_limits *limits, int wanted)
{
	struct json *root = NULL;
	struct error error = { 0 };
	int rc = json_parse(slice_of_text(text), limits, &root, &error);
	assert_int_equal(rc, wanted);
	if (rc == 0)
		json_free(root);
	else
		assert_true(error.message[0] != '\0');
}

static void test_limits(void **state)
{
	(void)state;
	check_limits("[[1]]", &(struct json_limits){ .max_size = 5, .max_depth = 2 }, 0);
	check_limits("[[1]]", &(struct json_limits){ .max_size = 4, .max_depth = 2 }, -EFBIG);
	check_limits("[[1]]", &(struct json_limits){ .max_size = 5, .max_depth = 1 }, -EINVAL);
	check_limits("1", &(struct json_limits){ .max_size = 5, .max_depth = 0 }, 0);
	check_limits("[1,2]", &(struct json_limits){ .max_size = 9, .max_depth = 9, .max_values = 3 }, 0);
	check_limits("[1,2]", &(struct json_limits){ .max_size = 9, .max_depth = 9, .max_values = 2 }, -EFBIG);
	check_limits("\"abcdef\"", &(struct json_limits){ .max_size = 99, .max_depth = 9, .max_content = 20 }, 0);
	check_limits("\"abcdef\"", &(struct json_limits){ .max_size = 99, .max_depth = 9, .max_content = 8 }, -EFBIG);
	check_limits("123456789", &(struct json_limits){ .max_size = 99, .max_depth = 9, .max_content = 8 }, -EFBIG);
}

static void check_depth(unsigned depth, int wanted)
{
	struct buffer text = BUFFER_INIT;
	for (unsigned i = 0; i < depth; i++)
		buffer_append_text(&text, i % 2 == 0 ? "[" : "{\"a\":");
	for (unsigned i = depth; i-- > 0;)
		buffer_append_text(&text, i % 2 == 0 ? "]" : depth % 2 == 0 && i == depth - 1 ? "1}" : "}");
	check_limits(buffer_text(&text), &(struct json_limits){ .max_size = 1 << 20, .max_depth = 5000 }, wanted);
	buffer_free(&text);
}

static void test_depth_has_an_end(void **state)
{
	(void)state;
	check_depth(999, 0);
	check_depth(1000, 0);
	check_depth(1001, -EINVAL);
	struct buffer text = BUFFER_INIT;
	for (int i = 0; i < 1000000; i++)
		buffer_append_byte(&text, '[');
	check_limits(buffer_text(&text), &json_default_limits, -EINVAL);
	buffer_free(&text);
}

/* Beside an escape, texts are read another way than alone. */
static void check_alike(const char *text)
{
	struct json *alone = NULL, *beside = NULL;
	struct error error = { 0 };
	struct buffer longer = BUFFER_INIT, alone_text = BUFFER_INIT, beside_text = BUFFER_INIT;
	buffer_append_format(&longer, "[\"\\n\",%s]", text);
	int rc = json_parse(slice_of_text(text), &json_default_limits, &alone, &error);
	assert_int_equal(json_parse(buffer_slice(&longer), &json_default_limits, &beside, &error), rc);
	if (rc == 0) {
		buffer_append_text(&alone_text, "[\"\\n\",");
		json_append(&alone_text, alone);
		buffer_append_text(&alone_text, "]");
		json_append(&beside_text, beside);
		assert_string_equal(buffer_text(&alone_text), buffer_text(&beside_text));
		assert_int_equal(json_count(json_next(json_first(beside))), json_count(alone));
	}
	json_free(alone);
	json_free(beside);
	buffer_free(&longer);
	buffer_free(&alone_text);
	buffer_free(&beside_text);
}

static void test_both_ways_read_alike(void **state)
{
	(void)state;
	static const char *const texts[] = { "1", "-0", "01", "-", "1.", "1.5e+07", "1e", ".5", "+1", "true", "truest",
		"nul", "\"\"", "\"a", "\"caf\xc3\xa9 \xf0\x9f\x98\x80\"", "\"\xc3\"", "\"\xc0\x80\"",
		"\"\xed\xa0\x80\"", "\"\t\"", "\"\x7f\"", "{}", "[ ]", "[1,]", "[,1]", "[1 2]", "[1", "{\"a\":1,}",
		"{\"a\" 1}", "{\"a\":}", "{a:1}", "{\"a\":1,\"a\":2}",
		" { \"a\" :\t[ 1 ,\r\n{ \"b\":null } ], \"seven bytes and more\" : false } ",
		"{\"a\":1,\"b\":{\"a\":2}}", "{\"\":{\"\":[[[]],{}]}}", "[1]]", "[1}", "\"0123456789abcdef0123456789\"",
		"1 2", "{\"1\":1}{" };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		check_alike(texts[i]);
	struct buffer many = BUFFER_INIT;
	for (unsigned i = 0; i < 2000; i++)
		buffer_append_format(&many, "%s\"%u\":[%u,\"%u\"]", i ? "," : "{", i % 1999 + (i == 1999), i, i);
	buffer_append_text(&many, "}");
	check_alike(buffer_text(&many));
	buffer_free(&many);
}

static void test_getters(void **state)
{
	(void)state;
	struct json *root =
		parse("{\"s\":\"x\",\"t\":true,\"f\":false,\"i\":-42,\"max\":9223372036854775807,"
		      "\"min\":-9223372036854775808,\"over\":9223372036854775808,\"far\":99999999999999999999,"
		      "\"frac\":1.5,\"exp\":1e3}");
	struct slice text;
	bool truth = false;
	int64_t number = 0;
	assert_true(json_get_text(root, "s", &text) && slice_equal(text, slice_of_text("x")));
	assert_false(json_get_text(root, "i", &text));
	assert_false(json_get_text(root, "absent", &text));
	assert_true(json_get_bool(root, "t", &truth) && truth);
	assert_true(json_get_bool(root, "f", &truth) && !truth);
	assert_false(json_get_bool(root, "s", &truth));
	assert_true(json_get_i64(root, "i", &number) && number == -42);
	assert_true(json_get_i64(root, "max", &number) && number == INT64_MAX);
	assert_true(json_get_i64(root, "min", &number) && number == INT64_MIN);
	assert_false(json_get_i64(root, "over", &number));
	assert_false(json_get_i64(root, "far", &number));
	assert_false(json_get_i64(root, "frac", &number));
	assert_false(json_get_i64(root, "exp", &number));
	assert_false(json_get_i64(root, "s", &number));
	json_free(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_children_keep_their_order),
		cmocka_unit_test(test_numbers_stay_as_written),
		cmocka_unit_test(test_strings_keep_nul_bytes),
		cmocka_unit_test(test_strings_that_look_marked),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_strings_are_written_as_jq_does),
		cmocka_unit_test(test_trees_are_written_compactly),
		cmocka_unit_test(test_grammar),
		cmocka_unit_test(test_text_must_be_utf8),
		cmocka_unit_test(test_a_name_stands_once),
		cmocka_unit_test(test_a_name_stands_once_among_many),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_depth_has_an_end),
		cmocka_unit_test(test_both_ways_read_alike),
		cmocka_unit_test(test_getters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
