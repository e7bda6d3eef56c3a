/* Past views of states that retention has forgotten. What is asked of them fails with ESTALE, and the kernel is told to drop
 * their names, so that the next who looks finds out why they are gone. */
#ifndef PITR_FS_OVERTAKEN_H
#define PITR_FS_OVERTAKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"
#include "views.h"

struct mount;

bool overtaken_is(struct store_txn *txn, const struct view *view);
/* The same now, without looking again while there is no other commit. */
bool overtaken_is_now(struct mount *mount, struct view *view);
/* Something in the view of this node was found to be forgotten. */
void overtaken_drop(struct mount *mount, uint64_t nodeid);
/* Drops all there are. Called now and then. Returns the commit that was looked at; 0: none. */
uint64_t overtaken_drop_all(struct mount *mount);

#endif
