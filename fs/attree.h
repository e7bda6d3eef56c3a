/* The directories below "@/", of a table and of the root: all about time that can be listed. "@/" itself is never listed.
 *
 * Each is a view (views.h) with a branch, which says what stands in it; nothing is kept between requests. The leaves are
 * ordinary past views whose parent is such a directory. A new part of "@/" is a `struct branch` in a file of its own, and a
 * line in attree.c. */
#ifndef PITR_FS_ATTREE_H
#define PITR_FS_ATTREE_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "error.h"
#include "store.h"
#include "table.h"
#include "views.h"
#include "who.h"

struct mount;
struct target;
struct fuse_entry_param;

/* Gets a view, borrowed, that stands in a directory under its name. False: no more are wanted. */
typedef bool (*attree_each)(void *context, uint64_t place, const struct view *view);

struct branch {
	/* The view that stands there under a name, held. -ENOENT. */
	int (*find)(struct mount *mount, struct store_txn *txn, const struct view *directory, struct slice name,
		struct view **ret_view);
	/* All that stands there beyond a place, in order of places; these are above 0, and stay what they are. */
	int (*list)(struct mount *mount, struct store_txn *txn, const struct view *directory, uint64_t after,
		attree_each each, void *context);
	/* When what is listed last changed; 0: never. */
	int (*time)(struct store_txn *txn, const struct view *directory, int64_t *ret_time_us);
	/* mkdir and rmdir in it, committed at once; NULL: -EROFS. */
	int (*make)(struct mount *mount, const struct view *directory, struct slice name, const struct who *who,
		struct error *error);
	int (*remove)(struct mount *mount, const struct view *directory, struct slice name, const struct who *who,
		struct error *error);
};

/* "@" of the root or of a live table. */
int attree_of(struct mount *mount, const struct target *directory, struct view **ret_view);
/* A directory of a branch, in another directory of the tree; it belongs to the same table, or to none. */
int attree_add(struct mount *mount, const struct view *directory, struct slice name, const struct branch *branch,
	struct view **ret_view);

/* The directory with this node, held; NULL: it is none of the tree. */
struct view *attree_get(struct mount *mount, uint64_t nodeid);
/* Answer mkdir and rmdir, and tell why when they refuse. */
int attree_mkdir(struct mount *mount, const struct view *directory, const char *name, const struct who *who,
	struct fuse_entry_param *ret_entry);
int attree_rmdir(struct mount *mount, const struct view *directory, const char *name, const struct who *who);

#endif
