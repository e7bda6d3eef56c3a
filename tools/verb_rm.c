#include <errno.h>

#include "tools/item_path.h"
#include "tools/verbs.h"

static struct option rm_options[] = {
	{ .name = "force", .letter = 'f', .kind = OPTION_FLAG },
	{ .name = NULL },
};

static int remove_item(
	struct tool *tool, const struct tool_change *change, const struct item_path *path, struct error *error)
{
	struct table table = { 0 };
	struct buffer key = BUFFER_INIT;
	struct change_result done = { 0 };
	struct store_txn *txn = batch_txn(change->batch);
	if (path->at)
		return error_set(error, -EROFS, "%s@%s: the past cannot be changed", path->name, path->at);
	int result = item_path_live_table(txn, path->table, &table, error);
	if (result < 0)
		return result;
	result = item_path_key(txn, &table, path, &key, error);
	if (result == 0)
		result = batch_remove(change->batch, &table, buffer_slice(&key), &change->context, &done, error);
	bool is_absent = result == -ENOENT || (result == 0 && !done.is_changed);
	if (is_absent)
		result = option_is_given(tool->options, "force") ? 0 : item_path_absent(&table, path, NULL, error);
	buffer_free(&key);
	table_free(&table);
	return result;
}

static int remove_items(struct tool *tool, const struct tool_change *change, struct error *error)
{
	int result = 0;
	for (size_t i = 0; i < tool->positionals.count && result == 0; i++) {
		struct item_path path;
		result = item_path_parse(tool, tool->positionals.values + i, 1, &path, error);
		if (result == 0) {
			result = remove_item(tool, change, &path, error);
			item_path_free(&path);
		}
	}
	return result;
}

static int run_rm(struct tool *tool)
{
	struct error error = { 0 };
	struct tool_change change;
	if (tool->positionals.count == 0)
		return tool_usage(tool, "which item? Write TABLE/NAME");
	int status = tool_open(tool, /* is_writable= */ true);
	if (status != STATUS_DONE)
		return status;
	int result = tool_begin(tool, &change, &error);
	if (result == 0) {
		result = remove_items(tool, &change, &error);
		if (result == 0)
			result = batch_commit(change.batch, &error);
		else
			batch_abort(change.batch);
	}
	return tool_finish(result, &error);
}

const struct verb verb_rm = {
	.name = "rm",
	.summary = "remove items; their history stays",
	.usage = "[-f] TABLE/NAME...",
	.help = "Removes all the items named in one commit, or none when one is not there. -f does not mind absent "
		"ones.\n"
		"PITR_REASON, when set, is kept with the change.\n",
	.run = run_rm,
	.options = rm_options,
};
