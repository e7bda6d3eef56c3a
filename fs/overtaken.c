#include "overtaken.h"

#include <errno.h>

#include "mount.h"
#include "retention.h"

bool overtaken_is(struct store_txn *txn, const struct view *view)
{
	return !view->is_live && !view->is_store && view->branch == NULL &&
	       retention_check(txn, view->snapshot.table, view->snapshot.seq) == -ESTALE;
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

	if (view != NULL && !view->is_live && view->branch == NULL)
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

void overtaken_drop_all(struct mount *mount)
{
	struct looking looking = { .mount = mount };

	if (store_begin(mount->store, false, &looking.txn) < 0)
		return;
	(void)views_each(mount->views, UINT32_MAX, look, &looking);
	store_abort(looking.txn);
}
