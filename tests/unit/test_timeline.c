#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/author_label.h"
#include "core/clock.h"
#include "core/timeline.h"
#include "core/timeline_spike.h"
#include "tests/support/fixture.h"

#define START INT64_C(1740830400000000) /* 2025-03-01T12:00:00 */
#define MINUTE (60 * SECOND_US)
#define HOUR (60 * MINUTE)

static int open_store(void **state)
{
	return fixture_begin_test(state, START + 20 * DAY_US);
}

static void put(struct batch *batch, const struct table *table, unsigned key, unsigned value, int64_t time_us)
{
	char text[64];
	snprintf(text, sizeof(text), "{'id':'%u','n':%u}", key, value);
	fixture_put_in(batch, table, text, time_us);
}

static void take(struct batch *batch, const struct table *table, unsigned key, int64_t time_us)
{
	char text[64];
	snprintf(text, sizeof(text), "{'id':'%u'}", key);
	fixture_remove_in(batch, table, text, time_us);
}

static struct reach reach_now(struct fixture *f, struct store_txn *txn, const struct table *table)
{
	struct reach reach;
	assert_int_equal(reach_of(f->history, txn, table, &reach), 0);
	return reach;
}

static void lengths_are_those_people_count_in(void **state)
{
	(void)state;
	static const struct {
		int64_t span_us, length_us;
	} cases[] = { { 1, SECOND_US }, { 70 * SECOND_US, SECOND_US }, { 71 * SECOND_US, 2 * SECOND_US },
		{ 4 * HOUR, 5 * MINUTE }, { DAY_US, 30 * MINUTE }, { 7 * DAY_US, 3 * HOUR },
		{ 365 * DAY_US, 7 * DAY_US }, { 750 * DAY_US, 14 * DAY_US }, { 5000 * DAY_US, 112 * DAY_US } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t begin, length = timeline_bin_us(START, START + cases[i].span_us, 70, &begin);
		assert_int_equal(length, cases[i].length_us);
		assert_int_equal(begin % length, 0);
		assert_true(begin <= START && START < begin + length);
	}
}

static void changes_count_in_their_bins_and_nowhere_else(void **state)
{
	struct fixture *f = *state;
	struct table table;
	struct timeline_bin bins[4];
	struct batch *batch = fixture_begin(f);
	fixture_create_in(batch, "orders", "id", NULL, START, &table);
	put(batch, &table, 1, 1, START);
	put(batch, &table, 2, 1, START + MINUTE - 1);
	put(batch, &table, 1, 2, START + MINUTE);
	take(batch, &table, 2, START + 3 * MINUTE);
	take(batch, &table, 1, START + 4 * MINUTE);
	fixture_commit(batch);
	struct store_txn *txn = fixture_read(f);
	struct reach reach = reach_now(f, txn, &table);
	assert_int_equal(timeline_count(txn, &table, &reach, START, START + 4 * MINUTE, bins, 4), 0);
	static const struct timeline_bin expected[] = { { 2, 0, 0, 2 }, { 0, 1, 0, 2 }, { 0, 0, 0, 2 },
		{ 0, 0, 1, 1 } };
	assert_memory_equal(bins, expected, sizeof(bins));
	/* Of a shorter reach only what lies in it. */
	reach.first_seq = 2;
	reach.last_seq = 3;
	assert_int_equal(timeline_count(txn, &table, &reach, START, START + 4 * MINUTE, bins, 4), 0);
	static const struct timeline_bin inner[] = { { 0, 0, 0, 2 }, { 0, 1, 0, 2 }, { 0, 0, 0, 2 }, { 0, 0, 0, 2 } };
	assert_memory_equal(bins, inner, sizeof(bins));
	assert_int_equal(timeline_count(txn, &table, &reach, START + DAY_US, START + 2 * DAY_US, bins, 4), 0);
	assert_int_equal(bins[0].inserts + bins[3].removals, 0);
	assert_int_equal(bins[3].items, 2);
	store_abort(txn);
	table_free(&table);
}

