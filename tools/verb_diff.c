/* diff: what is different between two states of a table. */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "tools/diff_report.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/screen.h"
#include "tools/told_table.h"
#include "tools/verbs.h"

static struct option diff_options[] = {
	{ .name = "stat", .kind = OPTION_FLAG },
	{ .name = "name-only", .kind = OPTION_FLAG },
	{ .name = "json", .kind = OPTION_FLAG },
	{ .name = NULL },
};

/* As with diff: 1 is an answer. */
enum { STATUS_EQUAL = 0, STATUS_DIFFERENT = 1, STATUS_TROUBLE = 2 };

struct diffing {
	struct tool *tool;
	const char *from, *to; /* NULL: now */
	char *const *items;    /* names, PARTITION/NAME, globs; none: all */
	size_t item_count;
	struct told_table told;
	struct difference_walk walk;
	struct diff_report report;
	uint64_t damaged; /* could not be read */
	struct progress progress;
};

/* --- What is asked for ---------------------------------------------------------------------------------------------- */

static int parse(struct diffing *diffing)
{
	struct tool *tool = diffing->tool;
	char *const *words = tool->positionals.values;
	size_t count = tool->positionals.count, at = 2;
	struct instant instant;
	struct error error = { 0 };
	bool is_stat = option_is_given(diff_options, "stat"), is_json = option_is_given(diff_options, "json"),
	     is_names = option_is_given(diff_options, "name-only");
	if (count < 2)
		return tool_usage(tool, "which table, and since when? pitr diff TABLE T1 [T2]");
	if (is_stat + is_json + is_names > 1)
		return tool_usage(tool, "--stat, --name-only or --json, one of them");
	diffing->report.kind = is_stat ? DIFF_STAT : is_json ? DIFF_JSON : is_names ? DIFF_NAMES : DIFF_PATCH;
	diffing->from = words[1];
	if (tool_instant(tool, words[1], &instant, &error) < 0)
		return tool_usage(tool, "%s: %s", words[1], error_text(&error));
	if (count > 2 && tool_instant(tool, words[2], &instant, NULL) == 0)
		diffing->to = words[at++];
	diffing->items = words + at;
	diffing->item_count = count - at;
	return STATUS_DONE;
}

/* --- Items ---------------------------------------------------------------------------------------------------------- */

static bool is_glob(const char *item)
{
	return strpbrk(item, "*?[") != NULL;
}

/* Names one item. A partition alone names all in it. */
static bool is_exact(const struct diffing *diffing, const char *item)
{
	return !is_glob(item) && (strchr(item, '/') != NULL) == diffing->told.table.schema.has_sort;
}

static bool is_match(const struct diffing *diffing, const char *item, char *path)
{
	char with_suffix[FILENAME_MAX];
	char *slash = strchr(path, '/');
	snprintf(with_suffix, sizeof(with_suffix), "%s.json", item);
	if (fnmatch(item, path, FNM_PATHNAME) == 0 || fnmatch(with_suffix, path, FNM_PATHNAME) == 0)
		return true;
	if (!diffing->told.table.schema.has_sort || !slash || strchr(item, '/'))
		return false;
	*slash = '\0';
	bool is_in = fnmatch(item, path, 0) == 0;
	*slash = '/';
	return is_in;
}

/* 1: it is asked for. */
static int is_chosen(const struct diffing *diffing, struct slice encoded_key)
{
	struct buffer path = BUFFER_INIT;
	bool is_chosen = diffing->item_count == 0;
	int result = is_chosen ? 0 : item_path_of_key(encoded_key, &path);
	for (size_t i = 0; i < diffing->item_count && result == 0 && !is_chosen; i++) {
		if (!buffer_text(&path))
			result = -ENOMEM;
		else
			is_chosen = is_match(diffing, diffing->items[i], (char *)path.data);
	}
	buffer_free(&path);
	return result < 0 ? result : is_chosen;
}

/* `found` is what difference_next said. What is damaged is counted, and keeps nothing else from being told. */
static int tell(struct diffing *diffing, int found, const struct difference *difference)
{
	int result = found == 1 ? diff_report_item(&diffing->report, difference) : found;
	diffing->damaged += result == -EIO;
	return result == -EIO ? 0 : result;
}

