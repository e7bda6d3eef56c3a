/* A stored value ends in 4 bytes: the checksum of space, key and value. Values of VERSIONS and LOG begin with checksums of their
 * own over the rest (pack.h, log.h), of which a reader may want only a part: of these the first bytes are enough to bind all
 * the others to the key. */
#include "store.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "store_parts.h"

#define CHECKSUM_BYTES 4u
#define OWN_CHECKSUM_BYTES 8u
#define CACHE_LINE_BYTES 64u
#define FETCH_BYTES 256u

/* The catalogue is table 0, and keys begin with their table (layout.h). */
static unsigned tree_of(enum store_space space, struct slice key)
{
	bool is_by_table = space >= STORE_INDEX && space <= STORE_LOG;
	bool is_catalogue = is_by_table && key.size >= 4 && !memcmp(key.data, "\x80\x80\x80\x80", 4);
	return is_catalogue ? STORE_SPACES + space - STORE_INDEX : space;
}

static MDB_val to_val(struct slice s)
{
	return (MDB_val){ .mv_size = s.size, .mv_data = (void *)(uintptr_t)s.data };
}

static struct slice from_val(MDB_val v)
{
	return slice_of(v.mv_data, v.mv_size);
}

static uint32_t checksum_of(enum store_space space, struct slice key, struct slice value)
{
	bool has_own = space == STORE_VERSIONS || space == STORE_LOG;
	if (has_own && value.size > OWN_CHECKSUM_BYTES)
		value.size = OWN_CHECKSUM_BYTES;
	return (uint32_t)hash_checksum64(value, hash_checksum64(key, space));
}

/* Begins to load the beginning and the end of a large value: both are asked for at once. */
static void fetch(MDB_val stored)
{
	const char *at = stored.mv_data;
	size_t head = stored.mv_size < FETCH_BYTES ? stored.mv_size : FETCH_BYTES;
	__builtin_prefetch(at + stored.mv_size - 1);
	for (size_t i = 0; i < head; i += CACHE_LINE_BYTES)
		__builtin_prefetch(at + i);
}

/* What is stored, without its checksum: 0, or -EIO when that is another's. */
static int take(enum store_space space, struct slice key, MDB_val stored, struct slice *ret_value)
{
	*ret_value = from_val(stored);
	if (stored.mv_size < CHECKSUM_BYTES)
		return -EIO;
	fetch(stored);
	ret_value->size -= CHECKSUM_BYTES;
	uint32_t checksum;
	memcpy(&checksum, ret_value->data + ret_value->size, sizeof(checksum));
	return checksum == htole32(checksum_of(space, key, *ret_value)) ? 0 : -EIO;
}

int store_get(struct store_txn *txn, enum store_space space, struct slice key, struct slice *ret_value)
{
	int r = store_fault(txn->store, STORE_OP_GET);
	if (r)
		return r;
	store_count(&txn->store->gets);
	MDB_val k = to_val(key), v;
	r = mdb_get(txn->txn, txn->store->trees[tree_of(space, key)], &k, &v);
	if (r)
		return store_translate(r);
	return take(space, key, v, ret_value);
}

/* A cursor's finding: its key too, when there is one. */
static int found(enum store_space space, int r, MDB_val k, MDB_val v, struct slice *ret_key, struct slice *ret_value)
{
	if (r) {
		*ret_key = *ret_value = (struct slice){ 0 };
		return store_translate(r);
	}
	*ret_key = from_val(k);
	return take(space, *ret_key, v, ret_value);
}

/* --- the census of META --- */

static const struct slice census_key = { (const uint8_t *)"u", 1 };

static uint64_t census_of(struct slice key, MDB_val stored)
{
	return hash_checksum64(from_val(stored), hash_checksum64(key, STORE_SPACES));
}

static int read_census(struct store_txn *txn, uint64_t *ret_census)
{
	struct slice value;
	MDB_val k = to_val(census_key), v;
	uint64_t census = 0;
	int r = mdb_get(txn->txn, txn->store->trees[STORE_META], &k, &v);
	if (!r) {
		r = take(STORE_META, census_key, v, &value);
		if (r || value.size != sizeof(census))
			return -EIO;
		memcpy(&census, value.data, sizeof(census));
	}
	*ret_census = le64toh(census);
	return r == MDB_NOTFOUND ? 0 : store_translate(r);
}

/* A damaged census stays as it is: whoever checks it is told. */
static void count_record(struct store_txn *txn, struct slice key, bool is_there_now)
{
	MDB_val k = to_val(key), v;
	if (!txn->is_census_known && read_census(txn, &txn->census))
		return;
	txn->is_census_known = true;
	if (mdb_get(txn->txn, txn->store->trees[STORE_META], &k, &v))
		return;
	txn->census += is_there_now ? census_of(key, v) : -census_of(key, v);
	txn->is_census_changed = true;
}

static int store_record(
	struct store_txn *txn, enum store_space space, struct slice key, struct slice value, unsigned flags)
{
	MDB_val k = to_val(key), v = { .mv_size = value.size + CHECKSUM_BYTES };
	uint32_t checksum = htole32(checksum_of(space, key, value));
	int r = mdb_put(txn->txn, txn->store->trees[tree_of(space, key)], &k, &v, flags | MDB_RESERVE);
	if (r)
		return store_translate(r);
	if (value.size)
		memcpy(v.mv_data, value.data, value.size);
	memcpy((uint8_t *)v.mv_data + value.size, &checksum, sizeof(checksum));
	return 0;
}

