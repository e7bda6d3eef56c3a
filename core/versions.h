/* Every version of a key, through all its lives: one seek or two for each step, however long its history.
 *
 * Versions are what the table itself saw: in a restored table those after its base, and before them the one it began with, if the
 * key was there. Asked about a time before the reach they may answer -ESTALE; within it they never do. */
#ifndef PITR_VERSIONS_H
#define PITR_VERSIONS_H

#include <stdint.h>

#include "node.h"
#include "reach.h"
#include "store.h"

/* The first version of a key that is newer than change `seq`: ret_node->version tells which (a removal too). In a restored table
 * never what it began with. -ENOENT: none. */
int versions_after(struct store_txn *txn, uint32_t table, struct slice encoded_key, uint64_t seq, struct node *ret_node,
	struct node_place *ret_place);
/* The last one before change `seq`. -ENOENT: none. Of a key that was not there at the beginning of the reach, the removal before that
 * may be another one than the last. */
int versions_before(struct store_txn *txn, uint32_t table, struct slice encoded_key, uint64_t seq,
	struct node *ret_node, struct node_place *ret_place);
/* The one that change `seq` made, also when that is what a restored table began with. -ENOENT: that change was not of this key. */
int versions_at(struct store_txn *txn, uint32_t table, struct slice encoded_key, uint64_t seq, struct node *ret_node,
	struct node_place *ret_place);

/* The first that can be told: what the key was at the beginning of the reach, if it was there, else the first after that; its
 * successors come from versions_after with the number of the one before. -ENOENT: the key was never there in that time. */
int versions_first(struct store_txn *txn, uint32_t table, struct slice encoded_key, const struct reach *reach,
	struct node *ret_node, struct node_place *ret_place);

#endif
