/* Mounts come and go: a process each, under ThreadSanitizer when it is built so. */
#ifndef PITR_STRESS_MOUNTS_H
#define PITR_STRESS_MOUNTS_H

#include "tests/stress/world.h"

void mount_make(unsigned mount, bool is_read_only);
/* Starts it, and returns when it answers. False: it does not; the test has failed. */
bool mount_start(unsigned mount);

enum mount_end { END_UNMOUNT, END_LAZILY, END_SIGNAL, ENDS };
/* Ends it, and returns when its process has ended. Whoever uses it meanwhile is excused. */
void mount_finish(unsigned mount, enum mount_end how);

/* Ends the connection of a mount that hangs, and its process. */
void mount_abort(unsigned mount);

/* What the sanitizer wrote, printed. */
bool has_findings(void);

#endif
