/* From news of commits, by whomever, to what the kernel has to forget. */
#ifndef PITR_FS_WATCHING_H
#define PITR_FS_WATCHING_H

#include <stdint.h>

struct mount;
struct watching;

int watching_start(struct mount *mount, struct watching **ret_watching);
void watching_stop(struct watching *watching); /* NULL is fine */

/* The last commit (store_commit_number) up to which the notifier was given all there is to tell. */
uint64_t watching_told(const struct watching *watching);

#endif
