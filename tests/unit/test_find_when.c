#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/expression.h"
#include "core/find_when.h"
#include "tests/support/fixture.h"

#define START INT64_C(1740830400000000) /* 2025-03-01T12:00:00 */
#define KEYS 12
#define CHANGES 120
#define MOMENTS_MAX (CHANGES + 1)

static int open_store(void **state)
{
	return fixture_begin_test(state, START + DAY_US);
}

struct moments {
	struct find_moment list[MOMENTS_MAX];
	size_t count, stop_at; /* 0: never */
};

static int take(void *context, const struct find_moment *moment)
{
	struct moments *moments = context;
	moments->list[moments->count++] = *moment;
	return moments->count == moments->stop_at ? 77 : 0;
}

/* A history in which several changes can have one time. */
static void make_history(struct fixture *f, const char *sort, uint64_t seed, struct table *ret_table)
{
	struct batch *batch = fixture_begin(f);
	int64_t at = START;
	char name[32];
	snprintf(name, sizeof(name), "orders-%u", (unsigned)seed);
	fixture_create_in(batch, name, "id", sort, START - 1, ret_table);
	for (unsigned i = 0; i < CHANGES; i++) {
		char text[96];
		unsigned key = (unsigned)fixture_random_below(&seed, KEYS);
		bool is_removal = fixture_random_below(&seed, 5) < 2;
		int length = sort ? snprintf(text, sizeof(text), "{'id':'%u','at':'%u'", key % 3, key)
				  : snprintf(text, sizeof(text), "{'id':'%u'", key);
		snprintf(text + length, sizeof(text) - (size_t)length, is_removal ? "}" : ",'n':%u}",
			(unsigned)fixture_random_below(&seed, 10));
		at += fixture_random_below(&seed, 3) ? (int64_t)fixture_random_below(&seed, 1000) : 0;
		if (is_removal)
			fixture_remove_in(batch, ret_table, text, at);
		else
			fixture_put_in(batch, ret_table, text, at);
	}
	fixture_commit(batch);
}

/* How it is at the end of each instant, found by looking at every state. */
static void look_at_all(struct store_txn *txn, const struct table *table, const struct find_condition *condition,
	uint64_t low, uint64_t high, struct moments *moments)
{
	for (uint64_t seq = low; seq <= high; seq++) {
		struct log_entry entry;
		uint64_t number;
		assert_int_equal(find_when_settle(txn, table->number, seq, &entry), 0);
		if (entry.seq != seq)
			continue;
		int holds = find_when_holds(txn, table, condition, seq, &number, NULL);
		assert_in_range(holds, 0, 1);
		if (seq > low && holds == moments->list[moments->count - 1].holds)
			continue;
		moments->list[moments->count++] =
			(struct find_moment){ .seq = seq, .time_us = entry.time_us, .holds = holds, .number = number };
	}
}

static void compare(struct store_txn *txn, const struct table *table, const struct find_condition *condition)
{
	struct log_entry last, low;
	struct error error = { 0 };
	assert_int_equal(log_last(txn, table->number, &last), 0);
	assert_int_equal(find_when_settle(txn, table->number, 37, &low), 0);
	uint64_t lows[] = { 0, low.seq < last.seq ? low.seq : last.seq };
	for (size_t i = 0; i < 2; i++) {
		struct moments expected = { .count = 0 }, found = { .count = 0 };
		look_at_all(txn, table, condition, lows[i], last.seq, &expected);
		int r = find_when_all(txn, table, condition, lows[i], last.seq, take, &found, &error);
		fixture_require(r == 0, "walk", &error);
		assert_int_equal(found.count, expected.count);
		for (size_t k = 0; k < found.count; k++) {
			assert_int_equal(found.list[k].seq, expected.list[k].seq);
			assert_int_equal(found.list[k].time_us, expected.list[k].time_us);
			assert_int_equal(found.list[k].holds, expected.list[k].holds);
			assert_int_equal(found.list[k].number, expected.list[k].number);
		}
	}
}

static void walking_finds_what_looking_at_every_state_finds(void **state)
{
	struct fixture *f = *state;
	struct expression *where;
	assert_int_equal(expression_parse(slice_of_text("n >= 5"), NULL, NULL, &where, NULL), 0);
	for (unsigned i = 0; i < 4; i++) {
		struct table table;
		struct buffer key = BUFFER_INIT;
		make_history(f, i % 2 ? "at" : NULL, i + 1, &table);
		struct store_txn *txn = fixture_read(f);
		struct find_condition conditions[] = { { .most = 0 }, { .least = 4, .most = 6 },
			{ .where = where, .least = 1, .most = UINT64_MAX }, { .where = where, .least = 2, .most = 3 } };
		for (size_t k = 0; k < sizeof(conditions) / sizeof(conditions[0]); k++)
			compare(txn, &table, &conditions[k]);
		fixture_key(&table, i % 2 ? "{'id':'1','at':'4'}" : "{'id':'4'}", &key);
		for (size_t k = 0; k < 3; k++) {
			struct find_condition one = conditions[k == 1 ? 0 : k];
			one.least = k != 0;
			one.most = k != 0;
			one.encoded_key = buffer_slice(&key);
			compare(txn, &table, &one);
		}
		store_abort(txn);
		buffer_free(&key);
		table_free(&table);
	}
	expression_free(where);
}

