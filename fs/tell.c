#include "tell.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "hash.h"
#include "monotonic.h"
#include "reject.h"

#define TELL_REMEMBERED 64

struct told {
	uint64_t hash;
	int64_t at_ms;
};

struct tell {
	struct history *history;
	pthread_mutex_t lock;
	struct told last[TELL_REMEMBERED];
	size_t next;
};

int tell_new(struct history *history, struct tell **ret_tell)
{
	struct tell *tell = calloc(1, sizeof(*tell));

	if (tell == NULL)
		return -ENOMEM;
	tell->history = history;
	pthread_mutex_init(&tell->lock, NULL);
	*ret_tell = tell;
	return 0;
}

void tell_free(struct tell *tell)
{
	if (tell == NULL)
		return;
	pthread_mutex_destroy(&tell->lock);
	free(tell);
}

static bool was_told_lately(struct tell *tell, const char *path, const char *message)
{
	uint64_t hash = hash_checksum64(slice_of_text(message), hash_checksum64(slice_of_text(path), 1));
	int64_t now_ms = monotonic_ms();
	bool was_told = false;

	pthread_mutex_lock(&tell->lock);
	for (size_t i = 0; i < TELL_REMEMBERED && !was_told; i++)
		was_told = tell->last[i].hash == hash && now_ms - tell->last[i].at_ms < TELL_QUIET_MS;
	if (!was_told) {
		tell->last[tell->next] = (struct told){ hash, now_ms };
		tell->next = (tell->next + 1) % TELL_REMEMBERED;
	}
	pthread_mutex_unlock(&tell->lock);
	return was_told;
}

int tell_refusal(struct tell *tell, const char *path, struct slice bytes, const struct error *error)
{
	int code = error->code < 0 ? error->code : -EIO;

	if (history_is_read_only(tell->history))
		return code;
	if (bytes.size > 0 || !was_told_lately(tell, path, error_text(error)))
		(void)reject_record(tell->history, path, bytes, code, error_text(error));
	return code;
}
