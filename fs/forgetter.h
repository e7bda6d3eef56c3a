/* Retention in the background of a writable mount: small steps with pauses between them, so that whoever writes or reads
 * meanwhile hardly notices. Of all the mounts of a store one does it at a time. */
#ifndef PITR_FS_FORGETTER_H
#define PITR_FS_FORGETTER_H

struct mount;
struct forgetter;

/* With nothing to do it looks again after FORGETTER_IDLE_MS; with something it rests FORGETTER_RESTS times as long as each step
 * took, and at least FORGETTER_REST_MS, in which changes that arrived are committed. */
#define FORGETTER_IDLE_MS 1000
#define FORGETTER_REST_MS 25
#define FORGETTER_RESTS 3

int forgetter_start(struct mount *mount, struct forgetter **ret_forgetter);
void forgetter_stop(struct forgetter *forgetter); /* NULL is fine; waits for the step under way */

#endif
