/* Kills a process before and after each of its commits, and looks at what the next one finds.
 *
 * The sequence of changes, restores, undos and steps of retention follows from the seed alone, and so does the clock, so
 * that a store in which nobody died tells what history must be after each commit. A killed store's must be exactly that. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backup.h"
#include "clock.h"
#include "restore.h"
#include "retention.h"
#include "snapshot.h"
#include "tests/support/consistency.h"
#include "tests/support/scratch_store.h"
#include "undo.h"

#define TABLES 3u
#define KEYS 60u
#define BEGIN_US (INT64_C(1740832200) * SECOND_US)
#define STEP_US (2 * DAY_US) /* between commits: some leave the window */

struct plan {
	uint64_t seed, random;
	unsigned moves; /* in the whole sequence, most of them a commit */
};

/* Where a child dies: at the commit with this number, before or after it. */
static struct {
	unsigned at, seen;
	bool is_after;
} death;

static int die(void *context, enum store_op op)
{
	(void)context;
	if (death.at && death.is_after && death.seen == death.at)
		raise(SIGKILL);
	if (op == STORE_OP_COMMIT && ++death.seen == death.at && !death.is_after)
		raise(SIGKILL);
	return 0;
}

static uint64_t below(struct plan *plan, uint64_t bound)
{
	plan->random += 0x9e3779b97f4a7c15u;
	uint64_t z = plan->random;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31)) % bound;
}

static void change_item(struct plan *plan, struct batch *batch, const struct table *table, unsigned version)
{
	struct buffer bytes = BUFFER_INIT;
	struct change_context context = { 0 };
	struct change_result result;
	unsigned key = (unsigned)below(plan, KEYS);
	if (below(plan, 4) == 0) {
		scratch_key(table, key, &bytes);
		must(batch_remove(batch, table, buffer_slice(&bytes), &context, &result, NULL));
	} else {
		unsigned size = below(plan, 20) ? 30 : 3000;
		scratch_item(table, key, version, size, &bytes);
		must(batch_author(
			batch, slice_of_text(key % 2 ? "{\"by\":\"odd\"}" : "{\"by\":\"even\"}"), &context.author));
		must(batch_put(batch, table, buffer_slice(&bytes), &context, &result, NULL));
	}
	buffer_free(&bytes);
}

static void change_table(struct plan *plan, struct batch *batch, struct table *table, bool *is_there)
{
	struct change_context context = { 0 };
	if (*is_there && below(plan, 5) == 0) {
		must(table_drop(batch, table, &context, NULL));
		table_free(table);
		*is_there = false;
	} else if (*is_there) {
		char text[100];
		snprintf(text, sizeof(text), "{\"TableClass\":\"class %u\"}", (unsigned)below(plan, 3));
		must(scratch_update_table(batch, table, text));
	}
}

/* The table anew: empty, or sharing the history of another as it is. */
static void make_table(
	struct history *history, const char *name, bool has_sort, const struct table *like, struct table *ret_table)
{
	struct batch *batch;
	struct restore_source source;
	struct change_context context = { 0 };
	if (!like) {
		scratch_create_table(history, name, has_sort, ret_table);
		return;
	}
	struct snapshot live = snapshot_live(like->number);
	must(batch_begin(history, &batch, NULL));
	must(restore_source_of(batch_txn(batch), like, &live, NULL, &source, NULL));
	must(restore_share(batch, &source, slice_of_text(name), NULL, &context, ret_table, NULL));
	must(batch_commit(batch, NULL));
	restore_source_free(&source);
}

static void change_items(struct plan *plan, struct batch *batch, const struct table *table, unsigned version)
{
	/* So that no batch is empty. */
	unsigned changes = 1 + (unsigned)below(plan, 40);
	for (unsigned i = 0; i < changes; i++)
		change_item(plan, batch, table, version + i);
}

/* What was done last to a table, whatever came in between. */
static void undo_last(struct plan *plan, struct batch *batch, const struct table *table)
{
	struct undo_options options = { .conflicts = UNDO_CONFLICTS_UNDO };
	struct undo_counts counts;
	struct change_context context = { 0 };
	struct log_entry last;
	if (log_last(batch_txn(batch), table->number, &last))
		return;
	uint64_t back = below(plan, 20);
	options.from_seq = last.seq > back ? last.seq - back : 1;
	options.to_seq = last.seq;
	int r = undo_apply(batch, table, NULL, &options, &context, NULL, NULL, &counts, NULL);
	/* It begins before the table, or before what is left of its history. */
	must(r == -ENOENT || r == -ESTALE ? 0 : r);
}

/* A backup that keeps a state for a while. */
static void change_backup(struct plan *plan, struct batch *batch, const struct table *table)
{
	struct change_context context = { 0 };
	struct pin pin;
	int r = backup_find_name(batch_txn(batch), UINT32_MAX, slice_of_text(table->name), slice_of_text("kept"), &pin);
	if (!r)
		must(backup_delete(batch, &pin, NULL));
	else
		must(backup_create(batch, table, NULL, slice_of_text("kept"), &context, &pin, NULL));
	change_items(plan, batch, table, 0);
}

