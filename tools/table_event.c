#include "tools/table_event.h"

#include <stdio.h>

#include "instant.h"
#include "item_map.h"
#include "tools/author_text.h"
#include "tools/change_line.h"
#include "tools/screen.h"

#define SEQ_WIDTH 9

static bool is_restoring(struct slice description)
{
	struct slice restore;
	return item_map(description, "Restore", &restore) && item_flag(restore, "InProgress");
}

/* restored from orders as of 2025-03-01T12:30:00 */
static void append_beginning(struct slice description, struct buffer *out)
{
	struct slice restore;
	char source[256] = "", time[INSTANT_TEXT_MAX];
	if (!item_map(description, "Restore", &restore)) {
		buffer_append_text(out, " made");
		return;
	}
	int64_t instant_us = item_number(restore, "InstantUs");
	buffer_append_text(out, is_restoring(description) ? " begun to be restored" : " restored");
	if (item_text(restore, "SourceTable", source, sizeof(source)))
		buffer_append_format(out, " from %s", source);
	if (instant_us != 0) {
		instant_format(instant_us, time, sizeof(time));
		buffer_append_format(out, " as of %s", time);
	}
}

/* Times and numbers that are kept beside the settings are nobody's choice. */
static bool is_setting(struct slice path)
{
	return !slice_ends_with(path, "Us") && !slice_equal(path, slice_of_text("KeysFrom"));
}

static int append_settings(const struct change *change, struct buffer *out)
{
	if (is_restoring(change->before) && !is_restoring(change->after)) {
		buffer_append_text(out, " restored whole");
		return 0;
	}
	buffer_append_text(out, " changed");
	size_t before = out->size;
	buffer_append_text(out, ": ");
	size_t empty = out->size;
	int result = change_line_append_summary(change->before, change->after, is_setting, out);
	if (out->size == empty)
		out->size = before;
	return result;
}

int table_event_append(const struct change *change, struct buffer *out)
{
	enum change_op op = change->entry.op;
	struct slice description = op == CHANGE_REMOVE ? change->before : change->after;
	char name[256] = "?";
	int result = 0;
	item_text(description, "TableName", name, sizeof(name));
	change_line_append_time(change->entry.time_us, out);
	buffer_append_format(out, "  %*s  %stable%s  %s", SEQ_WIDTH, "", screen_color(SCREEN_HEADER),
		screen_color(SCREEN_PLAIN), name);
	if (op == CHANGE_INSERT)
		append_beginning(description, out);
	else if (op == CHANGE_MODIFY)
		result = append_settings(change, out);
	else
		buffer_append_text(out, " dropped");
	buffer_append_text(out, "  ");
	author_text_append(change->author, out);
	buffer_append_byte(out, '\n');
	return result;
}
