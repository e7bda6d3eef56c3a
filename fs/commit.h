/* From what was written to what is kept: documents checked and given to the writer, changes of tables. */
#ifndef PITR_FS_COMMIT_H
#define PITR_FS_COMMIT_H

#include <stdint.h>

#include "asides.h"
#include "batch.h"
#include "bytes.h"
#include "error.h"
#include "views.h"
#include "who.h"

struct copied;
struct mount;

/* Adds the key attributes that the name stands for and the item does not have. -EINVAL, -EFBIG with the reason. */
int commit_complete_item(const struct view *view, struct slice key, struct buffer *item, struct error *error);

/* Submits the document. An item moved aside is not removed then. */
int commit_document(struct mount *mount, const struct view *view, struct slice key, struct slice text,
	const struct who *who, uint64_t *ret_ticket, struct error *error);
int commit_item(struct mount *mount, const struct view *view, struct slice key, struct slice item,
	const struct who *who, uint64_t *ret_ticket, struct error *error);
/* The same for an item that is stored somewhere; `from` (may be NULL) is its table, which says more about it. */
int commit_stored(struct mount *mount, const struct view *view, struct slice key, struct buffer *item,
	const struct table *from, const struct who *who, uint64_t *ret_ticket, struct error *error);
int commit_copied(struct mount *mount, const struct view *view, struct slice key, const struct copied *copied,
	const struct who *who, uint64_t *ret_ticket, struct error *error);
int commit_removal(struct mount *mount, uint32_t table, struct slice key, const struct who *who, uint64_t *ret_ticket);
/* Submits the removals of items moved aside, as chosen. The first error. */
int commit_asides(struct mount *mount, enum aside_choice choice, uint64_t value);

/* A batch with its author, and its end: a commit if `result` is 0. For what is committed at once. */
int commit_begin(struct mount *mount, const struct who *who, struct batch **ret_batch,
	struct change_context *ret_context, struct error *error);
int commit_finish(struct batch *batch, int result, struct error *error);

/* These commit at once. */
int commit_new_table(struct mount *mount, struct slice name, const struct who *who, struct error *error);
int commit_table_file(
	struct mount *mount, const struct view *view, struct slice text, const struct who *who, struct error *error);
/* -ENOTEMPTY, -EPERM when protected. */
int commit_drop_table(struct mount *mount, const struct view *view, const struct who *who, struct error *error);

#endif
