#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/retention.h"
#include "core/versions.h"
#include "tests/support/fixture.h"

#define START (INT64_C(1740832200) * SECOND_US)
#define KEYS 4
#define CHANGES_MAX 600

/* What was done to a table, one after the other. */
struct told {
	struct table table;
	uint64_t base;
	unsigned count;
	struct change {
		uint64_t seq;
		unsigned key, value; /* value 0: removed */
		int64_t time_us;
	} changes[CHANGES_MAX];
};

static int begin_test(void **state)
{
	return fixture_begin_test(state, START);
}

static void create(struct fixture *fixture, const char *name, const char *recovery, struct table *ret_table)
{
	char text[400];
	snprintf(text, sizeof(text),
		"{'TableName':'%s','BillingMode':'PAY_PER_REQUEST','KeySchema':[{'AttributeName':'id','KeyType':'HASH'}"
		"],'AttributeDefinitions':[{'AttributeName':'id','AttributeType':'S'}],"
		"'PointInTimeRecoverySpecification':{%s}}",
		name, recovery);
	fixture_create_text(fixture, text, ret_table);
}

static void settle(struct fixture *fixture)
{
	struct error error = { 0 };
	int r;
	while ((r = retention_step(fixture->history, NULL, &error)) == 1)
		;
	fixture_require(r == 0, "forget", &error);
}

static void note(struct told *told, uint64_t seq, unsigned key, unsigned value)
{
	if (!seq)
		return;
	assert_true(told->count < CHANGES_MAX);
	told->changes[told->count++] = (struct change){ seq, key, value, clock_now_us() };
}

/* Key 0 lives mostly one long life, the others many short ones. */
static void change_at_random(struct fixture *fixture, struct told *told, unsigned times, uint64_t *random)
{
	static unsigned value;
	struct batch *batch = fixture_begin(fixture);
	for (unsigned i = 0; i < times; i++) {
		unsigned key = (unsigned)fixture_random_below(random, KEYS);
		char text[80];
		clock_set(clock_now_us() + 10 * SECOND_US);
		if (fixture_random_below(random, key ? 3 : 40) == 0) {
			snprintf(text, sizeof(text), "{'id':'k%u'}", key);
			note(told, fixture_remove_in(batch, &told->table, text, 0), key, 0);
		} else {
			snprintf(text, sizeof(text), "{'id':'k%u','v':%u}", key, ++value);
			note(told, fixture_put_in(batch, &told->table, text, 0), key, value);
		}
	}
	fixture_commit(batch);
}

/* The state a restored table begins with, as if it had been told: for each key what the parent's list ends with. */
static void begin_restored(const struct told *parent, uint64_t base, struct told *told)
{
	told->base = base;
	for (unsigned key = 0; key < KEYS; key++) {
		const struct change *last = NULL;
		for (unsigned i = 0; i < parent->count && parent->changes[i].seq <= base; i++)
			if (parent->changes[i].key == key)
				last = &parent->changes[i];
		if (last && last->value)
			told->changes[told->count++] = *last;
	}
}

static const struct change *next_told(const struct told *told, unsigned key, uint64_t seq)
{
	for (unsigned i = 0; i < told->count; i++) {
		const struct change *change = &told->changes[i];
		if (change->key == key && change->seq > seq && change->seq > told->base)
			return change;
	}
	return NULL;
}

static const struct change *last_told(const struct told *told, unsigned key, uint64_t seq)
{
	const struct change *last = NULL;
	for (unsigned i = 0; i < told->count; i++)
		if (told->changes[i].key == key && told->changes[i].seq < seq)
			last = &told->changes[i];
	return last && (seq > told->base) ? last : NULL;
}

static void expect(int r, const struct node *node, const struct node_place *place, const struct change *wanted)
{
	struct buffer item = BUFFER_INIT, expected = BUFFER_INIT;
	char text[80];
	if (!wanted) {
		assert_int_equal(r, -ENOENT);
		return;
	}
	assert_int_equal(r, 0);
	assert_int_equal(node->version.seq, wanted->seq);
	assert_int_equal(node->version.is_removal, wanted->value == 0);
	assert_int_equal(node->kind, NODE_ITEM);
	assert_int_equal(pack_content(place->pack, place->place, &item), wanted->value ? 0 : -ENOENT);
	snprintf(text, sizeof(text), "{'id':'k%u','v':%u}", wanted->key, wanted->value);
	fixture_item(text, &expected);
	if (wanted->value)
		assert_true(slice_equal(buffer_slice(&item), buffer_slice(&expected)));
	buffer_free(&item);
	buffer_free(&expected);
}

