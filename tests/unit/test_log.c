#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/layout.h"
#include "core/log.h"
#include "tests/support/fixture.h"

#define TABLE 5
#define LENGTH 5000
#define SHORT 1200

static struct fixture fixture;
static struct store_txn *txn;
static struct log_entry wanted[LENGTH + 1]; /* by seq */

static int open_log(void **state)
{
	(void)state;
	fixture_open(&fixture);
	return store_begin(history_store(fixture.history), true, &txn);
}

static int close_log(void **state)
{
	(void)state;
	store_abort(txn);
	fixture_close(&fixture);
	return 0;
}

static void append(uint32_t table, struct log_entry *entry)
{
	assert_int_equal(log_append(txn, table, entry, &(struct chain){ { (uint8_t)entry->seq } }), 0);
}

/* Changes with many equal times, in three tables side by side. */
static void fill(uint64_t length)
{
	uint64_t random = 3, items = 0;
	int64_t time_us = INT64_C(1740830400000000);
	for (uint64_t seq = 1; seq <= length; seq++) {
		if (fixture_random_below(&random, 150) == 0)
			time_us += (int64_t)fixture_random_below(&random, 1000000);
		else if (fixture_random_below(&random, 4) == 0)
			time_us += (int64_t)fixture_random_below(&random, 3);
		enum change_op op = !items || fixture_random_below(&random, 3) == 0 ? CHANGE_INSERT
				    : fixture_random_below(&random, 2)              ? CHANGE_MODIFY
										    : CHANGE_REMOVE;
		items += op == CHANGE_INSERT ? 1 : op == CHANGE_REMOVE ? UINT64_MAX : 0;
		wanted[seq] = (struct log_entry){ .seq = seq,
			.time_us = time_us,
			.op = op,
			.number = fixture_random_below(&random, UINT64_C(1) << 40),
			.author = fixture_random_below(&random, 300),
			.growth_bytes =
				(int64_t)fixture_random_below(&random, 400000) - (op == CHANGE_REMOVE ? 400000 : 0),
			.line_bytes = 1 + fixture_random_below(&random, seq % 100 ? 2000 : 800000) };
		append(TABLE, &wanted[seq]);
		assert_int_equal(wanted[seq].items, items);
		struct log_entry other = wanted[seq];
		append(TABLE - 1, &other);
		other = wanted[seq];
		append(TABLE + 1, &other);
	}
}

static void assert_entry(const struct log_entry *got, const struct log_entry *right)
{
	assert_int_equal(got->seq, right->seq);
	assert_int_equal(got->time_us, right->time_us);
	assert_int_equal(got->op, right->op);
	assert_int_equal(got->number, right->number);
	assert_int_equal(got->author, right->author);
	assert_int_equal(got->growth_bytes, right->growth_bytes);
	assert_int_equal(got->items, right->items);
	assert_int_equal(got->bytes, right->bytes);
	assert_int_equal(got->line_bytes, right->line_bytes);
	assert_int_equal(got->lines_bytes, right->lines_bytes);
}

static void is_empty_at_first(void **state)
{
	struct log_entry entry;
	struct log_walk walk;
	(void)state;
	assert_int_equal(log_first(txn, TABLE, &entry), -ENOENT);
	assert_int_equal(log_last(txn, TABLE, &entry), -ENOENT);
	assert_int_equal(log_get(txn, TABLE, 1, &entry), -ENOENT);
	assert_int_equal(log_at_time(txn, TABLE, INT64_MAX, &entry), -ENOENT);
	assert_int_equal(log_walk_begin(&walk, txn, TABLE, 1), 0);
	assert_int_equal(log_walk_next(&walk, &entry), 0);
}

