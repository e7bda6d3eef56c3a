/* Programs that copy a directory make every file anew, and fail when one is there already; but every table has its
 * .table.json from the first moment. So it hides from the process that is about to make it: from cp and mv when they
 * made the table, and from whoever removed it, for HIDING_MS. */
#ifndef PITR_FS_HIDING_H
#define PITR_FS_HIDING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "who.h"

#define HIDING_MS 2000

struct hiding;

int hiding_new(struct hiding **ret_hiding);
void hiding_free(struct hiding *hiding);

/* A table was made by mkdir(2): hides its file when the process is one that copies. */
void hiding_begin_copy(struct hiding *hiding, uint32_t slot, const struct who *who);
void hiding_begin(struct hiding *hiding, uint32_t slot, pid_t pid);
bool hiding_is_hidden(struct hiding *hiding, uint32_t slot, pid_t pid);
void hiding_end(struct hiding *hiding, uint32_t slot);

#endif
