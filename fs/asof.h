/* -o asof=T: the root is the whole store at one instant, tables and nothing else. The instant is found and promised once, before
 * anything is mounted. */
#ifndef PITR_FS_ASOF_H
#define PITR_FS_ASOF_H

#include "bytes.h"
#include "error.h"

struct mount;

/* Sets mount->asof. What is promised of the store can be short of a table whose window begins later: `notes` gets a line for each such
 * table. -EINVAL, or -ENOENT when nothing can be seen then, with a message. */
int asof_begin(struct mount *mount, const char *text, struct buffer *notes, struct error *error);

#endif
