#include "told_tables.h"

#include <errno.h>

#include "layout.h"
#include "node.h"

/* A table as it was right before its end. 1; 0: it lives. */
static int load_ended(struct store_txn *txn, uint32_t number, struct table *ret_table, int64_t *ret_ended_us)
{
	struct node node;
	int r = node_read(txn, CATALOGUE, number, SEQ_MAX, &node, NULL);
	if (r || !node.version.is_removal)
		return r;
	*ret_ended_us = node.version.time_us;
	r = table_load(txn, number, *ret_ended_us - 1, ret_table);
	return r ? r : 1;
}

/* Windows of ended tables are kept by pins of ranges. */
static int next_ended(struct told_walk *walk, struct store_txn *txn, struct table *ret_table, int64_t *ret_ended_us)
{
	struct pin pin;
	int r;
	while ((r = pin_next(txn, UINT32_MAX, &walk->pins, &pin)) == 1) {
		if (!pin.is_range || pin.table == walk->ended)
			continue;
		walk->ended = pin.table;
		r = load_ended(txn, pin.table, ret_table, ret_ended_us);
		if (r && r != -ENOENT)
			return r;
	}
	return r;
}

int told_tables_next(struct told_walk *walk, struct store_txn *txn, struct table *ret_table, int64_t *ret_ended_us)
{
	if (!walk->is_past_living) {
		int r = table_list(txn, TIME_NOW, &walk->living, ret_table);
		*ret_ended_us = TIME_NOW;
		if (r)
			return r;
		walk->is_past_living = true;
	}
	return next_ended(walk, txn, ret_table, ret_ended_us);
}

int told_tables_find(struct store_txn *txn, struct slice name, struct table *ret_table, int64_t *ret_ended_us)
{
	struct told_walk walk = { .is_past_living = true };
	struct table table;
	int64_t ended_us;
	int r = table_find(txn, name, TIME_NOW, ret_table, NULL);
	*ret_ended_us = r ? 0 : TIME_NOW;
	if (r != -ENOENT)
		return r == -EINVAL ? -ENOENT : r;
	while ((r = told_tables_next(&walk, txn, &table, &ended_us)) == 1) {
		if (ended_us <= *ret_ended_us || !slice_equal(slice_of_text(table.name), name)) {
			table_free(&table);
			continue;
		}
		if (*ret_ended_us)
			table_free(ret_table);
		*ret_table = table;
		*ret_ended_us = ended_us;
	}
	if (r && *ret_ended_us)
		table_free(ret_table);
	return r ? r : *ret_ended_us ? 0 : -ENOENT;
}
