#include "timeline_spike.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"

#define BINS 288
#define PARTS 512      /* of a spike, to find where it begins and ends */
#define AUTHORS_MAX 32 /* counted at a time */

/* --- Finding them in bins ------------------------------------------------------------------------------------------- */

struct series {
	uint64_t values[BINS];
	bool is_taken[BINS]; /* part of a spike that was found */
	size_t count;
};

struct burst {
	enum change_op op;
	size_t from, to; /* bins, both in it */
	double strength; /* how many times what is usual */
};

static uint64_t value_of(const struct timeline_bin *bin, enum change_op op)
{
	return op == CHANGE_INSERT ? bin->inserts : op == CHANGE_MODIFY ? bin->modifications : bin->removals;
}

/* The busiest bin that is not taken, with its neighbours that have a quarter of it at least. False: nothing is left. */
static bool find_top(const struct series *series, struct burst *ret_burst)
{
	size_t top = BINS;
	for (size_t i = 0; i < series->count; i++)
		if (!series->is_taken[i] && series->values[i] > 0 &&
			(top == BINS || series->values[i] > series->values[top]))
			top = i;
	if (top == BINS)
		return false;
	uint64_t least = series->values[top] / 4;
	ret_burst->from = ret_burst->to = top;
	while (ret_burst->from > 0 && !series->is_taken[ret_burst->from - 1] &&
		series->values[ret_burst->from - 1] > least)
		ret_burst->from--;
	while (ret_burst->to + 1 < series->count && !series->is_taken[ret_burst->to + 1] &&
		series->values[ret_burst->to + 1] > least)
		ret_burst->to++;
	return true;
}

static bool is_outside(const struct series *series, const struct burst *burst, size_t i)
{
	return !series->is_taken[i] && (i < burst->from || i > burst->to);
}

