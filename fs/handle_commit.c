/* What becomes of contents that were written. All but handle_flush, handle_sync and handle_settle go with the draft's lock held. */
#include "handle_parts.h"

#include <errno.h>
#include <string.h>

#include "commit.h"
#include "copied.h"
#include "loop.h"
#include "mount.h"

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
	result = handle_is_user(handle, user) ? flush_locked(handle) : 0;
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
		result = writer_sync(handle->mount->writer, ticket);
	}
	return result;
}

/* --- what was left behind --- */

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

void handle_settle(struct handle *handle)
{
	if (handle->scratch != NULL)
		release_private(handle);
	else if (handle->is_writable)
		release_own(handle);
}
