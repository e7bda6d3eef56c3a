#include "tools/diff_report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "author.h"
#include "change.h"
#include "item_json.h"
#include "json.h"
#include "patch.h"
#include "tools/author_text.h"
#include "tools/item_diff.h"
#include "tools/item_path.h"
#include "tools/output.h"
#include "tools/recovery.h"
#include "tools/screen.h"

static const char *const kinds[] = {
	[DIFFERENCE_ADDED] = "added", [DIFFERENCE_REMOVED] = "removed", [DIFFERENCE_CHANGED] = "changed"
};

static enum screen_role role_of(enum difference_kind kind)
{
	return kind == DIFFERENCE_ADDED ? SCREEN_ADDED : kind == DIFFERENCE_REMOVED ? SCREEN_REMOVED : SCREEN_CHANGED;
}

static int read_author(const struct diff_report *report, uint64_t number, struct slice *ret_text)
{
	int result = author_text(report->txn, number, ret_text);
	if (result == -ENOENT)
		*ret_text = (struct slice){ 0 };
	return result == -ENOENT ? 0 : result;
}

/* --- For people ----------------------------------------------------------------------------------------------------- */

static int append_head(struct diff_report *report, const struct difference *difference)
{
	struct buffer *out = &report->text;
	char time[INSTANT_TEXT_MAX];
	struct slice author;
	int result = read_author(report, difference->last.author, &author);
	instant_format_z(difference->last.time_us, time, sizeof(time));
	buffer_append_text(out, screen_color(SCREEN_CHANGE));
	buffer_append_format(out, "%s ", kinds[difference->kind]);
	if (result == 0)
		result = item_path_of_key(difference->encoded_key, out);
	buffer_append_format(
		out, "%s\nlast change %" PRIu64 " at %s by ", screen_color(SCREEN_PLAIN), difference->last.seq, time);
	if (result == 0)
		author_text_append(author, out);
	buffer_append_byte(out, '\n');
	return result;
}

static int append_file(struct diff_report *report, const char *sign, const char *directory, bool is_there,
	const struct difference *difference)
{
	struct buffer *out = &report->text;
	int result = 0;
	buffer_append_format(out, "%s%s ", screen_color(SCREEN_HEADER), sign);
	if (is_there) {
		buffer_append_format(out, "%s/", directory);
		result = item_path_of_key(difference->encoded_key, out);
	} else {
		buffer_append_text(out, "/dev/null");
	}
	buffer_append_format(out, "%s\n", screen_color(SCREEN_PLAIN));
	return result;
}

static int append_patch(struct diff_report *report, const struct difference *difference)
{
	bool is_first = report->added + report->removed + report->changed == 0;
	buffer_append_text(&report->text, is_first ? "" : "\n");
	int result = append_head(report, difference);
	if (result == 0)
		result = append_file(report, "---", report->from, difference->kind != DIFFERENCE_ADDED, difference);
	if (result == 0)
		result = append_file(report, "+++", report->to, difference->kind != DIFFERENCE_REMOVED, difference);
	return result < 0 ? result
			  : item_diff_append(report->table, difference->before, difference->after, ITEM_PLAIN,
				    /* is_colored= */ true, &report->text);
}

static void append_lines(struct buffer *out, enum screen_role role, char sign, uint64_t lines)
{
	char text[24];
	snprintf(text, sizeof(text), "%c%" PRIu64, sign, lines);
	buffer_append_format(out, " %s%6s%s", screen_color(role), text, screen_color(SCREEN_PLAIN));
}

static int append_stat(struct diff_report *report, const struct difference *difference)
{
	struct buffer *out = &report->text;
	uint64_t added, removed;
	int result =
		item_diff_count(report->table, difference->before, difference->after, ITEM_PLAIN, &added, &removed);
	if (result < 0)
		return result;
	buffer_append_format(out, "%s%-7s%s", screen_color(role_of(difference->kind)), kinds[difference->kind],
		screen_color(SCREEN_PLAIN));
	append_lines(out, SCREEN_ADDED, '+', added);
	append_lines(out, SCREEN_REMOVED, '-', removed);
	buffer_append_text(out, "  ");
	result = item_path_of_key(difference->encoded_key, out);
	if (difference->changes > 1)
		buffer_append_format(out, "  (%" PRIu64 " changes)", difference->changes);
	buffer_append_byte(out, '\n');
	if (result < 0)
		return result;
	report->changes += difference->changes;
	report->lines_added += added;
	report->lines_removed += removed;
	return 0;
}

