/* Who restores what in this mount: for each table made or written to in restore/, the process that made it and the one that
 * wrote last. A session lasts while one of them lives, and SESSION_GRACE_MS longer for what is done after them. */
#ifndef PITR_FS_SESSIONS_H
#define PITR_FS_SESSIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SESSION_GRACE_MS 2000
#define SESSIONS_MAX 256

struct sessions;

int sessions_new(struct sessions **ret_sessions);
void sessions_free(struct sessions *sessions);

/* A process makes a table, or writes to it. Begins the session when there is none; of too many the oldest is forgotten. */
void sessions_made(struct sessions *sessions, uint32_t table, pid_t pid);
void sessions_wrote(struct sessions *sessions, uint32_t table, pid_t pid);
/* What the keys of the table are is settled. */
void sessions_set_keys(struct sessions *sessions, uint32_t table);
bool sessions_has_keys(struct sessions *sessions, uint32_t table);

bool sessions_is_open(struct sessions *sessions, uint32_t table);
/* Does one of its processes live? *ret_is_known: there is a session at all. */
bool sessions_is_busy(struct sessions *sessions, uint32_t table, bool *ret_is_known);
/* Is one open? */
bool sessions_any(struct sessions *sessions);

#endif
