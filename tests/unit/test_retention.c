#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/pin.h"
#include "core/retention.h"
#include "tests/support/fixture.h"
#include "tests/support/scratch_store.h"

#define START (INT64_C(1740832200) * SECOND_US)

static int open_at_start(void **state)
{
	static struct fixture fixture;
	clock_set(START);
	fixture_open(&fixture);
	*state = &fixture;
	return 0;
}

static int close_all(void **state)
{
	fixture_close(*state);
	clock_reset();
	return 0;
}

static void create(struct fixture *fixture, const char *name, const char *recovery, struct table *ret_table)
{
	char text[400];
	snprintf(text, sizeof(text),
		"{'TableName':'%s','BillingMode':'PAY_PER_REQUEST','KeySchema':[{'AttributeName':'id','KeyType':'HASH'}"
		"],"
		"'AttributeDefinitions':[{'AttributeName':'id','AttributeType':'S'}],"
		"'PointInTimeRecoverySpecification':{%s}}",
		name, recovery);
	fixture_create_text(fixture, text, ret_table);
}

/* All there is to do. */
static struct retention_counts settle(struct fixture *fixture)
{
	struct retention_counts counts = { 0 };
	struct error error = { 0 };
	int r;
	while ((r = retention_step(fixture->history, &counts, &error)) == 1)
		;
	fixture_require(r == 0, "forget", &error);
	return counts;
}

static int check(struct fixture *fixture, const struct table *table, uint64_t seq)
{
	struct store_txn *txn = fixture_read(fixture);
	int r = retention_check(txn, table->number, seq);
	store_abort(txn);
	return r;
}

static uint64_t put(struct fixture *fixture, const struct table *table, unsigned key, unsigned version)
{
	char text[80];
	snprintf(text, sizeof(text), "{'id':'k%u','v':%u}", key, version);
	return fixture_put(fixture, table, text);
}

static void set_recovery(struct fixture *fixture, struct table *table, bool is_on, int days)
{
	struct change_context context = { 0 };
	struct batch *batch = fixture_begin(fixture);
	assert_int_equal(table_set_recovery(batch, table, is_on, days, &context, NULL), 0);
	fixture_commit(batch);
	struct store_txn *txn = fixture_read(fixture);
	table_free(table);
	assert_int_equal(table_load(txn, table->number, TIME_NOW, table), 0);
	store_abort(txn);
}

static int64_t earliest(struct fixture *fixture, const struct table *table)
{
	struct store_txn *txn = fixture_read(fixture);
	int64_t from, to;
	int r = table_window(txn, table, history_now(fixture->history, txn), &from, &to);
	store_abort(txn);
	return r ? r : from;
}

static void test_the_window_moves_with_the_clock(void **state)
{
	struct fixture *fixture = *state;
	struct table table;
	create(fixture, "orders", "'PointInTimeRecoveryEnabled':true,'RecoveryPeriodInDays':1", &table);
	for (unsigned i = 1; i <= 10; i++) {
		clock_set(START + i * (DAY_US / 5));
		assert_int_equal(put(fixture, &table, 1, i), i);
	}
	struct retention_counts counts = settle(fixture);
	assert_int_equal(counts.versions, 4);
	assert_int_equal(check(fixture, &table, 4), -ESTALE);
	assert_int_equal(check(fixture, &table, 5), 0);
	assert_int_equal(check(fixture, &table, SEQ_MAX), 0);
	clock_set(START + 100 * DAY_US);
	counts = settle(fixture);
	assert_int_equal(counts.versions, 5);
	assert_int_equal(check(fixture, &table, 10), 0);
	table_free(&table);
}

static void test_the_store_begins_where_a_table_can_be_seen(void **state)
{
	struct fixture *fixture = *state;
	const struct instant instant = { .kind = INSTANT_EARLIEST };
	struct table table;
	int64_t time_us;
	create(fixture, "orders", "'PointInTimeRecoveryEnabled':true,'RecoveryPeriodInDays':1", &table);
	put(fixture, &table, 1, 1);
	clock_set(START + 10 * DAY_US);
	put(fixture, &table, 1, 2);
	settle(fixture);
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(snapshot_resolve_store(fixture->history, txn, &instant, &time_us, NULL), 0);
	store_abort(txn);
	assert_int_equal(time_us, earliest(fixture, &table));
	assert_true(time_us >= START + 9 * DAY_US);
	table_free(&table);
}

