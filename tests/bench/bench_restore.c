/* What a restore that shares its source's history costs, by the size of the table: time, with its fsync, and pages
 * written. QUICK=1 leaves out the million. The targets are 10 ms and 16 pages, which are 64 KiB: what grows is the depth
 * of the trees that are written to, by a page each from a hundred times as many items on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/restore.h"
#include "tests/support/fixture.h"

#define BATCH_CHANGES 20000
#define ROUNDS 15
#define MS_MAX 10.0
#define PAGE_BYTES 4096u
#define PAGES_MAX 16u

static double now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* By this process, so far. */
static unsigned long long written_bytes(void)
{
	unsigned long long bytes = 0;
	char line[128];
	FILE *file = fopen("/proc/self/io", "r");
	fixture_require(file != NULL, "read /proc/self/io", NULL);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "wchar: %llu", &bytes) == 1)
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

struct cost {
	double ms;
	unsigned long long pages;
};

static struct cost share(struct fixture *fixture, const struct table *table, unsigned round)
{
	struct instant instant = { .kind = INSTANT_AT, .time_us = TIME_NOW };
	struct change_context context = { 0 };
	struct restore_source source;
	struct table restored;
	struct error error = { 0 };
	char name[32];
	snprintf(name, sizeof(name), "restored-%u", round);
	unsigned long long bytes = written_bytes();
	double began = now_ms();
	struct batch *batch = fixture_begin(fixture);
	fixture_require(restore_source_at(fixture->history, batch_txn(batch), table, &instant, &source, &error) == 0,
		"find the state", &error);
	fixture_require(restore_share(batch, &source, slice_of_text(name), NULL, &context, &restored, &error) == 0,
		"restore", &error);
	fixture_commit(batch);
	struct cost cost = { now_ms() - began, (written_bytes() - bytes) / PAGE_BYTES };
	restore_source_free(&source);
	table_free(&restored);
	return cost;
}

static int compare_times(const void *a, const void *b)
{
	double x = ((const struct cost *)a)->ms, y = ((const struct cost *)b)->ms;
	return x < y ? -1 : x > y;
}

static int compare_pages(const void *a, const void *b)
{
	unsigned long long x = ((const struct cost *)a)->pages, y = ((const struct cost *)b)->pages;
	return x < y ? -1 : x > y;
}

static void measure(unsigned items)
{
	struct fixture fixture = { 0 };
	struct table table;
	struct cost costs[ROUNDS];
	fixture_open(&fixture);
	fill(&fixture, items, &table);
	reopen(&fixture);
	for (unsigned i = 0; i < ROUNDS; i++)
		costs[i] = share(&fixture, &table, i);
	qsort(costs, ROUNDS, sizeof(costs[0]), compare_times);
	double ms = costs[ROUNDS / 2].ms;
	printf("%8u items: %.2f ms (%.2f to %.2f)%s, ", items, ms, costs[0].ms, costs[ROUNDS - 1].ms,
		ms > MS_MAX ? "  <- more than wanted" : "");
	qsort(costs, ROUNDS, sizeof(costs[0]), compare_pages);
	unsigned long long pages = costs[ROUNDS / 2].pages;
	printf("%llu pages (%llu to %llu)%s\n", pages, costs[0].pages, costs[ROUNDS - 1].pages,
		pages > PAGES_MAX ? "  <- more than wanted" : "");
	fflush(stdout);
	table_free(&table);
	fixture_close(&fixture);
}

int main(void)
{
	bool is_quick = getenv("QUICK") != NULL;
	measure(1000);
	measure(100000);
	if (!is_quick)
		measure(1000000);
	return 0;
}
