/* Idle read transactions wait in a pool, reset, so that a read costs a renewal and no reader slot is taken anew. */
#include "store.h"

#include <errno.h>
#include <stdlib.h>

#include "store_parts.h"

/* Operations between two looks at how much is mapped: each may touch a page of its own, with which the kernel maps up to 15 around it. */
#define STORE_TRIM_EVERY 256

/* LMDB asks for a write transaction's cursors to be closed before it ends, and a read transaction's by us. */
static void close_seekers(struct store_txn *txn)
{
	for (unsigned i = 0; i < STORE_TREES; i++)
		if (txn->seekers[i])
			mdb_cursor_close(txn->seekers[i]);
}

void store_txn_end(struct store_txn *txn)
{
	close_seekers(txn);
	mdb_txn_abort(txn->txn);
	free(txn);
}

static struct store_txn *take_pooled(struct store *store)
{
	struct store_txn *txn = NULL;
	pthread_mutex_lock(&store->pool_lock);
	if (store->pooled)
		txn = store->pool[--store->pooled];
	pthread_mutex_unlock(&store->pool_lock);
	return txn;
}

/* What was known of the state it saw is void. */
static void forget(struct store_txn *txn)
{
	for (unsigned i = 0; i < STORE_TREES; i++)
		txn->is_stale[i] = true;
	for (unsigned i = 0; i < STORE_MEMORIES; i++)
		txn->memories[i].is_known = false;
}

static bool give_pooled(struct store_txn *txn)
{
	struct store *store = txn->store;
	pthread_mutex_lock(&store->pool_lock);
	bool is_kept = store->pooled < STORE_POOL;
	if (is_kept) {
		forget(txn);
		mdb_txn_reset(txn->txn);
		store->pool[store->pooled++] = txn;
	}
	pthread_mutex_unlock(&store->pool_lock);
	return is_kept;
}

static int begin_read(struct store *store, struct store_txn **ret_txn)
{
	struct store_txn *txn = take_pooled(store);
	if (txn && !mdb_txn_renew(txn->txn)) {
		*ret_txn = txn;
		return 0;
	}
	if (txn)
		store_txn_end(txn);
	txn = calloc(1, sizeof(*txn));
	if (!txn)
		return -ENOMEM;
	txn->store = store;
	int r = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn->txn);
	if (r == MDB_READERS_FULL && store_clear_dead_readers(store) > 0)
		r = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn->txn);
	if (r) {
		free(txn);
		return store_translate(r);
	}
	*ret_txn = txn;
	return 0;
}

int store_begin(struct store *store, bool is_writable, struct store_txn **ret_txn)
{
	int r = store_fault(store, STORE_OP_BEGIN);
	if (r)
		return r;
	store_count(&store->begins);
	if (!is_writable)
		return begin_read(store, ret_txn);
	if (store->is_read_only)
		return -EROFS;
	struct store_txn *txn = calloc(1, sizeof(*txn));
	if (!txn)
		return -ENOMEM;
	txn->store = store;
	txn->is_writable = true;
	r = mdb_txn_begin(store->env, NULL, 0, &txn->txn);
	if (r) {
		free(txn);
		return store_translate(r);
	}
	*ret_txn = txn;
	return 0;
}

int store_commit(struct store_txn *txn)
{
	if (!txn->is_writable) {
		store_abort(txn);
		return 0;
	}
	int r = store_fault(txn->store, STORE_OP_COMMIT);
	if (r) {
		store_abort(txn);
		return r;
	}
	store_count(&txn->store->commits);
	r = store_write_census(txn);
	if (r) {
		store_abort(txn);
		return r;
	}
	close_seekers(txn);
	r = store_translate(mdb_txn_commit(txn->txn));
	free(txn);
	return r;
}

/* One of those that come at once looks. */
static bool is_trim_due(struct store *store)
{
	uint_fast64_t looked = atomic_load_explicit(&store->trim_looked, memory_order_relaxed);
	uint_fast64_t operations = atomic_load_explicit(&store->gets, memory_order_relaxed) +
				   atomic_load_explicit(&store->seeks, memory_order_relaxed) +
				   atomic_load_explicit(&store->steps, memory_order_relaxed);
	return operations - looked >= STORE_TRIM_EVERY &&
	       atomic_compare_exchange_strong(&store->trim_looked, &looked, operations);
}

void store_abort(struct store_txn *txn)
{
	if (!txn)
		return;
	struct store *store = txn->store;
	bool is_due = !txn->is_writable && is_trim_due(store);
	if (txn->is_writable || !give_pooled(txn))
		store_txn_end(txn);
	if (is_due)
		resident_trim(&store->resident);
}

int store_renew(struct store_txn *txn)
{
	int r = txn->is_writable ? 0 : store_fault(txn->store, STORE_OP_BEGIN);
	if (r || txn->is_writable)
		return r;
	forget(txn);
	mdb_txn_reset(txn->txn);
	return store_translate(mdb_txn_renew(txn->txn));
}

uint64_t store_shown(struct store_txn *txn)
{
	return mdb_txn_id(txn->txn);
}

bool store_is_current(struct store_txn *txn)
{
	return txn->is_writable || store_shown(txn) == store_commit_number(txn->store);
}

void store_remember(struct store_txn *txn, uint64_t subject, uint64_t first, uint64_t second)
{
	unsigned place = (unsigned)(subject % STORE_MEMORIES);
	if (txn->is_writable)
		return;
	txn->memories[place].is_known = true;
	txn->memories[place].subject = subject;
	txn->memories[place].first = first;
	txn->memories[place].second = second;
}

bool store_recall(const struct store_txn *txn, uint64_t subject, uint64_t *ret_first, uint64_t *ret_second)
{
	unsigned place = (unsigned)(subject % STORE_MEMORIES);
	*ret_first = txn->memories[place].first;
	*ret_second = txn->memories[place].second;
	return txn->memories[place].is_known && txn->memories[place].subject == subject;
}
