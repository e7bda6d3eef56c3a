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
		return !r || r == -EIO ? 1 : r == -ENOENT ? 0 : r;
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
	walk->at = walk->read_from = (low_of(walk) < after_place ? after_place : low_of(walk)) + 1;
	return 0;
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

static bool is_lost(int r)
{
	return r == -EIO || r == -ENOENT;
}

static void keep_key(struct difference_walk *walk, const struct node *node)
{
	buffer_clear(&walk->key);
	buffer_append_slice(&walk->key, node->encoded_key);
}

/* The key of a node that changed, from whatever can be read of it. */
static int find_key(struct difference_walk *walk, const struct log_entry *entry)
{
	struct node node;
	int r = node_read(walk->txn, walk->table, entry->number, entry->seq, &node, NULL);
	if (is_lost(r))
		r = node_read(walk->txn, walk->table, entry->number, SEQ_MAX, &node, NULL);
	if (!r)
		keep_key(walk, &node);
	return r == -ENOENT ? -EIO : r;
}

/* What a life of a key was before this change can't be read. 0: the item is met at an earlier one all the same. -EIO: it may be met here;
 * the key is kept at one change only. */
static int miss_life(struct difference_walk *walk, const struct log_entry *entry)
{
	uint64_t begin = 0;
	buffer_clear(&walk->key);
	int r = node_stored_from(walk->txn, walk->table, entry->number, entry->seq - 1, &begin);
	if (begin > low_of(walk) || (r && r != -ENOENT))
		return r;
	r = node_stored_from(walk->txn, walk->table, entry->number, entry->seq, &begin);
	if (!r && begin == entry->seq)
		r = find_key(walk, entry);
	return r && r != -ENOENT ? r : -EIO;
}

/* The same of an earlier life than the one that begins here. */
static int miss_earlier(struct difference_walk *walk, const struct log_entry *entry)
{
	struct node first;
	int r = versions_after(walk->txn, walk->table, buffer_slice(&walk->key), low_of(walk), &first, NULL);
	return !r && first.version.seq < entry->seq ? 0 : r && !is_lost(r) ? r : -EIO;
}

/* The item just before this change. The key is kept. */
static int read_before(struct difference_walk *walk, const struct log_entry *entry, struct met *met)
{
	int r;
	if (entry->op != CHANGE_INSERT) {
		r = node_read(walk->txn, walk->table, entry->number, entry->seq - 1, &met->early, &met->early_place);
		met->is_early = true;
		if (!r)
			keep_key(walk, &met->early);
		return r == -ENOENT || (!r && met->early.version.is_removal) ? -EIO : r;
	}
	r = find_key(walk, entry);
	if (!r)
		r = node_find(walk->txn, walk->table, buffer_slice(&walk->key), entry->seq - 1, &met->early,
			&met->early_place);
	return !r && !met->early.version.is_removal ? -EIO : r;
}

static int miss_before(struct difference_walk *walk, const struct log_entry *entry)
{
	if (entry->op != CHANGE_INSERT)
		return miss_life(walk, entry);
	return walk->key.size ? miss_earlier(walk, entry) : -EIO;
}

/* Can the change be met in the log? */
static int is_met_at(struct difference_walk *walk, uint64_t seq)
{
	struct log_entry entry;
	if (seq >= walk->read_from && seq < walk->at)
		return 1;
	int r = log_get(walk->txn, walk->table, seq, &entry);
	return !r ? 1 : is_lost(r) ? 0 : r;
}

