#include "import_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"

#define CAPACITY_MIN 1024

static const uint8_t empty_slot[16];

static size_t place_of(const uint8_t hash[16], size_t capacity)
{
	uint64_t start;
	memcpy(&start, hash, sizeof(start));
	return (size_t)start & (capacity - 1);
}

/* The slot that holds the hash, or the empty one where it belongs. */
static uint8_t *find_slot(uint8_t (*slots)[16], size_t capacity, const uint8_t hash[16])
{
	size_t place = place_of(hash, capacity);
	while (memcmp(slots[place], empty_slot, 16) != 0 && memcmp(slots[place], hash, 16) != 0)
		place = (place + 1) & (capacity - 1);
	return slots[place];
}

static int grow(struct import_seen *seen)
{
	size_t capacity = seen->capacity ? seen->capacity * 2 : CAPACITY_MIN;
	uint8_t(*slots)[16] = calloc(capacity, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < seen->capacity; i++)
		if (memcmp(seen->slots[i], empty_slot, 16) != 0)
			memcpy(find_slot(slots, capacity, seen->slots[i]), seen->slots[i], 16);
	free(seen->slots);
	seen->slots = slots;
	seen->capacity = capacity;
	return 0;
}

int import_seen_add(struct import_seen *seen, const char *event_id)
{
	uint8_t hash[16];
	if (seen->count * 2 >= seen->capacity) {
		int result = grow(seen);
		if (result < 0)
			return result;
	}
	hash_strong(slice_of_text(event_id), hash);
	uint8_t *slot = find_slot(seen->slots, seen->capacity, hash);
	if (memcmp(slot, hash, 16) == 0)
		return 1;
	memcpy(slot, hash, 16);
	seen->count++;
	return 0;
}

void import_seen_free(struct import_seen *seen)
{
	free(seen->slots);
	*seen = (struct import_seen){ 0 };
}
