/* What it costs to have changes on the disk: single puts, each waited for, by one thread and by 16, beside raw LMDB that does a commit for each; and
 * puts nobody waits for, into a table with PITR on and one with it off. All of them replace items of some 500 bytes by ones with an attribute
 * changed. The store and the rival stand below $BUILD, since /tmp may be no disk. Runs are interleaved. */
#include <lmdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/key.h"
#include "core/writer.h"
#include "tests/support/bench.h"
#include "tests/support/fixture.h"

#define ITEMS 10000u
#define THREADS_MAX 16u
#define ROUNDS 7
#define SLICES 4u
#define MAP_BYTES ((size_t)1 << 34)
#define BATCH_CHANGES 1000u
#define TEXT_MAX 600u

static char place[256];
static struct fixture fixture;
static struct table table, plain; /* with PITR on, and off */
static struct writer *writer;
static MDB_env *env;
static MDB_dbi tree;
static double seconds; /* of a round */
static uint64_t version = 1;

/* --- what is written ------------------------------------------------------------------------------------------------ */

static void item_text(unsigned item, uint64_t of_version, char text[TEXT_MAX])
{
	uint64_t random = item;
	int n = snprintf(text, TEXT_MAX,
		"{'id':'order-%06u','customer':'customer-%u','status':'open','paid':true,'total':%llu,"
		"'shipping':{'city':'Springfield','method':'express'},'lines':[%u,%u],'note':'",
		item, item % 997, (unsigned long long)of_version, item % 7 + 1, item % 11 + 3);
	while (n < 450)
		n += snprintf(text + n, TEXT_MAX - (size_t)n, "%llx ", (unsigned long long)fixture_random(&random));
	snprintf(text + n, TEXT_MAX - (size_t)n, "'}");
}

struct change {
	struct buffer item, key;
};

static void make_change(struct change *change, unsigned item, uint64_t of_version)
{
	char text[TEXT_MAX];
	struct key key;
	item_text(item % ITEMS, of_version, text);
	fixture_item(text, &change->item);
	fixture_require(key_of_item(buffer_slice(&change->item), &table.schema, &key, NULL) == 0, "find the key", NULL);
	buffer_clear(&change->key);
	key_append_encoded(&key, &change->key);
}

static void free_change(struct change *change)
{
	buffer_free(&change->item);
	buffer_free(&change->key);
}

static uint64_t submit(const struct table *to, const struct change *change)
{
	struct pending_change pending = { .table = to->number,
		.encoded_key = buffer_slice(&change->key),
		.item = buffer_slice(&change->item),
		.author = slice_of_text("{\"by\":\"bench\"}") };
	uint64_t ticket;
	fixture_require(writer_submit(writer, &pending, &ticket) == 0, "submit", NULL);
	return ticket;
}

static void refused(void *context, const struct pending_change *change, const struct error *error)
{
	(void)context;
	(void)change;
	fixture_require(false, "apply a change", error);
}

/* --- the store and its rival ---------------------------------------------------------------------------------------- */

static void fill(const struct table *to)
{
	char text[TEXT_MAX];
	struct batch *batch = fixture_begin(&fixture);
	for (unsigned i = 0; i < ITEMS; i++) {
		item_text(i, 0, text);
		fixture_put_in(batch, to, text, 0);
	}
	fixture_commit(batch);
}

static void switch_pitr_off(void)
{
	static const char request[] = "{\"PointInTimeRecoverySpecification\":{\"PointInTimeRecoveryEnabled\":false}}";
	struct json *document;
	struct change_context context = { 0 };
	struct error error = { 0 };
	struct batch *batch = fixture_begin(&fixture);
	fixture_require(
		json_parse(slice_of_text(request), &json_default_limits, &document, &error) == 0, "parse", &error);
	fixture_require(table_update(batch, &plain, document, &context, &error) == 0, "switch PITR off", &error);
	fixture_commit(batch);
	json_free(document);
}

static void open_store(void)
{
	struct history_options options = { 0 };
	struct error error = { 0 };
	fixture_open(&fixture);
	fixture_create(&fixture, "orders", NULL, &table);
	fixture_create(&fixture, "plain", NULL, &plain);
	fill(&table);
	fill(&plain);
	switch_pitr_off();
	/* From here on commits are as durable as for users. */
	history_close(fixture.history);
	fixture_require(history_open(fixture.directory, &options, &fixture.history, &error) == 0, "open", &error);
	fixture_require(writer_start(fixture.history, refused, NULL, &writer, &error) == 0, "start", &error);
}

