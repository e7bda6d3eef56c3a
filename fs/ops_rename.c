/* rename: what programs write under a private name becomes an item by it, and items are moved aside for a moment. */
#include "ops.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "commit.h"
#include "copied.h"
#include "handle.h"
#include "keeper.h"
#include "render.h"
#include "snapshot.h"
#include "spot.h"

/* The private file of that name, if there is one, makes room. */
static void displace(struct spot *to)
{
	if (to->scratch == NULL)
		return;
	(void)scratch_set_key(to->scratch, slice_of(NULL, 0));
	scratch_unname(to->scratch);
}

static bool is_over_directory(const struct spot *to)
{
	return to->scratch != NULL ? to->scratch->kind != SCRATCH_FILE
				   : to->is_stored && to->node.kind == NODE_PARTITION;
}

static int move_name(struct scratch *scratch, struct spot *to)
{
	int result = spot_keep_directory(to);

	return result < 0 ? result
			  : scratch_rename(scratch, spot_parent(to), target_slot(&to->directory), spot_name(to));
}

/* --- private files --- */

static int refuse_document(struct spot *to, struct draft *draft, const struct error *error)
{
	struct buffer bytes = BUFFER_INIT, path = BUFFER_INIT;
	const char *text;
	int code;

	(void)copied_text(to->mount, draft, &bytes, (size_t)HANDLE_DOCUMENT_MAX);
	target_child_path(to->mount, &to->directory, to->name, &path);
	text = buffer_text(&path);
	code = tell_refusal(to->mount->tell, text == NULL ? to->name : text, buffer_slice(&bytes), error);
	buffer_free(&bytes);
	buffer_free(&path);
	return code;
}

/* With the draft's lock held. Empty files wait under the item's name for contents, unless that would hide the item. */
static int become_item(struct scratch *scratch, struct spot *to, const struct who *who)
{
	bool is_empty = draft_size(&scratch->draft) == 0;
	struct error error = { 0 };
	int result = 0;

	if (is_empty && to->is_stored && !to->is_aside)
		result = error_set(&error, -EINVAL, "an empty file is no item; the old version stands");
	else if (!is_empty)
		result = handle_commit_scratch(
			to->mount, scratch, to->directory.view, buffer_slice(&to->key), who, &error);
	if (result < 0) {
		scratch->draft.bad = (struct error){ 0 };
		scratch->draft.is_changed = true;
		return refuse_document(to, &scratch->draft, &error);
	}
	displace(to);
	result = move_name(scratch, to);
	if (result == 0)
		result = scratch_set_key(scratch, buffer_slice(&to->key));
	if (result == 0 && !is_empty) {
		scratch_unname(scratch);
		notifier_release(to->mount->notifier, spot_parent(to), spot_name(to), true);
		if (to->is_stored)
			notifier_node(to->mount->notifier, nodeid_of(to->directory.view->slot, to->node.number));
	}
	return result;
}

static int become_table_file(struct scratch *scratch, struct spot *to, const struct who *who)
{
	struct buffer text = BUFFER_INIT;
	struct error error = { 0 };
	int result;

	pthread_mutex_lock(&scratch->draft.lock);
	result = copied_text(to->mount, &scratch->draft, &text, (size_t)HANDLE_DOCUMENT_MAX);
	if (result == 0)
		result = commit_table_file(to->mount, to->directory.view, buffer_slice(&text), who, &error);
	if (result < 0 && error.code < 0)
		result = refuse_document(to, &scratch->draft, &error);
	pthread_mutex_unlock(&scratch->draft.lock);
	buffer_free(&text);
	if (result == 0) {
		scratch_unname(scratch);
		notifier_release(to->mount->notifier, spot_parent(to), spot_name(to), false);
	}
	return result;
}

