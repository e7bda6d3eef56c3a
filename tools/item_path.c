#include "tools/item_path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "name.h"
#include "restore.h"

#define SUFFIX ".json"

static bool is_instant(const struct tool *tool, const char *text)
{
	struct instant instant;
	return instant_parse(slice_of_text(text), tool->zone, &instant, NULL) == 0;
}

/* The '@' of NAME@TIME, or NULL. A name may have one too: then only ".json@", or what is a time, is meant. */
static char *find_at(const struct tool *tool, char *name)
{
	char *found = NULL;
	for (char *at = name; (at = strstr(at, SUFFIX "@")); at++)
		found = at + strlen(SUFFIX);
	if (found)
		return found;
	found = strrchr(name, '@');
	return found && found != name && is_instant(tool, found + 1) ? found : NULL;
}

static int join(char *const *words, size_t count, char **ret_text)
{
	struct buffer text = BUFFER_INIT;
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buffer_append_byte(&text, '/');
		buffer_append_text(&text, words[i]);
	}
	*ret_text = buffer_error(&text) == 0 ? strdup(buffer_text(&text)) : NULL;
	buffer_free(&text);
	return *ret_text ? 0 : -ENOMEM;
}

static int malformed(struct error *error, char *const *words)
{
	return error_set(
		error, -EINVAL, "%s does not name an item: write TABLE/NAME, or TABLE/PARTITION/NAME", words[0]);
}

/* Cuts the next component off. NULL when there is none. */
static char *take_component(char **at)
{
	char *start = *at;
	if (!start || *start == '\0')
		return NULL;
	char *slash = strchr(start, '/');
	if (slash)
		*slash = '\0';
	*at = slash ? slash + 1 : NULL;
	return start;
}

static int set_name(const struct tool *tool, struct item_path *path, char *name)
{
	char *at = find_at(tool, name);
	size_t length = strlen(name), suffix = strlen(SUFFIX);
	if (at) {
		*at = '\0';
		path->at = at + 1;
		length = strlen(name);
	}
	bool has_suffix = length > suffix && strcmp(name + length - suffix, SUFFIX) == 0;
	if (asprintf(&path->name_text, "%s%s", name, has_suffix ? "" : SUFFIX) < 0) {
		path->name_text = NULL;
		return -ENOMEM;
	}
	path->name = path->name_text;
	return 0;
}

static int take_apart(const struct tool *tool, struct item_path *path)
{
	char *rest = path->text;
	path->table = take_component(&rest);
	char *first = take_component(&rest);
	if (first && first[0] == '@') {
		path->at = first + 1;
		first = take_component(&rest);
	}
	char *second = take_component(&rest);
	if (!path->table || !first || rest)
		return -EINVAL;
	path->partition = second ? first : NULL;
	return set_name(tool, path, second ? second : first);
}

int item_path_parse(
	const struct tool *tool, char *const *words, size_t count, struct item_path *ret_path, struct error *error)
{
	struct item_path path = { 0 };
	int result = join(words, count, &path.text);
	if (result == 0)
		result = take_apart(tool, &path);
	if (result == 0) {
		*ret_path = path;
		return 0;
	}
	item_path_free(&path);
	return result == -EINVAL ? malformed(error, words) : error_set(error, result, "out of memory");
}

void item_path_free(struct item_path *path)
{
	free(path->text);
	free(path->name_text);
	*path = (struct item_path){ 0 };
}

int item_path_key(struct store_txn *txn, const struct table *table, const struct item_path *path, struct buffer *out,
	struct error *error)
{
	struct buffer partition = BUFFER_INIT;
	int result = 0;
	if (table->schema.has_sort != (path->partition != NULL))
		return error_set(error, -EINVAL,
			table->schema.has_sort ? "%s has a sort key: write %s/PARTITION/NAME"
					       : "%s has no sort key: write %s/NAME",
			table->name, table->name);
	if (path->partition)
		result = snapshot_key_of_name(
			txn, table, slice_of(NULL, 0), slice_of_text(path->partition), &partition, error);
	if (result == 0)
		result = snapshot_key_of_name(
			txn, table, buffer_slice(&partition), slice_of_text(path->name), out, error);
	buffer_free(&partition);
	return result;
}

