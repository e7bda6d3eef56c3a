/* The mounts of pitrfs on this machine, as the kernel tells them. */
#ifndef PITR_TOOLS_MOUNTS_H
#define PITR_TOOLS_MOUNTS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct mounted {
	char *point;   /* absolute path */
	char *instant; /* that it shows the store at; NULL: the present */
};

struct mounts {
	struct mounted *list;
	size_t count;
};

/* Those of one store (absolute path), or of all stores for NULL. 0 or negative errno. */
int mounts_of_store(const char *store, struct mounts *ret_mounts);
void mounts_free(struct mounts *mounts);

/* pitrfs beside this program, when it is there. */
bool mounts_program(char path[PATH_MAX]);
/* Unmounts; `is_lazy`: hides it at once, and ends it when nothing uses it any more. fusermount3's exit status, 127 when it is not there; or
 * negative errno. It says nothing itself. */
int mounts_end(const char *mount_point, bool is_lazy);

#endif
