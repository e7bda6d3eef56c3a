/* find: items by what is in them, now, then, or at any time. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "compare.h"
#include "item_json.h"
#include "layout.h"
#include "text.h"
#include "tools/change_line.h"
#include "tools/output.h"
#include "tools/recovery.h"
#include "tools/told_table.h"
#include "tools/verbs.h"
#include "versions.h"

static struct option find_options[] = {
	{ .name = "where", .kind = OPTION_EACH },
	{ .name = "at", .kind = OPTION_TIME },
	{ .name = "any-time", .kind = OPTION_FLAG },
	{ .name = "from", .kind = OPTION_TIME },
	{ .name = "to", .kind = OPTION_TIME },
	{ .name = "json", .kind = OPTION_FLAG },
	{ .name = NULL },
};

struct finding {
	struct tool *tool;
	struct store_txn *txn;
	struct change_choice choice;
	struct told_table told;
	struct snapshot snapshot;
	struct buffer item, line;
	uint64_t looked_at, found;
	bool has_times; /* of each version is told how long it was there */
};

static bool has(const char *name)
{
	return option_is_given(find_options, name);
}

/* --- Telling -------------------------------------------------------------------------------------------------------- */

/* When a version was followed by another one; 0: it is the last. */
static int end_of(struct finding *finding, struct slice encoded_key, uint64_t seq, int64_t *ret_us)
{
	struct node next;
	int result = versions_after(finding->txn, finding->told.table.number, encoded_key, seq, &next, NULL);
	*ret_us = result == 0 ? next.version.time_us : 0;
	return result == -ENOENT ? 0 : result;
}

static int append_json(struct finding *finding, struct slice encoded_key, struct slice item, uint64_t seq,
	int64_t time_us, int64_t end_us)
{
	const struct key_schema *schema = &finding->told.table.schema;
	struct item_order order = { .partition = slice_of_text(schema->partition.name) };
	struct buffer path = BUFFER_INIT;
	if (schema->has_sort)
		order.sort = slice_of_text(schema->sort.name);
	int result = change_line_append_path(&finding->told.table, encoded_key, &path);
	buffer_append_text(&finding->line, "{\"path\":");
	text_append_json(&finding->line, buffer_slice(&path));
	buffer_append_format(&finding->line, ",\"sequenceNumber\":%" PRIu64, seq);
	recovery_append_time(&finding->line, "from", time_us);
	if (finding->has_times)
		recovery_append_time(&finding->line, "to", end_us);
	buffer_append_text(&finding->line, ",\"item\":");
	if (result == 0)
		result = item_to_json(item, ITEM_PLAIN, ITEM_COMPACT, &order, &finding->line);
	buffer_append_text(&finding->line, "}\n");
	buffer_free(&path);
	return result;
}

static int append_text(struct finding *finding, struct slice encoded_key, uint64_t seq, int64_t time_us, int64_t end_us)
{
	struct buffer *line = &finding->line;
	if (finding->has_times) {
		change_line_append_time(time_us, line);
		buffer_append_text(line, "  ");
		if (end_us != 0)
			change_line_append_time(end_us, line);
		else
			buffer_append_format(line, "%-26s", "-");
		change_line_append_seq(seq, line);
		buffer_append_text(line, "  ");
	}
	int result = change_line_append_path(&finding->told.table, encoded_key, line);
	buffer_append_byte(line, '\n');
	return result;
}

static int tell(struct finding *finding, struct slice encoded_key, struct slice item, uint64_t seq, int64_t time_us)
{
	int64_t end_us = 0;
	int result = finding->has_times ? end_of(finding, encoded_key, seq, &end_us) : 0;
	buffer_clear(&finding->line);
	if (result == 0)
		result = has("json") ? append_json(finding, encoded_key, item, seq, time_us, end_us)
				     : append_text(finding, encoded_key, seq, time_us, end_us);
	if (result == 0)
		result = buffer_error(&finding->line);
	if (result < 0)
		return result;
	progress_end(&finding->choice.progress);
	output(buffer_slice(&finding->line));
	finding->found++;
	return 0;
}

/* --- Looking -------------------------------------------------------------------------------------------------------- */

static int holds(const struct finding *finding, struct slice item)
{
	const struct change_filter *filter = &finding->choice.filter;
	int result = 1;
	for (size_t i = 0; i < filter->where_count && result == 1; i++)
		result = expression_holds(filter->where[i], item);
	return result;
}

static int visit(void *context, const struct node *node)
{
	struct finding *finding = context;
	if (++finding->looked_at % 256 == 0)
		progress_show(&finding->choice.progress, "%" PRIu64 " items", finding->looked_at);
	int result = snapshot_content(finding->txn, &finding->snapshot, node->number, &finding->item);
	if (result == 0)
		result = holds(finding, buffer_slice(&finding->item));
	return result == 1 ? tell(finding, node->encoded_key, buffer_slice(&finding->item), node->version.seq,
				     node->version.time_us)
			   : result;
}

static int look_at_state(struct finding *finding)
{
	return compare_walk(finding->txn, &finding->snapshot, visit, finding);
}

