/* From names to views: live tables, instants, tables of the whole store at an instant. */
#ifndef PITR_FS_RESOLVE_H
#define PITR_FS_RESOLVE_H

#include "bytes.h"
#include "error.h"
#include "store.h"
#include "target.h"
#include "views.h"

struct mount;

/* How long a relative instant keeps its meaning after it was last looked up. */
#define RELATIVE_KEPT_MS 10000
/* The same of what came before the last change, for the process that looked it up. */
#define LATEST_KEPT_MS 1000

/* All give a held view, or -ENOENT. */
int resolve_live_table(struct mount *mount, struct store_txn *txn, struct slice name, struct view **ret_view);
/* A live table by another way, of which `parent_path` is for people: in restore/. */
int resolve_alias(struct mount *mount, uint64_t parent, const char *parent_path, struct slice name,
	const struct table *table, struct view **ret_view);
/* A table of a store view. */
int resolve_store_table(struct mount *mount, struct store_txn *txn, const struct target *store, struct slice name,
	struct view **ret_view);
/* "@T" in the root or a live table, NAME.json@T in a live table or partition; `name` is all of it, `instant` what is behind
 * the '@'. -ENOENT with the reason. */
int resolve_instant(struct mount *mount, struct store_txn *txn, const struct target *directory, struct slice name,
	struct slice instant, struct view **ret_view, struct error *error);

/* The same for an instant that is parsed already, in any place: of a table as it is now, or of the store. */
struct resolve_place {
	uint64_t parent;
	const char *path;          /* of the parent, for people */
	const struct table *table; /* NULL: the whole store */
};
int resolve_instant_in(struct mount *mount, struct store_txn *txn, const struct resolve_place *place, struct slice name,
	const struct instant *instant, struct view **ret_view, struct error *error);

/* A view that was made before and still means the same, held; NULL: none. Relative instants keep their meaning while in use. */
struct view *resolve_find_kept(
	struct mount *mount, struct store_txn *txn, uint64_t parent, const struct table *table, struct slice name);

/* What came before the last change (diff/T..latest), held, for a process that goes on with it: it may be copying out of there into the
 * table, and each file it brings back is a last change. NULL: it is to be looked up. */
struct view *resolve_find_going_on(
	struct mount *mount, struct store_txn *txn, uint64_t parent, struct slice name, pid_t pid);

/* Completes a new view (NULL: -ENOMEM) with its table and snapshot and adds it. Takes over the view and the table. */
int resolve_add(struct mount *mount, struct view *view, struct table *table, const struct snapshot *snapshot,
	struct view **ret_view);

/* Brings a live view up to date with its table's description, or marks its end. */
void resolve_refresh(struct mount *mount, struct store_txn *txn, const struct view *view);
/* All live views of a table, also this one the kernel may not know of yet. */
void resolve_refresh_all(struct mount *mount, const struct view *view);
/* After an import below the instant of a past view: when another state is to be seen there now, its name leads to a new view. What
 * is open of this one, and what the kernel keeps of it, stays as it is. */
void resolve_again(struct mount *mount, struct store_txn *txn, const struct view *view);

#endif
