#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/item_json.h"
#include "tests/support/fixture.h"

#define START INT64_C(1740830400000000) /* 2025-03-01T12:00:00 */

static int open_store(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	clock_set(START);
	fixture_open(fixture);
	*state = fixture;
	return 0;
}

static int close_store(void **state)
{
	fixture_close(*state);
	free(*state);
	clock_reset();
	return 0;
}

static void assert_shows(struct fixture *fixture, const struct table *table, int64_t time_us, const char *wanted)
{
	struct snapshot snapshot;
	struct buffer text = BUFFER_INIT;
	assert_int_equal(fixture_at(fixture, table, time_us, &snapshot), 0);
	assert_string_equal(fixture_show(fixture, table, &snapshot, &text), wanted);
	buffer_free(&text);
}

static void shows_each_instant(void **state)
{
	struct fixture *f = *state;
	struct table table;
	struct buffer text = BUFFER_INIT;
	fixture_create(f, "orders", NULL, &table);
	clock_set(START + 1 * SECOND_US);
	assert_int_equal(fixture_put(f, &table, "{'id':'a','n':1}"), 1);
	clock_set(START + 2 * SECOND_US);
	assert_int_equal(fixture_put(f, &table, "{'id':'b','n':1}"), 2);
	clock_set(START + 3 * SECOND_US);
	assert_int_equal(fixture_put(f, &table, "{'id':'a','n':2}"), 3);
	clock_set(START + 4 * SECOND_US);
	assert_int_equal(fixture_remove(f, &table, "{'id':'a'}"), 4);
	clock_set(START + 5 * SECOND_US);
	assert_int_equal(fixture_put(f, &table, "{'id':'a','n':3}"), 5);
	clock_set(START + 6 * SECOND_US);
	assert_shows(f, &table, START, "");
	assert_shows(f, &table, START + 1 * SECOND_US - 1, "");
	assert_shows(f, &table, START + 1 * SECOND_US, "a.json {\"id\":\"a\",\"n\":1}\n");
	assert_shows(
		f, &table, START + 2 * SECOND_US, "a.json {\"id\":\"a\",\"n\":1}\nb.json {\"id\":\"b\",\"n\":1}\n");
	assert_shows(
		f, &table, START + 3 * SECOND_US, "a.json {\"id\":\"a\",\"n\":2}\nb.json {\"id\":\"b\",\"n\":1}\n");
	assert_shows(f, &table, START + 4 * SECOND_US, "b.json {\"id\":\"b\",\"n\":1}\n");
	assert_shows(
		f, &table, START + 5 * SECOND_US, "b.json {\"id\":\"b\",\"n\":1}\na.json {\"id\":\"a\",\"n\":3}\n");
	assert_string_equal(
		fixture_show_live(f, &table, &text), "b.json {\"id\":\"b\",\"n\":1}\na.json {\"id\":\"a\",\"n\":3}\n");
	fixture_reopen(f);
	assert_string_equal(
		fixture_show_live(f, &table, &text), "b.json {\"id\":\"b\",\"n\":1}\na.json {\"id\":\"a\",\"n\":3}\n");
	buffer_free(&text);
	table_free(&table);
}

static void empties_and_refills_partitions(void **state)
{
	struct fixture *f = *state;
	struct table table;
	fixture_create(f, "events", "at", &table);
	for (int i = 0; i < 8; i++) {
		clock_set(START + (i + 1) * SECOND_US);
		if (i % 4 < 2)
			fixture_put(f, &table, i % 2 ? "{'id':'p','at':'y'}" : "{'id':'p','at':'x'}");
		else
			fixture_remove(f, &table, i % 2 ? "{'id':'p','at':'y'}" : "{'id':'p','at':'x'}");
	}
	clock_set(START + 9 * SECOND_US);
	const char *x = "p/x.json {\"at\":\"x\",\"id\":\"p\"}\n", *y = "p/y.json {\"at\":\"y\",\"id\":\"p\"}\n";
	char both[200];
	snprintf(both, sizeof(both), "%s%s", x, y);
	for (int i = 0; i < 8; i++)
		assert_shows(f, &table, START + (i + 1) * SECOND_US,
			i % 4 == 0   ? x
			: i % 4 == 1 ? both
			: i % 4 == 2 ? y
				     : "");
	struct snapshot full;
	assert_int_equal(fixture_at(f, &table, START + 6 * SECOND_US, &full), 0);
	struct store_txn *txn = fixture_read(f);
	struct node partition, item;
	assert_int_equal(snapshot_find_name(txn, &full, &table, 0, slice_of_text("p"), &partition, NULL), 0);
	assert_int_equal(partition.kind, NODE_PARTITION);
	assert_int_equal(
		snapshot_find_name(txn, &full, &table, partition.number, slice_of_text("y.json"), &item, NULL), 0);
	assert_int_equal(item.directory, partition.number);
	assert_int_equal(snapshot_find_name(txn, &full, &table, partition.number, slice_of_text("z.json"), &item, NULL),
		-ENOENT);
	store_abort(txn);
	table_free(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(shows_each_instant, open_store, close_store),
		cmocka_unit_test_setup_teardown(empties_and_refills_partitions, open_store, close_store),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
