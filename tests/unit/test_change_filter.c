#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/change_filter.h"
#include "core/layout.h"
#include "tests/support/undoing.h"

#define AT(seconds) UNDOING_AT(seconds)
#define EVER INT64_MAX

struct world {
	struct fixture *f;
	struct table table;
};

static void change(struct world *world, int second, const char *user, const char *text)
{
	undoing_change(world->f, &world->table, second, user, text);
}

static int begin(void **state)
{
	static struct world world;
	void *fixture;
	if (fixture_begin_test(&fixture, UNDOING_START))
		return -1;
	world = (struct world){ .f = fixture };
	fixture_create(world.f, "orders", NULL, &world.table);
	change(&world, 1, "ann", "{'id':'a','status':'NEW','n':1}");
	change(&world, 2, "bob", "{'id':'b','status':'NEW','n':1}");
	change(&world, 3, "ann", "{'id':'a','status':'PAID','n':1}");
	change(&world, 4, "bob", "-{'id':'b'}");
	change(&world, 5, "job", "{'id':'a','status':'PAID','n':2,'zip':'NEW'}");
	change(&world, 6, "ann", "{'id':'b','status':'NEW','n':9}");
	change(&world, 7, "job", "-{'id':'a'}");
	*state = &world;
	return 0;
}

static int end(void **state)
{
	struct world *world = *state;
	void *fixture = world->f;
	table_free(&world->table);
	return fixture_end_test(&fixture);
}

/* The numbers of the changes that are chosen, as text; each must be whole. */
static const char *chosen(struct world *world, const struct change_filter *filter, bool is_newest_first)
{
	static char text[4096];
	struct store_txn *txn = fixture_read(world->f);
	struct reach reach;
	struct change_walk *walk;
	const struct change *found;
	uint64_t first;
	size_t size = 0;
	int r;
	text[0] = '\0';
	assert_int_equal(reach_of(world->f->history, txn, &world->table, &reach), 0);
	assert_int_equal(change_walk_begin(txn, &world->table, &reach, filter, is_newest_first, &walk, NULL), 0);
	while ((r = change_walk_next(walk, &found)) == 1) {
		size += (size_t)snprintf(
			text + size, sizeof(text) - size, "%s%d", size ? " " : "", (int)found->entry.seq);
		assert_int_equal(found->before.size > 0, found->entry.op != CHANGE_INSERT);
		assert_int_equal(found->after.size > 0, found->entry.op != CHANGE_REMOVE);
		assert_true(found->encoded_key.size > 0 && found->author.size > 0);
	}
	assert_int_equal(r, 0);
	assert_int_equal(change_walk_damaged(walk, &first), 0);
	change_walk_end(walk);
	store_abort(txn);
	return text;
}

static void both_ways(void **state)
{
	struct change_filter filter = { .to_us = EVER };
	assert_string_equal(chosen(*state, &filter, false), "1 2 3 4 5 6 7");
	assert_string_equal(chosen(*state, &filter, true), "7 6 5 4 3 2 1");
}

static void by_time_and_number(void **state)
{
	struct change_filter filter = { .from_us = AT(2), .to_us = AT(5) };
	assert_string_equal(chosen(*state, &filter, true), "5 4 3 2");
	filter = (struct change_filter){ .from_us = AT(2) + 1, .to_us = AT(5) - 1 };
	assert_string_equal(chosen(*state, &filter, false), "3 4");
	filter = (struct change_filter){ .from_us = AT(2), .to_us = EVER, .from_seq = 4, .to_seq = 6 };
	assert_string_equal(chosen(*state, &filter, false), "4 5 6");
	filter = (struct change_filter){ .from_us = AT(7) + 1, .to_us = EVER };
	assert_string_equal(chosen(*state, &filter, true), "");
	filter = (struct change_filter){ .to_us = AT(1) - 1 };
	assert_string_equal(chosen(*state, &filter, true), "");
}

static void by_author_and_operation(void **state)
{
	const char *const by[] = { "bob", "user=j*" };
	struct change_filter filter = { .to_us = EVER, .by = by, .by_count = 2 };
	assert_string_equal(chosen(*state, &filter, false), "2 4 5 7");
	filter.ops = 1u << CHANGE_REMOVE | 1u << CHANGE_MODIFY;
	assert_string_equal(chosen(*state, &filter, true), "7 5 4");
	filter.by_count = 1;
	assert_string_equal(chosen(*state, &filter, true), "4");
}

