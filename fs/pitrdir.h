/* The directory ".pitr" of the root: errors.jsonl and rejected/, as they lie in the store. Its nodes are of slot 0. */
#ifndef PITR_FS_PITRDIR_H
#define PITR_FS_PITRDIR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "bytes.h"

enum {
	PITR_DIRECTORY = 2,
	PITR_ERRORS = 3,
	PITR_REJECTED = 4,   /* 5 is NODEID_RESTORE */
	PITR_FILES = 1 << 30 /* kept files have this number and above, below SCRATCH_NUMBER */
};

struct pitrdir;

int pitrdir_new(const char *store_directory, struct pitrdir **ret_pitrdir);
void pitrdir_free(struct pitrdir *pitrdir);

/* Size and time of errors.jsonl; empty when there is none. */
int pitrdir_errors(const struct pitrdir *pitrdir, struct stat *ret_stat);
int pitrdir_read_errors(const struct pitrdir *pitrdir, uint64_t offset, size_t size, struct buffer *out);

/* A kept file by name: its number, which it has while the mount lives. -ENOENT. */
int pitrdir_find(struct pitrdir *pitrdir, const char *name, uint64_t *ret_number, struct stat *ret_stat);
int pitrdir_stat(struct pitrdir *pitrdir, uint64_t number, struct stat *ret_stat);
int pitrdir_read(struct pitrdir *pitrdir, uint64_t number, uint64_t offset, size_t size, struct buffer *out);
int pitrdir_unlink(struct pitrdir *pitrdir, const char *name);

/* The names of kept files in order, from place `from` on: calls `each` until it returns false. */
int pitrdir_list(struct pitrdir *pitrdir, uint64_t from, bool (*each)(void *context, uint64_t place, const char *name),
	void *context);

#endif
