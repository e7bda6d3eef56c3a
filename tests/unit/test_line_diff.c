#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/support/fixture.h"
#include "tools/line_diff.h"

/* The lines that are in one text only, each with its sign and a space. */
static void assert_lines(const char *before, const char *after, const char *wanted_before, const char *wanted_after)
{
	struct line_diff diff;
	struct buffer text[2] = { BUFFER_INIT, BUFFER_INIT };
	assert_int_equal(line_diff_begin(&diff, slice_of_text(before), slice_of_text(after)), 0);
	for (unsigned side = 0; side < 2; side++) {
		const struct lines *lines = side ? &diff.after : &diff.before;
		buffer_append_text(&text[side], "");
		for (size_t i = 0; i < lines->count; i++)
			if (lines->is_different[i])
				buffer_append_slice(&text[side], lines->lines[i]);
	}
	assert_string_equal(buffer_text(&text[0]), wanted_before);
	assert_string_equal(buffer_text(&text[1]), wanted_after);
	line_diff_end(&diff);
	buffer_free(&text[0]);
	buffer_free(&text[1]);
}

static void finds_what_is_in_one_text_only(void **state)
{
	(void)state;
	assert_lines("", "", "", "");
	assert_lines("a\nb\n", "a\nb\n", "", "");
	assert_lines("a\nb\n", "", "ab", "");
	assert_lines("", "a\nb", "", "ab");
	assert_lines("a\nb\nc\n", "a\nx\nc\n", "b", "x");
	assert_lines("a\nb\nc\na\nb\nb\na\n", "c\nb\na\nb\na\nc\n", "abb", "bc");
}

#define LINES 14

static unsigned longest_in_common(const struct lines *a, const struct lines *b)
{
	unsigned common[LINES + 1][LINES + 1] = { 0 };
	for (size_t i = 1; i <= a->count; i++) {
		for (size_t j = 1; j <= b->count; j++) {
			unsigned one = common[i - 1][j], other = common[i][j - 1];
			common[i][j] = one > other ? one : other;
			if (slice_equal(a->lines[i - 1], b->lines[j - 1]))
				common[i][j] = common[i - 1][j - 1] + 1;
		}
	}
	return common[a->count][b->count];
}

static size_t next_common(const struct lines *lines, size_t i)
{
	while (i < lines->count && lines->is_different[i])
		i++;
	return i;
}

static unsigned assert_rest_is_equal(const struct line_diff *diff)
{
	size_t i = next_common(&diff->before, 0), j = next_common(&diff->after, 0);
	unsigned count = 0;
	for (; i < diff->before.count && j < diff->after.count; count++) {
		assert_true(slice_equal(diff->before.lines[i], diff->after.lines[j]));
		i = next_common(&diff->before, i + 1);
		j = next_common(&diff->after, j + 1);
	}
	assert_true(i == diff->before.count && j == diff->after.count);
	return count;
}

static void is_the_shortest_script(void **state)
{
	uint64_t random = 3;
	(void)state;
	for (unsigned round = 0; round < 500; round++) {
		struct buffer text[2] = { BUFFER_INIT, BUFFER_INIT };
		struct line_diff diff;
		for (unsigned side = 0; side < 2; side++)
			for (uint64_t n = fixture_random_below(&random, LINES + 1); n > 0; n--)
				buffer_append_format(&text[side], "%c\n", 'a' + (char)fixture_random_below(&random, 4));
		assert_int_equal(line_diff_begin(&diff, buffer_slice(&text[0]), buffer_slice(&text[1])), 0);
		assert_int_equal(assert_rest_is_equal(&diff), longest_in_common(&diff.before, &diff.after));
		line_diff_end(&diff);
		buffer_free(&text[0]);
		buffer_free(&text[1]);
	}
}

/* What begins and ends alike is found in texts that are otherwise too different to look further. */
static void gives_up_on_texts_with_little_in_common(void **state)
{
	struct buffer text[2] = { BUFFER_INIT, BUFFER_INIT };
	struct line_diff diff;
	(void)state;
	for (unsigned side = 0; side < 2; side++) {
		buffer_append_text(&text[side], "{\n");
		for (unsigned i = 0; i < 1500; i++)
			buffer_append_format(&text[side], "%u %u\n", i, i % 2 ? side : 2);
		buffer_append_text(&text[side], "}\n");
	}
	assert_int_equal(line_diff_begin(&diff, buffer_slice(&text[0]), buffer_slice(&text[1])), 0);
	assert_true(assert_rest_is_equal(&diff) < 10);
	line_diff_end(&diff);
	buffer_free(&text[0]);
	buffer_free(&text[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_is_in_one_text_only),
		cmocka_unit_test(is_the_shortest_script),
		cmocka_unit_test(gives_up_on_texts_with_little_in_common),
	};
	return cmocka_run_group_tests_name("line_diff", tests, NULL, NULL);
}