static void by_condition_before_or_after(void **state)
{
	struct expression *first = undoing_parse("status = 'NEW'"), *second = undoing_parse("n = 1");
	const struct expression *const where[] = { first, second };
	struct change_filter filter = { .to_us = EVER, .where = where, .where_count = 1 };
	assert_string_equal(chosen(*state, &filter, false), "1 2 3 4 6");
	filter.where_count = 2;
	assert_string_equal(chosen(*state, &filter, true), "4 3 2 1");
	expression_free(first);
	expression_free(second);
}

static const char *with_pattern(struct world *world, const char *pattern)
{
	regex_t regex;
	struct change_filter filter = { .to_us = EVER, .grep = &regex };
	assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED), 0);
	const char *text = chosen(world, &filter, false);
	regfree(&regex);
	return text;
}

static void by_lines_that_came_or_went(void **state)
{
	assert_string_equal(with_pattern(*state, "NEW"), "1 2 3 4 5 6 7");
	assert_string_equal(with_pattern(*state, "PAID"), "3 7");
	/* With what follows it comes a comma, which is no change of the line. */
	assert_string_equal(with_pattern(*state, "^  \"status\": \"PAID\"$"), "3 7");
	assert_string_equal(with_pattern(*state, "\"n\": (2|9)$"), "5 6 7");
	assert_string_equal(with_pattern(*state, "nowhere"), "");
	assert_string_equal(with_pattern(*state, "^$"), "");
}

static void of_one_item(void **state)
{
	struct world *world = *state;
	struct buffer key = BUFFER_INIT;
	fixture_key(&world->table, "{'id':'a'}", &key);
	struct change_filter filter = { .to_us = EVER, .encoded_key = buffer_slice(&key) };
	assert_string_equal(chosen(world, &filter, false), "1 3 5 7");
	assert_string_equal(chosen(world, &filter, true), "7 5 3 1");
	filter.from_us = AT(2);
	filter.to_us = AT(5);
	assert_string_equal(chosen(world, &filter, true), "5 3");
	buffer_clear(&key);
	fixture_key(&world->table, "{'id':'b'}", &key);
	filter = (struct change_filter){ .to_us = EVER, .encoded_key = buffer_slice(&key), .ops = 1u << CHANGE_INSERT };
	assert_string_equal(chosen(world, &filter, true), "6 2");
	buffer_clear(&key);
	fixture_key(&world->table, "{'id':'never'}", &key);
	filter = (struct change_filter){ .to_us = EVER, .encoded_key = buffer_slice(&key) };
	assert_string_equal(chosen(world, &filter, true), "");
	assert_string_equal(chosen(world, &filter, false), "");
	buffer_free(&key);
}

/* More than is read at once, in several blocks of the log, with ends at all places. */
static void long_histories(void **state)
{
	struct world *world = *state;
	char text[64], wanted[4096];
	for (int i = 8; i <= 200; i++) {
		snprintf(text, sizeof(text), "{'id':'x','n':%d}", i);
		change(world, i, "ann", text);
	}
	for (uint64_t first = 1; first <= 200; first += 33) {
		struct change_filter filter = { .to_us = EVER, .from_seq = first, .to_seq = 200 - first / 3 };
		size_t size = 0;
		wanted[0] = '\0';
		for (uint64_t i = first; i <= filter.to_seq; i++)
			size += (size_t)snprintf(wanted + size, sizeof(wanted) - size, "%s%d", size ? " " : "", (int)i);
		assert_string_equal(chosen(world, &filter, false), wanted);
		size = 0;
		for (uint64_t i = filter.to_seq; i >= first; i--)
			size += (size_t)snprintf(wanted + size, sizeof(wanted) - size, "%s%d", size ? " " : "", (int)i);
		assert_string_equal(chosen(world, &filter, true), wanted);
	}
}

/* A restored table has its own changes only. */
static void of_restored_tables(void **state)
{
	struct world *world = *state, restored = { .f = world->f };
	struct buffer key = BUFFER_INIT;
	fixture_restore(world->f, &world->table, 5, "again", &restored.table);
	struct change_filter filter = { .to_us = EVER };
	assert_string_equal(chosen(&restored, &filter, true), "");
	change(&restored, 20, "ann", "{'id':'a','n':3}");
	assert_string_equal(chosen(&restored, &filter, true), "6");
	fixture_key(&restored.table, "{'id':'a'}", &key);
	filter.encoded_key = buffer_slice(&key);
	assert_string_equal(chosen(&restored, &filter, true), "6");
	assert_string_equal(chosen(&restored, &filter, false), "6");
	buffer_free(&key);
	table_free(&restored.table);
}

