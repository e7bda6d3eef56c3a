#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal.h"
#include "layout.h"
#include "node.h"
#include "pack.h"
#include "snapshot.h"
#include "tests/support/consistency.h"
#include "tests/support/scratch_store.h"
#include "writer.h"

#define THREADS 4u
#define ROUNDS 100u

struct refusals {
	_Atomic unsigned count;
	_Atomic int code;
	_Atomic unsigned item_bytes;
};

static char *directory;
static struct history *history;
static struct table table;
static struct writer *writer;
static struct fault fault;
static struct refusals refusals;

static void refused(void *context, const struct pending_change *change, const struct error *error)
{
	struct refusals *all = context;
	all->code = error->code;
	all->item_bytes = (unsigned)change->item.size;
	all->count++;
}

static void start_writer(void)
{
	assert_int_equal(writer_start(history, refused, &refusals, &writer, NULL), 0);
}

static int make_store(void **state)
{
	(void)state;
	directory = scratch_directory();
	history = scratch_open(directory);
	scratch_create_table(history, "orders", false, &table);
	memset(&refusals, 0, sizeof(refusals));
	memset(&fault, 0, sizeof(fault));
	store_set_fault_hook(history_store(history), fault_hook, &fault);
	start_writer();
	return 0;
}

static void assert_sound(void)
{
	struct error error = { 0 };
	if (consistency_check(history, &error))
		fail_msg("%s", error_text(&error));
}

static int remove_store(void **state)
{
	(void)state;
	if (writer)
		writer_stop(writer);
	writer = NULL;
	table_free(&table);
	history_close(history);
	scratch_remove(directory);
	return 0;
}

static void stop_writer(int wanted)
{
	int r = writer_stop(writer);
	writer = NULL;
	assert_int_equal(r, wanted);
}

static void submit(unsigned key, int version)
{
	assert_int_equal(scratch_submit(writer, &table, key, version, 50, NULL), 0);
}

static void a_change_is_there_when_it_was_waited_for(void **state)
{
	(void)state;
	uint64_t ticket;
	assert_int_equal(scratch_submit(writer, &table, 1, 7, 100, &ticket), 0);
	assert_int_equal(writer_wait(writer, ticket), 0);
	assert_int_equal(scratch_version(history, &table, 1), 7);
	assert_int_equal(scratch_changes(history, table.number), 1);
	assert_sound();
}

static void what_is_pending_is_told_until_it_is_committed(void **state)
{
	(void)state;
	struct buffer key = BUFFER_INIT;
	uint64_t first, second, told;
	scratch_key(&table, 1, &key);
	fault.only = 1u << STORE_OP_COMMIT;
	fault_arm(&fault, 1, -ENOSPC, true);
	assert_int_equal(scratch_submit(writer, &table, 1, 1, 10, &first), 0);
	assert_true(writer_pending(writer, table.number, buffer_slice(&key), &told));
	assert_int_equal(told, first);
	assert_false(writer_pending(writer, table.number + 1, buffer_slice(&key), &told));
	assert_int_equal(writer_wait(writer, first), -ENOSPC);
	fault_arm(&fault, 0, 0, false);
	assert_int_equal(writer_wait(writer, first), 0);
	assert_false(writer_pending(writer, table.number, buffer_slice(&key), &told));
	assert_int_equal(scratch_submit(writer, &table, 1, 2, 10, &second), 0);
	assert_int_equal(writer_drain(writer, table.number), 0);
	assert_false(writer_pending(writer, table.number, buffer_slice(&key), &told));
	assert_int_equal(scratch_version(history, &table, 1), 2);
	buffer_free(&key);
}

static void removals_are_changes_too(void **state)
{
	(void)state;
	submit(1, 1);
	submit(1, -1);
	submit(2, 1);
	submit(3, -1);
	assert_int_equal(writer_drain(writer, UINT32_MAX), 0);
	assert_int_equal(scratch_version(history, &table, 1), -1);
	assert_int_equal(scratch_version(history, &table, 2), 1);
	assert_int_equal(scratch_changes(history, table.number), 3);
	assert_sound();
}

/* Each thread has a key of its own, whose versions must come one after the other. */
static void *submit_rounds(void *argument)
{
	unsigned key = *(unsigned *)argument;
	uint64_t ticket = 0, last = 0;
	for (unsigned version = 0; version < ROUNDS; version++) {
		must(scratch_submit(writer, &table, key, (int)version, 100, &ticket));
		must_be(true, ticket > last);
		last = ticket;
		if (version % 16 == 0) {
			must(writer_wait(writer, ticket));
			must_be((int)version, scratch_version(history, &table, key));
		}
	}
	must(writer_drain(writer, table.number));
	return NULL;
}

