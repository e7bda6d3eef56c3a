/* What `pitr find-when` prints: moments at which a condition begins or ends to hold, each a line for people or a JSON object. */
#ifndef PITR_TOOLS_FIND_REPORT_H
#define PITR_TOOLS_FIND_REPORT_H

#include <stdbool.h>

#include "bytes.h"
#include "find_when.h"

struct find_report {
	struct store_txn *txn;
	const struct table *table;
	struct slice item_name; /* its path in the table; empty: the condition is on the whole table */
	uint64_t low;           /* the state that was looked at first, */
	int64_t low_us;         /* and the instant */
	bool is_ended;          /* the table was dropped */
	bool is_list;           /* all moments are told, so each says what it is */
	bool is_counting;       /* moments know the number of items */
	bool is_json;
	uint64_t found; /* moments told so far */
};

int find_report_moment(struct find_report *report, const struct find_moment *moment);

#endif
