/* Choosing changes: by time, author, operation, condition and pattern; what log, find and their kind have in common. */
#ifndef PITR_CHANGE_FILTER_H
#define PITR_CHANGE_FILTER_H

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

#include "change.h"
#include "expression.h"
#include "reach.h"

struct change_filter {
	int64_t from_us, to_us;                /* changes with from <= time <= to */
	uint64_t from_seq, to_seq;             /* and, where not 0, with these numbers at least and at most */
	const struct expression *const *where; /* each holds for the item before or after the change */
	size_t where_count;
	const char *const *by; /* one of these patterns (author_match.h) */
	size_t by_count;
	unsigned ops; /* 1 << enum change_op each; 0: all */
	const regex_t *
		grep; /* a line of the item before or after, as it stands in its file, that the other has not; NULL: none */
	struct slice encoded_key; /* of one item; empty: all. Then only its versions are looked at */
};

/* Calls `each` for every change that is chosen, oldest first, or newest first when `is_newest_first`, until it returns other than 0, which is
 * returned. Cheap conditions are looked at before contents are read. */
typedef int (*change_each)(void *context, const struct change *change);
int change_filter_walk(struct store_txn *txn, const struct table *table, const struct reach *reach,
	const struct change_filter *filter, bool is_newest_first, change_each each, void *context, struct error *error);

#endif
