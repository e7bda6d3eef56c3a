/* create, mknod, write, flush, fsync, setattr */
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "attr.h"
#include "clock.h"
#include "commit.h"
#include "copied.h"
#include "handle.h"
#include "key.h"
#include "loop.h"
#include "spot.h"
#include "target.h"

/* --- new files --- */

static bool is_hidden_table_file(const struct spot *spot, pid_t pid)
{
	return spot->kind == NAME_TABLE_FILE && hiding_is_hidden(spot->mount->hiding, spot->directory.view->slot, pid);
}

/* The private file, or the item that is there by now. */
static int make_file(
	struct spot *spot, mode_t mode, bool is_exclusive, const struct who *who, struct target *ret_target)
{
	uint64_t nodeid;
	int result = 0;

	if (spot->kind == NAME_TABLE_FILE)
		nodeid = nodeid_of(spot->directory.view->slot, NUMBER_TABLE_FILE);
	else if (spot->scratch == NULL && spot->is_stored && !spot->is_aside)
		nodeid = nodeid_of(spot->directory.view->slot, spot->node.number);
	else
		nodeid = 0;
	if (is_exclusive && spot_is_taken(spot) && !is_hidden_table_file(spot, who->pid))
		return -EEXIST;
	if (nodeid == 0 && spot->scratch == NULL) {
		bool is_item = (spot->kind == NAME_ITEM && spot->key.size > 0) ||
			       restoring_is_loose(spot->directory.view, spot_parent(spot), spot_name(spot));

		if (!is_item && !names_can_be_scratch_file(spot->place, spot_name(spot)))
			return spot_refuse_file(spot);
		result = spot_add_scratch(spot, SCRATCH_FILE, mode);
	}
	if (result < 0)
		return result;
	return target_load(spot->mount, spot->txn, nodeid != 0 ? nodeid : spot->scratch->nodeid, ret_target);
}

static int create(struct mount *mount, fuse_ino_t parent, const char *name, mode_t mode, const struct who *who,
	struct fuse_file_info *file, struct fuse_entry_param *ret_entry)
{
	struct target target = { 0 };
	struct handle *handle;
	struct spot spot;
	int result = spot_begin(mount, parent, name, &spot);

	if (result == 0)
		result = make_file(&spot, mode, (file->flags & O_EXCL) != 0, who, &target);
	if (result == 0 && target_is_directory(&target))
		result = -EISDIR;
	if (result == 0)
		result = attr_entry(mount, spot.txn, &target, ret_entry);
	/* Who makes a file anew expects it empty; .table.json is there already, with contents. */
	if (result == 0)
		result = handle_open(mount, &target, (file->flags & O_EXCL) != 0 ? file->flags | O_TRUNC : file->flags,
			who, &handle);
	if (result == 0) {
		restoring_note(mount, spot.directory.view, who);
		if (spot.kind == NAME_TABLE_FILE)
			hiding_end(mount->hiding, spot.directory.view->slot);
		attr_count(mount, ret_entry->ino, 1);
		file->fh = (uint64_t)(uintptr_t)handle;
		file->direct_io = 1;
		file->noflush = (file->flags & O_ACCMODE) == O_RDONLY;
	}
	target_release(&target);
	spot_end(&spot);
	return result;
}

void ops_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *file)
{
	struct mount *mount = ops_mount(req, COUNT_CREATE);
	struct who who = ops_who(req);
	struct fuse_entry_param entry;
	int result = create(mount, parent, name, mode, &who, file, &entry);

	if (result < 0) {
		fuse_reply_err(req, -result);
	} else if (fuse_reply_create(req, &entry, file) == -ENOENT) {
		handle_release(ops_handle(file));
		attr_count(mount, entry.ino, -1);
	}
}

static int make_node(struct mount *mount, fuse_ino_t parent, const char *name, mode_t mode, const struct who *who,
	struct fuse_entry_param *ret_entry)
{
	struct target target = { 0 };
	struct spot spot;
	int result = S_ISREG(mode) ? spot_begin(mount, parent, name, &spot) : -EPERM;

	if (!S_ISREG(mode))
		return result;
	if (result == 0)
		result = make_file(&spot, mode, true, who, &target);
	if (result == 0)
		result = attr_entry(mount, spot.txn, &target, ret_entry);
	if (result == 0)
		attr_count(mount, ret_entry->ino, 1);
	target_release(&target);
	spot_end(&spot);
	return result;
}

void ops_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
	struct mount *mount = ops_mount(req, COUNT_MKNOD);
	struct who who = ops_who(req);
	struct fuse_entry_param entry;

	(void)device;
	ops_reply_entry(req, mount, make_node(mount, parent, name, mode, &who, &entry), &entry);
}

/* --- writing --- */

static struct handle_user user_of(fuse_req_t req, const struct fuse_file_info *file)
{
	return (struct handle_user){ .pid = fuse_req_ctx(req)->pid, .owner = file == NULL ? 0 : file->lock_owner };
}

void ops_write(
	fuse_req_t req, fuse_ino_t ino, const char *bytes, size_t size, off_t offset, struct fuse_file_info *file)
{
	struct handle *handle = ops_handle(file);
	int result = -EBADF;

	(void)ops_mount(req, COUNT_WRITE), (void)ino;
	if (handle != NULL)
		result = handle_write(handle, (uint64_t)offset, slice_of(bytes, size), user_of(req, file));
	if (result < 0)
		fuse_reply_err(req, -result);
	else
		fuse_reply_write(req, size);
}