static int find_key(struct diffing *diffing, struct store_txn *txn, char *item, struct buffer *out, struct error *error)
{
	struct table *table = &diffing->told.table;
	char *const words[] = { table->name, item };
	struct item_path path = { 0 };
	if (table->schema.has_sort && !strchr(item, '/'))
		return keys_of_name(txn, table, slice_of(NULL, 0), slice_of_text(item), out);
	int result = item_path_parse(diffing->tool, words, 2, &path, error);
	if (result == 0)
		result = item_path_key(txn, table, &path, out, error);
	item_path_free(&path);
	return result;
}

/* What never was can't differ: it is a slip of the pen. */
static int check_item(struct diffing *diffing, struct store_txn *txn, char *item, struct error *error)
{
	struct buffer key = BUFFER_INIT;
	struct node node;
	int result = is_glob(item) ? 0 : find_key(diffing, txn, item, &key, error);
	if (result == 0 && key.size > 0)
		result = keys_find(txn, &diffing->told.table, &diffing->told.reach, buffer_slice(&key), &node);
	buffer_free(&key);
	if (result == -ENOENT)
		return error_set(error, result, "%s has no item %s, and had none in the time that can be told",
			diffing->told.table.name, item);
	return result == -EIO ? 0 : result;
}

static int tell_one(struct diffing *diffing, struct store_txn *txn, char *item, struct error *error)
{
	struct buffer key = BUFFER_INIT;
	struct difference difference;
	int result = find_key(diffing, txn, item, &key, error);
	if (result == 0)
		result = difference_of(&diffing->walk, buffer_slice(&key), &difference);
	result = tell(diffing, result == 0 ? 1 : result, &difference);
	buffer_free(&key);
	return result == -ENOENT ? 0 : result;
}

static int tell_all(struct diffing *diffing)
{
	struct difference_walk *walk = &diffing->walk;
	uint64_t first = walk->from < walk->to ? walk->from : walk->to;
	uint64_t changes = walk->from < walk->to ? walk->to - walk->from : walk->from - walk->to;
	struct difference difference;
	int result, found;
	while ((found = difference_next(walk, &difference)) == 1 || found == -EIO) {
		/* What may be any item may be one that is asked for. */
		result = difference.encoded_key.size == 0 ? 1 : is_chosen(diffing, difference.encoded_key);
		if (result == 1)
			result = tell(diffing, found, &difference);
		if (result < 0)
			return result;
		if (!screen_is_paged())
			progress_show(&diffing->progress, "%" PRIu64 " of %" PRIu64 " changes",
				difference.place - first, changes);
	}
	diffing->damaged += walk->unread;
	return found;
}

/* --- Doing it ------------------------------------------------------------------------------------------------------- */

/* Where the mount has a state. The last one of a table that was dropped is that right before. */
static void write_place(
	const struct told_table *told, const char *at, const struct snapshot *snapshot, char directory[DIFF_PLACE_MAX])
{
	const char *name = told->table.name;
	bool is_ended = told->ended_us != TIME_NOW;
	char time[INSTANT_TEXT_MAX];
	instant_format(snapshot->time_us - (is_ended && !at), time, sizeof(time));
	if (snapshot->time_us == TIME_NOW)
		snprintf(directory, DIFF_PLACE_MAX, "%.255s", name);
	else if (at && strstr(at, "seq-"))
		snprintf(directory, DIFF_PLACE_MAX, "%.255s/@seq-%" PRIu64, name, snapshot->seq);
	else if (is_ended)
		snprintf(directory, DIFF_PLACE_MAX, "@%s/%.255s", time, name);
	else
		snprintf(directory, DIFF_PLACE_MAX, "%.255s/@%s", name, time);
}

static int find_state(struct diffing *diffing, struct store_txn *txn, const char *at, struct told_table *ret_table,
	struct snapshot *ret_snapshot, char directory[DIFF_PLACE_MAX], struct error *error)
{
	const char *name = diffing->tool->positionals.values[0];
	int result = told_table_state(diffing->tool, txn, name, at, ret_table, ret_snapshot, error);
	if (result == 0)
		write_place(ret_table, at, ret_snapshot, directory);
	return result;
}

