#include "tools/undo_report.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "author.h"
#include "instant.h"
#include "item_json.h"
#include "json.h"
#include "tools/author_text.h"
#include "tools/item_path.h"
#include "tools/output.h"

/* As many of each are listed unless all are wanted. */
#define ITEMS_LISTED 40
#define CONFLICTS_LISTED 40
/* More of an item is shown only when all is wanted, or as JSON. */
#define ITEM_SHOWN_BYTES 400

static const char *const json_actions[] = { "nothing", "bringBack", "revert", "remove", "conflict" };
static const char *const actions[] = { "as it was  ", "comes back ", "returns    ", "goes       ", "conflict   " };

static int append_item(const struct undo_report *report, struct buffer *out, struct slice item, const char *absent)
{
	const struct key_schema *schema = &report->table->schema;
	struct item_order order = { slice_of_text(schema->partition.name), slice_of(NULL, 0) };
	if (schema->has_sort)
		order.sort = slice_of_text(schema->sort.name);
	if (item.size > 0)
		return item_to_json(item, ITEM_PLAIN, ITEM_COMPACT, &order, out);
	buffer_append_text(out, absent);
	return 0;
}

/* --- For people ----------------------------------------------------------------------------------------------------- */

static int append_author(const struct undo_report *report, struct buffer *out, uint64_t number)
{
	struct slice text = { 0 };
	int result = author_text(report->txn, number, &text);
	if (result == 0 || result == -ENOENT)
		author_text_append(text, out);
	return result == -ENOENT ? 0 : result;
}

static int append_shown(const struct undo_report *report, struct buffer *out, const char *title, struct slice item)
{
	buffer_append_text(out, title);
	size_t start = out->size, end = start + ITEM_SHOWN_BYTES;
	int result = append_item(report, out, item, "(not there)");
	if (result < 0 || report->is_verbose || out->size <= end)
		return result;
	size_t size = out->size - start;
	while (end > start && (out->data[end] & 0xC0) == 0x80)
		end--;
	out->size = end;
	buffer_append_format(out, "... (%zu bytes; -v shows all)", size);
	return 0;
}

static int append_conflict(const struct undo_report *report, struct buffer *out, const struct undo_item *item)
{
	char time[INSTANT_TEXT_MAX];
	int result = 0;
	if (item->later_us != 0) {
		instant_format(item->later_us, time, sizeof(time));
		buffer_append_format(out, "    changed again %s by ", time);
		result = append_author(report, out, item->later_author);
	}
	if (result == 0)
		result = append_shown(report, out, "\n    before  ", item->before);
	if (result == 0)
		result = append_shown(report, out, "\n    left    ", item->after);
	if (result == 0)
		result = append_shown(report, out, "\n    now     ", item->now);
	if (result == 0 && item->was_conflict)
		result = append_shown(report, out, "\n    will be ", item->result);
	return result;
}

/* Is it one of those that are listed? */
static bool is_listed(struct undo_report *report, const struct undo_item *item)
{
	bool is_conflict = item->action == UNDO_CONFLICT;
	if (report->is_verbose)
		return true;
	if (item->action == UNDO_NOTHING || (!is_conflict && !report->is_plan))
		return false;
	bool is_too_many = is_conflict ? report->conflicts++ >= CONFLICTS_LISTED : report->items++ >= ITEMS_LISTED;
	report->hidden += is_too_many;
	return !is_too_many;
}

static int append_for_people(struct undo_report *report, struct buffer *out, const struct undo_item *item)
{
	bool was_conflict = item->was_conflict && item->action != UNDO_NOTHING;
	if (!is_listed(report, item))
		return 0;
	buffer_append_text(out, actions[item->action]);
	int result = item_path_of_key(item->encoded_key, out);
	if (result == 0 && (item->action == UNDO_CONFLICT || (was_conflict && report->is_verbose))) {
		buffer_append_byte(out, '\n');
		result = append_conflict(report, out, item);
	}
	buffer_append_byte(out, '\n');
	return result;
}

/* --- As JSON -------------------------------------------------------------------------------------------------------- */

static void append_time(struct buffer *out, const char *name, int64_t time_us)
{
	char text[INSTANT_TEXT_MAX];
	instant_format_z(time_us, text, sizeof(text));
	buffer_append_format(out, ",\"%s\":\"%s\"", name, text);
}

static int append_state(const struct undo_report *report, struct buffer *out, const char *name, struct slice item)
{
	buffer_append_format(out, ",\"%s\":", name);
	return append_item(report, out, item, "null");
}

static int append_json_author(const struct undo_report *report, struct buffer *out, const char *name, uint64_t number)
{
	struct slice text;
	int result = author_text(report->txn, number, &text);
	buffer_append_format(out, ",\"%s\":", name);
	if (result == 0)
		buffer_append_slice(out, text);
	else
		buffer_append_text(out, "null");
	return result == -ENOENT ? 0 : result;
}

