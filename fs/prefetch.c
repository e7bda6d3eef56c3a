/* Invariants
 * 1. `sending` is held while anything is sent to the kernel, and from the beginning of the transaction that shows what is stored to the
 *    end of the last store from it. Requests never take it.
 * 2. Of live items something is stored only while the kernel has been told of every commit the transaction shows: nothing it keeps is
 *    older, so that the bytes of two versions never meet in a page.
 * 3. Of its own commits a mount sends notices before they are made only. So what was stored is looked at again before `sending` is let go:
 *    what has changed meanwhile, or is about to, is taken back. A change that is accepted later finds a page like any other. */
#define FUSE_USE_VERSION 314
#include "prefetch.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdlib.h>

#include "monotonic.h"
#include "mount.h"
#include "render.h"
#include "settled.h"
#include "streams.h"
#include "watching.h"

#define PAGE_BYTES 4096
#define UNKNOWN_MAX 16 /* so many in a row, and the kernel has not listed what lies here */
#define LATER_MS 5     /* until the kernel may have been told of the last commits, */
#define LATER_MAX 20   /* which is waited for so often */

struct prefetch {
	struct mount *mount;
	struct fuse_session *session;
	pthread_t thread;
	pthread_mutex_t sending;
	pthread_mutex_t lock; /* guards the rest */
	pthread_cond_t has_work;
	bool is_stopping;
	struct streams streams;
};

/* A live item that was stored. */
struct stored {
	uint64_t number, seq;
	struct slice encoded_key; /* borrowed from the transaction */
};

/* A portion while it is given. */
struct giving {
	struct prefetch *prefetch;
	struct mount *mount;
	struct portion *portion;
	struct view *view;
	struct store_txn *txn;
	struct snapshot_walk walk;
	unsigned unknown; /* in a row */
	bool is_left_out; /* the next one is for the reader */
	struct stored stored[STREAM_PORTION];
	size_t stored_count;
	struct buffer item, text; /* used again and again */
};

/* --- the kernel --- */

static int store(struct prefetch *prefetch, uint64_t nodeid, struct slice text)
{
	struct fuse_bufvec bytes = FUSE_BUFVEC_INIT(text.size);
	int result;

	bytes.buf[0].mem = (void *)text.data;
	result = fuse_lowlevel_notify_store(prefetch->session, nodeid, 0, &bytes, FUSE_BUF_NO_SPLICE);
	counts_add(&prefetch->mount->counts, COUNT_STORE);
	if (result == 0)
		counts_add(&prefetch->mount->counts, COUNT_STORED);
	return result;
}

static bool is_kernel_told(struct mount *mount)
{
	uint64_t commit = store_commit_number(mount->store);

	return mount->watching == NULL ||
	       (watching_told(mount->watching) >= commit && notifier_is_done(mount->notifier));
}

/* --- one item --- */

static bool is_written(struct giving *giving, struct slice encoded_key)
{
	uint64_t ticket;

	/* In this order: what is closed in between is pending. */
	return giving->mount->writer != NULL &&
	       (handle_is_written(&giving->mount->handles, giving->view->slot, encoded_key) ||
		       writer_pending(giving->mount->writer, giving->view->table.number, encoded_key, &ticket));
}

static bool is_to_be_stored(struct giving *giving, const struct node *node)
{
	return node->version.seq != 0 && node->kind == NODE_ITEM &&
	       settled_size(giving->mount, node) <= ONE_MESSAGE_BYTES &&
	       settled_is(giving->mount, giving->view, node) &&
	       !(giving->view->is_live && is_written(giving, node->encoded_key));
}

static void store_node(struct giving *giving, const struct node *node)
{
	int result = snapshot_walk_content(&giving->walk, &giving->item);

	giving->text.size = 0;
	if (result == 0)
		result = render_item(giving->mount, giving->view, buffer_slice(&giving->item), &giving->text);
	if (result < 0 || giving->text.size != settled_size(giving->mount, node))
		return;
	result = store(giving->prefetch, nodeid_of(giving->view->slot, node->number), buffer_slice(&giving->text));
	giving->unknown = result == -ENOENT ? giving->unknown + 1 : 0;
	if (result == 0 && giving->view->is_live && giving->mount->writer != NULL)
		giving->stored[giving->stored_count++] =
			(struct stored){ node->number, node->version.seq, node->encoded_key };
}

