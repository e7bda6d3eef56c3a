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
#include "core/compare.h"
#include "core/difference.h"
#include "core/item_json.h"
#include "core/layout.h"
#include "core/pack.h"
#include "core/pin.h"
#include "core/retention_state.h"
#include "tests/support/fixture.h"

#define START INT64_C(1740830400000000) /* 2025-03-01T12:00:00 */

static int open_store(void **state)
{
	return fixture_begin_test(state, START);
}

/* --- random histories --- */

#define KEYS 8
#define CHANGES 80
#define DIFFERENCES_MAX KEYS

/* What is different, by key: kinds and contents. */
struct told {
	struct buffer keys[DIFFERENCES_MAX], texts[DIFFERENCES_MAX];
	unsigned count;
};

static void told_free(struct told *told)
{
	for (unsigned i = 0; i < told->count; i++) {
		buffer_free(&told->keys[i]);
		buffer_free(&told->texts[i]);
	}
	told->count = 0;
}

static void tell(
	struct told *told, enum difference_kind kind, struct slice key, struct slice before, struct slice after)
{
	assert_true(told->count < DIFFERENCES_MAX);
	told->keys[told->count] = told->texts[told->count] = BUFFER_INIT;
	buffer_append_slice(&told->keys[told->count], key);
	struct buffer *text = &told->texts[told->count++];
	buffer_append_byte(text, (uint8_t)kind);
	buffer_append_blob(text, before);
	buffer_append_blob(text, after);
}

static int tell_compared(
	void *context, enum compare_kind kind, struct slice encoded_key, struct slice first, struct slice second)
{
	tell(context,
		kind == COMPARE_EXTRA     ? DIFFERENCE_ADDED
		: kind == COMPARE_MISSING ? DIFFERENCE_REMOVED
					  : DIFFERENCE_CHANGED,
		encoded_key, first, second);
	return 0;
}

static int find_told(const struct told *told, struct slice key)
{
	for (unsigned i = 0; i < told->count; i++)
		if (slice_equal(buffer_slice(&told->keys[i]), key))
			return (int)i;
	return -1;
}

struct random_table {
	struct table table;
	uint64_t base, seq;
	unsigned keys[2 * CHANGES + 1]; /* of each change */
};

static void key_text(const struct table *table, unsigned key, const char *more, char *out, size_t size)
{
	if (table->schema.has_sort)
		snprintf(out, size, "{'id':'p%u','s':'s%u'%s}", key % 3, key, more);
	else
		snprintf(out, size, "{'id':'k%u'%s}", key, more);
}

/* Contents are few, so that items become again what they were. */
static void change(struct fixture *f, struct random_table *t, uint64_t *random)
{
	unsigned key = (unsigned)fixture_random_below(random, KEYS);
	char text[128], more[32];
	uint64_t seq;
	if (fixture_random_below(random, 3) == 0) {
		key_text(&t->table, key, "", text, sizeof(text));
		seq = fixture_remove(f, &t->table, text);
	} else {
		snprintf(more, sizeof(more), ",'n':%u", (unsigned)fixture_random_below(random, 3));
		key_text(&t->table, key, more, text, sizeof(text));
		seq = fixture_put(f, &t->table, text);
	}
	if (!seq)
		return;
	t->seq = seq;
	t->keys[seq] = key;
}

static void change_often(struct fixture *f, struct random_table *t, uint64_t to_seq, uint64_t *random)
{
	while (t->seq < to_seq)
		change(f, t, random);
}

static void assert_last_and_count(const struct random_table *t, const struct difference *d, uint64_t from, uint64_t to)
{
	uint64_t low = from < to ? from : to, high = from < to ? to : from, first = 0, last = 0, changes = 0;
	for (uint64_t seq = low + 1; seq <= high; seq++) {
		if (t->keys[seq] != t->keys[d->place])
			continue;
		first = first ? first : seq;
		last = seq;
		changes++;
	}
	assert_int_equal(d->place, first);
	assert_int_equal(d->last.seq, last);
	assert_int_equal(d->changes, changes);
	assert_true(d->last.time_us >= START);
}

