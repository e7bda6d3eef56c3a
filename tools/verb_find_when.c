#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "find_when.h"
#include "timeline.h"
#include "tools/find_command.h"
#include "tools/find_report.h"
#include "tools/item_path.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/stretch.h"
#include "tools/told_table.h"
#include "tools/verbs.h"

#define EDGE_US (60 * SECOND_US)

static struct option find_when_options[] = {
	{ .name = "from", .kind = OPTION_TIME },
	{ .name = "to", .kind = OPTION_TIME },
	{ .name = "where", .kind = OPTION_VALUE },
	{ .name = "count", .kind = OPTION_VALUE },
	{ .name = "all", .kind = OPTION_FLAG },
	{ .name = "json", .kind = OPTION_FLAG },
	{ .name = NULL },
};

struct finding {
	struct tool *tool;
	struct store_txn *txn;
	struct table table;
	struct find_condition condition;
	struct expression *where;
	struct item_path path; /* of one item */
	struct buffer key, item_name;
	char **arguments; /* of the command; NULL: a condition */
	struct find_command command;
	uint64_t low, high;
	int64_t low_us; /* the instant that is looked at first */
	struct find_report report;
	struct find_moment unborn; /* holds while the item is not there yet */
	bool is_item, is_json;
	bool is_ended; /* the table was dropped */
	unsigned looks;
	struct progress progress;
	struct error error;
};

static bool has(const char *option)
{
	return option_is_given(find_when_options, option);
}

/* --- The question --------------------------------------------------------------------------------------------------- */

static bool read_number(const char **at, uint64_t *ret_number)
{
	char *end;
	if (!isdigit((unsigned char)**at))
		return false;
	errno = 0;
	*ret_number = strtoull(*at, &end, 10);
	*at = end;
	return errno == 0;
}

/* 0, 5.., ..10, 3..7 */
static bool parse_range(const char *text, struct find_condition *condition)
{
	const char *at = text;
	bool has_least = read_number(&at, &condition->least);
	condition->most = has_least ? condition->least : UINT64_MAX;
	if (!has_least)
		condition->least = 0;
	if (has_least && *at == '\0')
		return true;
	if (strncmp(at, "..", 2) != 0)
		return false;
	at += 2;
	condition->most = UINT64_MAX;
	if (*at == '\0')
		return has_least;
	return read_number(&at, &condition->most) && *at == '\0' && condition->least <= condition->most;
}

/* What stands after "--" is the command. */
static size_t split_command(struct finding *finding)
{
	struct tool *tool = finding->tool;
	for (int i = 0; i < tool->verb_argc; i++)
		if (strcmp(tool->verb_argv[i], "--") == 0) {
			finding->arguments = tool->verb_argv + i + 1;
			return tool->positionals.count - (size_t)(tool->verb_argc - i - 1);
		}
	return tool->positionals.count;
}

static int parse(struct finding *finding)
{
	struct tool *tool = finding->tool;
	size_t words = split_command(finding);
	const char *count = option_value(find_when_options, "count"), *where = option_value(find_when_options, "where");
	finding->is_json = has("json");
	finding->condition = (struct find_condition){ .least = 1, .most = UINT64_MAX };
	if (words != 1)
		return tool_usage(tool,
			words == 0 ? "which table?" : "unexpected argument: %s; a command stands after --",
			words == 0 ? "" : tool->positionals.values[1]);
	if (finding->arguments && (count || where))
		return tool_usage(tool, "--where and --count, or a command, not both");
	if (finding->arguments && !finding->arguments[0])
		return tool_usage(tool, "which command? It stands after --");
	if (!finding->arguments && !count && !where)
		return tool_usage(tool, "when what? Give --where EXPR, --count RANGE, or -- COMMAND");
	if (count && !parse_range(count, &finding->condition))
		return tool_usage(tool, "--count %s: write a number, or 5.., ..10, 3..7", count);
	if (where && expression_parse(slice_of_text(where), NULL, NULL, &finding->where, &finding->error) < 0)
		return tool_usage(tool, "--where %s: %s", where, error_text(&finding->error));
	finding->condition.where = finding->where;
	return STATUS_DONE;
}

/* --- Where to look -------------------------------------------------------------------------------------------------- */

