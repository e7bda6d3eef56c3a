#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "change_stream.h"
#include "clock.h"
#include "reach.h"
#include "retention.h"
#include "tests/support/fixture.h"

#define NOON_US INT64_C(1740830400000000) /* 2025-03-01T12:00:00Z */
#define HOUR (INT64_C(3600) * SECOND_US)
#define TABLES 4

static int set_up(void **state)
{
	return fixture_begin_test(state, NOON_US);
}

/* --- the text as it has to be, from each table's log --- */

struct expected {
	int64_t time_us;
	uint32_t table;
	uint64_t seq;
	char *line;
};

struct text {
	struct expected lines[2000];
	size_t count;
	struct buffer whole;
};

static int compare(const void *a, const void *b)
{
	const struct expected *x = a, *y = b;
	if (x->time_us != y->time_us)
		return x->time_us < y->time_us ? -1 : 1;
	if (x->table != y->table)
		return x->table < y->table ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void add_lines(struct fixture *fixture, struct store_txn *txn, const struct table *table, int64_t from_us,
	int64_t to_us, struct text *text)
{
	struct change_reader reader = { 0 };
	struct log_walk walk;
	struct log_entry entry;
	struct reach reach;
	assert_int_equal(reach_of(fixture->history, txn, table, &reach), 0);
	assert_int_equal(log_walk_begin(&walk, txn, table->number, reach.first_seq + 1), 0);
	while (log_walk_next(&walk, &entry) == 1) {
		struct buffer line = BUFFER_INIT;
		if (entry.time_us < from_us || entry.time_us >= to_us)
			continue;
		assert_int_equal(change_read(&reader, txn, table->number, &entry), 0);
		assert_int_equal(change_append_line(table, &reader.change, &line), 0);
		buffer_append_byte(&line, '\n');
		assert_int_equal(line.size, entry.line_bytes);
		assert_true(text->count < sizeof(text->lines) / sizeof(text->lines[0]));
		text->lines[text->count++] =
			(struct expected){ entry.time_us, table->number, entry.seq, strdup(buffer_text(&line)) };
		buffer_free(&line);
	}
	change_reader_free(&reader);
}

static void join(struct text *text)
{
	if (text->count > 0)
		qsort(text->lines, text->count, sizeof(text->lines[0]), compare);
	for (size_t i = 0; i < text->count; i++) {
		buffer_append_text(&text->whole, text->lines[i].line);
		free(text->lines[i].line);
	}
}

static void free_text(struct text *text)
{
	buffer_free(&text->whole);
	free(text);
}

/* --- holding a stream against it --- */

static void check_piece(struct change_stream *stream, const struct text *text, uint64_t offset, size_t size)
{
	struct buffer piece = BUFFER_INIT;
	size_t whole = text->whole.size, left = offset < whole ? whole - (size_t)offset : 0;
	assert_int_equal(change_stream_read(stream, offset, size, &piece), 0);
	assert_int_equal(piece.size, left < size ? left : size);
	if (piece.size > 0)
		assert_memory_equal(piece.data, text->whole.data + offset, piece.size);
	buffer_free(&piece);
}

static void check_stream(struct fixture *fixture, const struct table *table, const struct table *all, size_t count,
	int64_t from_us, int64_t to_us, unsigned pieces)
{
	struct text *text = calloc(1, sizeof(*text));
	struct store_txn *txn = fixture_read(fixture);
	struct change_stream *stream;
	uint64_t random = (uint64_t)from_us;
	int64_t last_us;
	for (size_t i = 0; i < count; i++)
		if (!table || table->number == all[i].number)
			add_lines(fixture, txn, &all[i], from_us, to_us, text);
	join(text);
	assert_int_equal(change_stream_open(fixture->history, txn, table, from_us, to_us, &stream), 0);
	assert_int_equal(change_stream_size(stream), text->whole.size);
	assert_int_equal(change_stream_last(stream, &last_us), text->count > 0 ? 0 : -ENOENT);
	if (text->count > 0)
		assert_int_equal(last_us, text->lines[text->count - 1].time_us);
	check_piece(stream, text, 0, text->whole.size + 1);
	check_piece(stream, text, text->whole.size, 10);
	for (unsigned i = 0; i < pieces; i++)
		check_piece(stream, text, fixture_random_below(&random, text->whole.size + 1),
			(size_t)fixture_random_below(&random, i % 8 ? 3000 : 70000));
	change_stream_close(stream);
	store_abort(txn);
	free_text(text);
}

/* --- tables --- */

static void change_one(struct batch *batch, const struct table *table, uint64_t *random, int64_t time_us)
{
	char text[400];
	unsigned id = (unsigned)fixture_random_below(random, 12);
	if (fixture_random_below(random, 4) == 0) {
		snprintf(text, sizeof(text), "{'id':'%u'}", id);
		fixture_remove_in(batch, table, text, time_us);
		return;
	}
	snprintf(text, sizeof(text), "{'id':'%u','n':%u,'text':'%.*s'}", id,
		(unsigned)fixture_random_below(random, 1000), (int)fixture_random_below(random, 300),
		"Lorem ipsum dolor sit amet, consetetur sadipscing elitr, sed diam nonumy eirmod tempor invidunt ut "
		"labore et "
		"dolore magna aliquyam erat, sed diam voluptua. At vero eos et accusam et justo duo dolores et ea "
		"rebum. Stet "
		"clita kasd gubergren, no sea takimata sanctus est Lorem ipsum dolor sit amet. Lorem ipsum dolor sit "
		"amet.");
	fixture_put_in(batch, table, text, time_us);
}

/* Tables whose changes meet at the same times, many of them at one; the last of them shares the history of the first. */
static void fill(struct fixture *fixture, struct table tables[TABLES])
{
	uint64_t random = 7;
	struct batch *batch = fixture_begin(fixture);
	for (unsigned i = 0; i + 1 < TABLES; i++) {
		char name[16];
		snprintf(name, sizeof(name), "table-%u", i);
		fixture_create_in(batch, name, "id", NULL, NOON_US - 5 * HOUR, &tables[i]);
	}
	for (int64_t time_us = NOON_US - 3 * HOUR; time_us < NOON_US - HOUR;
		time_us += (int64_t)fixture_random_below(&random, 1000) * SECOND_US)
		for (unsigned i = 0; i + 1 < TABLES; i++)
			for (uint64_t left = fixture_random_below(&random, 4); left > 0; left--)
				change_one(batch, &tables[i], &random, time_us);
	for (unsigned i = 0; i + 1 < TABLES; i++)
		for (unsigned left = 100; left > 0; left--)
			change_one(batch, &tables[i], &random, NOON_US - HOUR);
	for (unsigned i = 0; i + 1 < TABLES; i++)
		change_one(batch, &tables[i], &random, NOON_US - 30 * 60 * SECOND_US);
	fixture_commit(batch);
	fixture_restore(fixture, &tables[0], 20, "shared", &tables[TABLES - 1]);
	for (unsigned left = 20; left > 0; left--) {
		clock_set(NOON_US + left * SECOND_US);
		batch = fixture_begin(fixture);
		change_one(batch, &tables[left % TABLES], &random, 0);
		fixture_commit(batch);
	}
	clock_set(NOON_US + HOUR);
}

static void free_tables(struct table *tables, size_t count)
{
	for (size_t i = 0; i < count; i++)
		table_free(&tables[i]);
}

static void test_any_piece_of_it(void **state)
{
	struct fixture *fixture = *state;
	struct table tables[TABLES];
	fill(fixture, tables);
	for (unsigned i = 0; i < TABLES; i++) {
		check_stream(fixture, &tables[i], tables, TABLES, NOON_US - 4 * HOUR, NOON_US + HOUR, 30);
		check_stream(fixture, &tables[i], tables, TABLES, NOON_US - 2 * HOUR, NOON_US - HOUR + 1, 10);
	}
	check_stream(fixture, NULL, tables, TABLES, NOON_US - 4 * HOUR, NOON_US + HOUR, 150);
	check_stream(fixture, NULL, tables, TABLES, NOON_US - HOUR, NOON_US, 100);
	check_stream(fixture, NULL, tables, TABLES, NOON_US, NOON_US + HOUR, 20);
	check_stream(fixture, NULL, tables, TABLES, NOON_US + HOUR, NOON_US + 2 * HOUR, 2);
	fixture_drop(fixture, &tables[1]);
	check_stream(fixture, NULL, tables, TABLES, NOON_US - 3 * HOUR, NOON_US + HOUR, 30);
	free_tables(tables, TABLES);
}

/* --- what leaves the window --- */

static uint64_t mark_of(struct fixture *fixture, const struct table *table, int64_t from_us, uint64_t *ret_size)
{
	struct store_txn *txn = fixture_read(fixture);
	struct change_stream *stream;
	assert_int_equal(change_stream_open(fixture->history, txn, table, from_us, from_us + HOUR, &stream), 0);
	uint64_t mark = change_stream_mark(stream);
	*ret_size = change_stream_size(stream);
	change_stream_close(stream);
	store_abort(txn);
	return mark;
}

static void set_period(struct fixture *fixture, struct table *table, int days)
{
	struct change_context context = { 0 };
	struct batch *batch = fixture_begin(fixture);
	assert_int_equal(table_set_recovery(batch, table, true, days, &context, NULL), 0);
	fixture_commit(batch);
	uint32_t number = table->number;
	struct store_txn *txn = fixture_read(fixture);
	table_free(table);
	assert_int_equal(table_load(txn, number, TIME_NOW, table), 0);
	store_abort(txn);
}

static void put_at(struct fixture *fixture, const struct table *table, unsigned id, int64_t time_us)
{
	char text[64];
	snprintf(text, sizeof(text), "{'id':'%u','at':%lld}", id, (long long)time_us);
	clock_set(time_us);
	fixture_put(fixture, table, text);
}

static void test_what_leaves_the_window(void **state)
{
	struct fixture *fixture = *state;
	struct table tables[2];
	uint64_t size, more, mark, other;
	fixture_create(fixture, "orders", NULL, &tables[0]);
	fixture_create(fixture, "others", NULL, &tables[1]);
	set_period(fixture, &tables[0], 1);
	for (unsigned i = 1; i < 10; i++)
		for (unsigned t = 0; t < 2; t++)
			put_at(fixture, &tables[t], i, NOON_US + i * 60 * SECOND_US);
	/* It grows at its end: the same text. */
	assert_int_equal(mark_of(fixture, &tables[0], NOON_US, &size), 0);
	put_at(fixture, &tables[0], 20, NOON_US + 30 * 60 * SECOND_US);
	assert_int_equal(mark_of(fixture, &tables[0], NOON_US, &more), 0);
	assert_true(more > size);
	assert_int_equal(mark_of(fixture, NULL, NOON_US, &size), 0);
	/* Then its beginning goes, step by step: another text each time. */
	clock_set(NOON_US + DAY_US + 3 * 60 * SECOND_US);
	mark = mark_of(fixture, &tables[0], NOON_US, &size);
	assert_true(mark != 0 && size < more && size > 0);
	check_stream(fixture, &tables[0], tables, 2, NOON_US, NOON_US + HOUR, 10);
	check_stream(fixture, NULL, tables, 2, NOON_US, NOON_US + HOUR, 20);
	assert_int_equal(mark_of(fixture, &tables[0], NOON_US, &size), mark);
	assert_int_not_equal(other = mark_of(fixture, NULL, NOON_US, &size), 0);
	clock_set(NOON_US + DAY_US + 4 * 60 * SECOND_US);
	assert_int_not_equal(mark_of(fixture, &tables[0], NOON_US, &size), mark);
	assert_int_not_equal(mark_of(fixture, NULL, NOON_US, &size), other);
	/* All of it has gone; the other table's is still there. */
	clock_set(NOON_US + DAY_US + HOUR);
	mark_of(fixture, &tables[0], NOON_US, &size);
	assert_int_equal(size, 0);
	other = mark_of(fixture, NULL, NOON_US, &size);
	check_stream(fixture, NULL, &tables[1], 1, NOON_US, NOON_US + HOUR, 10);
	/* Without the table that has ended, when its backup has expired. */
	fixture_drop(fixture, &tables[1]);
	mark = mark_of(fixture, NULL, NOON_US, &more);
	assert_int_equal(more, size);
	clock_set(NOON_US + 80 * DAY_US);
	while (retention_step(fixture->history, NULL, NULL) > 0)
		;
	mark_of(fixture, NULL, NOON_US, &size);
	assert_int_equal(size, 0);
	free_tables(tables, 2);
}

static void test_what_comes_in_between(void **state)
{
	struct fixture *fixture = *state;
	struct table orders, old;
	uint64_t size, more, mark, other;
	fixture_create(fixture, "orders", NULL, &orders);
	put_at(fixture, &orders, 1, NOON_US + SECOND_US);
	assert_int_equal(mark_of(fixture, NULL, NOON_US, &size), 0);
	put_at(fixture, &orders, 2, NOON_US + HOUR + SECOND_US);
	assert_int_equal(mark_of(fixture, NULL, NOON_US, &size), 0);
	put_at(fixture, &orders, 3, NOON_US + 2 * HOUR);
	mark = mark_of(fixture, NULL, NOON_US, &size);
	put_at(fixture, &orders, 4, NOON_US + 3 * HOUR);
	assert_int_equal(mark_of(fixture, NULL, NOON_US, &more), mark);
	assert_int_equal(size, more);
	/* A table with a past, and then more of it. */
	struct batch *batch = fixture_begin(fixture);
	fixture_create_in(batch, "old", "id", NULL, NOON_US, &old);
	fixture_put_in(batch, &old, "{'id':'1'}", NOON_US);
	fixture_commit(batch);
	other = mark_of(fixture, NULL, NOON_US, &more);
	assert_true(more > size && other != mark);
	batch = fixture_begin(fixture);
	fixture_put_in(batch, &old, "{'id':'2'}", NOON_US);
	fixture_commit(batch);
	assert_int_not_equal(mark_of(fixture, NULL, NOON_US, &size), other);
	assert_int_equal(mark_of(fixture, &orders, NOON_US, &size), 0);
	table_free(&orders);
	table_free(&old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_any_piece_of_it, set_up, fixture_end_test),
		cmocka_unit_test_setup_teardown(test_what_leaves_the_window, set_up, fixture_end_test),
		cmocka_unit_test_setup_teardown(test_what_comes_in_between, set_up, fixture_end_test),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
