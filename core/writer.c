/* Invariants
 * 1. Tickets are journal positions. accepted >= committed; a change is in `buckets` and in the queue, or being
 *    committed, exactly while committed < ticket.
 * 2. What readers of the mount may be told as done is what is committed, or what stands in the journal.
 * 3. What is durable is what is committed, or `synced`: whoever waits for that first brings the journal to the disk, for all who
 *    wait by then. Once that has failed the journal is not relied on until it is emptied, and commits alone count. */
#include "writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "hash.h"
#include "journal.h"

#define BUCKETS 4096u
#define GROUP_CHANGES 4096u
#define QUEUE_BYTES_MAX (64u << 20)
#define JOURNAL_KEEP_BYTES (1u << 20)
#define JOURNAL_FULL_BYTES (32u << 20)
#define RETRY_MS 200
#define GATHER_MS 20  /* how long a change may wait for company, while nobody waits for it */
#define MADE_MAX 256u /* ranges of own changes that are remembered */
#define IDLE_MS 1000

struct queued {
	struct queued *next; /* in the queue */
	struct queued *bucket_next;
	uint64_t ticket;
	size_t size_bytes;
	bool is_refused;              /* told once, and left out when the commit is tried again */
	struct pending_change change; /* slices into bytes[] */
	uint8_t bytes[];
};

struct made {
	uint32_t table;
	uint64_t first, last;
};

struct writer {
	struct history *history;
	struct journal *journal;
	writer_refused refused;
	void *context;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t arrived, urged, settled, durable;
	struct queued *first, *last;
	struct queued *buckets[BUCKETS];
	size_t queue_bytes, queue_count;
	unsigned waiters; /* for commits */
	uint64_t accepted, committed, synced;
	bool is_syncing, is_journal_doubtful;
	struct timespec rested; /* how long to the next commit at the earliest, for those who don't wait for it */
	int error;              /* why the last commit failed; 0: it did not */
	uint64_t failures;      /* counts failed commits, so that waiters learn of each */
	bool is_stopping;
	struct made made[MADE_MAX]; /* a ring */
	size_t made_count;          /* ever; a commit that failed takes its own back */
};

static struct queued **bucket_of(struct writer *writer, uint32_t table, struct slice encoded_key)
{
	return &writer->buckets[hash_checksum64(encoded_key, table) % BUCKETS];
}

static uint8_t *place(uint8_t *at, struct slice from, struct slice *ret_to)
{
	if (from.size)
		memcpy(at, from.data, from.size);
	*ret_to = slice_of(at, from.size);
	return at + from.size;
}

static struct queued *copy_change(const struct pending_change *change)
{
	size_t size = change->encoded_key.size + change->item.size + change->author.size;
	struct queued *queued = calloc(1, sizeof(*queued) + size);
	if (!queued)
		return NULL;
	queued->change = *change;
	queued->size_bytes = size + sizeof(*queued);
	uint8_t *at = queued->bytes;
	at = place(at, change->encoded_key, &queued->change.encoded_key);
	at = place(at, change->item, &queued->change.item);
	place(at, change->author, &queued->change.author);
	return queued;
}

static void wait_ms(pthread_cond_t *cond, pthread_mutex_t *lock, int ms)
{
	struct timespec until;
	clock_deadline(ms, &until);
	pthread_cond_timedwait(cond, lock, &until);
}

static void refuse(struct writer *writer, struct queued *queued, const struct error *why)
{
	queued->is_refused = true;
	writer->refused(writer->context, &queued->change, why);
}

static int apply(struct writer *writer, struct batch *batch, struct queued *queued)
{
	struct error why = { 0 };
	if (queued->is_refused)
		return 0;
	int r = journal_apply(batch, &queued->change, &why);
	if (r != 1)
		return r;
	refuse(writer, queued, &why);
	return 0;
}

/* Remembered before the commit, so that whoever hears of the commit finds it. */
static int commit_own(struct writer *writer, struct batch *batch)
{
	struct made made;
	size_t n = 0;
	pthread_mutex_lock(&writer->lock);
	for (; batch_range(batch, n, &made.table, &made.first, &made.last); n++)
		writer->made[writer->made_count++ % MADE_MAX] = made;
	pthread_mutex_unlock(&writer->lock);
	int r = batch_commit(batch, NULL);
	pthread_mutex_lock(&writer->lock);
	for (; r && n > 0; n--)
		writer->made[--writer->made_count % MADE_MAX] = (struct made){ 0 };
	pthread_mutex_unlock(&writer->lock);
	return r;
}

