/* open, read, release, and extended attributes */
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "attr.h"
#include "author.h"
#include "handle.h"
#include "log.h"
#include "overtaken.h"
#include "render.h"
#include "settled.h"
#include "target.h"

/* By then the kernel has been told of a change, and asked for the new size. */
#define TOLD_US (SECOND_US / 10)

static void open_stored(const struct mount *mount, const struct target *target, struct fuse_file_info *file)
{
	file->noflush = 1;
	file->fh = FH_STORED;
	if (target->kind == TARGET_ITEM) {
		file->keep_cache = settled_is(mount, target->view, &target->node);
		file->direct_io = !file->keep_cache;
		file->fh |= target->node.version.seq << FH_SEQ_SHIFT | (file->direct_io ? FH_DIRECT : 0);
	} else if (target->kind == TARGET_LEAF) {
		file->keep_cache = target->leaf.is_settled;
		file->direct_io = !file->keep_cache;
	} else {
		file->keep_cache = target_is_past(target);
		file->direct_io =
			target->kind == TARGET_ERRORS || (target->kind == TARGET_TABLE_FILE && !file->keep_cache);
	}
}

static bool needs_handle(const struct target *target, int flags)
{
	return target->kind == TARGET_FILE || (flags & O_ACCMODE) != O_RDONLY;
}

static bool is_for_writing(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0;
}

static int check_open(const struct target *target, int flags)
{
	bool is_writing = is_for_writing(flags);

	if (target_is_directory(target))
		return -EISDIR;
	if (is_writing && target_is_past(target))
		return -EROFS;
	if (is_writing && (target->kind == TARGET_ERRORS || target->kind == TARGET_KEPT))
		return -EPERM;
	return 0;
}

static int open_target(
	struct mount *mount, const struct target *target, const struct who *who, struct fuse_file_info *file)
{
	struct handle *handle;
	int result = check_open(target, file->flags);

	if (result < 0)
		return result;
	if (!needs_handle(target, file->flags)) {
		open_stored(mount, target, file);
		return 0;
	}
	result = handle_open(mount, target, file->flags, who, &handle);
	if (result < 0)
		return result;
	file->fh = (uint64_t)(uintptr_t)handle;
	file->direct_io = 1;
	file->noflush = (file->flags & O_ACCMODE) == O_RDONLY;
	return 0;
}

static int open_node(struct mount *mount, fuse_ino_t ino, const struct who *who, struct fuse_file_info *file)
{
	struct store_txn *txn;
	struct target target;
	int result;

	/* What it tells of the table counts what was closed before. */
	if (nodeid_slot(ino) != 0 && nodeid_number(ino) == NUMBER_TABLE_FILE)
		target_drain(mount, ino);
	result = target_begin(mount, ino, &txn, &target);
	if (result < 0)
		return result;
	store_abort(txn);
	result = open_target(mount, &target, who, file);
	target_release(&target);
	return result;
}

/* An item of the past is what it was when the kernel heard of it, as long as nothing of its state is forgotten. */
static bool open_past(struct mount *mount, fuse_ino_t ino, struct fuse_file_info *file)
{
	bool is_item = nodeid_number(ino) > NUMBER_LINK && !is_for_writing(file->flags), is_past;
	struct view *view = is_item ? views_get(mount->views, nodeid_slot(ino)) : NULL;

	is_past = view != NULL && !view->is_live && view->branch == NULL && !overtaken_is_now(mount, view);
	view_put(view);
	if (is_past) {
		file->fh = FH_STORED;
		file->keep_cache = file->noflush = 1;
	}
	return is_past;
}

/* A read-only mount says once that files need not be opened. */
void ops_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	struct mount *mount = ops_mount(req, COUNT_OPEN);
	struct who who;
	int result;

	if (mount->options->is_read_only) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	if (open_past(mount, ino, file)) {
		fuse_reply_open(req, file);
		return;
	}
	who = (file->flags & O_ACCMODE) == O_RDONLY ? (struct who){ .pid = fuse_req_ctx(req)->pid } : ops_who(req);
	result = open_node(mount, ino, &who, file);
	/* Somebody else removed it, and the kernel has not heard yet: ESTALE lets it look for the name again. */
	if (result < 0)
		fuse_reply_err(req, result == -ENOENT ? ESTALE : -result);
	else if (fuse_reply_open(req, file) == -ENOENT && ops_handle(file) != NULL)
		handle_release(ops_handle(file));
}

