/* How far retention is: in each table, and in the store. Written by steps, and by whoever gives them work. */
#ifndef PITR_RETENTION_STATE_H
#define PITR_RETENTION_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "chain.h"
#include "store.h"

/* META "g" table := varint floor | byte sweep | varint node | varint change [ | 32 bytes anchor ] */
enum retention_sweep {
	SWEEP_NONE,
	SWEEP_WANTED,
	SWEEP_RUNNING,
	SWEEP_AGAIN, /* running, and wanted once more from the beginning */
};
struct retention_table {
	uint64_t floor; /* UINT64_MAX: the table is gone, only pinned states are left */
	enum retention_sweep sweep;
	uint64_t number, seq; /* where a running sweep goes on (retention_place) */
	/* The head of the chain after change `floor`, from which what is left is verified. Unknown after damage, and not needed where nothing
	 * was forgotten, or everything (change_chain.h). */
	bool is_anchored;
	struct chain anchor;
};
/* A table of which nothing was forgotten yet has no record: all zero. */
int retention_table_read(struct store_txn *txn, uint32_t table, struct retention_table *ret_state);
int retention_table_write(struct store_txn *txn, uint32_t table, const struct retention_table *state);

/* META "h" := varint due | varint next table | varint next due */
struct retention_store {
	int64_t due_us;      /* nothing is to be done before */
	uint32_t next_table; /* the pass over all tables goes on here */
	int64_t now_us;      /* not stored */
	int64_t next_due_us; /* the least of the tables it has passed, and of what was said meanwhile */
};
int retention_store_read(struct store_txn *txn, struct retention_store *ret_state);
int retention_store_write(struct store_txn *txn, const struct retention_store *state);

/* The first table with a number >= *number of which anything is stored, or was to be looked at. -ENOENT: there is none. */
int retention_next_table(struct store_txn *txn, uint32_t *number);

#endif
