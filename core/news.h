/* News of commits: what each commit changed, noted in META in the place of the one WATCH_COMMITS before it.
 *
 *   META "c" commit % WATCH_COMMITS := varint commit | range...
 *   range  := varint table | varint first seq | varint last seq | flags byte | change...
 *   change := op byte | varint node number | varint directory | varint size of encoded key | encoded key
 *
 * The changes themselves stand there only of a table that forgets them in the same commit; of the others the log tells
 * them. More than fit are left out: who misses them has to forget all it knows. */
#ifndef PITR_NEWS_H
#define PITR_NEWS_H

#include "log.h"
#include "node.h"

#define WATCH_COMMITS 1024

struct news_range {
	uint32_t table;
	uint64_t first, last; /* change numbers */
	bool is_past;         /* an import added them below the time of an earlier commit */
	bool is_listed;       /* the changes follow */
};

/* Adds a range to a note of a commit; `is_forgetting`: with its changes, while they can still be read. */
int news_add(struct store_txn *txn, struct news_range *range, bool is_forgetting, struct buffer *note);
int news_put(struct store_txn *txn, uint64_t commit, const struct buffer *note);

/* The ranges of a commit, for news_next_range. -ENOENT: a later one has its place. */
int news_read(struct store_txn *txn, uint64_t commit, struct reader *ret_note);
/* 1, 0 at the end, negative. */
int news_next_range(struct reader *note, struct news_range *ret_range);
/* The next change of a range that lists them: to be called for each of them. */
int news_next_change(struct reader *note, enum change_op *ret_op, struct node *ret_node);

#endif
