#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "author.h"
#include "clock.h"
#include "import.h"
#include "log.h"
#include "restore.h"
#include "tests/support/consistency.h"
#include "tests/support/fixture.h"

#define T0 INT64_C(1700000000) /* 2023-11-14T22:13:20Z */
#define NOW_US ((T0 + 1000000) * SECOND_US)

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	fixture_open(fixture);
	clock_set(NOW_US);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	struct error error = { 0 };
	if (consistency_check(fixture->history, &error) < 0)
		fail_msg("%s", error.message);
	clock_reset();
	fixture_close(fixture);
	free(fixture);
	return 0;
}

/* --- Running imports --- */

struct outcome {
	int result;
	struct error error;
	struct import_counts counts;
};

static struct import_options options_for(const char *table)
{
	return (struct import_options){ .table = table,
		.author = slice_of_text("{\"by\":\"import\"}"),
		.ttl_author = slice_of_text("{\"by\":\"ttl\"}") };
}

/* A file of the text, in which ' stands for ". */
static int text_file(const char *text)
{
	struct buffer bytes = BUFFER_INIT;
	int fd = memfd_create("text", MFD_CLOEXEC);
	assert_true(fd >= 0);
	for (; *text; text++)
		buffer_append_byte(&bytes, *text == '\'' ? '"' : (uint8_t)*text);
	assert_int_equal(write(fd, bytes.data, bytes.size), bytes.size);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	buffer_free(&bytes);
	return fd;
}

static struct outcome run_two(
	struct fixture *fixture, const struct import_options *options, const char *first, const char *second)
{
	struct outcome outcome = { 0 };
	struct import *import;
	const char *texts[] = { first, second };
	assert_int_equal(import_new(fixture->history, options, &import), 0);
	for (size_t i = 0; i < 2 && texts[i] && outcome.result == 0; i++) {
		int fd = text_file(texts[i]);
		outcome.result = import_read(import, fd, i == 0 ? "a.jsonl" : "b.jsonl", &outcome.error);
		close(fd);
	}
	if (outcome.result == 0)
		outcome.result = import_apply(import, &outcome.counts, &outcome.error);
	import_free(import);
	return outcome;
}

static struct outcome run(struct fixture *fixture, const struct import_options *options, const char *text)
{
	return run_two(fixture, options, text, NULL);
}

static struct import_counts run_well(struct fixture *fixture, const struct import_options *options, const char *text)
{
	struct outcome outcome = run(fixture, options, text);
	if (outcome.result != 0)
		fail_msg("%s", outcome.error.message);
	return outcome.counts;
}

static void assert_refused(
	struct fixture *fixture, const struct import_options *options, const char *text, int code, const char *message)
{
	struct outcome outcome = run(fixture, options, text);
	assert_int_equal(outcome.result, code);
	assert_string_equal(outcome.error.message, message);
}

/* --- Making records --- */

static void append_put(struct buffer *out, int64_t time, const char *sequence, const char *id, int n)
{
	buffer_append_format(out,
		"{'eventName':'MODIFY','dynamodb':{'ApproximateCreationDateTime':%lld,'Keys':{'id':{'S':'%s'}},"
		"'NewImage':{'id':{'S':'%s'},'n':{'N':'%d'}},'SequenceNumber':'%s'}}\n",
		(long long)time, id, id, n, sequence);
}

static void append_remove(struct buffer *out, int64_t time, const char *sequence, const char *id)
{
	buffer_append_format(out,
		"{'eventName':'REMOVE','dynamodb':{'ApproximateCreationDateTime':%lld,'Keys':{'id':{'S':'%s'}},"
		"'SequenceNumber':'%s'}}\n",
		(long long)time, id, sequence);
}

/* --- Looking --- */

static void find_table(struct fixture *fixture, const char *name, struct table *ret_table)
{
	struct error error = { 0 };
	struct store_txn *txn = fixture_read(fixture);
	if (table_find(txn, slice_of_text(name), TIME_NOW, ret_table, &error) < 0)
		fail_msg("%s", error.message);
	store_abort(txn);
}

static bool has_table(struct fixture *fixture, const char *name)
{
	struct table table = { 0 };
	struct store_txn *txn = fixture_read(fixture);
	int result = table_find(txn, slice_of_text(name), TIME_NOW, &table, NULL);
	store_abort(txn);
	table_free(&table);
	return result == 0;
}

