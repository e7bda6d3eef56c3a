#include "target.h"

#include <errno.h>

#include "key.h"
#include "loop.h"
#include "mount.h"

/* A copy of the key, which would otherwise end with the transaction. */
static int keep_key(struct target *target, struct slice key)
{
	buffer_append_slice(&target->key, key);
	target->node.encoded_key = buffer_slice(&target->key);
	return buffer_error(&target->key);
}

static int load_scratch(struct mount *mount, struct store_txn *txn, struct target *target)
{
	struct scratch *scratch = target->scratch;
	struct node node;
	int result;

	if (scratch->kind != SCRATCH_PARTITION) {
		target->kind = scratch->kind == SCRATCH_FILE ? TARGET_FILE : TARGET_DIRECTORY;
		return 0;
	}
	target->kind = TARGET_PARTITION;
	if (target->view == NULL)
		target->view = views_get(mount->views, scratch->slot);
	if (target->view == NULL || target->view->is_gone)
		return -ESTALE;
	target->key.size = 0;
	scratch_copy_key(scratch, &target->key);
	result = snapshot_find(txn, &target->view->snapshot, buffer_slice(&target->key), &node);
	if (result == 0) {
		target->is_stored = true;
		target->node = node;
	}
	target->node.encoded_key = buffer_slice(&target->key);
	return result == -ENOENT ? 0 : result;
}

static int load_mount_node(struct mount *mount, struct store_txn *txn, struct target *target)
{
	uint64_t number = nodeid_number(target->nodeid);

	if (number >= SCRATCH_NUMBER) {
		target->scratch = scratch_get(mount->scratch, target->nodeid);
		return target->scratch == NULL ? -ENOENT : load_scratch(mount, txn, target);
	}
	switch (number) {
	case NODEID_ROOT:
		target->kind = mount->asof == NULL ? TARGET_ROOT : TARGET_STORE;
		target->view = mount->asof == NULL ? NULL : view_hold(mount->asof);
		return 0;
	case NODEID_RESTORE:
		target->kind = TARGET_RESTORE;
		return mount->writer == NULL ? -ENOENT : 0;
	case PITR_DIRECTORY:
		target->kind = TARGET_PITR;
		return 0;
	case PITR_ERRORS:
		target->kind = TARGET_ERRORS;
		return 0;
	case PITR_REJECTED:
		target->kind = TARGET_REJECTED;
		return 0;
	default:
		target->kind = TARGET_KEPT;
		return number >= PITR_FILES ? 0 : -ENOENT;
	}
}

/* An item or a partition. A live partition without items can be kept by the mount, under the number it had. */
static int load_node(struct mount *mount, struct store_txn *txn, struct target *target)
{
	int result = snapshot_node(txn, &target->view->snapshot, nodeid_number(target->nodeid), &target->node);

	if (target->view->is_live && (result == -ENOENT || (result == 0 && target->node.kind == NODE_PARTITION)) &&
		scratch_partitions(mount->scratch) > 0) {
		target->scratch = scratch_get(mount->scratch, target->nodeid);
		if (target->scratch != NULL)
			return load_scratch(mount, txn, target);
	}
	if (result < 0)
		return result;
	target->kind = target->node.kind == NODE_PARTITION ? TARGET_PARTITION : TARGET_ITEM;
	target->is_stored = true;
	return keep_key(target, target->node.encoded_key);
}

static int load_branch_node(struct mount *mount, struct store_txn *txn, struct target *target)
{
	int result = target->view->branch->node(mount, txn, target->view, nodeid_number(target->nodeid), &target->leaf);

	target->kind = target->leaf.is_file ? TARGET_LEAF : TARGET_BRANCH;
	return result;
}

