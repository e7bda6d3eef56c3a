#include "history.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "hash.h"
#include "layout.h"
#include "shared.h"
#include "state.h"
#include "writer.h"

#define ID_SIZE 37
#define SETTLE_MS 20
#define SETTLE_ROUNDS 100

struct history {
	struct store *store;
	struct shared *shared;
	char directory[PATH_MAX];
	char id[ID_SIZE];
	bool is_read_only;
	_Atomic int64_t last_us;     /* of the last commit that was seen */
	_Atomic int64_t given_up_us; /* of a batch that nobody waits for any longer */
};

/* Holds nothing, or nothing but what a maker that died has left. */
static bool is_free(const char *directory)
{
	static const char *const ours[] = { ".", "..", "journal", "rejected", "lock.mdb", "data.mdb" };
	DIR *dir = opendir(directory);
	if (!dir)
		return false;
	bool is_ours = true;
	for (struct dirent *entry; is_ours && (entry = readdir(dir));) {
		is_ours = false;
		for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]) && !is_ours; i++)
			is_ours = !strcmp(entry->d_name, ours[i]);
	}
	closedir(dir);
	return is_ours;
}

static bool has_data(const char *directory)
{
	char path[PATH_MAX];
	return (size_t)snprintf(path, sizeof(path), "%s/data.mdb", directory) < sizeof(path) && access(path, F_OK) == 0;
}

static int make_directory(const char *directory, const char *name, struct error *error)
{
	char path[PATH_MAX];
	if ((size_t)snprintf(path, sizeof(path), "%s%s%s", directory, *name ? "/" : "", name) >= sizeof(path))
		return error_set(error, -ENAMETOOLONG, "make store %s: the path is too long", directory);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return error_set(error, -errno, "make store: cannot make directory %s: %s", path, strerror(errno));
	return 0;
}

