#include "store.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store_parts.h"

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
	*ret_value = from_val(v);
	return 0;
}

static int put(struct store_txn *txn, enum store_space space, struct slice key, struct slice value, unsigned flags)
{
	assert(txn->is_writable && key.size > 0 && key.size <= STORE_KEY_MAX && !memchr(key.data, 0, key.size));
	int r = store_fault(txn->store, STORE_OP_PUT);
	if (r)
		return r;
	store_count(&txn->store->puts);
	MDB_val k = to_val(key), v = to_val(value);
	return store_translate(mdb_put(txn->txn, txn->store->trees[tree_of(space, key)], &k, &v, flags));
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
	if (r)
		return store_translate(r);
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
	return store_translate(r);
}

static int move(
	struct store_cursor *cursor, MDB_val *k, MDB_cursor_op op, struct slice *ret_key, struct slice *ret_value)
{
	MDB_val v;
	int r = mdb_cursor_get(cursor->cursor, k, &v, op);
	if (r)
		return store_translate(r);
	*ret_key = from_val(*k);
	*ret_value = from_val(v);
	return 0;
}

int store_cursor_seek(struct store_cursor *cursor, struct slice key, struct slice *ret_key, struct slice *ret_value)
{
	int r = store_fault(cursor->txn->store, STORE_OP_SEEK);
	if (r)
		return r;
	store_count(&cursor->txn->store->seeks);
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
	int r = store_fault(cursor->txn->store, STORE_OP_SEEK);
	if (r)
		return r;
	store_count(&cursor->txn->store->steps);
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
