#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/layout.h"
#include "core/pin.h"
#include "core/restore.h"
#include "core/usage.h"
#include "tests/support/fixture.h"

#define START INT64_C(1740830400000000) /* 2025-03-01T12:00:00 */

static int open_store(void **state)
{
	return fixture_begin_test(state, START);
}

static struct usage measure(struct fixture *fixture, const struct table *table)
{
	struct usage usage;
	struct error error = { 0 };
	if (usage_measure(fixture->history, table, NULL, &usage, &error) < 0)
		fail_msg("%s", error.message);
	return usage;
}

/* All that is stored under the table's number, but for META. */
static uint64_t stored_bytes(struct fixture *fixture, const struct table *table)
{
	static const enum store_space spaces[] = { STORE_INDEX, STORE_VERSIONS, STORE_ROSTER, STORE_LOG };
	struct layout_key prefix = layout_log_prefix(table->number);
	struct store_txn *txn = fixture_read(fixture);
	uint64_t bytes = 0;
	for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
		struct store_cursor *cursor;
		struct slice key, value;
		assert_int_equal(store_cursor_open(txn, spaces[i], &cursor), 0);
		int r = store_cursor_seek(cursor, layout_slice(&prefix), &key, &value);
		for (; !r && memcmp(key.data, prefix.bytes, prefix.size) == 0;
			r = store_cursor_next(cursor, &key, &value))
			bytes += key.size + value.size;
		store_cursor_close(cursor);
	}
	store_abort(txn);
	return bytes;
}

static void pin_state(struct fixture *fixture, uint32_t table, uint64_t seq, enum pin_kind kind)
{
	struct batch *batch = fixture_begin(fixture);
	struct pin pin = { .kind = kind, .table = table, .seq = seq, .name = "kept" };
	assert_int_equal(pin_add(batch_txn(batch), &pin), 0);
	batch_note(batch);
	fixture_commit(batch);
}

static void test_an_empty_table(void **state)
{
	struct fixture *f = *state;
	struct table table;
	fixture_create(f, "orders", NULL, &table);
	struct usage usage = measure(f, &table);
	assert_int_equal(usage.items + usage.item_bytes + usage.versions + usage.lives + usage.pinned_bytes, 0);
	assert_int_equal(usage.live_bytes + usage.history_bytes, stored_bytes(f, &table));
	table_free(&table);
}

static void test_the_living_and_the_past(void **state)
{
	struct fixture *f = *state;
	struct table table;
	fixture_create(f, "orders", NULL, &table);
	fixture_put(f, &table, "{'id':'a','n':1}");
	fixture_put(f, &table, "{'id':'b','n':1}");
	struct usage first = measure(f, &table);
	assert_int_equal(first.items, 2);
	assert_int_equal(first.item_bytes, 2 * (2 + 1 + 1 + 2));
	assert_int_equal(first.versions, 2);
	assert_int_equal(first.lives, 2);
	assert_int_equal(first.live_bytes + first.history_bytes, stored_bytes(f, &table));
	assert_true(first.live_bytes > first.history_bytes);

	for (int i = 0; i < 40; i++)
		fixture_put(f, &table, i % 2 ? "{'id':'a','n':1}" : "{'id':'a','n':2}");
	struct usage changed = measure(f, &table);
	assert_int_equal(changed.versions, 42);
	assert_int_equal(changed.lives, 2);
	assert_int_equal(changed.item_bytes, first.item_bytes);
	assert_int_equal(changed.live_bytes, first.live_bytes);
	assert_int_equal(changed.live_bytes + changed.history_bytes, stored_bytes(f, &table));

	fixture_remove(f, &table, "{'id':'a'}");
	fixture_remove(f, &table, "{'id':'b'}");
	struct usage removed = measure(f, &table);
	assert_int_equal(removed.items, 0);
	assert_int_equal(removed.lives, 2);
	assert_int_equal(removed.versions, 44);
	assert_int_equal(removed.live_bytes, 0);
	assert_int_equal(removed.history_bytes, stored_bytes(f, &table));
	assert_int_equal(removed.pinned_bytes, 0);
	table_free(&table);
}

static void test_partitions_are_no_items(void **state)
{
	struct fixture *f = *state;
	struct table table;
	fixture_create(f, "events", "at", &table);
	fixture_put(f, &table, "{'id':'a','at':'1'}");
	fixture_put(f, &table, "{'id':'a','at':'2'}");
	struct usage usage = measure(f, &table);
	assert_int_equal(usage.lives, 2);
	assert_int_equal(usage.items, 2);
	assert_int_equal(usage.live_bytes + usage.history_bytes, stored_bytes(f, &table));
	table_free(&table);
}

