#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/scratch_store.h"
#include "watch.h"

#define EVENTS_MAX 4096u
#define THREADS 3u
#define ROUNDS 50u

struct told {
	uint32_t table;
	enum change_op op;
	uint64_t seq;
	bool is_past;
	char key[32];
};

static char *directory;
static struct history *history;
static struct table table;
static struct fault fault;

static struct {
	pthread_mutex_t lock;
	struct told events[EVENTS_MAX];
	unsigned count, lost, settled;
	_Atomic bool is_held; /* keeps the watcher from going on */
} heard = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void changed(void *context, struct store_txn *txn, const struct watch_event *event)
{
	(void)context;
	(void)txn;
	pthread_mutex_lock(&heard.lock);
	struct told *told = &heard.events[heard.count++ % EVENTS_MAX];
	*told = (struct told){ event->table, event->op, event->seq, event->is_past, "" };
	size_t size = event->node.encoded_key.size < 31 ? event->node.encoded_key.size : 31;
	memcpy(told->key, event->node.encoded_key.data, size);
	pthread_mutex_unlock(&heard.lock);
}

static void lost(void *context)
{
	(void)context;
	pthread_mutex_lock(&heard.lock);
	heard.lost++;
	pthread_mutex_unlock(&heard.lock);
}

static void settled(void *context, uint64_t told)
{
	(void)context, (void)told;
	while (heard.is_held)
		usleep(1000);
	pthread_mutex_lock(&heard.lock);
	heard.settled++;
	pthread_mutex_unlock(&heard.lock);
}

static unsigned read_counter(const unsigned *counter)
{
	pthread_mutex_lock(&heard.lock);
	unsigned value = *counter;
	pthread_mutex_unlock(&heard.lock);
	return value;
}

/* Waits until the counter is at least `wanted`, for ten seconds at most. */
static void await(const unsigned *counter, unsigned wanted)
{
	for (unsigned i = 0; i < 10000 && read_counter(counter) < wanted; i++)
		usleep(1000);
	assert_true(read_counter(counter) >= wanted);
}

static int make_store(void **state)
{
	(void)state;
	directory = scratch_directory();
	history = scratch_open(directory);
	scratch_create_table(history, "orders", false, &table);
	memset(&fault, 0, sizeof(fault));
	store_set_fault_hook(history_store(history), fault_hook, &fault);
	heard.count = heard.lost = heard.settled = 0;
	heard.is_held = false;
	return 0;
}

static int remove_store(void **state)
{
	(void)state;
	table_free(&table);
	history_close(history);
	scratch_remove(directory);
	return 0;
}

static struct watch *start(void)
{
	struct watch_callbacks callbacks = { changed, lost, settled, NULL };
	struct watch *watch;
	assert_int_equal(watch_start(history, &callbacks, &watch), 0);
	return watch;
}

/* Puts versions of items from `first` on, in one commit. */
static void put(struct history *where, unsigned first, unsigned count, unsigned version, int64_t time_us)
{
	struct batch *batch;
	struct buffer item = BUFFER_INIT;
	struct change_context context = { .time_us = time_us };
	struct change_result result;
	must(batch_begin(where, &batch, NULL));
	for (unsigned key = first; key < first + count; key++) {
		scratch_item(&table, key, version, 20, &item);
		must(batch_put(batch, &table, buffer_slice(&item), &context, &result, NULL));
	}
	must(batch_commit(batch, NULL));
	buffer_free(&item);
}

static void drop(unsigned key)
{
	struct batch *batch;
	struct buffer encoded = BUFFER_INIT;
	struct change_context context = { 0 };
	struct change_result result;
	scratch_key(&table, key, &encoded);
	must(batch_begin(history, &batch, NULL));
	must(batch_remove(batch, &table, buffer_slice(&encoded), &context, &result, NULL));
	must(batch_commit(batch, NULL));
	buffer_free(&encoded);
}

static void changes_are_told_in_order_with_what_they_did(void **state)
{
	(void)state;
	put(history, 0, 1, 0, 0);
	struct watch *watch = start();
	put(history, 0, 3, 1, 0);
	drop(1);
	await(&heard.count, 4);
	watch_stop(watch);
	assert_int_equal(heard.count, 4);
	assert_int_equal(heard.lost, 0);
	static const enum change_op ops[] = { CHANGE_MODIFY, CHANGE_INSERT, CHANGE_INSERT, CHANGE_REMOVE };
	static const char *const keys[] = { "Sitem 0", "Sitem 1", "Sitem 2", "Sitem 1" };
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(heard.events[i].table, table.number);
		assert_int_equal(heard.events[i].seq, i + 2);
		assert_int_equal(heard.events[i].op, ops[i]);
		assert_string_equal(heard.events[i].key, keys[i]);
		assert_false(heard.events[i].is_past);
	}
}

