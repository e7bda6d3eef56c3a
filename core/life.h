/* Writing nodes: what a batch does to INDEX, VERSIONS and ROSTER when a key's life begins, goes on and ends. */
#ifndef PITR_LIFE_H
#define PITR_LIFE_H

#include "key.h"
#include "node.h"

/* Where a batch writes. */
struct lives {
	struct store_txn *txn;
	uint32_t table;
	uint64_t *next_number; /* the table's counter */
	struct buffer *scratch;
};

/* A new node in a directory. */
int life_begin(const struct lives *lives, enum node_kind kind, uint64_t directory, struct slice encoded_key,
	const struct version *version, struct slice item, uint64_t *ret_number);
/* The number of the partition's node, begun now when it does not live. */
int life_need_partition(
	const struct lives *lives, const struct key *key, const struct version *item_version, uint64_t *ret_number);
int life_add_version(const struct lives *lives, const struct node *node, const struct node_place *place,
	const struct version *version, struct slice item);
/* Ends a node, and its partition when nothing is left in that. */
int life_end(const struct lives *lives, const struct node *node, const struct node_place *place, uint64_t seq,
	int64_t time_us);

#endif
