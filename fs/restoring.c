#include "restoring.h"

#include <errno.h>
#include <stdlib.h>

#include "commit.h"
#include "loop.h"
#include "mount.h"
#include "resolve.h"
#include "restore.h"
#include "restoring_parts.h"
#include "spot.h"
#include "target.h"

int restoring_new(struct restoring **ret_restoring)
{
	struct restoring *restoring = calloc(1, sizeof(*restoring));
	int result;

	if (restoring == NULL)
		return -ENOMEM;
	pthread_mutex_init(&restoring->keys_lock, NULL);
	result = sessions_new(&restoring->sessions);
	if (result < 0) {
		restoring_free(restoring);
		return result;
	}
	*ret_restoring = restoring;
	return 0;
}

void restoring_free(struct restoring *restoring)
{
	if (restoring == NULL)
		return;
	sessions_free(restoring->sessions);
	pthread_mutex_destroy(&restoring->keys_lock);
	free(restoring);
}

bool restoring_may_change(struct mount *mount, struct store_txn *txn, const struct table *table)
{
	struct restore_progress progress;

	if (table->is_restoring)
		return true;
	return sessions_is_open(mount->restoring->sessions, table->number) &&
	       restore_progress(txn, table, &progress) == 0 && !progress.is_shared && progress.expected < 0;
}

/* --- names --- */

struct recent {
	struct slice name;
	uint32_t table; /* 0: any */
	int64_t time_us;
};

static bool look_at_recent(void *context, struct view *view)
{
	struct recent *recent = context;

	if (!slice_equal(slice_of_text(view->name), recent->name) ||
		(recent->table != 0 && view->table.number != recent->table))
		return true;
	recent->time_us = view->time_us;
	return false;
}

/* What a name such as "@-15m" meant when it was last looked up; 0: it was not. */
static int64_t recent_time(struct mount *mount, struct slice name, uint32_t table)
{
	struct recent recent = { .name = name, .table = table };

	(void)views_recent(mount->views, look_at_recent, &recent);
	return recent.time_us;
}

int restoring_table_name(struct mount *mount, struct slice name, struct buffer *out, struct error *error)
{
	struct slice text = slice_of(name.data + 1, name.size - 1);
	char canonical[INSTANT_TEXT_MAX];
	struct instant instant;
	int64_t time_us;
	int result;

	if (name.data[0] != '@') {
		buffer_append_slice(out, name);
		return buffer_error(out);
	}
	result = instant_parse(text, mount->zone, &instant, error);
	if (result < 0)
		return result;
	time_us = instant.kind == INSTANT_AT    ? instant.time_us
		  : instant.kind == INSTANT_SEQ ? 0
						: recent_time(mount, name, 0);
	if (time_us != 0)
		text = slice_of(canonical, instant_format(time_us, canonical, sizeof(canonical)));
	restore_own_name(text, out);
	return buffer_error(out);
}

/* What it means changes with time. */
static bool is_relative(struct mount *mount, struct slice name)
{
	struct instant instant;

	return name.data[0] == '@' &&
	       instant_parse(slice_of(name.data + 1, name.size - 1), mount->zone, &instant, NULL) == 0 &&
	       instant.kind != INSTANT_AT && instant.kind != INSTANT_SEQ;
}

/* Does it stand in restore/ as a directory? */
static bool is_open(struct mount *mount, const struct table *table)
{
	return table->is_restoring || sessions_is_open(mount->restoring->sessions, table->number);
}

/* The table that was made under the name "@T". What such a name says is not for ever. */
static int find_named_before(struct mount *mount, struct store_txn *txn, struct slice name, struct table *ret_table)
{
	int64_t idle_ms;
	struct view *view = views_find(mount->views, NODEID_RESTORE, name, &idle_ms);
	int result = view == NULL ? -ENOENT : table_load(txn, view->table.number, TIME_NOW, ret_table);

	if (result == 0 && idle_ms >= RELATIVE_KEPT_MS && is_relative(mount, name) && !is_open(mount, ret_table)) {
		views_unname(mount->views, view->slot);
		table_free(ret_table);
		result = -ENOENT;
	}
	view_put(view);
	return result;
}

void restoring_bind(struct mount *mount, struct slice name, uint32_t number)
{
	struct store_txn *txn;
	struct table table;
	struct view *view;

	if (store_begin(mount->store, false, &txn) < 0)
		return;
	if (table_load(txn, number, TIME_NOW, &table) == 0) {
		if (resolve_alias(mount, NODEID_RESTORE, "restore", name, &table, &view) == 0)
			view_put(view);
		table_free(&table);
	}
	store_abort(txn);
}

