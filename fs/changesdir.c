/* The number of a file is its hour, counted from 1970, and above it what is left of the stream's mark. */
#include "changesdir.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "change_stream.h"
#include "clock.h"
#include "instant.h"
#include "mount.h"
#include "periods.h"

#define SUFFIX ".jsonl"
#define HOUR_DIGITS 13 /* 2025-03-01T12 */
#define HOUR_BITS 25
#define MARKS ((UINT64_C(1) << (NODE_NUMBER_BITS - HOUR_BITS)) - 1)

struct hour {
	uint64_t hour, number;
	struct change_stream *stream;
	bool is_for_ever; /* of a table whose window does not move */
};

static void name_of_hour(uint64_t hour, char name[INSTANT_TEXT_MAX])
{
	instant_format((int64_t)hour * HOUR_US, name, INSTANT_TEXT_MAX);
	strcpy(name + HOUR_DIGITS, SUFFIX);
}

static int hour_of_name(struct slice name, uint64_t *ret_hour)
{
	char text[INSTANT_TEXT_MAX];
	struct instant instant;
	int length;

	if (name.size != HOUR_DIGITS + strlen(SUFFIX))
		return -ENOENT;
	length = snprintf(text, sizeof(text), "%.*s:00", HOUR_DIGITS, (const char *)name.data);
	if (instant_parse(slice_of(text, (size_t)length), NULL, &instant, NULL) < 0 || instant.kind != INSTANT_AT)
		return -ENOENT;
	*ret_hour = (uint64_t)(instant.time_us / HOUR_US);
	name_of_hour(*ret_hour, text);
	return slice_equal(name, slice_of_text(text)) ? 0 : -ENOENT;
}

static bool is_of_store(const struct view *view)
{
	return view->table.number == CATALOGUE;
}

static int open_stream(struct mount *mount, struct store_txn *txn, struct view *view, struct hour *hour)
{
	int64_t from_us = (int64_t)hour->hour * HOUR_US;
	struct table table;
	int result;

	if (is_of_store(view))
		return change_stream_open(mount->history, txn, NULL, from_us, from_us + HOUR_US, &hour->stream);
	result = attree_table(txn, view, &table);
	if (result < 0)
		return result;
	hour->is_for_ever = table.is_pitr_on && table.period_days == 0;
	result = change_stream_open(mount->history, txn, &table, from_us, from_us + HOUR_US, &hour->stream);
	table_free(&table);
	return result;
}

/* -ENOENT: nothing has changed in that hour. */
static int open_hour(
	struct mount *mount, struct store_txn *txn, struct view *view, uint64_t hour, struct hour *ret_hour)
{
	uint64_t mark;
	int result;

	*ret_hour = (struct hour){ .hour = hour };
	result = open_stream(mount, txn, view, ret_hour);
	if (result < 0)
		return result;
	if (change_stream_size(ret_hour->stream) == 0) {
		change_stream_close(ret_hour->stream);
		return -ENOENT;
	}
	mark = change_stream_mark(ret_hour->stream);
	ret_hour->number = branch_number(hour) | (mark == 0 ? 0 : 1 + mark % MARKS) << HOUR_BITS;
	return 0;
}

/* The kernel may hold the name for the file it was, and is to look it up again. */
static int open_number(
	struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, struct hour *ret_hour)
{
	uint64_t hour = (number & ((UINT64_C(1) << HOUR_BITS) - 1)) - branch_number(0);
	char name[INSTANT_TEXT_MAX];
	int result;

	if (hour > (uint64_t)(TIME_MAX_US / HOUR_US))
		return -ENOENT;
	result = open_hour(mount, txn, view, hour, ret_hour);
	if (result == 0 && ret_hour->number != number) {
		change_stream_close(ret_hour->stream);
		result = -ESTALE;
	}
	if (result == -ENOENT)
		result = -ESTALE;
	if (result == -ESTALE) {
		name_of_hour(hour, name);
		notifier_drop(mount->notifier, nodeid_of(view->slot, NUMBER_DIRECTORY), slice_of_text(name));
	}
	return result;
}

/* An hour of the store may still grow by an import; one of a table does not once the table's log has gone on beyond it. What leaves
 * the window some day is looked at anew each time. */
