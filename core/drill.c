#include "drill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "batch.h"
#include "clock.h"
#include "hash.h"
#include "layout.h"
#include "log.h"
#include "restore.h"
#include "retention.h"

#define LOCK_NAME "drill.lock"
#define COPY_ITEMS 500 /* in one commit, and as many bytes */
#define COPY_BYTES ((size_t)1 << 20)
#define FORGET_US (10 * SECOND_US)

struct drill {
	struct history *history;
	const struct drill_options *options;
	int lock;
};

static const struct drill_options no_options;

/* --- What is temporary ---------------------------------------------------------------------------------------------- */

static int note(struct batch *batch, uint32_t table)
{
	struct layout_key key = layout_meta_number('x', table);
	batch_note(batch);
	return store_put(batch_txn(batch), STORE_META, layout_slice(&key), slice_of_text("1"));
}

static int forget_note(struct batch *batch, uint32_t table)
{
	struct layout_key key = layout_meta_number('x', table);
	batch_note(batch);
	int r = store_delete(batch_txn(batch), STORE_META, layout_slice(&key));
	return r == -ENOENT ? 0 : r;
}

/* The first that is noted. -ENOENT: none is. */
static int first_noted(struct store_txn *txn, uint32_t *ret_table)
{
	struct layout_key from = layout_meta_number('x', 0);
	struct slice key, value;
	int r = store_seek(txn, STORE_META, layout_slice(&from), &key, &value);
	if (r || key.size != from.size || key.data[0] != from.bytes[0])
		return r ? r : -ENOENT;
	*ret_table = (uint32_t)layout_meta_read_number(key);
	return 0;
}

static int begin_batch(
	struct drill *drill, struct batch **ret_batch, struct change_context *ret_context, struct error *error)
{
	*ret_context = (struct change_context){ 0 };
	int r = batch_begin(drill->history, ret_batch, error);
	if (r || !drill->options->author.size)
		return r;
	r = batch_author(*ret_batch, drill->options->author, &ret_context->author);
	if (!r)
		return 0;
	batch_abort(*ret_batch);
	return error_set(error, r, "drill: the author could not be stored: %s", strerror(-r));
}

static int end_batch(struct batch *batch, int r, struct error *error)
{
	if (!r)
		return batch_commit(batch, error);
	batch_abort(batch);
	return r;
}

/* Drops it, if it is there. */
static int drop_in(struct batch *batch, uint32_t number, const struct change_context *context, struct error *error)
{
	struct table table;
	int r = table_load(batch_txn(batch), number, TIME_NOW, &table);
	if (!r) {
		r = table_drop(batch, &table, context, error);
		table_free(&table);
	} else if (r == -ENOENT) {
		r = 0;
	}
	return r ? r : forget_note(batch, number);
}

/* Drops one temporary table (0: the first there is). *ret_number: which; 0: there was none. */
static int drop_one(struct drill *drill, uint32_t number, uint32_t *ret_number, struct error *error)
{
	struct batch *batch;
	struct change_context context;
	int r = begin_batch(drill, &batch, &context, error);
	if (r)
		return r;
	r = number ? 0 : first_noted(batch_txn(batch), &number);
	*ret_number = number;
	if (!r)
		r = drop_in(batch, number, &context, error);
	else if (r == -ENOENT)
		r = 0;
	return end_batch(batch, r, error);
}

static int drop_all(struct drill *drill, unsigned *ret_tables, struct error *error)
{
	struct store_txn *txn;
	uint32_t number;
	*ret_tables = 0;
	for (;;) {
		/* Nobody is kept waiting when there is nothing to do. */
		int r = store_begin(history_store(drill->history), false, &txn);
		if (r)
			return error_set(error, r, "drill: %s", strerror(-r));
		r = first_noted(txn, &number);
		store_abort(txn);
		if (!r)
			r = drop_one(drill, 0, &number, error);
		if (r)
			return r == -ENOENT ? 0 : r;
		(*ret_tables)++;
	}
}

