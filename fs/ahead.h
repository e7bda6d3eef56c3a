/* What a listing of the past will be asked for next, made while the kernel takes in the answer before.
 *
 * Invariant: what is given is what would be made at that moment. The past does not change as long as the store does not, and every
 * change of the store has a commit number. */
#ifndef PITR_FS_AHEAD_H
#define PITR_FS_AHEAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "store.h"
#include "views.h"

#define AHEAD_LISTINGS 4 /* under way at once; of more, some are not made ahead */

/* One answer. */
struct ahead_answer {
	struct view *view; /* of the directory */
	uint64_t nodeid, offset;
	size_t size;           /* asked for */
	uint64_t commit;       /* the last there was */
	uint64_t last;         /* place of its last entry; of none: offset */
	struct buffer entries; /* owned */
	int64_t references;    /* to nodes of the view that the kernel gets with them */
};

struct ahead {
	pthread_mutex_t lock;
	struct ahead_answer answers[AHEAD_LISTINGS]; /* their views are held; NULL: none */
};

void ahead_init(struct ahead *ahead);
void ahead_free(struct ahead *ahead); /* a zeroed one is fine */

/* Keeps the answer, which the transaction shows; takes over its entries. */
void ahead_keep(struct ahead *ahead, struct store *store, struct store_txn *txn, struct ahead_answer *answer);
/* Fills in entries, references and last of the answer to view, nodeid, offset and size, if there is one, which is forgotten. */
bool ahead_take(struct ahead *ahead, struct store *store, struct store_txn *txn, struct ahead_answer *answer);

#endif
