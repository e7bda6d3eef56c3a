#include "tools/chart_svg.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "tools/chart_axis.h"

#define WIDTH 1000
#define LEFT 84 /* of the bars */
#define RIGHT 976
#define TOP 66
#define BAR_HEIGHT 84
#define MARK_HEIGHT 34 /* above the bars */
#define ITEMS_HEIGHT 52
#define AXIS_HEIGHT 40
#define LINE_HEIGHT 19
#define TICKS_SHOWN 12
#define LABEL_WIDTH 150 /* of a mark, at most */

struct picture {
	const struct chart *chart;
	struct buffer *out;
	double bin_width;
};

/* --- Texts ---------------------------------------------------------------------------------------------------------- */

/* What XML cannot have in it becomes a question mark. */
static void append_escaped(struct buffer *out, struct slice text)
{
	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];
		bool is_noncharacter =
			text.size - i >= 3 && c == 0xef && text.data[i + 1] == 0xbf && text.data[i + 2] >= 0xbe;
		if (c == '&')
			buffer_append_text(out, "&amp;");
		else if (c == '<')
			buffer_append_text(out, "&lt;");
		else if (c == '>')
			buffer_append_text(out, "&gt;");
		else
			buffer_append_byte(out, c < ' ' || is_noncharacter ? '?' : c);
		i += is_noncharacter ? 2 : 0;
	}
}

static void append_text(struct picture *picture, double x, double y, const char *attributes, const char *text)
{
	buffer_append_format(picture->out, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, attributes);
	append_escaped(picture->out, slice_of_text(text));
	buffer_append_text(picture->out, "</text>\n");
}

static void append_line(struct picture *picture, double x1, double y1, double x2, double y2, const char *class)
{
	buffer_append_format(picture->out, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
		class, x1, y1, x2, y2);
}

/* --- Parts ---------------------------------------------------------------------------------------------------------- */

static double x_of(const struct picture *picture, int64_t time_us)
{
	const struct chart *chart = picture->chart;
	return LEFT + (double)(time_us - chart->begin_us) / (double)chart->bin_us * picture->bin_width;
}

static double middle_of(const struct picture *picture, size_t bin)
{
	return LEFT + ((double)bin + 0.5) * picture->bin_width;
}

static void draw_head(struct picture *picture, int height)
{
	struct buffer title = BUFFER_INIT;
	double x = LEFT;
	char count[32], text[64];
	chart_append_title(picture->chart, &title);
	buffer_append_format(picture->out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
		"role=\"img\">\n<title>",
		WIDTH, height, WIDTH, height);
	append_escaped(picture->out, buffer_slice(&title));
	buffer_append_text(picture->out, "</title>\n<style>\n"
					 "text { font: 13px system-ui, 'DejaVu Sans', sans-serif; fill: #7a7a7a }\n"
					 ".title { font-size: 17px; font-weight: bold }\n"
					 ".small { font-size: 12px }\n"
					 ".mark { font-weight: bold }\n"
					 ".axis { stroke: #7a7a7a; stroke-width: 1 }\n"
					 ".grid { stroke: #7a7a7a; stroke-width: 1; stroke-opacity: 0.22 }\n"
					 "</style>\n");
	append_text(picture, LEFT, 26, "class=\"title\"", buffer_text(&title) ? buffer_text(&title) : "");
	for (size_t i = 0; i < CHART_KINDS; i++) {
		axis_count(chart_sum(picture->chart, chart_kinds[i].op), count);
		snprintf(text, sizeof(text), "%c %s %s", chart_kinds[i].sign, count, chart_kinds[i].name);
		buffer_append_format(picture->out,
			"<rect x=\"%.1f\" y=\"41\" width=\"12\" height=\"12\" fill=\"%s\"/>\n", x,
			chart_kinds[i].color);
		append_text(picture, x + 18, 52, "", text);
		x += 40 + 8.0 * (double)strlen(text);
	}
	buffer_append_format(
		picture->out, "<rect x=\"%.1f\" y=\"41\" width=\"12\" height=\"12\" fill=\"#8a8a8a\"/>\n", x);
	append_text(picture, x + 18, 52, "", "= items in the table");
	buffer_free(&title);
}