static void assert_live(struct fixture *fixture, const char *name, const char *expected)
{
	struct table table;
	struct buffer out = BUFFER_INIT;
	find_table(fixture, name, &table);
	assert_string_equal(fixture_show_live(fixture, &table, &out), expected);
	buffer_free(&out);
	table_free(&table);
}

static void assert_at(struct fixture *fixture, const char *name, int64_t time_us, const char *expected)
{
	struct table table;
	struct snapshot snapshot;
	struct buffer out = BUFFER_INIT;
	find_table(fixture, name, &table);
	assert_int_equal(fixture_at(fixture, &table, time_us, &snapshot), 0);
	assert_string_equal(fixture_show(fixture, &table, &snapshot, &out), expected);
	buffer_free(&out);
	table_free(&table);
}

/* The whole log of a table: "seq time op key" a line. */
static const char *show_log(struct fixture *fixture, const char *name, struct buffer *out)
{
	struct table table;
	struct log_walk walk;
	struct log_entry entry;
	find_table(fixture, name, &table);
	struct store_txn *txn = fixture_read(fixture);
	buffer_clear(out);
	assert_int_equal(log_walk_begin(&walk, txn, table.number, 1), 0);
	while (log_walk_next(&walk, &entry) > 0) {
		struct snapshot at = { table.number, entry.op == CHANGE_REMOVE ? entry.seq - 1 : entry.seq, 0 };
		struct node node;
		struct key key;
		struct buffer storage = BUFFER_INIT;
		assert_int_equal(snapshot_node(txn, &at, entry.number, &node), 0);
		assert_int_equal(key_decode(node.encoded_key, &storage, &key), 0);
		buffer_append_format(out, "%llu %lld %d %.*s\n", (unsigned long long)entry.seq,
			(long long)(entry.time_us / SECOND_US - T0), entry.op, (int)key.partition.bytes.size,
			(const char *)key.partition.bytes.data);
		buffer_free(&storage);
	}
	store_abort(txn);
	table_free(&table);
	return buffer_text(out);
}

/* --- Bringing in --- */

static void test_every_change_at_its_time(void **state)
{
	struct fixture *fixture = *state;
	struct import_options options = options_for("orders");
	struct buffer text = BUFFER_INIT;
	struct table table;
	append_put(&text, T0, "1", "a", 1);
	append_put(&text, T0 + 10, "2", "b", 1);
	append_put(&text, T0 + 20, "3", "a", 2);
	append_remove(&text, T0 + 30, "4", "b");
	struct import_counts counts = run_well(fixture, &options, buffer_text(&text));
	assert_int_equal(counts.lines, 4);
	assert_int_equal(counts.changes, 4);
	assert_int_equal(counts.inserted, 2);
	assert_int_equal(counts.modified, 1);
	assert_int_equal(counts.removed, 1);
	assert_int_equal(counts.first_us, T0 * SECOND_US);
	assert_int_equal(counts.last_us, (T0 + 30) * SECOND_US);
	assert_at(fixture, "orders", T0 * SECOND_US, "a.json {\"id\":\"a\",\"n\":1}\n");
	assert_at(fixture, "orders", (T0 + 20) * SECOND_US - 1,
		"a.json {\"id\":\"a\",\"n\":1}\nb.json {\"id\":\"b\",\"n\":1}\n");
	assert_at(fixture, "orders", (T0 + 20) * SECOND_US,
		"a.json {\"id\":\"a\",\"n\":2}\nb.json {\"id\":\"b\",\"n\":1}\n");
	assert_live(fixture, "orders", "a.json {\"id\":\"a\",\"n\":2}\n");
	find_table(fixture, "orders", &table);
	assert_int_equal(table.exists_from_us, T0 * SECOND_US);
	assert_true(table.is_pitr_on);
	assert_int_equal(table.period_days, 0);
	table_free(&table);
	buffer_free(&text);
}

