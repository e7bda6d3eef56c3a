#include "tools/log_stat.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/output.h"
#include "tools/recovery.h"
#include "tools/screen.h"

static const char others[] = "(others)";

static size_t row_of(struct log_stat *stat, struct slice author)
{
	char label[AUTHOR_LABEL_MAX];
	author_label(author, label);
	for (size_t i = 0; i < stat->count; i++)
		if (strcmp(stat->rows[i].author, label) == 0)
			return i;
	bool is_full = stat->count >= LOG_STAT_AUTHORS;
	if (stat->count <= LOG_STAT_AUTHORS)
		strcpy(stat->rows[stat->count++].author, is_full ? others : label);
	return stat->count - 1;
}

static size_t known_row(struct log_stat *stat, const struct change *change)
{
	size_t place = change->entry.author % LOG_STAT_KNOWN;
	if (stat->known[place].number != change->entry.author + 1) {
		stat->known[place].row = row_of(stat, change->author);
		stat->known[place].number = change->entry.author + 1;
	}
	return stat->known[place].row;
}

static void add_to(struct log_stat_row *row, const struct log_entry *entry)
{
	row->inserts += entry->op == CHANGE_INSERT;
	row->modifications += entry->op == CHANGE_MODIFY;
	row->removals += entry->op == CHANGE_REMOVE;
	row->growth_bytes += entry->growth_bytes;
	if (row->first_us == 0 || entry->time_us < row->first_us)
		row->first_us = entry->time_us;
	if (entry->time_us > row->last_us)
		row->last_us = entry->time_us;
}

void log_stat_add(struct log_stat *stat, const struct change *change)
{
	add_to(&stat->rows[known_row(stat, change)], &change->entry);
	add_to(&stat->sum, &change->entry);
}

/* --- Telling -------------------------------------------------------------------------------------------------------- */

static uint64_t total(const struct log_stat_row *row)
{
	return row->inserts + row->modifications + row->removals;
}

static int compare_rows(const void *a, const void *b)
{
	const struct log_stat_row *left = a, *right = b;
	if (total(left) != total(right))
		return total(left) > total(right) ? -1 : 1;
	return strcmp(left->author, right->author);
}

/* A number in its column, in colour when there is something to see. */
static void append_count(struct buffer *out, uint64_t count, enum screen_role role)
{
	buffer_append_format(out, "  %s%10" PRIu64 "%s", count > 0 ? screen_color(role) : "", count,
		count > 0 ? screen_color(SCREEN_PLAIN) : "");
}

static void append_row(struct buffer *out, const struct log_stat_row *row, const char *author)
{
	char size[24], growth[32], first[INSTANT_TEXT_MAX], last[INSTANT_TEXT_MAX];
	output_size((uint64_t)llabs(row->growth_bytes), size, sizeof(size));
	snprintf(growth, sizeof(growth), "%s%s", row->growth_bytes < 0 ? "-" : "+", size);
	append_count(out, row->inserts, SCREEN_ADDED);
	append_count(out, row->modifications, SCREEN_CHANGED);
	append_count(out, row->removals, SCREEN_REMOVED);
	buffer_append_format(out, "  %9s  %-26s  %-26s  %s\n", growth, recovery_time(row->first_us, first),
		recovery_time(row->last_us, last), author);
}

static void append_json(struct buffer *out, const struct log_stat_row *row, const char *author)
{
	buffer_append_byte(out, '{');
	recovery_append_text(out, "author", author);
	buffer_append_format(out,
		",\"inserts\":%" PRIu64 ",\"modifications\":%" PRIu64 ",\"removals\":%" PRIu64
		",\"growthBytes\":%" PRId64,
		row->inserts, row->modifications, row->removals, row->growth_bytes);
	recovery_append_time(out, "first", row->first_us);
	recovery_append_time(out, "last", row->last_us);
	buffer_append_text(out, "}\n");
}

void log_stat_append(struct log_stat *stat, bool is_json, struct buffer *out)
{
	qsort(stat->rows, stat->count, sizeof(*stat->rows), compare_rows);
	memset(stat->known, 0, sizeof(stat->known));
	if (!is_json)
		buffer_append_format(out, "%s  %10s  %10s  %10s  %9s  %-26s  %-26s  %s%s\n",
			screen_color(SCREEN_HEADER), "INSERTS", "MODIFIES", "REMOVALS", "SIZE", "FIRST", "LAST",
			"AUTHOR", screen_color(SCREEN_PLAIN));
	for (size_t i = 0; i < stat->count; i++)
		(is_json ? append_json : append_row)(out, &stat->rows[i], stat->rows[i].author);
	if (!is_json && stat->count != 1)
		append_row(out, &stat->sum, "in all");
}
