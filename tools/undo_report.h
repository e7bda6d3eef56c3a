/* An undo, told item by item and in sum: for people, or one JSON object a line.
 *
 * What is told of a change that is not committed yet is kept in a spool until it is, so that nobody who reads slowly keeps
 * other writers waiting, and nothing is told that did not happen. */
#ifndef PITR_TOOLS_UNDO_REPORT_H
#define PITR_TOOLS_UNDO_REPORT_H

#include "spool.h"
#include "tools/progress.h"
#include "undo.h"

struct undo_report {
	bool is_json, is_verbose, is_plan;
	const struct table *table;
	const char *into;      /* NULL: in place */
	char from[64], to[64]; /* the window's ends, in words */
	struct store_txn *txn; /* knows the authors */
	struct spool *spool;   /* NULL: told at once */
	struct buffer line;
	uint64_t items, conflicts, hidden; /* told so far, and those that were too many */
	struct progress progress;
};

/* For undo_plan and undo_apply: context is a report. */
int undo_report_item(void *context, const struct undo_item *item);
/* Tells what was kept, and the sum. 0 or negative errno. */
int undo_report_end(struct undo_report *report, const struct undo_counts *counts);
void undo_report_free(struct undo_report *report);

#endif
