/* Makes the Nth call to the store fail, for every N of a scenario, and looks at what stays.
 *
 * A scenario is a sequence of steps, each a commit of its own. Whatever fails, the store must be as after the steps that
 * succeeded, or as after one more, and whoever asked must have been told. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backup.h"
#include "clock.h"
#include "hold.h"
#include "journal.h"
#include "name.h"
#include "restore.h"
#include "snapshot.h"
#include "tests/support/consistency.h"
#include "tests/support/scratch_store.h"

#define STEPS_MAX 12u
#define STOPPED_US (INT64_C(1740832200) * SECOND_US)
#define CHECK_EVERY 16u

static const int codes[] = { -ENOSPC, -EIO, -ENOMEM };
#define CODES (sizeof(codes) / sizeof(codes[0]))

static unsigned passed, failed;

/* A store, and a copy of how it was at first. */
struct world {
	char *directory, *data, *aside, *shared;
	struct history *history;
	struct table flat, parts;
	struct fault fault;
	struct error error;
	bool is_changed;
};

typedef int (*step)(struct world *world);

static void fail(const char *scenario, uint64_t n, int code, const char *what)
{
	failed++;
	printf("%s, call %llu fails with %s: %s\n", scenario, (unsigned long long)n, strerrorname_np(-code), what);
}

/* --- worlds --- */

static void open_world(struct world *world)
{
	world->history = scratch_open(world->directory);
	store_set_fault_hook(history_store(world->history), fault_hook, &world->fault);
	world->error = (struct error){ 0 };
}

static void close_world(struct world *world)
{
	fault_arm(&world->fault, 0, 0, false);
	history_close(world->history);
	world->history = NULL;
}

static int change(struct world *world, const struct table *table, unsigned first, unsigned count, int version)
{
	struct batch *batch;
	struct buffer bytes = BUFFER_INIT;
	struct change_context context = { 0 };
	struct change_result result;
	int r = batch_begin(world->history, &batch, &world->error);
	if (r)
		return r;
	r = batch_author(batch, slice_of_text("{\"by\":\"test\"}"), &context.author);
	if (r)
		error_set(&world->error, r, "author");
	for (unsigned key = first; key < first + count && !r; key++) {
		if (version < 0) {
			scratch_key(table, key, &bytes);
			r = batch_remove(batch, table, buffer_slice(&bytes), &context, &result, &world->error);
		} else {
			scratch_item(table, key, (unsigned)version, key % 50 == 7 ? 5000 : 60, &bytes);
			r = batch_put(batch, table, buffer_slice(&bytes), &context, &result, &world->error);
		}
	}
	buffer_free(&bytes);
	if (!r)
		return batch_commit(batch, &world->error);
	batch_abort(batch);
	return r;
}

static void make_world(struct world *world)
{
	*world = (struct world){ .directory = scratch_directory() };
	world->data = scratch_path(world->directory, "store/data.mdb");
	world->shared = scratch_path(world->directory, "store/shared");
	world->aside = scratch_path(world->directory, "aside");
	open_world(world);
	scratch_create_table(world->history, "flat", false, &world->flat);
	scratch_create_table(world->history, "parts", true, &world->parts);
	must(change(world, &world->flat, 0, 40, 0));
	must(change(world, &world->flat, 0, 5, 1));
	must(change(world, &world->flat, 30, 10, -1));
	must(change(world, &world->parts, 0, 35, 0));
	must(change(world, &world->parts, 10, 10, -1));
	close_world(world);
	scratch_copy_file(world->data, world->aside);
}

static void remove_world(struct world *world)
{
	table_free(&world->flat);
	table_free(&world->parts);
	free(world->data);
	free(world->aside);
	free(world->shared);
	scratch_remove(world->directory);
}

static void restore_world(struct world *world)
{
	scratch_copy_file(world->aside, world->data);
	unlink(world->shared);
	world->is_changed = false;
}

