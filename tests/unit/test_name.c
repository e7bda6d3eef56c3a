#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "name.h"

static struct value value_in(const struct buffer *bytes)
{
	struct reader r = reader_of(buffer_slice(bytes));
	struct value value;
	assert_true(value_read(&r, &value));
	return value;
}

static void repeat(struct buffer *out, const char *text, size_t times)
{
	for (size_t i = 0; i < times; i++)
		buffer_append_text(out, text);
}

/* The name of a value, and the value of that name. */
static void check_name(enum value_tag type, struct slice content, const char *suffix, const char *wanted)
{
	struct key_attribute attribute = { "id", type };
	struct buffer tagged = BUFFER_INIT, again = BUFFER_INIT;
	struct error error = { 0 };
	char name[FILE_NAME_MAX + 1];
	bool is_cut = true;
	value_append_bytes(&tagged, type, content);
	struct value value = value_in(&tagged);
	assert_int_equal(name_of_value(&value, suffix, name, &is_cut), strlen(wanted));
	assert_string_equal(name, wanted);
	assert_false(is_cut);
	assert_int_equal(name_to_value(slice_of_text(name), suffix, &attribute, &again, &error), 0);
	assert_true(slice_equal(buffer_slice(&tagged), buffer_slice(&again)));
	buffer_free(&tagged);
	buffer_free(&again);
}

static void check_refused(enum value_tag type, const char *name, const char *suffix, int wanted, const char *message)
{
	struct key_attribute attribute = { "id", type };
	struct buffer out = BUFFER_INIT;
	struct error error = { 0 };
	buffer_append_text(&out, "before");
	assert_int_equal(name_to_value(slice_of_text(name), suffix, &attribute, &out, &error), wanted);
	if (strstr(error.message, message) == NULL)
		fail_msg("%s says \"%s\", not \"%s\"", name, error.message, message);
	assert_string_equal(buffer_text(&out), "before");
	buffer_free(&out);
}

static void test_strings(void **state)
{
	(void)state;
	check_name(VALUE_S, slice_of_text("1001"), ".json", "1001.json");
	check_name(VALUE_S, slice_of_text("CUST#100"), "", "CUST#100");
	check_name(VALUE_S, slice_of_text("a/b"), ".json", "a%2Fb.json");
	check_name(VALUE_S, slice_of_text("100%"), ".json", "100%25.json");
	check_name(VALUE_S, slice_of_text("a%2Fb"), ".json", "a%252Fb.json");
	check_name(VALUE_S, slice_of_text(".hidden"), ".json", "%2Ehidden.json");
	check_name(VALUE_S, slice_of_text(".."), "", "%2E.");
	check_name(VALUE_S, slice_of_text("@2025"), "", "%402025");
	check_name(VALUE_S, slice_of_text("a.b@c"), ".json", "a.b@c.json");
	check_name(VALUE_S, slice_of("\0\n\x1f\x7f", 4), ".json", "%00%0A%1F%7F.json");
	check_name(VALUE_S, slice_of_text("\xc3\xa9 \xf0\x9f\x98\x80~"), ".json", "\xc3\xa9 \xf0\x9f\x98\x80~.json");
	check_name(VALUE_S, slice_of_text("x.json"), ".json", "x.json.json");
	check_name(VALUE_S, slice_of_text("x.json"), "", "x.json");
}

static void test_numbers_and_binary(void **state)
{
	(void)state;
	check_name(VALUE_N, slice_of_text("1000"), ".json", "1000.json");
	check_name(VALUE_N, slice_of_text("-12.5"), "", "-12.5");
	check_name(VALUE_B, slice_of("\0\1\2", 3), ".json", "AAEC.json");
	check_name(VALUE_B, slice_of("\xfb\xff", 2), "", "-_8");
}

static void test_damaged_strings_get_a_name_too(void **state)
{
	(void)state;
	struct value value = { .tag = VALUE_S, .bytes = slice_of("a\xff\xc3", 3) };
	char name[FILE_NAME_MAX + 1];
	name_of_value(&value, ".json", name, NULL);
	assert_string_equal(name, "a%FF%C3.json");
}

