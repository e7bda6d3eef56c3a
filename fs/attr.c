#define FUSE_USE_VERSION 314
#include "attr.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>

#include "attree.h"
#include "clock.h"
#include "copied.h"
#include "mount.h"
#include "render.h"

#define BLOCK_BYTES 512

static struct timespec timespec_of(int64_t time_us)
{
	return (struct timespec){ .tv_sec = (time_t)(time_us / SECOND_US),
		.tv_nsec = (long)(time_us % SECOND_US) * 1000 };
}

static void fill(
	const struct mount *mount, struct stat *stat, uint64_t ino, mode_t mode, uint64_t size, int64_t time_us)
{
	*stat = (struct stat){ 0 };
	stat->st_ino = ino;
	stat->st_mode = mode;
	stat->st_nlink = 1;
	stat->st_uid = mount->options->uid;
	stat->st_gid = mount->options->gid;
	stat->st_size = (off_t)size;
	stat->st_blksize = 4096;
	stat->st_blocks = (blkcnt_t)((size + BLOCK_BYTES - 1) / BLOCK_BYTES);
	stat->st_atim = stat->st_mtim = stat->st_ctim = timespec_of(time_us);
}

static mode_t without_writing(const struct mount *mount, mode_t mode, bool is_past)
{
	return is_past || mount->options->is_read_only ? mode & ~(mode_t)0222 : mode;
}

static mode_t directory_mode(const struct mount *mount, bool is_past)
{
	return S_IFDIR | without_writing(mount, mount->options->directory_mode, is_past);
}

static mode_t file_mode(const struct mount *mount, bool is_past)
{
	return S_IFREG | without_writing(mount, mount->options->file_mode, is_past);
}

int attr_view_time(struct store_txn *txn, const struct view *view, int64_t *ret_time_us)
{
	struct table_statistics statistics;
	int result;

	if (!view->is_live) {
		*ret_time_us = view->time_us;
		return 0;
	}
	result = table_statistics(txn, view->table.number, &statistics);
	if (result == 0)
		*ret_time_us =
			statistics.last_us > view->table.created_us ? statistics.last_us : view->table.created_us;
	return result;
}

void attr_of_node(const struct mount *mount, const struct view *view, int64_t view_time_us, const struct node *node,
	struct stat *ret_stat)
{
	const struct version *version = &node->version;
	uint64_t ino = view->ino_base | node->number;

	if (node->kind == NODE_PARTITION)
		fill(mount, ret_stat, ino, directory_mode(mount, !view->is_live), 0, view_time_us);
	else
		fill(mount, ret_stat, ino, file_mode(mount, !view->is_live),
			mount->options->form == ITEM_PLAIN ? version->plain_size : version->dynamodb_size,
			version->time_us);
}

void attr_of_scratch(const struct mount *mount, struct scratch *scratch, struct stat *ret_stat)
{
	pthread_mutex_lock(&scratch->draft.lock);
	fill(mount, ret_stat, scratch->ino, (scratch->kind == SCRATCH_FILE ? S_IFREG : S_IFDIR) | scratch->mode,
		draft_size(&scratch->draft), scratch->changed_us);
	ret_stat->st_atim = timespec_of(scratch->accessed_us);
	pthread_mutex_unlock(&scratch->draft.lock);
}

static int attr_of_root(struct mount *mount, struct store_txn *txn, struct stat *ret_stat)
{
	struct table_statistics statistics;
	int result = table_statistics(txn, CATALOGUE, &statistics);

	fill(mount, ret_stat, NODEID_ROOT, directory_mode(mount, false), 0,
		result == 0 && statistics.last_us > 0 ? statistics.last_us : mount->started_us);
	return result;
}

static int attr_of_table_file(
	struct mount *mount, struct store_txn *txn, const struct target *target, struct stat *ret_stat)
{
	int64_t time_us = 0;
	struct text *text;
	int result = attr_view_time(txn, target->view, &time_us);

	if (result == 0)
		result = render_table_file(mount, txn, target->view, false, &text);
	if (result < 0)
		return result;
	fill(mount, ret_stat, target->view->ino_base | NUMBER_TABLE_FILE, file_mode(mount, target_is_past(target)),
		text->size, time_us);
	text_put(text);
	return 0;
}