static int take_table(struct finding *finding, const char *name)
{
	struct told_table told;
	int result = told_table_find(finding->tool, finding->txn, name, &told, &finding->error);
	if (result < 0)
		return result;
	finding->table = told.table;
	finding->is_ended = told.ended_us != TIME_NOW;
	return 0;
}

static int find_item(struct finding *finding, char *word)
{
	struct error *error = &finding->error;
	int result = item_path_parse(finding->tool, &word, 1, &finding->path, error);
	if (result == 0 && finding->path.at)
		result = error_set(error, -EINVAL, "give the instants as --from and --to");
	if (result == 0)
		result = take_table(finding, finding->path.table);
	if (result == 0)
		result = item_path_key(finding->txn, &finding->table, &finding->path, &finding->key, error);
	if (result == 0)
		result = item_path_of_key(buffer_slice(&finding->key), &finding->item_name);
	finding->condition.encoded_key = buffer_slice(&finding->key);
	return result;
}

static int find_table(struct finding *finding)
{
	char *word = finding->tool->positionals.values[0], *slash = strchr(word, '/');
	finding->is_item = slash && slash[1] != '\0';
	if (slash && !finding->is_item)
		*slash = '\0';
	if (!finding->is_item)
		return take_table(finding, word);
	if (finding->arguments)
		return error_set(&finding->error, -EINVAL, "a command is run for a whole table: write %.*s",
			(int)(slash - word), word);
	return find_item(finding, word);
}

/* A window that moves on would leave the first state behind before a command has seen it. */
static int64_t first_instant(const struct finding *finding, const struct stretch *stretch)
{
	bool is_moving = stretch->reach.earliest_us > finding->table.exists_from_us;
	if (stretch->has_from)
		return stretch->from_us;
	return stretch->reach.earliest_us + (is_moving && finding->arguments ? EDGE_US : 0);
}

static int find_ends(struct finding *finding)
{
	struct stretch stretch;
	struct log_entry entry;
	int result = stretch_find(finding->tool, finding->txn, &finding->table, option_value(find_when_options, "from"),
		option_value(find_when_options, "to"), &stretch, &finding->error);
	if (result < 0)
		return result;
	finding->low_us = first_instant(finding, &stretch);
	result = timeline_at(finding->txn, &finding->table, &stretch.reach, finding->low_us, &entry);
	if (result == 0 && stretch.from_seq)
		result = find_when_settle(finding->txn, finding->table.number, stretch.from_seq, &entry);
	finding->low = entry.seq;
	if (result == 0)
		result = timeline_at(finding->txn, &finding->table, &stretch.reach, stretch.to_us, &entry);
	if (result == 0 && stretch.to_seq)
		result = find_when_settle(finding->txn, finding->table.number, stretch.to_seq, &entry);
	finding->high = entry.seq > finding->low ? entry.seq : finding->low;
	return result;
}

/* --- Telling -------------------------------------------------------------------------------------------------------- */

static void begin_report(struct finding *finding)
{
	finding->report = (struct find_report){ .txn = finding->txn,
		.table = &finding->table,
		.item_name = buffer_slice(&finding->item_name),
		.low = finding->low,
		.low_us = finding->low_us,
		.is_ended = finding->is_ended,
		.is_list = has("all"),
		.is_counting = !finding->arguments,
		.is_json = finding->is_json };
}

static int tell(struct finding *finding, const struct find_moment *moment)
{
	progress_end(&finding->progress);
	return find_report_moment(&finding->report, moment);
}

/* What was never so at all does not end. */
static int tell_each(void *context, const struct find_moment *moment)
{
	struct finding *finding = context;
	return moment->holds || finding->report.found > 0 ? tell(finding, moment) : 0;
}

static void show_progress(void *context, uint64_t seq)
{
	struct finding *finding = context;
	finding->looks++;
	if (seq > 0)
		progress_show(&finding->progress, "change %" PRIu64 " of %" PRIu64, seq, finding->high);
	else
		progress_show(&finding->progress, "%u items looked at", finding->looks);
}

/* --- Looking -------------------------------------------------------------------------------------------------------- */

/* Commands take their time: the store is not held as it was when they began. */
static int run_command(struct finding *finding, uint64_t seq, int64_t time_us)
{
	finding->looks++;
	progress_show(&finding->progress, "run %u, change %" PRIu64 " of %" PRIu64, finding->looks, seq, finding->high);
	int outcome =
		find_command_run(&finding->command, seq == finding->low ? finding->low_us : time_us, &finding->error);
	int result = store_renew(finding->txn);
	return result < 0 ? error_set(&finding->error, result, "the store could not be read: %s", strerror(-result))
			  : outcome;
}

