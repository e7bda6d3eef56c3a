/* What a restore that shares its source's history costs of a table of 1,000,000 items (QUICK=1: 100,000), beside one of 1,000 by
 * turns: time, with its fsync, operations on the store, and pages written. What grows is the depth of the trees that are written to, by
 * a page each from a hundred times as many items on. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/restore.h"
#include "tests/support/bench.h"
#include "tests/support/fixture.h"

#define BATCH_CHANGES 20000
#define ROUNDS 31
#define PAGE_BYTES 4096u
#define PAGES_MAX 16u

struct bench {
	struct fixture fixture;
	struct table table;
	double us[ROUNDS], pages[ROUNDS], operations[ROUNDS];
};

/* By this process, so far. */
static uint64_t written_bytes(void)
{
	uint64_t bytes = 0;
	char line[128];
	FILE *file = fopen("/proc/self/io", "r");
	fixture_require(file != NULL, "read /proc/self/io", NULL);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "wchar: %" SCNu64, &bytes) == 1)
			break;
	fclose(file);
	return bytes;
}

static void fill(struct fixture *fixture, unsigned items, struct table *ret_table)
{
	fixture_create(fixture, "orders", NULL, ret_table);
	struct batch *batch = fixture_begin(fixture);
	for (unsigned i = 0; i < items; i++) {
		char text[200];
		snprintf(text, sizeof(text), "{'id':'item-%u','customer':'c%u','total':%u,'status':'shipped'}", i,
			i % 97, i);
		fixture_put_in(batch, ret_table, text, 0);
		if (i % BATCH_CHANGES == BATCH_CHANGES - 1) {
			fixture_commit(batch);
			bench_progress("items made", i + 1, items);
			batch = fixture_begin(fixture);
		}
	}
	fixture_commit(batch);
}

/* From here on commits are as durable as for users. */
static void reopen(struct fixture *fixture)
{
	struct history_options options = { 0 };
	struct error error = { 0 };
	history_close(fixture->history);
	fixture_require(history_open(fixture->directory, &options, &fixture->history, &error) == 0, "open", &error);
}

static uint64_t operations(struct fixture *fixture)
{
	struct store_counts counts;
	store_counts(history_store(fixture->history), &counts);
	return counts.gets + counts.seeks + counts.steps + counts.puts;
}

static void share(struct bench *bench, unsigned round)
{
	struct instant instant = { .kind = INSTANT_AT, .time_us = TIME_NOW };
	struct change_context context = { 0 };
	struct restore_source source;
	struct table restored;
	struct error error = { 0 };
	char name[32];
	snprintf(name, sizeof(name), "restored-%u", round);
	uint64_t bytes = written_bytes(), before = operations(&bench->fixture);
	double began = bench_now_us();
	struct batch *batch = fixture_begin(&bench->fixture);
	fixture_require(restore_source_at(bench->fixture.history, batch_txn(batch), &bench->table, &instant, &source,
				&error) == 0,
		"find the state", &error);
	fixture_require(restore_share(batch, &source, slice_of_text(name), NULL, &context, &restored, &error) == 0,
		"restore", &error);
	fixture_commit(batch);
	bench->us[round] = bench_now_us() - began;
	bench->pages[round] = (double)(written_bytes() - bytes) / PAGE_BYTES;
	bench->operations[round] = (double)(operations(&bench->fixture) - before);
	restore_source_free(&source);
	table_free(&restored);
}

static void make(struct bench *bench, unsigned items)
{
	fixture_open(&bench->fixture);
	fill(&bench->fixture, items, &bench->table);
	reopen(&bench->fixture);
}

static void discard(struct bench *bench)
{
	table_free(&bench->table);
	fixture_close(&bench->fixture);
}

static void tell(struct bench *small, struct bench *large, const char *items)
{
	char name[80], counts[120];
	double small_pages = bench_median(small->pages, ROUNDS), large_pages = bench_median(large->pages, ROUNDS);
	snprintf(name, sizeof(name), "instant restore of %s items", items);
	snprintf(counts, sizeof(counts), "%.0f operations, %.0f pages; %.0f, %.0f",
		bench_median(large->operations, ROUNDS), large_pages, bench_median(small->operations, ROUNDS),
		small_pages);
	struct bench_measure time = { .group = "store",
		.measure = name,
		.rival = "the same of 1,000",
		.unit = "us",
		.ours = bench_median(large->us, ROUNDS),
		.theirs = bench_median(small->us, ROUNDS),
		.bound = BENCH_AT_MOST,
		.limit = 1.5,
		.counts = counts };
	bench_tell(&time);
	snprintf(name, sizeof(name), "written by it, %s items", items);
	struct bench_measure pages = { .group = "store",
		.measure = name,
		.unit = "pages",
		.ours = large_pages,
		.bound = BENCH_AT_MOST,
		.limit = PAGES_MAX };
	bench_tell(&pages);
}

int main(void)
{
	static struct bench small, large;
	make(&small, 1000);
	make(&large, bench_is_quick() ? 100000 : 1000000);
	for (unsigned i = 0; i < ROUNDS; i++) {
		share(&large, i);
		share(&small, i);
	}
	tell(&small, &large, bench_is_quick() ? "100,000" : "1,000,000");
	discard(&small);
	discard(&large);
	return 0;
}
