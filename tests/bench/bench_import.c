/* What importing recorded changes costs: changes a second, beside loading the same records raw into LMDB (read line by line; key: the item's
 * key and the change's number, cut out of the line; value: the NewImage's bytes as they stand) in commits of as many changes, as durable; and the
 * bytes on disk that each further version takes. Runs are interleaved: bench_import [ITEMS [VERSIONS]], of each item one insert and VERSIONS modifications
 * of one attribute, in pseudo-random order. */
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/import.h"
#include "tests/support/bench.h"
#include "tests/support/fixture.h"

#define ITEMS 100000
#define VERSIONS 9
#define ROUNDS 2
#define BATCH_CHANGES 10000 /* as an import commits */
#define START 1700000000u
#define CHANGES_A_SECOND 100
#define STRIDE 61813u /* a prime: its multiples visit all items, far from each other */
#define MAP_BYTES ((size_t)1 << 36)

struct bench {
	uint64_t items, changes;
	char directory[256], records[300], inserts[300];
};

struct run {
	double wall_us, cpu_us;
	uint64_t file_bytes, used_bytes;
	struct store_counts counts;
};

/* --- The records ---------------------------------------------------------------------------------------------------- */

/* 400 to 500 bytes as JSON. */
static void write_item(FILE *file, uint64_t item, uint64_t version)
{
	uint64_t random = item;
	fprintf(file,
		"{\"id\":{\"S\":\"order-%06llu\"},\"customer\":{\"S\":\"customer-%llu\"},"
		"\"lines\":{\"L\":[{\"N\":\"%llu\"},{\"N\":\"%llu\"}]},\"note\":{\"S\":\"",
		(unsigned long long)item, (unsigned long long)(item % 997), (unsigned long long)(item % 7 + 1),
		(unsigned long long)(item % 11 + 3));
	for (uint64_t i = 0; i < 15 + item % 6; i++)
		fprintf(file, "%llx ", (unsigned long long)(fixture_random(&random) >> 16));
	fprintf(file,
		"\"},\"paid\":{\"BOOL\":true},\"shipping\":{\"M\":{\"city\":{\"S\":\"Springfield\"},\"method\":{\"S\":"
		"\"express\"}}},\"status\":{\"S\":\"open\"},\"total\":{\"N\":\"%llu\"}}",
		(unsigned long long)((item * 137 + version * 7919) % 100000));
}

static void write_record(FILE *file, uint64_t change, uint64_t item, uint64_t version)
{
	fprintf(file,
		"{\"eventID\":\"%032llx\",\"eventName\":\"%s\",\"eventVersion\":\"1.1\",\"eventSource\":\"aws:"
		"dynamodb\","
		"\"awsRegion\":\"eu-west-1\",\"dynamodb\":{\"ApproximateCreationDateTime\":%llu,"
		"\"Keys\":{\"id\":{\"S\":\"order-%06llu\"}},\"NewImage\":",
		(unsigned long long)change, version ? "MODIFY" : "INSERT",
		(unsigned long long)(START + change / CHANGES_A_SECOND), (unsigned long long)item);
	write_item(file, item, version);
	fprintf(file,
		",\"SequenceNumber\":\"%021llu\",\"SizeBytes\":500,\"StreamViewType\":\"NEW_IMAGE\"},"
		"\"eventSourceARN\":\"arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/"
		"2023-11-14T00:00:00.000\"}\n",
		(unsigned long long)change);
}

static void write_records(const struct bench *bench, const char *path, uint64_t changes)
{
	FILE *file = fopen(path, "w");
	fixture_require(file != NULL, "make the file of records", NULL);
	for (uint64_t i = 0; i < changes; i++) {
		uint64_t version = i / bench->items, place = i % bench->items;
		write_record(file, i + 1, version ? (place + version * 31) * STRIDE % bench->items : place, version);
		bench_progress("records written", i, changes);
	}
	fixture_require(fclose(file) == 0, "write the file of records", NULL);
}

/* --- Running -------------------------------------------------------------------------------------------------------- */

