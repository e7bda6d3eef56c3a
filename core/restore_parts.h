/* What the parts of restoring share among themselves. */
#ifndef PITR_RESTORE_PARTS_H
#define PITR_RESTORE_PARTS_H

#include "restore.h"

/* May a table of this name be restored? -EINVAL, -EEXIST: AWS's texts. */
int restore_check_target(struct store_txn *txn, struct slice target, struct error *error);
/* Makes the table that a request (restore_document.h) means, with a record of where it comes from. */
int restore_make_table(struct batch *batch, const struct json *request, const struct restore_progress *record,
	const struct change_context *context, struct table *ret_table, struct error *error);
/* A copy is whole when it has as many items as are expected: so these have to be those of the state, as far as it is
 * in this store, and so have the `items` that were copied before it was known. -EINVAL with why. */
int restore_check_state(struct store_txn *txn, const struct table *table, uint64_t items,
	const struct restore_progress *wanted, struct error *error);
/* A table that is dropped is not in progress any more. */
int restore_forget(struct store_txn *txn, uint32_t table);

#endif
