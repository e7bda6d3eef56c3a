#include <errno.h>
#include <string.h>

#include "item_json.h"
#include "tools/item_path.h"
#include "tools/output.h"
#include "tools/verbs.h"

static struct option get_options[] = {
	{ .name = "at", .kind = OPTION_VALUE },
	{ .name = "json", .kind = OPTION_PERHAPS },
	{ .name = "dynamodb", .kind = OPTION_FLAG },
	{ .name = NULL },
};

static int print_item(struct store_txn *txn, const struct table *table, const struct snapshot *snapshot,
	uint64_t number, enum item_form form, struct error *error)
{
	struct item_order order = { slice_of_text(table->schema.partition.name), slice_of(NULL, 0) };
	struct buffer item = BUFFER_INIT, text = BUFFER_INIT;
	if (table->schema.has_sort)
		order.sort = slice_of_text(table->schema.sort.name);
	int result = snapshot_content(txn, snapshot, number, &item);
	if (result == 0)
		result = item_to_json(buffer_slice(&item), form, ITEM_PRETTY, &order, &text);
	if (result == 0)
		output(buffer_slice(&text));
	buffer_free(&item);
	buffer_free(&text);
	return result < 0 ? error_set(error, result, "the item could not be read: %s", strerror(-result)) : 0;
}

static int get(struct tool *tool, struct store_txn *txn, const struct item_path *path, enum item_form form,
	struct error *error)
{
	const char *option_at = option_value(tool->options, "at");
	const char *at = option_at ? option_at : path->at;
	struct table table = { 0 };
	struct snapshot snapshot;
	struct buffer key = BUFFER_INIT;
	struct node node;
	int result = item_path_table(tool, txn, path->table, at, &table, &snapshot, error);
	if (result < 0)
		return result;
	result = item_path_key(txn, &table, path, &key, error);
	if (result == 0) {
		result = snapshot_find(txn, &snapshot, buffer_slice(&key), &node);
		if (result == -ENOENT)
			item_path_absent(&table, path, at, error);
		else if (result < 0)
			error_set(error, result, "the item could not be read: %s", strerror(-result));
	}
	if (result == 0)
		result = print_item(txn, &table, &snapshot, node.number, form, error);
	buffer_free(&key);
	table_free(&table);
	return result;
}

static int run_get(struct tool *tool)
{
	struct error error = { 0 };
	struct item_path path;
	struct store_txn *txn;
	enum item_form form;
	int status = item_form_option(tool, &form);
	if (status != STATUS_DONE)
		return status;
	if (tool->positionals.count == 0)
		return tool_usage(tool, "which item? Write TABLE/NAME");
	if (item_path_parse(tool, tool->positionals.values, tool->positionals.count, &path, &error) < 0)
		return tool_usage(tool, "%s", error_text(&error));
	status = tool_open(tool, /* is_writable= */ false);
	if (status == STATUS_DONE) {
		int result = store_begin(history_store(tool->history), /* is_writable= */ false, &txn);
		if (result < 0) {
			error_set(&error, result, "the store could not be read: %s", strerror(-result));
		} else {
			result = get(tool, txn, &path, form, &error);
			store_abort(txn);
		}
		status = tool_finish(result, &error);
	}
	item_path_free(&path);
	return status;
}

const struct verb verb_get = {
	.name = "get",
	.summary = "print an item, as it is or was",
	.usage = "TABLE/NAME[@TIME] [--at TIME] [--json=dynamodb]",
	.help = "Prints what the item's file in a mount holds, byte for byte. Items are named as there:\n\n"
		"  pitr get orders/1001\n"
		"  pitr get orders/1001@-2h\n"
		"  pitr get orders/@2025-03-01T09:14:59/1001.json\n"
		"  pitr get songs/Artist/Title --at 2025-03-01\n\n"
		"--json=dynamodb (or --dynamodb) prints DynamoDB JSON. --tz ZONE, or PITR_TZ, is how times without a "
		"zone\n"
		"are read; without it they are UTC.\n",
	.run = run_get,
	.options = get_options,
};
