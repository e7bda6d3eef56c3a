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
#include "core/drill.h"
#include "core/layout.h"
#include "core/pin.h"
#include "tests/support/fixture.h"

#define START INT64_C(1740830400000000) /* 2025-03-01T12:00:00 */
#define KEYS 60

struct told {
	unsigned count;
	char what[64];
	enum compare_kind kind;
};

static struct told told;

static int tell(void *context, const char *what, enum compare_kind kind, struct slice encoded_key, struct slice first,
	struct slice second)
{
	(void)context;
	(void)encoded_key;
	(void)first;
	(void)second;
	told.count++;
	told.kind = kind;
	snprintf(told.what, sizeof(told.what), "%s", what);
	return 0;
}

static const struct drill_options options = { .differs = tell };

static int open_store(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	clock_set(START);
	fixture_open(fixture);
	*state = fixture;
	told = (struct told){ 0 };
	return 0;
}

static int close_store(void **state)
{
	fixture_close(*state);
	free(*state);
	clock_reset();
	return 0;
}

static void change_much(struct fixture *f, const struct table *table, unsigned changes, uint64_t *random)
{
	char text[96];
	for (unsigned i = 0; i < changes; i++) {
		unsigned key = (unsigned)fixture_random_below(random, KEYS);
		struct batch *batch = fixture_begin(f);
		clock_set(clock_now_us() + (int64_t)fixture_random_below(random, SECOND_US));
		snprintf(text, sizeof(text), "{'id':'p%u','at':'%u'}", key % 5, key);
		if (fixture_random_below(random, 3) == 0) {
			fixture_remove_in(batch, table, text, 0);
		} else {
			snprintf(text, sizeof(text), "{'id':'p%u','at':'%u','n':%u}", key % 5, key,
				(unsigned)fixture_random_below(random, 100));
			fixture_put_in(batch, table, text, 0);
		}
		fixture_commit(batch);
	}
}

static struct drill *begin(struct fixture *f)
{
	struct drill *drill = NULL;
	struct error error = { 0 };
	fixture_require(drill_begin(f->history, &options, &drill, &error) == 0, "begin a drill", &error);
	return drill;
}

static void restore(struct drill *drill, const struct table *table, uint64_t *random, struct drill_round *ret_round)
{
	struct snapshot state;
	struct error error = { 0 };
	fixture_require(drill_pick(drill, table, random, &state, &error) == 0, "pick", &error);
	fixture_require(drill_restore(drill, table, &state, ret_round, &error) == 0, "restore", &error);
}

static void check(struct drill *drill, const struct table *table, struct drill_round *round)
{
	struct error error = { 0 };
	fixture_require(drill_check(drill, table, round, &error) == 0, "check", &error);
}

static unsigned live_tables(struct fixture *f)
{
	struct store_txn *txn = fixture_read(f);
	struct table table;
	uint64_t place = 0;
	unsigned count = 0;
	for (; table_list(txn, TIME_NOW, &place, &table) == 1; table_free(&table))
		count++;
	store_abort(txn);
	return count;
}

/* Of a table in one space. */
static unsigned records_in(struct store_txn *txn, enum store_space space, struct layout_key prefix)
{
	struct store_cursor *cursor;
	struct slice key, value;
	unsigned count = 0;
	assert_int_equal(store_cursor_open(txn, space, &cursor), 0);
	int r = store_cursor_seek(cursor, layout_slice(&prefix), &key, &value);
	for (; !r && key.size >= prefix.size && !memcmp(key.data, prefix.bytes, prefix.size); count++)
		r = store_cursor_next(cursor, &key, &value);
	store_cursor_close(cursor);
	return count;
}

/* Neither items nor history, nor a backup, nor what keeps others from forgetting. */
static void assert_nothing_of(struct fixture *f, uint32_t table)
{
	struct store_txn *txn = fixture_read(f);
	struct layout_key prefix = layout_log_prefix(table);
	assert_int_equal(records_in(txn, STORE_LOG, prefix), 0);
	assert_int_equal(records_in(txn, STORE_VERSIONS, prefix), 0);
	assert_int_equal(records_in(txn, STORE_INDEX, prefix), 0);
	assert_int_equal(records_in(txn, STORE_ROSTER, prefix), 0);
	struct pin_place place = { 0 };
	struct pin pin;
	assert_int_equal(pin_next(txn, UINT32_MAX, &place, &pin), 0);
	static const char kinds[] = "tlgrx";
	for (size_t i = 0; i < strlen(kinds); i++) {
		struct layout_key key = layout_meta_number(kinds[i], table);
		struct slice value;
		assert_int_equal(store_get(txn, STORE_META, layout_slice(&key), &value), -ENOENT);
	}
	store_abort(txn);
}

static void finds_right_what_is_right_and_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct table table;
	uint64_t random = 7;
	fixture_create(f, "events", "at", &table);
	change_much(f, &table, 200, &random);
	struct drill *drill = begin(f);
	uint32_t numbers[12];
	for (int i = 0; i < 6; i++) {
		struct drill_round round;
		struct snapshot wanted;
		struct buffer was = BUFFER_INIT, is = BUFFER_INIT;
		restore(drill, &table, &random, &round);
		numbers[2 * i] = round.share.number;
		numbers[2 * i + 1] = round.copy.number;
		assert_int_equal(fixture_at(f, &table, round.state.time_us, &wanted), 0);
		assert_int_equal(wanted.seq, round.state.seq);
		assert_string_equal(fixture_show(f, &table, &wanted, &was), fixture_show_live(f, &round.share, &is));
		check(drill, &table, &round);
		assert_true(drill_is_right(&round));
		assert_int_equal(round.share_replayed.changes, round.state.seq);
		buffer_free(&was);
		buffer_free(&is);
		assert_int_equal(live_tables(f), 3);
		assert_int_equal(drill_drop(drill, &round, NULL), 0);
		assert_int_equal(live_tables(f), 1);
	}
	assert_int_equal(drill_end(drill, NULL), 0);
	for (int i = 0; i < 12; i++)
		assert_nothing_of(f, numbers[i]);
	assert_int_equal(told.count, 0);
	table_free(&table);
}

