/* What has to be done now and then: commits removals of items moved aside, asks the kernel to drop past views and kept
 * partitions nobody needs, and views of what retention has forgotten, accepts restored tables nobody copies into any more, and
 * commits what writers that died had accepted. */
#ifndef PITR_FS_KEEPER_H
#define PITR_FS_KEEPER_H

struct mount;
struct keeper;

/* Past views and kept partitions that may be alive before the oldest are dropped. */
#define KEEPER_PAST_VIEWS 2048
#define KEEPER_PARTITIONS 1024

int keeper_start(struct mount *mount, struct keeper **ret_keeper);
void keeper_stop(struct keeper *keeper); /* NULL is fine */
/* There is something to do: an item was moved aside, or there are many views. */
void keeper_wake(struct keeper *keeper);

#endif
