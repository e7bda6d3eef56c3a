#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "spool.h"

#define LARGE (SPOOL_MEMORY_MAX + 1000)

static char directory[] = "/tmp/test_spool-XXXXXX";

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	return rmdir(directory);
}

static struct spool *new_spool(void)
{
	struct spool *spool = NULL;
	assert_int_equal(spool_new(directory, &spool), 0);
	return spool;
}

static void assert_byte(const struct spool *spool, uint64_t offset, uint8_t wanted)
{
	uint8_t byte = (uint8_t)~wanted;
	assert_int_equal(spool_read(spool, offset, &byte, 1), 1);
	assert_int_equal(byte, wanted);
}

static int descriptor_count(void)
{
	int count = 0;
	DIR *listing = opendir("/proc/self/fd");
	assert_non_null(listing);
	while (readdir(listing))
		count++;
	closedir(listing);
	return count;
}

static void begins_empty(void **state)
{
	struct spool *spool = new_spool();
	struct buffer out = BUFFER_INIT;
	uint8_t byte;
	(void)state;
	assert_int_equal(spool_size(spool), 0);
	assert_int_equal(spool_read(spool, 0, &byte, 1), 0);
	assert_int_equal(spool_read(spool, UINT64_MAX, &byte, 1), 0);
	assert_int_equal(spool_load(spool, &out, 0), 0);
	assert_int_equal(out.size, 0);
	assert_int_equal(spool_write(spool, 100, "", 0), 0);
	assert_int_equal(spool_size(spool), 0);
	buffer_free(&out);
	spool_free(spool);
	spool_free(NULL);
}

static void reads_back_what_was_written(void **state)
{
	struct spool *spool = new_spool();
	char text[16] = { 0 };
	(void)state;
	assert_int_equal(spool_write(spool, 0, "hello world", 11), 0);
	assert_int_equal(spool_write(spool, 6, "spool", 5), 0);
	assert_int_equal(spool_size(spool), 11);
	assert_int_equal(spool_read(spool, 0, text, sizeof(text)), 11);
	assert_string_equal(text, "hello spool");
	assert_int_equal(spool_read(spool, 6, text, 3), 3);
	assert_memory_equal(text, "spo", 3);
	assert_int_equal(spool_read(spool, 11, text, 3), 0);
	spool_free(spool);
}

static void gaps_are_zeros(void **state)
{
	const uint64_t offsets[] = { 1000, LARGE };
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct spool *spool = new_spool();
		assert_int_equal(spool_write(spool, 0, "ab", 2), 0);
		assert_int_equal(spool_write(spool, offsets[i], "z", 1), 0);
		assert_int_equal(spool_size(spool), offsets[i] + 1);
		assert_byte(spool, 1, 'b');
		assert_byte(spool, 2, 0);
		assert_byte(spool, offsets[i] - 1, 0);
		assert_byte(spool, offsets[i], 'z');
		spool_free(spool);
	}
}

static void what_was_cut_off_does_not_come_back(void **state)
{
	const size_t sizes[] = { 1000, LARGE };
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct spool *spool = new_spool();
		uint8_t *bytes = malloc(sizes[i]);
		assert_non_null(bytes);
		memset(bytes, 'x', sizes[i]);
		assert_int_equal(spool_write(spool, 0, bytes, sizes[i]), 0);
		assert_int_equal(spool_truncate(spool, 10), 0);
		assert_int_equal(spool_size(spool), 10);
		assert_int_equal(spool_truncate(spool, 20), 0);
		assert_byte(spool, 9, 'x');
		assert_byte(spool, 10, 0);
		assert_byte(spool, 19, 0);
		assert_int_equal(spool_truncate(spool, 5), 0);
		assert_int_equal(spool_write(spool, 15, "y", 1), 0);
		assert_byte(spool, 9, 0);
		assert_byte(spool, 14, 0);
		assert_int_equal(spool_truncate(spool, 0), 0);
		assert_int_equal(spool_size(spool), 0);
		free(bytes);
		spool_free(spool);
	}
}

static void uses_a_file_only_when_large(void **state)
{
	struct spool *spool = new_spool();
	int before = descriptor_count();
	(void)state;
	assert_int_equal(spool_write(spool, SPOOL_MEMORY_MAX - 1, "x", 1), 0);
	assert_int_equal(spool_size(spool), SPOOL_MEMORY_MAX);
	assert_int_equal(descriptor_count(), before);
	assert_int_equal(spool_write(spool, SPOOL_MEMORY_MAX, "y", 1), 0);
	assert_int_equal(descriptor_count(), before + 1);
	assert_byte(spool, SPOOL_MEMORY_MAX - 1, 'x');
	assert_byte(spool, SPOOL_MEMORY_MAX, 'y');
	assert_int_equal(rmdir(directory), 0); /* the file has no name in it */
	assert_byte(spool, SPOOL_MEMORY_MAX, 'y');
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	assert_non_null(mkdtemp(directory));
	spool_free(spool);
	assert_int_equal(descriptor_count(), before);
}

