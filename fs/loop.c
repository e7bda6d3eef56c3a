/* Invariant: `reader` is the thread that may read, 0 when the turn is free; only its owner and the watchdog take it away.
 * Should two threads read at once after all, the kernel gives each request to one of them. */
#define FUSE_USE_VERSION 314
#include "loop.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "monotonic.h"
#include "wakeful.h"

#define TICK_MS WAKEFUL_TICK_MS /* a request under way for one to two of them has its turn taken */
#define IDLE_TICKS 100          /* then the watchdog sleeps until there is a request */
#define WATCHED_MS 1000         /* after a slow request it is watched whether others sleep */
#define SLOW_MS 2               /* slower requests that slept are answered side by side, */
#define SIDE_BY_SIDE_MS 50      /* and all others for this long after one */

struct loop {
	struct fuse_session *session;
	pthread_mutex_t lock;
	pthread_cond_t has_turn, has_request;
	atomic_int reader;
	atomic_uint_fast64_t requests; /* how many there were; each has its number */
	atomic_uint_fast64_t current;  /* the number of the one that keeps the reader from reading; 0: none */
	_Atomic int64_t side_by_side_until_ms, watched_until_ms;
	atomic_bool is_watchdog_asleep, is_stopping;
	atomic_int error;
	sem_t is_over;
	pthread_t watchdog;
	struct wakeful wakeful; /* the watchdog's own */
};

struct worker {
	struct loop *loop;
	int number; /* from 1 on */
	pthread_t thread;
	struct fuse_buf request; /* its memory is used again and again */
};

static _Thread_local const struct worker *this_worker;
static _Thread_local uint_fast64_t this_request;
static _Thread_local bool this_one_blocks; /* and has told so */

/* --- turns --- */

static bool is_reader(const struct worker *worker)
{
	return atomic_load(&worker->loop->reader) == worker->number;
}

static void free_turn(struct loop *loop, int reader)
{
	if (!atomic_compare_exchange_strong(&loop->reader, &reader, 0))
		return;
	pthread_mutex_lock(&loop->lock);
	pthread_cond_signal(&loop->has_turn);
	pthread_mutex_unlock(&loop->lock);
}

static bool take_turn(const struct worker *worker)
{
	struct loop *loop = worker->loop;
	bool is_taken = is_reader(worker);

	if (is_taken)
		return true;
	pthread_mutex_lock(&loop->lock);
	while (!atomic_load(&loop->is_stopping)) {
		int nobody = 0;

		is_taken = atomic_compare_exchange_strong(&loop->reader, &nobody, worker->number);
		if (is_taken)
			break;
		pthread_cond_wait(&loop->has_turn, &loop->lock);
	}
	pthread_mutex_unlock(&loop->lock);
	return is_taken;
}

static void end_current(struct loop *loop)
{
	uint_fast64_t request = this_request;

	atomic_compare_exchange_strong(&loop->current, &request, 0);
}

void loop_blocks(void)
{
	if (this_worker == NULL)
		return;
	this_one_blocks = true;
	end_current(this_worker->loop);
	free_turn(this_worker->loop, this_worker->number);
}

/* --- requests --- */

static void wake_watchdog(struct loop *loop)
{
	if (!atomic_load(&loop->is_watchdog_asleep))
		return;
	pthread_mutex_lock(&loop->lock);
	pthread_cond_signal(&loop->has_request);
	pthread_mutex_unlock(&loop->lock);
}

/* How often this thread has slept. What took long for want of a processor would take longer still with another thread to wake for
 * each request; what waited for the disk, or for a lock, is to keep nobody waiting. */
static long count_sleeps(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_THREAD, &usage) < 0 ? 0 : usage.ru_nvcsw;
}

/* The request was slow, and did not tell that it would be. */
static void note_slow(struct loop *loop, int64_t now_ms, bool has_slept)
{
	atomic_store(&loop->watched_until_ms, now_ms + WATCHED_MS);
	if (has_slept)
		atomic_store(&loop->side_by_side_until_ms, now_ms + SIDE_BY_SIDE_MS);
}

static void answer(struct worker *worker)
{
	struct loop *loop = worker->loop;
	int64_t started_ms = monotonic_ms(), ended_ms;
	bool is_watched = started_ms < atomic_load(&loop->watched_until_ms);
	long sleeps = is_watched ? count_sleeps() : 0;

	this_request = atomic_fetch_add(&loop->requests, 1) + 1;
	this_one_blocks = false;
	if (started_ms < atomic_load(&loop->side_by_side_until_ms))
		free_turn(loop, worker->number);
	else
		atomic_store(&loop->current, this_request);
	wake_watchdog(loop);
	fuse_session_process_buf(loop->session, &worker->request);
	end_current(loop);
	ended_ms = monotonic_ms();
	if (ended_ms - started_ms > SLOW_MS && !this_one_blocks)
		note_slow(loop, ended_ms, is_watched && count_sleeps() != sleeps);
}