static void put_raw(MDB_txn *txn, const struct change *change)
{
	MDB_val key = { change->key.size, change->key.data }, value = { change->item.size, change->item.data };
	fixture_require(mdb_put(txn, tree, &key, &value, 0) == 0, "put raw", NULL);
}

/* As the store opens its own: data and meta page are synced at each commit. */
static void open_raw(void)
{
	char path[300];
	MDB_txn *txn;
	struct change change = { 0 };
	snprintf(path, sizeof(path), "%s/raw", place);
	bool is_open = mkdir(path, 0700) == 0 && mdb_env_create(&env) == 0 &&
		       mdb_env_set_mapsize(env, MAP_BYTES) == 0 && mdb_env_set_maxdbs(env, 4) == 0 &&
		       mdb_env_open(env, path, MDB_NOTLS, 0600) == 0 && mdb_txn_begin(env, NULL, 0, &txn) == 0 &&
		       mdb_dbi_open(txn, "items", MDB_CREATE, &tree) == 0;
	fixture_require(is_open, "open raw LMDB", NULL);
	for (unsigned i = 0; i < ITEMS; i++) {
		make_change(&change, i, 0);
		put_raw(txn, &change);
	}
	fixture_require(mdb_txn_commit(txn) == 0, "commit raw", NULL);
	free_change(&change);
}

static double cpu_us(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_utime.tv_sec * 1e6 + (double)usage.ru_utime.tv_usec +
	       (double)usage.ru_stime.tv_sec * 1e6 + (double)usage.ru_stime.tv_usec;
}

/* --- synced puts ---------------------------------------------------------------------------------------------------- */

/* The ratio is the median of each round's own: what else the machine does comes and goes between rounds. */
static void compare(const double *ours, const double *theirs, int rounds, double *ret_ours, double *ret_theirs)
{
	double ratios[ROUNDS], sorted[ROUNDS];
	for (int i = 0; i < rounds; i++) {
		ratios[i] = ours[i] / theirs[i];
		sorted[i] = theirs[i];
	}
	*ret_theirs = bench_median(sorted, rounds);
	*ret_ours = *ret_theirs * bench_median(ratios, rounds);
}

enum way { RAW, SYNCED, COMMITTED, BATCHES };

/* Each item in two versions, which are put by turns: what is measured is not how items are made. */
static struct change prepared[ITEMS][2];
static uint8_t nexts[2][ITEMS]; /* the store's, and raw */

static void prepare(void)
{
	for (unsigned i = 0; i < ITEMS; i++)
		for (unsigned turn = 0; turn < 2; turn++)
			make_change(&prepared[i][turn], i, 1000 + turn);
}

struct worker {
	pthread_t thread;
	enum way way;
	unsigned number;
	double until_us;
	uint64_t changes;
};

static void put_one(enum way way, const struct change *change)
{
	struct batch *batch;
	struct change_context context = { 0 };
	struct change_result result;
	MDB_txn *txn;
	if (way == RAW) {
		fixture_require(mdb_txn_begin(env, NULL, 0, &txn) == 0, "begin raw", NULL);
		put_raw(txn, change);
		fixture_require(mdb_txn_commit(txn) == 0, "commit raw", NULL);
	} else if (way == BATCHES) {
		batch = fixture_begin(&fixture);
		fixture_require(batch_put(batch, &table, buffer_slice(&change->item), &context, &result, NULL) == 0,
			"put", NULL);
		fixture_commit(batch);
	} else {
		uint64_t ticket = submit(&table, change);
		int r = way == SYNCED ? writer_sync(writer, ticket) : writer_wait(writer, ticket);
		fixture_require(r == 0, "wait", NULL);
	}
}

static void *put_and_wait(void *argument)
{
	struct worker *worker = argument;
	uint64_t random = version * THREADS_MAX + worker->number;
	while (bench_now_us() < worker->until_us) {
		unsigned item =
			(unsigned)fixture_random_below(&random, ITEMS / THREADS_MAX) * THREADS_MAX + worker->number;
		uint8_t *next = &nexts[worker->way == RAW][item];
		put_one(worker->way, &prepared[item][*next]);
		*next ^= 1;
		worker->changes++;
	}
	return NULL;
}

