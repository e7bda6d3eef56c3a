/* Who restores what in this mount: for each table made or written to in restore/, the process that made it and the one that
 * wrote last. A session lasts while one of them lives, and SESSION_GRACE_MS longer for what is done after them. */
#ifndef PITR_FS_SESSIONS_H
#define PITR_FS_SESSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SESSION_GRACE_MS 2000
#define SESSIONS_MAX 256

struct sessions;

struct session {
	uint32_t table;
	bool is_alive;   /* one of its processes lives */
	bool is_over;    /* none does, and has not for a while */
	bool has_keys;   /* what the table's keys are was settled */
	bool is_lenient; /* it was taken as it is when its processes ended; whoever comes next may add to it */
};

int sessions_new(struct sessions **ret_sessions);
void sessions_free(struct sessions *sessions);

/* A process makes a table, or writes to it. Begins the session when there is none; of too many the oldest is forgotten. */
void sessions_made(struct sessions *sessions, uint32_t table, pid_t pid);
void sessions_wrote(struct sessions *sessions, uint32_t table, pid_t pid);
void sessions_set_keys(struct sessions *sessions, uint32_t table);
void sessions_set_lenient(struct sessions *sessions, uint32_t table);
void sessions_end(struct sessions *sessions, uint32_t table);

size_t sessions_count(struct sessions *sessions);
/* False: none. */
bool sessions_get(struct sessions *sessions, uint32_t table, struct session *ret_session);
/* The session of the next table after `table`; false at the end. */
bool sessions_next(struct sessions *sessions, uint32_t table, struct session *ret_session);

#endif