static void test_other_spellings_are_refused(void **state)
{
	(void)state;
	check_refused(VALUE_S, "a", ".json", -ENOENT, "does not end in .json");
	check_refused(VALUE_S, ".json", ".json", -EINVAL, "empty");
	check_refused(VALUE_S, "", "", -EINVAL, "empty");
	check_refused(VALUE_S, "a%2fb.json", ".json", -EINVAL, "spelled \"a%2Fb.json\"");
	check_refused(VALUE_S, "%61.json", ".json", -EINVAL, "spelled \"a.json\"");
	check_refused(VALUE_S, "a\nb", "", -EINVAL, "spelled \"a%0Ab\"");
	check_refused(VALUE_S, ".a", "", -EINVAL, "spelled \"%2Ea\"");
	check_refused(VALUE_S, "@a", "", -EINVAL, "spelled \"%40a\"");
	check_refused(VALUE_S, "a%2.json", ".json", -EINVAL, "write %25 for the character itself");
	check_refused(VALUE_S, "a%", "", -EINVAL, "write %25 for the character itself");
	check_refused(VALUE_S, "a%gg", "", -EINVAL, "write %25 for the character itself");
	check_refused(VALUE_S, "a\xff", "", -EINVAL, "not valid UTF-8");
	check_refused(VALUE_S, "a%FF", "", -EINVAL, "not valid UTF-8");
	check_refused(VALUE_N, "1e3.json", ".json", -EINVAL, "spelled \"1000.json\"");
	check_refused(VALUE_N, "01.json", ".json", -EINVAL, "spelled \"1.json\"");
	check_refused(VALUE_N, "-0", "", -EINVAL, "spelled \"0\"");
	check_refused(
		VALUE_N, "one.json", ".json", -EINVAL, "The parameter cannot be converted to a numeric value: one");
	check_refused(VALUE_B, "AAE=.json", ".json", -EINVAL, "base64url without padding");
	check_refused(VALUE_B, "AAF.json", ".json", -EINVAL, "base64url without padding");
	struct buffer name = BUFFER_INIT;
	repeat(&name, "x", FILE_NAME_MAX + 1);
	check_refused(VALUE_S, buffer_text(&name), "", -EINVAL, "longer than 255");
	buffer_free(&name);
}

/* `wanted_stem`: how many bytes of the spelling stand before the "~". */
static void check_cut(enum value_tag type, const struct buffer *content, const char *suffix, size_t wanted_stem)
{
	struct key_attribute attribute = { "id", type };
	struct buffer tagged = BUFFER_INIT, again = BUFFER_INIT;
	char name[FILE_NAME_MAX + 1];
	uint8_t hash[NAME_HASH_BYTES], in_name[NAME_HASH_BYTES];
	bool is_cut = false;
	value_append_bytes(&tagged, type, buffer_slice(content));
	struct value value = value_in(&tagged);
	size_t size = name_of_value(&value, suffix, name, &is_cut);
	assert_true(is_cut);
	assert_int_equal(size, strlen(name));
	assert_int_equal(size, wanted_stem + 27 + strlen(suffix));
	assert_int_equal(name[wanted_stem], '~');
	assert_true(name_is_cut(slice_of_text(name), suffix, in_name));
	name_hash_of_value(&value, hash);
	assert_memory_equal(hash, in_name, sizeof(hash));
	assert_int_equal(name_to_value(slice_of_text(name), suffix, &attribute, &again, NULL), -EINVAL);
	buffer_free(&tagged);
	buffer_free(&again);
}

static void test_long_names_are_cut(void **state)
{
	(void)state;
	struct buffer content = BUFFER_INIT;
	repeat(&content, "x", 251);
	check_cut(VALUE_S, &content, ".json", 223);
	repeat(&content, "x", 2048 - 251);
	check_cut(VALUE_S, &content, "", 228);
	buffer_clear(&content);
	repeat(&content, "\xf0\x9f\x98\x80", 70);
	check_cut(VALUE_S, &content, ".json", 220);
	buffer_clear(&content);
	repeat(&content, "/", 90);
	check_cut(VALUE_S, &content, ".json", 222);
	check_cut(VALUE_S, &content, "", 228);
	buffer_clear(&content);
	repeat(&content, "\xff", 2048);
	check_cut(VALUE_B, &content, ".json", 223);
	content.size = 190;
	check_cut(VALUE_B, &content, ".json", 223);
	buffer_free(&content);
}

static void test_names_that_just_fit_are_whole(void **state)
{
	(void)state;
	struct buffer content = BUFFER_INIT, name = BUFFER_INIT;
	repeat(&content, "x", 250);
	repeat(&name, "x", 250);
	buffer_append_text(&name, ".json");
	check_name(VALUE_S, buffer_slice(&content), ".json", buffer_text(&name));
	buffer_clear(&content);
	buffer_clear(&name);
	repeat(&content, "/", 85);
	repeat(&name, "%2F", 85);
	check_name(VALUE_S, buffer_slice(&content), "", buffer_text(&name));
	buffer_free(&content);
	buffer_free(&name);
}

