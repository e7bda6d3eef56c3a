#include "copied.h"

#include <errno.h>
#include <stdlib.h>

#include "mount.h"
#include "render.h"

void copied_free(struct copied *copied)
{
	if (copied == NULL)
		return;
	buffer_free(&copied->item);
	view_put(copied->from);
	free(copied);
}

int copied_set(struct draft *draft, struct view *from, struct slice item, uint64_t size)
{
	struct copied *copied = calloc(1, sizeof(*copied));

	if (copied == NULL)
		return -ENOMEM;
	buffer_append_slice(&copied->item, item);
	copied->from = view_hold(from);
	copied->size = size;
	if (buffer_error(&copied->item) < 0) {
		copied_free(copied);
		return -ENOMEM;
	}
	copied_free(draft->copied);
	draft->copied = copied;
	return 0;
}

int copied_spell_out(const struct mount *mount, struct draft *draft)
{
	struct buffer text = BUFFER_INIT;
	int result;

	if (draft->copied == NULL)
		return 0;
	result = render_item(mount, draft->copied->from, buffer_slice(&draft->copied->item), &text);
	if (result == 0)
		result = buffer_error(&text);
	if (result == 0)
		result = spool_truncate(draft->spool, 0);
	if (result == 0)
		result = spool_write(draft->spool, 0, text.data, text.size);
	buffer_free(&text);
	if (result == 0) {
		copied_free(draft->copied);
		draft->copied = NULL;
	}
	return result;
}

int copied_text(const struct mount *mount, struct draft *draft, struct buffer *out, size_t limit)
{
	int result = copied_spell_out(mount, draft);

	return result < 0 ? result : spool_load(draft->spool, out, limit);
}
