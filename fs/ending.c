#define FUSE_USE_VERSION 314
#include "ending.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "notifier.h"
#include "prefetch.h"

#define WAKE_EVERY_NS 20000000L

struct ending {
	struct fuse_session *session;
	struct notifier *notifier;
	struct prefetch *prefetch;
	pthread_t thread, loop;
	atomic_bool is_over;
};

static void signals_to_wait_for(sigset_t *ret_signals)
{
	sigemptyset(ret_signals);
	sigaddset(ret_signals, SIGTERM);
	sigaddset(ret_signals, SIGINT);
	sigaddset(ret_signals, SIGHUP);
}

static void wake(int signal)
{
	(void)signal;
}

/* The loop's thread sleeps between looks at whether it is to end, and only a signal wakes it: again and again, since one
 * that comes between the look and the sleep is lost. */
static void *wait_for_signal(void *context)
{
	struct ending *ending = context;
	const struct timespec pause = { 0, WAKE_EVERY_NS };
	sigset_t signals;
	int signal;

	signals_to_wait_for(&signals);
	(void)sigwait(&signals, &signal);
	if (!atomic_load(&ending->is_over)) {
		prefetch_rest(ending->prefetch);
		notifier_rest(ending->notifier);
	}
	fuse_session_exit(ending->session);
	while (!atomic_load(&ending->is_over)) {
		pthread_kill(ending->loop, SIGUSR2);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

int ending_start(
	struct fuse_session *session, struct notifier *notifier, struct prefetch *prefetch, struct ending **ret_ending)
{
	struct ending *ending = calloc(1, sizeof(*ending));
	struct sigaction action = { .sa_handler = wake };
	int result;

	if (ending == NULL)
		return -ENOMEM;
	ending->session = session;
	ending->notifier = notifier;
	ending->prefetch = prefetch;
	ending->loop = pthread_self();
	sigaction(SIGUSR2, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	result = pthread_create(&ending->thread, NULL, wait_for_signal, ending);
	if (result != 0) {
		free(ending);
		return -result;
	}
	*ret_ending = ending;
	return 0;
}

void ending_stop(struct ending *ending)
{
	if (ending == NULL)
		return;
	atomic_store(&ending->is_over, true);
	pthread_kill(ending->thread, SIGTERM);
	pthread_join(ending->thread, NULL);
	free(ending);
}
