#include "resolve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "keeper.h"
#include "mount.h"
#include "overtaken.h"

int resolve_add(struct mount *mount, struct view *view, struct table *table, const struct snapshot *snapshot,
	struct view **ret_view)
{
	int result;

	if (view == NULL) {
		table_free(table);
		return -ENOMEM;
	}
	view->table = *table;
	view->snapshot = *snapshot;
	view->time_us = snapshot->time_us;
	view->is_live = snapshot->time_us == TIME_NOW;
	result = views_add(mount->views, view, ret_view);
	if (result < 0)
		view_put(view);
	else if (views_past(mount->views) > KEEPER_PAST_VIEWS)
		keeper_wake(mount->keeper);
	return result;
}

static bool is_up_to_date(const struct view *view, const struct table *table)
{
	return !view->is_gone && view->table.number == table->number &&
	       slice_equal(buffer_slice(&view->table.description), buffer_slice(&table->description));
}

/* The same table with other settings keeps its slot. Takes over the table. */
static int refresh(struct mount *mount, const struct view *view, struct table *table)
{
	struct view *fresh = view_again(view);

	if (fresh == NULL) {
		table_free(table);
		return -ENOMEM;
	}
	fresh->table = *table;
	views_refresh(mount->views, view->slot, fresh);
	return 0;
}

/* A live table under a name in a directory. Takes over the table. */
static int resolve_live(struct mount *mount, uint64_t parent, const char *parent_path, struct slice name,
	struct table *table, struct view **ret_view)
{
	struct snapshot snapshot = snapshot_live(table->number);
	int64_t idle_ms;
	struct view *view = views_find(mount->views, parent, name, &idle_ms);
	int result;

	if (view != NULL && view->is_live && is_up_to_date(view, table)) {
		table_free(table);
		*ret_view = view;
		return 0;
	}
	if (view != NULL && view->is_live && !view->is_gone && view->table.number == table->number) {
		result = refresh(mount, view, table);
		*ret_view = result < 0 ? NULL : views_get(mount->views, view->slot);
		view_put(view);
		return result < 0 ? result : *ret_view == NULL ? -ENOENT : 0;
	}
	view_put(view);
	view = view_new(parent, name, parent_path);
	if (view != NULL)
		view->is_alias = parent != NODEID_ROOT;
	return resolve_add(mount, view, table, &snapshot, ret_view);
}

int resolve_live_table(struct mount *mount, struct store_txn *txn, struct slice name, struct view **ret_view)
{
	struct table table;
	int result = table_find(txn, name, TIME_NOW, &table, NULL);

	if (result == 0 && table.is_restoring) {
		table_free(&table);
		return -ENOENT;
	}
	if (result < 0)
		return result == -EINVAL ? -ENOENT : result;
	return resolve_live(mount, NODEID_ROOT, "", name, &table, ret_view);
}

int resolve_alias(struct mount *mount, uint64_t parent, const char *parent_path, struct slice name,
	const struct table *table, struct view **ret_view)
{
	struct table copy;
	int result = table_copy(table, &copy);

	return result < 0 ? result : resolve_live(mount, parent, parent_path, name, &copy, ret_view);
}

int resolve_store_table(struct mount *mount, struct store_txn *txn, const struct target *store, struct slice name,
	struct view **ret_view)
{
	struct instant instant = { .kind = INSTANT_AT, .time_us = store->view->time_us };
	struct snapshot snapshot;
	struct table table;
	int result = table_find(txn, name, store->view->time_us, &table, NULL);

	if (result == 0 && table.is_restoring) {
		table_free(&table);
		return -ENOENT;
	}
	if (result < 0)
		return result == -EINVAL ? -ENOENT : result;
	result = snapshot_resolve(mount->history, txn, &table, &instant, &snapshot, NULL);
	if (result < 0) {
		table_free(&table);
		return result;
	}
	return resolve_add(mount, view_new(store->nodeid, name, store->view->path), &table, &snapshot, ret_view);
}

static bool is_kept(const struct view *view, int64_t idle_ms)
{
	switch (view->written) {
	case INSTANT_AT:
	case INSTANT_SEQ:
		return true;
	case INSTANT_BEFORE_NOW:
	case INSTANT_EARLIEST:
		return idle_ms < RELATIVE_KEPT_MS;
	case INSTANT_LATEST:
		break;
	}
	return false;
}

struct view *resolve_find_kept(
	struct mount *mount, struct store_txn *txn, uint64_t parent, const struct table *table, struct slice name)
{
	int64_t idle_ms;
	struct view *view = views_find(mount->views, parent, name, &idle_ms);

	if (view != NULL && (table == NULL || view->table.number == table->number) && is_kept(view, idle_ms) &&
		!overtaken_is(txn, view))
		return view;
	view_put(view);
	return NULL;
}

struct view *resolve_find_going_on(
	struct mount *mount, struct store_txn *txn, uint64_t parent, struct slice name, pid_t pid)
{
	struct view *view = views_find_asked(mount->views, parent, name, pid, LATEST_KEPT_MS);

	if (view != NULL && !overtaken_is(txn, view))
		return view;
	view_put(view);
	return NULL;
}

static int add_store_view(struct mount *mount, struct view *view, int64_t time_us, struct view **ret_view)
{
	int result;

	view->is_store = true;
	view->time_us = time_us;
	result = views_add(mount->views, view, ret_view);
	if (result < 0)
		view_put(view);
	return result;
}

