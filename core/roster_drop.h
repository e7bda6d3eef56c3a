/* Dropping what rosters keep of nodes that retention has forgotten. */
#ifndef PITR_ROSTER_DROP_H
#define PITR_ROSTER_DROP_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"

/* The node at this slot was dropped. When nothing is left of any node of its block, the block goes, and above it what tells
 * of dropped blocks alone; the nearest level that stays keeps the last death. is_ended: the table is deleted, so blocks
 * whose nodes never died may go too. */
int roster_drop_slot(struct store_txn *txn, uint32_t table, uint64_t directory, uint64_t slot, bool is_ended);
/* Is nothing left of any node that ever stood in the directory? 1, 0, negative. */
int roster_is_bare(struct store_txn *txn, uint32_t table, uint64_t directory);
/* Drops what is left of a bare directory. */
int roster_drop_directory(struct store_txn *txn, uint32_t table, uint64_t directory);

#endif
