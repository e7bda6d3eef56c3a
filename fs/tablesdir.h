/* Directories of the root's "@/" that have one for each table: of a living table, and of the last to have a name that no living one
 * has, as long as its window is kept. */
#ifndef PITR_FS_TABLESDIR_H
#define PITR_FS_TABLESDIR_H

#include "attree.h"

/* What branches of that kind are made of. `make` gives the view, held, that stands there for a table; -ENOENT: none does. */
typedef int (*tablesdir_make)(struct mount *mount, struct store_txn *txn, const struct view *view,
	const struct table *table, struct view **ret_view);
int tablesdir_find(struct mount *mount, struct store_txn *txn, const struct view *view, struct slice name,
	tablesdir_make make, struct branch_entry *ret_entry);
int tablesdir_list(struct mount *mount, struct store_txn *txn, const struct view *view, uint64_t after,
	tablesdir_make make, branch_each each, void *context);
/* The directory itself: it changes when tables come and go. */
int tablesdir_node(
	struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, struct branch_node *ret_node);

/* A branch that needs nothing else: `of_table` stands there for each. */
int tablesdir_find_branch(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number,
	struct slice name, struct branch_entry *ret_entry, struct error *error);
int tablesdir_list_branches(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number,
	uint64_t after, branch_each each, void *context);

/* For `make`: a view of a branch in the directory, under the table's name. */
int tablesdir_add(struct mount *mount, const struct view *view, const struct table *table, const struct branch *branch,
	struct view **ret_view);

#endif