static void assert_found_alone(struct difference_walk *walk, const struct difference *d)
{
	struct difference_walk other;
	struct difference of, at;
	assert_int_equal(difference_begin(&other, walk->txn, walk->table, walk->from, walk->to, 0), 0);
	assert_int_equal(difference_of(&other, d->encoded_key, &of), 0);
	assert_int_equal(of.place, d->place);
	assert_int_equal(of.kind, d->kind);
	assert_int_equal(of.last.seq, d->last.seq);
	assert_true(slice_equal(of.before, d->before) && slice_equal(of.after, d->after));
	assert_int_equal(difference_at(&other, d->place, &at), 0);
	assert_true(slice_equal(at.encoded_key, d->encoded_key));
	assert_int_equal(at.number, d->number);
	difference_end(&other);
}

/* Everything beyond a place. Returns how many. */
static unsigned assert_walk(struct fixture *f, const struct random_table *t, uint64_t from, uint64_t to, uint64_t place,
	const struct told *wanted, uint64_t places[DIFFERENCES_MAX])
{
	struct store_txn *txn = fixture_read(f);
	struct difference_walk walk;
	struct difference d;
	unsigned count = 0;
	int r;
	assert_int_equal(difference_begin(&walk, txn, t->table.number, from, to, place), 0);
	walk.is_counting = true;
	for (; (r = difference_next(&walk, &d)) == 1; count++) {
		struct told told = { 0 };
		int i = find_told(wanted, d.encoded_key);
		assert_true(i >= 0 && d.place > place);
		tell(&told, d.kind, d.encoded_key, d.before, d.after);
		assert_true(slice_equal(buffer_slice(&told.texts[0]), buffer_slice(&wanted->texts[i])));
		assert_int_equal(d.before_seq != 0, d.kind != DIFFERENCE_ADDED);
		assert_int_equal(d.after_seq != 0, d.kind != DIFFERENCE_REMOVED);
		assert_last_and_count(t, &d, from, to);
		assert_found_alone(&walk, &d);
		places[count] = place = d.place;
		told_free(&told);
	}
	assert_int_equal(r, 0);
	difference_end(&walk);
	store_abort(txn);
	return count;
}

static void assert_no_others(
	struct fixture *f, const struct random_table *t, uint64_t from, uint64_t to, const struct told *wanted)
{
	struct store_txn *txn = fixture_read(f);
	struct difference_walk walk;
	struct difference d;
	struct buffer key = BUFFER_INIT;
	char text[128];
	assert_int_equal(difference_begin(&walk, txn, t->table.number, from, to, 0), 0);
	for (unsigned k = 0; k <= KEYS; k++) {
		key_text(&t->table, k, "", text, sizeof(text));
		fixture_key(&t->table, text, &key);
		bool is_wanted = find_told(wanted, buffer_slice(&key)) >= 0;
		assert_int_equal(difference_of(&walk, buffer_slice(&key), &d), is_wanted ? 0 : -ENOENT);
	}
	difference_end(&walk);
	store_abort(txn);
	buffer_free(&key);
}

static void assert_difference(struct fixture *f, const struct random_table *t, uint64_t from, uint64_t to)
{
	struct told wanted = { 0 };
	struct compare_counts compared;
	struct difference_counts counts;
	struct snapshot first = { .table = t->table.number, .seq = from },
			second = { .table = t->table.number, .seq = to };
	uint64_t places[DIFFERENCES_MAX], again[DIFFERENCES_MAX];
	struct store_txn *txn = fixture_read(f);
	assert_int_equal(compare_snapshots(txn, &first, &second, tell_compared, &wanted, &compared, NULL), 0);
	assert_int_equal(difference_count(txn, t->table.number, from, to, &counts), 0);
	store_abort(txn);
	assert_int_equal(counts.added, compared.extra);
	assert_int_equal(counts.removed, compared.missing);
	assert_int_equal(counts.changed, compared.different);
	assert_int_equal(counts.changes, from < to ? to - from : from - to);
	unsigned count = assert_walk(f, t, from, to, 0, &wanted, places);
	assert_int_equal(count, wanted.count);
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(assert_walk(f, t, from, to, places[i], &wanted, again), count - i - 1);
		assert_memory_equal(again, places + i + 1, (count - i - 1) * sizeof(*places));
	}
	assert_no_others(f, t, from, to, &wanted);
	told_free(&wanted);
}