/* Of all threads, in and out of the kernel. */
static double process_cpu_us(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void begin_run(const struct bench *bench, char *path, size_t size, struct run *run)
{
	snprintf(path, size, "%s/store", bench->directory);
	fixture_require(mkdir(path, 0700) == 0, "make a directory", NULL);
	run->wall_us = bench_now_us();
	run->cpu_us = process_cpu_us();
}

static void end_run(const char *path, struct run *run)
{
	char file[400];
	struct stat stat_of;
	run->wall_us = bench_now_us() - run->wall_us;
	run->cpu_us = process_cpu_us() - run->cpu_us;
	snprintf(file, sizeof(file), "%s/data.mdb", path);
	fixture_require(stat(file, &stat_of) == 0, "look at the store's file", NULL);
	run->file_bytes = (uint64_t)stat_of.st_blocks * 512;
	fixture_remove_directory(path);
}

static void tell_progress(void *context, uint64_t lines, uint64_t applied, uint64_t total)
{
	const struct bench *bench = context;
	bench_progress("imported (two passes)", lines + applied, total ? 2 * total : 2 * bench->changes);
}

static void import_file(struct bench *bench, const char *path, struct history *history)
{
	struct import_options options = { .author = slice_of_text("{\"by\":\"import\",\"source\":\"records.jsonl\"}"),
		.ttl_author = slice_of_text("{\"by\":\"import\",\"service\":\"ttl\"}"),
		.progress = tell_progress,
		.context = bench };
	struct import_counts counts;
	struct import *import;
	struct error error = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	fixture_require(fd >= 0, "open the file of records", NULL);
	fixture_require(import_new(history, &options, &import) == 0, "begin to import", NULL);
	fixture_require(import_read(import, fd, path, &error) == 0, "read", &error);
	fixture_require(import_apply(import, &counts, &error) == 0, "apply", &error);
	fixture_require(counts.inserted + counts.modified == counts.lines, "bring in all", NULL);
	import_free(import);
	close(fd);
}

static struct run run_import(struct bench *bench, const char *records)
{
	struct run run = { 0 };
	struct history_options options = { 0 };
	struct history *history;
	struct error error = { 0 };
	char path[300];
	uint64_t file_bytes;
	begin_run(bench, path, sizeof(path), &run);
	fixture_require(history_init(path, &error) == 0, "make a store", &error);
	fixture_require(history_open(path, &options, &history, &error) == 0, "open", &error);
	import_file(bench, records, history);
	store_counts(history_store(history), &run.counts);
	fixture_require(store_usage(history_store(history), &file_bytes, &run.used_bytes) == 0, "a store's use", NULL);
	history_close(history);
	end_run(path, &run);
	return run;
}

/* --- The rival ------------------------------------------------------------------------------------------------------ */

static void require_lmdb(int code, const char *what)
{
	fixture_require(code == 0, what, NULL);
}

/* What stands between two texts. */
static MDB_val cut(const char *line, const char *before, const char *after)
{
	const char *from = strstr(line, before);
	fixture_require(from != NULL, before, NULL);
	from += strlen(before);
	const char *to = strstr(from, after);
	fixture_require(to != NULL, after, NULL);
	return (MDB_val){ .mv_size = (size_t)(to - from), .mv_data = (void *)(uintptr_t)from };
}

static void put_raw(MDB_txn *txn, MDB_dbi dbi, const char *line, uint64_t change)
{
	char bytes[128];
	MDB_val id = cut(line, "\"Keys\":{\"id\":{\"S\":\"", "\"");
	MDB_val value = cut(line, "\"NewImage\":", ",\"SequenceNumber\"");
	MDB_val key = { .mv_size = id.mv_size + 8, .mv_data = bytes };
	memcpy(bytes, id.mv_data, id.mv_size);
	for (unsigned i = 0; i < 8; i++)
		bytes[id.mv_size + i] = (char)(change >> (56 - 8 * i));
	require_lmdb(mdb_put(txn, dbi, &key, &value, 0), "put raw");
}

static void load_raw(const struct bench *bench, MDB_env *env)
{
	MDB_txn *txn;
	MDB_dbi dbi;
	char *line = NULL;
	size_t room = 0;
	uint64_t change = 0;
	FILE *file = fopen(bench->records, "r");
	fixture_require(file != NULL, "open the file of records", NULL);
	require_lmdb(mdb_txn_begin(env, NULL, 0, &txn), "begin raw");
	require_lmdb(mdb_dbi_open(txn, NULL, 0, &dbi), "open raw");
	while (getline(&line, &room, file) > 0) {
		put_raw(txn, dbi, line, ++change);
		bench_progress("loaded raw", change, bench->changes);
		if (change % BATCH_CHANGES)
			continue;
		require_lmdb(mdb_txn_commit(txn), "commit raw");
		require_lmdb(mdb_txn_begin(env, NULL, 0, &txn), "begin raw");
	}
	require_lmdb(mdb_txn_commit(txn), "commit raw");
	free(line);
	fclose(file);
}

static struct run run_raw(const struct bench *bench)
{
	struct run run = { 0 };
	MDB_env *env;
	char path[300];
	begin_run(bench, path, sizeof(path), &run);
	require_lmdb(mdb_env_create(&env), "make raw");
	require_lmdb(mdb_env_set_mapsize(env, MAP_BYTES), "make raw");
	require_lmdb(mdb_env_open(env, path, 0, 0600), "make raw");
	load_raw(bench, env);
	mdb_env_close(env);
	end_run(path, &run);
	return run;
}

/* --- Telling -------------------------------------------------------------------------------------------------------- */

static void tell_rate(const struct bench *bench, const struct run *ours, const struct run *theirs)
{
	double our_us[ROUNDS], their_us[ROUNDS], our_cpu_us[ROUNDS], their_cpu_us[ROUNDS];
	double changes = (double)bench->changes;
	for (int i = 0; i < ROUNDS; i++) {
		our_us[i] = ours[i].wall_us;
		their_us[i] = theirs[i].wall_us;
		our_cpu_us[i] = ours[i].cpu_us;
		their_cpu_us[i] = theirs[i].cpu_us;
	}
	const struct store_counts *counts = &ours[0].counts;
	char text[160];
	snprintf(text, sizeof(text), "%.2f reads %.2f writes/change, CPU %.1f us/change (raw %.1f)",
		(double)(counts->gets + counts->seeks + counts->steps) / changes,
		(double)(counts->puts + counts->deletes) / changes, bench_median(our_cpu_us, ROUNDS) / changes,
		bench_median(their_cpu_us, ROUNDS) / changes);
	struct bench_measure measure = { .group = "store",
		.measure = "import, changes a second",
		.rival = "raw LMDB",
		.unit = "/s",
		.ours = changes / bench_median(our_us, ROUNDS) * 1e6,
		.theirs = changes / bench_median(their_us, ROUNDS) * 1e6,
		.bound = BENCH_AT_LEAST,
		.limit = 1.0 / 3,
		.counts = text };
	bench_tell(&measure);
}

static void tell_bytes(const struct bench *bench, const struct run *all, const struct run *inserts)
{
	char text[160];
	double versions = (double)(bench->changes - bench->items);
	snprintf(text, sizeof(text), "without pages that are free again %.1f; the inserts alone %.0f bytes/item",
		(double)(all->used_bytes - inserts->used_bytes) / versions,
		(double)inserts->file_bytes / (double)bench->items);
	struct bench_measure measure = { .group = "store",
		.measure = "bytes on disk for each further version",
		.unit = "bytes",
		.ours = (double)(all->file_bytes - inserts->file_bytes) / versions,
		.bound = BENCH_AT_MOST,
		.limit = bench_is_quick() ? 0 : 100, /* a small store is mostly pages that are free again */
		.counts = text };
	bench_tell(&measure);
}

int main(int argc, char **argv)
{
	struct bench bench = { .items = bench_is_quick() ? ITEMS / 20 : ITEMS };
	struct run ours[ROUNDS], theirs[ROUNDS], inserts;
	uint64_t versions = VERSIONS;
	if (argc > 1)
		bench.items = strtoull(argv[1], NULL, 10);
	if (argc > 2)
		versions = strtoull(argv[2], NULL, 10);
	bench.changes = bench.items * (1 + versions);
	fixture_make_directory(bench.directory, sizeof(bench.directory));
	snprintf(bench.records, sizeof(bench.records), "%s/records.jsonl", bench.directory);
	snprintf(bench.inserts, sizeof(bench.inserts), "%s/inserts.jsonl", bench.directory);
	write_records(&bench, bench.records, bench.changes);
	write_records(&bench, bench.inserts, bench.items);
	for (int i = 0; i < ROUNDS; i++) {
		ours[i] = run_import(&bench, bench.records);
		theirs[i] = run_raw(&bench);
	}
	inserts = run_import(&bench, bench.inserts);
	tell_rate(&bench, ours, theirs);
	tell_bytes(&bench, &ours[0], &inserts);
	fixture_remove_directory(bench.directory);
	return 0;
}
