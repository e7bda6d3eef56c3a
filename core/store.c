/* Invariants
 * 1. Raw LMDB codes end in translate(): nothing positive and nothing below -4095 gets out.
 * 2. Idle read transactions wait in a pool, reset, so that a read costs a renewal and no reader slot is taken anew.
 * 3. Every operation passes fault() first.
 * 4. Keys of the catalogue stand in trees of their own, behind those of the other tables: these stay shallow, so that
 *    making or restoring a table writes as few pages in a large store as in a small one. */
#include "store.h"

#include <assert.h>
#include <errno.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "resident.h"

#define STORE_DEFAULT_MAP_BYTES (UINT64_C(1) << 40)
#define STORE_MAX_READERS 1022
#define STORE_POOL 16
#define STORE_TRIM_EVERY 32 /* read transactions between two looks at how much is mapped */

/* Spaces whose keys begin with a table have a second tree, for the catalogue. */
#define TREES (STORE_SPACES + 4)
static const char *const tree_names[TREES] = { "meta", "index", "versions", "roster", "log", "authors",
	"catalogue index", "catalogue versions", "catalogue roster", "catalogue log" };

struct store {
	MDB_env *env;
	MDB_dbi trees[TREES];
	bool is_read_only;
	struct resident resident;
	pthread_mutex_t pool_lock;
	struct store_txn *pool[STORE_POOL];
	unsigned pooled;
	store_fault_hook fault_hook;
	void *fault_context;
	atomic_uint_fast64_t begins, gets, seeks, steps, puts, deletes, commits;
};

struct store_txn {
	struct store *store;
	MDB_txn *txn;
	bool is_writable;
	MDB_cursor *seekers[TREES]; /* of store_seek; they outlive a pooled transaction's reset */
	bool is_stale[TREES];       /* the seeker must be renewed first */
};

struct store_cursor {
	struct store_txn *txn;
	enum store_space space;
	MDB_cursor *cursors[2]; /* in the space's trees, opened when first used */
	MDB_cursor *cursor;     /* the one that stands somewhere */
};

/* The catalogue is table 0, and keys begin with their table (layout.h). */
static unsigned tree_of(enum store_space space, struct slice key)
{
	bool is_by_table = space >= STORE_INDEX && space <= STORE_LOG;
	bool is_catalogue = is_by_table && key.size >= 4 && !memcmp(key.data, "\x80\x80\x80\x80", 4);
	return is_catalogue ? STORE_SPACES + space - STORE_INDEX : space;
}

static int translate(int code)
{
	switch (code) {
	case MDB_SUCCESS:
		return 0;
	case MDB_NOTFOUND:
		return -ENOENT;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
		return -ENOSPC;
	case MDB_READERS_FULL:
		return -EBUSY;
	case MDB_VERSION_MISMATCH:
	case MDB_INVALID:
		return -EPROTO;
	default:
		break;
	}
	return code > 0 && code < 4096 ? -code : -EIO;
}

static int fault(struct store *store, enum store_op op)
{
	return store->fault_hook ? store->fault_hook(store->fault_context, op) : 0;
}

