#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "core/layout.h"
#include "core/roster.h"
#include "tests/support/fixture.h"

#define TABLE 5
#define DIRECTORY 77

/* A life: its number, the change that began it and the one that ended it (0: it lives). */
struct life {
	uint64_t number, begin, end;
};

struct roster {
	struct fixture fixture;
	struct store_txn *txn;
	uint64_t directory, next_number, seq;
	struct life *lives;
	size_t count;
};

static void open_roster(struct roster *roster, size_t room)
{
	*roster = (struct roster){
		.directory = DIRECTORY, .next_number = 128, .lives = calloc(room, sizeof(struct life))
	};
	assert_non_null(roster->lives);
	fixture_open(&roster->fixture);
	assert_int_equal(store_begin(history_store(roster->fixture.history), true, &roster->txn), 0);
}

static void close_roster(struct roster *roster)
{
	store_abort(roster->txn);
	free(roster->lives);
	fixture_close(&roster->fixture);
}

static void begin_life(struct roster *roster)
{
	struct life *life = &roster->lives[roster->count];
	uint64_t slot;
	assert_int_equal(
		roster_add(roster->txn, TABLE, roster->directory, &roster->next_number, &life->number, &slot), 0);
	assert_int_equal(slot, roster->count++);
	life->begin = ++roster->seq;
}

static void end_life(struct roster *roster, size_t slot, uint64_t alive)
{
	uint64_t now_alive;
	roster->lives[slot].end = ++roster->seq;
	assert_int_equal(roster_end(roster->txn, TABLE, roster->directory, slot, roster->seq, &now_alive), 0);
	assert_int_equal(now_alive, alive);
}

/* Walks as snapshots do: up to the first life that began later. */
static uint64_t assert_walk(struct roster *roster, uint64_t seq, uint64_t from)
{
	struct roster_walk walk;
	uint64_t number, slot, wanted = from, count = 0;
	int r;
	assert_int_equal(roster_walk_begin(&walk, roster->txn, TABLE, roster->directory, seq, from), 0);
	while ((r = roster_walk_next(&walk, &number, &slot)) == 1 && roster->lives[slot].begin <= seq) {
		while (roster->lives[wanted].end && roster->lives[wanted].end <= seq)
			wanted++;
		assert_int_equal(slot, wanted);
		assert_int_equal(number, roster->lives[slot].number);
		wanted++;
		count++;
	}
	assert_true(r >= 0);
	for (; wanted < roster->count && roster->lives[wanted].begin <= seq; wanted++)
		assert_true(roster->lives[wanted].end && roster->lives[wanted].end <= seq);
	return count;
}

static uint64_t operations(struct roster *roster)
{
	struct store_counts counts;
	store_counts(history_store(roster->fixture.history), &counts);
	return counts.gets + counts.seeks + counts.steps;
}

static void matches_a_plain_array(void **state)
{
	struct roster roster;
	size_t *living = calloc(100000, sizeof(*living)), alive = 0;
	uint64_t random = 9;
	(void)state;
	open_roster(&roster, 100000);
	while (roster.count < 100000) {
		/* Tides: long stretches of growth and of decline, so that blocks and blocks of blocks die. */
		bool is_growing = roster.seq / 7000 % 2 == 0;
		if (!alive || fixture_random_below(&random, 100) < (is_growing ? 90u : 30u)) {
			living[alive++] = roster.count;
			begin_life(&roster);
		} else {
			size_t which = fixture_random_below(&random, 3) ? fixture_random_below(&random, alive) : 0;
			size_t slot = living[which];
			living[which] = living[--alive];
			end_life(&roster, slot, alive);
		}
		if (fixture_random_below(&random, 5000) == 0)
			assert_walk(&roster, fixture_random_below(&random, roster.seq + 2),
				fixture_random_below(&random, roster.count));
	}
	struct roster_head head;
	assert_int_equal(roster_head(roster.txn, TABLE, DIRECTORY, &head), 0);
	assert_int_equal(head.slots, roster.count);
	assert_int_equal(head.alive, alive);
	for (int i = 0; i < 100; i++)
		assert_walk(&roster, fixture_random_below(&random, roster.seq + 1), 0);
	assert_int_equal(assert_walk(&roster, SEQ_MAX, 0), alive);
	free(living);
	close_roster(&roster);
}

