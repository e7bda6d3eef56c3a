/* Retention's work on one table. */
#ifndef PITR_RETENTION_WORK_H
#define PITR_RETENTION_WORK_H

#include "retention.h"

/* What a transaction may still do, about as many records to look at or change. */
struct retention_budget {
	int64_t left;
};

/* Does what there is to do for a table, as far as the budget goes. 1: there is more; 0: nothing is left, and nothing will be
 * before *ret_due_us; negative. */
int retention_work(struct store_txn *txn, uint32_t table, int64_t now_us, struct retention_budget *budget,
	struct retention_counts *counts, int64_t *ret_due_us);

/* For a table that keeps no history: moves its floor over at least so many changes. */
int retention_work_off(struct store_txn *txn, uint32_t table, uint64_t changes);

#endif
