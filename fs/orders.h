/* Differences of tables with a sort key in order of partitions (difference_order.h), kept for those who list them: a few at a time, which
 * stay what they are. */
#ifndef PITR_FS_ORDERS_H
#define PITR_FS_ORDERS_H

#include "difference_order.h"
#include "history.h"

#define ORDERS_KEPT 4

struct orders;
struct kept_order;

int orders_new(struct orders **ret_orders);
void orders_free(struct orders *orders); /* NULL is fine */

/* That of two states, held. What it takes when it is not kept follows the changes between the two. */
int orders_get(struct orders *orders, struct history *history, struct store_txn *txn, uint32_t table, uint64_t from,
	uint64_t to, struct kept_order **ret_kept);
const struct difference_order *orders_order(const struct kept_order *kept);
void orders_put(struct kept_order *kept); /* NULL is fine */

#endif