/* --- Beginning and end ---------------------------------------------------------------------------------------------- */

/* A descriptor that holds the lock, or -EBUSY. */
static int lock(struct history *history)
{
	char *path;
	if (asprintf(&path, "%s/" LOCK_NAME, history_directory(history)) < 0)
		return -ENOMEM;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), r = fd < 0 ? -errno : fd;
	free(path);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
		return r;
	r = errno == EWOULDBLOCK ? -EBUSY : -errno;
	close(fd);
	return r;
}

int drill_begin(
	struct history *history, const struct drill_options *options, struct drill **ret_drill, struct error *error)
{
	unsigned tables;
	int fd = lock(history);
	if (fd < 0)
		return error_set(error, fd, "drill in %s: %s", history_directory(history),
			fd == -EBUSY ? "another one is running" : strerror(-fd));
	struct drill *drill = calloc(1, sizeof(*drill));
	if (!drill) {
		close(fd);
		return error_set(error, -ENOMEM, "drill: out of memory");
	}
	*drill = (struct drill){ history, options ? options : &no_options, fd };
	int r = drop_all(drill, &tables, error);
	if (r) {
		drill_abandon(drill);
		return r;
	}
	*ret_drill = drill;
	return 0;
}

static int forget(struct drill *drill, struct error *error)
{
	int64_t began_us = clock_now_us();
	int r = 1;
	while (r == 1 && clock_now_us() - began_us < FORGET_US && clock_now_us() >= began_us)
		r = retention_step(drill->history, NULL, error);
	return r < 0 ? r : 0;
}

int drill_end(struct drill *drill, struct error *error)
{
	unsigned tables;
	if (!drill)
		return 0;
	int r = drop_all(drill, &tables, error);
	if (!r)
		r = forget(drill, error);
	drill_abandon(drill);
	return r;
}

void drill_abandon(struct drill *drill)
{
	if (!drill)
		return;
	close(drill->lock);
	free(drill);
}

int drill_clear(struct history *history, unsigned *ret_tables, struct error *error)
{
	struct drill drill = { history, &no_options, lock(history) };
	*ret_tables = 0;
	if (drill.lock == -EBUSY)
		return 0;
	if (drill.lock < 0)
		return error_set(error, drill.lock, "drop what drills have left: %s", strerror(-drill.lock));
	int r = drop_all(&drill, ret_tables, error);
	close(drill.lock);
	return r;
}

/* --- Choosing ------------------------------------------------------------------------------------------------------- */

/* SplitMix64. */
static uint64_t below(uint64_t *random, uint64_t bound)
{
	uint64_t z = *random += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % bound;
}

/* A change of the window, and perhaps some of the time that follows it. */
static int pick_time(struct store_txn *txn, const struct table *table, int64_t earliest_us, int64_t latest_us,
	uint64_t *random, int64_t *ret_time_us)
{
	struct log_entry first, last, next;
	*ret_time_us = latest_us;
	int r = log_at_time(txn, table->number, earliest_us, &first);
	if (r == -ENOENT)
		r = log_first(txn, table->number, &first);
	if (!r)
		r = log_last(txn, table->number, &last);
	if (r || last.seq <= first.seq)
		return r == -ENOENT ? 0 : r;
	uint64_t seq = first.seq + below(random, last.seq - first.seq + 1);
	*ret_time_us = first.time_us;
	if (seq > first.seq) {
		r = log_get(txn, table->number, seq, &next);
		*ret_time_us = next.time_us;
	}
	if (!r && seq < last.seq)
		r = log_get(txn, table->number, seq + 1, &next);
	if (!r && seq < last.seq && next.time_us > *ret_time_us && below(random, 2))
		*ret_time_us += (int64_t)below(random, (uint64_t)(next.time_us - *ret_time_us));
	if (*ret_time_us < earliest_us)
		*ret_time_us = earliest_us;
	return r;
}

