/* Sorts any number of records of one size in bounded memory: in memory while they are few, in a temporary file once they
 * are many.
 *
 * Records are ordered by their bytes (memcmp), so numbers in them are big-endian; equal ones come in any order. Add them all,
 * then take them all, once. */
#ifndef PITR_SORTER_H
#define PITR_SORTER_H

#include <stddef.h>

#define SORTER_MEMORY_MAX ((size_t)256 << 10)
#define SORTER_RECORD_MAX 256

struct sorter;

/* `directory` is where the file will be, if one is needed. 0 or -ENOMEM. Free with sorter_free, which takes NULL too. */
int sorter_new(const char *directory, size_t record_size, struct sorter **ret_sorter);
void sorter_free(struct sorter *sorter);

/* 0, -ENOMEM, or the file system's error. */
int sorter_add(struct sorter *sorter, const void *record);
/* 1 and the next record, 0 at the end, negative errno. Nothing is added after the first. */
int sorter_next(struct sorter *sorter, void *ret_record);

#endif
