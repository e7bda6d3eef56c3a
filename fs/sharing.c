#include "sharing.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "attree.h"
#include "backup.h"
#include "commit.h"
#include "loop.h"
#include "mount.h"
#include "resolve.h"
#include "restore.h"
#include "restoring.h"
#include "spot.h"
#include "target.h"

#define STEPS_MAX 16

static const char accepted[] =
	"name the state to restore, such as ../orders/@2025-03-01T12:30:00, ../orders (as it is now), "
	"../@2025-03-01T12:30:00/orders or ../orders/@/backups/NAME";

/* --- the way from the mount's root --- */

struct way {
	struct slice steps[STEPS_MAX];
	size_t count;
};

static bool add_step(struct way *way, struct slice step)
{
	if (step.size == 0 || slice_equal(step, slice_of_text(".")))
		return true;
	if (slice_equal(step, slice_of_text("..")))
		return way->count-- > 0;
	if (way->count == STEPS_MAX || step.size > FILE_NAME_MAX)
		return false;
	way->steps[way->count++] = step;
	return true;
}

/* Links are read from where they stand, in restore/; what says nothing else is meant from the root. */
static bool read_way(const struct mount *mount, const char *text, struct way *ret_way)
{
	size_t above = strlen(mount->options->mountpoint);

	*ret_way = (struct way){ 0 };
	if (text[0] != '/') {
		ret_way->steps[ret_way->count++] = slice_of_text("restore");
	} else {
		if (strncmp(text, mount->options->mountpoint, above) != 0 || text[above] != '/')
			return false;
		text += above;
	}
	while (*text != '\0') {
		size_t size = strcspn(text, "/");

		if (!add_step(ret_way, slice_of(text, size)))
			return false;
		text += size + (text[size] == '/');
	}
	if (ret_way->count > 1 && slice_equal(ret_way->steps[0], slice_of_text("restore"))) {
		ret_way->count--;
		memmove(ret_way->steps, ret_way->steps + 1, ret_way->count * sizeof(ret_way->steps[0]));
	}
	return ret_way->count > 0;
}

static struct target target_of(struct view *view)
{
	if (view == NULL)
		return (struct target){ .kind = TARGET_ROOT, .nodeid = NODEID_ROOT };
	return (struct target){ .kind = view->is_store ? TARGET_STORE : TARGET_TABLE,
		.nodeid = nodeid_of(view->slot, NUMBER_DIRECTORY),
		.view = view };
}

/* From one directory to the next; no view: the root. */
static int take_step(struct mount *mount, struct store_txn *txn, const struct branch_entry *at, struct slice step,
	struct branch_entry *ret_at, struct error *error)
{
	const struct target directory = target_of(at->view);
	struct slice instant = slice_of(step.data + 1, step.size - 1);
	struct view *view = at->view;

	ret_at->number = NUMBER_DIRECTORY;
	if (view != NULL && view->branch != NULL)
		return view->branch->find(mount, txn, view, at->number, step, ret_at, error);
	if (view != NULL && view->is_store)
		return resolve_store_table(mount, txn, &directory, step, &ret_at->view);
	if (view != NULL && !view->is_live)
		return -ENOENT;
	if (step.data[0] == '@')
		return instant.size == 0 ? attree_of(mount, &directory, &ret_at->view)
					 : resolve_instant(mount, txn, &directory, step, instant, &ret_at->view, error);
	return view == NULL ? resolve_live_table(mount, txn, step, &ret_at->view) : -ENOENT;
}

/* The view at its end, held. */
static int follow(
	struct mount *mount, struct store_txn *txn, const struct way *way, struct view **ret_view, struct error *error)
{
	struct branch_entry at = { 0 }, next = { 0 };
	int result = 0;

	for (size_t i = 0; i < way->count && result == 0; i++) {
		result = take_step(mount, txn, &at, way->steps[i], &next, error);
		view_put(at.view);
		at = result == 0 ? next : (struct branch_entry){ 0 };
		if (result < 0 && (error->code == 0 || result == -EINVAL))
			error_set(error, -ENOENT, "there is no %.*s to restore; %s", (int)way->steps[i].size,
				(const char *)way->steps[i].data, accepted);
	}
	if (at.view != NULL && (at.view->is_store || at.view->branch != NULL || at.view->is_item)) {
		view_put(at.view);
		at.view = NULL;
		result = error_set(error, -EINVAL, "what is restored this way is one whole table; %s", accepted);
	}
	*ret_view = at.view;
	return result;
}

