/* Going into the background, and telling those who wait whether the mount came about. */
#ifndef PITR_FS_DAEMON_H
#define PITR_FS_DAEMON_H

#include <stdbool.h>

/* Who waits: the parent process at a pipe, and whoever passed -o ready_fd. -1: nobody. */
struct daemon_waiters {
	int parent_fd, ready_fd;
};

/* Goes on in a child in a session of its own, before anything is opened: the store must not cross a fork. The parent
 * stays until it is told, and ends with 0 or 1. Negative errno when there is no child. */
int daemon_start(struct daemon_waiters *waiters);

/* Tells them, once; further calls do nothing. A background process that is ready lets go of the terminal. */
void daemon_tell(struct daemon_waiters *waiters, bool is_ready);

#endif
