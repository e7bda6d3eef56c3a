/* Readers of directories without gaps, who are given everything that is due before they read on, unless a test says otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fs/streams.h"

#define ENTRIES 100000

static struct streams streams;
static bool is_there[ENTRIES]; /* the kernel has it */
static unsigned given, asked;

static int start(void **state)
{
	(void)state;
	streams = (struct streams){ 0 };
	memset(is_there, 0, sizeof(is_there));
	given = asked = 0;
	return 0;
}

static void give_portion(struct portion *portion, uint64_t end)
{
	while (portion->next < end && portion->given < portion->pages) {
		uint64_t entry = portion->next++;

		portion->given++;
		if (portion->is_marking && portion->mark == STREAM_NOWHERE) {
			portion->mark = entry;
		} else {
			is_there[entry] = true;
			given++;
		}
	}
	portion->is_over = portion->next == end;
	streams_given(&streams, portion);
}

static void give(uint64_t end)
{
	struct portion portion;

	while (streams_take(&streams, &portion))
		give_portion(&portion, end);
}

/* A read-only mount hears only of what it is asked for. */
static bool read_entry(uint64_t entry)
{
	if (is_there[entry])
		return false;
	asked++;
	is_there[entry] = true;
	return streams_follow(&streams, 1, 0, entry);
}

static void reading_in_order_is_asked_for_little(void **state)
{
	(void)state;
	for (uint64_t entry = 0; entry < ENTRIES; entry++) {
		(void)read_entry(entry);
		give(ENTRIES);
	}
	assert_int_equal(given + asked, ENTRIES);
	assert_in_range(asked, 1, 110);
}

static void the_next_chunk_is_there_before_this_one_is_read(void **state)
{
	(void)state;
	for (uint64_t entry = 0; entry < 50000; entry++) {
		(void)read_entry(entry);
		give(ENTRIES);
		if (entry > 200)
			assert_true(is_there[entry + 1] || is_there[entry + 2]); /* one may be the mark */
	}
}

static void a_small_directory_is_given_as_a_whole(void **state)
{
	(void)state;
	assert_true(read_entry(0));
	give(100);
	for (uint64_t entry = 0; entry < 100; entry++)
		(void)read_entry(entry);
	assert_int_equal(asked, 1);
}

static void who_begins_in_the_middle_is_followed_at_the_third(void **state)
{
	(void)state;
	assert_false(read_entry(500));
	assert_false(read_entry(501));
	assert_true(read_entry(502));
	give(ENTRIES);
	assert_true(is_there[502 + STREAM_FIRST]);
	assert_in_range(given, STREAM_FIRST, 2 * STREAM_FIRST);
}

static void reading_here_and_there_is_given_nothing(void **state)
{
	unsigned seed = 1;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct portion portion;

		seed = seed * 1103515245 + 12345;
		(void)read_entry(1 + (seed >> 8) % (ENTRIES - 1));
		while (streams_take(&streams, &portion)) {
			/* They only rise: whether few live between them is asked of the store. */
			assert_int_not_equal(portion.before, STREAM_NOWHERE);
			portion.is_no_stream = true;
			streams_given(&streams, &portion);
		}
	}
	assert_int_equal(given, 0);
}

static void who_is_overtaken_goes_on_behind_the_reader(void **state)
{
	struct portion portion;
	uint64_t entry;

	(void)state;
	for (entry = 0; entry < 40; entry++) /* before anything was given */
		(void)read_entry(entry);
	assert_true(streams_take(&streams, &portion));
	assert_int_equal(portion.from, 40);
	for (; entry < 60; entry++)
		(void)read_entry(entry);
	assert_int_equal(streams_last(&streams, &portion), 59);
	give_portion(&portion, ENTRIES);
	give(ENTRIES);
	for (; entry < 5000; entry++) {
		(void)read_entry(entry);
		give(ENTRIES);
	}
	assert_in_range(asked, 60, 80);
}

static void several_readers_are_followed_at_once(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 1000; i++) {
		for (uint64_t reader = 0; reader < 8; reader++)
			(void)read_entry(reader * 10000 + 5000 + i);
		give(ENTRIES);
	}
	assert_in_range(asked, 8 * 3, 8 * 12);
}

static void what_the_kernel_does_not_know_is_tried_less_and_less(void **state)
{
	struct portion portion;
	int tries = 0;

	(void)state;
	for (uint64_t entry = 0; entry < 10000; entry++) {
		(void)read_entry(entry);
		while (streams_take(&streams, &portion)) {
			portion.given = 1;
			portion.is_unknown = true;
			streams_given(&streams, &portion);
			tries++;
		}
	}
	assert_in_range(tries, 2, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(reading_in_order_is_asked_for_little, start),
		cmocka_unit_test_setup(the_next_chunk_is_there_before_this_one_is_read, start),
		cmocka_unit_test_setup(a_small_directory_is_given_as_a_whole, start),
		cmocka_unit_test_setup(who_begins_in_the_middle_is_followed_at_the_third, start),
		cmocka_unit_test_setup(reading_here_and_there_is_given_nothing, start),
		cmocka_unit_test_setup(who_is_overtaken_goes_on_behind_the_reader, start),
		cmocka_unit_test_setup(several_readers_are_followed_at_once, start),
		cmocka_unit_test_setup(what_the_kernel_does_not_know_is_tried_less_and_less, start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
