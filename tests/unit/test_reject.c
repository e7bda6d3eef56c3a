#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "json.h"
#include "reject.h"
#include "tests/support/fixture.h"

#define NOON_US INT64_C(1740832200000000) /* 2025-03-01T12:30:00Z */

static int set_up(void **state)
{
	return fixture_begin_test(state, NOON_US);
}

static void read_file(const struct fixture *fixture, const char *name, struct buffer *out)
{
	char path[1024], bytes[4096];
	snprintf(path, sizeof(path), "%s/%s", fixture->directory, name);
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	size_t size = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	buffer_clear(out);
	buffer_append(out, bytes, size);
}

static struct json *read_line(const struct fixture *fixture)
{
	struct buffer text = BUFFER_INIT;
	struct json *line;
	read_file(fixture, REJECT_LOG, &text);
	assert_true(slice_ends_with(buffer_slice(&text), "\n"));
	assert_int_equal(json_parse(buffer_slice(&text), &json_default_limits, &line, NULL), 0);
	buffer_free(&text);
	return line;
}

static void assert_member(const struct json *line, const char *name, const char *expected)
{
	struct slice text;
	assert_true(json_get_text(line, name, &text));
	assert_true(slice_equal(text, slice_of_text(expected)));
}

static void test_bytes_and_reason_are_kept(void **state)
{
	struct fixture *fixture = *state;
	struct slice bytes = slice_of("{\0bad", 5), kept;
	struct buffer content = BUFFER_INIT;
	char name[512];
	assert_int_equal(reject_record(fixture->history, "orders/10\xff.json", bytes, -EINVAL, "a \"quote\""), 0);
	struct json *line = read_line(fixture);
	assert_member(line, "time", "2025-03-01T12:30:00Z");
	assert_member(line, "path", "orders/10\xef\xbf\xbd.json");
	assert_member(line, "error", "EINVAL");
	assert_member(line, "message", "a \"quote\"");
	assert_true(json_get_text(line, "kept", &kept));
	assert_true(slice_starts_with(kept, REJECT_DIRECTORY "/2025-03-01T12:30:00-"));
	assert_true(slice_ends_with(kept, "-10_.json"));
	snprintf(name, sizeof(name), "%.*s", (int)kept.size, (const char *)kept.data);
	read_file(fixture, name, &content);
	assert_true(slice_equal(buffer_slice(&content), bytes));
	buffer_free(&content);
	json_free(line);
}

static void test_without_bytes_nothing_is_kept(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(reject_record(fixture->history, "orders/1.json", slice_of(NULL, 0), -EFBIG, "too big"), 0);
	struct json *line = read_line(fixture);
	assert_member(line, "error", "EFBIG");
	assert_null(json_member(line, "kept"));
	json_free(line);
}

static size_t count_kept(const struct fixture *fixture)
{
	char path[512];
	size_t count = 0;
	snprintf(path, sizeof(path), "%s/" REJECT_DIRECTORY, fixture->directory);
	DIR *directory = opendir(path);
	assert_non_null(directory);
	for (struct dirent *entry; (entry = readdir(directory));)
		count += entry->d_name[0] != '.';
	closedir(directory);
	return count;
}

static void test_many_at_one_time_do_not_collide(void **state)
{
	struct fixture *fixture = *state;
	struct buffer text = BUFFER_INIT;
	size_t lines = 0;
	for (int i = 0; i < 20; i++)
		assert_int_equal(
			reject_record(fixture->history, "orders/1.json", slice_of_text("x"), -EINVAL, "bad"), 0);
	assert_int_equal(count_kept(fixture), 20);
	read_file(fixture, REJECT_LOG, &text);
	for (size_t i = 0; i < text.size; i++)
		lines += text.data[i] == '\n';
	assert_int_equal(lines, 20);
	buffer_free(&text);
}

static void test_a_path_cannot_lead_out(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(reject_record(fixture->history, "a/../../..", slice_of_text("x"), -EINVAL, "bad"), 0);
	assert_int_equal(reject_record(fixture->history, "", slice_of_text("x"), -EINVAL, "bad"), 0);
	assert_int_equal(reject_record(fixture->history, "orders/", slice_of_text("x"), -EINVAL, "bad"), 0);
	assert_int_equal(count_kept(fixture), 3);
}

/* The reason is told even when the bytes could not be kept. */
static void test_no_place_for_the_bytes(void **state)
{
	struct fixture *fixture = *state;
	char path[512];
	snprintf(path, sizeof(path), "%s/" REJECT_DIRECTORY, fixture->directory);
	rmdir(path);
	FILE *file = fopen(path, "we");
	fclose(file);
	assert_int_equal(
		reject_record(fixture->history, "orders/1.json", slice_of_text("x"), -EINVAL, "bad"), -ENOTDIR);
	struct json *line = read_line(fixture);
	assert_member(line, "message", "bad");
	assert_null(json_member(line, "kept"));
	json_free(line);
}

static void test_a_read_only_store_is_left_alone(void **state)
{
	struct fixture *fixture = *state;
	struct history_options options = { .is_read_only = true };
	struct history *history;
	char path[512];
	history_close(fixture->history);
	assert_int_equal(history_open(fixture->directory, &options, &history, NULL), 0);
	assert_int_equal(reject_record(history, "orders/1.json", slice_of_text("x"), -EINVAL, "bad"), -EROFS);
	history_close(history);
	fixture->history = NULL;
	snprintf(path, sizeof(path), "%s/" REJECT_LOG, fixture->directory);
	assert_int_equal(access(path, F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bytes_and_reason_are_kept, set_up, fixture_end_test),
		cmocka_unit_test_setup_teardown(test_without_bytes_nothing_is_kept, set_up, fixture_end_test),
		cmocka_unit_test_setup_teardown(test_many_at_one_time_do_not_collide, set_up, fixture_end_test),
		cmocka_unit_test_setup_teardown(test_a_path_cannot_lead_out, set_up, fixture_end_test),
		cmocka_unit_test_setup_teardown(test_no_place_for_the_bytes, set_up, fixture_end_test),
		cmocka_unit_test_setup_teardown(test_a_read_only_store_is_left_alone, set_up, fixture_end_test),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
