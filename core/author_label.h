/* Who made a change, in a few words: "rsync (ann)", "pitr rm (ann)", "import of changes.jsonl.gz", "TTL". The same words for every process
 * of one kind, so that changes can be counted by them. */
#ifndef PITR_AUTHOR_LABEL_H
#define PITR_AUTHOR_LABEL_H

#include "bytes.h"
#include "store.h"

#define AUTHOR_LABEL_MAX 96

/* Of an author's text (author.h); "unknown" for an empty one. Without control characters. */
void author_label(struct slice author_text, char ret_label[AUTHOR_LABEL_MAX]);
/* Of a stored author. 0 or negative; one that is not known any more is "unknown". */
int author_label_of(struct store_txn *txn, uint64_t number, char ret_label[AUTHOR_LABEL_MAX]);

#endif
