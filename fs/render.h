/* The bytes of files that the store holds. */
#ifndef PITR_FS_RENDER_H
#define PITR_FS_RENDER_H

#include <stdbool.h>

#include "bytes.h"
#include "snapshot.h"
#include "store.h"
#include "texts.h"
#include "views.h"

struct mount;

/* A canonical item as this mount shows the items of that table, appended. */
int render_item(const struct mount *mount, const struct view *view, struct slice item, struct buffer *out);
/* The same as a member of an object: one level deeper, and without the line feed at its end. */
int render_item_within(const struct mount *mount, const struct view *view, struct slice item, struct buffer *out);

/* The contents of an item's file at the view, appended: `size` bytes from `offset` on, or what there is of them. What is read in
 * several pieces is rendered once. -ENOENT, -EIO. */
int render_node(struct mount *mount, struct store_txn *txn, const struct view *view, const struct node *node,
	uint64_t offset, size_t size, struct buffer *out);
/* The same of a version that is in no store any more, if it was being read. -ESTALE. */
int render_kept(struct mount *mount, const struct view *view, uint64_t number, uint64_t seq, uint64_t offset,
	size_t size, struct buffer *out);

/* .table.json, held. A live one is the text of a moment: the same until the next commit or for a second, unless `is_kept` asks for
 * what was told before, as a reader does whom its size was told. */
int render_table_file(
	struct mount *mount, struct store_txn *txn, const struct view *view, bool is_kept, struct text **ret_text);

#endif
