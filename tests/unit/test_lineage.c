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
#include "core/log.h"
#include "core/roster.h"
#include "core/state.h"
#include "tests/support/consistency.h"
#include "tests/support/fixture.h"

#define MANY 300u /* more than two roster blocks */

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	fixture_open(fixture);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	struct error error = { 0 };
	fixture_require(consistency_check(fixture->history, &error) == 0, "a sound store", &error);
	fixture_close(fixture);
	free(fixture);
	return 0;
}

static void expect_live(struct fixture *fixture, const struct table *table, const char *wanted)
{
	struct buffer out = BUFFER_INIT;
	assert_string_equal(fixture_show_live(fixture, table, &out), wanted);
	buffer_free(&out);
}

static void expect_at(struct fixture *fixture, const struct table *table, uint64_t seq, const char *wanted)
{
	struct snapshot snapshot = { .table = table->number, .seq = seq };
	struct buffer out = BUFFER_INIT;
	assert_string_equal(fixture_show(fixture, table, &snapshot, &out), wanted);
	buffer_free(&out);
}

static void put_many(struct fixture *fixture, const struct table *table, unsigned first, unsigned end, int version)
{
	struct batch *batch = fixture_begin(fixture);
	for (unsigned i = first; i < end; i++) {
		char text[64];
		snprintf(text, sizeof(text), "{'id':'%04u'%s}", i, version ? ",'v':1" : "");
		fixture_put_in(batch, table, text, 0);
	}
	fixture_commit(batch);
}

static void remove_many(struct fixture *fixture, const struct table *table, unsigned first, unsigned end)
{
	struct batch *batch = fixture_begin(fixture);
	for (unsigned i = first; i < end; i++) {
		char text[64];
		snprintf(text, sizeof(text), "{'id':'%04u'}", i);
		fixture_remove_in(batch, table, text, 0);
	}
	fixture_commit(batch);
}

static uint64_t count_items(struct fixture *fixture, uint32_t table, uint64_t seq)
{
	struct store_txn *txn = fixture_read(fixture);
	struct snapshot snapshot = { .table = table, .seq = seq };
	struct snapshot_walk walk;
	struct node node;
	uint64_t count = 0, items, bytes;
	assert_int_equal(snapshot_walk_begin(&walk, txn, &snapshot, 0, 0), 0);
	while (snapshot_walk_next(&walk, &node) == 1)
		count++;
	snapshot_walk_end(&walk);
	assert_int_equal(snapshot_statistics(txn, &snapshot, &items, &bytes), 0);
	assert_int_equal(items, count);
	store_abort(txn);
	return count;
}

static void test_an_inherited_key_ends_and_begins_again(void **state)
{
	struct table orders, fork;
	fixture_create(*state, "orders", NULL, &orders);
	fixture_put(*state, &orders, "{'id':'a'}");
	uint64_t base = fixture_put(*state, &orders, "{'id':'b'}");
	fixture_put(*state, &orders, "{'id':'later'}");
	fixture_remove(*state, &orders, "{'id':'b'}");
	fixture_restore(*state, &orders, base, "fork", &fork);
	expect_live(*state, &fork, "a.json {\"id\":\"a\"}\nb.json {\"id\":\"b\"}\n");
	assert_int_equal(fixture_remove(*state, &fork, "{'id':'a'}"), base + 1);
	assert_int_equal(fixture_put(*state, &fork, "{'id':'a','n':2}"), base + 2);
	expect_live(*state, &fork, "b.json {\"id\":\"b\"}\na.json {\"id\":\"a\",\"n\":2}\n");
	expect_at(*state, &fork, base + 1, "b.json {\"id\":\"b\"}\n");
	expect_at(*state, &fork, base, "a.json {\"id\":\"a\"}\nb.json {\"id\":\"b\"}\n");
	expect_live(*state, &orders, "a.json {\"id\":\"a\"}\nlater.json {\"id\":\"later\"}\n");
	table_free(&orders);
	table_free(&fork);
}