static void gives_each_change_back(void **state)
{
	struct log_entry entry;
	(void)state;
	fill(LENGTH);
	for (uint64_t seq = 1; seq <= LENGTH; seq++) {
		assert_int_equal(log_get(txn, TABLE, seq, &entry), 0);
		assert_entry(&entry, &wanted[seq]);
	}
	assert_int_equal(log_get(txn, TABLE, 0, &entry), -ENOENT);
	assert_int_equal(log_get(txn, TABLE, LENGTH + 1, &entry), -ENOENT);
	assert_int_equal(log_get(txn, TABLE, SEQ_MAX - 1, &entry), -ENOENT);
	assert_int_equal(log_get(txn, TABLE, SEQ_MAX, &entry), -ENOENT);
	assert_int_equal(log_get(txn, TABLE, UINT64_MAX, &entry), -ENOENT);
	assert_int_equal(log_first(txn, TABLE, &entry), 0);
	assert_entry(&entry, &wanted[1]);
	assert_int_equal(log_last(txn, TABLE, &entry), 0);
	assert_entry(&entry, &wanted[LENGTH]);
}

static void walks_from_any_change(void **state)
{
	struct log_entry entry;
	struct log_walk walk;
	(void)state;
	fill(LENGTH);
	for (uint64_t from = 0; from <= LENGTH + 2; from += from < 140 ? 1 : 97) {
		assert_int_equal(log_walk_begin(&walk, txn, TABLE, from), 0);
		for (uint64_t seq = from ? from : 1; seq <= LENGTH; seq++) {
			assert_int_equal(log_walk_next(&walk, &entry), 1);
			assert_entry(&entry, &wanted[seq]);
			if (seq > from + 200 && from > 1)
				break;
		}
		if (from <= 1 || from > LENGTH - 100)
			assert_int_equal(log_walk_next(&walk, &entry), 0);
	}
}

static void assert_at(int64_t time_us)
{
	struct log_entry entry;
	uint64_t seq = 0;
	while (seq < LENGTH && wanted[seq + 1].time_us <= time_us)
		seq++;
	int r = log_at_time(txn, TABLE, time_us, &entry);
	assert_int_equal(r, seq ? 0 : -ENOENT);
	if (seq)
		assert_entry(&entry, &wanted[seq]);
}

static void finds_the_last_of_equal_times(void **state)
{
	(void)state;
	fill(LENGTH);
	for (uint64_t seq = 1; seq <= LENGTH; seq++) {
		if (seq > 1 && wanted[seq].time_us == wanted[seq - 1].time_us && seq % 64 > 1)
			continue;
		assert_at(wanted[seq].time_us - 1);
		assert_at(wanted[seq].time_us);
		assert_at(wanted[seq].time_us + 1);
	}
	assert_at(0);
	assert_at(INT64_MAX);
}

static void finds_one_time_that_spans_blocks(void **state)
{
	(void)state;
	for (uint64_t seq = 1; seq <= 1000; seq++) {
		struct log_entry entry = { .seq = seq,
			.time_us = seq <= 300   ? 1000
				   : seq <= 900 ? 2000
						: 3000,
			.op = CHANGE_INSERT,
			.number = seq };
		append(TABLE, &entry);
	}
	static const int64_t times[] = { 1000, 1999, 2000, 2999, 3000 };
	static const uint64_t seqs[] = { 300, 300, 900, 900, 1000 };
	for (unsigned i = 0; i < 5; i++) {
		struct log_entry entry;
		assert_int_equal(log_at_time(txn, TABLE, times[i], &entry), 0);
		assert_int_equal(entry.seq, seqs[i]);
		assert_int_equal(entry.items, seqs[i]);
	}
}

static void finds_what_comes_after_a_time(void **state)
{
	struct log_entry entry;
	(void)state;
	assert_int_equal(log_after_time(txn, TABLE, 0, &entry), -ENOENT);
	fill(SHORT);
	for (uint64_t seq = 1; seq <= SHORT; seq += 7) {
		for (int64_t time_us = wanted[seq].time_us - 1; time_us <= wanted[seq].time_us; time_us++) {
			uint64_t next = seq;
			while (next > 1 && wanted[next - 1].time_us > time_us)
				next--;
			while (next <= SHORT && wanted[next].time_us <= time_us)
				next++;
			assert_int_equal(log_after_time(txn, TABLE, time_us, &entry), next <= SHORT ? 0 : -ENOENT);
			if (next <= SHORT)
				assert_entry(&entry, &wanted[next]);
		}
	}
	assert_int_equal(log_after_time(txn, TABLE, INT64_MAX, &entry), -ENOENT);
}

