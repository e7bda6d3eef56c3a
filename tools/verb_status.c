#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "json.h"
#include "restore.h"
#include "table.h"
#include "text.h"
#include "tools/mounts.h"
#include "tools/output.h"
#include "tools/recovery.h"
#include "tools/verbs.h"

/* One table, as it is told. */
struct row {
	struct table table;
	struct table_statistics statistics;
	int64_t earliest_us, latest_us;
	struct restore_progress progress; /* while it is being restored */
};

struct report {
	const char *directory, *id;
	uint64_t file_bytes, used_bytes;
	uint64_t writers, pending_journals; /* journals of living writers, and those that the dead have left */
	struct mounts mounts;
	struct row *rows;
	size_t row_count;
};

/* --- Gathering ------------------------------------------------------------------------------------------------------ */

static int add_row(struct store_txn *txn, struct report *report, struct table *table, int64_t now_us)
{
	struct row *rows = reallocarray(report->rows, report->row_count + 1, sizeof(*rows));
	if (!rows) {
		table_free(table);
		return -ENOMEM;
	}
	report->rows = rows;
	struct row *row = &rows[report->row_count++];
	*row = (struct row){ .table = *table };
	int result = table_statistics(txn, table->number, &row->statistics);
	if (result == 0)
		result = table_window(txn, table, now_us, &row->earliest_us, &row->latest_us);
	if (result == 0 && table->is_restoring)
		result = restore_progress(txn, table, &row->progress);
	return result;
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *left = a, *right = b;
	return strcmp(left->table.name, right->table.name);
}

static int gather_tables(struct tool *tool, struct report *report)
{
	struct store_txn *txn;
	struct table table = { 0 };
	uint64_t place = 0;
	int result = store_begin(history_store(tool->history), /* is_writable= */ false, &txn);
	if (result < 0)
		return result;
	int64_t now_us = history_now(tool->history, txn);
	while ((result = table_list(txn, TIME_NOW, &place, &table)) > 0) {
		result = add_row(txn, report, &table, now_us);
		table = (struct table){ 0 };
		if (result < 0)
			break;
	}
	store_abort(txn);
	if (report->row_count > 0)
		qsort(report->rows, report->row_count, sizeof(*report->rows), compare_rows);
	return result;
}

/* A living writer holds the lock of its journal. */
static bool has_writer(int directory, const char *name)
{
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return true;
	bool is_locked = flock(fd, LOCK_SH | LOCK_NB) < 0;
	close(fd);
	return is_locked;
}

static void gather_journals(struct report *report)
{
	char path[PATH_MAX];
	struct dirent *entry;
	snprintf(path, sizeof(path), "%s/journal", report->directory);
	DIR *directory = opendir(path);
	if (!directory)
		return;
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		if (has_writer(dirfd(directory), entry->d_name))
			report->writers++;
		else
			report->pending_journals++;
	}
	closedir(directory);
}

static int gather(struct tool *tool, struct report *report)
{
	report->directory = history_directory(tool->history);
	report->id = history_id(tool->history);
	int result = store_usage(history_store(tool->history), &report->file_bytes, &report->used_bytes);
	if (result == 0)
		result = gather_tables(tool, report);
	if (result == 0)
		result = mounts_of_store(report->directory, &report->mounts);
	gather_journals(report);
	return result;
}

static void report_free(struct report *report)
{
	for (size_t i = 0; i < report->row_count; i++)
		table_free(&report->rows[i].table);
	free(report->rows);
	mounts_free(&report->mounts);
}

/* --- Telling -------------------------------------------------------------------------------------------------------- */

static const char *window_text(const struct row *row, char text[64])
{
	if (row->table.is_restoring && row->progress.expected < 0)
		snprintf(text, 64, "being restored: %" PRIu64, row->progress.items);
	else if (row->table.is_restoring)
		snprintf(text, 64, "being restored: %" PRIu64 " of %" PRId64, row->progress.items,
			row->progress.expected);
	else if (!row->table.is_pitr_on)
		strcpy(text, "off");
	else if (row->table.period_days == 0)
		strcpy(text, "forever");
	else
		snprintf(text, 64, "%d day%s", row->table.period_days, output_plural((uint64_t)row->table.period_days));
	return text;
}

static void print_row(const struct row *row, int width)
{
	char size[32], last[INSTANT_TEXT_MAX], since[INSTANT_TEXT_MAX], kept[64];
	bool has_window = row->table.is_pitr_on && !row->table.is_restoring;
	output_size(row->statistics.bytes, size, sizeof(size));
	printf("%-*s  %10" PRIu64 "  %8s  %10" PRIu64 "  %-26s  %-26s  %s\n", width, row->table.name,
		row->statistics.items, size, row->statistics.seq, recovery_time(row->statistics.last_us, last),
		recovery_time(has_window ? row->earliest_us : 0, since), window_text(row, kept));
}

static void print_tables(const struct report *report)
{
	int width = 5;
	for (size_t i = 0; i < report->row_count; i++) {
		int length = (int)strlen(report->rows[i].table.name);
		width = length > width ? length : width;
	}
	printf("\n%-*s  %10s  %8s  %10s  %-26s  %-26s  %s\n", width, "TABLE", "ITEMS", "SIZE", "CHANGES", "LAST CHANGE",
		"SEEN FROM", "KEPT FOR");
	for (size_t i = 0; i < report->row_count; i++)
		print_row(&report->rows[i], width);
}