static void test_a_table_that_is_being_restored_is_left_alone(void **state)
{
	struct fixture *fixture = *state;
	struct import_options options = options_for("orders");
	struct buffer text = BUFFER_INIT;
	struct change_context context = { 0 };
	struct table table;
	struct batch *batch = fixture_begin(fixture);
	assert_int_equal(restore_begin(batch, slice_of_text("orders"), NULL, &context, &table, NULL), 0);
	fixture_commit(batch);
	append_put(&text, T0, "1", "a", 1);
	assert_refused(fixture, &options, buffer_text(&text), -ENOENT,
		"table orders is still being restored: import into it when it is whole, or into another one");
	table_free(&table);
	buffer_free(&text);
}

static void test_order_is_time_then_sequence_as_a_number(void **state)
{
	struct fixture *fixture = *state;
	struct import_options options = options_for("orders");
	struct buffer text = BUFFER_INIT, log = BUFFER_INIT;
	append_put(&text, T0 + 1, "99999999999999999999", "a", 3);
	append_put(&text, T0 + 1, "9", "b", 2);
	append_put(&text, T0, "7000000000000000000000000000000000000000", "c", 1);
	append_put(&text, T0 + 1, "100000000000000000000", "d", 4);
	append_put(&text, T0 + 1, "0000000000000000000000000000000000010", "e", 2);
	run_well(fixture, &options, buffer_text(&text));
	assert_string_equal(show_log(fixture, "orders", &log), "1 0 1 c\n2 1 1 b\n3 1 1 e\n4 1 1 a\n5 1 1 d\n");
	buffer_free(&text);
	buffer_free(&log);
}

static void test_without_sequence_numbers_order_of_arrival_counts(void **state)
{
	struct fixture *fixture = *state;
	struct import_options options = options_for(NULL);
	const char *format =
		"{'eventID':'e%d','eventName':'MODIFY','tableName':'flights','recordFormat':'application/json',"
		"'dynamodb':{'ApproximateCreationDateTime':%lld,'Keys':{'id':{'S':'a'}},"
		"'NewImage':{'id':{'S':'a'},'n':{'N':'%d'}}}}\n";
	struct buffer text = BUFFER_INIT, log = BUFFER_INIT;
	buffer_append_format(&text, format, 3, (long long)T0 * 1000 + 1, 3);
	buffer_append_format(&text, format, 1, (long long)T0 * 1000, 1);
	buffer_append_format(&text, format, 2, (long long)T0 * 1000, 2);
	buffer_append_format(&text, format, 1, (long long)T0 * 1000, 1);
	struct import_counts counts = run_well(fixture, &options, buffer_text(&text));
	assert_int_equal(counts.inserted, 1);
	assert_int_equal(counts.modified, 2);
	assert_int_equal(counts.unchanged, 1);
	assert_int_equal(counts.changes, 4);
	assert_at(fixture, "flights", T0 * SECOND_US, "a.json {\"id\":\"a\",\"n\":2}\n");
	assert_live(fixture, "flights", "a.json {\"id\":\"a\",\"n\":3}\n");
	buffer_free(&text);
	buffer_free(&log);
}

static void test_many_event_identifiers(void **state)
{
	struct fixture *fixture = *state;
	struct import_options options = options_for(NULL);
	struct buffer text = BUFFER_INIT;
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 3000; i++)
			buffer_append_format(&text,
				"{'eventID':'e%d','eventName':'INSERT','tableName':'flights',"
				"'dynamodb':{'ApproximateCreationDateTime':%lld,'Keys':{'id':{'S':'k%d'}},"
				"'NewImage':{'id':{'S':'k%d'},'n':{'N':'%d'}}}}\n",
				i, (long long)T0 * 1000, i, i, round);
	struct import_counts counts = run_well(fixture, &options, buffer_text(&text));
	assert_int_equal(counts.inserted, 3000);
	assert_int_equal(counts.modified, 0);
	assert_int_equal(counts.unchanged, 3000);
	buffer_free(&text);
}

static void test_several_sources_are_one_history(void **state)
{
	struct fixture *fixture = *state;
	struct import_options options = options_for("orders");
	struct buffer first = BUFFER_INIT, second = BUFFER_INIT, log = BUFFER_INIT;
	append_put(&first, T0, "1", "a", 1);
	append_put(&first, T0 + 2, "3", "a", 3);
	append_put(&second, T0 + 1, "2", "a", 2);
	struct outcome outcome = run_two(fixture, &options, buffer_text(&first), buffer_text(&second));
	assert_int_equal(outcome.result, 0);
	assert_string_equal(show_log(fixture, "orders", &log), "1 0 1 a\n2 1 2 a\n3 2 2 a\n");
	buffer_free(&first);
	buffer_free(&second);
	buffer_free(&log);
}

