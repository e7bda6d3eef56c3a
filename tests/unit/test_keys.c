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
#include "core/keys.h"
#include "core/layout.h"
#include "core/restore.h"
#include "core/retention.h"
#include "tests/support/consistency.h"
#include "tests/support/fixture.h"

#define START (INT64_C(1740832200) * SECOND_US)
#define KEYS 24
#define PARTITION_KEYS 6 /* keys of one partition */
#define PARTITIONS (KEYS / PARTITION_KEYS)

/* What became of each key of a table. */
struct told {
	struct table table;
	struct {
		bool is_alive;
		uint64_t gone_seq; /* 0: it never went in this table */
	} keys[KEYS];
};

static int begin_test(void **state)
{
	return fixture_begin_test(state, START);
}

static int end_test(void **state)
{
	struct error error = { 0 };
	struct fixture *fixture = *state;
	fixture_require(consistency_check(fixture->history, &error) == 0, "a sound store", &error);
	return fixture_end_test(state);
}

/* With a window of 35 days. */
static void create(struct fixture *fixture, const char *name, const char *sort, struct table *ret_table)
{
	struct change_context context = { 0 };
	fixture_create(fixture, name, sort, ret_table);
	struct batch *batch = fixture_begin(fixture);
	assert_int_equal(table_set_recovery(batch, ret_table, true, 35, &context, NULL), 0);
	fixture_commit(batch);
	struct store_txn *txn = fixture_read(fixture);
	table_free(ret_table);
	assert_int_equal(table_find(txn, slice_of_text(name), TIME_NOW, ret_table, NULL), 0);
	store_abort(txn);
}

static void settle(struct fixture *fixture)
{
	struct error error = { 0 };
	int r;
	while ((r = retention_step(fixture->history, NULL, &error)) == 1)
		;
	fixture_require(r == 0, "forget", &error);
}

/* Some keys are too long for a file name, some too long for a key in the store. */
static void key_text(const struct told *told, unsigned key, bool is_partition, char *out, size_t size)
{
	static char longer[700];
	memset(longer, 'x', sizeof(longer) - 1);
	int pad = key % 3 == 0 ? 0 : key % 3 == 1 ? 300 : 600;
	if (!told->table.schema.has_sort) {
		snprintf(out, size, "'id':'%.*s%u'", pad, longer, key);
		return;
	}
	unsigned partition = key / PARTITION_KEYS;
	int partition_pad = partition == 0 ? 0 : partition == 1 ? 250 : 600;
	int written = snprintf(out, size, "'id':'%.*s%u'", partition_pad, longer, partition);
	if (!is_partition)
		snprintf(out + written, size - (size_t)written, ",'at':'%.*s%u'", pad, longer, key);
}

static void change(struct batch *batch, struct told *told, unsigned key, bool is_removal)
{
	static unsigned value;
	char text[1600], doc[1700];
	key_text(told, key, false, text, sizeof(text));
	if (is_removal) {
		snprintf(doc, sizeof(doc), "{%s}", text);
		uint64_t seq = fixture_remove_in(batch, &told->table, doc, 0);
		told->keys[key].gone_seq = seq ? seq : told->keys[key].gone_seq;
	} else {
		snprintf(doc, sizeof(doc), "{%s,'v':%u}", text, ++value);
		fixture_put_in(batch, &told->table, doc, 0);
	}
	told->keys[key].is_alive = !is_removal;
}

static void change_at_random(struct fixture *fixture, struct told *told, unsigned times, uint64_t *random)
{
	struct batch *batch = fixture_begin(fixture);
	for (unsigned i = 0; i < times; i++) {
		clock_set(clock_now_us() + 10 * SECOND_US);
		unsigned key = (unsigned)fixture_random_below(random, KEYS);
		change(batch, told, key, fixture_random_below(random, 2) == 0);
	}
	fixture_commit(batch);
}

enum wanted { WANTED_NOT, WANTED_GONE, WANTED_ALIVE };

static enum wanted wanted_key(const struct told *told, const struct reach *reach, unsigned key)
{
	if (told->keys[key].is_alive)
		return WANTED_ALIVE;
	return told->keys[key].gone_seq > reach->first_seq ? WANTED_GONE : WANTED_NOT;
}

static enum wanted wanted_partition(const struct told *told, const struct reach *reach, unsigned partition)
{
	enum wanted wanted = WANTED_NOT;
	for (unsigned key = partition * PARTITION_KEYS; key < (partition + 1) * PARTITION_KEYS; key++)
		if (wanted_key(told, reach, key) > wanted)
			wanted = wanted_key(told, reach, key);
	return wanted;
}

