/* Items moved aside: renamed to a private name, as editors do before they write the new version. The name is gone in this mount,
 * but the removal is committed only after a moment, so that what is written again is one modification. */
#ifndef PITR_FS_ASIDES_H
#define PITR_FS_ASIDES_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"

#define ASIDE_MS 2000

struct asides;

struct aside {
	uint32_t table;
	struct slice key;    /* encoded; owned by the set, or by the receiver of asides_take */
	uint64_t scratch;    /* id of the private file that has its contents */
	struct slice author; /* text, likewise */
	uint64_t seq;        /* of the version that was moved; a newer one is not removed */
};

int asides_new(struct asides **ret_asides);
void asides_free(struct asides *asides);

int asides_add(struct asides *asides, const struct aside *aside);
bool asides_has(struct asides *asides, uint32_t table, struct slice key);
/* The item was written again by change `seq` (UINT64_MAX: by one that has no number yet). If that is newer than what was
 * moved there is nothing to remove any more. */
void asides_cancel(struct asides *asides, uint32_t table, struct slice key, uint64_t seq);
/* Held while a removal is taken out and submitted, or a put submitted and what it replaces cancelled: a put must not be
 * overtaken by the removal it makes void. */
void asides_lock(struct asides *asides);
void asides_unlock(struct asides *asides);

enum aside_choice { ASIDE_DUE, ASIDE_OF_TABLE, ASIDE_OF_SCRATCH, ASIDE_ANY };
/* Takes out one whose removal is to be committed now; false: none. Free it with aside_free. */
bool asides_take(struct asides *asides, enum aside_choice choice, uint64_t value, struct aside *ret_aside);
void aside_free(struct aside *aside);
/* When the next one is due (monotonic_ms); INT64_MAX: none. */
int64_t asides_due(struct asides *asides);

#endif
