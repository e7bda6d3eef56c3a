#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/stress/world.h"

const char *table_name(unsigned table)
{
	static const char *const names[TABLES] = { "alpha", "beta", "gamma" };
	return names[table];
}

unsigned item_table(unsigned item)
{
	return item % TABLES;
}

unsigned item_owner(unsigned item)
{
	return item / ITEMS_OF_OWNER;
}

static bool has_partitions(unsigned table)
{
	return table == TABLES - 1;
}

void item_path(unsigned item, bool is_bare, char *ret_path)
{
	const char *end = is_bare ? "" : ".json", *name = table_name(item_table(item));
	if (has_partitions(item_table(item)))
		snprintf(ret_path, PATH_SIZE, "%s/p%u/k%u%s", name, item_owner(item), item, end);
	else
		snprintf(ret_path, PATH_SIZE, "%s/k%u%s", name, item, end);
}

int item_of_name(unsigned table, const char *name)
{
	char *end;
	unsigned long item = name[0] == 'k' ? strtoul(name + 1, &end, 10) : ITEMS;
	if (item >= ITEMS || item_table((unsigned)item) != table || strcmp(end, ".json"))
		return -1;
	return (int)item;
}

static uint64_t mix(uint64_t z)
{
	z = (z + 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

size_t item_text(unsigned item, uint64_t counter, char *ret_text)
{
	uint64_t random = mix(item * UINT64_C(1000000) + counter);
	size_t length = random % 16 ? 50 + random / 16 % 600 : 3000 + random / 16 % 20000, at;
	if (has_partitions(item_table(item)))
		at = (size_t)sprintf(ret_text, "{\n  \"pk\": \"p%u\",\n  \"sk\": \"k%u\",\n", item_owner(item), item);
	else
		at = (size_t)sprintf(ret_text, "{\n  \"id\": \"k%u\",\n", item);
	at += (size_t)sprintf(ret_text + at, "  \"n\": %llu,\n  \"text\": \"", (unsigned long long)counter);
	for (size_t i = 0; i < length; i++) {
		if (i % 12 == 0)
			random = mix(random);
		ret_text[at++] = (char)('a' + (random >> (i % 12 * 5)) % 26);
	}
	memcpy(ret_text + at, "\"\n}\n", 4);
	return at + 4;
}

uint64_t item_counter(unsigned item, const char *text, size_t size)
{
	static char right[ITEM_TEXT_MAX];
	const char *place = memmem(text, size < 100 ? size : 100, "\"n\": ", 5);
	uint64_t counter = place ? strtoull(place + 5, NULL, 10) : 0;
	if (!counter || item_text(item, counter, right) != size || memcmp(right, text, size))
		return 0;
	return counter;
}

/* --- what is known of them --- */

static struct state *last_state(struct item *item)
{
	return &item->states[(item->state_count + 31) % 32];
}

uint64_t item_begin(unsigned number, bool may_lack)
{
	struct item *item = &world->items[number];
	pthread_mutex_lock(&item->lock);
	uint64_t counter = ++item->begun;
	if (may_lack)
		item->may_lack = counter;
	pthread_mutex_unlock(&item->lock);
	return counter;
}

void item_done(unsigned number, uint64_t counter, bool is_there)
{
	struct item *item = &world->items[number];
	pthread_mutex_lock(&item->lock);
	item->states[item->state_count++ % 32] = (struct state){ counter, is_there, now_ms() };
	pthread_mutex_unlock(&item->lock);
	atomic_fetch_add(&world->changes, 1);
}

struct state item_state(unsigned number)
{
	struct item *item = &world->items[number];
	pthread_mutex_lock(&item->lock);
	struct state state = *last_state(item);
	pthread_mutex_unlock(&item->lock);
	return state;
}

void expectation_begin(unsigned number, struct expectation *ret_expectation)
{
	struct item *item = &world->items[number];
	int64_t then = now_ms() - NOTICE_MS;
	*ret_expectation = (struct expectation){ .item = number };
	pthread_mutex_lock(&item->lock);
	unsigned kept = item->state_count < 32 ? item->state_count : 32;
	for (unsigned i = 0; i < kept; i++) {
		const struct state *state = &item->states[(item->state_count - kept + i) % 32];
		/* Of more changes than are kept within the time, nothing is known. */
		if (state->since_ms <= then)
			ret_expectation->oldest = *state;
	}
	pthread_mutex_unlock(&item->lock);
}

enum seen expectation_end(const struct expectation *expectation, uint64_t counter)
{
	struct item *item = &world->items[expectation->item];
	pthread_mutex_lock(&item->lock);
	uint64_t begun = item->begun, may_lack = item->may_lack;
	pthread_mutex_unlock(&item->lock);
	if (counter > begun)
		return SEEN_WRONG;
	if (!counter)
		return may_lack > expectation->oldest.counter || !expectation->oldest.is_there ? SEEN_RIGHT : SEEN_OLD;
	/* What was removed is not seen again, until it was made anew. */
	if (counter == expectation->oldest.counter && !expectation->oldest.is_there)
		return SEEN_WRONG;
	return counter >= expectation->oldest.counter ? SEEN_RIGHT : SEEN_OLD;
}
