#include "tests/support/faulty_world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "pin.h"
#include "restore.h"
#include "tests/support/consistency.h"

#define FAILURES_MAX 5u

static const int codes[] = { -ENOSPC, -EIO, -ENOMEM };
#define CODES (sizeof(codes) / sizeof(codes[0]))

static unsigned passed, failed;
static uint64_t every = 1, begin;

void fail_one_in(uint64_t count, uint64_t number)
{
	every = count;
	begin = number;
}

void pass(void)
{
	passed++;
}

void fail(const char *scenario, uint64_t n, int code, const char *what)
{
	failed++;
	printf("%s, call %llu fails with %s: %s\n", scenario, (unsigned long long)n, strerrorname_np(-code), what);
}

bool is_hopeless(void)
{
	return failed >= FAILURES_MAX;
}

int print_outcome(void)
{
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}

/* --- worlds --- */

void open_world(struct world *world)
{
	clock_set(WORLD_US);
	world->history = scratch_open(world->directory);
	store_set_fault_hook(history_store(world->history), fault_hook, &world->fault);
	world->error = (struct error){ 0 };
}

void close_world(struct world *world)
{
	fault_arm(&world->fault, 0, 0, false);
	history_close(world->history);
	world->history = NULL;
}

int change(struct world *world, const struct table *table, unsigned first, unsigned count, int version)
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

void make_world(struct world *world)
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

void remove_world(struct world *world)
{
	table_free(&world->flat);
	table_free(&world->parts);
	free(world->data);
	free(world->aside);
	free(world->shared);
	scratch_remove(world->directory);
}

void restore_world(struct world *world)
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

void dump_world(struct world *world, struct buffer *out)
{
	struct store_txn *txn;
	buffer_clear(out);
	must(consistency_dump(world->history, out));
	must(store_begin(history_store(world->history), false, &txn));
	dump_recovery(txn, out);
	store_abort(txn);
}

bool is_sound(struct world *world)
{
	struct error error = { 0 };
	if (consistency_check(world->history, &error) == 0)
		return true;
	printf("%s\n", error_text(&error));
	return false;
}

int change_table(struct world *world, int (*how)(struct world *world, struct batch *batch))
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

/* --- scenarios --- */

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
		pass();
	close_world(world);
	world->is_changed = !slice_equal(buffer_slice(&dump), buffer_slice(&dumps[0]));
	buffer_free(&dump);
}

void run_scenario(const struct scenario *scenario, bool all_ways)
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
	unsigned ways = calls <= 400 && all_ways ? CODES : 1;
	for (uint64_t n = 1 + begin % every; n <= calls && !is_hopeless(); n += every)
		for (unsigned way = 0; way < ways; way++)
			fail_call(&world, scenario, dumps, n, codes[(n + way) % CODES]);
	printf("%s: %llu calls\n", scenario->name, (unsigned long long)calls);
	for (unsigned i = 0; i <= STEPS_MAX; i++)
		buffer_free(&dumps[i]);
	remove_world(&world);
}