static void test_items_get_one_time(void **state)
{
	struct fixture *fixture = *state;
	struct import_options options = options_for("items");
	struct key_schema schema = { .partition = { .name = "id" } };
	options.schema = &schema;
	struct import_counts counts = run_well(
		fixture, &options, "{'Item':{'id':{'N':'1'},'n':{'N':'1'}}}\n\n  \n{'id':2,'n':1.50}\r\n{'id':3}");
	assert_int_equal(counts.lines, 3);
	assert_int_equal(counts.inserted, 3);
	assert_int_equal(counts.first_us, 0);
	assert_live(fixture, "items", "1.json {\"id\":1,\"n\":1}\n2.json {\"id\":2,\"n\":1.5}\n3.json {\"id\":3}\n");
	struct table table;
	struct log_entry first, last;
	find_table(fixture, "items", &table);
	assert_int_equal(table.schema.partition.type, VALUE_N);
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(log_first(txn, table.number, &first), 0);
	assert_int_equal(log_last(txn, table.number, &last), 0);
	assert_int_equal(last.seq, 3);
	assert_int_equal(first.time_us, last.time_us);
	assert_true(first.time_us >= NOW_US);
	store_abort(txn);
	table_free(&table);
}

static void test_items_at_a_time(void **state)
{
	struct fixture *fixture = *state;
	struct import_options options = options_for("items");
	struct key_schema schema = { .partition = { "id", VALUE_S } };
	options.schema = &schema;
	options.time_us = T0 * SECOND_US + 5;
	run_well(fixture, &options, "{'id':'1'}\n{'id':'2'}\n");
	assert_at(fixture, "items", T0 * SECOND_US + 5, "1.json {\"id\":\"1\"}\n2.json {\"id\":\"2\"}\n");
	struct import_counts counts = run_well(fixture, &options, "{'id':'1'}\n{'id':'2'}\n");
	assert_int_equal(counts.already_there, 2);
}

static void test_more_than_one_batch(void **state)
{
	struct fixture *fixture = *state;
	struct import_options options = options_for("items");
	struct key_schema schema = { .partition = { "id", VALUE_N } };
	struct buffer text = BUFFER_INIT;
	struct table table;
	struct log_entry last;
	options.schema = &schema;
	for (int i = 0; i < 20001; i++)
		buffer_append_format(&text, "{'id':%d}\n", i);
	struct import_counts counts = run_well(fixture, &options, buffer_text(&text));
	assert_int_equal(counts.inserted, 20001);
	find_table(fixture, "items", &table);
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(log_last(txn, table.number, &last), 0);
	assert_int_equal(last.seq, 20001);
	assert_int_equal(last.items, 20001);
	struct log_entry first;
	assert_int_equal(log_first(txn, table.number, &first), 0);
	assert_int_equal(first.time_us, last.time_us);
	store_abort(txn);
	table_free(&table);
	buffer_free(&text);
}

static void test_deletions_by_the_service_have_their_author(void **state)
{
	struct fixture *fixture = *state;
	struct import_options options = options_for("orders");
	struct buffer text = BUFFER_INIT;
	struct table table;
	struct log_entry entry;
	struct slice author;
	append_put(&text, T0, "1", "a", 1);
	buffer_append_format(&text,
		"{'eventName':'REMOVE','userIdentity':{'type':'Service','principalId':'dynamodb.amazonaws.com'},"
		"'dynamodb':{'ApproximateCreationDateTime':%lld,'Keys':{'id':{'S':'a'}},'SequenceNumber':'2'}}\n",
		(long long)T0 + 1);
	run_well(fixture, &options, buffer_text(&text));
	find_table(fixture, "orders", &table);
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(log_get(txn, table.number, 1, &entry), 0);
	assert_int_equal(author_text(txn, entry.author, &author), 0);
	assert_true(slice_equal(author, slice_of_text("{\"by\":\"import\"}")));
	assert_int_equal(log_get(txn, table.number, 2, &entry), 0);
	assert_int_equal(author_text(txn, entry.author, &author), 0);
	assert_true(slice_equal(author, slice_of_text("{\"by\":\"ttl\"}")));
	store_abort(txn);
	table_free(&table);
	buffer_free(&text);
}

