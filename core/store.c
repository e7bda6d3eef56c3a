#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_parts.h"

#define STORE_DEFAULT_MAP_BYTES (UINT64_C(1) << 40)
#define STORE_MAX_READERS 1022

static const char *const tree_names[STORE_TREES] = { "meta", "index", "versions", "roster", "log", "authors",
	"catalogue index", "catalogue versions", "catalogue roster", "catalogue log" };

int store_translate(int code)
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

static int open_spaces(struct store *store)
{
	MDB_txn *txn;
	int r = mdb_txn_begin(store->env, NULL, store->is_read_only ? MDB_RDONLY : 0, &txn);
	if (r)
		return store_translate(r);
	for (unsigned i = 0; i < STORE_TREES && !r; i++)
		r = mdb_dbi_open(txn, tree_names[i], store->is_read_only ? 0 : MDB_CREATE, &store->trees[i]);
	if (r) {
		mdb_txn_abort(txn);
		return r == MDB_NOTFOUND ? -EPROTO : store_translate(r);
	}
	return store_translate(mdb_txn_commit(txn));
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
		r = mdb_env_set_maxdbs(store->env, STORE_TREES);
	if (!r)
		r = mdb_env_set_maxreaders(store->env, STORE_MAX_READERS);
	if (!r)
		r = mdb_env_open(store->env, directory, flags, 0600);
	return store_translate(r);
}

int store_open(
	const char *directory, const struct store_options *options, struct store **ret_store, struct error *error)
{
	struct store *store = calloc(1, sizeof(*store));
	if (!store)
		return error_set(error, -ENOMEM, "open store %s: out of memory", directory);
	store->is_read_only = options->is_read_only;
	store->is_volatile = options->is_volatile;
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

void store_close(struct store *store)
{
	if (!store)
		return;
	for (unsigned i = 0; i < store->pooled; i++)
		store_txn_end(store->pool[i]);
	if (store->env)
		mdb_env_close(store->env);
	pthread_mutex_destroy(&store->pool_lock);
	free(store);
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
		return store_translate(r);
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
	return r == MDB_NOTFOUND ? 0 : store_translate(r);
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

int store_sync_file(struct store *store, int fd)
{
	int r = store_fault(store, STORE_OP_SYNC);
	if (r)
		return r;
	store_count(&store->file_syncs);
	return store->is_volatile || fdatasync(fd) == 0 ? 0 : -errno;
}

int store_clear_dead_readers(struct store *store)
{
	int dead = 0;
	int r = mdb_reader_check(store->env, &dead);
	return r ? store_translate(r) : dead;
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
		.file_syncs = atomic_load(&store->file_syncs),
	};
}

void store_set_fault_hook(struct store *store, store_fault_hook hook, void *context)
{
	store->fault_hook = hook;
	store->fault_context = context;
}
