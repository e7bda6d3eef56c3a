#include "spot.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "copied.h"
#include "loop.h"
#include "mount.h"

static int find_key(struct spot *spot)
{
	struct slice partition =
		spot->place == PLACE_PARTITION ? buffer_slice(&spot->directory.key) : slice_of(NULL, 0);
	int result = snapshot_key_of_name(spot->txn, &spot->directory.view->table, partition, slice_of_text(spot->name),
		&spot->key, &spot->unfit);

	if (result == -EINVAL || result == -ENOENT) {
		if (spot->unfit.code == 0)
			error_set(&spot->unfit, -EINVAL, "%s is the shortened name of a key that was never used here",
				spot->name);
		spot->key.size = 0;
		return 0;
	}
	return result;
}

static int find_stored(struct spot *spot)
{
	const struct view *view = spot->directory.view;
	int result = snapshot_find(spot->txn, &view->snapshot, buffer_slice(&spot->key), &spot->node);

	if (result == -ENOENT)
		return 0;
	if (result < 0)
		return result;
	spot->is_stored = true;
	spot->is_aside = asides_has(spot->mount->asides, view->table.number, buffer_slice(&spot->key));
	return 0;
}

/* Made empty under an item's name and left so: it gives way to an item that came to be elsewhere. */
static bool is_placeholder(struct scratch *scratch)
{
	bool is_empty;

	if (scratch->kind != SCRATCH_FILE)
		return false;
	pthread_mutex_lock(&scratch->draft.lock);
	is_empty = scratch->writers == 0 && draft_size(&scratch->draft) == 0;
	pthread_mutex_unlock(&scratch->draft.lock);
	return is_empty;
}

static int load_directory(struct spot *spot, uint64_t parent)
{
	int result = store_begin(spot->mount->store, false, &spot->txn);

	if (result < 0) {
		spot->txn = NULL;
		return result;
	}
	result = target_load(spot->mount, spot->txn, parent, &spot->directory);
	if (result < 0)
		return result;
	if (target_is_past(&spot->directory))
		return -EROFS;
	if (!target_is_directory(&spot->directory))
		return -ENOTDIR;
	return spot->directory.kind == TARGET_PITR || spot->directory.kind == TARGET_REJECTED ? -EPERM : 0;
}

/* Copied to where a table is restored, NAME.json@T is NAME.json. */
static void use_plain_name(struct spot *spot)
{
	struct name_parts parts = names_classify(PLACE_FLAT, slice_of_text(spot->name));

	if (spot->directory.view == NULL || !spot->directory.view->is_alias || parts.kind != NAME_ITEM_AT)
		return;
	snprintf(spot->own_name, sizeof(spot->own_name), "%.*s", (int)parts.base.size, (const char *)parts.base.data);
	spot->name = spot->own_name;
}

/* One attempt; 1 when a change is pending: then its ticket, and everything is to be looked at again. */
static int look(struct spot *spot, uint64_t parent, uint64_t *ret_ticket)
{
	int result = load_directory(spot, parent);

	if (result < 0)
		return result;
	spot->place = target_place(&spot->directory);
	use_plain_name(spot);
	spot->kind = names_classify(spot->place, slice_of_text(spot->name)).kind;
	spot->scratch = scratch_find(spot->mount->scratch, spot_parent(spot), slice_of_text(spot->name));
	if (spot->kind != NAME_ITEM && spot->kind != NAME_PARTITION)
		return 0;
	result = find_key(spot);
	if (result < 0 || spot->key.size == 0)
		return result;
	if (spot->mount->writer != NULL && spot->kind == NAME_ITEM &&
		writer_pending(
			spot->mount->writer, spot->directory.view->table.number, buffer_slice(&spot->key), ret_ticket))
		return 1;
	/* What is pending no longer may have been committed since the transaction began. */
	if (spot->mount->writer != NULL && !store_is_current(spot->txn))
		result = store_renew(spot->txn);
	if (result == 0)
		result = find_stored(spot);
	if (result == 0 && spot->is_stored && !spot->is_aside && spot->scratch != NULL &&
		is_placeholder(spot->scratch)) {
		scratch_unname(spot->scratch);
		scratch_put(spot->scratch);
		spot->scratch = NULL;
	}
	return result;
}

