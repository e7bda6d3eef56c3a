/* Holds: a table, or one state of it, is kept against retention and deletion until the hold is released or ends.
 * A held table can't be deleted (-EPERM, naming the hold). Names of holds are unique in the store. */
#ifndef PITR_HOLD_H
#define PITR_HOLD_H

#include "batch.h"
#include "pin.h"
#include "snapshot.h"
#include "table.h"

/* snapshot NULL: the whole table, every state its window shows now and every later one. until_us 0: no end.
 * -EEXIST: a hold of that name; -EINVAL: the name (1 to 255 of a-zA-Z0-9_.-), or an end in the past; -ESTALE. */
int hold_add(struct batch *batch, const struct table *table, const struct snapshot *snapshot, struct slice name,
	const char *reason, int64_t until_us, const struct change_context *context, struct pin *ret_pin,
	struct error *error);
int hold_release(struct batch *batch, struct slice name, struct pin *ret_pin, struct error *error); /* -ENOENT */
int hold_find(struct store_txn *txn, struct slice name, struct pin *ret_pin);                       /* -ENOENT */
/* A hold on this table, of any kind, whose end has not come. -ENOENT: none. */
int hold_of_table(struct store_txn *txn, uint32_t table, struct pin *ret_pin);

#endif