static int rename_private_file(struct spot *from, struct spot *to, const struct who *who)
{
	struct scratch *scratch = from->scratch;
	int result;

	if (is_over_directory(to))
		return -EISDIR;
	if (to->kind == NAME_TABLE_FILE)
		return become_table_file(scratch, to, who);
	if ((to->kind == NAME_ITEM && to->key.size > 0) ||
		restoring_is_loose(to->directory.view, spot_parent(to), spot_name(to))) {
		pthread_mutex_lock(&scratch->draft.lock);
		result = become_item(scratch, to, who);
		pthread_mutex_unlock(&scratch->draft.lock);
		return result;
	}
	if (!names_can_be_scratch_file(to->place, spot_name(to)))
		return spot_refuse_file(to);
	result = scratch_set_key(scratch, slice_of(NULL, 0));
	return result < 0 ? result : move_name(scratch, to);
}

/* --- directories --- */

static bool is_empty_directory(struct mount *mount, struct scratch *directory)
{
	struct scratch *inside = scratch_next(mount->scratch, directory->nodeid, 0);

	scratch_put(inside);
	return inside == NULL;
}

static int check_replaced_directory(const struct spot *to)
{
	if (!spot_is_taken(to))
		return 0;
	if (to->scratch == NULL)
		return to->node.kind == NODE_PARTITION ? -ENOTEMPTY : -ENOTDIR;
	if (to->scratch->kind == SCRATCH_FILE)
		return -ENOTDIR;
	return to->is_stored || !is_empty_directory(to->mount, to->scratch) ? -ENOTEMPTY : 0;
}

static int rename_private_directory(struct spot *from, struct spot *to)
{
	int result = check_replaced_directory(to);

	if (result < 0)
		return result;
	if (target_slot(&from->directory) != target_slot(&to->directory))
		return -EXDEV;
	if (!names_can_be_scratch_directory(to->place, spot_name(to)))
		return -EXDEV;
	return move_name(from->scratch, to);
}

/* Programs copy across what cannot be renamed; within a table the items' own keys would contradict. */
static int rename_partition(struct spot *from, struct spot *to)
{
	int result = check_replaced_directory(to);

	if (result < 0)
		return result;
	if (target_slot(&from->directory) != target_slot(&to->directory) || to->kind != NAME_PARTITION)
		return -EXDEV;
	if (to->key.size == 0)
		return spot_refuse(to, &to->unfit);
	if (from->is_stored || from->scratch == NULL || !is_empty_directory(from->mount, from->scratch))
		return spot_refuse_text(to, -EINVAL,
			"the items in %s say themselves which partition they are in; write them anew", from->name);
	result = scratch_set_key(from->scratch, buffer_slice(&to->key));
	return result < 0 ? result : move_name(from->scratch, to);
}

/* --- items --- */

static int fill_private(struct spot *from, struct scratch *scratch, struct slice item)
{
	struct buffer text = BUFFER_INIT;
	int result = render_item(from->mount, from->directory.view, item, &text);

	if (result == 0)
		result = buffer_error(&text);
	if (result == 0) {
		pthread_mutex_lock(&scratch->draft.lock);
		result = spool_write(scratch->draft.spool, 0, text.data, text.size);
		scratch->changed_us = scratch->accessed_us = from->node.version.time_us;
		pthread_mutex_unlock(&scratch->draft.lock);
	}
	buffer_free(&text);
	return result;
}

static int note_aside(struct spot *from, const struct scratch *scratch, const struct who *who)
{
	struct buffer author = BUFFER_INIT;
	struct aside aside = { .table = from->directory.view->table.number,
		.key = buffer_slice(&from->key),
		.scratch = scratch->id,
		.seq = from->node.version.seq };
	int result;

	who_author(who, &author);
	aside.author = buffer_slice(&author);
	result = buffer_error(&author);
	if (result == 0)
		result = asides_add(from->mount->asides, &aside);
	if (result == 0)
		keeper_wake(from->mount->keeper);
	buffer_free(&author);
	return result;
}

static int move_aside(struct spot *from, struct spot *to, struct slice item, const struct who *who)
{
	int result;

	displace(to);
	result = spot_add_scratch(to, SCRATCH_FILE, from->mount->options->file_mode);
	if (result == 0)
		result = fill_private(from, to->scratch, item);
	if (result == 0)
		result = note_aside(from, to->scratch, who);
	if (result < 0 && to->scratch != NULL)
		scratch_unname(to->scratch);
	return result;
}