/* --- read --- */

static int read_table_file(struct mount *mount, struct store_txn *txn, const struct view *view, uint64_t offset,
	size_t size, struct buffer *out)
{
	struct text *text;
	int result = render_table_file(mount, txn, view, true, &text);

	if (result < 0)
		return result;
	text_append_part(text_slice(text), offset, size, out);
	text_put(text);
	return buffer_error(out);
}

static int read_target(struct mount *mount, struct store_txn *txn, const struct target *target, uint64_t offset,
	size_t size, struct buffer *out)
{
	switch (target->kind) {
	case TARGET_ITEM:
		return render_node(mount, txn, target->view, &target->node, offset, size, out);
	case TARGET_TABLE_FILE:
		return read_table_file(mount, txn, target->view, offset, size, out);
	case TARGET_ERRORS:
		return pitrdir_read_errors(mount->pitrdir, offset, size, out);
	case TARGET_LEAF:
		return target->view->branch->read(
			mount, txn, target->view, nodeid_number(target->nodeid), offset, size, out);
	case TARGET_KEPT:
		return pitrdir_read(mount->pitrdir, nodeid_number(target->nodeid), offset, size, out);
	default:
		return -EISDIR;
	}
}

/* A live item as it was when it was opened, unless its table keeps no history. */
static int read_opened(
	struct mount *mount, fuse_ino_t ino, uint64_t seq, uint64_t offset, size_t size, struct buffer *out)
{
	struct view *live = views_get(mount->views, nodeid_slot(ino));
	struct view past = { 0 };
	struct store_txn *txn;
	struct node node;
	int result = live == NULL || seq == 0 ? -ENOENT : store_begin(mount->store, false, &txn);

	if (result < 0) {
		view_put(live);
		return result;
	}
	past.table = live->table;
	past.snapshot = (struct snapshot){ .table = live->table.number, .seq = seq };
	result = snapshot_node(txn, &past.snapshot, nodeid_number(ino), &node);
	if (result == 0)
		result = render_node(mount, txn, &past, &node, offset, size, out);
	else if (render_kept(mount, &past, nodeid_number(ino), seq, offset, size, out) == 0)
		result = 0;
	store_abort(txn);
	view_put(live);
	return result;
}

/* Has the item changed since it was opened, in a way the reader is not to see? What the kernel caches of it then is of
 * the old version, and is not to stay. */
static bool is_overtaken(struct mount *mount, const struct target *target, uint64_t fh)
{
	bool is_changed = target->kind == TARGET_ITEM && target->view->is_live && fh >> FH_SEQ_SHIFT != 0 &&
			  fh >> FH_SEQ_SHIFT != target->node.version.seq;

	if (!is_changed || (fh & FH_DIRECT) != 0)
		return is_changed;
	notifier_node(mount->notifier, target->nodeid);
	return settled_age_us(&target->node) < TOLD_US;
}

static int read_node(struct mount *mount, fuse_ino_t ino, uint64_t fh, uint64_t offset, size_t size, struct buffer *out,
	struct target *ret_target)
{
	struct store_txn *txn;
	bool is_old;
	int result = target_begin(mount, ino, &txn, ret_target);

	if ((result == -ENOENT || result == -ESTALE) &&
		read_opened(mount, ino, fh >> FH_SEQ_SHIFT, offset, size, out) == 0)
		return 0;
	if (result < 0)
		return result;
	is_old = is_overtaken(mount, ret_target, fh);
	if (!is_old)
		result = read_target(mount, txn, ret_target, offset, size, out);
	store_abort(txn);
	return is_old ? read_opened(mount, ino, fh >> FH_SEQ_SHIFT, offset, size, out) : result;
}

void ops_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *file)
{
	struct mount *mount = ops_mount(req, COUNT_READ);
	struct handle *handle = ops_handle(file);
	struct target target = { 0 };
	struct buffer bytes = BUFFER_INIT;
	int result = handle != NULL ? handle_read(handle, (uint64_t)offset, size, &bytes)
				    : read_node(mount, ino, file->fh, (uint64_t)offset, size, &bytes, &target);

	ops_reply_bytes(req, result, &bytes);
	if (result == 0 && offset == 0)
		prefetch_follow(mount->prefetch, &target);
	target_release(&target);
}

void ops_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	(void)ops_mount(req, COUNT_RELEASE), (void)ino;
	if (ops_handle(file) != NULL)
		handle_release(ops_handle(file));
	fuse_reply_err(req, 0);
}

