#include "orders.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "loop.h"

struct kept_order {
	atomic_uint references;
	uint32_t table;
	uint64_t from, to;
	struct difference_order *order;
};

struct orders {
	pthread_mutex_t lock;
	struct kept_order *kept[ORDERS_KEPT];
	uint64_t used[ORDERS_KEPT], uses;
};

int orders_new(struct orders **ret_orders)
{
	struct orders *orders = calloc(1, sizeof(*orders));

	if (orders == NULL)
		return -ENOMEM;
	pthread_mutex_init(&orders->lock, NULL);
	*ret_orders = orders;
	return 0;
}

void orders_put(struct kept_order *kept)
{
	if (kept == NULL || atomic_fetch_sub(&kept->references, 1) != 1)
		return;
	difference_order_free(kept->order);
	free(kept);
}

void orders_free(struct orders *orders)
{
	if (orders == NULL)
		return;
	for (size_t i = 0; i < ORDERS_KEPT; i++)
		orders_put(orders->kept[i]);
	pthread_mutex_destroy(&orders->lock);
	free(orders);
}

const struct difference_order *orders_order(const struct kept_order *kept)
{
	return kept->order;
}

/* Held; NULL: it is not kept. */
static struct kept_order *find(struct orders *orders, uint32_t table, uint64_t from, uint64_t to)
{
	struct kept_order *found = NULL;

	pthread_mutex_lock(&orders->lock);
	for (size_t i = 0; i < ORDERS_KEPT && found == NULL; i++) {
		struct kept_order *kept = orders->kept[i];

		if (kept == NULL || kept->table != table || kept->from != from || kept->to != to)
			continue;
		found = kept;
		atomic_fetch_add(&kept->references, 1);
		orders->used[i] = ++orders->uses;
	}
	pthread_mutex_unlock(&orders->lock);
	return found;
}

/* In place of the one unused for longest. */
static void keep(struct orders *orders, struct kept_order *kept)
{
	struct kept_order *old;
	size_t at = 0;

	atomic_fetch_add(&kept->references, 1);
	pthread_mutex_lock(&orders->lock);
	for (size_t i = 1; i < ORDERS_KEPT; i++) {
		if (orders->used[i] < orders->used[at])
			at = i;
	}
	old = orders->kept[at];
	orders->kept[at] = kept;
	orders->used[at] = ++orders->uses;
	pthread_mutex_unlock(&orders->lock);
	orders_put(old);
}

int orders_get(struct orders *orders, struct history *history, struct store_txn *txn, uint32_t table, uint64_t from,
	uint64_t to, struct kept_order **ret_kept)
{
	const char *directory = history_is_read_only(history) ? P_tmpdir : history_directory(history);
	struct kept_order *kept;
	int result;

	*ret_kept = find(orders, table, from, to);
	if (*ret_kept != NULL)
		return 0;
	kept = calloc(1, sizeof(*kept));
	if (kept == NULL)
		return -ENOMEM;
	atomic_init(&kept->references, 1);
	kept->table = table;
	kept->from = from;
	kept->to = to;
	loop_blocks();
	result = difference_order_new(txn, table, from, to, directory, &kept->order);
	if (result < 0) {
		orders_put(kept);
		return result;
	}
	keep(orders, kept);
	*ret_kept = kept;
	return 0;
}
