#define FUSE_USE_VERSION 314
#include "attree.h"

#include <errno.h>
#include <fuse_lowlevel.h>

#include "attr.h"
#include "backupdir.h"
#include "calendardir.h"
#include "changesdir.h"
#include "deleteddir.h"
#include "diffdir.h"
#include "historydir.h"
#include "mount.h"
#include "target.h"

struct part {
	const char *name;
	const struct branch *branch;
};

static const struct part table_parts[] = {
	{ "backups", &backupdir_of_table },
	{ "changes", &changesdir },
	{ "deleted", &deleteddir },
	{ "diff", &diffdir },
	{ "history", &historydir },
	{ NULL, NULL },
};

static const struct part store_parts[] = {
	{ "backups", &backupdir_of_store },
	{ "changes", &changesdir },
	{ "deleted", &deleteddir_of_store },
	{ "diff", &diffdir },
	{ "history", &historydir_of_store },
	{ NULL, NULL },
};

/* --- "@" itself: the parts, and the days of the calendar --- */

static const struct part *parts_of(const struct view *directory)
{
	return directory->table.number == CATALOGUE ? store_parts : table_parts;
}

static int find_part(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, struct slice name,
	struct branch_entry *ret_entry, struct error *error)
{
	ret_entry->number = NUMBER_DIRECTORY;
	for (const struct part *part = parts_of(view); part->name != NULL && number == NUMBER_DIRECTORY; part++) {
		if (slice_equal(name, slice_of_text(part->name)))
			return attree_add(mount, view, number, name, part->branch, &ret_entry->view);
	}
	return calendardir_find(mount, txn, view, number, name, ret_entry, error);
}

/* 1; 0: no more are wanted. */
static int list_own_parts(struct mount *mount, const struct view *view, uint64_t after, branch_each each, void *context)
{
	const struct part *part = parts_of(view);
	bool goes_on = true;

	for (uint64_t place = 1; part->name != NULL && goes_on; part++, place++) {
		struct branch_entry entry = { .number = NUMBER_DIRECTORY };
		struct slice name = slice_of_text(part->name);
		int result;

		if (place <= after)
			continue;
		result = attree_add(mount, view, NUMBER_DIRECTORY, name, part->branch, &entry.view);
		if (result < 0)
			return result;
		goes_on = each(context, place, part->name, &entry, NULL);
		view_put(entry.view);
	}
	return goes_on;
}

static int list_parts(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, uint64_t after,
	branch_each each, void *context)
{
	int result = number == NUMBER_DIRECTORY ? list_own_parts(mount, view, after, each, context) : 1;

	return result == 1 ? calendardir_list(mount, txn, view, number, after, each, context) : result;
}

static const struct branch top = {
	.find = find_part, .list = list_parts, .node = calendardir_node, .path = calendardir_path
};

/* --- views --- */

struct view *attree_new(const struct view *view, uint64_t number, struct slice name, const struct branch *branch)
{
	struct view *fresh = view_new(nodeid_of(view->slot, number), name, view->path);

	if (fresh == NULL)
		return NULL;
	attree_set_table(fresh, &view->table);
	fresh->branch = branch;
	return fresh;
}

void attree_set_table(struct view *view, const struct table *table)
{
	const struct buffer without = BUFFER_INIT;

	view->table = *table;
	view->table.description = without;
}

int attree_put(struct mount *mount, struct view *view, struct view **ret_view)
{
	int result = view == NULL ? -ENOMEM : views_add(mount->views, view, ret_view);

	if (result < 0)
		view_put(view);
	return result;
}

int attree_of(struct mount *mount, const struct target *directory, struct view **ret_view)
{
	const struct view *above = directory->view;
	struct view *view = view_new(directory->nodeid, slice_of_text("@"), above == NULL ? "" : above->path);

	if (view != NULL && above != NULL)
		attree_set_table(view, &above->table);
	if (view != NULL)
		view->branch = &top;
	return attree_put(mount, view, ret_view);
}

int attree_add(struct mount *mount, const struct view *view, uint64_t number, struct slice name,
	const struct branch *branch, struct view **ret_view)
{
	return attree_put(mount, attree_new(view, number, name, branch), ret_view);
}

int attree_table(struct store_txn *txn, const struct view *view, struct table *ret_table)
{
	int result = table_load(txn, view->table.number, TIME_NOW, ret_table);

	return result == -ENOENT ? table_copy(&view->table, ret_table) : result;
}

struct view *attree_get(struct mount *mount, uint64_t nodeid)
{
	struct view *view =
		nodeid_number(nodeid) == NUMBER_DIRECTORY ? views_get(mount->views, nodeid_slot(nodeid)) : NULL;

	if (view != NULL && view->branch != NULL)
		return view;
	view_put(view);
	return NULL;
}

/* --- finding --- */

static int refuse(struct mount *mount, const struct view *view, uint64_t number, struct slice name, int result,
	const struct error *error)
{
	struct buffer path = BUFFER_INIT;
	struct error told = *error;
	const char *text;

	if (error->code == 0)
		return result;
	told.code = result;
	if (view->branch->path != NULL)
		view->branch->path(view, number, &path);
	else
		buffer_append_text(&path, view->path);
	buffer_append_format(&path, "/%.*s", (int)name.size, (const char *)name.data);
	text = buffer_text(&path);
	(void)tell_refusal(mount->tell, text == NULL ? view->path : text, slice_of(NULL, 0), &told);
	buffer_free(&path);
	return result;
}

int attree_find(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, struct slice name,
	struct branch_entry *ret_entry)
{
	struct error error = { 0 };
	int result = view->branch->find(mount, txn, view, number, name, ret_entry, &error);

	return result < 0 ? refuse(mount, view, number, name, result, &error) : 0;
}

/* --- changing --- */

static int find_entry(struct mount *mount, struct view *view, struct slice name, struct fuse_entry_param *ret_entry)
{
	struct branch_entry found;
	struct store_txn *txn;
	struct target target;
	int result = store_begin(mount->store, false, &txn);

	if (result < 0)
		return result;
	result = attree_find(mount, txn, view, NUMBER_DIRECTORY, name, &found);
	if (result == 0) {
		result = target_load(mount, txn, nodeid_of(found.view->slot, found.number), &target);
		if (result == 0)
			result = attr_entry(mount, txn, &target, ret_entry);
		if (result == 0)
			attr_count(mount, ret_entry->ino, 1);
		target_release(&target);
		view_put(found.view);
	}
	store_abort(txn);
	return result;
}

int attree_mkdir(struct mount *mount, struct view *view, const char *name, const struct who *who,
	struct fuse_entry_param *ret_entry)
{
	struct error error = { 0 };
	int result = -EROFS;

	if (view->branch->make != NULL)
		result = view->branch->make(mount, view, slice_of_text(name), who, &error);
	return result < 0 ? refuse(mount, view, NUMBER_DIRECTORY, slice_of_text(name), result, &error)
			  : find_entry(mount, view, slice_of_text(name), ret_entry);
}

int attree_rmdir(struct mount *mount, const struct view *view, const char *name, const struct who *who)
{
	struct error error = { 0 };
	int result = -EROFS;

	if (view->branch->remove != NULL)
		result = view->branch->remove(mount, view, slice_of_text(name), who, &error);
	return result < 0 ? refuse(mount, view, NUMBER_DIRECTORY, slice_of_text(name), result, &error) : 0;
}
