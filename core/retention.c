/* Invariants
 * 1. The store's record never says later than there is something to do: whoever makes something due earlier says so
 *    in the same transaction (retention_want_until).
 * 2. A table's floor never falls. */
#include "retention.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "layout.h"
#include "pin.h"
#include "retention_state.h"
#include "retention_work.h"
#include "state.h"

/* Some milliseconds. */
#define STEP_BUDGET 512
/* All tables are looked at so often at least, whatever the clock did. */
#define PASS_US (INT64_C(3600) * SECOND_US)

/* Of a deleted table of which nothing is left, the counters are gone too: no change is within what it had. */
static int check_above_floor(struct store_txn *txn, uint32_t table, uint64_t floor, uint64_t seq)
{
	struct table_counters counters;
	int r = seq ? counters_read(txn, table, &counters) : 0;
	if (r || !seq)
		return r;
	store_remember(txn, table, floor, counters.seq);
	return seq > counters.seq ? -ESTALE : 0;
}

int retention_check(struct store_txn *txn, uint32_t table, uint64_t seq)
{
	struct retention_table state;
	uint64_t floor, last;
	if (seq == SEQ_MAX || table == CATALOGUE)
		return 0;
	if (store_recall(txn, table, &floor, &last) && seq >= floor && seq <= last)
		return 0;
	int r = retention_table_read(txn, table, &state);
	if (r)
		return r;
	if (seq >= state.floor)
		return check_above_floor(txn, table, state.floor, seq);
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

int retention_trim_off(struct store_txn *txn, uint32_t table, uint64_t changes)
{
	return retention_work_off(txn, table, 2 * changes);
}

/* --- steps --- */

static bool is_idle(const struct retention_store *store, int64_t now_us)
{
	return now_us < store->due_us && store->due_us <= now_us + PASS_US;
}

static void add_counts(struct retention_counts *counts, const struct retention_counts *done)
{
	counts->versions += done->versions;
	counts->lives += done->lives;
	counts->log_blocks += done->log_blocks;
	counts->bytes += done->bytes;
	counts->pins += done->pins;
	counts->tables += done->tables;
}

/* Works on table after table from store->next_table on, which moves along. 1: the budget is spent; 0: no table is left. */
static int visit_tables(struct store_txn *txn, struct retention_store *store, struct retention_counts *counts)
{
	struct retention_budget budget = { STEP_BUDGET };
	int r;
	while (!(r = retention_next_table(txn, &store->next_table))) {
		int64_t due_us = INT64_MAX;
		r = budget.left > 0 ? retention_work(txn, store->next_table, store->now_us, &budget, counts, &due_us)
				    : 1;
		if (r)
			return r;
		if (due_us < store->next_due_us)
			store->next_due_us = due_us;
		store->next_table++;
	}
	return r == -ENOENT ? 0 : r;
}

/* Goes on with the pass over all tables. 1: it is not over, or the next is due already. When a table can't be worked on, negative,
 * with *ret_table telling which. */
static int go_on(struct store_txn *txn, int64_t now_us, struct retention_counts *counts, uint32_t *ret_table)
{
	struct retention_store store, meanwhile;
	int r = retention_store_read(txn, &store);
	if (r)
		return r;
	if (!store.next_table) {
		store.next_table = CATALOGUE + 1;
		store.next_due_us = now_us + PASS_US;
	}
	meanwhile = (struct retention_store){ .due_us = 0, .next_due_us = INT64_MAX };
	r = retention_store_write(txn, &meanwhile);
	store.now_us = now_us;
	if (!r)
		r = visit_tables(txn, &store, counts);
	*ret_table = store.next_table;
	/* What the work itself has made due was said there. */
	int read = r < 0 ? r : retention_store_read(txn, &meanwhile);
	if (read)
		return read;
	if (meanwhile.next_due_us < store.next_due_us)
		store.next_due_us = meanwhile.next_due_us;
	store.next_table = r ? store.next_table : 0;
	store.due_us = r ? 0 : store.next_due_us;
	int written = retention_store_write(txn, &store);
	return written ? written : r || store.due_us <= now_us;
}

/* What is damaged waits for somebody to look at it, and the other tables don't wait for that. */
static int pass_over(struct store_txn *txn, uint32_t table)
{
	struct retention_store store;
	int r = retention_store_read(txn, &store);
	store.next_table = table + 1;
	return r ? r : retention_store_write(txn, &store);
}

static int end_step(struct store_txn *txn, int r)
{
	if (r < 0) {
		store_abort(txn);
		return r;
	}
	int committed = store_commit(txn);
	return committed ? committed : r;
}

static int step(struct store *store, int64_t now_us, struct retention_counts *counts)
{
	struct store_txn *txn;
	uint32_t table = 0;
	int r = store_begin(store, true, &txn);
	if (r)
		return r;
	r = end_step(txn, go_on(txn, now_us, counts, &table));
	if (r == -EIO && table && !store_begin(store, true, &txn))
		end_step(txn, pass_over(txn, table));
	return r;
}

int retention_step(struct history *history, struct retention_counts *counts, struct error *error)
{
	struct retention_counts done = { 0 };
	struct retention_store state;
	struct store_txn *txn;
	int r = store_begin(history_store(history), false, &txn);
	if (!r) {
		int64_t now_us = history_now(history, txn);
		r = retention_store_read(txn, &state);
		store_abort(txn);
		if (!r && is_idle(&state, now_us))
			return 0;
		if (!r)
			r = step(history_store(history), now_us, &done);
	}
	if (r < 0)
		return error_set(error, r, "forget old changes of %s: %s", history_directory(history),
			r == -EIO ? "a stored record is damaged" : strerror(-r));
	if (counts)
		add_counts(counts, &done);
	return r;
}