static void change_something(
	struct plan *plan, struct history *history, struct table *table, bool *is_there, unsigned n)
{
	struct batch *batch;
	uint64_t choice = below(plan, 8);
	must(batch_begin(history, &batch, NULL));
	if (choice == 0)
		undo_last(plan, batch, table);
	else if (choice == 1)
		change_backup(plan, batch, table);
	else
		change_items(plan, batch, table, n * 100);
	if (!strcmp(table->name, "fleeting"))
		change_table(plan, batch, table, is_there);
	must(batch_commit(batch, NULL));
}

/* Makes the sequence's moves from the beginning, and calls `moved` after each. */
static void run(struct history *history, struct plan *plan, void (*moved)(struct history *, void *), void *context)
{
	static const char *const names[TABLES] = { "flat", "parts", "fleeting" };
	struct table tables[TABLES];
	bool is_there[TABLES] = { false };
	plan->random = plan->seed;
	for (unsigned n = 0; n < plan->moves; n++) {
		unsigned t = (unsigned)below(plan, TABLES), like = (unsigned)below(plan, 2);
		clock_set(BEGIN_US + n * STEP_US);
		if (n > 20 && below(plan, 3) == 0)
			must(retention_step(history, NULL, NULL) < 0);
		else if (is_there[t])
			change_something(plan, history, &tables[t], &is_there[t], n);
		else {
			make_table(
				history, names[t], t == 1, t == 2 && is_there[like] ? &tables[like] : NULL, &tables[t]);
			is_there[t] = true;
		}
		if (moved)
			moved(history, context);
	}
	for (unsigned t = 0; t < TABLES; t++)
		if (is_there[t])
			table_free(&tables[t]);
}

struct reference {
	struct buffer *dumps; /* after each commit; the first before any */
	unsigned count;
};

/* Not every move is a commit. */
static void note(struct history *history, void *context)
{
	struct reference *reference = context;
	if (death.seen < reference->count)
		return;
	must_be(reference->count, death.seen);
	must(consistency_dump(history, &reference->dumps[reference->count++]));
}

static void make_reference(struct plan *plan, struct reference *reference)
{
	char *directory = scratch_directory();
	struct history *history = scratch_open(directory);
	struct error error = { 0 };
	store_set_fault_hook(history_store(history), die, NULL);
	reference->dumps = calloc(plan->moves + 1, sizeof(*reference->dumps));
	note(history, reference);
	run(history, plan, note, reference);
	if (consistency_check(history, &error)) {
		printf("nobody killed: %s\n", error_text(&error));
		abort();
	}
	history_close(history);
	scratch_remove(directory);
}

static bool is_as_after(const struct reference *reference, const struct buffer *dump, unsigned commits)
{
	const struct buffer *wanted = &reference->dumps[commits];
	return slice_equal(buffer_slice(dump), buffer_slice(wanted));
}

static bool look_at(const char *directory, const struct reference *reference, unsigned commits)
{
	struct history *history = scratch_open(directory);
	struct buffer dump = BUFFER_INIT;
	struct error error = { 0 };
	int r = consistency_check(history, &error);
	bool is_right = r == 0;
	if (r)
		printf("killed around commit %u: %s\n", death.at, error_text(&error));
	must(consistency_dump(history, &dump));
	if (!is_as_after(reference, &dump, commits)) {
		is_right = false;
		printf("killed %s commit %u: it is not as after %u commits\n%s\n", death.is_after ? "after" : "at",
			death.at, commits, buffer_text(&dump));
	}
	buffer_free(&dump);
	history_close(history);
	return is_right;
}

/* One life and death. False: what was found is wrong. */
static bool kill_at(struct plan *plan, const struct reference *reference, unsigned at, bool is_after)
{
	char *directory = scratch_directory();
	death.at = at;
	death.is_after = is_after;
	death.seen = 0;
	clock_set(BEGIN_US);
	history_close(scratch_open(directory));
	pid_t child = fork();
	if (child == 0) {
		struct history *history = scratch_open(directory);
		store_set_fault_hook(history_store(history), die, NULL);
		run(history, plan, NULL, NULL);
		history_close(history);
		_exit(0);
	}
	int status;
	must_be(child, waitpid(child, &status, 0));
	/* After the last commit nothing need be left to die at. */
	bool is_last = is_after && at + 1 == reference->count;
	bool is_right = (is_last && WIFEXITED(status)) || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	if (!is_right)
		printf("the child ended with status %x\n", (unsigned)status);
	is_right = look_at(directory, reference, is_after ? at : at - 1) && is_right;
	scratch_remove(directory);
	return is_right;
}

int main(int argc, char **argv)
{
	struct plan plan = { .seed = 1, .moves = 40 };
	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--seed"))
			plan.seed = strtoull(argv[i + 1], NULL, 10);
		else if (!strcmp(argv[i], "--operations"))
			plan.moves = 20 + (unsigned)(strtoul(argv[i + 1], NULL, 10) / 100 % 180);
	}
	printf("--seed %llu, %u moves\n", (unsigned long long)plan.seed, plan.moves);
	clock_set(BEGIN_US);
	struct reference reference = { 0 };
	make_reference(&plan, &reference);
	unsigned passed = 0, failed = 0;
	for (unsigned at = 1; at < reference.count && failed < 3; at++)
		for (unsigned is_after = 0; is_after < 2; is_after++) {
			bool is_right = kill_at(&plan, &reference, at, is_after);
			passed += is_right;
			failed += !is_right;
		}
	for (unsigned i = 0; i < reference.count; i++)
		buffer_free(&reference.dumps[i]);
	free(reference.dumps);
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}
