/* What the files share that know LMDB: an open store, its transactions and cursors.
 *
 * Invariants
 * 1. Raw LMDB codes end in store_translate(): nothing positive and nothing below -4095 gets out.
 * 2. Every operation passes store_fault() first.
 * 3. Keys of the catalogue stand in trees of their own, behind those of the other tables: these stay shallow, so that
 *    making or restoring a table writes as few pages in a large store as in a small one. */
#ifndef PITR_STORE_PARTS_H
#define PITR_STORE_PARTS_H

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>

#include "resident.h"
#include "store.h"

#define STORE_POOL 16
#define STORE_MEMORIES 4

/* Spaces whose keys begin with a table have a second tree, for the catalogue. */
#define STORE_TREES (STORE_SPACES + 4)

struct store {
	MDB_env *env;
	MDB_dbi trees[STORE_TREES];
	bool is_read_only, is_volatile;
	struct resident resident;
	atomic_uint_fast64_t trim_looked; /* operations when it was last looked how much is mapped */
	pthread_mutex_t pool_lock;
	struct store_txn *pool[STORE_POOL];
	unsigned pooled;
	store_fault_hook fault_hook;
	void *fault_context;
	atomic_uint_fast64_t begins, gets, seeks, steps, puts, deletes, commits, file_syncs;
};

struct store_txn {
	struct store *store;
	MDB_txn *txn;
	bool is_writable;
	MDB_cursor *seekers[STORE_TREES]; /* of store_seek; they outlive a pooled transaction's reset */
	uint64_t census;                  /* of META, when it is known */
	bool is_census_known, is_census_changed;
	bool is_stale[STORE_TREES]; /* the seeker must be renewed first */
	struct {
		bool is_known;
		uint64_t subject, first, second;
	} memories[STORE_MEMORIES]; /* store_remember */
};

struct store_cursor {
	struct store_txn *txn;
	enum store_space space;
	MDB_cursor *cursors[2]; /* in the space's trees, opened when first used */
	MDB_cursor *cursor;     /* the one that stands somewhere */
};

int store_translate(int code);

static inline int store_fault(struct store *store, enum store_op op)
{
	return store->fault_hook ? store->fault_hook(store->fault_context, op) : 0;
}

static inline void store_count(atomic_uint_fast64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* Writes down the census of META (store.h) when it has changed. */
int store_write_census(struct store_txn *txn);

/* Ends a transaction for good, whatever pool it came from. */
void store_txn_end(struct store_txn *txn);

#endif
