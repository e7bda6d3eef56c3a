#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sorter.h"
#include "tests/support/fixture.h"

static char directory[256];

static int make_directory(void **state)
{
	(void)state;
	fixture_make_directory(directory, sizeof(directory));
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	return rmdir(directory);
}

static int compare_records(const void *a, const void *b)
{
	return memcmp(a, b, 8);
}

static void make_records(uint8_t (*records)[8], size_t count)
{
	uint64_t random = count;
	for (size_t i = 0; i < count; i++) {
		uint64_t value = fixture_random(&random);
		/* Some are equal. */
		value = i % 7 == 0 ? value % 5 : value;
		memcpy(records[i], &value, 8);
	}
}

static void sorts(size_t count)
{
	struct sorter *sorter = NULL;
	uint8_t(*records)[8] = malloc(count ? count * 8 : 8), got[8];
	make_records(records, count);
	assert_int_equal(sorter_new(directory, 8, &sorter), 0);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(sorter_add(sorter, records[i]), 0);
	qsort(records, count, 8, compare_records);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(sorter_next(sorter, got), 1);
		assert_memory_equal(got, records[i], 8);
	}
	assert_int_equal(sorter_next(sorter, got), 0);
	assert_int_equal(sorter_next(sorter, got), 0);
	sorter_free(sorter);
	free(records);
}

static void sorts_in_memory(void **state)
{
	(void)state;
	sorts(0);
	sorts(1);
	sorts(1000);
	sorts(SORTER_MEMORY_MAX / 8);
}

static void sorts_in_a_file(void **state)
{
	(void)state;
	sorts(SORTER_MEMORY_MAX / 8 + 1);
	sorts(2 * SORTER_MEMORY_MAX / 8);
	sorts(5 * SORTER_MEMORY_MAX / 8 - 3);
}

static void is_freed_at_any_time(void **state)
{
	(void)state;
	struct sorter *sorter = NULL;
	uint8_t record[SORTER_RECORD_MAX] = { 1 };
	sorter_free(NULL);
	assert_int_equal(sorter_new(directory, sizeof(record), &sorter), 0);
	for (size_t i = 0; i < SORTER_MEMORY_MAX / sizeof(record) + 1; i++)
		assert_int_equal(sorter_add(sorter, record), 0);
	assert_int_equal(sorter_next(sorter, record), 1);
	sorter_free(sorter);
}

static void tells_that_the_disk_is_full(void **state)
{
	(void)state;
	struct rlimit before, small;
	struct sorter *sorter = NULL;
	uint8_t record[8] = { 0 };
	int r = 0;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 4096;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(sorter_new(directory, sizeof(record), &sorter), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (size_t i = 0; i <= 3 * SORTER_MEMORY_MAX / sizeof(record) && !r; i++)
		r = sorter_add(sorter, record);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(r, -EFBIG);
	sorter_free(sorter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorts_in_memory),
		cmocka_unit_test(sorts_in_a_file),
		cmocka_unit_test(is_freed_at_any_time),
		cmocka_unit_test(tells_that_the_disk_is_full),
	};
	return cmocka_run_group_tests_name("sorter", tests, make_directory, remove_directory);
}