struct rate {
	double a_second;
	double syncs, cpu_us; /* waits for the disk, and processor time, for each change */
};

static struct rate run(enum way way, unsigned threads)
{
	struct worker workers[THREADS_MAX];
	struct store_counts before, after;
	uint64_t changes = 0;
	version++;
	store_counts(history_store(fixture.history), &before);
	double began = bench_now_us(), cpu = cpu_us();
	for (unsigned i = 0; i < threads; i++) {
		workers[i] = (struct worker){ .way = way, .number = i, .until_us = began + seconds * 1e6 };
		fixture_require(pthread_create(&workers[i].thread, NULL, put_and_wait, &workers[i]) == 0,
			"begin a thread", NULL);
	}
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(workers[i].thread, NULL);
		changes += workers[i].changes;
	}
	/* What is durable and not committed is part of the work. */
	fixture_require(writer_drain(writer, UINT32_MAX) == 0, "commit", NULL);
	double took = bench_now_us() - began;
	store_counts(history_store(fixture.history), &after);
	double syncs = 2.0 * (double)(after.commits - before.commits) + (double)(after.file_syncs - before.file_syncs);
	return (struct rate){ (double)changes * 1e6 / took, syncs / (double)changes,
		(cpu_us() - cpu) / (double)changes };
}

struct side {
	const char *measure;
	enum way way;
	unsigned threads;
	double limit;
	double rates[ROUNDS], syncs[ROUNDS], cpu_us[ROUNDS];
};

static void measure_synced(int rounds)
{
	struct side raw = { NULL, RAW, 1, 0, { 0 }, { 0 }, { 0 } };
	struct side sides[] = {
		{ "synced single-item commits, 1 writer", SYNCED, 1, 0.9, { 0 }, { 0 }, { 0 } },
		{ "synced single-item commits, 16 writers", SYNCED, 16, 5, { 0 }, { 0 }, { 0 } },
		{ "the same, each seen by all, 1 writer", COMMITTED, 1, 0, { 0 }, { 0 }, { 0 } },
		{ "the same, each seen by all, 16 writers", COMMITTED, 16, 0, { 0 }, { 0 }, { 0 } },
		{ "the same, a batch for each, as pitr put, 1 writer", BATCHES, 1, 0, { 0 }, { 0 }, { 0 } },
	};
	const size_t count = sizeof(sides) / sizeof(sides[0]);
	for (int round = 0; round < rounds; round++) {
		struct rate bare = run(RAW, 1);
		raw.rates[round] = bare.a_second;
		raw.cpu_us[round] = bare.cpu_us;
		for (size_t i = 0; i < count; i++) {
			struct rate rate = run(sides[i].way, sides[i].threads);
			sides[i].rates[round] = rate.a_second;
			sides[i].syncs[round] = rate.syncs;
			sides[i].cpu_us[round] = rate.cpu_us;
		}
		bench_progress("synced commits, rounds", (uint64_t)round + 1, (uint64_t)rounds);
	}
	for (size_t i = 0; i < count; i++) {
		char counts[80];
		double ours, theirs;
		compare(sides[i].rates, raw.rates, rounds, &ours, &theirs);
		snprintf(counts, sizeof(counts), "%.2f syncs/change, raw 2; %.0f us of CPU, raw %.0f",
			bench_median(sides[i].syncs, rounds), bench_median(sides[i].cpu_us, rounds),
			bench_median(raw.cpu_us, rounds));
		bench_tell(&(struct bench_measure){ "store", sides[i].measure, "raw LMDB, 1 writer", "/s", ours, theirs,
			BENCH_AT_LEAST, sides[i].limit, counts });
	}
}

/* --- with and without a past ---------------------------------------------------------------------------------------- */

struct write_cost {
	double us, cpu_us;
};

static void write_through_writer(const struct table *to, struct change *changes, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		submit(to, &changes[i]);
	fixture_require(writer_drain(writer, UINT32_MAX) == 0, "commit", NULL);
}

