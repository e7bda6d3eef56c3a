/* lookup, forget, getattr, statfs */
#include "ops.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include "attr.h"
#include "attree.h"
#include "handle.h"
#include "overtaken.h"
#include "resolve.h"
#include "spot.h"
#include "target.h"

void ops_reply_entry(fuse_req_t req, struct mount *mount, int result, const struct fuse_entry_param *entry)
{
	if (result < 0) {
		fuse_reply_err(req, -result);
		return;
	}
	if (fuse_reply_entry(req, entry) == -ENOENT && entry->ino != 0)
		attr_count(mount, entry->ino, -1);
}

void ops_reply_bytes(fuse_req_t req, int result, struct buffer *bytes)
{
	if (result < 0)
		fuse_reply_err(req, -result);
	else
		fuse_reply_buf(req, (const char *)bytes->data, bytes->size);
	buffer_free(bytes);
}

/* --- lookup --- */

static int view_entry(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number,
	struct fuse_entry_param *ret_entry)
{
	struct target target;
	int result = target_load(mount, txn, nodeid_of(view->slot, number), &target);

	if (result == 0)
		result = attr_entry(mount, txn, &target, ret_entry);
	target_release(&target);
	return result;
}

/* "@T". The view stays held until the entry is made, so that its slot is not given away. */
static int lookup_instant(struct mount *mount, struct store_txn *txn, const struct target *directory, const char *name,
	const struct name_parts *parts, struct fuse_entry_param *ret_entry, struct error *error)
{
	struct view *view;
	int result = resolve_instant(mount, txn, directory, slice_of_text(name), parts->instant, &view, error);

	if (result < 0)
		return result;
	result = view_entry(mount, txn, view, NUMBER_DIRECTORY, ret_entry);
	view_put(view);
	return result;
}

/* NAME.json@T */
static int lookup_item_at(struct mount *mount, struct store_txn *txn, const struct target *directory, const char *name,
	const struct name_parts *parts, struct fuse_entry_param *ret_entry, struct error *error)
{
	struct buffer key = BUFFER_INIT;
	struct node node;
	struct view *view;
	int result = snapshot_key_of_name(
		txn, &directory->view->table, buffer_slice(&directory->key), parts->base, &key, error);

	if (result == 0)
		result = resolve_instant(mount, txn, directory, slice_of_text(name), parts->instant, &view, error);
	if (result == 0) {
		result = snapshot_find(txn, &view->snapshot, buffer_slice(&key), &node);
		if (result == 0)
			result = view_entry(mount, txn, view, node.number, ret_entry);
		view_put(view);
	}
	buffer_free(&key);
	return result == -EINVAL ? -ENOENT : result;
}

/* Instants of the live side: what cannot be shown is told with its reason. */
static int lookup_past_name(struct mount *mount, struct store_txn *txn, const struct target *directory,
	const char *name, const struct name_parts *parts, struct fuse_entry_param *ret_entry)
{
	struct error error = { 0 };
	struct buffer path = BUFFER_INIT;
	int result = parts->kind == NAME_INSTANT
			     ? lookup_instant(mount, txn, directory, name, parts, ret_entry, &error)
			     : lookup_item_at(mount, txn, directory, name, parts, ret_entry, &error);
	const char *text;

	if (result < 0 && error.code < 0) {
		error.code = result;
		target_child_path(mount, directory, name, &path);
		text = buffer_text(&path);
		(void)tell_refusal(mount->tell, text == NULL ? name : text, slice_of(NULL, 0), &error);
	}
	buffer_free(&path);
	return result;
}

/* Below an instant everything is as it was for ever, and so is what is not there. */
static int lookup_in_past(struct mount *mount, struct store_txn *txn, const struct target *directory, const char *name,
	struct fuse_entry_param *ret_entry)
{
	struct name_parts parts = names_classify(target_place(directory), slice_of_text(name));
	const struct view *view = directory->view;
	struct node node;
	int64_t time_us;
	int result;