static void assert_versions_in_order(unsigned key)
{
	struct store_txn *txn;
	struct node node;
	struct buffer item = BUFFER_INIT, wanted = BUFFER_INIT;
	struct snapshot view = snapshot_live(table.number);
	scratch_key(&table, key, &item);
	assert_int_equal(store_begin(history_store(history), false, &txn), 0);
	assert_int_equal(snapshot_find(txn, &view, buffer_slice(&item), &node), 0);
	for (unsigned version = ROUNDS; version-- > 0;) {
		assert_int_equal(snapshot_node(txn, &view, node.number, &node), 0);
		assert_int_equal(snapshot_content(txn, &view, node.number, &item), 0);
		scratch_item(&table, key, version, 100, &wanted);
		assert_true(slice_equal(buffer_slice(&item), buffer_slice(&wanted)));
		view.seq = node.version.seq - 1;
	}
	assert_int_equal(snapshot_node(txn, &view, node.number, &node), -ENOENT);
	store_abort(txn);
	buffer_free(&item);
	buffer_free(&wanted);
}

static void every_change_of_many_threads_is_made_once_and_in_order(void **state)
{
	(void)state;
	pthread_t threads[THREADS];
	unsigned keys[THREADS];
	for (unsigned i = 0; i < THREADS; i++) {
		keys[i] = i;
		assert_int_equal(pthread_create(&threads[i], NULL, submit_rounds, &keys[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(scratch_changes(history, table.number), THREADS * ROUNDS);
	for (unsigned i = 0; i < THREADS; i++)
		assert_versions_in_order(i);
	assert_int_equal(refusals.count, 0);
	assert_sound();
}

static void an_error_at_commit_keeps_what_was_accepted(void **state)
{
	(void)state;
	uint64_t ticket;
	fault.only = 1u << STORE_OP_COMMIT;
	fault_arm(&fault, 1, -ENOSPC, true);
	assert_int_equal(scratch_submit(writer, &table, 1, 1, 10, &ticket), 0);
	assert_int_equal(writer_wait(writer, ticket), -ENOSPC);
	assert_int_equal(writer_drain(writer, UINT32_MAX), -ENOSPC);
	assert_int_equal(scratch_submit(writer, &table, 2, 1, 10, NULL), -ENOSPC);
	assert_int_equal(scratch_version(history, &table, 1), -1);
	fault_arm(&fault, 0, 0, false);
	assert_int_equal(writer_drain(writer, UINT32_MAX), 0);
	assert_int_equal(scratch_version(history, &table, 1), 1);
	assert_int_equal(scratch_version(history, &table, 2), -1);
	submit(2, 1);
	stop_writer(0);
	assert_int_equal(scratch_version(history, &table, 2), 1);
	assert_int_equal(scratch_count_files(directory, "store/journal"), 0);
	assert_sound();
}

static void what_could_not_be_committed_is_left_to_the_next_opener(void **state)
{
	(void)state;
	fault.only = 1u << STORE_OP_COMMIT;
	fault_arm(&fault, 1, -EIO, true);
	submit(1, 1);
	stop_writer(-EIO);
	assert_int_equal(scratch_count_files(directory, "store/journal"), 1);
	history_close(history);
	history = scratch_open(directory);
	assert_int_equal(scratch_version(history, &table, 1), 1);
	assert_int_equal(scratch_changes(history, table.number), 1);
	assert_int_equal(scratch_count_files(directory, "store/journal"), 0);
}

/* The writer is kept from committing until the table is gone, and then fails once more, after it was refused. */
static void a_change_of_a_table_that_was_dropped_is_refused_once(void **state)
{
	(void)state;
	struct table other;
	uint64_t ticket;
	struct batch *batch;
	struct change_context context = { 0 };
	scratch_create_table(history, "customers", false, &other);
	assert_int_equal(batch_begin(history, &batch, NULL), 0);
	submit(1, 1);
	assert_int_equal(scratch_submit(writer, &other, 1, 5, 10, &ticket), 0);
	assert_int_equal(table_drop(batch, &table, &context, NULL), 0);
	fault.only = 1u << STORE_OP_COMMIT;
	fault_arm(&fault, 2, -ENOSPC, false);
	assert_int_equal(batch_commit(batch, NULL), 0);
	int r = writer_wait(writer, ticket);
	assert_true(r == 0 || r == -ENOSPC);
	assert_int_equal(writer_drain(writer, UINT32_MAX), 0);
	assert_int_equal(refusals.count, 1);
	assert_int_equal(refusals.code, -ENOENT);
	assert_true(refusals.item_bytes > 50);
	assert_int_equal(scratch_version(history, &other, 1), 5);
	assert_sound();
	table_free(&other);
}

/* Spoils the stored pack of an item's last version. */
static void damage(unsigned key)
{
	struct buffer bytes = BUFFER_INIT;
	struct store_txn *txn;
	struct node node;
	struct node_place place;
	scratch_key(&table, key, &bytes);
	assert_int_equal(store_begin(history_store(history), true, &txn), 0);
	assert_int_equal(node_find(txn, table.number, buffer_slice(&bytes), SEQ_MAX, &node, &place), 0);
	buffer_clear(&bytes);
	buffer_append_slice(&bytes, place.pack);
	bytes.data[bytes.size - 1] ^= 1;
	struct layout_key at = layout_version(table.number, node.number, node.version.seq);
	assert_int_equal(store_put(txn, STORE_VERSIONS, layout_slice(&at), buffer_slice(&bytes)), 0);
	assert_int_equal(store_commit(txn), 0);
	buffer_free(&bytes);
}

static void damage_under_one_change_does_not_hold_up_others(void **state)
{
	(void)state;
	for (unsigned key = 0; key < 5; key++)
		submit(key, 0);
	assert_int_equal(writer_drain(writer, UINT32_MAX), 0);
	damage(2);
	struct batch *batch;
	assert_int_equal(batch_begin(history, &batch, NULL), 0);
	for (unsigned key = 0; key < 5; key++)
		submit(key, 1);
	submit(2, -1);
	batch_abort(batch);
	assert_int_equal(writer_drain(writer, UINT32_MAX), 0);
	assert_int_equal(refusals.count, 2);
	assert_int_equal(refusals.code, -EIO);
	for (unsigned key = 0; key < 5; key++)
		if (key != 2)
			assert_int_equal(scratch_version(history, &table, key), 1);
	assert_int_equal(scratch_changes(history, table.number), 9);
}

static void a_read_that_fails_once_refuses_nothing(void **state)
{
	(void)state;
	fault.only = 1u << STORE_OP_SEEK;
	for (unsigned n = 1; n < 12; n++) {
		fault_arm(&fault, n, -EIO, false);
		submit(n, 1);
		submit(n + 100, 1);
		while (writer_drain(writer, UINT32_MAX))
			;
		fault_arm(&fault, 0, 0, false);
		assert_int_equal(scratch_version(history, &table, n), 1);
		assert_int_equal(scratch_version(history, &table, n + 100), 1);
	}
	assert_int_equal(refusals.count, 0);
	assert_sound();
}

/* Many bytes, and nothing that the others don't race for: slow under ThreadSanitizer. */
#ifndef __SANITIZE_THREAD__
static void drop_table(void)
{
	struct batch *batch;
	struct change_context context = { 0 };
	assert_int_equal(batch_begin(history, &batch, NULL), 0);
	assert_int_equal(table_drop(batch, &table, &context, NULL), 0);
	assert_int_equal(batch_commit(batch, NULL), 0);
}

static void a_queue_that_is_large_is_committed_in_groups(void **state)
{
	(void)state;
	struct batch *batch;
	assert_int_equal(batch_begin(history, &batch, NULL), 0);
	for (unsigned i = 0; i < 5000; i++)
		submit(i % 500, (int)i);
	batch_abort(batch);
	assert_int_equal(writer_drain(writer, UINT32_MAX), 0);
	assert_int_equal(scratch_changes(history, table.number), 5000);
	for (unsigned key = 0; key < 500; key += 99)
		assert_int_equal(scratch_version(history, &table, key), 4500 + key);
	assert_sound();
}

static void the_journal_is_emptied_in_the_long_run(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 120; i++)
		assert_int_equal(scratch_submit(writer, &table, i % 3, (int)i, 300000, NULL), 0);
	assert_int_equal(writer_drain(writer, UINT32_MAX), 0);
	stop_writer(0);
	assert_int_equal(scratch_changes(history, table.number), 120);
	drop_table();
}
#endif

/* --- durable, and not committed yet --- */

static uint64_t count_syncs(void)
{
	struct store_counts counts;
	store_counts(history_store(history), &counts);
	return counts.file_syncs;
}

static bool is_pending(unsigned key)
{
	struct buffer encoded = BUFFER_INIT;
	uint64_t ticket;
	scratch_key(&table, key, &encoded);
	bool is_there = writer_pending(writer, table.number, buffer_slice(&encoded), &ticket);
	buffer_free(&encoded);
	return is_there;
}

/* Nothing can be committed while a batch is open. The first sync brings the journal's name to the disk as well. */
static void a_change_is_durable_before_it_is_committed(void **state)
{
	(void)state;
	struct batch *batch;
	uint64_t ticket, syncs = count_syncs();
	assert_int_equal(batch_begin(history, &batch, NULL), 0);
	for (unsigned key = 0; key < 3; key++) {
		assert_int_equal(scratch_submit(writer, &table, key, 1, 10, &ticket), 0);
		assert_int_equal(writer_sync(writer, ticket), 0);
		assert_int_equal(count_syncs() - syncs, key + 2);
		assert_true(is_pending(key));
	}
	assert_int_equal(writer_sync(writer, ticket), 0);
	assert_int_equal(count_syncs() - syncs, 4);
	batch_abort(batch);
	assert_int_equal(writer_wait(writer, ticket), 0);
	assert_false(is_pending(2));
	assert_int_equal(writer_sync(writer, ticket), 0);
	assert_int_equal(count_syncs() - syncs, 4);
	assert_int_equal(scratch_changes(history, table.number), 3);
}

static _Atomic unsigned submitted, synced_calls;

/* The first sync lasts until everybody has submitted. */
static int hold_first_sync(void *context, enum store_op op)
{
	(void)context;
	if (op == STORE_OP_SYNC && synced_calls++ == 0)
		while (submitted < THREADS)
			usleep(1000);
	return 0;
}

static void *submit_and_sync(void *argument)
{
	unsigned key = *(unsigned *)argument;
	uint64_t ticket;
	must(scratch_submit(writer, &table, key, 1, 10, &ticket));
	submitted++;
	must(writer_sync(writer, ticket));
	return NULL;
}

static void one_sync_does_for_all_who_wait(void **state)
{
	(void)state;
	pthread_t threads[THREADS];
	unsigned keys[THREADS];
	submitted = synced_calls = 0;
	stop_writer(0);
	store_set_fault_hook(history_store(history), hold_first_sync, NULL);
	start_writer();
	synced_calls = 0;
	for (unsigned i = 0; i < THREADS; i++) {
		keys[i] = i;
		assert_int_equal(pthread_create(&threads[i], NULL, submit_and_sync, &keys[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	/* The first one's with that of the directory, and one for all others, unless they were committed meanwhile. */
	assert_in_range(synced_calls, 2, 3);
	assert_int_equal(writer_drain(writer, UINT32_MAX), 0);
	assert_int_equal(scratch_changes(history, table.number), THREADS);
}

static void a_journal_that_cannot_be_synced_is_not_relied_on(void **state)
{
	(void)state;
	struct batch *batch;
	uint64_t ticket;
	fault.only = 1u << STORE_OP_SYNC;
	fault_arm(&fault, 1, -EIO, false);
	assert_int_equal(batch_begin(history, &batch, NULL), 0);
	assert_int_equal(scratch_submit(writer, &table, 1, 1, 10, &ticket), 0);
	batch_abort(batch);
	assert_int_equal(writer_sync(writer, ticket), 0);
	assert_false(is_pending(1));
	/* Committed, emptied and written anew, it is as good as before. */
	assert_int_equal(batch_begin(history, &batch, NULL), 0);
	assert_int_equal(scratch_submit(writer, &table, 1, 2, 10, &ticket), 0);
	assert_int_equal(writer_sync(writer, ticket), 0);
	assert_true(is_pending(1));
	batch_abort(batch);
	assert_int_equal(writer_drain(writer, UINT32_MAX), 0);
	fault.only = 1u << STORE_OP_SYNC | 1u << STORE_OP_COMMIT;
	fault_arm(&fault, 1, -EIO, true);
	assert_int_equal(scratch_submit(writer, &table, 1, 3, 10, &ticket), 0);
	assert_int_equal(writer_sync(writer, ticket), -EIO);
	fault_arm(&fault, 0, 0, false);
	assert_int_equal(writer_drain(writer, UINT32_MAX), 0);
	assert_int_equal(scratch_version(history, &table, 1), 3);
	assert_int_equal(scratch_changes(history, table.number), 3);
}

int main(void)
{
#define with_store(test) cmocka_unit_test_setup_teardown(test, make_store, remove_store)
	const struct CMUnitTest tests[] = {
		with_store(a_change_is_there_when_it_was_waited_for),
		with_store(what_is_pending_is_told_until_it_is_committed),
		with_store(removals_are_changes_too),
		with_store(every_change_of_many_threads_is_made_once_and_in_order),
		with_store(an_error_at_commit_keeps_what_was_accepted),
		with_store(what_could_not_be_committed_is_left_to_the_next_opener),
		with_store(a_change_of_a_table_that_was_dropped_is_refused_once),
		with_store(damage_under_one_change_does_not_hold_up_others),
		with_store(a_read_that_fails_once_refuses_nothing),
		with_store(a_change_is_durable_before_it_is_committed),
		with_store(one_sync_does_for_all_who_wait),
		with_store(a_journal_that_cannot_be_synced_is_not_relied_on),
#ifndef __SANITIZE_THREAD__
		with_store(a_queue_that_is_large_is_committed_in_groups),
		with_store(the_journal_is_emptied_in_the_long_run),
#endif
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