int drill_pick(struct drill *drill, const struct table *table, uint64_t *random, struct snapshot *ret_state,
	struct error *error)
{
	struct instant instant = { .kind = INSTANT_AT };
	struct store_txn *txn;
	int64_t earliest, latest;
	int r = store_begin(history_store(drill->history), false, &txn);
	if (r)
		return error_set(error, r, "drill: %s", strerror(-r));
	r = table_window(txn, table, history_now(drill->history, txn), &earliest, &latest);
	if (!r)
		r = pick_time(txn, table, earliest, latest, random, &instant.time_us);
	r = r ? error_set(error, r, "drill %s: %s", table->name, strerror(-r))
	      : snapshot_resolve(drill->history, txn, table, &instant, ret_state, error);
	store_abort(txn);
	return r;
}

/* --- Restoring ------------------------------------------------------------------------------------------------------ */

static void make_name(const struct table *table, const char *way, struct buffer *out)
{
	uint32_t random;
	hash_random(&random, sizeof(random));
	buffer_append_format(out, "drill-%.220s-%s-%08x", table->name, way, random);
}

static int make_temporary(struct drill *drill, const struct restore_source *source, bool is_copy,
	struct table *ret_table, struct error *error)
{
	struct batch *batch;
	struct change_context context;
	struct buffer name = BUFFER_INIT;
	make_name(&source->table, is_copy ? "copy" : "share", &name);
	int r = begin_batch(drill, &batch, &context, error);
	if (r) {
		buffer_free(&name);
		return r;
	}
	r = is_copy ? restore_begin(batch, buffer_slice(&name), &source->table, &context, ret_table, error)
		    : restore_share(batch, source, buffer_slice(&name), NULL, &context, ret_table, error);
	if (!r)
		r = table_set_recovery(batch, ret_table, false, 0, &context, error);
	if (!r)
		r = note(batch, ret_table->number);
	buffer_free(&name);
	r = end_batch(batch, r, error);
	if (r)
		ret_table->number = 0;
	return r;
}

struct copying {
	struct drill *drill;
	struct store_txn *txn;
	const struct drill_round *round;
	struct buffer items, content; /* blobs, not committed yet */
	uint64_t waiting, done;
	struct error *error;
};

static int commit_items(struct copying *copying)
{
	struct reader reader = reader_of(buffer_slice(&copying->items));
	struct batch *batch;
	struct change_context context;
	struct change_result result;
	int r = buffer_error(&copying->items);
	if (r || !copying->waiting)
		return r;
	r = begin_batch(copying->drill, &batch, &context, copying->error);
	if (r)
		return r;
	while (!r && reader_left(&reader))
		r = batch_put(batch, &copying->round->copy, reader_blob(&reader), &context, &result, copying->error);
	r = end_batch(batch, r, copying->error);
	copying->done += copying->waiting;
	copying->waiting = 0;
	buffer_clear(&copying->items);
	const struct drill_options *options = copying->drill->options;
	return r || !options->progress ? r : options->progress(options->context, copying->done, copying->round->items);
}

static int copy_item(void *context, const struct node *item)
{
	struct copying *copying = context;
	int r = snapshot_content(copying->txn, &copying->round->state, item->number, &copying->content);
	if (r)
		return r == -ENOENT ? -EIO : r;
	buffer_append_blob(&copying->items, buffer_slice(&copying->content));
	copying->waiting++;
	bool is_full = copying->waiting == COPY_ITEMS || copying->items.size >= COPY_BYTES;
	return is_full ? commit_items(copying) : 0;
}

static int copy_items(struct drill *drill, struct store_txn *txn, struct drill_round *round, struct error *error)
{
	struct copying copying = { .drill = drill, .txn = txn, .round = round, .error = error };
	int r = compare_walk(txn, &round->state, copy_item, &copying);
	if (!r)
		r = commit_items(&copying);
	if (r && error && !error->code)
		error_set(error, r, "copy the items of a state: %s", strerror(-r));
	buffer_free(&copying.items);
	buffer_free(&copying.content);
	return r;
}

