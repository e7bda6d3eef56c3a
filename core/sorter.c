/* Invariants: until the first record is taken, `memory` has what was added since the last run was written; runs, sorted,
 * stand one behind the other in `file`, all of `run_records` but the last. While records are taken, `memory` is shared out among the runs,
 * and `heap` has the runs that have records left, that with the least at the top. */
#include "sorter.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "spool.h"

struct run {
	uint64_t at, end; /* of what is not read yet, in the file */
	uint8_t *records; /* its share of memory */
	size_t next, count;
};

struct sorter {
	size_t record_size, run_records;
	uint8_t *memory;
	size_t count, room, next;
	struct spool *file;
	bool is_taking;
	struct run *runs, **heap;
	size_t run_count, heap_count;
	size_t share; /* records of each run in memory */
};

int sorter_new(const char *directory, size_t record_size, struct sorter **ret_sorter)
{
	assert(record_size > 0 && record_size <= SORTER_RECORD_MAX);
	struct sorter *sorter = calloc(1, sizeof(*sorter));
	if (!sorter)
		return -ENOMEM;
	sorter->record_size = record_size;
	sorter->run_records = SORTER_MEMORY_MAX / record_size;
	int r = spool_new(directory, &sorter->file);
	if (r) {
		free(sorter);
		return r;
	}
	*ret_sorter = sorter;
	return 0;
}

void sorter_free(struct sorter *sorter)
{
	if (!sorter)
		return;
	spool_free(sorter->file);
	free(sorter->memory);
	free(sorter->runs);
	free(sorter->heap);
	free(sorter);
}

static int compare_records(const void *a, const void *b, void *size)
{
	return memcmp(a, b, *(const size_t *)size);
}

static void sort_memory(struct sorter *sorter)
{
	if (sorter->count)
		qsort_r(sorter->memory, sorter->count, sorter->record_size, compare_records, &sorter->record_size);
}

static int write_run(struct sorter *sorter)
{
	sort_memory(sorter);
	int r = spool_write(
		sorter->file, spool_size(sorter->file), sorter->memory, sorter->count * sorter->record_size);
	if (!r)
		sorter->count = 0;
	return r;
}

static int grow(struct sorter *sorter)
{
	size_t room = sorter->room ? 2 * sorter->room : 64;
	room = room < sorter->run_records ? room : sorter->run_records;
	uint8_t *memory = realloc(sorter->memory, room * sorter->record_size);
	if (!memory)
		return -ENOMEM;
	sorter->memory = memory;
	sorter->room = room;
	return 0;
}

int sorter_add(struct sorter *sorter, const void *record)
{
	assert(!sorter->is_taking);
	int r = 0;
	if (sorter->count == sorter->run_records)
		r = write_run(sorter);
	else if (sorter->count == sorter->room)
		r = grow(sorter);
	if (!r)
		memcpy(sorter->memory + sorter->count++ * sorter->record_size, record, sorter->record_size);
	return r;
}

static int fill(struct sorter *sorter, struct run *run)
{
	uint64_t size = run->end - run->at;
	if (size > sorter->share * sorter->record_size)
		size = sorter->share * sorter->record_size;
	ssize_t got = spool_read(sorter->file, run->at, run->records, (size_t)size);
	if (got < 0 || (uint64_t)got != size)
		return got < 0 ? (int)got : -EIO;
	run->at += size;
	run->next = 0;
	run->count = (size_t)size / sorter->record_size;
	return 0;
}

static const uint8_t *first_of(const struct sorter *sorter, const struct run *run)
{
	return run->records + run->next * sorter->record_size;
}

static void sink(struct sorter *sorter, size_t place)
{
	for (;;) {
		size_t least = place;
		for (size_t below = 2 * place + 1; below <= 2 * place + 2 && below < sorter->heap_count; below++)
			if (memcmp(first_of(sorter, sorter->heap[below]), first_of(sorter, sorter->heap[least]),
				    sorter->record_size) < 0)
				least = below;
		if (least == place)
			return;
		struct run *run = sorter->heap[place];
		sorter->heap[place] = sorter->heap[least];
		sorter->heap[least] = run;
		place = least;
	}
}

/* Everything into the file, and the beginning of each run into memory. */
static int begin_merge(struct sorter *sorter)
{
	uint64_t run_size = (uint64_t)sorter->run_records * sorter->record_size;
	int r = write_run(sorter);
	if (r)
		return r;
	sorter->run_count = (size_t)((spool_size(sorter->file) + run_size - 1) / run_size);
	sorter->share = sorter->run_records / sorter->run_count;
	if (sorter->share < 16)
		sorter->share = 16;
	uint8_t *memory = realloc(sorter->memory, sorter->run_count * sorter->share * sorter->record_size);
	if (!memory)
		return -ENOMEM;
	sorter->memory = memory;
	sorter->runs = calloc(sorter->run_count, sizeof(*sorter->runs));
	sorter->heap = calloc(sorter->run_count, sizeof(struct run *));
	if (!sorter->runs || !sorter->heap)
		return -ENOMEM;
	for (size_t i = 0; i < sorter->run_count && !r; i++) {
		struct run *run = &sorter->runs[i];
		run->at = i * run_size;
		run->end = run->at + run_size;
		if (run->end > spool_size(sorter->file))
			run->end = spool_size(sorter->file);
		run->records = memory + i * sorter->share * sorter->record_size;
		r = fill(sorter, run);
		sorter->heap[sorter->heap_count++] = run;
	}
	for (size_t place = sorter->heap_count; place-- > 0 && !r;)
		sink(sorter, place);
	return r;
}

static int take_least(struct sorter *sorter, void *ret_record)
{
	if (!sorter->heap_count)
		return 0;
	struct run *run = sorter->heap[0];
	memcpy(ret_record, first_of(sorter, run), sorter->record_size);
	int r = 0;
	if (++run->next == run->count)
		r = run->at < run->end ? fill(sorter, run) : 0;
	if (r)
		return r;
	if (run->next == run->count)
		sorter->heap[0] = sorter->heap[--sorter->heap_count];
	sink(sorter, 0);
	return 1;
}

int sorter_next(struct sorter *sorter, void *ret_record)
{
	if (!sorter->is_taking) {
		int r = 0;
		sorter->is_taking = true;
		if (spool_size(sorter->file))
			r = begin_merge(sorter);
		else
			sort_memory(sorter);
		if (r)
			return r;
	}
	if (sorter->run_count)
		return take_least(sorter, ret_record);
	if (sorter->next == sorter->count)
		return 0;
	memcpy(ret_record, sorter->memory + sorter->next++ * sorter->record_size, sorter->record_size);
	return 1;
}
