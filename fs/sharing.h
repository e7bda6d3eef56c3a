/* Restoring a whole table at once: symlink(2) in restore/. What the link says is the state to be restored. */
#ifndef PITR_FS_SHARING_H
#define PITR_FS_SHARING_H

#include "who.h"

struct spot;

/* Makes the table. Afterwards a symbolic link to it stands there (restoring_find). */
int sharing_make(struct spot *spot, const char *to, const struct who *who);

#endif