static void test_off_keeps_no_history(void **state)
{
	struct fixture *fixture = *state;
	struct table table;
	create(fixture, "cache", "'PointInTimeRecoveryEnabled':false", &table);
	for (unsigned i = 1; i <= 40; i++) {
		put(fixture, &table, 1, i);
		put(fixture, &table, i % 7 + 2, i);
		fixture_remove(fixture, &table, "{'id':'k2'}");
	}
	struct store_txn *txn = fixture_read(fixture);
	struct table_statistics statistics;
	assert_int_equal(table_statistics(txn, table.number, &statistics), 0);
	store_abort(txn);
	assert_int_equal(check(fixture, &table, statistics.seq), 0);
	assert_int_equal(check(fixture, &table, statistics.seq - 1), -ESTALE);
	struct retention_counts counts;
	assert_int_equal(retention_preview(fixture->history, table.number, &counts, NULL), 0);
	assert_int_equal(counts.versions + counts.lives + counts.log_blocks, 0);
	assert_int_equal(settle(fixture).versions, 0);
	table_free(&table);
}

static void test_off_forgets_and_on_begins_anew(void **state)
{
	struct fixture *fixture = *state;
	struct table table;
	create(fixture, "orders", "'PointInTimeRecoveryEnabled':true", &table);
	for (unsigned i = 1; i <= 5; i++)
		put(fixture, &table, 1, i);
	set_recovery(fixture, &table, false, 0);
	assert_int_equal(settle(fixture).versions, 4);
	clock_set(START + DAY_US);
	set_recovery(fixture, &table, true, 35);
	assert_true(earliest(fixture, &table) >= START + DAY_US);
	clock_set(START + 2 * DAY_US);
	assert_int_equal(earliest(fixture, &table), table.window_since_us);
	table_free(&table);
}

static void test_a_longer_period_grows_from_what_is_left(void **state)
{
	struct fixture *fixture = *state;
	struct table table;
	create(fixture, "orders", "'PointInTimeRecoveryEnabled':true,'RecoveryPeriodInDays':30", &table);
	clock_set(START + 20 * DAY_US);
	set_recovery(fixture, &table, true, 5);
	assert_true(earliest(fixture, &table) >= START + 15 * DAY_US);
	set_recovery(fixture, &table, true, 0);
	assert_true(earliest(fixture, &table) >= START + 15 * DAY_US);
	clock_set(START + 60 * DAY_US);
	assert_true(earliest(fixture, &table) < START + 16 * DAY_US);
	table_free(&table);
}

static void test_pins_keep_middle_versions(void **state)
{
	struct fixture *fixture = *state;
	struct table table;
	struct buffer shown = BUFFER_INIT;
	create(fixture, "orders", "'PointInTimeRecoveryEnabled':true,'RecoveryPeriodInDays':1", &table);
	for (unsigned i = 1; i <= 40; i++)
		put(fixture, &table, 1, i);
	struct batch *batch = fixture_begin(fixture);
	struct pin pin = { .kind = PIN_BACKUP, .table = table.number, .seq = 17, .expires_us = START + 9 * DAY_US };
	assert_int_equal(pin_add(batch_txn(batch), &pin), 0);
	batch_note(batch);
	fixture_commit(batch);
	clock_set(START + 3 * DAY_US);
	assert_int_equal(settle(fixture).versions, 38);
	struct snapshot snapshot = { .table = table.number, .seq = 17 };
	assert_int_equal(check(fixture, &table, 17), 0);
	assert_int_equal(check(fixture, &table, 18), -ESTALE);
	assert_non_null(strstr(fixture_show(fixture, &table, &snapshot, &shown), "17"));
	clock_set(START + 9 * DAY_US);
	struct retention_counts counts = settle(fixture);
	assert_int_equal(counts.pins, 1);
	assert_int_equal(counts.versions, 1);
	assert_int_equal(check(fixture, &table, 17), -ESTALE);
	buffer_free(&shown);
	table_free(&table);
}

