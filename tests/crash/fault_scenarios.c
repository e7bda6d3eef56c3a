/* Makes every call to the store fail in turn: in changes, listings and the past, in the writer and the recovery of what
 * it leaves; and fills disks and maps. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "journal.h"
#include "name.h"
#include "snapshot.h"
#include "tests/support/consistency.h"
#include "tests/support/faulty_world.h"

static const int codes[] = { -ENOSPC, -EIO, -ENOMEM };
#define CODES (sizeof(codes) / sizeof(codes[0]))

/* --- steps --- */

static int insert_flat(struct world *world)
{
	return change(world, &world->flat, 100, 1, 1);
}

static int update_flat(struct world *world)
{
	return change(world, &world->flat, 100, 1, 2);
}

static int update_nothing(struct world *world)
{
	return change(world, &world->flat, 100, 1, 2);
}

static int remove_flat(struct world *world)
{
	return change(world, &world->flat, 100, 1, -1);
}

static int insert_large(struct world *world)
{
	return change(world, &world->flat, 107, 1, 1);
}

static int insert_partition(struct world *world)
{
	return change(world, &world->parts, 100, 1, 1);
}

static int insert_beside(struct world *world)
{
	return change(world, &world->parts, 101, 1, 1);
}

static int update_part(struct world *world)
{
	return change(world, &world->parts, 101, 1, 2);
}

static int remove_partition(struct world *world)
{
	return change(world, &world->parts, 100, 2, -1);
}

static int insert_again(struct world *world)
{
	return change(world, &world->parts, 12, 1, 3);
}

static int change_many(struct world *world)
{
	return change(world, &world->flat, 0, 200, 5);
}

static int create_in(struct world *world, struct batch *batch)
{
	struct table table;
	struct change_context context = { 0 };
	int r = table_create_default(batch, slice_of_text("another"), &context, &table, &world->error);
	if (!r)
		table_free(&table);
	return r;
}

static int create_table(struct world *world)
{
	return change_table(world, create_in);
}

static int update_in(struct world *world, struct batch *batch)
{
	int r = scratch_update_table(batch, &world->parts, "{\"TableClass\":\"STANDARD_INFREQUENT_ACCESS\"}");
	return r ? error_set(&world->error, r, "update") : 0;
}

static int update_table(struct world *world)
{
	return change_table(world, update_in);
}

static int drop_in(struct world *world, struct batch *batch)
{
	struct change_context context = { 0 };
	return table_drop(batch, &world->parts, &context, &world->error);
}

static int drop_table(struct world *world)
{
	return change_table(world, drop_in);
}

static int tell(struct world *world, int r)
{
	return r < 0 ? error_set(&world->error, r, "read") : 0;
}

static int list_live(struct world *world)
{
	struct buffer out = BUFFER_INIT;
	int r = consistency_dump(world->history, &out);
	buffer_free(&out);
	return tell(world, r);
}

static int read_node(struct store_txn *txn, const struct snapshot *view, const struct table *table, struct node *node)
{
	char name[FILE_NAME_MAX + 1];
	struct buffer item = BUFFER_INIT;
	struct node found;
	int size = snapshot_name(table, node, name);
	int r = size < 0 ? size : 0;
	if (!r)
		r = snapshot_find_name(txn, view, table, node->directory, slice_of(name, (size_t)size), &found, NULL);
	if (!r && node->kind == NODE_ITEM)
		r = snapshot_content(txn, view, node->number, &item);
	buffer_free(&item);
	return r;
}

static int read_directory(
	struct store_txn *txn, const struct snapshot *view, const struct table *table, uint64_t directory)
{
	struct snapshot_walk walk;
	struct node node;
	int r = snapshot_walk_begin(&walk, txn, view, directory, 0), more = 0;
	while (!r && (more = snapshot_walk_next(&walk, &node)) == 1) {
		r = node.kind ? read_node(txn, view, table, &node) : -EIO;
		if (!r && node.kind == NODE_PARTITION)
			r = read_directory(txn, view, table, node.number);
	}
	snapshot_walk_end(&walk);
	return r ? r : more;
}

/* Everything in both tables at an instant. */
static int read_past(struct world *world)
{
	struct store_txn *txn;
	struct snapshot view;
	struct instant instant = { .kind = INSTANT_AT, .time_us = WORLD_US + 60 };
	uint64_t items, bytes;
	int r = store_begin(history_store(world->history), false, &txn);
	if (r)
		return tell(world, r);
	struct table table = { 0 };
	r = table_find(txn, slice_of_text("parts"), TIME_NOW, &table, &world->error);
	if (!r)
		r = snapshot_resolve(world->history, txn, &table, &instant, &view, &world->error);
	if (!r)
		r = tell(world, read_directory(txn, &view, &table, 0));
	if (!r)
		r = tell(world, snapshot_statistics(txn, &view, &items, &bytes));
	table_free(&table);
	store_abort(txn);
	return r;
}

