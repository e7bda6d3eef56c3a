#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/store.h"
#include "tests/support/fixture.h"

static char directory[256];
static struct store *store;

static int open_store(void **state)
{
	struct store_options options = { .is_volatile = true };
	(void)state;
	fixture_make_directory(directory, sizeof(directory));
	return store_open(directory, &options, &store, NULL);
}

static int close_store(void **state)
{
	(void)state;
	store_close(store);
	fixture_remove_directory(directory);
	return 0;
}

static struct store_txn *begin(bool is_writable)
{
	struct store_txn *txn = NULL;
	assert_int_equal(store_begin(store, is_writable, &txn), 0);
	return txn;
}

static void put(struct store_txn *txn, const char *key, const char *value)
{
	assert_int_equal(store_put(txn, STORE_META, slice_of_text(key), slice_of_text(value)), 0);
}

static void assert_value(struct store_txn *txn, const char *key, const char *wanted)
{
	struct slice value;
	assert_int_equal(store_get(txn, STORE_META, slice_of_text(key), &value), wanted ? 0 : -ENOENT);
	if (wanted)
		assert_true(slice_equal(value, slice_of_text(wanted)));
}

static void commits_or_not(void **state)
{
	(void)state;
	struct store_txn *txn = begin(true);
	put(txn, "a", "1");
	assert_value(txn, "a", "1");
	store_abort(txn);
	txn = begin(false);
	assert_value(txn, "a", NULL);
	store_abort(txn);
	uint64_t number = store_commit_number(store);
	txn = begin(true);
	put(txn, "a", "2");
	assert_int_equal(store_delete(txn, STORE_META, slice_of_text("b")), -ENOENT);
	assert_int_equal(store_commit(txn), 0);
	assert_true(store_commit_number(store) > number);
	txn = begin(false);
	assert_value(txn, "a", "2");
	store_abort(txn);
}

static void readers_keep_their_state(void **state)
{
	(void)state;
	struct store_txn *writer = begin(true);
	put(writer, "a", "old");
	assert_int_equal(store_commit(writer), 0);
	struct store_txn *reader = begin(false);
	writer = begin(true);
	put(writer, "a", "new");
	put(writer, "b", "new");
	assert_int_equal(store_commit(writer), 0);
	assert_value(reader, "a", "old");
	assert_value(reader, "b", NULL);
	store_abort(reader);
	reader = begin(false);
	assert_value(reader, "a", "new");
	store_abort(reader);
}

static void assert_pair(int r, struct slice key, struct slice value, const char *wanted)
{
	assert_int_equal(r, wanted ? 0 : -ENOENT);
	if (!wanted)
		return;
	assert_true(slice_equal(key, slice_of_text(wanted)));
	assert_true(slice_equal(value, slice_of_text(wanted)));
}

/* Keys of table 0 are reached as others are, and neither seeks nor steps lead from them to others or back. */
static void the_catalogue_stands_apart(void **state)
{
	static const char *const zero[] = { "\x80\x80\x80\x80"
					    "a",
		"\x80\x80\x80\x80"
		"c" };
	static const char *const one = "\x80\x80\x80\x81"
				       "b";
	struct store_cursor *cursor;
	struct slice k, v;
	(void)state;
	struct store_txn *txn = begin(true);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(store_append(txn, STORE_LOG, slice_of_text(zero[i]), slice_of_text(zero[i])), 0);
	assert_int_equal(store_append(txn, STORE_LOG, slice_of_text(one), slice_of_text(one)), 0);
	assert_int_equal(store_get(txn, STORE_LOG, slice_of_text(zero[1]), &v), 0);
	assert_int_equal(store_get(txn, STORE_INDEX, slice_of_text(zero[1]), &v), -ENOENT);
	assert_int_equal(store_cursor_open(txn, STORE_LOG, &cursor), 0);
	assert_pair(store_cursor_seek(cursor, slice_of_text(zero[0]), &k, &v), k, v, zero[0]);
	assert_pair(store_cursor_next(cursor, &k, &v), k, v, zero[1]);
	assert_pair(store_cursor_next(cursor, &k, &v), k, v, NULL);
	assert_pair(store_cursor_seek(cursor, slice_of_text(one), &k, &v), k, v, one);
	assert_pair(store_cursor_previous(cursor, &k, &v), k, v, NULL);
	assert_pair(store_cursor_seek_before(cursor, slice_of_text(one), &k, &v), k, v, NULL);
	assert_pair(store_seek(txn, STORE_LOG,
			    slice_of_text("\x80\x80\x80\x80"
					  "d"),
			    &k, &v),
		k, v, NULL);
	store_cursor_close(cursor);
	assert_int_equal(store_delete(txn, STORE_LOG, slice_of_text(zero[0])), 0);
	assert_pair(store_seek(txn, STORE_LOG, slice_of_text("\x80\x80\x80\x80"), &k, &v), k, v, zero[1]);
	assert_int_equal(store_commit(txn), 0);
}