static void count(atomic_uint_fast64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static int open_spaces(struct store *store)
{
	MDB_txn *txn;
	int r = mdb_txn_begin(store->env, NULL, store->is_read_only ? MDB_RDONLY : 0, &txn);
	if (r)
		return translate(r);
	for (unsigned i = 0; i < TREES && !r; i++)
		r = mdb_dbi_open(txn, tree_names[i], store->is_read_only ? 0 : MDB_CREATE, &store->trees[i]);
	if (r) {
		mdb_txn_abort(txn);
		return r == MDB_NOTFOUND ? -EPROTO : translate(r);
	}
	return translate(mdb_txn_commit(txn));
}

/* A file shorter than what its own header says would end in SIGBUS at the first touch of the missing part. */
static int check_not_cut(struct store *store)
{
	MDB_envinfo info;
	MDB_stat stat;
	struct stat file;
	int fd;
	if (mdb_env_info(store->env, &info) || mdb_env_stat(store->env, &stat) || mdb_env_get_fd(store->env, &fd))
		return -EIO;
	if (fstat(fd, &file) < 0)
		return -errno;
	uint64_t needed = info.me_last_txnid ? ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize : 0;
	return (uint64_t)file.st_size < needed ? -EIO : 0;
}

static int open_env(struct store *store, const char *directory, const struct store_options *options)
{
	unsigned flags = MDB_NOTLS;
	if (options->is_read_only)
		flags |= MDB_RDONLY;
	if (options->is_lock_free)
		flags |= MDB_NOLOCK;
	if (options->is_volatile)
		flags |= MDB_NOSYNC;
	int r = mdb_env_create(&store->env);
	if (!r)
		r = mdb_env_set_mapsize(
			store->env, options->map_size_bytes ? options->map_size_bytes : STORE_DEFAULT_MAP_BYTES);
	if (!r)
		r = mdb_env_set_maxdbs(store->env, TREES);
	if (!r)
		r = mdb_env_set_maxreaders(store->env, STORE_MAX_READERS);
	if (!r)
		r = mdb_env_open(store->env, directory, flags, 0600);
	return translate(r);
}

int store_open(
	const char *directory, const struct store_options *options, struct store **ret_store, struct error *error)
{
	struct store *store = calloc(1, sizeof(*store));
	if (!store)
		return error_set(error, -ENOMEM, "open store %s: out of memory", directory);
	store->is_read_only = options->is_read_only;
	pthread_mutex_init(&store->pool_lock, NULL);
	int r = open_env(store, directory, options);
	if (!r)
		r = check_not_cut(store);
	if (!r)
		r = open_spaces(store);
	int fd;
	if (!r && mdb_env_get_fd(store->env, &fd) == 0)
		store->resident = resident_find(fd);
	if (r) {
		store_close(store);
		if (r == -EIO)
			return error_set(error, r,
				"open store %s: its data file is damaged or cut short; restore it from a copy",
				directory);
		if (r == -EPROTO)
			return error_set(
				error, r, "open store %s: data.mdb is not a pitr store of this version", directory);
		return error_set(error, r, "open store %s: %s", directory, strerror(-r));
	}
	*ret_store = store;
	return 0;
}

/* LMDB asks for a write transaction's cursors to be closed before it ends, and a read transaction's by us. */
static void close_seekers(struct store_txn *txn)
{
	for (unsigned i = 0; i < TREES; i++)
		if (txn->seekers[i])
			mdb_cursor_close(txn->seekers[i]);
}

static void end(struct store_txn *txn)
{
	close_seekers(txn);
	mdb_txn_abort(txn->txn);
	free(txn);
}

void store_close(struct store *store)
{
	if (!store)
		return;
	for (unsigned i = 0; i < store->pooled; i++)
		end(store->pool[i]);
	if (store->env)
		mdb_env_close(store->env);
	pthread_mutex_destroy(&store->pool_lock);
	free(store);
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

static bool give_pooled(struct store_txn *txn)
{
	struct store *store = txn->store;
	pthread_mutex_lock(&store->pool_lock);
	bool is_kept = store->pooled < STORE_POOL;
	if (is_kept) {
		for (unsigned i = 0; i < TREES; i++)
			txn->is_stale[i] = true;
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
		end(txn);
	txn = calloc(1, sizeof(*txn));
	if (!txn)
		return -ENOMEM;
	txn->store = store;
	int r = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn->txn);
	if (r == MDB_READERS_FULL && store_clear_dead_readers(store) > 0)
		r = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn->txn);
	if (r) {
		free(txn);
		return translate(r);
	}
	*ret_txn = txn;
	return 0;
}

int store_begin(struct store *store, bool is_writable, struct store_txn **ret_txn)
{
	int r = fault(store, STORE_OP_BEGIN);
	if (r)
		return r;
	count(&store->begins);
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
		return translate(r);
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
	int r = fault(txn->store, STORE_OP_COMMIT);
	if (r) {
		store_abort(txn);
		return r;
	}
	count(&txn->store->commits);
	close_seekers(txn);
	r = translate(mdb_txn_commit(txn->txn));
	free(txn);
	return r;
}

void store_abort(struct store_txn *txn)
{
	if (!txn)
		return;
	struct store *store = txn->store;
	bool is_due = !txn->is_writable && atomic_load(&store->begins) % STORE_TRIM_EVERY == 0;
	if (txn->is_writable || !give_pooled(txn))
		end(txn);
	if (is_due)
		resident_trim(&store->resident);
}

int store_renew(struct store_txn *txn)
{
	int r = txn->is_writable ? 0 : fault(txn->store, STORE_OP_BEGIN);
	if (r || txn->is_writable)
		return r;
	for (unsigned i = 0; i < STORE_SPACES; i++)
		txn->is_stale[i] = true;
	mdb_txn_reset(txn->txn);
	return translate(mdb_txn_renew(txn->txn));
}

bool store_is_current(struct store_txn *txn)
{
	return txn->is_writable || mdb_txn_id(txn->txn) == store_commit_number(txn->store);
}

static MDB_val to_val(struct slice s)
{
	return (MDB_val){ .mv_size = s.size, .mv_data = (void *)(uintptr_t)s.data };
}

static struct slice from_val(MDB_val v)
{
	return slice_of(v.mv_data, v.mv_size);
}

int store_get(struct store_txn *txn, enum store_space space, struct slice key, struct slice *ret_value)
{
	int r = fault(txn->store, STORE_OP_GET);
	if (r)
		return r;
	count(&txn->store->gets);
	MDB_val k = to_val(key), v;
	r = mdb_get(txn->txn, txn->store->trees[tree_of(space, key)], &k, &v);
	if (r)
		return translate(r);
	*ret_value = from_val(v);
	return 0;
}

static int put(struct store_txn *txn, enum store_space space, struct slice key, struct slice value, unsigned flags)
{
	assert(txn->is_writable && key.size > 0 && key.size <= STORE_KEY_MAX && !memchr(key.data, 0, key.size));
	int r = fault(txn->store, STORE_OP_PUT);
	if (r)
		return r;
	count(&txn->store->puts);
	MDB_val k = to_val(key), v = to_val(value);
	return translate(mdb_put(txn->txn, txn->store->trees[tree_of(space, key)], &k, &v, flags));
}

int store_put(struct store_txn *txn, enum store_space space, struct slice key, struct slice value)
{
	return put(txn, space, key, value, 0);
}

static bool is_beyond_last(struct store_txn *txn, enum store_space space, struct slice key)
{
	MDB_cursor *cursor;
	if (mdb_cursor_open(txn->txn, txn->store->trees[tree_of(space, key)], &cursor))
		return false;
	MDB_val k, v;
	int r = mdb_cursor_get(cursor, &k, &v, MDB_LAST);
	bool is_beyond = r == MDB_NOTFOUND || (!r && slice_compare(from_val(k), key) < 0);
	mdb_cursor_close(cursor);
	return is_beyond;
}

int store_append(struct store_txn *txn, enum store_space space, struct slice key, struct slice value)
{
	return put(txn, space, key, value, is_beyond_last(txn, space, key) ? MDB_APPEND : 0);
}

int store_delete(struct store_txn *txn, enum store_space space, struct slice key)
{
	assert(txn->is_writable);
	int r = fault(txn->store, STORE_OP_DELETE);
	if (r)
		return r;
	count(&txn->store->deletes);
	MDB_val k = to_val(key);
	return translate(mdb_del(txn->txn, txn->store->trees[tree_of(space, key)], &k, NULL));
}

static int ready_seeker(struct store_txn *txn, unsigned tree)
{
	if (!txn->seekers[tree])
		return mdb_cursor_open(txn->txn, txn->store->trees[tree], &txn->seekers[tree]);
	if (!txn->is_stale[tree])
		return 0;
	txn->is_stale[tree] = false;
	return mdb_cursor_renew(txn->txn, txn->seekers[tree]);
}

int store_seek(
	struct store_txn *txn, enum store_space space, struct slice key, struct slice *ret_key, struct slice *ret_value)
{
	int r = fault(txn->store, STORE_OP_SEEK);
	if (r)
		return r;
	count(&txn->store->seeks);
	unsigned tree = tree_of(space, key);
	r = ready_seeker(txn, tree);
	if (r)
		return translate(r);
	MDB_val k = to_val(key), v;
	r = mdb_cursor_get(txn->seekers[tree], &k, &v, MDB_SET_RANGE);
	if (r)
		return translate(r);
	*ret_key = from_val(k);
	*ret_value = from_val(v);
	return 0;
}

int store_cursor_open(struct store_txn *txn, enum store_space space, struct store_cursor **ret_cursor)
{
	struct store_cursor *cursor = calloc(1, sizeof(*cursor));
	if (!cursor)
		return -ENOMEM;
	cursor->txn = txn;
	cursor->space = space;
	*ret_cursor = cursor;
	return 0;
}

void store_cursor_close(struct store_cursor *cursor)
{
	if (!cursor)
		return;
	for (unsigned i = 0; i < 2; i++)
		if (cursor->cursors[i])
			mdb_cursor_close(cursor->cursors[i]);
	free(cursor);
}

/* Chooses the tree this key stands in. */
static int choose(struct store_cursor *cursor, struct slice key)
{
	unsigned tree = tree_of(cursor->space, key);
	MDB_cursor **chosen = &cursor->cursors[tree >= STORE_SPACES];
	int r = *chosen ? 0 : mdb_cursor_open(cursor->txn->txn, cursor->txn->store->trees[tree], chosen);
	cursor->cursor = *chosen;
	return translate(r);
}

static int move(
	struct store_cursor *cursor, MDB_val *k, MDB_cursor_op op, struct slice *ret_key, struct slice *ret_value)
{
	MDB_val v;
	int r = mdb_cursor_get(cursor->cursor, k, &v, op);
	if (r)
		return translate(r);
	*ret_key = from_val(*k);
	*ret_value = from_val(v);
	return 0;
}

int store_cursor_seek(struct store_cursor *cursor, struct slice key, struct slice *ret_key, struct slice *ret_value)
{
	int r = fault(cursor->txn->store, STORE_OP_SEEK);
	if (r)
		return r;
	count(&cursor->txn->store->seeks);
	r = choose(cursor, key);
	if (r)
		return r;
	MDB_val k = to_val(key);
	return move(cursor, &k, MDB_SET_RANGE, ret_key, ret_value);
}

int store_cursor_seek_before(
	struct store_cursor *cursor, struct slice key, struct slice *ret_key, struct slice *ret_value)
{
	int r = store_cursor_seek(cursor, key, ret_key, ret_value);
	MDB_val k;
	if (r == -ENOENT)
		return move(cursor, &k, MDB_LAST, ret_key, ret_value);
	return r ? r : move(cursor, &k, MDB_PREV, ret_key, ret_value);
}

static int step(struct store_cursor *cursor, MDB_cursor_op op, struct slice *ret_key, struct slice *ret_value)
{
	assert(cursor->cursor);
	int r = fault(cursor->txn->store, STORE_OP_SEEK);
	if (r)
		return r;
	count(&cursor->txn->store->steps);
	MDB_val k;
	return move(cursor, &k, op, ret_key, ret_value);
}

int store_cursor_next(struct store_cursor *cursor, struct slice *ret_key, struct slice *ret_value)
{
	return step(cursor, MDB_NEXT, ret_key, ret_value);
}

int store_cursor_previous(struct store_cursor *cursor, struct slice *ret_key, struct slice *ret_value)
{
	return step(cursor, MDB_PREV, ret_key, ret_value);
}

uint64_t store_commit_number(struct store *store)
{
	MDB_envinfo info;
	return mdb_env_info(store->env, &info) ? 0 : info.me_last_txnid;
}

/* LMDB keeps the pages that are free in its database 0: transaction -> count, pages. */
static int count_free_pages(struct store *store, uint64_t *ret_pages)
{
	MDB_txn *txn;
	MDB_cursor *cursor;
	MDB_val key, value;
	*ret_pages = 0;
	int r = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);
	if (r)
		return translate(r);
	r = mdb_cursor_open(txn, 0, &cursor);
	if (!r) {
		while (!(r = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))) {
			size_t count;
			memcpy(&count, value.mv_data, sizeof(count));
			*ret_pages += count;
		}
		mdb_cursor_close(cursor);
	}
	mdb_txn_abort(txn);
	return r == MDB_NOTFOUND ? 0 : translate(r);
}