static void test_nothing_to_import(void **state)
{
	struct fixture *fixture = *state;
	struct import_options options = options_for("orders");
	struct import_counts counts = run_well(fixture, &options, "\n \n");
	assert_int_equal(counts.lines, 0);
	assert_false(has_table(fixture, "orders"));
}

/* --- Keys and tables --- */

static void test_the_key_of_a_new_table(void **state)
{
	struct fixture *fixture = *state;
	struct import_options options = options_for("songs");
	const char *text = "{'eventName':'INSERT','dynamodb':{'ApproximateCreationDateTime':1700000000,"
			   "'Keys':{'sk':{'N':'7'},'pk':{'S':'x'}},'NewImage':{'sk':{'N':'7'},'pk':{'S':'x'}}}}\n";
	assert_refused(fixture, &options, text, -EINVAL,
		"there is no table songs yet, and its key has 2 attributes: say which is the partition key and which "
		"the "
		"sort key (--key pk,sk)");
	struct key_schema schema = { .partition = { .name = "pk" }, .sort = { .name = "sk" }, .has_sort = true };
	options.schema = &schema;
	run_well(fixture, &options, text);
	assert_live(fixture, "songs", "x/7.json {\"pk\":\"x\",\"sk\":7}\n");
	options = options_for("items");
	assert_refused(fixture, &options, "{'id':'1'}", -EINVAL,
		"there is no table items yet, and items do not say what its key is: name it (--key id)");
	schema = (struct key_schema){ .partition = { .name = "id" } };
	options.schema = &schema;
	assert_refused(fixture, &options, "{'x':1}", -EINVAL,
		"a.jsonl line 1: there is no attribute id, which is to be a key");
	assert_refused(fixture, &options, "{'id':[1]}", -EINVAL,
		"a.jsonl line 1: attribute id is to be a key: it must be a string, a number or binary");
	assert_false(has_table(fixture, "items"));
}

static void test_which_table(void **state)
{
	struct fixture *fixture = *state;
	struct import_options options = options_for(NULL);
	assert_refused(fixture, &options, "{'id':'1'}", -EINVAL,
		"a.jsonl line 1 does not say which table it is of: name the table (--table NAME)");
	const char *two =
		"{'eventName':'REMOVE','tableName':'one','dynamodb':{'ApproximateCreationDateTime':1700000000000,"
		"'Keys':{'id':{'S':'x'}}}}\n"
		"{'eventName':'REMOVE','tableName':'two','dynamodb':{'ApproximateCreationDateTime':1700000000000,"
		"'Keys':{'id':{'S':'x'}}}}\n";
	assert_refused(fixture, &options, two, -EINVAL,
		"a.jsonl line 2: this is a change of table two, and the others are of one: --table brings all into "
		"one");
	options.table = "both";
	assert_int_equal(run_well(fixture, &options, two).unchanged, 2);
	assert_true(has_table(fixture, "both"));
	options.table = "no/table";
	assert_int_equal(run(fixture, &options, two).result, -EINVAL);
}

static void test_a_table_that_is_there(void **state)
{
	struct fixture *fixture = *state;
	struct import_options options = options_for("orders");
	struct key_schema other = { .partition = { .name = "nr" } };
	struct table table;
	struct buffer text = BUFFER_INIT;
	fixture_create(fixture, "orders", NULL, &table);
	fixture_put(fixture, &table, "{'id':'a','n':1}");
	struct import_counts counts = run_well(fixture, &options, "{'id':'a','n':1}\n{'id':'b'}\n");
	assert_int_equal(counts.unchanged, 1);
	assert_int_equal(counts.inserted, 1);
	assert_refused(fixture, &options, "{'id':1}", -EINVAL,
		"a.jsonl line 1: One or more parameter values were invalid: Type mismatch for key id expected: S "
		"actual: N");
	options.schema = &other;
	assert_refused(fixture, &options, "{'id':'b'}", -EINVAL,
		"table orders is there already, with the key id (S): leave --key out");
	options.schema = NULL;
	append_put(&text, T0, "1", "a", 1);
	assert_refused(fixture, &options, buffer_text(&text), -ERANGE,
		"orders: history can only grow at its end: line 1 of a.jsonl is of 2023-11-14T22:13:20Z, the table "
		"exists from "
		"2023-11-26T12:00:00Z on; import into a new table, which exists from its first change on");
	table_free(&table);
	buffer_free(&text);
}

