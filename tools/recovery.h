/* What the verbs of recovery have in common: states named on the command line, changes in one commit, and columns. */
#ifndef PITR_TOOLS_RECOVERY_H
#define PITR_TOOLS_RECOVERY_H

#include "pin.h"
#include "restore.h"
#include "snapshot.h"
#include "tools/tool.h"

/* A state of a table: TABLE, TABLE@TIME or TABLE/@TIME. The texts point into `text`. */
struct state_word {
	char *text; /* owned */
	const char *table;
	const char *at; /* NULL: the table as it is */
};
int state_word_parse(const char *word, struct state_word *ret_word, struct error *error);
void state_word_free(struct state_word *word);
/* The table that had the name then, and its state. */
int state_word_find(struct tool *tool, struct store_txn *txn, const struct state_word *word, struct table *ret_table,
	struct snapshot *ret_snapshot, struct error *error);

/* Does `work` in one commit, or nothing of it. */
int recovery_change(struct tool *tool, int (*work)(struct tool_change *change, void *context, struct error *error),
	void *context, struct error *error);

/* The name a pinned table had, though it may be gone by now. */
int recovery_table_name(struct store_txn *txn, const struct pin *pin, char ret_name[256], bool *ret_is_gone);

/* A backup by its ARN, or as TABLE/NAME. */
int recovery_find_backup(struct store_txn *txn, const char *word, struct pin *ret_pin, struct error *error);

/* An instant as it is written in columns, "-" for 0. */
const char *recovery_time(int64_t time_us, char text[INSTANT_TEXT_MAX]);
/* ,"name":"2025-03-01T12:30:00Z"; nothing for 0. */
void recovery_append_time(struct buffer *out, const char *name, int64_t time_us);
/* "name":"text", with a comma in front unless it is the first in its object. */
void recovery_append_text(struct buffer *out, const char *name, const char *text);

/* Prints what was gathered, when all went well; else says why not. The status. */
int recovery_print(int result, const struct error *error, const struct buffer *text);
/* Opens the store, and prints what `list` gathers from it; says `none` when that is nothing. `table`: the one that was asked
 * for, "" for all. The status. */
int recovery_list(struct tool *tool,
	int (*list)(struct store_txn *txn, const char *table, bool is_json, struct buffer *out), const char *table,
	bool is_json, const char *none);

#endif
