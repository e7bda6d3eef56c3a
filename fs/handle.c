#include "handle_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "clock.h"
#include "copied.h"
#include "mount.h"
#include "render.h"

static int open_own(struct handle *handle, const struct target *target, int flags)
{
	handle->view = view_hold(target->view);
	handle->is_table_file = target->kind == TARGET_TABLE_FILE;
	handle->draft = &handle->own;
	handle->is_loaded = (flags & O_TRUNC) != 0;
	handle->own.is_changed = handle->is_loaded;
	buffer_append_slice(&handle->key, buffer_slice(&target->key));
	target_path(handle->mount, target, &handle->path);
	return handle->key.is_out_of_memory || handle->path.is_out_of_memory ? -ENOMEM : 0;
}

static int open_private(struct handle *handle, const struct target *target, int flags)
{
	struct scratch *scratch = scratch_get(handle->mount->scratch, target->scratch->nodeid);
	int result = 0;

	if (scratch == NULL)
		return -ENOENT;
	handle->scratch = scratch;
	handle->draft = &scratch->draft;
	handle->is_loaded = true;
	pthread_mutex_lock(&scratch->draft.lock);
	scratch->writers += handle->is_writable;
	if (handle->is_writable && (flags & O_TRUNC) != 0 && draft_size(&scratch->draft) > 0) {
		copied_free(scratch->draft.copied);
		scratch->draft.copied = NULL;
		result = spool_truncate(scratch->draft.spool, 0);
		scratch->draft.is_changed = true;
		scratch->changed_us = clock_now_us();
	}
	pthread_mutex_unlock(&scratch->draft.lock);
	return result;
}

static void link_handle(struct handle *handle)
{
	struct handles *handles = &handle->mount->handles;

	pthread_mutex_lock(&handles->lock);
	handle->next = handles->first;
	if (handle->next != NULL)
		handle->next->previous = handle;
	handles->first = handle;
	pthread_mutex_unlock(&handles->lock);
}

static void unlink_handle(struct handle *handle)
{
	struct handles *handles = &handle->mount->handles;

	pthread_mutex_lock(&handles->lock);
	*(handle->previous == NULL ? &handles->first : &handle->previous->next) = handle->next;
	if (handle->next != NULL)
		handle->next->previous = handle->previous;
	pthread_mutex_unlock(&handles->lock);
}

static void handle_end(struct handle *handle)
{
	if (handle->draft != NULL)
		handle_settle(handle);
	draft_free(&handle->own);
	view_put(handle->view);
	buffer_free(&handle->key);
	buffer_free(&handle->path);
	free(handle);
}

int handle_open(
	struct mount *mount, const struct target *target, int flags, const struct who *who, struct handle **ret_handle)
{
	struct handle *handle = calloc(1, sizeof(*handle));
	int result;

	if (handle == NULL)
		return -ENOMEM;
	handle->mount = mount;
	handle->who = *who;
	handle->is_writable = (flags & O_ACCMODE) != O_RDONLY;
	handle->is_append = (flags & O_APPEND) != 0;
	handle->nodeid = target->nodeid;
	result = draft_init(&handle->own, target->kind == TARGET_FILE ? NULL : history_directory(mount->history));
	if (result == 0)
		result = target->kind == TARGET_FILE ? open_private(handle, target, flags)
						     : open_own(handle, target, flags);
	if (result < 0) {
		handle->own.is_changed = false;
		handle_end(handle);
		return result;
	}
	/* Others find it from here on, and look at what it is of. */
	link_handle(handle);
	*ret_handle = handle;
	return 0;
}

void handle_release(struct handle *handle)
{
	unlink_handle(handle);
	handle_end(handle);
}

/* --- all of them --- */

static bool is_of_key(struct handle *handle, uint32_t slot, struct slice key)
{
	struct buffer own = BUFFER_INIT;
	bool is_of = false;

	if (handle->scratch == NULL)
		return handle->view->slot == slot && slice_equal(buffer_slice(&handle->key), key);
	if (scratch_slot(handle->scratch) == slot && scratch_copy_key(handle->scratch, &own))
		is_of = slice_equal(buffer_slice(&own), key);
	buffer_free(&own);
	return is_of;
}

void handle_detach(struct handles *handles, uint32_t slot, struct slice key)
{
	pthread_mutex_lock(&handles->lock);
	for (struct handle *handle = handles->first; handle != NULL; handle = handle->next)
		if (handle->is_writable && is_of_key(handle, slot, key))
			atomic_store(&handle->is_detached, true);
	pthread_mutex_unlock(&handles->lock);
}

bool handle_is_written(struct handles *handles, uint32_t slot, struct slice key)
{
	struct handle *handle;

	pthread_mutex_lock(&handles->lock);
	handle = handles->first;
	while (handle != NULL && !(handle->is_writable && is_of_key(handle, slot, key)))
		handle = handle->next;
	pthread_mutex_unlock(&handles->lock);
	return handle != NULL;
}

static void abandon(struct handle *handle)
{
	struct draft *draft = handle->draft;
	struct buffer key = BUFFER_INIT;

	pthread_mutex_lock(&draft->lock);
	if (draft->is_changed && draft_size(draft) > 0 &&
		(handle->scratch == NULL || scratch_copy_key(handle->scratch, &key)))
		error_set(&draft->bad, -EIO, "the mount ended before the file was closed; the old version stands");
	draft->is_changed = false;
	pthread_mutex_unlock(&draft->lock);
	buffer_free(&key);
}