static void encode(const struct told *told, unsigned key, bool is_partition, struct buffer *out)
{
	char text[1600], doc[1700];
	struct buffer whole = BUFFER_INIT;
	key_text(told, key, false, text, sizeof(text));
	snprintf(doc, sizeof(doc), "{%s}", text);
	fixture_key(&told->table, doc, &whole);
	buffer_clear(out);
	buffer_append_slice(out, is_partition ? key_encoded_partition(buffer_slice(&whole)) : buffer_slice(&whole));
	buffer_free(&whole);
}

/* Walks from every place there is: what comes after it is always the same. */
static void walk_keys(struct store_txn *txn, const struct told *told, const struct reach *reach, struct slice partition,
	const enum wanted *wanted, unsigned first, unsigned end, bool is_partition)
{
	struct buffer encoded = BUFFER_INIT;
	uint64_t places[KEYS + 1] = { 0 };
	unsigned count = 0, expected = 0;
	for (unsigned key = first; key < end; key++)
		expected += wanted[key] != WANTED_NOT;
	for (unsigned from = 0; from <= count; from++) {
		struct keys_walk walk;
		struct node node;
		unsigned seen = from, found_keys[KEYS] = { 0 };
		int r = keys_begin(&walk, txn, &told->table, reach, partition, places[from]);
		assert_int_equal(r, expected || !partition.size ? 0 : -ENOENT);
		while (!r && (r = keys_next(&walk, &node)) == 1) {
			r = 0;
			assert_true(walk.place > places[seen]);
			seen++;
			assert_true(seen <= expected);
			if (from)
				assert_int_equal(places[seen], walk.place);
			places[seen] = walk.place;
			unsigned key = first;
			for (; key < end; key++) {
				encode(told, is_partition ? key * PARTITION_KEYS : key, is_partition, &encoded);
				if (slice_equal(buffer_slice(&encoded), node.encoded_key))
					break;
			}
			assert_true(key < end && !found_keys[key]++);
			assert_int_equal(node.version.is_removal, wanted[key] == WANTED_GONE);
			assert_true(wanted[key] != WANTED_NOT);
		}
		keys_end(&walk);
		assert_int_equal(seen, expected);
		count = expected;
	}
	buffer_free(&encoded);
}

static void walk_gone(struct store_txn *txn, const struct told *told, const struct reach *reach, struct slice partition,
	const enum wanted *wanted, unsigned first, unsigned end)
{
	struct buffer encoded = BUFFER_INIT;
	struct gone_walk walk;
	struct gone gone, found;
	unsigned count = 0, expected = 0;
	for (unsigned key = first; key < end; key++) {
		expected += wanted[key] == WANTED_GONE;
		encode(told, key, false, &encoded);
		assert_int_equal(gone_find(txn, &told->table, reach, buffer_slice(&encoded), &found),
			wanted[key] == WANTED_GONE ? 0 : -ENOENT);
	}
	assert_int_equal(gone_walk_begin(&walk, txn, &told->table, reach, partition, 0), 0);
	while (gone_walk_next(&walk, &gone) == 1) {
		unsigned key = first;
		for (encode(told, key, false, &encoded); !slice_equal(buffer_slice(&encoded), gone.encoded_key);)
			encode(told, ++key, false, &encoded);
		assert_int_equal(gone.kind, NODE_ITEM);
		assert_int_equal(wanted[key], WANTED_GONE);
		assert_int_equal(gone.seq, told->keys[key].gone_seq);
		assert_int_equal(gone_number(txn, &told->table, reach, gone.number, &found), 0);
		assert_int_equal(found.seq, gone.seq);
		count++;
	}
	gone_walk_end(&walk);
	assert_int_equal(count, expected);
	buffer_free(&encoded);
}

