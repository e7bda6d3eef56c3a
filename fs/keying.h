/* Finding out what keys a table has of which only some items are copied, without its description: those of a table of this
 * store that the items can be of. States of the past that were looked at last come first: from there one copies. */
#ifndef PITR_FS_KEYING_H
#define PITR_FS_KEYING_H

#include "bytes.h"
#include "store.h"
#include "table.h"

struct mount;

/* A table an item could be of that was written under this name (without directories). -ENOENT: none is known. */
int keying_of_item(
	struct mount *mount, struct store_txn *txn, struct slice item, struct slice name, struct table *ret_table);
/* A table with sort key that has a partition of this name. -ENOENT. */
int keying_of_partition(struct mount *mount, struct store_txn *txn, struct slice name, struct table *ret_table);

#endif