/* Applies up to `count` changes from `group` on and commits. *ret_bad: how many had been applied when one failed. */
static int commit_group(struct writer *writer, struct queued *group, size_t count, size_t *ret_bad)
{
	struct batch *batch;
	uint64_t last = 0;
	size_t n = 0;
	*ret_bad = SIZE_MAX;
	int r = batch_begin(writer->history, &batch, NULL);
	if (r)
		return r;
	/* The last one's `next` belongs to whoever submits. */
	for (struct queued *q = group; n < count && !r; q = n < count ? q->next : NULL) {
		r = apply(writer, batch, q);
		last = q->ticket;
		if (r)
			*ret_bad = n;
		n++;
	}
	if (!r)
		r = batch_note_journal(batch, journal_id(writer->journal), last);
	if (r) {
		batch_abort(batch);
		return r;
	}
	return commit_own(writer, batch);
}

/* Damage under one change must not hold up the others: what was before it is committed alone, and it is refused, unless
 * it was no more than a read that failed once. *ret_done: how many changes are done with. */
static int commit_around(struct writer *writer, struct queued *group, size_t bad, size_t *ret_done)
{
	size_t still_bad;
	*ret_done = bad;
	int r = bad ? commit_group(writer, group, bad, &still_bad) : 0;
	if (r)
		return r;
	struct queued *damaged = group;
	for (size_t n = bad; n; n--)
		damaged = damaged->next;
	r = commit_group(writer, damaged, 1, &still_bad);
	if (r == -EIO && still_bad != SIZE_MAX) {
		struct error why = { 0 };
		error_set(&why, r, "a stored record it builds on is damaged");
		refuse(writer, damaged, &why);
		r = 0;
	}
	*ret_done += r == 0;
	return bad ? 0 : r;
}

static void forget(struct writer *writer, struct queued *queued)
{
	struct queued **at = bucket_of(writer, queued->change.table, queued->change.encoded_key);
	while (*at != queued)
		at = &(*at)->bucket_next;
	*at = queued->bucket_next;
	writer->queue_bytes -= queued->size_bytes;
	writer->queue_count--;
	free(queued);
}

/* The first `count` of the queue are done with. Lock held. */
static void retire(struct writer *writer, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct queued *queued = writer->first;
		writer->first = queued->next;
		writer->committed = queued->ticket;
		forget(writer, queued);
	}
	if (!writer->first) {
		writer->last = NULL;
		if ((writer->is_journal_doubtful || journal_size_bytes(writer->journal) > JOURNAL_KEEP_BYTES) &&
			journal_empty(writer->journal, writer->is_journal_doubtful) == 0)
			writer->is_journal_doubtful = false;
	}
}

static size_t group_size(const struct writer *writer)
{
	size_t n = 0;
	for (struct queued *q = writer->first; q && n < GROUP_CHANGES; q = q->next)
		n++;
	return n;
}

/* One commit of what is there. Lock held, released meanwhile. The queue's first `count` stay untouched by others. */
static void commit_round(struct writer *writer)
{
	size_t count = group_size(writer), bad, done = count;
	struct queued *group = writer->first;
	pthread_mutex_unlock(&writer->lock);
	int r = commit_group(writer, group, count, &bad);
	if (r == -EIO && bad != SIZE_MAX)
		r = commit_around(writer, group, bad, &done);
	pthread_mutex_lock(&writer->lock);
	writer->error = r;
	if (r)
		writer->failures++;
	else
		retire(writer, done);
	pthread_cond_broadcast(&writer->settled);
}

/* One that was synced alone is committed at once, so that it is seen soon everywhere; of many there is a commit every GATHER_MS. */
static bool is_due(const struct writer *writer)
{
	return writer->waiters || writer->is_stopping || writer->queue_count >= GROUP_CHANGES ||
	       (writer->first && writer->synced >= writer->first->ticket && clock_is_past(&writer->rested));
}