static int restore_both(struct drill *drill, struct store_txn *txn, const struct restore_source *source,
	struct drill_round *round, struct error *error)
{
	int64_t began_us = clock_now_us();
	int r = make_temporary(drill, source, false, &round->share, error);
	round->share_us = clock_now_us() - began_us;
	if (r)
		return r;
	began_us = clock_now_us();
	r = make_temporary(drill, source, true, &round->copy, error);
	if (!r)
		r = copy_items(drill, txn, round, error);
	round->copy_us = clock_now_us() - began_us;
	return r;
}

int drill_restore(struct drill *drill, const struct table *table, const struct snapshot *state,
	struct drill_round *ret_round, struct error *error)
{
	struct restore_source source;
	struct store_txn *txn;
	uint64_t bytes;
	*ret_round = (struct drill_round){ .state = *state };
	int r = store_begin(history_store(drill->history), false, &txn);
	if (r)
		return error_set(error, r, "drill: %s", strerror(-r));
	r = restore_source_of(txn, table, state, NULL, &source, error);
	if (!r) {
		ret_round->state = source.snapshot;
		r = snapshot_statistics(txn, &source.snapshot, &ret_round->items, &bytes);
		r = r ? error_set(error, r, "drill %s: %s", table->name, strerror(-r))
		      : restore_both(drill, txn, &source, ret_round, error);
		restore_source_free(&source);
	}
	store_abort(txn);
	return r;
}

int drill_drop(struct drill *drill, struct drill_round *round, struct error *error)
{
	struct table *tables[] = { &round->share, &round->copy };
	uint32_t number;
	int r = 0;
	for (size_t i = 0; i < 2; i++) {
		if (tables[i]->number && !r)
			r = drop_one(drill, tables[i]->number, &number, error);
		table_free(tables[i]);
		tables[i]->number = 0;
	}
	return r;
}

/* --- Checking ------------------------------------------------------------------------------------------------------- */

struct checking {
	const struct drill_options *options;
	const char *what;
};

static int tell(
	void *context, enum compare_kind kind, struct slice encoded_key, struct slice first, struct slice second)
{
	const struct checking *checking = context;
	if (!checking->options->differs)
		return 0;
	return checking->options->differs(checking->options->context, checking->what, kind, encoded_key, first, second);
}

static int check_in(struct drill *drill, struct store_txn *txn, const struct table *table, struct drill_round *round,
	struct error *error)
{
	struct snapshot share = snapshot_live(round->share.number), copy = snapshot_live(round->copy.number);
	struct checking checking = { drill->options, "shared and copied" };
	int64_t began_us = clock_now_us();
	int r = compare_snapshots(txn, &share, &copy, tell, &checking, &round->compared, error);
	round->compare_us = clock_now_us() - began_us;
	began_us = clock_now_us();
	checking.what = "replayed and shared";
	if (!r)
		r = replay_compare(drill->history, txn, table, round->state.seq, &share, tell, &checking,
			&round->share_replayed, error);
	round->replay_us = clock_now_us() - began_us;
	checking.what = "replayed and copied";
	if (!r)
		r = replay_compare(drill->history, txn, table, round->state.seq, &copy, tell, &checking,
			&round->copy_replayed, error);
	return r;
}

int drill_check(struct drill *drill, const struct table *table, struct drill_round *round, struct error *error)
{
	struct store_txn *txn;
	int r = store_begin(history_store(drill->history), false, &txn);
	if (r)
		return error_set(error, r, "drill: %s", strerror(-r));
	r = check_in(drill, txn, table, round, error);
	store_abort(txn);
	return r;
}

static bool is_same(const struct drill_round *round, const struct compare_counts *counts)
{
	return counts->equal == round->items && !counts->missing && !counts->extra && !counts->different;
}

bool drill_is_right(const struct drill_round *round)
{
	return is_same(round, &round->compared) && is_same(round, &round->share_replayed.compared) &&
	       is_same(round, &round->copy_replayed.compared) && !round->share_replayed.faults &&
	       !round->copy_replayed.faults;
}
