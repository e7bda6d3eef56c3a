#define FUSE_USE_VERSION 314
#include "attree.h"

#include <errno.h>
#include <fuse_lowlevel.h>

#include "attr.h"
#include "backupdir.h"
#include "mount.h"
#include "target.h"

struct part {
	const char *name;
	const struct branch *branch;
};

static const struct part table_parts[] = {
	{ "backups", &backupdir_of_table },
	{ NULL, NULL },
};

static const struct part store_parts[] = {
	{ "backups", &backupdir_of_store },
	{ NULL, NULL },
};

/* --- "@" itself --- */

static const struct part *parts_of(const struct view *directory)
{
	return directory->table.number == CATALOGUE ? store_parts : table_parts;
}

static int find_part(struct mount *mount, struct store_txn *txn, const struct view *directory, struct slice name,
	struct view **ret_view)
{
	(void)txn;
	for (const struct part *part = parts_of(directory); part->name != NULL; part++) {
		if (slice_equal(name, slice_of_text(part->name)))
			return attree_add(mount, directory, name, part->branch, ret_view);
	}
	return -ENOENT;
}

static int list_parts(struct mount *mount, struct store_txn *txn, const struct view *directory, uint64_t after,
	attree_each each, void *context)
{
	const struct part *part = parts_of(directory);
	bool goes_on = true;

	(void)txn;
	for (uint64_t place = 1; part->name != NULL && goes_on; part++, place++) {
		struct view *view;
		int result;

		if (place <= after)
			continue;
		result = attree_add(mount, directory, slice_of_text(part->name), part->branch, &view);
		if (result < 0)
			return result;
		goes_on = each(context, place, view);
		view_put(view);
	}
	return 0;
}

static int never_changes(struct store_txn *txn, const struct view *directory, int64_t *ret_time_us)
{
	(void)txn;
	*ret_time_us = directory->table.created_us;
	return 0;
}

static const struct branch top = { .find = find_part, .list = list_parts, .time = never_changes };

/* --- views --- */

static int add(struct mount *mount, struct view *view, const struct table *table, const struct branch *branch,
	struct view **ret_view)
{
	const struct buffer without = BUFFER_INIT;
	int result;

	if (view == NULL)
		return -ENOMEM;
	if (table != NULL) {
		view->table = *table;
		view->table.description = without;
	}
	view->branch = branch;
	result = views_add(mount->views, view, ret_view);
	if (result < 0)
		view_put(view);
	return result;
}

int attree_of(struct mount *mount, const struct target *directory, struct view **ret_view)
{
	const struct view *above = directory->view;

	return add(mount, view_new(directory->nodeid, slice_of_text("@"), above == NULL ? "" : above->path),
		above == NULL ? NULL : &above->table, &top, ret_view);
}

int attree_add(struct mount *mount, const struct view *directory, struct slice name, const struct branch *branch,
	struct view **ret_view)
{
	return add(mount, view_new(nodeid_of(directory->slot, NUMBER_DIRECTORY), name, directory->path),
		&directory->table, branch, ret_view);
}

struct view *attree_get(struct mount *mount, uint64_t nodeid)
{
	struct view *view = views_get(mount->views, nodeid_slot(nodeid));

	if (view != NULL && view->branch != NULL)
		return view;
	view_put(view);
	return NULL;
}

/* --- changing --- */

static int refuse(
	struct mount *mount, const struct view *directory, const char *name, int result, const struct error *error)
{
	struct buffer path = BUFFER_INIT;
	struct error told = *error;
	const char *text;

	if (error->code == 0)
		return result;
	told.code = result;
	buffer_append_format(&path, "%s/%s", directory->path, name);
	text = buffer_text(&path);
	(void)tell_refusal(mount->tell, text == NULL ? name : text, slice_of(NULL, 0), &told);
	buffer_free(&path);
	return result;
}

static int find_entry(
	struct mount *mount, const struct view *directory, struct slice name, struct fuse_entry_param *ret_entry)
{
	struct store_txn *txn;
	struct target target;
	struct view *view;
	int result = store_begin(mount->store, false, &txn);

	if (result < 0)
		return result;
	result = directory->branch->find(mount, txn, directory, name, &view);
	if (result == 0) {
		result = target_load(mount, txn, nodeid_of(view->slot, NUMBER_DIRECTORY), &target);
		if (result == 0)
			result = attr_entry(mount, txn, &target, ret_entry);
		if (result == 0)
			attr_count(mount, ret_entry->ino, 1);
		target_release(&target);
		view_put(view);
	}
	store_abort(txn);
	return result;
}

int attree_mkdir(struct mount *mount, const struct view *directory, const char *name, const struct who *who,
	struct fuse_entry_param *ret_entry)
{
	struct error error = { 0 };
	int result = -EROFS;

	if (directory->branch->make != NULL)
		result = directory->branch->make(mount, directory, slice_of_text(name), who, &error);
	return result < 0 ? refuse(mount, directory, name, result, &error)
			  : find_entry(mount, directory, slice_of_text(name), ret_entry);
}

int attree_rmdir(struct mount *mount, const struct view *directory, const char *name, const struct who *who)
{
	struct error error = { 0 };
	int result = -EROFS;

	if (directory->branch->remove != NULL)
		result = directory->branch->remove(mount, directory, slice_of_text(name), who, &error);
	return result < 0 ? refuse(mount, directory, name, result, &error) : 0;
}
