#include "undo.h"

#include <errno.h>
#include <string.h>

#include "instant.h"
#include "lineage.h"
#include "log.h"
#include "node.h"
#include "retention.h"
#include "undo_parts.h"

/* One undo. `batch` NULL: it is only planned. */
struct undo {
	struct history *history;
	struct store_txn *txn;
	struct batch *batch;
	const struct table *table, *into;
	const struct undo_options *options;
	const struct change_context *change;
	undo_each each;
	void *context;
	struct undo_choice *choice;
	struct undo_counts counts;
	struct buffer key, before, after, now, merged, state;
	struct error *error;
};

/* --- The window ----------------------------------------------------------------------------------------------------- */

static int too_old(const struct undo *undo, int64_t from_us, int64_t earliest_us, struct error *error)
{
	char from[INSTANT_TEXT_MAX], earliest[INSTANT_TEXT_MAX];
	if (!undo->table->is_pitr_on)
		return error_set(error, -ESTALE,
			"undo changes of %s: it keeps no history (point-in-time recovery is off)", undo->table->name);
	instant_format_z(from_us, from, sizeof(from));
	instant_format_z(earliest_us, earliest, sizeof(earliest));
	return error_set(error, -ESTALE,
		"undo changes of %s from %s on: they are not all kept any more; its history begins at %s",
		undo->table->name, from, earliest);
}

/* The changes before a table was restored are its source's: it has none of them to undo. */
static int refuse_inherited(const struct undo *undo, int64_t to_us, struct error *error)
{
	char from[INSTANT_TEXT_MAX];
	struct lineage lineage;
	if (to_us >= undo->table->exists_from_us)
		return 0;
	int r = lineage_read(undo->txn, undo->table->number, &lineage);
	if (r)
		return r == -ENOENT ? 0 : r;
	instant_format_z(undo->table->exists_from_us, from, sizeof(from));
	return error_set(error, -EINVAL,
		"undo changes of %s: it was restored at %s and has none from before; undo them in what it was "
		"restored from, with --into",
		undo->table->name, from);
}

/* The number of the last change at or before a time; 0, or what the table began with: none. */
static int seq_at(const struct undo *undo, int64_t time_us, uint64_t *ret_seq)
{
	struct log_entry entry = { 0 };
	int r = log_at_time(undo->txn, undo->table->number, time_us, &entry);
	if (r == -ENOENT) {
		r = log_first(undo->txn, undo->table->number, &entry);
		entry.seq -= r ? 0 : 1;
	}
	*ret_seq = entry.seq;
	return r == -ENOENT ? 0 : r;
}

/* A change named by its number must be there: its time becomes that end's. */
static int resolve_seq(const struct undo *undo, uint64_t seq, int64_t *time_us, struct error *error)
{
	struct log_entry entry;
	if (!seq)
		return 0;
	int r = log_get(undo->txn, undo->table->number, seq, &entry);
	if (r == -ENOENT)
		return error_set(error, r, "undo changes of %s: there is no change number %llu", undo->table->name,
			(unsigned long long)seq);
	*time_us = entry.time_us;
	return r;
}

static int resolve_numbers(const struct undo *undo, int64_t from_us, int64_t to_us, struct undo_window *window)
{
	const struct undo_options *options = undo->options;
	uint64_t before = options->from_seq - 1;
	int r = options->from_seq ? 0 : seq_at(undo, from_us - 1, &before);
	window->first = before + 1;
	window->last = options->to_seq;
	if (!r && !options->to_seq)
		r = seq_at(undo, to_us, &window->last);
	return r;
}

static int resolve(const struct undo *undo, struct undo_window *window, struct error *error)
{
	int64_t from_us = undo->options->from_us, to_us = undo->options->to_us, earliest, latest;
	int r = resolve_seq(undo, undo->options->from_seq, &from_us, error);
	if (!r)
		r = resolve_seq(undo, undo->options->to_seq, &to_us, error);
	if (r == -ENOENT)
		return r;
	if (!r)
		r = table_window(undo->txn, undo->table, history_now(undo->history, undo->txn), &earliest, &latest);
	if (!r)
		r = resolve_numbers(undo, from_us, to_us, window);
	if (!r && (to_us < from_us || (undo->options->from_seq && window->last < window->first)))
		return error_set(
			error, -EINVAL, "undo changes of %s: the window ends before it begins", undo->table->name);
	if (!r && (r = refuse_inherited(undo, to_us, error)))
		return r;
	if (!r && from_us < earliest && earliest > undo->table->exists_from_us)
		return too_old(undo, from_us, earliest, error);
	/* Before its first change a table was empty, whatever is kept. */
	if (!r && window->first <= window->last)
		r = retention_check(undo->txn, undo->table->number, window->first > 1 ? window->first - 1 : 1);
	if (r == -ESTALE)
		return too_old(undo, from_us, earliest, error);
	return r ? error_set(error, r, "undo changes of %s: %s", undo->table->name, strerror(-r)) : 0;
}

/* --- One item ------------------------------------------------------------------------------------------------------- */

