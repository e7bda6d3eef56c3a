/* Bringing recorded changes into a table's history.
 *
 * Two passes. The first reads and checks every line into a spool; a bad line ends the run with nothing written (or is
 * set aside with skip_bad). Records are brought into the order of time, then sequence number. The second applies them in
 * batches. An import that was interrupted leaves a clean prefix; running it again recognises what is there already and
 * goes on. A table's history can only grow at its end: a record at or before the table's last change that is not already there is
 * refused (-ERANGE). Items without times all get one time: now, or `time_us`. */
#ifndef PITR_IMPORT_H
#define PITR_IMPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "history.h"
#include "key.h"
#include "record.h"

struct import;

struct import_options {
	const char *table;                       /* NULL: from the records (Kinesis tableName, eventSourceARN) */
	const struct key_schema *schema;         /* for a new table; NULL: from Keys when they have one attribute */
	bool skip_bad;
	int64_t time_us;                         /* for items without times; 0: now */
	struct slice author;                     /* author text for ordinary changes */
	struct slice ttl_author;                 /* for deletions by the service */
	const char *spool_directory;             /* NULL: the store's directory */
	void (*bad_line)(void *context, const char *source, uint64_t line, struct slice text, const struct error *error);
	void (*progress)(void *context, uint64_t read, uint64_t applied, uint64_t total);      /* total 0: not known yet */
	void *context;
};

struct import_counts {
	uint64_t lines, changes, inserted, modified, removed, unchanged, already_there, bad;
	int64_t first_us, last_us;
};

int import_new(struct history *history, const struct import_options *options, struct import **ret_import);
/* Reads one source; several may follow each other. `source` names it in messages. */
int import_read(struct import *import, int fd, const char *source, struct error *error);
/* Applies what was read. */
int import_apply(struct import *import, struct import_counts *ret_counts, struct error *error);
void import_free(struct import *import);

#endif