static void compare_partitions(
	struct store_txn *txn, const struct told *told, const struct reach *reach, const enum wanted *keys)
{
	enum wanted wanted[PARTITIONS];
	struct buffer encoded = BUFFER_INIT;
	for (unsigned p = 0; p < PARTITIONS; p++)
		wanted[p] = wanted_partition(told, reach, p);
	walk_keys(txn, told, reach, (struct slice){ 0 }, wanted, 0, PARTITIONS, true);
	for (unsigned p = 0; p < PARTITIONS; p++) {
		struct gone gone, again;
		unsigned items = 0, first = p * PARTITION_KEYS, end = first + PARTITION_KEYS;
		encode(told, first, true, &encoded);
		struct slice partition = buffer_slice(&encoded);
		walk_keys(txn, told, reach, partition, keys, first, end, false);
		walk_gone(txn, told, reach, partition, keys, first, end);
		for (unsigned key = first; key < end; key++)
			items += keys[key] == WANTED_GONE;
		int r = gone_find(txn, &told->table, reach, partition, &gone);
		if (!r) {
			assert_int_equal(gone.kind, NODE_PARTITION);
			assert_true(gone.items >= items);
			assert_int_equal(gone_number(txn, &told->table, reach, gone.number, &again), 0);
			assert_true(slice_equal(again.encoded_key, partition));
		} else {
			assert_int_equal(r, -ENOENT);
			assert_int_equal(items, 0);
		}
	}
	buffer_free(&encoded);
}

static void compare(struct fixture *fixture, const struct told *told)
{
	struct store_txn *txn = fixture_read(fixture);
	struct reach reach;
	enum wanted wanted[KEYS];
	assert_int_equal(reach_of(fixture->history, txn, &told->table, &reach), 0);
	for (unsigned key = 0; key < KEYS; key++)
		wanted[key] = wanted_key(told, &reach, key);
	if (told->table.schema.has_sort) {
		compare_partitions(txn, told, &reach, wanted);
	} else {
		walk_keys(txn, told, &reach, (struct slice){ 0 }, wanted, 0, KEYS, false);
		walk_gone(txn, told, &reach, (struct slice){ 0 }, wanted, 0, KEYS);
	}
	store_abort(txn);
}

/* A table, one restored from it and one restored from that, all changed, each seen before and after it has forgotten half. */
static void tell(struct fixture *fixture, const char *sort, uint64_t seed)
{
	static struct told told[3];
	uint64_t random = seed;
	int64_t begins_us[3];
	memset(told, 0, sizeof(told));
	create(fixture, "fork0", sort, &told[0].table);
	compare(fixture, &told[0]);
	for (unsigned i = 0; i < 3; i++) {
		if (i) {
			char name[16];
			snprintf(name, sizeof(name), "fork%u", i);
			fixture_restore(fixture, &told[i - 1].table, SEQ_MAX, name, &told[i].table);
			for (unsigned key = 0; key < KEYS; key++)
				told[i].keys[key].is_alive = told[i - 1].keys[key].is_alive;
			change_at_random(fixture, &told[i - 1], 30, &random);
		}
		change_at_random(fixture, &told[i], 30, &random);
		begins_us[i] = clock_now_us() + 35 * DAY_US;
		change_at_random(fixture, &told[i], 30, &random);
		compare(fixture, &told[i]);
	}
	for (unsigned step = 0; step < 3; step++) {
		clock_set(begins_us[step]);
		for (unsigned i = 0; i < 3; i++)
			compare(fixture, &told[i]);
		settle(fixture);
		for (unsigned i = 0; i < 3; i++)
			compare(fixture, &told[i]);
	}
	for (unsigned i = 0; i < 3; i++)
		table_free(&told[i].table);
}

static void test_flat_tables(void **state)
{
	tell(*state, NULL, 3);
}

static void test_tables_with_partitions(void **state)
{
	tell(*state, "at", 5);
}

/* A listing goes on where it stopped, though the key it stopped at is forgotten meanwhile; and one that goes keeps its place. */
static void test_what_happens_meanwhile(void **state)
{
	struct fixture *fixture = *state;
	struct told told = { 0 };
	struct keys_walk walk;
	struct reach reach;
	struct node node;
	create(fixture, "orders", NULL, &told.table);
	struct batch *batch = fixture_begin(fixture);
	for (unsigned key = 0; key < KEYS; key++)
		change(batch, &told, key, false);
	change(batch, &told, 5, true);
	fixture_commit(batch);
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(reach_of(fixture->history, txn, &told.table, &reach), 0);
	assert_int_equal(keys_begin(&walk, txn, &told.table, &reach, (struct slice){ 0 }, 0), 0);
	for (unsigned key = 0; key <= 5; key++)
		assert_int_equal(keys_next(&walk, &node), 1);
	assert_true(node.version.is_removal);
	uint64_t place = walk.place;
	keys_end(&walk);
	store_abort(txn);

	clock_set(clock_now_us() + 36 * DAY_US);
	batch = fixture_begin(fixture);
	change(batch, &told, 7, true);
	fixture_commit(batch);
	settle(fixture);
	txn = fixture_read(fixture);
	assert_int_equal(node_read(txn, told.table.number, place, SEQ_MAX, &node, NULL), -ENOENT);
	assert_int_equal(reach_of(fixture->history, txn, &told.table, &reach), 0);
	assert_int_equal(keys_begin(&walk, txn, &told.table, &reach, (struct slice){ 0 }, place), 0);
	for (unsigned key = 6; key < KEYS; key++) {
		assert_int_equal(keys_next(&walk, &node), 1);
		assert_int_equal(node.number, place + key - 5);
		assert_int_equal(node.version.is_removal, key == 7);
	}
	assert_int_equal(keys_next(&walk, &node), 0);
	keys_end(&walk);
	store_abort(txn);
	table_free(&told.table);
}

