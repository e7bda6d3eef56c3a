#include "tools/chart.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "instant.h"
#include "tools/chart_axis.h"

#define GUTTER 10 /* columns at the left, the axis in the last of them */
#define ROWS 3    /* of a panel */
#define LEVELS 8  /* of a block character */
#define COLUMNS_LEAST 40
#define COLUMNS_MOST 1000
#define TICK_COLUMNS 11

const struct chart_kind chart_kinds[CHART_KINDS] = {
	{ CHANGE_INSERT, '+', "inserts", SCREEN_ADDED, "#009e73" },
	{ CHANGE_MODIFY, '~', "changes", SCREEN_CHANGED, "#2f7fc1" },
	{ CHANGE_REMOVE, '-', "deletes", SCREEN_REMOVED, "#d55e00" },
};

/* --- What both pictures show ---------------------------------------------------------------------------------------- */

uint64_t chart_value(const struct timeline_bin *bin, enum change_op op)
{
	return op == CHANGE_INSERT ? bin->inserts : op == CHANGE_MODIFY ? bin->modifications : bin->removals;
}

uint64_t chart_sum(const struct chart *chart, enum change_op op)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < chart->count; i++)
		sum += chart_value(&chart->bins[i], op);
	return sum;
}

size_t chart_busiest(const struct chart *chart, enum change_op op)
{
	size_t busiest = chart->count;
	uint64_t most = 0;
	for (size_t i = 0; i < chart->count; i++)
		if (chart_value(&chart->bins[i], op) > most) {
			busiest = i;
			most = chart_value(&chart->bins[i], op);
		}
	return busiest;
}

size_t chart_bin(const struct chart *chart, int64_t time_us)
{
	size_t bin = time_us > chart->begin_us ? (size_t)((time_us - chart->begin_us) / chart->bin_us) : 0;
	return bin < chart->count ? bin : chart->count - 1;
}

static const struct chart_kind *kind_of(enum change_op op)
{
	return &chart_kinds[op - CHANGE_INSERT];
}

/* To the second. */
static void append_time(int64_t time_us, struct buffer *out)
{
	char text[INSTANT_TEXT_MAX];
	instant_format(time_us - time_us % SECOND_US, text, sizeof(text));
	buffer_append_text(out, text);
}

void chart_append_title(const struct chart *chart, struct buffer *out)
{
	char length[32];
	axis_duration(chart->bin_us, length);
	buffer_append_format(out, "%s, ", chart->table);
	append_time(chart->from_us, out);
	buffer_append_text(out, " to ");
	append_time(chart->to_us, out);
	buffer_append_format(out, " UTC, %s a bar", length);
}

void chart_append_spike(const struct timeline_spike *spike, struct buffer *out)
{
	char count[32], text[32];
	const char *name = kind_of(spike->op)->name;
	append_time(spike->from_us, out);
	axis_count(spike->count, count);
	buffer_append_format(out, "  %s %s", count, name);
	if (spike->to_us - spike->from_us >= SECOND_US / 2) {
		axis_duration(spike->to_us - spike->from_us, text);
		buffer_append_format(out, " in %s", text);
	} else {
		buffer_append_text(out, " at once");
	}
	for (size_t i = 0; i < SPIKE_AUTHORS && spike->by[i].label[0] != '\0'; i++) {
		buffer_append_format(out, "%s%s", i == 0 ? ", by " : ", ", spike->by[i].label);
		if (spike->by[i].count != spike->count) {
			axis_count(spike->by[i].count, text);
			buffer_append_format(out, " %s", text);
		}
	}
}

static void short_time(const struct chart *chart, int64_t time_us, char text[32])
{
	char instant[INSTANT_TEXT_MAX];
	bool is_one_day = chart->begin_us / DAY_US == chart->to_us / DAY_US;
	instant_format(time_us, instant, sizeof(instant));
	instant[chart->bin_us % DAY_US == 0 ? 10 : chart->bin_us % (60 * SECOND_US) == 0 ? 16 : 19] = '\0';
	snprintf(text, 32, "%.20s", is_one_day && strlen(instant) > 10 ? instant + 11 : instant);
}

