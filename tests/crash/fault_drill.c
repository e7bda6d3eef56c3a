/* Drills that end early: a call to the store fails, or the process is killed before or after a commit. Nothing of them is
 * left when the next one has begun, and the drilled table never notices. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "drill.h"
#include "layout.h"
#include "tests/support/faulty_world.h"

#define MID_SEQ 40 /* some items were removed by then, and some later */

/* A whole drill of "parts", as the command line does it. */
static int drill(struct world *world)
{
	struct snapshot state = { .table = world->parts.number, .seq = MID_SEQ, .time_us = WORLD_US + SECOND_US };
	struct drill *drill;
	struct drill_round round = { 0 };
	struct error *error = &world->error;
	int r = drill_begin(world->history, NULL, &drill, error);
	if (r)
		return r;
	r = drill_restore(drill, &world->parts, &state, &round, error);
	if (!r)
		r = drill_check(drill, &world->parts, &round, error);
	if (!r && !drill_is_right(&round))
		r = error_set(error, -EBADMSG, "what was restored differs");
	int dropped = drill_drop(drill, &round, r ? NULL : error);
	r = r ? r : dropped;
	int ended = drill_end(drill, r ? NULL : error);
	return r ? r : ended;
}

/* Has a drill noted a table as its own, and left it? */
static bool is_something_noted(struct history *history)
{
	struct store_txn *txn;
	struct layout_key from = layout_meta_number('x', 0);
	struct slice key, value;
	must(store_begin(history_store(history), false, &txn));
	bool is_noted = store_seek(txn, STORE_META, layout_slice(&from), &key, &value) == 0 && key.data[0] == 'x';
	store_abort(txn);
	return is_noted;
}

static void append_items(struct history *history, const struct table *table, struct buffer *out)
{
	for (unsigned key = 0; key < 40; key++)
		buffer_append_format(out, "%d ", scratch_version(history, table, key));
}

/* The next drill finds nothing of the one before when it has begun, and is a whole one. */
static const char *look_at(struct world *world)
{
	struct buffer before = BUFFER_INIT, after = BUFFER_INIT;
	struct table_statistics statistics;
	struct store_txn *txn;
	const char *wrong = NULL;
	append_items(world->history, &world->parts, &before);
	if (!is_sound(world))
		wrong = "the store is not sound";
	else if (drill(world))
		wrong = error_text(&world->error);
	else if (is_something_noted(world->history))
		wrong = "a temporary table is left";
	else if (!is_sound(world))
		wrong = "the store is not sound after the next";
	append_items(world->history, &world->parts, &after);
	must(store_begin(history_store(world->history), false, &txn));
	must(table_statistics(txn, world->parts.number, &statistics));
	store_abort(txn);
	if (!wrong && (statistics.items != 25 || !slice_equal(buffer_slice(&before), buffer_slice(&after))))
		wrong = "the table itself has changed";
	buffer_free(&before);
	buffer_free(&after);
	return wrong;
}

static unsigned left; /* how many drills left something */

static void judge(struct world *world, const char *scenario, uint64_t n, int code)
{
	open_world(world);
	left += is_something_noted(world->history);
	const char *wrong = look_at(world);
	if (wrong)
		fail(scenario, n, code, wrong);
	else
		pass();
	close_world(world);
}

/* --- failing calls --- */

static uint64_t count_calls(struct world *world, unsigned only)
{
	restore_world(world);
	open_world(world);
	world->fault.only = only;
	fault_arm(&world->fault, 0, 0, false);
	must(drill(world));
	uint64_t calls = world->fault.seen;
	world->fault.only = 0;
	close_world(world);
	return calls;
}

static void fail_calls(struct world *world, uint64_t begin, uint64_t every)
{
	static const int codes[] = { -ENOSPC, -EIO, -ENOMEM };
	uint64_t calls = count_calls(world, 0);
	for (uint64_t n = 1 + begin % every; n <= calls && !is_hopeless(); n += every) {
		int code = codes[n % 3];
		restore_world(world);
		open_world(world);
		fault_arm(&world->fault, n, code, false);
		int r = drill(world);
		close_world(world);
		if (r && r != code)
			fail("a drill", n, code, "another error was told");
		judge(world, "a drill", n, code);
	}
	printf("a drill: %llu calls\n", (unsigned long long)calls);
}

/* --- killed at commits --- */

static struct {
	unsigned at, seen;
	bool is_after;
} death;

static int die(void *context, enum store_op op)
{
	(void)context;
	if (death.is_after && death.seen == death.at)
		raise(SIGKILL);
	if (op == STORE_OP_COMMIT && ++death.seen == death.at && !death.is_after)
		raise(SIGKILL);
	return 0;
}

static void kill_at(struct world *world, unsigned at, bool is_after)
{
	restore_world(world);
	death.at = at;
	death.is_after = is_after;
	death.seen = 0;
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		open_world(world);
		store_set_fault_hook(history_store(world->history), die, NULL);
		_exit(drill(world) != 0);
	}
	int status;
	must_be(child, waitpid(child, &status, 0));
	if (!(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) && status)
		fail("a killed drill", at, -EINTR, "the child ended otherwise");
	judge(world, is_after ? "killed after a commit" : "killed at a commit", at, -EINTR);
}

static void kill_at_commits(struct world *world)
{
	unsigned commits = (unsigned)count_calls(world, 1u << STORE_OP_COMMIT);
	for (unsigned at = 1; at <= commits && !is_hopeless(); at++) {
		kill_at(world, at, false);
		kill_at(world, at, true);
	}
	if (!left)
		fail("killed drills", commits, -EINTR, "none left anything, so nothing was tried");
	printf("a drill: %u commits; %u of the killed left tables\n", commits, left);
}

int main(int argc, char **argv)
{
	struct world world;
	uint64_t seed = 0, every = 31;
	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--seed"))
			seed = strtoull(argv[i + 1], NULL, 10);
		else if (!strcmp(argv[i], "--operations"))
			every = 2;
	}
	make_world(&world);
	kill_at_commits(&world);
	fail_calls(&world, seed, every);
	remove_world(&world);
	return print_outcome();
}
