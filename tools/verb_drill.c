/* drill: restore random instants, and see whether they are right. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drill.h"
#include "hash.h"
#include "tools/item_path.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/verbs.h"

#define TIMES 3
#define TIMES_MAX 100000
#define DIFFERENCES_TOLD 20
#define ATTEMPTS 5 /* retention may overtake what was picked */

static struct option drill_options[] = {
	{ .name = "times", .letter = 'n', .kind = OPTION_VALUE },
	{ .name = "seed", .kind = OPTION_VALUE },
	{ .name = "json", .kind = OPTION_FLAG },
	{ .name = NULL },
};

struct drilling {
	struct tool *tool;
	struct drill *drill;
	struct buffer author, line;
	struct table *tables;
	size_t table_count;
	unsigned long times;
	uint64_t random;
	const struct table *table; /* the one at hand */
	unsigned told;
	uint64_t rounds, wrong;
	struct progress progress;
};

static volatile sig_atomic_t is_interrupted;

static void interrupt(int signal_number)
{
	(void)signal_number;
	is_interrupted = 1;
}

/* What was begun is cleaned up. */
static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = interrupt };
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

/* --- Which tables --------------------------------------------------------------------------------------------------- */

#define NO_HISTORY "keeps no history (point-in-time recovery is off): there is nothing to drill"

static int add_table(struct drilling *drilling, struct table *table)
{
	struct table *tables = reallocarray(drilling->tables, drilling->table_count + 1, sizeof(*tables));
	if (!tables) {
		table_free(table);
		return -ENOMEM;
	}
	drilling->tables = tables;
	tables[drilling->table_count++] = *table;
	return 0;
}

static int add_all(struct drilling *drilling, struct store_txn *txn)
{
	struct table table;
	uint64_t place = 0;
	int result;
	while ((result = table_list(txn, TIME_NOW, &place, &table)) > 0) {
		result = 0;
		if (!table.is_restoring && !table.is_pitr_on)
			tool_say("%s " NO_HISTORY, table.name);
		if (table.is_restoring || !table.is_pitr_on)
			table_free(&table);
		else
			result = add_table(drilling, &table);
		if (result < 0)
			break;
	}
	return result;
}

static int choose_tables(struct drilling *drilling, struct error *error)
{
	const struct positionals *names = &drilling->tool->positionals;
	struct store_txn *txn;
	struct table table;
	int result = store_begin(history_store(drilling->tool->history), /* is_writable= */ false, &txn);
	if (result < 0)
		return error_set(error, result, "the store could not be read: %s", strerror(-result));
	if (names->count == 0) {
		result = add_all(drilling, txn);
		if (result < 0)
			error_set(error, result, "the tables could not be listed: %s", strerror(-result));
	}
	for (size_t i = 0; i < names->count && result == 0; i++) {
		result = item_path_live_table(txn, names->values[i], &table, error);
		if (result == 0 && !table.is_pitr_on) {
			result = error_set(error, -EINVAL, "%s " NO_HISTORY, table.name);
			table_free(&table);
		} else if (result == 0 && add_table(drilling, &table) < 0) {
			result = error_set(error, -ENOMEM, "out of memory");
		}
	}
	store_abort(txn);
	return result;
}

/* --- Telling -------------------------------------------------------------------------------------------------------- */

static int show_progress(void *context, uint64_t done, uint64_t total)
{
	struct drilling *drilling = context;
	progress_show(&drilling->progress, "drill %s: %" PRIu64 " of %" PRIu64 " items copied", drilling->table->name,
		done, total);
	return is_interrupted ? -EINTR : 0;
}

static int tell_difference(void *context, const char *what, enum compare_kind kind, struct slice encoded_key,
	struct slice first, struct slice second)
{
	static const char *const how[] = { [COMPARE_MISSING] = "is not in the latter",
		[COMPARE_EXTRA] = "is in the latter only",
		[COMPARE_DIFFERENT] = "is not the same" };
	struct drilling *drilling = context;
	struct buffer path = BUFFER_INIT;
	(void)first;
	(void)second;
	if (drilling->told++ >= DIFFERENCES_TOLD)
		return 0;
	progress_end(&drilling->progress);
	item_path_of_key(encoded_key, &path);
	const char *text = buffer_text(&path);
	tool_say("%s, %s: %s %s", drilling->table->name, what, text ? text : "?", how[kind]);
	buffer_free(&path);
	return 0;
}