static int find_table(struct mount *mount, struct store_txn *txn, struct slice name, struct table *ret_table)
{
	struct buffer text = BUFFER_INIT;
	int result;

	if (name.data[0] == '@' && find_named_before(mount, txn, name, ret_table) == 0)
		return 0;
	if (is_relative(mount, name))
		return -ENOENT;
	result = restoring_table_name(mount, name, &text, NULL);
	if (result == 0)
		result = table_find(txn, buffer_slice(&text), TIME_NOW, ret_table, NULL);
	buffer_free(&text);
	return result == -EINVAL ? -ENOENT : result;
}

static bool is_shared(struct store_txn *txn, const struct table *table)
{
	struct restore_progress progress;

	return restore_progress(txn, table, &progress) == 0 && progress.is_shared;
}

int restoring_find(
	struct mount *mount, struct store_txn *txn, struct slice name, struct view **ret_view, uint64_t *ret_number)
{
	struct table table;
	int result = find_table(mount, txn, name, &table);

	if (result < 0)
		return result;
	*ret_number = NUMBER_DIRECTORY;
	if (!is_open(mount, &table)) {
		*ret_number = NUMBER_LINK;
		result = is_shared(txn, &table) ? 0 : -ENOENT;
	}
	if (result == 0)
		result = resolve_alias(mount, NODEID_RESTORE, "restore", name, &table, ret_view);
	table_free(&table);
	return result;
}

static bool is_from(struct mount *mount, const struct restore_progress *progress, struct slice name, struct slice text)
{
	struct instant instant;

	if (instant_parse(text, mount->zone, &instant, NULL) < 0)
		return false;
	if (progress->instant_us == 0)
		return progress->expected < 0;
	if (instant.kind == INSTANT_AT)
		return instant.time_us == progress->instant_us;
	if (instant.kind == INSTANT_SEQ)
		return instant.seq == progress->seq;
	return progress->source_number != 0 &&
	       recent_time(mount, name, progress->source_number) == progress->instant_us;
}

int restoring_find_again(struct mount *mount, struct store_txn *txn, const struct target *directory, struct slice name,
	struct slice instant, struct view **ret_view)
{
	const struct view *view = directory->view;
	struct restore_progress progress;
	struct table table;
	int result;

	if (view == NULL || !view->is_alias || view->parent != NODEID_RESTORE || directory->kind != TARGET_TABLE)
		return -ENOENT;
	result = table_load(txn, view->table.number, TIME_NOW, &table);
	if (result < 0)
		return result;
	result = is_open(mount, &table) ? restore_progress(txn, &table, &progress) : -ENOENT;
	if (result == 0 && !is_from(mount, &progress, name, instant))
		result = -ENOENT;
	if (result == 0)
		result = resolve_alias(mount, directory->nodeid, view->path, name, &table, ret_view);
	table_free(&table);
	return result;
}

int restoring_check_past(struct store_txn *txn, const struct table *now, const struct snapshot *snapshot,
	struct table *table, struct error *error)
{
	struct restore_progress then, in_the_end = { 0 };
	uint64_t items = 0, bytes;
	int result = restore_progress(txn, table, &then);

	if (result == 0)
		result = restore_progress(txn, now, &in_the_end);
	if (result == 0)
		result = snapshot_statistics(txn, snapshot, &items, &bytes);
	if (result == 0 &&
		(now->is_restoring || items < (then.expected >= 0 ? (uint64_t)then.expected : in_the_end.items)))
		result = error_set(error, -ENOENT,
			"%s was still being restored at that instant; it is there from when it was whole", now->name);
	table_free(table);
	return result < 0 ? result : table_copy(now, table);
}

int restoring_next(struct mount *mount, struct store_txn *txn, uint32_t *number, struct view **ret_view)
{
	struct table table;
	int result = restore_next(txn, number, &table);

	if (result != 1)
		return result;
	if (resolve_alias(mount, NODEID_RESTORE, "restore", slice_of_text(table.name), &table, ret_view) < 0)
		*ret_view = NULL;
	table_free(&table);
	return 1;
}

bool restoring_is_coming(struct mount *mount, uint64_t parent)
{
	return parent == NODEID_RESTORE ||
	       (parent == NODEID_ROOT && mount->writer != NULL && sessions_any(mount->restoring->sessions));
}