static int attr_of_link(struct mount *mount, struct store_txn *txn, const struct target *target, struct stat *ret_stat)
{
	int64_t time_us = 0;
	int result = attr_view_time(txn, target->view, &time_us);

	fill(mount, ret_stat, target->view->ino_base | NUMBER_LINK, S_IFLNK | 0777,
		strlen(RESTORING_LINK) + strlen(target->view->table.name), time_us);
	return result;
}

static int attr_of_pitr(struct mount *mount, const struct target *target, struct stat *ret_stat)
{
	struct stat found = { 0 };
	uint64_t number = nodeid_number(target->nodeid);
	int result = 0;

	if (target->kind == TARGET_ERRORS)
		result = pitrdir_errors(mount->pitrdir, &found);
	else if (target->kind == TARGET_KEPT)
		result = pitrdir_stat(mount->pitrdir, number, &found);
	if (result < 0)
		return result;
	if (target_is_directory(target)) {
		fill(mount, ret_stat, number, directory_mode(mount, target->kind == TARGET_PITR), 0, mount->started_us);
		return 0;
	}
	fill(mount, ret_stat, number, file_mode(mount, true), (uint64_t)found.st_size, mount->started_us);
	if (found.st_mtim.tv_sec != 0)
		ret_stat->st_atim = ret_stat->st_mtim = ret_stat->st_ctim = found.st_mtim;
	return 0;
}

void attr_of_leaf(const struct mount *mount, const struct view *view, uint64_t number, const struct branch_node *leaf,
	struct stat *ret_stat)
{
	bool is_writable = number == NUMBER_DIRECTORY && (view->branch->make != NULL || view->branch->remove != NULL);

	fill(mount, ret_stat, view->ino_base | number,
		leaf->is_file ? file_mode(mount, true) : directory_mode(mount, !is_writable), leaf->size_bytes,
		leaf->time_us > 0 ? leaf->time_us : mount->started_us);
	if (mount->options->is_read_only)
		ret_stat->st_mtim.tv_nsec += leaf->salt;
}

static int attr_of_view_node(
	struct mount *mount, struct store_txn *txn, const struct target *target, struct stat *ret_stat)
{
	const struct view *view = target->view;
	int64_t time_us = view->time_us;
	int result = view->is_store ? 0 : attr_view_time(txn, view, &time_us);

	if (result < 0)
		return result;
	if (target->kind == TARGET_ITEM) {
		attr_of_node(mount, view, time_us, &target->node, ret_stat);
		return 0;
	}
	fill(mount, ret_stat, view->ino_base | target_directory(target), directory_mode(mount, !view->is_live), 0,
		time_us);
	if (target->scratch != NULL)
		ret_stat->st_ino = target->scratch->ino;
	return 0;
}

int attr_of_target(struct mount *mount, struct store_txn *txn, const struct target *target, struct stat *ret_stat)
{
	int result;

	switch (target->kind) {
	case TARGET_ROOT:
		return attr_of_root(mount, txn, ret_stat);
	case TARGET_RESTORE:
		result = attr_of_root(mount, txn, ret_stat);
		ret_stat->st_ino = NODEID_RESTORE;
		return result;
	case TARGET_LINK:
		return attr_of_link(mount, txn, target, ret_stat);
	case TARGET_TABLE_FILE:
		return attr_of_table_file(mount, txn, target, ret_stat);
	case TARGET_FILE:
	case TARGET_DIRECTORY:
		attr_of_scratch(mount, target->scratch, ret_stat);
		return 0;
	case TARGET_BRANCH:
	case TARGET_LEAF:
		attr_of_leaf(mount, target->view, nodeid_number(target->nodeid), &target->leaf, ret_stat);
		return 0;
	case TARGET_PITR:
	case TARGET_ERRORS:
	case TARGET_REJECTED:
	case TARGET_KEPT:
		return attr_of_pitr(mount, target, ret_stat);
	default:
		return attr_of_view_node(mount, txn, target, ret_stat);
	}
}

