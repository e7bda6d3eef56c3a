/* restore: a new table out of a state of one, at once; and those that are being copied. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backup.h"
#include "restore.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/recovery.h"
#include "tools/verbs.h"

static struct option restore_options[] = {
	{ .name = "backup", .kind = OPTION_VALUE },
	{ .name = "accept", .kind = OPTION_VALUE },
	{ .name = "list", .kind = OPTION_FLAG },
	{ .name = "json", .kind = OPTION_FLAG },
	{ .name = NULL },
};

/* --- At once -------------------------------------------------------------------------------------------------------- */

struct restoring {
	struct tool *tool;
	struct state_word state; /* unless there is a backup */
	const char *backup, *target;
	struct restore_source source;
};

static int find_state(struct restoring *restoring, struct store_txn *txn, struct error *error)
{
	struct table table;
	struct snapshot snapshot;
	int result = state_word_find(restoring->tool, txn, &restoring->state, &table, &snapshot, error);
	if (result < 0)
		return result;
	result = restore_source_of(txn, &table, &snapshot, NULL, &restoring->source, error);
	table_free(&table);
	return result;
}

static int find_backup(struct restoring *restoring, struct store_txn *txn, struct error *error)
{
	struct pin pin;
	int result = recovery_find_backup(txn, restoring->backup, &pin, error);
	return result < 0 ? result : backup_source(txn, &pin, &restoring->source, error);
}

static int restore_work(struct tool_change *change, void *context, struct error *error)
{
	struct restoring *restoring = context;
	struct table table;
	struct store_txn *txn = batch_txn(change->batch);
	int result = restoring->backup ? find_backup(restoring, txn, error) : find_state(restoring, txn, error);
	if (result < 0)
		return result;
	result = restore_share(change->batch, &restoring->source, slice_of_text(restoring->target), NULL,
		&change->context, &table, error);
	if (result == 0)
		table_free(&table);
	return result;
}

static void say_restored(const struct restoring *restoring, int64_t took_us)
{
	char at[INSTANT_TEXT_MAX];
	const struct restore_source *source = &restoring->source;
	tool_say("%s: %" PRIu64 " item%s, as %s was at %s (change %" PRIu64 "); %.1f ms", restoring->target,
		source->items, output_plural(source->items), source->table.name,
		recovery_time(source->snapshot.time_us, at), source->snapshot.seq, (double)took_us / 1000);
}

static int restore(struct restoring *restoring)
{
	struct error error = { 0 };
	struct progress progress;
	int status = tool_open(restoring->tool, /* is_writable= */ true);
	if (status != STATUS_DONE)
		return status;
	progress_begin(&progress);
	status = tool_finish(recovery_change(restoring->tool, restore_work, restoring, &error), &error);
	if (status == STATUS_DONE)
		say_restored(restoring, progress_elapsed_us(&progress));
	restore_source_free(&restoring->source);
	return status;
}

static int run_restore_at_once(struct tool *tool)
{
	struct restoring restoring = { .tool = tool, .backup = option_value(restore_options, "backup") };
	struct positionals *words = &tool->positionals;
	struct error error = { 0 };
	if (restoring.backup && words->count != 1)
		return tool_usage(tool, "give the NAME of the table to be made");
	if (!restoring.backup && words->count != 2)
		return tool_usage(tool, "give TABLE@TIME, and the NAME of the table to be made");
	restoring.target = words->values[words->count - 1];
	if (!restoring.backup && state_word_parse(words->values[0], &restoring.state, &error) < 0)
		return tool_usage(tool, "%s", error_text(&error));
	int status = restore(&restoring);
	state_word_free(&restoring.state);
	return status;
}

/* --- Copies in progress --------------------------------------------------------------------------------------------- */

static int accept_work(struct tool_change *change, void *context, struct error *error)
{
	struct table table;
	const char *name = context;
	int result = table_find(batch_txn(change->batch), slice_of_text(name), TIME_NOW, &table, error);
	if (result == -ENOENT)
		return error_set(error, result,
			"there is no table %s; `pitr restore --list` names those that are being restored", name);
	if (result < 0)
		return result;
	if (table.is_restoring)
		result = restore_accept(change->batch, &table, &change->context, error);
	else
		result = error_set(error, -EINVAL,
			"%s is not being restored; `pitr restore --list` names the tables that are", table.name);
	table_free(&table);
	return result;
}

