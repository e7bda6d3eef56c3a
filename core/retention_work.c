/* Invariants
 * 1. What a step drops lies below the floor that the same transaction writes.
 * 2. Between steps a version below the floor is there only when it is needed, or when a sweep that is wanted or
 *    running has not come by yet.
 * 3. What is left of a table can be verified: the anchor is worked out while what it takes is still there. */
#include "retention_work.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "change_chain.h"
#include "log.h"
#include "pin.h"
#include "retention_node.h"
#include "retention_state.h"
#include "state.h"

#define ENTRIES_MAX 256u

struct work {
	struct retention_trim trim;
	struct retention_table state, before;
	struct retention_budget *budget;
};

/* --- pins --- */

/* Takes pins away that have expired. 1: some are left. */
static int end_pins(struct store_txn *txn, uint32_t table, int64_t now_us, struct retention_budget *budget,
	struct retention_counts *counts)
{
	struct pin_place place = { 0 };
	struct pin pin;
	int r;
	while ((r = pin_next(txn, table, &place, &pin)) == 1) {
		if (!pin.expires_us || pin.expires_us > now_us)
			continue;
		if (budget->left <= 0)
			return 1;
		r = pin_remove(txn, &pin);
		if (r)
			return r;
		counts->pins++;
		budget->left -= 4;
	}
	return r;
}

/* --- the window --- */

struct left {
	uint64_t number, first, last;
	bool is_removed;
};

static int compare_left(const void *a, const void *b)
{
	const struct left *x = a, *y = b;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->first < y->first ? -1 : x->first > y->first;
}

/* The changes that leave the window next. Returns how many nodes they are of; *floor is the last of them. A damaged block of
 * the log is passed over: then the table is swept. */
static int read_left(struct work *work, uint64_t target, struct left left[ENTRIES_MAX], uint64_t *floor)
{
	struct log_walk walk;
	struct log_entry entry;
	unsigned count = 0;
	*floor = work->state.floor;
	int r = log_walk_begin(&walk, work->trim.txn, work->trim.table, work->state.floor + 1);
	for (unsigned i = 0; !r && i < ENTRIES_MAX; i++) {
		r = log_walk_next(&walk, &entry);
		if (r <= 0 || entry.seq > target) {
			r = r < 0 ? r : 0;
			*floor = r ? *floor : target;
			break;
		}
		r = 0;
		*floor = entry.seq;
		/* At the end of a block the chain's head is known. */
		if (!walk.left && i >= ENTRIES_MAX - LOG_BLOCK_MAX)
			i = ENTRIES_MAX;
		if (entry.op != CHANGE_INSERT)
			left[count++] = (struct left){ entry.number, entry.seq, entry.seq, entry.op == CHANGE_REMOVE };
	}
	if (r == -EIO) {
		*floor = target;
		work->state.sweep = work->state.sweep >= SWEEP_RUNNING ? SWEEP_AGAIN : SWEEP_WANTED;
	} else if (r) {
		return r;
	}
	return (int)count;
}

static int trim_left(struct work *work, struct left *left, unsigned count)
{
	int r = 0;
	qsort(left, count, sizeof(*left), compare_left);
	for (unsigned i = 0, next; i < count && !r; i = next) {
		for (next = i + 1; next < count && left[next].number == left[i].number; next++)
			;
		const struct left *last = &left[next - 1];
		r = retention_trim_changes(&work->trim, left[i].number, left[i].first, last->last, last->is_removed);
	}
	return r;
}

static int anchor_at(struct work *work, uint64_t floor, struct chain *ret_head)
{
	struct store_txn *txn = work->trim.txn;
	struct retention_table *state = &work->state;
	struct table table;
	struct table_counters counters;
	int r = counters_read(txn, work->trim.table, &counters);
	if (!r && floor == counters.seq) {
		*ret_head = counters.head;
		return 0;
	}
	if (!r)
		r = table_load_last(txn, work->trim.table, &table);
	if (r)
		return r;
	uint64_t base = work->trim.has_parent ? work->trim.lineage.base : 0;
	struct chain_anchor anchor = { state->floor, state->is_anchored || state->floor <= base, state->anchor };
	if (state->floor <= base)
		chain_begin(table.id, base, &anchor.head);
	r = chain_head_from(txn, &table, &anchor, floor, ret_head);
	table_free(&table);
	return r;
}

