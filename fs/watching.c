#include "watching.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "backupdir.h"
#include "key.h"
#include "monotonic.h"
#include "mount.h"
#include "resolve.h"
#include "watch.h"

/* A partition emptied by others goes at once; one in which this mount just removed something waits for rmdir. */
#define EMPTIED_HERE_MS 5000
#define ROUND_MAX 64
/* While there is news all the time, directories are told of only so often. The watcher comes back within 40 ms. */
#define ROUND_MS 20

/* What a round of news has touched, each told once. */
struct round {
	uint64_t nodes[ROUND_MAX];
	size_t node_count;
	uint32_t past_tables[ROUND_MAX]; /* got changes below instants that may have been shown */
	size_t past_count;
	bool is_everything; /* more than fits, or news were missed */
};

struct watching {
	struct mount *mount;
	struct watch *watch;
	struct round round;
	int64_t told_ms; /* when the last round ended */
	atomic_uint_fast64_t told;
	struct backupdir_known known;
};

static void touch_node(struct watching *watching, uint64_t nodeid)
{
	struct round *round = &watching->round;

	for (size_t i = 0; i < round->node_count; i++) {
		if (round->nodes[i] == nodeid)
			return;
	}
	if (round->node_count == ROUND_MAX) {
		for (size_t i = 0; i < ROUND_MAX; i++)
			notifier_node(watching->mount->notifier, round->nodes[i]);
		round->node_count = 0;
	}
	round->nodes[round->node_count++] = nodeid;
}

static void touch_past(struct round *round, uint32_t table)
{
	for (size_t i = 0; i < round->past_count; i++) {
		if (round->past_tables[i] == table)
			return;
	}
	if (round->past_count == ROUND_MAX)
		round->is_everything = true;
	else
		round->past_tables[round->past_count++] = table;
}

/* --- tables --- */

struct news {
	struct watching *watching;
	struct store_txn *txn;
	const struct watch_event *event;
	bool is_known; /* this mount did it, and the kernel knows */
};

static void table_of_view_changed(void *context, struct view *view)
{
	const struct news *news = context;
	struct mount *mount = news->watching->mount;

	resolve_refresh(mount, news->txn, view);
	if (news->event->op == CHANGE_REMOVE || view->is_alias)
		notifier_expire(mount->notifier, view->parent, slice_of_text(view->name));
	/* It stands at the root once it is restored. */
	if (view->is_alias)
		notifier_expire(mount->notifier, NODEID_ROOT, slice_of_text(view->table.name));
	touch_node(news->watching, nodeid_of(view->slot, NUMBER_TABLE_FILE));
}

static void table_changed(struct watching *watching, struct store_txn *txn, const struct watch_event *event)
{
	struct news news = { watching, txn, event, false };

	touch_node(watching, NODEID_ROOT);
	touch_node(watching, NODEID_RESTORE);
	(void)views_each_live(watching->mount->views, (uint32_t)event->node.number, table_of_view_changed, &news);
}

/* --- items --- */

/* The partition an item is in, when the mount keeps it. */
static struct scratch *kept_partition(struct mount *mount, const struct view *view, struct slice encoded_key)
{
	struct buffer storage = BUFFER_INIT, partition = BUFFER_INIT;
	struct scratch *kept = NULL;
	struct key key;

	if (scratch_partitions(mount->scratch) == 0)
		return NULL;
	if (key_decode(encoded_key, &storage, &key) == 0) {
		key_append_partition(&key.partition, &partition);
		kept = scratch_find_partition(mount->scratch, view->slot, buffer_slice(&partition));
	}
	buffer_free(&storage);
	buffer_free(&partition);
	return kept;
}

/* The item was the last in its partition, which has ended with it. */
static void partition_ended(
	struct mount *mount, const struct view *view, const struct watch_event *event, struct scratch *kept)
{
	struct node partition = { .kind = NODE_PARTITION };
	struct buffer storage = BUFFER_INIT, encoded = BUFFER_INIT;
	char name[FILE_NAME_MAX + 1];
	struct key key;

	if (kept != NULL &&
		(nodeid_is_scratch(kept->nodeid) || monotonic_ms() - scratch_used_ms(kept) < EMPTIED_HERE_MS))
		return;
	if (kept != NULL)
		scratch_unname(kept);
	if (key_decode(event->node.encoded_key, &storage, &key) == 0) {
		key_append_partition(&key.partition, &encoded);
		partition.encoded_key = buffer_slice(&encoded);
		if (snapshot_name(&view->table, &partition, name) > 0)
			notifier_expire(mount->notifier, nodeid_of(view->slot, NUMBER_DIRECTORY), slice_of_text(name));
	}
	buffer_free(&storage);
	buffer_free(&encoded);
}

static bool has_ended(struct store_txn *txn, const struct view *view, uint64_t directory)
{
	struct node node;

	return directory != 0 && snapshot_node(txn, &view->snapshot, directory, &node) == -ENOENT;
}

/* What this mount did itself its kernel knows, and the handlers have told it what it does not: but only of the one view in which
 * it was done. */
static bool is_known(const struct mount *mount, const struct watch_event *event)
{
	return mount->writer != NULL && writer_made(mount->writer, event->table, event->seq) &&
	       views_live(mount->views, event->table) < 2;
}

