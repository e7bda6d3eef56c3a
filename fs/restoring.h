/* "restore/" at the live root: tables that are being restored, and nothing else.
 *
 * A directory made there is a table in progress (restore.h). It is a view of its own, an alias: the kernel must not see one
 * directory under two names, and the table's own at the root comes as soon as it is whole. The alias stays for whoever
 * copies, who has times and modes still to set, as long as the session lasts (sessions.h). After that nothing is left there,
 * or, of a table that shares its source's history, a symbolic link to it.
 *
 * A copy that was interrupted and is begun again goes to NAME/@T, since NAME is there by now: in a table in progress from that
 * instant this is the same table once more. Likewise NAME.json@T is just NAME.json there. */
#ifndef PITR_FS_RESTORING_H
#define PITR_FS_RESTORING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bytes.h"
#include "error.h"
#include "json.h"
#include "store.h"
#include "views.h"
#include "who.h"

struct batch;
struct change_context;
struct mount;
struct spot;
struct target;
struct restoring;

/* What a link in restore/ says, before the table's name. */
#define RESTORING_LINK "../"

int restoring_new(struct restoring **ret_restoring);
void restoring_free(struct restoring *restoring);

/* --- names --- */

/* What stands in restore/ under a name: the node number in the view (held) is NUMBER_DIRECTORY or NUMBER_LINK. -ENOENT. */
int restoring_find(
	struct mount *mount, struct store_txn *txn, struct slice name, struct view **ret_view, uint64_t *ret_number);
/* "@T" in a table in progress: the same table again, when T is what it is copied from. -ENOENT. */
int restoring_find_again(struct mount *mount, struct store_txn *txn, const struct target *directory, struct slice name,
	struct slice instant, struct view **ret_view);
/* A past state of a table from when it was still in progress: whole already, and then `table`, which is as it was then, becomes
 * as it is now; or -ENOENT with why, and `table` is freed. */
int restoring_check_past(struct store_txn *txn, const struct table *now, const struct snapshot *snapshot,
	struct table *table, struct error *error);
/* The table that a name in restore/ is to become: the name, or what a snapshot's own name makes. */
int restoring_table_name(struct mount *mount, struct slice name, struct buffer *out, struct error *error);
/* Lists tables in progress from *number on: as restore_next. The view is held; 1 with NULL: to be passed over. */
int restoring_next(struct mount *mount, struct store_txn *txn, uint32_t *number, struct view **ret_view);
/* Accepts tables that expect nothing, and have something, once nobody copies into them any more. Called before restore/ or the
 * root is looked at, when there are sessions; `with_others`, now and then: also those others have left behind. */
void restoring_tidy(struct mount *mount, bool with_others);
/* Will there soon be something in a directory under a name that nothing stands under now? */
bool restoring_is_coming(struct mount *mount, uint64_t parent);
/* Before a name is looked up at the root: what was copied into a table of that name is committed, so that it stands there
 * when it is whole. */
void restoring_drain(struct mount *mount, struct slice name);

/* --- changing --- */

/* mkdir in restore/. */
int restoring_make(struct spot *spot, const struct who *who);
/* What is made under a name in restore/ is found under it, though it may be "@-15m". */
void restoring_bind(struct mount *mount, struct slice name, uint32_t number);
/* Tells why a table of a name that is in progress can't be made at the root; -EEXIST. */
int restoring_refuse_table(const struct spot *spot);
/* rmdir in restore/: `view` is what is to be dropped. */
int restoring_find_removed(struct spot *spot, struct view **ret_view);
/* unlink in restore/. */
int restoring_unlink(struct spot *spot);
/* Refuses mkdir of "@T" in a table in progress that is copied from elsewhere. */
int restoring_refuse_again(const struct spot *spot);
/* Before mkdir in a directory: a table of which nothing is known yet gets the keys of the one a partition of that name is in. */
void restoring_expect_partition(struct mount *mount, uint64_t parent, const char *name, const struct who *who);
/* A process makes a file in a table that is restored. */
void restoring_note(struct mount *mount, const struct view *view, const struct who *who);
/* May items be removed or renamed there? An existing table is not changed by way of restore/: told, and refused. */
int restoring_check_change(struct spot *spot);

/* Is this the name of an item's file that stands directly in a table with sort key? Such an item goes where its keys say. */
bool restoring_is_loose(const struct view *view, uint64_t parent, struct slice name);

/* --- committing --- */

/* Puts an item into the table of an alias. `key` as its name says, perhaps before the table's keys were known; empty: as the
 * item says. `from` (may be NULL): the table it was copied from. */
int restoring_commit(struct mount *mount, const struct view *view, struct slice key, struct buffer *item,
	const struct table *from, const struct who *who, uint64_t *ret_ticket, struct error *error);
/* .table.json came, within a batch. */
int restoring_describe(struct mount *mount, struct batch *batch, const struct table *table, const struct json *document,
	const struct change_context *context, struct error *error);

#endif