static int look_at_change(struct finding *finding, const struct change *change)
{
	int result = change->after.size > 0 ? holds(finding, change->after) : 0;
	return result == 1 ? tell(finding, change->encoded_key, change->after, change->entry.seq, change->entry.time_us)
			   : result;
}

/* The state the time begins with. */
static int set_first_state(struct finding *finding)
{
	const struct change_filter *filter = &finding->choice.filter;
	struct log_entry entry = { .seq = finding->told.reach.first_seq };
	int result = 0;
	if (filter->from_us > 0)
		result = log_at_time(finding->txn, finding->told.table.number, filter->from_us, &entry);
	if (result == -ENOENT || entry.seq < finding->told.reach.first_seq)
		entry.seq = finding->told.reach.first_seq;
	if (filter->from_seq > entry.seq)
		entry.seq = filter->from_seq;
	finding->snapshot = (struct snapshot){ .table = finding->told.table.number, .seq = entry.seq };
	return result == -ENOENT ? 0 : result;
}

static int look_at_any_time(struct finding *finding, struct error *error)
{
	struct change_filter *filter = &finding->choice.filter;
	struct change_walk *walk;
	const struct change *change;
	finding->has_times = true;
	int result = set_first_state(finding);
	if (result == 0 && finding->snapshot.seq > 0)
		result = look_at_state(finding);
	filter->from_seq = finding->snapshot.seq + 1;
	if (result == 0)
		result = change_walk_begin(finding->txn, &finding->told.table, &finding->told.reach, filter,
			/* is_newest_first= */ false, &walk, error);
	if (result < 0)
		return result;
	while ((result = change_walk_next(walk, &change)) == 1 && (result = look_at_change(finding, change)) == 0)
		continue;
	change_walk_end(walk);
	return result;
}

/* --- Finding it ----------------------------------------------------------------------------------------------------- */

static int look_back(struct finding *finding, const char *name, struct error *error)
{
	int result = told_table_find(finding->tool, finding->txn, name, &finding->told, error);
	if (result == 0)
		result = change_choice_window(finding->tool, finding->txn, &finding->told.table, &finding->told.reach,
			&finding->choice, error);
	return result == 0 ? look_at_any_time(finding, error) : result;
}

static int look_at_one_time(struct finding *finding, const char *word, struct error *error)
{
	struct state_word state;
	const char *at = option_value(find_options, "at");
	int result = state_word_parse(word, &state, error);
	if (result < 0)
		return result;
	if (at)
		state.at = at;
	result = told_table_state(
		finding->tool, finding->txn, state.table, state.at, &finding->told, &finding->snapshot, error);
	state_word_free(&state);
	return result == 0 ? look_at_state(finding) : result;
}

static int look(struct store_txn *txn, void *context, struct error *error)
{
	struct finding *finding = context;
	const char *word = finding->tool->positionals.values[0];
	finding->txn = txn;
	int result = has("any-time") ? look_back(finding, word, error) : look_at_one_time(finding, word, error);
	progress_end(&finding->choice.progress);
	if (result < 0 && error->code == 0)
		error_set(error, result, "the items of %s could not be read: %s", word, strerror(-result));
	return result < 0 ? result : finding->found > 0 ? STATUS_DONE : STATUS_FAILED;
}

static int parse(struct finding *finding)
{
	struct tool *tool = finding->tool;
	if (tool->positionals.count != 1)
		return tool_usage(tool, "which table? Name one");
	if (!has("where"))
		return tool_usage(tool, "which items? Give --where EXPR");
	if (has("any-time") && has("at"))
		return tool_usage(tool, "--at or --any-time, not both");
	if (!has("any-time") && (has("from") || has("to")))
		return tool_usage(tool, "--from and --to go with --any-time");
	return change_choice_parse(tool, &finding->choice);
}

static int run_find(struct tool *tool)
{
	struct finding finding = { .tool = tool };
	int status = parse(&finding);
	if (status == STATUS_DONE)
		status = tool_ask(tool, TOOL_PAGED, look, &finding);
	change_choice_free(&finding.choice);
	told_table_free(&finding.told);
	buffer_free(&finding.item);
	buffer_free(&finding.line);
	return status;
}

const struct verb verb_find = {
	.name = "find",
	.summary = "items by what is in them, now, then, or at any time",
	.usage = "TABLE --where EXPR... [--at TIME | --any-time [--from TIME] [--to TIME]] [--json]",
	.help = "Prints the paths of the items that fulfil the expressions, all of them.\n\n"
		"  pitr find orders --where \"status = 'PAID' AND total > 500\"\n"
		"  pitr find orders --where 'price = 0' --at 2025-03-01T09:15\n"
		"  pitr find orders --where \"contains(email, '@example.com')\" --any-time\n\n"
		"--at TIME    in the table as it was then\n"
		"--any-time   each version that does, in the order they came, from when to when it was there (-: it "
		"still is), and "
		"the\n"
		"             number of its change; in a time between --from and --to\n"
		"--json       an object for each, with the item, one a line\n\n"
		"Exit status: 0 something was found, 1 nothing was, or it failed.\n",
	.run = run_find,
	.options = find_options,
};
