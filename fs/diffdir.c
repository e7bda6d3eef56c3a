#include "diffdir.h"

#include <errno.h>
#include <string.h>

#include "difference.h"
#include "diffrange.h"
#include "log.h"
#include "mount.h"
#include "resolve.h"
#include "retention.h"
#include "tablesdir.h"

#define BETWEEN ".."

/* --- two instants --- */

static int parse_one(struct mount *mount, struct slice text, struct instant *ret_instant, struct error *error)
{
	if (text.size > 0 && text.data[0] == '@')
		text = slice_of(text.data + 1, text.size - 1);
	return instant_parse(text, mount->zone, ret_instant, error);
}

static int parse(struct mount *mount, struct slice name, struct instant ret_instants[2], struct error *error)
{
	const uint8_t *between = memmem(name.data, name.size, BETWEEN, strlen(BETWEEN));
	int result;

	if (between == NULL)
		return error_set(error, -ENOENT, "write the two instants as T1..T2, such as -2h..-1h");
	result = parse_one(mount, slice_of(name.data, (size_t)(between - name.data)), &ret_instants[0], error);
	if (result == 0) {
		between += strlen(BETWEEN);
		result = parse_one(
			mount, slice_of(between, (size_t)(name.data + name.size - between)), &ret_instants[1], error);
	}
	return result == -EINVAL ? -ENOENT : result;
}

/* How soon the name may mean something else. */
static enum instant_kind written_of(const struct instant instants[2])
{
	enum instant_kind kind = instants[0].kind, other = instants[1].kind;

	if (kind == INSTANT_LATEST || other == INSTANT_LATEST)
		return INSTANT_LATEST;
	return kind == INSTANT_AT || kind == INSTANT_SEQ ? other : kind;
}

/* --- of a table --- */

static int check(struct store_txn *txn, const struct view *view, struct error *error)
{
	struct difference_walk walk;
	int result = difference_begin(&walk, txn, view->from.table, view->from.seq, view->snapshot.seq, 0);

	difference_end(&walk);
	if (result == -ESTALE)
		return error_set(
			error, -ENOENT, "not all changes of %s between the two are kept any more", view->table.name);
	return result;
}

static int find_in_table(struct mount *mount, struct store_txn *txn, const struct view *directory,
	const struct instant instants[2], struct view *view, struct error *error)
{
	struct table table;
	int result = attree_table(txn, directory, &table);

	if (result < 0)
		return result;
	result = snapshot_resolve(mount->history, txn, &table, &instants[0], &view->from, error);
	if (result == 0)
		result = snapshot_resolve(mount->history, txn, &table, &instants[1], &view->snapshot, error);
	table_free(&table);
	return result < 0 ? result : check(txn, view, error);
}

/* --- of the store --- */

static int find_in_store(struct mount *mount, struct store_txn *txn, const struct instant instants[2],
	struct view *view, struct error *error)
{
	int result = snapshot_resolve_store(mount->history, txn, &instants[0], &view->from.time_us, error);

	return result < 0 ? result
			  : snapshot_resolve_store(mount->history, txn, &instants[1], &view->snapshot.time_us, error);
}

/* Before it was there a table was empty. */
static int resolve_or_empty(struct mount *mount, struct store_txn *txn, const struct table *table, int64_t time_us,
	struct snapshot *ret_snapshot)
{
	const struct instant instant = { .kind = INSTANT_AT, .time_us = time_us };
	struct log_entry base;
	int result = snapshot_resolve(mount->history, txn, table, &instant, ret_snapshot, NULL);

	if (result != -ENOENT || time_us >= table->exists_from_us || log_base(txn, table->number, &base) == 0)
		return result;
	*ret_snapshot = (struct snapshot){ .table = table->number, .time_us = time_us };
	return retention_check(txn, table->number, 0) < 0 ? -ENOENT : 0;
}

static int make_table(struct mount *mount, struct store_txn *txn, const struct view *view, const struct table *table,
	struct view **ret_view)
{
	struct view *made = attree_new(view, NUMBER_DIRECTORY, slice_of_text(table->name), &diffrange);
	int result;

	if (made == NULL)
		return -ENOMEM;
	attree_set_table(made, table);
	made->written = view->written;
	result = resolve_or_empty(mount, txn, table, view->from.time_us, &made->from);
	if (result == 0)
		result = resolve_or_empty(mount, txn, table, view->snapshot.time_us, &made->snapshot);
	if (result == 0)
		result = check(txn, made, NULL);
	if (result == 0)
		return attree_put(mount, made, ret_view);
	view_put(made);
	return result == -ESTALE ? -ENOENT : result;
}

static int find_table(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, struct slice name,
	struct branch_entry *ret_entry, struct error *error)
{
	(void)number, (void)error;
	return tablesdir_find(mount, txn, view, name, make_table, ret_entry);
}

static int list_tables(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, uint64_t after,
	branch_each each, void *context)
{
	(void)number;
	return tablesdir_list(mount, txn, view, after, make_table, each, context);
}

static const struct branch diffdir_of_tables = { .find = find_table, .list = list_tables, .node = tablesdir_node };

/* --- diff/ itself --- */

static int find(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, struct slice name,
	struct branch_entry *ret_entry, struct error *error)
{
	bool is_store = view->table.number == CATALOGUE;
	struct instant instants[2];
	struct view *found;
	int result;

	ret_entry->number = NUMBER_DIRECTORY;
	ret_entry->view =
		resolve_find_kept(mount, txn, nodeid_of(view->slot, number), is_store ? NULL : &view->table, name);
	if (ret_entry->view != NULL)
		return 0;
	result = parse(mount, name, instants, error);
	if (result < 0)
		return result;
	found = attree_new(view, number, name, is_store ? &diffdir_of_tables : &diffrange);
	if (found == NULL)
		return -ENOMEM;
	found->written = written_of(instants);
	result = is_store ? find_in_store(mount, txn, instants, found, error)
			  : find_in_table(mount, txn, view, instants, found, error);
	if (result == 0)
		return attree_put(mount, found, &ret_entry->view);
	view_put(found);
	return result;
}

/* There is no end of what could be listed. */
static int list_nothing(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, uint64_t after,
	branch_each each, void *context)
{
	(void)mount, (void)txn, (void)view, (void)number, (void)after, (void)each, (void)context;
	return 0;
}

static int node(
	struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, struct branch_node *ret_node)
{
	(void)mount, (void)txn;
	*ret_node = (struct branch_node){ .time_us = view->table.created_us, .is_settled = true };
	return number == NUMBER_DIRECTORY ? 0 : -ENOENT;
}

const struct branch diffdir = { .find = find, .list = list_nothing, .node = node };
