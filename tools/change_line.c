#include "tools/change_line.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "instant.h"
#include "item_json.h"
#include "patch.h"
#include "tools/author_text.h"
#include "tools/item_diff.h"
#include "tools/item_path.h"
#include "tools/output.h"
#include "tools/screen.h"

#define TIME_WIDTH 26
#define VALUE_MAX_BYTES 48
#define OPERATIONS_SHOWN 4

/* --- Parts ---------------------------------------------------------------------------------------------------------- */

void change_line_append_time(int64_t time_us, struct buffer *out)
{
	char text[INSTANT_TEXT_MAX];
	instant_format(time_us, text, sizeof(text));
	buffer_append_format(
		out, "%s%-*s%s", screen_color(SCREEN_CHANGE), TIME_WIDTH, text, screen_color(SCREEN_PLAIN));
}

void change_line_append_seq(uint64_t seq, struct buffer *out)
{
	char text[32];
	snprintf(text, sizeof(text), "seq-%" PRIu64, seq);
	buffer_append_format(out, "  %-9s", text);
}

int change_line_append_path(const struct table *table, struct slice encoded_key, struct buffer *out)
{
	buffer_append_format(out, "%s/", table->name);
	if (encoded_key.size > 0)
		return item_path_of_key(encoded_key, out);
	buffer_append_byte(out, '?');
	return 0;
}

static enum screen_role role_of(enum change_op op)
{
	return op == CHANGE_INSERT ? SCREEN_ADDED : op == CHANGE_REMOVE ? SCREEN_REMOVED : SCREEN_CHANGED;
}

/* --- What changed --------------------------------------------------------------------------------------------------- */

struct summary {
	struct buffer *out, value;
	bool (*is_wanted)(struct slice path);
	size_t operations;
};

static int append_value(struct summary *summary, struct slice value)
{
	buffer_clear(&summary->value);
	int result = value_to_json(value, ITEM_PLAIN, ITEM_COMPACT, 0, &summary->value);
	if (result == 0)
		author_text_append_plain(buffer_slice(&summary->value), VALUE_MAX_BYTES, summary->out);
	return result;
}

/* a: 1 -> 2, +b: 3, -c: 4 */
static int append_operation(void *context, const char *op, struct slice path, struct slice before, struct slice after)
{
	struct summary *summary = context;
	enum screen_role role = before.size == 0 ? SCREEN_ADDED : after.size == 0 ? SCREEN_REMOVED : SCREEN_PLACE;
	(void)op;
	if (summary->is_wanted && !summary->is_wanted(path))
		return 0;
	if (summary->operations++ >= OPERATIONS_SHOWN)
		return 0;
	buffer_append_text(summary->out, summary->operations > 1 ? ", " : "");
	buffer_append_text(summary->out, screen_color(role));
	buffer_append_text(summary->out, before.size == 0 ? "+" : after.size == 0 ? "-" : "");
	author_text_append_plain(path, VALUE_MAX_BYTES, summary->out);
	buffer_append_text(summary->out, screen_color(SCREEN_PLAIN));
	buffer_append_text(summary->out, ": ");
	int result = before.size > 0 ? append_value(summary, before) : 0;
	if (result == 0 && before.size > 0 && after.size > 0)
		buffer_append_text(summary->out, " -> ");
	return result == 0 && after.size > 0 ? append_value(summary, after) : result;
}

int change_line_append_summary(
	struct slice before, struct slice after, bool (*is_wanted)(struct slice path), struct buffer *out)
{
	struct summary summary = { .out = out, .is_wanted = is_wanted };
	int result = patch_walk(before, after, append_operation, &summary);
	if (summary.operations > OPERATIONS_SHOWN)
		buffer_append_format(out, ", and %zu more", summary.operations - OPERATIONS_SHOWN);
	buffer_free(&summary.value);
	return result;
}

static void append_size(const struct table *table, struct slice item, struct buffer *out)
{
	const struct key_schema *schema = &table->schema;
	struct item_order order = { .partition = slice_of_text(schema->partition.name) };
	char text[32];
	if (schema->has_sort)
		order.sort = slice_of_text(schema->sort.name);
	output_size(item_json_size(item, ITEM_PLAIN, &order), text, sizeof(text));
	buffer_append_format(out, "%s(%s)%s", screen_color(SCREEN_DIM), text, screen_color(SCREEN_PLAIN));
}

static int append_what(const struct table *table, const struct change *change, struct buffer *out)
{
	bool is_modified = change->entry.op == CHANGE_MODIFY;
	struct slice item = change->entry.op == CHANGE_REMOVE ? change->before : change->after;
	int result = 0;
	if (item.size == 0 || (is_modified && change->before.size == 0)) {
		buffer_append_text(out, "(damaged)");
		return 0;
	}
	if (is_modified) {
		result = change_line_append_summary(change->before, change->after, NULL, out);
		buffer_append_byte(out, ' ');
	}
	append_size(table, item, out);
	return result;
}

int change_line_append(const struct table *table, const struct change *change, bool has_path, struct buffer *out)
{
	const struct log_entry *entry = &change->entry;
	change_line_append_time(entry->time_us, out);
	change_line_append_seq(entry->seq, out);
	buffer_append_format(out, "  %s%s%s  ", screen_color(role_of(entry->op)), change_choice_op_name(entry->op),
		screen_color(SCREEN_PLAIN));
	int result = has_path ? change_line_append_path(table, change->encoded_key, out) : 0;
	buffer_append_text(out, has_path ? "  " : "");
	if (result == 0)
		result = append_what(table, change, out);
	buffer_append_text(out, "  ");
	author_text_append(change->author, out);
	buffer_append_byte(out, '\n');
	return result;
}

int change_line_append_patch(const struct table *table, const struct change *change, struct buffer *out)
{
	bool is_colored = screen_color(SCREEN_ADDED)[0] != '\0';
	return item_diff_append(table, change->before, change->after, ITEM_PLAIN, is_colored, out);
}