/* What the item was before this change. 1: the change is its first between the states. The key is kept. */
static int look_before(struct difference_walk *walk, const struct log_entry *entry, struct met *met)
{
	buffer_clear(&walk->key);
	int r = read_before(walk, entry, met);
	if (r == -EIO)
		return miss_before(walk, entry);
	while (!r && met->early.version.seq > low_of(walk)) {
		r = is_met_at(walk, met->early.version.seq);
		if (r)
			return r < 0 ? r : 0;
		r = versions_before(walk->txn, walk->table, buffer_slice(&walk->key), met->early.version.seq,
			&met->early, &met->early_place);
		met->is_early = !r && !met->early.version.is_removal;
	}
	return r && r != -ENOENT ? r : 1;
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

static enum difference_kind kind_of(const struct difference_walk *walk, const struct met *met)
{
	bool is_first = walk->from > walk->to ? met->is_late : met->is_early;
	bool is_second = walk->from > walk->to ? met->is_early : met->is_late;
	return !is_first ? DIFFERENCE_ADDED : !is_second ? DIFFERENCE_REMOVED : DIFFERENCE_CHANGED;
}

/* An entry as the version tells it, but for its author, where the log can't be read. */
static int read_last(struct difference_walk *walk, const struct node *late, struct log_entry *ret_entry)
{
	const struct version *version = &late->version;
	struct node before;
	int r = log_get(walk->txn, walk->table, version->seq, ret_entry);
	if (!is_lost(r))
		return r;
	r = version->is_removal ? 0 : node_read(walk->txn, walk->table, late->number, version->seq - 1, &before, NULL);
	*ret_entry = (struct log_entry){ .seq = version->seq,
		.time_us = version->time_us,
		.op = version->is_removal ? CHANGE_REMOVE
		      : r == -ENOENT      ? CHANGE_INSERT
					  : CHANGE_MODIFY,
		.number = late->number };
	return is_lost(r) ? 0 : r;
}

static void describe(struct difference_walk *walk, const struct met *met, struct difference *ret_difference)
{
	ret_difference->encoded_key = buffer_slice(&walk->key);
	ret_difference->before = buffer_slice(&walk->before);
	ret_difference->after = buffer_slice(&walk->after);
	ret_difference->number = met->is_late ? met->late.number : met->early.number;
	ret_difference->before_seq = met->is_early ? met->early.version.seq : 0;
	ret_difference->after_seq = met->is_late ? met->late.version.seq : 0;
}

/* 1: the item that is met here is different. */
static int compare(
	struct difference_walk *walk, const struct log_entry *entry, struct met *met, struct difference *ret_difference)
{
	int r = look_after(walk, entry, met);
	if (r)
		return r;
	ret_difference->kind = kind_of(walk, met);
	r = read_content(met->is_early, &met->early_place, &walk->before);
	if (!r)
		r = read_content(met->is_late, &met->late_place, &walk->after);
	if (!r)
		r = buffer_error(&walk->key);
	if (r || slice_equal(buffer_slice(&walk->before), buffer_slice(&walk->after)))
		return r;
	if (met->late.version.seq != entry->seq)
		r = read_last(walk, &met->late, &ret_difference->last);
	if (walk->from > walk->to)
		turn_round(walk, met);
	describe(walk, met, ret_difference);
	if (!r && walk->is_counting)
		r = count_changes(walk, entry->seq, &ret_difference->changes);
	return r ? r : 1;
}

static int tell_damaged(struct slice encoded_key, const struct difference *known, struct difference *ret_difference)
{
	*ret_difference = (struct difference){ .kind = known->kind,
		.is_damaged = true,
		.encoded_key = encoded_key,
		.place = known->place,
		.last = known->last };
	return -EIO;
}

/* 1: the item whose change this is is met here, and is different. */
static int look_at(struct difference_walk *walk, const struct log_entry *entry, struct difference *ret_difference)
{
	struct met met = { 0 };
	*ret_difference = (struct difference){ .kind = DIFFERENCE_CHANGED, .place = entry->seq, .last = *entry };
	int r = look_before(walk, entry, &met);
	if (r == 1)
		r = compare(walk, entry, &met, ret_difference);
	return r == -EIO ? tell_damaged(buffer_slice(&walk->key), ret_difference, ret_difference) : r;
}

static void pass_over(struct difference_walk *walk, uint64_t from, uint64_t to)
{
	walk->unread += to - from;
	if (to > from)
		walk->read_from = to;
}

/* What can be read of the log from walk->at on. */
static int next_entry(struct difference_walk *walk, struct log_entry *ret_entry)
{
	uint64_t high = high_of(walk), from = walk->at;
	for (; walk->at <= high; walk->at++) {
		int r = walk->is_in_log ? 0 : log_walk_begin(&walk->log, walk->txn, walk->table, walk->at);
		if (!r)
			r = log_walk_next(&walk->log, ret_entry);
		walk->is_in_log = r >= 0;
		if (r < 0 && r != -EIO)
			return r;
		if (r < 0)
			continue;
		uint64_t seq = r == 1 && ret_entry->seq <= high ? ret_entry->seq : high + 1;
		pass_over(walk, from, seq);
		walk->at = seq + 1;
		return seq <= high;
	}
	pass_over(walk, from, walk->at);
	return 0;
}

int difference_next(struct difference_walk *walk, struct difference *ret_difference)
{
	struct log_entry entry;
	int r;
	while ((r = next_entry(walk, &entry)) == 1) {
		r = look_at(walk, &entry, ret_difference);
		if (r)
			break;
	}
	return r;
}

int difference_at(struct difference_walk *walk, uint64_t place, struct difference *ret_difference)
{
	const struct difference known = { .kind = DIFFERENCE_CHANGED, .place = place };
	struct log_entry entry;
	if (place <= low_of(walk) || place > high_of(walk))
		return -ENOENT;
	int r = log_get(walk->txn, walk->table, place, &entry);
	if (r == -EIO)
		return tell_damaged((struct slice){ 0 }, &known, ret_difference);
	if (!r)
		r = look_at(walk, &entry, ret_difference);
	return r < 0 ? r : r ? 0 : -ENOENT;
}

int difference_of(struct difference_walk *walk, struct slice encoded_key, struct difference *ret_difference)
{
	const struct difference known = { .kind = DIFFERENCE_CHANGED };
	struct node first = { .version.seq = low_of(walk) };
	bool is_damaged = false;
	int r;
	do {
		r = versions_after(walk->txn, walk->table, encoded_key, first.version.seq, &first, NULL);
		if (r || first.version.seq > high_of(walk))
			break;
		r = is_met_at(walk, first.version.seq);
		if (r)
			return r < 0 ? r : difference_at(walk, first.version.seq, ret_difference);
		is_damaged = true;
	} while (true);
	if (r && !is_lost(r))
		return r;
	return is_damaged || r == -EIO ? tell_damaged(encoded_key, &known, ret_difference) : -ENOENT;
}

static void count(struct difference_counts *counts, const struct difference *difference)
{
	counts->damaged += difference->is_damaged;
	if (difference->is_damaged)
		return;
	counts->added += difference->kind == DIFFERENCE_ADDED;
	counts->removed += difference->kind == DIFFERENCE_REMOVED;
	counts->changed += difference->kind == DIFFERENCE_CHANGED;
}

int difference_count(
	struct store_txn *txn, uint32_t table, uint64_t from, uint64_t to, struct difference_counts *ret_counts)
{
	struct difference_walk walk;
	struct difference difference;
	*ret_counts = (struct difference_counts){ 0 };
	int r = difference_begin(&walk, txn, table, from, to, 0);
	ret_counts->changes = high_of(&walk) - low_of(&walk);
	while (!r && ((r = difference_next(&walk, &difference)) == 1 || r == -EIO)) {
		count(ret_counts, &difference);
		r = 0;
	}
	ret_counts->damaged += walk.unread;
	difference_end(&walk);
	return r;
}
