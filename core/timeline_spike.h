/* What stands out in a table's timeline: short stretches with far more changes of a kind than at other times. A few deletions too many
 * are found beside a flood of inserts, since each kind is compared with itself alone.
 *
 * A stretch stands out when it takes at most a tenth of the time, has at least SPIKE_LEAST changes, and its busiest bin has more
 * than SPIKE_FACTOR times what other bins have on average, and what other bursts have at their height. */
#ifndef PITR_TIMELINE_SPIKE_H
#define PITR_TIMELINE_SPIKE_H

#include "author_label.h"
#include "timeline.h"

#define SPIKE_LEAST 10
#define SPIKE_FACTOR 5
#define SPIKE_AUTHORS 3
#define SPIKES_MAX 8

struct timeline_spike {
	enum change_op op;
	uint64_t count;            /* changes of this kind */
	int64_t from_us, to_us;    /* the first and the last of them */
	uint64_t from_seq, to_seq; /* likewise */
	struct {
		char label[AUTHOR_LABEL_MAX]; /* "": no more authors */
		uint64_t count; /* exact while there are not more than some dozens of authors, else at least so many */
	} by[SPIKE_AUTHORS];    /* who made most of it */
};

/* The SPIKES_MAX most striking ones of those changes with from <= time < to, in order of time. How many, or negative. Costs the changes. */
int timeline_spikes(struct store_txn *txn, const struct table *table, const struct reach *reach, int64_t from_us,
	int64_t to_us, struct timeline_spike ret_spikes[SPIKES_MAX]);

#endif
