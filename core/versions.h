/* Every version of a key, through all its lives: one seek or two for each step, however long its history. */
#ifndef PITR_VERSIONS_H
#define PITR_VERSIONS_H

#include <stdint.h>

#include "node.h"
#include "reach.h"
#include "store.h"

/* The first version of a key that is newer than change `seq`: ret_node->version tells which (a removal too). Versions are what the
 * table itself saw: in a restored table those after its base, and by versions_before what it began with. -ENOENT: none. */
int versions_after(struct store_txn *txn, uint32_t table, struct slice encoded_key, uint64_t seq, struct node *ret_node,
	struct node_place *ret_place);
/* The last one before change `seq`. -ENOENT: none. */
int versions_before(struct store_txn *txn, uint32_t table, struct slice encoded_key, uint64_t seq,
	struct node *ret_node, struct node_place *ret_place);
/* The one that change `seq` made. -ENOENT: that change was not of this key. */
int versions_at(struct store_txn *txn, uint32_t table, struct slice encoded_key, uint64_t seq, struct node *ret_node,
	struct node_place *ret_place);

/* The first that can be told: what the key was at the beginning of the reach, if it was there, else the first after that; its
 * successors come from versions_after. -ENOENT: the key was never there in that time. */
int versions_first(struct store_txn *txn, uint32_t table, struct slice encoded_key, const struct reach *reach,
	struct node *ret_node, struct node_place *ret_place);

#endif