static uint64_t differences(const struct compare_counts *counts)
{
	return counts->missing + counts->extra + counts->different;
}

static void append_json(struct buffer *out, const struct table *table, const struct drill_round *round)
{
	char instant[INSTANT_TEXT_MAX];
	instant_format_z(round->state.time_us, instant, sizeof(instant));
	buffer_append_text(out, "{\"table\":");
	json_append_string(out, slice_of_text(table->name));
	buffer_append_format(out,
		",\"instant\":\"%s\",\"change\":%" PRIu64 ",\"items\":%" PRIu64 ",\"shareUs\":%" PRId64
		",\"copyUs\":%" PRId64 ",\"compareUs\":%" PRId64 ",\"replayUs\":%" PRId64 ",\"replayedFrom\":%" PRIu64
		",\"replayedChanges\":%" PRIu64 ",\"isRight\":%s,\"sharedAndCopiedDiffer\":%" PRIu64
		",\"replayedAndSharedDiffer\":%" PRIu64 ",\"replayedAndCopiedDiffer\":%" PRIu64 ",\"faults\":%" PRIu64
		"}\n",
		instant, round->state.seq, round->items, round->share_us, round->copy_us, round->compare_us,
		round->replay_us, round->share_replayed.from_seq, round->share_replayed.changes,
		drill_is_right(round) ? "true" : "false", differences(&round->compared),
		differences(&round->share_replayed.compared), differences(&round->copy_replayed.compared),
		round->share_replayed.faults);
}

static void append_row(struct buffer *out, const struct table *table, const struct drill_round *round)
{
	char instant[INSTANT_TEXT_MAX];
	instant_format(round->state.time_us, instant, sizeof(instant));
	buffer_append_format(out, "%-20s  %-26s  %10" PRIu64 "  %9.1f  %9.1f  %9.1f  %9.1f  %s\n", table->name, instant,
		round->items, (double)round->share_us / 1000, (double)round->copy_us / 1000,
		(double)round->compare_us / 1000, (double)round->replay_us / 1000,
		drill_is_right(round) ? "right" : "WRONG");
}

static void print_round(struct drilling *drilling, const struct drill_round *round)
{
	progress_end(&drilling->progress);
	buffer_clear(&drilling->line);
	if (option_is_given(drill_options, "json")) {
		append_json(&drilling->line, drilling->table, round);
	} else {
		if (drilling->rounds == 0)
			buffer_append_format(&drilling->line, "%-20s  %-26s  %10s  %9s  %9s  %9s  %9s  (times in ms)\n",
				"TABLE", "INSTANT", "ITEMS", "SHARED", "COPIED", "COMPARED", "REPLAYED");
		append_row(&drilling->line, drilling->table, round);
	}
	output(buffer_slice(&drilling->line));
	fflush(stdout);
	if (round->share_replayed.faults > 0)
		tool_say("%s: the change log contradicts itself or what it tells of in %" PRIu64 " places",
			drilling->table->name, round->share_replayed.faults);
}

/* --- Doing it ------------------------------------------------------------------------------------------------------- */

static int pick_and_restore(struct drilling *drilling, struct drill_round *round, struct error *error)
{
	int result = -ESTALE;
	for (int i = 0; i < ATTEMPTS && result == -ESTALE; i++) {
		struct snapshot state;
		*round = (struct drill_round){ 0 };
		result = drill_pick(drilling->drill, drilling->table, &drilling->random, &state, error);
		if (result == 0)
			result = drill_restore(drilling->drill, drilling->table, &state, round, error);
		if (result == -ESTALE && drill_drop(drilling->drill, round, error) < 0)
			return -EIO;
	}
	return result;
}

static int run_round(struct drilling *drilling, struct error *error)
{
	struct drill_round round;
	struct error ignored = { 0 };
	int result = pick_and_restore(drilling, &round, error);
	if (result == 0)
		result = drill_check(drilling->drill, drilling->table, &round, error);
	if (result == 0) {
		print_round(drilling, &round);
		drilling->rounds++;
		drilling->wrong += !drill_is_right(&round);
	}
	int dropped = drill_drop(drilling->drill, &round, result < 0 ? &ignored : error);
	return result < 0 ? result : dropped;
}

