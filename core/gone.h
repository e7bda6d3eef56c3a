/* Keys that are gone: an index of the last lives of those keys that are not there now. Written with the change that removes an item,
 * and taken away with the one that brings its key back or when its end has left what can be told; so that what is gone is listed at the
 * cost of what is listed, however large the table.
 *
 * INDEX  table 'g' number         -> item of a table without sort key:      byte NODE_ITEM | varint change
 *                                    partition that items are gone from:    byte NODE_PARTITION | its hash
 *        table 'h' hash           -> that partition: varint number | varint items | varint time | encoded key
 *        table 'h' hash number    -> item: varint change
 *
 * An item's number is that of its last life, its change the one that ended it. A partition's number is that of its life in which an item
 * last went; its time is that of the last change here. So what is gone stands in the order of its birth, between what lives
 * (roster.h), and where it stood while it lived. A restored table has records for what it ended itself. */
#ifndef PITR_GONE_H
#define PITR_GONE_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "layout.h"
#include "node.h"
#include "reach.h"
#include "store.h"
#include "table.h"

/* Within a batch: an item's life in a directory (0: the table, else a partition's number) has ended; its key has come back, or its end
 * can't be told any more (time_us 0). Of what has no record, gone_remove changes nothing. 1: something was taken away, 0, negative. */
int gone_add(struct store_txn *txn, uint32_t table, struct slice encoded_key, uint64_t directory, uint64_t number,
	uint64_t seq, int64_t time_us);
int gone_remove(struct store_txn *txn, uint32_t table, struct slice encoded_key, uint64_t directory, uint64_t number,
	int64_t time_us);

struct gone {
	enum node_kind kind;
	uint64_t number;          /* of an item: its last life */
	struct slice encoded_key; /* borrowed from the transaction */
	int64_t time_us;          /* when it went; of a partition: when one last went or came back */
	uint64_t seq;             /* of an item: the change that ended it */
	uint64_t items;           /* of a partition: how many are gone from it, some perhaps before the reach */
};

/* Walks what is gone in a table (partitions that items are gone from, when it has a sort key), or in a partition (its encoded key), beyond a
 * number (0: from the beginning), within the reach, by number. What can't be read is passed over. */
struct gone_walk {
	struct store_txn *txn;
	const struct table *table;
	struct reach reach;
	bool is_begun, is_listed; /* in the table itself */
	struct layout_key at;
	struct store_cursor *cursor;
};
int gone_walk_begin(struct gone_walk *walk, struct store_txn *txn, const struct table *table, const struct reach *reach,
	struct slice partition, uint64_t after);
int gone_walk_next(struct gone_walk *walk, struct gone *ret_gone); /* 1, 0 at the end, negative */
void gone_walk_end(struct gone_walk *walk);

/* One by its key, or by its number. -ENOENT: it is not gone, or never was, or went before the reach. */
int gone_find(struct store_txn *txn, const struct table *table, const struct reach *reach, struct slice encoded_key,
	struct gone *ret_gone);
int gone_number(struct store_txn *txn, const struct table *table, const struct reach *reach, uint64_t number,
	struct gone *ret_gone);

#endif
