/* undo: reverse the changes of a window. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "author_match.h"
#include "log.h"
#include "restore.h"
#include "tools/item_path.h"
#include "tools/output.h"
#include "tools/undo_report.h"
#include "tools/verbs.h"
#include "undo.h"

static struct option undo_options[] = {
	{ .name = "table", .kind = OPTION_VALUE },
	{ .name = "from", .kind = OPTION_VALUE },
	{ .name = "to", .kind = OPTION_VALUE },
	{ .name = "where", .kind = OPTION_EACH },
	{ .name = "by", .kind = OPTION_EACH },
	{ .name = "op", .kind = OPTION_EACH },
	{ .name = "into", .kind = OPTION_VALUE },
	{ .name = "in-place", .kind = OPTION_FLAG },
	{ .name = "dry-run", .kind = OPTION_FLAG },
	{ .name = "conflicts", .kind = OPTION_VALUE },
	{ .name = "json", .kind = OPTION_FLAG },
	{ .name = "verbose", .letter = 'v', .kind = OPTION_FLAG },
	{ .name = NULL },
};

struct undoing {
	struct tool *tool;
	const char *table_name, *into;
	struct undo_options options;
	struct expression **where;
	struct undo_report report;
	struct undo_counts counts;
	struct buffer reason;
};

static bool has(const char *name)
{
	return option_is_given(undo_options, name);
}

/* --- What is asked for ---------------------------------------------------------------------------------------------- */

static int parse_ops(struct undoing *undoing)
{
	static const char *const names[] = {
		[CHANGE_INSERT] = "insert", [CHANGE_MODIFY] = "modify", [CHANGE_REMOVE] = "remove"
	};
	const struct option *option = option_find(undo_options, "op");
	for (size_t i = 0; i < option->count; i++) {
		unsigned op = CHANGE_INSERT;
		while (op <= CHANGE_REMOVE && strcmp(option->values[i], names[op]) != 0)
			op++;
		if (op > CHANGE_REMOVE)
			return tool_usage(undoing->tool, "--op is insert, modify or remove, not %s", option->values[i]);
		undoing->options.ops |= 1u << op;
	}
	return STATUS_DONE;
}

static int parse_conflicts(struct undoing *undoing)
{
	static const char *const names[] = {
		[UNDO_CONFLICTS_KEEP] = "keep", [UNDO_CONFLICTS_UNDO] = "undo", [UNDO_CONFLICTS_MERGE] = "merge"
	};
	const char *text = option_value(undo_options, "conflicts");
	for (unsigned i = 0; text && i <= UNDO_CONFLICTS_MERGE; i++)
		if (strcmp(text, names[i]) == 0) {
			undoing->options.conflicts = (enum undo_conflicts)i;
			return STATUS_DONE;
		}
	return text ? tool_usage(undoing->tool, "--conflicts is keep, undo or merge, not %s", text) : STATUS_DONE;
}

static int parse_choice(struct undoing *undoing)
{
	const struct option *by = option_find(undo_options, "by"), *where = option_find(undo_options, "where");
	struct error error = { 0 };
	for (size_t i = 0; i < by->count; i++)
		if (author_pattern_check(by->values[i], &error) < 0)
			return tool_usage(undoing->tool, "--by %s: %s", by->values[i], error_text(&error));
	undoing->options.by = (const char *const *)by->values;
	undoing->options.by_count = by->count;
	undoing->where = calloc(where->count + 1, sizeof(struct expression *));
	if (!undoing->where)
		return tool_fail("out of memory");
	undoing->options.where = (const struct expression *const *)undoing->where;
	for (; undoing->options.where_count < where->count; undoing->options.where_count++) {
		size_t i = undoing->options.where_count;
		if (expression_parse(slice_of_text(where->values[i]), NULL, NULL, &undoing->where[i], &error) < 0)
			return tool_usage(undoing->tool, "--where %s: %s", where->values[i], error_text(&error));
	}
	return STATUS_DONE;
}

static int parse(struct undoing *undoing)
{
	struct tool *tool = undoing->tool;
	undoing->table_name = option_value(undo_options, "table");
	undoing->into = option_value(undo_options, "into");
	if (tool->positionals.count > 0)
		return tool_usage(tool, "unexpected argument: %s", tool->positionals.values[0]);
	if (!undoing->table_name)
		return tool_usage(tool, "which table? Give --table TABLE");
	if (!has("from") || !has("to"))
		return tool_usage(tool, "which changes? Give --from TIME and --to TIME");
	if (undoing->into && has("in-place"))
		return tool_usage(tool, "--into NEW or --in-place, not both");
	if (!undoing->into && !has("in-place") && !has("dry-run"))
		return tool_usage(tool,
			"where? --dry-run shows what would be done; then --into NEW makes a new table, "
			"--in-place changes %s",
			undoing->table_name);
	int status = parse_ops(undoing);
	if (status == STATUS_DONE)
		status = parse_conflicts(undoing);
	return status == STATUS_DONE ? parse_choice(undoing) : status;
}

