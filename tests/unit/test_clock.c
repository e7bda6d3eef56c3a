#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

/* Generous, since a test machine may be busy. */
#define TOLERANCE_US (60 * SECOND_US)

static int64_t system_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

static void assert_offset(int64_t offset_us)
{
	int64_t distance_us = clock_now_us() - system_us() - offset_us;
	assert_in_range(distance_us + TOLERANCE_US, 0, 2 * TOLERANCE_US);
}

static int reset(void **state)
{
	(void)state;
	clock_reset();
	return 0;
}

static void runs_with_the_wall_clock(void **state)
{
	(void)state;
	assert_offset(0);
}

static void stands_still_when_set(void **state)
{
	(void)state;
	clock_set(INT64_C(1740832200123456));
	assert_int_equal(clock_now_us(), INT64_C(1740832200123456));
	assert_int_equal(clock_now_us(), INT64_C(1740832200123456));
	clock_reset();
	assert_offset(0);
}

static void runs_beside_the_wall_clock_when_shifted(void **state)
{
	(void)state;
	clock_shift(-400 * DAY_US);
	assert_offset(-400 * DAY_US);
	clock_shift(3600 * SECOND_US);
	assert_offset(3600 * SECOND_US);
}

static void stays_in_range_when_shifted_far(void **state)
{
	(void)state;
	clock_shift(INT64_MAX);
	assert_int_equal(clock_now_us(), INT64_MAX);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
}

static void reads_a_file_anew_at_every_call(void **state)
{
	static const struct {
		const char *text;
		int64_t stopped_us, offset_us; /* stopped 0: runs with the offset */
	} cases[] = {
		{ "1740832200000000", INT64_C(1740832200000000), 0 },
		{ "1740832200000001\n", INT64_C(1740832200000001), 0 },
		{ "+864000000000", 0, 10 * DAY_US },
		{ "-864000000000\r\n", 0, -10 * DAY_US },
		{ "", 0, 0 },
		{ "+", 0, 0 },
		{ "noon", 0, 0 },
		{ "17408322000000xx", 0, 0 },
		{ "99999999999999999999", 0, 0 },
		{ "1740832200000000 1740832200000000", 0, 0 },
	};
	char path[] = "/tmp/test_clock-XXXXXX";
	int fd = mkstemp(path);
	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(clock_use_file(path), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_file(path, cases[i].text);
		if (cases[i].stopped_us)
			assert_int_equal(clock_now_us(), cases[i].stopped_us);
		else
			assert_offset(cases[i].offset_us);
	}
	write_file(path, "1740832200000000");
	assert_int_equal(clock_now_us(), INT64_C(1740832200000000));
	assert_int_equal(unlink(path), 0);
	assert_offset(0);
}

static void refuses_a_path_that_is_too_long(void **state)
{
	static char path[PATH_MAX + 1];
	(void)state;
	memset(path, 'x', PATH_MAX);
	clock_set(5);
	assert_int_equal(clock_use_file(path), -ENAMETOOLONG);
	assert_int_equal(clock_now_us(), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(runs_with_the_wall_clock, reset),
		cmocka_unit_test_teardown(stands_still_when_set, reset),
		cmocka_unit_test_teardown(runs_beside_the_wall_clock_when_shifted, reset),
		cmocka_unit_test_teardown(stays_in_range_when_shifted_far, reset),
		cmocka_unit_test_teardown(reads_a_file_anew_at_every_call, reset),
		cmocka_unit_test_teardown(refuses_a_path_that_is_too_long, reset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
