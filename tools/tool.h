/* What every verb of the command line shares: the store, the clock's zone, talking, and exit statuses.
 *
 * stdout is data, stderr is talk. A failure is told in one line, "pitr: what failed: why", perhaps with a hint below.
 */
#ifndef PITR_TOOL_H
#define PITR_TOOL_H

#include <stdbool.h>

#include "batch.h"
#include "bytes.h"
#include "error.h"
#include "history.h"
#include "instant.h"
#include "tools/options.h"

enum { STATUS_DONE = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

enum tool_color { TOOL_COLOR_AUTO, TOOL_COLOR_ALWAYS, TOOL_COLOR_NEVER };

struct tool {
	const char *verb;
	int argc; /* the whole command line, as it was given */
	char **argv;
	int verb_argc; /* what follows the verb */
	char **verb_argv;
	struct option *options; /* of the verb, parsed, ending in one without a name */
	struct positionals positionals;
	char *store;               /* path of the store */
	struct history *history;   /* once open */
	struct instant_zone *zone; /* NULL: UTC */
	const char *reason;        /* kept with what is changed; NULL: PITR_REASON */
	bool is_unpaged;           /* --no-pager (screen.h) */
	enum tool_color color;     /* --color (screen.h) */
};

struct verb {
	const char *name;
	const char *summary;           /* one line for the list of verbs; NULL: not listed */
	const char *usage;             /* what follows "pitr NAME" */
	const char *help;              /* the rest of --help */
	int (*run)(struct tool *tool); /* the exit status */
	struct option *options;        /* NULL: the verb parses its own */
};

/* All print one line on stderr and return the status named. */
int tool_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
int tool_fail_error(const struct error *error);
/* The status of something that returned `result`; says the error unless it went well. */
int tool_finish(int result, const struct error *error);
/* The same, where -EINVAL is a question that can't be asked like that: wrong usage. */
int tool_answer(const struct tool *tool, int result, const struct error *error);
int tool_usage(const struct tool *tool, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A line on stderr that is no failure. */
void tool_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Parses what follows the verb into tool->options, and what all verbs take (--store, --tz, --no-pager, --color). STATUS_DONE, or said what is
 * wrong. */
int tool_parse(struct tool *tool);

/* Opens the store; a store that cannot be written will do unless `is_writable`. STATUS_DONE, or said what is wrong. */
int tool_open(struct tool *tool, bool is_writable);

/* For verbs that ask: starts the pager, if it is to be paged (screen.h), opens the store, and does `work` in one transaction. `work` gives an
 * exit status, or a negative errno, which is said as tool_answer does. The exit status. */
enum tool_paging { TOOL_PLAIN, TOOL_PAGED };
typedef int (*tool_work)(struct store_txn *txn, void *context, struct error *error);
int tool_ask(struct tool *tool, enum tool_paging paging, tool_work work, void *context);

/* The author of what this command does, as text (author.h). `by` is "pitr" or "import". */
void tool_author(const struct tool *tool, struct buffer *out);
void tool_import_author(const char *source, const char *service, struct buffer *out);

/* A time given on the command line. 0 or -EINVAL. */
int tool_instant(const struct tool *tool, const char *text, struct instant *ret_instant, struct error *error);

/* Reads a file, or standard input for "-", whole. */
int tool_read_file(const char *path, struct buffer *out, struct error *error);

/* One change by this command: a batch with the author noted. */
struct tool_change {
	struct batch *batch;
	struct change_context context;
};
int tool_begin(struct tool *tool, struct tool_change *ret_change, struct error *error);

#endif
