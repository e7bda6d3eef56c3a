/* Runs a command in the directories of snapshots, as `git bisect run` does in those of commits: in a mount of the store that is there, or in
 * one made for the purpose, which is gone afterwards. */
#ifndef PITR_TOOLS_FIND_COMMAND_H
#define PITR_TOOLS_FIND_COMMAND_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "tools/tool.h"

struct find_command {
	const char *table;
	bool is_ended;    /* the table was dropped: it stands only in the store as of an instant */
	char **arguments; /* ends in NULL */
	char point[PATH_MAX];
	bool is_own; /* the mount is */
};

/* Finds or makes a mount in which the table can be seen at that instant. From here on signals are held back until find_command_end. */
int find_command_begin(struct find_command *command, const struct tool *tool, const char *table, bool is_ended,
	char **arguments, int64_t time_us, struct error *error);
/* Runs it with the table as of an instant around it: 1 exit status 0, 0 another up to 127, 2 status 125; -EINTR: a signal came; negative
 * when it could not be run, or ended otherwise. Its standard output is the standard error. */
int find_command_run(struct find_command *command, int64_t time_us, struct error *error);
/* Takes a mount of its own away. The signal that came meanwhile is then what ends the program. */
void find_command_end(struct find_command *command);

/* Where a mount has a table as of an instant: orders/@2025-03-01T12:30:00/, of one that was dropped @2025-03-01T12:30:00/orders/. */
void find_command_path(const char *table, bool is_ended, int64_t time_us, struct buffer *out);

#endif
