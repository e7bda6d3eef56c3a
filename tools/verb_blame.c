/* blame: who set what in an item. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "author.h"
#include "blame.h"
#include "item_json.h"
#include "text.h"
#include "tools/author_text.h"
#include "tools/change_line.h"
#include "tools/output.h"
#include "tools/recovery.h"
#include "tools/screen.h"
#include "tools/told_table.h"
#include "tools/verbs.h"

#define AUTHOR_WIDTH_MAX 40

static struct option blame_options[] = {
	{ .name = "at", .kind = OPTION_TIME },
	{ .name = "json", .kind = OPTION_FLAG },
	{ .name = NULL },
};

struct blaming {
	struct tool *tool;
	struct store_txn *txn;
	struct item_path path;
	struct told_table told;
	struct snapshot snapshot;
	struct buffer key, out, author;
	bool is_measuring; /* the first time, to know how wide authors are */
	int width;
};

static int read_author(const struct blaming *blaming, const struct log_entry *entry, struct slice *ret_text)
{
	*ret_text = slice_of(NULL, 0);
	int result = entry->author ? author_text(blaming->txn, entry->author, ret_text) : 0;
	return result == -ENOENT ? 0 : result;
}

static int append_json(struct blaming *blaming, struct slice name, const struct value *value,
	const struct log_entry *entry, struct slice author, bool is_older)
{
	struct buffer *out = &blaming->out;
	buffer_append_text(out, "{\"attribute\":");
	text_append_json(out, name);
	buffer_append_text(out, ",\"value\":");
	int result = value_to_json(value->whole, ITEM_PLAIN, ITEM_COMPACT, 0, out);
	recovery_append_time(out, "time", entry->time_us);
	buffer_append_format(out, ",\"sequenceNumber\":%" PRIu64, entry->seq);
	if (is_older)
		buffer_append_text(out, ",\"isOlder\":true");
	if (author.size > 0) {
		buffer_append_text(out, ",\"author\":");
		buffer_append_slice(out, author);
	}
	buffer_append_text(out, "}\n");
	return result;
}

/* Columns count characters, not bytes. */
static int width_of(struct slice text)
{
	int width = 0;
	for (size_t i = 0; i < text.size; i++)
		width += (text.data[i] & 0xC0) != 0x80;
	return width;
}

static int append_line(
	struct blaming *blaming, struct slice name, const struct value *value, const struct log_entry *entry)
{
	struct buffer *out = &blaming->out, json = BUFFER_INIT;
	change_line_append_time(entry->time_us, out);
	change_line_append_seq(entry->seq, out);
	buffer_append_text(out, "  ");
	buffer_append_slice(out, buffer_slice(&blaming->author));
	for (int i = width_of(buffer_slice(&blaming->author)); i < blaming->width; i++)
		buffer_append_byte(out, ' ');
	buffer_append_format(out, "  %s", screen_color(SCREEN_PLACE));
	author_text_append_plain(name, SIZE_MAX, out);
	buffer_append_format(out, "%s: ", screen_color(SCREEN_PLAIN));
	int result = value_to_json(value->whole, ITEM_PLAIN, ITEM_COMPACT, 0, &json);
	author_text_append_plain(buffer_slice(&json), SIZE_MAX, out);
	buffer_append_byte(out, '\n');
	buffer_free(&json);
	return result;
}

static int append(
	void *context, struct slice name, const struct value *value, const struct log_entry *entry, bool is_older)
{
	struct blaming *blaming = context;
	struct slice author;
	int result = read_author(blaming, entry, &author);
	if (result < 0)
		return result;
	if (option_is_given(blame_options, "json"))
		return append_json(blaming, name, value, entry, author, is_older);
	buffer_clear(&blaming->author);
	if (is_older)
		buffer_append_text(&blaming->author, "before what can be told");
	else
		author_text_append(author, &blaming->author);
	if (!blaming->is_measuring)
		return append_line(blaming, name, value, entry);
	int width = width_of(buffer_slice(&blaming->author));
	if (width > blaming->width)
		blaming->width = width < AUTHOR_WIDTH_MAX ? width : AUTHOR_WIDTH_MAX;
	return 0;
}

static int blame_once(struct blaming *blaming, bool is_measuring, struct error *error)
{
	blaming->is_measuring = is_measuring;
	return blame(blaming->txn, &blaming->told.table, &blaming->told.reach, buffer_slice(&blaming->key),
		blaming->snapshot.seq, append, blaming, error);
}

static int find(struct blaming *blaming, const char *at, struct error *error)
{
	const struct item_path *path = &blaming->path;
	int result = told_table_state(
		blaming->tool, blaming->txn, path->table, at, &blaming->told, &blaming->snapshot, error);
	return result < 0 ? result : item_path_key(blaming->txn, &blaming->told.table, path, &blaming->key, error);
}

static int blame_item(struct store_txn *txn, void *context, struct error *error)
{
	struct blaming *blaming = context;
	const char *given = option_value(blame_options, "at"), *at = given ? given : blaming->path.at;
	blaming->txn = txn;
	int result = find(blaming, at, error);
	if (result == 0)
		result = blame_once(blaming, /* is_measuring= */ true, error);
	if (result == -ENOENT && blaming->key.size > 0)
		result = told_table_absent(txn, &blaming->told, &blaming->path, buffer_slice(&blaming->key), at, error);
	buffer_clear(&blaming->out);
	if (result == 0)
		result = blame_once(blaming, /* is_measuring= */ false, error);
	if (result < 0)
		return error->code ? result
				   : error_set(error, result, "the item's history could not be read: %s",
					     strerror(-result));
	return recovery_print(result, error, &blaming->out);
}

static int run_blame(struct tool *tool)
{
	struct blaming blaming = { .tool = tool };
	struct error error = { 0 };
	if (tool->positionals.count == 0)
		return tool_usage(tool, "which item? Name it as TABLE ITEM");
	if (item_path_parse(tool, tool->positionals.values, tool->positionals.count, &blaming.path, &error) < 0)
		return tool_usage(tool, "%s", error_text(&error));
	int status = tool_ask(tool, TOOL_PAGED, blame_item, &blaming);
	item_path_free(&blaming.path);
	told_table_free(&blaming.told);
	buffer_free(&blaming.key);
	buffer_free(&blaming.out);
	buffer_free(&blaming.author);
	return status;
}

const struct verb verb_blame = {
	.name = "blame",
	.summary = "who set each attribute of an item, and when",
	.usage = "TABLE ITEM [--at TIME] [--json]",
	.help = "A line for each attribute: the change that last gave it its value.\n\n"
		"  pitr blame orders 1001\n"
		"  pitr blame orders/@2025-03-01T09:00/1001.json\n\n"
		"--at TIME  of the item as it was then\n"
		"--json     an object for each attribute, one a line\n",
	.run = run_blame,
	.options = blame_options,
};
