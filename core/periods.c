#include "periods.h"

#include <errno.h>
#include <stdlib.h>

#include "log.h"
#include "reach.h"
#include "told_tables.h"

/* A table that has changes to tell. Two that follow each other are remembered, so that walks over many tables ask only those that
 * have changed meanwhile. */
struct told {
	uint32_t table;
	int64_t begin_us, end_us; /* its first and last change that can be told */
	int64_t last_us, next_us; /* of a change, and of the one after it; equal: not looked up yet */
};

struct periods {
	struct store_txn *txn;
	struct told *tables;
	size_t count, room;
};

/* --- which tables --- */

static int add(struct periods *periods, const struct told *told)
{
	if (periods->count == periods->room) {
		size_t room = periods->room ? 2 * periods->room : 8;
		struct told *more = realloc(periods->tables, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		periods->tables = more;
		periods->room = room;
	}
	periods->tables[periods->count++] = *told;
	return 0;
}

static int add_table(struct periods *periods, struct history *history, const struct table *table)
{
	struct told told = { .table = table->number };
	struct table_statistics statistics;
	struct log_entry first;
	struct reach reach;
	int r = reach_of(history, periods->txn, table, &reach);
	if (r || reach.first_seq == reach.last_seq)
		return r == -ENOENT ? 0 : r;
	r = log_get(periods->txn, table->number, reach.first_seq + 1, &first);
	if (!r)
		r = table_statistics(periods->txn, table->number, &statistics);
	if (r)
		return r;
	told.begin_us = told.last_us = told.next_us = first.time_us;
	told.end_us = statistics.last_us;
	return add(periods, &told);
}

static int add_tables(struct periods *periods, struct history *history)
{
	struct told_walk walk = { 0 };
	struct table table;
	int64_t ended_us;
	int r;
	while ((r = told_tables_next(&walk, periods->txn, &table, &ended_us)) == 1) {
		r = add_table(periods, history, &table);
		table_free(&table);
		if (r)
			return r;
	}
	return r;
}

int periods_open(
	struct history *history, struct store_txn *txn, const struct table *table, struct periods **ret_periods)
{
	struct periods *periods = calloc(1, sizeof(*periods));
	if (!periods)
		return -ENOMEM;
	periods->txn = txn;
	int r = table ? add_table(periods, history, table) : add_tables(periods, history);
	if (r)
		periods_close(periods);
	else
		*ret_periods = periods;
	return r;
}

void periods_close(struct periods *periods)
{
	if (periods)
		free(periods->tables);
	free(periods);
}

/* --- changes --- */

/* The last change at or before a time, and the one after it: both are there. */
static int look_up(struct store_txn *txn, struct told *told, int64_t time_us)
{
	struct log_entry last, next;
	int r = log_at_time(txn, told->table, time_us, &last);
	if (!r)
		r = log_get(txn, told->table, last.seq + 1, &next);
	if (r)
		return r == -ENOENT ? -EIO : r;
	told->last_us = last.time_us;
	told->next_us = next.time_us;
	return 0;
}

/* INT64_MAX: none. */
static int next_of(struct store_txn *txn, struct told *told, int64_t time_us, int64_t *ret_time_us)
{
	int r = 0;
	*ret_time_us = time_us <= told->begin_us ? told->begin_us : INT64_MAX;
	if (time_us <= told->begin_us || time_us > told->end_us)
		return 0;
	if (time_us <= told->last_us || time_us > told->next_us)
		r = look_up(txn, told, time_us - 1);
	*ret_time_us = told->next_us;
	return r;
}

/* INT64_MIN: none. */
static int last_of(struct store_txn *txn, struct told *told, int64_t time_us, int64_t *ret_time_us)
{
	int r = 0;
	*ret_time_us = time_us >= told->end_us ? told->end_us : INT64_MIN;
	if (time_us >= told->end_us || time_us < told->begin_us)
		return 0;
	if (time_us < told->last_us || time_us >= told->next_us)
		r = look_up(txn, told, time_us);
	*ret_time_us = told->last_us;
	return r;
}

int periods_next(struct periods *periods, int64_t time_us, int64_t *ret_time_us)
{
	int64_t found_us;
	*ret_time_us = INT64_MAX;
	for (size_t i = 0; i < periods->count; i++) {
		int r = next_of(periods->txn, &periods->tables[i], time_us, &found_us);
		if (r)
			return r;
		if (found_us < *ret_time_us)
			*ret_time_us = found_us;
	}
	return *ret_time_us == INT64_MAX ? -ENOENT : 0;
}

int periods_last(struct periods *periods, int64_t time_us, int64_t *ret_time_us)
{
	int64_t found_us;
	*ret_time_us = INT64_MIN;
	for (size_t i = 0; i < periods->count; i++) {
		int r = last_of(periods->txn, &periods->tables[i], time_us, &found_us);
		if (r)
			return r;
		if (found_us > *ret_time_us)
			*ret_time_us = found_us;
	}
	return *ret_time_us == INT64_MIN ? -ENOENT : 0;
}