/* --- Bad lines --- */

static void test_a_bad_line_stops_everything(void **state)
{
	struct fixture *fixture = *state;
	struct import_options options = options_for("orders");
	struct buffer text = BUFFER_INIT;
	append_put(&text, T0, "1", "a", 1);
	buffer_append_text(&text, "\n{'eventName':'INSERT','dynamodb':{'Keys':{'id':{'S':'b'}}}}\n");
	append_put(&text, T0, "2", "b", 1);
	assert_refused(fixture, &options, buffer_text(&text), -EINVAL,
		"a.jsonl line 3: the change record has no NewImage: record the stream with StreamViewType NEW_IMAGE or "
		"NEW_AND_OLD_IMAGES");
	assert_false(has_table(fixture, "orders"));
	buffer_free(&text);
}

static void test_times_that_cannot_be(void **state)
{
	struct fixture *fixture = *state;
	struct import_options options = options_for("orders");
	struct buffer text = BUFFER_INIT;
	append_put(&text, T0 + 1000001, "1", "a", 1);
	assert_refused(fixture, &options, buffer_text(&text), -EINVAL,
		"a.jsonl line 1: its time, 2023-11-26T12:00:01Z, is in the future");
	buffer_clear(&text);
	append_put(&text, 0, "1", "a", 1);
	assert_refused(fixture, &options, buffer_text(&text), -EINVAL,
		"a.jsonl line 1: the time must be after 1970-01-01T00:00:00Z");
	assert_false(has_table(fixture, "orders"));
	buffer_free(&text);
}

struct skipped {
	size_t count;
	uint64_t line;
	char text[64];
	int answer;
};

static int leave_out(void *context, const char *source, uint64_t line, struct slice text, const struct error *error)
{
	struct skipped *skipped = context;
	assert_string_equal(source, "a.jsonl");
	assert_true(error->message[0] != '\0');
	snprintf(skipped->text, sizeof(skipped->text), "%.*s", (int)text.size, (const char *)text.data);
	skipped->line = line;
	skipped->count++;
	return skipped->answer;
}

static void test_bad_lines_can_be_left_out(void **state)
{
	struct fixture *fixture = *state;
	struct import_options options = options_for("orders");
	struct skipped skipped = { 0 };
	struct buffer text = BUFFER_INIT;
	options.skip_bad = true;
	options.bad_line = leave_out;
	options.context = &skipped;
	buffer_append_text(&text, "{broken\n");
	append_put(&text, T0, "1", "a", 1);
	buffer_append_text(&text, "[1]\n{'no':'key'}\n");
	append_put(&text, T0, "2", "b", 1);
	struct import_counts counts = run_well(fixture, &options, buffer_text(&text));
	assert_int_equal(counts.lines, 5);
	assert_int_equal(counts.bad, 3);
	assert_int_equal(counts.inserted, 2);
	assert_int_equal(skipped.count, 3);
	assert_int_equal(skipped.line, 4);
	assert_string_equal(skipped.text, "{\"no\":\"key\"}");
	skipped.answer = -ENOSPC;
	assert_refused(fixture, &options, buffer_text(&text), -ENOSPC,
		"the bad lines could not be set aside: No space left on device");
	buffer_free(&text);
}

static void test_a_line_that_is_too_long(void **state)
{
	struct fixture *fixture = *state;
	struct import_options options = options_for("orders");
	struct buffer text = BUFFER_INIT;
	buffer_append_text(&text, "{'id':'");
	for (size_t i = 0; i < RECORD_LINE_MAX; i++)
		buffer_append_byte(&text, 'x');
	int fd = memfd_create("text", MFD_CLOEXEC);
	struct import *import;
	struct error error = { 0 };
	assert_int_equal(write(fd, text.data, text.size), text.size);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(import_new(fixture->history, &options, &import), 0);
	assert_int_equal(import_read(import, fd, "long.jsonl", &error), -EFBIG);
	assert_string_equal(error.message, "long.jsonl line 1: the line has more than 8388608 bytes");
	import_free(import);
	close(fd);
	buffer_free(&text);
}