static void cursors_find_their_place(void **state)
{
	struct store_cursor *cursor;
	struct slice k, v;
	(void)state;
	struct store_txn *txn = begin(true);
	assert_int_equal(store_cursor_open(txn, STORE_AUTHORS, &cursor), 0);
	assert_pair(store_cursor_seek(cursor, slice_of_text("a"), &k, &v), k, v, NULL);
	assert_pair(store_cursor_seek_before(cursor, slice_of_text("a"), &k, &v), k, v, NULL);
	store_cursor_close(cursor);
	assert_int_equal(store_put(txn, STORE_AUTHORS, slice_of_text("b"), slice_of_text("b")), 0);
	assert_int_equal(store_put(txn, STORE_AUTHORS, slice_of_text("d"), slice_of_text("d")), 0);
	assert_int_equal(store_put(txn, STORE_AUTHORS, slice_of_text("d\xff"), slice_of_text("d\xff")), 0);
	assert_int_equal(store_commit(txn), 0);
	txn = begin(false);
	assert_int_equal(store_cursor_open(txn, STORE_AUTHORS, &cursor), 0);
	assert_pair(store_cursor_seek(cursor, slice_of_text("a"), &k, &v), k, v, "b");
	assert_pair(store_cursor_previous(cursor, &k, &v), k, v, NULL);
	assert_pair(store_cursor_seek(cursor, slice_of_text("b"), &k, &v), k, v, "b");
	assert_pair(store_cursor_seek(cursor, slice_of_text("c"), &k, &v), k, v, "d");
	assert_pair(store_cursor_next(cursor, &k, &v), k, v, "d\xff");
	assert_pair(store_cursor_next(cursor, &k, &v), k, v, NULL);
	assert_pair(store_cursor_seek(cursor, slice_of_text("e"), &k, &v), k, v, NULL);
	assert_pair(store_cursor_seek_before(cursor, slice_of_text("e"), &k, &v), k, v, "d\xff");
	assert_pair(store_cursor_previous(cursor, &k, &v), k, v, "d");
	assert_pair(store_cursor_seek_before(cursor, slice_of_text("d"), &k, &v), k, v, "b");
	assert_pair(store_cursor_seek_before(cursor, slice_of_text("b"), &k, &v), k, v, NULL);
	store_cursor_close(cursor);
	assert_pair(store_seek(txn, STORE_AUTHORS, slice_of_text("c"), &k, &v), k, v, "d");
	store_abort(txn);
}

/* A pooled transaction's cursors must not show what they saw before. */
static void pooled_readers_see_the_present(void **state)
{
	struct slice k, v;
	(void)state;
	for (int i = 0; i < 50; i++) {
		char text[16];
		snprintf(text, sizeof(text), "k%03d", 500 - i);
		struct store_txn *txn = begin(true);
		put(txn, text, text);
		assert_pair(store_seek(txn, STORE_META, slice_of_text("k"), &k, &v), k, v, text);
		assert_int_equal(store_commit(txn), 0);
		txn = begin(false);
		assert_pair(store_seek(txn, STORE_META, slice_of_text("k"), &k, &v), k, v, text);
		assert_pair(store_seek(txn, STORE_META, slice_of_text("k"), &k, &v), k, v, text);
		store_abort(txn);
	}
}

