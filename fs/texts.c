#include "texts.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "monotonic.h"

struct kept {
	struct text_key key; /* place 0: empty */
	struct text *text;
	int64_t made_ms;
	uint64_t used;
};

struct texts {
	pthread_mutex_t lock;
	struct kept kept[TEXTS_KEPT];
	uint64_t uses;
	size_t bytes;
};

int texts_new(struct texts **ret_texts)
{
	struct texts *texts = calloc(1, sizeof(*texts));

	if (texts == NULL)
		return -ENOMEM;
	pthread_mutex_init(&texts->lock, NULL);
	*ret_texts = texts;
	return 0;
}

void text_put(struct text *text)
{
	if (text != NULL && atomic_fetch_sub(&text->references, 1) == 1)
		free(text);
}

static void drop(struct texts *texts, struct kept *kept)
{
	if (kept->key.place == 0)
		return;
	texts->bytes -= kept->text->size;
	text_put(kept->text);
	*kept = (struct kept){ 0 };
}

void texts_free(struct texts *texts)
{
	if (texts == NULL)
		return;
	for (size_t i = 0; i < TEXTS_KEPT; i++)
		drop(texts, &texts->kept[i]);
	pthread_mutex_destroy(&texts->lock);
	free(texts);
}

static struct text *find(struct texts *texts, const struct text_key *key, bool is_exact, int64_t *ret_age_ms)
{
	struct text *text = NULL;

	pthread_mutex_lock(&texts->lock);
	for (size_t i = 0; i < TEXTS_KEPT && text == NULL; i++) {
		struct kept *kept = &texts->kept[i];

		if (kept->key.place != key->place || kept->key.number != key->number ||
			(is_exact && kept->key.version != key->version))
			continue;
		text = kept->text;
		atomic_fetch_add(&text->references, 1);
		kept->used = ++texts->uses;
		*ret_age_ms = monotonic_ms() - kept->made_ms;
	}
	pthread_mutex_unlock(&texts->lock);
	return text;
}

struct text *texts_find(struct texts *texts, const struct text_key *key, int64_t *ret_age_ms)
{
	int64_t age_ms;

	return find(texts, key, true, ret_age_ms == NULL ? &age_ms : ret_age_ms);
}

struct text *texts_find_latest(struct texts *texts, const struct text_key *key)
{
	int64_t age_ms;

	return find(texts, key, false, &age_ms);
}

/* The place for a key: that of the same node, or a free one, or the one unused for longest. */
static struct kept *place_for(struct texts *texts, const struct text_key *key)
{
	struct kept *best = &texts->kept[0];

	for (size_t i = 0; i < TEXTS_KEPT; i++) {
		struct kept *kept = &texts->kept[i];

		if (kept->key.place == key->place && kept->key.number == key->number)
			return kept;
		if (kept->used < best->used)
			best = kept;
	}
	return best;
}

static struct kept *oldest(struct texts *texts, const struct kept *other_than)
{
	struct kept *best = NULL;

	for (size_t i = 0; i < TEXTS_KEPT; i++) {
		struct kept *kept = &texts->kept[i];

		if (kept != other_than && kept->key.place != 0 && (best == NULL || kept->used < best->used))
			best = kept;
	}
	return best;
}

struct text *texts_add(struct texts *texts, const struct text_key *key, struct slice bytes)
{
	struct text *text = malloc(sizeof(*text) + bytes.size);
	struct kept *kept, *old;

	if (text == NULL)
		return NULL;
	atomic_init(&text->references, 2);
	text->size = bytes.size;
	if (bytes.size > 0)
		memcpy(text->bytes, bytes.data, bytes.size);
	pthread_mutex_lock(&texts->lock);
	kept = place_for(texts, key);
	drop(texts, kept);
	*kept = (struct kept){ *key, text, monotonic_ms(), ++texts->uses };
	texts->bytes += text->size;
	while (texts->bytes > TEXTS_MAX_BYTES && (old = oldest(texts, kept)) != NULL)
		drop(texts, old);
	pthread_mutex_unlock(&texts->lock);
	return text;
}

void text_append_part(struct slice text, uint64_t offset, size_t size, struct buffer *out)
{
	if (offset >= text.size)
		return;
	if (size > text.size - offset)
		size = text.size - offset;
	buffer_append(out, text.data + offset, size);
}
