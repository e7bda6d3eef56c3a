/* Tables by name for those who ask about the past: also dropped ones whose window is kept, and items in them. */
#ifndef PITR_TOOLS_TOLD_TABLE_H
#define PITR_TOOLS_TOLD_TABLE_H

#include "reach.h"
#include "tools/item_path.h"

struct told_table {
	struct table table;
	struct reach reach;
	int64_t ended_us; /* TIME_NOW: it lives */
};
/* The living table of the name, else the one that had it last. -ENOENT in words for people. */
int told_table_find(
	struct tool *tool, struct store_txn *txn, const char *name, struct told_table *ret_table, struct error *error);
void told_table_free(struct told_table *table);
/* Its state at an instant (item_path.h), also when it was dropped after that. `at` NULL: as it is, or was last, which is said. */
int told_table_state(struct tool *tool, struct store_txn *txn, const char *name, const char *at,
	struct told_table *ret_table, struct snapshot *ret_snapshot, struct error *error);

/* The encoded key of the item that the words name (item_path.h) in it, appended to `out`. */
int told_table_item(struct tool *tool, struct store_txn *txn, const struct item_path *path,
	struct told_table *ret_table, struct buffer *out, struct error *error);

/* Says that there is no such item, and when it went, if it was there; -ENOENT. `at` may be NULL. */
int told_table_absent(struct store_txn *txn, const struct told_table *table, const struct item_path *path,
	struct slice encoded_key, const char *at, struct error *error);

#endif
