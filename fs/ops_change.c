/* mkdir, rmdir, unlink */
#include "ops.h"

#include <errno.h>
#include <string.h>

#include "attr.h"
#include "attree.h"
#include "commit.h"
#include "handle.h"
#include "loop.h"
#include "name.h"
#include "resolve.h"
#include "spot.h"
#include "target.h"

static int entry_of(struct mount *mount, struct store_txn *txn, uint64_t nodeid, struct fuse_entry_param *ret_entry)
{
	struct target target;
	int result = target_load(mount, txn, nodeid, &target);

	if (result == 0)
		result = attr_entry(mount, txn, &target, ret_entry);
	if (result == 0)
		attr_count(mount, ret_entry->ino, 1);
	target_release(&target);
	return result;
}

/* --- mkdir --- */

static int make_new_table(struct spot *spot, const struct who *who)
{
	struct error error = { 0 };
	int result = name_check_table(spot_name(spot), &error);

	if (result == 0)
		result = commit_new_table(spot->mount, spot_name(spot), who, &error);
	if (result == -EEXIST)
		return restoring_refuse_table(spot);
	return error.code < 0 ? spot_refuse(spot, &error) : result;
}

static int make_table(struct spot *spot, const struct who *who, struct fuse_entry_param *ret_entry)
{
	bool is_restored = spot->place == PLACE_RESTORE;
	struct mount *mount = spot->mount;
	struct store_txn *txn;
	struct view *view;
	uint64_t number;
	int result = is_restored ? restoring_make(spot, who) : make_new_table(spot, who);

	if (result == 0)
		result = store_begin(mount->store, false, &txn);
	if (result < 0)
		return result;
	result = is_restored ? restoring_find(mount, txn, spot_name(spot), &view, &number)
			     : resolve_live_table(mount, txn, spot_name(spot), &view);
	if (result == 0) {
		result = entry_of(mount, txn, nodeid_of(view->slot, NUMBER_DIRECTORY), ret_entry);
		hiding_begin_copy(mount->hiding, view->slot, who);
		view_put(view);
	}
	store_abort(txn);
	return result;
}

static int refuse_directory(const struct spot *spot)
{
	if (spot->kind == NAME_INSTANT && spot->directory.view != NULL && spot->directory.view->is_alias)
		return restoring_refuse_again(spot);
	if (names_is_past(spot->kind))
		return -EROFS;
	if (spot->kind == NAME_PARTITION)
		return spot_refuse(spot, &spot->unfit);
	if (spot->place == PLACE_PARTITION)
		return spot_refuse_text(spot, -EPERM, "a partition holds items only, no directories");
	return spot_refuse_text(spot, -EPERM, "%s has no sort key; its items are files directly in it",
		spot->directory.view == NULL ? "the table" : spot->directory.view->table.name);
}

static bool is_named_after_instant(const struct spot *spot)
{
	return spot->place == PLACE_RESTORE && spot->kind == NAME_INSTANT;
}

static int make_directory(struct spot *spot, mode_t mode, const struct who *who, struct fuse_entry_param *ret_entry)
{
	bool is_partition = spot->kind == NAME_PARTITION && spot->key.size > 0;
	int result;

	if (spot_is_taken(spot) || spot->kind == NAME_PITR || spot->kind == NAME_RESTORE)
		return -EEXIST;
	if (spot->kind == NAME_TABLE || is_named_after_instant(spot))
		return make_table(spot, who, ret_entry);
	if (!is_partition && !names_can_be_scratch_directory(spot->place, spot_name(spot)))
		return refuse_directory(spot);
	result = spot_add_scratch(spot, is_partition ? SCRATCH_PARTITION : SCRATCH_DIRECTORY, mode);
	return result < 0 ? result : entry_of(spot->mount, spot->txn, spot->scratch->nodeid, ret_entry);
}

void ops_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct mount *mount = ops_mount(req, COUNT_MKDIR);
	struct who who = ops_who(req);
	struct fuse_entry_param entry;
	struct view *branch = attree_get(mount, parent);
	struct spot spot = { 0 };
	int result;

	restoring_expect_partition(mount, parent, name, &who);
	result = branch != NULL ? attree_mkdir(mount, branch, name, &who, &entry)
				: spot_begin(mount, parent, name, &spot);

	if (result == 0 && branch == NULL)
		result = make_directory(&spot, mode, &who, &entry);
	spot_end(&spot);
	view_put(branch);
	ops_reply_entry(req, mount, result, &entry);
}

/* --- rmdir --- */

static bool has_private(struct mount *mount, uint64_t directory)
{
	struct scratch *scratch = scratch_next(mount->scratch, directory, 0);

	scratch_put(scratch);
	return scratch != NULL;
}

