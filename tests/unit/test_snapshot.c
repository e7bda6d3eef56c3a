#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/name.h"
#include "tests/support/fixture.h"
#include "tests/support/model.h"
#include "tests/support/model_items.h"

#define START INT64_C(1740830400000000) /* 2025-03-01T12:00:00 */

static int open_store(void **state)
{
	return fixture_begin_test(state, START);
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

/* A transaction from before a commit must not make the promise that the commit is not there. */
static void sees_what_was_committed_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct table table;
	struct snapshot snapshot;
	struct instant instant = { .kind = INSTANT_AT, .time_us = START + 3000 };
	fixture_create(f, "orders", NULL, &table);
	struct store_txn *old = fixture_read(f);
	clock_set(START + 1000);
	fixture_put(f, &table, "{'id':'a'}");
	clock_set(START + 5000);
	assert_int_equal(snapshot_resolve(f->history, old, &table, &instant, &snapshot, NULL), 0);
	assert_int_equal(snapshot.seq, 1);
	store_abort(old);
	table_free(&table);
}

struct asking {
	struct fixture *fixture;
	struct table *table;
	struct snapshot snapshot;
	atomic_int r; /* 1: no answer yet */
};

static void *ask(void *argument)
{
	struct asking *asking = argument;
	atomic_store(&asking->r, fixture_at(asking->fixture, asking->table, START + 3000, &asking->snapshot));
	return NULL;
}

/* An open batch has chosen a time; who asks for a later instant waits for it. */
static void waits_for_an_open_batch(void **state)
{
	struct fixture *f = *state;
	struct table table;
	fixture_create(f, "orders", NULL, &table);
	for (int is_aborted = 0; is_aborted < 2; is_aborted++) {
		struct asking asking = { f, &table, { 0 }, 1 };
		pthread_t thread;
		clock_set(START + 1000 + is_aborted);
		struct batch *batch = fixture_begin(f);
		fixture_put_in(batch, &table, is_aborted ? "{'id':'b'}" : "{'id':'a'}", 0);
		clock_set(START + 5000);
		assert_int_equal(pthread_create(&thread, NULL, ask, &asking), 0);
		usleep(60000);
		/* The second time the instant had been promised before the batch chose a time. */
		assert_int_equal(atomic_load(&asking.r), is_aborted ? 0 : 1);
		if (is_aborted)
			batch_abort(batch);
		else
			fixture_commit(batch);
		pthread_join(thread, NULL);
		assert_int_equal(atomic_load(&asking.r), 0);
		assert_int_equal(asking.snapshot.seq, 1);
	}
	table_free(&table);
}

/* Keys of every type, long ones and long names: found by key and by name, and shown by the same name at every instant. */
static void finds_keys_of_all_kinds_by_name(void **state)
{
	static const char *const types[] = { "S", "N", "B" };
	struct fixture *f = *state;
	for (unsigned i = 0; i < 9; i++) {
		char request[512], name[FILE_NAME_MAX + 1], again[FILE_NAME_MAX + 1];
		struct table table;
		struct buffer item = BUFFER_INIT, key = BUFFER_INIT;
		snprintf(request, sizeof(request),
			"{'TableName':'table%u','KeySchema':[{'AttributeName':'id','KeyType':'HASH'},"
			"{'AttributeName':'at','KeyType':'RANGE'}],'AttributeDefinitions':[{'AttributeName':'id',"
			"'AttributeType':'%s'},{'AttributeName':'at','AttributeType':'%s'}]}",
			i, types[i % 3], types[i / 3]);
		fixture_create_text(f, request, &table);
		struct batch *batch = fixture_begin(f);
		for (unsigned k = 0; k < MODEL_KEYS; k++) {
			struct change_context context = { 0 };
			struct change_result result;
			model_items_make(&table.schema, k, 1, &item);
			assert_int_equal(batch_put(batch, &table, buffer_slice(&item), &context, &result, NULL), 0);
			assert_true(result.is_changed);
		}
		fixture_commit(batch);
		struct store_txn *txn = fixture_read(f);
		struct snapshot live = snapshot_live(table.number);
		for (unsigned k = 0; k < MODEL_KEYS; k++) {
			struct node node, partition, found;
			model_items_key(&table.schema, k, &key);
			assert_int_equal(snapshot_find(txn, &live, buffer_slice(&key), &node), 0);
			int size = snapshot_name(&table, &node, name);
			assert_in_range(size, 1, FILE_NAME_MAX);
			assert_int_equal(snapshot_find_name(txn, &live, &table, node.directory,
						 slice_of(name, (size_t)size), &found, NULL),
				0);
			assert_int_equal(found.number, node.number);
			assert_int_equal(snapshot_node(txn, &live, node.directory, &partition), 0);
			size = snapshot_name(&table, &partition, again);
			buffer_clear(&item);
			assert_int_equal(snapshot_key_of_name(txn, &table, (struct slice){ 0 },
						 slice_of(again, (size_t)size), &item, NULL),
				0);
			assert_true(slice_equal(buffer_slice(&item), partition.encoded_key));
			buffer_clear(&item);
			assert_int_equal(snapshot_key_of_name(
						 txn, &table, partition.encoded_key, slice_of_text(name), &item, NULL),
				0);
			assert_true(slice_equal(buffer_slice(&item), buffer_slice(&key)));
		}
		store_abort(txn);
		buffer_free(&item);
		buffer_free(&key);
		table_free(&table);
	}
}

