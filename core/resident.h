/* How much of a mapped file counts as this process's memory.
 *
 * Pages of the store that were read stay mapped, and so a walk over a large table would make a mount look as large as
 * the store. They are the page cache's all the same: giving them back costs a minor fault each when touched again. */
#ifndef PITR_RESIDENT_H
#define PITR_RESIDENT_H

#include <stddef.h>

/* More than this of mapped files is given back. */
#define RESIDENT_KEEP_BYTES ((size_t)32 << 20)

struct resident {
	void *base; /* of the mapping; NULL: not found, then nothing is ever given back */
	size_t size_bytes;
};

/* The first mapping of the open file in this process. */
struct resident resident_find(int fd);
/* Gives the mapping's pages back when the process holds more than RESIDENT_KEEP_BYTES of files. Safe beside readers. */
void resident_trim(const struct resident *resident);

#endif