/* Nor what a transaction saw before it was moved on, in whichever tree. */
static void renewed_readers_see_the_present(void **state)
{
	static const char *const old[] = { "t", "\x80\x80\x80\x80t" };
	static const char *const new[] = { "s", "\x80\x80\x80\x80s" };
	struct slice k, v;
	(void)state;
	struct store_txn *txn = begin(true);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(store_put(txn, STORE_LOG, slice_of_text(old[i]), slice_of_text(old[i])), 0);
	assert_int_equal(store_commit(txn), 0);
	struct store_txn *reader = begin(false);
	for (unsigned i = 0; i < 2; i++)
		assert_pair(store_seek(reader, STORE_LOG, slice_of_text(old[i]), &k, &v), k, v, old[i]);
	for (unsigned n = 0; n < 3; n++) {
		txn = begin(true);
		for (unsigned i = 0; i < 2; i++)
			assert_int_equal(store_put(txn, STORE_LOG, slice_of_text(new[i]), slice_of_text(new[i])), 0);
		assert_int_equal(store_commit(txn), 0);
	}
	assert_int_equal(store_renew(reader), 0);
	for (unsigned i = 0; i < 2; i++)
		assert_pair(store_seek(reader, STORE_LOG, slice_of_text(new[i]), &k, &v), k, v, new[i]);
	store_abort(reader);
}

static void appends_in_any_order(void **state)
{
	static const char *const keys[] = { "m", "p", "a", "p", "z", "q" };
	struct store_txn *txn = begin(true);
	(void)state;
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(store_append(txn, STORE_LOG, slice_of_text(keys[i]), slice_of_text(keys[i])), 0);
	struct slice value;
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(store_get(txn, STORE_LOG, slice_of_text(keys[i]), &value), 0);
	store_abort(txn);
}

static void keeps_long_keys_and_values(void **state)
{
	uint8_t key[STORE_KEY_MAX];
	struct buffer large = BUFFER_INIT;
	struct slice value;
	(void)state;
	memset(key, 'k', sizeof(key));
	for (int i = 0; i < 500000; i++)
		buffer_append_byte(&large, (uint8_t)i);
	struct store_txn *txn = begin(true);
	assert_int_equal(store_put(txn, STORE_INDEX, slice_of(key, sizeof(key)), buffer_slice(&large)), 0);
	assert_int_equal(store_commit(txn), 0);
	txn = begin(false);
	assert_int_equal(store_get(txn, STORE_INDEX, slice_of(key, sizeof(key)), &value), 0);
	assert_true(slice_equal(value, buffer_slice(&large)));
	store_abort(txn);
	buffer_free(&large);
}

static void a_full_map_refuses_and_keeps_the_rest(void **state)
{
	struct store_options options = { .is_volatile = true, .map_size_bytes = 1 << 20 };
	struct buffer large = BUFFER_INIT;
	int r = 0;
	(void)state;
	store_close(store);
	assert_int_equal(store_open(directory, &options, &store, NULL), 0);
	for (int i = 0; i < 100000; i++)
		buffer_append_byte(&large, 'x');
	struct store_txn *txn = begin(true);
	put(txn, "kept", "1");
	assert_int_equal(store_commit(txn), 0);
	txn = begin(true);
	for (int i = 0; i < 30 && !r; i++) {
		char key[16];
		snprintf(key, sizeof(key), "big%d", i);
		r = store_put(txn, STORE_META, slice_of_text(key), buffer_slice(&large));
	}
	assert_int_equal(r, -ENOSPC);
	store_abort(txn);
	txn = begin(true);
	assert_value(txn, "kept", "1");
	put(txn, "more", "2");
	assert_int_equal(store_commit(txn), 0);
	buffer_free(&large);
}

static void opens_read_only(void **state)
{
	struct store_options options = { .is_read_only = true };
	struct store_txn *txn = begin(true);
	(void)state;
	put(txn, "a", "1");
	assert_int_equal(store_commit(txn), 0);
	store_close(store);
	assert_int_equal(store_open(directory, &options, &store, NULL), 0);
	assert_int_equal(store_begin(store, true, &txn), -EROFS);
	txn = begin(false);
	assert_value(txn, "a", "1");
	store_abort(txn);
}

