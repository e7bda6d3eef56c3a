#define FUSE_USE_VERSION 314
#include "notifier.h"

#include <assert.h>
#include <errno.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "monotonic.h"
#include "prefetch.h"

#define QUEUE_MAX 50000
#define LATE_MAX 4096
#define SENDINGS 3

enum note_kind { NOTE_NODE, NOTE_DROP, NOTE_EXPIRE };

struct note {
	struct note *next;
	enum note_kind kind;
	int sent;
	int64_t due_ms;
	uint64_t nodeid; /* the parent, for entries */
	size_t name_size;
	char name[];
};

/* Notes of a queue fall due in their order. */
struct note_queue {
	struct note *first, **end;
	size_t size;
};

enum { QUEUE_NOW, QUEUE_AGAIN, QUEUE_LATE, QUEUES };

struct notifier {
	struct fuse_session *session;
	struct prefetch *prefetch;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t has_work, has_room;
	bool is_stopping, can_expire;
	bool is_telling; /* a note is being sent for the first time */
	struct note_queue queues[QUEUES];
};

static void queue_append(struct note_queue *queue, struct note *note)
{
	note->next = NULL;
	*queue->end = note;
	queue->end = &note->next;
	queue->size++;
}

static struct note *queue_take(struct note_queue *queue)
{
	struct note *note = queue->first;

	queue->first = note->next;
	if (queue->first == NULL)
		queue->end = &queue->first;
	queue->size--;
	return note;
}

static int send_note(const struct notifier *notifier, const struct note *note, bool can_expire)
{
	if (note->kind == NOTE_NODE)
		return fuse_lowlevel_notify_inval_inode(notifier->session, note->nodeid, 0, 0);
	if (note->kind == NOTE_EXPIRE && can_expire)
		return fuse_lowlevel_notify_expire_entry(
			notifier->session, note->nodeid, note->name, note->name_size, FUSE_LL_EXPIRE_ONLY);
	return fuse_lowlevel_notify_inval_entry(notifier->session, note->nodeid, note->name, note->name_size);
}

/* Sends one note; the caller holds the lock, which is released meanwhile. */
static void work_off(struct notifier *notifier, struct note *note)
{
	bool can_expire = notifier->can_expire, is_due_again;

	notifier->is_telling = note->sent == 0;
	pthread_mutex_unlock(&notifier->lock);
	prefetch_lock(notifier->prefetch);
	(void)send_note(notifier, note, can_expire); /* -ENOENT: the kernel does not know it */
	prefetch_unlock(notifier->prefetch);
	pthread_mutex_lock(&notifier->lock);
	notifier->is_telling = false;
	note->sent++;
	is_due_again = note->sent == 1 || (note->sent < SENDINGS && notifier->queues[QUEUE_LATE].size < LATE_MAX);
	if (is_due_again) {
		note->due_ms = monotonic_ms() + (note->sent == 1 ? NOTIFIER_AGAIN_MS : NOTIFIER_LATE_MS);
		queue_append(&notifier->queues[note->sent == 1 ? QUEUE_AGAIN : QUEUE_LATE], note);
	} else {
		free(note);
	}
}

/* The next note that is due; otherwise NULL, and when the next will be. */
static struct note *next_due(struct notifier *notifier, int64_t *ret_until_ms)
{
	int64_t now_ms = monotonic_ms();

	*ret_until_ms = now_ms + 60000;
	for (size_t i = 0; i < QUEUES; i++) {
		struct note_queue *queue = &notifier->queues[i];

		if (queue->first == NULL)
			continue;
		if (queue->first->due_ms <= now_ms)
			return queue_take(queue);
		if (queue->first->due_ms < *ret_until_ms)
			*ret_until_ms = queue->first->due_ms;
	}
	return NULL;
}

static void *notify(void *context)
{
	struct notifier *notifier = context;

	pthread_mutex_lock(&notifier->lock);
	while (!notifier->is_stopping) {
		int64_t until_ms;
		struct note *note = next_due(notifier, &until_ms);

		if (note != NULL)
			work_off(notifier, note);
		else
			monotonic_wait(&notifier->has_work, &notifier->lock, until_ms);
		if (notifier->queues[QUEUE_NOW].size + notifier->queues[QUEUE_AGAIN].size < QUEUE_MAX)
			pthread_cond_broadcast(&notifier->has_room);
	}
	pthread_cond_broadcast(&notifier->has_room);
	pthread_mutex_unlock(&notifier->lock);
	return NULL;
}