/* A value that is spelled like a cut name would be taken for another's, so it is cut itself. */
static void test_values_that_look_cut_are_cut(void **state)
{
	(void)state;
	struct buffer content = BUFFER_INIT;
	uint8_t hash[NAME_HASH_BYTES];
	repeat(&content, "x", 228);
	buffer_append_text(&content, "~abcdefghijklmnopqrstuvwxya");
	assert_int_equal(content.size, FILE_NAME_MAX);
	assert_true(name_is_cut(buffer_slice(&content), "", hash));
	check_cut(VALUE_S, &content, "", 228);
	/* With digits no hash ends in, or shorter than any cut name, it is an ordinary one. */
	content.data[content.size - 1] = 'b';
	assert_false(name_is_cut(buffer_slice(&content), "", hash));
	check_name(VALUE_S, buffer_slice(&content), "", buffer_text(&content));
	check_name(VALUE_S, slice_of_text("x~abcdefghijklmnopqrstuvwxya"), "", "x~abcdefghijklmnopqrstuvwxya");
	buffer_free(&content);
}

static void test_what_is_no_cut_name(void **state)
{
	(void)state;
	struct buffer name = BUFFER_INIT;
	uint8_t hash[NAME_HASH_BYTES];
	repeat(&name, "x", 223);
	buffer_append_text(&name, "~abcdefghijklmnopqrstuvwxya.json");
	assert_true(name_is_cut(buffer_slice(&name), ".json", hash));
	assert_false(name_is_cut(buffer_slice(&name), ".jsoN", hash));
	name.data[230] = 'A';
	assert_false(name_is_cut(buffer_slice(&name), ".json", hash));
	name.data[230] = '\0';
	assert_false(name_is_cut(buffer_slice(&name), ".json", hash));
	name.data[230] = 'a';
	name.data[223] = '-';
	assert_false(name_is_cut(buffer_slice(&name), ".json", hash));
	assert_false(name_is_cut(slice_of(NULL, 0), "", hash));
	buffer_free(&name);
}

static void test_equal_prefixes_get_different_names(void **state)
{
	(void)state;
	struct buffer a = BUFFER_INIT, b = BUFFER_INIT, content = BUFFER_INIT;
	char a_name[FILE_NAME_MAX + 1], b_name[FILE_NAME_MAX + 1];
	repeat(&content, "x", 300);
	value_append_bytes(&a, VALUE_S, buffer_slice(&content));
	content.data[299] = 'y';
	value_append_bytes(&b, VALUE_S, buffer_slice(&content));
	struct value a_value = value_in(&a), b_value = value_in(&b);
	name_of_value(&a_value, ".json", a_name, NULL);
	name_of_value(&b_value, ".json", b_name, NULL);
	assert_memory_equal(a_name, b_name, 223);
	assert_string_not_equal(a_name, b_name);
	buffer_free(&a);
	buffer_free(&b);
	buffer_free(&content);
}

static void test_item_names(void **state)
{
	(void)state;
	assert_true(name_is_item_name(slice_of_text("a.json")));
	assert_false(name_is_item_name(slice_of_text(".json")));
	assert_false(name_is_item_name(slice_of_text(".a.json")));
	assert_false(name_is_item_name(slice_of_text("a.json~")));
	assert_false(name_is_item_name(slice_of_text("json")));
	assert_false(name_is_item_name(slice_of(NULL, 0)));
}

static void test_table_names(void **state)
{
	(void)state;
	static const char *const good[] = { "abc", "Orders_2025-03.v1", "-rf", "restored", "a.." };
	static const char *const bad[][2] = { { "", "3 to 255" }, { "ab", "3 to 255" }, { "restore", "is taken" },
		{ ".abc", "begins with a dot" }, { "...", "begins with a dot" }, { "a b", "not one of" },
		{ "a/b", "not one of" }, { "abc@now", "not one of" }, { "caf\xc3\xa9", "not one of" } };
	struct error error = { 0 };
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(name_check_table(slice_of_text(good[i]), &error), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(name_check_table(slice_of_text(bad[i][0]), &error), -EINVAL);
		assert_non_null(strstr(error.message, bad[i][1]));
	}
	struct buffer name = BUFFER_INIT;
	repeat(&name, "t", 255);
	assert_int_equal(name_check_table(buffer_slice(&name), &error), 0);
	repeat(&name, "t", 1);
	assert_int_equal(name_check_table(buffer_slice(&name), &error), -EINVAL);
	buffer_free(&name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_numbers_and_binary),
		cmocka_unit_test(test_damaged_strings_get_a_name_too),
		cmocka_unit_test(test_other_spellings_are_refused),
		cmocka_unit_test(test_long_names_are_cut),
		cmocka_unit_test(test_names_that_just_fit_are_whole),
		cmocka_unit_test(test_values_that_look_cut_are_cut),
		cmocka_unit_test(test_what_is_no_cut_name),
		cmocka_unit_test(test_equal_prefixes_get_different_names),
		cmocka_unit_test(test_item_names),
		cmocka_unit_test(test_table_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
