/* Items named on the command line as in a mount: TABLE/NAME, TABLE/PARTITION/NAME, TABLE/@TIME/NAME, NAME.json@TIME. */
#ifndef PITR_TOOLS_ITEM_PATH_H
#define PITR_TOOLS_ITEM_PATH_H

#include "item_json.h"
#include "snapshot.h"
#include "tools/tool.h"

struct item_path {
	char *text; /* owned; the parts point into it */
	const char *table;
	const char *partition; /* NULL: none was given */
	const char *name;      /* with .json */
	const char *at;        /* NULL: none was given */
	char *name_text;       /* owned */
};

/* Takes apart the words of the command line (one or more; several are parts of one path). 0, or -EINVAL and why not. */
int item_path_parse(
	const struct tool *tool, char *const *words, size_t count, struct item_path *ret_path, struct error *error);
void item_path_free(struct item_path *path);

/* The encoded key that the path names in a table, existing or not, appended to `out`. */
int item_path_key(struct store_txn *txn, const struct table *table, const struct item_path *path, struct buffer *out,
	struct error *error);

/* An item's path within its table, NAME.json or PARTITION/NAME.json, appended to `out`. */
int item_path_of_key(struct slice encoded_key, struct buffer *out);

/* The table of that name as it is. -ENOENT in words for people. */
int item_path_live_table(struct store_txn *txn, const char *name, struct table *ret_table, struct error *error);

/* The table of the path, and its snapshot at `at` (NULL: live). The table is the one that had the name then. */
int item_path_table(struct tool *tool, struct store_txn *txn, const char *name, const char *at, struct table *ret_table,
	struct snapshot *ret_snapshot, struct error *error);

/* Says that there is no such item; -ENOENT. `at` may be NULL. */
int item_path_absent(const struct table *table, const struct item_path *path, const char *at, struct error *error);

/* The form of JSON that --json=FORM or --dynamodb asks for. STATUS_DONE, or said what is wrong. */
int item_form_option(const struct tool *tool, enum item_form *ret_form);

#endif