void restoring_drain(struct mount *mount, struct slice name)
{
	struct store_txn *txn;
	struct table table;
	bool is_restoring;

	if (mount->writer == NULL || !sessions_any(mount->restoring->sessions) ||
		store_begin(mount->store, false, &txn) < 0)
		return;
	is_restoring = table_find(txn, name, TIME_NOW, &table, NULL) == 0;
	if (is_restoring) {
		is_restoring = table.is_restoring;
		table_free(&table);
	}
	store_abort(txn);
	if (is_restoring) {
		loop_blocks();
		(void)writer_drain(mount->writer, table.number);
	}
}

/* --- changing --- */

static int begin_table(struct spot *spot, const struct who *who, struct slice name, struct error *error)
{
	struct mount *mount = spot->mount;
	struct change_context context;
	struct batch *batch;
	struct table table;
	uint32_t number = 0;
	int result = commit_begin(mount, who, &batch, &context, error);

	if (result < 0)
		return result;
	result = restore_begin(batch, name, NULL, &context, &table, error);
	if (result == 0) {
		number = table.number;
		table_free(&table);
	}
	result = commit_finish(batch, result, error);
	if (result < 0)
		return result;
	sessions_made(mount->restoring->sessions, number, who->pid);
	restoring_bind(mount, spot_name(spot), number);
	return 0;
}

int restoring_make(struct spot *spot, const struct who *who)
{
	struct buffer name = BUFFER_INIT;
	struct error error = { 0 };
	int result = restoring_table_name(spot->mount, spot_name(spot), &name, &error);

	if (result == 0)
		result = begin_table(spot, who, buffer_slice(&name), &error);
	buffer_free(&name);
	if (result == -EEXIST)
		return spot_refuse_text(spot, result,
			"%s; a restore makes a new table and overwrites none: choose another name", error_text(&error));
	return result < 0 && error.code < 0 ? spot_refuse(spot, &error) : result;
}

/* Told once for all of the table. */
static int refuse_finished(struct spot *spot, const struct view *view)
{
	struct error error = { 0 };

	error_set(&error, -EPERM, "%s is restored and stands at the root; change it there, as %s/", view->table.name,
		view->table.name);
	return tell_refusal(spot->mount->tell, view->path, slice_of(NULL, 0), &error);
}

int restoring_check_change(struct spot *spot)
{
	const struct view *view = spot->directory.view;
	struct table table;
	bool may_change;

	if (view == NULL || !view->is_alias || table_load(spot->txn, view->table.number, TIME_NOW, &table) < 0)
		return 0;
	may_change = restoring_may_change(spot->mount, spot->txn, &table);
	table_free(&table);
	return may_change ? 0 : refuse_finished(spot, view);
}

int restoring_find_removed(struct spot *spot, struct view **ret_view)
{
	uint64_t number;
	int result = restoring_find(spot->mount, spot->txn, spot_name(spot), ret_view, &number);

	if (result < 0)
		return result;
	if (number == NUMBER_LINK)
		result = -ENOTDIR;
	else if (!restoring_may_change(spot->mount, spot->txn, &(*ret_view)->table))
		result = refuse_finished(spot, *ret_view);
	if (result < 0)
		view_put(*ret_view);
	return result;
}

int restoring_unlink(struct spot *spot)
{
	struct view *view;
	uint64_t number;
	int result = restoring_find(spot->mount, spot->txn, spot_name(spot), &view, &number);

	if (result < 0)
		return result;
	if (number == NUMBER_DIRECTORY)
		result = -EISDIR;
	else
		result = spot_refuse_text(spot, -EPERM,
			"this leads to the table %s, which is restored and stays; to drop it, rm -r %s at the root, or "
			"pitr delete-table --table-name %s",
			view->table.name, view->table.name, view->table.name);
	view_put(view);
	return result;
}

int restoring_refuse_table(const struct spot *spot)
{
	struct table table;
	bool is_restoring;

	if (table_find(spot->txn, spot_name(spot), TIME_NOW, &table, NULL) < 0)
		return -EEXIST;
	is_restoring = table.is_restoring;
	table_free(&table);
	return is_restoring
		       ? spot_refuse_text(spot, -EEXIST,
				 "%s is being restored: finish that in restore/%s, or drop it with rm -r restore/%s",
				 spot->name, spot->name, spot->name)
		       : -EEXIST;
}

int restoring_refuse_again(const struct spot *spot)
{
	return spot_refuse_text(spot, -EEXIST,
		"%s is there already, and not being restored from this state; a restore overwrites nothing: choose "
		"another name in restore/, or remove %s first",
		spot->directory.view->path, spot->directory.view->path);
}
