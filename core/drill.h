/* Drills: restoring past states into temporary tables, in both ways, and looking whether they are what they should be.
 *
 * Temporary tables are named drill-TABLE-share-XXXXXXXX and drill-TABLE-copy-XXXXXXXX, keep no history (so nothing is kept of them
 * when they are dropped), and are noted in META "x" in the commit that makes them until the one that drops them: what a
 * drill that was interrupted has left is dropped by the next, and by drill_clear. One drill at a time in a store: it holds a
 * lock on STORE/drill.lock. */
#ifndef PITR_DRILL_H
#define PITR_DRILL_H

#include <stdbool.h>
#include <stdint.h>

#include "compare.h"
#include "history.h"
#include "replay.h"
#include "table.h"

struct drill;

/* One restored state. The temporary tables can be looked at, and dropped, with drill_drop. */
struct drill_round {
	struct snapshot state;
	struct table share, copy;
	uint64_t items;
	int64_t share_us, copy_us, compare_us, replay_us; /* how long each took */
	/* The shared one is the first, the copied one the second; what was replayed is the first, the restored one the second. */
	struct compare_counts compared;
	struct replay_counts share_replayed, copy_replayed;
};

struct drill_options {
	struct slice author; /* text (author.h) of what the drill does */
	/* Called now and then while items are copied; a negative errno ends the drill with it. May be NULL. */
	int (*progress)(void *context, uint64_t done, uint64_t total);
	/* Called for each item that is not as it should be; `what` names the two that were held against each other. */
	int (*differs)(void *context, const char *what, enum compare_kind kind, struct slice encoded_key,
		struct slice first, struct slice second);
	void *context;
};

/* Takes the lock and drops what was left. -EBUSY: another drill is running. The options are borrowed. */
int drill_begin(
	struct history *history, const struct drill_options *options, struct drill **ret_drill, struct error *error);
/* Drops what is left, forgets it (retention_step, for some seconds at most), and gives the lock back. NULL is fine. */
int drill_end(struct drill *drill, struct error *error);
/* Gives the lock back and leaves everything else as it is, as the end of the process does. NULL is fine. */
void drill_abandon(struct drill *drill);
/* For those who clean up: does both at once; while a drill is running, nothing. *ret_tables: dropped. */
int drill_clear(struct history *history, unsigned *ret_tables, struct error *error);

/* A random instant of the table's window at which something changed, or between two changes. `random` goes on with it. */
int drill_pick(struct drill *drill, const struct table *table, uint64_t *random, struct snapshot *ret_state,
	struct error *error);
/* Restores it in both ways; -ENOENT, -ESTALE: it can't be had (any more). Free with drill_drop, also after a failure. */
int drill_restore(struct drill *drill, const struct table *table, const struct snapshot *state,
	struct drill_round *ret_round, struct error *error);
/* Holds the two against each other, and each against the change log. 0 also when they differ: drill_is_right tells. */
int drill_check(struct drill *drill, const struct table *table, struct drill_round *round, struct error *error);
bool drill_is_right(const struct drill_round *round);
int drill_drop(struct drill *drill, struct drill_round *round, struct error *error);

#endif