/* attribute_not_exists is true of it; where nothing is asked, it does not count. */
static void an_item_that_is_not_there_is_asked_too(void **state)
{
	struct fixture *f = *state;
	struct batch *batch = fixture_begin(f);
	struct table table;
	struct buffer key = BUFFER_INIT;
	struct expression *where;
	assert_int_equal(expression_parse(slice_of_text("attribute_not_exists(n)"), NULL, NULL, &where, NULL), 0);
	fixture_create_in(batch, "orders", "id", NULL, START - 1, &table);
	fixture_put_in(batch, &table, "{'id':'other'}", START);
	fixture_put_in(batch, &table, "{'id':'1','n':1}", START + 1);
	fixture_remove_in(batch, &table, "{'id':'1'}", START + 2);
	fixture_put_in(batch, &table, "{'id':'1'}", START + 3);
	fixture_commit(batch);
	fixture_key(&table, "{'id':'1'}", &key);
	struct store_txn *txn = fixture_read(f);
	struct find_condition condition = {
		.where = where, .encoded_key = buffer_slice(&key), .least = 1, .most = UINT64_MAX
	};
	struct moments moments = { .count = 0 };
	assert_int_equal(find_when_all(txn, &table, &condition, 1, 4, take, &moments, NULL), 0);
	const struct find_moment expected[] = { { .seq = 1, .holds = true }, { .seq = 2, .is_there = true },
		{ .seq = 3, .holds = true } };
	assert_int_equal(moments.count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(moments.list[i].seq, expected[i].seq);
		assert_int_equal(moments.list[i].holds, expected[i].holds);
		assert_int_equal(moments.list[i].is_there, expected[i].is_there);
	}
	compare(txn, &table, &condition);
	condition.where = NULL;
	compare(txn, &table, &condition);
	store_abort(txn);
	expression_free(where);
	buffer_free(&key);
	table_free(&table);
}

static void whoever_has_seen_enough_ends_it(void **state)
{
	struct fixture *f = *state;
	struct table table;
	make_history(f, NULL, 9, &table);
	struct store_txn *txn = fixture_read(f);
	struct find_condition condition = { .least = 5, .most = 5 };
	struct moments moments = { .stop_at = 3 };
	assert_int_equal(find_when_all(txn, &table, &condition, 0, CHANGES / 2, take, &moments, NULL), 77);
	assert_int_equal(moments.count, 3);
	store_abort(txn);
	table_free(&table);
}

/* --- By halving ----------------------------------------------------------------------------------------------------- */

struct oracle {
	uint64_t since;            /* it holds from this change on */
	uint64_t dim_from, dim_to; /* nothing can be told of these */
	unsigned asked;
	int failure;
};

static int ask(void *context, uint64_t seq, int64_t time_us)
{
	struct oracle *oracle = context;
	(void)time_us;
	oracle->asked++;
	if (oracle->failure)
		return oracle->failure;
	return seq >= oracle->dim_from && seq < oracle->dim_to ? 2 : seq >= oracle->since;
}

/* The first end of an instant at or after a change. */
static uint64_t settled(struct store_txn *txn, const struct table *table, uint64_t seq)
{
	struct log_entry entry;
	assert_int_equal(find_when_settle(txn, table->number, seq, &entry), 0);
	return entry.seq;
}

static void halving_finds_the_first_instant_in_few_looks(void **state)
{
	struct fixture *f = *state;
	struct table table;
	struct log_entry last;
	make_history(f, NULL, 5, &table);
	struct store_txn *txn = fixture_read(f);
	assert_int_equal(log_last(txn, table.number, &last), 0);
	for (uint64_t since = 1; since <= last.seq; since++) {
		struct oracle oracle = { .since = since };
		struct find_moment moment;
		assert_int_equal(find_when_first(txn, table.number, 0, last.seq, ask, &oracle, &moment, NULL), 0);
		assert_int_equal(moment.seq, settled(txn, &table, since));
		assert_true(moment.before_seq < since);
		assert_int_equal(moment.skipped, 0);
		assert_in_range(oracle.asked, 0, 11);
	}
	store_abort(txn);
	table_free(&table);
}

