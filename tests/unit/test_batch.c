#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/author.h"
#include "core/clock.h"
#include "core/layout.h"
#include "tests/support/fixture.h"

#define START INT64_C(1740830400000000)

static struct fixture fixture;
static struct table table;

static int open_table(void **state)
{
	(void)state;
	clock_set(START);
	fixture_open(&fixture);
	fixture_create(&fixture, "orders", NULL, &table);
	return 0;
}

static int close_table(void **state)
{
	(void)state;
	table_free(&table);
	fixture_close(&fixture);
	clock_reset();
	return 0;
}

static struct log_entry last_change(void)
{
	struct store_txn *txn = fixture_read(&fixture);
	struct log_entry last = { 0 };
	int r = log_last(txn, table.number, &last);
	assert_true(r == 0 || r == -ENOENT);
	store_abort(txn);
	return last;
}

static int64_t put_time(const char *text)
{
	assert_int_not_equal(fixture_put(&fixture, &table, text), 0);
	return last_change().time_us;
}

static void what_changes_nothing_makes_no_version(void **state)
{
	(void)state;
	assert_int_equal(fixture_put(&fixture, &table, "{'id':'a','n':1.0}"), 1);
	uint64_t commits = store_commit_number(history_store(fixture.history));
	assert_int_equal(fixture_put(&fixture, &table, "{'n':1,'id':'a'}"), 0);
	assert_int_equal(fixture_remove(&fixture, &table, "{'id':'b'}"), 0);
	assert_int_equal(store_commit_number(history_store(fixture.history)), commits);
	assert_int_equal(fixture_remove(&fixture, &table, "{'id':'a'}"), 2);
	assert_int_equal(fixture_remove(&fixture, &table, "{'id':'a'}"), 0);
	assert_int_equal(last_change().seq, 2);
	assert_int_equal(last_change().items, 0);
	assert_int_equal(last_change().bytes, 0);
}

static void times_grow_though_the_clock_goes_back(void **state)
{
	(void)state;
	clock_set(START + 5000);
	assert_int_equal(put_time("{'id':'a'}"), START + 5000);
	assert_int_equal(put_time("{'id':'b'}"), START + 5001);
	clock_set(START - DAY_US);
	assert_int_equal(put_time("{'id':'c'}"), START + 5002);
	clock_set(START + 6000);
	assert_int_equal(put_time("{'id':'d'}"), START + 6000);
	struct batch *batch = fixture_begin(&fixture);
	for (int i = 0; i < 5; i++) {
		char text[32];
		snprintf(text, sizeof(text), "{'id':'e%d'}", i);
		fixture_put_in(batch, &table, text, 0);
	}
	fixture_commit(batch);
	assert_int_equal(last_change().time_us, START + 6005);
}

static void no_change_is_at_or_below_a_served_instant(void **state)
{
	struct snapshot snapshot;
	(void)state;
	clock_set(START + 9000);
	assert_int_equal(fixture_at(&fixture, &table, START + 9000, &snapshot), 0);
	assert_int_equal(fixture_at(&fixture, &table, START + 9001, &snapshot), -ENOENT);
	assert_int_equal(put_time("{'id':'a'}"), START + 9001);
	assert_int_equal(fixture_at(&fixture, &table, START + 9000, &snapshot), 0);
	assert_int_equal(snapshot.seq, 0);
	clock_set(START + 20000);
	assert_int_equal(fixture_at(&fixture, &table, START + 20000, &snapshot), 0);
	clock_set(START);
	fixture_reopen(&fixture);
	assert_int_equal(put_time("{'id':'b'}"), START + 20001);
}

static void own_times_only_grow(void **state)
{
	struct change_context context = { .time_us = START - 1 };
	struct change_result result;
	struct buffer item = BUFFER_INIT;
	struct error error = { 0 };
	(void)state;
	clock_set(START + 1000);
	fixture_put(&fixture, &table, "{'id':'a'}");
	clock_set(START + 5000);
	fixture_item("{'id':'b'}", &item);
	struct batch *batch = fixture_begin(&fixture);
	context.time_us = START + 999;
	assert_int_equal(batch_put(batch, &table, buffer_slice(&item), &context, &result, &error), -ERANGE);
	context.time_us = START + 5001;
	assert_int_equal(batch_put(batch, &table, buffer_slice(&item), &context, &result, &error), -ERANGE);
	assert_int_equal(fixture_put_in(batch, &table, "{'id':'b'}", START + 1000), 2);
	assert_int_equal(fixture_put_in(batch, &table, "{'id':'c'}", START + 1000), 3);
	assert_int_equal(fixture_put_in(batch, &table, "{'id':'d'}", START + 5000), 4);
	fixture_commit(batch);
	buffer_free(&item);
}

