/* Answers the kernel's requests.
 *
 * One thread reads and answers as long as that is quick: most requests take less time than waking another thread for
 * them would. Others wait for their turn to read, and get it when a request is about to wait for something (loop_blocks),
 * takes long unforeseen, or when requests have been slow lately, as they are on a cold disk. */
#ifndef PITR_FS_LOOP_H
#define PITR_FS_LOOP_H

#include <stdbool.h>

#define LOOP_THREADS 4

struct fuse_session;

/* Runs until the session is to exit. To be called once in a program. `is_wakeful`: idle processors are kept awake while requests
 * come in quickly (wakeful.h). 0 or a negative errno. */
int loop_run(struct fuse_session *session, bool is_wakeful);

/* The request at hand is about to wait: lets another thread read meanwhile. Does nothing elsewhere. */
void loop_blocks(void);

#endif
