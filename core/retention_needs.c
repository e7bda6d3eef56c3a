#include "retention_needs.h"

#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "layout.h"
#include "log.h"
#include "pin.h"
#include "reach.h"
#include "retention_state.h"
#include "state.h"
#include "table.h"

static int add_point(struct retention_needs *needs, uint64_t seq)
{
	if (needs->count == needs->room) {
		size_t room = needs->room ? 2 * needs->room : 16;
		uint64_t *more = realloc(needs->points, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		needs->points = more;
		needs->room = room;
	}
	needs->points[needs->count++] = seq;
	return 0;
}

void retention_needs_free(struct retention_needs *needs)
{
	free(needs->points);
	*needs = (struct retention_needs){ 0 };
}

static int is_alive(struct store_txn *txn, uint32_t number)
{
	struct table table = { 0 };
	int r = table_load(txn, number, TIME_NOW, &table);
	table_free(&table);
	return r == -ENOENT ? 0 : r ? r : 1;
}

static bool has_expired(const struct pin *pin, int64_t now_us)
{
	return pin->expires_us && pin->expires_us <= now_us;
}

/* Looks at one table: is it alive, or is there a pin that holds by itself? Restored tables that read through it are
 * added to the list. 1, 0, negative. */
static int look(struct store_txn *txn, uint32_t table, int64_t now_us, struct retention_needs *list)
{
	struct pin_place place = { 0 };
	struct pin pin;
	int r = is_alive(txn, table), more;
	while (!r && (more = pin_next(txn, table, &place, &pin)) != 0) {
		if (more < 0)
			return more;
		if (pin.kind == PIN_CHILD)
			r = add_point(list, pin.child);
		else if (!has_expired(&pin, now_us))
			r = 1;
	}
	return r;
}

/* Will a restored table, or one restored from it and so on, still be needed when all that can go is gone? */
static int holds_child(struct store_txn *txn, uint32_t child, int64_t now_us)
{
	struct retention_needs list = { 0 }; /* its points are numbers of tables */
	int r = add_point(&list, child);
	for (size_t i = 0; i < list.count && !r; i++)
		r = look(txn, (uint32_t)list.points[i], now_us, &list);
	retention_needs_free(&list);
	return r;
}

static int load_pins(
	struct store_txn *txn, uint32_t table, int64_t now_us, bool is_foreseen, struct retention_needs *needs)
{
	struct pin_place place = { 0 };
	struct pin pin;
	int r = 0, more;
	while (!r && (more = pin_next(txn, table, &place, &pin)) != 0) {
		if (more < 0)
			return more;
		if (is_foreseen && has_expired(&pin, now_us))
			continue;
		int holds = is_foreseen && pin.kind == PIN_CHILD ? holds_child(txn, pin.child, now_us) : 1;
		if (holds <= 0) {
			r = holds;
			continue;
		}
		needs->is_pinned = true;
		if (pin.expires_us && pin.expires_us < needs->due_us)
			needs->due_us = pin.expires_us;
		if (!pin.is_range)
			r = add_point(needs, pin.seq);
		else if (pin.seq < needs->floor)
			needs->floor = pin.seq;
	}
	return r;
}

/* The first change number of a living table's window. */
static int window_floor(struct store_txn *txn, const struct table *table, int64_t now_us, uint64_t *ret_floor)
{
	if (!table->is_pitr_on) {
		struct table_counters counters;
		int r = counters_read(txn, table->number, &counters);
		*ret_floor = counters.seq;
		return r;
	}
	return reach_begin(txn, table, table_window_begin(table, now_us), ret_floor);
}

/* When the window will have left the first change after its floor behind. */
static int window_due(
	struct store_txn *txn, const struct table *table, uint64_t floor, int64_t now_us, int64_t *ret_due_us)
{
	struct log_entry entry = { .time_us = now_us };
	*ret_due_us = INT64_MAX;
	if (!table->is_pitr_on || !table->period_days)
		return 0;
	int r = log_get(txn, table->number, floor + 1, &entry);
	*ret_due_us = (r ? now_us : entry.time_us) + table->period_days * DAY_US;
	return r == -ENOENT ? 0 : r;
}

static int load_window(struct store_txn *txn, uint32_t number, int64_t now_us, struct retention_needs *needs)
{
	struct table table = { 0 };
	uint64_t floor = SEQ_NEVER;
	int64_t due_us = INT64_MAX;
	int r = table_load(txn, number, TIME_NOW, &table);
	needs->is_alive = !r;
	if (!r)
		r = window_floor(txn, &table, now_us, &floor);
	if (!r && needs->is_alive && floor < needs->floor)
		r = window_due(txn, &table, floor, now_us, &due_us);
	table_free(&table);
	if (floor < needs->floor)
		needs->floor = floor;
	if (due_us < needs->due_us)
		needs->due_us = due_us;
	return r == -ENOENT ? 0 : r;
}

int retention_needs_load(
	struct store_txn *txn, uint32_t table, int64_t now_us, bool is_foreseen, struct retention_needs *ret_needs)
{
	struct retention_table state;
	*ret_needs = (struct retention_needs){ .floor = SEQ_NEVER, .due_us = INT64_MAX };
	int r = retention_table_read(txn, table, &state);
	if (!r)
		r = load_pins(txn, table, now_us, is_foreseen, ret_needs);
	if (!r)
		r = load_window(txn, table, now_us, ret_needs);
	if (ret_needs->floor < state.floor)
		ret_needs->floor = state.floor;
	return r;
}

bool retention_needs_any(const struct retention_needs *needs, uint64_t first, uint64_t end)
{
	if (end > needs->floor)
		return true;
	size_t low = 0, high = needs->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (needs->points[middle] < first)
			low = middle + 1;
		else
			high = middle;
	}
	return low < needs->count && needs->points[low] < end;
}