static void test_a_deleted_table_goes_after_35_days(void **state)
{
	struct fixture *fixture = *state;
	struct table table;
	create(fixture, "orders", "'PointInTimeRecoveryEnabled':true", &table);
	for (unsigned i = 1; i <= 300; i++)
		put(fixture, &table, i, i);
	fixture_drop(fixture, &table);
	clock_set(START + 34 * DAY_US);
	assert_int_equal(settle(fixture).tables, 0);
	assert_int_equal(check(fixture, &table, 150), 0);
	clock_set(START + 36 * DAY_US);
	struct retention_counts foreseen, counts;
	assert_int_equal(retention_preview(fixture->history, UINT32_MAX, &foreseen, NULL), 0);
	counts = settle(fixture);
	assert_memory_equal(&counts, &foreseen, sizeof(counts));
	assert_int_equal(counts.tables, 1);
	assert_int_equal(counts.versions, 300);
	assert_int_equal(check(fixture, &table, 150), -ESTALE);
	table_free(&table);
}

static void test_having_nothing_to_do_costs_a_few_reads(void **state)
{
	struct fixture *fixture = *state;
	struct table table;
	struct store_counts before, after;
	for (unsigned i = 0; i < 20; i++) {
		char name[20];
		snprintf(name, sizeof(name), "table-%u", i);
		create(fixture, name, "'PointInTimeRecoveryEnabled':true", &table);
		put(fixture, &table, 1, 1);
		table_free(&table);
	}
	settle(fixture);
	store_counts(history_store(fixture->history), &before);
	assert_int_equal(retention_step(fixture->history, NULL, NULL), 0);
	store_counts(history_store(fixture->history), &after);
	assert_in_range(after.gets + after.seeks + after.steps - before.gets - before.seeks - before.steps, 1, 3);
	assert_int_equal(after.commits, before.commits);
}

/* Ten windows' worth of changes: after the third the store does not grow any more. */
static void test_a_store_stays_as_large_as_its_windows(void **state)
{
	struct fixture *fixture = *state;
	struct table table;
	uint64_t file, used, third = 0;
	create(fixture, "orders", "'PointInTimeRecoveryEnabled':true,'RecoveryPeriodInDays':1", &table);
	for (unsigned window = 1; window <= 10; window++) {
		for (unsigned i = 0; i < 12; i++) {
			clock_set(START + window * DAY_US + i * (DAY_US / 12));
			struct batch *batch = fixture_begin(fixture);
			for (unsigned n = 0; n < 60; n++) {
				char text[200];
				snprintf(text, sizeof(text), "{'id':'k%u'%s}", n % 2 ? n : window * 1000 + i * 60 + n,
					n % 2 ? ",'text':'a long time ago in a table far away'" : "");
				snprintf(text + strlen(text) - 1, 30, ",'v':%u}", window * 1000 + i);
				fixture_put_in(batch, &table, text, 0);
			}
			for (unsigned n = 0; n < 60 && window > 1; n += 2) {
				char key[40];
				snprintf(key, sizeof(key), "{'id':'k%u'}", (window - 1) * 1000 + i * 60 + n);
				fixture_remove_in(batch, &table, key, 0);
			}
			fixture_commit(batch);
			settle(fixture);
		}
		assert_int_equal(store_usage(history_store(fixture->history), &file, &used), 0);
		third = window == 3 ? file : third;
	}
	assert_in_range(file, 1, third + third / 5);
	table_free(&table);
}

