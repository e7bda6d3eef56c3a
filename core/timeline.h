/* How many inserts, modifications and removals there were over time: counts for equal stretches of time. */
#ifndef PITR_TIMELINE_H
#define PITR_TIMELINE_H

#include <stdint.h>

#include "log.h"
#include "reach.h"
#include "store.h"
#include "table.h"

struct timeline_bin {
	uint64_t inserts, modifications, removals;
	uint64_t items; /* of the table at the bin's end */
};

/* Counts the changes with from <= time < to into `count` bins of equal length. Costs the changes. */
int timeline_count(struct store_txn *txn, const struct table *table, const struct reach *reach, int64_t from_us,
	int64_t to_us, struct timeline_bin *ret_bins, size_t count);

/* A length of bins that people count in (1, 2, 5, 10, 15, 30 s or min, 1, 2, 3, 6, 12 h, 1, 2, 7, 14, 28 days, and twice that again and again)
 * so that from <= time < to needs at most `most` (2 or more) of them, and the beginning of the first: a multiple of it. */
int64_t timeline_bin_us(int64_t from_us, int64_t to_us, size_t most, int64_t *ret_begin_us);

/* The last change within the reach at or before `time_us`; where there is none, the state the reach begins with, as an entry with its number,
 * items and bytes. */
int timeline_at(struct store_txn *txn, const struct table *table, const struct reach *reach, int64_t time_us,
	struct log_entry *ret_entry);

#endif
