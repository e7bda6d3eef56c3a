/* "@/backups" of the root: names of tables. The place of a name is the number of the first table that has it and has backups. */
#include "backupdir.h"

#include <errno.h>
#include <stdlib.h>

#include "backup.h"
#include "hash.h"

struct named {
	uint64_t name;          /* hashed */
	struct pin_place place; /* of a backup of the table */
};

static int compare_names(const void *a, const void *b)
{
	const struct named *one = a, *other = b;

	if (one->name != other->name)
		return one->name > other->name ? 1 : -1;
	return (one->place.table > other->place.table) - (one->place.table < other->place.table);
}

static int compare_tables(const void *a, const void *b)
{
	const struct named *one = a, *other = b;

	return (one->place.table > other->place.table) - (one->place.table < other->place.table);
}

/* One for each table that has backups. */
static int gather(struct store_txn *txn, struct buffer *out)
{
	struct pin_place place = { 0 };
	uint32_t known = UINT32_MAX;
	struct pin pin;
	int result;

	while ((result = backup_next(txn, UINT32_MAX, slice_of(NULL, 0), &place, &pin)) == 1) {
		struct named named = { .place = place };
		struct table table;

		if (pin.table == known)
			continue;
		known = pin.table;
		result = backup_table(txn, &pin, &table);
		if (result < 0)
			return result;
		named.name = hash_checksum64(slice_of_text(table.name), 0);
		table_free(&table);
		buffer_append(out, &named, sizeof(named));
	}
	return result < 0 ? result : buffer_error(out);
}

/* Leaves the first table of each name, in order of tables. */
static size_t keep_first(struct named *tables, size_t count)
{
	size_t kept = 0;

	qsort(tables, count, sizeof(*tables), compare_names);
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || tables[kept - 1].name != tables[i].name)
			tables[kept++] = tables[i];
	}
	qsort(tables, kept, sizeof(*tables), compare_tables);
	return kept;
}

static int list_one(struct mount *mount, struct store_txn *txn, const struct view *directory, const struct named *named,
	struct view **ret_view)
{
	struct pin_place place = { named->place.table, named->place.seq, named->place.number - 1, true };
	struct table table;
	struct pin pin;
	int result = pin_next(txn, named->place.table, &place, &pin);

	result = result < 0 ? result : result == 0 ? -EIO : backup_table(txn, &pin, &table);
	if (result < 0)
		return result;
	result =
		attree_add(mount, directory, NUMBER_DIRECTORY, slice_of_text(table.name), &backupdir_of_name, ret_view);
	table_free(&table);
	return result;
}

static int list_tables(struct mount *mount, struct store_txn *txn, struct view *directory, uint64_t number,
	uint64_t after, branch_each each, void *context)
{
	struct buffer gathered = BUFFER_INIT;
	int result = gather(txn, &gathered);
	struct named *tables = (struct named *)(void *)gathered.data;
	size_t count = result < 0 || gathered.size == 0 ? 0 : keep_first(tables, gathered.size / sizeof(*tables));
	bool goes_on = true;

	(void)number;
	for (size_t i = 0; i < count && result == 0 && goes_on; i++) {
		struct branch_entry entry = { .number = NUMBER_DIRECTORY };

		if (tables[i].place.table <= after)
			continue;
		result = list_one(mount, txn, directory, &tables[i], &entry.view);
		if (result == 0) {
			goes_on = each(context, tables[i].place.table, entry.view->name, &entry, NULL);
			view_put(entry.view);
		}
	}
	buffer_free(&gathered);
	return result;
}

static int find_table(struct mount *mount, struct store_txn *txn, struct view *directory, uint64_t number,
	struct slice name, struct branch_entry *ret_entry, struct error *error)
{
	struct pin_place place = { 0 };
	struct pin pin;
	int result = name.size == 0 ? 0 : backup_next(txn, UINT32_MAX, name, &place, &pin);

	(void)error;
	ret_entry->number = NUMBER_DIRECTORY;
	if (result <= 0)
		return result < 0 ? result : -ENOENT;
	return attree_add(mount, directory, number, name, &backupdir_of_name, &ret_entry->view);
}

static int tables_node(struct mount *mount, struct store_txn *txn, struct view *directory, uint64_t number,
	struct branch_node *ret_node)
{
	struct pin_place place = { 0 };
	struct pin pin;
	int result;

	(void)mount, (void)directory;
	if (number != NUMBER_DIRECTORY)
		return -ENOENT;
	*ret_node = (struct branch_node){ 0 };
	while ((result = backup_next(txn, UINT32_MAX, slice_of(NULL, 0), &place, &pin)) == 1) {
		if (pin.created_us > ret_node->time_us)
			ret_node->time_us = pin.created_us;
	}
	return result < 0 ? result : backupdir_salt(txn, ret_node);
}

const struct branch backupdir_of_store = { .find = find_table, .list = list_tables, .node = tables_node };