int item_path_of_key(struct slice encoded_key, struct buffer *out)
{
	char name[FILE_NAME_MAX + 1];
	struct buffer storage = BUFFER_INIT;
	struct key key;
	int result = key_decode(encoded_key, &storage, &key);
	if (result == 0 && key.has_sort) {
		buffer_append(out, name, name_of_value(&key.partition, "", name, NULL));
		buffer_append_byte(out, '/');
	}
	if (result == 0)
		buffer_append(out, name, name_of_value(key.has_sort ? &key.sort : &key.partition, ".json", name, NULL));
	buffer_free(&storage);
	return result < 0 ? result : buffer_error(out);
}

/* What is being copied into restore/ is nobody else's yet. */
static int check_whole(struct table *table, struct error *error)
{
	int result = restore_check_usable(table, error);
	if (result < 0) {
		error_set(error, result,
			"table %s is still being restored; `pitr restore --accept %s` takes it as it is", table->name,
			table->name);
		table_free(table);
	}
	return result;
}

/* The table that had the name at the instant, when the instant is one of the whole store's. */
static int table_at(struct tool *tool, struct store_txn *txn, struct slice name, const struct instant *instant,
	struct table *ret_table, struct error *error)
{
	int64_t time_us = TIME_NOW;
	bool is_of_store = instant->kind == INSTANT_AT || instant->kind == INSTANT_BEFORE_NOW;
	int result = is_of_store ? snapshot_resolve_store(tool->history, txn, instant, &time_us, error) : 0;
	if (result == 0)
		result = table_find(txn, name, time_us, ret_table, error);
	return result == 0 ? check_whole(ret_table, error) : result;
}

int item_path_live_table(struct store_txn *txn, const char *name, struct table *ret_table, struct error *error)
{
	int result = table_find(txn, slice_of_text(name), TIME_NOW, ret_table, error);
	if (result == 0)
		return check_whole(ret_table, error);
	return result == -ENOENT ? error_set(error, result,
					   "there is no table %s; `pitr list-tables` names those there are", name)
				 : result;
}

/* The table that has the name answers for instants when none had it: with the window that can be seen. */
int item_path_table(struct tool *tool, struct store_txn *txn, const char *name, const char *at, struct table *ret_table,
	struct snapshot *ret_snapshot, struct error *error)
{
	struct instant instant;
	int result = at ? tool_instant(tool, at, &instant, error) : 0;
	if (result < 0)
		return result;
	if (at)
		result = table_at(tool, txn, slice_of_text(name), &instant, ret_table, error);
	if (!at || result == -ENOENT)
		result = item_path_live_table(txn, name, ret_table, error);
	if (result < 0)
		return result;
	*ret_snapshot = snapshot_live(ret_table->number);
	if (at)
		result = snapshot_resolve(tool->history, txn, ret_table, &instant, ret_snapshot, error);
	if (result < 0)
		table_free(ret_table);
	return result;
}

int item_path_absent(const struct table *table, const struct item_path *path, const char *at, struct error *error)
{
	return error_set(error, -ENOENT, "%s has no item %s%s%.*s%s%s", table->name,
		path->partition ? path->partition : "", path->partition ? "/" : "",
		(int)(strlen(path->name) - strlen(SUFFIX)), path->name, at ? " at " : "", at ? at : "");
}

int item_form_option(const struct tool *tool, enum item_form *ret_form)
{
	const char *form = option_value(tool->options, "json");
	*ret_form = ITEM_PLAIN;
	if (option_is_given(tool->options, "dynamodb") || (form && strcmp(form, "dynamodb") == 0))
		*ret_form = ITEM_DYNAMODB;
	else if (form && strcmp(form, "plain") != 0)
		return tool_usage(tool, "--json=%s: there are plain and dynamodb", form);
	return STATUS_DONE;
}
