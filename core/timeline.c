#include "timeline.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "calendar.h"
#include "clock.h"
#include "log.h"

#define MINUTE_US (60 * SECOND_US)
#define HOURS_US (60 * MINUTE_US)

static const int64_t lengths[] = { SECOND_US, 2 * SECOND_US, 5 * SECOND_US, 10 * SECOND_US, 15 * SECOND_US,
	30 * SECOND_US, MINUTE_US, 2 * MINUTE_US, 5 * MINUTE_US, 10 * MINUTE_US, 15 * MINUTE_US, 30 * MINUTE_US,
	HOURS_US, 2 * HOURS_US, 3 * HOURS_US, 6 * HOURS_US, 12 * HOURS_US, DAY_US, 2 * DAY_US, 7 * DAY_US, 14 * DAY_US,
	28 * DAY_US };

/* How many bins of a length it takes, the first beginning at a multiple of it. */
static size_t count_of(int64_t from_us, int64_t to_us, int64_t length_us, int64_t *ret_begin_us)
{
	*ret_begin_us = from_us - calendar_remainder(from_us, length_us);
	return (size_t)((to_us - *ret_begin_us + length_us - 1) / length_us);
}

int64_t timeline_bin_us(int64_t from_us, int64_t to_us, size_t most, int64_t *ret_begin_us)
{
	assert(from_us <= to_us && most >= 2);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		if (count_of(from_us, to_us, lengths[i], ret_begin_us) <= most)
			return lengths[i];
	int64_t length_us = 56 * DAY_US;
	while (count_of(from_us, to_us, length_us, ret_begin_us) > most)
		length_us *= 2;
	return length_us;
}

int timeline_at(struct store_txn *txn, const struct table *table, const struct reach *reach, int64_t time_us,
	struct log_entry *ret_entry)
{
	int r = log_at_time(txn, table->number, time_us, ret_entry);
	if (!r && ret_entry->seq >= reach->first_seq && ret_entry->seq <= reach->last_seq)
		return 0;
	if (r && r != -ENOENT)
		return r;
	uint64_t seq = r || ret_entry->seq < reach->first_seq ? reach->first_seq : reach->last_seq;
	r = seq ? log_get(txn, table->number, seq, ret_entry) : -ENOENT;
	if (r == -ENOENT)
		r = log_base(txn, table->number, ret_entry);
	if (r == -ENOENT || (!r && ret_entry->seq > seq))
		*ret_entry = (struct log_entry){ .seq = seq };
	return r == -ENOENT ? 0 : r;
}

static void count(struct timeline_bin *bin, const struct log_entry *entry)
{
	bin->inserts += entry->op == CHANGE_INSERT;
	bin->modifications += entry->op == CHANGE_MODIFY;
	bin->removals += entry->op == CHANGE_REMOVE;
}

int timeline_count(struct store_txn *txn, const struct table *table, const struct reach *reach, int64_t from_us,
	int64_t to_us, struct timeline_bin *ret_bins, size_t count_of_bins)
{
	struct log_entry entry;
	struct log_walk walk;
	size_t at = 0;
	assert(count_of_bins > 0);
	int64_t length_us = (to_us - from_us) / (int64_t)count_of_bins;
	assert(length_us * (int64_t)count_of_bins == to_us - from_us && length_us > 0);
	memset(ret_bins, 0, count_of_bins * sizeof(ret_bins[0]));
	int r = timeline_at(txn, table, reach, from_us - 1, &entry);
	uint64_t items = r ? 0 : entry.items;
	if (!r)
		r = log_walk_begin(&walk, txn, table->number, entry.seq + 1);
	while (!r && (r = log_walk_next(&walk, &entry)) == 1) {
		r = 0;
		if (entry.seq > reach->last_seq || entry.time_us >= to_us)
			break;
		size_t bin = entry.time_us > from_us ? (size_t)((entry.time_us - from_us) / length_us) : 0;
		for (; at < bin; at++)
			ret_bins[at].items = items;
		count(&ret_bins[bin], &entry);
		items = entry.items;
	}
	for (; at < count_of_bins; at++)
		ret_bins[at].items = items;
	return r;
}
