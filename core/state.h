/* The counters in META: of the whole store, and of each table. Read by anyone, written only by batches. */
#ifndef PITR_STATE_H
#define PITR_STATE_H

#include <stdint.h>

#include "chain.h"
#include "store.h"

#define STORE_FORMAT 3

/* "s": u64 last commit time | varint commits | varint authors */
struct store_state {
	int64_t last_us; /* time of the last commit */
	uint64_t commits, authors;
};
int state_read(struct store_txn *txn, struct store_state *ret_state);
int state_write(struct store_txn *txn, const struct store_state *state);

/* "t" table: varints, in this order, and the head. A table that never changed has none: all zero but next_number. */
struct table_counters {
	uint64_t next_number, seq, items, bytes;
	int64_t first_us, last_us;
	struct chain head; /* after the last change (chain.h); zero: the table has had no change of its own yet */
};
int counters_read(struct store_txn *txn, uint32_t table, struct table_counters *ret_counters);
int counters_write(struct store_txn *txn, uint32_t table, const struct table_counters *counters);

#endif
