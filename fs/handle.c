#include "handle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "commit.h"
#include "copied.h"
#include "loop.h"
#include "mount.h"
#include "render.h"

#define USERS_KEPT 8

struct handle {
	struct mount *mount;
	struct handle *previous, *next; /* guarded by the lock of all handles */
	struct who who;                 /* who opened it */
	bool is_writable, is_append;
	atomic_bool is_detached; /* its name was removed: what is written leads nowhere, as with any unlinked file */
	struct scratch *scratch; /* held: a private file. NULL: */
	struct view *view;       /* held: of the item or .table.json */
	bool is_table_file;
	struct buffer key, path;
	uint64_t nodeid;
	struct draft own;
	bool is_loaded;                       /* `own` began with what is stored, or without */
	struct draft *draft;                  /* the private file's, or `own` */
	struct handle_user users[USERS_KEPT]; /* who wrote, lately */
	size_t next_user;
};

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

static void handle_end(struct handle *handle);

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

static bool is_user(const struct handle *handle, struct handle_user user)
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
	if (!is_user(handle, user)) {
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

/* --- committing; the draft's lock is held --- */

static int load_document(const struct mount *mount, struct draft *draft, struct buffer *text, struct error *error)
{
	int result = copied_text(mount, draft, text, HANDLE_DOCUMENT_MAX);

	if (result == -EFBIG)
		return error_set(error, result, "the document is longer than %llu MiB; an item has at most 400 KB",
			(unsigned long long)(HANDLE_DOCUMENT_MAX >> 20));
	return result < 0 ? error_set(error, result, "the document cannot be read back: %s", strerror(-result)) : 0;
}

static void settle(struct draft *draft, int result, const struct error *error)
{
	draft->is_changed = false;
	draft->bad = result < 0 ? *error : (struct error){ 0 };
	if (result < 0 && draft->bad.code == 0)
		error_set(&draft->bad, result, "%s", strerror(-result));
}

static int commit_draft(struct mount *mount, const struct view *view, struct slice key, struct draft *draft,
	const struct who *who, struct error *error)
{
	struct buffer text = BUFFER_INIT;
	int result;

	if (draft->copied != NULL)
		return commit_copied(mount, view, key, draft->copied, who, &draft->ticket, error);
	result = load_document(mount, draft, &text, error);
	if (result == 0)
		result = commit_document(mount, view, key, buffer_slice(&text), who, &draft->ticket, error);
	buffer_free(&text);
	return result;
}

int handle_commit_scratch(struct mount *mount, struct scratch *scratch, const struct view *view, struct slice key,
	const struct who *who, struct error *error)
{
	struct draft *draft = &scratch->draft;
	int result = commit_draft(mount, view, key, draft, who, error);

	settle(draft, result, error);
	return result;
}

/* The private file is the item now; its name leads to that. The kernel still knows the private node. */
static void give_up_name(struct handle *handle)
{
	struct scratch *scratch = handle->scratch;
	struct buffer name = BUFFER_INIT;
	uint64_t parent;

	if (!scratch_is_named(scratch))
		return;
	scratch_copy_name(scratch, &parent, &name);
	scratch_unname(scratch);
	if (!name.is_out_of_memory && handle->mount->notifier != NULL)
		notifier_release(handle->mount->notifier, parent, buffer_slice(&name), true);
	buffer_free(&name);
}

/* It becomes an item without having its name (restoring.h). */
static bool is_loose(struct handle *handle)
{
	struct scratch *scratch = handle->scratch;
	struct view *view = views_get(handle->mount->views, scratch_slot(scratch));
	struct buffer name = BUFFER_INIT;
	uint64_t parent;
	bool is = false;

	if (view != NULL && view->is_alias && scratch_is_named(scratch)) {
		scratch_copy_name(scratch, &parent, &name);
		is = !name.is_out_of_memory && restoring_is_loose(view, parent, buffer_slice(&name));
	}
	buffer_free(&name);
	view_put(view);
	return is;
}

static int commit_private(struct handle *handle, struct error *error)
{
	struct scratch *scratch = handle->scratch;
	struct buffer key = BUFFER_INIT;
	struct view *view = NULL;
	int result = 0;

	if (scratch_copy_key(scratch, &key) || is_loose(handle)) {
		view = views_get(handle->mount->views, scratch->slot);
		result = view == NULL || view->is_gone ? error_set(error, -ESTALE, "its table is gone")
						       : handle_commit_scratch(handle->mount, scratch, view,
								 buffer_slice(&key), &handle->who, error);
		if (result == 0)
			give_up_name(handle);
	}
	view_put(view);
	buffer_free(&key);
	return result;
}

/* The table may have changed, or gone, since the file was opened. */
static int commit_own(struct handle *handle, struct error *error)
{
	struct buffer text = BUFFER_INIT;
	struct view *view = views_get(handle->mount->views, handle->view->slot);
	int result = 0;

	if (view == NULL || view->is_gone || view->table.number != handle->view->table.number)
		result = error_set(error, -ESTALE, "its table is gone");
	else if (!handle->is_table_file)
		result = commit_draft(
			handle->mount, view, buffer_slice(&handle->key), &handle->own, &handle->who, error);
	else
		result = load_document(handle->mount, &handle->own, &text, error);
	if (result == 0 && handle->is_table_file)
		result = commit_table_file(handle->mount, view, buffer_slice(&text), &handle->who, error);
	view_put(view);
	settle(&handle->own, result, error);
	buffer_free(&text);
	return result;
}

static int flush_locked(struct handle *handle)
{
	struct draft *draft = handle->draft;
	struct error error = { 0 };

	if (!handle->is_writable || !handle->is_loaded || atomic_load(&handle->is_detached))
		return 0;
	if (!draft->is_changed)
		return draft->bad.code;
	if (draft_size(draft) == 0)
		return 0;
	return handle->scratch != NULL ? commit_private(handle, &error) : commit_own(handle, &error);
}

int handle_flush(struct handle *handle, struct handle_user user)
{
	int result;

	pthread_mutex_lock(&handle->draft->lock);
	result = is_user(handle, user) ? flush_locked(handle) : 0;
	pthread_mutex_unlock(&handle->draft->lock);
	return result;
}

int handle_sync(struct handle *handle)
{
	uint64_t ticket;
	int result;

	pthread_mutex_lock(&handle->draft->lock);
	result = flush_locked(handle);
	ticket = handle->draft->ticket;
	pthread_mutex_unlock(&handle->draft->lock);
	if (result == 0 && ticket != 0) {
		loop_blocks();
		result = writer_wait(handle->mount->writer, ticket);
	}
	return result;
}

/* --- the end --- */

static void tell_left_behind(struct handle *handle, const char *path, const struct error *error)
{
	struct buffer text = BUFFER_INIT;

	(void)copied_text(handle->mount, handle->draft, &text, (size_t)HANDLE_DOCUMENT_MAX * 4);
	(void)tell_refusal(handle->mount->tell, path, buffer_slice(&text), error);
	buffer_free(&text);
}

static void release_own(struct handle *handle)
{
	struct error empty = { 0 };
	const char *path = buffer_text(&handle->path);

	if (atomic_load(&handle->is_detached))
		handle->own.is_changed = false;
	if (handle->own.is_changed && draft_size(&handle->own) > 0)
		(void)flush_locked(handle);
	if (handle->own.is_changed)
		error_set(&empty, -EINVAL, "the file was left empty; the old version stands. To remove it, use rm");
	if (handle->own.is_changed || handle->own.bad.code < 0)
		tell_left_behind(handle, path == NULL ? "" : path, handle->own.is_changed ? &empty : &handle->own.bad);
	if (handle->is_loaded && handle->mount->notifier != NULL)
		notifier_node(handle->mount->notifier, handle->nodeid);
}

/* What is no good document does not become an item: it loses its name, and the bytes are kept as refused. */
static void refuse_private(struct handle *handle)
{
	struct target target = { .kind = TARGET_FILE, .nodeid = handle->nodeid, .scratch = handle->scratch };
	struct buffer path = BUFFER_INIT;
	const char *text;

	target_path(handle->mount, &target, &path);
	text = buffer_text(&path);
	tell_left_behind(handle, text == NULL ? "" : text, &handle->draft->bad);
	handle->draft->bad = (struct error){ 0 };
	buffer_free(&path);
	give_up_name(handle);
}

static void release_private(struct handle *handle)
{
	struct scratch *scratch = handle->scratch;

	pthread_mutex_lock(&scratch->draft.lock);
	scratch->writers -= handle->is_writable;
	if (handle->is_writable && scratch->writers == 0) {
		if (scratch->draft.is_changed)
			(void)flush_locked(handle);
		if (scratch->draft.bad.code < 0)
			refuse_private(handle);
	}
	pthread_mutex_unlock(&scratch->draft.lock);
	scratch_put(scratch);
}

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

static void handle_end(struct handle *handle)
{
	if (handle->scratch != NULL)
		release_private(handle);
	else if (handle->draft != NULL && handle->is_writable)
		release_own(handle);
	draft_free(&handle->own);
	view_put(handle->view);
	buffer_free(&handle->key);
	buffer_free(&handle->path);
	free(handle);
}

void handle_release(struct handle *handle)
{
	unlink_handle(handle);
	handle_end(handle);
}
