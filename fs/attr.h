/* Attributes of files, and the entries the kernel gets with them. */
#ifndef PITR_FS_ATTR_H
#define PITR_FS_ATTR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "snapshot.h"
#include "store.h"
#include "target.h"
#include "views.h"

struct mount;
struct fuse_entry_param;

int attr_of_target(struct mount *mount, struct store_txn *txn, const struct target *target, struct stat *ret_stat);
double attr_timeout(const struct target *target);

/* The mtime of a table's directory, and of its partitions. */
int attr_view_time(struct store_txn *txn, const struct view *view, int64_t *ret_time_us);
/* Of an item or partition found in a view; `view_time_us` from above. */
void attr_of_node(const struct mount *mount, const struct view *view, int64_t view_time_us, const struct node *node,
	struct stat *ret_stat);
/* Of a node of a branch. */
void attr_of_leaf(const struct mount *mount, const struct view *view, uint64_t number, const struct branch_node *leaf,
	struct stat *ret_stat);
/* Of a private file or directory (not a partition). */
void attr_of_scratch(const struct mount *mount, struct scratch *scratch, struct stat *ret_stat);

/* The entry of a node that was found. It counts as one reference of the kernel once it is sent: attr_count. */
int attr_entry(
	struct mount *mount, struct store_txn *txn, const struct target *target, struct fuse_entry_param *ret_entry);
/* The same for a node of a view, without loading it again. */
void attr_node_entry(const struct mount *mount, const struct view *view, int64_t view_time_us, const struct node *node,
	struct fuse_entry_param *ret_entry);

/* And for one of a branch, not its top directory. */
void attr_leaf_entry(const struct mount *mount, const struct view *view, uint64_t number,
	const struct branch_node *leaf, struct fuse_entry_param *ret_entry);

/* Adds to the references the kernel has to a node. */
void attr_count(struct mount *mount, uint64_t nodeid, int64_t references);

#endif
