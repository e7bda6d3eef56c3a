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
	int64_t from_us, to_us;                /* changes with from <= time <= to; 0 and INT64_MAX: all */
	uint64_t from_seq, to_seq;             /* and, where not 0, with these numbers at least and at most */
	const struct expression *const *where; /* each holds for the item before or after the change */
	size_t where_count;
	const char *const *by; /* one of these patterns (author_match.h) */
	size_t by_count;
	unsigned ops; /* 1 << enum change_op each; 0: all */
	/* A line of the item before or after, as it stands in its file but for a comma at its end, that the other has not; NULL: none. */
	const regex_t *grep;
	struct slice encoded_key; /* of one item; empty: all. Then only its versions are looked at */
	bool is_brief; /* entries and authors are enough: contents are read only where conditions need them */
	/* Called now and then, however few are chosen; may be NULL. */
	void (*progress)(void *context, uint64_t looked_at);
	void *progress_context;
};

/* The changes of a table that are chosen, oldest first or newest first. Cheap conditions are looked at before contents are read; memory is
 * bounded. A change of which a version is damaged is told with what there is, and is chosen if that may be; one whose entry is damaged is counted only. Everything given
 * is borrowed until the end. */
struct change_walk;
int change_walk_begin(struct store_txn *txn, const struct table *table, const struct reach *reach,
	const struct change_filter *filter, bool is_newest_first, struct change_walk **ret_walk, struct error *error);
/* 1 and the next change, borrowed until the next step; 0 at the end; negative. */
int change_walk_next(struct change_walk *walk, const struct change **ret_change);
/* How many changes could not be read whole so far, and the first of them. */
uint64_t change_walk_damaged(const struct change_walk *walk, uint64_t *ret_first_seq);
void change_walk_end(struct change_walk *walk); /* NULL is fine */

#endif
