/* "@/changes": the changes of a table, or of the whole store, in files of an hour each, <YYYY-MM-DDTHH>.jsonl (change_stream.h).
 *
 * A file that only grows stays the same file. When the beginning of an hour leaves the window, or a past is imported in between, its
 * name stands for another file from then on, and who still reads the old one gets ESTALE: never lines that don't fit
 * together. */
#ifndef PITR_FS_CHANGESDIR_H
#define PITR_FS_CHANGESDIR_H

#include "attree.h"

extern const struct branch changesdir;

#endif
