/* put, get, rm: items under their names, in plain JSON. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "item_json.h"
#include "tools/item_path.h"
#include "tools/output.h"
#include "tools/verbs.h"

/* The form of JSON asked for. STATUS_DONE, or said what is wrong. */
static int choose_form(const struct tool *tool, enum item_form *ret_form)
{
	const char *form = option_value(tool->options, "json");
	*ret_form = ITEM_PLAIN;
	if (option_is_given(tool->options, "dynamodb") || (form && strcmp(form, "dynamodb") == 0))
		*ret_form = ITEM_DYNAMODB;
	else if (form && strcmp(form, "plain") != 0)
		return tool_usage(tool, "--json=%s: there are plain and dynamodb", form);
	return STATUS_DONE;
}

static int finish(int result, const struct error *error)
{
	return result < 0 ? tool_fail_error(error) : STATUS_DONE;
}

static int absent(const struct table *table, const struct item_path *path, const char *at, struct error *error)
{
	return error_set(error, -ENOENT, "%s has no item %s%s%s%s%s", table->name,
		path->partition ? path->partition : "", path->partition ? "/" : "", path->name, at ? " at " : "",
		at ? at : "");
}

/* --- get ------------------------------------------------------------------------------------------------------------ */

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
			absent(&table, path, at, error);
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
	int status = choose_form(tool, &form);
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
		status = finish(result, &error);
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

/* --- put ------------------------------------------------------------------------------------------------------------ */

static struct option put_options[] = {
	{ .name = "json", .kind = OPTION_PERHAPS },
	{ .name = "dynamodb", .kind = OPTION_FLAG },
	{ .name = NULL },
};

/* Items being put, in one batch. */
struct putting {
	struct tool *tool;
	enum item_form form;
	const struct item_path *path; /* NULL: the items name themselves */
	struct tool_change change;
	struct table table;
	struct buffer key; /* that the path means */
	size_t count;
	struct error *error;
};

/* Sets one key attribute from the name where the item lacks it. */
static int set_attribute(struct buffer *item, const struct key_attribute *attribute, const struct value *value)
{
	struct value present;
	struct buffer with = BUFFER_INIT;
	if (item_attribute(buffer_slice(item), slice_of_text(attribute->name), &present))
		return 0;
	int result = item_with_attribute(buffer_slice(item), slice_of_text(attribute->name), value->whole, &with);
	if (result == 0)
		result = buffer_error(&with);
	if (result < 0) {
		buffer_free(&with);
		return result;
	}
	buffer_free(item);
	*item = with;
	return 0;
}

static int check_key(struct putting *putting, struct slice item)
{
	struct buffer encoded = BUFFER_INIT;
	struct key key;
	int result = key_of_item(item, &putting->table.schema, &key, putting->error);
	if (result < 0)
		return result;
	key_append_encoded(&key, &encoded);
	result = buffer_error(&encoded);
	if (result == 0 && !slice_equal(buffer_slice(&encoded), buffer_slice(&putting->key)))
		result = error_set(putting->error, -EINVAL,
			"the item has another key than the name %s says: change the one or the other",
			putting->path->name);
	buffer_free(&encoded);
	return result;
}

/* Key attributes missing from the item are taken from its name; those there must not contradict it. */
static int complete_key(struct putting *putting, struct buffer *item)
{
	struct buffer storage = BUFFER_INIT;
	struct key key;
	int result = key_decode(buffer_slice(&putting->key), &storage, &key);
	if (result == 0)
		result = set_attribute(item, &putting->table.schema.partition, &key.partition);
	if (result == 0 && key.has_sort)
		result = set_attribute(item, &putting->table.schema.sort, &key.sort);
	buffer_free(&storage);
	return result < 0 ? error_set(putting->error, result, "the key could not be completed: %s", strerror(-result))
			  : check_key(putting, buffer_slice(item));
}

static int put_object(struct putting *putting, const struct json *object)
{
	struct buffer item = BUFFER_INIT;
	struct change_result done;
	int result = item_from_tree(object, putting->form, &item, putting->error);
	if (result == 0 && putting->path)
		result = complete_key(putting, &item);
	if (result == 0)
		result = batch_put(putting->change.batch, &putting->table, buffer_slice(&item),
			&putting->change.context, &done, putting->error);
	if (result == 0)
		putting->count++;
	buffer_free(&item);
	return result;
}

static int put_root(struct putting *putting, const struct json *root)
{
	int result = 0;
	if (json_type(root) == JSON_OBJECT)
		return put_object(putting, root);
	if (json_type(root) != JSON_ARRAY)
		return error_set(putting->error, -EINVAL, "an item is a JSON object");
	for (const struct json *child = json_first(root); child && result == 0; child = json_next(child)) {
		result = json_type(child) == JSON_OBJECT
				 ? put_object(putting, child)
				 : error_set(putting->error, -EINVAL, "a list of items holds JSON objects only");
		if (result < 0)
			error_prefix(putting->error, "item %zu", putting->count + 1);
	}
	return result;
}

static int put_line(struct putting *putting, struct slice line, size_t number)
{
	struct json *root;
	int result = json_parse(line, &json_default_limits, &root, putting->error);
	if (result == 0) {
		result = put_root(putting, root);
		json_free(root);
	}
	if (result < 0)
		error_prefix(putting->error, "line %zu", number);
	return result;
}