/* A step that fails anywhere has changed nothing that can be seen. */
static void test_a_failing_step_changes_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct table table;
	struct fault fault = { 0 };
	struct buffer before = BUFFER_INIT, after = BUFFER_INIT;
	create(fixture, "orders", "'PointInTimeRecoveryEnabled':true,'RecoveryPeriodInDays':1", &table);
	for (unsigned i = 1; i <= 30; i++)
		put(fixture, &table, i % 5, i);
	fixture_remove(fixture, &table, "{'id':'k3'}");
	clock_set(START + DAY_US / 2);
	put(fixture, &table, 9, 9);
	clock_set(START + DAY_US + DAY_US / 4);
	struct snapshot snapshot = { .table = table.number, .seq = 31 };
	fixture_show(fixture, &table, &snapshot, &before);
	store_set_fault_hook(history_store(fixture->history), fault_hook, &fault);
	uint64_t failed = 0;
	int r = -ENOSPC;
	/* Without the second the step knows the time all the same. */
	for (uint64_t at = 1; r < 0; at += at == 1 ? 2 : 1) {
		failed = at;
		fault_arm(&fault, at, -ENOSPC, false);
		r = retention_step(fixture->history, NULL, NULL);
		fault_arm(&fault, 0, 0, false);
		assert_string_equal(fixture_show(fixture, &table, &snapshot, &after), buffer_text(&before));
		if (r < 0)
			assert_int_equal(check(fixture, &table, 30), 0);
	}
	store_set_fault_hook(history_store(fixture->history), NULL, NULL);
	assert_in_range(failed, 20, 5000);
	settle(fixture);
	assert_int_equal(check(fixture, &table, 30), -ESTALE);
	assert_string_equal(fixture_show(fixture, &table, &snapshot, &after), buffer_text(&before));
	struct retention_counts counts;
	assert_int_equal(retention_preview(fixture->history, UINT32_MAX, &counts, NULL), 0);
	assert_int_equal(counts.versions + counts.lives + counts.log_blocks, 0);
	buffer_free(&before);
	buffer_free(&after);
	table_free(&table);
}

/* What is damaged goes with its table, and nobody else waits for it. */
static void test_damaged_packs_go_with_their_table(void **state)
{
	struct fixture *fixture = *state;
	struct table orders, others;
	struct store_txn *txn;
	create(fixture, "orders", "'PointInTimeRecoveryEnabled':true,'RecoveryPeriodInDays':2", &orders);
	create(fixture, "others", "'PointInTimeRecoveryEnabled':true,'RecoveryPeriodInDays':2", &others);
	for (unsigned version = 0; version < 3; version++) {
		put(fixture, &orders, 0, version);
		put(fixture, &others, 0, version);
	}
	assert_int_equal(store_begin(history_store(fixture->history), true, &txn), 0);
	struct slice key, value;
	struct layout_key from = layout_log_prefix(others.number);
	assert_int_equal(store_seek(txn, STORE_VERSIONS, layout_slice(&from), &key, &value), 0);
	struct layout_key damaged = { .size = key.size };
	memcpy(damaged.bytes, key.data, key.size);
	fixture_spoil(txn, STORE_VERSIONS, layout_slice(&damaged));
	assert_int_equal(store_commit(txn), 0);
	fixture_drop(fixture, &others);
	clock_set(START + 40 * DAY_US);
	assert_int_equal(settle(fixture).tables, 1);
	txn = fixture_read(fixture);
	assert_int_equal(store_seek(txn, STORE_VERSIONS, layout_slice(&from), &key, &value), -ENOENT);
	store_abort(txn);
	table_free(&orders);
	table_free(&others);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_window_moves_with_the_clock, open_at_start, close_all),
		cmocka_unit_test_setup_teardown(
			test_the_store_begins_where_a_table_can_be_seen, open_at_start, close_all),
		cmocka_unit_test_setup_teardown(test_off_keeps_no_history, open_at_start, close_all),
		cmocka_unit_test_setup_teardown(test_off_forgets_and_on_begins_anew, open_at_start, close_all),
		cmocka_unit_test_setup_teardown(test_damaged_packs_go_with_their_table, open_at_start, close_all),
		cmocka_unit_test_setup_teardown(test_a_longer_period_grows_from_what_is_left, open_at_start, close_all),
		cmocka_unit_test_setup_teardown(test_pins_keep_middle_versions, open_at_start, close_all),
		cmocka_unit_test_setup_teardown(test_a_deleted_table_goes_after_35_days, open_at_start, close_all),
		cmocka_unit_test_setup_teardown(test_having_nothing_to_do_costs_a_few_reads, open_at_start, close_all),
		cmocka_unit_test_setup_teardown(test_a_store_stays_as_large_as_its_windows, open_at_start, close_all),
		cmocka_unit_test_setup_teardown(test_a_failing_step_changes_nothing, open_at_start, close_all),
	};
	return cmocka_run_group_tests_name("retention", tests, NULL, NULL);
}