int store_write_census(struct store_txn *txn)
{
	uint64_t census = htole64(txn->census);
	return txn->is_census_changed ? store_record(txn, STORE_META, census_key, slice_of(&census, sizeof(census)), 0)
				      : 0;
}

int store_check_census(struct store_txn *txn)
{
	uint64_t census, sum = 0;
	MDB_cursor *cursor;
	MDB_val k, v;
	int r = read_census(txn, &census);
	if (!r)
		r = store_translate(mdb_cursor_open(txn->txn, txn->store->trees[STORE_META], &cursor));
	if (r)
		return r;
	while (!(r = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)))
		if (!slice_equal(from_val(k), census_key))
			sum += census_of(from_val(k), v);
	mdb_cursor_close(cursor);
	return r != MDB_NOTFOUND ? store_translate(r) : sum == census ? 0 : -EIO;
}

/* --- writing --- */

static int put(struct store_txn *txn, enum store_space space, struct slice key, struct slice value, unsigned flags)
{
	assert(txn->is_writable && key.size > 0 && key.size <= STORE_KEY_MAX && !memchr(key.data, 0, key.size));
	int r = store_fault(txn->store, STORE_OP_PUT);
	if (r)
		return r;
	store_count(&txn->store->puts);
	bool is_counted = space == STORE_META;
	if (is_counted)
		count_record(txn, key, false);
	r = store_record(txn, space, key, value, flags);
	if (!r && is_counted)
		count_record(txn, key, true);
	return r;
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
	int r = store_fault(txn->store, STORE_OP_DELETE);
	if (r)
		return r;
	store_count(&txn->store->deletes);
	if (space == STORE_META)
		count_record(txn, key, false);
	MDB_val k = to_val(key);
	return store_translate(mdb_del(txn->txn, txn->store->trees[tree_of(space, key)], &k, NULL));
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
	*ret_key = (struct slice){ 0 };
	int r = store_fault(txn->store, STORE_OP_SEEK);
	if (r)
		return r;
	store_count(&txn->store->seeks);
	unsigned tree = tree_of(space, key);
	r = ready_seeker(txn, tree);
	if (r)
		return store_translate(r);
	MDB_val k = to_val(key), v;
	r = mdb_cursor_get(txn->seekers[tree], &k, &v, MDB_SET_RANGE);
	return found(space, r, k, v, ret_key, ret_value);
}

int store_within(int r, struct slice key, struct slice prefix)
{
	bool is_found = !r || (r == -EIO && key.size > 0);
	if (!is_found)
		return r;
	return key.size >= prefix.size && !memcmp(key.data, prefix.data, prefix.size) ? r : -ENOENT;
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
	return store_translate(r);
}

static int move(
	struct store_cursor *cursor, MDB_val k, MDB_cursor_op op, struct slice *ret_key, struct slice *ret_value)
{
	MDB_val v = { 0 };
	int r = mdb_cursor_get(cursor->cursor, &k, &v, op);
	return found(cursor->space, r, k, v, ret_key, ret_value);
}

static int begin_seek(struct store_cursor *cursor, struct slice key)
{
	int r = store_fault(cursor->txn->store, STORE_OP_SEEK);
	if (r)
		return r;
	store_count(&cursor->txn->store->seeks);
	return choose(cursor, key);
}

int store_cursor_seek(struct store_cursor *cursor, struct slice key, struct slice *ret_key, struct slice *ret_value)
{
	*ret_key = (struct slice){ 0 };
	int r = begin_seek(cursor, key);
	return r ? r : move(cursor, to_val(key), MDB_SET_RANGE, ret_key, ret_value);
}

/* What stands after the one that is wanted need not be in order. */
int store_cursor_seek_before(
	struct store_cursor *cursor, struct slice key, struct slice *ret_key, struct slice *ret_value)
{
	*ret_key = (struct slice){ 0 };
	int r = begin_seek(cursor, key);
	if (r)
		return r;
	MDB_val k = to_val(key), v;
	r = mdb_cursor_get(cursor->cursor, &k, &v, MDB_SET_RANGE);
	if (r && r != MDB_NOTFOUND)
		return found(cursor->space, r, k, v, ret_key, ret_value);
	return move(cursor, k, r ? MDB_LAST : MDB_PREV, ret_key, ret_value);
}

static int step(struct store_cursor *cursor, MDB_cursor_op op, struct slice *ret_key, struct slice *ret_value)
{
	assert(cursor->cursor);
	*ret_key = (struct slice){ 0 };
	int r = store_fault(cursor->txn->store, STORE_OP_SEEK);
	if (r)
		return r;
	store_count(&cursor->txn->store->steps);
	return move(cursor, (MDB_val){ 0 }, op, ret_key, ret_value);
}

int store_cursor_next(struct store_cursor *cursor, struct slice *ret_key, struct slice *ret_value)
{
	return step(cursor, MDB_NEXT, ret_key, ret_value);
}

int store_cursor_previous(struct store_cursor *cursor, struct slice *ret_key, struct slice *ret_value)
{
	return step(cursor, MDB_PREV, ret_key, ret_value);
}