static void compare_key(struct store_txn *txn, const struct told *told, const struct reach *reach, unsigned key)
{
	struct buffer encoded = BUFFER_INIT;
	struct node_place place;
	struct node node;
	char text[40];
	snprintf(text, sizeof(text), "{'id':'k%u'}", key);
	fixture_key(&told->table, text, &encoded);
	struct slice slice = buffer_slice(&encoded);
	uint32_t table = told->table.number;
	const struct change *first = last_told(told, key, reach->first_seq + 1);
	if (!first || !first->value)
		first = next_told(told, key, reach->first_seq);
	int r = versions_first(txn, table, slice, reach, &node, &place);
	expect(r, &node, &place, first);
	for (uint64_t seq = reach->first_seq; seq <= reach->last_seq + 1; seq++) {
		r = versions_after(txn, table, slice, seq, &node, &place);
		expect(r, &node, &place, next_told(told, key, seq));
		const struct change *before = last_told(told, key, seq + 1);
		r = versions_before(txn, table, slice, seq + 1, &node, &place);
		if (!before || before->value || before->seq > reach->first_seq)
			expect(r, &node, &place, before);
		if (before && before->seq == seq && (before->value || seq > reach->first_seq)) {
			r = versions_at(txn, table, slice, seq, &node, &place);
			expect(r, &node, &place, before);
		} else if (seq > reach->first_seq) {
			assert_int_equal(versions_at(txn, table, slice, seq, &node, &place), -ENOENT);
		}
	}
	if (first)
		expect(versions_at(txn, table, slice, first->seq, &node, &place), &node, &place, first);
	buffer_free(&encoded);
}

static void compare(struct fixture *fixture, const struct told *told)
{
	struct store_txn *txn = fixture_read(fixture);
	struct reach reach;
	assert_int_equal(reach_of(fixture->history, txn, &told->table, &reach), 0);
	assert_int_equal(reach.last_seq, told->count ? told->changes[told->count - 1].seq : 0);
	for (unsigned key = 0; key < KEYS; key++)
		compare_key(txn, told, &reach, key);
	store_abort(txn);
}

static void test_many_lives_and_long_packs(void **state)
{
	static struct told told;
	uint64_t random = 7;
	told = (struct told){ 0 };
	create(*state, "orders", "'PointInTimeRecoveryEnabled':true,'RecoveryPeriodInDays':1", &told.table);
	compare(*state, &told);
	for (unsigned i = 0; i < 4; i++) {
		change_at_random(*state, &told, 60, &random);
		compare(*state, &told);
	}
	table_free(&told.table);
}

/* A table, one restored from it, and one restored from that, all changed after they were restored. */
static void test_restored_tables_that_share(void **state)
{
	static struct told told[3];
	uint64_t random = 11;
	memset(told, 0, sizeof(told));
	create(*state, "fork0", "'PointInTimeRecoveryEnabled':true,'RecoveryPeriodInDays':1", &told[0].table);
	change_at_random(*state, &told[0], 80, &random);
	for (unsigned i = 1; i < 3; i++) {
		char name[20];
		snprintf(name, sizeof(name), "fork%u", i);
		uint64_t base = told[i - 1].changes[told[i - 1].count - 10].seq;
		fixture_restore(*state, &told[i - 1].table, base, name, &told[i].table);
		begin_restored(&told[i - 1], base, &told[i]);
		change_at_random(*state, &told[i - 1], 20, &random);
		change_at_random(*state, &told[i], 60, &random);
	}
	for (unsigned i = 0; i < 3; i++) {
		struct store_txn *txn = fixture_read(*state);
		struct reach reach;
		assert_int_equal(reach_of(((struct fixture *)*state)->history, txn, &told[i].table, &reach), 0);
		assert_int_equal(reach.first_seq, told[i].base);
		store_abort(txn);
		compare(*state, &told[i]);
		table_free(&told[i].table);
	}
}