static void commits_of_another_opener_are_told_soon(void **state)
{
	(void)state;
	struct watch *watch = start();
	char *path = scratch_path(directory, "store");
	pid_t child = fork();
	if (child == 0) {
		struct history_options options = { .is_volatile = true, .map_size_bytes = SCRATCH_MAP_BYTES };
		struct history *other;
		must(history_open(path, &options, &other, NULL));
		put(other, 7, 1, 1, 0);
		_exit(0);
	}
	free(path);
	await(&heard.count, 1);
	watch_stop(watch);
	assert_string_equal(heard.events[0].key, "Sitem 7");
}

static void settled_is_told_when_nothing_happens(void **state)
{
	(void)state;
	struct watch *watch = start();
	await(&heard.settled, 5);
	watch_stop(watch);
	assert_int_equal(heard.count, 0);
	assert_int_equal(heard.lost, 0);
}

static void *put_rounds(void *argument)
{
	unsigned key = *(unsigned *)argument;
	for (unsigned version = 0; version < ROUNDS; version++)
		put(history, key, 2, version, 0);
	return NULL;
}

static void changes_of_many_threads_are_all_told_in_order(void **state)
{
	(void)state;
	pthread_t threads[THREADS];
	unsigned keys[THREADS];
	struct watch *watch = start();
	for (unsigned i = 0; i < THREADS; i++) {
		keys[i] = 2 * i;
		assert_int_equal(pthread_create(&threads[i], NULL, put_rounds, &keys[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	await(&heard.count, THREADS * ROUNDS * 2);
	watch_stop(watch);
	assert_int_equal(heard.count, THREADS * ROUNDS * 2);
	assert_int_equal(heard.lost, 0);
	for (unsigned i = 0; i < heard.count; i++)
		assert_int_equal(heard.events[i].seq, i + 1);
}

/* Commits without a change for the watcher's table would do, but these are quick enough. */
static void commit_often(unsigned commits)
{
	for (unsigned i = 0; i < commits; i++)
		put(history, i % 7, 1, i, 0);
}

static void hold(void)
{
	unsigned before = read_counter(&heard.settled);
	await(&heard.settled, before + 1);
	heard.is_held = true;
	usleep(100000);
}

static void a_watcher_that_fell_behind_hears_that_it_lost_some(void **state)
{
	(void)state;
	struct watch *watch = start();
	hold();
	commit_often(WATCH_COMMITS + 1);
	heard.is_held = false;
	await(&heard.lost, 1);
	put(history, 100, 1, 0, 0);
	await(&heard.count, 1);
	watch_stop(watch);
	assert_int_equal(heard.lost, 1);
	assert_int_equal(heard.count, 1);
	assert_string_equal(heard.events[0].key, "Sitem 100");
}

static void a_watcher_as_far_behind_as_is_kept_hears_all(void **state)
{
	(void)state;
	struct watch *watch = start();
	hold();
	commit_often(WATCH_COMMITS);
	heard.is_held = false;
	await(&heard.count, WATCH_COMMITS);
	watch_stop(watch);
	assert_int_equal(heard.lost, 0);
	assert_int_equal(heard.count, WATCH_COMMITS);
}

static void changes_below_earlier_commits_are_told_as_past(void **state)
{
	(void)state;
	struct table other;
	scratch_create_table(history, "customers", false, &other);
	struct store_txn *txn;
	int64_t last;
	must(store_begin(history_store(history), false, &txn));
	must(history_last_commit(txn, &last));
	store_abort(txn);
	struct watch *watch = start();
	put(history, 1, 1, 0, last - 1000);
	put(history, 2, 1, 0, last);
	put(history, 3, 1, 0, 0);
	await(&heard.count, 3);
	watch_stop(watch);
	assert_true(heard.events[0].is_past);
	assert_true(heard.events[1].is_past);
	assert_false(heard.events[2].is_past);
	table_free(&other);
}

static void turn_recovery_off(void)
{
	struct batch *batch;
	must(batch_begin(history, &batch, NULL));
	must(scratch_update_table(
		batch, &table, "{\"PointInTimeRecoverySpecification\":{\"PointInTimeRecoveryEnabled\":false}}"));
	must(batch_commit(batch, NULL));
}

/* Such a table has forgotten them when the watcher comes by. */
static void changes_of_a_table_without_history_are_told(void **state)
{
	(void)state;
	turn_recovery_off();
	put(history, 0, 300, 1, 0);
	struct watch *watch = start();
	hold();
	put(history, 100, 200, 2, 0);
	put(history, 300, 1, 1, 0);
	drop(7);
	heard.is_held = false;
	await(&heard.count, 202);
	watch_stop(watch);
	assert_int_equal(heard.count, 202);
	assert_int_equal(heard.lost, 0);
	assert_string_equal(heard.events[0].key, "Sitem 100");
	assert_int_equal(heard.events[199].op, CHANGE_MODIFY);
	assert_int_equal(heard.events[200].op, CHANGE_INSERT);
	assert_int_equal(heard.events[201].op, CHANGE_REMOVE);
	assert_string_equal(heard.events[201].key, "Sitem 7");
	assert_int_equal(heard.events[201].seq, 502);
}

static void more_of_them_than_are_kept_are_told_to_be_lost(void **state)
{
	(void)state;
	turn_recovery_off();
	put(history, 0, 2000, 1, 0);
	struct watch *watch = start();
	put(history, 0, 2000, 2, 0);
	await(&heard.lost, 1);
	watch_stop(watch);
	assert_int_equal(heard.lost, 1);
}

static void a_store_that_cannot_be_read_for_a_while_is_looked_at_again(void **state)
{
	(void)state;
	struct watch *watch = start();
	hold();
	put(history, 1, 1, 0, 0);
	fault.only = 1u << STORE_OP_BEGIN;
	fault_arm(&fault, 1, -EIO, true);
	heard.is_held = false;
	await(&heard.settled, read_counter(&heard.settled) + 4);
	assert_int_equal(read_counter(&heard.count), 0);
	fault_arm(&fault, 0, 0, false);
	await(&heard.count, 1);
	watch_stop(watch);
	assert_int_equal(heard.lost, 0);
}

#define LOCK_WORDS 32u

static void read_lock_file(int file, uint64_t words[LOCK_WORDS])
{
	assert_int_equal(pread(file, words, LOCK_WORDS * sizeof(words[0]), 0), LOCK_WORDS * sizeof(words[0]));
}

static void write_shown(int file, unsigned place, uint64_t number)
{
	assert_int_equal(pwrite(file, &number, sizeof(number), (off_t)(place * sizeof(number))), sizeof(number));
}

/* Where LMDB's lock file has the number of the commit that transactions begin with. It is written when the commit is on the disk; the data file tells
 * the commit's own number as long before as the disk takes. */
static unsigned find_shown(const uint64_t before[LOCK_WORDS], const uint64_t after[LOCK_WORDS], uint64_t number)
{
	unsigned place = 0;
	while (place < LOCK_WORDS && !(before[place] == number - 1 && after[place] == number))
		place++;
	assert_true(place < LOCK_WORDS);
	return place;
}

static void a_commit_that_cannot_be_seen_yet_is_told_later(void **state)
{
	(void)state;
	uint64_t before[LOCK_WORDS], after[LOCK_WORDS];
	char *path = scratch_path(directory, "store/lock.mdb");
	int file = open(path, O_RDWR);
	assert_true(file >= 0);
	read_lock_file(file, before);
	put(history, 1, 1, 1, 0);
	read_lock_file(file, after);
	uint64_t number = store_commit_number(history_store(history));
	unsigned place = find_shown(before, after, number);
	write_shown(file, place, number - 1);
	struct watch *watch = start();
	await(&heard.settled, 2);
	assert_int_equal(read_counter(&heard.count), 0);
	write_shown(file, place, number);
	await(&heard.count, 1);
	watch_stop(watch);
	close(file);
	free(path);
}

int main(void)
{
#define with_store(test) cmocka_unit_test_setup_teardown(test, make_store, remove_store)
	const struct CMUnitTest tests[] = {
		with_store(changes_are_told_in_order_with_what_they_did),
		with_store(commits_of_another_opener_are_told_soon),
		with_store(settled_is_told_when_nothing_happens),
		with_store(changes_of_many_threads_are_all_told_in_order),
		with_store(a_watcher_that_fell_behind_hears_that_it_lost_some),
		with_store(a_watcher_as_far_behind_as_is_kept_hears_all),
		with_store(changes_below_earlier_commits_are_told_as_past),
		with_store(changes_of_a_table_without_history_are_told),
		with_store(more_of_them_than_are_kept_are_told_to_be_lost),
		with_store(a_store_that_cannot_be_read_for_a_while_is_looked_at_again),
		with_store(a_commit_that_cannot_be_seen_yet_is_told_later),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
