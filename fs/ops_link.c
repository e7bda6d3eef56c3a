/* symlink, readlink, link: links are refused but in restore/ (sharing.h) */
#include "ops.h"

#include <errno.h>

#include "attr.h"
#include "restoring.h"
#include "sharing.h"
#include "spot.h"
#include "target.h"

static int refuse_link(struct mount *mount, fuse_ino_t parent)
{
	struct view *view = views_get(mount->views, nodeid_slot(parent));
	bool is_past = view != NULL && !view->is_live;

	view_put(view);
	return is_past ? -EROFS : -EPERM;
}

static int find_link(struct mount *mount, const char *name, struct fuse_entry_param *ret_entry)
{
	struct store_txn *txn;
	struct target target;
	struct view *view;
	uint64_t number;
	int result = store_begin(mount->store, false, &txn);

	if (result < 0)
		return result;
	result = restoring_find(mount, txn, slice_of_text(name), &view, &number);
	if (result == 0) {
		result = target_load(mount, txn, nodeid_of(view->slot, number), &target);
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

static int make_link(struct mount *mount, const char *to, fuse_ino_t parent, const char *name, const struct who *who,
	struct fuse_entry_param *ret_entry)
{
	struct spot spot = { 0 };
	int result;

	if (parent != NODEID_RESTORE)
		return refuse_link(mount, parent);
	result = spot_begin(mount, parent, name, &spot);
	if (result == 0)
		result = sharing_make(&spot, to, who);
	spot_end(&spot);
	return result < 0 ? result : find_link(mount, name, ret_entry);
}

void ops_symlink(fuse_req_t req, const char *to, fuse_ino_t parent, const char *name)
{
	struct mount *mount = ops_mount(req, COUNT_SYMLINK);
	struct who who = ops_who(req);
	struct fuse_entry_param entry;

	ops_reply_entry(req, mount, make_link(mount, to, parent, name, &who, &entry), &entry);
}

static int read_link(struct mount *mount, fuse_ino_t ino, struct buffer *out)
{
	struct store_txn *txn;
	struct target target;
	int result = target_begin(mount, ino, &txn, &target);

	if (result < 0)
		return result;
	if (target.kind == TARGET_LINK) {
		buffer_append_text(out, RESTORING_LINK);
		buffer_append_text(out, target.view->table.name);
	}
	result = target.kind == TARGET_LINK ? buffer_error(out) : -EINVAL;
	target_end(txn, &target);
	return result;
}

void ops_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct buffer text = BUFFER_INIT;
	int result = read_link(ops_mount(req, COUNT_READLINK), ino, &text);

	if (result < 0 || buffer_text(&text) == NULL)
		fuse_reply_err(req, result < 0 ? -result : ENOMEM);
	else
		fuse_reply_readlink(req, buffer_text(&text));
	buffer_free(&text);
}

void ops_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	(void)ino, (void)name;
	fuse_reply_err(req, -refuse_link(ops_mount(req, COUNT_LINK), parent));
}
