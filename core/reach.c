#include "reach.h"

#include <errno.h>

#include "log.h"
#include "retention_needs.h"
#include "retention_state.h"
#include "state.h"

int reach_begin(struct store_txn *txn, const struct table *table, int64_t earliest_us, uint64_t *ret_first_seq)
{
	struct retention_table state;
	struct log_entry entry;
	int r = retention_table_read(txn, table->number, &state);
	if (r)
		return r;
	if (earliest_us <= table->exists_from_us)
		r = log_base(txn, table->number, &entry);
	else
		r = log_at_time(txn, table->number, earliest_us, &entry);
	*ret_first_seq = r ? 0 : entry.seq;
	if (state.floor != SEQ_NEVER && *ret_first_seq < state.floor)
		*ret_first_seq = state.floor;
	return r == -ENOENT ? 0 : r;
}

int reach_of(struct history *history, struct store_txn *txn, const struct table *table, struct reach *ret_reach)
{
	struct table_counters counters;
	int64_t latest_us;
	int r = table_window(txn, table, history_now(history, txn), &ret_reach->earliest_us, &latest_us);
	if (!r)
		r = counters_read(txn, table->number, &counters);
	if (!r)
		r = reach_begin(txn, table, ret_reach->earliest_us, &ret_reach->first_seq);
	if (r)
		return r;
	if (ret_reach->first_seq > counters.seq)
		return -EIO;
	ret_reach->last_seq = counters.seq;
	return 0;
}
