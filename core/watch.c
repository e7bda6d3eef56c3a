#include "watch.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "layout.h"
#include "state.h"

#define POLL_MS 40

struct watch {
	struct history *history;
	struct watch_callbacks callbacks;
	pthread_t thread;
	atomic_bool is_stopping;
	uint64_t seen; /* the last of the store's commits that was told */
};

static int tell_table(
	struct watch *watch, struct store_txn *txn, uint32_t table, uint64_t first, uint64_t last, bool is_past)
{
	struct log_walk walk;
	struct log_entry entry;
	int r = log_walk_begin(&walk, txn, table, first);
	while (!r && (r = log_walk_next(&walk, &entry)) == 1 && entry.seq <= last) {
		struct watch_event event = {
			.table = table, .op = entry.op, .seq = entry.seq, .time_us = entry.time_us, .is_past = is_past
		};
		r = node_read(txn, table, entry.number, entry.seq, &event.node, NULL);
		if (r)
			return r;
		watch->callbacks.changed(watch->callbacks.context, txn, &event);
	}
	return r < 0 ? r : 0;
}

static int tell_commit(struct watch *watch, struct store_txn *txn, uint64_t commit)
{
	struct layout_key key = layout_meta_number('c', commit % WATCH_COMMITS);
	struct slice note;
	int r = store_get(txn, STORE_META, layout_slice(&key), &note);
	if (r)
		return r;
	struct reader reader = reader_of(note);
	if (reader_varint(&reader) != commit)
		return -ENOENT;
	while (!r && reader_left(&reader)) {
		uint32_t table = (uint32_t)reader_varint(&reader);
		uint64_t first = reader_varint(&reader), last = reader_varint(&reader);
		bool is_past = reader_byte(&reader) != 0;
		r = reader.is_bad ? -EIO : tell_table(watch, txn, table, first, last, is_past);
	}
	return r;
}

/* False when the store could not be read: it has to be looked at again. */
static bool look(struct watch *watch)
{
	struct store_txn *txn;
	struct store_state state;
	if (store_begin(history_store(watch->history), false, &txn))
		return false;
	bool is_read = state_read(txn, &state) == 0;
	int r = 0;
	while (is_read && !r && watch->seen < state.commits)
		r = tell_commit(watch, txn, ++watch->seen);
	if (is_read)
		watch->seen = state.commits;
	store_abort(txn);
	if (r)
		watch->callbacks.lost(watch->callbacks.context);
	return is_read;
}

static void *run(void *argument)
{
	struct watch *watch = argument;
	uint64_t known = store_commit_number(history_store(watch->history));
	bool is_behind = !look(watch);
	while (!atomic_load(&watch->is_stopping)) {
		uint64_t number = history_wait_commit(watch->history, known, POLL_MS);
		if (number != known || is_behind)
			is_behind = !look(watch);
		known = number;
		watch->callbacks.settled(watch->callbacks.context);
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
