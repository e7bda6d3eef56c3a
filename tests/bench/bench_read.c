/* Reading in core, hot: one item of many at an instant, and a whole listing, each beside raw LMDB in this process: a file of its own that
 * holds, for each item of the table, its key and its newest bytes, and nothing else. Items are read in random order, the same for both.
 *
 * BENCH_STORE names the directory of a store whose table `orders` has items order-%07d; without it a small one is made. */
#include <inttypes.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/item_json.h"
#include "tests/support/bench.h"
#include "tests/support/fixture.h"

#define START INT64_C(1740830400000000)
#define SMALL_ITEMS 20000
#define SMALL_VERSIONS 10
#define ROUND_READS 20000
#define ROUNDS_MAX 15
#define READ_LIMIT 3
#define LIST_LIMIT 4
#define RAW_MAP_BYTES (UINT64_C(1) << 36)

struct raw {
	char directory[256];
	MDB_env *env;
	MDB_dbi tree;
	MDB_txn *txn;
};

struct bench {
	struct fixture fixture; /* of the small store */
	struct history *history;
	struct table table;
	struct store_txn *txn;
	struct raw raw;
	struct snapshot past, newest;
	uint64_t items;
	uint64_t random;
	struct buffer keys[ROUND_READS]; /* encoded; names: what the raw file has them by */
	char names[ROUND_READS][16];
	struct buffer content, text;
	uint64_t sum; /* of something of everything that is read */
};

static void require(bool holds, const char *what)
{
	fixture_require(holds, what, NULL);
}

static void name_item(uint64_t i, char ret_name[16])
{
	snprintf(ret_name, 16, "order-%07" PRIu64, i);
}

/* --- The table ------------------------------------------------------------------------------------------------------ */

static void make_version(struct bench *bench, uint64_t version, uint64_t items)
{
	struct batch *batch = fixture_begin(&bench->fixture);
	char text[700], note[300], name[16];

	for (uint64_t i = 0; i < items; i++) {
		size_t size = 190 + i % 90;
		uint64_t random = i;

		for (size_t at = 0; at < size; at++)
			note[at] = "0123456789abcdef"[fixture_random_below(&random, 16)];
		name_item(i, name);
		snprintf(text, sizeof(text),
			"{'id':'%s','customer':'customer-%" PRIu64 "','lines':[%" PRIu64 ",%" PRIu64
			"],'note':'%.*s','paid':true,'shipping':{'city':'Springfield','method':'express'},'total':"
			"%" PRIu64 "}",
			name, i % 997, i, i * 3, (int)size, note, i * 137 + version);
		fixture_put_in(batch, &bench->table, text, 0);
	}
	fixture_commit(batch);
}

static void make_small_store(struct bench *bench)
{
	uint64_t items = bench_is_quick() ? SMALL_ITEMS / 10 : SMALL_ITEMS;

	clock_set(START);
	fixture_open(&bench->fixture);
	bench->history = bench->fixture.history;
	fixture_create(&bench->fixture, "orders", NULL, &bench->table);
	for (uint64_t version = 0; version < SMALL_VERSIONS; version++)
		make_version(bench, version, items);
}

static void open_store(struct bench *bench, const char *directory)
{
	struct history_options options = { .is_read_only = true };
	struct error error = { 0 };

	fixture_require(history_open(directory, &options, &bench->history, &error) == 0, "open the store", &error);
	require(store_begin(history_store(bench->history), false, &bench->txn) == 0, "begin to read");
	require(table_find(bench->txn, slice_of_text("orders"), TIME_NOW, &bench->table, NULL) == 0, "find the table");
	store_abort(bench->txn);
}

static void choose_snapshots(struct bench *bench)
{
	struct table_statistics statistics;

	require(table_statistics(bench->txn, bench->table.number, &statistics) == 0, "count the items");
	bench->items = statistics.items;
	bench->newest = snapshot_live(bench->table.number);
	bench->past = (struct snapshot){ .table = bench->table.number, .seq = statistics.seq / 2 };
}

/* --- The rival ------------------------------------------------------------------------------------------------------ */

