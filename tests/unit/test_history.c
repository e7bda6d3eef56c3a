#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/layout.h"
#include "core/shared.h"
#include "core/state.h"
#include "tests/support/fixture.h"

#define START INT64_C(1740830400000000)

static char parent[256];

static int make_parent(void **state)
{
	(void)state;
	fixture_make_directory(parent, sizeof(parent));
	return 0;
}

static int remove_parent(void **state)
{
	(void)state;
	clock_reset();
	fixture_remove_directory(parent);
	return 0;
}

static const char *inside(const char *name)
{
	static char path[512];
	snprintf(path, sizeof(path), "%s/%s", parent, name);
	return path;
}

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(inside(name), "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int open_it(const char *path, struct error *error)
{
	struct history_options options = { .is_volatile = true };
	struct history *history = NULL;
	*error = (struct error){ 0 };
	int r = history_open(path, &options, &history, error);
	history_close(history);
	if (r) {
		assert_int_equal(error->code, r);
		assert_non_null(strstr(error->message, path));
	}
	return r;
}

static void is_made_once(void **state)
{
	struct error error = { 0 };
	struct stat status;
	(void)state;
	assert_int_equal(history_init(inside("new"), &error), 0);
	assert_int_equal(stat(inside("new"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	assert_int_equal(history_init(inside("new"), &error), -EEXIST);
	assert_int_equal(open_it(inside("new"), &error), 0);
	assert_int_equal(mkdir(inside("empty"), 0755), 0);
	assert_int_equal(history_init(inside("empty"), &error), 0);
}

static void is_not_made_where_something_is(void **state)
{
	struct error error = { 0 };
	(void)state;
	write_file("file", "");
	assert_int_equal(history_init(parent, &error), -ENOTEMPTY);
	assert_int_not_equal(history_init(inside("file"), &error), 0);
	assert_int_equal(history_init(inside("no/such"), &error), -ENOENT);
	assert_int_equal(access(inside("data.mdb"), F_OK), -1);
}

static void is_not_opened_where_none_is(void **state)
{
	struct error error;
	(void)state;
	assert_int_equal(open_it(inside("none"), &error), -ENOENT);
	assert_non_null(strstr(error.message, "pitr init"));
	assert_int_equal(open_it(parent, &error), -ENOENT);
	write_file("data.mdb", "this is no store, however long it may be");
	assert_int_equal(open_it(parent, &error), -EPROTO);
}

static void make_store(struct fixture *fixture, int items)
{
	struct table table;
	fixture_open(fixture);
	fixture_create(fixture, "orders", NULL, &table);
	struct batch *batch = fixture_begin(fixture);
	for (int i = 0; i < items; i++) {
		char text[64];
		snprintf(text, sizeof(text), "{'id':'%d','n':%d}", i, i);
		fixture_put_in(batch, &table, text, 0);
	}
	fixture_commit(batch);
	table_free(&table);
}

static void another_format_is_refused(void **state)
{
	struct fixture fixture;
	struct store_txn *txn;
	struct error error;
	(void)state;
	make_store(&fixture, 1);
	struct layout_key key = layout_meta('f');
	uint8_t value[37] = { STORE_FORMAT + 1 };
	memset(value + 1, 'x', 36);
	assert_int_equal(store_begin(history_store(fixture.history), true, &txn), 0);
	assert_int_equal(store_put(txn, STORE_META, layout_slice(&key), slice_of(value, sizeof(value))), 0);
	assert_int_equal(store_commit(txn), 0);
	history_close(fixture.history);
	fixture.history = NULL;
	assert_int_equal(open_it(fixture.directory, &error), -EPROTO);
	assert_non_null(strstr(error.message, "reads format 3"));
	fixture_close(&fixture);
}

/* Whatever is missing at its end: an error, never a signal. */
static void a_cut_file_is_refused(void **state)
{
	struct fixture fixture;
	char path[512];
	struct error error;
	struct stat status;
	(void)state;
	make_store(&fixture, 2000);
	history_close(fixture.history);
	fixture.history = NULL;
	snprintf(path, sizeof(path), "%s/data.mdb", fixture.directory);
	assert_int_equal(stat(path, &status), 0);
	off_t page = 4096;
	for (off_t size = status.st_size - page; size >= 0; size -= size > 10 * page ? 5 * page : 1500) {
		assert_int_equal(truncate(path, size), 0);
		int r = open_it(fixture.directory, &error);
		assert_true(r == -EIO || r == -EPROTO);
		if (size > 2 * page)
			assert_non_null(strstr(error.message, "damaged or cut short"));
	}
	fixture_close(&fixture);
}

static void has_an_identifier_of_its_own(void **state)
{
	struct fixture first, second;
	char id[40];
	(void)state;
	fixture_open(&first);
	fixture_open(&second);
	assert_int_equal(strlen(history_id(first.history)), 36);
	assert_string_not_equal(history_id(first.history), history_id(second.history));
	snprintf(id, sizeof(id), "%s", history_id(first.history));
	fixture_reopen(&first);
	assert_string_equal(history_id(first.history), id);
	fixture_close(&first);
	fixture_close(&second);
}

static void now_never_stands_before_what_was_shown(void **state)
{
	struct fixture fixture;
	(void)state;
	clock_set(START);
	make_store(&fixture, 1);
	int64_t last_us;
	struct store_txn *txn = fixture_read(&fixture);
	assert_int_equal(history_last_commit(txn, &last_us), 0);
	assert_int_equal(last_us, START + 1);
	clock_set(START - 1000);
	assert_int_equal(history_now(fixture.history, txn), START + 1);
	clock_set(START + 1000);
	assert_int_equal(history_now(fixture.history, txn), START + 1000);
	history_serve(fixture.history, START + 5000);
	history_serve(fixture.history, START + 4000);
	assert_int_equal(history_served(fixture.history), START + 5000);
	assert_int_equal(history_now(fixture.history, txn), START + 5000);
	store_abort(txn);
	clock_set(START - DAY_US);
	fixture_reopen(&fixture);
	txn = fixture_read(&fixture);
	assert_int_equal(history_now(fixture.history, txn), START + 5000);
	store_abort(txn);
	fixture_close(&fixture);
}

/* Another process learns of a served instant, and of commits. */
static void processes_hear_of_each_other(void **state)
{
	struct fixture fixture;
	(void)state;
	make_store(&fixture, 1);
	int64_t served_us = clock_now_us() + 1000000;
	uint64_t known = store_commit_number(history_store(fixture.history));
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		struct history_options options = { .is_volatile = true };
		struct history *own;
		struct table table;
		struct change_context context = { 0 };
		struct batch *batch;
		if (history_open(fixture.directory, &options, &own, NULL))
			_exit(1);
		history_serve(own, served_us);
		if (batch_begin(own, &batch, NULL) ||
			table_create_default(batch, slice_of_text("other"), &context, &table, NULL) ||
			batch_commit(batch, NULL))
			_exit(2);
		_exit(0);
	}
	uint64_t number = known;
	for (int i = 0; i < 100 && number == known; i++)
		number = history_wait_commit(fixture.history, known, 100);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(number > known);
	assert_true(history_served(fixture.history) == served_us);
	assert_int_equal(history_wait_commit(fixture.history, number, 1), number);
	fixture_close(&fixture);
}

/* Two mappings of one page stand for two processes. */
static void what_one_is_enough_for_is_taken_in_turns(void **state)
{
	struct shared *one, *other;
	int64_t turn_of_one = 0, turn_of_other = 0;
	(void)state;
	assert_int_equal(shared_open(parent, false, false, &one), 0);
	assert_int_equal(shared_open(parent, false, false, &other), 0);
	assert_true(shared_take_turn(one, 60000, &turn_of_one));
	assert_false(shared_take_turn(other, 60000, &turn_of_other));
	assert_true(shared_take_turn(one, 60000, &turn_of_one));
	usleep(2000);
	assert_true(shared_take_turn(other, 1, &turn_of_other));
	assert_false(shared_take_turn(one, 60000, &turn_of_one));
	assert_true(shared_take_turn(other, 60000, &turn_of_other));
	shared_close(one);
	shared_close(other);
}

static void a_reader_without_locks_touches_nothing(void **state)
{
	struct fixture fixture;
	struct history_options options = { .is_read_only = true, .is_lock_free = true };
	struct history *history;
	struct stat before, after;
	char path[512];
	(void)state;
	make_store(&fixture, 10);
	history_close(fixture.history);
	fixture.history = NULL;
	snprintf(path, sizeof(path), "%s/lock.mdb", fixture.directory);
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/shared", fixture.directory);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(stat(fixture.directory, &before), 0);
	assert_int_equal(history_open(fixture.directory, &options, &history, NULL), 0);
	assert_true(history_is_read_only(history));
	struct batch *batch;
	assert_int_equal(batch_begin(history, &batch, NULL), -EROFS);
	history_serve(history, START);
	history_close(history);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(stat(fixture.directory, &after), 0);
	assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	fixture_close(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(is_made_once, make_parent, remove_parent),
		cmocka_unit_test_setup_teardown(is_not_made_where_something_is, make_parent, remove_parent),
		cmocka_unit_test_setup_teardown(is_not_opened_where_none_is, make_parent, remove_parent),
		cmocka_unit_test_setup_teardown(another_format_is_refused, make_parent, remove_parent),
		cmocka_unit_test_setup_teardown(a_cut_file_is_refused, make_parent, remove_parent),
		cmocka_unit_test_setup_teardown(has_an_identifier_of_its_own, make_parent, remove_parent),
		cmocka_unit_test_setup_teardown(now_never_stands_before_what_was_shown, make_parent, remove_parent),
		cmocka_unit_test_setup_teardown(processes_hear_of_each_other, make_parent, remove_parent),
		cmocka_unit_test_setup_teardown(what_one_is_enough_for_is_taken_in_turns, make_parent, remove_parent),
		cmocka_unit_test_setup_teardown(a_reader_without_locks_touches_nothing, make_parent, remove_parent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
