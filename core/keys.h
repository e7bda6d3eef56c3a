/* Every key a directory had in the time that can be told (reach.h), alive or gone, each once: a seek or two for each that is
 * given, whatever lives and versions it had. */
#ifndef PITR_KEYS_H
#define PITR_KEYS_H

#include <stdint.h>

#include "key.h"
#include "node.h"
#include "reach.h"
#include "store.h"
#include "table.h"

/* `place` says where a walk goes on, above 0 and below 2^60, and stays what it is as long as the key can be told. */
struct keys_walk {
	struct store_txn *txn;
	uint32_t table;
	struct reach reach;
	struct buffer partition; /* encoded; empty: the table itself */
	uint64_t place;
	struct buffer at; /* internal: the key last given */
};

/* Keys in a table (partitions, when it has a sort key), or in a partition, beyond `place` (0: from the beginning). */
int keys_begin(struct keys_walk *walk, struct store_txn *txn, const struct table *table, const struct reach *reach,
	struct slice partition, uint64_t place);
/* 1 and the last life of the next key, as it is now (version.is_removal: gone), 0 at the end, negative. -ESTALE: what the place told of has
 * been forgotten. walk->place is where to go on. */
int keys_next(struct keys_walk *walk, struct node *ret_node);
void keys_end(struct keys_walk *walk);

#endif
