/* What the parts of restoring.h share. */
#ifndef PITR_FS_RESTORING_PARTS_H
#define PITR_FS_RESTORING_PARTS_H

#include <pthread.h>
#include <stdbool.h>

#include "sessions.h"
#include "store.h"
#include "table.h"

struct mount;

struct restoring {
	struct sessions *sessions;
	pthread_mutex_t keys_lock; /* held while it is settled what keys a table has */
};

/* May items be put into it by way of restore/? While it is in progress; and a table that expects nothing, which is whole with every
 * item, while the session lasts. */
bool restoring_may_change(struct mount *mount, struct store_txn *txn, const struct table *table);

#endif
