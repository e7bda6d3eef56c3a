#include "tools/told_table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "layout.h"
#include "told_tables.h"
#include "versions.h"

int told_table_find(
	struct tool *tool, struct store_txn *txn, const char *name, struct told_table *ret_table, struct error *error)
{
	struct told_table told = { 0 };
	int result = told_tables_find(txn, slice_of_text(name), &told.table, &told.ended_us);
	if (result == -ENOENT)
		return error_set(error, result, "there is no table %s, and none that had the name is kept", name);
	if (result == 0) {
		result = reach_of(tool->history, txn, &told.table, &told.reach);
		if (result < 0)
			table_free(&told.table);
	}
	if (result < 0)
		return error_set(error, result, "the history of %s could not be read: %s", name, strerror(-result));
	*ret_table = told;
	return 0;
}

void told_table_free(struct told_table *table)
{
	table_free(&table->table);
}

int told_table_item(struct tool *tool, struct store_txn *txn, const struct item_path *path,
	struct told_table *ret_table, struct buffer *out, struct error *error)
{
	int result = told_table_find(tool, txn, path->table, ret_table, error);
	if (result < 0)
		return result;
	result = item_path_key(txn, &ret_table->table, path, out, error);
	if (result < 0)
		told_table_free(ret_table);
	return result;
}

/* Of what was dropped, every state that is kept can be asked for by its instant, or by the number of a change. */
static int state_of_ended(struct tool *tool, struct store_txn *txn, const struct told_table *told, const char *at,
	struct snapshot *ret_snapshot, struct error *error)
{
	struct instant instant;
	char time[INSTANT_TEXT_MAX];
	*ret_snapshot = (struct snapshot){
		.table = told->table.number, .seq = told->reach.last_seq, .time_us = told->ended_us
	};
	if (!at) {
		instant_format(told->ended_us, time, sizeof(time));
		tool_say("pitr: %s was dropped at %s; this is its last state", told->table.name, time);
	}
	int result = at ? tool_instant(tool, at, &instant, error) : 0;
	return result == 0 && at ? snapshot_resolve(tool->history, txn, &told->table, &instant, ret_snapshot, error)
				 : result;
}

/* What was found by a time at which it was there may have ended since. */
static int find_end(struct store_txn *txn, struct told_table *told)
{
	struct node node;
	int result = node_read(txn, CATALOGUE, told->table.number, SEQ_MAX, &node, NULL);
	if (result == 0 && node.version.is_removal)
		told->ended_us = node.version.time_us;
	return result;
}

int told_table_state(struct tool *tool, struct store_txn *txn, const char *name, const char *at,
	struct told_table *ret_table, struct snapshot *ret_snapshot, struct error *error)
{
	struct told_table told = { .ended_us = TIME_NOW };
	int result = item_path_table(tool, txn, name, at, &told.table, ret_snapshot, error);
	if (result == 0 && ((result = find_end(txn, &told)) < 0 ||
				   (result = reach_of(tool->history, txn, &told.table, &told.reach)) < 0))
		error_set(error, result, "the history of %s could not be read: %s", name, strerror(-result));
	if (result == -ENOENT && told_table_find(tool, txn, name, &told, NULL) == 0 && told.ended_us != TIME_NOW)
		result = state_of_ended(tool, txn, &told, at, ret_snapshot, error);
	if (result < 0) {
		told_table_free(&told);
		return result;
	}
	if (error)
		*error = (struct error){ 0 };
	*ret_table = told;
	return 0;
}

int told_table_absent(struct store_txn *txn, const struct told_table *table, const struct item_path *path,
	struct slice encoded_key, const char *at, struct error *error)
{
	char time[INSTANT_TEXT_MAX];
	struct node node;
	int result = item_path_absent(&table->table, path, at, error);
	uint64_t last = table->reach.last_seq;
	if (at || versions_before(txn, table->table.number, encoded_key, last + 1, &node, NULL) < 0 ||
		!node.version.is_removal || node.version.seq <= table->reach.first_seq)
		return result;
	instant_format(node.version.time_us, time, sizeof(time));
	size_t length = strlen(error->message);
	snprintf(error->message + length, sizeof(error->message) - length,
		"; it was removed at %s, and @seq-%" PRIu64 " is the last state that has it", time,
		node.version.seq - 1);
	return result;
}
