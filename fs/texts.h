/* Rendered contents, kept for a moment: big items are read in several pieces, and what was told as the size of
 * .table.json must be what is read. Bounded by TEXTS_KEPT and TEXTS_MAX_BYTES. */
#ifndef PITR_FS_TEXTS_H
#define PITR_FS_TEXTS_H

#include <stdatomic.h>
#include <stdint.h>

#include "bytes.h"

#define TEXTS_KEPT 32
#define TEXTS_MAX_BYTES ((size_t)16 << 20)

/* A text that several may hold. */
struct text {
	atomic_uint references;
	size_t size;
	uint8_t bytes[];
};

struct text_key {
	uint64_t place, number, version; /* the caller's; place is never 0 */
};

struct texts;

int texts_new(struct texts **ret_texts);
void texts_free(struct texts *texts);

/* Held; NULL: not kept. *ret_age_ms (may be NULL): since when. */
struct text *texts_find(struct texts *texts, const struct text_key *key, int64_t *ret_age_ms);
/* Whatever version of that place and number is kept; held, or NULL. */
struct text *texts_find_latest(struct texts *texts, const struct text_key *key);
/* Keeps a copy under that key, in place of an older one of the same place and number. Held; NULL: out of memory. */
struct text *texts_add(struct texts *texts, const struct text_key *key, struct slice bytes);
void text_put(struct text *text); /* NULL is fine */

static inline struct slice text_slice(const struct text *text)
{
	return slice_of(text->bytes, text->size);
}
/* `size` bytes of a text from `offset` on, or what there is of them, appended. */
void text_append_part(struct slice text, uint64_t offset, size_t size, struct buffer *out);

#endif
