/* What it costs to list 1,000 live items of a table and read them, when many other keys lived and died in it before them, after the instant looked
 * at, or among them, and when each item has many versions: beside a table that never had anything else. What is shown decides, not what was. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "tests/support/bench.h"
#include "tests/support/fixture.h"

#define START INT64_C(1740830400000000)
#define LIVE 1000
#define OTHERS 120000
#define VERSIONS 100
#define BATCH_CHANGES 20000
#define ROUNDS 21

enum when { BEFORE, AFTER, AMONG };

struct bench {
	struct fixture fixture;
	struct table table;
	struct batch *batch;
	uint64_t instant_seq, killed, changes;
	struct store_txn *txn;
	struct buffer content;
};

struct cost {
	double us, operations; /* an item */
};

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

static uint64_t operations(const struct bench *bench)
{
	struct store_counts counts;
	store_counts(history_store(bench->fixture.history), &counts);
	return counts.gets + counts.seeks + counts.steps;
}

static void list(struct bench *bench, bool has_contents)
{
	struct snapshot snapshot = { bench->table.number, bench->instant_seq, 0 };
	struct snapshot_walk walk;
	struct node node;
	uint64_t count = 0;
	fixture_require(snapshot_walk_begin(&walk, bench->txn, &snapshot, 0, 0) == 0, "begin a listing", NULL);
	for (; snapshot_walk_next(&walk, &node) == 1; count++)
		if (has_contents)
			fixture_require(snapshot_walk_content(&walk, &bench->content) == 0, "a content", NULL);
	snapshot_walk_end(&walk);
	fixture_require(count == LIVE, "a listing has another length", NULL);
}

static struct cost measure(struct bench *bench, bool has_contents)
{
	double times[ROUNDS];
	uint64_t before = operations(bench);
	for (int i = 0; i < ROUNDS; i++) {
		double began = bench_cpu_us();
		list(bench, has_contents);
		times[i] = bench_cpu_us() - began;
	}
	return (struct cost){ .us = bench_median(times, ROUNDS) / LIVE,
		.operations = (double)(operations(bench) - before) / ROUNDS / LIVE };
}

static void tell(const char *measure, const struct cost *cost, const struct cost *alone)
{
	char counts[64];
	snprintf(counts, sizeof(counts), "%.2f operations/item", cost->operations);
	bench_tell(&(struct bench_measure){ .group = "core",
		.measure = measure,
		.rival = alone ? "nothing else" : NULL,
		.unit = "us/item",
		.ours = cost->us,
		.theirs = alone ? alone->us : 0,
		.counts = counts });
}

/* Tells what listing and reading cost beside `alone`, two of them; they become these when there is nothing else yet. */
static void run(const char *what, uint64_t others, enum when when, uint64_t versions, struct cost alone[2])
{
	struct bench bench = { 0 };
	clock_set(START);
	fixture_open(&bench.fixture);
	fixture_create(&bench.fixture, "orders", NULL, &bench.table);
	fill(&bench, others, when, versions);
	bench.txn = fixture_read(&bench.fixture);
	for (unsigned i = 0; i < 2; i++) {
		struct cost cost = measure(&bench, i == 1);
		char name[100];
		snprintf(name, sizeof(name), "list%s 1,000, %s", i == 1 ? " and read" : "", what);
		tell(name, &cost, alone[i].us > 0 ? &alone[i] : NULL);
		if (alone[i].us == 0)
			alone[i] = cost;
	}
	store_abort(bench.txn);
	buffer_free(&bench.content);
	table_free(&bench.table);
	fixture_close(&bench.fixture);
}

int main(void)
{
	uint64_t others = bench_is_quick() ? OTHERS / 10 : OTHERS,
		 versions = bench_is_quick() ? VERSIONS / 4 : VERSIONS;
	struct cost alone[2] = { 0 };
	char many[40];
	run("nothing else", 0, BEFORE, 1, alone);
	run("many dead before them", others, BEFORE, 1, alone);
	run("many dead after the instant", others, AFTER, 1, alone);
	run("many dead among them", others, AMONG, 1, alone);
	snprintf(many, sizeof(many), "%" PRIu64 " versions each", versions);
	run(many, 0, BEFORE, versions, alone);
	return 0;
}