	if (parts.kind == NAME_TABLE_FILE)
		return view_entry(mount, txn, directory->view, NUMBER_TABLE_FILE, ret_entry);
	if (parts.kind != NAME_ITEM && parts.kind != NAME_PARTITION)
		return -ENOENT;
	result = snapshot_find_name(
		txn, &view->snapshot, &view->table, target_directory(directory), slice_of_text(name), &node, NULL);
	if (result == 0)
		result = attr_view_time(txn, view, &time_us);
	if (result == 0) {
		attr_node_entry(mount, view, time_us, &node, ret_entry);
	} else if (result == -ENOENT || result == -EINVAL) {
		*ret_entry = (struct fuse_entry_param){ .entry_timeout = TIMEOUT_PAST };
		result = 0;
	}
	return result;
}

static int lookup_table(struct mount *mount, struct store_txn *txn, const struct target *directory, const char *name,
	struct fuse_entry_param *ret_entry)
{
	struct view *view;
	int result = directory->kind == TARGET_STORE
			     ? resolve_store_table(mount, txn, directory, slice_of_text(name), &view)
			     : resolve_live_table(mount, txn, slice_of_text(name), &view);

	if (result < 0)
		return result;
	result = view_entry(mount, txn, view, NUMBER_DIRECTORY, ret_entry);
	view_put(view);
	return result;
}

static int lookup_pitr(struct mount *mount, struct store_txn *txn, const struct target *directory, const char *name,
	struct fuse_entry_param *ret_entry)
{
	struct target found = { .kind = TARGET_KEPT };
	struct stat stat;
	int result = 0;

	if (directory->kind == TARGET_REJECTED)
		result = pitrdir_find(mount->pitrdir, name, &found.nodeid, &stat);
	else if (slice_equal(slice_of_text(name), slice_of_text("errors.jsonl")))
		found = (struct target){ .kind = TARGET_ERRORS, .nodeid = PITR_ERRORS };
	else if (slice_equal(slice_of_text(name), slice_of_text("rejected")))
		found = (struct target){ .kind = TARGET_REJECTED, .nodeid = PITR_REJECTED };
	else
		result = -ENOENT;
	return result < 0 ? result : attr_entry(mount, txn, &found, ret_entry);
}

static int find_in_branch(struct mount *mount, struct store_txn *txn, const struct target *directory, const char *name,
	pid_t pid, struct branch_entry *ret_found)
{
	int result;

	ret_found->view = resolve_find_going_on(mount, txn, directory->nodeid, slice_of_text(name), pid);
	if (ret_found->view != NULL)
		return 0;
	result = attree_find(
		mount, txn, directory->view, nodeid_number(directory->nodeid), slice_of_text(name), ret_found);
	if (result == 0 && ret_found->number == NUMBER_DIRECTORY && ret_found->view->written == INSTANT_LATEST)
		atomic_store(&ret_found->view->asked_by, pid);
	return result;
}

/* "@", and what stands below it. */
static int lookup_branch(struct mount *mount, struct store_txn *txn, const struct target *directory, const char *name,
	pid_t pid, struct fuse_entry_param *ret_entry)
{
	struct branch_entry found = { .number = NUMBER_DIRECTORY };
	int result = directory->kind != TARGET_BRANCH ? attree_of(mount, directory, &found.view)
						      : find_in_branch(mount, txn, directory, name, pid, &found);

	if (result < 0)
		return result;
	result = view_entry(mount, txn, found.view, found.number, ret_entry);
	view_put(found.view);
	return result;
}

/* Something private, or stored, in a live directory. */
static int lookup_spot(struct mount *mount, fuse_ino_t parent, const char *name, struct fuse_entry_param *ret_entry)
{
	struct target found;
	struct spot spot;
	int result = spot_begin(mount, parent, name, &spot);

	if (result == 0 && spot.scratch != NULL) {
		result = target_load(mount, spot.txn, spot.scratch->nodeid, &found);
		if (result == 0)
			result = attr_entry(mount, spot.txn, &found, ret_entry);
		target_release(&found);
	} else if (result == 0 && spot.is_stored && !spot.is_aside) {
		int64_t time_us;

		result = attr_view_time(spot.txn, spot.directory.view, &time_us);
		if (result == 0)
			attr_node_entry(mount, spot.directory.view, time_us, &spot.node, ret_entry);
	} else if (result == 0) {
		result = -ENOENT;
	}
	if (result == 0)
		attr_count(mount, ret_entry->ino, 1);
	spot_end(&spot);
	return result;
}