static void assert_differences(struct fixture *f, const struct random_table *t, unsigned pairs, uint64_t *random)
{
	uint64_t states = t->seq - t->base + 1;
	assert_difference(f, t, t->base, t->seq);
	assert_difference(f, t, t->seq, t->base);
	assert_difference(f, t, t->seq, t->seq);
	for (unsigned i = 0; i < pairs; i++)
		assert_difference(f, t, t->base + fixture_random_below(random, states),
			t->base + fixture_random_below(random, states));
}

static void agrees_with_a_comparison_of_both_states(void **state)
{
	uint64_t random = 4;
	for (unsigned i = 0; i < 2; i++) {
		struct random_table t = { 0 };
		fixture_create(*state, i ? "sorted" : "flat", i ? "s" : NULL, &t.table);
		change_often(*state, &t, CHANGES, &random);
		assert_differences(*state, &t, 25, &random);
		table_free(&t.table);
	}
}

static void tells_of_a_restored_table_what_it_saw(void **state)
{
	uint64_t random = 5;
	struct random_table source = { 0 }, t = { 0 };
	struct store_txn *txn;
	struct difference_walk walk;
	fixture_create(*state, "source", "s", &source.table);
	change_often(*state, &source, CHANGES, &random);
	fixture_restore(*state, &source.table, CHANGES / 2, "restored", &t.table);
	t.base = t.seq = CHANGES / 2;
	change_often(*state, &t, CHANGES, &random);
	assert_differences(*state, &t, 25, &random);
	txn = fixture_read(*state);
	assert_int_equal(difference_begin(&walk, txn, t.table.number, CHANGES / 2 - 1, CHANGES, 0), -ESTALE);
	difference_end(&walk);
	store_abort(txn);
	table_free(&source.table);
	table_free(&t.table);
}

/* --- beside damage --- */

#define RECORDS_MAX 200

static unsigned list_records(
	struct store_txn *txn, enum store_space space, uint32_t table, struct layout_key records[RECORDS_MAX])
{
	struct layout_key prefix = layout_log_prefix(table);
	struct store_cursor *cursor;
	struct slice key, value;
	unsigned count = 0;
	assert_int_equal(store_cursor_open(txn, space, &cursor), 0);
	int r = store_cursor_seek(cursor, layout_slice(&prefix), &key, &value);
	for (; !store_within(r, key, layout_slice(&prefix)); r = store_cursor_next(cursor, &key, &value)) {
		assert_true(count < RECORDS_MAX);
		records[count].size = key.size;
		memcpy(records[count++].bytes, key.data, key.size);
	}
	store_cursor_close(cursor);
	return count;
}

/* The end of a pack is the content of its last version, and the checksum that the store adds covers its beginning. */
static void spoil_end(struct store_txn *txn, struct slice key)
{
	struct slice value;
	fixture_spoil(txn, STORE_VERSIONS, key);
	fixture_spoil(txn, STORE_VERSIONS, key);
	assert_int_equal(store_get(txn, STORE_VERSIONS, key, &value), 0);
	*(uint8_t *)(uintptr_t)(value.data + value.size - 1) ^= 0x40;
}

struct beside {
	unsigned seen[DIFFERENCES_MAX], damaged; /* of what is wanted, and keys of what is damaged */
	uint64_t lost;                           /* and what is known of neither */
};

static void meet(const struct told *wanted, const struct difference *d, struct slice hit, struct beside *beside)
{
	int i = find_told(wanted, d->encoded_key);
	if (i >= 0)
		beside->seen[i]++;
	if (d->is_damaged) {
		assert_true(d->place > 0);
		assert_true(!d->encoded_key.size || slice_equal(d->encoded_key, hit));
		beside->lost += !d->encoded_key.size;
		beside->damaged += d->encoded_key.size > 0;
		return;
	}
	struct told told = { 0 };
	assert_true(i >= 0);
	tell(&told, d->kind, d->encoded_key, d->before, d->after);
	assert_true(slice_equal(buffer_slice(&told.texts[0]), buffer_slice(&wanted->texts[i])));
	told_free(&told);
}