/* In the window nothing is kept by pins alone; outside it, what they need is. */
static void test_what_pins_keep(void **state)
{
	struct fixture *f = *state;
	struct table table;
	fixture_create_text(f,
		"{'TableName':'orders','KeySchema':[{'AttributeName':'id','KeyType':'HASH'}],'AttributeDefinitions':[{"
		"'AttributeName':'id','AttributeType':'S'}],'BillingMode':'PAY_PER_REQUEST',"
		"'PointInTimeRecoverySpecification':{'PointInTimeRecoveryEnabled':true,'RecoveryPeriodInDays':35}}",
		&table);
	for (int i = 0; i < 20; i++)
		fixture_put(f, &table, i % 2 ? "{'id':'a','n':1}" : "{'id':'a','n':2}");
	uint64_t before = fixture_put(f, &table, "{'id':'a','n':3}");
	pin_state(f, table.number, 5, PIN_BACKUP);
	pin_state(f, table.number, 7, PIN_HOLD);
	pin_state(f, table.number, before, PIN_CHILD);
	struct usage usage = measure(f, &table);
	assert_int_equal(usage.pinned_bytes, 0);
	assert_int_equal(usage.backups, 1);
	assert_int_equal(usage.holds, 1);
	assert_int_equal(usage.children, 1);

	clock_set(START + 40 * DAY_US);
	fixture_put(f, &table, "{'id':'a','n':4}");
	usage = measure(f, &table);
	assert_true(usage.pinned_bytes > 0);
	assert_true(usage.pinned_bytes < usage.history_bytes / 2);
	clock_set(START);
	table_free(&table);
}

/* What ended before the window is there for the pin alone, its removal too. */
static void test_what_pins_keep_of_the_dead(void **state)
{
	struct fixture *f = *state;
	struct table table;
	fixture_create_text(f,
		"{'TableName':'orders','KeySchema':[{'AttributeName':'id','KeyType':'HASH'}],'AttributeDefinitions':[{"
		"'AttributeName':'id','AttributeType':'S'}],'BillingMode':'PAY_PER_REQUEST',"
		"'PointInTimeRecoverySpecification':{'PointInTimeRecoveryEnabled':true,'RecoveryPeriodInDays':1}}",
		&table);
	static const char item[] =
		"{'id':'a','text':'"
		"p8ix4ea4q9om4894zjoj7yaekctbr4y1z2ixgci5nq1t06yw80ovbrku8gnrshe44fwe0jbs10hccyv9r6pctaeg8c"
		"m0sqjcvuxiyy37y9g6r1pt1q7t9va0ubyidv3wwr5bdbxq3tulxluxqtygbit6orpul1gguvo2kfvn2rohc7mulrvf"
		"wi0s7r3w0s00c0jma4619oc37s8voeshpcc6m1da4hk6tpb780dhviq84dwomh8hkpria5zdrpr771d4uadichde4c"
		"f665ukuewyytxqmv1hi9ayflcx38yc1dx5u003bpn8re1o1ibux9qh3h7ygu8ga4jpyc7fgylbvhbh4stfc67pg9g9"
		"d9uleplp3zqxzw90fy6p0k074jzjkg5472lirmj6uo8s0rntbr4ymlxpu4j04n39b4ezc3openqpmqilcqkcul1ffh"
		"fqscw2vabvv1y5en5zi8uhre1h27qg7xx2sqgv87h56wdsljlx3hg9jv09tl34tlegl98zwgrrydic46rp6wvz28ew"
		"5hjrghhlm0zijzm87klmqxsb20yu9t57t4bmago5l73mm7nc62hsji3fdbxo"
		"'}";
	pin_state(f, table.number, fixture_put(f, &table, item), PIN_BACKUP);
	fixture_remove(f, &table, "{'id':'a'}");
	clock_set(START + 3 * DAY_US);
	struct usage usage = measure(f, &table);
	assert_int_equal(usage.versions, 2);
	assert_true(usage.pinned_bytes > usage.history_bytes * 3 / 5);
	clock_set(START);
	table_free(&table);
}

static void test_a_deleted_table(void **state)
{
	struct fixture *f = *state;
	struct table table;
	fixture_create(f, "orders", NULL, &table);
	uint64_t seq = fixture_put(f, &table, "{'id':'a','n':1}");
	pin_state(f, table.number, seq, PIN_BACKUP);
	fixture_drop(f, &table);
	struct usage usage = measure(f, &table);
	assert_int_equal(usage.items, 0);
	assert_int_equal(usage.live_bytes, 0);
	assert_int_equal(usage.history_bytes, stored_bytes(f, &table));
	assert_true(usage.pinned_bytes > 0);
	table_free(&table);
}

static void test_prices(void **state)
{
	struct usage usage = { .items = 1 << 20, .item_bytes = (UINT64_C(1) << 30) - 100 * (UINT64_C(1) << 20) };
	(void)state;
	struct usage_price on = usage_price(&usage, /* is_pitr_on= */ true, UINT64_C(1) << 31);
	assert_true(fabs(on.storage - 0.25) < 1e-9);
	assert_true(fabs(on.pitr - 0.20) < 1e-9);
	assert_true(fabs(on.backups - 0.20) < 1e-9);
	assert_true(usage_price(&usage, /* is_pitr_on= */ false, 0).pitr == 0);
	assert_true(usage_price(&usage, /* is_pitr_on= */ false, 0).backups == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_an_empty_table, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(test_the_living_and_the_past, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(test_partitions_are_no_items, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(test_what_pins_keep, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(test_what_pins_keep_of_the_dead, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(test_a_deleted_table, open_store, fixture_end_test),
		cmocka_unit_test(test_prices),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
