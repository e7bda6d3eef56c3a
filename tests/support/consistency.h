/* Is a store sound? Every record of every table that ever was is read, and compared with what the other records say. */
#ifndef PITR_SUPPORT_CONSISTENCY_H
#define PITR_SUPPORT_CONSISTENCY_H

#include "bytes.h"
#include "error.h"
#include "history.h"

/* The log, replayed in memory, agrees with snapshots at several changes, live items, statistics and counters; every
 * version can be read; rosters and index lead to every node and to no other; authors are known. 0, or -EIO and which
 * record is wrong. What retention has forgotten is missed nowhere: of each table are looked at its pinned states and all from its
 * floor on, and no version is left, after a sweep, that belongs to none of them. */
int consistency_check(struct history *history, struct error *error);

/* The live state and the log of every live table as text, to be compared, with a checksum of all history; without what is
 * random in it (TableId). */
int consistency_dump(struct history *history, struct buffer *out);

#endif
