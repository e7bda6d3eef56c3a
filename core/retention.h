/* Retention: forgetting what no window, backup, hold or restored table needs any more, in small transactions.
 *
 * Of a table is needed: every state from the first change of its window on (nothing but the live state when it keeps no
 * history, nothing at all when it is deleted), and the state at each pin, for a range every state from it on. A version is
 * needed while it is part of a needed state. What leaves the window is found by walking the log from the last floor
 * to the new one, so the cost follows what is forgotten; when a pin goes, and for deleted tables, the whole table is
 * swept once, in steps.
 *
 * The floor of a table is the first change number whose state is whole; below it only pinned states are. It is moved
 * in the transaction that drops the first thing below it, and who reads the past asks retention_check in the same transaction
 * as what it reads: a state is shown whole or not at all.
 *
 * Never dropped: the log block that tells the state at the floor; what hides something inherited (lineage.h);
 * the catalogue.
 *
 * How far it is stands in META "g" and "h" (retention_state.h). */
#ifndef PITR_RETENTION_H
#define PITR_RETENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "history.h"
#include "store.h"
#include "table.h"

/* Is the state after change `seq` still whole? 0, or -ESTALE. SEQ_MAX always is. One or two reads. */
int retention_check(struct store_txn *txn, uint32_t table, uint64_t seq);

/* What was forgotten, or would be. */
struct retention_counts {
	uint64_t versions, lives, log_blocks; /* dropped */
	uint64_t bytes;                       /* of stored keys and values */
	uint64_t pins;                        /* that had expired */
	uint64_t tables;                      /* deleted ones of which nothing is left */
};

/* One small transaction's worth of work (some milliseconds) for the whole store: takes expired pins away, then goes on where the
 * last step stopped. Adds to *counts (may be NULL). 1: there is more to do; 0: nothing is; negative errno. */
int retention_step(struct history *history, struct retention_counts *counts, struct error *error);

/* What retention_step, again and again, would forget of a table now (UINT32_MAX: of all), without writing. */
int retention_preview(
	struct history *history, uint32_t table, struct retention_counts *ret_counts, struct error *error);

/* Within a batch, for a table that keeps no history: forgets what its last changes left behind, two for each that was made. */
int retention_trim_off(struct store_txn *txn, uint32_t table, uint64_t changes);

/* Wants the whole table looked at again: a pin went, or the table. */
int retention_want_sweep(struct store_txn *txn, uint32_t table);
/* Says that there may be something to do from then on (0: now): settings changed, a pin ends, old changes were imported. */
int retention_want_until(struct store_txn *txn, int64_t due_us);

#endif