/* --- Again, and further --- */

static void test_history_can_only_grow_at_its_end(void **state)
{
	struct fixture *fixture = *state;
	struct import_options options = options_for("orders");
	struct buffer text = BUFFER_INIT, other = BUFFER_INIT;
	append_put(&text, T0, "1", "a", 1);
	append_put(&text, T0 + 10, "2", "a", 2);
	append_put(&text, T0 + 20, "3", "b", 3);
	run_well(fixture, &options, buffer_text(&text));
	append_put(&other, T0 + 5, "1", "c", 1);
	assert_refused(fixture, &options, buffer_text(&other), -ERANGE,
		"orders: history can only grow at its end: line 1 of a.jsonl is of 2023-11-14T22:13:25Z, the table's "
		"last "
		"change is of 2023-11-14T22:13:40Z");
	buffer_clear(&other);
	append_put(&other, T0 + 10, "2", "a", 9);
	assert_int_equal(run(fixture, &options, buffer_text(&other)).result, -ERANGE);
	buffer_clear(&other);
	append_put(&other, T0 + 20, "3", "b", 9);
	assert_int_equal(run(fixture, &options, buffer_text(&other)).result, -ERANGE);
	buffer_clear(&other);
	append_remove(&other, T0 + 20, "3", "a");
	append_put(&other, T0 + 21, "4", "a", 1);
	struct import_counts counts = run_well(fixture, &options, buffer_text(&other));
	assert_int_equal(counts.removed, 1);
	assert_int_equal(counts.inserted, 1);
	assert_live(fixture, "orders", "b.json {\"id\":\"b\",\"n\":3}\na.json {\"id\":\"a\",\"n\":1}\n");
	buffer_free(&text);
	buffer_free(&other);
}

static void test_a_later_part_alone(void **state)
{
	struct fixture *fixture = *state;
	struct import_options options = options_for("orders");
	struct buffer may = BUFFER_INIT, june = BUFFER_INIT;
	append_put(&may, T0, "1", "a", 1);
	append_put(&may, T0 + 1, "2", "b", 1);
	append_put(&june, T0 + 10, "3", "a", 2);
	append_put(&june, T0 + 11, "4", "b", 2);
	run_well(fixture, &options, buffer_text(&may));
	assert_int_equal(run_well(fixture, &options, buffer_text(&june)).modified, 2);
	assert_int_equal(run_well(fixture, &options, buffer_text(&june)).already_there, 2);
	assert_int_equal(run_well(fixture, &options, buffer_text(&may)).already_there, 2);
	buffer_free(&may);
	buffer_free(&june);
}

/* A random history of few keys and few seconds: repeated values, removals of what is not there, many in one second. */
struct random_history {
	struct buffer lines[48];
	size_t count;
};

static void make_history(struct random_history *history, uint64_t *seed)
{
	int64_t time = T0;
	*history = (struct random_history){ .count = 8 + fixture_random_below(seed, 40) };
	for (size_t i = 0; i < history->count; i++) {
		char id[2] = { (char)('a' + fixture_random_below(seed, 3)), '\0' }, sequence[32];
		snprintf(sequence, sizeof(sequence), "%zu", i + 1);
		time += fixture_random_below(seed, 3) == 0;
		if (fixture_random_below(seed, 4) == 0)
			append_remove(&history->lines[i], time, sequence, id);
		else
			append_put(&history->lines[i], time, sequence, id, (int)fixture_random_below(seed, 3));
	}
}

static void append_lines(struct buffer *out, const struct random_history *history, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buffer_append_slice(out, buffer_slice(&history->lines[i]));
}

static void free_history(struct random_history *history)
{
	for (size_t i = 0; i < history->count; i++)
		buffer_free(&history->lines[i]);
}