int spot_begin(struct mount *mount, uint64_t parent, const char *name, struct spot *ret_spot)
{
	uint64_t ticket;
	int result;

	*ret_spot = (struct spot){ .mount = mount, .name = name };
	result = look(ret_spot, parent, &ticket);
	while (result == 1) {
		spot_end(ret_spot);
		loop_blocks();
		result = writer_wait(mount->writer, ticket);
		if (result < 0)
			return result;
		*ret_spot = (struct spot){ .mount = mount, .name = name };
		result = look(ret_spot, parent, &ticket);
	}
	return result;
}

void spot_end(struct spot *spot)
{
	store_abort(spot->txn);
	spot->txn = NULL;
	target_release(&spot->directory);
	scratch_put(spot->scratch);
	spot->scratch = NULL;
	buffer_free(&spot->key);
}

bool spot_is_taken(const struct spot *spot)
{
	return spot->scratch != NULL || (spot->is_stored && !spot->is_aside) || spot->kind == NAME_TABLE_FILE;
}

uint64_t spot_parent(const struct spot *spot)
{
	return spot->directory.scratch != NULL ? spot->directory.scratch->nodeid : spot->directory.nodeid;
}

struct slice spot_name(const struct spot *spot)
{
	return slice_of_text(spot->name);
}

int spot_refuse(const struct spot *spot, const struct error *error)
{
	struct buffer path = BUFFER_INIT;
	const char *text;
	int code;

	target_child_path(spot->mount, &spot->directory, spot->name, &path);
	text = buffer_text(&path);
	code = tell_refusal(spot->mount->tell, text == NULL ? spot->name : text, slice_of(NULL, 0), error);
	buffer_free(&path);
	return code;
}

int spot_refuse_text(const struct spot *spot, int code, const char *format, ...)
{
	struct error error = { .code = code };
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error.message, sizeof(error.message), format, arguments);
	va_end(arguments);
	return spot_refuse(spot, &error);
}

int spot_refuse_file(const struct spot *spot)
{
	if (names_is_past(spot->kind))
		return -EROFS;
	if (spot->kind == NAME_ITEM)
		return spot_refuse(spot, &spot->unfit);
	if (spot->place == PLACE_RESTORE)
		return spot_refuse_text(
			spot, -EINVAL, "only tables are restored here: mkdir restore/NAME, and copy items into that");
	if (spot->place == PLACE_ROOT)
		return spot_refuse_text(
			spot, -EINVAL, "items are files in tables; make a table with mkdir, and the file in there");
	return spot_refuse_text(spot, -EINVAL,
		"%s has the sort key %s: its items are files in the directory of their %s",
		spot->directory.view->table.name, spot->directory.view->table.schema.sort.name,
		spot->directory.view->table.schema.partition.name);
}

int spot_keep_directory(struct spot *spot)
{
	struct target *directory = &spot->directory;
	struct scratch_request request = { .kind = SCRATCH_PARTITION, .slot = target_slot(directory) };
	char name[FILE_NAME_MAX + 1];
	int result;

	if (directory->kind != TARGET_PARTITION || directory->scratch != NULL)
		return 0;
	result = snapshot_name(&directory->view->table, &directory->node, name);
	if (result < 0)
		return result;
	request.parent = nodeid_of(directory->view->slot, NUMBER_DIRECTORY);
	request.name = slice_of_text(name);
	request.ino_base = directory->view->ino_base;
	request.key = buffer_slice(&directory->key);
	request.kept_nodeid = directory->nodeid;
	request.mode = spot->mount->options->directory_mode;
	result = scratch_add(spot->mount->scratch, &request, &directory->scratch);
	return result == -EEXIST ? 0 : result;
}

int spot_add_scratch(struct spot *spot, enum scratch_kind kind, mode_t mode)
{
	const struct target *directory = &spot->directory;
	struct scratch_request request = { .kind = kind, .name = spot_name(spot), .mode = mode & 07777 };
	int result = spot_keep_directory(spot);

	if (result < 0)
		return result;
	request.parent = spot_parent(spot);
	request.slot = target_slot(directory);
	if (kind == SCRATCH_PARTITION || (kind == SCRATCH_FILE && spot->kind == NAME_ITEM))
		request.key = buffer_slice(&spot->key);
	if (directory->view != NULL)
		request.ino_base = directory->view->ino_base;
	else if (directory->scratch != NULL)
		request.ino_base = directory->scratch->ino & ~((UINT64_C(1) << NODE_NUMBER_BITS) - 1);
	scratch_put(spot->scratch);
	spot->scratch = NULL;
	return scratch_add(spot->mount->scratch, &request, &spot->scratch);
}