static double mean_outside(const struct series *series, const struct burst *burst)
{
	uint64_t sum = 0, count = 0;
	for (size_t i = 0; i < series->count; i++)
		if (is_outside(series, burst, i)) {
			sum += series->values[i];
			count++;
		}
	return count ? (double)sum / (double)count : 0;
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

/* The middle one of the heights of the other bursts: runs of bins above the average. */
static uint64_t usual_height(const struct series *series, const struct burst *burst, double mean)
{
	uint64_t heights[BINS], height = 0;
	size_t count = 0;
	for (size_t i = 0; i <= series->count; i++) {
		bool is_high = i < series->count && is_outside(series, burst, i) && (double)series->values[i] > mean;
		if (is_high && series->values[i] > height)
			height = series->values[i];
		if (!is_high && height > 0) {
			heights[count++] = height;
			height = 0;
		}
	}
	qsort(heights, count, sizeof(heights[0]), compare_u64);
	return count ? heights[count / 2] : 0;
}

static bool stands_out(const struct series *series, struct burst *burst)
{
	uint64_t sum = 0, height = 0;
	for (size_t i = burst->from; i <= burst->to; i++) {
		sum += series->values[i];
		height = series->values[i] > height ? series->values[i] : height;
	}
	double mean = mean_outside(series, burst);
	double usual = (double)usual_height(series, burst, mean);
	double most = mean > usual ? mean : usual;
	burst->strength = (double)height / (most > 1 ? most : 1);
	return sum >= SPIKE_LEAST && (burst->to - burst->from + 1) * 10 <= series->count &&
	       (double)height > SPIKE_FACTOR * most;
}

/* Puts a burst among the strongest so far. */
static size_t keep(struct burst *bursts, size_t count, const struct burst *burst)
{
	size_t at = count;
	while (at > 0 && bursts[at - 1].strength < burst->strength)
		at--;
	if (at == SPIKES_MAX)
		return count;
	size_t moved = (count < SPIKES_MAX ? count : SPIKES_MAX - 1) - at;
	memmove(bursts + at + 1, bursts + at, moved * sizeof(*bursts));
	bursts[at] = *burst;
	return count < SPIKES_MAX ? count + 1 : count;
}

static size_t find_bursts(const struct timeline_bin *bins, size_t count, struct burst bursts[SPIKES_MAX])
{
	size_t found = 0;
	for (enum change_op op = CHANGE_INSERT; op <= CHANGE_REMOVE; op++) {
		struct series series = { .count = count };
		struct burst burst = { .op = op };
		for (size_t i = 0; i < count; i++)
			series.values[i] = value_of(&bins[i], op);
		for (unsigned n = 0; n < SPIKES_MAX && find_top(&series, &burst) && stands_out(&series, &burst); n++) {
			found = keep(bursts, found, &burst);
			memset(series.is_taken + burst.from, true, burst.to - burst.from + 1);
		}
	}
	return found;
}

/* --- Where they begin and end, exactly, and by whom ----------------------------------------------------------------- */

/* The shortest run of parts that has nine tenths of the sum; then what goes on without a pause. */
static void find_core(const uint64_t parts[PARTS], size_t *ret_from, size_t *ret_to)
{
	uint64_t sum = 0, inside = 0;
	size_t from = 0, to = PARTS - 1, pause;
	for (size_t i = 0; i < PARTS; i++)
		sum += parts[i];
	for (size_t begin = 0, end = 0; end < PARTS; end++) {
		inside += parts[end];
		for (; begin < end && inside - parts[begin] >= sum - sum / 10; begin++)
			inside -= parts[begin];
		if (inside >= sum - sum / 10 && end - begin < to - from) {
			from = begin;
			to = end;
		}
	}
	pause = (to - from) / 8 + 2;
	for (size_t i = from, empty = 0; i-- > 0 && empty < pause;) {
		empty = parts[i] ? 0 : empty + 1;
		from = parts[i] ? i : from;
	}
	for (size_t i = to + 1, empty = 0; i < PARTS && empty < pause; i++) {
		empty = parts[i] ? 0 : empty + 1;
		to = parts[i] ? i : to;
	}
	*ret_from = from;
	*ret_to = to;
}

struct tally {
	struct {
		uint64_t author, count;
		char label[AUTHOR_LABEL_MAX];
	} rows[AUTHORS_MAX];
	size_t count, last; /* row of the last one that was counted */
};

/* When there is no row left, every row gives up one, and those with nothing are free: who made more than a share of 1/AUTHORS_MAX is
 * never lost. */
static int tally_add(struct tally *tally, struct store_txn *txn, uint64_t author)
{
	char label[AUTHOR_LABEL_MAX];
	size_t at = tally->last, kept = 0;
	if (at < tally->count && tally->rows[at].author == author) {
		tally->rows[at].count++;
		return 0;
	}
	int r = author_label_of(txn, author, label);
	if (r)
		return r;
	for (at = 0; at < tally->count && strcmp(tally->rows[at].label, label) != 0; at++)
		continue;
	if (at == AUTHORS_MAX) {
		for (size_t i = 0; i < AUTHORS_MAX; i++)
			if (--tally->rows[i].count > 0)
				tally->rows[kept++] = tally->rows[i];
		tally->count = kept;
		return 0;
	}
	if (at == tally->count) {
		tally->rows[tally->count++].count = 0;
		strcpy(tally->rows[at].label, label);
	}
	tally->rows[at].author = author;
	tally->rows[at].count++;
	tally->last = at;
	return 0;
}

static void tally_most(struct tally *tally, struct timeline_spike *spike)
{
	for (size_t n = 0; n < SPIKE_AUTHORS && n < tally->count; n++) {
		size_t top = n;
		for (size_t i = n; i < tally->count; i++)
			top = tally->rows[i].count > tally->rows[top].count ? i : top;
		strcpy(spike->by[n].label, tally->rows[top].label);
		spike->by[n].count = tally->rows[top].count;
		tally->rows[top] = tally->rows[n];
	}
}

static int count_changes(struct store_txn *txn, const struct table *table, const struct reach *reach, int64_t from_us,
	int64_t to_us, struct timeline_spike *spike)
{
	struct tally tally = { 0 };
	struct log_entry entry;
	struct log_walk walk;
	int r = timeline_at(txn, table, reach, from_us - 1, &entry);
	if (!r)
		r = log_walk_begin(&walk, txn, table->number, entry.seq + 1);
	while (!r && (r = log_walk_next(&walk, &entry)) == 1) {
		r = 0;
		if (entry.seq > reach->last_seq || entry.time_us >= to_us)
			break;
		if (entry.op != spike->op)
			continue;
		if (spike->count++ == 0) {
			spike->from_us = entry.time_us;
			spike->from_seq = entry.seq;
		}
		spike->to_us = entry.time_us;
		spike->to_seq = entry.seq;
		r = tally_add(&tally, txn, entry.author);
	}
	tally_most(&tally, spike);
	return r;
}

static int tell_spike(struct store_txn *txn, const struct table *table, const struct reach *reach, int64_t from_us,
	int64_t to_us, struct timeline_spike *spike)
{
	struct timeline_bin bins[PARTS];
	uint64_t parts[PARTS];
	size_t from, to;
	int64_t part_us = (to_us - from_us + PARTS - 1) / PARTS;
	int r = timeline_count(txn, table, reach, from_us, from_us + part_us * PARTS, bins, PARTS);
	if (r)
		return r;
	for (size_t i = 0; i < PARTS; i++)
		parts[i] = value_of(&bins[i], spike->op);
	find_core(parts, &from, &to);
	return count_changes(
		txn, table, reach, from_us + part_us * (int64_t)from, from_us + part_us * (int64_t)(to + 1), spike);
}

static int compare_times(const void *a, const void *b)
{
	const struct timeline_spike *x = a, *y = b;
	return x->from_us < y->from_us ? -1 : x->from_us > y->from_us;
}

int timeline_spikes(struct store_txn *txn, const struct table *table, const struct reach *reach, int64_t from_us,
	int64_t to_us, struct timeline_spike ret_spikes[SPIKES_MAX])
{
	struct timeline_bin bins[BINS];
	struct burst bursts[SPIKES_MAX];
	int64_t begin_us, bin_us = timeline_bin_us(from_us, to_us, BINS, &begin_us);
	size_t count = (size_t)((to_us - begin_us + bin_us - 1) / bin_us);
	if (count < 10)
		return 0;
	int r = timeline_count(txn, table, reach, begin_us, begin_us + bin_us * (int64_t)count, bins, count);
	size_t found = r ? 0 : find_bursts(bins, count, bursts);
	memset(ret_spikes, 0, SPIKES_MAX * sizeof(ret_spikes[0]));
	for (size_t i = 0; i < found && !r; i++) {
		ret_spikes[i].op = bursts[i].op;
		r = tell_spike(txn, table, reach, begin_us + bin_us * (int64_t)bursts[i].from,
			begin_us + bin_us * (int64_t)(bursts[i].to + 1), &ret_spikes[i]);
	}
	qsort(ret_spikes, found, sizeof(ret_spikes[0]), compare_times);
	return r ? r : (int)found;
}