static void test_the_last_item_of_an_inherited_partition(void **state)
{
	struct table orders, fork;
	fixture_create(*state, "orders", "at", &orders);
	fixture_put(*state, &orders, "{'id':'p','at':'1'}");
	fixture_put(*state, &orders, "{'id':'p','at':'2'}");
	uint64_t base = fixture_put(*state, &orders, "{'id':'q','at':'1'}");
	fixture_put(*state, &orders, "{'id':'p','at':'3'}");
	fixture_restore(*state, &orders, base, "fork", &fork);
	fixture_remove(*state, &fork, "{'id':'p','at':'1'}");
	fixture_remove(*state, &fork, "{'id':'p','at':'2'}");
	expect_live(*state, &fork, "q/1.json {\"at\":\"1\",\"id\":\"q\"}\n");
	fixture_put(*state, &fork, "{'id':'p','at':'9'}");
	expect_live(*state, &fork, "q/1.json {\"at\":\"1\",\"id\":\"q\"}\np/9.json {\"at\":\"9\",\"id\":\"p\"}\n");
	expect_live(*state, &orders,
		"p/1.json {\"at\":\"1\",\"id\":\"p\"}\np/2.json {\"at\":\"2\",\"id\":\"p\"}\n"
		"p/3.json {\"at\":\"3\",\"id\":\"p\"}\nq/1.json {\"at\":\"1\",\"id\":\"q\"}\n");
	table_free(&orders);
	table_free(&fork);
}

/* Whole blocks end on both sides of the base, and on both sides of the restore. */
static void test_blocks_that_end(void **state)
{
	struct table orders, fork;
	fixture_create(*state, "orders", NULL, &orders);
	put_many(*state, &orders, 0, MANY, 0);
	remove_many(*state, &orders, 0, 10);
	struct store_txn *txn = fixture_read(*state);
	struct table_counters counters;
	assert_int_equal(counters_read(txn, orders.number, &counters), 0);
	store_abort(txn);
	put_many(*state, &orders, 1000, 1200, 0);
	remove_many(*state, &orders, 0, 200);
	fixture_restore(*state, &orders, counters.seq, "fork", &fork);
	assert_int_equal(count_items(*state, fork.number, SEQ_MAX), MANY - 10);
	remove_many(*state, &fork, 10, 140);
	assert_int_equal(count_items(*state, fork.number, SEQ_MAX), MANY - 140);
	assert_int_equal(count_items(*state, fork.number, counters.seq), MANY - 10);
	put_many(*state, &fork, 2000, 2100, 0);
	assert_int_equal(count_items(*state, fork.number, SEQ_MAX), MANY - 40);
	assert_int_equal(count_items(*state, orders.number, SEQ_MAX), MANY);
	struct roster_head head;
	txn = fixture_read(*state);
	assert_int_equal(roster_head(txn, fork.number, 0, &head), 0);
	assert_int_equal(head.slots, MANY + 100);
	assert_int_equal(head.alive, MANY - 40);
	store_abort(txn);
	table_free(&orders);
	table_free(&fork);
}

static void append_long(struct buffer *out, char letter)
{
	for (unsigned i = 0; i < 300; i++)
		buffer_append_byte(out, (uint8_t)letter);
}

