/* du: what tables cost. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup.h"
#include "tools/item_path.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/recovery.h"
#include "tools/verbs.h"
#include "usage.h"

static struct option du_options[] = {
	{ .name = "json", .kind = OPTION_FLAG },
	{ .name = NULL },
};

/* One table, as it is told. */
struct row {
	struct table table;
	bool is_gone;
	uint64_t backup_bytes; /* as DynamoDB bills them */
	struct usage usage;
	struct usage_price price;
};

struct report {
	struct row *rows;
	size_t count;
	struct row sum;
	uint64_t file_bytes, used_bytes;
};

/* --- Which tables --------------------------------------------------------------------------------------------------- */

/* Takes the table over. */
static int add_row(struct report *report, struct table *table, bool is_gone)
{
	struct row *rows = reallocarray(report->rows, report->count + 1, sizeof(*rows));
	if (!rows) {
		table_free(table);
		return -ENOMEM;
	}
	report->rows = rows;
	rows[report->count++] = (struct row){ .table = *table, .is_gone = is_gone };
	return 0;
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *left = a, *right = b;
	int order = strcmp(left->table.name, right->table.name);
	return order != 0 ? order
			  : (left->table.number > right->table.number) - (left->table.number < right->table.number);
}

static int add_living(struct store_txn *txn, struct report *report)
{
	struct table table;
	uint64_t place = 0;
	int result;
	while ((result = table_list(txn, TIME_NOW, &place, &table)) > 0) {
		result = add_row(report, &table, /* is_gone= */ false);
		if (result < 0)
			return result;
	}
	return result;
}

static bool has_row(const struct report *report, uint32_t number)
{
	for (size_t i = 0; i < report->count; i++)
		if (report->rows[i].table.number == number)
			return true;
	return false;
}

/* Deleted tables of which something is kept, and what each table's backups have. */
static int add_pins(struct store_txn *txn, struct report *report)
{
	struct pin_place place = { 0 };
	struct pin pin;
	struct table table;
	int result;
	while ((result = pin_next(txn, UINT32_MAX, &place, &pin)) > 0) {
		if (has_row(report, pin.table))
			continue;
		result = backup_table(txn, &pin, &table);
		if (result == 0)
			result = add_row(report, &table, /* is_gone= */ true);
		if (result < 0)
			return result;
	}
	return result;
}

static int add_named(struct tool *tool, struct store_txn *txn, struct report *report, struct error *error)
{
	struct table table;
	for (size_t i = 0; i < tool->positionals.count; i++) {
		int result = item_path_live_table(txn, tool->positionals.values[i], &table, error);
		if (result == 0 && has_row(report, table.number))
			table_free(&table);
		else if (result == 0)
			result = add_row(report, &table, /* is_gone= */ false);
		if (result < 0)
			return result;
	}
	return 0;
}

static int add_backups(struct store_txn *txn, struct row *row)
{
	struct pin_place place = { 0 };
	struct pin pin;
	int result;
	while ((result = pin_next(txn, row->table.number, &place, &pin)) > 0)
		if (pin.kind == PIN_BACKUP)
			row->backup_bytes += pin.bytes + USAGE_ITEM_OVERHEAD_BYTES * pin.items;
	return result;
}

static int choose(struct tool *tool, struct report *report, struct error *error)
{
	struct store_txn *txn;
	int result = store_begin(history_store(tool->history), /* is_writable= */ false, &txn);
	if (result < 0)
		return result;
	if (tool->positionals.count > 0) {
		result = add_named(tool, txn, report, error);
	} else {
		result = add_living(txn, report);
		if (result == 0)
			result = add_pins(txn, report);
	}
	for (size_t i = 0; i < report->count && result == 0; i++)
		result = add_backups(txn, &report->rows[i]);
	store_abort(txn);
	if (report->count > 0)
		qsort(report->rows, report->count, sizeof(*report->rows), compare_rows);
	return result;
}

/* --- Measuring ------------------------------------------------------------------------------------------------------ */

static void add_to_sum(struct row *sum, const struct row *row)
{
	sum->backup_bytes += row->backup_bytes;
	sum->usage.items += row->usage.items;
	sum->usage.item_bytes += row->usage.item_bytes;
	sum->usage.live_bytes += row->usage.live_bytes;
	sum->usage.history_bytes += row->usage.history_bytes;
	sum->usage.pinned_bytes += row->usage.pinned_bytes;
	sum->usage.versions += row->usage.versions;
	sum->usage.lives += row->usage.lives;
	sum->usage.backups += row->usage.backups;
	sum->usage.holds += row->usage.holds;
	sum->usage.children += row->usage.children;
	sum->price.storage += row->price.storage;
	sum->price.pitr += row->price.pitr;
	sum->price.backups += row->price.backups;
}

struct showing {
	struct progress progress;
	const char *table;
};

static void show(void *context, uint64_t records)
{
	struct showing *showing = context;
	progress_show(&showing->progress, "%s: %" PRIu64 " records", showing->table, records);
}

static int measure(struct tool *tool, struct report *report, struct error *error)
{
	struct showing showing;
	struct usage_progress progress = { show, &showing };
	int result = choose(tool, report, error);
	progress_begin(&showing.progress);
	for (size_t i = 0; i < report->count && result == 0; i++) {
		struct row *row = &report->rows[i];
		showing.table = row->table.name;
		result = usage_measure(tool->history, &row->table, &progress, &row->usage, error);
		row->price = usage_price(&row->usage, row->table.is_pitr_on && !row->is_gone, row->backup_bytes);
		add_to_sum(&report->sum, row);
	}
	progress_end(&showing.progress);
	if (result == 0)
		result = store_usage(history_store(tool->history), &report->file_bytes, &report->used_bytes);
	return result;
}

