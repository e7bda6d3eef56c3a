#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "clock.h"
#include "periods.h"
#include "tests/support/fixture.h"
#include "told_tables.h"

#define NOON_US INT64_C(1740832200000000) /* 2025-03-01T12:30:00Z */
#define DAYS 12

static int set_up(void **state)
{
	return fixture_begin_test(state, NOON_US);
}

static void create(
	struct fixture *fixture, const char *name, int64_t exists_from_us, bool is_pitr_on, struct table *ret_table)
{
	struct change_context context = { 0 };
	struct error error = { 0 };
	struct batch *batch = fixture_begin(fixture);
	fixture_create_in(batch, name, "id", NULL, exists_from_us, ret_table);
	fixture_require(table_set_recovery(batch, ret_table, is_pitr_on, 0, &context, &error) == 0, "settings", &error);
	fixture_commit(batch);
	table_free(ret_table);
	struct store_txn *txn = fixture_read(fixture);
	fixture_require(table_find(txn, slice_of_text(name), TIME_NOW, ret_table, &error) == 0, "find", &error);
	store_abort(txn);
}

static void put(struct batch *batch, const struct table *table, unsigned value, int64_t time_us)
{
	char text[64];
	snprintf(text, sizeof(text), "{'id':'%u','v':%u}", value % 7, value);
	fixture_put_in(batch, table, text, time_us);
}

/* Changes at these times, one or more at each. */
static void fill(struct fixture *fixture, const struct table *table, const int64_t *times, size_t count)
{
	struct batch *batch = fixture_begin(fixture);
	for (unsigned i = 0; i < count; i++)
		put(batch, table, i, times[i]);
	fixture_commit(batch);
}

static struct periods *open_periods(struct fixture *fixture, struct store_txn *txn, const struct table *table)
{
	struct periods *periods;
	fixture_require(periods_open(fixture->history, txn, table, &periods) == 0, "open periods", NULL);
	return periods;
}

static void assert_next(struct periods *periods, int64_t time_us, int64_t wanted_us)
{
	int64_t found_us = -1;
	assert_int_equal(periods_next(periods, time_us, &found_us), wanted_us < 0 ? -ENOENT : 0);
	if (wanted_us >= 0)
		assert_int_equal(found_us, wanted_us);
}

static void assert_last(struct periods *periods, int64_t time_us, int64_t wanted_us)
{
	int64_t found_us = -1;
	assert_int_equal(periods_last(periods, time_us, &found_us), wanted_us < 0 ? -ENOENT : 0);
	if (wanted_us >= 0)
		assert_int_equal(found_us, wanted_us);
}

static int64_t wanted_next(const int64_t *times, size_t count, int64_t time_us)
{
	for (size_t i = 0; i < count; i++)
		if (times[i] >= time_us)
			return times[i];
	return -1;
}

static int64_t wanted_last(const int64_t *times, size_t count, int64_t time_us)
{
	for (size_t i = count; i-- > 0;)
		if (times[i] <= time_us)
			return times[i];
	return -1;
}

static void test_changes_are_found_from_anywhere(void **state)
{
	struct fixture *fixture = *state;
	const int64_t begin_us = NOON_US - DAYS * DAY_US;
	int64_t times[200];
	struct table table;
	uint64_t random = 1;
	times[0] = begin_us;
	for (size_t i = 1; i < 200; i++)
		times[i] = times[i - 1] + (int64_t)(i % 3 == 0 ? 0 : fixture_random_below(&random, 3) * HOUR_US / 8);
	create(fixture, "orders", begin_us, true, &table);
	fill(fixture, &table, times, 200);
	struct store_txn *txn = fixture_read(fixture);
	for (int of_store = 0; of_store < 2; of_store++) {
		struct periods *periods = open_periods(fixture, txn, of_store ? NULL : &table);
		for (unsigned i = 0; i < 2000; i++) {
			int64_t time_us = begin_us - DAY_US + (int64_t)fixture_random_below(&random, DAYS * DAY_US);
			if (i % 4 == 0)
				time_us = times[i % 200] + (int64_t)(i % 3) - 1;
			assert_next(periods, time_us, wanted_next(times, 200, time_us));
			assert_last(periods, time_us, wanted_last(times, 200, time_us));
		}
		periods_close(periods);
	}
	store_abort(txn);
	table_free(&table);
}

