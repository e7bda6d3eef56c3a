#include "tools/told_table.h"

#include <errno.h>
#include <string.h>

#include "told_tables.h"

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
