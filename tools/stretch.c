#include "tools/stretch.h"

#include <errno.h>
#include <string.h>

#include "log.h"
#include "timeline.h"

static int resolve_seq(struct store_txn *txn, const struct table *table, const struct reach *reach, uint64_t seq,
	int64_t *ret_time_us, struct error *error)
{
	struct log_entry entry;
	if (seq < reach->first_seq || seq > reach->last_seq)
		return error_set(error, -ENOENT, "%s has no state %llu that can be told; there are %llu to %llu",
			table->name, (unsigned long long)seq, (unsigned long long)reach->first_seq,
			(unsigned long long)reach->last_seq);
	int result = seq ? log_get(txn, table->number, seq, &entry) : -ENOENT;
	*ret_time_us = result == 0 ? entry.time_us : reach->earliest_us;
	return result == -ENOENT ? 0 : result;
}

/* *time_us and *seq keep what they are when `text` is NULL. */
static int resolve(struct tool *tool, struct store_txn *txn, const struct table *table, const struct reach *reach,
	const char *text, int64_t *time_us, uint64_t *ret_seq, struct error *error)
{
	struct instant instant;
	struct log_entry last;
	int64_t now_us = history_now(tool->history, txn);
	*ret_seq = 0;
	int result = text ? tool_instant(tool, text, &instant, error) : 0;
	if (!text || result < 0)
		return result;
	switch (instant.kind) {
	case INSTANT_SEQ:
		*ret_seq = instant.seq;
		return resolve_seq(txn, table, reach, instant.seq, time_us, error);
	case INSTANT_LATEST:
		result = timeline_at(txn, table, reach, INT64_MAX, &last);
		*time_us = last.time_us ? last.time_us : reach->earliest_us;
		return result;
	case INSTANT_EARLIEST:
		*time_us = reach->earliest_us;
		return 0;
	case INSTANT_BEFORE_NOW:
		*time_us = now_us - instant.time_us;
		break;
	case INSTANT_AT:
		*time_us = instant.time_us;
		break;
	}
	if (*time_us > now_us)
		*time_us = now_us;
	if (*time_us < reach->earliest_us)
		*time_us = reach->earliest_us;
	return 0;
}

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

/* A stretch that ends before what can be told has nothing in it, not the first that can. */
static int check_end(struct tool *tool, struct store_txn *txn, const struct table *table, const struct reach *reach,
	const char *to, struct error *error)
{
	struct instant instant = { .kind = INSTANT_LATEST };
	char earliest[INSTANT_TEXT_MAX];
	int64_t at_us = INT64_MAX;
	if (tool_instant(tool, to, &instant, NULL) == 0 && instant.kind == INSTANT_AT)
		at_us = instant.time_us;
	else if (instant.kind == INSTANT_BEFORE_NOW)
		at_us = history_now(tool->history, txn) - instant.time_us;
	if (at_us >= reach->earliest_us)
		return 0;
	instant_format(reach->earliest_us, earliest, sizeof(earliest));
	return error_set(error, -ENOENT, "--to %s is before %s: that is the first state of %s that can be told", to,
		earliest, table->name);
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
	result = resolve(tool, txn, table, &stretch.reach, from, &stretch.from_us, &stretch.from_seq, error);
	if (result == 0 && from && !to && stretch.to_us < stretch.from_us)
		stretch.to_us = history_now(tool->history, txn);
	if (result == 0)
		result = resolve(tool, txn, table, &stretch.reach, to, &stretch.to_us, &stretch.to_seq, error);
	if (result == 0 && to && (result = check_end(tool, txn, table, &stretch.reach, to, error)) < 0)
		return result;
	if (result == 0 && to && !from && stretch.to_us < stretch.from_us)
		stretch.from_us = stretch.reach.earliest_us;
	if (result == 0 && (stretch.from_us > stretch.to_us || (stretch.to_seq && stretch.from_seq > stretch.to_seq)))
		result = error_set(error, -EINVAL, "--from is later than --to");
	if (result < 0)
		return error->code ? result : error_set(error, result, "%s: %s", table->name, strerror(-result));
	*ret_stretch = stretch;
	return 0;
}
