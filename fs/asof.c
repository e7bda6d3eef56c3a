#include "asof.h"

#include <errno.h>

#include "mount.h"
#include "told_tables.h"

/* How many of the tables there were then can be seen. */
static int count_seen(
	struct mount *mount, struct store_txn *txn, int64_t time_us, size_t *ret_seen, struct buffer *notes)
{
	const struct instant instant = { .kind = INSTANT_AT, .time_us = time_us };
	uint64_t place = 0;
	struct table table;
	int result;

	*ret_seen = 0;
	while ((result = table_list(txn, time_us, &place, &table)) == 1) {
		struct error error = { 0 };
		struct snapshot snapshot;

		if (!table.is_restoring) {
			result = snapshot_resolve(mount->history, txn, &table, &instant, &snapshot, &error);
			*ret_seen += result == 0;
		}
		table_free(&table);
		if (result == -ENOENT)
			buffer_append_format(notes, "%s\n", error_text(&error));
		else if (result < 0)
			return result;
	}
	return result;
}

/* INT64_MAX: nothing ever can. */
static int find_earliest(struct mount *mount, struct store_txn *txn, int64_t *ret_earliest_us)
{
	int64_t now_us = history_now(mount->history, txn), ended_us, earliest_us, latest_us;
	struct told_walk walk = { 0 };
	struct table table;
	int result;

	*ret_earliest_us = INT64_MAX;
	while ((result = told_tables_next(&walk, txn, &table, &ended_us)) == 1) {
		result = table_window(txn, &table, now_us, &earliest_us, &latest_us);
		if (result == 0 && !table.is_restoring && earliest_us < *ret_earliest_us)
			*ret_earliest_us = earliest_us;
		table_free(&table);
		if (result < 0 && result != -ENOENT)
			return result;
	}
	return result;
}

static int refuse(struct mount *mount, struct store_txn *txn, int64_t time_us, struct error *error)
{
	char asked[INSTANT_TEXT_MAX], earliest[INSTANT_TEXT_MAX];
	int64_t earliest_us;
	int result = find_earliest(mount, txn, &earliest_us);

	if (result < 0)
		return result;
	instant_format_z(time_us, asked, sizeof(asked));
	if (earliest_us == INT64_MAX)
		return error_set(error, -ENOENT, "the store at %s: it has no tables", asked);
	instant_format_z(earliest_us, earliest, sizeof(earliest));
	return error_set(error, -ENOENT, "the store at %s: no table can be seen then; the first can be from %s on",
		asked, earliest);
}

static int add_view(struct mount *mount, int64_t time_us)
{
	struct view *view = view_new(0, slice_of_text(""), "");
	int result;

	if (view == NULL)
		return -ENOMEM;
	view->is_store = true;
	view->time_us = time_us;
	result = views_add(mount->views, view, &mount->asof);
	if (result < 0)
		view_put(view);
	else
		views_pin(mount->views, mount->asof->slot, 1);
	return result;
}

static int begin(struct mount *mount, struct store_txn *txn, const struct instant *instant, struct buffer *notes,
	struct error *error)
{
	int64_t time_us;
	size_t seen;
	int result = snapshot_resolve_store(mount->history, txn, instant, &time_us, error);

	if (result == 0)
		result = count_seen(mount, txn, time_us, &seen, notes);
	if (result == 0 && seen == 0)
		result = refuse(mount, txn, time_us, error);
	return result < 0 ? result : add_view(mount, time_us);
}

int asof_begin(struct mount *mount, const char *text, struct buffer *notes, struct error *error)
{
	struct instant instant;
	struct store_txn *txn;
	int result = instant_parse_option(text, mount->zone, &instant, error);

	if (result == 0)
		result = store_begin(mount->store, false, &txn);
	if (result < 0)
		return result;
	result = begin(mount, txn, &instant, notes, error);
	store_abort(txn);
	return result < 0 ? result : buffer_error(notes);
}