/* Both tables give the next directory the same number, and names in it are cut. */
static void test_cut_names_in_directories_of_the_same_number(void **state)
{
	struct table orders, fork;
	struct buffer ours = BUFFER_INIT, theirs = BUFFER_INIT, both = BUFFER_INIT, key = BUFFER_INIT;
	fixture_create(*state, "orders", "at", &orders);
	uint64_t base = fixture_put(*state, &orders, "{'id':'first','at':'1'}");
	fixture_restore(*state, &orders, base, "fork", &fork);
	buffer_append_text(&theirs, "{'id':'theirs','at':'");
	buffer_append_text(&ours, "{'id':'ours','at':'");
	append_long(&theirs, 'x');
	append_long(&ours, 'y');
	buffer_append_text(&theirs, "'}");
	buffer_append_text(&ours, "'}");
	fixture_put(*state, &orders, buffer_text(&theirs));
	fixture_put(*state, &fork, buffer_text(&ours));
	fixture_put(*state, &fork, buffer_text(&theirs));
	struct store_txn *txn = fixture_read(*state);
	struct snapshot there = snapshot_live(orders.number), here = snapshot_live(fork.number);
	struct node partition, node;
	char name[FILENAME_MAX];
	fixture_key(&orders, buffer_text(&theirs), &key);
	assert_int_equal(snapshot_find(txn, &there, buffer_slice(&key), &node), 0);
	int size = snapshot_name(&orders, &node, name);
	assert_true(size > 0);
	fixture_key(&fork, buffer_text(&ours), &both);
	assert_int_equal(snapshot_find(txn, &here, buffer_slice(&both), &partition), 0);
	assert_int_equal(partition.directory, node.directory);
	assert_int_equal(
		snapshot_find_name(txn, &here, &fork, partition.directory, slice_of(name, (size_t)size), &node, NULL),
		-ENOENT);
	store_abort(txn);
	buffer_free(&ours);
	buffer_free(&theirs);
	buffer_free(&both);
	buffer_free(&key);
	table_free(&orders);
	table_free(&fork);
}

/* A restore of what has not changed since its own restore goes on from where that does. */
static void test_chains_do_not_grow_for_nothing(void **state)
{
	struct table orders, forks[LINEAGE_STEPS + 3];
	struct lineage lineage;
	char name[32];
	const unsigned count = sizeof(forks) / sizeof(forks[0]);
	fixture_create(*state, "orders", NULL, &orders);
	fixture_put(*state, &orders, "{'id':'a'}");
	fixture_restore(*state, &orders, SEQ_MAX, "fork-0", &forks[0]);
	fixture_restore(*state, &forks[0], SEQ_MAX, "same", &forks[1]);
	struct store_txn *txn = fixture_read(*state);
	assert_int_equal(lineage_read(txn, forks[1].number, &lineage), 0);
	assert_int_equal(lineage.parent, orders.number);
	assert_int_equal(lineage_read(txn, orders.number, &lineage), -ENOENT);
	store_abort(txn);
	/* Longer than a path remembers. */
	table_free(&forks[1]);
	for (unsigned i = 1; i < count; i++) {
		snprintf(name, sizeof(name), "{'id':'%u'}", i);
		fixture_put(*state, &forks[i - 1], name);
		snprintf(name, sizeof(name), "fork-%u", i);
		fixture_restore(*state, &forks[i - 1], SEQ_MAX, name, &forks[i]);
		fixture_drop(*state, &forks[i - 1]);
	}
	assert_int_equal(count_items(*state, forks[count - 1].number, SEQ_MAX), count);
	fixture_remove(*state, &forks[count - 1], "{'id':'a'}");
	assert_int_equal(count_items(*state, forks[count - 1].number, SEQ_MAX), count - 1);
	assert_int_equal(count_items(*state, orders.number, SEQ_MAX), 1);
	for (unsigned i = 0; i < count; i++)
		table_free(&forks[i]);
	table_free(&orders);
}

static void test_what_can_not_be_begun(void **state)
{
	struct table orders, other;
	fixture_create(*state, "orders", NULL, &orders);
	fixture_create(*state, "other", NULL, &other);
	fixture_put(*state, &orders, "{'id':'a'}");
	struct store_txn *txn;
	assert_int_equal(store_begin(history_store(((struct fixture *)*state)->history), true, &txn), 0);
	struct lineage lineage = { .parent = orders.number, .base = 2 };
	assert_int_equal(lineage_begin(txn, other.number, &lineage), -EINVAL);
	lineage = (struct lineage){ .parent = other.number };
	assert_int_equal(lineage_begin(txn, orders.number, &lineage), -EINVAL);
	lineage = (struct lineage){ .parent = orders.number, .base = 1, .items = 1, .bytes = 3 };
	assert_int_equal(lineage_begin(txn, other.number, &lineage), 0);
	assert_int_equal(lineage_end(txn, other.number), 0);
	assert_int_equal(lineage_read(txn, other.number, &lineage), -ENOENT);
	store_abort(txn);
	table_free(&orders);
	table_free(&other);
}