int notifier_start(struct fuse_session *session, struct prefetch *prefetch, struct notifier **ret_notifier)
{
	struct notifier *notifier = calloc(1, sizeof(*notifier));
	int result;

	if (notifier == NULL)
		return -ENOMEM;
	notifier->session = session;
	notifier->prefetch = prefetch;
	for (size_t i = 0; i < QUEUES; i++)
		notifier->queues[i].end = &notifier->queues[i].first;
	pthread_mutex_init(&notifier->lock, NULL);
	monotonic_condition(&notifier->has_work);
	monotonic_condition(&notifier->has_room);
	result = pthread_create(&notifier->thread, NULL, notify, notifier);
	if (result != 0) {
		free(notifier);
		return -result;
	}
	*ret_notifier = notifier;
	return 0;
}

void notifier_rest(struct notifier *notifier)
{
	bool is_first;

	pthread_mutex_lock(&notifier->lock);
	is_first = !notifier->is_stopping;
	notifier->is_stopping = true;
	pthread_cond_signal(&notifier->has_work);
	pthread_mutex_unlock(&notifier->lock);
	if (is_first)
		pthread_join(notifier->thread, NULL);
}

void notifier_stop(struct notifier *notifier)
{
	if (notifier == NULL)
		return;
	notifier_rest(notifier);
	for (size_t i = 0; i < QUEUES; i++) {
		while (notifier->queues[i].first != NULL)
			free(queue_take(&notifier->queues[i]));
	}
	pthread_cond_destroy(&notifier->has_work);
	pthread_cond_destroy(&notifier->has_room);
	pthread_mutex_destroy(&notifier->lock);
	free(notifier);
}

void notifier_set_can_expire(struct notifier *notifier, bool can_expire)
{
	pthread_mutex_lock(&notifier->lock);
	notifier->can_expire = can_expire;
	pthread_mutex_unlock(&notifier->lock);
}

/* A note that goes out once has been sent SENDINGS - 1 times already. */
static void add(
	struct notifier *notifier, enum note_kind kind, uint64_t nodeid, struct slice name, int sent, bool is_late)
{
	struct note *note = malloc(sizeof(*note) + name.size + 1);
	struct note_queue *queue;

	if (note == NULL)
		return; /* what the kernel keeps then is looked at again when its time is up */
	*note = (struct note){ .kind = kind, .nodeid = nodeid, .name_size = name.size, .sent = sent };
	if (name.size > 0)
		memcpy(note->name, name.data, name.size);
	note->name[name.size] = '\0';
	note->due_ms = monotonic_ms();
	pthread_mutex_lock(&notifier->lock);
	if (notifier->is_stopping) {
		pthread_mutex_unlock(&notifier->lock);
		free(note);
		return;
	}
	queue = &notifier->queues[is_late ? QUEUE_LATE : QUEUE_NOW];
	if (is_late)
		note->due_ms += NOTIFIER_LATE_MS;
	/* Otherwise the thread is at work on it, or knows when it will be due. */
	if (queue->first == NULL)
		pthread_cond_signal(&notifier->has_work);
	queue_append(queue, note);
	pthread_mutex_unlock(&notifier->lock);
}

void notifier_node(struct notifier *notifier, uint64_t nodeid)
{
	add(notifier, NOTE_NODE, nodeid, slice_of(NULL, 0), 0, false);
}

void notifier_drop(struct notifier *notifier, uint64_t parent, struct slice name)
{
	add(notifier, NOTE_DROP, parent, name, 0, false);
}

void notifier_release(struct notifier *notifier, uint64_t parent, struct slice name, bool is_late)
{
	add(notifier, NOTE_DROP, parent, name, SENDINGS - 1, is_late);
}

void notifier_expire(struct notifier *notifier, uint64_t parent, struct slice name)
{
	add(notifier, NOTE_EXPIRE, parent, name, 0, false);
}

void notifier_keep_pace(struct notifier *notifier)
{
	pthread_mutex_lock(&notifier->lock);
	while (!notifier->is_stopping &&
		notifier->queues[QUEUE_NOW].size + notifier->queues[QUEUE_AGAIN].size >= QUEUE_MAX)
		monotonic_wait(&notifier->has_room, &notifier->lock, monotonic_ms() + 100);
	pthread_mutex_unlock(&notifier->lock);
}

bool notifier_is_done(struct notifier *notifier)
{
	bool is_done;

	pthread_mutex_lock(&notifier->lock);
	is_done = !notifier->is_telling && notifier->queues[QUEUE_NOW].size == 0;
	pthread_mutex_unlock(&notifier->lock);
	return is_done;
}