/* Fewer commits with more in each: every one costs two waits for the disk. Lock held. */
static void gather(struct writer *writer)
{
	struct timespec until;
	clock_deadline(GATHER_MS, &until);
	int r = 0;
	while (!r && !is_due(writer))
		r = pthread_cond_timedwait(&writer->urged, &writer->lock, &until);
	clock_deadline(GATHER_MS, &writer->rested);
}

static void *run(void *argument)
{
	struct writer *writer = argument;
	pthread_mutex_lock(&writer->lock);
	while (!writer->is_stopping || writer->first) {
		if (writer->first) {
			gather(writer);
			commit_round(writer);
			if (writer->error && writer->is_stopping)
				break;
			if (writer->error)
				wait_ms(&writer->arrived, &writer->lock, RETRY_MS);
			continue;
		}
		wait_ms(&writer->arrived, &writer->lock, IDLE_MS);
		if (!writer->first && !writer->is_stopping) {
			pthread_mutex_unlock(&writer->lock);
			journal_recover(writer->history, NULL);
			pthread_mutex_lock(&writer->lock);
		}
	}
	pthread_mutex_unlock(&writer->lock);
	return NULL;
}

static void destroy(struct writer *writer)
{
	while (writer->first) {
		struct queued *queued = writer->first;
		writer->first = queued->next;
		free(queued);
	}
	journal_free(writer->journal);
	pthread_cond_destroy(&writer->durable);
	pthread_cond_destroy(&writer->arrived);
	pthread_cond_destroy(&writer->urged);
	pthread_cond_destroy(&writer->settled);
	pthread_mutex_destroy(&writer->lock);
	free(writer);
}

int writer_start(
	struct history *history, writer_refused refused, void *context, struct writer **ret_writer, struct error *error)
{
	struct writer *writer = calloc(1, sizeof(*writer));
	if (!writer)
		return error_set(error, -ENOMEM, "start the writer: out of memory");
	*writer = (struct writer){ .history = history, .refused = refused, .context = context };
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_mutex_init(&writer->lock, NULL);
	pthread_cond_init(&writer->arrived, &attributes);
	pthread_cond_init(&writer->urged, &attributes);
	pthread_cond_init(&writer->settled, NULL);
	pthread_cond_init(&writer->durable, NULL);
	pthread_condattr_destroy(&attributes);
	int r = journal_new(history, &writer->journal, error);
	if (!r && pthread_create(&writer->thread, NULL, run, writer))
		r = error_set(error, -EAGAIN, "start the writer: no more threads");
	if (r) {
		if (writer->journal)
			(void)journal_remove(writer->journal);
		destroy(writer);
		return r;
	}
	*ret_writer = writer;
	return 0;
}

/* Gone first, then forgotten: see recover_file. */
static void remove_journal(struct writer *writer)
{
	struct batch *batch = NULL;
	bool is_begun = batch_begin(writer->history, &batch, NULL) == 0;
	bool is_gone = journal_remove(writer->journal) == 0;
	if (!is_begun)
		return;
	if (is_gone && batch_note_journal(batch, journal_id(writer->journal), UINT64_MAX) == 0)
		batch_commit(batch, NULL);
	else
		batch_abort(batch);
}

int writer_stop(struct writer *writer)
{
	pthread_mutex_lock(&writer->lock);
	writer->is_stopping = true;
	pthread_cond_broadcast(&writer->arrived);
	pthread_cond_broadcast(&writer->urged);
	pthread_mutex_unlock(&writer->lock);
	pthread_join(writer->thread, NULL);
	int r = writer->first ? writer->error : 0;
	if (!writer->first)
		remove_journal(writer);
	destroy(writer);
	return r;
}

/* The journal is emptied whenever everything is committed; those who keep on submitting have to wait for that once in a
 * while. Lock held. */
static bool is_full(const struct writer *writer)
{
	return writer->queue_bytes > QUEUE_BYTES_MAX ||
	       (writer->first && journal_size_bytes(writer->journal) > JOURNAL_FULL_BYTES);
}