static int run_accept(struct tool *tool)
{
	struct error error = { 0 };
	if (tool->positionals.count > 0)
		return tool_usage(tool, "unexpected argument: %s", tool->positionals.values[0]);
	int status = tool_open(tool, /* is_writable= */ true);
	if (status != STATUS_DONE)
		return status;
	char *name = option_find(restore_options, "accept")->value;
	return tool_finish(recovery_change(tool, accept_work, name, &error), &error);
}

static void append_json(struct buffer *out, const char *name, const struct restore_progress *progress)
{
	buffer_append_text(out, out->data[out->size - 1] == '[' ? "{" : ",{");
	recovery_append_text(out, "name", name);
	if (progress->source[0] != '\0')
		recovery_append_text(out, "source", progress->source);
	recovery_append_time(out, "at", progress->instant_us);
	if (progress->backup_arn[0] != '\0')
		recovery_append_text(out, "backup", progress->backup_arn);
	buffer_append_format(out, ",\"items\":%" PRIu64, progress->items);
	if (progress->expected >= 0)
		buffer_append_format(out, ",\"expected\":%" PRId64, progress->expected);
	recovery_append_time(out, "started", progress->started_us);
	buffer_append_byte(out, '}');
}

static void append_row(struct buffer *out, const char *name, const struct restore_progress *progress)
{
	char at[INSTANT_TEXT_MAX], started[INSTANT_TEXT_MAX], expected[32] = "-";
	if (out->size == 0)
		buffer_append_format(out, "%-20s  %-20s  %-26s  %10s  %10s  %s\n", "NAME", "FROM", "STATE", "ITEMS",
			"EXPECTED", "STARTED");
	if (progress->expected >= 0)
		snprintf(expected, sizeof(expected), "%" PRId64, progress->expected);
	buffer_append_format(out, "%-20s  %-20s  %-26s  %10" PRIu64 "  %10s  %s\n", name,
		progress->source[0] != '\0' ? progress->source : "-", recovery_time(progress->instant_us, at),
		progress->items, expected, recovery_time(progress->started_us, started));
}

static int list(struct store_txn *txn, const char *of_table, bool is_json, struct buffer *out)
{
	(void)of_table;
	struct restore_progress progress;
	struct table table;
	int result;
	if (is_json)
		buffer_append_text(out, "{\"restoring\":[");
	for (uint32_t number = 0; (result = restore_next(txn, &number, &table)) > 0;) {
		result = restore_progress(txn, &table, &progress);
		if (result == 0)
			(is_json ? append_json : append_row)(out, table.name, &progress);
		table_free(&table);
		if (result < 0)
			return result;
	}
	if (is_json)
		buffer_append_text(out, "]}\n");
	return result;
}

static int run_list(struct tool *tool)
{
	if (tool->positionals.count > 0)
		return tool_usage(tool, "unexpected argument: %s", tool->positionals.values[0]);
	return recovery_list(tool, list, "", option_is_given(restore_options, "json"), "nothing is being restored");
}

static int run_restore(struct tool *tool)
{
	int ways = option_is_given(restore_options, "list") + option_is_given(restore_options, "accept") +
		   option_is_given(restore_options, "backup");
	if (ways > 1)
		return tool_usage(tool, "one of --backup, --accept and --list, please");
	if (option_is_given(restore_options, "list"))
		return run_list(tool);
	if (option_is_given(restore_options, "json"))
		return tool_usage(tool, "--json goes with --list");
	return option_is_given(restore_options, "accept") ? run_accept(tool) : run_restore_at_once(tool);
}

const struct verb verb_restore = {
	.name = "restore",
	.summary = "make a new table out of a past state of one, at once",
	.usage = "TABLE[@TIME] NAME | --backup TABLE/NAME|ARN NAME | --list [--json] | --accept NAME",
	.help = "The new table shares the history of the old one instead of copying it: that takes a few milliseconds "
		"whatever\n"
		"the size, and from then on both live apart. An existing table is never overwritten.\n\n"
		"  pitr restore orders@2025-03-01T09:14:59 orders-fixed\n"
		"  pitr restore --backup orders/pre-release orders-then\n\n"
		"A table that is copied into a mount's restore/ is in progress until all of its items are there. "
		"--list "
		"tells how\n"
		"far such tables are; --accept NAME takes one as it is. `pitr delete-table`, or rm -r restore/NAME, "
		"drops it.\n",
	.run = run_restore,
	.options = restore_options,
};
