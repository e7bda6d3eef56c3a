/* What is different between two versions of an item, as people read it: the lines of its file in the mount, in the hunks of a
 * unified diff. */
#ifndef PITR_TOOLS_ITEM_DIFF_H
#define PITR_TOOLS_ITEM_DIFF_H

#include <stdbool.h>
#include <stdint.h>

#include "item_json.h"
#include "table.h"

/* Appends the hunks ("@@ -1,4 +1,5 @@", then lines that begin with ' ', '-' or '+'), without a header; nothing when both are equal. Of an
 * item that is not there (empty) all lines are told. -EIO: damaged bytes. */
int item_diff_append(const struct table *table, struct slice before, struct slice after, enum item_form form,
	bool is_colored, struct buffer *out);

/* How many lines differ. */
int item_diff_count(const struct table *table, struct slice before, struct slice after, enum item_form form,
	uint64_t *ret_added, uint64_t *ret_removed);

#endif
