#include "find_when.h"

#include <errno.h>
#include <string.h>

#include "log.h"
#include "node.h"
#include "pack.h"
#include "retention.h"
#include "snapshot.h"
#include "versions.h"

#define TRIES_MAX 256 /* states that can't be told of, in one stretch, before it is given up */

/* --- Counting ------------------------------------------------------------------------------------------------------- */

static bool is_within(const struct find_condition *condition, uint64_t number)
{
	return number >= condition->least && number <= condition->most;
}

static void tell(const struct find_condition *condition, uint64_t seq)
{
	if (condition->tell)
		condition->tell(condition->context, seq);
}

static int unreadable(const struct table *table, uint64_t seq, int code, struct error *error)
{
	if (code == -ESTALE)
		return error_set(
			error, code, "%s as of change %llu is not kept any more", table->name, (unsigned long long)seq);
	return error_set(error, code, "%s as of change %llu could not be read: %s", table->name,
		(unsigned long long)seq, strerror(-code));
}

/* Does the item of a version count? 1, 0, negative. `item` keeps its memory for the next. */
static int counts(const struct find_condition *condition, const struct node *node, const struct node_place *place,
	struct buffer *item)
{
	if (node->version.is_removal)
		return 0;
	if (!condition->where)
		return 1;
	buffer_clear(item);
	int r = pack_content(place->pack, place->place, item);
	return r ? r : expression_holds(condition->where, buffer_slice(item));
}

/* Of a node, as of a change. One that has not begun does not count. */
static int node_counts(struct store_txn *txn, const struct table *table, const struct find_condition *condition,
	uint64_t number, uint64_t seq, struct buffer *item)
{
	struct node node;
	struct node_place place;
	int r = node_read(txn, table->number, number, seq, &node, &place);
	return r == -ENOENT ? 0 : r ? r : counts(condition, &node, &place, item);
}

/* Of one key. What is not there is asked too: attribute_not_exists is true of it. */
static int key_counts(struct store_txn *txn, const struct table *table, const struct find_condition *condition,
	uint64_t seq, struct buffer *item, bool *ret_is_there)
{
	struct node node;
	struct node_place place;
	int r = node_find(txn, table->number, condition->encoded_key, seq, &node, &place);
	*ret_is_there = !r && !node.version.is_removal;
	if (r && r != -ENOENT)
		return r;
	if (*ret_is_there)
		return counts(condition, &node, &place, item);
	return condition->where ? expression_holds(condition->where, (struct slice){ 0 }) : 0;
}

static int count_directory(struct store_txn *txn, const struct snapshot *snapshot, const struct table *table,
	const struct find_condition *condition, uint64_t directory, struct buffer *item, uint64_t *number)
{
	struct snapshot_walk walk;
	struct node node;
	int r = snapshot_walk_begin(&walk, txn, snapshot, directory, 0);
	while (!r && (r = snapshot_walk_next(&walk, &node)) == 1) {
		tell(condition, 0);
		r = node.kind == NODE_PARTITION
			    ? count_directory(txn, snapshot, table, condition, node.number, item, number)
		    : node.kind == NODE_ITEM ? node_counts(txn, table, condition, node.number, snapshot->seq, item)
					     : -EIO;
		if (r > 0) {
			++*number;
			r = 0;
		}
	}
	snapshot_walk_end(&walk);
	return r;
}

static int count(struct store_txn *txn, const struct table *table, const struct find_condition *condition, uint64_t seq,
	uint64_t *ret_number, bool *ret_is_there)
{
	struct snapshot snapshot = { .table = table->number, .seq = seq };
	struct buffer item = BUFFER_INIT;
	uint64_t bytes;
	*ret_number = 0;
	*ret_is_there = true;
	int r = retention_check(txn, table->number, seq);
	if (r)
		return r;
	if (condition->encoded_key.size) {
		r = key_counts(txn, table, condition, seq, &item, ret_is_there);
		*ret_number = r == 1;
		r = r > 0 ? 0 : r;
	} else if (condition->where) {
		r = count_directory(txn, &snapshot, table, condition, 0, &item, ret_number);
	} else {
		r = snapshot_statistics(txn, &snapshot, ret_number, &bytes);
	}
	buffer_free(&item);
	return r;
}

int find_when_holds(struct store_txn *txn, const struct table *table, const struct find_condition *condition,
	uint64_t seq, uint64_t *ret_number, struct error *error)
{
	bool is_there;
	int r = count(txn, table, condition, seq, ret_number, &is_there);
	return r < 0 ? unreadable(table, seq, r, error) : is_within(condition, *ret_number);
}

