/* Nodes: one life of a key, from the change that began it to the one that ended it. The lowest place where versions are
 * found; snapshots read through it and batches write through it. What a restored table does not have itself is found
 * where it goes on from (lineage.h). */
#ifndef PITR_NODE_H
#define PITR_NODE_H

#include "layout.h"
#include "lineage.h"
#include "pack.h"
#include "store.h"

/* An item or partition as of a change. */
struct node {
	uint64_t number; /* unique in the table, for ever */
	enum node_kind kind;
	uint64_t directory, slot;
	struct version version;   /* of a partition: when it came to be */
	struct slice encoded_key; /* borrowed from the transaction */
};

/* Where a node's version is stored. Borrowed from the transaction. */
struct node_place {
	struct slice pack;
	struct slice key; /* the pack's key in STORE_VERSIONS: tells whether it is inherited (node_is_own) */
	unsigned place;
};

/* The node with this number as of change `seq`, also when it had ended (version.is_removal). -ENOENT: not begun, or
 * never. ret_place may be NULL. */
int node_read(struct store_txn *txn, uint32_t table, uint64_t number, uint64_t seq, struct node *ret_node,
	struct node_place *ret_place);
/* The change with which the versions begin that are stored together with the node's as of `seq`, in the table itself: known also when what is
 * stored there is damaged. -ENOENT: the table has none of its own. */
int node_stored_from(struct store_txn *txn, uint32_t table, uint64_t number, uint64_t seq, uint64_t *ret_seq);
/* Is the pack there the table's own? Otherwise only other tables may change it. */
bool node_is_own(const struct node_place *place, uint32_t table);
/* Reads nodes one after the other: from one to those of greater numbers it steps where they are neighbours, and seeks otherwise. To be ended
 * before the transaction is; nothing may be written in that meanwhile. */
struct node_reader {
	struct store_txn *txn;
	struct lineage_path path;
	uint64_t seq;
	struct {
		struct store_cursor *cursor;
		uint64_t number;        /* asked for last; the cursor stands at the first record not before it */
		struct slice key, pack; /* that record */
		int result;             /* of reading it; -ENOENT: there is none */
		bool is_near;           /* it was found by stepping */
	} places[LINEAGE_STEPS];
};
struct node_reader node_reader(struct store_txn *txn, uint32_t table, uint64_t seq);
/* As node_read, as of the reader's change. */
int node_reader_read(struct node_reader *reader, uint64_t number, struct node *ret_node, struct node_place *ret_place);
void node_reader_end(struct node_reader *reader);
/* The last life of a key that had begun at `seq`, as of then, also when it had ended. -ENOENT: none. */
int node_find(struct store_txn *txn, uint32_t table, struct slice encoded_key, uint64_t seq, struct node *ret_node,
	struct node_place *ret_place);

#endif