/* "restore", what stands in it, and what begins with '@' below that. */
static int lookup_restoring(struct mount *mount, struct store_txn *txn, const struct target *directory,
	const char *name, const struct name_parts *parts, struct fuse_entry_param *ret_entry)
{
	uint64_t number = NUMBER_DIRECTORY;
	struct view *view = NULL;
	int result = -ENOENT;

	if (directory->kind == TARGET_ROOT) {
		struct target found = { .kind = TARGET_RESTORE, .nodeid = NODEID_RESTORE };

		return mount->writer == NULL ? -ENOENT : attr_entry(mount, txn, &found, ret_entry);
	}
	if (directory->kind == TARGET_RESTORE && (parts->kind == NAME_TABLE || parts->kind == NAME_INSTANT))
		result = restoring_find(mount, txn, slice_of_text(name), &view, &number);
	else if (directory->kind == TARGET_TABLE && parts->kind == NAME_INSTANT)
		result = restoring_find_again(mount, txn, directory, slice_of_text(name), parts->instant, &view);
	if (result == 0)
		result = view_entry(mount, txn, view, number, ret_entry);
	view_put(view);
	return result;
}

static int lookup_table_file(struct mount *mount, struct store_txn *txn, const struct target *directory, pid_t pid,
	struct fuse_entry_param *ret_entry)
{
	if (!target_is_past(directory) && hiding_is_hidden(mount->hiding, directory->view->slot, pid))
		return -ENOENT;
	return view_entry(mount, txn, directory->view, NUMBER_TABLE_FILE, ret_entry);
}

static int lookup_elsewhere(struct mount *mount, struct store_txn *txn, const struct target *directory,
	const char *name, pid_t pid, struct fuse_entry_param *ret_entry)
{
	struct name_parts parts = names_classify(target_place(directory), slice_of_text(name));
	bool is_alias = directory->view != NULL && directory->view->is_alias;

	if (directory->kind == TARGET_PITR || directory->kind == TARGET_REJECTED)
		return lookup_pitr(mount, txn, directory, name, ret_entry);
	if (parts.kind == NAME_TABLE && (directory->kind == TARGET_ROOT || directory->kind == TARGET_STORE))
		return lookup_table(mount, txn, directory, name, ret_entry);
	if (directory->kind == TARGET_BRANCH || (parts.kind == NAME_AT && !target_is_past(directory) && !is_alias))
		return lookup_branch(mount, txn, directory, name, pid, ret_entry);
	if (parts.kind == NAME_RESTORE || directory->kind == TARGET_RESTORE || (is_alias && names_is_past(parts.kind)))
		return lookup_restoring(mount, txn, directory, name, &parts, ret_entry);
	if (target_is_past(directory))
		return lookup_in_past(mount, txn, directory, name, ret_entry);
	if (parts.kind == NAME_INSTANT || parts.kind == NAME_ITEM_AT)
		return lookup_past_name(mount, txn, directory, name, &parts, ret_entry);
	if (parts.kind == NAME_TABLE_FILE)
		return lookup_table_file(mount, txn, directory, pid, ret_entry);
	if (parts.kind == NAME_PITR) {
		struct target pitr = { .kind = TARGET_PITR, .nodeid = PITR_DIRECTORY };

		return attr_entry(mount, txn, &pitr, ret_entry);
	}
	return -ENOENT;
}

enum where { IN_BRANCH, IN_LIVE_TABLE, ELSEWHERE };

static enum where where_is(struct mount *mount, fuse_ino_t ino)
{
	struct view *view = views_get(mount->views, nodeid_slot(ino));
	enum where where = view == NULL           ? ELSEWHERE
			   : view->branch != NULL ? IN_BRANCH
			   : view->is_live        ? IN_LIVE_TABLE
						  : ELSEWHERE;

	view_put(view);
	return where;
}

/* Items and private files, of which a live table has most. */
static bool is_plain(const char *name)
{
	return name[0] != '.' && strchr(name, '@') == NULL;
}

/* Counts the reference, since the view that was found could otherwise go before the reply. */
static int lookup_any(
	struct mount *mount, fuse_ino_t parent, const char *name, pid_t pid, struct fuse_entry_param *ret_entry)
{
	struct store_txn *txn;
	struct target directory;
	bool is_live;
	int result;

