/* Who is behind a request, as the author of a change. */
#ifndef PITR_FS_WHO_H
#define PITR_FS_WHO_H

#include <stdint.h>
#include <sys/types.h>

#include "bytes.h"

/* A process and its user, as they were when looked at. */
struct who {
	uid_t uid;
	gid_t gid;
	pid_t pid;
	char process[32]; /* "" unknown */
	char reason[513]; /* PITR_REASON of its environment; "" none, or unknown */
};

/* For requests that may change something: it may wait for the process (loop.h). */
struct who who_of(uid_t uid, gid_t gid, pid_t pid);
/* The author text (author.h) of changes made by it. */
void who_author(const struct who *who, struct buffer *out);

#endif