/* The states a restored table can be asked for begin with its base. */
static void test_its_change_numbers(void **state)
{
	struct table orders, fork;
	struct snapshot snapshot;
	struct log_entry entry;
	struct error error = { 0 };
	fixture_create(*state, "orders", NULL, &orders);
	fixture_put(*state, &orders, "{'id':'a'}");
	uint64_t base = fixture_put(*state, &orders, "{'id':'b'}");
	fixture_restore(*state, &orders, base, "fork", &fork);
	fixture_put(*state, &fork, "{'id':'c'}");
	struct store_txn *txn = fixture_read(*state);
	for (uint64_t seq = base - 1; seq <= base + 2; seq++) {
		struct instant instant = { .kind = INSTANT_SEQ, .seq = seq };
		struct history *history = ((struct fixture *)*state)->history;
		bool is_there = seq == base || seq == base + 1;
		assert_int_equal(
			snapshot_resolve(history, txn, &fork, &instant, &snapshot, &error), is_there ? 0 : -ENOENT);
	}
	assert_non_null(strstr(error_text(&error), "its changes are 3 to 3"));
	assert_int_equal(log_at_time(txn, fork.number, fork.created_us, &entry), 0);
	assert_int_equal(entry.seq, base);
	assert_int_equal(entry.items, 2);
	assert_int_equal(log_get(txn, fork.number, base, &entry), -ENOENT);
	store_abort(txn);
	table_free(&orders);
	table_free(&fork);
}

static uint64_t operations(struct fixture *fixture)
{
	struct store_counts counts;
	store_counts(history_store(fixture->history), &counts);
	return counts.gets + counts.seeks + counts.steps;
}

static uint64_t cost_of_listing(struct fixture *fixture, uint32_t table)
{
	struct snapshot live = snapshot_live(table);
	struct store_txn *txn = fixture_read(fixture);
	struct snapshot_walk walk;
	struct node node;
	uint64_t before = operations(fixture);
	assert_int_equal(snapshot_walk_begin(&walk, txn, &live, 0, 0), 0);
	while (snapshot_walk_next(&walk, &node) == 1)
		;
	snapshot_walk_end(&walk);
	store_abort(txn);
	return operations(fixture) - before;
}

/* A level costs a restored table one seek an item more, and some reads a listing; others nothing but one read. */
static void test_what_listings_cost(void **state)
{
	struct table orders, fork;
	fixture_create(*state, "orders", NULL, &orders);
	put_many(*state, &orders, 0, MANY, 0);
	fixture_restore(*state, &orders, SEQ_MAX, "fork", &fork);
	uint64_t blocks = MANY / ROSTER_BLOCK + 1, of_orders = cost_of_listing(*state, orders.number);
	/* The head, the two levels, what follows the blocks, and whether there is a lineage. */
	assert_true(of_orders <= MANY + blocks + 5);
	assert_true(cost_of_listing(*state, fork.number) <= 2 * of_orders + 2);
	table_free(&orders);
	table_free(&fork);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_an_inherited_key_ends_and_begins_again),
		TEST(test_the_last_item_of_an_inherited_partition),
		TEST(test_blocks_that_end),
		TEST(test_cut_names_in_directories_of_the_same_number),
		TEST(test_chains_do_not_grow_for_nothing),
		TEST(test_what_can_not_be_begun),
		TEST(test_its_change_numbers),
		TEST(test_what_listings_cost),
	};
	return cmocka_run_group_tests_name("lineage", tests, NULL, NULL);
}
