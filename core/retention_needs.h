/* Which states of a table are needed. */
#ifndef PITR_RETENTION_NEEDS_H
#define PITR_RETENTION_NEEDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store.h"

/* Where a version ends that nothing follows. */
#define SEQ_NEVER UINT64_MAX

struct retention_needs {
	bool is_alive;    /* the table was not deleted */
	bool is_pinned;   /* at all */
	uint64_t floor;   /* every state from it on is needed; SEQ_NEVER: none for being late */
	uint64_t *points; /* and these, ascending */
	size_t count, room;
	int64_t due_us; /* nothing of this changes by itself before; INT64_MAX: nothing ever does */
};

/* As things stand at `now_us`, or as they will be when every pin is gone that has expired or belongs to a restored table of
 * which nothing is needed. Free with retention_needs_free, also after an error. */
int retention_needs_load(
	struct store_txn *txn, uint32_t table, int64_t now_us, bool is_foreseen, struct retention_needs *ret_needs);
void retention_needs_free(struct retention_needs *needs);

/* Is a state in [first, end) needed? */
bool retention_needs_any(const struct retention_needs *needs, uint64_t first, uint64_t end);

#endif