static int load_view_node(struct mount *mount, struct store_txn *txn, struct target *target)
{
	uint64_t number = nodeid_number(target->nodeid);

	target->view = views_get(mount->views, nodeid_slot(target->nodeid));
	if (target->view == NULL)
		return -ENOENT;
	if (target->view->is_gone)
		return -ESTALE;
	if (target->view->branch != NULL)
		return load_branch_node(mount, txn, target);
	if (number == NUMBER_DIRECTORY) {
		target->kind = target->view->is_store ? TARGET_STORE : TARGET_TABLE;
		return 0;
	}
	if (number == NUMBER_LINK && target->view->is_alias) {
		target->kind = TARGET_LINK;
		return 0;
	}
	if (number == NUMBER_TABLE_FILE) {
		target->kind = TARGET_TABLE_FILE;
		return 0;
	}
	return load_node(mount, txn, target);
}

int target_load(struct mount *mount, struct store_txn *txn, uint64_t nodeid, struct target *ret_target)
{
	*ret_target = (struct target){ .nodeid = nodeid };
	return nodeid_slot(nodeid) == 0 ? load_mount_node(mount, txn, ret_target)
					: load_view_node(mount, txn, ret_target);
}

void target_release(struct target *target)
{
	view_put(target->view);
	scratch_put(target->scratch);
	buffer_free(&target->key);
	*target = (struct target){ 0 };
}

/* Is it something this mount's writer may have in its queue? */
static bool is_written(const struct mount *mount, const struct target *target)
{
	return mount->writer != NULL && target->kind == TARGET_ITEM && target->view->is_live;
}

bool target_is_pending(struct mount *mount, const struct target *target, uint64_t *ret_ticket)
{
	return is_written(mount, target) &&
	       writer_pending(mount->writer, target->view->table.number, buffer_slice(&target->key), ret_ticket);
}

int target_begin(struct mount *mount, uint64_t nodeid, struct store_txn **ret_txn, struct target *ret_target)
{
	struct store_txn *txn;
	uint64_t ticket;
	int result = store_begin(mount->store, false, &txn);

	if (result < 0) {
		*ret_target = (struct target){ 0 };
		return result;
	}
	result = target_load(mount, txn, nodeid, ret_target);
	if (result == 0 && target_is_pending(mount, ret_target, &ticket)) {
		target_end(txn, ret_target);
		loop_blocks();
		(void)writer_wait(mount->writer, ticket); /* a failed commit: fsync of the directory tells */
		result = store_begin(mount->store, false, &txn);
		if (result < 0)
			return result;
		result = target_load(mount, txn, nodeid, ret_target);
	} else if (result == 0 && is_written(mount, ret_target) && !store_is_current(txn)) {
		/* What is pending no longer may have been committed since the transaction began. */
		target_release(ret_target);
		result = store_renew(txn);
		if (result == 0)
			result = target_load(mount, txn, nodeid, ret_target);
	}
	if (result < 0)
		target_end(txn, ret_target);
	else
		*ret_txn = txn;
	return result;
}

void target_drain(struct mount *mount, uint64_t nodeid)
{
	struct view *view = mount->writer == NULL ? NULL : views_get(mount->views, nodeid_slot(nodeid));
	struct scratch *scratch = mount->writer == NULL ? NULL : scratch_get(mount->scratch, nodeid);

	if (view == NULL && scratch != NULL && scratch->kind == SCRATCH_PARTITION)
		view = views_get(mount->views, scratch_slot(scratch));
	if (view != NULL && ((view->is_live && !view->is_gone) || view->branch != NULL)) {
		loop_blocks();
		(void)writer_drain(mount->writer, view->table.number == CATALOGUE ? UINT32_MAX : view->table.number);
	} else if (mount->writer != NULL && (nodeid == NODEID_ROOT || nodeid == NODEID_RESTORE)) {
		loop_blocks();
		(void)writer_drain(mount->writer, UINT32_MAX);
	}
	scratch_put(scratch);
	view_put(view);
}

void target_end(struct store_txn *txn, struct target *target)
{
	store_abort(txn);
	target_release(target);
}

bool target_is_directory(const struct target *target)
{
	switch (target->kind) {
	case TARGET_ROOT:
	case TARGET_STORE:
	case TARGET_TABLE:
	case TARGET_PARTITION:
	case TARGET_DIRECTORY:
	case TARGET_BRANCH:
	case TARGET_RESTORE:
	case TARGET_PITR:
	case TARGET_REJECTED:
		return true;
	default:
		return false;
	}
}

