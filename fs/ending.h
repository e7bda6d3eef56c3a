/* Ends the mount on SIGTERM, SIGINT and SIGHUP.
 *
 * The notifier and the one that stores ahead may be waiting for a lock of the kernel that a request holds, so requests are answered until
 * both have come to rest: only then does the loop end. Left unanswered, they would hold each other, and this process, for ever. */
#ifndef PITR_FS_ENDING_H
#define PITR_FS_ENDING_H

struct fuse_session;
struct notifier;
struct prefetch;
struct ending;

/* Called by the thread that is about to run the session's loop, with these signals blocked in all threads. */
int ending_start(
	struct fuse_session *session, struct notifier *notifier, struct prefetch *prefetch, struct ending **ret_ending);
/* The loop has ended, for whatever reason. NULL is fine. */
void ending_stop(struct ending *ending);

#endif
