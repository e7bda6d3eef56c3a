/* What questions about the past cost, in operations on the store and in time, on a table of ITEMS items and CHANGES changes, and on one of a
 * hundredth of both: bench_forensics [ITEMS [CHANGES]]. The operations must be nearly the same: what is shown decides, not how long the
 * history is; otherwise the exit status is 1. QUICK=1 measures with a hundredth. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/change_filter.h"
#include "core/change_stream.h"
#include "core/clock.h"
#include "core/difference.h"
#include "core/gone.h"
#include "core/keys.h"
#include "core/log.h"
#include "core/periods.h"
#include "core/versions.h"
#include "tests/support/fixture.h"

#define START INT64_C(1577836800000000) /* 2020-01-01 */
#define STEP_US (10 * SECOND_US)        /* between changes: 360 an hour */
#define BATCH_CHANGES 50000
#define PAGE 100
#define STRETCH 100
#define TEXT_BYTES 65536
#define ROUNDS 5
#define QUESTIONS 9

struct bench {
	struct fixture fixture;
	struct table table;
	struct reach reach;
	struct store_txn *txn;
	struct buffer key;               /* of an item in the middle, with all its versions */
	uint64_t items, changes, middle; /* middle: a change number */
	int64_t middle_us;
};

struct cost {
	uint64_t operations, shown;
	double us;
};

static double now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* --- Making the table ----------------------------------------------------------------------------------------------- */

static void show_progress(const struct bench *bench, uint64_t done)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[Kmaking %llu of %llu changes", (unsigned long long)done,
			(unsigned long long)bench->changes);
}

