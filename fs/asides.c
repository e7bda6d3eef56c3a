#include "asides.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "monotonic.h"

struct entry {
	struct entry *next;
	struct aside aside;
	int64_t due_ms;
};

struct asides {
	pthread_mutex_t lock, submitting;
	struct entry *first; /* few: an editor's, for two seconds */
	atomic_size_t count;
};

int asides_new(struct asides **ret_asides)
{
	struct asides *asides = calloc(1, sizeof(*asides));

	if (asides == NULL)
		return -ENOMEM;
	pthread_mutex_init(&asides->lock, NULL);
	pthread_mutex_init(&asides->submitting, NULL);
	*ret_asides = asides;
	return 0;
}

static struct slice copy_of(struct slice bytes)
{
	uint8_t *copy = malloc(bytes.size + 1);

	if (copy != NULL && bytes.size > 0)
		memcpy(copy, bytes.data, bytes.size);
	return slice_of(copy, copy == NULL ? 0 : bytes.size);
}

void aside_free(struct aside *aside)
{
	free((void *)(uintptr_t)aside->key.data);
	free((void *)(uintptr_t)aside->author.data);
}

void asides_free(struct asides *asides)
{
	struct aside aside;

	if (asides == NULL)
		return;
	while (asides_take(asides, ASIDE_ANY, 0, &aside))
		aside_free(&aside);
	pthread_mutex_destroy(&asides->lock);
	pthread_mutex_destroy(&asides->submitting);
	free(asides);
}

static struct entry **find(struct asides *asides, uint32_t table, struct slice key)
{
	struct entry **at = &asides->first;

	while (*at != NULL && ((*at)->aside.table != table || !slice_equal((*at)->aside.key, key)))
		at = &(*at)->next;
	return at;
}

int asides_add(struct asides *asides, const struct aside *aside)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (entry == NULL)
		return -ENOMEM;
	entry->aside = *aside;
	entry->aside.key = copy_of(aside->key);
	entry->aside.author = copy_of(aside->author);
	entry->due_ms = monotonic_ms() + ASIDE_MS;
	if (entry->aside.key.data == NULL || entry->aside.author.data == NULL) {
		aside_free(&entry->aside);
		free(entry);
		return -ENOMEM;
	}
	pthread_mutex_lock(&asides->lock);
	entry->next = asides->first;
	asides->first = entry;
	atomic_fetch_add(&asides->count, 1);
	pthread_mutex_unlock(&asides->lock);
	return 0;
}

bool asides_has(struct asides *asides, uint32_t table, struct slice key)
{
	bool has;

	if (atomic_load(&asides->count) == 0)
		return false;
	pthread_mutex_lock(&asides->lock);
	has = *find(asides, table, key) != NULL;
	pthread_mutex_unlock(&asides->lock);
	return has;
}

static struct aside take_out(struct asides *asides, struct entry **at)
{
	struct entry *entry = *at;
	struct aside aside = entry->aside;

	*at = entry->next;
	free(entry);
	atomic_fetch_sub(&asides->count, 1);
	return aside;
}

void asides_lock(struct asides *asides)
{
	pthread_mutex_lock(&asides->submitting);
}

void asides_unlock(struct asides *asides)
{
	pthread_mutex_unlock(&asides->submitting);
}

void asides_cancel(struct asides *asides, uint32_t table, struct slice key, uint64_t seq)
{
	struct entry **at;

	if (atomic_load(&asides->count) == 0)
		return;
	pthread_mutex_lock(&asides->lock);
	at = find(asides, table, key);
	if (*at != NULL && (*at)->aside.seq < seq) {
		struct aside aside = take_out(asides, at);

		aside_free(&aside);
	}
	pthread_mutex_unlock(&asides->lock);
}

static bool is_chosen(const struct entry *entry, enum aside_choice choice, uint64_t value, int64_t now_ms)
{
	switch (choice) {
	case ASIDE_DUE:
		return entry->due_ms <= now_ms;
	case ASIDE_OF_TABLE:
		return entry->aside.table == value;
	case ASIDE_OF_SCRATCH:
		return entry->aside.scratch == value;
	case ASIDE_ANY:
		break;
	}
	return true;
}

bool asides_take(struct asides *asides, enum aside_choice choice, uint64_t value, struct aside *ret_aside)
{
	int64_t now_ms = monotonic_ms();
	struct entry **at;
	bool is_taken;

	if (atomic_load(&asides->count) == 0)
		return false;
	pthread_mutex_lock(&asides->lock);
	at = &asides->first;
	while (*at != NULL && !is_chosen(*at, choice, value, now_ms))
		at = &(*at)->next;
	is_taken = *at != NULL;
	if (is_taken)
		*ret_aside = take_out(asides, at);
	pthread_mutex_unlock(&asides->lock);
	return is_taken;
}

int64_t asides_due(struct asides *asides)
{
	int64_t due_ms = INT64_MAX;

	pthread_mutex_lock(&asides->lock);
	for (struct entry *entry = asides->first; entry != NULL; entry = entry->next)
		due_ms = entry->due_ms < due_ms ? entry->due_ms : due_ms;
	pthread_mutex_unlock(&asides->lock);
	return due_ms;
}
