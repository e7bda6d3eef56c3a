/* LZ4, and differences between neighbouring versions. The one file that knows LZ4. */
#ifndef PITR_COMPRESS_H
#define PITR_COMPRESS_H

#include <stdbool.h>

#include "bytes.h"

/* Appends the compressed bytes and returns true when that is smaller than `plain`; otherwise appends nothing.
 * `dictionary` may be
 * empty; only its last 64 KiB count. */
bool compress_append(struct slice plain, struct slice dictionary, struct buffer *out);
/* Appends exactly `plain_size` bytes or fails with -EIO. */
int compress_expand(struct slice packed, struct slice dictionary, size_t plain_size, struct buffer *out);

/* What turns `base` into `target`: varint head length, varint tail length, then the middle, plain or compressed with
 * `base` as dictionary (a flag byte tells). */
void patch_append(struct slice base, struct slice target, struct buffer *out);
/* Turns the base that `item` holds into the target of `target_size` bytes, in place where it can. `spare` is used otherwise, and may take
 * part in the next. 0 or -EIO. */
int patch_apply(struct buffer *item, struct slice patch, size_t target_size, struct buffer *spare);

#endif
