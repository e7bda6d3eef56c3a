/* Every key a directory had in the time that can be told (reach.h), alive or gone, each once: a seek or two for each that is
 * given, whatever lives and versions it had. */
#ifndef PITR_KEYS_H
#define PITR_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "gone.h"
#include "node.h"
#include "reach.h"
#include "snapshot.h"
#include "store.h"
#include "table.h"

/* Keys come in the order in which their last lives began: what lives, from the roster, and between it what is gone (gone.h). One that goes
 * keeps its place; one that comes back gets a new one at the end, so a listing under way may give it again. `place` is the number of the
 * last life, above 0 and below 2^40. */
struct keys_walk {
	uint64_t place; /* of the key last given: where to go on */
	bool has_alive; /* a partition that is gone has nobody */
	struct snapshot_walk alive;
	struct gone_walk gone;
	int alive_state, gone_state; /* 1: the next is at hand; 0: there is none; -1: not read yet */
	struct node next_alive, gone_node;
	struct gone next_gone;
};

/* Keys in a table (partitions, when it has a sort key), or in a partition (its encoded key), beyond `place` (0: from the beginning). -ENOENT:
 * there is no such partition. `table` is borrowed until keys_end. */
int keys_begin(struct keys_walk *walk, struct store_txn *txn, const struct table *table, const struct reach *reach,
	struct slice partition, uint64_t place);
/* 1 and the last life of the next key, as it is now (version.is_removal: gone), 0 at the end, negative. A living node that is damaged is
 * given with kind 0, as by snapshot_walk_next. */
int keys_next(struct keys_walk *walk, struct node *ret_node);
void keys_end(struct keys_walk *walk); /* also after keys_begin failed */

/* One key as it is now. -ENOENT: there is nothing of it in the reach. */
int keys_find(struct store_txn *txn, const struct table *table, const struct reach *reach, struct slice encoded_key,
	struct node *ret_node);

/* The encoded key a file name stands for in the table or in a partition, as snapshot_key_of_name, but a cut name of any of the partition's
 * lives is known. Appended to `out`. -ENOENT: there can't be such a key, or it is not known. */
int keys_of_name(struct store_txn *txn, const struct table *table, struct slice partition, struct slice name,
	struct buffer *out);

#endif
