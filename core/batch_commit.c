/* How a batch ends. With the changes are committed what they make of the restores they were for, who is told of them
 * (news.h), the counters, and what is forgotten over them. */
#include "batch_parts.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "news.h"
#include "restore.h"
#include "retention.h"
#include "table.h"

/* Does the table forget its changes at once? */
static int is_forgetting(struct batch *batch, uint32_t number)
{
	struct table table = { 0 };
	if (number == CATALOGUE)
		return 0;
	int r = table_load(batch->txn, number, TIME_NOW, &table);
	bool is_off = !r && !table.is_pitr_on;
	table_free(&table);
	return r == -ENOENT ? 0 : r ? r : is_off;
}

static int note_commit(struct batch *batch)
{
	struct buffer note = BUFFER_INIT;
	int r = 0;
	buffer_append_varint(&note, ++batch->state.commits);
	for (size_t i = 0; i < batch->touched_count && !r; i++) {
		struct touched *touched = &batch->touched[i];
		struct news_range range = { touched->table, touched->first_seq, touched->counters.seq, touched->is_past,
			false };
		if (!touched->first_seq)
			continue;
		r = is_forgetting(batch, touched->table);
		touched->is_forgetting = r == 1;
		r = r < 0 ? r : news_add(batch->txn, &range, touched->is_forgetting, &note);
	}
	if (!r)
		r = news_put(batch->txn, batch->state.commits, &note);
	buffer_free(&note);
	return r;
}

/* A restore that is whole ends with the change that made it so; that is one more change, of the catalogue. */
static int settle_restores(struct batch *batch)
{
	int r = 0;
	for (size_t i = 0, count = batch->touched_count; i < count && !r; i++) {
		const struct touched *touched = &batch->touched[i];
		if (touched->first_seq && touched->table != CATALOGUE)
			r = restore_settle(batch, touched->table, touched->counters.items);
	}
	return r;
}

static int write_counters(struct batch *batch)
{
	int r = batch->changes ? note_commit(batch) : 0;
	for (size_t i = 0; i < batch->touched_count && !r; i++)
		if (batch->touched[i].first_seq)
			r = counters_write(batch->txn, batch->touched[i].table, &batch->touched[i].counters);
	return r ? r : state_write(batch->txn, &batch->state);
}

/* What keeps no history forgets it at once; old changes may leave their window sooner than others. */
static int forget(struct batch *batch, const struct touched *touched)
{
	if (touched->is_forgetting)
		return retention_trim_off(batch->txn, touched->table, touched->counters.seq - touched->first_seq + 1);
	if (touched->first_us < clock_now_us() - DAY_US / 24)
		return retention_want_until(batch->txn, touched->first_us + DAY_US);
	return 0;
}

static int forget_unneeded(struct batch *batch)
{
	int r = 0;
	for (size_t i = 0; i < batch->touched_count && !r; i++)
		if (batch->touched[i].first_seq && batch->touched[i].table != CATALOGUE)
			r = forget(batch, &batch->touched[i]);
	return r;
}

static void end(struct batch *batch)
{
	for (size_t i = 0; i < batch->touched_count; i++)
		log_tail_free(&batch->touched[i].log);
	free(batch->touched);
	buffer_free(&batch->old);
	buffer_free(&batch->scratch);
	buffer_free(&batch->line);
	buffer_free(&batch->author_text);
	free(batch);
}

int batch_commit(struct batch *batch, struct error *error)
{
	assert(!batch->is_spoilt);
	if (!batch->changes && !batch->has_notes) {
		batch_abort(batch);
		return 0;
	}
	struct history *history = batch->history;
	int r = settle_restores(batch);
	if (!r)
		r = write_counters(batch);
	if (!r)
		r = forget_unneeded(batch);
	/* What is committed says so by its time; what is not, while no other batch can begin. */
	if (r || batch->writing_us > batch->state.last_us)
		history_note_writing(history, 0);
	if (r)
		store_abort(batch->txn);
	else
		r = store_commit(batch->txn);
	end(batch);
	if (r)
		return error_set(error, r, "commit to %s: %s", history_directory(history), strerror(-r));
	history_ring(history);
	return 0;
}

void batch_abort(struct batch *batch)
{
	if (!batch)
		return;
	if (batch->writing_us)
		history_note_writing(batch->history, 0);
	store_abort(batch->txn);
	end(batch);
}