static int test(void *context, uint64_t seq, int64_t time_us)
{
	struct finding *finding = context;
	uint64_t number;
	return finding->arguments ? run_command(finding, seq, time_us)
				  : find_when_holds(finding->txn, &finding->table, &finding->condition, seq, &number,
					    &finding->error);
}

static int test_end(struct finding *finding, uint64_t seq, struct find_moment *ret_moment)
{
	struct log_entry entry;
	int result = find_when_settle(finding->txn, finding->table.number, seq, &entry);
	if (result == 0)
		result = test(finding, seq, entry.time_us);
	*ret_moment = (struct find_moment){ .seq = seq, .time_us = entry.time_us, .holds = result == 1 };
	if (result == 2)
		return error_set(&finding->error, -ECANCELED,
			"the command cannot tell (125) at the %s, change %" PRIu64 "; choose another with --%s",
			seq == finding->low ? "beginning" : "end", seq, seq == finding->low ? "from" : "to");
	return result;
}

static int never(struct finding *finding)
{
	char instant[INSTANT_TEXT_MAX];
	instant_format(finding->low_us, instant, sizeof(instant));
	if (finding->is_item || has("all") || finding->low == finding->high)
		return error_set(&finding->error, -ENOENT, "it never holds between %s and change %" PRIu64 " of %s",
			instant, finding->high, finding->table.name);
	return error_set(&finding->error, -ENOENT,
		"it holds neither at the beginning (%s) nor at the end (change %" PRIu64
		"); --all finds moments in between, or choose another --to",
		instant, finding->high);
}

/* By halving: false at the beginning, true at the end. */
static int find_first(struct finding *finding)
{
	struct find_moment moment;
	int result = test_end(finding, finding->low, &moment);
	if (result == 1)
		tool_say("pitr: it holds at the beginning already; --all lists when it ends and begins again");
	else if (result == 0) {
		result = finding->high > finding->low ? test_end(finding, finding->high, &moment) : 0;
		if (result == 0)
			return never(finding);
		if (result == 1)
			result = find_when_first(finding->txn, finding->table.number, finding->low, finding->high, test,
				finding, &moment, &finding->error);
	}
	if (result >= 0 && !finding->arguments)
		result = find_when_holds(finding->txn, &finding->table, &finding->condition, moment.seq, &moment.number,
			&finding->error);
	if (result >= 0)
		result = tell(finding, &moment);
	if (result >= 0 && moment.skipped > 0)
		tool_say("pitr: the command could not tell (125) at %" PRIu64
			 " instant%s before it: it may hold since then, after change %" PRIu64,
			moment.skipped, output_plural(moment.skipped), moment.before_seq);
	return result;
}

/* Stops at the first that holds. That it holds of an item that has not come to be yet is only told when it never begins to hold later. */
static int tell_first(void *context, const struct find_moment *moment)
{
	struct finding *finding = context;
	if (!moment->holds)
		return 0;
	if (moment->seq == finding->low && !moment->is_there) {
		finding->unborn = *moment;
		return 0;
	}
	if (moment->seq == finding->low)
		tool_say("pitr: it holds at the beginning already; --all lists when it ends and begins again");
	int result = tell(finding, moment);
	return result < 0 ? result : 1;
}

static int tell_unborn(struct finding *finding)
{
	tool_say("pitr: it holds at the beginning already, when %.*s is not there; it does not begin to hold again",
		(int)finding->item_name.size, (const char *)finding->item_name.data);
	return tell(finding, &finding->unborn);
}

/* Runs the command at every instant with changes. Where it can't tell, nothing has changed. */
static int walk_command(struct finding *finding)
{
	struct find_moment moment;
	struct log_entry entry;
	int result = test_end(finding, finding->low, &moment);
	bool holds = result == 1;
	if (holds)
		result = tell(finding, &moment);
	for (uint64_t seq = finding->low; result >= 0 && seq < finding->high; seq = entry.seq) {
		result = find_when_settle(finding->txn, finding->table.number, seq + 1, &entry);
		if (result == 0)
			result = run_command(finding, entry.seq, entry.time_us);
		if (result < 0 || result == 2 || (result == 1) == holds)
			continue;
		holds = result == 1;
		moment = (struct find_moment){ .seq = entry.seq, .time_us = entry.time_us, .holds = holds };
		result = tell(finding, &moment);
		fflush(stdout);
	}
	return result;
}