/* All that is not hit is told, and what is hit is known to be missing. Returns whether it was. */
static bool assert_beside(struct store_txn *txn, const struct random_table *t, uint64_t from, uint64_t to,
	const struct told *wanted, struct slice hit)
{
	struct difference_walk walk;
	struct difference d;
	struct difference_counts counts;
	struct beside beside = { 0 };
	int r;
	assert_int_equal(difference_begin(&walk, txn, t->table.number, from, to, 0), 0);
	while ((r = difference_next(&walk, &d)) == 1 || r == -EIO) {
		assert_int_equal(r == -EIO, d.is_damaged);
		meet(wanted, &d, hit, &beside);
	}
	assert_int_equal(r, 0);
	assert_true(beside.damaged <= 1);
	assert_int_equal(hit.size ? walk.unread : 0, 0);
	beside.lost += walk.unread;
	for (unsigned i = 0; i < wanted->count; i++) {
		struct slice key = buffer_slice(&wanted->keys[i]);
		bool is_hit = !hit.size || slice_equal(key, hit);
		assert_true(beside.seen[i] == 1 || (is_hit && beside.lost > 0));
		r = difference_of(&walk, key, &d);
		assert_true(!r || (r == -EIO && is_hit && d.is_damaged));
	}
	for (uint64_t seq = 1; !hit.size && seq <= t->seq; seq++) {
		r = difference_at(&walk, seq, &d);
		assert_true(!r || r == -ENOENT || (r == -EIO && d.is_damaged && d.place == seq));
	}
	difference_end(&walk);
	assert_int_equal(difference_count(txn, t->table.number, from, to, &counts), 0);
	assert_int_equal(counts.damaged, beside.lost + beside.damaged);
	return counts.damaged > 0;
}

static bool assert_beside_both_ways(
	struct store_txn *txn, const struct random_table *t, uint64_t from, uint64_t to, struct slice key, bool is_end)
{
	struct snapshot states[] = { { .table = t->table.number, .seq = from },
		{ .table = t->table.number, .seq = to } };
	struct buffer hit = BUFFER_INIT;
	struct pack_header header;
	struct slice value;
	bool is_hit = false;
	struct told wanted[2] = { 0 };
	struct compare_counts counts;
	bool is_pack = !store_get(txn, STORE_VERSIONS, key, &value);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(
			compare_snapshots(txn, &states[i], &states[1 - i], tell_compared, &wanted[i], &counts, NULL),
			0);
	if (is_pack) {
		assert_int_equal(pack_read(value, &header), 0);
		buffer_append_slice(&hit, header.encoded_key);
	}
	if (is_end)
		spoil_end(txn, key);
	else
		fixture_spoil(txn, is_pack ? STORE_VERSIONS : STORE_LOG, key);
	for (unsigned i = 0; i < 2; i++)
		is_hit |= assert_beside(txn, t, i ? to : from, i ? from : to, &wanted[i], buffer_slice(&hit));
	told_free(&wanted[0]);
	told_free(&wanted[1]);
	buffer_free(&hit);
	return is_hit;
}

static unsigned assert_beside_each(
	struct fixture *f, const struct random_table *t, enum store_space space, bool is_end, uint64_t *random)
{
	struct layout_key records[RECORDS_MAX];
	struct store_txn *txn;
	unsigned hits = 0, count = 1;
	for (unsigned i = 0; i < count; i++) {
		uint64_t from = fixture_random_below(random, t->seq / 2);
		uint64_t to = t->seq - fixture_random_below(random, t->seq / 2);
		assert_int_equal(store_begin(history_store(f->history), true, &txn), 0);
		count = list_records(txn, space, t->table.number, records);
		hits += assert_beside_both_ways(txn, t, from, to, layout_slice(&records[i]), is_end);
		store_abort(txn);
	}
	return hits;
}

