/* Scenarios whose Nth call to the store fails, for every N; and what stays.
 *
 * A scenario is a sequence of steps, each a commit of its own. Whatever fails, the store must be as after the steps that
 * succeeded, or as after one more, and whoever asked must have been told. */
#ifndef PITR_SUPPORT_FAULTY_WORLD_H
#define PITR_SUPPORT_FAULTY_WORLD_H

#include "tests/support/scratch_store.h"

#define STEPS_MAX 12u
#define CHECK_EVERY 16u /* of so many failures one is followed by a check of the whole store */
#define WORLD_US (INT64_C(1740832200) * SECOND_US) /* where the clock stands */

/* A store, and a copy of how it was at first. */
struct world {
	char *directory, *data, *aside, *shared;
	struct history *history;
	struct table flat, parts;
	struct fault fault;
	struct error error;
	bool is_changed;
};

typedef int (*step)(struct world *world);

/* A step fails with what it tells in world->error. */
struct scenario {
	const char *name;
	step steps[STEPS_MAX];
};

/* Tables "flat" and "parts", with some items and some that were removed. It is closed until it is opened. */
void make_world(struct world *world);
void remove_world(struct world *world);
void open_world(struct world *world);
void close_world(struct world *world);
/* A closed one, as it was made. */
void restore_world(struct world *world);
/* Tables, items, logs, pins, and what is being restored. */
void dump_world(struct world *world, struct buffer *out);
bool is_sound(struct world *world);

/* One commit: puts items first, first + 1, ... of a table in a version, or removes them when it is negative. */
int change(struct world *world, const struct table *table, unsigned first, unsigned count, int version);
/* One commit: what `how` does in the batch. */
int change_table(struct world *world, int (*how)(struct world *world, struct batch *batch));

/* From now on, of so many calls one fails; which is the first goes by the number. */
void fail_one_in(uint64_t every, uint64_t first);
/* Fails every call in every way; or, when there are many calls or few ways will do, in one, by turns. */
void run_scenario(const struct scenario *scenario, bool all_ways);

/* What came of it all. */
void pass(void);
void fail(const char *scenario, uint64_t n, int code, const char *what);
bool is_hopeless(void);  /* so much failed that the rest need not be tried */
int print_outcome(void); /* the exit status */

#endif