void handle_abandon_all(struct handles *handles)
{
	while (handles->first != NULL) {
		if (handles->first->is_writable)
			abandon(handles->first);
		handle_release(handles->first);
	}
}

/* --- reading and writing --- */

static int load_stored(struct handle *handle, struct buffer *out)
{
	struct store_txn *txn;
	struct node node;
	struct text *text;
	int result = store_begin(handle->mount->store, false, &txn);

	if (result < 0)
		return result;
	if (handle->is_table_file) {
		result = render_table_file(handle->mount, txn, handle->view, true, &text);
		if (result == 0) {
			buffer_append(out, text->bytes, text->size);
			text_put(text);
		}
	} else {
		result = snapshot_find(txn, &handle->view->snapshot, buffer_slice(&handle->key), &node);
		if (result == 0)
			result = render_node(handle->mount, txn, handle->view, &node, 0, SIZE_MAX / 2, out);
		else if (result == -ENOENT)
			result = 0;
	}
	store_abort(txn);
	return result < 0 ? result : buffer_error(out);
}

/* With the draft's lock held. */
static int need_contents(struct handle *handle)
{
	struct buffer stored = BUFFER_INIT;
	int result;

	if (handle->is_loaded)
		return copied_spell_out(handle->mount, handle->draft);
	result = load_stored(handle, &stored);
	if (result == 0)
		result = spool_write(handle->own.spool, 0, stored.data, stored.size);
	buffer_free(&stored);
	handle->is_loaded = result == 0;
	return result;
}

int handle_read(struct handle *handle, uint64_t offset, size_t size, struct buffer *out)
{
	ssize_t count = 0;
	int result;

	pthread_mutex_lock(&handle->draft->lock);
	result = need_contents(handle);
	if (result == 0)
		result = buffer_reserve(out, size);
	if (result == 0)
		count = spool_read(handle->draft->spool, offset, out->data + out->size, size);
	pthread_mutex_unlock(&handle->draft->lock);
	if (result < 0 || count < 0)
		return result < 0 ? result : (int)count;
	out->size += (size_t)count;
	return 0;
}

bool handle_is_user(const struct handle *handle, struct handle_user user)
{
	bool is_known = user.pid == handle->who.pid;

	for (size_t i = 0; i < USERS_KEPT && !is_known; i++) {
		const struct handle_user *known = &handle->users[i];

		is_known = (user.pid != 0 && known->pid == user.pid) || (user.owner != 0 && known->owner == user.owner);
	}
	return is_known;
}

static void note_change(struct handle *handle, struct handle_user user)
{
	if (!handle_is_user(handle, user)) {
		handle->users[handle->next_user] = user;
		handle->next_user = (handle->next_user + 1) % USERS_KEPT;
	}
	handle->draft->is_changed = true;
	if (handle->scratch != NULL)
		handle->scratch->changed_us = clock_now_us();
}

/* Only documents have a limit. */
static int check_size(struct handle *handle, uint64_t size)
{
	struct buffer key = BUFFER_INIT;
	bool is_document = handle->scratch == NULL || scratch_copy_key(handle->scratch, &key);

	buffer_free(&key);
	return is_document && size > HANDLE_DOCUMENT_MAX ? -EFBIG : 0;
}

static int write_locked(struct handle *handle, uint64_t offset, struct slice bytes, struct handle_user user)
{
	int result = need_contents(handle);

	if (result < 0)
		return result;
	if (handle->is_append)
		offset = spool_size(handle->draft->spool);
	result = check_size(handle, offset + bytes.size);
	if (result == 0)
		result = spool_write(handle->draft->spool, offset, bytes.data, bytes.size);
	if (result == 0)
		note_change(handle, user);
	return result;
}

int handle_write(struct handle *handle, uint64_t offset, struct slice bytes, struct handle_user user)
{
	int result;

	if (!handle->is_writable)
		return -EBADF;
	pthread_mutex_lock(&handle->draft->lock);
	result = write_locked(handle, offset, bytes, user);
	pthread_mutex_unlock(&handle->draft->lock);
	return result;
}

int handle_truncate(struct handle *handle, uint64_t size, struct handle_user user)
{
	int result;

	pthread_mutex_lock(&handle->draft->lock);
	result = need_contents(handle);
	if (result == 0)
		result = check_size(handle, size);
	if (result == 0 && size != spool_size(handle->draft->spool)) {
		result = spool_truncate(handle->draft->spool, size);
		note_change(handle, user);
	}
	pthread_mutex_unlock(&handle->draft->lock);
	return result;
}

int handle_copy(struct handle *handle, struct view *from, struct slice item, uint64_t size, struct handle_user user)
{
	int result = -EAGAIN;

	if (!handle->is_writable)
		return -EBADF;
	pthread_mutex_lock(&handle->draft->lock);
	if (handle->is_loaded && !handle->is_table_file && draft_size(handle->draft) == 0)
		result = copied_set(handle->draft, from, item, size);
	if (result == 0)
		note_change(handle, user);
	pthread_mutex_unlock(&handle->draft->lock);
	return result;
}

uint64_t handle_size(struct handle *handle)
{
	uint64_t size = 0;

	pthread_mutex_lock(&handle->draft->lock);
	if (handle->is_loaded || need_contents(handle) == 0)
		size = draft_size(handle->draft);
	pthread_mutex_unlock(&handle->draft->lock);
	return size;
}

bool handle_own_size(struct handle *handle, uint64_t *ret_size)
{
	if (handle == NULL || handle->scratch != NULL || !handle->is_writable || !handle->is_loaded)
		return false;
	*ret_size = handle_size(handle);
	return true;
}
