/* Who set what: for each attribute of an item, the change that last gave it its value. */
#ifndef PITR_BLAME_H
#define PITR_BLAME_H

#include "change.h"
#include "reach.h"

/* Called for each attribute of the item in the state after change `seq`, in the order of its file. The log entry of the change that set it; is_older:
 * it was so at the beginning of what can be told, and the entry is that state's. Negative ends it. */
typedef int (*blame_each)(
	void *context, struct slice name, const struct value *value, const struct log_entry *entry, bool is_older);
/* Looks back from that state only as far as it takes to know of each attribute. -ENOENT: the item was not there. */
int blame(struct store_txn *txn, const struct table *table, const struct reach *reach, struct slice encoded_key,
	uint64_t seq, blame_each each, void *context, struct error *error);

#endif
