/* Contents that are a stored item as it is: what copy_file_range(2) gives a file that was empty. Nothing is rendered or parsed
 * again unless somebody reads the file or changes it before it is committed. */
#ifndef PITR_FS_COPIED_H
#define PITR_FS_COPIED_H

#include <stdint.h>

#include "bytes.h"
#include "draft.h"
#include "views.h"

struct mount;

struct copied {
	struct buffer item; /* canonical */
	struct view *from;  /* held: the table it is of, with the settings of that time */
	uint64_t size;      /* as it would be rendered */
};

void copied_free(struct copied *copied); /* NULL is fine */

/* These are called with the draft's lock held. */

/* The draft, which is empty, becomes that item. 0 or -ENOMEM. */
int copied_set(struct draft *draft, struct view *from, struct slice item, uint64_t size);
/* The contents become bytes like any others. 0 or a negative errno. */
int copied_spell_out(const struct mount *mount, struct draft *draft);
/* The contents, rendered when needed, appended. -EFBIG beyond `limit`. */
int copied_text(const struct mount *mount, struct draft *draft, struct buffer *out, size_t limit);

/* How large the file is. */
static inline uint64_t draft_size(const struct draft *draft)
{
	if (draft->copied != NULL)
		return draft->copied->size;
	return draft->spool == NULL ? 0 : spool_size(draft->spool);
}

#endif