/* Nothing waits for what is damaged: then the chain can be followed only from a later block on. */
static int move_anchor(struct work *work, uint64_t floor)
{
	struct chain head;
	int r = anchor_at(work, floor, &head);
	work->state.is_anchored = !r;
	if (!r)
		work->state.anchor = head;
	return r == -EIO || r == -ENOENT || r == -ESTALE ? 0 : r;
}

/* Moves the floor up by what one read of the log gives. */
static int trim_window(struct work *work)
{
	struct left left[ENTRIES_MAX];
	uint64_t wanted = work->trim.needs.floor, floor;
	if (wanted == SEQ_NEVER) {
		/* Of a deleted table: nothing but pinned states is left, wherever they are. */
		work->state.floor = SEQ_NEVER;
		work->state.is_anchored = false;
		work->state.sweep = SWEEP_WANTED;
		return 0;
	}
	int count = read_left(work, wanted, left, &floor);
	if (count < 0)
		return count;
	int r = move_anchor(work, floor);
	if (r)
		return r;
	work->trim.needs.floor = floor;
	r = trim_left(work, left, (unsigned)count);
	work->trim.needs.floor = wanted;
	work->state.floor = floor;
	return r;
}

/* --- the log --- */

/* 1: some blocks are left. */
static int trim_log(struct work *work)
{
	struct retention_trim *trim = &work->trim;
	struct layout_key key;
	size_t bytes;
	int r;
	while (!(r = log_unneeded(trim->txn, trim->table, 0, work->state.floor, &key, &bytes))) {
		if (work->budget->left <= 0)
			return 1;
		r = store_delete(trim->txn, STORE_LOG, layout_slice(&key));
		if (r)
			return r;
		trim->counts->log_blocks++;
		trim->counts->bytes += bytes;
		work->budget->left--;
	}
	return r == -ENOENT ? 0 : r;
}

/* --- sweeps --- */

static void settle_budget(struct work *work)
{
	work->budget->left -= (int64_t)work->trim.work;
	work->trim.work = 0;
}

/* 1: the sweep goes on, or begins again. */
static int sweep(struct work *work)
{
	struct retention_table *state = &work->state;
	struct retention_place place = { state->number, state->seq };
	uint64_t wanted = work->trim.needs.floor;
	int r = 0;
	if (state->sweep == SWEEP_WANTED) {
		state->sweep = SWEEP_RUNNING;
		place = (struct retention_place){ 0, SEQ_MAX };
	}
	work->trim.needs.floor = state->floor;
	while (!r && work->budget->left > 0) {
		r = retention_trim_pack(&work->trim, &place);
		settle_budget(work);
	}
	work->trim.needs.floor = wanted;
	state->number = place.number;
	state->seq = place.seq;
	if (r != -ENOENT)
		return r ? r : 1;
	bool is_again = state->sweep == SWEEP_AGAIN;
	state->sweep = is_again ? SWEEP_WANTED : SWEEP_NONE;
	return is_again;
}

/* --- deleted tables --- */

static int purge_space(struct work *work, enum store_space space)
{
	struct retention_trim *trim = &work->trim;
	struct layout_key prefix = layout_log_prefix(trim->table);
	struct pack_header header;
	for (;;) {
		struct slice key, value;
		int r = store_seek(trim->txn, space, layout_slice(&prefix), &key, &value);
		r = store_within(r, key, layout_slice(&prefix));
		bool is_damaged = r == -EIO && key.size > 0;
		if (r && !is_damaged)
			return r == -ENOENT ? 0 : r;
		if (work->budget->left <= 0)
			return 1;
		struct layout_key one = { .size = key.size };
		memcpy(one.bytes, key.data, key.size);
		if (space != STORE_ROSTER && !(space == STORE_INDEX && layout_is_gone(key)))
			trim->counts->bytes += key.size + value.size;
		trim->counts->log_blocks += space == STORE_LOG;
		trim->counts->lives += space == STORE_INDEX && key.data[prefix.size] == 'k';
		if (space == STORE_VERSIONS && !is_damaged && !pack_read(value, &header))
			trim->counts->versions += header.count;
		r = store_delete(trim->txn, space, layout_slice(&one));
		if (r)
			return r;
		work->budget->left -= 1 + (int64_t)(value.size / 4096);
	}
}