void chart_bin_text(const struct chart *chart, size_t bin, char text[32])
{
	short_time(chart, chart->begin_us + chart->bin_us * (int64_t)bin, text);
}

const struct timeline_spike *chart_spike_in(const struct chart *chart, enum change_op op, size_t bin)
{
	for (size_t i = 0; i < chart->spike_count; i++)
		if (chart->spikes[i].op == op && chart_bin(chart, chart->spikes[i].from_us) <= bin &&
			chart_bin(chart, chart->spikes[i].to_us) >= bin)
			return &chart->spikes[i];
	return NULL;
}

void chart_mark_text(const struct chart *chart, enum change_op op, size_t bin, char text[80])
{
	const struct timeline_spike *spike = chart_spike_in(chart, op, bin);
	bool is_inside = spike && chart_bin(chart, spike->from_us) == chart_bin(chart, spike->to_us);
	char count[32], when[32];
	axis_count(is_inside ? spike->count : chart_value(&chart->bins[bin], op), count);
	chart_bin_text(chart, bin, when);
	if (is_inside)
		short_time(chart, spike->from_us, when);
	snprintf(text, 80, "%s at %s", count, when);
}

/* --- The terminal --------------------------------------------------------------------------------------------------- */

struct drawing {
	const struct chart *chart;
	struct buffer *out;
	size_t columns, width; /* of all bins; of one */
	bool is_utf8;
};

/* A row of single characters, each of which may be of several bytes. */
struct row {
	char cells[COLUMNS_MOST][4];
	size_t used;
};

static void put(struct row *row, size_t at, const char *glyph)
{
	if (at >= COLUMNS_MOST)
		return;
	for (; row->used <= at; row->used++)
		strcpy(row->cells[row->used], " ");
	snprintf(row->cells[at], sizeof(row->cells[at]), "%s", glyph);
}

static void put_text(struct row *row, size_t at, const char *text)
{
	for (; *text != '\0'; text++)
		put(row, at++, (const char[]){ *text, '\0' });
}

static void append_row(struct drawing *drawing, const struct row *row, enum screen_role role)
{
	buffer_append_text(drawing->out, screen_color(role));
	for (size_t i = 0; i < row->used; i++)
		buffer_append_text(drawing->out, row->cells[i]);
	buffer_append_text(drawing->out, screen_color(SCREEN_PLAIN));
	buffer_append_byte(drawing->out, '\n');
}

static void append_gutter(struct drawing *drawing, const char *text)
{
	buffer_append_format(drawing->out, "%*s%s", GUTTER - 1, text, drawing->is_utf8 ? "│" : "|");
}

/* The column in the middle of a bin. */
static size_t column_of(const struct drawing *drawing, size_t bin)
{
	return bin * drawing->width + (drawing->width - 1) / 2;
}

static const char *glyph_of(const struct drawing *drawing, char sign, uint64_t eighths)
{
	static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const signs[] = { "+", "~", "-", "=" };
	if (drawing->is_utf8 || eighths == 0)
		return blocks[eighths];
	for (size_t i = 0; i < 4; i++)
		if (signs[i][0] == sign && eighths > LEVELS / 2)
			return signs[i];
	return ".";
}

