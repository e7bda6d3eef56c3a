/* What a node number of the kernel stands for at the moment. */
#ifndef PITR_FS_TARGET_H
#define PITR_FS_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "attree.h"
#include "bytes.h"
#include "names.h"
#include "scratch.h"
#include "snapshot.h"
#include "store.h"
#include "views.h"

struct mount;

enum target_kind {
	TARGET_ROOT,
	TARGET_STORE, /* the whole store at an instant */
	TARGET_TABLE,
	TARGET_TABLE_FILE,
	TARGET_PARTITION,
	TARGET_ITEM,
	TARGET_FILE,      /* private */
	TARGET_DIRECTORY, /* private */
	TARGET_BRANCH,    /* "@/", or a directory in it that is no state of a table (attree.h) */
	TARGET_LEAF,      /* a file in such a one */
	TARGET_RESTORE,   /* "restore/" */
	TARGET_LINK,      /* in it: to a table at the root */
	TARGET_PITR,
	TARGET_ERRORS,
	TARGET_REJECTED,
	TARGET_KEPT /* a file in rejected/ */
};

struct target {
	enum target_kind kind;
	uint64_t nodeid;
	struct view *view;       /* held; NULL in slot 0. Of private partitions: of the table they stand in */
	struct node node;        /* ITEM, and PARTITION when is_stored; its encoded_key is `key` */
	bool is_stored;          /* PARTITION: it has items */
	struct buffer key;       /* ITEM, PARTITION: encoded */
	struct branch_node leaf; /* BRANCH, LEAF */
	struct scratch *scratch; /* held; private things, and partitions that are kept */
};

/* 0; -ENOENT (-ESTALE for a table that is gone): nothing any more; -EIO. Release it in any case. */
int target_load(struct mount *mount, struct store_txn *txn, uint64_t nodeid, struct target *ret_target);
void target_release(struct target *target);

/* The same, waiting first for a change of this item that is not committed yet. The transaction is the caller's to abort
 * when 0 is returned; otherwise there is none. */
int target_begin(struct mount *mount, uint64_t nodeid, struct store_txn **ret_txn, struct target *ret_target);
/* Is a change of this item not committed yet? Its ticket then. */
bool target_is_pending(struct mount *mount, const struct target *target, uint64_t *ret_ticket);
/* What this mount has accepted in a directory's table, or the table a branch is of (for the root: in all) is committed when this returns, so that it is
 * listed and counts for the directory's time. */
void target_drain(struct mount *mount, uint64_t nodeid);
/* Ends both. */
void target_end(struct store_txn *txn, struct target *target);

bool target_is_directory(const struct target *target);
/* Part of a state that never changes. */
bool target_is_past(const struct target *target);
/* How names are read in it. */
enum names_place target_place(const struct target *target);
/* The directory number in the store that its items stand in: 0 for a table. Only when table or stored partition. */
uint64_t target_directory(const struct target *target);
/* The slot of the table a private thing in it belongs to; 0: none. */
uint32_t target_slot(const struct target *target);
/* Its path from the mount's root, for people, appended. */
void target_path(struct mount *mount, const struct target *target, struct buffer *out);
/* The path of a name in it. */
void target_child_path(struct mount *mount, const struct target *target, const char *name, struct buffer *out);

#endif
