/* When something changed: the days, hours and seconds with changes, of a table or of the whole store. A few seeks for each
 * that is given; those without changes cost nothing. */
#ifndef PITR_PERIODS_H
#define PITR_PERIODS_H

#include <stdint.h>

#include "history.h"
#include "store.h"
#include "table.h"

#define HOUR_US (INT64_C(3600) * SECOND_US)

/* The tables that are looked at: one, or every one of the store that has a reach, ended ones too; with their reaches. */
struct periods;
int periods_open(struct history *history, struct store_txn *txn, const struct table *table /* NULL: the store */,
	struct periods **ret_periods);
void periods_close(struct periods *periods); /* before the transaction ends; NULL is fine */

/* The time of the first change at or after `time_us` that can be told. -ENOENT: none. */
int periods_next(struct periods *periods, int64_t time_us, int64_t *ret_time_us);
/* The time of the last change at or before it. -ENOENT: none. */
int periods_last(struct periods *periods, int64_t time_us, int64_t *ret_time_us);

#endif
