/* Contents that are being written, and whether they are committed. Shared by the handles on a private file; an item that
 * is open for writing has one for each handle. */
#ifndef PITR_FS_DRAFT_H
#define PITR_FS_DRAFT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "spool.h"

struct copied;
void copied_free(struct copied *copied);

struct draft {
	pthread_mutex_t lock; /* guards the rest */
	struct spool *spool;
	struct copied *
		copied; /* the contents are a stored item, and the spool is empty (copied.h); NULL: they are in the spool */
	bool is_changed;  /* since the last attempt to commit */
	struct error bad; /* of that attempt; code 0: it was accepted, or there was none */
	uint64_t ticket;  /* of the last that was accepted; 0: none */
};

static inline int draft_init(struct draft *draft, const char *spool_directory)
{
	*draft = (struct draft){ 0 };
	pthread_mutex_init(&draft->lock, NULL);
	return spool_directory == NULL ? 0 : spool_new(spool_directory, &draft->spool);
}

static inline void draft_free(struct draft *draft)
{
	copied_free(draft->copied);
	spool_free(draft->spool);
	pthread_mutex_destroy(&draft->lock);
}

#endif
