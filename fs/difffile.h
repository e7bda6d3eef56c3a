/* The files of a difference between two states: items as they were in one of them, what changed in those that are in both, and the sum.
 *
 * A view of a difference has the first state in `from`, the second in `snapshot`. */
#ifndef PITR_FS_DIFFFILE_H
#define PITR_FS_DIFFFILE_H

#include <stdint.h>

#include "attree.h"
#include "difference.h"

/* The file of one that is different: of a changed item
 *   {"key": {..}, "before": {..}, "after": {..}, "patch": [..], "last": {"seq", "op", "time", "author"}}
 * of others the item itself. One that is damaged says so when it is read: -EIO. */
int difffile_node(struct mount *mount, struct store_txn *txn, const struct view *view,
	const struct difference *difference, struct branch_node *ret_node);
int difffile_read(struct mount *mount, struct store_txn *txn, const struct view *view,
	const struct difference *difference, uint64_t offset, size_t size, struct buffer *out);
/* Up to `size` bytes of one that was read before, if it is kept. 1, or 0. */
int difffile_read_kept(
	struct mount *mount, const struct view *view, uint64_t place, uint64_t offset, size_t size, struct buffer *out);

/* summary.json: how many are different, and of how many that can't be told as they are damaged. Its size doesn't depend on them. */
int difffile_summary_node(const struct view *view, struct branch_node *ret_node);
int difffile_summary_read(struct mount *mount, struct store_txn *txn, const struct view *view, uint64_t offset,
	size_t size, struct buffer *out);

/* Before a walk over all changes between the two: it may take long. */
void difffile_walks(const struct view *view);
/* The later of the two instants: mtime of all directories. */
int64_t difffile_time(const struct view *view);

#endif
