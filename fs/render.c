#include "render.h"

#include <errno.h>

#include "describe.h"
#include "item_json.h"
#include "mount.h"

#define TABLE_FILE_FRESH_MS 1000
#define PLACE_TABLE_FILES (UINT64_C(1) << 32)

int render_item(const struct mount *mount, const struct view *view, struct slice item, struct buffer *out)
{
	const struct key_schema *schema = &view->table.schema;
	struct item_order order = { .partition = slice_of_text(schema->partition.name) };

	if (schema->has_sort)
		order.sort = slice_of_text(schema->sort.name);
	return item_to_json(item, mount->options->form, ITEM_PRETTY, &order, out);
}

/* Within strings line feeds are escaped. */
static void append_indented(struct slice text, struct buffer *out)
{
	for (size_t i = 0; i + 1 < text.size; i++) {
		buffer_append_byte(out, text.data[i]);
		if (text.data[i] == '\n')
			buffer_append_text(out, "  ");
	}
}

int render_item_within(const struct mount *mount, const struct view *view, struct slice item, struct buffer *out)
{
	struct buffer rendered = BUFFER_INIT;
	int result = render_item(mount, view, item, &rendered);

	if (result == 0)
		append_indented(buffer_slice(&rendered), out);
	buffer_free(&rendered);
	return result;
}

static struct text_key key_of_version(const struct view *view, uint64_t number, uint64_t seq)
{
	return (struct text_key){ (uint64_t)view->table.number + 1, number, seq };
}

int render_kept(struct mount *mount, const struct view *view, uint64_t number, uint64_t seq, uint64_t offset,
	size_t size, struct buffer *out)
{
	struct text_key key = key_of_version(view, number, seq);
	struct text *text = texts_find(mount->texts, &key, NULL);

	if (text == NULL)
		return -ESTALE;
	text_append_part(text_slice(text), offset, size, out);
	text_put(text);
	return buffer_error(out);
}

int render_node(struct mount *mount, struct store_txn *txn, const struct view *view, const struct node *node,
	uint64_t offset, size_t size, struct buffer *out)
{
	struct text_key key = key_of_version(view, node->number, node->version.seq);
	struct text *text = offset == 0 ? NULL : texts_find(mount->texts, &key, NULL);
	struct buffer item = BUFFER_INIT, rendered = BUFFER_INIT;
	int result;

	if (text != NULL) {
		text_append_part(text_slice(text), offset, size, out);
		text_put(text);
		return buffer_error(out);
	}
	result = snapshot_content(txn, &view->snapshot, node->number, &item);
	if (result == 0)
		result = render_item(mount, view, buffer_slice(&item), &rendered);
	if (result == 0 && rendered.size > size)
		text_put(texts_add(mount->texts, &key, buffer_slice(&rendered)));
	if (result == 0)
		text_append_part(buffer_slice(&rendered), offset, size, out);
	buffer_free(&item);
	buffer_free(&rendered);
	return result < 0 ? result : buffer_error(out);
}

int render_table_file(
	struct mount *mount, struct store_txn *txn, const struct view *view, bool is_kept, struct text **ret_text)
{
	uint64_t commit = view->is_live ? store_shown(txn) : view->snapshot.seq;
	struct text_key key = { PLACE_TABLE_FILES | view->table.number, (uint64_t)view->time_us, 0 };
	struct buffer rendered = BUFFER_INIT;
	int64_t age_ms;
	int result;

	if (is_kept && view->is_live) {
		*ret_text = texts_find_latest(mount->texts, &key);
		if (*ret_text != NULL)
			return 0;
	}
	key.version = commit;
	*ret_text = texts_find(mount->texts, &key, &age_ms);
	if (*ret_text != NULL && (!view->is_live || age_ms < TABLE_FILE_FRESH_MS))
		return 0;
	text_put(*ret_text);
	result = describe_table_file(mount->history, txn, &view->table, &view->snapshot, &rendered);
	if (result == 0)
		result = buffer_error(&rendered);
	if (result == 0)
		*ret_text = texts_add(mount->texts, &key, buffer_slice(&rendered));
	buffer_free(&rendered);
	return result < 0 ? result : *ret_text == NULL ? -ENOMEM : 0;
}
