#include "watch.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "news.h"
#include "state.h"

#define POLL_MS 40

struct watch {
	struct history *history;
	struct watch_callbacks callbacks;
	pthread_t thread;
	atomic_bool is_stopping;
	uint64_t seen; /* the last of the store's commits that was told */
};

static void tell(struct watch *watch, struct store_txn *txn, const struct news_range *range, enum change_op op,
	uint64_t seq, const struct node *node)
{
	struct watch_event event = {
		.table = range->table, .op = op, .seq = seq, .is_past = range->is_past, .node = *node
	};
	watch->callbacks.changed(watch->callbacks.context, txn, &event);
}

static int tell_listed(struct watch *watch, struct store_txn *txn, const struct news_range *range, struct reader *note)
{
	enum change_op op;
	struct node node;
	int r = 0;
	for (uint64_t seq = range->first; !r && seq <= range->last; seq++) {
		r = news_next_change(note, &op, &node);
		if (!r)
			tell(watch, txn, range, op, seq, &node);
	}
	return r;
}

/* What retention has dropped meanwhile, from the log or of the nodes, is -ENOENT. */
static int tell_logged(struct watch *watch, struct store_txn *txn, const struct news_range *range)
{
	struct log_walk walk;
	struct log_entry entry;
	struct node node;
	int r = log_walk_begin(&walk, txn, range->table, range->first);
	for (uint64_t seq = range->first; !r && seq <= range->last; seq++) {
		r = log_walk_next(&walk, &entry);
		r = r < 0 ? r : r == 1 && entry.seq == seq ? 0 : -ENOENT;
		if (!r)
			r = node_read(txn, range->table, entry.number, seq, &node, NULL);
		if (!r)
			tell(watch, txn, range, entry.op, seq, &node);
	}
	return r;
}

static int tell_commit(struct watch *watch, struct store_txn *txn, uint64_t commit)
{
	struct reader note;
	struct news_range range;
	int r = news_read(txn, commit, &note), more;
	while (!r && (more = news_next_range(&note, &range)) != 0) {
		r = more < 0          ? more
		    : range.is_listed ? tell_listed(watch, txn, &range, &note)
				      : tell_logged(watch, txn, &range);
	}
	return r;
}

/* False when commit `number` could not be seen yet, or nothing: it has to be looked at again. A commit's number is told for as long as the disk
 * takes before what it holds. */
static bool look(struct watch *watch, uint64_t number)
{
	struct store_txn *txn;
	struct store_state state;
	if (store_begin(history_store(watch->history), false, &txn))
		return false;
	bool is_read = state_read(txn, &state) == 0, is_seen = store_shown(txn) >= number;
	int r = 0;
	while (is_read && !r && watch->seen < state.commits)
		r = tell_commit(watch, txn, ++watch->seen);
	if (is_read)
		watch->seen = state.commits;
	store_abort(txn);
	if (r)
		watch->callbacks.lost(watch->callbacks.context);
	return is_read && is_seen;
}

static void *run(void *argument)
{
	struct watch *watch = argument;
	uint64_t known = store_commit_number(history_store(watch->history));
	uint64_t told = 0;
	bool is_behind = !look(watch, known);
	while (!atomic_load(&watch->is_stopping)) {
		uint64_t number = history_wait_commit(watch->history, known, POLL_MS);
		if (number != known || is_behind)
			is_behind = !look(watch, number);
		known = number;
		told = is_behind ? told : number;
		watch->callbacks.settled(watch->callbacks.context, told);
	}
	return NULL;
}

int watch_start(struct history *history, const struct watch_callbacks *callbacks, struct watch **ret_watch)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	struct store_txn *txn;
	struct store_state state;
	if (!watch)
		return -ENOMEM;
	watch->history = history;
	watch->callbacks = *callbacks;
	int r = store_begin(history_store(history), false, &txn);
	if (!r) {
		r = state_read(txn, &state);
		watch->seen = state.commits;
		store_abort(txn);
	}
	if (!r && pthread_create(&watch->thread, NULL, run, watch))
		r = -EAGAIN;
	if (r) {
		free(watch);
		return r;
	}
	*ret_watch = watch;
	return 0;
}

void watch_stop(struct watch *watch)
{
	if (!watch)
		return;
	atomic_store(&watch->is_stopping, true);
	history_ring(watch->history);
	pthread_join(watch->thread, NULL);
	free(watch);
}