static void finds_a_wrong_restore(void **state)
{
	struct fixture *f = *state;
	struct table table;
	struct drill_round round;
	uint64_t random = 8;
	fixture_create(f, "events", "at", &table);
	change_much(f, &table, 100, &random);
	struct drill *drill = begin(f);

	restore(drill, &table, &random, &round);
	fixture_put(f, &round.copy, "{'id':'p9','at':'more'}");
	check(drill, &table, &round);
	assert_false(drill_is_right(&round));
	assert_int_equal(round.compared.extra, 1);
	assert_int_equal(round.copy_replayed.compared.extra, 1);
	assert_int_equal(round.share_replayed.compared.extra, 0);
	assert_int_equal(told.count, 2);
	assert_string_equal(told.what, "replayed and copied");
	assert_int_equal(drill_drop(drill, &round, NULL), 0);

	restore(drill, &table, &random, &round);
	fixture_put(f, &round.share, "{'id':'p9','at':'more'}");
	check(drill, &table, &round);
	assert_false(drill_is_right(&round));
	assert_int_equal(round.share_replayed.compared.extra, 1);
	assert_int_equal(round.copy_replayed.compared.extra, 0);
	assert_int_equal(drill_drop(drill, &round, NULL), 0);

	/* Both are wrong in the same way: only the replay tells. */
	restore(drill, &table, &random, &round);
	fixture_put(f, &round.share, "{'id':'p9','at':'more'}");
	fixture_put(f, &round.copy, "{'id':'p9','at':'more'}");
	check(drill, &table, &round);
	assert_int_equal(round.compared.extra + round.compared.missing + round.compared.different, 0);
	assert_false(drill_is_right(&round));
	assert_int_equal(drill_drop(drill, &round, NULL), 0);
	assert_int_equal(drill_end(drill, NULL), 0);
	table_free(&table);
}

/* An instant of the time after the change is picked, too: what lies in the future never is. */
static void picks_instants_of_the_window(void **state)
{
	struct fixture *f = *state;
	struct table table, empty;
	struct snapshot picked;
	uint64_t random = 9, seen = 0;
	fixture_create(f, "events", "at", &table);
	fixture_create(f, "empty", NULL, &empty);
	int64_t began_us = clock_now_us();
	change_much(f, &table, 12, &random);
	struct drill *drill = begin(f);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(drill_pick(drill, &table, &random, &picked, NULL), 0);
		assert_true(picked.time_us >= began_us - SECOND_US && picked.time_us <= clock_now_us());
		seen |= UINT64_C(1) << picked.seq;
	}
	assert_true(__builtin_popcountll(seen) > 5);
	struct drill_round round;
	restore(drill, &empty, &random, &round);
	check(drill, &empty, &round);
	assert_true(drill_is_right(&round));
	assert_int_equal(round.items, 0);
	assert_int_equal(drill_drop(drill, &round, NULL), 0);
	assert_int_equal(drill_end(drill, NULL), 0);
	table_free(&table);
	table_free(&empty);
}

/* As a process that died leaves them: its lock is gone with it. */
static void drops_what_an_interrupted_one_left(void **state)
{
	struct fixture *f = *state;
	struct table table, others;
	struct drill_round round;
	struct drill *second;
	uint64_t random = 10;
	unsigned dropped;
	struct error error = { 0 };
	fixture_create(f, "events", "at", &table);
	fixture_create(f, "drill-events-share-00000000", "at", &others);
	change_much(f, &table, 50, &random);
	struct drill *drill = begin(f);
	restore(drill, &table, &random, &round);
	uint32_t share = round.share.number, copy = round.copy.number;
	assert_int_equal(drill_begin(f->history, &options, &second, &error), -EBUSY);
	assert_int_equal(drill_clear(f->history, &dropped, NULL), 0);
	assert_int_equal(dropped, 0);
	assert_int_equal(live_tables(f), 4);
	table_free(&round.share);
	table_free(&round.copy);
	drill_abandon(drill);
	assert_int_equal(drill_clear(f->history, &dropped, NULL), 0);
	assert_int_equal(dropped, 2);
	assert_int_equal(live_tables(f), 2);

	drill = begin(f);
	restore(drill, &table, &random, &round);
	table_free(&round.share);
	table_free(&round.copy);
	drill_abandon(drill);
	drill = begin(f);
	assert_int_equal(live_tables(f), 2);
	assert_int_equal(drill_end(drill, NULL), 0);
	assert_nothing_of(f, share);
	assert_nothing_of(f, copy);
	table_free(&table);
	table_free(&others);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(finds_right_what_is_right_and_leaves_nothing, open_store, close_store),
		cmocka_unit_test_setup_teardown(finds_a_wrong_restore, open_store, close_store),
		cmocka_unit_test_setup_teardown(picks_instants_of_the_window, open_store, close_store),
		cmocka_unit_test_setup_teardown(drops_what_an_interrupted_one_left, open_store, close_store),
	};
	return cmocka_run_group_tests_name("drill", tests, NULL, NULL);
}