static uint64_t operations(struct fixture *fixture)
{
	struct store_counts counts;
	store_counts(history_store(fixture->history), &counts);
	return counts.gets + counts.seeks + counts.steps;
}

/* What it costs to see everything that is gone, and one page of all keys. */
static void measure(struct fixture *fixture, const struct table *table, uint64_t *ret_gone, uint64_t *ret_page)
{
	struct store_txn *txn = fixture_read(fixture);
	struct gone_walk gone_walk;
	struct keys_walk walk;
	struct reach reach;
	struct gone gone;
	struct node node;
	unsigned count = 0;
	assert_int_equal(reach_of(fixture->history, txn, table, &reach), 0);
	uint64_t before = operations(fixture);
	assert_int_equal(gone_walk_begin(&gone_walk, txn, table, &reach, (struct slice){ 0 }, 0), 0);
	while (gone_walk_next(&gone_walk, &gone) == 1)
		count++;
	gone_walk_end(&gone_walk);
	assert_int_equal(count, 10);
	*ret_gone = operations(fixture) - before;
	before = operations(fixture);
	assert_int_equal(keys_begin(&walk, txn, table, &reach, (struct slice){ 0 }, 0), 0);
	for (count = 0; count < 50; count++)
		assert_int_equal(keys_next(&walk, &node), 1);
	keys_end(&walk);
	*ret_page = operations(fixture) - before;
	store_abort(txn);
}

/* As much in a table of 10,000 items as in one of 100, and whatever lived and died before. */
static void test_the_cost_follows_what_is_shown(void **state)
{
	static const unsigned sizes[] = { 100, 10000 };
	struct fixture *fixture = *state;
	uint64_t gone[2], page[2];
	for (unsigned i = 0; i < 2; i++) {
		char name[16], text[64];
		struct table table;
		snprintf(name, sizeof(name), "size-%u", sizes[i]);
		fixture_create(fixture, name, NULL, &table);
		struct batch *batch = fixture_begin(fixture);
		for (unsigned key = 0; key < sizes[i]; key++) {
			snprintf(text, sizeof(text), "{'id':'%05u'}", key);
			fixture_put_in(batch, &table, text, 0);
		}
		for (unsigned key = 0; key < 40; key++) {
			snprintf(text, sizeof(text), "{'id':'%05u'}", key * 2);
			fixture_remove_in(batch, &table, text, 0);
			if (key >= 10)
				fixture_put_in(batch, &table, text, 0);
		}
		fixture_commit(batch);
		measure(fixture, &table, &gone[i], &page[i]);
		table_free(&table);
	}
	assert_int_equal(gone[1], gone[0]);
	assert_in_range(gone[1], 10, 40);
	assert_in_range(page[1], 50, 200);
	assert_in_range(page[1], page[0] - 10, page[0] + 10);
}

static void count_writes(struct fixture *fixture, const struct table *table, const char *item, bool is_removal,
	uint64_t *ret_puts, uint64_t *ret_deletes)
{
	struct store_counts before, after;
	struct batch *batch = fixture_begin(fixture);
	store_counts(history_store(fixture->history), &before);
	if (is_removal)
		fixture_remove_in(batch, table, item, 0);
	else
		fixture_put_in(batch, table, item, 0);
	store_counts(history_store(fixture->history), &after);
	fixture_commit(batch);
	*ret_puts = after.puts - before.puts;
	*ret_deletes = after.deletes - before.deletes;
}