/* --- The window ----------------------------------------------------------------------------------------------------- */

static int resolve_end(struct undoing *undoing, struct store_txn *txn, const struct table *table, const char *name,
	int64_t *ret_us, uint64_t *ret_seq, char text[64])
{
	struct instant instant;
	struct error error = { 0 };
	struct table_statistics statistics = { 0 };
	int64_t now = history_now(undoing->tool->history, txn), latest;
	const char *value = option_value(undo_options, name);
	if (tool_instant(undoing->tool, value, &instant, &error) < 0)
		return tool_usage(undoing->tool, "--%s %s: %s", name, value, error_text(&error));
	*ret_us = instant.kind == INSTANT_BEFORE_NOW ? now - instant.time_us : instant.time_us;
	*ret_seq = instant.kind == INSTANT_SEQ ? instant.seq : 0;
	int result = 0;
	if (instant.kind == INSTANT_LATEST) {
		result = table_statistics(txn, table->number, &statistics);
		*ret_us = statistics.last_us;
	} else if (instant.kind == INSTANT_EARLIEST) {
		result = table_window(txn, table, now, ret_us, &latest);
	}
	if (result < 0)
		return tool_fail("%s: %s", table->name, strerror(-result));
	if (*ret_seq != 0)
		snprintf(text, 64, "change %llu", (unsigned long long)*ret_seq);
	else
		instant_format_z(*ret_us, text, 64);
	return STATUS_DONE;
}

static int resolve(struct undoing *undoing, struct store_txn *txn, const struct table *table)
{
	struct undo_options *options = &undoing->options;
	int status =
		resolve_end(undoing, txn, table, "from", &options->from_us, &options->from_seq, undoing->report.from);
	if (status == STATUS_DONE)
		status = resolve_end(undoing, txn, table, "to", &options->to_us, &options->to_seq, undoing->report.to);
	return status;
}

/* Kept with every change the undo makes. */
static void compose_reason(struct undoing *undoing)
{
	const struct option *by = option_find(undo_options, "by"), *where = option_find(undo_options, "where");
	const char *given = getenv("PITR_REASON");
	struct buffer *reason = &undoing->reason;
	if (given && given[0] != '\0')
		buffer_append_format(reason, "%s; ", given);
	buffer_append_format(
		reason, "undo of %s from %s to %s", undoing->table_name, undoing->report.from, undoing->report.to);
	for (size_t i = 0; i < where->count; i++)
		buffer_append_format(reason, " where %s", where->values[i]);
	for (size_t i = 0; i < by->count; i++)
		buffer_append_format(reason, " by %s", by->values[i]);
	undoing->tool->reason = buffer_text(reason);
}

/* --- Doing it ------------------------------------------------------------------------------------------------------- */

static int make_target(struct undoing *undoing, const struct tool_change *change, const struct table *table,
	struct table *ret_into, struct error *error)
{
	struct instant now = { .kind = INSTANT_AT, .time_us = TIME_NOW };
	struct restore_source source;
	int result = restore_source_at(undoing->tool->history, batch_txn(change->batch), table, &now, &source, error);
	if (result < 0)
		return result;
	result = restore_share(
		change->batch, &source, slice_of_text(undoing->into), NULL, &change->context, ret_into, error);
	restore_source_free(&source);
	return result;
}

static int apply(struct undoing *undoing, const struct tool_change *change, struct error *error)
{
	struct table table = { 0 }, into = { 0 };
	struct undo_report *report = &undoing->report;
	report->txn = batch_txn(change->batch);
	report->table = &table;
	int result = item_path_live_table(report->txn, undoing->table_name, &table, error);
	if (result == 0 && undoing->into)
		result = make_target(undoing, change, &table, &into, error);
	if (result == 0)
		result = undo_apply(change->batch, &table, undoing->into ? &into : NULL, &undoing->options,
			&change->context, undo_report_item, report, &undoing->counts, error);
	if (result == 0 && undoing->into && undoing->counts.changes == 0)
		result = error_set(error, -ENOENT, "no change of %s was chosen in that window; %s was not made",
			table.name, undoing->into);
	table_free(&table);
	table_free(&into);
	return result;
}

