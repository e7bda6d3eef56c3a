#include "index.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "hash.h"

static struct index_link **bucket_of(const struct index *index, uint64_t hash)
{
	return &index->buckets[hash & (index->bucket_count - 1)];
}

void index_free(struct index *index)
{
	free(index->buckets);
	*index = INDEX_INIT;
}

static int grow(struct index *index)
{
	struct index bigger = { .bucket_count = index->bucket_count == 0 ? 64 : index->bucket_count * 2 };

	bigger.buckets = calloc(bigger.bucket_count, sizeof(struct index_link *));
	if (bigger.buckets == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < index->bucket_count; i++) {
		for (struct index_link *link = index->buckets[i], *next; link != NULL; link = next) {
			next = link->next;
			index_add(&bigger, link, link->hash);
		}
	}
	free(index->buckets);
	*index = bigger;
	return 0;
}

int index_reserve(struct index *index)
{
	if (index->bucket_count == 0)
		return grow(index);
	if (index->size >= index->bucket_count)
		(void)grow(index); /* longer chains are slower, not wrong */
	return 0;
}

void index_add(struct index *index, struct index_link *link, uint64_t hash)
{
	assert(index->buckets != NULL);
	link->hash = hash;
	link->next = *bucket_of(index, hash);
	*bucket_of(index, hash) = link;
	index->size++;
}

void index_remove(struct index *index, struct index_link *link)
{
	struct index_link **at = bucket_of(index, link->hash);

	while (*at != link) {
		assert(*at != NULL);
		at = &(*at)->next;
	}
	*at = link->next;
	link->next = NULL;
	index->size--;
}

struct index_link *index_first(const struct index *index, uint64_t hash)
{
	struct index_link *link = index->buckets == NULL ? NULL : *bucket_of(index, hash);

	while (link != NULL && link->hash != hash)
		link = link->next;
	return link;
}

struct index_link *index_next(const struct index_link *link)
{
	struct index_link *next = link->next;

	while (next != NULL && next->hash != link->hash)
		next = next->next;
	return next;
}

uint64_t index_hash(uint64_t number, struct slice bytes)
{
	return hash_checksum64(bytes, number);
}
