/* Gives the kernel the contents of items before they are asked for.
 *
 * Whoever reads the items of a directory one after the other (grep, tar, cp, rsync) is followed: after the answer, those behind it in
 * the order of the listing are rendered and stored in the kernel's page cache, more of them the longer the order is kept, none after
 * it is left. Listings alone cost nothing, and so does reading here and there.
 *
 * Invariant: what is stored is never stale. Past items never change. Of a live item only a settled version is stored, of which
 * this mount has no change under way, and a store and a notice that the item changed never cross: both are sent
 * under one lock (prefetch_lock), the store with what a transaction begun under it shows; so the notice of any later commit comes
 * after. No request is ever answered under that lock, and nothing is stored from a request: a page that is being read is locked
 * until the answer. */
#ifndef PITR_FS_PREFETCH_H
#define PITR_FS_PREFETCH_H

#include "target.h"

struct fuse_session;
struct mount;
struct prefetch;

int prefetch_start(struct mount *mount, struct fuse_session *session, struct prefetch **ret_prefetch);
/* NULL is fine. */
void prefetch_stop(struct prefetch *prefetch);
/* The thread ends, with at most a few dozen items stored before; the kernel may want requests answered for that. NULL is fine. */
void prefetch_rest(struct prefetch *prefetch);

/* An item was read from its beginning: the kernel had not got it. To be called after the answer; never waits, and takes well below a microsecond when nothing
 * is to be done. NULL is fine. */
void prefetch_follow(struct prefetch *prefetch, const struct target *target);

/* Held while the kernel is told of changes of live items. */
void prefetch_lock(struct prefetch *prefetch);
void prefetch_unlock(struct prefetch *prefetch);

#endif
