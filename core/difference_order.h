/* What is different between two states of a table with a sort key (difference.h), in order of partitions: found out once, by a walk over
 * all of it, then looked up anywhere by any number of threads. What is damaged stands there too, where its key is known. Memory does not grow with it: what is much goes to a temporary file. */
#ifndef PITR_DIFFERENCE_ORDER_H
#define PITR_DIFFERENCE_ORDER_H

#include "difference.h"

struct difference_order;

/* `directory` is where files will be, if some are needed. Errors of difference_begin, and the file system's. */
int difference_order_new(struct store_txn *txn, uint32_t table, uint64_t from, uint64_t to, const char *directory,
	struct difference_order **ret_order);
void difference_order_free(struct difference_order *order); /* NULL is fine */

/* Partitions that have a difference of that kind, by their position in the order: the first beyond `after` (0: of all), and the place of the
 * first difference of the kind in it. 1, 0 at the end, negative. */
int difference_order_next(const struct difference_order *order, enum difference_kind kind, uint64_t after,
	uint64_t *ret_position, uint64_t *ret_place);
/* The first difference of that kind in a partition (its encoded part of the key) beyond a place. 1, 0: there is none, negative. */
int difference_order_in(const struct difference_order *order, enum difference_kind kind, struct slice partition,
	uint64_t after, uint64_t *ret_place);

#endif