static int finish(struct undoing *undoing, const struct table *table, int result, const struct error *error)
{
	struct undo_report *report = &undoing->report;
	report->table = table;
	if (result < 0) {
		progress_end(&report->progress);
		return tool_fail_error(error);
	}
	result = undo_report_end(report, &undoing->counts);
	if (result < 0)
		return tool_fail("the report could not be written: %s", strerror(-result));
	if (undoing->counts.conflicts == 0)
		return STATUS_DONE;
	bool is_one = undoing->counts.conflicts == 1;
	tool_say("pitr: %llu %s as %s; --conflicts undo or merge decides %s",
		(unsigned long long)undoing->counts.conflicts, is_one ? "conflict was left" : "conflicts were left",
		is_one ? "it is" : "they are", is_one ? "it" : "them");
	return STATUS_FAILED;
}

static int carry_out(struct undoing *undoing, const struct table *table)
{
	struct error error = { 0 };
	struct tool_change change;
	compose_reason(undoing);
	int result = spool_new(P_tmpdir, &undoing->report.spool);
	if (result < 0)
		error_set(&error, result, "out of memory");
	else
		result = tool_begin(undoing->tool, &change, &error);
	if (result == 0) {
		result = apply(undoing, &change, &error);
		if (result == 0)
			result = batch_commit(change.batch, &error);
		else
			batch_abort(change.batch);
	}
	return finish(undoing, table, result, &error);
}

static int plan(struct undoing *undoing, struct store_txn *txn, const struct table *table)
{
	struct error error = { 0 };
	undoing->report.txn = txn;
	undoing->report.table = table;
	int result = undo_plan(undoing->tool->history, txn, table, &undoing->options, undo_report_item,
		&undoing->report, &undoing->counts, &error);
	return finish(undoing, table, result, &error);
}

static int undo_in(struct undoing *undoing)
{
	struct error error = { 0 };
	struct table table = { 0 };
	struct store_txn *txn;
	bool is_plan = has("dry-run");
	undoing->report.is_json = has("json");
	undoing->report.is_verbose = has("verbose");
	undoing->report.is_plan = is_plan;
	undoing->report.into = undoing->into;
	progress_begin(&undoing->report.progress);
	int result = store_begin(history_store(undoing->tool->history), /* is_writable= */ false, &txn);
	if (result < 0)
		return tool_fail("the store could not be read: %s", strerror(-result));
	result = item_path_live_table(txn, undoing->table_name, &table, &error);
	int status = result < 0 ? tool_fail_error(&error) : resolve(undoing, txn, &table);
	if (status == STATUS_DONE && is_plan)
		status = plan(undoing, txn, &table);
	store_abort(txn);
	if (status == STATUS_DONE && !is_plan)
		status = carry_out(undoing, &table);
	table_free(&table);
	return status;
}

static int run_undo(struct tool *tool)
{
	struct undoing undoing = { .tool = tool };
	int status = parse(&undoing);
	if (status == STATUS_DONE)
		status = tool_open(tool, /* is_writable= */ !has("dry-run"));
	if (status == STATUS_DONE)
		status = undo_in(&undoing);
	for (size_t i = 0; i < undoing.options.where_count; i++)
		expression_free(undoing.where[i]);
	free(undoing.where);
	undo_report_free(&undoing.report);
	buffer_free(&undoing.reason);
	tool->reason = NULL;
	return status;
}

const struct verb verb_undo = {
	.name = "undo",
	.summary = "reverse the changes of a window, and only those",
	.usage = "--table TABLE --from TIME --to TIME [--where EXPR]... [--by AUTHOR]... [--op OP]...\n"
		 "           [--dry-run] [--into NEW | --in-place] [--conflicts keep|undo|merge] [-v] [--json]",
	.help = "Items that were removed in the window come back, changed ones return to what they were before, and "
		"new "
		"ones go;\n"
		"what happened before and after stays. All in one commit, which can itself be undone.\n\n"
		"  pitr undo --table orders --from 2025-03-01T09:15 --to 2025-03-01T09:16 --op remove --dry-run\n"
		"  pitr undo --table orders --from -1h --to now --by user=deploy --where 'price < 1' --into "
		"orders-fixed\n\n"
		"--from, --to   the window, both ends in it; also seq-N, the number of a change\n"
		"--where EXPR   only changes of items that fulfil the expression, before or after the change; all must "
		"hold\n"
		"--by AUTHOR    only changes by this author (user=ann, process=rsync, reason=INC-17; * is anything); "
		"one must "
		"match\n"
		"--op OP        only changes of this kind: insert, modify, remove; one must match\n"
		"--dry-run      shows what would be done\n"
		"--into NEW     makes a new table of the present state, with the undo in it\n"
		"--in-place     changes the table itself\n"
		"--conflicts    what to do with items that were changed again by others: keep them as they are, undo "
		"all the\n"
		"               same, or merge, attribute by attribute\n"
		"-v, --verbose  lists every item\n"
		"--json         one object for each item, and one with the counts, each on a line\n\n"
		"Exit status: 0 done, 1 failed, or conflicts were left as they are.\n",
	.run = run_undo,
	.options = undo_options,
};
