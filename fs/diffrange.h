/* One difference as directories: added/ and removed/ with the items, changed/ with what changed in them, and summary.json; partitions
 * are directories in each. All of it is settled. An item that is damaged is listed where its name is known, in changed/ when it could be
 * any of the three, and says so when it is read. */
#ifndef PITR_FS_DIFFRANGE_H
#define PITR_FS_DIFFRANGE_H

#include "attree.h"

/* Of views that have `from` and `snapshot`. */
extern const struct branch diffrange;

#endif
