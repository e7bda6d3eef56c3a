/* "@/history/": a directory for each key that was there in the time that can be told, with a sort key in one for each partition; in it a
 * file for each version of the item, through all its lives (historyfile.h). What is gone is listed, too.
 *
 *   @/history/1001.json/2025-03-01T12:30:00.json            */
#ifndef PITR_FS_HISTORYDIR_H
#define PITR_FS_HISTORYDIR_H

#include "attree.h"

extern const struct branch historydir;          /* of a table; numbers: of nodes, any life of the key */
extern const struct branch historydir_of_store; /* one for each table */

#endif