/* Changes the bytes of the data file that are `old` once there, with the store closed. */
static void tamper(const char *old, const char *new)
{
	char path[300];
	store_close(store);
	snprintf(path, sizeof(path), "%s/data.mdb", directory);
	int fd = open(path, O_RDWR);
	off_t size = lseek(fd, 0, SEEK_END);
	char *bytes = malloc((size_t)size);
	assert_int_equal(pread(fd, bytes, (size_t)size, 0), size);
	char *at = memmem(bytes, (size_t)size, old, strlen(old));
	assert_non_null(at);
	assert_int_equal(pwrite(fd, new, strlen(new), at - bytes), strlen(new));
	free(bytes);
	close(fd);
	struct store_options options = { .is_volatile = true };
	assert_int_equal(store_open(directory, &options, &store, NULL), 0);
}

static void put_three(enum store_space space)
{
	static const char *const texts[] = { "first-record", "second-record", "third-record" };
	struct store_txn *txn = begin(true);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(store_put(txn, space, slice_of_text(texts[i]), slice_of_text(texts[i])), 0);
	assert_int_equal(store_commit(txn), 0);
}

/* Told wherever it is read, passed by a cursor, and no hindrance for its neighbours. */
static void assert_second_is_damaged(enum store_space space, const char *key)
{
	struct store_cursor *cursor;
	struct slice k, v;
	struct store_txn *txn = begin(false);
	assert_int_equal(store_get(txn, space, slice_of_text(key), &v), -EIO);
	assert_int_equal(store_seek(txn, space, slice_of_text("g"), &k, &v), -EIO);
	assert_int_equal(store_cursor_open(txn, space, &cursor), 0);
	assert_pair(store_cursor_seek_before(cursor, slice_of_text("g"), &k, &v), k, v, "first-record");
	assert_pair(store_cursor_seek(cursor, slice_of_text("a"), &k, &v), k, v, "first-record");
	assert_int_equal(store_cursor_next(cursor, &k, &v), -EIO);
	assert_true(slice_equal(k, slice_of_text(key)));
	assert_pair(store_cursor_next(cursor, &k, &v), k, v, "third-record");
	assert_int_equal(store_cursor_previous(cursor, &k, &v), -EIO);
	assert_pair(store_cursor_previous(cursor, &k, &v), k, v, "first-record");
	store_cursor_close(cursor);
	store_abort(txn);
}

static void tells_damaged_values(void **state)
{
	(void)state;
	put_three(STORE_META);
	tamper("second-recordsecond-rec", "second-recordsecond-reC");
	assert_second_is_damaged(STORE_META, "second-record");
}

static void tells_damaged_keys(void **state)
{
	(void)state;
	put_three(STORE_LOG);
	tamper("second-recordsecond-rec", "secono-recordsecond-rec");
	assert_second_is_damaged(STORE_LOG, "secono-record");
}

/* Only the bytes that hold its own checksums; it tells of the rest itself. */
static void leaves_packs_to_themselves(void **state)
{
	struct slice v;
	(void)state;
	put_three(STORE_VERSIONS);
	tamper("second-recordsecond-rec", "second-recordsecond-reC");
	struct store_txn *txn = begin(false);
	assert_int_equal(store_get(txn, STORE_VERSIONS, slice_of_text("second-record"), &v), 0);
	store_abort(txn);
	tamper("second-recordsecond-reC", "second-recordSecond-reC");
	assert_second_is_damaged(STORE_VERSIONS, "second-record");
}