static void take_back(struct giving *giving, const struct stored *stored)
{
	(void)fuse_lowlevel_notify_inval_inode(
		giving->prefetch->session, nodeid_of(giving->view->slot, stored->number), 0, 0);
}

static bool is_changed(struct giving *giving, struct store_txn *now, const struct stored *stored)
{
	struct node node;

	return snapshot_node(now, &giving->view->snapshot, stored->number, &node) < 0 ||
	       node.version.seq != stored->seq;
}

/* Invariant 3. What is pending no more has been committed. */
static void look_again(struct giving *giving)
{
	struct store_txn *now;

	for (size_t i = 0; i < giving->stored_count; i++) {
		if (is_written(giving, giving->stored[i].encoded_key))
			take_back(giving, &giving->stored[i]);
	}
	if (giving->stored_count == 0 || store_is_current(giving->txn))
		return;
	if (store_begin(giving->mount->store, false, &now) < 0)
		now = NULL;
	for (size_t i = 0; i < giving->stored_count; i++) {
		if (now == NULL || is_changed(giving, now, &giving->stored[i]))
			take_back(giving, &giving->stored[i]);
	}
	store_abort(now);
}

/* --- a portion --- */

/* The reader has it, or has asked for it. */
static bool is_behind(struct giving *giving, uint64_t entry)
{
	struct prefetch *prefetch = giving->prefetch;
	bool is;

	pthread_mutex_lock(&prefetch->lock);
	is = entry <= streams_last(&prefetch->streams, giving->portion);
	pthread_mutex_unlock(&prefetch->lock);
	return is;
}

static void give_node(struct giving *giving, const struct node *node)
{
	struct portion *portion = giving->portion;

	portion->next = node->slot + 1;
	portion->given += 1 + settled_size(giving->mount, node) / PAGE_BYTES;
	if (!is_to_be_stored(giving, node) || is_behind(giving, node->slot))
		return;
	if (giving->is_left_out) {
		giving->is_left_out = false;
	} else if (portion->is_marking && portion->mark == STREAM_NOWHERE) {
		portion->mark = node->slot;
	} else {
		store_node(giving, node);
	}
}

static int give_nodes(struct giving *giving)
{
	struct portion *portion = giving->portion;
	struct node node;
	int result = snapshot_walk_begin(
		&giving->walk, giving->txn, &giving->view->snapshot, portion->directory, portion->from);

	if (result < 0)
		return result;
	while (portion->given < portion->pages && giving->unknown < UNKNOWN_MAX &&
		(result = snapshot_walk_next(&giving->walk, &node)) == 1)
		give_node(giving, &node);
	snapshot_walk_end(&giving->walk);
	return result;
}

/* Do few enough that live lie between the two entries that were read last? */
static bool is_stream(struct giving *giving)
{
	const struct portion *portion = giving->portion;
	struct snapshot_walk walk;
	struct node node = { 0 };
	int result, count = 0;

	if (portion->before == STREAM_NOWHERE)
		return true;
	result = snapshot_walk_begin(
		&walk, giving->txn, &giving->view->snapshot, portion->directory, portion->before + 1);
	if (result < 0)
		return false;
	while (count++ < STREAM_NEAR && (result = snapshot_walk_next(&walk, &node)) == 1 && node.slot < portion->last)
		;
	snapshot_walk_end(&walk);
	return result == 1 && node.slot >= portion->last;
}

static void give_from_view(struct giving *giving)
{
	struct portion *portion = giving->portion;
	int result;

	if (!is_stream(giving)) {
		portion->is_no_stream = true;
		return;
	}
	result = give_nodes(giving);
	look_again(giving);
	portion->is_over = result <= 0;
	portion->is_unknown = giving->unknown >= UNKNOWN_MAX;
}

