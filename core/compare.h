/* Comparing two states item for item: two snapshots, of one table or of two. Items are the same when their keys and
 * their canonical bytes are. Memory does not grow with the tables. */
#ifndef PITR_COMPARE_H
#define PITR_COMPARE_H

#include <stdint.h>

#include "error.h"
#include "snapshot.h"

struct compare_counts {
	uint64_t equal, missing, extra, different;
};

enum compare_kind {
	COMPARE_MISSING,   /* in the first only */
	COMPARE_EXTRA,     /* in the second only */
	COMPARE_DIFFERENT, /* in both */
};

/* Called for each item that is not the same; what is not there is empty. All borrowed. Negative ends the comparison with it. */
typedef int (*compare_each)(
	void *context, enum compare_kind kind, struct slice encoded_key, struct slice first, struct slice second);

/* `each` may be NULL. 0 also when they differ: the counts tell. */
int compare_snapshots(struct store_txn *txn, const struct snapshot *first, const struct snapshot *second,
	compare_each each, void *context, struct compare_counts *ret_counts, struct error *error);

/* Walks the items of a snapshot, those in partitions too. Negative from `each` ends it. */
typedef int (*compare_visit)(void *context, const struct node *item);
int compare_walk(struct store_txn *txn, const struct snapshot *snapshot, compare_visit visit, void *context);

#endif
