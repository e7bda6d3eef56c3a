#include "tools/log_sources.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "told_tables.h"

/* --- Opening -------------------------------------------------------------------------------------------------------- */

static int unreadable(const struct table *table, int result, struct error *error)
{
	return error_set(error, result, "the changes of %s could not be read: %s", table->name, strerror(-result));
}

/* Takes the table over. What can't be told is passed over. */
static int add(struct tool *tool, struct log_sources *sources, struct table *table, const struct change_filter *filter,
	struct error *error)
{
	struct reach reach;
	int result = reach_of(tool->history, sources->txn, table, &reach);
	struct log_source *of = result == 0 ? reallocarray(sources->of, sources->count + 1, sizeof(*of)) : sources->of;
	if (result == 0 && !of)
		result = -ENOMEM;
	if (result < 0) {
		if (result != -ENOENT)
			unreadable(table, result, error);
		table_free(table);
		return result == -ENOENT ? 0 : result;
	}
	sources->of = of;
	sources->of[sources->count++] = (struct log_source){
		.table = *table, .reach = reach, .filter = *filter, .is_catalogue = table->number == CATALOGUE
	};
	return 0;
}

static int add_all(
	struct tool *tool, struct log_sources *sources, const struct change_filter *filter, struct error *error)
{
	struct told_walk walk = { 0 };
	struct table table;
	int64_t ended_us;
	int result;
	while ((result = told_tables_next(&walk, sources->txn, &table, &ended_us)) == 1) {
		result = add(tool, sources, &table, filter, error);
		if (result < 0)
			return result;
	}
	return result < 0 ? error_set(error, result, "the tables could not be listed: %s", strerror(-result)) : 0;
}

static int add_one(struct tool *tool, struct log_sources *sources, const struct table *table,
	const struct change_filter *filter, struct error *error)
{
	struct table copy;
	int result = table_copy(table, &copy);
	if (result == 0)
		return add(tool, sources, &copy, filter, error);
	table_free(&copy);
	return error_set(error, result, "out of memory");
}

static int add_catalogue(struct tool *tool, struct log_sources *sources, const struct table *table,
	const struct change_choice *choice, struct error *error)
{
	if (table) {
		struct key key = { .partition = { .tag = VALUE_S, .bytes = slice_of_text(table->name) } };
		key_append_encoded(&key, &sources->name);
		if (buffer_error(&sources->name) < 0)
			return error_set(error, -ENOMEM, "out of memory");
	}
	struct change_filter filter = { .encoded_key = buffer_slice(&sources->name),
		.from_us = choice->filter.from_us,
		.to_us = choice->filter.to_us,
		.by = choice->filter.by,
		.by_count = choice->filter.by_count };
	struct table catalogue;
	table_catalogue(&catalogue);
	return add(tool, sources, &catalogue, &filter, error);
}

/* Another table may have had the name. */
static bool is_wanted(const struct log_sources *sources, const struct log_source *source)
{
	return !source->is_catalogue || sources->only == UINT32_MAX || source->change->entry.number == sources->only;
}

static int step(struct log_sources *sources, struct log_source *source, struct error *error)
{
	int result;
	do
		result = change_walk_next(source->walk, &source->change);
	while (result == 1 && !is_wanted(sources, source));
	if (result != 1)
		source->change = NULL;
	return result < 0 ? unreadable(&source->table, result, error) : 0;
}

/* Walks borrow what stands in the array, which must not move any more. */
static int begin_walks(struct log_sources *sources, struct error *error)
{
	for (size_t i = 0; i < sources->count; i++) {
		struct log_source *source = &sources->of[i];
		int result = change_walk_begin(sources->txn, &source->table, &source->reach, &source->filter,
			sources->is_newest_first, &source->walk, error);
		if (result == 0)
			result = step(sources, source, error);
		if (result < 0)
			return result;
	}
	return 0;
}

int log_sources_open(struct tool *tool, struct store_txn *txn, const struct table *table,
	const struct change_choice *choice, bool is_newest_first, bool has_events, struct log_sources *ret_sources,
	struct error *error)
{
	struct log_sources sources = {
		.txn = txn, .is_newest_first = is_newest_first, .only = table ? table->number : UINT32_MAX
	};
	bool goes_by_number = choice->filter.from_seq != 0 || choice->filter.to_seq != 0;
	int result = table ? add_one(tool, &sources, table, &choice->filter, error)
			   : add_all(tool, &sources, &choice->filter, error);
	if (result == 0 && has_events && !goes_by_number && !change_choice_is_of_items(choice))
		result = add_catalogue(tool, &sources, table, choice, error);
	if (result == 0)
		result = begin_walks(&sources, error);
	*ret_sources = sources;
	if (result < 0)
		log_sources_close(ret_sources);
	return result;
}

void log_sources_close(struct log_sources *sources)
{
	for (size_t i = 0; i < sources->count; i++) {
		change_walk_end(sources->of[i].walk);
		table_free(&sources->of[i].table);
	}
	free(sources->of);
	buffer_free(&sources->name);
	*sources = (struct log_sources){ 0 };
}

/* --- By time -------------------------------------------------------------------------------------------------------- */

/* At one instant, changes stand in the order of their tables; the catalogue's, which has number 0, come before. */
static bool is_before(const struct log_sources *sources, const struct log_source *a, const struct log_source *b)
{
	int64_t left = a->change->entry.time_us, right = b->change->entry.time_us;
	if (left == right)
		return (a->table.number < b->table.number) != sources->is_newest_first;
	return (left < right) != sources->is_newest_first;
}

int log_sources_next(struct log_sources *sources, struct log_source **ret_source, struct error *error)
{
	struct log_source *last = sources->last, *next = NULL;
	int result = last ? step(sources, last, error) : 0;
	if (result < 0)
		return result;
	for (size_t i = 0; i < sources->count; i++) {
		struct log_source *source = &sources->of[i];
		if (source->change && (!next || is_before(sources, source, next)))
			next = source;
	}
	sources->last = *ret_source = next;
	return next ? 1 : 0;
}

uint64_t log_sources_damaged(const struct log_sources *sources, const struct table **ret_table, uint64_t *ret_seq)
{
	uint64_t damaged = 0, first;
	for (size_t i = 0; i < sources->count; i++) {
		uint64_t here = change_walk_damaged(sources->of[i].walk, &first);
		if (here > 0 && damaged == 0) {
			*ret_table = &sources->of[i].table;
			*ret_seq = first;
		}
		damaged += here;
	}
	return damaged;
}
