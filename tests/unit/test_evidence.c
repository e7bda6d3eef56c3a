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
#include <unistd.h>

#include "evidence.h"
#include "tests/support/fixture.h"

#define NOON_US INT64_C(1740830400000000) /* 2025-03-01T12:00:00Z */
#define ITEMS 300

static int set_up(void **state)
{
	return fixture_begin_test(state, NOON_US);
}

static void put_some(struct fixture *fixture, const struct table *table, bool is_backwards)
{
	struct batch *batch = fixture_begin(fixture);
	char text[400], common[201];
	memset(common, 'k', sizeof(common) - 1);
	common[sizeof(common) - 1] = '\0';
	for (int i = 0; i < ITEMS; i++) {
		int id = is_backwards ? ITEMS - 1 - i : i;
		snprintf(text, sizeof(text), "{'id':'%s%d','n':%d}", id % 2 ? common : "", id, id);
		fixture_put_in(batch, table, text, 0);
	}
	fixture_commit(batch);
}

static void read_file(const char *directory, const char *name, struct buffer *out)
{
	char path[300], bytes[4096];
	ssize_t count;
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	buffer_clear(out);
	while ((count = read(fd, bytes, sizeof(bytes))) > 0)
		buffer_append(out, bytes, (size_t)count);
	close(fd);
}

static int export(struct fixture *fixture, const struct table *table, uint64_t to, const char *directory,
	int (*progress)(void *context, uint64_t done, uint64_t total), struct evidence_counts *ret_counts)
{
	struct error error = { 0 };
	struct store_txn *txn = fixture_read(fixture);
	int r = evidence_export(fixture->history, txn, table, 0, to, directory, progress, NULL, ret_counts, &error);
	store_abort(txn);
	assert_true(!r == !error.code);
	return r;
}

/* Items are in order of their keys, also of long ones that begin alike. */
static void test_equal_states_are_equal_files(void **state)
{
	struct fixture *fixture = *state;
	struct table tables[2];
	struct buffer files[2] = { BUFFER_INIT, BUFFER_INIT };
	for (int i = 0; i < 2; i++) {
		char directory[280];
		struct evidence_counts counts;
		fixture_create(fixture, i ? "others" : "orders", NULL, &tables[i]);
		put_some(fixture, &tables[i], i == 1);
		snprintf(directory, sizeof(directory), "%s/evidence-%d", fixture->directory, i);
		assert_int_equal(export(fixture, &tables[i], ITEMS, directory, NULL, &counts), 0);
		assert_int_equal(counts.changes, ITEMS);
		assert_int_equal(counts.before_items, 0);
		assert_int_equal(counts.after_items, ITEMS);
		read_file(directory, "after.jsonl", &files[i]);
	}
	assert_true(files[0].size > ITEMS * 100);
	assert_true(slice_equal(buffer_slice(&files[0]), buffer_slice(&files[1])));
	assert_true(
		slice_starts_with(buffer_slice(&files[0]), "{\"Item\":{\"id\":{\"S\":\"0\"},\"n\":{\"N\":\"0\"}}}\n"));
	for (int i = 0; i < 2; i++) {
		buffer_free(&files[i]);
		table_free(&tables[i]);
	}
}

static int break_off(void *context, uint64_t done, uint64_t total)
{
	(void)context;
	assert_true(done <= total);
	return done < ITEMS ? 0 : -EINTR;
}

static unsigned calls_left;

static int fail_late(void *context, enum store_op op)
{
	(void)context, (void)op;
	return calls_left > 0 && --calls_left == 0 ? -EIO : 0;
}

static void test_what_fails_leaves_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct table table;
	struct evidence_counts counts;
	struct stat status;
	char directory[280];
	fixture_create(fixture, "orders", NULL, &table);
	put_some(fixture, &table, false);
	snprintf(directory, sizeof(directory), "%s/evidence", fixture->directory);
	assert_int_equal(export(fixture, &table, ITEMS, directory, break_off, &counts), -EINTR);
	assert_int_equal(stat(directory, &status), -1);
	int r = -EIO;
	for (unsigned calls = 40; r; calls += 397) {
		calls_left = calls;
		store_set_fault_hook(history_store(fixture->history), fail_late, NULL);
		r = export(fixture, &table, ITEMS, directory, NULL, &counts);
		store_set_fault_hook(history_store(fixture->history), NULL, NULL);
		assert_true(r == 0 || r == -EIO);
		assert_int_equal(stat(directory, &status), r ? -1 : 0);
	}
	table_free(&table);
}