/* What was taken away or put back behind its back; what one transaction undoes is nothing. */
static void counts_the_records_of_meta(void **state)
{
	(void)state;
	struct store_txn *txn = begin(true);
	put(txn, "census-a", "first");
	put(txn, "census-b", "second");
	assert_int_equal(store_commit(txn), 0);
	txn = begin(true);
	put(txn, "census-a", "other");
	put(txn, "census-c", "third");
	assert_int_equal(store_delete(txn, STORE_META, slice_of_text("census-c")), 0);
	assert_int_equal(store_delete(txn, STORE_META, slice_of_text("census-d")), -ENOENT);
	assert_int_equal(store_check_census(txn), -EIO); /* written when it commits */
	assert_int_equal(store_commit(txn), 0);
	txn = begin(false);
	assert_int_equal(store_check_census(txn), 0);
	store_abort(txn);
	txn = begin(true);
	put(txn, "census-e", "fourth");
	assert_int_equal(store_commit(txn), 0);
	tamper("census-efourth", "census-xfourth");
	txn = begin(false);
	assert_int_equal(store_check_census(txn), -EIO);
	store_abort(txn);
}

static int count_down(void *context, enum store_op op)
{
	int *left = context;
	(void)op;
	return (*left)-- == 0 ? -ENOSPC : 0;
}

static int scenario(void)
{
	struct store_txn *txn;
	struct slice k, v;
	int r = store_begin(store, true, &txn);
	if (r)
		return r;
	r = store_put(txn, STORE_META, slice_of_text("a"), slice_of_text("1"));
	if (!r)
		r = store_get(txn, STORE_META, slice_of_text("a"), &v);
	if (!r)
		r = store_seek(txn, STORE_META, slice_of_text("a"), &k, &v);
	if (!r)
		r = store_delete(txn, STORE_META, slice_of_text("a"));
	if (r) {
		store_abort(txn);
		return r;
	}
	return store_commit(txn);
}

static void fails_where_it_is_told_to(void **state)
{
	(void)state;
	for (int n = 0; n < 7; n++) {
		int left = n;
		store_set_fault_hook(store, count_down, &left);
		assert_int_equal(scenario(), n < 6 ? -ENOSPC : 0);
		store_set_fault_hook(store, NULL, NULL);
	}
}

static void counts_what_it_does(void **state)
{
	struct store_counts before, after;
	(void)state;
	store_counts(store, &before);
	assert_int_equal(scenario(), 0);
	store_counts(store, &after);
	assert_int_equal(after.begins - before.begins, 1);
	assert_int_equal(after.puts - before.puts, 1);
	assert_int_equal(after.gets - before.gets, 1);
	assert_int_equal(after.seeks - before.seeks, 1);
	assert_int_equal(after.deletes - before.deletes, 1);
	assert_int_equal(after.commits - before.commits, 1);
}

static void clears_readers_that_died(void **state)
{
	(void)state;
	pid_t child = fork();
	if (child == 0) {
		struct store_options options = { .is_volatile = true };
		struct store *own;
		struct store_txn *txn;
		if (store_open(directory, &options, &own, NULL) || store_begin(own, false, &txn))
			_exit(1);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(store_clear_dead_readers(store), 1);
}

static void *read_often(void *argument)
{
	(void)argument;
	for (int i = 0; i < 2000; i++) {
		struct store_txn *txn;
		struct slice value, other;
		if (store_begin(store, false, &txn))
			return "begin";
		if (store_get(txn, STORE_META, slice_of_text("x"), &value) ||
			store_get(txn, STORE_META, slice_of_text("y"), &other))
			return "get";
		bool is_same = slice_equal(value, other);
		store_abort(txn);
		if (!is_same)
			return "two values of different commits";
	}
	return NULL;
}

static void threads_read_whole_commits(void **state)
{
	pthread_t threads[4];
	char text[16] = "0";
	(void)state;
	struct store_txn *txn = begin(true);
	put(txn, "x", text);
	put(txn, "y", text);
	assert_int_equal(store_commit(txn), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_often, NULL), 0);
	for (int i = 0; i < 500; i++) {
		snprintf(text, sizeof(text), "%d", i);
		txn = begin(true);
		put(txn, "x", text);
		put(txn, "y", text);
		assert_int_equal(store_commit(txn), 0);
	}
	for (int i = 0; i < 4; i++) {
		void *failure;
		pthread_join(threads[i], &failure);
		assert_null(failure);
	}
}