/* --- Instants ------------------------------------------------------------------------------------------------------- */

int find_when_settle(struct store_txn *txn, uint32_t table, uint64_t seq, struct log_entry *ret_entry)
{
	int r = seq ? log_get(txn, table, seq, ret_entry) : -ENOENT;
	if (!r)
		return log_at_time(txn, table, ret_entry->time_us, ret_entry);
	*ret_entry = (struct log_entry){ .seq = seq };
	return r == -ENOENT ? 0 : r;
}

/* The last change before the instant that the change belongs to. */
static int before_instant(struct store_txn *txn, uint32_t table, uint64_t seq, uint64_t *ret_seq)
{
	struct log_entry entry;
	int r = log_get(txn, table, seq, &entry);
	if (!r)
		r = log_at_time(txn, table, entry.time_us - 1, &entry);
	*ret_seq = r ? 0 : entry.seq;
	return r == -ENOENT ? 0 : r;
}

/* --- By halving ----------------------------------------------------------------------------------------------------- */

struct halving {
	struct store_txn *txn;
	uint32_t table;
	uint64_t low, high; /* it does not hold at low, and does at high */
	find_test test;
	void *context;
	uint64_t tried[TRIES_MAX]; /* states between the two that can't be told of */
	size_t tries;
};

/* The i-th of places that spread evenly over (0, span]: the middle, the quarters, the eighths, ... */
static uint64_t spread(uint64_t i, uint64_t span)
{
	uint64_t numerator = 0, denominator = 1;
	for (i++; i > 0; i >>= 1) {
		numerator = numerator * 2 + (i & 1);
		denominator *= 2;
	}
	uint64_t place = (uint64_t)((double)span * (double)numerator / (double)denominator);
	return place < 1 ? 1 : place > span ? span : place;
}

static bool was_tried(const struct halving *halving, uint64_t seq)
{
	for (size_t i = 0; i < halving->tries; i++)
		if (halving->tried[i] == seq)
			return true;
	return false;
}

/* What was tried outside of the stretch does not matter any more. */
static void forget_outside(struct halving *halving)
{
	size_t kept = 0;
	for (size_t i = 0; i < halving->tries; i++)
		if (halving->tried[i] > halving->low && halving->tried[i] < halving->high)
			halving->tried[kept++] = halving->tried[i];
	halving->tries = kept;
}

/* The instant in (low, last] that is looked at next: near the middle, and none that was tried. 0: there is none. */
static int choose(struct halving *halving, uint64_t last, struct log_entry *ret_entry)
{
	uint64_t span = last - halving->low;
	int r;
	for (uint64_t i = 0; i < 4 * TRIES_MAX && halving->tries < TRIES_MAX; i++) {
		r = find_when_settle(halving->txn, halving->table, halving->low + spread(i, span), ret_entry);
		if (r || !was_tried(halving, ret_entry->seq))
			return r ? r : 1;
	}
	for (uint64_t seq = halving->low + 1; seq <= last && halving->tries < TRIES_MAX; seq = ret_entry->seq + 1) {
		r = find_when_settle(halving->txn, halving->table, seq, ret_entry);
		if (r || !was_tried(halving, ret_entry->seq))
			return r ? r : 1;
	}
	return 0;
}

int find_when_first(struct store_txn *txn, uint32_t table, uint64_t low, uint64_t high, find_test test, void *context,
	struct find_moment *ret_moment, struct error *error)
{
	struct halving halving = { txn, table, low, high, test, context, { 0 }, 0 };
	struct log_entry entry;
	uint64_t last;
	int r;
	while ((r = before_instant(txn, table, halving.high, &last)) == 0 && last > halving.low &&
		(r = choose(&halving, last, &entry)) == 1) {
		int outcome = test(context, entry.seq, entry.time_us);
		if (outcome < 0)
			return outcome;
		if (outcome == 2)
			halving.tried[halving.tries++] = entry.seq;
		else if (outcome == 1)
			halving.high = entry.seq;
		else
			halving.low = entry.seq;
		if (outcome != 2)
			forget_outside(&halving);
	}
	if (!r)
		r = find_when_settle(txn, table, halving.high, &entry);
	if (r)
		return error_set(error, r, "the change log could not be read: %s", strerror(-r));
	*ret_moment = (struct find_moment){ .seq = entry.seq,
		.time_us = entry.time_us,
		.holds = true,
		.is_there = true,
		.before_seq = halving.low,
		.skipped = halving.tries };
	return 0;
}

