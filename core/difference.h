/* What is different between two states of a table, item by item, at the cost of the changes between them.
 *
 * Walks the changes between the two and meets each item at its first change there; items that are the same again in the second state are
 * passed over. The states may be given in either order: what came between them is then told backwards. */
#ifndef PITR_DIFFERENCE_H
#define PITR_DIFFERENCE_H

#include <stdint.h>

#include "log.h"
#include "store.h"
#include "table.h"

enum difference_kind { DIFFERENCE_ADDED = 1, DIFFERENCE_REMOVED, DIFFERENCE_CHANGED };

struct difference {
	enum difference_kind kind;
	struct slice encoded_key;       /* all borrowed until the next step */
	struct slice before, after;     /* canonical items in the first and second state; empty: not there */
	uint64_t number;                /* of the node in the state that has it; the second's when both do */
	uint64_t before_seq, after_seq; /* of the versions; 0: not there */
	uint64_t place;                 /* the item's first change between the states: above 0, ascending */
	struct log_entry last;          /* its last change between the states */
	uint64_t changes;               /* how many between the states; counted only when asked for */
};

struct difference_walk {
	struct store_txn *txn;
	uint32_t table;
	uint64_t from, to; /* change numbers of the two states */
	bool is_counting;  /* fill `changes` (a look at each change): set after difference_begin */
	struct log_walk log;
	struct buffer before, after, key;
};

/* Goes on beyond a place (0: from the beginning). Both states must be readable, and so must all between them: -ESTALE. SEQ_MAX: as it
 * is now. difference_end is called in any case. */
int difference_begin(struct difference_walk *walk, struct store_txn *txn, uint32_t table, uint64_t from, uint64_t to,
	uint64_t after_place);
int difference_next(struct difference_walk *walk, struct difference *ret_difference); /* 1, 0 at the end, negative */
void difference_end(struct difference_walk *walk);

/* That of one key, or of the item whose first change is at a place, wherever the walk is. -ENOENT: it is the same in both, or is met
 * elsewhere. */
int difference_of(struct difference_walk *walk, struct slice encoded_key, struct difference *ret_difference);
int difference_at(struct difference_walk *walk, uint64_t place, struct difference *ret_difference);

struct difference_counts {
	uint64_t added, removed, changed;
	uint64_t changes; /* in the log between the states */
};
int difference_count(
	struct store_txn *txn, uint32_t table, uint64_t from, uint64_t to, struct difference_counts *ret_counts);

#endif
