/* Keys that are gone: an index of the last lives of those keys that are not there now. Written with the change that removes an item,
 * and taken away with the one that brings its key back or when its end has left what can be told; so that what is gone is listed at the
 * cost of what is listed, however large the table.
 *
 * INDEX  table 'g' <encoded key> 01 01 01 -> of an item: varint change | varint node
 *                                            of a partition that has such items: varint how many | varint time of the last change here
 * An item's record tells the change that ended it. A restored table has records for what it ended itself. */
#ifndef PITR_GONE_H
#define PITR_GONE_H

#include <stdint.h>

#include "bytes.h"
#include "reach.h"
#include "store.h"
#include "table.h"

/* Within a batch: an item's life has ended; its key has come back, or its end can't be told any more (nothing happens when there is no
 * record, or when it is of another life: number 0 is any). */
int gone_add(struct store_txn *txn, uint32_t table, struct slice encoded_key, uint64_t seq, uint64_t number,
	int64_t time_us);
int gone_remove(struct store_txn *txn, uint32_t table, struct slice encoded_key, uint64_t number, int64_t time_us);

struct gone {
	struct slice encoded_key; /* of an item, or of a partition; borrowed from the transaction */
	uint64_t seq, number; /* of an item: the change that ended it, its last life; a partition: 0, and some place */
	uint64_t items;       /* of a partition: how many are gone in it */
	int64_t time_us;      /* of a partition: when one last went or came */
};

/* What is gone in a table (partitions that have gone items, when it has a sort key), or in a partition, beyond a place (0: from the
 * beginning), within the reach. Calls `each` for one after the other until it returns false. */
int gone_list(struct store_txn *txn, const struct table *table, const struct reach *reach, struct slice partition,
	uint64_t after_place, bool (*each)(void *context, uint64_t place, const struct gone *gone), void *context);
/* One by its key. -ENOENT: it is not gone, or never was, or went before the reach. */
int gone_find(struct store_txn *txn, const struct table *table, const struct reach *reach, struct slice encoded_key,
	struct gone *ret_gone);

#endif