static void print_mounted(const struct mounted *mounted, bool is_first)
{
	printf("%-10s%s", is_first ? "mounted" : "", mounted->point);
	if (mounted->instant)
		printf("  as of %s", mounted->instant);
	putchar('\n');
}

static void print_report(const struct report *report)
{
	char file[32], used[32];
	output_size(report->file_bytes, file, sizeof(file));
	output_size(report->used_bytes, used, sizeof(used));
	printf("store     %s\nid        %s\nsize      %s on disk, %s of it in use\n", report->directory, report->id,
		file, used);
	for (size_t i = 0; i < report->mounts.count; i++)
		print_mounted(&report->mounts.list[i], i == 0);
	if (report->mounts.count == 0)
		puts("mounted   nowhere");
	if (report->pending_journals > 0)
		printf("journals  %" PRIu64
		       " left by mounts that died: what they hold is committed when somebody who may\n"
		       "          write opens the store\n",
			report->pending_journals);
	if (report->row_count == 0)
		puts("\nno tables yet; `pitr import`, `pitr create-table`, or mkdir in a mount makes one");
	else
		print_tables(report);
}

static void append_progress(struct buffer *out, const struct restore_progress *progress)
{
	buffer_append_format(out, ",\"restore\":{\"items\":%" PRIu64, progress->items);
	if (progress->expected >= 0)
		buffer_append_format(out, ",\"expected\":%" PRId64, progress->expected);
	if (progress->source[0] != '\0')
		recovery_append_text(out, "source", progress->source);
	recovery_append_time(out, "at", progress->instant_us);
	recovery_append_time(out, "started", progress->started_us);
	buffer_append_byte(out, '}');
}

static void append_row(struct buffer *out, const struct row *row)
{
	buffer_append_text(out, "{\"name\":");
	json_append_string(out, slice_of_text(row->table.name));
	buffer_append_format(out, ",\"id\":\"%s\",\"items\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"changes\":%" PRIu64,
		row->table.id, row->statistics.items, row->statistics.bytes, row->statistics.seq);
	recovery_append_time(out, "firstChange", row->statistics.first_us);
	recovery_append_time(out, "lastChange", row->statistics.last_us);
	buffer_append_format(out, ",\"pointInTimeRecovery\":%s", row->table.is_pitr_on ? "true" : "false");
	if (row->table.is_pitr_on) {
		if (row->table.period_days > 0)
			buffer_append_format(out, ",\"periodDays\":%d", row->table.period_days);
		recovery_append_time(out, "earliest", row->earliest_us);
		recovery_append_time(out, "latest", row->latest_us);
	}
	if (row->table.is_restoring)
		append_progress(out, &row->progress);
	buffer_append_byte(out, '}');
}

static void append_report(struct buffer *out, const struct report *report)
{
	buffer_append_text(out, "{\"store\":");
	text_append_json(out, slice_of_text(report->directory));
	buffer_append_format(out, ",\"id\":\"%s\",\"fileBytes\":%" PRIu64 ",\"usedBytes\":%" PRIu64 ",\"mounts\":[",
		report->id, report->file_bytes, report->used_bytes);
	for (size_t i = 0; i < report->mounts.count; i++) {
		if (i > 0)
			buffer_append_byte(out, ',');
		text_append_json(out, slice_of_text(report->mounts.list[i].point));
	}
	buffer_append_format(out, "],\"writers\":%" PRIu64 ",\"pendingJournals\":%" PRIu64 ",\"tables\":[",
		report->writers, report->pending_journals);
	for (size_t i = 0; i < report->row_count; i++) {
		if (i > 0)
			buffer_append_byte(out, ',');
		append_row(out, &report->rows[i]);
	}
	buffer_append_text(out, "]}\n");
}

static struct option status_options[] = {
	{ .name = "json", .kind = OPTION_FLAG },
	{ .name = NULL },
};

static int run_status(struct tool *tool)
{
	struct report report = { 0 };
	struct buffer text = BUFFER_INIT;
	if (tool->positionals.count > 0)
		return tool_usage(tool, "unexpected argument: %s", tool->positionals.values[0]);
	int status = tool_open(tool, /* is_writable= */ false);
	if (status != STATUS_DONE)
		return status;
	int result = gather(tool, &report);
	if (result < 0) {
		status = tool_fail("%s could not be read: %s", tool->store, strerror(-result));
	} else if (option_is_given(status_options, "json")) {
		append_report(&text, &report);
		output(buffer_slice(&text));
	} else {
		print_report(&report);
	}
	buffer_free(&text);
	report_free(&report);
	return status;
}

const struct verb verb_status = {
	.name = "status",
	.summary = "the store, its tables and its mounts",
	.usage = "[--json]",
	.help = "Tells where the store is and how large, where it is mounted, and each table's items, changes, time "
		"of the\n"
		"last change, and since when and for how long its history can be seen (UTC). Of a table that is being "
		"restored it\n"
		"tells how far it is.\n",
	.run = run_status,
	.options = status_options,
};