static const struct scenario scenarios[] = {
	{ "flat table", { insert_flat, update_flat, update_nothing, remove_flat, insert_flat, insert_large } },
	{ "partitions", { insert_partition, insert_beside, update_part, remove_partition, insert_again } },
	{ "200 changes", { change_many } },
	{ "tables", { create_table, update_table, drop_table } },
	{ "listing", { list_live } },
	{ "reading the past", { read_past } },
};

/* --- the writer, and the recovery of what it leaves --- */

#define SUBMITTED 10u

static void refused(void *context, const struct pending_change *change, const struct error *error)
{
	(void)change;
	(void)error;
	(*(unsigned *)context)++;
}

static int submit(struct world *world, struct writer *writer, unsigned n)
{
	const struct table *table = n % 2 ? &world->parts : &world->flat;
	return scratch_submit(writer, table, n / 2 % 2 * 3, n % 5 == 4 ? -1 : (int)(n + 50), 60, NULL);
}

/* The state after each of the writer's changes. */
static uint64_t make_writer_dumps(struct world *world, struct buffer *dumps)
{
	struct writer *writer;
	unsigned refusals = 0;
	open_world(world);
	dump_world(world, &dumps[0]);
	fault_arm(&world->fault, 0, 0, false);
	must(writer_start(world->history, refused, &refusals, &writer, NULL));
	uint64_t calls = 0;
	for (unsigned n = 0; n < SUBMITTED; n++) {
		must(submit(world, writer, n));
		must(writer_drain(writer, UINT32_MAX));
		calls = world->fault.seen;
		dump_world(world, &dumps[n + 1]);
		fault_arm(&world->fault, 0, 0, false);
		atomic_store(&world->fault.seen, calls);
	}
	must(writer_stop(writer));
	close_world(world);
	return calls;
}

/* The Nth call and, lasting, all after it fail. What was accepted must be there after reopening. */
static void fail_writer(struct world *world, const struct buffer *dumps, uint64_t n, int code, bool is_lasting)
{
	struct writer *writer;
	struct buffer dump = BUFFER_INIT;
	unsigned accepted = 0, refusals = 0;
	restore_world(world);
	open_world(world);
	must(writer_start(world->history, refused, &refusals, &writer, NULL));
	fault_arm(&world->fault, n, code, is_lasting);
	while (accepted < SUBMITTED && submit(world, writer, accepted) == 0)
		accepted++;
	int r = is_lasting ? 0 : writer_drain(writer, UINT32_MAX);
	if (r && r != code)
		fail("writer", n, code, "it told another error");
	r = writer_stop(writer);
	unsigned left = scratch_count_files(world->directory, "store/journal");
	if (r ? left != 1 : left != 0)
		fail("writer", n, code, "its journal is not as it should be when it ends");
	close_world(world);
	open_world(world);
	dump_world(world, &dump);
	if (!slice_equal(buffer_slice(&dump), buffer_slice(&dumps[accepted])) || refusals)
		fail("writer", n, code, "not every accepted change is there once");
	else if (n % CHECK_EVERY == 0 && !is_sound(world))
		fail("writer", n, code, "the store is not sound");
	else
		pass();
	close_world(world);
	buffer_free(&dump);
}

/* Leaves the journal of a writer that could commit nothing beside the store. */
static void leave_journal(struct world *world, const char *journal, const char *aside)
{
	struct writer *writer;
	unsigned refusals = 0;
	restore_world(world);
	open_world(world);
	struct batch *batch;
	must(writer_start(world->history, refused, &refusals, &writer, NULL));
	must(batch_begin(world->history, &batch, NULL));
	for (unsigned n = 0; n < SUBMITTED; n++)
		must(submit(world, writer, n));
	fault_arm(&world->fault, 1, -ENOSPC, true);
	batch_abort(batch);
	must_be(-ENOSPC, writer_stop(writer));
	close_world(world);
	must(rename(journal, aside));
}

static void copy_only_file(const char *from, const char *to)
{
	char command[1000];
	snprintf(command, sizeof(command), "mkdir -p '%s' && cp '%s'/* '%s'/", to, from, to);
	must(system(command));
}

static bool fail_recovery(
	struct world *world, const struct buffer *wanted, const char *journal, const char *aside, uint64_t n, int code)
{
	struct buffer dump = BUFFER_INIT;
	restore_world(world);
	open_world(world);
	copy_only_file(aside, journal);
	fault_arm(&world->fault, n, code, false);
	int r = journal_recover(world->history, &world->error);
	bool is_beyond = world->fault.seen < n;
	if (r < 0 && (r != code || !world->error.message[0]))
		fail("recovery", n, code, "another error was told");
	close_world(world);
	open_world(world);
	dump_world(world, &dump);
	if (!slice_equal(buffer_slice(&dump), buffer_slice(wanted)))
		fail("recovery", n, code, "not every accepted change is there once");
	else if (scratch_count_files(world->directory, "store/rejected"))
		fail("recovery", n, code, "something was set aside");
	else
		pass();
	close_world(world);
	buffer_free(&dump);
	return !is_beyond;
}