static int node_of_hour(
	struct store_txn *txn, const struct view *view, const struct hour *hour, struct branch_node *ret_node)
{
	struct table_statistics statistics = { 0 };
	int result = change_stream_last(hour->stream, &ret_node->time_us);

	ret_node->is_file = true;
	ret_node->size_bytes = change_stream_size(hour->stream);
	if (result == 0 && !is_of_store(view))
		result = table_statistics(txn, view->table.number, &statistics);
	ret_node->is_settled = hour->is_for_ever && change_stream_mark(hour->stream) == 0 &&
			       statistics.last_us / HOUR_US > (int64_t)hour->hour;
	return result;
}

static int node_of_directory(struct store_txn *txn, const struct view *view, struct branch_node *ret_node)
{
	struct table_statistics statistics;
	int result;

	if (is_of_store(view))
		return history_last_commit(txn, &ret_node->time_us);
	result = table_statistics(txn, view->table.number, &statistics);
	ret_node->time_us = statistics.last_us > 0 ? statistics.last_us : view->table.created_us;
	return result;
}

static int find_hour(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, struct slice name,
	struct branch_entry *ret_entry, struct error *error)
{
	struct hour hour;
	uint64_t wanted;
	int result = hour_of_name(name, &wanted);

	(void)number, (void)error;
	if (result == 0)
		result = open_hour(mount, txn, view, wanted, &hour);
	if (result < 0)
		return result;
	change_stream_close(hour.stream);
	*ret_entry = (struct branch_entry){ .view = view_hold(view), .number = hour.number };
	return 0;
}

static int list_hour(
	struct mount *mount, struct store_txn *txn, struct view *view, uint64_t hour, branch_each each, void *context)
{
	struct branch_node node = { 0 };
	struct branch_entry entry = { .view = view };
	char name[INSTANT_TEXT_MAX];
	struct hour open;
	int result = open_hour(mount, txn, view, hour, &open);

	if (result < 0)
		return result == -ENOENT ? 1 : result;
	result = node_of_hour(txn, view, &open, &node);
	change_stream_close(open.stream);
	if (result < 0)
		return result;
	entry.number = open.number;
	name_of_hour(hour, name);
	return each(context, hour + 1, name, &entry, &node) ? 1 : 0;
}

/* The place of an hour is the one after it. */
static int list_hours(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, uint64_t after,
	branch_each each, void *context)
{
	struct periods *periods = NULL;
	struct table table = { 0 };
	int64_t time_us = after > (uint64_t)(TIME_MAX_US / HOUR_US) ? TIME_MAX_US : (int64_t)after * HOUR_US;
	int result = is_of_store(view) ? 0 : attree_table(txn, view, &table);

	(void)number;
	if (result == 0)
		result = periods_open(mount->history, txn, is_of_store(view) ? NULL : &table, &periods);
	table_free(&table);
	if (result == 0)
		result = 1;
	while (result == 1 && (result = periods_next(periods, time_us, &time_us)) == 0) {
		uint64_t hour = (uint64_t)(time_us / HOUR_US);

		result = list_hour(mount, txn, view, hour, each, context);
		time_us = (int64_t)(hour + 1) * HOUR_US;
	}
	periods_close(periods);
	return result == -ENOENT ? 0 : result;
}

static int changes_node(
	struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, struct branch_node *ret_node)
{
	struct hour hour;
	int result;

	*ret_node = (struct branch_node){ 0 };
	if (number == NUMBER_DIRECTORY)
		return node_of_directory(txn, view, ret_node);
	result = open_number(mount, txn, view, number, &hour);
	if (result < 0)
		return result;
	result = node_of_hour(txn, view, &hour, ret_node);
	change_stream_close(hour.stream);
	return result;
}

static int read_hour(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, uint64_t offset,
	size_t size, struct buffer *out)
{
	struct hour hour;
	int result = open_number(mount, txn, view, number, &hour);

	if (result < 0)
		return result;
	result = change_stream_read(hour.stream, offset, size, out);
	change_stream_close(hour.stream);
	return result;
}

const struct branch changesdir = { .find = find_hour, .list = list_hours, .node = changes_node, .read = read_hour };
