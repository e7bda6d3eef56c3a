#include "keeper.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "commit.h"
#include "monotonic.h"
#include "mount.h"
#include "overtaken.h"

#define RECOVER_MS 10000
#define LOOK_MS 1000

struct keeper {
	struct mount *mount;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t has_work;
	bool is_stopping, is_woken;
	int64_t look_ms;        /* when to look for views of what is forgotten, if anything was committed */
	uint64_t looked_commit; /* the store's commit number then */
};

static void drop_view(void *context, const struct view *view)
{
	struct mount *mount = context;

	notifier_release(mount->notifier, view->parent, slice_of_text(view->name), false);
}

static void trim_views(struct mount *mount)
{
	size_t past = views_past(mount->views);

	if (past > KEEPER_PAST_VIEWS)
		views_oldest(mount->views, past - KEEPER_PAST_VIEWS * 3 / 4, drop_view, mount);
}

/* A partition that has items again needs no keeping: the store has it. False: it is private still. */
static bool let_go(struct mount *mount, struct store_txn *txn, struct scratch *kept)
{
	struct buffer key = BUFFER_INIT, name = BUFFER_INIT;
	struct view *view = views_get(mount->views, scratch_slot(kept));
	struct node node;
	uint64_t parent;
	bool is_stored;

	scratch_copy_key(kept, &key);
	is_stored = view == NULL || snapshot_find(txn, &view->snapshot, buffer_slice(&key), &node) == 0;
	if (is_stored) {
		scratch_copy_name(kept, &parent, &name);
		scratch_unname(kept);
		if (nodeid_is_scratch(kept->nodeid) || view == NULL ||
			kept->nodeid != nodeid_of(view->slot, node.number))
			notifier_release(mount->notifier, parent, buffer_slice(&name), false);
	}
	view_put(view);
	buffer_free(&key);
	buffer_free(&name);
	return is_stored;
}

static void trim_partitions(struct mount *mount)
{
	struct store_txn *txn;
	struct scratch *kept;
	bool goes_on = true;

	if (scratch_partitions(mount->scratch) <= KEEPER_PARTITIONS || store_begin(mount->store, false, &txn) < 0)
		return;
	while (goes_on && scratch_partitions(mount->scratch) > KEEPER_PARTITIONS * 3 / 4 &&
		(kept = scratch_oldest_partition(mount->scratch)) != NULL) {
		goes_on = let_go(mount, txn, kept);
		scratch_put(kept);
	}
	store_abort(txn);
}

static void drop_overtaken(struct keeper *keeper)
{
	if (monotonic_ms() < keeper->look_ms)
		return;
	keeper->look_ms = monotonic_ms() + LOOK_MS;
	if (store_commit_number(keeper->mount->store) != keeper->looked_commit)
		keeper->looked_commit = overtaken_drop_all(keeper->mount);
}

static void *keep(void *context)
{
	struct keeper *keeper = context;
	struct mount *mount = keeper->mount;
	int64_t recover_ms = monotonic_ms() + RECOVER_MS;

	pthread_mutex_lock(&keeper->lock);
	while (!keeper->is_stopping) {
		int64_t until_ms = asides_due(mount->asides);

		until_ms = until_ms < recover_ms ? until_ms : recover_ms;
		until_ms = until_ms < keeper->look_ms ? until_ms : keeper->look_ms;
		if (!keeper->is_woken && monotonic_ms() < until_ms)
			monotonic_wait(&keeper->has_work, &keeper->lock, until_ms);
		keeper->is_woken = false;
		pthread_mutex_unlock(&keeper->lock);
		(void)commit_asides(mount, ASIDE_DUE, 0);
		trim_views(mount);
		trim_partitions(mount);
		drop_overtaken(keeper);
		restoring_tidy(mount, true);
		if (mount->writer != NULL && monotonic_ms() >= recover_ms)
			(void)journal_recover(mount->history, NULL);
		if (monotonic_ms() >= recover_ms)
			recover_ms = monotonic_ms() + RECOVER_MS;
		pthread_mutex_lock(&keeper->lock);
	}
	pthread_mutex_unlock(&keeper->lock);
	return NULL;
}

int keeper_start(struct mount *mount, struct keeper **ret_keeper)
{
	struct keeper *keeper = calloc(1, sizeof(*keeper));
	int result;

	if (keeper == NULL)
		return -ENOMEM;
	keeper->mount = mount;
	pthread_mutex_init(&keeper->lock, NULL);
	monotonic_condition(&keeper->has_work);
	result = pthread_create(&keeper->thread, NULL, keep, keeper);
	if (result != 0) {
		free(keeper);
		return -result;
	}
	*ret_keeper = keeper;
	return 0;
}

void keeper_stop(struct keeper *keeper)
{
	if (keeper == NULL)
		return;
	pthread_mutex_lock(&keeper->lock);
	keeper->is_stopping = true;
	pthread_cond_signal(&keeper->has_work);
	pthread_mutex_unlock(&keeper->lock);
	pthread_join(keeper->thread, NULL);
	pthread_cond_destroy(&keeper->has_work);
	pthread_mutex_destroy(&keeper->lock);
	free(keeper);
}

void keeper_wake(struct keeper *keeper)
{
	pthread_mutex_lock(&keeper->lock);
	keeper->is_woken = true;
	pthread_cond_signal(&keeper->has_work);
	pthread_mutex_unlock(&keeper->lock);
}
