/* How many FUSE messages of each kind came in. */
#ifndef PITR_FS_COUNTS_H
#define PITR_FS_COUNTS_H

#include <stdatomic.h>
#include <stdint.h>

#include "error.h"

enum count_kind {
	COUNT_INIT,
	COUNT_LOOKUP,
	COUNT_FORGET,
	COUNT_GETATTR,
	COUNT_SETATTR,
	COUNT_MKNOD,
	COUNT_MKDIR,
	COUNT_UNLINK,
	COUNT_RMDIR,
	COUNT_SYMLINK,
	COUNT_READLINK,
	COUNT_RENAME,
	COUNT_LINK,
	COUNT_OPEN,
	COUNT_READ,
	COUNT_WRITE,
	COUNT_FLUSH,
	COUNT_RELEASE,
	COUNT_FSYNC,
	COUNT_OPENDIR,
	COUNT_READDIR,
	COUNT_READDIRPLUS,
	COUNT_RELEASEDIR,
	COUNT_FSYNCDIR,
	COUNT_STATFS,
	COUNT_GETXATTR,
	COUNT_LISTXATTR,
	COUNT_SETXATTR,
	COUNT_REMOVEXATTR,
	COUNT_CREATE,
	COUNT_COPY_FILE_RANGE,
	COUNT_STORE,  /* not a message that came in: contents given to the kernel ahead (prefetch.h), */
	COUNT_STORED, /* and those it took */
	COUNT_AHEAD,  /* READDIRPLUS whose answer was made before (ahead.h) */
	COUNT_KINDS
};

struct counts {
	atomic_uint_fast64_t of[COUNT_KINDS];
};

static inline void counts_add(struct counts *counts, enum count_kind kind)
{
	atomic_fetch_add_explicit(&counts->of[kind], 1, memory_order_relaxed);
}

/* Writes {"LOOKUP":12,...}, replacing the file at once. 0 or a negative errno. */
int counts_write(const struct counts *counts, const char *path);

/* Writes them on every SIGUSR1, which must be blocked in all threads, and at the end. */
struct counts_writer;
int counts_writer_start(const struct counts *counts, const char *path, struct counts_writer **ret_writer);
void counts_writer_stop(struct counts_writer *writer); /* NULL is fine */

#endif