void ops_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	struct mount *mount = ops_mount(req, COUNT_FLUSH);
	struct handle *handle = ops_handle(file);

	(void)ino;
	if (mount->options->is_read_only)
		fuse_reply_err(req, ENOSYS);
	else
		fuse_reply_err(req, handle == NULL ? 0 : -handle_flush(handle, user_of(req, file)));
}

/* Everything accepted for the item is durable. */
static int sync_node(struct mount *mount, fuse_ino_t ino)
{
	struct store_txn *txn;
	struct target target;
	uint64_t ticket;
	bool is_pending;
	int result = store_begin(mount->store, false, &txn);

	if (result < 0)
		return result;
	result = target_load(mount, txn, ino, &target);
	is_pending = result == 0 && target_is_pending(mount, &target, &ticket);
	target_end(txn, &target);
	if (is_pending) {
		loop_blocks();
		return writer_sync(mount->writer, ticket);
	}
	return result == -ENOENT || result == -ESTALE ? 0 : result;
}

void ops_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *file)
{
	struct mount *mount = ops_mount(req, COUNT_FSYNC);
	struct handle *handle = ops_handle(file);
	int result = 0;

	(void)datasync;
	if (mount->writer != NULL) {
		result = handle != NULL ? handle_sync(handle) : sync_node(mount, ino);
		if (result == 0)
			result = commit_asides(mount, ASIDE_ANY, 0);
	}
	fuse_reply_err(req, -result);
}

/* --- setattr --- */

static int64_t time_of(const struct timespec *time, bool is_now)
{
	return is_now ? clock_now_us() : (int64_t)time->tv_sec * SECOND_US + time->tv_nsec / 1000;
}

static int set_private(struct mount *mount, struct scratch *scratch, const struct stat *attr, int to_set)
{
	int result = 0;

	pthread_mutex_lock(&scratch->draft.lock);
	if ((to_set & FUSE_SET_ATTR_SIZE) != 0 && scratch->draft.spool != NULL) {
		result = copied_spell_out(mount, &scratch->draft);
		if (result == 0)
			result = spool_truncate(scratch->draft.spool, (uint64_t)attr->st_size);
		scratch->draft.is_changed = true;
		scratch->changed_us = clock_now_us();
	}
	if ((to_set & FUSE_SET_ATTR_MODE) != 0)
		scratch->mode = attr->st_mode & 07777;
	if ((to_set & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW)) != 0)
		scratch->changed_us = time_of(&attr->st_mtim, (to_set & FUSE_SET_ATTR_MTIME_NOW) != 0);
	if ((to_set & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_ATIME_NOW)) != 0)
		scratch->accessed_us = time_of(&attr->st_atim, (to_set & FUSE_SET_ATTR_ATIME_NOW) != 0);
	pthread_mutex_unlock(&scratch->draft.lock);
	return result;
}

/* Cutting an item by its path has no close at which a document could be complete. */
static int truncate_stored(struct mount *mount, const struct target *target, uint64_t size, const struct stat *now)
{
	struct buffer path = BUFFER_INIT;
	struct error error = { 0 };
	const char *text;

	if (size == (uint64_t)now->st_size)
		return 0;
	target_path(mount, target, &path);
	text = buffer_text(&path);
	error_set(&error, -EINVAL, "a document cannot be cut to %llu bytes; open the file and write it anew",
		(unsigned long long)size);
	(void)tell_refusal(mount->tell, text == NULL ? "" : text, slice_of(NULL, 0), &error);
	buffer_free(&path);
	return error.code;
}

/* Modes, owners and times of what is stored are not kept: accepted, so that programs that set them go on. */
static int set_target(struct mount *mount, struct store_txn *txn, const struct target *target, const struct stat *attr,
	int to_set, struct handle *handle, struct handle_user user, struct stat *ret_stat)
{
	int result = attr_of_target(mount, txn, target, ret_stat);

	if (result < 0)
		return result;
	if (target_is_past(target))
		return -EROFS;
	if ((to_set & FUSE_SET_ATTR_SIZE) != 0 && handle != NULL) {
		result = handle_truncate(handle, (uint64_t)attr->st_size, user);
		to_set &= ~FUSE_SET_ATTR_SIZE;
	}
	if (result == 0 && (target->kind == TARGET_FILE || target->kind == TARGET_DIRECTORY))
		result = set_private(mount, target->scratch, attr, to_set);
	else if (result == 0 && (to_set & FUSE_SET_ATTR_SIZE) != 0)
		result = truncate_stored(mount, target, (uint64_t)attr->st_size, ret_stat);
	return result < 0 ? result : attr_of_target(mount, txn, target, ret_stat);
}

static int set_attr(struct mount *mount, fuse_ino_t ino, const struct stat *attr, int to_set, struct handle *handle,
	struct handle_user user, struct stat *ret_stat, double *ret_timeout)
{
	struct store_txn *txn;
	struct target target;
	int result = target_begin(mount, ino, &txn, &target);

	if (result < 0)
		return result;
	result = set_target(mount, txn, &target, attr, to_set, handle, user, ret_stat);
	*ret_timeout = attr_timeout(&target);
	target_end(txn, &target);
	return result;
}

void ops_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *file)
{
	struct mount *mount = ops_mount(req, COUNT_SETATTR);
	struct stat now;
	double timeout;
	uint64_t own_size;
	int result = set_attr(mount, ino, attr, to_set, ops_handle(file), user_of(req, NULL), &now, &timeout);

	if (result == 0 && handle_own_size(ops_handle(file), &own_size)) {
		now.st_size = (off_t)own_size;
		timeout = 0;
	}
	if (result < 0)
		fuse_reply_err(req, -result);
	else
		fuse_reply_attr(req, &now, timeout);
}