static void assert_line(uint64_t offset, const struct log_entry *right)
{
	struct log_entry entry;
	assert_int_equal(log_at_line(txn, TABLE, offset, &entry), right ? 0 : -ENOENT);
	if (right)
		assert_entry(&entry, right);
}

static void finds_the_line_that_holds_a_byte(void **state)
{
	uint64_t length = 0;
	(void)state;
	assert_line(0, NULL);
	fill(SHORT);
	for (uint64_t seq = 1; seq <= SHORT; seq++) {
		length += wanted[seq].line_bytes;
		assert_int_equal(wanted[seq].lines_bytes, length);
		if (seq % 61 > 5 && seq < SHORT)
			continue;
		assert_line(length - wanted[seq].line_bytes, &wanted[seq]);
		assert_line(length - 1, &wanted[seq]);
		assert_line(length, seq < SHORT ? &wanted[seq + 1] : NULL);
	}
	assert_line(UINT64_MAX, NULL);
	struct layout_key first = layout_log(TABLE, 1);
	struct log_entry entry;
	assert_int_equal(store_delete(txn, STORE_LOG, layout_slice(&first)), 0);
	assert_int_equal(log_first(txn, TABLE, &entry), 0);
	uint64_t begin = entry.lines_bytes - entry.line_bytes;
	assert_line(0, NULL);
	assert_line(begin - 1, NULL);
	assert_line(begin, &entry);
}

/* append() gives each change a head that tells its number. */
static void tells_where_the_chain_stood(void **state)
{
	struct chain chain;
	uint64_t first_seq, last_first = 0;
	(void)state;
	assert_int_equal(log_chain_before(txn, TABLE, 1, &first_seq, &chain), -ENOENT);
	fill(500);
	for (uint64_t seq = 1; seq <= 500; seq++) {
		assert_int_equal(log_chain_before(txn, TABLE, seq, &first_seq, &chain), 0);
		assert_true(first_seq <= seq && seq - first_seq < LOG_BLOCK_MAX && first_seq >= last_first);
		assert_int_equal(chain.head[0], (uint8_t)first_seq);
		last_first = first_seq;
	}
	assert_int_equal(log_chain_before(txn, TABLE, 0, &first_seq, &chain), -ENOENT);
	assert_int_equal(log_chain_before(txn, TABLE, 501, &first_seq, &chain), -ENOENT);
}

static void finding_a_time_costs_little(void **state)
{
	struct store_counts before, after;
	struct log_entry entry;
	(void)state;
	fill(LENGTH);
	store_counts(history_store(fixture.history), &before);
	assert_int_equal(log_at_time(txn, TABLE, wanted[LENGTH / 3].time_us, &entry), 0);
	store_counts(history_store(fixture.history), &after);
	assert_true(after.seeks + after.gets - before.seeks - before.gets < 20);
	assert_int_equal(log_at_line(txn, TABLE, wanted[LENGTH / 3].lines_bytes, &entry), 0);
	store_counts(history_store(fixture.history), &before);
	assert_true(before.seeks + before.gets - after.seeks - after.gets < 20);
}

static void refuses_a_gap(void **state)
{
	struct log_entry entry = { .seq = 1, .time_us = 1, .op = CHANGE_INSERT };
	(void)state;
	append(TABLE, &entry);
	entry.seq = 3;
	assert_int_equal(log_append(txn, TABLE, &entry, &(struct chain){ 0 }), -EIO);
}

static void tells_damage(void **state)
{
	struct log_entry entry;
	struct slice block;
	(void)state;
	fill(100);
	struct layout_key key = layout_log(TABLE, 1);
	assert_int_equal(store_get(txn, STORE_LOG, layout_slice(&key), &block), 0);
	for (size_t i = 0; i < block.size; i++) {
		uint8_t copy[4096];
		struct slice again;
		assert_int_equal(store_get(txn, STORE_LOG, layout_slice(&key), &again), 0);
		memcpy(copy, again.data, again.size);
		copy[i] ^= 0x10;
		assert_int_equal(store_put(txn, STORE_LOG, layout_slice(&key), slice_of(copy, again.size)), 0);
		assert_int_equal(log_get(txn, TABLE, 5, &entry), -EIO);
		copy[i] ^= 0x10;
		assert_int_equal(store_put(txn, STORE_LOG, layout_slice(&key), slice_of(copy, again.size)), 0);
		assert_int_equal(log_get(txn, TABLE, 5, &entry), 0);
	}
}