static int search(struct finding *finding)
{
	int result;
	if (finding->arguments && has("all"))
		result = walk_command(finding);
	else if (finding->is_item || has("all"))
		result = find_when_all(finding->txn, &finding->table, &finding->condition, finding->low, finding->high,
			has("all") ? tell_each : tell_first, finding, &finding->error);
	else
		return find_first(finding);
	if (result == 0 && finding->report.found == 0 && finding->unborn.holds)
		result = tell_unborn(finding);
	return result < 0 ? result : finding->report.found == 0 ? never(finding) : 0;
}

static int find_when(struct finding *finding)
{
	int result = find_table(finding);
	if (result == 0)
		result = find_ends(finding);
	if (result < 0)
		return result;
	begin_report(finding);
	progress_begin(&finding->progress);
	finding->condition.tell = show_progress;
	finding->condition.context = finding;
	if (finding->arguments) {
		result = find_command_begin(&finding->command, finding->tool, finding->table.name, finding->is_ended,
			finding->arguments, finding->low_us, &finding->error);
		if (result == 0)
			result = search(finding);
		progress_end(&finding->progress);
		fflush(stdout);
		find_command_end(&finding->command);
	} else {
		result = search(finding);
	}
	progress_end(&finding->progress);
	return result;
}

static int find_in(struct store_txn *txn, void *context, struct error *error)
{
	struct finding *finding = context;
	finding->txn = txn;
	int result = find_when(finding);
	*error = finding->error;
	return result < 0 ? result : STATUS_DONE;
}

static int run_find_when(struct tool *tool)
{
	struct finding finding = { .tool = tool };
	int status = parse(&finding);
	bool is_paged = !finding.is_json && !finding.arguments;
	if (status == STATUS_DONE)
		status = tool_ask(tool, is_paged ? TOOL_PAGED : TOOL_PLAIN, find_in, &finding);
	expression_free(finding.where);
	table_free(&finding.table);
	item_path_free(&finding.path);
	buffer_free(&finding.key);
	buffer_free(&finding.item_name);
	return status;
}

const struct verb verb_find_when = {
	.name = "find-when",
	.summary = "find the instant at which a condition begins to hold",
	.usage = "TABLE[/ITEM] [--from TIME] [--to TIME] [--all] [--json]\n"
		 "           (--where EXPR [--count RANGE] | --count RANGE | -- COMMAND...)",
	.help = "By halving the time between the first instant and the last, as `git bisect` does: it must not hold at "
		"the first\n"
		"and hold at the last. For one item all of its versions are looked at. What is told can be listed in a "
		"mount.\n\n"
		"  pitr find-when orders --from 2025-03-01T09:00 --count ..9000\n"
		"  pitr find-when orders --where \"total < 0\" --from -2d\n"
		"  pitr find-when orders/1001 --where \"status = 'CANCELLED'\"\n"
		"  pitr find-when orders --all --count 0\n"
		"  pitr find-when orders -- sh -c '! grep -q EUR 1001.json'\n\n"
		"--where EXPR   holds while at least one item fulfils the expression. One ITEM is asked also while it "
		"is not "
		"there:\n"
		"               attribute_not_exists(id) tells when it went\n"
		"--count RANGE  holds while so many items fulfil it, or there are so many: 0, 5.., ..10, 3..7\n"
		"COMMAND        is run in the directory of the table as of the instant, which is read-only: status 0, "
		"it holds; 1 to\n"
		"               127, it does not; 125, it can't tell; above, the search ends. PITR_INSTANT and "
		"PITR_TABLE are set.\n"
		"               The store is mounted for it, unless it is mounted already\n"
		"--from, --to   the first instant and the last; also seq-N, right after that change; without them all "
		"that "
		"can be told\n"
		"--all          looks at every instant with changes, and lists those at which it begins and ends to "
		"hold\n"
		"--json         one object a line\n\n"
		"Exit status: 0 found, 1 not found, 2 wrong usage.\n",
	.run = run_find_when,
	.options = find_when_options,
};