static int move_item(struct spot *from, struct spot *to, struct buffer *item, const struct who *who)
{
	struct error error = { 0 };
	uint64_t ticket;
	int result = spot_keep_directory(to);

	if (result == 0)
		result = commit_stored(to->mount, to->directory.view, buffer_slice(&to->key), item,
			&from->directory.view->table, who, &ticket, &error);
	if (result < 0)
		return error.code < 0 ? spot_refuse(to, &error) : result;
	displace(to);
	return commit_removal(from->mount, from->directory.view->table.number, buffer_slice(&from->key), who, &ticket);
}

static bool is_same_item(const struct spot *from, const struct spot *to)
{
	return from->directory.view->table.number == to->directory.view->table.number &&
	       slice_equal(buffer_slice(&from->key), buffer_slice(&to->key));
}

static int rename_item(struct spot *from, struct spot *to, const struct who *who)
{
	bool is_item = to->kind == NAME_ITEM && to->key.size > 0;
	struct buffer item = BUFFER_INIT;
	int result;

	if (is_over_directory(to))
		return -EISDIR;
	if (is_item && is_same_item(from, to))
		return 0;
	if (!is_item && !names_can_be_scratch_file(to->place, spot_name(to)))
		return to->kind == NAME_TABLE_FILE
			       ? spot_refuse_text(to, -EINVAL, "an item is no description of a table")
			       : spot_refuse_file(to);
	result = restoring_check_change(from);
	if (result == 0)
		result = spot_keep_directory(from);
	if (result == 0)
		result = snapshot_content(from->txn, &from->directory.view->snapshot, from->node.number, &item);
	if (result == 0)
		result = is_item ? move_item(from, to, &item, who) : move_aside(from, to, buffer_slice(&item), who);
	/* The kernel takes the new name for the old node. */
	if (result == 0)
		notifier_drop(to->mount->notifier, spot_parent(to), spot_name(to));
	buffer_free(&item);
	return result;
}

/* --- all of them --- */

static int rename_table(struct spot *from)
{
	struct table table;
	int result = table_find(from->txn, spot_name(from), TIME_NOW, &table, NULL);

	if (result < 0)
		return result;
	table_free(&table);
	return spot_refuse_text(from, -EPERM,
		"a table keeps its name, since its history goes by it; make another one and copy the items");
}

static int rename_spot(struct spot *from, struct spot *to, bool may_replace, const struct who *who)
{
	if (names_is_past(from->kind) || names_is_past(to->kind))
		return -EROFS;
	if (from->kind == NAME_PITR || to->kind == NAME_PITR || from->kind == NAME_RESTORE || to->kind == NAME_RESTORE)
		return -EPERM;
	if (from->scratch == NULL && from->kind == NAME_TABLE)
		return rename_table(from);
	if (!spot_is_taken(from))
		return -ENOENT;
	if (from->scratch == NULL && from->kind == NAME_TABLE_FILE)
		return spot_refuse_text(from, -EPERM, "the description stays with its table; copy it");
	if (!may_replace && spot_is_taken(to))
		return -EEXIST;
	if (from->scratch != NULL && from->scratch->kind == SCRATCH_FILE)
		return rename_private_file(from, to, who);
	if (from->scratch != NULL && from->scratch->kind == SCRATCH_DIRECTORY)
		return rename_private_directory(from, to);
	if (from->scratch != NULL || from->node.kind == NODE_PARTITION)
		return rename_partition(from, to);
	return rename_item(from, to, who);
}

void ops_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name,
	unsigned int flags)
{
	struct mount *mount = ops_mount(req, COUNT_RENAME);
	struct who who = ops_who(req);
	struct spot from = { 0 }, to = { 0 };
	int result = (flags & ~(unsigned int)RENAME_NOREPLACE) != 0 ? -EINVAL : 0;

	if (result == 0)
		result = spot_begin(mount, parent, name, &from);
	if (result == 0)
		result = spot_begin(mount, new_parent, new_name, &to);
	if (result == 0)
		result = rename_spot(&from, &to, (flags & RENAME_NOREPLACE) == 0, &who);
	spot_end(&from);
	spot_end(&to);
	fuse_reply_err(req, -result);
}
