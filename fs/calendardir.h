/* The calendar in "@/", of a table and of the root: days with changes, in them hours with changes, in these one instant for each second
 * with changes, named by the last change in it. All times are UTC, whatever -o tz= says. Any instant of such an hour is found there.
 *
 *   @/2025-03-01/12/@2025-03-01T12:30:00/
 *
 * It stands in the view of "@" itself: these answer for its days and hours, and for what they contribute to its top directory. */
#ifndef PITR_FS_CALENDARDIR_H
#define PITR_FS_CALENDARDIR_H

#include "attree.h"

/* As in struct branch. In the top directory smaller places are left to others. */
#define CALENDARDIR_PLACES UINT64_C(16)

int calendardir_find(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, struct slice name,
	struct branch_entry *ret_entry, struct error *error);
int calendardir_list(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, uint64_t after,
	branch_each each, void *context);
/* The top directory's time is that of the last change. */
int calendardir_node(
	struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, struct branch_node *ret_node);
void calendardir_path(const struct view *view, uint64_t number, struct buffer *out);

#endif
