#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/compare.h"
#include "core/item_json.h"
#include "tests/support/fixture.h"

#define START INT64_C(1740830400000000) /* 2025-03-01T12:00:00 */

static int open_store(void **state)
{
	return fixture_begin_test(state, START);
}

struct told {
	struct buffer text;
	int answer;
};

static void append(struct buffer *out, struct slice item)
{
	if (!item.size)
		buffer_append_text(out, " -");
	else
		buffer_append_byte(out, ' ');
	if (item.size)
		assert_int_equal(item_to_json(item, ITEM_PLAIN, ITEM_COMPACT, NULL, out), 0);
}

static int tell(
	void *context, enum compare_kind kind, struct slice encoded_key, struct slice first, struct slice second)
{
	struct told *told = context;
	assert_true(encoded_key.size > 0);
	buffer_append_text(&told->text, kind == COMPARE_MISSING ? "missing"
					: kind == COMPARE_EXTRA ? "extra"
								: "different");
	append(&told->text, first);
	append(&told->text, second);
	buffer_append_text(&told->text, "\n");
	return told->answer;
}

static void assert_compares(struct fixture *f, const struct snapshot *first, const struct snapshot *second,
	const struct compare_counts *wanted, const char *wanted_text)
{
	struct told told = { 0 };
	struct compare_counts counts;
	struct store_txn *txn = fixture_read(f);
	assert_int_equal(compare_snapshots(txn, first, second, tell, &told, &counts, NULL), 0);
	assert_memory_equal(&counts, wanted, sizeof(counts));
	assert_string_equal(buffer_text(&told.text), wanted_text);
	assert_int_equal(compare_snapshots(txn, first, second, NULL, NULL, &counts, NULL), 0);
	assert_memory_equal(&counts, wanted, sizeof(counts));
	store_abort(txn);
	buffer_free(&told.text);
}

static void finds_every_difference(void **state)
{
	struct fixture *f = *state;
	struct table one, other;
	fixture_create(f, "one", NULL, &one);
	fixture_create(f, "other", NULL, &other);
	fixture_put(f, &one, "{'id':'a','n':1}");
	fixture_put(f, &one, "{'id':'b','n':1}");
	fixture_put(f, &one, "{'id':'c','n':1}");
	fixture_put(f, &other, "{'id':'d','n':1}");
	fixture_put(f, &other, "{'id':'c','n':2}");
	fixture_put(f, &other, "{'id':'a','n':1}");
	struct snapshot first = snapshot_live(one.number), second = snapshot_live(other.number);
	struct compare_counts counts = { .equal = 1, .missing = 1, .extra = 1, .different = 1 };
	assert_compares(f, &first, &second, &counts,
		"missing {\"id\":\"b\",\"n\":1} -\ndifferent {\"id\":\"c\",\"n\":1} {\"id\":\"c\",\"n\":2}\n"
		"extra - {\"id\":\"d\",\"n\":1}\n");
	counts = (struct compare_counts){ .equal = 3 };
	assert_compares(f, &first, &first, &counts, "");
	table_free(&one);
	table_free(&other);
}

static void compares_two_instants_of_partitions(void **state)
{
	struct fixture *f = *state;
	struct table table;
	fixture_create(f, "events", "at", &table);
	fixture_put(f, &table, "{'id':'p','at':'x'}");
	fixture_put(f, &table, "{'id':'p','at':'y'}");
	fixture_put(f, &table, "{'id':'q','at':'x'}");
	fixture_remove(f, &table, "{'id':'q','at':'x'}");
	fixture_put(f, &table, "{'id':'r','at':'x'}");
	struct snapshot first = { .table = table.number, .seq = 3 }, second = snapshot_live(table.number),
			nothing = { .table = table.number, .seq = 0 };
	struct compare_counts counts = { .equal = 2, .missing = 1, .extra = 1 };
	assert_compares(f, &first, &second, &counts,
		"missing {\"at\":\"x\",\"id\":\"q\"} -\nextra - {\"at\":\"x\",\"id\":\"r\"}\n");
	counts = (struct compare_counts){ .extra = 3 };
	struct store_txn *txn = fixture_read(f);
	struct told told = { .answer = -ECANCELED };
	assert_int_equal(compare_snapshots(txn, &nothing, &first, tell, &told, &counts, NULL), -ECANCELED);
	assert_int_equal(counts.extra, 1);
	store_abort(txn);
	buffer_free(&told.text);
	table_free(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(finds_every_difference, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(compares_two_instants_of_partitions, open_store, fixture_end_test),
	};
	return cmocka_run_group_tests_name("compare", tests, NULL, NULL);
}