/* --- As JSON -------------------------------------------------------------------------------------------------------- */

static int append_item(const struct diff_report *report, const char *name, struct slice item, struct buffer *out)
{
	const struct key_schema *schema = &report->table->schema;
	struct item_order order = { .partition = slice_of_text(schema->partition.name) };
	if (schema->has_sort)
		order.sort = slice_of_text(schema->sort.name);
	buffer_append_format(out, ",\"%s\":", name);
	if (item.size > 0)
		return item_to_json(item, ITEM_PLAIN, ITEM_COMPACT, &order, out);
	buffer_append_text(out, "null");
	return 0;
}

static int append_key(const struct diff_report *report, struct slice encoded_key, struct buffer *out)
{
	struct buffer storage = BUFFER_INIT, item = BUFFER_INIT, path = BUFFER_INIT;
	struct key key;
	int result = key_decode(encoded_key, &storage, &key);
	if (result == 0)
		result = item_path_of_key(encoded_key, &path);
	if (result == 0)
		result = key_append_item(&key, &report->table->schema, &item);
	buffer_append_text(out, ",\"name\":");
	if (result == 0)
		json_append_string(out, buffer_slice(&path));
	if (result == 0)
		result = append_item(report, "key", buffer_slice(&item), out);
	buffer_free(&storage);
	buffer_free(&item);
	buffer_free(&path);
	return result;
}

static int append_last(const struct diff_report *report, const struct log_entry *last, struct buffer *out)
{
	struct slice author;
	int result = read_author(report, last->author, &author);
	buffer_append_format(out, ",\"last\":{\"seq\":%" PRIu64 ",\"op\":\"%s\"", last->seq, change_op_name(last->op));
	recovery_append_time(out, "time", last->time_us);
	buffer_append_text(out, ",\"author\":");
	if (result == 0 && author.size > 0)
		buffer_append_slice(out, author);
	else
		buffer_append_text(out, "null");
	buffer_append_byte(out, '}');
	return result;
}

static int append_json(struct diff_report *report, const struct difference *difference)
{
	struct buffer *out = &report->text;
	buffer_append_format(out, "{\"kind\":\"%s\"", kinds[difference->kind]);
	int result = append_key(report, difference->encoded_key, out);
	if (result == 0)
		result = append_item(report, "before", difference->before, out);
	if (result == 0)
		result = append_item(report, "after", difference->after, out);
	buffer_append_text(out, ",\"patch\":");
	if (result == 0 && difference->kind == DIFFERENCE_CHANGED)
		result = patch_to_json(difference->before, difference->after, false, 0, out);
	else
		buffer_append_text(out, "null");
	if (result == 0)
		result = append_last(report, &difference->last, out);
	buffer_append_text(out, "}\n");
	return result;
}

/* --- Either --------------------------------------------------------------------------------------------------------- */

int diff_report_item(struct diff_report *report, const struct difference *difference)
{
	int result;
	buffer_clear(&report->text);
	if (report->kind == DIFF_JSON) {
		result = append_json(report, difference);
	} else if (report->kind == DIFF_STAT) {
		result = append_stat(report, difference);
	} else if (report->kind == DIFF_NAMES) {
		result = item_path_of_key(difference->encoded_key, &report->text);
		buffer_append_byte(&report->text, '\n');
	} else {
		result = append_patch(report, difference);
	}
	if (result == 0)
		result = buffer_error(&report->text);
	if (result < 0)
		return result;
	report->added += difference->kind == DIFFERENCE_ADDED;
	report->removed += difference->kind == DIFFERENCE_REMOVED;
	report->changed += difference->kind == DIFFERENCE_CHANGED;
	output(buffer_slice(&report->text));
	return 0;
}

int diff_report_end(struct diff_report *report)
{
	uint64_t items = report->added + report->removed + report->changed;
	if (report->kind != DIFF_STAT || items == 0)
		return 0;
	buffer_clear(&report->text);
	buffer_append_format(&report->text,
		"%" PRIu64 " %s: %" PRIu64 " added, %" PRIu64 " removed, %" PRIu64 " changed; lines +%" PRIu64
		" -%" PRIu64 "; by %" PRIu64 " %s\n",
		items, items == 1 ? "item" : "items", report->added, report->removed, report->changed,
		report->lines_added, report->lines_removed, report->changes,
		report->changes == 1 ? "change" : "changes");
	output(buffer_slice(&report->text));
	return buffer_error(&report->text);
}

void diff_report_free(struct diff_report *report)
{
	buffer_free(&report->text);
}
