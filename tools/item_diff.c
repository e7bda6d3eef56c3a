#include "tools/item_diff.h"

#include "tools/line_diff.h"
#include "tools/screen.h"

#define CONTEXT_LINES 3

static int render(const struct table *table, struct slice item, enum item_form form, struct buffer *out)
{
	struct item_order order = { .partition = slice_of_text(table->schema.partition.name) };
	if (table->schema.has_sort)
		order.sort = slice_of_text(table->schema.sort.name);
	return item.size ? item_to_json(item, form, ITEM_PRETTY, &order, out) : 0;
}

/* Both as text, compared. */
struct texts {
	struct buffer before, after;
	struct line_diff diff;
};

static int texts_begin(
	struct texts *texts, const struct table *table, struct slice before, struct slice after, enum item_form form)
{
	*texts = (struct texts){ 0 };
	int r = render(table, before, form, &texts->before);
	if (!r)
		r = render(table, after, form, &texts->after);
	return r ? r : line_diff_begin(&texts->diff, buffer_slice(&texts->before), buffer_slice(&texts->after));
}

static void texts_end(struct texts *texts)
{
	line_diff_end(&texts->diff);
	buffer_free(&texts->before);
	buffer_free(&texts->after);
}

/* --- hunks --- */

struct place {
	size_t before, after; /* lines */
};

static bool is_at_difference(const struct line_diff *diff, struct place at)
{
	return (at.before < diff->before.count && diff->before.is_different[at.before]) ||
	       (at.after < diff->after.count && diff->after.is_different[at.after]);
}

static bool is_at_end(const struct line_diff *diff, struct place at)
{
	return at.before >= diff->before.count && at.after >= diff->after.count;
}

static struct place beyond_difference(const struct line_diff *diff, struct place at)
{
	while (at.before < diff->before.count && diff->before.is_different[at.before])
		at.before++;
	while (at.after < diff->after.count && diff->after.is_different[at.after])
		at.after++;
	return at;
}

/* Where the hunk ends that begins before this difference: after as many equal lines as are context, unless another difference is nearer
 * than two contexts. */
static struct place end_of_hunk(const struct line_diff *diff, struct place at)
{
	for (;;) {
		struct place end = beyond_difference(diff, at), next = end;
		unsigned equal = 0;
		while (equal <= 2 * CONTEXT_LINES && !is_at_end(diff, next) && !is_at_difference(diff, next)) {
			next.before++;
			next.after++;
			equal++;
		}
		if (equal > 2 * CONTEXT_LINES || is_at_end(diff, next)) {
			unsigned context = equal < CONTEXT_LINES ? equal : CONTEXT_LINES;
			return (struct place){ end.before + context, end.after + context };
		}
		at = next;
	}
}

struct printer {
	const struct line_diff *diff;
	bool is_colored;
	struct buffer *out;
};

static void append_line(const struct printer *printer, enum screen_role role, char sign, struct slice line)
{
	bool is_colored = printer->is_colored && role != SCREEN_PLAIN;
	buffer_append_text(printer->out, is_colored ? screen_color(role) : "");
	buffer_append_byte(printer->out, (uint8_t)sign);
	buffer_append_slice(printer->out, line);
	buffer_append_text(printer->out, is_colored ? screen_color(SCREEN_PLAIN) : "");
	buffer_append_byte(printer->out, '\n');
}

static void append_range(struct buffer *out, char sign, size_t from, size_t count)
{
	buffer_append_format(out, "%c%zu", sign, count ? from + 1 : from);
	if (count != 1)
		buffer_append_format(out, ",%zu", count);
}

static void append_hunk(const struct printer *printer, struct place at, struct place end)
{
	const struct line_diff *diff = printer->diff;
	struct buffer *out = printer->out;
	buffer_append_text(out, printer->is_colored ? screen_color(SCREEN_PLACE) : "");
	buffer_append_text(out, "@@ ");
	append_range(out, '-', at.before, end.before - at.before);
	buffer_append_text(out, " ");
	append_range(out, '+', at.after, end.after - at.after);
	buffer_append_text(out, " @@");
	buffer_append_text(out, printer->is_colored ? screen_color(SCREEN_PLAIN) : "");
	buffer_append_byte(out, '\n');
	while (at.before < end.before || at.after < end.after) {
		if (at.before < end.before && diff->before.is_different[at.before]) {
			append_line(printer, SCREEN_REMOVED, '-', diff->before.lines[at.before++]);
		} else if (at.after < end.after && diff->after.is_different[at.after]) {
			append_line(printer, SCREEN_ADDED, '+', diff->after.lines[at.after++]);
		} else {
			append_line(printer, SCREEN_PLAIN, ' ', diff->before.lines[at.before++]);
			at.after++;
		}
	}
}

static void append_hunks(const struct printer *printer)
{
	struct place at = { 0 };
	while (!is_at_end(printer->diff, at)) {
		if (!is_at_difference(printer->diff, at)) {
			at.before++;
			at.after++;
			continue;
		}
		size_t context = at.before < CONTEXT_LINES ? at.before : CONTEXT_LINES;
		if (context > at.after)
			context = at.after;
		struct place begin = { at.before - context, at.after - context };
		struct place end = end_of_hunk(printer->diff, at);
		append_hunk(printer, begin, end);
		at = end;
	}
}

int item_diff_append(const struct table *table, struct slice before, struct slice after, enum item_form form,
	bool is_colored, struct buffer *out)
{
	struct texts texts;
	int r = texts_begin(&texts, table, before, after, form);
	if (!r) {
		struct printer printer = { &texts.diff, is_colored, out };
		append_hunks(&printer);
		r = buffer_error(out);
	}
	texts_end(&texts);
	return r;
}

static uint64_t count_different(const struct lines *lines)
{
	uint64_t count = 0;
	for (size_t i = 0; i < lines->count; i++)
		count += lines->is_different[i];
	return count;
}

int item_diff_count(const struct table *table, struct slice before, struct slice after, enum item_form form,
	uint64_t *ret_added, uint64_t *ret_removed)
{
	struct texts texts;
	int r = texts_begin(&texts, table, before, after, form);
	if (!r) {
		*ret_removed = count_different(&texts.diff.before);
		*ret_added = count_different(&texts.diff.after);
	}
	texts_end(&texts);
	return r;
}
