#include "difference.h"

#include <errno.h>

#include "node.h"
#include "pin.h"
#include "retention.h"
#include "retention_state.h"
#include "state.h"
#include "versions.h"

static uint64_t low_of(const struct difference_walk *walk)
{
	return walk->from < walk->to ? walk->from : walk->to;
}

static uint64_t high_of(const struct difference_walk *walk)
{
	return walk->from < walk->to ? walk->to : walk->from;
}

/* 1: every state from this one on is kept, with what changed between them. A state that a pin keeps all by itself has nothing
 * after it. */
static int is_begun(struct store_txn *txn, uint32_t table, uint64_t seq)
{
	struct retention_table state;
	struct pin_place place = { 0 };
	struct pin pin;
	int r = retention_table_read(txn, table, &state);
	if (r)
		return r;
	if (seq >= state.floor)
		return 1;
	while ((r = pin_next(txn, table, &place, &pin)) == 1 && pin.seq <= seq) {
		struct log_entry entry;
		if (!pin.is_range)
			continue;
		r = log_get(txn, table, seq + 1, &entry);
		return r ? (r == -ENOENT ? 0 : r) : 1;
	}
	return r < 0 ? r : 0;
}

static int check_states(struct difference_walk *walk)
{
	uint64_t low = low_of(walk), high = high_of(walk);
	struct log_entry base;
	int r = retention_check(walk->txn, walk->table, low);
	if (!r)
		r = retention_check(walk->txn, walk->table, high);
	if (r || low == high)
		return r;
	r = log_base(walk->txn, walk->table, &base);
	if (r && r != -ENOENT)
		return r;
	if (!r && low < base.seq)
		return -ESTALE;
	r = is_begun(walk->txn, walk->table, low);
	return r < 0 ? r : r ? 0 : -ESTALE;
}

static int number_live(struct store_txn *txn, uint32_t table, uint64_t *seq)
{
	struct table_counters counters;
	if (*seq != SEQ_MAX)
		return 0;
	int r = counters_read(txn, table, &counters);
	*seq = counters.seq;
	return r;
}

int difference_begin(struct difference_walk *walk, struct store_txn *txn, uint32_t table, uint64_t from, uint64_t to,
	uint64_t after_place)
{
	*walk = (struct difference_walk){ .txn = txn, .table = table, .from = from, .to = to };
	int r = number_live(txn, table, &walk->from);
	if (!r)
		r = number_live(txn, table, &walk->to);
	if (!r)
		r = check_states(walk);
	if (r)
		return r;
	uint64_t after = low_of(walk) < after_place ? after_place : low_of(walk);
	return log_walk_begin(&walk->log, txn, table, after + 1);
}

void difference_end(struct difference_walk *walk)
{
	buffer_free(&walk->before);
	buffer_free(&walk->after);
	buffer_free(&walk->key);
}

/* One item on its way through the walk. */
struct met {
	struct node early, late; /* as of the lower and the higher change number */
	struct node_place early_place, late_place;
	bool is_early, is_late; /* there */
};

/* What the item was before this change. 1: the change is its first between the states. The key is kept. */
static int look_before(struct difference_walk *walk, const struct log_entry *entry, struct met *met)
{
	struct node node;
	int r;
	if (entry->op == CHANGE_INSERT) {
		r = node_read(walk->txn, walk->table, entry->number, entry->seq, &node, NULL);
		if (r)
			return r == -ENOENT ? -EIO : r;
		buffer_clear(&walk->key);
		buffer_append_slice(&walk->key, node.encoded_key);
		r = node_find(walk->txn, walk->table, node.encoded_key, entry->seq - 1, &met->early, &met->early_place);
		if (r == -ENOENT)
			return 1;
		if (!r && !met->early.version.is_removal)
			return -EIO;
	} else {
		r = node_read(walk->txn, walk->table, entry->number, entry->seq - 1, &met->early, &met->early_place);
		if (r == -ENOENT || (!r && met->early.version.is_removal))
			return -EIO;
		met->is_early = true;
	}
	if (r || met->early.version.seq > low_of(walk))
		return r;
	if (met->is_early) {
		buffer_clear(&walk->key);
		buffer_append_slice(&walk->key, met->early.encoded_key);
	}
	return 1;
}

/* A life that has ended may be followed by others. */
static int look_after(struct difference_walk *walk, const struct log_entry *entry, struct met *met)
{
	uint64_t high = high_of(walk);
	int r = node_read(walk->txn, walk->table, entry->number, high, &met->late, &met->late_place);
	if (!r && met->late.version.is_removal)
		r = node_find(walk->txn, walk->table, buffer_slice(&walk->key), high, &met->late, &met->late_place);
	met->is_late = !r && !met->late.version.is_removal;
	return r == -ENOENT ? -EIO : r;
}