	if (parent == NODEID_ROOT || parent == NODEID_RESTORE)
		restoring_tidy(mount, false);
	if (parent == NODEID_ROOT)
		restoring_drain(mount, slice_of_text(name));
	result = target_begin(mount, parent, &txn, &directory);

	if (result < 0)
		return result;
	is_live = !target_is_past(&directory);
	result = target_is_directory(&directory) ? lookup_elsewhere(mount, txn, &directory, name, pid, ret_entry)
						 : -ENOTDIR;
	if (result == 0 && ret_entry->ino != 0)
		attr_count(mount, ret_entry->ino, 1);
	is_live = is_live && directory.kind != TARGET_PITR && directory.kind != TARGET_REJECTED;
	target_end(txn, &directory);
	return result == -ENOENT && is_live ? lookup_spot(mount, parent, name, ret_entry) : result;
}

static int lookup(
	struct mount *mount, fuse_ino_t parent, const char *name, pid_t pid, struct fuse_entry_param *ret_entry)
{
	enum where where = where_is(mount, parent);
	int result;

	/* What was closed before an instant is asked for belongs to it. */
	if (where == IN_BRANCH || strchr(name, '@') != NULL)
		target_drain(mount, parent);
	result = where == IN_LIVE_TABLE && is_plain(name) ? lookup_spot(mount, parent, name, ret_entry)
							  : lookup_any(mount, parent, name, pid, ret_entry);
	if (result == -ESTALE)
		overtaken_drop(mount, parent);
	return result;
}

void ops_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct mount *mount = ops_mount(req, COUNT_LOOKUP);
	struct fuse_entry_param entry;
	int result = lookup(mount, parent, name, fuse_req_ctx(req)->pid, &entry);

	if (result == -ENOENT && strchr(name, '@') == NULL && !restoring_is_coming(mount, parent)) {
		entry = (struct fuse_entry_param){ .entry_timeout = TIMEOUT_ABSENT };
		result = 0;
	}
	ops_reply_entry(req, mount, result, &entry);
}

/* --- forget --- */

void ops_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
	struct mount *mount = ops_mount(req, COUNT_FORGET);

	attr_count(mount, ino, -(int64_t)count);
	fuse_reply_none(req);
}

void ops_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	struct mount *mount = ops_mount(req, COUNT_FORGET);

	for (size_t i = 0; i < count; i++)
		attr_count(mount, forgets[i].ino, -(int64_t)forgets[i].nlookup);
	fuse_reply_none(req);
}

/* --- getattr --- */

/* Does it tell something of what was closed before? */
static bool counts_pending(const struct target *target)
{
	if (target->kind == TARGET_BRANCH || target->kind == TARGET_LEAF)
		return !target->leaf.is_settled;
	return !target_is_past(target) && (target_is_directory(target) || target->kind == TARGET_TABLE_FILE);
}

static int get_attr(struct mount *mount, fuse_ino_t ino, struct stat *ret_stat, double *ret_timeout)
{
	struct store_txn *txn;
	struct target target;
	int result = target_begin(mount, ino, &txn, &target);

	if (result == 0 && mount->writer != NULL && counts_pending(&target)) {
		target_end(txn, &target);
		target_drain(mount, ino);
		result = target_begin(mount, ino, &txn, &target);
	}
	if (result < 0)
		return result;
	result = attr_of_target(mount, txn, &target, ret_stat);
	*ret_timeout = attr_timeout(&target);
	target_end(txn, &target);
	return result;
}

void ops_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	struct mount *mount = ops_mount(req, COUNT_GETATTR);
	struct stat attr;
	double timeout;
	int result = get_attr(mount, ino, &attr, &timeout);
	uint64_t own_size;

	if (result == 0 && handle_own_size(ops_handle(file), &own_size)) {
		attr.st_size = (off_t)own_size;
		timeout = 0;
	}
	if (result == -ESTALE)
		overtaken_drop(mount, ino);
	if (result < 0)
		fuse_reply_err(req, -result);
	else
		fuse_reply_attr(req, &attr, timeout);
}

void ops_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct mount *mount = ops_mount(req, COUNT_STATFS);
	struct statvfs stat;

	(void)ino;
	if (statvfs(history_directory(mount->history), &stat) < 0) {
		fuse_reply_err(req, errno);
		return;
	}
	stat.f_namemax = FILE_NAME_MAX;
	fuse_reply_statfs(req, &stat);
}