/* What has left the window is not told, whether it has been forgotten yet or not. */
static void test_what_retention_leaves(void **state)
{
	static struct told told, restored;
	uint64_t random = 13;
	told = restored = (struct told){ 0 };
	create(*state, "orders", "'PointInTimeRecoveryEnabled':true,'RecoveryPeriodInDays':1", &told.table);
	change_at_random(*state, &told, 150, &random);
	uint64_t base = told.changes[told.count - 20].seq;
	fixture_restore(*state, &told.table, base, "restored", &restored.table);
	begin_restored(&told, base, &restored);
	change_at_random(*state, &restored, 100, &random);
	int64_t middle_us = told.changes[told.count / 2].time_us;
	clock_set(middle_us + DAY_US + SECOND_US);
	compare(*state, &told);
	compare(*state, &restored);
	settle(*state);
	compare(*state, &told);
	compare(*state, &restored);
	struct store_txn *txn = fixture_read(*state);
	struct reach reach;
	assert_int_equal(reach_of(((struct fixture *)*state)->history, txn, &told.table, &reach), 0);
	assert_int_equal(reach.first_seq, told.changes[told.count / 2].seq);
	store_abort(txn);
	clock_set(middle_us + 10 * DAY_US);
	compare(*state, &told);
	settle(*state);
	compare(*state, &told);
	table_free(&told.table);
	table_free(&restored.table);
}

static struct reach reach_now(struct fixture *fixture, const struct table *table)
{
	struct store_txn *txn = fixture_read(fixture);
	struct reach reach = { 0 };
	int r = reach_of(fixture->history, txn, table, &reach);
	store_abort(txn);
	if (r)
		reach.earliest_us = r;
	return reach;
}

static void test_the_reach_of_tables(void **state)
{
	struct fixture *fixture = *state;
	struct table off, imported, dropped;
	create(fixture, "off", "'PointInTimeRecoveryEnabled':false", &off);
	fixture_put(fixture, &off, "{'id':'a'}");
	fixture_put(fixture, &off, "{'id':'b'}");

	assert_int_equal(reach_now(fixture, &off).first_seq, 2);
	assert_int_equal(reach_now(fixture, &off).last_seq, 2);

	/* All that was imported can be told, also what happened at the very instant it begins with. */
	clock_set(START + DAY_US);
	struct batch *batch = fixture_begin(fixture);
	fixture_create_in(batch, "imported", "id", NULL, START + SECOND_US, &imported);
	fixture_put_in(batch, &imported, "{'id':'a'}", START + SECOND_US);
	fixture_put_in(batch, &imported, "{'id':'b'}", START + SECOND_US);
	fixture_put_in(batch, &imported, "{'id':'c'}", START + 2 * SECOND_US);
	fixture_commit(batch);
	settle(fixture);
	assert_int_equal(reach_now(fixture, &imported).first_seq, 0);
	assert_int_equal(reach_now(fixture, &imported).last_seq, 3);
	assert_int_equal(reach_now(fixture, &imported).earliest_us, START + SECOND_US);
	struct store_txn *txn = fixture_read(fixture);
	uint64_t first_seq;
	assert_int_equal(reach_begin(txn, &imported, START + SECOND_US + 1, &first_seq), 0);
	assert_int_equal(first_seq, 2);
	store_abort(txn);

	fixture_create(fixture, "dropped", NULL, &dropped);
	fixture_put(fixture, &dropped, "{'id':'a'}");
	fixture_put(fixture, &dropped, "{'id':'b'}");
	fixture_drop(fixture, &dropped);
	settle(fixture);
	assert_int_equal(reach_now(fixture, &dropped).first_seq, 0);
	assert_int_equal(reach_now(fixture, &dropped).last_seq, 2);
	clock_set(START + 100 * DAY_US);
	settle(fixture);
	assert_int_equal(reach_now(fixture, &dropped).earliest_us, -ENOENT);
	fixture_drop(fixture, &off);
	assert_int_equal(reach_now(fixture, &off).earliest_us, -ENOENT);
	table_free(&off);
	table_free(&imported);
	table_free(&dropped);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_many_lives_and_long_packs, begin_test, fixture_end_test),
		cmocka_unit_test_setup_teardown(test_restored_tables_that_share, begin_test, fixture_end_test),
		cmocka_unit_test_setup_teardown(test_what_retention_leaves, begin_test, fixture_end_test),
		cmocka_unit_test_setup_teardown(test_the_reach_of_tables, begin_test, fixture_end_test),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