int undo_state(
	struct store_txn *txn, const struct table *table, struct slice encoded_key, uint64_t seq, struct buffer *out)
{
	struct snapshot snapshot = { .table = table->number, .seq = seq };
	struct node node;
	buffer_clear(out);
	if (!seq)
		return 0;
	int r = snapshot_find(txn, &snapshot, encoded_key, &node);
	if (!r)
		r = snapshot_content(txn, &snapshot, node.number, out);
	else if (r == -ENOENT)
		return 0;
	return r == -ENOENT ? -EIO : r;
}

/* The key of the node that change `entry` was about. */
static int read_key(struct undo *undo, const struct log_entry *entry)
{
	struct snapshot snapshot = { .table = undo->table->number,
		.seq = entry->op == CHANGE_REMOVE ? entry->seq - 1 : entry->seq };
	struct node node;
	int r = snapshot_node(undo->txn, &snapshot, entry->number, &node);
	if (r)
		return r;
	buffer_clear(&undo->key);
	buffer_append_slice(&undo->key, node.encoded_key);
	return buffer_error(&undo->key);
}

static int read_states(struct undo *undo, const struct undo_group *group)
{
	struct slice key = buffer_slice(&undo->key);
	int r = undo_state(undo->txn, undo->table, key, group->first_seq - 1, &undo->before);
	if (!r)
		r = undo_state(undo->txn, undo->table, key, group->last_seq, &undo->after);
	return r ? r : undo_state(undo->txn, undo->table, key, SEQ_MAX, &undo->now);
}

/* Who changed the item after the window left it, or between. */
static int find_later(struct undo *undo, const struct undo_group *group, struct undo_item *item)
{
	struct log_entry entry;
	struct node node;
	uint64_t seq = group->foreign_seq;
	int r = 0;
	if (!slice_equal(item->now, item->after)) {
		r = node_find(undo->txn, undo->table->number, item->encoded_key, SEQ_MAX, &node, NULL);
		seq = r ? 0 : node.version.seq;
	}
	if (!r)
		r = log_get(undo->txn, undo->table->number, seq, &entry);
	if (r)
		return r;
	item->later_author = entry.author;
	item->later_us = entry.time_us;
	return 0;
}

/* What was changed along the way from one state to the next, by whom it was. */
struct way {
	struct undo_attributes ours, others;
	bool is_whole; /* the item was there all along */
};

static int go_on(struct way *way, const struct buffer *from, const struct buffer *to, bool is_ours)
{
	way->is_whole = way->is_whole && to->size > 0;
	return way->is_whole
		       ? undo_attributes_add(is_ours ? &way->ours : &way->others, buffer_slice(from), buffer_slice(to))
		       : 0;
}

/* Changes hands after change `seq`. undo->state is where the last run of one side's changes ended. */
static int end_run(struct undo *undo, struct way *way, uint64_t seq, bool is_ours)
{
	int r = undo_state(undo->txn, undo->table, buffer_slice(&undo->key), seq, &undo->merged);
	if (!r)
		r = go_on(way, &undo->state, &undo->merged, is_ours);
	struct buffer state = undo->merged;
	undo->merged = undo->state;
	undo->state = state;
	return r;
}

/* From `before` through the changes of the key in the window to `now`. */
static int walk_changes(struct undo *undo, const struct undo_group *group, struct way *way)
{
	uint64_t seq, former_seq = 0;
	bool is_ours, was_ours = true;
	buffer_clear(&undo->state);
	buffer_append_slice(&undo->state, buffer_slice(&undo->before));
	int r = buffer_error(&undo->state);
	for (uint64_t i = 0; i < group->step_count && !r && way->is_whole; i++) {
		r = undo_choice_step(undo->choice, group, i, &seq, &is_ours);
		if (r || seq < group->first_seq)
			continue;
		if (is_ours != was_ours)
			r = end_run(undo, way, former_seq, was_ours);
		was_ours = is_ours;
		former_seq = seq;
	}
	const struct buffer *from = was_ours ? &undo->after : &undo->state;
	if (!r && was_ours)
		r = go_on(way, &undo->state, &undo->after, true);
	return r ? r : go_on(way, from, &undo->now, false);
}

/* 1 and item->result; 0: it stays a conflict. */
static int merge(struct undo *undo, const struct undo_group *group, struct undo_item *item)
{
	struct way way = { .is_whole = item->before.size && item->after.size && item->now.size };
	int r = walk_changes(undo, group, &way);
	if (!r && way.is_whole)
		r = undo_merge(item->before, item->now, &way.ours, &way.others, &undo->merged);
	if (r == 1)
		item->result = buffer_slice(&undo->merged);
	buffer_free(&way.ours.names);
	buffer_free(&way.others.names);
	return r;
}

static enum undo_action action_of(const struct undo_item *item)
{
	if (slice_equal(item->now, item->result))
		return UNDO_NOTHING;
	if (!item->now.size)
		return UNDO_BRING_BACK;
	return item->result.size ? UNDO_REVERT : UNDO_REMOVE;
}

