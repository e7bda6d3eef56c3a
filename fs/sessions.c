#include "sessions.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "monotonic.h"
#include "process.h"

/* A process, so that another one that gets its number later is not taken for it. */
struct process {
	pid_t thread, group; /* 0: none */
	uint64_t started;
};

struct session {
	uint32_t table; /* 0: none */
	bool has_keys;
	struct process maker, writer;
	int64_t alive_ms; /* when one of them was last seen */
};

struct sessions {
	pthread_mutex_t lock;
	struct session of[SESSIONS_MAX];
};

int sessions_new(struct sessions **ret_sessions)
{
	struct sessions *sessions = calloc(1, sizeof(*sessions));

	if (sessions == NULL)
		return -ENOMEM;
	pthread_mutex_init(&sessions->lock, NULL);
	*ret_sessions = sessions;
	return 0;
}

void sessions_free(struct sessions *sessions)
{
	if (sessions == NULL)
		return;
	pthread_mutex_destroy(&sessions->lock);
	free(sessions);
}

/* --- processes --- */

/* When a process started; 0: it does not live. What ended and was not waited for does not. */
static uint64_t start_of(pid_t pid)
{
	struct process_facts facts;

	return process_look(pid, &facts) && facts.state != 'Z' && facts.state != 'X' ? facts.started : 0;
}

/* The kernel tells threads. */
static pid_t group_of(pid_t thread)
{
	char text[4096];
	const char *line;

	if (thread <= 0 || !process_file(thread, "status", text, sizeof(text)))
		return thread;
	line = strstr(text, "\nTgid:");
	return line == NULL ? thread : (pid_t)strtol(line + 6, NULL, 10);
}

static void note_process(struct process *process, pid_t thread)
{
	if (process->thread == thread && thread > 0)
		return;
	process->thread = thread;
	process->group = group_of(thread);
	process->started = start_of(process->group);
}

static bool is_alive(const struct process *process)
{
	return process->started != 0 && start_of(process->group) == process->started;
}

/* --- sessions; the lock is held --- */

static struct session *find(struct sessions *sessions, uint32_t table)
{
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		if (sessions->of[i].table == table)
			return &sessions->of[i];
	}
	return NULL;
}

static struct session *need(struct sessions *sessions, uint32_t table)
{
	struct session *session = find(sessions, table);

	if (session != NULL)
		return session;
	session = &sessions->of[0];
	for (size_t i = 1; i < SESSIONS_MAX; i++) {
		if (sessions->of[i].alive_ms < session->alive_ms)
			session = &sessions->of[i];
	}
	*session = (struct session){ .table = table };
	return session;
}

/* One that is over is forgotten. */
static bool is_open(struct session *session)
{
	int64_t now_ms = monotonic_ms();

	if (session->table == 0)
		return false;
	if (is_alive(&session->writer) || is_alive(&session->maker))
		session->alive_ms = now_ms;
	if (now_ms - session->alive_ms <= SESSION_GRACE_MS)
		return true;
	*session = (struct session){ 0 };
	return false;
}

/* --- --- */

void sessions_made(struct sessions *sessions, uint32_t table, pid_t pid)
{
	struct session *session;

	pthread_mutex_lock(&sessions->lock);
	session = need(sessions, table);
	note_process(&session->maker, pid);
	session->alive_ms = monotonic_ms();
	pthread_mutex_unlock(&sessions->lock);
}

void sessions_wrote(struct sessions *sessions, uint32_t table, pid_t pid)
{
	struct session *session;

	pthread_mutex_lock(&sessions->lock);
	session = need(sessions, table);
	note_process(&session->writer, pid);
	session->alive_ms = monotonic_ms();
	pthread_mutex_unlock(&sessions->lock);
}

void sessions_set_keys(struct sessions *sessions, uint32_t table)
{
	struct session *session;

	pthread_mutex_lock(&sessions->lock);
	session = find(sessions, table);
	if (session != NULL)
		session->has_keys = true;
	pthread_mutex_unlock(&sessions->lock);
}

bool sessions_has_keys(struct sessions *sessions, uint32_t table)
{
	const struct session *session;
	bool has_keys;

	pthread_mutex_lock(&sessions->lock);
	session = find(sessions, table);
	has_keys = session != NULL && session->has_keys;
	pthread_mutex_unlock(&sessions->lock);
	return has_keys;
}

bool sessions_is_open(struct sessions *sessions, uint32_t table)
{
	struct session *session;
	bool is;

	pthread_mutex_lock(&sessions->lock);
	session = find(sessions, table);
	is = session != NULL && is_open(session);
	pthread_mutex_unlock(&sessions->lock);
	return is;
}

bool sessions_is_busy(struct sessions *sessions, uint32_t table, bool *ret_is_known)
{
	struct session *session;
	bool is_busy = false;

	pthread_mutex_lock(&sessions->lock);
	session = find(sessions, table);
	*ret_is_known = session != NULL && is_open(session);
	if (*ret_is_known)
		is_busy = is_alive(&session->writer) || is_alive(&session->maker);
	pthread_mutex_unlock(&sessions->lock);
	return is_busy;
}

bool sessions_any(struct sessions *sessions)
{
	bool is_any = false;

	pthread_mutex_lock(&sessions->lock);
	for (size_t i = 0; i < SESSIONS_MAX && !is_any; i++)
		is_any = is_open(&sessions->of[i]);
	pthread_mutex_unlock(&sessions->lock);
	return is_any;
}