static void raw_open(struct raw *raw)
{
	MDB_txn *txn;

	fixture_make_directory(raw->directory, sizeof(raw->directory));
	require(mdb_env_create(&raw->env) == 0 && mdb_env_set_mapsize(raw->env, RAW_MAP_BYTES) == 0 &&
			mdb_env_open(raw->env, raw->directory, MDB_NOSYNC | MDB_NOTLS, 0600) == 0,
		"open raw LMDB");
	require(mdb_txn_begin(raw->env, NULL, 0, &txn) == 0 && mdb_dbi_open(txn, NULL, 0, &raw->tree) == 0,
		"begin to fill raw LMDB");
	raw->txn = txn;
}

static void raw_add(struct bench *bench, const struct node *node)
{
	struct raw *raw = &bench->raw;
	char name[FILE_NAME_MAX + 1];
	int length = snapshot_name(&bench->table, node, name);
	MDB_val key = { (size_t)length - strlen(".json"), name };
	MDB_val value = { bench->content.size, bench->content.data };

	require(length > 0 && mdb_put(raw->txn, raw->tree, &key, &value, MDB_APPEND) == 0, "fill raw LMDB");
}

static void raw_fill(struct bench *bench)
{
	struct snapshot_walk walk;
	struct node node;

	raw_open(&bench->raw);
	require(snapshot_walk_begin(&walk, bench->txn, &bench->newest, 0, 0) == 0, "list");
	for (uint64_t i = 0; snapshot_walk_next(&walk, &node) == 1; i++) {
		require(snapshot_walk_content(&walk, &bench->content) == 0, "read an item");
		raw_add(bench, &node);
		bench_progress("filling raw LMDB", i, bench->items);
	}
	snapshot_walk_end(&walk);
	require(mdb_txn_commit(bench->raw.txn) == 0 &&
			mdb_txn_begin(bench->raw.env, NULL, MDB_RDONLY, &bench->raw.txn) == 0,
		"commit raw LMDB");
}

static void raw_close(struct raw *raw)
{
	mdb_txn_abort(raw->txn);
	mdb_env_close(raw->env);
	fixture_remove_directory(raw->directory);
}

static void raw_read(struct bench *bench, const char *name)
{
	MDB_val key = { strlen(name), (void *)(uintptr_t)name }, value;

	require(mdb_get(bench->raw.txn, bench->raw.tree, &key, &value) == 0, "mdb_get");
	bench->sum += value.mv_size + *(const uint8_t *)value.mv_data;
}

static void raw_scan(struct bench *bench)
{
	MDB_cursor *cursor;
	MDB_val key, value;

	require(mdb_cursor_open(bench->raw.txn, bench->raw.tree, &cursor) == 0, "mdb_cursor_open");
	while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0)
		bench->sum += value.mv_size + *(const uint8_t *)key.mv_data;
	mdb_cursor_close(cursor);
}

/* --- Measuring ------------------------------------------------------------------------------------------------------ */

struct costs {
	double ours[ROUNDS_MAX], theirs[ROUNDS_MAX], operations;
};

static double operations(const struct bench *bench)
{
	struct store_counts counts;

	store_counts(history_store(bench->history), &counts);
	return (double)(counts.gets + counts.seeks + counts.steps);
}

static void choose_keys(struct bench *bench)
{
	for (unsigned i = 0; i < ROUND_READS; i++) {
		char text[40];

		name_item(fixture_random_below(&bench->random, bench->items), bench->names[i]);
		snprintf(text, sizeof(text), "{'id':'%s'}", bench->names[i]);
		buffer_clear(&bench->keys[i]);
		fixture_key(&bench->table, text, &bench->keys[i]);
	}
}

static void tell(const char *measure, const char *rival, struct costs *costs, int rounds, uint64_t items, double limit)
{
	char counts[64];

	snprintf(counts, sizeof(counts), "%.2f operations/item", costs->operations / (double)items / rounds);
	bench_tell(&(struct bench_measure){ .group = "core",
		.measure = measure,
		.rival = rival,
		.unit = "us/item",
		.ours = bench_median(costs->ours, rounds) / (double)items,
		.theirs = bench_median(costs->theirs, rounds) / (double)items,
		.limit = limit,
		.counts = counts });
}

