/* Places: those of table_list for living tables, behind them the numbers of ended ones. */
#include "tablesdir.h"

#include <errno.h>
#include <stdlib.h>

#include "hash.h"
#include "told_tables.h"

#define PLACES_OF_ENDED (UINT64_C(1) << 60)

int tablesdir_add(struct mount *mount, const struct view *view, const struct table *table, const struct branch *branch,
	struct view **ret_view)
{
	struct view *added = attree_new(view, NUMBER_DIRECTORY, slice_of_text(table->name), branch);

	if (added != NULL)
		attree_set_table(added, table);
	return attree_put(mount, added, ret_view);
}

int tablesdir_find(struct mount *mount, struct store_txn *txn, const struct view *view, struct slice name,
	tablesdir_make make, struct branch_entry *ret_entry)
{
	struct table table;
	int64_t ended_us;
	int result = told_tables_find(txn, name, &table, &ended_us);

	if (result < 0)
		return result;
	ret_entry->number = NUMBER_DIRECTORY;
	result = table.is_restoring ? -ENOENT : make(mount, txn, view, &table, &ret_entry->view);
	table_free(&table);
	return result;
}

/* --- listing --- */

struct lister {
	struct mount *mount;
	struct store_txn *txn;
	const struct view *view;
	tablesdir_make make;
	branch_each each;
	void *context;
};

/* 1; 0: no more are wanted. */
static int list_table(const struct lister *lister, uint64_t place, const struct table *table)
{
	struct branch_entry entry = { .number = NUMBER_DIRECTORY };
	bool goes_on;
	int result = table->is_restoring ? -ENOENT
					 : lister->make(lister->mount, lister->txn, lister->view, table, &entry.view);

	if (result < 0)
		return result == -ENOENT ? 1 : result;
	goes_on = lister->each(lister->context, place, table->name, &entry, NULL);
	view_put(entry.view);
	return goes_on;
}

static int list_living(const struct lister *lister, uint64_t after)
{
	uint64_t place = after;
	struct table table;
	int result = 1, found;

	while (result == 1 && (found = table_list(lister->txn, TIME_NOW, &place, &table)) != 0) {
		if (found < 0)
			return found;
		result = list_table(lister, place, &table);
		table_free(&table);
	}
	return result;
}

struct ended {
	uint64_t name; /* hashed */
	int64_t ended_us;
	uint32_t number;
};

static int compare_names(const void *a, const void *b)
{
	const struct ended *one = a, *other = b;

	if (one->name != other->name)
		return one->name > other->name ? 1 : -1;
	return (one->ended_us > other->ended_us) - (one->ended_us < other->ended_us);
}

static int compare_numbers(const void *a, const void *b)
{
	const struct ended *one = a, *other = b;

	return (one->number > other->number) - (one->number < other->number);
}

/* Those whose name no living table has. */
static int gather_ended(struct store_txn *txn, struct buffer *out)
{
	struct told_walk walk = { .is_past_living = true };
	struct table table, living;
	struct ended ended = { 0 };
	int result;

	while ((result = told_tables_next(&walk, txn, &table, &ended.ended_us)) == 1) {
		result = table_find(txn, slice_of_text(table.name), TIME_NOW, &living, NULL);
		if (result == 0)
			table_free(&living);
		ended.name = hash_checksum64(slice_of_text(table.name), 0);
		ended.number = table.number;
		table_free(&table);
		if (result == -ENOENT)
			buffer_append(out, &ended, sizeof(ended));
		else if (result < 0)
			return result;
	}
	return result < 0 ? result : buffer_error(out);
}

/* Leaves the last of each name, in order of numbers. */
static size_t keep_last(struct ended *tables, size_t count)
{
	size_t kept = 0;

	qsort(tables, count, sizeof(*tables), compare_names);
	for (size_t i = 0; i < count; i++) {
		if (i + 1 == count || tables[i + 1].name != tables[i].name)
			tables[kept++] = tables[i];
	}
	qsort(tables, kept, sizeof(*tables), compare_numbers);
	return kept;
}

static int list_ended_table(const struct lister *lister, const struct ended *ended)
{
	struct table table;
	int result = table_load(lister->txn, ended->number, ended->ended_us - 1, &table);

	if (result < 0)
		return result;
	result = list_table(lister, PLACES_OF_ENDED + ended->number, &table);
	table_free(&table);
	return result;
}

static int list_ended(const struct lister *lister, uint64_t after)
{
	struct buffer gathered = BUFFER_INIT;
	int result = gather_ended(lister->txn, &gathered);
	struct ended *tables = (struct ended *)(void *)gathered.data;
	size_t count = result < 0 || gathered.size == 0 ? 0 : keep_last(tables, gathered.size / sizeof(*tables));

	result = result < 0 ? result : 1;
	for (size_t i = 0; i < count && result == 1; i++) {
		if (PLACES_OF_ENDED + tables[i].number > after)
			result = list_ended_table(lister, &tables[i]);
	}
	buffer_free(&gathered);
	return result;
}

int tablesdir_list(struct mount *mount, struct store_txn *txn, const struct view *view, uint64_t after,
	tablesdir_make make, branch_each each, void *context)
{
	const struct lister lister = { mount, txn, view, make, each, context };
	int result = after < PLACES_OF_ENDED ? list_living(&lister, after) : 1;

	if (result == 1)
		result = list_ended(&lister, after);
	return result < 0 ? result : 0;
}

int tablesdir_node(
	struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, struct branch_node *ret_node)
{
	struct table_statistics statistics;
	int result = table_statistics(txn, CATALOGUE, &statistics);

	(void)mount, (void)view;
	*ret_node = (struct branch_node){ .time_us = statistics.last_us };
	return number == NUMBER_DIRECTORY ? result : -ENOENT;
}

static int make_branch(struct mount *mount, struct store_txn *txn, const struct view *view, const struct table *table,
	struct view **ret_view)
{
	(void)txn;
	return tablesdir_add(mount, view, table, view->branch->of_table, ret_view);
}

int tablesdir_find_branch(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number,
	struct slice name, struct branch_entry *ret_entry, struct error *error)
{
	(void)number, (void)error;
	return tablesdir_find(mount, txn, view, name, make_branch, ret_entry);
}

int tablesdir_list_branches(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number,
	uint64_t after, branch_each each, void *context)
{
	(void)number;
	return tablesdir_list(mount, txn, view, after, make_branch, each, context);
}
