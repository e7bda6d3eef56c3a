#include "overtaken.h"

#include <errno.h>

#include "mount.h"
#include "retention.h"

/* Of one state or, below "@/", between two; or of none. */
static bool is_of_state(const struct view *view)
{
	return !view->is_live && !view->is_store && (view->branch == NULL || view->snapshot.table != 0);
}

static bool is_forgotten(struct store_txn *txn, const struct snapshot *snapshot)
{
	return retention_check(txn, snapshot->table, snapshot->seq) == -ESTALE;
}

bool overtaken_is(struct store_txn *txn, const struct view *view)
{
	return is_of_state(view) &&
	       (is_forgotten(txn, &view->snapshot) || (view->from.table != 0 && is_forgotten(txn, &view->from)));
}

bool overtaken_is_now(struct mount *mount, struct view *view)
{
	struct store_txn *txn;
	bool is;

	if (view->is_live || atomic_load(&view->whole_at) == store_commit_number(mount->store))
		return false;
	if (store_begin(mount->store, false, &txn) < 0)
		return false;
	is = overtaken_is(txn, view);
	if (!is)
		atomic_store(&view->whole_at, store_shown(txn));
	store_abort(txn);
	return is;
}

/* A table of the whole store's view was listed there, too. */
static void drop(struct mount *mount, const struct view *view)
{
	notifier_drop(mount->notifier, view->parent, slice_of_text(view->name));
	notifier_node(mount->notifier, view->parent);
}

void overtaken_drop(struct mount *mount, uint64_t nodeid)
{
	struct view *view = views_get(mount->views, nodeid_slot(nodeid));

	if (view != NULL && !view->is_live && (view->branch == NULL || is_of_state(view)))
		drop(mount, view);
	view_put(view);
}

struct looking {
	struct mount *mount;
	struct store_txn *txn;
};

static void look(void *context, struct view *view)
{
	struct looking *looking = context;

	if (!overtaken_is(looking->txn, view) || atomic_exchange(&view->is_dropped, true))
		return;
	drop(looking->mount, view);
}

uint64_t overtaken_drop_all(struct mount *mount)
{
	struct looking looking = { .mount = mount };
	uint64_t commit;

	if (store_begin(mount->store, false, &looking.txn) < 0)
		return 0;
	(void)views_each(mount->views, UINT32_MAX, look, &looking);
	commit = store_shown(looking.txn);
	store_abort(looking.txn);
	return commit;
}