static void growing_by_truncation_moves_to_a_file_too(void **state)
{
	struct spool *spool = new_spool();
	(void)state;
	assert_int_equal(spool_write(spool, 0, "a", 1), 0);
	assert_int_equal(spool_truncate(spool, UINT64_C(1) << 32), 0);
	assert_int_equal(spool_size(spool), UINT64_C(1) << 32);
	assert_byte(spool, 0, 'a');
	assert_byte(spool, UINT64_C(0xffffffff), 0);
	spool_free(spool);
}

static void loads_all_or_nothing(void **state)
{
	const size_t sizes[] = { 1000, LARGE };
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct spool *spool = new_spool();
		struct buffer out = BUFFER_INIT;
		assert_int_equal(spool_write(spool, sizes[i] - 1, "z", 1), 0);
		buffer_append_text(&out, "in front");
		assert_int_equal(spool_load(spool, &out, sizes[i] - 1), -EFBIG);
		assert_int_equal(out.size, 8);
		assert_int_equal(spool_load(spool, &out, sizes[i]), 0);
		assert_int_equal(out.size, 8 + sizes[i]);
		assert_memory_equal(out.data, "in front\0", 9);
		assert_int_equal(out.data[out.size - 1], 'z');
		buffer_free(&out);
		spool_free(spool);
	}
}

static void refuses_sizes_no_file_has(void **state)
{
	struct spool *spool = new_spool();
	(void)state;
	assert_int_equal(spool_write(spool, UINT64_MAX, "ab", 2), -EFBIG);
	assert_int_equal(spool_write(spool, INT64_MAX, "a", 1), -EFBIG);
	assert_int_equal(spool_truncate(spool, UINT64_C(1) << 63), -EFBIG);
	assert_int_equal(spool_size(spool), 0);
	spool_free(spool);
}

static void needs_its_directory_only_when_large(void **state)
{
	struct spool *spool;
	(void)state;
	assert_int_equal(spool_new("/nonexistent/directory", &spool), 0);
	assert_int_equal(spool_write(spool, 0, "kept", 4), 0);
	assert_int_equal(spool_write(spool, LARGE, "x", 1), -ENOENT);
	assert_int_equal(spool_truncate(spool, LARGE), -ENOENT);
	assert_int_equal(spool_size(spool), 4);
	assert_byte(spool, 3, 't');
	spool_free(spool);
}

/* A limit on the size of files stands for a disk that is full. */
static void a_write_that_fails_leaves_the_size(void **state)
{
	struct rlimit before, limit;
	struct spool *spool = new_spool();
	uint8_t *bytes = malloc(2 * LARGE);
	(void)state;
	assert_non_null(bytes);
	memset(bytes, 'x', 2 * LARGE);
	assert_int_equal(spool_write(spool, 0, bytes, LARGE), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = LARGE + 100;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(spool_write(spool, LARGE, bytes, LARGE), -EFBIG);
	assert_int_equal(spool_truncate(spool, 2 * LARGE), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(spool_size(spool), LARGE);
	assert_byte(spool, LARGE - 1, 'x');
	assert_int_equal(spool_truncate(spool, LARGE + 50), 0);
	assert_byte(spool, LARGE, 0);
	assert_byte(spool, LARGE + 49, 0);
	free(bytes);
	spool_free(spool);
}

/* The same random steps on a spool and on an array. */
static void behaves_as_an_array_does(void **state)
{
	enum { MAX = 2 * SPOOL_MEMORY_MAX };
	static uint8_t model[MAX], bytes[MAX], chunk[40000];
	(void)state;
	for (unsigned round = 0; round < 8; round++) {
		struct spool *spool = new_spool();
		size_t size = 0;
		srandom(round);
		for (int step = 0; step < 200; step++) {
			size_t offset = (size_t)random() % (MAX - sizeof(chunk));
			size_t count = (size_t)random() % sizeof(chunk);
			memset(chunk, step + 1, sizeof(chunk));
			if (round % 2)
				offset %= SPOOL_MEMORY_MAX - sizeof(chunk);
			if (random() % 4 == 0) {
				assert_int_equal(spool_truncate(spool, offset), 0);
				if (offset > size)
					memset(model + size, 0, offset - size);
				size = offset;
			} else if (count > 0) {
				assert_int_equal(spool_write(spool, offset, chunk, count), 0);
				if (offset > size)
					memset(model + size, 0, offset - size);
				memcpy(model + offset, chunk, count);
				size = offset + count > size ? offset + count : size;
			}
			assert_int_equal(spool_size(spool), size);
			assert_int_equal(spool_read(spool, 0, bytes, sizeof(bytes)), size);
			assert_int_equal(memcmp(bytes, model, size), 0);
		}
		spool_free(spool);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_empty),
		cmocka_unit_test(reads_back_what_was_written),
		cmocka_unit_test(gaps_are_zeros),
		cmocka_unit_test(what_was_cut_off_does_not_come_back),
		cmocka_unit_test(uses_a_file_only_when_large),
		cmocka_unit_test(growing_by_truncation_moves_to_a_file_too),
		cmocka_unit_test(loads_all_or_nothing),
		cmocka_unit_test(refuses_sizes_no_file_has),
		cmocka_unit_test(needs_its_directory_only_when_large),
		cmocka_unit_test(a_write_that_fails_leaves_the_size),
		cmocka_unit_test(behaves_as_an_array_does),
	};
	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
