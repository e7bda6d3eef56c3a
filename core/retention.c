/* Invariants
 * 1. The store's record never says later than there is something to do: whoever makes something due earlier says so
 *    in the same transaction (retention_want_until).
 * 2. A table's floor never falls. */
#include "retention.h"

#include <errno.h>

#include "layout.h"
#include "pin.h"
#include "retention_state.h"

int retention_check(struct store_txn *txn, uint32_t table, uint64_t seq)
{
	struct retention_table state;
	if (seq == SEQ_MAX || table == CATALOGUE)
		return 0;
	int r = retention_table_read(txn, table, &state);
	if (r || seq >= state.floor)
		return r;
	r = pin_covers(txn, table, seq, NULL);
	return r < 0 ? r : r ? 0 : -ESTALE;
}

int retention_want_until(struct store_txn *txn, int64_t due_us)
{
	struct retention_store store;
	int r = retention_store_read(txn, &store);
	if (r || (due_us >= store.due_us && due_us >= store.next_due_us))
		return r;
	if (due_us < store.due_us)
		store.due_us = due_us;
	if (due_us < store.next_due_us)
		store.next_due_us = due_us;
	return retention_store_write(txn, &store);
}

int retention_want_sweep(struct store_txn *txn, uint32_t table)
{
	struct retention_table state;
	int r = retention_table_read(txn, table, &state);
	if (r)
		return r;
	bool is_running = state.sweep == SWEEP_RUNNING || state.sweep == SWEEP_AGAIN;
	state.sweep = is_running ? SWEEP_AGAIN : SWEEP_WANTED;
	r = retention_table_write(txn, table, &state);
	return r ? r : retention_want_until(txn, 0);
}
