#include "tests/support/consistency.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "news.h"
#include "node.h"
#include "pack.h"
#include "pin.h"
#include "retention_state.h"
#include "table_document.h"
#include "tests/support/consistency_parts.h"

int check_wrong(const struct check *check, const char *what, uint64_t number)
{
	return error_set(check->error, -EIO, "table %s, after change %llu: %s (%llu)", check->table->name,
		(unsigned long long)check->at.seq, what, (unsigned long long)number);
}

/* --- one table --- */

static int read_pins(struct check *check)
{
	struct pin_place place = { 0 };
	struct pin pin;
	int r;
	while ((r = pin_next(check->txn, check->table->number, &place, &pin)) == 1) {
		uint64_t *more = realloc(check->pins, (check->pin_count + 1) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		check->pins = more;
		check->pins[check->pin_count++] = pin.seq;
	}
	return r;
}

/* What retention says it has left. *ret_is_gone: nothing that could be looked at. */
static int read_retention(struct check *check, bool *ret_is_gone)
{
	struct retention_table state;
	int r = retention_table_read(check->txn, check->table->number, &state);
	if (!r)
		r = read_pins(check);
	check->floor = state.floor > check->lineage.base ? state.floor : check->lineage.base;
	check->is_swept = state.sweep == SWEEP_NONE;
	check->is_ended = state.floor == UINT64_MAX;
	*ret_is_gone = check->is_ended && !check->pin_count;
	return r;
}

static int check_kept(struct check *check)
{
	check->nodes = calloc(check->counters.next_number, sizeof(*check->nodes));
	if (!check->nodes)
		return error_set(check->error, -ENOMEM, "out of memory");
	int r = check_records(check);
	if (!r)
		r = check_states(check);
	return r ? r : check_chain(check);
}

static int check_table(struct store_txn *txn, const struct table *table, int64_t last_us, struct error *error)
{
	struct check check = { .txn = txn, .table = table, .error = error };
	bool is_gone;
	if (counters_read(txn, table->number, &check.counters))
		return check_wrong(&check, "the counters cannot be read", 0);
	int r = lineage_read(txn, table->number, &check.lineage);
	if (r && r != -ENOENT)
		return check_wrong(&check, "the lineage cannot be read", 0);
	check.has_lineage = r == 0;
	if (check.counters.last_us > last_us)
		return check_wrong(&check, "a change is later than the last commit", check.counters.seq);
	r = read_retention(&check, &is_gone);
	if (r)
		check_wrong(&check, "what retention has left cannot be read", 0);
	else if (!is_gone)
		r = check_kept(&check);
	free(check.pins);
	free(check.nodes);
	return r;
}

/* --- all tables --- */

/* A table by its number, with its last description, also when it was dropped. */
static int load_last(struct store_txn *txn, uint64_t number, struct table *ret_table)
{
	struct node node;
	struct node_place place;
	struct buffer description = BUFFER_INIT;
	int r = node_read(txn, CATALOGUE, number, SEQ_MAX, &node, &place);
	if (!r && node.version.is_removal)
		r = node_read(txn, CATALOGUE, number, node.version.seq - 1, &node, &place);
	if (!r)
		r = pack_content(place.pack, place.place, &description);
	if (!r)
		r = table_from_document((uint32_t)number, &description, ret_table);
	buffer_free(&description);
	return r;
}

static int check_tables(struct store_txn *txn, int64_t last_us, struct error *error)
{
	struct log_walk walk;
	struct log_entry entry;
	struct table table;
	table_catalogue(&table);
	int r = check_table(txn, &table, last_us, error);
	if (!r)
		r = log_walk_begin(&walk, txn, CATALOGUE, 0);
	while (!r && log_walk_next(&walk, &entry) == 1) {
		if (entry.op != CHANGE_INSERT)
			continue;
		if (load_last(txn, entry.number, &table))
			return error_set(error, -EIO, "the catalogue: table number %llu has no description",
				(unsigned long long)entry.number);
		r = check_table(txn, &table, last_us, error);
		table_free(&table);
	}
	return r;
}

int consistency_check(struct history *history, struct error *error)
{
	struct store_txn *txn;
	struct store_state state;
	struct reader note;
	int r = store_begin(history_store(history), false, &txn);
	if (r)
		return error_set(error, r, "begin: %s", strerror(-r));
	r = state_read(txn, &state);
	if (r)
		error_set(error, r, "the store's counters cannot be read");
	if (!r && state.commits && news_read(txn, state.commits, &note))
		r = error_set(error, -EIO, "commit %llu left no note", (unsigned long long)state.commits);
	if (!r)
		r = check_tables(txn, state.last_us, error);
	store_abort(txn);
	return r;
}
