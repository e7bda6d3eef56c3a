/* What `pitr diff` prints: for people as git does, or as JSON, an item at a time. */
#ifndef PITR_TOOLS_DIFF_REPORT_H
#define PITR_TOOLS_DIFF_REPORT_H

#include <stdbool.h>

#include "difference.h"
#include "table.h"

#define DIFF_PLACE_MAX 320

struct diff_report {
	enum { DIFF_PATCH, DIFF_STAT, DIFF_NAMES, DIFF_JSON } kind;
	const struct table *table;
	struct store_txn *txn;                         /* knows the authors */
	char from[DIFF_PLACE_MAX], to[DIFF_PLACE_MAX]; /* directories in the mount, for the two states */
	uint64_t added, removed, changed, changes, lines_added, lines_removed;
	struct buffer text;
};

/* Prints an item that is different. 0 or negative errno; then nothing of it was printed or counted. */
int diff_report_item(struct diff_report *report, const struct difference *difference);
/* Prints the sums, where they are asked for. */
int diff_report_end(struct diff_report *report);
void diff_report_free(struct diff_report *report);

#endif
