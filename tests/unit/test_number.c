#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"

#define NINES_38 "99999999999999999999999999999999999999"
#define ZEROS_10 "0000000000"
#define ZEROS_80 ZEROS_10 ZEROS_10 ZEROS_10 ZEROS_10 ZEROS_10 ZEROS_10 ZEROS_10 ZEROS_10
#define ZEROS_125 ZEROS_80 ZEROS_10 ZEROS_10 ZEROS_10 ZEROS_10 "00000"

static void check_canonical(const char *text, const char *wanted)
{
	char canonical[NUMBER_TEXT_MAX + 1];
	size_t size = 0;
	struct error error = { 0 };
	if (number_canonical(slice_of_text(text), canonical, &size, &error) < 0)
		fail_msg("%s: %s", text, error.message);
	assert_string_equal(canonical, wanted);
	assert_int_equal(size, strlen(wanted));
}

static void check_refused(const char *text, const char *reason)
{
	char canonical[NUMBER_TEXT_MAX + 1];
	size_t size = 0;
	struct error error = { 0 };
	assert_int_equal(number_canonical(slice_of_text(text), canonical, &size, &error), -EINVAL);
	assert_non_null(strstr(error.message, reason));
	assert_string_equal(error.aws, "ValidationException");
}

static void test_canonical_spelling(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "0", "0" },
		{ "-0", "0" },
		{ "0.0", "0" },
		{ "0e5", "0" },
		{ "0e125", "0" },
		{ "0.0e126", "0" },
		{ "1", "1" },
		{ "+5", "5" },
		{ "-5", "-5" },
		{ "5.", "5" },
		{ ".5", "0.5" },
		{ "-.5", "-0.5" },
		{ "001000", "1000" },
		{ "1000.0", "1000" },
		{ "1e3", "1000" },
		{ "1E+3", "1000" },
		{ "1000e-3", "1" },
		{ "12345e-2", "123.45" },
		{ "1.50", "1.5" },
		{ "0.0012300e1", "0.0123" },
		{ "1e125", "1" ZEROS_125 },
		{ NINES_38, NINES_38 },
		{ "-" NINES_38 "000", "-" NINES_38 "000" },
		{ "0." NINES_38, "0." NINES_38 },
		{ "100e-2", "1" },
		{ "10000000000000000000000000000000000000000000000000e-49", "1" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_canonical(cases[i][0], cases[i][1]);
}

static void test_longest_texts_fit(void **state)
{
	(void)state;
	char wanted[NUMBER_TEXT_MAX + 1] = "-0." ZEROS_125 "0000";
	strcat(wanted, NINES_38);
	check_canonical("-9.9999999999999999999999999999999999999e-130", wanted);
	check_canonical("1e-130", "0." ZEROS_125 "00001");
	check_canonical(NINES_38 "e88", NINES_38 ZEROS_80 "00000000");
}

static void test_what_is_not_a_number(void **state)
{
	(void)state;
	static const char *const cases[] = { "", " 5", "5 ", "1e", "1e+", ".", "-", "+", "NaN", "Infinity", "1_000",
		"1,5", "0x10", "1.2.3", "--1", "e5", "1e5.0", "1e99999999999999999999", "five" };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_refused(cases[i], "The parameter cannot be converted to a numeric value");
	check_refused("five", "value: five");
}

static void test_range(void **state)
{
	(void)state;
	check_refused(NINES_38 "9", "more than 38 significant digits");
	check_refused("1" ZEROS_80 "1", "more than 38 significant digits");
	check_refused("1e126", "Number overflow");
	check_refused("-10e125", "Number overflow");
	check_refused("1e9223372036854775807", "Number overflow");
	check_refused("1e-131", "Number underflow");
	check_refused("-0.1e-130", "Number underflow");
	check_refused("1e-9223372036854775807", "Number underflow");
	check_refused("0e126", "Number overflow");
	check_refused("0e-131", "Number underflow");
}

/* In rising order, canonical, with their sizes as DynamoDB counts them. */
static const struct {
	const char *text;
	size_t size_bytes;
} rising[] = {
	{ "-1" ZEROS_125, 3 },
	{ "-1000", 3 },
	{ "-999.5", 5 },
	{ "-42", 3 },
	{ "-1.2", 4 },
	{ "-1", 3 },
	{ "-0.5", 3 },
	{ "-0.05", 3 },
	{ "-0." ZEROS_125 "00001", 3 },
	{ "0", 1 },
	{ "0." ZEROS_125 "00001", 2 },
	{ "0.05", 2 },
	{ "0.15", 2 },
	{ "1", 2 },
	{ "1.05", 3 },
	{ "1.2", 3 },
	{ "1.21", 3 },
	{ "1.5", 3 },
	{ "3.14159", 5 },
	{ "12", 2 },
	{ "42", 2 },
	{ "100", 2 },
	{ "100.5", 4 },
	{ "123", 3 },
	{ "123456", 4 },
	{ NINES_38, 20 },
	{ "1" ZEROS_125, 2 },
};
#define RISING (sizeof(rising) / sizeof(rising[0]))

