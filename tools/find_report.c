#include "tools/find_report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "author.h"
#include "author_label.h"
#include "instant.h"
#include "json.h"
#include "log.h"
#include "tools/chart_axis.h"
#include "tools/find_command.h"
#include "tools/output.h"
#include "tools/screen.h"

static bool is_of_item(const struct find_report *report)
{
	return report->item_name.size > 0;
}

struct found {
	const char *event; /* begins, ends, already */
	struct find_moment moment;
	struct log_entry entry;
	char instant[INSTANT_TEXT_MAX];
	struct buffer path;
};

static int describe(const struct find_report *report, const struct find_moment *moment, struct found *found)
{
	bool is_beginning = moment->seq == report->low;
	int64_t time_us = is_beginning ? report->low_us : moment->time_us;
	found->moment = *moment;
	found->event = !moment->holds ? "ends" : is_beginning ? "already" : "begins";
	int result = moment->seq ? log_get(report->txn, report->table->number, moment->seq, &found->entry) : -ENOENT;
	instant_format(time_us, found->instant, sizeof(found->instant));
	find_command_path(report->table->name, report->is_ended, time_us, &found->path);
	if (is_of_item(report) && moment->is_there)
		buffer_append_slice(&found->path, report->item_name);
	return result == -ENOENT ? 0 : result;
}

static int append_json(const struct find_report *report, const struct found *found, struct buffer *out)
{
	struct slice author = { 0 };
	int result = found->entry.author ? author_text(report->txn, found->entry.author, &author) : -ENOENT;
	buffer_append_format(out, "{\"event\":\"%s\",\"instant\":\"%sZ\",\"seq\":%" PRIu64, found->event,
		found->instant, found->moment.seq);
	if (report->is_counting)
		buffer_append_format(out, ",\"count\":%" PRIu64, found->moment.number);
	if (is_of_item(report))
		buffer_append_format(out, ",\"exists\":%s", found->moment.is_there ? "true" : "false");
	if (result == 0)
		buffer_append_format(out, ",\"author\":%.*s", (int)author.size, (const char *)author.data);
	buffer_append_text(out, ",\"path\":");
	json_append_string(out, buffer_slice(&found->path));
	buffer_append_text(out, "}\n");
	return result == -ENOENT ? 0 : result;
}

static int append_text(const struct find_report *report, const struct found *found, struct buffer *out)
{
	char label[AUTHOR_LABEL_MAX], count[32], number[48];
	int result = author_label_of(report->txn, found->entry.author, label);
	axis_count(found->moment.number, number);
	axis_count(found->moment.seq, count);
	if (report->is_list)
		buffer_append_format(out, "%s%-8s%s", screen_color(found->moment.holds ? SCREEN_ADDED : SCREEN_REMOVED),
			found->event, screen_color(SCREEN_PLAIN));
	buffer_append_format(out, "%s%-26s%s  change %s", screen_color(SCREEN_CHANGE), found->instant,
		screen_color(SCREEN_PLAIN), count);
	if (found->entry.op)
		buffer_append_format(out, ", by %s", label);
	if (report->is_counting && !is_of_item(report))
		buffer_append_format(out, ", %s item%s", number, found->moment.number == 1 ? "" : "s");
	if (is_of_item(report) && !found->moment.is_there)
		buffer_append_text(out, ", the item is not there");
	buffer_append_text(out, "  ");
	buffer_append_slice(out, buffer_slice(&found->path));
	buffer_append_byte(out, '\n');
	return result;
}

int find_report_moment(struct find_report *report, const struct find_moment *moment)
{
	struct found found = { 0 };
	struct buffer text = BUFFER_INIT;
	int result = describe(report, moment, &found);
	if (result == 0)
		result = (report->is_json ? append_json : append_text)(report, &found, &text);
	if (result == 0)
		result = buffer_error(&text);
	if (result == 0) {
		output(buffer_slice(&text));
		report->found++;
	}
	buffer_free(&found.path);
	buffer_free(&text);
	return result;
}