static int read_rounds(void)
{
	return bench_is_quick() ? 5 : ROUNDS_MAX;
}

static void measure_read(struct bench *bench, const struct snapshot *snapshot, const char *measure)
{
	struct costs costs = { 0 };
	struct node node;
	int rounds = read_rounds();

	for (int round = 0; round < rounds; round++) {
		choose_keys(bench);
		double before = operations(bench), began = bench_cpu_us();
		for (unsigned i = 0; i < ROUND_READS; i++) {
			require(snapshot_read(bench->txn, snapshot, buffer_slice(&bench->keys[i]), &node,
					&bench->content) == 0,
				"read an item");
			bench->sum += bench->content.size;
		}
		costs.ours[round] = bench_cpu_us() - began;
		costs.operations += operations(bench) - before;
		began = bench_cpu_us();
		for (unsigned i = 0; i < ROUND_READS; i++)
			raw_read(bench, bench->names[i]);
		costs.theirs[round] = bench_cpu_us() - began;
	}
	tell(measure, "mdb_get", &costs, rounds, ROUND_READS, READ_LIMIT);
}

enum depth { NAMES, CONTENTS, TEXTS };

static void list(struct bench *bench, const struct snapshot *snapshot, enum depth depth)
{
	struct item_order order = { .partition = slice_of_text("id") };
	struct snapshot_walk walk;
	struct node node;
	uint64_t count = 0;

	require(snapshot_walk_begin(&walk, bench->txn, snapshot, 0, 0) == 0, "list");
	for (; snapshot_walk_next(&walk, &node) == 1; count++) {
		bench->sum += node.version.plain_size;
		if (depth == NAMES)
			continue;
		require(snapshot_walk_content(&walk, &bench->content) == 0, "read an item");
		buffer_clear(&bench->text);
		if (depth == TEXTS)
			require(item_to_json(buffer_slice(&bench->content), ITEM_PLAIN, ITEM_PRETTY, &order,
					&bench->text) == 0,
				"render an item");
	}
	snapshot_walk_end(&walk);
	require(count == bench->items, "list every item");
}

static void measure_list(struct bench *bench, const struct snapshot *snapshot, enum depth depth, const char *measure)
{
	struct costs costs = { 0 };
	int rounds = bench_is_quick() ? 3 : 5;

	for (int round = 0; round < rounds; round++) {
		double before = operations(bench), began = bench_cpu_us();
		list(bench, snapshot, depth);
		costs.ours[round] = bench_cpu_us() - began;
		costs.operations += operations(bench) - before;
		began = bench_cpu_us();
		raw_scan(bench);
		costs.theirs[round] = bench_cpu_us() - began;
	}
	tell(measure, depth == NAMES ? "cursor scan" : NULL, &costs, rounds, bench->items,
		depth == NAMES ? LIST_LIMIT : 0);
}

int main(void)
{
	static struct bench bench;
	const char *directory = getenv("BENCH_STORE");

	if (directory != NULL)
		open_store(&bench, directory);
	else
		make_small_store(&bench);
	require(store_begin(history_store(bench.history), false, &bench.txn) == 0, "begin to read");
	choose_snapshots(&bench);
	raw_fill(&bench);
	list(&bench, &bench.past, CONTENTS);
	raw_scan(&bench);
	measure_read(&bench, &bench.newest, "read one item, newest");
	measure_read(&bench, &bench.past, "read one item, in the past");
	measure_list(&bench, &bench.newest, NAMES, "list, newest");
	measure_list(&bench, &bench.past, NAMES, "list, in the past");
	measure_list(&bench, &bench.past, CONTENTS, "list and read, in the past");
	measure_list(&bench, &bench.past, TEXTS, "list, read and render, in the past");
	raw_close(&bench.raw);
	store_abort(bench.txn);
	table_free(&bench.table);
	for (unsigned i = 0; i < ROUND_READS; i++)
		buffer_free(&bench.keys[i]);
	buffer_free(&bench.content);
	buffer_free(&bench.text);
	if (directory != NULL)
		history_close(bench.history);
	else
		fixture_close(&bench.fixture);
	return bench.sum == 0;
}