static void node_changed(void *context, struct view *view)
{
	const struct news *news = context;
	struct watching *watching = news->watching;
	struct mount *mount = watching->mount;
	const struct watch_event *event = news->event;
	struct scratch *kept = kept_partition(mount, view, event->node.encoded_key);
	uint64_t directory = nodeid_of(view->slot, event->node.directory);
	char name[FILE_NAME_MAX + 1];

	touch_node(watching, directory);
	if (kept != NULL)
		directory = kept->nodeid;
	touch_node(watching, directory);
	touch_node(watching, nodeid_of(view->slot, NUMBER_DIRECTORY));
	touch_node(watching, nodeid_of(view->slot, NUMBER_TABLE_FILE));
	if (event->op != CHANGE_REMOVE)
		asides_cancel(mount->asides, event->table, event->node.encoded_key, event->seq);
	if (event->op == CHANGE_MODIFY)
		notifier_node(mount->notifier, nodeid_of(view->slot, event->node.number));
	/* A name is dropped under its directory's lock, for which a request may hold that this process has to answer: not
	 * to be asked for needlessly. What was unlinked here the kernel has dropped itself. */
	if (event->op == CHANGE_REMOVE && !news->is_known && snapshot_name(&view->table, &event->node, name) > 0)
		notifier_drop(mount->notifier, directory, slice_of_text(name));
	if (event->op == CHANGE_REMOVE && has_ended(news->txn, view, event->node.directory))
		partition_ended(mount, view, event, kept);
	scratch_put(kept);
}

static void changed(void *context, struct store_txn *txn, const struct watch_event *event)
{
	struct watching *watching = context;
	struct mount *mount = watching->mount;
	struct news news = { watching, txn, event, false };

	if (event->is_past)
		touch_past(&watching->round, event->table == CATALOGUE ? (uint32_t)event->node.number : event->table);
	if (event->table == CATALOGUE) {
		table_changed(watching, txn, event);
		return;
	}
	news.is_known = is_known(mount, event);
	if (news.is_known && !event->is_past)
		return;
	(void)views_each_live(mount->views, event->table, node_changed, &news);
	notifier_keep_pace(mount->notifier);
}

static void lost(void *context)
{
	struct watching *watching = context;

	watching->round.is_everything = true;
}

/* --- the end of a round --- */

struct forgetting {
	struct mount *mount;
	struct store_txn *txn;
	bool with_live;
};

static void forget_view(void *context, struct view *view)
{
	struct forgetting *forgetting = context;
	struct mount *mount = forgetting->mount;

	if (view->is_live && !forgetting->with_live)
		return;
	if (view->is_live)
		resolve_refresh(mount, forgetting->txn, view);
	else
		resolve_again(mount, forgetting->txn, view);
	notifier_drop(mount->notifier, view->parent, slice_of_text(view->name));
	notifier_node(mount->notifier, nodeid_of(view->slot, NUMBER_DIRECTORY));
}

/* Also what tells of all tables together. */
static void forget_store(void *context, struct view *view)
{
	struct forgetting *forgetting = context;

	if (view->is_store || (view->branch != NULL && view->table.number == CATALOGUE))
		notifier_drop(forgetting->mount->notifier, view->parent, slice_of_text(view->name));
}

static void forget(struct watching *watching)
{
	struct round *round = &watching->round;
	struct forgetting forgetting = { .mount = watching->mount, .with_live = round->is_everything };

	if (store_begin(watching->mount->store, false, &forgetting.txn) < 0)
		return;
	if (round->is_everything)
		(void)views_each(watching->mount->views, UINT32_MAX, forget_view, &forgetting);
	for (size_t i = 0; i < round->past_count && !round->is_everything; i++)
		(void)views_each(watching->mount->views, round->past_tables[i], forget_view, &forgetting);
	(void)views_each(watching->mount->views, UINT32_MAX, forget_store, &forgetting);
	store_abort(forgetting.txn);
	notifier_node(watching->mount->notifier, NODEID_ROOT);
}

static void settled(void *context, uint64_t told)
{
	struct watching *watching = context;
	struct round *round = &watching->round;
	int64_t now_ms = monotonic_ms();

	/* Of items it was told at once. */
	if (!round->is_everything && round->past_count == 0)
		atomic_store(&watching->told, told);
	if (now_ms - watching->told_ms < ROUND_MS)
		return;
	watching->told_ms = now_ms;
	for (size_t i = 0; i < round->node_count; i++)
		notifier_node(watching->mount->notifier, round->nodes[i]);
	if (round->is_everything || round->past_count > 0)
		forget(watching);
	backupdir_tell_news(watching->mount, &watching->known);
	*round = (struct round){ 0 };
	atomic_store(&watching->told, told);
}

uint64_t watching_told(const struct watching *watching)
{
	return atomic_load(&watching->told);
}

int watching_start(struct mount *mount, struct watching **ret_watching)
{
	struct watching *watching = calloc(1, sizeof(*watching));
	struct watch_callbacks callbacks = {
		.changed = changed, .lost = lost, .settled = settled, .context = watching
	};
	int result;

	if (watching == NULL)
		return -ENOMEM;
	watching->mount = mount;
	result = watch_start(mount->history, &callbacks, &watching->watch);
	if (result < 0) {
		free(watching);
		return result;
	}
	*ret_watching = watching;
	return 0;
}

void watching_stop(struct watching *watching)
{
	if (watching == NULL)
		return;
	watch_stop(watching->watch);
	free(watching);
}
