/* A small store with something of everything in it: tables with and without sort key, one whose first changes were forgotten, one
 * restored from a part of another's history, one that keeps no history, imported and deleted ones, backups, a hold, authors, long
 * names, settings. For tests that look at every record. */
#ifndef PITR_SUPPORT_VARIED_STORE_H
#define PITR_SUPPORT_VARIED_STORE_H

#include "tests/support/fixture.h"

/* Into a store just opened; the clock is set, and stands at the end where retention has done its work. `half_way` is called when most
 * records have been written that will be written again. */
void varied_store_fill(struct fixture *fixture, void (*half_way)(struct fixture *fixture));

#endif