/* Retention forgets what is settled, too: not for ever. */
static double leaf_timeout(const struct branch_node *leaf)
{
	return leaf->is_settled ? TIMEOUT_LIVE : TIMEOUT_ABSENT;
}

double attr_timeout(const struct target *target)
{
	switch (target->kind) {
	case TARGET_TABLE_FILE:
		return target_is_past(target) ? TIMEOUT_PAST : 0;
	case TARGET_FILE:
		return TIMEOUT_PRIVATE;
	case TARGET_BRANCH:
	case TARGET_LEAF:
		return leaf_timeout(&target->leaf);
	case TARGET_ERRORS:
	case TARGET_REJECTED:
	case TARGET_KEPT:
		return 0;
	default:
		return target_is_past(target) ? TIMEOUT_PAST : TIMEOUT_LIVE;
	}
}

/* "@-15m" and "@latest" mean something else later. */
static double instant_timeout(enum instant_kind written)
{
	switch (written) {
	case INSTANT_LATEST:
		return TIMEOUT_LATEST;
	case INSTANT_BEFORE_NOW:
	case INSTANT_EARLIEST:
		return TIMEOUT_RELATIVE;
	default:
		return TIMEOUT_PAST;
	}
}

static double branch_entry_timeout(const struct target *target)
{
	double instant = instant_timeout(target->view->written), leaf = leaf_timeout(&target->leaf);

	return instant < leaf ? instant : leaf;
}

/* Backups are deleted; private files become items under the same name. */
static double entry_timeout(const struct target *target)
{
	const struct view *view = target->view;
	bool is_instant =
		view != NULL && !view->is_live && (view->is_item || nodeid_number(target->nodeid) == NUMBER_DIRECTORY);

	if (target->kind == TARGET_FILE || target->kind == TARGET_KEPT)
		return 0;
	if (target->kind == TARGET_BRANCH || target->kind == TARGET_LEAF)
		return branch_entry_timeout(target);
	/* Whether it is still there depends on who lives. */
	if (view != NULL && view->is_alias &&
		(target->kind == TARGET_LINK || nodeid_number(target->nodeid) == NUMBER_DIRECTORY))
		return TIMEOUT_ABSENT;
	if (is_instant && view->pin.number != 0)
		return TIMEOUT_LIVE;
	if (is_instant)
		return instant_timeout(view->written);
	return target_is_past(target) ? TIMEOUT_PAST : TIMEOUT_LIVE;
}

int attr_entry(
	struct mount *mount, struct store_txn *txn, const struct target *target, struct fuse_entry_param *ret_entry)
{
	*ret_entry =
		(struct fuse_entry_param){ .ino = target->scratch != NULL ? target->scratch->nodeid : target->nodeid };
	ret_entry->attr_timeout = attr_timeout(target);
	ret_entry->entry_timeout = entry_timeout(target);
	return attr_of_target(mount, txn, target, &ret_entry->attr);
}

void attr_node_entry(const struct mount *mount, const struct view *view, int64_t view_time_us, const struct node *node,
	struct fuse_entry_param *ret_entry)
{
	*ret_entry = (struct fuse_entry_param){ .ino = nodeid_of(view->slot, node->number) };
	ret_entry->attr_timeout = ret_entry->entry_timeout = view->is_live ? TIMEOUT_LIVE : TIMEOUT_PAST;
	attr_of_node(mount, view, view_time_us, node, &ret_entry->attr);
}

void attr_leaf_entry(const struct mount *mount, const struct view *view, uint64_t number,
	const struct branch_node *leaf, struct fuse_entry_param *ret_entry)
{
	*ret_entry = (struct fuse_entry_param){ .ino = nodeid_of(view->slot, number) };
	ret_entry->attr_timeout = ret_entry->entry_timeout = leaf_timeout(leaf);
	attr_of_leaf(mount, view, number, leaf, &ret_entry->attr);
}

void attr_count(struct mount *mount, uint64_t nodeid, int64_t references)
{
	if (nodeid_slot(nodeid) != 0)
		views_count(mount->views, nodeid_slot(nodeid), references);
	else if (nodeid_is_scratch(nodeid))
		scratch_count(mount->scratch, nodeid, references);
}