static void draw_bars(struct drawing *drawing, const uint64_t *values, uint64_t most, char sign, enum screen_role role)
{
	char label[32];
	for (unsigned row = ROWS; row-- > 0;) {
		struct row cells = { .used = 0 };
		for (size_t i = 0; i < drawing->chart->count; i++) {
			uint64_t level = (uint64_t)((double)values[i] / (double)most * (ROWS * LEVELS) + 0.5);
			level = values[i] > 0 && level == 0 ? 1 : level;
			uint64_t eighths = level > row * LEVELS ? level - row * LEVELS : 0;
			for (size_t k = 0; eighths > 0 && k < drawing->width; k++)
				put(&cells, i * drawing->width + k,
					glyph_of(drawing, sign, eighths < LEVELS ? eighths : LEVELS));
		}
		axis_short(row == 0 ? 0 : most, label);
		append_gutter(drawing, row == 0 || row == ROWS - 1 ? label : "");
		append_row(drawing, &cells, role);
	}
}

static bool is_free(const struct row *row, size_t at, size_t length)
{
	for (size_t i = at; i < at + length && i < row->used; i++)
		if (strcmp(row->cells[i], " ") != 0)
			return false;
	return true;
}

/* Beside the mark, where it hides no other if that can be. */
static void put_beside(const struct drawing *drawing, struct row *row, size_t at, const char *text)
{
	size_t length = strlen(text);
	bool has_left = at > length, has_right = at + 2 + length <= drawing->columns;
	bool is_left =
		has_left && (!has_right || !is_free(row, at + 2, length)) && is_free(row, at - length - 1, length);
	if (is_left || !has_right)
		put_text(row, has_left ? at - length - 1 : 0, text);
	else
		put_text(row, at + 2, text);
}

/* Above the bars: where there were most, and what stands out. */
static void draw_marks(struct drawing *drawing, const struct chart_kind *kind, size_t busiest)
{
	const struct chart *chart = drawing->chart;
	const struct timeline_spike *spike = chart_spike_in(chart, kind->op, busiest);
	const char *mark = drawing->is_utf8 ? "▼" : "v";
	char text[80], title[16];
	struct row row = { .used = 0 };
	size_t at = column_of(drawing, busiest);
	put(&row, at, mark);
	for (size_t i = 0; i < chart->spike_count; i++)
		if (chart->spikes[i].op == kind->op && &chart->spikes[i] != spike)
			put(&row, column_of(drawing, chart_bin(chart, chart->spikes[i].from_us)), mark);
	chart_mark_text(chart, kind->op, busiest, text);
	put_beside(drawing, &row, at, text);
	snprintf(title, sizeof(title), "%c %s", kind->sign, kind->name);
	buffer_append_format(
		drawing->out, "%s%-*s%s", screen_color(kind->role), GUTTER, title, screen_color(SCREEN_PLAIN));
	append_row(drawing, &row, spike ? SCREEN_MATCH : kind->role);
}

static void draw_kind(struct drawing *drawing, const struct chart_kind *kind)
{
	uint64_t values[COLUMNS_MOST];
	size_t busiest = chart_busiest(drawing->chart, kind->op);
	if (busiest == drawing->chart->count) {
		buffer_append_format(drawing->out, "%s%c %s%s  none\n", screen_color(kind->role), kind->sign,
			kind->name, screen_color(SCREEN_PLAIN));
		return;
	}
	for (size_t i = 0; i < drawing->chart->count; i++)
		values[i] = chart_value(&drawing->chart->bins[i], kind->op);
	draw_marks(drawing, kind, busiest);
	draw_bars(drawing, values, values[busiest], kind->sign, kind->role);
}

static void draw_items(struct drawing *drawing)
{
	const struct chart *chart = drawing->chart;
	uint64_t values[COLUMNS_MOST], most = 1;
	char before[32], after[32];
	for (size_t i = 0; i < chart->count; i++) {
		values[i] = chart->bins[i].items;
		most = values[i] > most ? values[i] : most;
	}
	axis_count(chart->items_before, before);
	axis_count(values[chart->count - 1], after);
	buffer_append_format(drawing->out, "%-*s%s before, %s after\n", GUTTER, "= items", before, after);
	draw_bars(drawing, values, most, '=', SCREEN_DIM);
}

