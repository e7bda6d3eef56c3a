#include "forgetter.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "monotonic.h"
#include "mount.h"
#include "overtaken.h"
#include "retention.h"

/* After a failure, such as a full disk, whoever writes is to have it first. */
#define FAILED_MS 10000

struct forgetter {
	struct mount *mount;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t is_over;
	bool is_stopping;
	int64_t turn; /* history_take_turn */
};

/* How long to rest then. Views of what was forgotten go when all of it is: while there is much, the keeper looks. */
static int64_t step(struct forgetter *forgetter)
{
	struct retention_counts counts = { 0 };
	int64_t began_ms, rest_ms;
	int result;

	if (!history_take_turn(forgetter->mount->history, &forgetter->turn))
		return FORGETTER_IDLE_MS;
	began_ms = monotonic_ms();
	result = retention_step(forgetter->mount->history, &counts, NULL);
	if (result == 0 && counts.versions + counts.lives + counts.log_blocks + counts.tables > 0)
		overtaken_drop_all(forgetter->mount);
	if (result <= 0)
		return result == 0 ? FORGETTER_IDLE_MS : FAILED_MS;
	rest_ms = (monotonic_ms() - began_ms) * FORGETTER_RESTS;
	return rest_ms < FORGETTER_REST_MS ? FORGETTER_REST_MS : rest_ms;
}

static void *forget(void *context)
{
	struct forgetter *forgetter = context;

	pthread_mutex_lock(&forgetter->lock);
	while (!forgetter->is_stopping) {
		int64_t until_ms;

		pthread_mutex_unlock(&forgetter->lock);
		until_ms = step(forgetter) + monotonic_ms();
		pthread_mutex_lock(&forgetter->lock);
		while (!forgetter->is_stopping && monotonic_ms() < until_ms)
			monotonic_wait(&forgetter->is_over, &forgetter->lock, until_ms);
	}
	pthread_mutex_unlock(&forgetter->lock);
	return NULL;
}

int forgetter_start(struct mount *mount, struct forgetter **ret_forgetter)
{
	struct forgetter *forgetter = calloc(1, sizeof(*forgetter));
	int result;

	if (forgetter == NULL)
		return -ENOMEM;
	forgetter->mount = mount;
	pthread_mutex_init(&forgetter->lock, NULL);
	monotonic_condition(&forgetter->is_over);
	result = pthread_create(&forgetter->thread, NULL, forget, forgetter);
	if (result != 0) {
		free(forgetter);
		return -result;
	}
	*ret_forgetter = forgetter;
	return 0;
}

void forgetter_stop(struct forgetter *forgetter)
{
	if (forgetter == NULL)
		return;
	pthread_mutex_lock(&forgetter->lock);
	forgetter->is_stopping = true;
	pthread_cond_signal(&forgetter->is_over);
	pthread_mutex_unlock(&forgetter->lock);
	pthread_join(forgetter->thread, NULL);
	pthread_cond_destroy(&forgetter->is_over);
	pthread_mutex_destroy(&forgetter->lock);
	free(forgetter);
}
