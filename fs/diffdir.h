/* "@/diff/": what is different between two instants, of a table or, at the root, of every table.
 *
 *   diff/T1..T2/{added,removed,changed}/ summary.json        at the root: diff/T1..T2/TABLE/...
 *
 * The instants may have any form, with or without '@', and stand in either order. Nothing is listed in diff/ itself. */
#ifndef PITR_FS_DIFFDIR_H
#define PITR_FS_DIFFDIR_H

#include "attree.h"

extern const struct branch diffdir;

#endif
