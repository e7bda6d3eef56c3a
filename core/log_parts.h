/* What the files share that append to a log and read it. */
#ifndef PITR_LOG_PARTS_H
#define PITR_LOG_PARTS_H

#include "log.h"

struct log_block_head {
	uint64_t first_seq;
	int64_t first_time_us;
	uint64_t items, bytes, lines; /* before the block */
	struct chain chain;           /* likewise */
	unsigned count;
};

/* The block that holds `seq`, or the last one before it. -ENOENT: none; -EIO: it is damaged, and *ret_first_seq is 0 when not even its
 * key can be read. */
int log_find_block(
	struct store_txn *txn, uint32_t table, uint64_t seq, uint64_t *ret_first_seq, struct slice *ret_block);
/* A block's head, its last entry, and all of them as they are stored. -EIO. */
int log_last_entry(struct slice block, uint64_t first_seq, struct log_block_head *ret_head, struct log_entry *ret_entry,
	struct slice *ret_entries);

#endif