static void test_what_left_the_window_is_not_told(void **state)
{
	struct fixture *fixture = *state;
	const int64_t begin_us = NOON_US - 40 * DAY_US;
	const int64_t times[] = { begin_us, begin_us + 1, NOON_US - 3 * DAY_US, NOON_US - 3 * DAY_US,
		NOON_US - HOUR_US };
	struct change_context context = { 0 };
	struct error error = { 0 };
	struct table table;
	create(fixture, "orders", begin_us, true, &table);
	fill(fixture, &table, times, 5);
	struct batch *batch = fixture_begin(fixture);
	fixture_require(table_set_recovery(batch, &table, true, 7, &context, &error) == 0, "settings", &error);
	fixture_commit(batch);
	table_free(&table);
	struct store_txn *txn = fixture_read(fixture);
	fixture_require(table_find(txn, slice_of_text("orders"), TIME_NOW, &table, &error) == 0, "find", &error);
	struct periods *periods = open_periods(fixture, txn, &table);
	assert_next(periods, 0, times[2]);
	assert_last(periods, times[2] - 1, -1);
	assert_next(periods, times[2] + 1, times[4]);
	assert_next(periods, times[4] + 1, -1);
	assert_last(periods, INT64_MAX, times[4]);
	periods_close(periods);
	store_abort(txn);
	table_free(&table);
}

static void test_the_store_tells_of_all_tables_that_are_kept(void **state)
{
	struct fixture *fixture = *state;
	struct table tables[3], found;
	const char *const names[] = { "kept", "lost", "lives" };
	int64_t time_us, ended_us;
	for (unsigned i = 0; i < 3; i++) {
		time_us = NOON_US + (int64_t)i * DAY_US;
		clock_set(time_us - HOUR_US);
		create(fixture, names[i], 0, i != 1, &tables[i]);
		clock_set(time_us);
		fill(fixture, &tables[i], &time_us, 1);
	}
	clock_set(NOON_US + 4 * DAY_US);
	fixture_drop(fixture, &tables[0]);
	fixture_drop(fixture, &tables[1]);
	struct store_txn *txn = fixture_read(fixture);
	struct periods *periods = open_periods(fixture, txn, NULL);
	assert_next(periods, 0, NOON_US);
	assert_next(periods, NOON_US + 1, NOON_US + 2 * DAY_US);
	assert_last(periods, NOON_US + 2 * DAY_US - 1, NOON_US);
	periods_close(periods);
	periods = open_periods(fixture, txn, &tables[1]);
	assert_next(periods, 0, -1);
	assert_last(periods, INT64_MAX, -1);
	periods_close(periods);
	assert_int_equal(told_tables_find(txn, slice_of_text("kept"), &found, &ended_us), 0);
	assert_int_equal(found.number, tables[0].number);
	assert_int_equal(ended_us, NOON_US + 4 * DAY_US);
	table_free(&found);
	assert_int_equal(told_tables_find(txn, slice_of_text("lives"), &found, &ended_us), 0);
	assert_true(ended_us == TIME_NOW);
	table_free(&found);
	assert_int_equal(told_tables_find(txn, slice_of_text("lost"), &found, &ended_us), -ENOENT);
	assert_int_equal(told_tables_find(txn, slice_of_text("x"), &found, &ended_us), -ENOENT);
	store_abort(txn);
	for (unsigned i = 0; i < 3; i++)
		table_free(&tables[i]);
}

