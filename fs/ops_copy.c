/* copy_file_range: copies within the mount, whose bytes no program has to carry. A whole item into an empty file is not even
 * rendered. */
#include "ops.h"

#include <errno.h>

#include "handle.h"
#include "render.h"
#include "target.h"

struct copying {
	struct mount *mount;
	fuse_ino_t from;
	struct handle *from_handle, *to; /* from_handle NULL: a file as it is stored */
	uint64_t from_offset, to_offset;
	size_t size;
	struct handle_user user;
};

static void append_part(const struct text *text, uint64_t offset, size_t size, struct buffer *out)
{
	if (offset >= text->size)
		return;
	if (size > text->size - offset)
		size = text->size - offset;
	buffer_append(out, text->bytes + offset, size);
}

static int read_target(
	const struct copying *copying, struct store_txn *txn, const struct target *from, struct buffer *out)
{
	struct text *text;
	int result;

	if (from->kind == TARGET_ITEM)
		return render_node(
			copying->mount, txn, from->view, &from->node, copying->from_offset, copying->size, out);
	if (from->kind == TARGET_LEAF)
		return from->view->branch->read(copying->mount, txn, from->view, nodeid_number(from->nodeid),
			copying->from_offset, copying->size, out);
	/* Other files are copied by reading and writing. */
	if (from->kind != TARGET_TABLE_FILE)
		return -EOPNOTSUPP;
	result = render_table_file(copying->mount, txn, from->view, true, &text);
	if (result < 0)
		return result;
	append_part(text, copying->from_offset, copying->size, out);
	text_put(text);
	return buffer_error(out);
}

/* How many bytes an item took with it; -EAGAIN: they have to be copied one by one. */
static int64_t copy_item(const struct copying *copying, struct store_txn *txn, const struct target *from)
{
	const struct version *version = &from->node.version;
	uint64_t size = copying->mount->options->form == ITEM_PLAIN ? version->plain_size : version->dynamodb_size;
	struct buffer item = BUFFER_INIT;
	int result;

	if (from->kind != TARGET_ITEM || copying->from_offset != 0 || copying->to_offset != 0 || size > copying->size)
		return -EAGAIN;
	result = snapshot_content(txn, &from->view->snapshot, from->node.number, &item);
	if (result == 0)
		result = handle_copy(copying->to, from->view, buffer_slice(&item), size, copying->user);
	buffer_free(&item);
	return result < 0 ? result : (int64_t)size;
}

static int64_t write_on(const struct copying *copying, int result, struct buffer *bytes)
{
	int64_t size = (int64_t)bytes->size;

	if (result == 0 && size > 0)
		result = handle_write(copying->to, copying->to_offset, buffer_slice(bytes), copying->user);
	buffer_free(bytes);
	return result < 0 ? result : size;
}

static int64_t copy(const struct copying *copying)
{
	struct buffer bytes = BUFFER_INIT;
	struct store_txn *txn;
	struct target from;
	int64_t size;
	int result;

	if (copying->from_handle != NULL) {
		result = handle_read(copying->from_handle, copying->from_offset, copying->size, &bytes);
		return write_on(copying, result, &bytes);
	}
	result = target_begin(copying->mount, copying->from, &txn, &from);
	if (result < 0)
		return result;
	size = copy_item(copying, txn, &from);
	if (size == -EAGAIN)
		result = read_target(copying, txn, &from, &bytes);
	target_end(txn, &from);
	return size == -EAGAIN ? write_on(copying, result, &bytes) : size;
}

void ops_copy_file_range(fuse_req_t req, fuse_ino_t from, off_t from_offset, struct fuse_file_info *from_file,
	fuse_ino_t to, off_t to_offset, struct fuse_file_info *to_file, size_t size, int flags)
{
	struct copying copying = {
		.mount = ops_mount(req, COUNT_COPY_FILE_RANGE),
		.from = from,
		.from_handle = ops_handle(from_file),
		.to = ops_handle(to_file),
		.from_offset = (uint64_t)from_offset,
		.to_offset = (uint64_t)to_offset,
		.size = size > HANDLE_DOCUMENT_MAX ? HANDLE_DOCUMENT_MAX : size,
		.user = { .pid = fuse_req_ctx(req)->pid },
	};
	int64_t copied = copying.to == NULL || flags != 0 ? -EOPNOTSUPP : copy(&copying);

	(void)to;
	if (copied < 0)
		fuse_reply_err(req, (int)-copied);
	else
		fuse_reply_write(req, (size_t)copied);
}
