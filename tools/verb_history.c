/* history: every version of an item. */
#include <errno.h>
#include <string.h>

#include "item_json.h"
#include "tools/change_line.h"
#include "tools/output.h"
#include "tools/screen.h"
#include "tools/told_table.h"
#include "tools/verbs.h"
#include "versions.h"

static struct option history_options[] = {
	{ .name = "reverse", .kind = OPTION_FLAG },
	{ .name = "patch", .letter = 'p', .kind = OPTION_FLAG },
	{ .name = "json", .kind = OPTION_FLAG },
	{ .name = NULL },
};

struct telling {
	struct tool *tool;
	struct store_txn *txn;
	struct item_path path;
	struct told_table told;
	struct buffer key, line;
	uint64_t shown;
};

static bool has(const char *name)
{
	return option_is_given(history_options, name);
}

static int print(struct telling *telling, int result)
{
	if (result == 0)
		result = buffer_error(&telling->line);
	if (result == 0) {
		output(buffer_slice(&telling->line));
		telling->shown++;
	}
	buffer_clear(&telling->line);
	return result;
}

static int show_change(struct telling *telling, const struct change *change)
{
	const struct table *table = &telling->told.table;
	struct buffer *line = &telling->line;
	int result;
	if (has("json")) {
		result = change_append_line(table, change, line);
		buffer_append_byte(line, '\n');
		return print(telling, result);
	}
	if (has("patch") && telling->shown > 0)
		buffer_append_byte(line, '\n');
	result = change_line_append(table, change, /* has_path= */ false, line);
	if (result == 0 && has("patch"))
		result = change_line_append_patch(table, change, line);
	return print(telling, result);
}

/* What the item was when the time began that can be told: no change of that time made it. */
static int show_first(struct telling *telling)
{
	struct node node;
	struct node_place place;
	int result = versions_first(telling->txn, telling->told.table.number, buffer_slice(&telling->key),
		&telling->told.reach, &node, &place);
	if (result == -ENOENT || (result == 0 && node.version.seq > telling->told.reach.first_seq) || has("json"))
		return result == -ENOENT ? 0 : result;
	if (result < 0)
		return result;
	change_line_append_time(node.version.time_us, &telling->line);
	change_line_append_seq(node.version.seq, &telling->line);
	buffer_append_format(&telling->line, "  %sbefore what can be told%s\n", screen_color(SCREEN_DIM),
		screen_color(SCREEN_PLAIN));
	return print(telling, 0);
}

static int show_changes(struct telling *telling, uint64_t *ret_damaged, struct error *error)
{
	struct change_filter filter = { .to_us = INT64_MAX, .encoded_key = buffer_slice(&telling->key) };
	struct change_walk *walk;
	const struct change *change;
	uint64_t first;
	int result = change_walk_begin(
		telling->txn, &telling->told.table, &telling->told.reach, &filter, !has("reverse"), &walk, error);
	if (result < 0)
		return result;
	while ((result = change_walk_next(walk, &change)) == 1) {
		result = show_change(telling, change);
		if (result < 0 && result != -EIO)
			break;
	}
	*ret_damaged = change_walk_damaged(walk, &first);
	change_walk_end(walk);
	return result;
}

static int show(struct telling *telling, uint64_t *ret_damaged, struct error *error)
{
	int result = has("reverse") ? show_first(telling) : 0;
	if (result == 0)
		result = show_changes(telling, ret_damaged, error);
	if (result == 0 && !has("reverse"))
		result = show_first(telling);
	return result == 0 || error->code != 0
		       ? result
		       : error_set(error, result, "the item's history could not be read: %s", strerror(-result));
}

static int show_item(struct store_txn *txn, void *context, struct error *error)
{
	struct telling *telling = context;
	const struct item_path *path = &telling->path;
	uint64_t damaged = 0;
	telling->txn = txn;
	int result = told_table_item(telling->tool, txn, path, &telling->told, &telling->key, error);
	if (result == 0)
		result = show(telling, &damaged, error);
	if (result == 0 && telling->shown == 0 && damaged == 0)
		result = item_path_absent(&telling->told.table, path, NULL, error);
	if (result < 0)
		return result;
	return damaged == 0 ? STATUS_DONE
			    : tool_fail("not all of these versions could be read; `pitr verify` tells what is damaged");
}

static int run_history(struct tool *tool)
{
	struct telling telling = { .tool = tool };
	struct error error = { 0 };
	if (tool->positionals.count == 0)
		return tool_usage(tool, "of which item? Name it as TABLE ITEM");
	if (has("patch") && has("json"))
		return tool_usage(tool, "-p or --json, not both");
	if (item_path_parse(tool, tool->positionals.values, tool->positionals.count, &telling.path, &error) < 0)
		return tool_usage(tool, "%s", error_text(&error));
	int status = tool_ask(tool, TOOL_PAGED, show_item, &telling);
	item_path_free(&telling.path);
	told_table_free(&telling.told);
	buffer_free(&telling.key);
	buffer_free(&telling.line);
	return status;
}

const struct verb verb_history = {
	.name = "history",
	.summary = "every version of an item",
	.usage = "TABLE ITEM [-p] [--reverse] [--json]",
	.help = "Each version of the item, newest first: when, by which change, what was different, its size, by whom; "
		"its "
		"removals\n"
		"too, through all its lives. Also of items and tables that are gone, as long as their history is "
		"kept.\n\n"
		"  pitr history orders 1001\n"
		"  pitr history orders/1001.json -p\n"
		"  pitr history songs \"No One You Know\" \"Call Me Today\"\n\n"
		"-p         with the lines that are different\n"
		"--reverse  oldest first\n"
		"--json     as Streams records with an author, one a line\n\n"
		"Exit status: 0, or 1 when there was never such an item in the time that can be told.\n",
	.run = run_history,
	.options = history_options,
};
