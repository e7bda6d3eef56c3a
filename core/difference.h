/* What is different between two states of a table, item by item, at the cost of the changes between them.
 *
 * Walks the changes between the two and meets each item at its first change there; items that are the same again in the second state are
 * passed over. The states may be given in either order: what came between them is then told backwards.
 *
 * What is damaged keeps nothing else from being told: an item that can't be read is met all the same, as -EIO with what is known of it, and
 * changes whose entries in the log can't be read are passed over and counted. An item is then met at the first of its changes that can be
 * read there; when that is none, only its key finds it, as -EIO. */
#ifndef PITR_DIFFERENCE_H
#define PITR_DIFFERENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "log.h"
#include "store.h"
#include "table.h"

enum difference_kind { DIFFERENCE_ADDED = 1, DIFFERENCE_REMOVED, DIFFERENCE_CHANGED };

struct difference {
	enum difference_kind kind;      /* of what is damaged and could be any: DIFFERENCE_CHANGED */
	bool is_damaged;                /* -EIO was said: `before` and `after` are empty */
	struct slice encoded_key;       /* all borrowed until the next step; empty: not known, as the item is damaged */
	struct slice before, after;     /* canonical items in the first and second state; empty: not there */
	uint64_t number;                /* of the node in the state that has it; the second's when both do */
	uint64_t before_seq, after_seq; /* of the versions; 0: not there */
	uint64_t place;                 /* the item's first change between the states: above 0, ascending */
	struct log_entry last;          /* its last change between the states; of what is damaged, the one at `place` */
	uint64_t changes;               /* how many between the states; counted only when asked for */
};

struct difference_walk {
	struct store_txn *txn;
	uint32_t table;
	uint64_t from, to; /* change numbers of the two states */
	bool is_counting;  /* fill `changes` (a look at each change): set after difference_begin */
	uint64_t unread;   /* changes passed over so far, as the log is damaged there */
	struct log_walk log;
	bool is_in_log;
	uint64_t at, read_from; /* the next change; all from read_from on up to it could be read */
	struct buffer before, after, key;
};

/* Goes on beyond a place (0: from the beginning). Both states must be kept, and so must all between them: -ESTALE. SEQ_MAX: as it
 * is now. difference_end is called in any case. */
int difference_begin(struct difference_walk *walk, struct store_txn *txn, uint32_t table, uint64_t from, uint64_t to,
	uint64_t after_place);
/* 1; 0 at the end; -EIO: there is an item here that can't be read, or a change of which not even the item is known (then there is no key):
 * the next step goes on after it. Other errors end the walk. */
int difference_next(struct difference_walk *walk, struct difference *ret_difference);
void difference_end(struct difference_walk *walk);

/* That of one key, or of the item whose first change is at a place, wherever the walk is. -ENOENT: it is the same in both, or is met
 * elsewhere. -EIO: it can't be read; *ret_difference tells what is known, with place 0 when not even its change could be found. */
int difference_of(struct difference_walk *walk, struct slice encoded_key, struct difference *ret_difference);
int difference_at(struct difference_walk *walk, uint64_t place, struct difference *ret_difference);

struct difference_counts {
	uint64_t added, removed, changed;
	uint64_t damaged; /* items that can't be read, and changes of which not even the item is known */
	uint64_t changes; /* in the log between the states */
};
int difference_count(
	struct store_txn *txn, uint32_t table, uint64_t from, uint64_t to, struct difference_counts *ret_counts);

#endif