static int append_json(struct undo_report *report, struct buffer *out, const struct undo_item *item)
{
	struct buffer path = BUFFER_INIT;
	int result = item_path_of_key(item->encoded_key, &path);
	buffer_append_text(out, "{\"item\":");
	json_append_string(out, buffer_slice(&path));
	buffer_free(&path);
	buffer_append_format(out,
		",\"action\":\"%s\",\"wasConflict\":%s,\"firstChange\":%" PRIu64 ",\"lastChange\":%" PRIu64,
		json_actions[item->action], item->was_conflict ? "true" : "false", item->first_seq, item->last_seq);
	append_time(out, "first", item->first_us);
	append_time(out, "last", item->last_us);
	if (result == 0)
		result = append_json_author(report, out, "author", item->author);
	if (result == 0 && item->later_us != 0) {
		append_time(out, "later", item->later_us);
		result = append_json_author(report, out, "laterAuthor", item->later_author);
	}
	if (result == 0)
		result = append_state(report, out, "before", item->before);
	if (result == 0)
		result = append_state(report, out, "after", item->after);
	if (result == 0)
		result = append_state(report, out, "now", item->now);
	if (result == 0)
		result = append_state(report, out, "result", item->result);
	buffer_append_text(out, "}\n");
	return result;
}

/* --- Both ----------------------------------------------------------------------------------------------------------- */

static int tell(struct undo_report *report)
{
	int result = buffer_error(&report->line);
	if (result < 0)
		return result;
	if (!report->spool)
		output(buffer_slice(&report->line));
	else
		result = spool_write(report->spool, spool_size(report->spool), report->line.data, report->line.size);
	buffer_clear(&report->line);
	return result;
}

int undo_report_item(void *context, const struct undo_item *item)
{
	struct undo_report *report = context;
	int result = report->is_json ? append_json(report, &report->line, item)
				     : append_for_people(report, &report->line, item);
	progress_show(&report->progress, "undo: change %" PRIu64, item->first_seq);
	return result < 0 ? result : tell(report);
}

static int print_spool(struct undo_report *report)
{
	uint8_t bytes[16384];
	uint64_t offset = 0;
	ssize_t size = 0;
	while (report->spool && (size = spool_read(report->spool, offset, bytes, sizeof(bytes))) > 0) {
		output(slice_of(bytes, (size_t)size));
		offset += (uint64_t)size;
	}
	return size < 0 ? (int)size : 0;
}

static void append_count(struct buffer *out, uint64_t count, const char *one, const char *many)
{
	if (count > 0)
		buffer_append_format(out, "  %" PRIu64 " %s\n", count, count == 1 ? one : many);
}

static void sum_for_people(struct undo_report *report, const struct undo_counts *counts, struct buffer *out)
{
	if (report->hidden > 0)
		buffer_append_format(out, "... and %" PRIu64 " more; -v lists them all\n", report->hidden);
	buffer_append_format(out, "%s, %s to %s: %" PRIu64 " %s chosen%s%s%s\n", report->table->name, report->from,
		report->to, counts->changes, counts->changes == 1 ? "change" : "changes",
		report->is_plan ? "; nothing was done yet" : "; undone", !report->is_plan && report->into ? " in " : "",
		!report->is_plan && report->into ? report->into : "");
	append_count(out, counts->brought_back, "item comes back", "items come back");
	append_count(out, counts->reverted, "item returns to what it was", "items return to what they were");
	append_count(out, counts->removed, "item goes", "items go");
	append_count(out, counts->decided, "of them was a conflict", "of them were conflicts");
	append_count(out, counts->unchanged, "item is as it was already", "items are as they were already");
	append_count(out, counts->conflicts, "conflict is left alone", "conflicts are left alone");
}

static void sum_as_json(const struct undo_report *report, const struct undo_counts *counts, struct buffer *out)
{
	buffer_append_text(out, "{\"table\":");
	json_append_string(out, slice_of_text(report->table->name));
	if (report->into) {
		buffer_append_text(out, ",\"into\":");
		json_append_string(out, slice_of_text(report->into));
	}
	buffer_append_format(out,
		",\"from\":\"%s\",\"to\":\"%s\",\"dryRun\":%s,\"changes\":%" PRIu64 ",\"broughtBack\":%" PRIu64
		",\"reverted\":%" PRIu64 ",\"removed\":%" PRIu64 ",\"decided\":%" PRIu64 ",\"unchanged\":%" PRIu64
		",\"conflicts\":%" PRIu64 "}\n",
		report->from, report->to, report->is_plan ? "true" : "false", counts->changes, counts->brought_back,
		counts->reverted, counts->removed, counts->decided, counts->unchanged, counts->conflicts);
}

int undo_report_end(struct undo_report *report, const struct undo_counts *counts)
{
	progress_end(&report->progress);
	int result = print_spool(report);
	if (result < 0)
		return result;
	if (report->is_json)
		sum_as_json(report, counts, &report->line);
	else
		sum_for_people(report, counts, &report->line);
	spool_free(report->spool);
	report->spool = NULL;
	return tell(report);
}

void undo_report_free(struct undo_report *report)
{
	spool_free(report->spool);
	buffer_free(&report->line);
}