static void an_aborted_batch_leaves_nothing(void **state)
{
	struct buffer before = BUFFER_INIT, after = BUFFER_INIT;
	uint64_t author;
	(void)state;
	fixture_put(&fixture, &table, "{'id':'a'}");
	fixture_show_live(&fixture, &table, &before);
	struct batch *batch = fixture_begin(&fixture);
	fixture_put_in(batch, &table, "{'id':'b'}", 0);
	fixture_remove_in(batch, &table, "{'id':'a'}", 0);
	assert_int_equal(batch_author(batch, slice_of_text("{\"by\":\"nobody\"}"), &author), 0);
	assert_int_equal(batch_changes(batch), 2);
	batch_abort(batch);
	fixture_show_live(&fixture, &table, &after);
	assert_true(slice_equal(buffer_slice(&before), buffer_slice(&after)));
	assert_int_equal(fixture_put(&fixture, &table, "{'id':'c'}"), 2);
	buffer_free(&before);
	buffer_free(&after);
}

static void authors_are_kept_once(void **state)
{
	uint64_t first, second, again;
	struct slice text;
	(void)state;
	struct batch *batch = fixture_begin(&fixture);
	assert_int_equal(batch_author(batch, slice_of_text("{\"by\":\"ann\"}"), &first), 0);
	assert_int_equal(batch_author(batch, slice_of_text("{\"by\":\"bob\"}"), &second), 0);
	fixture_commit(batch);
	batch = fixture_begin(&fixture);
	assert_int_equal(batch_author(batch, slice_of_text("{\"by\":\"ann\"}"), &again), 0);
	assert_int_equal(again, first);
	assert_int_not_equal(second, first);
	assert_int_equal(author_text(batch_txn(batch), second, &text), 0);
	assert_true(slice_equal(text, slice_of_text("{\"by\":\"bob\"}")));
	assert_int_equal(author_text(batch_txn(batch), 99, &text), -ENOENT);
	batch_abort(batch);
}

static void a_wrong_key_is_refused_and_the_batch_goes_on(void **state)
{
	static const char *const wrong[] = { "{'no':'key'}", "{'id':1}", "{'id':''}" };
	struct change_context context = { 0 };
	struct change_result result;
	struct buffer item = BUFFER_INIT;
	(void)state;
	struct batch *batch = fixture_begin(&fixture);
	for (unsigned i = 0; i < 3; i++) {
		struct error error = { 0 };
		fixture_item(wrong[i], &item);
		assert_int_equal(batch_put(batch, &table, buffer_slice(&item), &context, &result, &error), -EINVAL);
		assert_true(error.message[0]);
	}
	assert_int_equal(fixture_put_in(batch, &table, "{'id':'a'}", 0), 1);
	fixture_commit(batch);
	buffer_free(&item);
}

/* Many versions of one key, over pack after pack, each still there. */
static void many_versions_of_one_key(void **state)
{
	struct buffer shown = BUFFER_INIT;
	char text[64], wanted[64];
	(void)state;
	for (int i = 1; i <= 200; i++) {
		clock_set(START + i * 1000);
		snprintf(text, sizeof(text), "{'id':'a','n':%d}", i);
		if (i % 50)
			fixture_put(&fixture, &table, text);
		else
			fixture_remove(&fixture, &table, text);
	}
	clock_set(START + DAY_US);
	for (int i = 1; i <= 200; i++) {
		struct snapshot snapshot;
		assert_int_equal(fixture_at(&fixture, &table, START + i * 1000 + 500, &snapshot), 0);
		snprintf(wanted, sizeof(wanted), "a.json {\"id\":\"a\",\"n\":%d}\n", i);
		assert_string_equal(fixture_show(&fixture, &table, &snapshot, &shown), i % 50 ? wanted : "");
	}
	buffer_free(&shown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_changes_nothing_makes_no_version, open_table, close_table),
		cmocka_unit_test_setup_teardown(times_grow_though_the_clock_goes_back, open_table, close_table),
		cmocka_unit_test_setup_teardown(no_change_is_at_or_below_a_served_instant, open_table, close_table),
		cmocka_unit_test_setup_teardown(own_times_only_grow, open_table, close_table),
		cmocka_unit_test_setup_teardown(an_aborted_batch_leaves_nothing, open_table, close_table),
		cmocka_unit_test_setup_teardown(authors_are_kept_once, open_table, close_table),
		cmocka_unit_test_setup_teardown(a_wrong_key_is_refused_and_the_batch_goes_on, open_table, close_table),
		cmocka_unit_test_setup_teardown(many_versions_of_one_key, open_table, close_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
