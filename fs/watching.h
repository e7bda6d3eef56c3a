/* From news of commits, by whomever, to what the kernel has to forget. */
#ifndef PITR_FS_WATCHING_H
#define PITR_FS_WATCHING_H

struct mount;
struct watching;

int watching_start(struct mount *mount, struct watching **ret_watching);
void watching_stop(struct watching *watching); /* NULL is fine */

#endif