static uint64_t block_of(uint64_t seq)
{
	struct chain chain;
	uint64_t first_seq;
	assert_int_equal(log_chain_before(txn, TABLE, seq, &first_seq, &chain), 0);
	return first_seq;
}

/* What the changes from `first` up to `end` would have to tell can't be told; everything else can. */
static void assert_all_but(uint64_t first, uint64_t end)
{
	struct log_entry entry;
	for (uint64_t seq = 1, last; seq <= SHORT; seq = last + 1) {
		for (last = seq; last < SHORT && wanted[last + 1].time_us == wanted[seq].time_us;)
			last++;
		bool is_lost = (last >= first && last < end) || last + 1 == first;
		assert_int_equal(log_at_time(txn, TABLE, wanted[seq].time_us, &entry), is_lost ? -EIO : 0);
		if (!is_lost)
			assert_entry(&entry, &wanted[last]);
	}
	for (uint64_t seq = 1; seq <= SHORT; seq++) {
		bool is_lost = seq >= first && seq < end;
		uint64_t offset = wanted[seq].lines_bytes - 1;
		assert_int_equal(log_at_line(txn, TABLE, offset, &entry), is_lost ? -EIO : 0);
		if (!is_lost)
			assert_entry(&entry, &wanted[seq]);
	}
	bool is_begin_lost = first == 1;
	assert_int_equal(log_at_time(txn, TABLE, 1, &entry), is_begin_lost ? -EIO : -ENOENT);
}

/* Tables whose blocks stand before and behind what is damaged. */
static void assert_neighbours(void)
{
	for (uint32_t table = TABLE - 1; table <= TABLE + 1; table += 2) {
		struct log_entry entry;
		struct log_walk walk;
		uint64_t count = 0;
		assert_int_equal(log_first(txn, table, &entry), 0);
		assert_int_equal(log_at_time(txn, table, 1, &entry), -ENOENT);
		assert_int_equal(log_walk_begin(&walk, txn, table, SHORT - 100), 0);
		while (log_walk_next(&walk, &entry) == 1)
			count++;
		assert_int_equal(count, 101);
		assert_int_equal(log_walk_next(&walk, &entry), 0);
	}
}

static void damage_stays_where_it_is(void **state)
{
	(void)state;
	fill(SHORT);
	uint64_t firsts[] = { 1, block_of(SHORT / 2), block_of(SHORT / 3), block_of(SHORT) };
	for (unsigned i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		struct layout_key key = layout_log(TABLE, firsts[i]);
		uint64_t end = firsts[i] + 1;
		while (end <= SHORT && block_of(end) == firsts[i])
			end++;
		fixture_spoil(txn, STORE_LOG, layout_slice(&key));
		assert_all_but(firsts[i], end);
		assert_neighbours();
		fixture_spoil(txn, STORE_LOG, layout_slice(&key));
		assert_all_but(0, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(is_empty_at_first, open_log, close_log),
		cmocka_unit_test_setup_teardown(gives_each_change_back, open_log, close_log),
		cmocka_unit_test_setup_teardown(walks_from_any_change, open_log, close_log),
		cmocka_unit_test_setup_teardown(finds_the_last_of_equal_times, open_log, close_log),
		cmocka_unit_test_setup_teardown(finds_one_time_that_spans_blocks, open_log, close_log),
		cmocka_unit_test_setup_teardown(finds_what_comes_after_a_time, open_log, close_log),
		cmocka_unit_test_setup_teardown(finds_the_line_that_holds_a_byte, open_log, close_log),
		cmocka_unit_test_setup_teardown(tells_where_the_chain_stood, open_log, close_log),
		cmocka_unit_test_setup_teardown(finding_a_time_costs_little, open_log, close_log),
		cmocka_unit_test_setup_teardown(refuses_a_gap, open_log, close_log),
		cmocka_unit_test_setup_teardown(tells_damage, open_log, close_log),
		cmocka_unit_test_setup_teardown(damage_stays_where_it_is, open_log, close_log),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