static int forget_pin_on_parent(struct retention_trim *trim)
{
	struct pin_place place = { 0 };
	struct pin pin;
	int r;
	while ((r = pin_next(trim->txn, trim->lineage.parent, &place, &pin)) == 1)
		if (pin.kind == PIN_CHILD && pin.child == trim->table)
			return pin_remove(trim->txn, &pin);
	return r;
}

static int forget_meta(struct retention_trim *trim)
{
	static const char kinds[] = { 't', 'g', 'r' };
	int r = trim->has_parent ? forget_pin_on_parent(trim) : 0;
	if (!r && trim->has_parent)
		r = lineage_end(trim->txn, trim->table);
	for (size_t i = 0; i < sizeof(kinds) && !r; i++) {
		struct layout_key key = layout_meta_number(kinds[i], trim->table);
		r = store_delete(trim->txn, STORE_META, layout_slice(&key));
		r = r == -ENOENT ? 0 : r;
	}
	return r;
}

/* 1: there is more. The first step already makes every state of the table unreadable. */
static int purge(struct work *work)
{
	static const enum store_space spaces[] = { STORE_VERSIONS, STORE_INDEX, STORE_ROSTER, STORE_LOG };
	int r = 0;
	for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]) && !r; i++)
		r = purge_space(work, spaces[i]);
	if (r) {
		work->state = (struct retention_table){ .floor = SEQ_NEVER, .sweep = SWEEP_WANTED };
		return r;
	}
	work->state = work->before;
	r = forget_meta(&work->trim);
	if (!r)
		work->trim.counts->tables++;
	return r;
}

/* --- all of it --- */

/* One kind of work after the other. 1: there is more. */
static int work_on(struct work *work)
{
	struct retention_trim *trim = &work->trim;
	int r;
	if (!trim->needs.is_alive && !trim->needs.is_pinned)
		return purge(work);
	while (work->state.floor < trim->needs.floor) {
		if (work->budget->left <= 0)
			return 1;
		r = trim_window(work);
		settle_budget(work);
		work->budget->left -= (int64_t)ENTRIES_MAX / 16;
		if (r)
			return r;
	}
	r = trim_log(work);
	if (!r && work->state.sweep)
		r = sweep(work);
	return r;
}

static int begin_work(struct work *work, int64_t now_us)
{
	struct retention_trim *trim = &work->trim;
	int r = retention_table_read(trim->txn, trim->table, &work->state);
	work->before = work->state;
	if (!r)
		r = lineage_read(trim->txn, trim->table, &trim->lineage);
	trim->has_parent = !r;
	if (!r && work->state.floor < trim->lineage.base)
		work->state.floor = work->before.floor = trim->lineage.base;
	if (r && r != -ENOENT)
		return r;
	return retention_needs_load(trim->txn, trim->table, now_us, false, &trim->needs);
}

static int write_state(const struct work *work)
{
	const struct retention_table *a = &work->state, *b = &work->before;
	bool is_same = a->floor == b->floor && a->sweep == b->sweep && a->number == b->number && a->seq == b->seq;
	return is_same ? 0 : retention_table_write(work->trim.txn, work->trim.table, a);
}

static void end_work(struct work *work)
{
	retention_needs_free(&work->trim.needs);
	buffer_free(&work->trim.scratch);
}

int retention_work(struct store_txn *txn, uint32_t table, int64_t now_us, struct retention_budget *budget,
	struct retention_counts *counts, int64_t *ret_due_us)
{
	struct work work = { .trim = { .txn = txn, .table = table, .counts = counts }, .budget = budget };
	budget->left -= 8;
	int r = end_pins(txn, table, now_us, budget, counts);
	if (r)
		return r;
	r = begin_work(&work, now_us);
	if (!r)
		r = work_on(&work);
	if (r >= 0) {
		int written = write_state(&work);
		r = written ? written : r;
	}
	*ret_due_us = work.trim.needs.due_us;
	end_work(&work);
	return r;
}

int retention_work_off(struct store_txn *txn, uint32_t table, uint64_t changes)
{
	struct retention_counts counts = { 0 };
	struct retention_budget budget = { INT64_MAX };
	struct work work = { .trim = { .txn = txn, .table = table, .counts = &counts }, .budget = &budget };
	int r = begin_work(&work, 0);
	for (uint64_t done = 0; !r && done < changes && work.state.floor < work.trim.needs.floor; done += ENTRIES_MAX)
		r = trim_window(&work);
	if (!r)
		r = trim_log(&work);
	if (!r)
		r = write_state(&work);
	end_work(&work);
	return r;
}
