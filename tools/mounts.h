/* The mounts of pitrfs on this machine, as the kernel tells them. */
#ifndef PITR_TOOLS_MOUNTS_H
#define PITR_TOOLS_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>

struct mounts {
	char **points; /* absolute paths */
	size_t count;
};

/* Those of one store (absolute path), or of all stores for NULL. 0 or negative errno. */
int mounts_of_store(const char *store, struct mounts *ret_mounts);
void mounts_free(struct mounts *mounts);

#endif
