/* A run of a model test: a store and its model side by side, and what compares them. Extended by what later tests do to
 * both. */
#ifndef PITR_SUPPORT_MODEL_RUN_H
#define PITR_SUPPORT_MODEL_RUN_H

#include "fixture.h"
#include "model.h"

struct model_run {
	uint64_t seed, random;
	unsigned long operation, operations;
	uint64_t changes, restores, checks;
	struct fixture fixture;
	struct model model;
	int64_t clock_us;
	struct buffer item, encoded, content;
};

extern struct model_run model_run;

/* Prints what differs and how to see it again, and ends the program. */
void model_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
void model_expect(const char *what, int64_t got, int64_t wanted);
uint64_t model_below(uint64_t bound);
int64_t model_most(int64_t a, int64_t b);

/* NULL: there is none. */
struct model_table *model_any_table(bool is_live_only);

/* Each compares one thing, chosen at random: the tables and one whole table at an instant; a table after a change, or
 * live; a log. */
void model_check_instant(void);
void model_check_seq(void);
void model_check_log(void);

#endif
