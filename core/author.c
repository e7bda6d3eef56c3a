#include "author.h"

#include "layout.h"
#include "text.h"

#define TEXT_MAX_BYTES 512

static void append_text(struct buffer *out, const char *name, const char *text)
{
	if (!text)
		return;
	buffer_append_format(out, ",\"%s\":", name);
	text_append_json(out, text_cut(slice_of_text(text), TEXT_MAX_BYTES));
}

void author_format(const struct author *author, struct buffer *out)
{
	buffer_append_text(out, "{\"by\":");
	text_append_json(out, slice_of_text(author->by));
	append_text(out, "user", author->user);
	if (author->pid != 0) {
		buffer_append_format(out, ",\"uid\":%u,\"gid\":%u", author->uid, author->gid);
		append_text(out, "group", author->group);
		buffer_append_format(out, ",\"pid\":%d", author->pid);
	}
	append_text(out, "process", author->process);
	append_text(out, "command", author->command);
	append_text(out, "source", author->source);
	append_text(out, "service", author->service);
	append_text(out, "reason", author->reason);
	buffer_append_byte(out, '}');
}

int author_text(struct store_txn *txn, uint64_t number, struct slice *ret_text)
{
	struct layout_key key = layout_author(number);
	return store_get(txn, STORE_AUTHORS, layout_slice(&key), ret_text);
}
