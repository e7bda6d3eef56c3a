/* "@/deleted/": the last state of each item that is gone, as a file whose mtime is when it went; with a sort key in a directory for
 * each partition. A file goes when its key comes back, or when its end leaves what can be told.
 *
 *   @/deleted/1001.json                                                                                    */
#ifndef PITR_FS_DELETEDDIR_H
#define PITR_FS_DELETEDDIR_H

#include "attree.h"

extern const struct branch deleteddir;          /* of a table; numbers: gone.h's */
extern const struct branch deleteddir_of_store; /* one for each table */

#endif