static void draw_bars(struct picture *picture, const struct chart_kind *kind, uint64_t most, double bottom)
{
	const struct chart *chart = picture->chart;
	char when[32], count[32];
	double gap = picture->bin_width > 3 ? 0.8 : 0;
	for (size_t i = 0; i < chart->count; i++) {
		uint64_t value = chart_value(&chart->bins[i], kind->op);
		double height = (double)value / (double)most * BAR_HEIGHT;
		if (value == 0)
			continue;
		height = height < 1.5 ? 1.5 : height;
		chart_bin_text(chart, i, when);
		axis_count(value, count);
		buffer_append_format(picture->out,
			"<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"%s\"><title>%s: %s "
			"%s</title></rect>\n",
			LEFT + (double)i * picture->bin_width, bottom - height, picture->bin_width - gap, height,
			kind->color, when, count, kind->name);
	}
}

static void draw_triangle(struct picture *picture, double x, double y, const char *color)
{
	buffer_append_format(picture->out, "<path d=\"M%.1f %.1f l-5 -8 h10 z\" fill=\"%s\"/>\n", x, y, color);
}

/* Where there were most, with time and count, and what stands out. */
static void draw_marks(struct picture *picture, const struct chart_kind *kind, size_t busiest, double top)
{
	const struct chart *chart = picture->chart;
	const struct timeline_spike *spike = chart_spike_in(chart, kind->op, busiest);
	double x = middle_of(picture, busiest);
	bool is_at_end = x > RIGHT - LABEL_WIDTH;
	char text[80], attributes[96];
	for (size_t i = 0; i < chart->spike_count; i++)
		if (chart->spikes[i].op == kind->op && &chart->spikes[i] != spike)
			draw_triangle(picture, middle_of(picture, chart_bin(chart, chart->spikes[i].from_us)), top - 2,
				kind->color);
	draw_triangle(picture, x, top - 2, kind->color);
	chart_mark_text(chart, kind->op, busiest, text);
	snprintf(attributes, sizeof(attributes), "class=\"mark\" style=\"fill:%s\" text-anchor=\"%s\"", kind->color,
		is_at_end ? "end" : "start");
	append_text(picture, is_at_end ? x - 9 : x + 9, top - 4, attributes, text);
}

static void draw_scale(struct picture *picture, double top, double bottom, uint64_t most, const char *name)
{
	char label[32];
	axis_short(most, label);
	append_line(picture, LEFT, top, RIGHT, top, "grid");
	append_line(picture, LEFT, bottom, RIGHT, bottom, "axis");
	append_text(picture, LEFT - 8, top + 5, "class=\"small\" text-anchor=\"end\"", label);
	append_text(picture, LEFT - 8, bottom, "class=\"small\" text-anchor=\"end\"", "0");
	append_text(picture, LEFT - 8, (top + bottom) / 2 + 5, "class=\"small\" text-anchor=\"end\"", name);
}

static double draw_kind(struct picture *picture, const struct chart_kind *kind, double y)
{
	const struct chart *chart = picture->chart;
	size_t busiest = chart_busiest(chart, kind->op);
	double top = y + MARK_HEIGHT, bottom = top + BAR_HEIGHT;
	uint64_t most = busiest < chart->count ? chart_value(&chart->bins[busiest], kind->op) : 1;
	char name[16];
	snprintf(name, sizeof(name), "%c %s", kind->sign, kind->name);
	draw_scale(picture, top, bottom, most, name);
	draw_bars(picture, kind, most, bottom);
	if (busiest < chart->count)
		draw_marks(picture, kind, busiest, top);
	else
		append_text(picture, LEFT + 10, bottom - 10, "class=\"small\"", "none");
	return bottom;
}