/* The table with the settings it had then. */
static int load_table(struct store_txn *txn, const struct table *live, int64_t time_us, struct table *ret_table)
{
	int result = table_load(txn, live->number, time_us, ret_table);

	return result == -ENOENT ? table_copy(live, ret_table) : result;
}

static int add_instant(struct mount *mount, struct store_txn *txn, const struct table *live,
	const struct instant *instant, struct view *view, struct view **ret_view, struct error *error)
{
	struct snapshot snapshot;
	struct table table;
	int64_t time_us;
	int result;

	view->written = instant->kind;
	if (live == NULL) {
		result = snapshot_resolve_store(mount->history, txn, instant, &time_us, error);
		if (result == 0)
			return add_store_view(mount, view, time_us, ret_view);
		view_put(view);
		return result;
	}
	view->is_item = view->name[0] != '@';
	result = snapshot_resolve(mount->history, txn, live, instant, &snapshot, error);
	if (result == 0)
		result = load_table(txn, live, snapshot.time_us, &table);
	if (result == 0 && table.is_restoring)
		result = restoring_check_past(txn, live, &snapshot, &table, error);
	if (result == 0)
		return resolve_add(mount, view, &table, &snapshot, ret_view);
	view_put(view);
	return result;
}

static int make_instant(struct mount *mount, struct store_txn *txn, const struct resolve_place *place,
	struct slice name, const struct instant *instant, struct view **ret_view, struct error *error)
{
	struct view *view = view_new(place->parent, name, place->path);

	return view == NULL ? -ENOMEM : add_instant(mount, txn, place->table, instant, view, ret_view, error);
}

int resolve_instant_in(struct mount *mount, struct store_txn *txn, const struct resolve_place *place, struct slice name,
	const struct instant *instant, struct view **ret_view, struct error *error)
{
	*ret_view = resolve_find_kept(mount, txn, place->parent, place->table, name);
	return *ret_view != NULL ? 0 : make_instant(mount, txn, place, name, instant, ret_view, error);
}

int resolve_instant(struct mount *mount, struct store_txn *txn, const struct target *directory, struct slice name,
	struct slice text, struct view **ret_view, struct error *error)
{
	struct resolve_place place = { .parent = directory->nodeid };
	struct buffer path = BUFFER_INIT;
	struct instant instant;
	int result;

	place.table = directory->view == NULL ? NULL : &directory->view->table;
	*ret_view = resolve_find_kept(mount, txn, place.parent, place.table, name);
	if (*ret_view != NULL)
		return 0;
	result = instant_parse(text, mount->zone, &instant, error);
	if (result < 0)
		return result == -EINVAL ? -ENOENT : result;
	target_path(mount, directory, &path);
	place.path = path.size == 0 ? "" : buffer_text(&path);
	result = path.is_out_of_memory || place.path == NULL
			 ? -ENOMEM
			 : make_instant(mount, txn, &place, name, &instant, ret_view, error);
	buffer_free(&path);
	return result;
}

void resolve_refresh(struct mount *mount, struct store_txn *txn, const struct view *view)
{
	struct table table;
	struct view *gone;
	int result = table_load(txn, view->table.number, TIME_NOW, &table);

	if (result == 0) {
		if (is_up_to_date(view, &table))
			table_free(&table);
		else
			(void)refresh(mount, view, &table);
		return;
	}
	if (result != -ENOENT || view->is_gone || table_copy(&view->table, &table) < 0)
		return;
	gone = view_again(view);
	if (gone == NULL) {
		table_free(&table);
		return;
	}
	gone->table = table;
	gone->is_gone = true;
	views_refresh(mount->views, view->slot, gone);
	scratch_forget_table(mount->scratch, view->slot);
}

struct refreshing {
	struct mount *mount;
	struct store_txn *txn;
};

static void refresh_one(void *context, struct view *view)
{
	const struct refreshing *refreshing = context;

	resolve_refresh(refreshing->mount, refreshing->txn, view);
}

void resolve_refresh_all(struct mount *mount, const struct view *view)
{
	struct refreshing refreshing = { .mount = mount };

	if (store_begin(mount->store, false, &refreshing.txn) < 0)
		return;
	resolve_refresh(mount, refreshing.txn, view);
	(void)views_each_live(mount->views, view->table.number, refresh_one, &refreshing);
	store_abort(refreshing.txn);
}

/* Does its instant show another state of the table by now? */
static bool is_another(struct mount *mount, struct store_txn *txn, const struct view *view)
{
	struct instant instant = { .kind = INSTANT_AT, .time_us = view->time_us };
	struct snapshot now;
	struct table table;
	bool is;

	if (load_table(txn, &view->table, view->time_us, &table) < 0)
		return false;
	is = snapshot_resolve(mount->history, txn, &table, &instant, &now, NULL) == 0 &&
	     (now.table != view->snapshot.table || now.seq != view->snapshot.seq);
	table_free(&table);
	return is;
}

void resolve_again(struct mount *mount, struct store_txn *txn, const struct view *view)
{
	bool is_of_times = view->written != INSTANT_SEQ && (view->branch == NULL || view->from.table != 0);

	if (!view->is_live && !view->is_store && is_of_times && (view->branch != NULL || is_another(mount, txn, view)))
		views_unname(mount->views, view->slot);
}