static void change_many(bool is_put)
{
	char key[32], value[1000];
	memset(value, 'v', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	struct store_txn *txn = begin(true);
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		if (is_put)
			put(txn, key, value);
		else
			assert_int_equal(store_delete(txn, STORE_META, slice_of_text(key)), 0);
	}
	assert_int_equal(store_commit(txn), 0);
}

static void tells_what_is_in_use(void **state)
{
	uint64_t file, before, full, after;
	(void)state;
	assert_int_equal(store_usage(store, &file, &before), 0);
	change_many(/* is_put= */ true);
	assert_int_equal(store_usage(store, &file, &full), 0);
	assert_true(full > before + 1000000 && full <= file);
	change_many(/* is_put= */ false);
	uint64_t grown = file;
	assert_int_equal(store_usage(store, &file, &after), 0);
	assert_true(after < full / 2 && file >= grown);
}

static size_t mapped_bytes(void)
{
	size_t pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%*u %*u %zu", &pages), 1);
	fclose(file);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* 128 MiB in records of a page each. */
static void fill_pages(unsigned count)
{
	static uint8_t value[3000];
	char key[16];
	struct store_txn *txn = begin(true);
	for (unsigned i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "%08u", i);
		assert_int_equal(store_put(txn, STORE_VERSIONS, slice_of_text(key), slice_of(value, sizeof(value))), 0);
	}
	assert_int_equal(store_commit(txn), 0);
}

/* However much each transaction has touched. */
static void gives_mapped_pages_back(void **state)
{
	const unsigned count = 32768, each = 150;
	size_t most = 0;
	char key[16];
	(void)state;
	fill_pages(count);
	for (unsigned i = 0; i < count; i += each) {
		struct store_txn *txn = begin(false);
		for (unsigned j = i; j < i + each; j++) {
			struct slice value;
			snprintf(key, sizeof(key), "%08u", j * 7919 % count);
			assert_int_equal(store_get(txn, STORE_VERSIONS, slice_of_text(key), &value), 0);
		}
		store_abort(txn);
		size_t mapped = mapped_bytes();
		most = mapped > most ? mapped : most;
	}
	assert_true(most < (size_t)60 << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(commits_or_not, open_store, close_store),
		cmocka_unit_test_setup_teardown(readers_keep_their_state, open_store, close_store),
		cmocka_unit_test_setup_teardown(the_catalogue_stands_apart, open_store, close_store),
		cmocka_unit_test_setup_teardown(cursors_find_their_place, open_store, close_store),
		cmocka_unit_test_setup_teardown(pooled_readers_see_the_present, open_store, close_store),
		cmocka_unit_test_setup_teardown(renewed_readers_see_the_present, open_store, close_store),
		cmocka_unit_test_setup_teardown(appends_in_any_order, open_store, close_store),
		cmocka_unit_test_setup_teardown(keeps_long_keys_and_values, open_store, close_store),
		cmocka_unit_test_setup_teardown(a_full_map_refuses_and_keeps_the_rest, open_store, close_store),
		cmocka_unit_test_setup_teardown(opens_read_only, open_store, close_store),
		cmocka_unit_test_setup_teardown(tells_damaged_values, open_store, close_store),
		cmocka_unit_test_setup_teardown(tells_damaged_keys, open_store, close_store),
		cmocka_unit_test_setup_teardown(leaves_packs_to_themselves, open_store, close_store),
		cmocka_unit_test_setup_teardown(counts_the_records_of_meta, open_store, close_store),
		cmocka_unit_test_setup_teardown(fails_where_it_is_told_to, open_store, close_store),
		cmocka_unit_test_setup_teardown(counts_what_it_does, open_store, close_store),
		cmocka_unit_test_setup_teardown(clears_readers_that_died, open_store, close_store),
		cmocka_unit_test_setup_teardown(tells_what_is_in_use, open_store, close_store),
		cmocka_unit_test_setup_teardown(gives_mapped_pages_back, open_store, close_store),
		cmocka_unit_test_setup_teardown(threads_read_whole_commits, open_store, close_store),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