static bool is_blank(struct slice line)
{
	for (size_t i = 0; i < line.size; i++)
		if (!strchr(" \t\r", line.data[i]) || line.data[i] == '\0')
			return false;
	return true;
}

static int put_lines(struct putting *putting, struct slice text)
{
	int result = 0;
	for (size_t number = 1; text.size > 0 && result == 0; number++) {
		const uint8_t *newline = memchr(text.data, '\n', text.size);
		size_t size = newline ? (size_t)(newline - text.data) : text.size;
		struct slice line = slice_of(text.data, size);
		text = slice_of(text.data + size + (newline != NULL), text.size - size - (newline != NULL));
		if (!is_blank(line))
			result = put_line(putting, line, number);
	}
	return result;
}

/* One item or a list of them, over as many lines as they like; else one item a line. */
static int put_text(struct putting *putting, struct slice text)
{
	static const struct json_limits limits = { .max_size = (size_t)1 << 32, .max_depth = 100 };
	struct json *root;
	struct error whole = { 0 }, by_line = { 0 };
	if (json_parse(text, &limits, &root, &whole) == 0) {
		int result = put_root(putting, root);
		json_free(root);
		return result;
	}
	const uint8_t *newline = text.size > 0 ? memchr(text.data, '\n', text.size) : NULL;
	struct slice first = slice_of(text.data, newline ? (size_t)(newline - text.data) : text.size);
	if (!newline || json_parse(first, &limits, &root, &by_line) < 0) {
		*putting->error = whole;
		return whole.code;
	}
	json_free(root);
	return put_lines(putting, text);
}

static int put_all(struct putting *putting, const char *table, struct slice text)
{
	struct store_txn *txn = batch_txn(putting->change.batch);
	int result = table_find(txn, slice_of_text(table), TIME_NOW, &putting->table, putting->error);
	if (result == 0 && putting->path)
		result = item_path_key(txn, &putting->table, putting->path, &putting->key, putting->error);
	if (result == 0)
		result = put_text(putting, text);
	if (result == 0 && putting->path && putting->count != 1)
		result = error_set(putting->error, -EINVAL, "%zu items were given for one name", putting->count);
	return result;
}

static int put(struct putting *putting, const char *table, const char *file)
{
	struct buffer text = BUFFER_INIT;
	int result = tool_read_file(file, &text, putting->error);
	if (result == 0)
		result = tool_begin(putting->tool, &putting->change, putting->error);
	if (result == 0) {
		result = put_all(putting, table, buffer_slice(&text));
		if (result == 0)
			result = batch_commit(putting->change.batch, putting->error);
		else
			batch_abort(putting->change.batch);
	}
	table_free(&putting->table);
	buffer_free(&putting->key);
	buffer_free(&text);
	return result;
}

static int run_put(struct tool *tool)
{
	struct error error = { 0 };
	struct putting putting = { .tool = tool, .error = &error };
	struct item_path path = { 0 };
	int status = choose_form(tool, &putting.form);
	if (status != STATUS_DONE)
		return status;
	if (tool->positionals.count < 1 || tool->positionals.count > 2)
		return tool_usage(tool, "give TABLE or TABLE/NAME, and a file (or - for standard input)");
	char **words = tool->positionals.values;
	bool has_name = strchr(words[0], '/') != NULL;
	if (has_name && item_path_parse(tool, words, 1, &path, &error) < 0)
		return tool_usage(tool, "%s", error_text(&error));
	putting.path = has_name ? &path : NULL;
	if (has_name && path.at)
		status = tool_fail("%s: the past cannot be changed", words[0]);
	if (status == STATUS_DONE)
		status = tool_open(tool, /* is_writable= */ true);
	if (status == STATUS_DONE)
		status = finish(put(&putting, has_name ? path.table : words[0], words[1] ? words[1] : "-"), &error);
	item_path_free(&path);
	return status;
}

const struct verb verb_put = {
	.name = "put",
	.summary = "insert or replace items",
	.usage = "TABLE[/NAME] [FILE|-] [--json=dynamodb]",
	.help = "Reads items from the file or standard input: one JSON object, a list of them, or one a line. All are "
		"put in\n"
		"one commit, or none.\n\n"
		"  echo '{\"id\":\"1001\",\"total\":9.90}' | pitr put orders\n"
		"  echo '{\"total\":9.90}' | pitr put orders/1001\n"
		"  pitr put orders items.jsonl\n\n"
		"With a name, key attributes missing from the item are taken from it. --json=dynamodb (or --dynamodb) "
		"reads\n"
		"DynamoDB JSON. PITR_REASON, when set, is kept with the change.\n",
	.run = run_put,
	.options = put_options,
};

/* --- rm ------------------------------------------------------------------------------------------------------------- */

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
	int result = table_find(txn, slice_of_text(path->table), TIME_NOW, &table, error);
	if (result < 0)
		return result;
	result = item_path_key(txn, &table, path, &key, error);
	if (result == 0)
		result = batch_remove(change->batch, &table, buffer_slice(&key), &change->context, &done, error);
	bool is_absent = result == -ENOENT || (result == 0 && !done.is_changed);
	if (is_absent)
		result = option_is_given(tool->options, "force") ? 0 : absent(&table, path, NULL, error);
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
	return finish(result, &error);
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
