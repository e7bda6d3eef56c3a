/* The versions of an item as files: <instant>.json, and <instant>.deleted for its removals, which tell who removed what. Of several of one
 * time the first has that name and the others <instant>~seq-<change>.json; each is found under its longer name, too. */
#ifndef PITR_FS_HISTORYFILE_H
#define PITR_FS_HISTORYFILE_H

#include "attree.h"
#include "keydir.h"

/* In the directory of an item, for its branch (historydir.h), whose view is `view`. */
int historyfile_find(struct mount *mount, struct store_txn *txn, const struct view *view, const struct told *told,
	struct slice encoded_key, struct slice name, struct branch_entry *ret_entry);
int historyfile_list(struct mount *mount, struct store_txn *txn, const struct view *view, const struct told *told,
	struct slice encoded_key, uint64_t after, branch_each each, void *context);

#endif
