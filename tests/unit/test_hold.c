#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "hold.h"
#include "tests/support/fixture.h"

#define NOON_US INT64_C(1740832200250000) /* 2025-03-01T12:30:00.25Z */

static int set_up(void **state)
{
	return fixture_begin_test(state, NOON_US);
}

static int hold(struct fixture *fixture, const struct table *table, const struct snapshot *snapshot, const char *name,
	int64_t until_us, struct pin *ret_pin, struct error *ret_error)
{
	struct change_context context = { 0 };
	struct batch *batch = fixture_begin(fixture);
	*ret_error = (struct error){ 0 };
	int r = hold_add(batch, table, snapshot, slice_of_text(name), "audit", until_us, &context, ret_pin, ret_error);
	if (r)
		batch_abort(batch);
	else
		fixture_commit(batch);
	return r;
}

static int drop(struct fixture *fixture, const struct table *table, struct error *ret_error)
{
	struct change_context context = { 0 };
	struct batch *batch = fixture_begin(fixture);
	*ret_error = (struct error){ 0 };
	int r = table_drop(batch, table, &context, ret_error);
	if (r)
		batch_abort(batch);
	else
		fixture_commit(batch);
	return r;
}

static void release(struct fixture *fixture, const char *name)
{
	struct pin pin;
	struct error error = { 0 };
	struct batch *batch = fixture_begin(fixture);
	fixture_require(hold_release(batch, slice_of_text(name), &pin, &error) == 0, "release a hold", &error);
	assert_string_equal(pin.name, name);
	fixture_commit(batch);
}

static void test_a_held_table_can_not_be_dropped(void **state)
{
	struct fixture *fixture = *state;
	struct table orders;
	struct pin pin;
	struct error error;
	fixture_create(fixture, "orders", NULL, &orders);
	fixture_put(fixture, &orders, "{'id':'1'}");
	clock_set(NOON_US + 10 * SECOND_US);
	assert_int_equal(hold(fixture, &orders, NULL, "q1", 0, &pin, &error), 0);
	assert_true(pin.is_range);
	assert_int_equal(pin.time_us, NOON_US);
	assert_int_equal(pin.items, 1);
	fixture_reopen(fixture);
	assert_int_equal(drop(fixture, &orders, &error), -EPERM);
	assert_non_null(strstr(error.message, "the hold q1 is on it: audit"));
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(hold_of_table(txn, orders.number, &pin), 0);
	store_abort(txn);
	release(fixture, "q1");
	assert_int_equal(drop(fixture, &orders, &error), 0);
	table_free(&orders);
}

static void test_a_hold_on_one_state(void **state)
{
	struct fixture *fixture = *state;
	struct table orders;
	struct snapshot snapshot;
	struct pin pin, found;
	struct error error;
	fixture_create(fixture, "orders", NULL, &orders);
	fixture_put(fixture, &orders, "{'id':'1'}");
	clock_set(NOON_US + 10 * SECOND_US);
	fixture_put(fixture, &orders, "{'id':'2'}");
	assert_int_equal(fixture_at(fixture, &orders, NOON_US + SECOND_US, &snapshot), 0);
	assert_int_equal(hold(fixture, &orders, &snapshot, "then", NOON_US + DAY_US, &pin, &error), 0);
	assert_false(pin.is_range);
	assert_int_equal(pin.seq, snapshot.seq);
	assert_int_equal(pin.items, 1);
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(hold_find(txn, slice_of_text("then"), &found), 0);
	assert_int_equal(found.number, pin.number);
	assert_string_equal(found.reason, "audit");
	assert_int_equal(hold_find(txn, slice_of_text("the"), &found), -ENOENT);
	store_abort(txn);
	assert_int_equal(drop(fixture, &orders, &error), -EPERM);
	/* It ends by itself. */
	clock_set(NOON_US + DAY_US);
	assert_int_equal(drop(fixture, &orders, &error), 0);
	table_free(&orders);
}

static void test_holds_that_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct table orders, parts;
	struct pin pin;
	struct error error;
	fixture_create(fixture, "orders", NULL, &orders);
	fixture_create(fixture, "parts", NULL, &parts);
	assert_int_equal(hold(fixture, &orders, NULL, "q1", 0, &pin, &error), 0);
	assert_int_equal(hold(fixture, &parts, NULL, "q1", 0, &pin, &error), -EEXIST);
	assert_non_null(strstr(error.message, "q1"));
	assert_int_equal(hold(fixture, &parts, NULL, "", 0, &pin, &error), -EINVAL);
	assert_int_equal(hold(fixture, &parts, NULL, "q/1", 0, &pin, &error), -EINVAL);
	assert_int_equal(hold(fixture, &parts, NULL, "q2", NOON_US - 1, &pin, &error), -EINVAL);
	struct batch *batch = fixture_begin(fixture);
	assert_int_equal(hold_release(batch, slice_of_text("q2"), &pin, &error), -ENOENT);
	batch_abort(batch);
	table_free(&orders);
	table_free(&parts);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, fixture_end_test)
	const struct CMUnitTest tests[] = {
		TEST(test_a_held_table_can_not_be_dropped),
		TEST(test_a_hold_on_one_state),
		TEST(test_holds_that_are_refused),
	};
	return cmocka_run_group_tests_name("hold", tests, NULL, NULL);
}
