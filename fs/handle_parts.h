/* What a handle is, to its two parts: handle.c opens, reads and writes it, handle_commit.c settles what becomes of what was written. */
#ifndef PITR_FS_HANDLE_PARTS_H
#define PITR_FS_HANDLE_PARTS_H

#include <stdatomic.h>

#include "handle.h"

#define USERS_KEPT 8

struct handle {
	struct mount *mount;
	struct handle *previous, *next; /* guarded by the lock of all handles */
	struct who who;                 /* who opened it */
	bool is_writable, is_append;
	atomic_bool is_detached; /* its name was removed: what is written leads nowhere, as with any unlinked file */
	struct scratch *scratch; /* held: a private file. NULL: */
	struct view *view;       /* held: of the item or .table.json */
	bool is_table_file;
	struct buffer key, path;
	uint64_t nodeid;
	struct draft own;
	bool is_loaded;                       /* `own` began with what is stored, or without */
	struct draft *draft;                  /* the private file's, or `own` */
	struct handle_user users[USERS_KEPT]; /* who wrote, lately */
	size_t next_user;
};

/* Did this process open the file, or write to it lately? With the draft's lock held. */
bool handle_is_user(const struct handle *handle, struct handle_user user);
/* At the release: tells what was left behind. */
void handle_settle(struct handle *handle);

#endif