/* --- the state --- */

static int find_arn(struct store_txn *txn, const struct view *view, char *ret_arn)
{
	struct pin_place place = { 0 };
	struct pin pin;
	int result;

	while ((result = pin_next(txn, view->table.number, &place, &pin)) == 1) {
		if (pin.number == view->pin.number)
			return backup_arn(txn, &pin, ret_arn);
	}
	return result;
}

static int source_of(struct mount *mount, struct store_txn *txn, const struct view *view,
	struct restore_source *ret_source, struct error *error)
{
	struct instant now = { .kind = INSTANT_AT, .time_us = TIME_NOW };
	char arn[BACKUP_ARN_MAX] = "";
	int result;

	if (view->is_live)
		return restore_source_at(mount->history, txn, &view->table, &now, ret_source, error);
	result = view->pin.number == 0 ? 0 : find_arn(txn, view, arn);
	return result < 0 ? result : restore_source_of(txn, &view->table, &view->snapshot, arn, ret_source, error);
}

static int find_source(struct mount *mount, const char *to, struct restore_source *ret_source, struct error *error)
{
	struct store_txn *txn;
	struct view *view;
	struct way way;
	int result;

	if (!read_way(mount, to, &way))
		return error_set(error, -EINVAL, "only states of this mount can be restored; %s", accepted);
	loop_blocks();
	result = writer_drain(mount->writer, UINT32_MAX);
	if (result == 0)
		result = store_begin(mount->store, false, &txn);
	if (result < 0)
		return result;
	result = follow(mount, txn, &way, &view, error);
	if (result == 0) {
		result = source_of(mount, txn, view, ret_source, error);
		view_put(view);
	}
	store_abort(txn);
	return result;
}

/* --- the table --- */

/* ln -f makes the link under a name of its own first, to rename it over what is there: but nothing is ever overwritten. */
static bool is_made_by_force(struct slice name)
{
	bool is = name.size == 8 && memcmp(name.data, "Cu", 2) == 0;

	for (size_t i = 2; i < 8 && is; i++)
		is = isalnum(name.data[i]) != 0;
	return is;
}

static int share(struct spot *spot, const struct restore_source *source, struct slice name, const struct who *who,
	struct error *error)
{
	struct mount *mount = spot->mount;
	struct change_context context;
	struct batch *batch;
	struct table table;
	int result = commit_begin(mount, who, &batch, &context, error);

	if (result < 0)
		return result;
	result = restore_share(batch, source, name, NULL, &context, &table, error);
	if (result == 0)
		table_free(&table);
	result = commit_finish(batch, result, error);
	if (result == 0)
		restoring_bind(mount, spot_name(spot), table.number);
	return result;
}

static int make(struct spot *spot, const char *to, const struct who *who, struct error *error)
{
	struct buffer name = BUFFER_INIT;
	struct restore_source source;
	int result;

	if (is_made_by_force(spot_name(spot)))
		return error_set(error, -EPERM,
			"ln -f would overwrite a table; a restore makes a new one: choose another name, without -f");
	result = find_source(spot->mount, to, &source, error);
	if (result < 0)
		return result;
	result = restoring_table_name(spot->mount, spot_name(spot), &name, error);
	if (result == 0)
		result = share(spot, &source, buffer_slice(&name), who, error);
	if (result == -EEXIST)
		error_prefix(error, "a restore makes a new table and overwrites none, choose another name");
	restore_source_free(&source);
	buffer_free(&name);
	return result;
}

int sharing_make(struct spot *spot, const char *to, const struct who *who)
{
	struct error error = { 0 };
	int result;

	if (spot_is_taken(spot))
		return -EEXIST;
	result = make(spot, to, who, &error);
	return result < 0 && error.code < 0 ? spot_refuse(spot, &error) : result;
}