static double draw_items(struct picture *picture, double y)
{
	const struct chart *chart = picture->chart;
	double top = y + MARK_HEIGHT, bottom = top + ITEMS_HEIGHT;
	uint64_t most = chart->items_before ? chart->items_before : 1;
	char before[32], after[32], text[96];
	for (size_t i = 0; i < chart->count; i++)
		most = chart->bins[i].items > most ? chart->bins[i].items : most;
	draw_scale(picture, top, bottom, most, "= items");
	buffer_append_format(picture->out,
		"<path fill=\"#8a8a8a\" fill-opacity=\"0.35\" stroke=\"#8a8a8a\" d=\"M%d %.1f", LEFT, bottom);
	for (size_t i = 0; i < chart->count; i++) {
		double height = (double)chart->bins[i].items / (double)most * ITEMS_HEIGHT;
		buffer_append_format(picture->out, " L%.1f %.1f H%.1f", LEFT + (double)i * picture->bin_width,
			bottom - height, LEFT + (double)(i + 1) * picture->bin_width);
	}
	axis_count(chart->items_before, before);
	axis_count(chart->bins[chart->count - 1].items, after);
	snprintf(text, sizeof(text), "%s before, %s after", before, after);
	buffer_append_format(picture->out, " V%.1f z\"/>\n", bottom);
	append_text(picture, LEFT + 4, top - 6, "class=\"small\"", text);
	return bottom;
}

static void draw_axis(struct picture *picture, double top, double bottom)
{
	const struct chart *chart = picture->chart;
	struct tick ticks[TICKS_MAX];
	size_t count = axis_ticks(
		chart->begin_us, chart->begin_us + chart->bin_us * (int64_t)chart->count, TICKS_SHOWN, ticks);
	for (size_t i = 0; i < count; i++) {
		double x = x_of(picture, ticks[i].time_us);
		append_line(picture, x, top, x, bottom + 6, "grid");
		append_text(picture, x, bottom + 20, "class=\"small\" text-anchor=\"middle\"", ticks[i].label);
	}
}

/* A band through all parts: what else happened at that time stands in it too. */
static void draw_bands(struct picture *picture, double top, double bottom)
{
	const struct chart *chart = picture->chart;
	for (size_t i = 0; i < chart->spike_count; i++) {
		const struct timeline_spike *spike = &chart->spikes[i];
		size_t from = chart_bin(chart, spike->from_us), to = chart_bin(chart, spike->to_us);
		double width = (double)(to - from + 1) * picture->bin_width + 4;
		buffer_append_format(picture->out,
			"<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\" "
			"fill-opacity=\"0.16\"/>\n",
			LEFT + (double)from * picture->bin_width - 2, top, width, bottom - top,
			chart_kinds[spike->op - CHANGE_INSERT].color);
	}
}

static void draw_spikes(struct picture *picture, double y)
{
	const struct chart *chart = picture->chart;
	for (size_t i = 0; i < chart->spike_count; i++) {
		const struct chart_kind *kind = &chart_kinds[chart->spikes[i].op - CHANGE_INSERT];
		struct buffer text = BUFFER_INIT;
		chart_append_spike(&chart->spikes[i], &text);
		draw_triangle(picture, LEFT + 6, y, kind->color);
		append_text(picture, LEFT + 20, y, "", buffer_text(&text) ? buffer_text(&text) : "");
		buffer_free(&text);
		y += LINE_HEIGHT;
	}
}

void chart_svg(const struct chart *chart, struct buffer *out)
{
	struct picture picture = { chart, out, (double)(RIGHT - LEFT) / (double)chart->count };
	double y = TOP, bottom = TOP + CHART_KINDS * (MARK_HEIGHT + BAR_HEIGHT) + MARK_HEIGHT + ITEMS_HEIGHT;
	int height = (int)bottom + AXIS_HEIGHT + LINE_HEIGHT * (int)chart->spike_count + 4;
	draw_head(&picture, height);
	draw_bands(&picture, TOP + 14, bottom);
	draw_axis(&picture, TOP + MARK_HEIGHT, bottom);
	for (size_t i = 0; i < CHART_KINDS; i++)
		y = draw_kind(&picture, &chart_kinds[i], y);
	draw_items(&picture, y);
	draw_spikes(&picture, bottom + AXIS_HEIGHT + 8);
	buffer_append_text(out, "</svg>\n");
}
