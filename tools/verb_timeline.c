#include <errno.h>
#include <inttypes.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "json.h"
#include "tools/chart.h"
#include "tools/chart_svg.h"
#include "tools/output.h"
#include "tools/recovery.h"
#include "tools/screen.h"
#include "tools/stretch.h"
#include "tools/told_table.h"
#include "tools/verbs.h"

#define JSON_BINS 180

static struct option timeline_options[] = {
	{ .name = "from", .kind = OPTION_TIME },
	{ .name = "to", .kind = OPTION_TIME },
	{ .name = "svg", .kind = OPTION_VALUE },
	{ .name = "json", .kind = OPTION_FLAG },
	{ .name = NULL },
};

struct timeline {
	struct tool *tool;
	struct store_txn *txn;
	struct table table;
	bool is_ended; /* dropped */
	struct stretch stretch;
	struct reach reach; /* what is counted: the changes of the stretch */
	struct timeline_spike spikes[SPIKES_MAX];
	size_t spike_count;
	uint64_t items_before;
};

/* --- Counting ------------------------------------------------------------------------------------------------------- */

/* The state the stretch begins with. */
static int state_before(const struct timeline *timeline, struct log_entry *ret_entry)
{
	const struct stretch *stretch = &timeline->stretch;
	if (stretch->from_seq > stretch->reach.first_seq + 1)
		return log_get(timeline->txn, timeline->table.number, stretch->from_seq - 1, ret_entry);
	return timeline_at(timeline->txn, &timeline->table, &stretch->reach,
		stretch->from_seq ? 0 : stretch->from_us - 1, ret_entry);
}

/* Bins begin at round times, but only what lies between --from and --to counts. */
static int find_reach(struct timeline *timeline)
{
	const struct stretch *stretch = &timeline->stretch;
	struct log_entry entry;
	timeline->reach = stretch->reach;
	int result = state_before(timeline, &entry);
	if (result < 0)
		return result;
	timeline->items_before = entry.items;
	timeline->reach.first_seq = entry.seq;
	result = timeline_at(timeline->txn, &timeline->table, &stretch->reach, stretch->to_us, &entry);
	timeline->reach.last_seq = stretch->to_seq ? stretch->to_seq : entry.seq;
	return result;
}

static int read_history(struct timeline *timeline, struct error *error)
{
	struct told_table told;
	int result =
		told_table_find(timeline->tool, timeline->txn, timeline->tool->positionals.values[0], &told, error);
	if (result < 0)
		return result;
	timeline->table = told.table;
	timeline->is_ended = told.ended_us != TIME_NOW;
	result = stretch_find(timeline->tool, timeline->txn, &timeline->table, option_value(timeline_options, "from"),
		option_value(timeline_options, "to"), &timeline->stretch, error);
	if (result < 0)
		return result;
	result = find_reach(timeline);
	if (result == 0)
		result = timeline_spikes(timeline->txn, &timeline->table, &timeline->reach, timeline->stretch.from_us,
			timeline->stretch.to_us + 1, timeline->spikes);
	if (result < 0)
		return error_set(error, result, "the changes of %s could not be counted: %s", timeline->table.name,
			strerror(-result));
	timeline->spike_count = (size_t)result;
	return 0;
}

/* The chart with at most so many bins. Its bins are freed by who asked. */
static int make_chart(struct timeline *timeline, size_t most, struct chart *ret_chart, struct error *error)
{
	const struct stretch *stretch = &timeline->stretch;
	struct chart chart = { .table = timeline->table.name,
		.from_us = stretch->from_us,
		.to_us = stretch->to_us,
		.items_before = timeline->items_before,
		.spikes = timeline->spikes,
		.spike_count = timeline->spike_count,
		.is_ended = timeline->is_ended };
	chart.bin_us = timeline_bin_us(stretch->from_us, stretch->to_us + 1, most, &chart.begin_us);
	chart.count = (size_t)((stretch->to_us - chart.begin_us) / chart.bin_us) + 1;
	struct timeline_bin *bins = calloc(chart.count, sizeof(*bins));
	if (!bins)
		return error_set(error, -ENOMEM, "out of memory");
	int result = timeline_count(timeline->txn, &timeline->table, &timeline->reach, chart.begin_us,
		chart.begin_us + chart.bin_us * (int64_t)chart.count, bins, chart.count);
	chart.bins = bins;
	*ret_chart = chart;
	if (result == 0)
		return 0;
	free(bins);
	return error_set(error, result, "the changes of %s could not be counted: %s", chart.table, strerror(-result));
}

