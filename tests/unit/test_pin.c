#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "core/pin.h"
#include "core/retention.h"
#include "tests/support/fixture.h"

static struct pin add(struct store_txn *txn, uint32_t table, uint64_t seq, bool is_range)
{
	struct pin pin = { .kind = PIN_HOLD,
		.table = table,
		.seq = seq,
		.is_range = is_range,
		.time_us = -5,
		.created_us = 7,
		.items = 3,
		.bytes = 400,
		.name = "audit",
		.reason = "case 17",
		.author = "{\"uid\":0}" };
	assert_int_equal(pin_add(txn, &pin), 0);
	return pin;
}

static void test_is_read_as_it_was_written(void **state)
{
	(void)state;
	struct fixture fixture;
	fixture_open(&fixture);
	struct batch *batch = fixture_begin(&fixture);
	struct store_txn *txn = batch_txn(batch);
	struct pin wanted = add(txn, 5, 17, false), pin;
	struct pin_place place = { 0 };
	assert_int_equal(pin_next(txn, 5, &place, &pin), 1);
	assert_memory_equal(&pin, &wanted, sizeof(pin));
	assert_int_equal(pin_next(txn, 5, &place, &pin), 0);
	batch_abort(batch);
	fixture_close(&fixture);
}

static void test_walks_by_table_and_change(void **state)
{
	(void)state;
	struct fixture fixture;
	fixture_open(&fixture);
	struct batch *batch = fixture_begin(&fixture);
	struct store_txn *txn = batch_txn(batch);
	add(txn, 9, 1, false);
	add(txn, 5, 300, false);
	add(txn, 5, 17, true);
	add(txn, 5, 17, false);
	const uint64_t wanted[] = { 3, 4, 2, 1 };
	struct pin_place place = { 0 };
	struct pin pin;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(pin_next(txn, UINT32_MAX, &place, &pin), 1);
		assert_int_equal(pin.number, wanted[i]);
	}
	assert_int_equal(pin_next(txn, UINT32_MAX, &place, &pin), 0);
	place = (struct pin_place){ 0 };
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(pin_next(txn, 5, &place, &pin), 1);
		assert_int_equal(pin.number, wanted[i]);
	}
	assert_int_equal(pin_next(txn, 5, &place, &pin), 0);
	place = (struct pin_place){ 0 };
	assert_int_equal(pin_next(txn, 6, &place, &pin), 0);
	batch_abort(batch);
	fixture_close(&fixture);
}

static void test_covers_states_and_ranges(void **state)
{
	(void)state;
	struct fixture fixture;
	fixture_open(&fixture);
	struct batch *batch = fixture_begin(&fixture);
	struct store_txn *txn = batch_txn(batch);
	struct pin found;
	add(txn, 5, 10, false);
	struct pin range = add(txn, 5, 20, true);
	add(txn, 6, 15, true);
	assert_int_equal(pin_covers(txn, 5, 9, NULL), 0);
	assert_int_equal(pin_covers(txn, 5, 10, NULL), 1);
	assert_int_equal(pin_covers(txn, 5, 11, NULL), 0);
	assert_int_equal(pin_covers(txn, 5, 19, NULL), 0);
	assert_int_equal(pin_covers(txn, 5, 20, &found), 1);
	assert_int_equal(found.number, range.number);
	assert_int_equal(pin_covers(txn, 5, 1000, NULL), 1);
	assert_int_equal(pin_remove(txn, &range), 0);
	assert_int_equal(pin_remove(txn, &range), -ENOENT);
	assert_int_equal(pin_covers(txn, 5, 1000, NULL), 0);
	batch_abort(batch);
	fixture_close(&fixture);
}

static void test_numbers_are_never_used_again(void **state)
{
	(void)state;
	struct fixture fixture;
	fixture_open(&fixture);
	struct batch *batch = fixture_begin(&fixture);
	struct store_txn *txn = batch_txn(batch);
	struct pin first = add(txn, 5, 10, false);
	assert_int_equal(pin_remove(txn, &first), 0);
	struct pin second = add(txn, 5, 10, false);
	assert_true(second.number > first.number);
	batch_abort(batch);
	fixture_close(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_read_as_it_was_written),
		cmocka_unit_test(test_walks_by_table_and_change),
		cmocka_unit_test(test_covers_states_and_ranges),
		cmocka_unit_test(test_numbers_are_never_used_again),
	};
	return cmocka_run_group_tests_name("pin", tests, NULL, NULL);
}
