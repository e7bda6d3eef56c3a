/* Files open for writing, and private files open at all.
 *
 * An item's handle has contents of its own, which begin as the stored ones (or empty, when it was opened with O_TRUNC):
 * others see the old version until it is committed. Private files share their contents between handles; one with an
 * item's name becomes the item when a handle is flushed with a good document in it.
 *
  * close(2) arrives as a flush, and more than once where descriptors were inherited, perhaps before anything was written
 * or in the middle of it. So the close of a process that neither opened the file nor wrote to it means nothing; a flush
 * that finds nothing new or nothing at all succeeds, one that finds a document commits it or fails, and only the release
 * decides that what was left behind is to be kept as refused. */
#ifndef PITR_FS_HANDLE_H
#define PITR_FS_HANDLE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "draft.h"
#include "scratch.h"
#include "target.h"
#include "who.h"

struct mount;

/* Longer documents are refused while they are written. */
#define HANDLE_DOCUMENT_MAX ((uint64_t)16 << 20)

struct handle;

/* All handles of a mount. */
struct handles {
	pthread_mutex_t lock;
	struct handle *first;
};

/* A process, by thread and by its table of descriptors, as far as the kernel tells. */
struct handle_user {
	pid_t pid;
	uint64_t owner; /* 0: not told */
};

/* `flags` as for open(2). Of a target: an item, a .table.json or a private file. */
int handle_open(
	struct mount *mount, const struct target *target, int flags, const struct who *who, struct handle **ret_handle);
/* The last of it: tells what was left behind. */
void handle_release(struct handle *handle);
/* At the end of the mount: releases what is still open. What was not closed is not committed, but kept and told. */
void handle_abandon_all(struct handles *handles);

int handle_read(struct handle *handle, uint64_t offset, size_t size, struct buffer *out);
int handle_write(struct handle *handle, uint64_t offset, struct slice bytes, struct handle_user user);
/* A stored item becomes the whole contents, which were empty; `size`: as it would be rendered. -EAGAIN: they were not. */
int handle_copy(struct handle *handle, struct view *from, struct slice item, uint64_t size, struct handle_user user);
int handle_truncate(struct handle *handle, uint64_t size, struct handle_user user);
int handle_flush(struct handle *handle, struct handle_user user);
/* Flushes, and waits until what was committed is safe from power loss. */
int handle_sync(struct handle *handle);
uint64_t handle_size(struct handle *handle);
/* How large the file is for whoever writes through this handle, when that is not what is stored. NULL: false. */
bool handle_own_size(struct handle *handle, uint64_t *ret_size);
/* Is an item of that key open for writing? */
bool handle_is_written(struct handles *handles, uint32_t slot, struct slice key);
/* The item of that key was removed: what is open for writing commits nothing any more. */
void handle_detach(struct handles *handles, uint32_t slot, struct slice key);

/* Commits a private file as the item of its key; `name` is where it was or is to be, for what is told. 0 also when it is empty
 * or unchanged. The caller holds the draft's lock. */
int handle_commit_scratch(struct mount *mount, struct scratch *scratch, const struct view *view, struct slice key,
	const struct who *who, struct error *error);

#endif