static void tells_the_window(void **state)
{
	struct fixture *f = *state;
	struct table table;
	struct snapshot snapshot;
	struct error error = { 0 };
	struct instant wrong[] = { { .kind = INSTANT_AT, .time_us = START - 1 },
		{ .kind = INSTANT_AT, .time_us = START + DAY_US }, { .kind = INSTANT_SEQ, .seq = 2 },
		{ .kind = INSTANT_SEQ, .seq = 0 }, { .kind = INSTANT_SEQ, .seq = UINT64_MAX },
		{ .kind = INSTANT_BEFORE_NOW, .time_us = DAY_US } };
	fixture_create(f, "orders", NULL, &table);
	clock_set(START + 1000);
	fixture_put(f, &table, "{'id':'a'}");
	struct store_txn *txn = fixture_read(f);
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(snapshot_resolve(f->history, txn, &table, &wrong[i], &snapshot, &error), -ENOENT);
		assert_non_null(strstr(error.message,
			i < 2 || i == 5 ? "it can be seen from 2025-03-01T12:00:00Z to " : "its changes are 1 to 1"));
	}
	struct instant right[] = { { .kind = INSTANT_EARLIEST }, { .kind = INSTANT_LATEST },
		{ .kind = INSTANT_SEQ, .seq = 1 }, { .kind = INSTANT_BEFORE_NOW, .time_us = 1 } };
	static const uint64_t seqs[] = { 0, 1, 1, 0 };
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(snapshot_resolve(f->history, txn, &table, &right[i], &snapshot, &error), 0);
		assert_int_equal(snapshot.seq, seqs[i]);
	}
	store_abort(txn);
	table_free(&table);
}

/* --- what reading costs --- */

#define NEIGHBOURS 300

static struct store_counts counts_of(const struct fixture *f)
{
	struct store_counts counts;
	store_counts(history_store(f->history), &counts);
	return counts;
}

