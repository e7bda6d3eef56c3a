/* What it costs to list 1,000 live items of a table, with and without their contents, when many other keys lived and
 * died in it before them, after the instant looked at, or among them; and when each item has many versions.
 * QUICK=1 leaves out the million. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/item_json.h"
#include "tests/support/fixture.h"

#define START INT64_C(1740830400000000)
#define LIVE 1000
#define BATCH_CHANGES 20000
#define ROUNDS 20

enum when { BEFORE, AFTER, AMONG };

static const char *const when_texts[] = { "before", "after", "among" };

struct bench {
	struct fixture fixture;
	struct table table;
	struct batch *batch;
	uint64_t instant_seq, at_keys, killed, changes;
};

static double now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void count_change(struct bench *bench)
{
	if (++bench->changes % BATCH_CHANGES)
		return;
	fixture_commit(bench->batch);
	bench->batch = fixture_begin(&bench->fixture);
}

static void put(struct bench *bench, const char *kind, uint64_t i, uint64_t version)
{
	char text[200];
	snprintf(text, sizeof(text),
		"{'id':'%s-%llu','customer':'c%llu','total':%llu,'status':'shipped','lines':[1,2,3]}", kind,
		(unsigned long long)i, (unsigned long long)(i % 97), (unsigned long long)version);
	fixture_put_in(bench->batch, &bench->table, text, 0);
	count_change(bench);
}

static void put_live(struct bench *bench, uint64_t i)
{
	put(bench, "item", i, 0);
}

static void live_and_die(struct bench *bench)
{
	char key[64];
	uint64_t i = bench->killed++;
	put(bench, "other", i, 0);
	snprintf(key, sizeof(key), "{'id':'other-%llu'}", (unsigned long long)i);
	fixture_remove_in(bench->batch, &bench->table, key, 0);
	count_change(bench);
}

static uint64_t last_seq(struct bench *bench)
{
	struct log_entry last;
	return log_last(batch_txn(bench->batch), bench->table.number, &last) ? 0 : last.seq;
}

static void fill(struct bench *bench, uint64_t others, enum when when, uint64_t versions)
{
	bench->batch = fixture_begin(&bench->fixture);
	for (uint64_t i = 0; when == BEFORE && i < others; i++)
		live_and_die(bench);
	for (uint64_t i = 0; i < LIVE; i++) {
		put_live(bench, i);
		for (uint64_t j = 0; when == AMONG && j < others / LIVE; j++)
			live_and_die(bench);
	}
	for (uint64_t v = 1; v < versions; v++) {
		if (v == versions / 2)
			bench->instant_seq = last_seq(bench);
		for (uint64_t i = 0; i < LIVE; i++)
			put(bench, "item", i, v);
	}
	if (!bench->instant_seq)
		bench->instant_seq = last_seq(bench);
	for (uint64_t i = 0; when == AFTER && i < others; i++)
		live_and_die(bench);
	fixture_commit(bench->batch);
}

static uint64_t operations(struct bench *bench)
{
	struct store_counts counts;
	store_counts(history_store(bench->fixture.history), &counts);
	return counts.gets + counts.seeks + counts.steps;
}

static uint64_t list(struct store_txn *txn, const struct snapshot *snapshot, bool has_contents, struct buffer *content)
{
	struct snapshot_walk walk;
	struct node node;
	uint64_t count = 0;
	fixture_require(snapshot_walk_begin(&walk, txn, snapshot, 0, 0) == 0, "begin a listing", NULL);
	for (; snapshot_walk_next(&walk, &node) == 1; count++)
		if (has_contents)
			fixture_require(snapshot_content(txn, snapshot, node.number, content) == 0, "a content", NULL);
	snapshot_walk_end(&walk);
	return count;
}

/* Operations of one listing, and the time of the fastest. */
static void measure(struct bench *bench, bool has_contents, uint64_t *ret_operations, double *ret_us)
{
	struct snapshot snapshot = { bench->table.number, bench->instant_seq, 0 };
	struct store_txn *txn = fixture_read(&bench->fixture);
	struct buffer content = BUFFER_INIT;
	*ret_us = 1e18;
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t before = operations(bench);
		double began = now_us();
		uint64_t count = list(txn, &snapshot, has_contents, &content);
		double took = now_us() - began;
		fixture_require(count == LIVE, "a listing has another length", NULL);
		*ret_operations = operations(bench) - before;
		if (took < *ret_us)
			*ret_us = took;
	}
	buffer_free(&content);
	store_abort(txn);
}

static void run(uint64_t others, enum when when, uint64_t versions)
{
	struct bench bench = { 0 };
	uint64_t list_operations, read_operations, file_bytes, used_bytes;
	double list_us, read_us;
	clock_set(START);
	fixture_open(&bench.fixture);
	fixture_create(&bench.fixture, "orders", NULL, &bench.table);
	fill(&bench, others, when, versions);
	measure(&bench, false, &list_operations, &list_us);
	measure(&bench, true, &read_operations, &read_us);
	store_usage(history_store(bench.fixture.history), &file_bytes, &used_bytes);
	printf("%9llu %-7s %8llu %10llu %9.0f %10llu %9.0f %9.1f\n", (unsigned long long)others,
		others ? when_texts[when] : "-", (unsigned long long)versions, (unsigned long long)list_operations,
		list_us, (unsigned long long)read_operations, read_us, (double)used_bytes / 1e6);
	fflush(stdout);
	table_free(&bench.table);
	fixture_close(&bench.fixture);
}

int main(void)
{
	const char *quick = getenv("QUICK");
	bool is_quick = quick && !strcmp(quick, "1");
	uint64_t others[] = { 100000, 1000000 };
	printf("%9s %-7s %8s %10s %9s %10s %9s %9s\n", "others", "lived", "versions", "list: ops", "us", "read: ops",
		"us", "store MB");
	run(0, BEFORE, 1);
	for (unsigned i = 0; i < (is_quick ? 1 : 2); i++)
		for (unsigned when = BEFORE; when <= AMONG; when++)
			run(others[i], (enum when)when, 1);
	run(0, BEFORE, 10);
	run(0, BEFORE, is_quick ? 100 : 1000);
	return 0;
}