/* --- Telling -------------------------------------------------------------------------------------------------------- */

static void append_end(struct buffer *out, const char *name, int64_t time_us)
{
	char text[INSTANT_TEXT_MAX];
	instant_format_z(time_us, text, sizeof(text));
	buffer_append_format(out, "\"%s\":\"%s\"", name, text);
}

static void append_bins(const struct chart *chart, struct buffer *out)
{
	for (size_t i = 0; i < chart->count; i++) {
		const struct timeline_bin *bin = &chart->bins[i];
		buffer_append_byte(out, '{');
		append_end(out, "from", chart->begin_us + chart->bin_us * (int64_t)i);
		buffer_append_byte(out, ',');
		append_end(out, "to", chart->begin_us + chart->bin_us * (int64_t)(i + 1));
		buffer_append_format(out,
			",\"inserted\":%" PRIu64 ",\"modified\":%" PRIu64 ",\"removed\":%" PRIu64 ",\"items\":%" PRIu64
			"}\n",
			bin->inserts, bin->modifications, bin->removals, bin->items);
	}
}

static void append_spikes(const struct chart *chart, struct buffer *out)
{
	static const char *const names[] = { "inserted", "modified", "removed" };
	for (size_t i = 0; i < chart->spike_count; i++) {
		const struct timeline_spike *spike = &chart->spikes[i];
		buffer_append_format(out, "{\"spike\":\"%s\",\"count\":%" PRIu64 ",", names[spike->op - CHANGE_INSERT],
			spike->count);
		append_end(out, "from", spike->from_us);
		buffer_append_byte(out, ',');
		append_end(out, "to", spike->to_us);
		buffer_append_format(
			out, ",\"fromSeq\":%" PRIu64 ",\"toSeq\":%" PRIu64 ",\"by\":[", spike->from_seq, spike->to_seq);
		for (size_t n = 0; n < SPIKE_AUTHORS && spike->by[n].label[0] != '\0'; n++) {
			buffer_append_text(out, n > 0 ? ",{\"author\":" : "{\"author\":");
			json_append_string(out, slice_of_text(spike->by[n].label));
			buffer_append_format(out, ",\"count\":%" PRIu64 "}", spike->by[n].count);
		}
		buffer_append_text(out, "]}\n");
	}
}

static int tell_json(struct timeline *timeline, struct buffer *out, struct error *error)
{
	struct chart chart;
	int result = make_chart(timeline, JSON_BINS, &chart, error);
	if (result < 0)
		return result;
	buffer_append_text(out, "{\"table\":");
	json_append_string(out, slice_of_text(chart.table));
	buffer_append_byte(out, ',');
	append_end(out, "from", chart.from_us);
	buffer_append_byte(out, ',');
	append_end(out, "to", chart.to_us);
	buffer_append_format(out,
		",\"inserted\":%" PRIu64 ",\"modified\":%" PRIu64 ",\"removed\":%" PRIu64 ",\"itemsBefore\":%" PRIu64
		",\"itemsAfter\":%" PRIu64 "}\n",
		chart_sum(&chart, CHANGE_INSERT), chart_sum(&chart, CHANGE_MODIFY), chart_sum(&chart, CHANGE_REMOVE),
		chart.items_before, chart.bins[chart.count - 1].items);
	append_bins(&chart, out);
	append_spikes(&chart, out);
	free((void *)chart.bins);
	return 0;
}

