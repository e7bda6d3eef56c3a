/* A hash index over structs that carry their own links. Keys are the caller's: it hashes them and compares what it gets.
 * Not thread-safe. */
#ifndef PITR_FS_INDEX_H
#define PITR_FS_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

struct index_link {
	struct index_link *next;
	uint64_t hash;
};

struct index {
	struct index_link **buckets;
	size_t bucket_count, size;
};

#define INDEX_INIT ((struct index){ 0 })
/* The struct that holds a link. */
#define index_holder(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

void index_free(struct index *index);   /* the links' holders stay the caller's */
int index_reserve(struct index *index); /* room for one more: 0 or -ENOMEM; after it index_add cannot fail */
void index_add(struct index *index, struct index_link *link, uint64_t hash);
void index_remove(struct index *index, struct index_link *link);
/* All links of a hash, one after the other; NULL at the end. */
struct index_link *index_first(const struct index *index, uint64_t hash);
struct index_link *index_next(const struct index_link *link);

uint64_t index_hash(uint64_t number, struct slice bytes);

#endif