static void test_the_last_table_that_had_a_name_is_found(void **state)
{
	struct fixture *fixture = *state;
	struct table tables[3], found;
	struct told_walk walk = { 0 };
	int64_t ended_us;
	unsigned count = 0;
	for (unsigned i = 0; i < 3; i++) {
		clock_set(NOON_US + (int64_t)i * DAY_US);
		fixture_create(fixture, "orders", NULL, &tables[i]);
		fixture_put(fixture, &tables[i], "{'id':'1'}");
		fixture_drop(fixture, &tables[i]);
	}
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(told_tables_find(txn, slice_of_text("orders"), &found, &ended_us), 0);
	assert_int_equal(found.number, tables[2].number);
	table_free(&found);
	for (; told_tables_next(&walk, txn, &found, &ended_us) == 1; count++)
		table_free(&found);
	assert_int_equal(count, 3);
	store_abort(txn);
	for (unsigned i = 0; i < 3; i++)
		table_free(&tables[i]);
}

static uint64_t operations(struct fixture *fixture)
{
	struct store_counts counts;
	store_counts(history_store(fixture->history), &counts);
	return counts.gets + counts.seeks + counts.steps;
}

/* What it takes to list the days, after opening. */
static uint64_t cost_of_days(struct fixture *fixture, const struct table *table, unsigned *ret_days)
{
	struct store_txn *txn = fixture_read(fixture);
	struct periods *periods = open_periods(fixture, txn, table);
	uint64_t before = operations(fixture);
	int64_t time_us = 0, last_us;
	for (*ret_days = 0; periods_next(periods, time_us, &time_us) == 0; ++*ret_days) {
		time_us = (time_us / DAY_US + 1) * DAY_US;
		assert_int_equal(periods_last(periods, time_us - 1, &last_us), 0);
	}
	uint64_t cost = operations(fixture) - before;
	periods_close(periods);
	store_abort(txn);
	return cost;
}

static void test_the_cost_follows_the_days(void **state)
{
	struct fixture *fixture = *state;
	const unsigned a_day[] = { 2, 300 };
	struct table tables[3];
	uint64_t costs[2];
	unsigned days;
	for (unsigned i = 0; i < 2; i++) {
		create(fixture, i ? "much" : "little", NOON_US - 2 * DAYS * DAY_US, true, &tables[i]);
		struct batch *batch = fixture_begin(fixture);
		for (unsigned j = 0; j < a_day[i] * DAYS; j++)
			put(batch, &tables[i], j, NOON_US - (DAYS - j / a_day[i]) * DAY_US + j % a_day[i]);
		fixture_commit(batch);
		costs[i] = cost_of_days(fixture, &tables[i], &days);
		assert_int_equal(days, DAYS);
	}
	/* One halving of the log for each day. */
	assert_true(costs[0] <= 9 * DAYS);
	assert_true(costs[1] <= 15 * DAYS);
	/* A table without changes meanwhile costs nothing more. */
	create(fixture, "quiet", NOON_US - 2 * DAYS * DAY_US, true, &tables[2]);
	fill(fixture, &tables[2], (const int64_t[]){ NOON_US - 2 * DAYS * DAY_US, NOON_US }, 2);
	assert_true(cost_of_days(fixture, NULL, &days) <= costs[0] + costs[1] + 12);
	assert_int_equal(days, DAYS + 2);
	for (unsigned i = 0; i < 3; i++)
		table_free(&tables[i]);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, fixture_end_test)
	const struct CMUnitTest tests[] = {
		TEST(test_changes_are_found_from_anywhere),
		TEST(test_what_left_the_window_is_not_told),
		TEST(test_the_store_tells_of_all_tables_that_are_kept),
		TEST(test_the_last_table_that_had_a_name_is_found),
		TEST(test_the_cost_follows_the_days),
	};
	return cmocka_run_group_tests_name("periods", tests, NULL, NULL);
}