/* The sums of random histories are those of their logs, whatever the bins. */
static void bins_of_random_histories_add_up(void **state)
{
	struct fixture *f = *state;
	struct table table;
	struct timeline_bin bins[97];
	uint64_t random = 11;
	int64_t at = START;
	struct batch *batch = fixture_begin(f);
	fixture_create_in(batch, "orders", "id", NULL, START, &table);
	for (unsigned i = 0; i < 2000; i++) {
		at += (int64_t)fixture_random_below(&random, 60) * SECOND_US;
		if (fixture_random_below(&random, 3))
			put(batch, &table, (unsigned)fixture_random_below(&random, 50), i, at);
		else
			take(batch, &table, (unsigned)fixture_random_below(&random, 50), at);
	}
	fixture_commit(batch);
	struct store_txn *txn = fixture_read(f);
	struct reach reach = reach_now(f, txn, &table);
	struct log_entry last;
	assert_int_equal(log_last(txn, table.number, &last), 0);
	for (size_t count = 1; count <= 97; count += 16) {
		int64_t length = (at + 1 - START) / (int64_t)count + 1;
		uint64_t inserts = 0, all = 0, removals = 0;
		assert_int_equal(
			timeline_count(txn, &table, &reach, START, START + length * (int64_t)count, bins, count), 0);
		for (size_t i = 0; i < count; i++) {
			inserts += bins[i].inserts;
			removals += bins[i].removals;
			all += bins[i].inserts + bins[i].modifications + bins[i].removals;
			assert_int_equal(bins[i].items, inserts - removals);
		}
		assert_int_equal(all, last.seq);
		assert_int_equal(bins[count - 1].items, last.items);
	}
	store_abort(txn);
	table_free(&table);
}

/* Ten orders a minute for four hours, a tenth of them removed by and by, and 300 removed within half a minute. */
static void a_burst_of_deletes_is_named_beside_many_inserts(void **state)
{
	struct fixture *f = *state;
	struct table table;
	struct timeline_spike spikes[SPIKES_MAX];
	struct batch *batch = fixture_begin(f);
	int64_t burst = START + 3 * HOUR + 15 * MINUTE;
	fixture_create_in(batch, "orders", "id", NULL, START, &table);
	for (unsigned i = 0; i < 2400; i++) {
		int64_t at = START + i * 6 * SECOND_US;
		put(batch, &table, i, i, at);
		if (i % 10 == 9 && i > 900)
			take(batch, &table, i - 5, at);
		if (at == burst)
			for (unsigned k = 0; k < 300; k++)
				take(batch, &table, 2 * k, at + 1 + k * SECOND_US / 10);
		if (at == burst)
			i += 4;
	}
	fixture_commit(batch);
	struct store_txn *txn = fixture_read(f);
	struct reach reach = reach_now(f, txn, &table);
	assert_int_equal(timeline_spikes(txn, &table, &reach, START, START + 4 * HOUR, spikes), 1);
	assert_int_equal(spikes[0].op, CHANGE_REMOVE);
	assert_in_range(spikes[0].count, 300, 302);
	assert_in_range(spikes[0].from_us, burst - MINUTE, burst + 1);
	assert_in_range(spikes[0].to_us, burst + 29 * SECOND_US, burst + 90 * SECOND_US);
	assert_string_equal(spikes[0].by[0].label, "unknown");
	assert_int_equal(spikes[0].by[0].count, spikes[0].count);
	assert_string_equal(spikes[0].by[1].label, "");
	/* Looked at from near it is still one; where there is nothing, nothing is named. */
	assert_int_equal(timeline_spikes(txn, &table, &reach, burst - 5 * MINUTE, burst + 5 * MINUTE, spikes), 1);
	assert_in_range(spikes[0].count, 300, 302);
	assert_int_equal(timeline_spikes(txn, &table, &reach, START, burst - MINUTE, spikes), 0);
	store_abort(txn);
	table_free(&table);
}

static void assert_label(const char *author, const char *label)
{
	char text[256], found[AUTHOR_LABEL_MAX];
	snprintf(text, sizeof(text), "%s", author);
	for (char *at = text; *at; at++)
		*at = *at == '\'' ? '"' : *at;
	author_label(slice_of_text(text), found);
	assert_string_equal(found, label);
}

static void labels_of_authors_are_short(void **state)
{
	(void)state;
	assert_label("{'by':'mount','user':'ann','uid':7,'gid':7,'pid':4711,'process':'rsync'}", "rsync (ann)");
	assert_label("{'by':'pitr','user':'ann','command':'pitr --store /srv/x rm orders 1001'}", "pitr rm (ann)");
	assert_label("{'by':'pitr','user':'ann','command':'pitr --store=x put orders -'}", "pitr put (ann)");
	assert_label("{'by':'pitr','user':'ann'}", "pitr (ann)");
	assert_label("{'by':'import','user':'ann','source':'/srv/in/changes.jsonl.gz'}", "import of changes.jsonl.gz");
	assert_label("{'by':'import','source':'standard input'}", "import");
	assert_label("{'by':'import','source':'x','service':'ttl'}", "TTL");
	assert_label("{'by':'mount','user':'ann'}", "ann");
	assert_label("{'by':'mount','process':'a\\u001b[31mb'}", "a?[31mb");
	assert_label("", "unknown");
	assert_label("{", "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_are_those_people_count_in),
		cmocka_unit_test_setup_teardown(
			changes_count_in_their_bins_and_nowhere_else, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(bins_of_random_histories_add_up, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(
			a_burst_of_deletes_is_named_beside_many_inserts, open_store, fixture_end_test),
		cmocka_unit_test(labels_of_authors_are_short),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