void history_new_id(char id[ID_SIZE])
{
	uint8_t b[16];
	hash_random(b, sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	snprintf(id, ID_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
		b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static int write_format(struct store *store)
{
	struct store_txn *txn;
	int r = store_begin(store, true, &txn);
	if (r)
		return r;
	char id[ID_SIZE];
	history_new_id(id);
	struct buffer value = BUFFER_INIT;
	buffer_append_varint(&value, STORE_FORMAT);
	buffer_append_text(&value, id);
	struct layout_key key = layout_meta('f');
	struct slice present;
	r = store_get(txn, STORE_META, layout_slice(&key), &present);
	r = r == -ENOENT ? buffer_error(&value) : r ? r : -EEXIST;
	if (!r)
		r = store_put(txn, STORE_META, layout_slice(&key), buffer_slice(&value));
	buffer_free(&value);
	if (r) {
		store_abort(txn);
		return r;
	}
	return store_commit(txn);
}

static void remove_files(const char *directory, const char *const *names)
{
	char path[PATH_MAX];
	for (; *names; names++)
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", directory, *names) < sizeof(path))
			remove(path);
}

/* What could not be made whole is taken away again. A store that another process made meanwhile stays. */
static int fill_directory(const char *directory, struct error *error)
{
	static const char *const parts[] = { "data.mdb", "lock.mdb", "journal", "rejected", NULL };
	struct store_options options = { 0 };
	struct store *store = NULL;
	int r = make_directory(directory, "journal", error);
	if (!r)
		r = make_directory(directory, "rejected", error);
	if (!r)
		r = store_open(directory, &options, &store, error);
	if (!r) {
		r = write_format(store);
		if (r == -EEXIST)
			error_set(error, r, "%s is a store already", directory);
		else if (r)
			error_set(error, r, "make store %s: %s", directory, strerror(-r));
	}
	store_close(store);
	if (r && r != -EEXIST)
		remove_files(directory, parts);
	return r;
}

/* A store whose maker died before it was whole. An LMDB file that nothing was put in has no more than two pages. */
static bool is_unfinished(const char *directory)
{
	struct store_options options = { .is_read_only = true };
	struct store *store;
	struct store_txn *txn;
	struct slice value;
	struct stat file;
	char path[PATH_MAX];
	if ((size_t)snprintf(path, sizeof(path), "%s/data.mdb", directory) < sizeof(path) && stat(path, &file) == 0 &&
		file.st_size <= 2 * sysconf(_SC_PAGESIZE))
		return true;
	if (store_open(directory, &options, &store, NULL))
		return false;
	bool is_unfinished = false;
	if (store_begin(store, false, &txn) == 0) {
		struct layout_key key = layout_meta('f');
		is_unfinished = store_get(txn, STORE_META, layout_slice(&key), &value) == -ENOENT;
		store_abort(txn);
	}
	store_close(store);
	return is_unfinished;
}

int history_init(const char *directory, struct error *error)
{
	int r = make_directory(directory, "", error);
	if (r)
		return r;
	if (has_data(directory) && !is_unfinished(directory))
		return error_set(error, -EEXIST, "%s is a store already", directory);
	if (!is_free(directory))
		return error_set(error, -ENOTEMPTY,
			"make store %s: the directory is not empty; choose another or empty it", directory);
	return fill_directory(directory, error);
}

static int read_format(struct history *history, struct error *error)
{
	struct store_txn *txn;
	int r = store_begin(history->store, false, &txn);
	if (r)
		return error_set(error, r, "open store %s: %s", history->directory, strerror(-r));
	struct layout_key key = layout_meta('f');
	struct slice value;
	r = store_get(txn, STORE_META, layout_slice(&key), &value);
	struct reader reader = reader_of(r ? (struct slice){ 0 } : value);
	uint64_t format = reader_varint(&reader);
	struct slice id = reader_bytes(&reader, ID_SIZE - 1);
	if (!reader.is_bad)
		memcpy(history->id, id.data, id.size);
	int64_t last_us;
	if (!r && history_last_commit(txn, &last_us) == 0)
		atomic_store(&history->last_us, last_us);
	store_abort(txn);
	if (r == -ENOENT)
		return error_set(error, -EPROTO,
			"open store %s: making it was interrupted; make it again with: pitr init %s",
			history->directory, history->directory);
	if (r)
		return error_set(error, r, "open store %s: %s", history->directory, strerror(-r));
	if (reader.is_bad || format != STORE_FORMAT)
		return error_set(error, -EPROTO,
			"open store %s: format %llu, this program reads format %d; use the program that made it",
			history->directory, (unsigned long long)format, STORE_FORMAT);
	return 0;
}

static int open_parts(struct history *history, const struct history_options *options, struct error *error)
{
	struct store_options store_options = {
		.is_read_only = options->is_read_only,
		.is_lock_free = options->is_lock_free,
		.map_size_bytes = options->map_size_bytes,
		.is_volatile = options->is_volatile,
	};
	int r = store_open(history->directory, &store_options, &history->store, error);
	if (r)
		return r;
	r = shared_open(history->directory, options->is_read_only, options->is_lock_free, &history->shared);
	if (r)
		return error_set(error, r, "open store %s: %s", history->directory, strerror(-r));
	r = read_format(history, error);
	if (r)
		return r;
	if (!options->is_lock_free)
		store_clear_dead_readers(history->store);
	if (!options->is_read_only) {
		/* On a full disk the journals wait, and what is stored can be read all the same. */
		r = journal_recover(history, error);
		return r < 0 && r != -ENOSPC ? r : 0;
	}
	return 0;
}

int history_open(
	const char *directory, const struct history_options *options, struct history **ret_history, struct error *error)
{
	struct history *history = calloc(1, sizeof(*history));
	if (!history)
		return error_set(error, -ENOMEM, "open store %s: out of memory", directory);
	history->is_read_only = options->is_read_only;
	int r = 0;
	if (!realpath(directory, history->directory) || !has_data(history->directory))
		r = error_set(error, errno == EACCES ? -EACCES : -ENOENT,
			errno == EACCES ? "open store %s: permission denied"
					: "there is no store at %s; make one with: pitr init %s",
			directory, directory);
	if (!r)
		r = open_parts(history, options, error);
	if (r) {
		history_close(history);
		return r;
	}
	*ret_history = history;
	return 0;
}

void history_close(struct history *history)
{
	if (!history)
		return;
	shared_close(history->shared);
	store_close(history->store);
	free(history);
}

struct store *history_store(const struct history *history)
{
	return history->store;
}

const char *history_directory(const struct history *history)
{
	return history->directory;
}

bool history_is_read_only(const struct history *history)
{
	return history->is_read_only;
}

const char *history_id(const struct history *history)
{
	return history->id;
}

int history_last_commit(struct store_txn *txn, int64_t *ret_time_us)
{
	struct store_state state;
	int r = state_read(txn, &state);
	*ret_time_us = state.last_us;
	return r;
}

int64_t history_now(struct history *history, struct store_txn *txn)
{
	int64_t now = clock_now_us(), last;
	if (history_last_commit(txn, &last) == 0)
		atomic_store(&history->last_us, last);
	else
		last = atomic_load(&history->last_us);
	now = last > now ? last : now;
	return history_served(history) > now ? history_served(history) : now;
}

void history_serve(struct history *history, int64_t time_us)
{
	shared_serve(history->shared, time_us);
}

int64_t history_served(const struct history *history)
{
	return shared_served(history->shared);
}

void history_note_writing(struct history *history, int64_t time_us)
{
	shared_set_writing(history->shared, time_us);
}

/* Every batch that chose its times before the instant was promised is over, or stands in the shared page. The page is
 * read first: a batch that was over by then is missing only from a transaction that is not the newest. */
static int is_settled(const struct history *history, struct store_txn *txn, int64_t time_us)
{
	int64_t writing_us = shared_writing(history->shared), last_us;
	if (writing_us == atomic_load(&history->given_up_us))
		writing_us = 0;
	int r = history_last_commit(txn, &last_us);
	if (r)
		return r;
	if (time_us <= last_us)
		return 1;
	return !(last_us < writing_us && writing_us <= time_us) && store_is_current(txn);
}

int history_settle(struct history *history, struct store_txn *txn, int64_t time_us)
{
	for (unsigned i = 0; i < SETTLE_ROUNDS; i++) {
		int r = is_settled(history, txn, time_us);
		if (r)
			return r < 0 ? r : 0;
		if (i)
			history_wait_commit(history, store_commit_number(history->store), SETTLE_MS);
		r = store_renew(txn);
		if (r)
			return r;
	}
	int64_t writing_us = shared_writing(history->shared);
	atomic_store(&history->given_up_us, writing_us);
	shared_forget_writing(history->shared, writing_us);
	return 0;
}

bool history_take_turn(struct history *history, int64_t *turn)
{
	return shared_take_turn(history->shared, HISTORY_TURN_MS, turn);
}

void history_ring(struct history *history)
{
	shared_ring(history->shared);
}

/* The bell is read before the commit number: a commit in between makes the wait return at once. */
uint64_t history_wait_commit(struct history *history, uint64_t known, int timeout_ms)
{
	uint32_t bell = shared_bell(history->shared);
	uint64_t number = store_commit_number(history->store);
	if (number != known)
		return number;
	shared_wait(history->shared, bell, timeout_ms);
	return store_commit_number(history->store);
}