/* Neighbours are stepped to; nothing is looked up for their contents. */
static void assert_lists_by_stepping(struct fixture *f, const struct snapshot *snapshot)
{
	struct store_txn *txn = fixture_read(f);
	struct store_counts before = counts_of(f), after;
	struct buffer item = BUFFER_INIT, same = BUFFER_INIT;
	struct snapshot_walk walk;
	struct node node;
	uint64_t count = 0;
	assert_int_equal(snapshot_walk_begin(&walk, txn, snapshot, 0, 0), 0);
	for (; snapshot_walk_next(&walk, &node) == 1; count++)
		assert_int_equal(snapshot_walk_content(&walk, &item), 0);
	snapshot_walk_end(&walk);
	after = counts_of(f);
	assert_int_equal(count, NEIGHBOURS);
	assert_in_range(after.seeks - before.seeks, 0, 4);
	assert_in_range(after.gets - before.gets, 0, 20);
	assert_in_range(after.steps - before.steps, 0, 2 * NEIGHBOURS);
	assert_int_equal(snapshot_walk_begin(&walk, txn, snapshot, 0, 0), 0);
	while (snapshot_walk_next(&walk, &node) == 1) {
		assert_int_equal(snapshot_walk_content(&walk, &item), 0);
		assert_int_equal(snapshot_content(txn, snapshot, node.number, &same), 0);
		assert_true(slice_equal(buffer_slice(&item), buffer_slice(&same)));
		assert_int_equal(snapshot_read(txn, snapshot, node.encoded_key, &node, &same), 0);
		assert_true(slice_equal(buffer_slice(&item), buffer_slice(&same)));
	}
	snapshot_walk_end(&walk);
	store_abort(txn);
	buffer_free(&item);
	buffer_free(&same);
}

static void put_neighbours(struct fixture *f, const struct table *table, unsigned version)
{
	struct batch *batch = fixture_begin(f);
	for (unsigned i = 0; i < NEIGHBOURS; i++) {
		char text[64];
		snprintf(text, sizeof(text), "{'id':'%03u','n':%u,'text':'always the same'}", i, version);
		fixture_put_in(batch, table, text, 0);
	}
	fixture_commit(batch);
}

static void lists_by_stepping(void **state)
{
	struct table table, fork;
	fixture_create(*state, "orders", NULL, &table);
	for (unsigned version = 0; version < 3; version++)
		put_neighbours(*state, &table, version);
	struct snapshot live = snapshot_live(table.number), past = { .table = table.number, .seq = 2 * NEIGHBOURS };
	assert_lists_by_stepping(*state, &live);
	assert_lists_by_stepping(*state, &past);
	fixture_restore(*state, &table, 2 * NEIGHBOURS, "fork", &fork);
	live.table = fork.number;
	assert_lists_by_stepping(*state, &live);
	put_neighbours(*state, &table, 4);
	fixture_put(*state, &fork, "{'id':'007','n':7}");
	assert_lists_by_stepping(*state, &live);
	assert_lists_by_stepping(*state, &past);
	table_free(&table);
	table_free(&fork);
}

/* The second time in a transaction: where the key is, and what stands there. */
static void reads_with_two_look_ups(void **state)
{
	struct table table;
	struct node node;
	struct buffer key = BUFFER_INIT, item = BUFFER_INIT;
	fixture_create(*state, "orders", NULL, &table);
	for (unsigned version = 0; version < 3; version++)
		put_neighbours(*state, &table, version);
	fixture_key(&table, "{'id':'123'}", &key);
	struct snapshot past = { .table = table.number, .seq = 2 * NEIGHBOURS };
	struct store_txn *txn = fixture_read(*state);
	assert_int_equal(snapshot_read(txn, &past, buffer_slice(&key), &node, &item), 0);
	struct store_counts before = counts_of(*state), after;
	assert_int_equal(snapshot_read(txn, &past, buffer_slice(&key), &node, &item), 0);
	after = counts_of(*state);
	assert_int_equal(after.gets + after.seeks + after.steps - before.gets - before.seeks - before.steps, 2);
	past.seq = 4 * NEIGHBOURS;
	assert_int_equal(snapshot_read(txn, &past, buffer_slice(&key), &node, &item), -ESTALE);
	put_neighbours(*state, &table, 4);
	assert_int_equal(snapshot_read(txn, &past, buffer_slice(&key), &node, &item), -ESTALE);
	assert_int_equal(store_renew(txn), 0);
	assert_int_equal(snapshot_read(txn, &past, buffer_slice(&key), &node, &item), 0);
	store_abort(txn);
	buffer_free(&key);
	buffer_free(&item);
	table_free(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lists_by_stepping, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(reads_with_two_look_ups, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(shows_each_instant, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(empties_and_refills_partitions, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(sees_what_was_committed_meanwhile, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(waits_for_an_open_batch, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(finds_keys_of_all_kinds_by_name, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(tells_the_window, open_store, fixture_end_test),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
