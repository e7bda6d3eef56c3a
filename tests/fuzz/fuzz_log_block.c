/* A stored block of the change log, its checksum made right, between two that are whole. Everything that reads logs must
 * end, with an error or with changes whose numbers and times don't fall. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/hash.h"
#include "core/layout.h"
#include "core/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TABLE 5
#define FIRST 65

static struct store *store;

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void append(struct store_txn *txn, uint64_t seq)
{
	struct log_entry entry = { .seq = seq,
		.time_us = (int64_t)seq * 1000,
		.op = CHANGE_INSERT,
		.number = seq,
		.growth_bytes = 10,
		.line_bytes = 300 };
	require(log_append(txn, TABLE, &entry, &(struct chain){ 0 }) == 0);
}

static void fill(void)
{
	struct store_txn *txn;
	require(store_begin(store, true, &txn) == 0);
	for (uint64_t seq = 1; seq < FIRST + 100; seq++)
		append(txn, seq);
	require(store_commit(txn) == 0);
}

/* One store for all inputs: none of them is committed. Its files are gone at once. */
static void open_store(void)
{
	struct store_options options = { .is_volatile = true };
	char directory[512];
	const char *parent = getenv("TMPDIR");
	struct buffer path = BUFFER_INIT;
	buffer_append_format(&path, "%s/fuzz-log.XXXXXX", parent ? parent : "/tmp");
	require(path.size < sizeof(directory));
	memcpy(directory, buffer_text(&path), path.size + 1);
	require(mkdtemp(directory) != NULL && store_open(directory, &options, &store, NULL) == 0);
	buffer_append_text(&path, "/data.mdb");
	memcpy(path.data, directory, strlen(directory));
	require(unlink(buffer_text(&path)) == 0);
	memcpy(path.data + strlen(directory), "/lock.mdb", 9);
	require(unlink(buffer_text(&path)) == 0 && rmdir(directory) == 0);
	buffer_free(&path);
	fill();
}

static void put_block(struct store_txn *txn, struct slice body)
{
	struct buffer block = BUFFER_INIT;
	struct layout_key key = layout_log(TABLE, FIRST);
	buffer_append_u32(&block, hash_checksum(body));
	buffer_append_slice(&block, body);
	require(store_put(txn, STORE_LOG, layout_slice(&key), buffer_slice(&block)) == 0);
	buffer_free(&block);
}

static void walk(struct store_txn *txn, uint64_t from)
{
	struct log_walk walk;
	struct log_entry entry, before = { 0 };
	int r = log_walk_begin(&walk, txn, TABLE, from);
	for (unsigned i = 0; !r && i < 1000; i++) {
		r = log_walk_next(&walk, &entry);
		if (r != 1)
			break;
		require(entry.seq > before.seq && entry.op >= CHANGE_INSERT && entry.op <= CHANGE_REMOVE);
		before = entry;
		r = 0;
	}
	require(r == 0 || r == -EIO);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct store_txn *txn;
	struct log_entry entry;
	if (!store)
		open_store();
	require(store_begin(store, true, &txn) == 0);
	put_block(txn, slice_of(data, size));
	for (uint64_t from = 0; from < FIRST + 110; from += 16)
		walk(txn, from);
	for (uint64_t seq = FIRST - 1; seq < FIRST + 70; seq += 13) {
		int r = log_get(txn, TABLE, seq, &entry);
		require(r == -EIO || r == -ENOENT || (r == 0 && entry.seq == seq));
	}
	static const int64_t times[] = { 0, 64000, 65000, 90000, 130000, 164000, INT64_MAX };
	for (unsigned i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		int r = log_at_time(txn, TABLE, times[i], &entry);
		require(r == 0 || r == -EIO || r == -ENOENT);
	}
	static const uint64_t offsets[] = { 0, 299, 300, 19199, 19200, 30000, 38399, 49199, 49200, UINT64_MAX };
	for (unsigned i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		int r = log_at_line(txn, TABLE, offsets[i], &entry);
		require(r == -EIO || r == -ENOENT || (r == 0 && entry.lines_bytes > offsets[i]));
	}
	for (uint64_t seq = FIRST - 1; seq < FIRST + 70; seq += 13) {
		struct chain chain;
		uint64_t first;
		int r = log_chain_before(txn, TABLE, seq, &first, &chain);
		require(r == -EIO || r == -ENOENT || (r == 0 && first <= seq));
	}
	store_abort(txn);
	return 0;
}
