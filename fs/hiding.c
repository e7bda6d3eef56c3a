#include "hiding.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "monotonic.h"

#define HIDDEN_MAX 16

struct hidden {
	uint32_t slot; /* 0: none */
	pid_t pid;
	int64_t until_ms;
};

struct hiding {
	pthread_mutex_t lock;
	struct hidden hidden[HIDDEN_MAX];
	size_t next;
};

int hiding_new(struct hiding **ret_hiding)
{
	struct hiding *hiding = calloc(1, sizeof(*hiding));

	if (hiding == NULL)
		return -ENOMEM;
	pthread_mutex_init(&hiding->lock, NULL);
	*ret_hiding = hiding;
	return 0;
}

void hiding_free(struct hiding *hiding)
{
	if (hiding == NULL)
		return;
	pthread_mutex_destroy(&hiding->lock);
	free(hiding);
}

void hiding_begin_copy(struct hiding *hiding, uint32_t slot, const struct who *who)
{
	if (strcmp(who->process, "cp") == 0 || strcmp(who->process, "mv") == 0)
		hiding_begin(hiding, slot, who->pid);
}

void hiding_begin(struct hiding *hiding, uint32_t slot, pid_t pid)
{
	pthread_mutex_lock(&hiding->lock);
	hiding->hidden[hiding->next] = (struct hidden){ slot, pid, monotonic_ms() + HIDING_MS };
	hiding->next = (hiding->next + 1) % HIDDEN_MAX;
	pthread_mutex_unlock(&hiding->lock);
}

bool hiding_is_hidden(struct hiding *hiding, uint32_t slot, pid_t pid)
{
	int64_t now_ms = monotonic_ms();
	bool is_hidden = false;

	pthread_mutex_lock(&hiding->lock);
	for (size_t i = 0; i < HIDDEN_MAX && !is_hidden; i++) {
		const struct hidden *hidden = &hiding->hidden[i];

		is_hidden = hidden->slot == slot && hidden->pid == pid && hidden->until_ms > now_ms;
	}
	pthread_mutex_unlock(&hiding->lock);
	return is_hidden;
}

void hiding_end(struct hiding *hiding, uint32_t slot)
{
	pthread_mutex_lock(&hiding->lock);
	for (size_t i = 0; i < HIDDEN_MAX; i++) {
		if (hiding->hidden[i].slot == slot)
			hiding->hidden[i] = (struct hidden){ 0 };
	}
	pthread_mutex_unlock(&hiding->lock);
}
