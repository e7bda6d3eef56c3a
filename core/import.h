/* Bringing recorded changes into a table's history.
 *
 * Two passes. The first reads and checks every line into a spool; a bad line ends the run with nothing written (or is
 * set aside with skip_bad). Records are brought into the order of time, then sequence number. The second applies them
 * in batches. An import that was interrupted leaves a clean prefix; running it again recognises what is there already
 * and goes on. A table's history can only grow at its end: a record at or before the table's last change that is not
 * already there is refused (-ERANGE). Items without times all get one time: now, or `time_us`. */
#ifndef PITR_IMPORT_H
#define PITR_IMPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "history.h"
#include "key.h"
#include "record.h"

struct import;

struct import_options {
	const char *table; /* NULL: from the records (Kinesis tableName, eventSourceARN) */
	/* For a new table; NULL: from Keys when they have one attribute. A type of 0 is taken from the first record. */
	const struct key_schema *schema;
	bool skip_bad;
	int64_t time_us;             /* for records without times; 0: now */
	struct slice author;         /* author text for ordinary changes */
	struct slice ttl_author;     /* for deletions by the service */
	const char *spool_directory; /* NULL: the store's directory */
	/* With skip_bad, for each line that is left out; a negative errno ends the run. */
	int (*bad_line)(void *context, const char *source, uint64_t line, struct slice text, const struct error *error);
	/* Called often, `lines` read and `applied` of `total` records so far; total is 0 while lines are read. */
	void (*progress)(void *context, uint64_t lines, uint64_t applied, uint64_t total);
	void *context;
};

struct import_counts {
	uint64_t lines;                         /* read, without empty ones */
	uint64_t changes;                       /* records among them that were good */
	uint64_t inserted, modified, removed;   /* brought in */
	uint64_t unchanged, already_there, bad; /* not, and why: no change, repeated or in the history before */
	int64_t first_us, last_us;              /* of the good records; 0 when there is none */
};

/* What the options point to is borrowed until import_free. */
int import_new(struct history *history, const struct import_options *options, struct import **ret_import);
/* Reads one source; several may follow each other. `source` names it in messages. -EINVAL, -EFBIG: a bad line, or one
 * without the table's key. After a failure the import can only be freed. */
int import_read(struct import *import, int fd, const char *source, struct error *error);
/* Applies what was read, once. -ERANGE: the table's history has gone on since then, and not like this. On failure the
 * counts tell what was brought in before. */
int import_apply(struct import *import, struct import_counts *ret_counts, struct error *error);
/* The table everything goes into, once a record was read; "" before. */
const char *import_table(const struct import *import);
void import_free(struct import *import);

#endif