/* --- extended attributes --- */

static const char *const xattr_names[] = { "user.pitr.time", "user.pitr.seq", "user.pitr.operation",
	"user.pitr.author" };
enum { XATTR_TIME, XATTR_SEQ, XATTR_OPERATION, XATTR_AUTHOR, XATTRS };

static const char *operation_name(enum change_op op)
{
	return op == CHANGE_INSERT ? "INSERT" : op == CHANGE_MODIFY ? "MODIFY" : "REMOVE";
}

/* What is told: the change that made an item, or a file that shows one. False: nothing. */
static bool told_of(const struct target *target, struct version *ret_version)
{
	if (target->kind == TARGET_ITEM)
		*ret_version = target->node.version;
	else if (target->kind == TARGET_LEAF && target->leaf.seq != 0)
		*ret_version = (struct version){ .seq = target->leaf.seq, .time_us = target->leaf.time_us };
	else
		return false;
	return true;
}

static int append_xattr(struct store_txn *txn, const struct target *target, int which, struct buffer *out)
{
	struct version version;
	char time[INSTANT_TEXT_MAX];
	struct log_entry entry;
	struct slice author;
	int result;

	if (!told_of(target, &version))
		return -ENODATA;
	if (which == XATTR_TIME) {
		instant_format_z(version.time_us, time, sizeof(time));
		buffer_append_text(out, time);
		return 0;
	}
	if (which == XATTR_SEQ) {
		buffer_append_format(out, "%llu", (unsigned long long)version.seq);
		return 0;
	}
	result = log_get(txn, target->view->table.number, version.seq, &entry);
	if (result == 0 && which == XATTR_OPERATION) {
		buffer_append_text(out, operation_name(entry.op));
	} else if (result == 0) {
		result = author_text(txn, entry.author, &author);
		if (result == 0)
			buffer_append_slice(out, author);
	}
	return result == -ENOENT ? -ENODATA : result;
}

static int get_xattr(struct mount *mount, fuse_ino_t ino, const char *name, struct buffer *out)
{
	struct store_txn *txn;
	struct target target;
	int which = 0, result;

	while (which < XATTRS && strcmp(name, xattr_names[which]) != 0)
		which++;
	if (which == XATTRS)
		return -ENODATA;
	result = target_begin(mount, ino, &txn, &target);
	if (result < 0)
		return result;
	result = append_xattr(txn, &target, which, out);
	target_end(txn, &target);
	return result < 0 ? result : buffer_error(out);
}

static int list_xattr(struct mount *mount, fuse_ino_t ino, struct buffer *out)
{
	struct version version;
	struct store_txn *txn;
	struct target target;
	int result = target_begin(mount, ino, &txn, &target);

	if (result < 0)
		return result;
	for (int which = 0; which < XATTRS && told_of(&target, &version); which++)
		buffer_append(out, xattr_names[which], strlen(xattr_names[which]) + 1);
	target_end(txn, &target);
	return buffer_error(out);
}

static void reply_xattr(fuse_req_t req, int result, struct buffer *bytes, size_t size)
{
	if (result == 0 && size > 0 && bytes->size > size)
		result = -ERANGE;
	if (result < 0 || size > 0) {
		ops_reply_bytes(req, result, bytes);
		return;
	}
	fuse_reply_xattr(req, bytes->size);
	buffer_free(bytes);
}

void ops_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct mount *mount = ops_mount(req, COUNT_GETXATTR);
	struct buffer bytes = BUFFER_INIT;

	if (mount->options->has_xattr)
		reply_xattr(req, get_xattr(mount, ino, name, &bytes), &bytes, size);
	else
		fuse_reply_err(req, ENOSYS);
}

void ops_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct mount *mount = ops_mount(req, COUNT_LISTXATTR);
	struct buffer bytes = BUFFER_INIT;

	if (mount->options->has_xattr)
		reply_xattr(req, list_xattr(mount, ino, &bytes), &bytes, size);
	else
		fuse_reply_err(req, ENOSYS);
}

void ops_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)
{
	(void)ops_mount(req, COUNT_SETXATTR), (void)ino, (void)name, (void)value, (void)size, (void)flags;
	fuse_reply_err(req, ENOSYS);
}

void ops_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	(void)ops_mount(req, COUNT_REMOVEXATTR), (void)ino, (void)name;
	fuse_reply_err(req, ENOSYS);
}
