/* The change log of a table: every change in order, with its time, node, operation, author.
 *
 * Changes have numbers 1, 2, 3... (`seq`) that never repeat; times never decrease with them. They are stored in blocks of up to
 * LOG_BLOCK_MAX; a block also says how many items and bytes the table had before it, so that these are known at every
 * instant, how long the lines of all changes before it are (change.h), so that any place in their text is found, and where the chain
 * stood (chain.h).
 *
 *   block := u32 checksum of the rest | varint first time | varint items before | varint bytes before | varint lines before
 *          | 32 bytes head of the chain before | varint count | entry...
 *   entry := flags byte (bits 0-1 op) | varint time - previous time | zigzag number - previous number
 *          | varint author | zigzag growth in bytes | varint length of its line, with the newline
 *
 * The log of a restored table that shares its source's history (lineage.h) has only its own changes: the first is the one
 * after the base, the items and bytes before it are those of the base, and no line is before it. */
#ifndef PITR_LOG_H
#define PITR_LOG_H

#include <stdint.h>

#include "chain.h"
#include "layout.h"
#include "store.h"

#define LOG_BLOCK_MAX 64

enum change_op { CHANGE_INSERT = 1, CHANGE_MODIFY = 2, CHANGE_REMOVE = 3 };

struct log_entry {
	uint64_t seq;
	int64_t time_us;
	enum change_op op;
	uint64_t number; /* node that changed */
	uint64_t author;
	int64_t growth_bytes;  /* of the table's size as DynamoDB counts it */
	uint64_t items, bytes; /* of the table after this change */
	uint64_t line_bytes;   /* of its line, with the newline */
	uint64_t lines_bytes;  /* of the lines of all the table's changes up to this one */
};

/* The state a table with a lineage began with, as an entry of op 0. -ENOENT: it has none. */
int log_base(struct store_txn *txn, uint32_t table, struct log_entry *ret_entry);

/* Appends to the table's log within a write transaction. entry->seq must be the last seq + 1; items, bytes and lines_bytes are
 * computed from the entry before. `before` is the head of the chain before this change. */
int log_append(struct store_txn *txn, uint32_t table, struct log_entry *entry, const struct chain *before);

/* The end of a table's log, remembered between changes of one write transaction that nobody else logs changes in. Zeroed before its
 * first use. */
struct log_tail {
	bool is_known;
	uint64_t first_seq; /* of the last block, as it is stored: */
	struct buffer block;
	unsigned count;
	size_t count_at;       /* where the block has its count, a byte */
	struct log_entry last; /* seq 0: none */
};
/* log_append, with what is remembered. */
int log_append_to(struct log_tail *tail, struct store_txn *txn, uint32_t table, struct log_entry *entry,
	const struct chain *before);
void log_tail_free(struct log_tail *tail);

/* The entry with this number. -ENOENT: none (never, or dropped). */
int log_get(struct store_txn *txn, uint32_t table, uint64_t seq, struct log_entry *ret_entry);
/* The last entry whose time is <= `time_us`. -ENOENT: the log begins later, or is empty. Before the first change of a
 * table with a lineage: an entry that tells the base (op 0, the instant that was restored). */
int log_at_time(struct store_txn *txn, uint32_t table, int64_t time_us, struct log_entry *ret_entry);
/* The first entry whose time is > `time_us`. -ENOENT: none. */
int log_after_time(struct store_txn *txn, uint32_t table, int64_t time_us, struct log_entry *ret_entry);
/* The entry whose line holds this byte of the table's text: lines_bytes - line_bytes <= offset < lines_bytes. -ENOENT: beyond the last, or
 * dropped. */
int log_at_line(struct store_txn *txn, uint32_t table, uint64_t offset, struct log_entry *ret_entry);
/* The first and last entries. -ENOENT: empty. */
int log_first(struct store_txn *txn, uint32_t table, struct log_entry *ret_entry);
int log_last(struct store_txn *txn, uint32_t table, struct log_entry *ret_entry);

/* The head of the chain before the block that holds change `seq`, and that block's first number. -ENOENT: no block holds it. */
int log_chain_before(
	struct store_txn *txn, uint32_t table, uint64_t seq, uint64_t *ret_first_seq, struct chain *ret_chain);

/* The first block when it lies wholly before the one that tells the state after change `floor` (UINT64_MAX: in any case): its key and
 * size. What lies so goes by retention, block by block. -ENOENT: there is none. */
int log_unneeded(struct store_txn *txn, uint32_t table, uint64_t from_seq, uint64_t floor, struct layout_key *ret_key,
	size_t *ret_bytes);

/* Walks entries from number `seq` on. */
struct log_walk {
	struct store_txn *txn;
	uint32_t table;
	struct slice block;
	struct reader reader;
	unsigned left;
	struct log_entry entry;
};
int log_walk_begin(struct log_walk *walk, struct store_txn *txn, uint32_t table, uint64_t seq);
int log_walk_next(struct log_walk *walk, struct log_entry *ret_entry); /* 1, 0 at the end, negative */

#endif
