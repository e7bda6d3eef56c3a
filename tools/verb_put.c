#include <errno.h>
#include <string.h>

#include "item_json.h"
#include "tools/item_path.h"
#include "tools/verbs.h"

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
	int result = item_path_live_table(txn, table, &putting->table, putting->error);
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
	int status = item_form_option(tool, &putting.form);
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
		status =
			tool_finish(put(&putting, has_name ? path.table : words[0], words[1] ? words[1] : "-"), &error);
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