static int find_states(struct diffing *diffing, struct store_txn *txn, struct error *error)
{
	struct snapshot from, to;
	struct told_table *told = &diffing->told, other = { 0 };
	struct diff_report *report = &diffing->report;
	int result = find_state(diffing, txn, diffing->from, told, &from, report->from, error);
	if (result == 0)
		result = find_state(diffing, txn, diffing->to, &other, &to, report->to, error);
	if (result == 0 && other.table.number != told->table.number)
		result = error_set(error, -ENOENT, "%s was another table at %s: it was deleted and made again between",
			told->table.name, diffing->from);
	told_table_free(&other);
	if (result < 0)
		return result;
	result = difference_begin(&diffing->walk, txn, diffing->told.table.number, from.seq, to.seq, 0);
	diffing->walk.is_counting = report->kind == DIFF_STAT;
	if (result == -ESTALE)
		return error_set(error, result, "not all changes of %s between the two are kept any more",
			diffing->told.table.name);
	return result;
}

static int diff_in(struct store_txn *txn, void *context, struct error *error)
{
	struct diffing *diffing = context;
	bool are_exact = diffing->item_count > 0;
	int result = find_states(diffing, txn, error);
	diffing->report.txn = txn;
	diffing->report.table = &diffing->told.table;
	for (size_t i = 0; i < diffing->item_count && result == 0; i++) {
		are_exact = are_exact && is_exact(diffing, diffing->items[i]);
		result = check_item(diffing, txn, diffing->items[i], error);
	}
	for (size_t i = 0; i < diffing->item_count && result == 0 && are_exact; i++)
		result = tell_one(diffing, txn, diffing->items[i], error);
	if (result == 0 && !are_exact)
		result = tell_all(diffing);
	progress_end(&diffing->progress);
	difference_end(&diffing->walk);
	if (result == 0)
		result = diff_report_end(&diffing->report);
	return result == 0 || error->code ? result
					  : error_set(error, result, "%s could not be compared: %s",
						    diffing->tool->positionals.values[0], strerror(-result));
}

static int run_diff(struct tool *tool)
{
	struct diffing diffing = { .tool = tool };
	const struct diff_report *report = &diffing.report;
	int status = parse(&diffing);
	if (status != STATUS_DONE)
		return status;
	progress_begin(&diffing.progress);
	status = tool_ask(tool, TOOL_PAGED, diff_in, &diffing);
	if (status == STATUS_DONE && diffing.damaged > 0)
		status = tool_fail(
			"%" PRIu64 " of these could not be read; `pitr verify` tells what is damaged", diffing.damaged);
	bool is_different = report->added + report->removed + report->changed > 0;
	diff_report_free(&diffing.report);
	told_table_free(&diffing.told);
	return status != STATUS_DONE ? STATUS_TROUBLE : is_different ? STATUS_DIFFERENT : STATUS_EQUAL;
}

const struct verb verb_diff = {
	.name = "diff",
	.summary = "what is different between two instants, item by item",
	.usage = "TABLE T1 [T2] [--stat | --name-only | --json] [ITEM...]",
	.help = "Shows which items were added, removed and changed from T1 to T2 (now, unless it is given), each with "
		"the "
		"last\n"
		"change between the two and the lines of its file that differ. T2 may be before T1. What it costs "
		"follows "
		"the\n"
		"changes between them, not the table. Tables that were dropped are found by their name as long as "
		"their\n"
		"history is kept.\n\n"
		"  pitr diff orders -2h\n"
		"  pitr diff orders 2025-03-01T09:15 2025-03-01T09:16 --stat\n"
		"  pitr diff orders @seq-100 @seq-123 1001 'A*'\n\n"
		"ITEM         only these: NAME or PARTITION/NAME, as in the mount, .json or not; a PARTITION, or a "
		"pattern of "
		"* ? [].\n"
		"             One that looks like a time is written with .json. One that never was is trouble.\n"
		"--stat       how many lines differ in each item, by how many changes, and the sums\n"
		"--name-only  the items' names alone\n"
		"--json       one object for each item, on a line: kind, name, key, before, after, patch (RFC 6902), "
		"last "
		"change\n\n"
		"Exit status, as diff's: 0 equal, 1 different, 2 wrong usage or trouble. What is damaged is counted, "
		"and is "
		"trouble\n"
		"after all else has been told.\n",
	.run = run_diff,
	.options = diff_options,
};