/* What is pinned, and what is being restored. */
static void dump_recovery(struct store_txn *txn, struct buffer *out)
{
	struct pin_place place = { 0 };
	struct pin pin;
	struct table table;
	uint32_t number = 0;
	int r;
	while ((r = pin_next(txn, UINT32_MAX, &place, &pin)) == 1)
		buffer_append_format(out, "pin %d of table %u at %llu: %s\n", pin.kind, pin.table,
			(unsigned long long)pin.seq, pin.name);
	must(r);
	while ((r = restore_next(txn, &number, &table)) == 1) {
		buffer_append_format(out, "%s is %s\n", table.name, table.is_restoring ? "restored" : "not restored");
		table_free(&table);
	}
	must(r);
}

static void dump_world(struct world *world, struct buffer *out)
{
	struct store_txn *txn;
	buffer_clear(out);
	must(consistency_dump(world->history, out));
	must(store_begin(history_store(world->history), false, &txn));
	dump_recovery(txn, out);
	store_abort(txn);
}

static bool is_sound(struct world *world)
{
	struct error error = { 0 };
	if (consistency_check(world->history, &error) == 0)
		return true;
	printf("%s\n", error_text(&error));
	return false;
}

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

static int change_table(struct world *world, int (*how)(struct world *world, struct batch *batch))
{
	struct batch *batch;
	int r = batch_begin(world->history, &batch, &world->error);
	if (r)
		return r;
	r = how(world, batch);
	if (!r)
		return batch_commit(batch, &world->error);
	batch_abort(batch);
	return r;
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

/* --- recovery --- */

static int find_in(struct world *world, struct batch *batch, const char *name, struct table *ret_table)
{
	return table_find(batch_txn(batch), slice_of_text(name), TIME_NOW, ret_table, &world->error);
}

static int begin_restore_in(struct world *world, struct batch *batch)
{
	struct table table;
	struct change_context context = { 0 };
	int r = restore_begin(batch, slice_of_text("copied"), &world->flat, &context, &table, &world->error);
	if (!r)
		table_free(&table);
	return r;
}

static int begin_restore(struct world *world)
{
	return change_table(world, begin_restore_in);
}

static int expect_in(struct world *world, struct batch *batch)
{
	static const char text[] =
		"{\"KeySchema\":[{\"AttributeName\":\"id\",\"KeyType\":\"HASH\"}],"
		"\"AttributeDefinitions\":[{\"AttributeName\":\"id\",\"AttributeType\":\"S\"}],"
		"\"BillingModeSummary\":{\"BillingMode\":\"PAY_PER_REQUEST\"},\"ItemCount\":3,"
		"\"Snapshot\":{\"Table\":\"flat\",\"TableId\":\"other\",\"Instant\":\"2025-03-01T12:30:00.00001Z\"}}";
	struct change_context context = { 0 };
	struct table table;
	struct json *document;
	int r = find_in(world, batch, "copied", &table);
	if (r)
		return r;
	must(json_parse(slice_of_text(text), &json_default_limits, &document, NULL));
	r = restore_expect(batch, &table, document, &context, &world->error);
	json_free(document);
	table_free(&table);
	return r;
}

static int expect_three(struct world *world)
{
	return change_table(world, expect_in);
}

static int copy_items(struct world *world, unsigned first, unsigned count)
{
	struct table table;
	struct store_txn *txn;
	int r = store_begin(history_store(world->history), false, &txn);
	if (r)
		return error_set(&world->error, r, "read");
	r = table_find(txn, slice_of_text("copied"), TIME_NOW, &table, &world->error);
	store_abort(txn);
	if (r)
		return r;
	r = change(world, &table, first, count, 1);
	table_free(&table);
	return r;
}

static int copy_two(struct world *world)
{
	return copy_items(world, 0, 2);
}

static int copy_last(struct world *world)
{
	return copy_items(world, 2, 1);
}

static int accept_in(struct world *world, struct batch *batch)
{
	struct change_context context = { 0 };
	struct table table;
	int r = find_in(world, batch, "copied", &table);
	if (r)
		return r;
	r = restore_accept(batch, &table, &context, &world->error);
	table_free(&table);
	return r;
}

static int accept_copied(struct world *world)
{
	return change_table(world, accept_in);
}

static int drop_copied_in(struct world *world, struct batch *batch)
{
	struct change_context context = { 0 };
	struct table table;
	int r = find_in(world, batch, "copied", &table);
	if (r)
		return r;
	r = table_drop(batch, &table, &context, &world->error);
	table_free(&table);
	return r;
}

static int drop_copied(struct world *world)
{
	return change_table(world, drop_copied_in);
}

static int back_up_in(struct world *world, struct batch *batch)
{
	struct change_context context = { 0 };
	struct pin pin;
	return backup_create(batch, &world->parts, NULL, slice_of_text("nightly"), &context, &pin, &world->error);
}

static int back_up(struct world *world)
{
	return change_table(world, back_up_in);
}

static int find_backup(struct world *world, struct batch *batch, struct pin *ret_pin)
{
	int r = backup_find_name(
		batch_txn(batch), UINT32_MAX, slice_of_text("parts"), slice_of_text("nightly"), ret_pin);
	return r ? error_set(&world->error, r, "find the backup") : 0;
}

static int share_in(struct world *world, struct batch *batch)
{
	struct change_context context = { 0 };
	struct pin pin;
	struct restore_source source;
	struct table table;
	int r = find_backup(world, batch, &pin);
	if (!r)
		r = backup_source(batch_txn(batch), &pin, &source, &world->error);
	if (r)
		return r;
	r = restore_share(batch, &source, slice_of_text("copied"), NULL, &context, &table, &world->error);
	if (!r)
		table_free(&table);
	restore_source_free(&source);
	return r;
}

static int share_backup(struct world *world)
{
	return change_table(world, share_in);
}

static int delete_backup_in(struct world *world, struct batch *batch)
{
	struct pin pin;
	int r = find_backup(world, batch, &pin);
	return r ? r : backup_delete(batch, &pin, &world->error);
}

static int delete_backup(struct world *world)
{
	return change_table(world, delete_backup_in);
}

static int hold_in(struct world *world, struct batch *batch)
{
	struct change_context context = { 0 };
	struct pin pin;
	return hold_add(batch, &world->parts, NULL, slice_of_text("q1"), "audit", 0, &context, &pin, &world->error);
}

static int hold(struct world *world)
{
	return change_table(world, hold_in);
}

static int release_in(struct world *world, struct batch *batch)
{
	struct pin pin;
	return hold_release(batch, slice_of_text("q1"), &pin, &world->error);
}

static int release(struct world *world)
{
	return change_table(world, release_in);
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
	struct instant instant = { .kind = INSTANT_AT, .time_us = STOPPED_US + 60 };
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

/* --- every call of a scenario fails --- */

struct scenario {
	const char *name;
	step steps[STEPS_MAX];
};

static const struct scenario scenarios[] = {
	{ "flat table", { insert_flat, update_flat, update_nothing, remove_flat, insert_flat, insert_large } },
	{ "partitions", { insert_partition, insert_beside, update_part, remove_partition, insert_again } },
	{ "200 changes", { change_many } },
	{ "tables", { create_table, update_table, drop_table } },
	{ "listing", { list_live } },
	{ "reading the past", { read_past } },
};

static const struct scenario recovery_scenarios[] = {
	{ "restore by copying", { begin_restore, expect_three, copy_two, expect_three, copy_last, drop_copied } },
	{ "restore taken as it is", { begin_restore, copy_two, accept_copied, copy_last } },
	{ "interrupted restore", { begin_restore, expect_three, copy_two, drop_copied, begin_restore } },
	{ "backups", { back_up, share_backup, copy_two, delete_backup, drop_copied } },
	{ "holds", { hold, release, drop_table } },
};

/* Runs until a step fails; returns how many succeeded. */
static unsigned run_steps(struct world *world, const struct scenario *scenario, struct buffer *dumps, int *ret_result)
{
	unsigned done = 0;
	*ret_result = 0;
	for (; done < STEPS_MAX && scenario->steps[done]; done++) {
		*ret_result = scenario->steps[done](world);
		if (*ret_result)
			break;
		if (dumps)
			dump_world(world, &dumps[done + 1]);
	}
	return done;
}

static void fail_call(
	struct world *world, const struct scenario *scenario, const struct buffer *dumps, uint64_t n, int code)
{
	struct buffer dump = BUFFER_INIT;
	int r;
	if (world->is_changed)
		restore_world(world);
	open_world(world);
	fault_arm(&world->fault, n, code, false);
	unsigned done = run_steps(world, scenario, NULL, &r);
	bool is_told = r == 0 || (r == code && world->error.code == r && world->error.message[0]);
	bool is_whole = r == 0 && (done == STEPS_MAX || !scenario->steps[done]);
	close_world(world);
	open_world(world);
	dump_world(world, &dump);
	bool is_right = slice_equal(buffer_slice(&dump), buffer_slice(&dumps[done])) ||
			(!is_whole && slice_equal(buffer_slice(&dump), buffer_slice(&dumps[done + 1])));
	if (!is_right)
		fail(scenario->name, n, code, "the store is neither as it was nor as it should become");
	else if (!is_told)
		fail(scenario->name, n, code, "another error was told, or none");
	else if (n % CHECK_EVERY == 0 && !is_sound(world))
		fail(scenario->name, n, code, "the store is not sound");
	else
		passed++;
	close_world(world);
	world->is_changed = !slice_equal(buffer_slice(&dump), buffer_slice(&dumps[0]));
	buffer_free(&dump);
}

/* With one way, each call fails in one; they take turns. So they do where there are many calls. */
static void run_scenario(const struct scenario *scenario, unsigned ways)
{
	struct world world;
	struct buffer dumps[STEPS_MAX + 1] = { 0 };
	int r;
	make_world(&world);
	open_world(&world);
	dump_world(&world, &dumps[0]);
	run_steps(&world, scenario, dumps, &r);
	must(r);
	close_world(&world);
	restore_world(&world);
	open_world(&world);
	fault_arm(&world.fault, 0, 0, false);
	run_steps(&world, scenario, NULL, &r);
	uint64_t calls = world.fault.seen;
	close_world(&world);
	world.is_changed = true;
	ways = calls <= 400 ? ways : 1;
	for (uint64_t n = 1; n <= calls && failed < 5; n++)
		for (unsigned way = 0; way < ways; way++)
			fail_call(&world, scenario, dumps, n, codes[(n + way) % CODES]);
	printf("%s: %llu calls\n", scenario->name, (unsigned long long)calls);
	for (unsigned i = 0; i <= STEPS_MAX; i++)
		buffer_free(&dumps[i]);
	remove_world(&world);
}

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
		passed++;
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
		passed++;
	close_world(world);
	buffer_free(&dump);
	return !is_beyond;
}

static void run_writer(void)
{
	struct world world;
	struct buffer dumps[SUBMITTED + 1] = { 0 };
	make_world(&world);
	uint64_t calls = make_writer_dumps(&world, dumps);
	for (uint64_t n = 1; n <= calls && failed < 5; n++)
		for (unsigned way = 0; way < CODES; way++)
			fail_writer(&world, dumps, n, codes[way], true);
	for (uint64_t n = 1; n <= calls && failed < 5; n += 9)
		fail_writer(&world, dumps, n, codes[n % CODES], false);
	char *journal = scratch_path(world.directory, "store/journal"), *aside = scratch_path(world.directory, "old");
	leave_journal(&world, journal, aside);
	bool goes_on = true;
	uint64_t n = 0;
	while (goes_on && failed < 5)
		for (unsigned way = 0, last = (unsigned)++n; way < CODES; way++)
			goes_on = fail_recovery(&world, &dumps[SUBMITTED], journal, aside, last, codes[way]);
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
		passed++;
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
		passed++;
	r = change(&world, &world.flat, 0, 1, 9);
	if (r && r != -ENOSPC)
		fail("small map", 1, r, "a small change failed in another way");
	close_world(&world);
	open_world(&world);
	if (change(&world, &world.flat, 200, 40, 9) || !is_sound(&world))
		fail("small map", 2, -ENOSPC, "it does not go on with more room");
	else
		passed++;
	close_world(&world);
	buffer_free(&before);
	buffer_free(&after);
	free(store);
	remove_world(&world);
}

int main(void)
{
	clock_set(STOPPED_US);
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		run_scenario(&scenarios[i], CODES);
	for (size_t i = 0; i < sizeof(recovery_scenarios) / sizeof(recovery_scenarios[0]); i++)
		run_scenario(&recovery_scenarios[i], 1);
	run_writer();
	for (rlim_t limit = 0; limit <= 96u << 10; limit += 2048) {
		init_in_a_full_place(limit, false);
		init_in_a_full_place(limit, true);
	}
	run_small_map();
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}
