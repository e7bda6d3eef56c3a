/* The page every process of a store maps: the instant served, the batch being written, whose turn it is, and the commit bell.
 *
 * served: no commit may be at or below it. bell: counts commits; waited on with a futex, so that a commit is known to
 * the other processes at once. Losing this file (a copy of the store without it) loses nothing that matters. */
#ifndef PITR_SHARED_H
#define PITR_SHARED_H

#include <stdbool.h>
#include <stdint.h>

struct shared;

/* Maps DIRECTORY/shared, making it unless read-only. Never fails for want of the file: a process that can't map it works
 * with a page of its own. -ENOMEM only. */
int shared_open(const char *directory, bool is_read_only, bool is_lock_free, struct shared **ret_shared);
void shared_close(struct shared *shared);

int64_t shared_served(const struct shared *shared);
void shared_serve(struct shared *shared, int64_t time_us); /* raises, never lowers */
/* The least time a batch that is open may commit with; 0: none is, or its changes have times of their own. */
int64_t shared_writing(const struct shared *shared);
void shared_set_writing(struct shared *shared, int64_t time_us);
/* To none, if it is still this. */
void shared_forget_writing(struct shared *shared, int64_t time_us);
/* Takes what one process is enough for upon itself: true when it has it already (*turn, at first 0, says so), or nobody took it
 * in the last `lease_ms`. */
bool shared_take_turn(struct shared *shared, int64_t lease_ms, int64_t *turn);
void shared_ring(struct shared *shared);
uint32_t shared_bell(const struct shared *shared);
/* Returns when the bell differs from `known`, or after the timeout. */
void shared_wait(struct shared *shared, uint32_t known, int timeout_ms);

#endif