static void test_only_into_an_empty_directory(void **state)
{
	struct fixture *fixture = *state;
	struct table table;
	struct evidence_counts counts;
	struct buffer file = BUFFER_INIT;
	struct stat status;
	char directory[280], path[300];
	fixture_create(fixture, "orders", NULL, &table);
	put_some(fixture, &table, false);
	snprintf(directory, sizeof(directory), "%s/evidence", fixture->directory);
	assert_int_equal(mkdir(directory, 0700), 0);
	assert_int_equal(export(fixture, &table, ITEMS, directory, break_off, &counts), -EINTR);
	assert_int_equal(stat(directory, &status), 0);
	snprintf(path, sizeof(path), "%s/seal.json", directory);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "mine", 4), 4);
	close(fd);
	assert_int_equal(export(fixture, &table, ITEMS, directory, NULL, &counts), -EEXIST);
	read_file(directory, "seal.json", &file);
	assert_string_equal(buffer_text(&file), "mine");
	buffer_free(&file);
	table_free(&table);
}

/* A stretch from before a table got other keys is told with those it had. */
static void test_keys_are_those_of_the_stretch(void **state)
{
	static const char keys[] = "{\"KeySchema\":[{\"AttributeName\":\"name\",\"KeyType\":\"HASH\"}],"
				   "\"AttributeDefinitions\":[{\"AttributeName\":\"name\",\"AttributeType\":\"S\"}]}";
	struct fixture *fixture = *state;
	struct change_context context = { 0 };
	struct evidence_counts counts;
	struct buffer text = BUFFER_INIT;
	struct table table, later;
	struct json *document;
	char directory[280];
	fixture_create(fixture, "orders", NULL, &table);
	fixture_put(fixture, &table, "{'id':'x','a':1}");
	fixture_remove(fixture, &table, "{'id':'x'}");
	assert_int_equal(json_parse(slice_of_text(keys), &json_default_limits, &document, NULL), 0);
	struct batch *batch = fixture_begin(fixture);
	assert_int_equal(table_update(batch, &table, document, &context, NULL), 0);
	fixture_commit(batch);
	json_free(document);
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(table_find(txn, slice_of_text("orders"), TIME_NOW, &later, NULL), 0);
	store_abort(txn);
	fixture_put(fixture, &later, "{'name':'y'}");
	for (uint64_t to = 1; to <= 3; to += 2) {
		snprintf(directory, sizeof(directory), "%s/evidence-%d", fixture->directory, (int)to);
		assert_int_equal(export(fixture, &later, to, directory, NULL, &counts), 0);
		const char *key = to == 1 ? "[\"id\"]" : "[\"name\"]";
		read_file(directory, "README.txt", &text);
		assert_non_null(memmem(text.data, text.size, key, strlen(key)));
		read_file(directory, "table.json", &text);
		key = to == 1 ? "\"AttributeName\": \"id\"" : "\"AttributeName\": \"name\"";
		assert_non_null(memmem(text.data, text.size, key, strlen(key)));
	}
	read_file(directory, "before.jsonl", &text);
	assert_int_equal(text.size, 0);
	buffer_free(&text);
	table_free(&table);
	table_free(&later);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_equal_states_are_equal_files, set_up, fixture_end_test),
		cmocka_unit_test_setup_teardown(test_what_fails_leaves_nothing, set_up, fixture_end_test),
		cmocka_unit_test_setup_teardown(test_only_into_an_empty_directory, set_up, fixture_end_test),
		cmocka_unit_test_setup_teardown(test_keys_are_those_of_the_stretch, set_up, fixture_end_test),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