static void test_compare_is_by_value(void **state)
{
	(void)state;
	for (size_t i = 0; i < RISING; i++) {
		for (size_t j = 0; j < RISING; j++) {
			int order = number_compare(slice_of_text(rising[i].text), slice_of_text(rising[j].text));
			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
		}
	}
}

static void test_size_as_dynamodb_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < RISING; i++)
		assert_int_equal(number_size_bytes(slice_of_text(rising[i].text)), rising[i].size_bytes);
}

static void check_ordered(const char *text, struct buffer *out)
{
	char back[NUMBER_TEXT_MAX + 1];
	size_t size = 0;
	buffer_clear(out);
	number_append_ordered(slice_of_text(text), out);
	assert_true(out->size <= NUMBER_ORDERED_MAX);
	assert_null(memchr(out->data, 0, out->size));
	assert_int_equal(number_from_ordered(buffer_slice(out), back, &size), 0);
	assert_string_equal(back, text);
	assert_int_equal(size, strlen(text));
	assert_int_equal(number_ordered_size(buffer_slice(out)), out->size);
	assert_int_equal(number_from_ordered(slice_of(out->data, out->size - 1), back, &size), -EINVAL);
	assert_int_equal(number_ordered_size(slice_of(out->data, out->size - 1)), 0);
	buffer_append_byte(out, 1);
	assert_int_equal(number_from_ordered(buffer_slice(out), back, &size), -EINVAL);
	assert_int_equal(number_ordered_size(buffer_slice(out)), out->size - 1);
	out->size--;
}

static void test_ordered_form_sorts_and_comes_back(void **state)
{
	(void)state;
	struct buffer before = BUFFER_INIT, now = BUFFER_INIT;
	for (size_t i = 0; i < RISING; i++) {
		check_ordered(rising[i].text, &now);
		if (i > 0)
			assert_true(slice_compare(buffer_slice(&before), buffer_slice(&now)) < 0);
		struct buffer swap = before;
		before = now;
		now = swap;
	}
	buffer_free(&before);
	buffer_free(&now);
}

static void test_ordered_form_sorts_random_numbers(void **state)
{
	(void)state;
	struct buffer a = BUFFER_INIT, b = BUFFER_INIT;
	unsigned seed = 20250301;
	char texts[2][NUMBER_TEXT_MAX + 1] = { "0", "0" };
	for (int i = 0; i < 20000; i++) {
		char raw[64];
		size_t size = 0;
		int scale = rand_r(&seed) % 4 == 0 ? rand_r(&seed) % 100 : rand_r(&seed) % 4;
		snprintf(raw, sizeof(raw), "%s%d%de%d", rand_r(&seed) % 2 != 0 ? "-" : "", rand_r(&seed) % 100,
			rand_r(&seed), rand_r(&seed) % 2 != 0 ? scale : -scale);
		assert_int_equal(number_canonical(slice_of_text(raw), texts[i % 2], &size, NULL), 0);
		check_ordered(texts[0], &a);
		check_ordered(texts[1], &b);
		int by_bytes = slice_compare(buffer_slice(&a), buffer_slice(&b));
		int by_value = number_compare(slice_of_text(texts[0]), slice_of_text(texts[1]));
		assert_int_equal((by_bytes > 0) - (by_bytes < 0), (by_value > 0) - (by_value < 0));
	}
	buffer_free(&a);
	buffer_free(&b);
}

static void test_damaged_ordered_forms(void **state)
{
	(void)state;
	static const char *const cases[] = {
		"", "\x01", "\x80\x80", "\x83\x10\x0c\x01", /* sign and exponent out of range */
		"\x82\x90\x0c\x01",                         /* exponent out of range */
		"\x82\x03\x01",                             /* no digits */
		"\x82\x03\x03\x01",                         /* first digit zero */
		"\x82\x03\x0c\x02\x01",                     /* a pair of zeros at the end */
		"\x82\x03\x0c\x70\x01",                     /* not a pair */
		"\x82\x03\x0c",                             /* no end */
		"\x7e\x7e\x5b\x01",                         /* the other sign's end */
		"\x82\x03ZZZZZZZZZZZZZZZZZZZZ\x01",         /* more digits than a number has */
	};
	char text[NUMBER_TEXT_MAX + 1];
	size_t size = 0;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(number_from_ordered(slice_of_text(cases[i]), text, &size), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_canonical_spelling),
		cmocka_unit_test(test_longest_texts_fit),
		cmocka_unit_test(test_what_is_not_a_number),
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_compare_is_by_value),
		cmocka_unit_test(test_size_as_dynamodb_counts),
		cmocka_unit_test(test_ordered_form_sorts_and_comes_back),
		cmocka_unit_test(test_ordered_form_sorts_random_numbers),
		cmocka_unit_test(test_damaged_ordered_forms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
