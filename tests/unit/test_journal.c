#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal.h"
#include "tests/support/consistency.h"
#include "tests/support/scratch_store.h"
#include "writer.h"

#define CHANGES 12u
#define COUNTER 1000u /* an item that is changed after each other one: to change it twice would show */
#define RECORDS (2 * CHANGES)
#define HEADER_SIZE 24u

static char *directory;

/* What a child that is about to be killed has got done. */
static struct {
	_Atomic unsigned accepted;
} * done;

static int make_store(void **state)
{
	(void)state;
	struct table table;
	directory = scratch_directory();
	struct history *history = scratch_open(directory);
	scratch_create_table(history, "orders", false, &table);
	table_free(&table);
	history_close(history);
	done = mmap(NULL, sizeof(*done), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return done == MAP_FAILED;
}

static int remove_store(void **state)
{
	(void)state;
	munmap(done, sizeof(*done));
	scratch_remove(directory);
	return 0;
}

/* --- children that die --- */

enum death { DIE_BEFORE_COMMIT, DIE_AT_COMMIT, DIE_AFTER_COMMIT, DIE_AT_OPERATION, EXIT_AT_COMMIT };

static struct {
	enum death death;
	unsigned at, seen;
	_Atomic bool is_armed, is_committing;
} plan;

static int die(void *context, enum store_op op)
{
	(void)context;
	if (!plan.is_armed)
		return 0;
	bool is_now = false;
	if (plan.death == DIE_AT_COMMIT || plan.death == EXIT_AT_COMMIT)
		is_now = op == STORE_OP_COMMIT && ++plan.seen == plan.at;
	else if (plan.death == DIE_AFTER_COMMIT)
		is_now = plan.is_committing;
	else if (plan.death == DIE_AT_OPERATION)
		is_now = ++plan.seen == plan.at;
	plan.is_committing = op == STORE_OP_COMMIT;
	if (is_now && plan.death == EXIT_AT_COMMIT)
		_exit(0);
	if (is_now)
		raise(SIGKILL);
	return 0;
}

static void refused(void *context, const struct pending_change *change, const struct error *error)
{
	(void)context;
	(void)change;
	(void)error;
}

/* Opens the store in the child and submits CHANGES items, each in one version, one after the other. */
static void submit_and_die(enum death death, unsigned at)
{
	struct history *history = scratch_open(directory);
	struct table table;
	struct writer *writer;
	struct batch *batch = NULL;
	scratch_find_table(history, "orders", &table);
	plan.death = death;
	plan.at = at;
	store_set_fault_hook(history_store(history), die, NULL);
	must(writer_start(history, refused, NULL, &writer, NULL));
	if (death == DIE_BEFORE_COMMIT)
		must(batch_begin(history, &batch, NULL));
	plan.is_armed = true;
	for (unsigned key = 0; key < CHANGES; key++) {
		must(scratch_submit(writer, &table, key, (int)key, 40, NULL));
		done->accepted = key + 1;
		must(scratch_submit(writer, &table, COUNTER, (int)key, 40, NULL));
	}
	if (death == DIE_BEFORE_COMMIT)
		raise(SIGKILL);
	writer_drain(writer, UINT32_MAX);
	writer_stop(writer);
	_exit(0);
}

static void run_child(enum death death, unsigned at)
{
	done->accepted = 0;
	pid_t child = fork();
	if (child == 0)
		submit_and_die(death, at);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
		    (WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

/* The changes there are must be the first ones, each made once. Returns how many. */
static unsigned count_first_changes(struct history *history)
{
	struct table table;
	struct error error = { 0 };
	unsigned count = 0;
	scratch_find_table(history, "orders", &table);
	while (count < CHANGES && scratch_version(history, &table, count) == (int)count)
		count++;
	int counter = scratch_version(history, &table, COUNTER);
	assert_true(counter + 1 == (int)count || counter + 2 == (int)count);
	count += (unsigned)(counter + 1);
	assert_int_equal(scratch_changes(history, table.number), count);
	if (consistency_check(history, &error))
		fail_msg("%s", error_text(&error));
	table_free(&table);
	return count;
}

static void assert_all_there(void)
{
	struct history *history = scratch_open(directory);
	unsigned count = count_first_changes(history);
	/* Some may have been written, but not accepted yet. */
	assert_true(count >= 2 * done->accepted - (done->accepted > 0) && count <= 2 * done->accepted + 1);
	assert_int_equal(scratch_count_files(directory, "store/journal"), 0);
	assert_int_equal(scratch_count_files(directory, "store/rejected"), 0);
	history_close(history);
	history = scratch_open(directory);
	assert_int_equal(count_first_changes(history), count);
	history_close(history);
}

static void killed_before_the_commit(void **state)
{
	(void)state;
	run_child(DIE_BEFORE_COMMIT, 0);
	assert_int_equal(done->accepted, CHANGES);
	assert_int_equal(scratch_count_files(directory, "store/journal"), 1);
	assert_all_there();
}

static void killed_at_the_commit(void **state)
{
	(void)state;
	run_child(DIE_AT_COMMIT, 1);
	assert_all_there();
}

static void ended_at_the_commit(void **state)
{
	(void)state;
	run_child(EXIT_AT_COMMIT, 1);
	assert_all_there();
}

static void killed_after_the_commit_with_the_journal_still_there(void **state)
{
	(void)state;
	run_child(DIE_AFTER_COMMIT, 0);
	assert_int_equal(scratch_count_files(directory, "store/journal"), 1);
	assert_all_there();
}

static void killed_at_any_operation(void **state)
{
	for (unsigned at = 1; at < 200; at += 7) {
		run_child(DIE_AT_OPERATION, at);
		assert_all_there();
		remove_store(state);
		make_store(state);
	}
}

/* Dies in the midst of the recovery of what another left behind. */
static void killed_while_recovering(void **state)
{
	(void)state;
	run_child(DIE_BEFORE_COMMIT, 0);
	char *journal = scratch_path(directory, "store/journal"), *aside = scratch_path(directory, "aside");
	must(rename(journal, aside));
	for (unsigned at = 1; at < 150; at += 11) {
		pid_t child = fork();
		if (child == 0) {
			struct history *history = scratch_open(directory);
			plan.death = DIE_AT_OPERATION;
			plan.at = at;
			plan.is_armed = true;
			store_set_fault_hook(history_store(history), die, NULL);
			rename(aside, journal);
			journal_recover(history, NULL);
			_exit(0);
		}
		assert_int_equal(waitpid(child, NULL, 0), child);
		if (scratch_count_files(directory, "store/journal") == 0)
			break;
		must(rename(journal, aside));
	}
	rename(aside, journal);
	assert_all_there();
	free(journal);
	free(aside);
}

/* --- journals that are not as they were left --- */

struct left {
	char *data, *data_aside, *journal;
	struct buffer bytes;
};

/* Where record `n` (from 0) begins. */
static size_t record_offset(const struct left *left, unsigned n)
{
	size_t offset = HEADER_SIZE;
	while (n--) {
		const uint8_t *head = left->bytes.data + offset;
		offset += 12 + (head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16);
	}
	return offset;
}

static char *find_journal(void)
{
	char *path = scratch_path(directory, "store/journal"), name[33] = "";
	DIR *dir = opendir(path);
	for (struct dirent *entry; (entry = readdir(dir));)
		if (strlen(entry->d_name) == 32)
			memcpy(name, entry->d_name, 32);
	closedir(dir);
	char *journal = scratch_path(path, name);
	free(path);
	return journal;
}

/* A store with a journal of RECORDS changes, of which none is committed. */
static void leave_journal(struct left *left)
{
	run_child(DIE_BEFORE_COMMIT, 0);
	*left = (struct left){ .data = scratch_path(directory, "store/data.mdb"),
		.data_aside = scratch_path(directory, "data"),
		.journal = find_journal() };
	scratch_read_file(left->journal, &left->bytes);
	left->bytes.size = record_offset(left, RECORDS); /* beyond, there are zeros */
	scratch_copy_file(left->data, left->data_aside);
}

static void forget_left(struct left *left)
{
	free(left->data);
	free(left->data_aside);
	free(left->journal);
	buffer_free(&left->bytes);
}

/* Brings the store back to that state, with this journal; returns how many changes are there after opening it. */
static unsigned recover_from(const struct left *left, struct slice journal)
{
	scratch_copy_file(left->data_aside, left->data);
	scratch_write_file(left->journal, journal);
	struct history *history = scratch_open(directory);
	unsigned count = count_first_changes(history);
	history_close(history);
	assert_int_equal(scratch_count_files(directory, "store/journal"), 0);
	return count;
}

static unsigned whole_records(const struct left *left, size_t size)
{
	unsigned n = 0;
	while (n < RECORDS && record_offset(left, n + 1) <= size)
		n++;
	return n;
}

static void a_cut_journal_is_worth_its_whole_records(void **state)
{
	(void)state;
	struct left left;
	leave_journal(&left);
	for (size_t size = left.bytes.size + 1; size-- > 0; size -= size % 7 && size > 30 ? 5 : 0)
		assert_int_equal(recover_from(&left, slice_of(left.bytes.data, size)), whole_records(&left, size));
	assert_int_equal(scratch_count_files(directory, "store/rejected"), 0);
	forget_left(&left);
}

static void zeros_at_the_end_are_no_record(void **state)
{
	(void)state;
	struct left left;
	leave_journal(&left);
	size_t keep = record_offset(&left, 5);
	memset(left.bytes.data + keep, 0, left.bytes.size - keep);
	assert_int_equal(recover_from(&left, buffer_slice(&left.bytes)), 5);
	forget_left(&left);
}

static void damage_ends_a_journal_and_the_rest_is_kept(void **state)
{
	(void)state;
	struct left left;
	leave_journal(&left);
	size_t last = record_offset(&left, RECORDS - 1);
	for (size_t at = HEADER_SIZE; at < last; at += 13) {
		unsigned before = scratch_count_files(directory, "store/rejected");
		left.bytes.data[at] ^= 0x10;
		assert_int_equal(recover_from(&left, buffer_slice(&left.bytes)), whole_records(&left, at));
		left.bytes.data[at] ^= 0x10;
		/* A size that was spoilt may look like a cut. */
		if (at - record_offset(&left, whole_records(&left, at)) >= 4)
			assert_int_equal(scratch_count_files(directory, "store/rejected"), before + 1);
	}
	forget_left(&left);
}

static void a_journal_with_a_damaged_head_is_kept_aside(void **state)
{
	(void)state;
	struct left left;
	leave_journal(&left);
	for (unsigned at = 0; at < HEADER_SIZE; at++) {
		left.bytes.data[at] ^= 1;
		assert_int_equal(recover_from(&left, buffer_slice(&left.bytes)), 0);
		assert_int_equal(scratch_count_files(directory, "store/rejected"), at + 1);
		left.bytes.data[at] ^= 1;
	}
	forget_left(&left);
}

/* --- power that fails --- */

#define LARGE 300000u /* bytes of an item, so that a few make the journal worth emptying */

static char *on_disk, *journal_path; /* what a file's last sync, or the last commit, found */

static int keep_at(void *context, enum store_op op)
{
	const enum store_op *wanted = context;
	if (plan.is_armed && op == *wanted)
		scratch_copy_file(journal_path, on_disk);
	return 0;
}

static struct writer *begin_keeping(struct history **ret_history, struct table *table, enum store_op *op)
{
	struct writer *writer;
	*ret_history = scratch_open(directory);
	scratch_find_table(*ret_history, "orders", table);
	store_set_fault_hook(history_store(*ret_history), keep_at, op);
	must(writer_start(*ret_history, refused, NULL, &writer, NULL));
	journal_path = find_journal();
	plan.is_armed = true;
	return writer;
}

/* Half of the changes are synced, none is committed. */
static void sync_and_die(void)
{
	enum store_op op = STORE_OP_SYNC;
	struct history *history;
	struct table table;
	struct batch *batch;
	uint64_t ticket;
	struct writer *writer = begin_keeping(&history, &table, &op);
	must(batch_begin(history, &batch, NULL));
	for (unsigned key = 0; key < CHANGES; key++) {
		must(scratch_submit(writer, &table, key, (int)key, 40, NULL));
		must(scratch_submit(writer, &table, COUNTER, (int)key, 40, &ticket));
		if (key < CHANGES / 2)
			must(writer_sync(writer, ticket));
	}
	raise(SIGKILL);
}

static void run_to_death(void (*live)(void))
{
	on_disk = scratch_path(directory, "on-disk");
	pid_t child = fork();
	if (child == 0)
		live();
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void forget_rejected(void)
{
	char *path = scratch_path(directory, "store/rejected");
	char *again = scratch_path(directory, "store/rejected");
	scratch_remove(path);
	must(mkdir(again, 0700));
	free(again);
}

/* Of what was written after the last sync any part may have got to the disk. */
static void what_was_synced_outlives_power(void **state)
{
	(void)state;
	run_to_death(sync_and_die);
	char *path = find_journal();
	struct left left = { .data = scratch_path(directory, "store/data.mdb"),
		.data_aside = scratch_path(directory, "data"),
		.journal = path };
	struct buffer synced = BUFFER_INIT;
	scratch_read_file(path, &left.bytes);
	scratch_read_file(on_disk, &synced);
	scratch_copy_file(left.data, left.data_aside);
	assert_int_equal(left.bytes.size, synced.size);
	assert_int_equal(recover_from(&left, buffer_slice(&synced)), CHANGES);
	size_t from = record_offset(&left, CHANGES), to = record_offset(&left, RECORDS);
	for (size_t at = from; at < to; at += 97) {
		/* Up to there it did, */
		memcpy(synced.data + from, left.bytes.data + from, at - from);
		memset(synced.data + at, 0, to - at);
		assert_int_equal(recover_from(&left, buffer_slice(&synced)), whole_records(&left, at));
		assert_int_equal(scratch_count_files(directory, "store/rejected"), 0);
		/* or but from there on. */
		memset(synced.data + from, 0, at - from);
		memcpy(synced.data + at, left.bytes.data + at, to - at);
		assert_int_equal(recover_from(&left, buffer_slice(&synced)), at > from ? CHANGES : RECORDS);
		forget_rejected();
	}
	buffer_free(&synced);
	forget_left(&left);
	free(on_disk);
}

/* Once the journal is worth emptying it is, after a commit; then come a few changes more. */
static void empty_and_die(void)
{
	enum store_op op = STORE_OP_COMMIT;
	struct history *history;
	struct table table;
	struct batch *batch;
	struct writer *writer = begin_keeping(&history, &table, &op);
	for (unsigned key = 0; key < 5; key++) {
		must(scratch_submit(writer, &table, key, (int)key, LARGE, NULL));
		must(scratch_submit(writer, &table, COUNTER, (int)key, 40, NULL));
	}
	writer_drain(writer, UINT32_MAX);
	plan.is_armed = false;
	must(batch_begin(history, &batch, NULL));
	for (unsigned key = 5; key < 8; key++) {
		must(scratch_submit(writer, &table, key, (int)key, 40, NULL));
		must(scratch_submit(writer, &table, COUNTER, (int)key, 40, NULL));
	}
	raise(SIGKILL);
}

/* That it was emptied need not have got to the disk in every place. */
static void what_stood_in_an_emptied_journal_is_not_made_again(void **state)
{
	(void)state;
	run_to_death(empty_and_die);
	char *path = find_journal();
	struct buffer now = BUFFER_INIT, before = BUFFER_INIT;
	scratch_read_file(path, &now);
	scratch_read_file(on_disk, &before);
	assert_true(before.size > 5 * LARGE && now.size >= 4096);
	memcpy(before.data, now.data, 4096);
	scratch_write_file(path, buffer_slice(&before));
	struct history *history = scratch_open(directory);
	assert_int_equal(count_first_changes(history), 16);
	history_close(history);
	assert_int_equal(scratch_count_files(directory, "store/rejected"), 0);
	buffer_free(&now);
	buffer_free(&before);
	free(path);
	free(on_disk);
}

/* An emptied journal with `count` records of before behind those of now, as they stand there when only that place was not brought to the disk. */
static char *put_behind(struct buffer *ret_journal, unsigned count)
{
	struct left now = { .journal = find_journal() }, before = { 0 };
	scratch_read_file(now.journal, &now.bytes);
	scratch_read_file(on_disk, &before.bytes);
	size_t end = record_offset(&now, 6), from = record_offset(&before, 1), to = record_offset(&before, 2);
	buffer_append(ret_journal, now.bytes.data, end);
	for (unsigned i = 0; i < count; i++) {
		buffer_append(ret_journal, before.bytes.data + from, to - from);
		buffer_append(ret_journal, "?", 1);
		from = record_offset(&before, 3);
		to = record_offset(&before, 4);
	}
	buffer_free(&now.bytes);
	buffer_free(&before.bytes);
	return now.journal;
}

static void open_and_die_at_commit(unsigned at)
{
	pid_t child = fork();
	if (child == 0) {
		char *path = scratch_path(directory, "store/journal"), *aside = scratch_path(directory, "aside");
		must(rename(path, aside));
		struct history *history = scratch_open(directory);
		must(rename(aside, path));
		plan.death = DIE_AT_COMMIT;
		plan.at = at;
		plan.is_armed = true;
		store_set_fault_hook(history_store(history), die, NULL);
		journal_recover(history, NULL);
		_exit(1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Dying before the position is forgotten, with a file that comes back: what was made must still be known to be. */
static void what_stood_there_does_not_hide_what_was_made(void **state)
{
	(void)state;
	struct buffer journal = BUFFER_INIT;
	run_to_death(empty_and_die);
	char *path = put_behind(&journal, 1);
	scratch_write_file(path, buffer_slice(&journal));
	open_and_die_at_commit(2);
	scratch_write_file(path, buffer_slice(&journal));
	struct history *history = scratch_open(directory);
	assert_int_equal(count_first_changes(history), 16);
	history_close(history);
	buffer_free(&journal);
	free(path);
	free(on_disk);
}

static void what_stood_there_is_no_damage(void **state)
{
	(void)state;
	struct buffer journal = BUFFER_INIT;
	run_to_death(empty_and_die);
	char *path = put_behind(&journal, 2);
	scratch_write_file(path, buffer_slice(&journal));
	struct history *history = scratch_open(directory);
	assert_int_equal(count_first_changes(history), 16);
	history_close(history);
	assert_int_equal(scratch_count_files(directory, "store/rejected"), 0);
	buffer_free(&journal);
	free(path);
	free(on_disk);
}

/* --- journals of the living --- */

static void a_living_owners_journal_is_left_alone(void **state)
{
	(void)state;
	struct history *history = scratch_open(directory);
	struct table table;
	struct writer *writer;
	struct fault fault = { .only = 1u << STORE_OP_COMMIT };
	scratch_find_table(history, "orders", &table);
	store_set_fault_hook(history_store(history), fault_hook, &fault);
	fault_arm(&fault, 1, -ENOSPC, true);
	must(writer_start(history, refused, NULL, &writer, NULL));
	must(scratch_submit(writer, &table, 0, 0, 40, NULL));
	assert_int_equal(journal_recover(history, NULL), 0);
	pid_t child = fork();
	if (child == 0) {
		struct history_options options = { .is_volatile = true, .map_size_bytes = SCRATCH_MAP_BYTES };
		struct history *other;
		char *path = scratch_path(directory, "store");
		must(history_open(path, &options, &other, NULL));
		_exit(scratch_version(other, &table, 0) == -1 ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(scratch_count_files(directory, "store/journal"), 1);
	fault_arm(&fault, 0, 0, false);
	assert_int_equal(writer_drain(writer, UINT32_MAX), 0);
	assert_int_equal(writer_stop(writer), 0);
	assert_int_equal(scratch_changes(history, table.number), 1);
	table_free(&table);
	history_close(history);
}

static void *recover_again_and_again(void *argument)
{
	struct history *history = argument;
	while (!done->accepted)
		must_be(true, journal_recover(history, NULL) >= 0);
	return NULL;
}

static void a_new_journal_is_not_taken_for_a_dead_ones(void **state)
{
	(void)state;
	struct history *history = scratch_open(directory);
	struct journal *journal;
	pthread_t thread;
	done->accepted = 0;
	assert_int_equal(pthread_create(&thread, NULL, recover_again_and_again, history), 0);
	for (unsigned i = 0; i < 500; i++) {
		must(journal_new(history, &journal, NULL));
		assert_int_equal(scratch_count_files(directory, "store/journal"), 1);
		must(journal_remove(journal));
		journal_free(journal);
	}
	done->accepted = 1;
	pthread_join(thread, NULL);
	history_close(history);
}

/* --- what cannot be applied or written --- */

static void drop_and_die(void)
{
	struct history *history = scratch_open(directory);
	struct table table, other;
	struct writer *writer;
	struct batch *batch;
	struct change_context context = { 0 };
	scratch_create_table(history, "customers", false, &other);
	scratch_find_table(history, "orders", &table);
	must(writer_start(history, refused, NULL, &writer, NULL));
	must(batch_begin(history, &batch, NULL));
	must(scratch_submit(writer, &table, 1, 1, 40, NULL));
	must(scratch_submit(writer, &table, 1, -1, 40, NULL));
	must(scratch_submit(writer, &other, 1, 1, 40, NULL));
	must(table_drop(batch, &table, &context, NULL));
	plan.death = DIE_AT_COMMIT;
	plan.at = 2;
	plan.is_armed = true;
	store_set_fault_hook(history_store(history), die, NULL);
	must(batch_commit(batch, NULL));
	writer_drain(writer, UINT32_MAX);
	_exit(1);
}

static void what_can_no_longer_be_applied_is_kept_and_told(void **state)
{
	(void)state;
	pid_t child = fork();
	if (child == 0)
		drop_and_die();
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	struct history *history = scratch_open(directory);
	struct table other;
	struct buffer lines = BUFFER_INIT;
	char *log = scratch_path(directory, "store/errors.jsonl");
	scratch_find_table(history, "customers", &other);
	assert_int_equal(scratch_version(history, &other, 1), 1);
	assert_int_equal(scratch_count_files(directory, "store/rejected"), 1);
	scratch_read_file(log, &lines);
	assert_non_null(strstr(buffer_text(&lines), "\"error\":\"ENOENT\""));
	assert_non_null(strstr(buffer_text(&lines), "deleted"));
	buffer_free(&lines);
	free(log);
	table_free(&other);
	history_close(history);
}

static void too_large_a_record_is_refused(void **state)
{
	(void)state;
	struct history *history = scratch_open(directory);
	struct journal *journal;
	struct buffer bytes = BUFFER_INIT;
	must(buffer_reserve(&bytes, 3u << 20));
	memset(bytes.data, 'x', 3u << 20);
	struct pending_change change = { .table = 1, .encoded_key = slice_of_text("Sx") };
	change.item = slice_of(bytes.data, 3u << 20);
	must(journal_new(history, &journal, NULL));
	assert_int_equal(journal_append(journal, &change, 1), -EFBIG);
	assert_int_equal(journal_size_bytes(journal), HEADER_SIZE);
	must(journal_remove(journal));
	journal_free(journal);
	buffer_free(&bytes);
	history_close(history);
}

/* A journal that can grow to 2,000 bytes stands for a full disk. */
static void submit_until_full(void)
{
	struct history *history = scratch_open(directory);
	struct table table;
	struct writer *writer;
	struct batch *batch;
	scratch_find_table(history, "orders", &table);
	must(writer_start(history, refused, NULL, &writer, NULL));
	must(batch_begin(history, &batch, NULL));
	struct rlimit limit = { 2000, 2000 };
	signal(SIGXFSZ, SIG_IGN);
	must(setrlimit(RLIMIT_FSIZE, &limit));
	int r = 0;
	for (unsigned key = 0; key < CHANGES && !r; key++) {
		r = scratch_submit(writer, &table, key, (int)key, 400, NULL);
		done->accepted += r == 0;
	}
	must_be(-EFBIG, r);
	must_be(-EFBIG, scratch_submit(writer, &table, CHANGES, 1, 400, NULL));
	raise(SIGKILL);
}

static void what_a_full_disk_did_not_take_was_not_accepted(void **state)
{
	(void)state;
	done->accepted = 0;
	pid_t child = fork();
	if (child == 0)
		submit_until_full();
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	struct history *history = scratch_open(directory);
	struct table table;
	scratch_find_table(history, "orders", &table);
	assert_true(done->accepted >= 2);
	assert_int_equal(scratch_changes(history, table.number), done->accepted);
	for (unsigned key = 0; key < done->accepted; key++)
		assert_int_equal(scratch_version(history, &table, key), key);
	table_free(&table);
	history_close(history);
}

int main(void)
{
#define with_store(test) cmocka_unit_test_setup_teardown(test, make_store, remove_store)
	const struct CMUnitTest tests[] = {
		with_store(killed_before_the_commit),
		with_store(killed_at_the_commit),
		with_store(ended_at_the_commit),
		with_store(killed_after_the_commit_with_the_journal_still_there),
		with_store(killed_at_any_operation),
		with_store(killed_while_recovering),
		with_store(a_cut_journal_is_worth_its_whole_records),
		with_store(zeros_at_the_end_are_no_record),
		with_store(damage_ends_a_journal_and_the_rest_is_kept),
		with_store(a_journal_with_a_damaged_head_is_kept_aside),
		with_store(what_was_synced_outlives_power),
		with_store(what_stood_in_an_emptied_journal_is_not_made_again),
		with_store(what_stood_there_does_not_hide_what_was_made),
		with_store(what_stood_there_is_no_damage),
		with_store(a_living_owners_journal_is_left_alone),
		with_store(a_new_journal_is_not_taken_for_a_dead_ones),
		with_store(what_can_no_longer_be_applied_is_kept_and_told),
		with_store(too_large_a_record_is_refused),
		with_store(what_a_full_disk_did_not_take_was_not_accepted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
