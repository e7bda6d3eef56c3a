#include "difference_order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "key.h"
#include "sorter.h"
#include "spool.h"

#define HASH_BYTES 16
#define PLACE_BYTES 8

/* As bytes in order: kinds, in them partitions, in these places. */
struct record {
	uint8_t kind;
	uint8_t partition[HASH_BYTES];
	uint8_t place[PLACE_BYTES]; /* big-endian */
};

struct difference_order {
	struct spool *records;
	uint64_t count;
};

static void write_place(uint64_t place, uint8_t out[PLACE_BYTES])
{
	for (unsigned i = PLACE_BYTES; i-- > 0; place >>= 8)
		out[i] = (uint8_t)place;
}

static uint64_t read_place(const uint8_t bytes[PLACE_BYTES])
{
	uint64_t place = 0;
	for (unsigned i = 0; i < PLACE_BYTES; i++)
		place = place << 8 | bytes[i];
	return place;
}

static int partition_of(struct slice encoded_key, struct buffer *storage, struct buffer *out)
{
	struct key key;
	buffer_clear(storage);
	buffer_clear(out);
	int r = key_decode(encoded_key, storage, &key);
	if (!r)
		key_append_partition(&key.partition, out);
	return r ? r : buffer_error(out);
}

static int add(
	struct sorter *sorter, const struct difference *difference, struct buffer *storage, struct buffer *partition)
{
	struct record record = { .kind = (uint8_t)difference->kind };
	int r = partition_of(difference->encoded_key, storage, partition);
	hash_strong(buffer_slice(partition), record.partition);
	write_place(difference->place, record.place);
	return r ? r : sorter_add(sorter, &record);
}

static int gather(struct store_txn *txn, uint32_t table, uint64_t from, uint64_t to, struct sorter *sorter)
{
	struct difference_walk walk;
	struct difference difference;
	struct buffer storage = BUFFER_INIT, partition = BUFFER_INIT;
	int r = difference_begin(&walk, txn, table, from, to, 0);
	while (!r && ((r = difference_next(&walk, &difference)) == 1 || r == -EIO))
		r = difference.encoded_key.size ? add(sorter, &difference, &storage, &partition) : 0;
	difference_end(&walk);
	buffer_free(&storage);
	buffer_free(&partition);
	return r;
}

static int write_down(struct difference_order *order, struct sorter *sorter)
{
	struct record record;
	int r;
	while ((r = sorter_next(sorter, &record)) == 1) {
		r = spool_write(order->records, order->count * sizeof(record), &record, sizeof(record));
		if (r)
			return r;
		order->count++;
	}
	return r;
}

int difference_order_new(struct store_txn *txn, uint32_t table, uint64_t from, uint64_t to, const char *directory,
	struct difference_order **ret_order)
{
	struct difference_order *order = calloc(1, sizeof(*order));
	struct sorter *sorter = NULL;
	if (!order)
		return -ENOMEM;
	int r = spool_new(directory, &order->records);
	if (!r)
		r = sorter_new(directory, sizeof(struct record), &sorter);
	if (!r)
		r = gather(txn, table, from, to, sorter);
	if (!r)
		r = write_down(order, sorter);
	sorter_free(sorter);
	if (r)
		difference_order_free(order);
	else
		*ret_order = order;
	return r;
}

void difference_order_free(struct difference_order *order)
{
	if (!order)
		return;
	spool_free(order->records);
	free(order);
}

/* --- looking up --- */

static int read_record(const struct difference_order *order, uint64_t at, struct record *ret_record)
{
	ssize_t count = spool_read(order->records, at * sizeof(*ret_record), ret_record, sizeof(*ret_record));
	return count < 0 ? (int)count : (size_t)count == sizeof(*ret_record) ? 0 : -EIO;
}

/* The first record that is greater. order->count: none. */
static int find_beyond(const struct difference_order *order, const struct record *record, uint64_t *ret_at)
{
	uint64_t low = 0, high = order->count;
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		struct record found;
		int r = read_record(order, middle, &found);
		if (r)
			return r;
		if (memcmp(&found, record, sizeof(found)) > 0)
			high = middle;
		else
			low = middle + 1;
	}
	*ret_at = low;
	return 0;
}

/* Positions are the places of partitions' first records among all, from 1 on. */
int difference_order_next(const struct difference_order *order, enum difference_kind kind, uint64_t after,
	uint64_t *ret_position, uint64_t *ret_place)
{
	struct record record = { .kind = (uint8_t)(kind - 1) };
	if (after > order->count)
		return 0;
	int r = after ? read_record(order, after - 1, &record) : 0;
	if (!after)
		memset(record.partition, 0xff, sizeof(record.partition));
	memset(record.place, 0xff, sizeof(record.place));
	uint64_t at = 0;
	if (!r)
		r = find_beyond(order, &record, &at);
	if (r || at == order->count)
		return r;
	r = read_record(order, at, &record);
	if (r || record.kind != kind)
		return r;
	*ret_position = at + 1;
	*ret_place = read_place(record.place);
	return 1;
}

int difference_order_in(const struct difference_order *order, enum difference_kind kind, struct slice partition,
	uint64_t after, uint64_t *ret_place)
{
	struct record record = { .kind = (uint8_t)kind }, found = { 0 };
	uint64_t at;
	hash_strong(partition, record.partition);
	write_place(after, record.place);
	int r = find_beyond(order, &record, &at);
	if (!r && at < order->count)
		r = read_record(order, at, &found);
	if (r || at == order->count || memcmp(&found, &record, sizeof(found) - PLACE_BYTES) != 0)
		return r;
	*ret_place = read_place(found.place);
	return 1;
}