/* One record more for a removal, one look at it when the key comes back; nothing for anything else. */
static void test_what_it_costs_to_write(void **state)
{
	struct fixture *fixture = *state;
	struct table table;
	uint64_t puts[4], deletes[4];
	fixture_create(fixture, "orders", NULL, &table);
	fixture_put(fixture, &table, "{'id':'first'}");
	count_writes(fixture, &table, "{'id':'a'}", false, &puts[0], &deletes[0]);
	count_writes(fixture, &table, "{'id':'a','n':1}", false, &puts[1], &deletes[1]);
	count_writes(fixture, &table, "{'id':'a'}", true, &puts[2], &deletes[2]);
	count_writes(fixture, &table, "{'id':'a'}", false, &puts[3], &deletes[3]);
	assert_int_equal(deletes[0] + deletes[1] + deletes[2], 0);
	assert_int_equal(deletes[3], 1);
	assert_int_equal(puts[3], puts[0]);
	/* The log's block, the pack, the roster's block and head; and what is gone. */
	assert_int_equal(puts[2], 5);
	table_free(&table);
}

static uint64_t number_of(struct store_txn *txn, const struct table *table, const char *key)
{
	struct buffer encoded = BUFFER_INIT;
	struct node node;
	fixture_key(table, key, &encoded);
	int r = node_find(txn, table->number, buffer_slice(&encoded), SEQ_MAX, &node, NULL);
	buffer_free(&encoded);
	return r ? 0 : node.number;
}

/* In META the records of one kind stand beside those of another. */
static void assert_kinds_stand_alone(struct fixture *fixture)
{
	struct batch *batch = fixture_begin(fixture);
	struct store_txn *txn = batch_txn(batch);
	struct slice key, value;
	struct table table;
	uint64_t place = 0;
	uint32_t number = 0;
	for (const char *kind = "br"; *kind; kind++) {
		struct layout_key at = layout_meta_number(*kind, 0);
		assert_int_equal(store_seek(txn, STORE_META, layout_slice(&at), &key, &value), 0);
		assert_true(key.data[0] > (uint8_t)*kind);
		at.size = key.size;
		memcpy(at.bytes, key.data, key.size);
		fixture_spoil(txn, STORE_META, layout_slice(&at));
		if (*kind == 'b')
			assert_int_equal(table_list(txn, START - SECOND_US, &place, &table), 0);
		if (*kind == 'r')
			assert_int_equal(restore_next(txn, &number, &table), 0);
		fixture_spoil(txn, STORE_META, layout_slice(&at));
	}
	batch_abort(batch);
}

static void test_damage_is_nothing_to_its_neighbours(void **state)
{
	struct fixture *fixture = *state;
	struct buffer encoded = BUFFER_INIT;
	struct gone_walk walk;
	struct reach reach;
	struct gone gone;
	struct table table;
	create(fixture, "orders", NULL, &table);
	uint64_t born = fixture_put(fixture, &table, "{'id':'b'}");
	fixture_put(fixture, &table, "{'id':'c'}");
	fixture_put(fixture, &table, "{'id':'d'}");
	fixture_remove(fixture, &table, "{'id':'c'}");
	fixture_remove(fixture, &table, "{'id':'d'}");
	struct batch *batch = fixture_begin(fixture);
	struct store_txn *txn = batch_txn(batch);
	uint64_t c = number_of(txn, &table, "{'id':'c'}"), d = number_of(txn, &table, "{'id':'d'}");
	fixture_key(&table, "{'id':'b'}", &encoded);
	struct layout_key key = layout_index(table.number, buffer_slice(&encoded), born);
	fixture_spoil(txn, STORE_INDEX, layout_slice(&key));
	assert_int_equal(fixture_put_in(batch, &table, "{'id':'a'}", 0), 6);
	key = layout_gone(table.number, c);
	fixture_spoil(txn, STORE_INDEX, layout_slice(&key));
	assert_int_equal(reach_of(fixture->history, txn, &table, &reach), 0);
	assert_int_equal(gone_walk_begin(&walk, txn, &table, &reach, (struct slice){ 0 }, 0), 0);
	assert_int_equal(gone_walk_next(&walk, &gone), 1);
	assert_int_equal(gone.number, d);
	assert_int_equal(gone_walk_next(&walk, &gone), 0);
	gone_walk_end(&walk);
	batch_abort(batch);
	assert_kinds_stand_alone(fixture);
	buffer_free(&encoded);
	table_free(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_flat_tables, begin_test, end_test),
		cmocka_unit_test_setup_teardown(test_tables_with_partitions, begin_test, end_test),
		cmocka_unit_test_setup_teardown(test_what_happens_meanwhile, begin_test, end_test),
		cmocka_unit_test_setup_teardown(test_the_cost_follows_what_is_shown, begin_test, fixture_end_test),
		cmocka_unit_test_setup_teardown(test_what_it_costs_to_write, begin_test, end_test),
		cmocka_unit_test_setup_teardown(test_damage_is_nothing_to_its_neighbours, begin_test, end_test),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
