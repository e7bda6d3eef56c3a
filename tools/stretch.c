#include "tools/stretch.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "log.h"
#include "timeline.h"

/* --- One end -------------------------------------------------------------------------------------------------------- */

static int no_such_change(
	const struct table *table, const struct reach *reach, const struct stretch_end *end, struct error *error)
{
	return error_set(error, -ENOENT,
		"%s has no state %" PRIu64 " that can be told; there are %" PRIu64 " to %" PRIu64, table->name,
		end->seq, reach->first_seq, reach->last_seq);
}

/* Nothing comes before change 1: its state lies before everything that can be told. */
static int resolve_seq(struct store_txn *txn, const struct table *table, const struct reach *reach,
	struct stretch_end *end, struct error *error)
{
	struct log_entry entry;
	if (end->seq < reach->first_seq || end->seq > reach->last_seq)
		return no_such_change(table, reach, end, error);
	end->time_us = reach->earliest_us - (end->seq == 0);
	int result = end->seq ? log_get(txn, table->number, end->seq, &entry) : -ENOENT;
	if (result == 0)
		end->time_us = entry.time_us;
	return result == -ENOENT ? 0 : result;
}

static int resolve_latest(
	struct store_txn *txn, const struct table *table, const struct reach *reach, struct stretch_end *end)
{
	struct log_entry last;
	if (!table)
		return history_last_commit(txn, &end->time_us);
	int result = timeline_at(txn, table, reach, INT64_MAX, &last);
	if (result == 0)
		end->time_us = last.time_us ? last.time_us : reach->earliest_us;
	return result;
}

static int resolve(struct tool *tool, struct store_txn *txn, const struct table *table, const struct reach *reach,
	const struct instant *instant, struct stretch_end *end, struct error *error)
{
	switch (instant->kind) {
	case INSTANT_SEQ:
		end->seq = instant->seq;
		return table ? resolve_seq(txn, table, reach, end, error)
			     : error_set(error, -EINVAL, "seq-%" PRIu64 ": change numbers belong to tables; name one",
				       instant->seq);
	case INSTANT_LATEST:
		return resolve_latest(txn, table, reach, end);
	case INSTANT_EARLIEST:
		end->time_us = table ? reach->earliest_us : 0;
		break;
	case INSTANT_BEFORE_NOW:
		end->time_us = history_now(tool->history, txn) - instant->time_us;
		break;
	case INSTANT_AT:
		end->time_us = instant->time_us;
		break;
	}
	return 0;
}

int stretch_end_find(struct tool *tool, struct store_txn *txn, const struct table *table, const struct reach *reach,
	const char *text, struct stretch_end *ret_end, struct error *error)
{
	struct stretch_end end = { 0 };
	struct instant instant;
	int result = tool_instant(tool, text, &instant, error);
	if (result < 0)
		return result;
	result = resolve(tool, txn, table, reach, &instant, &end, error);
	if (result < 0 && (!error || error->code == 0))
		return error_set(error, result, "%s could not be looked up: %s", text, strerror(-result));
	*ret_end = end;
	return result;
}

/* --- Both ----------------------------------------------------------------------------------------------------------- */

/* What there is without --from and --to: from the first change that can be told to the last, or to now when that is before --from. */
static int default_ends(struct store_txn *txn, const struct table *table, struct stretch *stretch)
{
	const struct reach *reach = &stretch->reach;
	struct log_entry entry;
	stretch->from_us = stretch->to_us = reach->earliest_us;
	if (reach->first_seq == reach->last_seq)
		return 0;
	int result = log_get(txn, table->number, reach->first_seq + 1, &entry);
	if (result < 0)
		return result;
	stretch->from_us = entry.time_us;
	result = log_get(txn, table->number, reach->last_seq, &entry);
	stretch->to_us = entry.time_us;
	return result;
}

static int64_t within(int64_t time_us, int64_t first_us, int64_t last_us)
{
	return time_us < first_us ? first_us : time_us > last_us ? last_us : time_us;
}

static int find_from(struct tool *tool, struct store_txn *txn, const struct table *table, const char *from,
	struct stretch *stretch, struct error *error)
{
	int64_t now_us = history_now(tool->history, txn);
	struct stretch_end end;
	int result = stretch_end_find(tool, txn, table, &stretch->reach, from, &end, error);
	if (result < 0)
		return result;
	stretch->from_seq = end.seq;
	stretch->from_us = within(end.time_us, stretch->reach.earliest_us, now_us);
	if (!stretch->has_to && stretch->to_us < stretch->from_us)
		stretch->to_us = now_us;
	return 0;
}

/* A stretch that ends before what can be told has nothing in it, not the first that can. */
static int find_to(struct tool *tool, struct store_txn *txn, const struct table *table, const char *to,
	struct stretch *stretch, struct error *error)
{
	char earliest[INSTANT_TEXT_MAX];
	struct stretch_end end;
	int result = stretch_end_find(tool, txn, table, &stretch->reach, to, &end, error);
	if (result < 0)
		return result;
	if (end.time_us < stretch->reach.earliest_us) {
		instant_format(stretch->reach.earliest_us, earliest, sizeof(earliest));
		return error_set(error, -ENOENT, "--to %s is before %s: that is the first state of %s that can be told",
			to, earliest, table->name);
	}
	stretch->to_seq = end.seq;
	stretch->to_us = within(end.time_us, stretch->reach.earliest_us, history_now(tool->history, txn));
	if (!stretch->has_from && stretch->to_us < stretch->from_us)
		stretch->from_us = stretch->reach.earliest_us;
	return 0;
}

int stretch_find(struct tool *tool, struct store_txn *txn, const struct table *table, const char *from, const char *to,
	struct stretch *ret_stretch, struct error *error)
{
	struct stretch stretch = { .has_from = from != NULL, .has_to = to != NULL };
	int result = reach_of(tool->history, txn, table, &stretch.reach);
	if (result == 0)
		result = default_ends(txn, table, &stretch);
	if (result < 0)
		return error_set(
			error, result, "the history of %s could not be read: %s", table->name, strerror(-result));
	if (from)
		result = find_from(tool, txn, table, from, &stretch, error);
	if (result == 0 && to)
		result = find_to(tool, txn, table, to, &stretch, error);
	if (result < 0)
		return result;
	if (stretch.from_us > stretch.to_us || (stretch.to_seq && stretch.from_seq > stretch.to_seq))
		return error_set(error, -EINVAL, "--from is later than --to");
	*ret_stretch = stretch;
	return 0;
}