/* Only while waiting for a request can the thread be cancelled. */
static int receive(struct loop *loop, struct fuse_buf *request)
{
	int state, result;

	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
	result = fuse_session_receive_buf(loop->session, request);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	return result;
}

static void *work(void *context)
{
	struct worker *worker = context;
	struct loop *loop = worker->loop;
	int state, result = 0;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	this_worker = worker;
	while (!fuse_session_exited(loop->session) && take_turn(worker)) {
		result = receive(loop, &worker->request);
		if (result == -EINTR)
			continue;
		if (result <= 0)
			break;
		answer(worker);
	}
	if (result < 0 && result != -EINTR)
		atomic_store(&loop->error, result);
	fuse_session_exit(loop->session);
	sem_post(&loop->is_over);
	return NULL;
}

/* --- the watchdog --- */

/* With the lock held. */
static void sleep_until_request(struct loop *loop, uint_fast64_t requests)
{
	atomic_store(&loop->is_watchdog_asleep, true);
	while (!atomic_load(&loop->is_stopping) && atomic_load(&loop->requests) == requests)
		pthread_cond_wait(&loop->has_request, &loop->lock);
	atomic_store(&loop->is_watchdog_asleep, false);
}

static void *watch(void *context)
{
	struct loop *loop = context;
	uint_fast64_t requests, current, last_requests = 0, last_current = 0;
	int idle = 0;

	pthread_mutex_lock(&loop->lock);
	while (!atomic_load(&loop->is_stopping)) {
		monotonic_wait(&loop->has_request, &loop->lock, monotonic_ms() + TICK_MS);
		requests = atomic_load(&loop->requests);
		current = atomic_load(&loop->current);
		idle = requests == last_requests && current == 0 ? idle + 1 : 0;
		if (current != 0 && current == last_current) {
			pthread_mutex_unlock(&loop->lock);
			free_turn(loop, atomic_load(&loop->reader));
			pthread_mutex_lock(&loop->lock);
		}
		last_requests = requests;
		last_current = current;
		wakeful_tick(&loop->wakeful, requests);
		if (idle >= IDLE_TICKS)
			sleep_until_request(loop, requests);
	}
	pthread_mutex_unlock(&loop->lock);
	wakeful_end(&loop->wakeful);
	return NULL;
}

/* --- all of it --- */

static void stop(struct loop *loop, struct worker *workers, int count, bool has_watchdog)
{
	pthread_mutex_lock(&loop->lock);
	atomic_store(&loop->is_stopping, true);
	pthread_cond_broadcast(&loop->has_turn);
	pthread_cond_broadcast(&loop->has_request);
	pthread_mutex_unlock(&loop->lock);
	for (int i = 0; i < count; i++)
		pthread_cancel(workers[i].thread);
	for (int i = 0; i < count; i++) {
		pthread_join(workers[i].thread, NULL);
		free(workers[i].request.mem);
	}
	if (has_watchdog)
		pthread_join(loop->watchdog, NULL);
}

int loop_run(struct fuse_session *session, bool is_wakeful)
{
	struct loop loop = { .session = session };
	struct worker workers[LOOP_THREADS];
	int result, count = 0;
	bool has_watchdog;

	pthread_mutex_init(&loop.lock, NULL);
	pthread_cond_init(&loop.has_turn, NULL);
	monotonic_condition(&loop.has_request);
	sem_init(&loop.is_over, 0, 0);
	wakeful_begin(&loop.wakeful, is_wakeful ? WAKEFUL_DEVICE : NULL);
	result = pthread_create(&loop.watchdog, NULL, watch, &loop);
	has_watchdog = result == 0;
	while (result == 0 && count < LOOP_THREADS) {
		workers[count] = (struct worker){ .loop = &loop, .number = count + 1 };
		result = pthread_create(&workers[count].thread, NULL, work, &workers[count]);
		count += result == 0;
	}
	/* A signal ends the wait, too. */
	while (result == 0 && !fuse_session_exited(session))
		sem_wait(&loop.is_over);
	stop(&loop, workers, count, has_watchdog);
	sem_destroy(&loop.is_over);
	pthread_cond_destroy(&loop.has_request);
	pthread_cond_destroy(&loop.has_turn);
	pthread_mutex_destroy(&loop.lock);
	return result != 0 ? -result : atomic_load(&loop.error);
}