int writer_submit(struct writer *writer, const struct pending_change *change, uint64_t *ret_ticket)
{
	struct queued *queued = copy_change(change);
	if (!queued)
		return -ENOMEM;
	pthread_mutex_lock(&writer->lock);
	writer->waiters++;
	while (is_full(writer) && !writer->error) {
		pthread_cond_signal(&writer->urged);
		pthread_cond_wait(&writer->settled, &writer->lock);
	}
	writer->waiters--;
	int r = writer->error;
	if (!r)
		r = journal_append(writer->journal, &queued->change, writer->accepted + 1);
	if (r) {
		pthread_mutex_unlock(&writer->lock);
		free(queued);
		return r;
	}
	queued->ticket = ++writer->accepted;
	struct queued **bucket = bucket_of(writer, change->table, change->encoded_key);
	queued->bucket_next = *bucket;
	*bucket = queued;
	bool is_first = !writer->last;
	if (is_first)
		writer->first = queued;
	else
		writer->last->next = queued;
	writer->last = queued;
	writer->queue_bytes += queued->size_bytes;
	*ret_ticket = queued->ticket;
	if (is_first)
		pthread_cond_signal(&writer->arrived);
	if (++writer->queue_count == GROUP_CHANGES)
		pthread_cond_signal(&writer->urged);
	pthread_mutex_unlock(&writer->lock);
	return 0;
}

static int wait_locked(struct writer *writer, uint64_t ticket)
{
	uint64_t failures = writer->failures;
	writer->waiters++;
	pthread_cond_signal(&writer->urged);
	while (writer->committed < ticket && writer->failures == failures)
		pthread_cond_wait(&writer->settled, &writer->lock);
	writer->waiters--;
	return writer->committed < ticket ? writer->error : 0;
}

int writer_wait(struct writer *writer, uint64_t ticket)
{
	pthread_mutex_lock(&writer->lock);
	int r = wait_locked(writer, ticket);
	pthread_mutex_unlock(&writer->lock);
	return r;
}

/* Lock held, released meanwhile. */
static void sync_journal(struct writer *writer)
{
	uint64_t accepted = writer->accepted;
	writer->is_syncing = true;
	pthread_mutex_unlock(&writer->lock);
	int r = journal_sync(writer->journal);
	pthread_mutex_lock(&writer->lock);
	writer->is_syncing = false;
	if (r)
		writer->is_journal_doubtful = true;
	else
		writer->synced = accepted;
	pthread_cond_broadcast(&writer->durable);
	if (is_due(writer))
		pthread_cond_signal(&writer->urged);
}

int writer_sync(struct writer *writer, uint64_t ticket)
{
	pthread_mutex_lock(&writer->lock);
	while (writer->committed < ticket && writer->synced < ticket && !writer->is_journal_doubtful)
		if (writer->is_syncing)
			pthread_cond_wait(&writer->durable, &writer->lock);
		else
			sync_journal(writer);
	int r = writer->committed < ticket && writer->synced < ticket ? wait_locked(writer, ticket) : 0;
	pthread_mutex_unlock(&writer->lock);
	return r;
}

bool writer_pending(struct writer *writer, uint32_t table, struct slice encoded_key, uint64_t *ret_ticket)
{
	*ret_ticket = 0;
	pthread_mutex_lock(&writer->lock);
	for (struct queued *q = *bucket_of(writer, table, encoded_key); q; q = q->bucket_next)
		if (q->ticket > *ret_ticket && q->change.table == table &&
			slice_equal(q->change.encoded_key, encoded_key))
			*ret_ticket = q->ticket;
	pthread_mutex_unlock(&writer->lock);
	return *ret_ticket != 0;
}

bool writer_made(struct writer *writer, uint32_t table, uint64_t seq)
{
	bool is_own = false;
	pthread_mutex_lock(&writer->lock);
	for (size_t i = 0; i < MADE_MAX && !is_own; i++)
		is_own = writer->made[i].table == table && writer->made[i].first <= seq && seq <= writer->made[i].last;
	pthread_mutex_unlock(&writer->lock);
	return is_own;
}

int writer_drain(struct writer *writer, uint32_t table)
{
	uint64_t ticket = 0;
	pthread_mutex_lock(&writer->lock);
	for (struct queued *q = writer->first; q; q = q->next)
		if (table == UINT32_MAX || q->change.table == table)
			ticket = q->ticket;
	int r = wait_locked(writer, ticket);
	pthread_mutex_unlock(&writer->lock);
	return r;
}