static int remove_table(struct spot *spot, const struct who *who)
{
	struct error error = { 0 };
	struct view *view;
	int result = spot->place == PLACE_RESTORE ? restoring_find_removed(spot, &view)
						  : resolve_live_table(spot->mount, spot->txn, spot_name(spot), &view);

	if (result < 0)
		return result;
	if (has_private(spot->mount, nodeid_of(view->slot, NUMBER_DIRECTORY)))
		result = -ENOTEMPTY;
	else
		result = commit_drop_table(spot->mount, view, who, &error);
	view_put(view);
	return result < 0 && result != -ENOTEMPTY && error.code < 0 ? spot_refuse(spot, &error) : result;
}

static int remove_directory(struct spot *spot, const struct who *who)
{
	uint64_t nodeid;

	if (names_is_past(spot->kind) && !is_named_after_instant(spot))
		return -EROFS;
	if (spot->kind == NAME_PITR || spot->kind == NAME_RESTORE)
		return -EPERM;
	if (spot->scratch == NULL && (spot->kind == NAME_TABLE || is_named_after_instant(spot)))
		return remove_table(spot, who);
	if (!spot_is_taken(spot))
		return -ENOENT;
	if (spot->scratch != NULL ? spot->scratch->kind == SCRATCH_FILE : spot->kind != NAME_PARTITION)
		return -ENOTDIR;
	nodeid = spot->scratch != NULL ? spot->scratch->nodeid
				       : nodeid_of(spot->directory.view->slot, spot->node.number);
	if (spot->is_stored || has_private(spot->mount, nodeid))
		return -ENOTEMPTY;
	scratch_unname(spot->scratch);
	return 0;
}

/* Removals of items that are under way are committed first: a partition without items is not stored. */
static int drain_table(struct mount *mount, fuse_ino_t parent)
{
	struct view *view = mount->writer == NULL ? NULL : views_get(mount->views, nodeid_slot(parent));
	int result = 0;

	if (view != NULL && view->is_live) {
		result = commit_asides(mount, ASIDE_OF_TABLE, view->table.number);
		if (result == 0) {
			loop_blocks();
			result = writer_drain(mount->writer, view->table.number);
		}
	}
	view_put(view);
	return result;
}

void ops_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct mount *mount = ops_mount(req, COUNT_RMDIR);
	struct who who = ops_who(req);
	struct view *branch = attree_get(mount, parent);
	struct spot spot = { 0 };
	int result = branch != NULL ? attree_rmdir(mount, branch, name, &who) : drain_table(mount, parent);

	if (result == 0 && branch == NULL)
		result = spot_begin(mount, parent, name, &spot);
	if (result == 0 && branch == NULL)
		result = remove_directory(&spot, &who);
	spot_end(&spot);
	view_put(branch);
	fuse_reply_err(req, -result);
}

/* --- unlink --- */

static int remove_private(struct spot *spot)
{
	struct scratch *scratch = spot->scratch;
	int result;

	if (scratch->kind != SCRATCH_FILE)
		return -EISDIR;
	result = scratch_set_key(scratch, slice_of(NULL, 0));
	if (result < 0)
		return result;
	scratch_unname(scratch);
	return commit_asides(spot->mount, ASIDE_OF_SCRATCH, scratch->id);
}

static int remove_file(struct spot *spot, const struct who *who)
{
	uint64_t ticket;
	int result;

	if (spot->place == PLACE_RESTORE && spot->scratch == NULL)
		return restoring_unlink(spot);
	if (names_is_past(spot->kind))
		return -EROFS;
	/* rm -r removes everything it sees, then the table. */
	if (spot->kind == NAME_TABLE_FILE) {
		hiding_begin(spot->mount->hiding, spot->directory.view->slot, who->pid);
		return 0;
	}
	if (spot->scratch != NULL)
		return remove_private(spot);
	if (!spot_is_taken(spot))
		return -ENOENT;
	if (spot->node.kind != NODE_ITEM)
		return -EISDIR;
	result = restoring_check_change(spot);
	if (result == 0)
		result = spot_keep_directory(spot);
	if (result == 0)
		result = commit_removal(
			spot->mount, spot->directory.view->table.number, buffer_slice(&spot->key), who, &ticket);
	if (result == 0)
		handle_detach(&spot->mount->handles, spot->directory.view->slot, buffer_slice(&spot->key));
	return result;
}

static int unlink_in_pitr(struct mount *mount, fuse_ino_t parent, const char *name)
{
	if (parent != PITR_REJECTED || mount->options->is_read_only)
		return -EPERM;
	return pitrdir_unlink(mount->pitrdir, name);
}

void ops_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct mount *mount = ops_mount(req, COUNT_UNLINK);
	struct who who = ops_who(req);
	struct spot spot = { 0 };
	int result;

	if (parent == PITR_DIRECTORY || parent == PITR_REJECTED) {
		fuse_reply_err(req, -unlink_in_pitr(mount, parent, name));
		return;
	}
	result = spot_begin(mount, parent, name, &spot);
	if (result == 0)
		result = remove_file(&spot, &who);
	spot_end(&spot);
	fuse_reply_err(req, -result);
}
