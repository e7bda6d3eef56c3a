/* A file of bytes that grows: in memory while it is small, in a temporary file without a name once it is large.
 *
 * Offsets and sizes count bytes. All functions return 0 or a negative errno unless told otherwise; -EFBIG is a file
 * larger than the system can have. Not thread-safe: the caller locks. */
#ifndef PITR_SPOOL_H
#define PITR_SPOOL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bytes.h"

#define SPOOL_MEMORY_MAX ((size_t)256 << 10) /* larger contents are in a file */

struct spool;

/* An empty spool. `directory` is where the file will be, if one is needed; the text is copied and not looked at before
 * that. 0 or -ENOMEM. Free with spool_free, which takes NULL too. */
int spool_new(const char *directory, struct spool **ret_spool);
void spool_free(struct spool *spool);

uint64_t spool_size(const struct spool *spool);

/* Copies up to `size` bytes from `offset` on. The count, less than asked only at the end and 0 behind it; negative
 * errno when the file cannot be read. */
ssize_t spool_read(const struct spool *spool, uint64_t offset, void *ret_bytes, size_t size);

/* Writes all the bytes. A gap between the end and `offset` becomes zeros. On failure the size is what it was, and bytes
 * below it may already be the new ones. -ENOSPC and the like from the file system, -ENOMEM, -EFBIG. */
int spool_write(struct spool *spool, uint64_t offset, const void *bytes, size_t size);

/* Cuts, or grows with zeros. A spool that has gone into its file stays there. */
int spool_truncate(struct spool *spool, uint64_t size);

/* Appends all the contents to `out`. -EFBIG when they are more than `limit` bytes, -ENOMEM; `out` is then as it was. */
int spool_load(const struct spool *spool, struct buffer *out, size_t limit);

#endif