static void import_lines(struct fixture *fixture, const char *table, const struct random_history *history, size_t count)
{
	struct import_options options = options_for(table);
	struct buffer text = BUFFER_INIT;
	append_lines(&text, history, count);
	struct import_counts counts = run_well(fixture, &options, buffer_text(&text));
	assert_int_equal(counts.inserted + counts.modified + counts.removed + counts.unchanged + counts.already_there,
		counts.changes);
	buffer_free(&text);
}

static void assert_same(struct fixture *fixture, const char *first, const char *second, uint64_t seed)
{
	struct buffer a = BUFFER_INIT, b = BUFFER_INIT;
	if (strcmp(show_log(fixture, first, &a), show_log(fixture, second, &b)) != 0)
		fail_msg("seed %llu: the log of %s is\n%sof %s\n%s", (unsigned long long)seed, first, buffer_text(&a),
			second, buffer_text(&b));
	struct table table;
	find_table(fixture, first, &table);
	fixture_show_live(fixture, &table, &a);
	table_free(&table);
	find_table(fixture, second, &table);
	fixture_show_live(fixture, &table, &b);
	table_free(&table);
	assert_string_equal(buffer_text(&a), buffer_text(&b));
	buffer_free(&a);
	buffer_free(&b);
}

/* Whatever an interrupted run has left, wherever within a second, running it again makes what one run would have. */
static void test_going_on_after_an_interruption(void **state)
{
	struct fixture *fixture = *state;
	for (uint64_t round = 1; round <= 60; round++) {
		uint64_t seed = round;
		struct random_history history;
		char whole[32], parts[32];
		make_history(&history, &seed);
		snprintf(whole, sizeof(whole), "whole-%llu", (unsigned long long)round);
		snprintf(parts, sizeof(parts), "parts-%llu", (unsigned long long)round);
		import_lines(fixture, whole, &history, history.count);
		import_lines(fixture, parts, &history, 1 + fixture_random_below(&seed, history.count));
		import_lines(fixture, parts, &history, 1 + fixture_random_below(&seed, history.count));
		import_lines(fixture, parts, &history, history.count);
		assert_same(fixture, whole, parts, round);
		free_history(&history);
	}
}

struct fault {
	uint64_t count, fails_at;
};

static int fail_once(void *context, enum store_op op)
{
	struct fault *fault = context;
	(void)op;
	return ++fault->count == fault->fails_at ? -ENOSPC : 0;
}

/* Whichever operation of the store fails, the run says so, and the next one goes on from what is there. */
static void test_a_store_that_fails(void **state)
{
	struct fixture *fixture = *state;
	struct random_history history;
	struct buffer text = BUFFER_INIT;
	uint64_t seed = 7;
	struct fault fault = { 0 };
	make_history(&history, &seed);
	append_lines(&text, &history, history.count);
	import_lines(fixture, "whole", &history, history.count);
	for (uint64_t n = 1; fault.count >= fault.fails_at; n++) {
		char name[32];
		snprintf(name, sizeof(name), "table-%llu", (unsigned long long)n);
		struct import_options options = options_for(name);
		fault = (struct fault){ .fails_at = n };
		store_set_fault_hook(history_store(fixture->history), fail_once, &fault);
		struct outcome outcome = run(fixture, &options, buffer_text(&text));
		store_set_fault_hook(history_store(fixture->history), NULL, NULL);
		if (fault.count >= n) {
			assert_int_equal(outcome.result, -ENOSPC);
			assert_true(outcome.error.message[0] != '\0');
			assert_false(has_table(fixture, name));
		}
		import_lines(fixture, name, &history, history.count);
		assert_same(fixture, "whole", name, n);
	}
	buffer_free(&text);
	free_history(&history);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_change_at_its_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_table_that_is_being_restored_is_left_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_order_is_time_then_sequence_as_a_number, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_without_sequence_numbers_order_of_arrival_counts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many_event_identifiers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_several_sources_are_one_history, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_items_get_one_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_items_at_a_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_more_than_one_batch, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_deletions_by_the_service_have_their_author, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nothing_to_import, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_key_of_a_new_table, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_which_table, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_table_that_is_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_bad_line_stops_everything, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_times_that_cannot_be, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bad_lines_can_be_left_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_line_that_is_too_long, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_history_can_only_grow_at_its_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_later_part_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_going_on_after_an_interruption, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_store_that_fails, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
