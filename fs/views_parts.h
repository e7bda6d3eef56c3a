/* What the parts of views.h share. */
#ifndef PITR_FS_VIEWS_PARTS_H
#define PITR_FS_VIEWS_PARTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "index.h"
#include "views.h"

struct slot {
	struct index_link by_name, by_base, by_table; /* by_table: live views that are named */
	struct view *view;                            /* NULL: the slot is free */
	int64_t references;
	int pins;
	bool is_named, is_told;
	int64_t used_ms;
	struct slot *previous_idle, *next_idle;
	bool is_idle;
	uint32_t number;
};

struct views {
	pthread_mutex_t lock;
	struct slot **slots; /* from 1 on */
	uint32_t count, capacity;
	struct index by_name, by_base, by_table;
	struct slot *oldest_idle, *newest_idle; /* nobody refers to them */
	size_t idle, past;
};

static inline uint64_t table_hash(uint32_t table)
{
	return index_hash(table, slice_of(NULL, 0));
}

static inline struct slot *slot_at(const struct views *views, uint32_t number)
{
	return number == 0 || number > views->count ? NULL : views->slots[number - 1];
}

#endif
