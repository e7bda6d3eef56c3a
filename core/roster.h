/* Rosters: who is in a directory, since when (by order), and until which change.
 *
 * Every life of a key is a node with a number; a directory (a table, or a partition) gives each node that begins
 * in it the next slot.
 * Slots are therefore ordered by birth. They come in blocks of ROSTER_BLOCK, whose nodes have consecutive numbers; a
 * block keeps for each slot the change that ended it, 0 while it lives. Above them, level k keeps for each block
 * of level
 * k-1 the last death in it, 0 while any lives or it is not full. A listing as of change S skips every block whose last
 * death is <= S, so its cost follows who is alive at S, however many lived and died before, and it stops at the first
 * node born after S.
 *
 *   level 0 := varint first number | byte count | 6 bytes a slot (absent while none died)
 *   level k := 6 bytes a block, ROSTER_BLOCK of them
 *   head    := varint slots | varint alive                        (layout_roster level ROSTER_HEAD)
 *
 * A restored table (lineage.h) has of a directory only the records it changed: a block, level or head it does not have
 * is its parent's, in which what came after the base does not count. Its first change copies the record without that.
 * So, of a block that such a table drops, a record of no slots stays, which hides what its parent has in that place. A block
 * missing elsewhere, or of no slots, is one of which nobody is needed any more, and the level above tells of its end. */
#ifndef PITR_ROSTER_H
#define PITR_ROSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "lineage.h"
#include "store.h"

#define ROSTER_BLOCK 128
#define ROSTER_LEVELS 6
#define ROSTER_HEAD 100

struct roster_head {
	uint64_t slots; /* ever given */
	uint64_t alive;
};

/* In an inherited directory: as of the base, found by halving. */
int roster_head(struct store_txn *txn, uint32_t table, uint64_t directory, struct roster_head *ret_head);

/* A new node. *next_number is the table's counter of numbers and advances by whole blocks. */
int roster_add(struct store_txn *txn, uint32_t table, uint64_t directory, uint64_t *next_number, uint64_t *ret_number,
	uint64_t *ret_slot);
/* Ends the life at `slot` with change `seq`. *ret_alive: how many live in the directory now. */
int roster_end(
	struct store_txn *txn, uint32_t table, uint64_t directory, uint64_t slot, uint64_t seq, uint64_t *ret_alive);

/* Walks the slots of a directory not ended at change `seq`, from `slot` on. Borrows one block a level from the transaction it
 * was begun with, which may not write meanwhile. */
struct roster_walk {
	struct lineage_path path;
	uint64_t directory, seq, slot, slots;
	uint64_t block_index, first_number; /* the block at hand; UINT64_MAX: none */
	unsigned block_count;
	struct slice deaths;
	uint64_t deaths_seq; /* the least of seq and what counts in an inherited block */
	struct {
		uint64_t index, seq; /* index UINT64_MAX: none */
		struct slice deaths;
	} levels[ROSTER_LEVELS]; /* from 1 on: the block last looked at */
};
int roster_walk_begin(struct roster_walk *walk, struct store_txn *txn, uint32_t table, uint64_t directory, uint64_t seq,
	uint64_t slot);
/* 1 and the next number and its slot, 0 at the end, negative on error. */
int roster_walk_next(struct roster_walk *walk, uint64_t *ret_number, uint64_t *ret_slot);

#endif
