/* Reading in core, hot: one item of many at an instant, and a whole listing, each beside raw LMDB in this process. There are two rivals:
 * the same records, that is one mdb_get of the record that holds the item in the store's own file, whose key is known beforehand, and a scan
 * of all these records; and the plain file, another LMDB file that holds for each item its key and its newest bytes, and no history.
 * Each read leaves the bytes in a buffer of the reader's. Items are read in random order, the same for all, and who begins takes turns.
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

#define RECORD_KEY_MAX 32

struct raw {
	char directory[256]; /* of the plain file */
	MDB_env *env;
	MDB_dbi tree;
	MDB_txn *txn;
};

enum rival { SAME_RECORDS, PLAIN_FILE };

static const char *const get_names[] = { "mdb_get of the record", "mdb_get, plain file" };
static const char *const scan_names[] = { "cursor scan of the records", "cursor scan, plain file" };

struct bench {
	struct fixture fixture; /* of the small store */
	struct history *history;
	struct table table;
	struct store_txn *txn;
	struct raw same, plain;
	struct snapshot past, newest;
	uint64_t items;
	uint64_t random;
	struct buffer keys[ROUND_READS]; /* encoded; names: the plain file's keys; records: the store's */
	char names[ROUND_READS][16];
	uint8_t records[ROUND_READS][RECORD_KEY_MAX];
	size_t record_sizes[ROUND_READS];
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

/* Another look at the store's file, which nobody writes to meanwhile. */
static void same_open(struct bench *bench)
{
	struct raw *raw = &bench->same;

	require(mdb_env_create(&raw->env) == 0 && mdb_env_set_mapsize(raw->env, RAW_MAP_BYTES) == 0 &&
			mdb_env_set_maxdbs(raw->env, 1) == 0 &&
			mdb_env_open(raw->env, history_directory(bench->history), MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS,
				0600) == 0,
		"open the store with raw LMDB");
	require(mdb_txn_begin(raw->env, NULL, MDB_RDONLY, &raw->txn) == 0 &&
			mdb_dbi_open(raw->txn, "versions", 0, &raw->tree) == 0,
		"open the versions with raw LMDB");
}

static void plain_open(struct raw *raw)
{
	fixture_make_directory(raw->directory, sizeof(raw->directory));
	require(mdb_env_create(&raw->env) == 0 && mdb_env_set_mapsize(raw->env, RAW_MAP_BYTES) == 0 &&
			mdb_env_open(raw->env, raw->directory, MDB_NOSYNC | MDB_NOTLS, 0600) == 0,
		"open the plain file");
	require(mdb_txn_begin(raw->env, NULL, 0, &raw->txn) == 0 && mdb_dbi_open(raw->txn, NULL, 0, &raw->tree) == 0,
		"begin to fill the plain file");
}

static void plain_add(struct bench *bench, const struct node *node)
{
	struct raw *raw = &bench->plain;
	char name[FILE_NAME_MAX + 1];
	int length = snapshot_name(&bench->table, node, name);
	MDB_val key = { (size_t)length - strlen(".json"), name };
	MDB_val value = { bench->content.size, bench->content.data };

	require(length > 0 && mdb_put(raw->txn, raw->tree, &key, &value, MDB_APPEND) == 0, "fill the plain file");
}

static void plain_fill(struct bench *bench)
{
	struct snapshot_walk walk;
	struct node node;

	plain_open(&bench->plain);
	require(snapshot_walk_begin(&walk, bench->txn, &bench->newest, 0, 0) == 0, "list");
	for (uint64_t i = 0; snapshot_walk_next(&walk, &node) == 1; i++) {
		require(snapshot_walk_content(&walk, &bench->content) == 0, "read an item");
		plain_add(bench, &node);
		bench_progress("filling the plain file", i, bench->items);
	}
	snapshot_walk_end(&walk);
	require(mdb_txn_commit(bench->plain.txn) == 0 &&
			mdb_txn_begin(bench->plain.env, NULL, MDB_RDONLY, &bench->plain.txn) == 0,
		"commit the plain file");
}

static void raw_close(struct raw *raw)
{
	mdb_txn_abort(raw->txn);
	mdb_env_close(raw->env);
	if (raw->directory[0] != '\0')
		fixture_remove_directory(raw->directory);
}

static void raw_get(struct bench *bench, const struct raw *raw, const void *bytes, size_t size)
{
	MDB_val key = { size, (void *)(uintptr_t)bytes }, value;

	require(mdb_get(raw->txn, raw->tree, &key, &value) == 0, "mdb_get");
	buffer_clear(&bench->text);
	buffer_append(&bench->text, value.mv_data, value.mv_size);
	bench->sum += bench->text.size;
}

static void get_all(struct bench *bench, enum rival rival)
{
	for (unsigned i = 0; i < ROUND_READS; i++)
		if (rival == PLAIN_FILE)
			raw_get(bench, &bench->plain, bench->names[i], strlen(bench->names[i]));
		else
			raw_get(bench, &bench->same, bench->records[i], bench->record_sizes[i]);
}

static void scan_all(struct bench *bench, enum rival rival)
{
	const struct raw *raw = rival == PLAIN_FILE ? &bench->plain : &bench->same;
	MDB_cursor *cursor;
	MDB_val key, value;

	require(mdb_cursor_open(raw->txn, raw->tree, &cursor) == 0, "mdb_cursor_open");
	for (uint64_t i = 0; i < bench->items && mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0; i++)
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

static void choose_key(struct bench *bench, const struct snapshot *snapshot, unsigned i)
{
	struct node_place place;
	struct node node;
	char text[40];

	name_item(fixture_random_below(&bench->random, bench->items), bench->names[i]);
	snprintf(text, sizeof(text), "{'id':'%s'}", bench->names[i]);
	buffer_clear(&bench->keys[i]);
	fixture_key(&bench->table, text, &bench->keys[i]);
	require(node_find(bench->txn, snapshot->table, buffer_slice(&bench->keys[i]), snapshot->seq, &node, &place) ==
				0 &&
			place.key.size <= RECORD_KEY_MAX,
		"find an item");
	memcpy(bench->records[i], place.key.data, place.key.size);
	bench->record_sizes[i] = place.key.size;
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

static void read_all(struct bench *bench, const struct snapshot *snapshot)
{
	struct node node;

	for (unsigned i = 0; i < ROUND_READS; i++) {
		require(snapshot_read(bench->txn, snapshot, buffer_slice(&bench->keys[i]), &node, &bench->content) == 0,
			"read an item");
		bench->sum += bench->content.size;
	}
}

/* The one or the other first. */
static void read_round(
	struct bench *bench, const struct snapshot *snapshot, enum rival rival, int round, struct costs *costs)
{
	for (unsigned i = 0; i < ROUND_READS; i++)
		choose_key(bench, snapshot, i);
	for (int turn = round; turn < round + 2; turn++) {
		double before = operations(bench), began = bench_cpu_us();
		if (turn % 2 == 0)
			read_all(bench, snapshot);
		else
			get_all(bench, rival);
		(turn % 2 == 0 ? costs->ours : costs->theirs)[round] = bench_cpu_us() - began;
		costs->operations += operations(bench) - before;
	}
}

static void measure_read(
	struct bench *bench, const struct snapshot *snapshot, enum rival rival, const char *measure, double limit)
{
	struct costs costs = { 0 };
	int rounds = bench_is_quick() ? 4 : ROUNDS_MAX;

	for (int round = 0; round < rounds; round++)
		read_round(bench, snapshot, rival, round, &costs);
	tell(measure, get_names[rival], &costs, rounds, ROUND_READS, limit);
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

static void measure_list(
	struct bench *bench, const struct snapshot *snapshot, enum rival rival, const char *measure, double limit)
{
	struct costs costs = { 0 };
	int rounds = bench_is_quick() ? 2 : 5;

	for (int round = 0; round < rounds; round++) {
		double before = operations(bench), began = bench_cpu_us();
		list(bench, snapshot, NAMES);
		costs.ours[round] = bench_cpu_us() - began;
		costs.operations += operations(bench) - before;
		began = bench_cpu_us();
		scan_all(bench, rival);
		costs.theirs[round] = bench_cpu_us() - began;
	}
	tell(measure, scan_names[rival], &costs, rounds, bench->items, limit);
}

static void measure_contents(struct bench *bench, enum depth depth, const char *measure)
{
	struct costs costs = { 0 };
	int rounds = bench_is_quick() ? 1 : 3;

	for (int round = 0; round < rounds; round++) {
		double before = operations(bench), began = bench_cpu_us();
		list(bench, &bench->past, depth);
		costs.ours[round] = bench_cpu_us() - began;
		costs.operations += operations(bench) - before;
	}
	tell(measure, NULL, &costs, rounds, bench->items, 0);
}

static void measure_all(struct bench *bench)
{
	measure_read(bench, &bench->newest, SAME_RECORDS, "read one item, newest", READ_LIMIT);
	measure_read(bench, &bench->past, SAME_RECORDS, "read one item, in the past", READ_LIMIT);
	measure_read(bench, &bench->past, PLAIN_FILE, "read one item, in the past, beside no history", 0);
	measure_list(bench, &bench->newest, SAME_RECORDS, "list, newest", LIST_LIMIT);
	measure_list(bench, &bench->past, SAME_RECORDS, "list, in the past", LIST_LIMIT);
	measure_list(bench, &bench->past, PLAIN_FILE, "list, in the past, beside no history", 0);
	measure_contents(bench, CONTENTS, "list and read, in the past");
	measure_contents(bench, TEXTS, "list, read and render, in the past");
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
	same_open(&bench);
	plain_fill(&bench);
	list(&bench, &bench.past, CONTENTS);
	scan_all(&bench, SAME_RECORDS);
	scan_all(&bench, PLAIN_FILE);
	measure_all(&bench);
	raw_close(&bench.same);
	raw_close(&bench.plain);
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