static void tells_what_is_beside_damage(void **state)
{
	uint64_t random = 6;
	for (unsigned i = 0; i < 2; i++) {
		struct random_table t = { 0 };
		char text[64];
		fixture_create(*state, i ? "sorted" : "flat", i ? "s" : NULL, &t.table);
		change_often(*state, &t, CHANGES, &random);
		for (unsigned n = 0; n < 40; n++) {
			key_text(&t.table, n % 2, n % 3 ? ",'n':1" : ",'n':2", text, sizeof(text));
			uint64_t seq = fixture_put(*state, &t.table, text);
			t.seq = seq ? seq : t.seq;
		}
		assert_true(assert_beside_each(*state, &t, STORE_VERSIONS, false, &random) > 0);
		assert_true(assert_beside_each(*state, &t, STORE_VERSIONS, true, &random) > 0);
		for (unsigned turn = 0; turn < 3; turn++)
			assert_true(assert_beside_each(*state, &t, STORE_LOG, false, &random) > 0);
		table_free(&t.table);
	}
}

/* --- what it takes --- */

static void costs_what_changed(void **state)
{
	struct fixture *f = *state;
	struct table table;
	struct store_counts before, after;
	struct difference_counts counts;
	char text[64];
	fixture_create(f, "orders", NULL, &table);
	struct batch *batch = fixture_begin(f);
	for (unsigned i = 0; i < 10000; i++) {
		snprintf(text, sizeof(text), "{'id':'%u'}", i);
		fixture_put_in(batch, &table, text, 0);
	}
	fixture_commit(batch);
	for (unsigned i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "{'id':'%u','n':1}", i * 900);
		fixture_put(f, &table, text);
	}
	struct store_txn *txn = fixture_read(f);
	store_counts(history_store(f->history), &before);
	assert_int_equal(difference_count(txn, table.number, 10000, SEQ_MAX, &counts), 0);
	store_counts(history_store(f->history), &after);
	store_abort(txn);
	assert_int_equal(counts.changed, 10);
	assert_int_equal(counts.changes, 10);
	uint64_t operations = after.gets + after.seeks + after.steps - before.gets - before.seeks - before.steps;
	assert_in_range(operations, 20, 60);
	table_free(&table);
}

/* --- what is not kept --- */

static void assert_begins(struct fixture *f, const struct table *table, uint64_t from, uint64_t to, int wanted)
{
	struct store_txn *txn = fixture_read(f);
	struct difference_walk walk;
	assert_int_equal(difference_begin(&walk, txn, table->number, from, to, 0), wanted);
	difference_end(&walk);
	store_abort(txn);
}

static void pin(struct fixture *f, const struct table *table, uint64_t seq, bool is_range)
{
	struct pin pin = { .kind = PIN_HOLD, .table = table->number, .seq = seq, .is_range = is_range, .name = "kept" };
	struct store_txn *txn;
	assert_int_equal(store_begin(history_store(f->history), true, &txn), 0);
	assert_int_equal(pin_add(txn, &pin), 0);
	assert_int_equal(store_commit(txn), 0);
}

static void forget_before(struct fixture *f, const struct table *table, uint64_t floor)
{
	struct retention_table state = { .floor = floor };
	struct store_txn *txn;
	assert_int_equal(store_begin(history_store(f->history), true, &txn), 0);
	assert_int_equal(retention_table_write(txn, table->number, &state), 0);
	assert_int_equal(store_commit(txn), 0);
}

static void refuses_what_is_not_whole(void **state)
{
	struct fixture *f = *state;
	struct table table;
	char text[64];
	fixture_create(f, "orders", NULL, &table);
	for (unsigned i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "{'id':'1','n':%u}", i);
		fixture_put(f, &table, text);
	}
	assert_begins(f, &table, 0, 10, 0);
	assert_begins(f, &table, 3, 11, -ESTALE);
	forget_before(f, &table, 5);
	assert_begins(f, &table, 5, 10, 0);
	assert_begins(f, &table, 3, 10, -ESTALE);
	assert_begins(f, &table, 10, 3, -ESTALE);
	pin(f, &table, 3, false);
	assert_begins(f, &table, 3, 10, -ESTALE);
	assert_begins(f, &table, 3, 3, 0);
	pin(f, &table, 4, true);
	assert_begins(f, &table, 3, 10, -ESTALE);
	assert_begins(f, &table, 4, 10, 0);
	table_free(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(agrees_with_a_comparison_of_both_states, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(tells_of_a_restored_table_what_it_saw, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(tells_what_is_beside_damage, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(costs_what_changed, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(refuses_what_is_not_whole, open_store, fixture_end_test),
	};
	return cmocka_run_group_tests_name("difference", tests, NULL, NULL);
}
