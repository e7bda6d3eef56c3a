#include "change_chain.h"

#include <errno.h>

#include "change.h"
#include "lineage.h"
#include "log.h"
#include "retention_needs.h"
#include "retention_state.h"
#include "state.h"

int chain_anchor_read(struct store_txn *txn, const struct table *table, struct chain_anchor *ret_anchor)
{
	struct retention_table state;
	struct lineage lineage = { 0 };
	int r = retention_table_read(txn, table->number, &state);
	if (!r)
		r = lineage_read(txn, table->number, &lineage);
	if (r && r != -ENOENT)
		return r;
	if (state.floor == SEQ_NEVER)
		return -ENOENT;
	if (state.floor > lineage.base) {
		*ret_anchor = (struct chain_anchor){ state.floor, state.is_anchored, state.anchor };
		return 0;
	}
	*ret_anchor = (struct chain_anchor){ .seq = lineage.base, .is_known = true };
	chain_begin(table->id, lineage.base, &ret_anchor->head);
	return 0;
}

int chain_add_changes(struct store_txn *txn, const struct table *table, uint64_t from, uint64_t to, struct chain *chain)
{
	struct change_reader reader = { 0 };
	struct buffer line = BUFFER_INIT;
	struct log_walk walk;
	struct log_entry entry;
	int r = log_walk_begin(&walk, txn, table->number, from + 1);
	for (uint64_t seq = from + 1; !r && seq <= to; seq++) {
		r = log_walk_next(&walk, &entry);
		r = r < 0 ? r : r == 1 && entry.seq == seq ? 0 : -EIO;
		buffer_clear(&line);
		if (!r)
			r = change_read(&reader, txn, table->number, &entry);
		if (!r)
			r = change_append_line(table, &reader.change, &line);
		if (!r)
			chain_add(chain, buffer_slice(&line));
	}
	buffer_free(&line);
	change_reader_free(&reader);
	return r;
}

int chain_head_from(struct store_txn *txn, const struct table *table, const struct chain_anchor *anchor, uint64_t seq,
	struct chain *ret_head)
{
	uint64_t first;
	int r = log_chain_before(txn, table->number, seq + 1, &first, ret_head);
	if (!r && first == seq + 1)
		return 0;
	r = log_chain_before(txn, table->number, seq, &first, ret_head);
	if (r && seq != anchor->seq)
		return r == -ENOENT ? -EIO : r;
	if (r || first <= anchor->seq) {
		if (!anchor->is_known)
			return -EIO;
		*ret_head = anchor->head;
		first = anchor->seq + 1;
	}
	return chain_add_changes(txn, table, first - 1, seq, ret_head);
}

int chain_head_at(struct store_txn *txn, const struct table *table, uint64_t seq, struct chain *ret_head)
{
	struct table_counters counters;
	struct chain_anchor anchor;
	int r = counters_read(txn, table->number, &counters);
	if (r || seq > counters.seq)
		return r ? r : -ENOENT;
	if (seq == counters.seq && counters.first_us) {
		*ret_head = counters.head;
		return 0;
	}
	r = chain_anchor_read(txn, table, &anchor);
	if (r || seq < anchor.seq)
		return r && r != -ENOENT ? r : -ESTALE;
	return chain_head_from(txn, table, &anchor, seq, ret_head);
}