static uint64_t count_of(struct world *world, struct slice encoded_key, bool is_newest_first, uint64_t *ret_damaged)
{
	struct change_filter filter = { .to_us = EVER, .encoded_key = encoded_key };
	struct reach reach;
	struct change_walk *walk;
	const struct change *found;
	uint64_t first, count = 0;
	struct store_txn *txn = fixture_read(world->f);
	assert_int_equal(reach_of(world->f->history, txn, &world->table, &reach), 0);
	assert_int_equal(change_walk_begin(txn, &world->table, &reach, &filter, is_newest_first, &walk, NULL), 0);
	int r;
	while ((r = change_walk_next(walk, &found)) == 1)
		count++;
	assert_int_equal(r, 0);
	*ret_damaged = change_walk_damaged(walk, &first);
	change_walk_end(walk);
	store_abort(txn);
	return count;
}

static uint64_t count_all(struct world *world, bool is_newest_first, uint64_t *ret_damaged)
{
	return count_of(world, (struct slice){ 0 }, is_newest_first, ret_damaged);
}

/* What is left of a change whose item is damaged is told all the same. */
static void damaged_versions(void **state)
{
	struct world *world = *state;
	struct buffer key = BUFFER_INIT;
	struct node node;
	struct node_place place;
	fixture_key(&world->table, "{'id':'a'}", &key);
	struct batch *batch = fixture_begin(world->f);
	struct store_txn *txn = batch_txn(batch);
	assert_int_equal(node_find(txn, world->table.number, buffer_slice(&key), SEQ_MAX, &node, &place), 0);
	struct buffer stored = BUFFER_INIT;
	buffer_append_slice(&stored, place.key);
	assert_int_equal(store_delete(txn, STORE_VERSIONS, buffer_slice(&stored)), 0);
	batch_note(batch);
	fixture_commit(batch);
	uint64_t damaged;
	assert_int_equal(count_all(world, true, &damaged), 7);
	assert_int_equal(damaged, 4);
	buffer_free(&stored);
	buffer_free(&key);
}

static void damaged_log(void **state)
{
	struct world *world = *state;
	struct buffer broken = BUFFER_INIT;
	struct slice key, value;
	char text[64];
	for (int i = 8; i <= 200; i++) {
		snprintf(text, sizeof(text), "{'id':'x','n':%d}", i);
		change(world, i, "ann", text);
	}
	struct layout_key from = layout_log(world->table.number, 80);
	struct batch *batch = fixture_begin(world->f);
	struct store_txn *txn = batch_txn(batch);
	assert_int_equal(store_seek(txn, STORE_LOG, layout_slice(&from), &key, &value), 0);
	buffer_append_slice(&broken, key);
	assert_int_equal(store_put(txn, STORE_LOG, buffer_slice(&broken), slice_of_text("nonsense")), 0);
	batch_note(batch);
	fixture_commit(batch);
	uint64_t damaged, again;
	uint64_t count = count_all(world, false, &damaged);
	assert_in_range(damaged, 1, 64);
	assert_int_equal(count + damaged, 200);
	struct buffer item = BUFFER_INIT;
	fixture_key(&world->table, "{'id':'x'}", &item);
	for (unsigned turn = 0; turn < 2; turn++) {
		count = count_of(world, buffer_slice(&item), turn, &again);
		assert_int_equal(again, damaged);
		assert_int_equal(count + damaged, 193);
	}
	buffer_free(&item);
	count = count_all(world, false, &damaged);
	assert_int_equal(count_all(world, true, &again), count);
	assert_int_equal(again, damaged);
	buffer_free(&broken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(both_ways, begin, end),
		cmocka_unit_test_setup_teardown(by_time_and_number, begin, end),
		cmocka_unit_test_setup_teardown(by_author_and_operation, begin, end),
		cmocka_unit_test_setup_teardown(by_condition_before_or_after, begin, end),
		cmocka_unit_test_setup_teardown(by_lines_that_came_or_went, begin, end),
		cmocka_unit_test_setup_teardown(of_one_item, begin, end),
		cmocka_unit_test_setup_teardown(long_histories, begin, end),
		cmocka_unit_test_setup_teardown(of_restored_tables, begin, end),
		cmocka_unit_test_setup_teardown(damaged_versions, begin, end),
		cmocka_unit_test_setup_teardown(damaged_log, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