static void draw_axis(struct drawing *drawing)
{
	const struct chart *chart = drawing->chart;
	struct tick ticks[TICKS_MAX];
	struct row line = { .used = 0 }, labels = { .used = 0 };
	int64_t end_us = chart->begin_us + chart->bin_us * (int64_t)chart->count;
	size_t count = axis_ticks(chart->begin_us, end_us, drawing->columns / TICK_COLUMNS + 1, ticks);
	for (size_t i = 0; i < drawing->columns; i++)
		put(&line, i, drawing->is_utf8 ? "─" : "-");
	for (size_t i = 0; i < count; i++) {
		size_t at = (size_t)((double)(ticks[i].time_us - chart->begin_us) / (double)chart->bin_us *
				     (double)drawing->width);
		size_t length = strlen(ticks[i].label), begin = at > length / 2 ? at - length / 2 : 0;
		put(&line, at, drawing->is_utf8 ? "┬" : "+");
		if (GUTTER + begin + length <= GUTTER + drawing->columns + 1 &&
			(begin > labels.used || labels.used == 0))
			put_text(&labels, begin, ticks[i].label);
	}
	buffer_append_format(drawing->out, "%*s%s", GUTTER - 1, "", drawing->is_utf8 ? "└" : "+");
	append_row(drawing, &line, SCREEN_PLAIN);
	buffer_append_format(drawing->out, "%*s", GUTTER, "");
	append_row(drawing, &labels, SCREEN_PLAIN);
}

static void draw_head(struct drawing *drawing)
{
	char count[32];
	buffer_append_text(drawing->out, screen_color(SCREEN_HEADER));
	chart_append_title(drawing->chart, drawing->out);
	buffer_append_format(drawing->out, "%s\n", screen_color(SCREEN_PLAIN));
	for (size_t i = 0; i < CHART_KINDS; i++) {
		const struct chart_kind *kind = &chart_kinds[i];
		axis_count(chart_sum(drawing->chart, kind->op), count);
		buffer_append_format(drawing->out, "%s%s%c%s%s %s", i > 0 ? "  " : "", screen_color(kind->role),
			kind->sign, count, screen_color(SCREEN_PLAIN), kind->name);
	}
	buffer_append_text(drawing->out, "\n\n");
}

static void draw_spikes(struct drawing *drawing)
{
	const struct chart *chart = drawing->chart;
	if (chart->spike_count > 0)
		buffer_append_text(drawing->out, "\nWhat stands out:\n");
	for (size_t i = 0; i < chart->spike_count; i++) {
		const struct chart_kind *kind = kind_of(chart->spikes[i].op);
		buffer_append_format(drawing->out, "%s%c ", screen_color(kind->role), kind->sign);
		chart_append_spike(&chart->spikes[i], drawing->out);
		buffer_append_text(drawing->out, screen_color(SCREEN_PLAIN));
		if (!chart->is_ended)
			buffer_append_format(drawing->out, "; before it: %s/@seq-%" PRIu64 "/", chart->table,
				chart->spikes[i].from_seq - 1);
		buffer_append_byte(drawing->out, '\n');
	}
}

size_t chart_columns(int columns)
{
	return (size_t)(columns < COLUMNS_LEAST  ? COLUMNS_LEAST
			: columns > COLUMNS_MOST ? COLUMNS_MOST
						 : columns) -
	       GUTTER;
}

void chart_draw(const struct chart *chart, int columns, bool is_utf8, struct buffer *out)
{
	struct drawing drawing = { .chart = chart, .out = out, .is_utf8 = is_utf8 };
	drawing.width = chart_columns(columns) / chart->count;
	drawing.columns = drawing.width * chart->count;
	draw_head(&drawing);
	for (size_t i = 0; i < CHART_KINDS; i++)
		draw_kind(&drawing, &chart_kinds[i]);
	draw_items(&drawing);
	draw_axis(&drawing);
	draw_spikes(&drawing);
}
