/* What is below "@/", of a table and of the root: all about time that can be listed. "@/" itself is never listed.
 *
 * It is made of views (views.h) that have a branch. The branch says what stands in the view: node NUMBER_DIRECTORY is its top
 * directory, other numbers are directories and files as the branch likes; nothing is kept for them between requests. Leaves
 * may also be ordinary past views whose parent is such a directory. A new part of "@/" is a `struct branch` in a file of its
 * own, and a line in attree.c.
 *
 * A writer of a branch goes by this:
 * - Numbers are from BRANCH_NUMBERS on and below 2^40, and mean the same as long as the view's path and table are the same: make
 *   them from what is stored (a node's number as it is; a change, a day or an hour by branch_number). What needs two kinds of numbers is
 *   two views: the second is made by attree_add with a name that cannot be looked up, and is not told to anybody else.
 * - The kernel may ask for any number it was ever given, long after: `node` and `read` look again whether there is such a thing, and
 *   say -ENOENT when it is no more. -ESTALE (retention was faster) and -EIO pass as they are.
 * - A view has the table's number, name and keys as they were when it was made. What depends on settings asks attree_table.
 * - Nothing borrowed from the transaction survives a call that resolves an instant (it may move the transaction on).
 * - What this mount has accepted is committed before anything that is not settled is looked up, listed or has its size told.
 * - `node` is asked for every stat, so it must know sizes without making contents. Sizes are exact.
 * - Errors with a message (find, make, remove) are told in .pitr/errors.jsonl; without one they are just errors. */
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

/* Smaller numbers are reserved. */
#define BRANCH_NUMBERS UINT64_C(16)

static inline uint64_t branch_number(uint64_t value)
{
	return BRANCH_NUMBERS + value;
}
/* False: it is a reserved number. */
static inline bool branch_value(uint64_t number, uint64_t *ret_value)
{
	*ret_value = number - BRANCH_NUMBERS;
	return number >= BRANCH_NUMBERS;
}

/* What stands under a name: a node of this view or of another, which may be of another branch or of none. */
struct branch_entry {
	struct view *view; /* held by whoever made the entry */
	uint64_t number;
};

struct branch_node {
	bool is_file;
	uint64_t size_bytes; /* of a file */
	int64_t time_us; /* mtime. A directory's changes whenever what is listed may have, or `salt` does; 0: that of the mount */
	/* How the kernel learns of changes. Settled: there are none, until the thing is forgotten as a whole; it keeps names, attributes,
	 * pages and listings. Otherwise it asks again after 50 ms, and
	 * drops pages and listings when size or mtime have changed. */
	bool is_settled;
	uint64_t seq; /* change of the view's table that made it, of which extended attributes tell; 0: none */
	/* Of a directory, below 1000: nanoseconds that are added to the mtime in a read-only mount, whose kernel lists anew only when that is
	 * another one. For what changes a listing without being a change of its time, such as the beginning of what can be told moving on. */
	uint16_t salt;
};

/* Gets an entry, borrowed. `node`, when it is at hand, spares a call of its own; NULL otherwise, and for a view's top directory. False: no
 * more are wanted. */
typedef bool (*branch_each)(void *context, uint64_t place, const char *name, const struct branch_entry *entry,
	const struct branch_node *node);

struct branch {
	/* What stands under a name in the directory `number` of the view. -ENOENT. */
	int (*find)(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, struct slice name,
		struct branch_entry *ret_entry, struct error *error);
	/* All that stands in the directory beyond a place, in order of places; these are above 0 and below 2^61, and stay what they
	 * are. */
	int (*list)(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, uint64_t after,
		branch_each each, void *context);
	int (*node)(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number,
		struct branch_node *ret_node);
	/* Appends up to `size` bytes from `offset` on, of a file; fewer only at its end. NULL: there are no files. */
	int (*read)(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, uint64_t offset,
		size_t size, struct buffer *out);
	/* Appends the path of a directory, for messages. NULL: the view's. */
	void (*path)(const struct view *view, uint64_t number, struct buffer *out);
	/* Of a branch with a directory for each table (tablesdir.h): what those are. */
	const struct branch *of_table;
	/* mkdir and rmdir in the top directory, committed at once; NULL: -EROFS. */
	int (*make)(struct mount *mount, const struct view *view, struct slice name, const struct who *who,
		struct error *error);
	int (*remove)(struct mount *mount, const struct view *view, struct slice name, const struct who *who,
		struct error *error);
};

/* "@" of the root or of a live table. */
int attree_of(struct mount *mount, const struct target *directory, struct view **ret_view);
/* A view of a branch in a directory of another, of the same table (or of the store, which is the catalogue's). It is the same one as long as
 * the kernel refers to it, or it was looked up not long ago. */
int attree_add(struct mount *mount, const struct view *view, uint64_t number, struct slice name,
	const struct branch *branch, struct view **ret_view);
/* The same in two steps, for a view with more to it: another table (attree_set_table), instants (`from`, `snapshot`, `written`), a
 * longer path. New views in their place are the same one only if they agree in these. attree_new: NULL: out of memory;
 * attree_put takes over the hold. */
struct view *attree_new(const struct view *view, uint64_t number, struct slice name, const struct branch *branch);
void attree_set_table(struct view *view, const struct table *table);
int attree_put(struct mount *mount, struct view *view, struct view **ret_view);

/* The view's table with its settings of now; of one that has ended, those it had when the view was made. */
int attree_table(struct store_txn *txn, const struct view *view, struct table *ret_table);

/* The view whose top directory has this node, held; NULL: it is none of the tree. */
struct view *attree_get(struct mount *mount, uint64_t nodeid);
/* Answer mkdir and rmdir, and tell why when they refuse. */
int attree_mkdir(struct mount *mount, struct view *view, const char *name, const struct who *who,
	struct fuse_entry_param *ret_entry);
int attree_rmdir(struct mount *mount, const struct view *view, const char *name, const struct who *who);
/* find, telling why when it refuses. */
int attree_find(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, struct slice name,
	struct branch_entry *ret_entry);

#endif
