/* Which changes a command is about: --from, --to, --by, --op, --where and --grep, as far as its options have them. */
#ifndef PITR_TOOLS_CHANGE_CHOICE_H
#define PITR_TOOLS_CHANGE_CHOICE_H

#include <regex.h>

#include "change_filter.h"
#include "tools/progress.h"
#include "tools/tool.h"

struct change_choice {
	struct change_filter filter;
	struct expression **where;
	regex_t regex;
	bool has_regex;
	struct progress progress;
};

/* Reads the options. The filter's times are set by change_choice_window. STATUS_DONE, or said what is wrong. */
int change_choice_parse(struct tool *tool, struct change_choice *choice);
/* What --from and --to mean: for a table, or (NULL) for the whole store. 0, or -EINVAL, -ENOENT. */
int change_choice_window(struct tool *tool, struct store_txn *txn, const struct table *table, const struct reach *reach,
	struct change_choice *choice, struct error *error);
void change_choice_free(struct change_choice *choice);

/* Does it choose by what only items have? */
bool change_choice_is_of_items(const struct change_choice *choice);

/* "insert", "modify", "remove", as --op takes them. */
const char *change_choice_op_name(enum change_op op);

#endif