static int tell_text(struct timeline *timeline, struct buffer *out, struct error *error)
{
	struct chart chart;
	bool is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	int columns = screen_columns();
	int result = make_chart(timeline, chart_columns(columns), &chart, error);
	if (result < 0)
		return result;
	chart_draw(&chart, columns, is_utf8, out);
	free((void *)chart.bins);
	return 0;
}

static int write_svg(struct timeline *timeline, const char *path, struct error *error)
{
	struct buffer text = BUFFER_INIT;
	struct chart chart;
	int result = make_chart(timeline, CHART_SVG_BINS, &chart, error);
	if (result < 0)
		return result;
	chart_svg(&chart, &text);
	free((void *)chart.bins);
	bool is_stdout = strcmp(path, "-") == 0;
	FILE *file = is_stdout ? stdout : fopen(path, "we");
	bool is_written = file && buffer_error(&text) == 0 && fwrite(text.data, 1, text.size, file) == text.size;
	result = is_written ? 0 : -errno;
	if (file && !is_stdout && fclose(file) != 0)
		result = -errno;
	buffer_free(&text);
	return result < 0 ? error_set(error, result, "%s could not be written: %s", path, strerror(-result)) : 0;
}

static int tell(struct timeline *timeline, struct buffer *out, struct error *error)
{
	const char *svg = option_value(timeline_options, "svg");
	bool is_json = option_is_given(timeline_options, "json");
	int result = read_history(timeline, error);
	if (result == 0 && svg)
		result = write_svg(timeline, svg, error);
	if (result < 0 || (svg && strcmp(svg, "-") == 0))
		return result;
	if (timeline->reach.first_seq == timeline->reach.last_seq && !is_json) {
		buffer_append_format(out, "nothing changed in %s in that time\n", timeline->table.name);
		return 0;
	}
	return is_json ? tell_json(timeline, out, error) : tell_text(timeline, out, error);
}

static int tell_in(struct store_txn *txn, void *context, struct error *error)
{
	struct timeline *timeline = context;
	struct buffer text = BUFFER_INIT;
	timeline->txn = txn;
	int result = tell(timeline, &text, error);
	if (result == 0)
		result = recovery_print(result, error, &text);
	buffer_free(&text);
	return result;
}

static int run_timeline(struct tool *tool)
{
	struct timeline timeline = { .tool = tool };
	if (tool->positionals.count != 1)
		return tool_usage(tool, tool->positionals.count == 0 ? "which table?" : "one table, please");
	bool is_json = option_is_given(timeline_options, "json");
	int status = tool_ask(tool, is_json ? TOOL_PLAIN : TOOL_PAGED, tell_in, &timeline);
	table_free(&timeline.table);
	return status;
}

const struct verb verb_timeline = {
	.name = "timeline",
	.summary = "show inserts, changes and deletes over time as a chart",
	.usage = "TABLE [--from TIME] [--to TIME] [--json] [--svg FILE]",
	.help = "Each kind of change has a scale of its own, so that a few deletes are seen beside many inserts. What "
		"stands out\n"
		"is marked and told below the chart: when, how many, for how long, by whom, and where the state before "
		"it is.\n\n"
		"  pitr timeline orders\n"
		"  pitr timeline orders --from 2025-03-01T09:00 --to 2025-03-01T09:30\n"
		"  pitr timeline orders --svg incident.svg\n\n"
		"--from, --to   the stretch of time, both ends in it; also seq-N, the number of a change. Without them "
		"all "
		"that\n"
		"               can be told. Times are UTC\n"
		"--svg FILE     writes the chart as a picture too; - writes it to standard output instead of the text\n"
		"--json         the totals, then each bar, then what stands out: one object a line\n",
	.run = run_timeline,
	.options = timeline_options,
};