int store_usage(struct store *store, uint64_t *ret_file_bytes, uint64_t *ret_used_bytes)
{
	MDB_envinfo info;
	MDB_stat stat;
	struct stat file;
	uint64_t free_pages;
	int fd, r = count_free_pages(store, &free_pages);
	if (r)
		return r;
	if (mdb_env_info(store->env, &info) || mdb_env_stat(store->env, &stat) || mdb_env_get_fd(store->env, &fd) ||
		fstat(fd, &file) < 0)
		return -EIO;
	uint64_t pages = (uint64_t)info.me_last_pgno + 1;
	*ret_file_bytes = (uint64_t)file.st_size;
	*ret_used_bytes = (pages > free_pages ? pages - free_pages : 0) * stat.ms_psize;
	return 0;
}

int store_clear_dead_readers(struct store *store)
{
	int dead = 0;
	int r = mdb_reader_check(store->env, &dead);
	return r ? translate(r) : dead;
}

void store_counts(const struct store *store, struct store_counts *ret_counts)
{
	*ret_counts = (struct store_counts){
		.begins = atomic_load(&store->begins),
		.gets = atomic_load(&store->gets),
		.seeks = atomic_load(&store->seeks),
		.steps = atomic_load(&store->steps),
		.puts = atomic_load(&store->puts),
		.deletes = atomic_load(&store->deletes),
		.commits = atomic_load(&store->commits),
	};
}

void store_set_fault_hook(struct store *store, store_fault_hook hook, void *context)
{
	store->fault_hook = hook;
	store->fault_context = context;
}