static void run_writer(bool all_ways)
{
	struct world world;
	struct buffer dumps[SUBMITTED + 1] = { 0 };
	unsigned ways = all_ways ? CODES : 1;
	make_world(&world);
	uint64_t calls = make_writer_dumps(&world, dumps);
	for (uint64_t n = 1; n <= calls && !is_hopeless(); n += all_ways ? 1 : 2)
		for (unsigned way = 0; way < ways; way++)
			fail_writer(&world, dumps, n, codes[(n + way) % CODES], true);
	for (uint64_t n = 1; n <= calls && !is_hopeless(); n += 9)
		fail_writer(&world, dumps, n, codes[n % CODES], false);
	char *journal = scratch_path(world.directory, "store/journal"), *aside = scratch_path(world.directory, "old");
	leave_journal(&world, journal, aside);
	bool goes_on = true;
	uint64_t n = 0;
	while (goes_on && !is_hopeless())
		for (unsigned way = 0, last = (unsigned)++n; way < ways; way++)
			goes_on = fail_recovery(
				&world, &dumps[SUBMITTED], journal, aside, last, codes[(last + way) % CODES]);
	printf("writer: %llu calls, recovery: %llu calls\n", (unsigned long long)calls, (unsigned long long)n);
	free(journal);
	free(aside);
	for (unsigned i = 0; i <= SUBMITTED; i++)
		buffer_free(&dumps[i]);
	remove_world(&world);
}

/* --- a full disk --- */

/* A file may grow to `limit` bytes; what goes beyond fails, or kills. 0: made; 1: told; 2: not told. */
static int init_within(const char *store, rlim_t limit, bool is_killed)
{
	pid_t child = fork();
	if (child == 0) {
		struct rlimit size = { limit, limit };
		struct error error = { 0 };
		signal(SIGXFSZ, is_killed ? SIG_DFL : SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &size);
		int r = history_init(store, &error);
		_exit(r == 0 ? 0 : error.code == r && error.message[0] ? 1 : 2);
	}
	int status;
	must_be(child, waitpid(child, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* Whatever happened to the first attempt, a second one ends with a store. */
static void init_in_a_full_place(rlim_t limit, bool is_killed)
{
	char *directory = scratch_directory(), *store = scratch_path(directory, "store");
	struct history_options options = { .is_volatile = true, .map_size_bytes = SCRATCH_MAP_BYTES };
	struct history *history = NULL;
	struct error error = { 0 };
	int told = init_within(store, limit, is_killed);
	int opened = history_open(store, &options, &history, &error);
	history_close(history);
	history = NULL;
	int again = history_init(store, &error);
	int r = history_open(store, &options, &history, &error);
	if (told == 2 || (told == 0 && opened))
		fail("init", limit, -EFBIG, "it failed without a word");
	else if (r || (again && again != -EEXIST) || (again == -EEXIST && opened))
		fail("init", limit, -EFBIG, error_text(&error));
	else
		pass();
	history_close(history);
	free(store);
	scratch_remove(directory);
}

/* A map so small that it fills up: changes are refused, the rest stays, and with more room it goes on. */
static void run_small_map(void)
{
	struct world world;
	struct buffer before = BUFFER_INIT, after = BUFFER_INIT;
	char *store;
	make_world(&world);
	store = scratch_path(world.directory, "store");
	struct history_options options = { .is_volatile = true, .map_size_bytes = 512u << 10 };
	must(history_open(store, &options, &world.history, &world.error));
	int r = 0;
	for (unsigned n = 0; n < 1000 && !r; n++) {
		dump_world(&world, &before);
		r = change(&world, n % 2 ? &world.parts : &world.flat, 200 + n * 20, 20, 1);
	}
	dump_world(&world, &after);
	if (r != -ENOSPC || !world.error.message[0])
		fail("small map", 0, r ? r : -ENOSPC, "it did not fill up, or did not tell");
	else if (!slice_equal(buffer_slice(&before), buffer_slice(&after)) || !is_sound(&world))
		fail("small map", 0, r, "what was there before has changed");
	else
		pass();
	r = change(&world, &world.flat, 0, 1, 9);
	if (r && r != -ENOSPC)
		fail("small map", 1, r, "a small change failed in another way");
	close_world(&world);
	open_world(&world);
	if (change(&world, &world.flat, 200, 40, 9) || !is_sound(&world))
		fail("small map", 2, -ENOSPC, "it does not go on with more room");
	else
		pass();
	close_world(&world);
	buffer_free(&before);
	buffer_free(&after);
	free(store);
	remove_world(&world);
}

/* With --operations, as in long runs, every call fails in every way; else every seventh one, and the ways take turns. */
int main(int argc, char **argv)
{
	bool all_ways = false;
	for (int i = 1; i < argc; i++)
		all_ways |= !strcmp(argv[i], "--operations");
	clock_set(WORLD_US);
	if (!all_ways)
		fail_one_in(7, 0);
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		run_scenario(&scenarios[i], all_ways);
	run_writer(all_ways);
	for (rlim_t limit = 0; limit <= 96u << 10; limit += 2048) {
		init_in_a_full_place(limit, false);
		init_in_a_full_place(limit, true);
	}
	run_small_map();
	return print_outcome();
}