static void numbers_are_never_given_twice(void **state)
{
	struct roster roster;
	uint8_t *seen = calloc(1, 200000);
	uint64_t slot, number;
	uint64_t next = 128;
	(void)state;
	open_roster(&roster, 1);
	for (int i = 0; i < 10000; i++) {
		assert_int_equal(roster_add(roster.txn, TABLE, (uint64_t)(i % 7), &next, &number, &slot), 0);
		assert_in_range(number, 128, next - 1);
		assert_int_equal(seen[number]++, 0);
		assert_int_equal(slot, i / 7);
	}
	free(seen);
	close_roster(&roster);
}

/* Lists 1,000 survivors among 19,000 dead; returns the operations of the store it took. */
static uint64_t cost_among_dead(size_t first_survivor, size_t stride)
{
	struct roster roster;
	open_roster(&roster, 20000);
	for (size_t i = 0; i < 20000; i++)
		begin_life(&roster);
	uint64_t alive = 20000;
	for (size_t i = 0; i < 20000; i++)
		if (i < first_survivor || (i - first_survivor) % stride || (i - first_survivor) / stride >= 1000)
			end_life(&roster, i, --alive);
	assert_int_equal(alive, 1000);
	uint64_t before = operations(&roster);
	assert_int_equal(assert_walk(&roster, roster.seq, 0), 1000);
	uint64_t cost = operations(&roster) - before;
	close_roster(&roster);
	return cost;
}

static void cost_follows_what_lives(void **state)
{
	(void)state;
	/* Together in 8 or 9 blocks; at the end; six or seven in each of 149 blocks. */
	assert_true(cost_among_dead(0, 1) < 20);
	assert_true(cost_among_dead(19000, 1) < 20);
	assert_true(cost_among_dead(100, 19) < 300);
}

static void walks_past_what_dies_later(void **state)
{
	struct roster roster;
	(void)state;
	open_roster(&roster, 20000);
	for (size_t i = 0; i < 20000; i++)
		begin_life(&roster);
	uint64_t before_deaths = roster.seq;
	for (size_t i = 0; i < 20000; i++)
		end_life(&roster, i, 19999 - i);
	assert_int_equal(assert_walk(&roster, before_deaths, 0), 20000);
	assert_int_equal(assert_walk(&roster, before_deaths + 10000, 0), 10000);
	assert_int_equal(assert_walk(&roster, roster.seq, 0), 0);
	assert_int_equal(assert_walk(&roster, 0, 0), 0);
	close_roster(&roster);
}

static void tells_damage(void **state)
{
	struct roster roster;
	struct roster_walk walk;
	uint64_t number, slot, alive;
	(void)state;
	open_roster(&roster, 300);
	for (size_t i = 0; i < 300; i++)
		begin_life(&roster);
	assert_int_equal(roster_end(roster.txn, TABLE, DIRECTORY, 300, 1000, &alive), -EIO);
	assert_int_equal(roster_end(roster.txn, TABLE, DIRECTORY, 5000, 1000, &alive), -EIO);
	struct layout_key key = layout_roster(TABLE, DIRECTORY, 0, 1);
	assert_int_equal(store_put(roster.txn, STORE_ROSTER, layout_slice(&key), slice_of("\x01\xff\x07", 3)), 0);
	assert_int_equal(roster_walk_begin(&walk, roster.txn, TABLE, DIRECTORY, SEQ_MAX, 0), 0);
	for (size_t i = 0; i < 128; i++)
		assert_int_equal(roster_walk_next(&walk, &number, &slot), 1);
	assert_int_equal(roster_walk_next(&walk, &number, &slot), -EIO);
	key = layout_roster(TABLE, DIRECTORY, 0, 2);
	assert_int_equal(store_delete(roster.txn, STORE_ROSTER, layout_slice(&key)), 0);
	assert_int_equal(roster_add(roster.txn, TABLE, DIRECTORY, &roster.next_number, &number, &slot), -EIO);
	close_roster(&roster);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_a_plain_array),
		cmocka_unit_test(numbers_are_never_given_twice),
		cmocka_unit_test(cost_follows_what_lives),
		cmocka_unit_test(walks_past_what_dies_later),
		cmocka_unit_test(tells_damage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