static int decide(struct undo *undo, const struct undo_group *group, struct undo_item *item)
{
	item->result = item->before;
	item->action = action_of(item);
	if (item->action == UNDO_NOTHING || (!group->foreign_seq && slice_equal(item->now, item->after)))
		return 0;
	int r = find_later(undo, group, item);
	if (r)
		return r;
	item->was_conflict = undo->options->conflicts == UNDO_CONFLICTS_UNDO;
	if (undo->options->conflicts == UNDO_CONFLICTS_MERGE) {
		r = merge(undo, group, item);
		item->was_conflict = r == 1;
	}
	item->action = item->was_conflict ? action_of(item) : UNDO_CONFLICT;
	if (!item->was_conflict)
		item->result = item->now;
	return r < 0 ? r : 0;
}

/* --- All of them ---------------------------------------------------------------------------------------------------- */

static void count(struct undo_counts *counts, const struct undo_item *item)
{
	counts->brought_back += item->action == UNDO_BRING_BACK;
	counts->reverted += item->action == UNDO_REVERT;
	counts->removed += item->action == UNDO_REMOVE;
	counts->conflicts += item->action == UNDO_CONFLICT;
	counts->unchanged += item->action == UNDO_NOTHING;
	counts->decided += item->was_conflict && item->action != UNDO_NOTHING;
}

static int carry_out(struct undo *undo, const struct undo_item *item)
{
	const struct table *into = undo->into ? undo->into : undo->table;
	struct change_result result;
	if (!undo->batch || item->action == UNDO_NOTHING || item->action == UNDO_CONFLICT)
		return 0;
	return item->action == UNDO_REMOVE
		       ? batch_remove(undo->batch, into, item->encoded_key, undo->change, &result, undo->error)
		       : batch_put(undo->batch, into, item->result, undo->change, &result, undo->error);
}

static int describe(struct undo *undo, const struct undo_group *group, struct undo_item *item)
{
	struct log_entry first, last;
	int r = log_get(undo->txn, undo->table->number, group->first_seq, &first);
	if (!r)
		r = log_get(undo->txn, undo->table->number, group->last_seq, &last);
	if (!r)
		r = read_key(undo, &first);
	if (!r)
		r = read_states(undo, group);
	if (r)
		return r;
	*item = (struct undo_item){ .encoded_key = buffer_slice(&undo->key),
		.before = buffer_slice(&undo->before),
		.after = buffer_slice(&undo->after),
		.now = buffer_slice(&undo->now),
		.first_seq = group->first_seq,
		.last_seq = group->last_seq,
		.first_us = first.time_us,
		.last_us = last.time_us,
		.author = last.author };
	return decide(undo, group, item);
}

static int unreadable(const struct undo *undo, int r)
{
	r = r == -ENOENT ? -EIO : r;
	return error_set(undo->error, r, "undo changes of %s: %s", undo->table->name,
		r == -EIO ? "a stored record is damaged" : strerror(-r));
}

static int each_group(struct undo *undo)
{
	struct undo_group group;
	struct undo_item item;
	int r;
	while ((r = undo_choice_next(undo->choice, &group)) == 1) {
		r = describe(undo, &group, &item);
		if (r)
			return unreadable(undo, r);
		count(&undo->counts, &item);
		r = undo->each ? undo->each(undo->context, &item) : 0;
		if (r < 0)
			return error_set(undo->error, r, "undo changes of %s: %s", undo->table->name, strerror(-r));
		r = carry_out(undo, &item);
		if (r)
			return r;
	}
	return r ? unreadable(undo, r) : 0;
}

static int run(struct undo *undo, struct undo_counts *ret_counts)
{
	struct undo_window window;
	int r = resolve(undo, &window, undo->error);
	if (!r && window.first <= window.last) {
		r = undo_choose(undo->history, undo->txn, undo->table, undo->options, &window, &undo->counts.changes,
			&undo->choice);
		r = r ? unreadable(undo, r) : each_group(undo);
	}
	undo_choice_free(undo->choice);
	struct buffer *buffers[] = { &undo->key, &undo->before, &undo->after, &undo->now, &undo->merged, &undo->state };
	for (size_t i = 0; i < sizeof(buffers) / sizeof(*buffers); i++)
		buffer_free(buffers[i]);
	*ret_counts = undo->counts;
	return r;
}

int undo_plan(struct history *history, struct store_txn *txn, const struct table *table,
	const struct undo_options *options, undo_each each, void *context, struct undo_counts *ret_counts,
	struct error *error)
{
	struct undo undo = { .history = history,
		.txn = txn,
		.table = table,
		.options = options,
		.each = each,
		.context = context,
		.error = error };
	return run(&undo, ret_counts);
}

int undo_apply(struct batch *batch, const struct table *table, const struct table *into,
	const struct undo_options *options, const struct change_context *change, undo_each each, void *context,
	struct undo_counts *ret_counts, struct error *error)
{
	struct undo undo = { .history = batch_history(batch),
		.txn = batch_txn(batch),
		.batch = batch,
		.table = table,
		.into = into,
		.options = options,
		.change = change,
		.each = each,
		.context = context,
		.error = error };
	return run(&undo, ret_counts);
}
