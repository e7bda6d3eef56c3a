/* Views: a table, or the whole store, now or at an instant, or a directory below "@/", under the name it was looked up by.
 *
 * The kernel's node number is the view's slot and a number within it; slot 0 belongs to the mount itself. Every spelling of an instant is
 * a view of its own, for the kernel must never see one directory under two entries. A view's contents do not change
 * while someone holds it: what is new about a table makes another `struct view` in the same slot.
 *
 * For every slot the kernel's references are counted, over all nodes in it. Slots nobody refers to are kept for a while,
 * so that "@-15m" stays what it was while in use, and are then given to others. */
#ifndef PITR_FS_VIEWS_H
#define PITR_FS_VIEWS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "instant.h"
#include "name.h"
#include "pin.h"
#include "snapshot.h"
#include "table.h"

#define NODE_NUMBER_BITS 40
#define NUMBER_DIRECTORY UINT64_C(0)  /* in every view: its top directory */
#define NUMBER_TABLE_FILE UINT64_C(1) /* its .table.json */
#define NUMBER_LINK UINT64_C(2)       /* of an alias: the symbolic link to the table at the root */

static inline uint64_t nodeid_of(uint32_t slot, uint64_t number)
{
	return (uint64_t)slot << NODE_NUMBER_BITS | number;
}
static inline uint32_t nodeid_slot(uint64_t nodeid)
{
	return (uint32_t)(nodeid >> NODE_NUMBER_BITS);
}
static inline uint64_t nodeid_number(uint64_t nodeid)
{
	return nodeid & ((UINT64_C(1) << NODE_NUMBER_BITS) - 1);
}

struct branch;

struct view {
	atomic_uint references;
	uint32_t slot;
	bool is_store; /* the whole store: no table, no snapshot */
	bool is_live;
	bool is_item;                /* past: of one item, looked up as NAME.json@T */
	bool is_gone;                /* live: its table has ended */
	bool is_alias;               /* live: in restore/, or the like of it in there (restoring.h) */
	enum instant_kind written;   /* how the instant was written */
	const struct branch *branch; /* what is below "@/" (attree.h), whose table has no description; NULL: none */
	struct pin_place pin;        /* past: of a backup; number 0: of none */
	atomic_bool is_dropped;      /* past: the kernel was told that it is forgotten (overtaken.h) */
	_Atomic uint64_t
		whole_at; /* past: the commit of the store at which nothing of it was forgotten (overtaken.h); 0: not known */
	atomic_int
		asked_by; /* of a branch that tells what came before the last change: the process that looked it up last */
	int64_t time_us; /* TIME_NOW: live */
	struct table table;
	struct snapshot snapshot;
	struct snapshot
		from; /* of a branch that tells what came between two states: the first; `snapshot` is the second */
	uint64_t ino_base; /* st_ino of its directory; others add their number */
	uint64_t parent;   /* node and name it was looked up by */
	char name[FILE_NAME_MAX + 1];
	char *path; /* from the mount's root, for people */
};

/* A new view, to be filled in and given to views_add or views_refresh. NULL: out of memory. */
struct view *view_new(uint64_t parent, struct slice name, const char *parent_path);
/* One of the same name, place and kind, for what is new about it. */
struct view *view_again(const struct view *view);
struct view *view_hold(struct view *view);
void view_put(struct view *view); /* NULL is fine */

struct views;

int views_new(struct views **ret_views);
void views_free(struct views *views);

/* The view of a slot, held; NULL: none. */
struct view *views_get(struct views *views, uint32_t slot);
/* The view of that parent and name, held; NULL: none. *ret_idle_ms: since when nobody looked it up. The look counts as use. */
struct view *views_find(struct views *views, uint64_t parent, struct slice name, int64_t *ret_idle_ms);
/* The same, if it is a branch that tells what came before the last change, and this process was the last to look it up, not longer ago than
 * that; otherwise it does not count as use. */
struct view *views_find_asked(
	struct views *views, uint64_t parent, struct slice name, pid_t asked_by, int64_t idle_max_ms);
/* How many live views of a table the kernel knows something of. */
size_t views_live(struct views *views, uint32_t table);
/* Calls `each` for the live views of a table that the kernel knows something of, held, with no lock. There is more than one
 * while it is restored. Their number, or -ENOMEM. */
int views_each_live(struct views *views, uint32_t table, void (*each)(void *context, struct view *view), void *context);

/* Gives a new view a slot and its ino_base; it takes the place of the one of the same parent and name, which lives on
 * under its slot until the kernel lets go. Takes over the caller's hold on success; the returned view is held again. When another thread
 * was first with an equal view, that one is returned. */
int views_add(struct views *views, struct view *view, struct view **ret_view);
/* Nothing is found under its name any more; it lives on under its slot until the kernel lets go. */
void views_unname(struct views *views, uint32_t slot);
/* Puts what is new about a table into the same slot. Takes over the hold. */
void views_refresh(struct views *views, uint32_t slot, struct view *view);

/* References of the kernel: gained with every entry in an answer, lost with FORGET. */
void views_count(struct views *views, uint32_t slot, int64_t references);
/* References of the mount's own: private files in a live table. */
void views_pin(struct views *views, uint32_t slot, int by);

/* How many past views the kernel refers to. */
size_t views_past(struct views *views);
/* Calls `each` for the past views the kernel refers to, not looked up for longest, until `count` were told or all; each is told once. */
void views_oldest(
	struct views *views, size_t count, void (*each)(void *context, const struct view *view), void *context);
/* Calls `each` for the past views of tables, the one looked up last first, until it returns false. */
int views_recent(struct views *views, bool (*each)(void *context, struct view *view), void *context);
/* Calls `each` for every view of a table (or of any: UINT32_MAX), held, with no lock. */
int views_each(struct views *views, uint32_t table, void (*each)(void *context, struct view *view), void *context);

#endif