bool target_is_past(const struct target *target)
{
	return target->view != NULL && !target->view->is_live;
}

enum names_place target_place(const struct target *target)
{
	switch (target->kind) {
	case TARGET_ROOT:
		return PLACE_ROOT;
	case TARGET_RESTORE:
		return PLACE_RESTORE;
	case TARGET_STORE:
		return PLACE_STORE;
	case TARGET_TABLE:
		return target->view->table.schema.has_sort ? PLACE_SORTED : PLACE_FLAT;
	case TARGET_PARTITION:
		return PLACE_PARTITION;
	default:
		return PLACE_SCRATCH;
	}
}

uint64_t target_directory(const struct target *target)
{
	return target->kind == TARGET_PARTITION ? target->node.number : 0;
}

uint32_t target_slot(const struct target *target)
{
	if (target->kind == TARGET_DIRECTORY)
		return target->scratch->slot;
	return target->view == NULL ? 0 : target->view->slot;
}

static void append_scratch_path(struct mount *mount, struct scratch *scratch, struct buffer *out, int depth)
{
	struct buffer name = BUFFER_INIT;
	struct scratch *above;
	struct view *view;
	uint64_t parent;

	scratch_copy_name(scratch, &parent, &name);
	above = depth < 64 ? scratch_get(mount->scratch, parent) : NULL;
	view = views_get(mount->views, nodeid_slot(parent));
	if (above != NULL)
		append_scratch_path(mount, above, out, depth + 1);
	else if (view != NULL)
		buffer_append_text(out, view->path);
	else if (parent == NODEID_RESTORE)
		buffer_append_text(out, "restore");
	if (above != NULL || view != NULL || parent == NODEID_RESTORE)
		buffer_append_byte(out, '/');
	buffer_append_slice(out, buffer_slice(&name));
	view_put(view);
	scratch_put(above);
	buffer_free(&name);
}

static void append_node_path(const struct target *target, struct buffer *out)
{
	struct buffer storage = BUFFER_INIT;
	char name[FILE_NAME_MAX + 1];
	struct key key;

	if (key_decode(buffer_slice(&target->key), &storage, &key) == 0) {
		if (target->kind == TARGET_PARTITION || key.has_sort) {
			name_of_value(&key.partition, "", name, NULL);
			buffer_append_format(out, "/%s", name);
		}
		if (target->kind == TARGET_ITEM) {
			name_of_value(key.has_sort ? &key.sort : &key.partition, ".json", name, NULL);
			buffer_append_format(out, "/%s", name);
		}
	}
	buffer_free(&storage);
}

void target_path(struct mount *mount, const struct target *target, struct buffer *out)
{
	switch (target->kind) {
	case TARGET_ROOT:
		return;
	case TARGET_FILE:
	case TARGET_DIRECTORY:
		append_scratch_path(mount, target->scratch, out, 0);
		return;
	case TARGET_RESTORE:
		buffer_append_text(out, "restore");
		return;
	case TARGET_PITR:
		buffer_append_text(out, ".pitr");
		return;
	case TARGET_ERRORS:
		buffer_append_text(out, ".pitr/errors.jsonl");
		return;
	case TARGET_REJECTED:
	case TARGET_KEPT:
		buffer_append_text(out, ".pitr/rejected");
		return;
	default:
		buffer_append_text(out, target->view->path);
		if (target->kind == TARGET_TABLE_FILE)
			buffer_append_text(out, "/.table.json");
		else if (target->kind == TARGET_ITEM || target->kind == TARGET_PARTITION)
			append_node_path(target, out);
	}
}

void target_child_path(struct mount *mount, const struct target *target, const char *name, struct buffer *out)
{
	target_path(mount, target, out);
	if (out->size > 0)
		buffer_append_byte(out, '/');
	buffer_append_text(out, name);
}
