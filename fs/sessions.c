#include "sessions.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "monotonic.h"

/* A process, so that another one that gets its number later is not taken for it. */
struct process {
	pid_t thread, group; /* 0: none */
	uint64_t started;
};

struct entry {
	struct session session; /* table 0: free */
	struct process maker, writer;
	int64_t alive_ms; /* when one of them was last seen */
};

struct sessions {
	pthread_mutex_t lock;
	struct entry entries[SESSIONS_MAX];
	size_t count;
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

/* A file of /proc/PID, cut to the room there is. False: no such process. */
static bool read_about(pid_t pid, const char *file, char *ret_text, size_t size)
{
	char path[64];
	ssize_t count;
	int fd;

	snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	count = read(fd, ret_text, size - 1);
	close(fd);
	ret_text[count > 0 ? count : 0] = '\0';
	return count > 0;
}

/* When a process started; 0: it does not live. What ended and was not waited for does not. */
static uint64_t start_of(pid_t pid)
{
	char text[1024], state = 'X';
	unsigned long long started = 0;
	const char *rest;

	if (pid <= 0 || !read_about(pid, "stat", text, sizeof(text)))
		return 0;
	/* The name before the last bracket can hold anything. */
	rest = strrchr(text, ')');
	if (rest == NULL ||
		sscanf(rest + 1, " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
			&state, &started) != 2)
		return 0;
	return state == 'Z' || state == 'X' ? 0 : started;
}

/* The kernel tells threads. */
static pid_t group_of(pid_t thread)
{
	char text[4096];
	const char *line;

	if (thread <= 0 || !read_about(thread, "status", text, sizeof(text)))
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

static struct entry *find(struct sessions *sessions, uint32_t table)
{
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		if (sessions->entries[i].session.table == table)
			return &sessions->entries[i];
	}
	return NULL;
}

static struct entry *need(struct sessions *sessions, uint32_t table)
{
	struct entry *entry = find(sessions, table);

	if (entry != NULL)
		return entry;
	entry = find(sessions, 0);
	if (entry == NULL) {
		entry = &sessions->entries[0];
		for (size_t i = 1; i < SESSIONS_MAX; i++) {
			if (sessions->entries[i].alive_ms < entry->alive_ms)
				entry = &sessions->entries[i];
		}
	} else {
		sessions->count++;
	}
	*entry = (struct entry){ .session = { .table = table } };
	return entry;
}

static void look(struct entry *entry, struct session *ret_session)
{
	int64_t now_ms = monotonic_ms();

	entry->session.is_alive = is_alive(&entry->writer) || is_alive(&entry->maker);
	if (entry->session.is_alive)
		entry->alive_ms = now_ms;
	entry->session.is_over = now_ms - entry->alive_ms > SESSION_GRACE_MS;
	*ret_session = entry->session;
}

/* --- --- */

void sessions_made(struct sessions *sessions, uint32_t table, pid_t pid)
{
	struct entry *entry;

	pthread_mutex_lock(&sessions->lock);
	entry = need(sessions, table);
	note_process(&entry->maker, pid);
	entry->alive_ms = monotonic_ms();
	pthread_mutex_unlock(&sessions->lock);
}

void sessions_wrote(struct sessions *sessions, uint32_t table, pid_t pid)
{
	struct entry *entry;

	pthread_mutex_lock(&sessions->lock);
	entry = need(sessions, table);
	note_process(&entry->writer, pid);
	entry->alive_ms = monotonic_ms();
	pthread_mutex_unlock(&sessions->lock);
}

void sessions_set_keys(struct sessions *sessions, uint32_t table)
{
	struct entry *entry;

	pthread_mutex_lock(&sessions->lock);
	entry = find(sessions, table);
	if (entry != NULL)
		entry->session.has_keys = true;
	pthread_mutex_unlock(&sessions->lock);
}

void sessions_set_lenient(struct sessions *sessions, uint32_t table)
{
	struct entry *entry;

	pthread_mutex_lock(&sessions->lock);
	entry = find(sessions, table);
	if (entry != NULL)
		entry->session.is_lenient = true;
	pthread_mutex_unlock(&sessions->lock);
}

void sessions_end(struct sessions *sessions, uint32_t table)
{
	struct entry *entry;

	pthread_mutex_lock(&sessions->lock);
	entry = find(sessions, table);
	if (entry != NULL) {
		*entry = (struct entry){ 0 };
		sessions->count--;
	}
	pthread_mutex_unlock(&sessions->lock);
}

size_t sessions_count(struct sessions *sessions)
{
	size_t count;

	pthread_mutex_lock(&sessions->lock);
	count = sessions->count;
	pthread_mutex_unlock(&sessions->lock);
	return count;
}

bool sessions_get(struct sessions *sessions, uint32_t table, struct session *ret_session)
{
	struct entry *entry;

	pthread_mutex_lock(&sessions->lock);
	entry = find(sessions, table);
	if (entry != NULL)
		look(entry, ret_session);
	pthread_mutex_unlock(&sessions->lock);
	return entry != NULL;
}

bool sessions_next(struct sessions *sessions, uint32_t table, struct session *ret_session)
{
	struct entry *next = NULL;

	pthread_mutex_lock(&sessions->lock);
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		struct entry *entry = &sessions->entries[i];

		if (entry->session.table > table && (next == NULL || entry->session.table < next->session.table))
			next = entry;
	}
	if (next != NULL)
		look(next, ret_session);
	pthread_mutex_unlock(&sessions->lock);
	return next != NULL;
}