/* Either they are passed by, or they lie just before what was found, which is then said. */
static void states_that_cannot_be_told_are_passed_by(void **state)
{
	struct fixture *f = *state;
	struct table table;
	struct log_entry last;
	uint64_t random = 3;
	make_history(f, NULL, 6, &table);
	struct store_txn *txn = fixture_read(f);
	assert_int_equal(log_last(txn, table.number, &last), 0);
	for (unsigned i = 0; i < 80; i++) {
		struct oracle oracle = { .since = 1 + fixture_random_below(&random, last.seq),
			.dim_from = 1 + fixture_random_below(&random, last.seq) };
		struct find_moment moment;
		oracle.dim_to = oracle.dim_from + fixture_random_below(&random, 60);
		oracle.dim_to = oracle.dim_to > last.seq ? last.seq : oracle.dim_to;
		assert_int_equal(find_when_first(txn, table.number, 0, last.seq, ask, &oracle, &moment, NULL), 0);
		uint64_t expected = settled(txn, &table, oracle.since);
		while (expected >= oracle.dim_from && expected < oracle.dim_to)
			expected = settled(txn, &table, expected + 1);
		assert_int_equal(moment.seq, expected);
		assert_true(moment.before_seq < oracle.since);
		if (moment.skipped == 0)
			assert_int_equal(settled(txn, &table, moment.before_seq + 1), moment.seq);
		else
			assert_true(moment.before_seq < oracle.dim_from && moment.seq >= oracle.dim_to);
	}
	store_abort(txn);
	table_free(&table);
}

static void a_failing_test_ends_the_search(void **state)
{
	struct fixture *f = *state;
	struct table table;
	make_history(f, NULL, 7, &table);
	struct store_txn *txn = fixture_read(f);
	struct oracle oracle = { .since = 10, .failure = -ECANCELED };
	struct find_moment moment;
	assert_int_equal(find_when_first(txn, table.number, 0, CHANGES / 2, ask, &oracle, &moment, NULL), -ECANCELED);
	assert_int_equal(oracle.asked, 1);
	store_abort(txn);
	table_free(&table);
}

/* --- What it costs -------------------------------------------------------------------------------------------------- */

static uint64_t operations(struct fixture *f)
{
	struct store_counts counts;
	store_counts(history_store(f->history), &counts);
	return counts.gets + counts.seeks + counts.steps;
}

/* One item's moments cost its versions, and a count of all items one look, however many others there are. */
static void one_item_costs_its_versions(void **state)
{
	struct fixture *f = *state;
	struct table table;
	struct buffer key = BUFFER_INIT;
	uint64_t costs[2], number;
	for (unsigned i = 0; i < 2; i++) {
		struct batch *batch = fixture_begin(f);
		struct moments moments = { .count = 0 };
		char text[64];
		fixture_create_in(batch, i ? "large" : "small", "id", NULL, 0, &table);
		for (unsigned k = 0; k < (i ? 3000u : 30u); k++) {
			snprintf(text, sizeof(text), "{'id':'%u'}", k % 10 ? k : 0);
			if (k % 10 || k / 10 % 2 == 0)
				fixture_put_in(batch, &table, text, 0);
			else if (k < 30)
				fixture_remove_in(batch, &table, text, 0);
		}
		fixture_commit(batch);
		buffer_clear(&key);
		fixture_key(&table, "{'id':'0'}", &key);
		struct store_txn *txn = fixture_read(f);
		struct find_condition one = { .encoded_key = buffer_slice(&key), .least = 1, .most = 1 },
				      all = { .most = 9 };
		struct log_entry last;
		assert_int_equal(log_last(txn, table.number, &last), 0);
		uint64_t before = operations(f);
		assert_int_equal(find_when_all(txn, &table, &one, 0, last.seq, take, &moments, NULL), 0);
		assert_int_equal(find_when_holds(txn, &table, &all, last.seq, &number, NULL), 0);
		costs[i] = operations(f) - before;
		store_abort(txn);
		table_free(&table);
	}
	/* A time is looked up in the log by halving. */
	assert_in_range(costs[1], costs[0] / 2, costs[0] * 2);
	buffer_free(&key);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, fixture_end_test)
	const struct CMUnitTest tests[] = {
		TEST(walking_finds_what_looking_at_every_state_finds),
		TEST(an_item_that_is_not_there_is_asked_too),
		TEST(whoever_has_seen_enough_ends_it),
		TEST(halving_finds_the_first_instant_in_few_looks),
		TEST(states_that_cannot_be_told_are_passed_by),
		TEST(a_failing_test_ends_the_search),
		TEST(one_item_costs_its_versions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