static void write_in_batches(const struct table *to, struct change *changes, unsigned count)
{
	struct batch *batch = NULL;
	struct change_context context = { 0 };
	struct change_result result;
	for (unsigned i = 0; i < count; i++) {
		if (!batch)
			batch = fixture_begin(&fixture);
		fixture_require(batch_put(batch, to, buffer_slice(&changes[i].item), &context, &result, NULL) == 0,
			"put", NULL);
		if (i % BATCH_CHANGES == BATCH_CHANGES - 1 || i + 1 == count) {
			fixture_commit(batch);
			batch = NULL;
		}
	}
}

static struct write_cost write_many(const struct table *to, bool is_batch, struct change *changes, unsigned count)
{
	double began = bench_now_us(), cpu = cpu_us();
	if (is_batch)
		write_in_batches(to, changes, count);
	else
		write_through_writer(to, changes, count);
	return (struct write_cost){ bench_now_us() - began, cpu_us() - cpu };
}

static void make_changes(struct change *changes, unsigned count)
{
	uint64_t random = ++version;
	for (unsigned i = 0; i < count; i++)
		make_change(&changes[i], (unsigned)fixture_random_below(&random, ITEMS), version * 1000000 + i);
}

/* By turns, SLICES times each in the order on, off, off, on: what else the machine does meets both. */
static void write_slices(bool is_batch, struct change *changes, unsigned count, struct write_cost costs[2])
{
	for (unsigned slice = 0; slice < 2 * SLICES; slice++) {
		unsigned is_off = (slice + slice / 2) % 2;
		make_changes(changes, count);
		struct write_cost cost = write_many(is_off ? &plain : &table, is_batch, changes, count);
		costs[is_off].us += cost.us;
		costs[is_off].cpu_us += cost.cpu_us;
	}
}

static void measure_pitr(bool is_batch, int rounds, unsigned count)
{
	double on[ROUNDS], off[ROUNDS], on_cpu[ROUNDS], off_cpu[ROUNDS], written = (double)count * SLICES;
	struct change *changes = calloc(count, sizeof(*changes));
	fixture_require(changes != NULL, "memory", NULL);
	for (int round = 0; round < rounds; round++) {
		struct write_cost costs[2] = { { 0, 0 }, { 0, 0 } };
		write_slices(is_batch, changes, count, costs);
		on[round] = written * 1e6 / costs[0].us;
		off[round] = written * 1e6 / costs[1].us;
		on_cpu[round] = costs[0].cpu_us / written;
		off_cpu[round] = costs[1].cpu_us / written;
		bench_progress("PITR on and off, rounds", (uint64_t)round + 1, (uint64_t)rounds);
	}
	char counts[80];
	double ours, theirs;
	compare(on, off, rounds, &ours, &theirs);
	snprintf(counts, sizeof(counts), "%.1f us of CPU/write on, %.1f off", bench_median(on_cpu, rounds),
		bench_median(off_cpu, rounds));
	bench_tell(&(struct bench_measure){ "store",
		is_batch ? "writes with PITR on, in batches of 1,000" : "writes with PITR on", "PITR off", "/s", ours,
		theirs, BENCH_AT_LEAST, is_batch ? 0 : 0.9, counts });
	for (unsigned i = 0; i < count; i++)
		free_change(&changes[i]);
	free(changes);
}

static void make_place(void)
{
	const char *build = getenv("BUILD");
	snprintf(place, sizeof(place), "%s/bench-commits-XXXXXX", build && *build ? build : "build");
	fixture_require(mkdtemp(place) != NULL, "make a directory below BUILD", NULL);
	setenv("TMPDIR", place, 1);
}

int main(void)
{
	int rounds = bench_is_quick() ? 3 : ROUNDS;
	unsigned count = bench_is_quick() ? 500 : 1000;
	seconds = bench_is_quick() ? 0.2 : 0.4;
	make_place();
	open_store();
	open_raw();
	prepare();
	measure_synced(rounds);
	measure_pitr(false, rounds, count);
	measure_pitr(true, rounds, count);
	for (unsigned i = 0; i < ITEMS; i++) {
		free_change(&prepared[i][0]);
		free_change(&prepared[i][1]);
	}
	fixture_require(writer_stop(writer) == 0, "stop", NULL);
	mdb_env_close(env);
	table_free(&table);
	table_free(&plain);
	fixture_close(&fixture);
	fixture_remove_directory(place);
	return 0;
}