/* False: it is too early. */
static bool give(struct giving *giving, struct portion *portion)
{
	struct mount *mount = giving->mount;
	bool is_early = false;

	giving->portion = portion;
	giving->unknown = 0;
	giving->stored_count = 0;
	giving->is_left_out = portion->is_dry;
	portion->is_over = false;
	giving->view = views_get(mount->views, portion->view);
	if (giving->view != NULL && !giving->view->is_gone && giving->view->branch == NULL &&
		store_begin(mount->store, false, &giving->txn) == 0) {
		is_early = giving->view->is_live && !is_kernel_told(mount);
		if (!is_early)
			give_from_view(giving);
		store_abort(giving->txn);
	} else {
		portion->is_over = true;
	}
	view_put(giving->view);
	return !is_early;
}

/* --- the thread --- */

/* With the lock held, which is released meanwhile. */
static void work(struct prefetch *prefetch, struct giving *giving, struct portion *portion)
{
	bool is_given = false;

	for (int tries = 0; !is_given && !prefetch->is_stopping && tries < LATER_MAX; tries++) {
		if (tries > 0)
			monotonic_wait(&prefetch->has_work, &prefetch->lock, monotonic_ms() + LATER_MS);
		pthread_mutex_unlock(&prefetch->lock);
		prefetch_lock(prefetch);
		is_given = give(giving, portion);
		prefetch_unlock(prefetch);
		pthread_mutex_lock(&prefetch->lock);
	}
	portion->is_unknown = portion->is_unknown || !is_given;
	streams_given(&prefetch->streams, portion);
}

static void *run(void *context)
{
	struct prefetch *prefetch = context;
	struct giving giving = { .prefetch = prefetch, .mount = prefetch->mount };
	struct portion portion;

	pthread_mutex_lock(&prefetch->lock);
	while (!prefetch->is_stopping) {
		if (streams_take(&prefetch->streams, &portion))
			work(prefetch, &giving, &portion);
		else
			pthread_cond_wait(&prefetch->has_work, &prefetch->lock);
	}
	pthread_mutex_unlock(&prefetch->lock);
	buffer_free(&giving.item);
	buffer_free(&giving.text);
	return NULL;
}

int prefetch_start(struct mount *mount, struct fuse_session *session, struct prefetch **ret_prefetch)
{
	struct prefetch *prefetch = calloc(1, sizeof(*prefetch));
	int result;

	if (prefetch == NULL)
		return -ENOMEM;
	prefetch->mount = mount;
	prefetch->session = session;
	pthread_mutex_init(&prefetch->sending, NULL);
	pthread_mutex_init(&prefetch->lock, NULL);
	monotonic_condition(&prefetch->has_work);
	result = pthread_create(&prefetch->thread, NULL, run, prefetch);
	if (result != 0) {
		free(prefetch);
		return -result;
	}
	*ret_prefetch = prefetch;
	return 0;
}

void prefetch_rest(struct prefetch *prefetch)
{
	bool is_first;

	if (prefetch == NULL)
		return;
	pthread_mutex_lock(&prefetch->lock);
	is_first = !prefetch->is_stopping;
	prefetch->is_stopping = true;
	pthread_cond_signal(&prefetch->has_work);
	pthread_mutex_unlock(&prefetch->lock);
	if (is_first)
		pthread_join(prefetch->thread, NULL);
}

void prefetch_stop(struct prefetch *prefetch)
{
	if (prefetch == NULL)
		return;
	prefetch_rest(prefetch);
	pthread_cond_destroy(&prefetch->has_work);
	pthread_mutex_destroy(&prefetch->lock);
	pthread_mutex_destroy(&prefetch->sending);
	free(prefetch);
}

void prefetch_follow(struct prefetch *prefetch, const struct target *target)
{
	if (prefetch == NULL || target->kind != TARGET_ITEM || target->view->is_item)
		return;
	pthread_mutex_lock(&prefetch->lock);
	if (streams_follow(&prefetch->streams, target->view->slot, target->node.directory, target->node.slot))
		pthread_cond_signal(&prefetch->has_work);
	pthread_mutex_unlock(&prefetch->lock);
}

void prefetch_lock(struct prefetch *prefetch)
{
	pthread_mutex_lock(&prefetch->sending);
}

void prefetch_unlock(struct prefetch *prefetch)
{
	pthread_mutex_unlock(&prefetch->sending);
}
