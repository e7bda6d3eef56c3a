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
#include "core/layout.h"
#include "core/lineage.h"
#include "core/replay.h"
#include "core/state.h"
#include "tests/support/fixture.h"

#define START INT64_C(1740830400000000) /* 2025-03-01T12:00:00 */
#define KEYS 40

static int open_store(void **state)
{
	return fixture_begin_test(state, START);
}

static struct replay_counts replay(
	struct fixture *f, const struct table *source, uint64_t seq, const struct snapshot *copy)
{
	struct replay_counts counts;
	struct error error = { 0 };
	struct store_txn *txn = fixture_read(f);
	int r = replay_compare(f->history, txn, source, seq, copy, NULL, NULL, &counts, &error);
	fixture_require(r == 0, "replay", &error);
	store_abort(txn);
	return counts;
}

static void assert_same(struct fixture *f, const struct table *source, uint64_t seq, const struct snapshot *copy)
{
	struct replay_counts counts = replay(f, source, seq, copy);
	uint64_t items, bytes;
	struct store_txn *txn = fixture_read(f);
	assert_int_equal(snapshot_statistics(txn, copy, &items, &bytes), 0);
	store_abort(txn);
	assert_int_equal(counts.faults, 0);
	assert_int_equal(counts.compared.equal, items);
	assert_int_equal(counts.compared.missing + counts.compared.extra + counts.compared.different, 0);
}

static uint64_t change_at_random(struct batch *batch, const struct table *table, uint64_t *random)
{
	char text[80];
	unsigned key = (unsigned)fixture_random_below(random, KEYS);
	if (fixture_random_below(random, 3) == 0) {
		snprintf(text, sizeof(text), "{'id':'p%u','at':'%u'}", key % 5, key);
		return fixture_remove_in(batch, table, text, 0);
	}
	snprintf(text, sizeof(text), "{'id':'p%u','at':'%u','n':%u}", key % 5, key,
		(unsigned)fixture_random_below(random, 100));
	return fixture_put_in(batch, table, text, 0);
}

static uint64_t change_much(struct fixture *f, const struct table *table, uint64_t *random)
{
	struct batch *batch = fixture_begin(f);
	uint64_t last = 0;
	for (int i = 0; i < 400; i++) {
		uint64_t seq = change_at_random(batch, table, random);
		last = seq ? seq : last;
	}
	fixture_commit(batch);
	return last;
}

static void agrees_with_every_state(void **state)
{
	struct fixture *f = *state;
	struct table table;
	uint64_t random = 1;
	fixture_create(f, "events", "at", &table);
	struct snapshot snapshot = snapshot_live(table.number);
	assert_same(f, &table, 0, &snapshot);
	uint64_t last = change_much(f, &table, &random);
	assert_same(f, &table, last, &snapshot);
	for (int i = 0; i < 30; i++) {
		snapshot.seq = fixture_random_below(&random, last + 1);
		assert_same(f, &table, snapshot.seq, &snapshot);
		assert_int_equal(replay(f, &table, snapshot.seq, &snapshot).changes, snapshot.seq);
	}
	table_free(&table);
}

static void goes_on_from_what_a_restored_table_began_with(void **state)
{
	struct fixture *f = *state;
	struct table table, child;
	uint64_t random = 2, items, bytes;
	fixture_create(f, "events", "at", &table);
	uint64_t base = change_much(f, &table, &random) / 2;
	struct snapshot parent = { .table = table.number, .seq = base };
	fixture_create(f, "child", "at", &child);
	struct batch *batch = fixture_begin(f);
	assert_int_equal(snapshot_statistics(batch_txn(batch), &parent, &items, &bytes), 0);
	struct lineage lineage = { table.number, base, items, bytes, START };
	assert_int_equal(lineage_begin(batch_txn(batch), child.number, &lineage), 0);
	batch_note(batch);
	fixture_commit(batch);
	assert_same(f, &child, base, &parent);
	uint64_t last = change_much(f, &child, &random);
	struct snapshot live = snapshot_live(child.number);
	assert_same(f, &child, last, &live);
	struct replay_counts counts = replay(f, &child, last, &live);
	assert_int_equal(counts.from_seq, base);
	assert_int_equal(counts.changes, last - base);
	table_free(&table);
	table_free(&child);
}

static void finds_a_wrong_copy(void **state)
{
	struct fixture *f = *state;
	struct table table, copy;
	fixture_create(f, "orders", NULL, &table);
	fixture_create(f, "copy", NULL, &copy);
	fixture_put(f, &table, "{'id':'a','n':1}");
	fixture_put(f, &table, "{'id':'b','n':1}");
	fixture_put(f, &table, "{'id':'c','n':1}");
	fixture_put(f, &copy, "{'id':'c','n':1}");
	fixture_put(f, &copy, "{'id':'b','n':2}");
	fixture_put(f, &copy, "{'id':'d','n':1}");
	struct snapshot live = snapshot_live(copy.number);
	struct replay_counts counts = replay(f, &table, 3, &live);
	assert_int_equal(counts.faults, 0);
	assert_int_equal(counts.compared.equal, 1);
	assert_int_equal(counts.compared.missing, 1);
	assert_int_equal(counts.compared.extra, 1);
	assert_int_equal(counts.compared.different, 1);
	table_free(&table);
	table_free(&copy);
}

/* Takes the newest version of an item away, as if it had never been written. */
static void lose_a_version(struct fixture *f, const struct table *table, uint64_t number, uint64_t seq)
{
	struct batch *batch = fixture_begin(f);
	struct layout_key key = layout_version(table->number, number, seq);
	assert_int_equal(store_delete(batch_txn(batch), STORE_VERSIONS, layout_slice(&key)), 0);
	batch_note(batch);
	fixture_commit(batch);
}

static void finds_what_the_store_has_lost(void **state)
{
	struct fixture *f = *state;
	struct table table;
	char text[64];
	struct node node;
	struct buffer key = BUFFER_INIT;
	fixture_create(f, "orders", NULL, &table);
	fixture_put(f, &table, "{'id':'b'}");
	for (int i = 1; i <= 17; i++) {
		snprintf(text, sizeof(text), "{'id':'a','n':%d}", i);
		fixture_put(f, &table, text);
	}
	struct snapshot live = snapshot_live(table.number);
	assert_same(f, &table, 18, &live);
	fixture_key(&table, "{'id':'a'}", &key);
	struct store_txn *txn = fixture_read(f);
	assert_int_equal(snapshot_find(txn, &live, buffer_slice(&key), &node), 0);
	store_abort(txn);
	lose_a_version(f, &table, node.number, 18);
	assert_true(replay(f, &table, 18, &live).faults > 0);
	buffer_free(&key);
	table_free(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(agrees_with_every_state, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(
			goes_on_from_what_a_restored_table_began_with, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(finds_a_wrong_copy, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(finds_what_the_store_has_lost, open_store, fixture_end_test),
	};
	return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