static int read_content(bool is_there, const struct node_place *place, struct buffer *out)
{
	buffer_clear(out);
	int r = is_there ? pack_content(place->pack, place->place, out) : 0;
	return r == -ENOENT ? -EIO : r;
}

static void turn_round(struct difference_walk *walk, struct met *met)
{
	struct met before = *met;
	struct buffer content = walk->before;
	met->early = before.late;
	met->late = before.early;
	met->is_early = before.is_late;
	met->is_late = before.is_early;
	walk->before = walk->after;
	walk->after = content;
}

static int count_changes(struct difference_walk *walk, uint64_t first_seq, uint64_t *ret_changes)
{
	struct node node = { .version.seq = first_seq };
	int r = 0;
	for (*ret_changes = 0; !r && node.version.seq <= high_of(walk); ++*ret_changes)
		r = versions_after(walk->txn, walk->table, buffer_slice(&walk->key), node.version.seq, &node, NULL);
	return r == -ENOENT ? 0 : r;
}

static int describe(struct difference_walk *walk, const struct log_entry *entry, uint64_t last_seq,
	const struct met *met, struct difference *ret_difference)
{
	int r = 0;
	*ret_difference = (struct difference){
		.kind = !met->is_early  ? DIFFERENCE_ADDED
			: !met->is_late ? DIFFERENCE_REMOVED
					: DIFFERENCE_CHANGED,
		.encoded_key = buffer_slice(&walk->key),
		.before = buffer_slice(&walk->before),
		.after = buffer_slice(&walk->after),
		.number = met->is_late ? met->late.number : met->early.number,
		.before_seq = met->is_early ? met->early.version.seq : 0,
		.after_seq = met->is_late ? met->late.version.seq : 0,
		.place = entry->seq,
		.last = *entry,
	};
	if (last_seq != entry->seq)
		r = log_get(walk->txn, walk->table, last_seq, &ret_difference->last);
	if (!r && walk->is_counting)
		r = count_changes(walk, entry->seq, &ret_difference->changes);
	return r == -ENOENT ? -EIO : r;
}

/* 1: the item whose change this is is met here, and is different. */
static int look_at(struct difference_walk *walk, const struct log_entry *entry, struct difference *ret_difference)
{
	struct met met = { 0 };
	int r = look_before(walk, entry, &met);
	if (r != 1)
		return r;
	r = look_after(walk, entry, &met);
	if (!r)
		r = read_content(met.is_early, &met.early_place, &walk->before);
	if (!r)
		r = read_content(met.is_late, &met.late_place, &walk->after);
	if (!r)
		r = buffer_error(&walk->key);
	if (r || slice_equal(buffer_slice(&walk->before), buffer_slice(&walk->after)))
		return r;
	uint64_t last_seq = met.late.version.seq;
	if (walk->from > walk->to)
		turn_round(walk, &met);
	r = describe(walk, entry, last_seq, &met, ret_difference);
	return r ? r : 1;
}

int difference_next(struct difference_walk *walk, struct difference *ret_difference)
{
	struct log_entry entry;
	int r;
	while ((r = log_walk_next(&walk->log, &entry)) == 1 && entry.seq <= high_of(walk)) {
		r = look_at(walk, &entry, ret_difference);
		if (r)
			return r;
	}
	return r < 0 ? r : 0;
}

int difference_at(struct difference_walk *walk, uint64_t place, struct difference *ret_difference)
{
	struct log_entry entry;
	if (place <= low_of(walk) || place > high_of(walk))
		return -ENOENT;
	int r = log_get(walk->txn, walk->table, place, &entry);
	if (!r)
		r = look_at(walk, &entry, ret_difference);
	return r < 0 ? r : r ? 0 : -ENOENT;
}

int difference_of(struct difference_walk *walk, struct slice encoded_key, struct difference *ret_difference)
{
	struct node first;
	int r = versions_after(walk->txn, walk->table, encoded_key, low_of(walk), &first, NULL);
	return r ? r : difference_at(walk, first.version.seq, ret_difference);
}

int difference_count(
	struct store_txn *txn, uint32_t table, uint64_t from, uint64_t to, struct difference_counts *ret_counts)
{
	struct difference_walk walk;
	struct difference difference;
	*ret_counts = (struct difference_counts){ 0 };
	int r = difference_begin(&walk, txn, table, from, to, 0);
	ret_counts->changes = high_of(&walk) - low_of(&walk);
	while (!r && (r = difference_next(&walk, &difference)) == 1) {
		ret_counts->added += difference.kind == DIFFERENCE_ADDED;
		ret_counts->removed += difference.kind == DIFFERENCE_REMOVED;
		ret_counts->changed += difference.kind == DIFFERENCE_CHANGED;
		r = 0;
	}
	difference_end(&walk);
	return r;
}