static int run_rounds(struct drilling *drilling, struct error *error)
{
	int result = 0;
	for (size_t i = 0; i < drilling->table_count && result == 0; i++) {
		drilling->table = &drilling->tables[i];
		for (unsigned long n = 0; n < drilling->times && result == 0; n++)
			result = is_interrupted ? error_set(error, -EINTR, "interrupted") : run_round(drilling, error);
	}
	return result;
}

static int drill(struct drilling *drilling)
{
	struct error error = { 0 }, ending = { 0 };
	tool_author(drilling->tool, &drilling->author);
	const struct drill_options options = { .author = buffer_slice(&drilling->author),
		.progress = show_progress,
		.differs = tell_difference,
		.context = drilling };
	/* First the lock: what others have left must not be drilled. */
	int result = drill_begin(drilling->tool->history, &options, &drilling->drill, &error);
	if (result < 0)
		return tool_fail_error(&error);
	catch_signals();
	progress_begin(&drilling->progress);
	result = choose_tables(drilling, &error);
	if (result == 0)
		result = run_rounds(drilling, &error);
	progress_end(&drilling->progress);
	int ended = drill_end(drilling->drill, &ending);
	int status = result < 0 ? tool_fail_error(&error) : STATUS_DONE;
	if (ended < 0)
		status = tool_fail_error(&ending);
	if (drilling->told > DIFFERENCES_TOLD)
		tool_say("... and %u more differences", drilling->told - DIFFERENCES_TOLD);
	if (drilling->wrong > 0)
		status = tool_fail("%" PRIu64 " of %" PRIu64 " restores were wrong", drilling->wrong, drilling->rounds);
	if (status == STATUS_DONE && drilling->rounds == 0)
		tool_say("there is no table to drill");
	return status;
}

static int parse_number(const char *name, unsigned long max, unsigned long *number)
{
	const char *text = option_value(drill_options, name);
	char *end;
	if (!text)
		return 0;
	errno = 0;
	*number = strtoul(text, &end, 10);
	return text[0] < '0' || text[0] > '9' || *end != '\0' || errno || *number < 1 || *number > max ? -EINVAL : 0;
}

static int run_drill(struct tool *tool)
{
	struct drilling drilling = { .tool = tool, .times = TIMES };
	unsigned long seed = 0;
	if (parse_number("times", TIMES_MAX, &drilling.times) < 0)
		return tool_usage(tool, "--times is a number from 1 to %d", TIMES_MAX);
	if (parse_number("seed", UINT32_MAX, &seed) < 0)
		return tool_usage(tool, "--seed is a number from 1 on");
	hash_random(&drilling.random, sizeof(drilling.random));
	if (seed > 0)
		drilling.random = seed;
	int status = tool_open(tool, /* is_writable= */ true);
	if (status == STATUS_DONE)
		status = drill(&drilling);
	for (size_t i = 0; i < drilling.table_count; i++)
		table_free(&drilling.tables[i]);
	free(drilling.tables);
	buffer_free(&drilling.author);
	buffer_free(&drilling.line);
	return status;
}

const struct verb verb_drill = {
	.name = "drill",
	.summary = "restore random instants, see whether they are right, and clean up",
	.usage = "[TABLE...] [--times N] [--seed N] [--json]",
	.help = "Restores N (3) random instants of each table, or of those named, into temporary tables "
		"(drill-TABLE-...): by "
		"sharing\n"
		"history, as restore-table-to-point-in-time does, and by copying item by item, as cp -r does. Compares "
		"the "
		"two item\n"
		"for item, and each with what the change log makes of the oldest state that is kept. Tells how long "
		"each "
		"took. The\n"
		"temporary tables are dropped, and nothing of them is kept; what an interrupted drill leaves the next "
		"one, or "
		"`pitr gc`,\n"
		"drops.\n\n"
		"--seed chooses the same instants again, as long as the tables are the same.\n\n"
		"Exit status: 0 all were right, 1 one was wrong, or the drill failed.\n",
	.run = run_drill,
	.options = drill_options,
};
