/* What questions about the past cost, in operations on the store and in time, on the shared store (BENCH_STORE; one of 100,000 items is made
 * without), and on one of the same span of time with a hundredth of its items and changes (a tenth, when that would be too few). The operations
 * must be nearly the same: what is shown decides, not how long the history is; otherwise the exit status is 1. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/change_filter.h"
#include "core/change_stream.h"
#include "core/clock.h"
#include "core/difference.h"
#include "core/gone.h"
#include "core/keys.h"
#include "core/log.h"
#include "core/periods.h"
#include "core/versions.h"
#include "tests/support/bench.h"
#include "tests/support/bench_store.h"
#include "tests/support/fixture.h"

#define ITEMS 100000
#define SMALL_ITEMS_MIN 2000
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

/* --- The stores ----------------------------------------------------------------------------------------------------- */

static void prepare(struct bench *bench)
{
	struct history_options options = { .is_read_only = true };
	struct table_statistics statistics;
	struct error error = { 0 };
	struct log_entry entry;
	char text[64];
	fixture_require(history_open(bench->fixture.directory, &options, &bench->fixture.history, &error) == 0,
		"open a store", &error);
	bench->txn = fixture_read(&bench->fixture);
	fixture_require(
		table_find(bench->txn, slice_of_text("orders"), TIME_NOW, &bench->table, &error) == 0, "find", &error);
	fixture_require(table_statistics(bench->txn, bench->table.number, &statistics) == 0, "count", NULL);
	bench->items = statistics.items;
	bench->changes = statistics.seq;
	bench->middle = bench->changes / 2;
	fixture_require(reach_of(bench->fixture.history, bench->txn, &bench->table, &bench->reach) == 0, "reach", NULL);
	fixture_require(log_get(bench->txn, bench->table.number, bench->middle, &entry) == 0, "the middle", NULL);
	bench->middle_us = entry.time_us;
	snprintf(text, sizeof(text), "{'id':'order-%07" PRIu64 "'}", bench->items / 2 + 1);
	fixture_key(&bench->table, text, &bench->key);
}

static void leave(struct bench *bench)
{
	store_abort(bench->txn);
	table_free(&bench->table);
	buffer_free(&bench->key);
	history_close(bench->fixture.history);
}

/* A store of one's own, in a directory in `parent`. */
static void make(struct bench *bench, const char *parent, const char *name, uint64_t items, int64_t step_us)
{
	snprintf(bench->fixture.directory, sizeof(bench->fixture.directory), "%.200s/%s", parent, name);
	bench_store_make(bench->fixture.directory, items, step_us);
	prepare(bench);
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

static void measure(struct bench *bench, struct cost costs[QUESTIONS])
{
	double times[ROUNDS];
	for (unsigned i = 0; i < QUESTIONS; i++) {
		for (unsigned round = 0; round < ROUNDS; round++) {
			uint64_t before = operations(bench);
			double began = bench_now_us();
			costs[i].shown = questions[i].ask(bench);
			times[round] = bench_now_us() - began;
			costs[i].operations = operations(bench) - before;
		}
		costs[i].us = bench_median(times, ROUNDS);
	}
}

/* Times are looked up by halving, which takes a few more steps in a longer log. */
static bool has_grown(const struct cost *small, const struct cost *large)
{
	return large->operations > small->operations * 3 / 2 + 24;
}

static void tell(const struct question *question, const struct cost *small, const struct cost *large, const char *rival)
{
	char name[80], counts[120];
	snprintf(name, sizeof(name), "%s (%" PRIu64 " %s)", question->name, large->shown, question->unit);
	snprintf(counts, sizeof(counts), "%" PRIu64 " operations; %" PRIu64, large->operations, small->operations);
	struct bench_measure told = { .group = "core",
		.measure = name,
		.rival = rival,
		.unit = "us",
		.ours = large->us,
		.theirs = small->us,
		.bound = BENCH_AT_MOST,
		.counts = counts };
	bench_tell(&told);
}

/* All together; one by one they are held against each other by has_grown. */
static void tell_sum(const struct cost *small, const struct cost *large, const char *rival)
{
	struct bench_measure sum = { .group = "core",
		.measure = "questions about the past",
		.rival = rival,
		.unit = "operations",
		.bound = BENCH_AT_MOST,
		.limit = 1.5 };
	for (unsigned i = 0; i < QUESTIONS; i++) {
		sum.ours += (double)large[i].operations;
		sum.theirs += (double)small[i].operations;
	}
	bench_tell(&sum);
}

static bool compare(struct bench *small, struct bench *large)
{
	struct cost small_costs[QUESTIONS], large_costs[QUESTIONS];
	bool is_good = true;
	char rival[80];
	measure(large, large_costs);
	measure(small, small_costs);
	printf("%" PRIu64 " items and %" PRIu64 " changes beside %" PRIu64 " and %" PRIu64 "\n", large->items,
		large->changes, small->items, small->changes);
	snprintf(rival, sizeof(rival), "1/%" PRIu64 " of the changes", large->items / small->items);
	for (unsigned i = 0; i < QUESTIONS; i++) {
		tell(&questions[i], &small_costs[i], &large_costs[i], rival);
		if (has_grown(&small_costs[i], &large_costs[i])) {
			printf("%s: operations grow with the table\n", questions[i].name);
			is_good = false;
		}
	}
	tell_sum(small_costs, large_costs, rival);
	return is_good;
}

int main(void)
{
	struct bench small = { 0 }, large = { 0 };
	const char *shared = getenv("BENCH_STORE");
	char directory[256];
	fixture_make_directory(directory, sizeof(directory));
	if (shared) {
		snprintf(large.fixture.directory, sizeof(large.fixture.directory), "%s", shared);
		prepare(&large);
	} else {
		make(&large, directory, "large", ITEMS, BENCH_STORE_STEP_US);
	}
	uint64_t items = large.items / 100 < SMALL_ITEMS_MIN ? large.items / 10 : large.items / 100;
	make(&small, directory, "small", items, BENCH_STORE_STEP_US * (int64_t)(large.items / items));
	bool is_good = compare(&small, &large);
	leave(&small);
	leave(&large);
	fixture_remove_directory(directory);
	return is_good ? 0 : 1;
}