/* --- Telling -------------------------------------------------------------------------------------------------------- */

static void append_json(struct buffer *out, const struct row *row)
{
	const struct usage *usage = &row->usage;
	buffer_append_format(out,
		"\"items\":%" PRIu64 ",\"itemBytes\":%" PRIu64 ",\"liveBytes\":%" PRIu64 ",\"historyBytes\":%" PRIu64
		",\"pinnedBytes\":%" PRIu64 ",\"versions\":%" PRIu64 ",\"lives\":%" PRIu64
		",\"backups\":%u,\"holds\":%u,\"restoredTables\":%u",
		usage->items, usage->item_bytes, usage->live_bytes, usage->history_bytes, usage->pinned_bytes,
		usage->versions, usage->lives, usage->backups, usage->holds, usage->children);
	buffer_append_format(out,
		",\"dynamodbDollarsPerMonth\":{\"storage\":%.6f,\"pitr\":%.6f,\"backups\":%.6f,\"total\":%.6f}",
		row->price.storage, row->price.pitr, row->price.backups,
		row->price.storage + row->price.pitr + row->price.backups);
}

static void append_report_json(struct buffer *out, const struct report *report)
{
	buffer_append_text(out, "{\"tables\":[");
	for (size_t i = 0; i < report->count; i++) {
		const struct row *row = &report->rows[i];
		buffer_append_text(out, i > 0 ? ",{" : "{");
		recovery_append_text(out, "name", row->table.name);
		recovery_append_text(out, "id", row->table.id);
		buffer_append_format(out, ",\"isDeleted\":%s,", row->is_gone ? "true" : "false");
		append_json(out, row);
		buffer_append_byte(out, '}');
	}
	buffer_append_text(out, "],\"total\":{");
	append_json(out, &report->sum);
	buffer_append_format(out, "},\"fileBytes\":%" PRIu64 ",\"usedBytes\":%" PRIu64 "}\n", report->file_bytes,
		report->used_bytes);
}

/* Dollars with as many digits as tell something. */
static const char *money(double dollars, char text[24])
{
	snprintf(text, 24, dollars >= 0.005 || dollars == 0 ? "%.2f" : "<0.01", dollars);
	return text;
}

static void append_row(struct buffer *out, const char *name, const struct row *row, int width)
{
	char item[24], live[24], history[24], pinned[24], dollars[4][24];
	const struct usage *usage = &row->usage;
	output_size(usage->item_bytes, item, sizeof(item));
	output_size(usage->live_bytes, live, sizeof(live));
	output_size(usage->history_bytes, history, sizeof(history));
	output_size(usage->pinned_bytes, pinned, sizeof(pinned));
	buffer_append_format(out, "%-*s  %10" PRIu64 "  %8s  %8s  %8s  %8s  %7u  %5u  %8u  %9s %9s %9s %9s%s\n", width,
		name, usage->items, item, live, history, pinned, usage->backups, usage->holds, usage->children,
		money(row->price.storage, dollars[0]), money(row->price.pitr, dollars[1]),
		money(row->price.backups, dollars[2]),
		money(row->price.storage + row->price.pitr + row->price.backups, dollars[3]),
		row->is_gone ? "   deleted" : "");
}

static void append_report(struct buffer *out, const struct report *report)
{
	char file[24], used[24];
	int width = 5;
	for (size_t i = 0; i < report->count; i++) {
		int length = (int)strlen(report->rows[i].table.name);
		width = length > width ? length : width;
	}
	buffer_append_format(out, "%-*s  %10s  %8s  %8s  %8s  %8s  %7s  %5s  %8s  %9s %9s %9s %9s\n", width, "TABLE",
		"ITEMS", "SIZE", "LIVE", "HISTORY", "PINNED", "BACKUPS", "HOLDS", "RESTORED", "$ STORAGE", "$ PITR",
		"$ BACKUPS", "$ TOTAL");
	for (size_t i = 0; i < report->count; i++)
		append_row(out, report->rows[i].table.name, &report->rows[i], width);
	if (report->count != 1)
		append_row(out, "total", &report->sum, width);
	output_size(report->file_bytes, file, sizeof(file));
	output_size(report->used_bytes, used, sizeof(used));
	buffer_append_format(out,
		"\n$: what it would cost in DynamoDB, dollars a month. The store's file has %s, %s of it in use.\n",
		file, used);
}

static int run_du(struct tool *tool)
{
	struct report report = { 0 };
	struct buffer text = BUFFER_INIT;
	struct error error = { 0 };
	int status = tool_open(tool, /* is_writable= */ false);
	if (status != STATUS_DONE)
		return status;
	int result = measure(tool, &report, &error);
	if (result == 0)
		(option_is_given(du_options, "json") ? append_report_json : append_report)(&text, &report);
	status = recovery_print(result, &error, &text);
	for (size_t i = 0; i < report.count; i++)
		table_free(&report.rows[i].table);
	free(report.rows);
	buffer_free(&text);
	return status;
}

const struct verb verb_du = {
	.name = "du",
	.summary = "what tables and their history take, and would cost in DynamoDB",
	.usage = "[TABLE...] [--json]",
	.help = "For each table: its size as DynamoDB counts it; the bytes stored for its living items (LIVE) and for "
		"everything\n"
		"else (HISTORY); how many of the latter only backups, holds and restored tables keep (PINNED); and "
		"what "
		"the same\n"
		"would cost in DynamoDB at the list prices of us-east-1: storage 0.25, PITR 0.20, backups 0.10 dollars "
		"a GB and\n"
		"month. Deleted tables of which something is kept are listed too.\n",
	.run = run_du,
	.options = du_options,
};
