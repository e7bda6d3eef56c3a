/* Tells the kernel what to forget. One thread that does nothing else: notifications wait for locks of the kernel which
 * requests hold, so they never come from a request, and no lock of ours is held during one
 * that requests take.
 *
 * An answer under way can bring back what was just forgotten; hence each note is sent again after NOTIFIER_AGAIN_MS, and
 * once more later when there is little to do. */
#ifndef PITR_FS_NOTIFIER_H
#define PITR_FS_NOTIFIER_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"

#define NOTIFIER_AGAIN_MS 40
#define NOTIFIER_LATE_MS 1000

struct fuse_session;
struct notifier;
struct prefetch;

/* Notes are sent under `prefetch`'s lock (prefetch.h). */
int notifier_start(struct fuse_session *session, struct prefetch *prefetch, struct notifier **ret_notifier);
void notifier_stop(struct notifier *notifier); /* NULL is fine; what is queued is dropped */
/* The same for its thread alone: notes can still be added, and are dropped. */
void notifier_rest(struct notifier *notifier);
/* The kernel knows how to only look a name up again (notifier_expire). */
void notifier_set_can_expire(struct notifier *notifier, bool can_expire);

/* Attributes and contents of a node; for a directory also its cached listing. */
void notifier_node(struct notifier *notifier, uint64_t nodeid);
/* The entry, and all below it that is not in use. Processes that stand in such a directory lose its path. */
void notifier_drop(struct notifier *notifier, uint64_t parent, struct slice name);
/* The same, sent once: the entry is right, but the memory for it is wanted back, now or NOTIFIER_LATE_MS later. */
void notifier_release(struct notifier *notifier, uint64_t parent, struct slice name, bool is_late);
/* The entry is looked up again when it is next used. */
void notifier_expire(struct notifier *notifier, uint64_t parent, struct slice name);

/* Waits while too much is queued. Never from a request. */
void notifier_keep_pace(struct notifier *notifier);
/* All notes have been sent, if only once. */
bool notifier_is_done(struct notifier *notifier);

#endif