/* Version after version of all items, so that those of one lie far apart. */
static void fill(struct bench *bench)
{
	struct batch *batch = fixture_begin(&bench->fixture);
	char text[160];
	int64_t at = START;
	for (uint64_t i = 0; i < bench->changes; i++, at += STEP_US) {
		snprintf(text, sizeof(text), "{'id':'%08llu','customer':'c%llu','total':%llu,'status':'shipped'}",
			(unsigned long long)(i % bench->items), (unsigned long long)(i % 97),
			(unsigned long long)(i / bench->items));
		fixture_put_in(batch, &bench->table, text, at);
		if (i % BATCH_CHANGES == BATCH_CHANGES - 1) {
			fixture_commit(batch);
			show_progress(bench, i + 1);
			batch = fixture_begin(&bench->fixture);
		}
	}
	for (uint64_t i = 0; i < PAGE; i++, at += STEP_US) {
		snprintf(text, sizeof(text), "{'id':'%08llu'}", (unsigned long long)(i * (bench->items / PAGE)));
		fixture_remove_in(batch, &bench->table, text, at);
	}
	fixture_commit(batch);
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

/* A table that keeps all of its history. */
static void make(struct bench *bench)
{
	struct change_context context = { 0 };
	struct error error = { 0 };
	struct log_entry entry;
	char text[64];
	clock_set(START + (int64_t)(bench->changes + PAGE + 1) * STEP_US);
	fixture_open(&bench->fixture);
	struct batch *batch = fixture_begin(&bench->fixture);
	fixture_create_in(batch, "orders", "id", NULL, START, &bench->table);
	fixture_require(table_set_recovery(batch, &bench->table, true, 0, &context, &error) == 0, "keep all", &error);
	fixture_commit(batch);
	struct store_txn *txn = fixture_read(&bench->fixture);
	table_free(&bench->table);
	fixture_require(table_find(txn, slice_of_text("orders"), TIME_NOW, &bench->table, &error) == 0, "find", &error);
	store_abort(txn);
	fill(bench);
	bench->txn = fixture_read(&bench->fixture);
	bench->middle = bench->changes / 2;
	fixture_require(reach_of(bench->fixture.history, bench->txn, &bench->table, &bench->reach) == 0, "reach", NULL);
	fixture_require(log_get(bench->txn, bench->table.number, bench->middle, &entry) == 0, "the middle", NULL);
	bench->middle_us = entry.time_us;
	snprintf(text, sizeof(text), "{'id':'%08llu'}", (unsigned long long)(bench->items / 2 + 1));
	fixture_key(&bench->table, text, &bench->key);
}

static void discard(struct bench *bench)
{
	store_abort(bench->txn);
	table_free(&bench->table);
	buffer_free(&bench->key);
	fixture_close(&bench->fixture);
}

/* --- Questions: each returns how much it has shown ------------------------------------------------------------------ */

static uint64_t list_deleted(struct bench *bench)
{
	struct gone_walk walk;
	struct gone gone;
	uint64_t count = 0;
	fixture_require(gone_walk_begin(&walk, bench->txn, &bench->table, &bench->reach, (struct slice){ 0 }, 0) == 0,
		"begin deleted", NULL);
	while (count < PAGE && gone_walk_next(&walk, &gone) == 1)
		count++;
	gone_walk_end(&walk);
	return count;
}

static uint64_t list_versions(struct bench *bench)
{
	struct node node;
	struct node_place place;
	struct slice key = buffer_slice(&bench->key);
	uint64_t count = 0;
	int r = versions_first(bench->txn, bench->table.number, key, &bench->reach, &node, &place);
	for (; r == 0; count++)
		r = versions_after(bench->txn, bench->table.number, key, node.version.seq, &node, &place);
	return count;
}

static uint64_t list_history(struct bench *bench)
{
	struct keys_walk walk;
	struct node node;
	uint64_t count = 0;
	fixture_require(keys_begin(&walk, bench->txn, &bench->table, &bench->reach, (struct slice){ 0 }, 0) == 0,
		"begin history", NULL);
	while (count < PAGE && keys_next(&walk, &node) == 1)
		count++;
	keys_end(&walk);
	return count;
}

static uint64_t diff(struct bench *bench)
{
	struct difference_walk walk;
	struct difference difference;
	uint64_t count = 0;
	fixture_require(difference_begin(
				&walk, bench->txn, bench->table.number, bench->middle, bench->middle + STRETCH, 0) == 0,
		"begin a diff", NULL);
	while (difference_next(&walk, &difference) == 1)
		count++;
	difference_end(&walk);
	return count;
}

static uint64_t list_periods(struct bench *bench, int64_t length_us)
{
	struct periods *periods;
	uint64_t count = 0;
	int64_t at = bench->middle_us;
	fixture_require(
		periods_open(bench->fixture.history, bench->txn, &bench->table, &periods) == 0, "periods", NULL);
	while (count < 3 && periods_next(periods, at, &at) == 0) {
		at = (at / length_us + 1) * length_us;
		count++;
	}
	periods_close(periods);
	return count;
}

static uint64_t list_hours(struct bench *bench)
{
	return list_periods(bench, HOUR_US);
}

static uint64_t list_seconds(struct bench *bench)
{
	return list_periods(bench, SECOND_US);
}

static struct change_stream *open_hour(struct bench *bench)
{
	struct change_stream *stream;
	int64_t from_us = bench->middle_us / HOUR_US * HOUR_US;
	fixture_require(change_stream_open(bench->fixture.history, bench->txn, &bench->table, from_us,
				from_us + HOUR_US, &stream) == 0,
		"open an hour", NULL);
	return stream;
}

static uint64_t size_of_hour(struct bench *bench)
{
	struct change_stream *stream = open_hour(bench);
	uint64_t size = change_stream_size(stream);
	change_stream_close(stream);
	return size;
}

static uint64_t read_hour(struct bench *bench)
{
	struct change_stream *stream = open_hour(bench);
	struct buffer text = BUFFER_INIT;
	fixture_require(change_stream_read(stream, change_stream_size(stream) / 2, TEXT_BYTES, &text) == 0,
		"read an hour", NULL);
	uint64_t size = text.size;
	buffer_free(&text);
	change_stream_close(stream);
	return size;
}

static uint64_t log_of_item(struct bench *bench)
{
	struct change_filter filter = {
		.from_us = INT64_MIN, .to_us = INT64_MAX, .encoded_key = buffer_slice(&bench->key)
	};
	struct change_walk *walk;
	const struct change *change;
	struct error error = { 0 };
	uint64_t count = 0;
	int r = change_walk_begin(
		bench->txn, &bench->table, &bench->reach, &filter, /* is_newest_first= */ true, &walk, &error);
	fixture_require(r == 0, "begin a log", &error);
	while (change_walk_next(walk, &change) == 1)
		count++;
	change_walk_end(walk);
	return count;
}

static const struct question {
	const char *name, *unit;
	uint64_t (*ask)(struct bench *bench);
} questions[QUESTIONS] = { { "a page of deleted/", "items", list_deleted },
	{ "history/ of one item", "versions", list_versions }, { "a page of history/", "keys", list_history },
	{ "diff over 100 changes", "items", diff }, { "hours of the calendar", "hours", list_hours },
	{ "seconds of the calendar", "seconds", list_seconds }, { "size of an hour's changes", "bytes", size_of_hour },
	{ "64 KB of an hour's changes", "bytes", read_hour }, { "log of one item", "changes", log_of_item } };

/* --- Measuring ------------------------------------------------------------------------------------------------------ */

static uint64_t operations(struct bench *bench)
{
	struct store_counts counts;
	store_counts(history_store(bench->fixture.history), &counts);
	return counts.gets + counts.seeks + counts.steps;
}

static void measure(uint64_t items, uint64_t changes, struct cost costs[QUESTIONS])
{
	struct bench bench = { .items = items, .changes = changes };
	uint64_t file_bytes, used_bytes;
	double began = now_us();
	make(&bench);
	store_usage(history_store(bench.fixture.history), &file_bytes, &used_bytes);
	printf("%llu items, %llu changes: made in %.0f s, %.0f MB\n", (unsigned long long)items,
		(unsigned long long)changes, (now_us() - began) / 1e6, (double)used_bytes / 1e6);
	fflush(stdout);
	for (unsigned i = 0; i < QUESTIONS; i++) {
		costs[i].us = 1e18;
		for (unsigned round = 0; round < ROUNDS; round++) {
			uint64_t before = operations(&bench);
			began = now_us();
			costs[i].shown = questions[i].ask(&bench);
			double took = now_us() - began;
			costs[i].operations = operations(&bench) - before;
			costs[i].us = took < costs[i].us ? took : costs[i].us;
		}
	}
	discard(&bench);
}

/* Times are looked up by halving, which takes a few more steps in a longer log. */
static bool has_grown(const struct cost *small, const struct cost *large)
{
	return large->operations > small->operations * 3 / 2 + 24;
}

int main(int argc, char **argv)
{
	const char *quick = getenv("QUICK");
	uint64_t share = quick && strcmp(quick, "1") == 0 ? 100 : 1;
	uint64_t items = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000 / share;
	uint64_t changes = argc > 2 ? strtoull(argv[2], NULL, 10) : items * 10;
	struct cost small[QUESTIONS], large[QUESTIONS];
	bool is_good = true;
	fixture_require(items / 100 >= PAGE && changes / items > 0, "10000 items or more, and as many changes", NULL);
	measure(items / 100, changes / 100, small);
	measure(items, changes, large);
	printf("%-28s %9s %-9s %10s %10s %6s %10s %10s\n", "", "shown", "", "small: ops", "large: ops", "ratio",
		"small: us", "large: us");
	for (unsigned i = 0; i < QUESTIONS; i++) {
		bool is_grown = has_grown(&small[i], &large[i]);
		is_good = is_good && !is_grown;
		printf("%-28s %9llu %-9s %10llu %10llu %6.2f %10.0f %10.0f%s\n", questions[i].name,
			(unsigned long long)large[i].shown, questions[i].unit, (unsigned long long)small[i].operations,
			(unsigned long long)large[i].operations,
			(double)large[i].operations / (double)(small[i].operations ? small[i].operations : 1),
			small[i].us, large[i].us, is_grown ? "  <- grows with the table" : "");
	}
	return is_good ? 0 : 1;
}