/* --- By walking ----------------------------------------------------------------------------------------------------- */

struct walking {
	struct store_txn *txn;
	const struct table *table;
	const struct find_condition *condition;
	uint64_t number;
	bool is_there;
	bool holds; /* as it was last told */
	find_each each;
	void *context;
	struct buffer item;
};

/* After the last change of an instant. */
static int end_instant(struct walking *walking, uint64_t seq, int64_t time_us)
{
	bool holds = is_within(walking->condition, walking->number);
	if (holds == walking->holds)
		return 0;
	walking->holds = holds;
	struct find_moment moment = {
		.seq = seq, .time_us = time_us, .holds = holds, .number = walking->number, .is_there = walking->is_there
	};
	return walking->each(walking->context, &moment);
}

/* What a change does to the number of items that count. */
static int add_change(struct walking *walking, const struct log_entry *entry)
{
	int before = 0, after = 0;
	if (!walking->condition->where) {
		walking->number = entry->items;
		return 0;
	}
	if (entry->op != CHANGE_INSERT)
		before = node_counts(walking->txn, walking->table, walking->condition, entry->number, entry->seq - 1,
			&walking->item);
	if (before >= 0 && entry->op != CHANGE_REMOVE)
		after = node_counts(
			walking->txn, walking->table, walking->condition, entry->number, entry->seq, &walking->item);
	if (before < 0 || after < 0)
		return before < 0 ? before : after;
	walking->number += (uint64_t)after - (uint64_t)before;
	return 0;
}

static int walk_changes(struct walking *walking, uint64_t low, uint64_t high, struct error *error)
{
	struct log_entry entry, last = { .seq = low };
	struct log_walk walk;
	int r = log_walk_begin(&walk, walking->txn, walking->table->number, low + 1), more = r;
	while (!r && (more = log_walk_next(&walk, &entry)) == 1 && entry.seq <= high) {
		if (last.seq > low && entry.time_us != last.time_us &&
			(r = end_instant(walking, last.seq, last.time_us)))
			return r;
		r = add_change(walking, &entry);
		tell(walking->condition, entry.seq);
		last = entry;
	}
	r = r ? r : more < 0 ? more : 0;
	if (r)
		return unreadable(walking->table, last.seq, r, error);
	return last.seq > low ? end_instant(walking, last.seq, last.time_us) : 0;
}

/* Of one key, by its versions. */
static int walk_versions(struct walking *walking, uint64_t low, uint64_t high, struct error *error)
{
	struct log_entry entry;
	struct node node;
	struct node_place place;
	uint64_t seq = low;
	int r;
	for (;;) {
		r = versions_after(
			walking->txn, walking->table->number, walking->condition->encoded_key, seq, &node, &place);
		if (r || node.version.seq > high)
			break;
		seq = node.version.seq;
		r = find_when_settle(walking->txn, walking->table->number, seq, &entry);
		if (!r)
			r = key_counts(walking->txn, walking->table, walking->condition, entry.seq, &walking->item,
				&walking->is_there);
		if (r < 0)
			break;
		walking->number = (uint64_t)r;
		seq = entry.seq;
		if (seq <= high && (r = end_instant(walking, seq, entry.time_us)))
			return r;
	}
	return r == -ENOENT ? 0 : r < 0 ? unreadable(walking->table, seq, r, error) : 0;
}

int find_when_all(struct store_txn *txn, const struct table *table, const struct find_condition *condition,
	uint64_t low, uint64_t high, find_each each, void *context, struct error *error)
{
	struct walking walking = {
		.txn = txn, .table = table, .condition = condition, .each = each, .context = context
	};
	struct log_entry entry;
	int r = count(txn, table, condition, low, &walking.number, &walking.is_there);
	if (r < 0)
		return unreadable(table, low, r, error);
	walking.holds = is_within(condition, walking.number);
	r = find_when_settle(txn, table->number, low, &entry);
	if (r)
		return unreadable(table, low, r, error);
	struct find_moment first = { .seq = low,
		.time_us = entry.time_us,
		.holds = walking.holds,
		.number = walking.number,
		.is_there = walking.is_there };
	r = each(context, &first);
	if (!r)
		r = (condition->encoded_key.size ? walk_versions : walk_changes)(&walking, low, high, error);
	buffer_free(&walking.item);
	return r;
}
