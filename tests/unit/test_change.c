#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/author.h"
#include "core/change.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/layout.h"
#include "core/record.h"
#include "tests/support/fixture.h"

#define START INT64_C(1740830400000000)

static struct fixture fixture;
static struct table table;
static struct store_txn *txn;
static struct change_reader reader;

static int open_table(void **state)
{
	(void)state;
	clock_set(START);
	fixture_open(&fixture);
	fixture_create(&fixture, "orders", NULL, &table);
	return 0;
}

static int close_table(void **state)
{
	(void)state;
	change_reader_free(&reader);
	reader = (struct change_reader){ 0 };
	table_free(&table);
	fixture_close(&fixture);
	clock_reset();
	return 0;
}

/* --- lines --- */

static struct table visits(void)
{
	struct table visits = { .name = "visits",
		.id = "01234567-89ab-4cde-8f01-23456789abcd",
		.created_us = START + 500000,
		.schema = { { "who", VALUE_S }, { "at", VALUE_N }, true } };
	return visits;
}

static void assert_line(const struct table *of, const struct change *change, const char *wanted)
{
	struct buffer line = BUFFER_INIT;
	buffer_append_text(&line, "before it: ");
	assert_int_equal(change_append_line(of, change, &line), 0);
	assert_string_equal(buffer_text(&line) + 11, wanted);
	buffer_free(&line);
}

/* The form is part of the format: what was bound once must come out the same for ever. */
static void a_line_has_its_form_for_ever(void **state)
{
	struct table of = visits();
	struct buffer before, after;
	(void)state;
	fixture_item("{'zoo':['a\\u0001\\\"',null,true,{}],'at':7,'who':'Ann','big':{'$binary':'AAE='},'some':{'$"
		     "numberSet':[2,10]}}",
		&before);
	fixture_item("{'at':7,'who':'Ann'}", &after);
	struct change change = { .entry = { .seq = 255, .time_us = START + 250000, .op = CHANGE_MODIFY },
		.before = buffer_slice(&before),
		.after = buffer_slice(&after),
		.author = slice_of_text("{\"by\":\"mount\",\"user\":\"ann\"}") };
	assert_line(&of, &change,
		"{\"eventID\":\"0123456789ab4cde00000000000000ff\",\"eventName\":\"MODIFY\",\"eventVersion\":\"1.1\","
		"\"eventSource\":\"aws:dynamodb\",\"awsRegion\":\"local\",\"dynamodb\":{"
		"\"ApproximateCreationDateTime\":"
		"1740830400.25,\"Keys\":{\"who\":{\"S\":\"Ann\"},\"at\":{\"N\":\"7\"}},\"NewImage\":{\"who\":{\"S\":"
		"\"Ann\"},"
		"\"at\":{\"N\":\"7\"}},\"OldImage\":{\"who\":{\"S\":\"Ann\"},\"at\":{\"N\":\"7\"},\"big\":{\"B\":\"AAE="
		"\"},"
		"\"some\":{\"NS\":[\"2\",\"10\"]},\"zoo\":{\"L\":[{\"S\":\"a\\u0001\\\"\"},{\"NULL\":true},{\"BOOL\":"
		"true},"
		"{\"M\":{}}]}},\"SequenceNumber\":\"000000000000000000255\",\"SizeBytes\":61,"
		"\"StreamViewType\":\"NEW_AND_OLD_IMAGES\"},\"eventSourceARN\":\"arn:aws:dynamodb:local:000000000000:"
		"table/visits/stream/2025-03-01T12:00:00.5\",\"author\":{\"by\":\"mount\",\"user\":\"ann\"}}");
	buffer_free(&before);
	buffer_free(&after);
}

static void a_deletion_by_ttl_says_so(void **state)
{
	struct table of = visits();
	struct buffer before;
	(void)state;
	fixture_item("{'at':7,'who':'Ann'}", &before);
	struct change change = { .entry = { .seq = UINT64_C(1) << 41, .time_us = START, .op = CHANGE_REMOVE },
		.before = buffer_slice(&before),
		.author = slice_of_text("{\"by\":\"import\",\"service\":\"ttl\"}") };
	assert_line(&of, &change,
		"{\"eventID\":\"0123456789ab4cde0000020000000000\",\"eventName\":\"REMOVE\",\"eventVersion\":\"1.1\","
		"\"eventSource\":\"aws:dynamodb\",\"awsRegion\":\"local\",\"dynamodb\":{"
		"\"ApproximateCreationDateTime\":"
		"1740830400,\"Keys\":{\"who\":{\"S\":\"Ann\"},\"at\":{\"N\":\"7\"}},\"OldImage\":{\"who\":{\"S\":"
		"\"Ann\"},"
		"\"at\":{\"N\":\"7\"}},\"SequenceNumber\":\"000000002199023255552\",\"SizeBytes\":20,"
		"\"StreamViewType\":\"NEW_AND_OLD_IMAGES\"},\"eventSourceARN\":\"arn:aws:dynamodb:local:000000000000:"
		"table/visits/stream/2025-03-01T12:00:00.5\",\"userIdentity\":{\"type\":\"Service\",\"principalId\":"
		"\"dynamodb.amazonaws.com\"},\"author\":{\"by\":\"import\",\"service\":\"ttl\"}}");
	buffer_free(&before);
}

static void without_images_the_key_is_told_all_the_same(void **state)
{
	struct table of = visits();
	struct buffer item, encoded = BUFFER_INIT, line = BUFFER_INIT;
	struct key key;
	(void)state;
	fixture_item("{'at':7,'who':'Ann'}", &item);
	assert_int_equal(key_of_item(buffer_slice(&item), &of.schema, &key, NULL), 0);
	key_append_encoded(&key, &encoded);
	struct change change = { .entry = { .seq = 1, .op = CHANGE_REMOVE }, .encoded_key = buffer_slice(&encoded) };
	assert_int_equal(change_append_line(&of, &change, &line), 0);
	assert_non_null(strstr(buffer_text(&line), "\"Keys\":{\"who\":{\"S\":\"Ann\"},\"at\":{\"N\":\"7\"}},\"Seq"));
	buffer_clear(&line);
	of.schema.has_sort = false;
	assert_int_equal(change_append_line(&of, &change, &line), -EIO);
	assert_int_equal(line.size, 0);
	buffer_free(&item);
	buffer_free(&encoded);
	buffer_free(&line);
}

/* --- reading --- */

static int read_change(uint64_t seq)
{
	struct log_entry entry;
	txn = fixture_read(&fixture);
	assert_int_equal(log_get(txn, table.number, seq, &entry), 0);
	int r = change_read(&reader, txn, table.number, &entry);
	assert_int_equal(reader.change.entry.seq, seq);
	return r;
}

static void assert_item(struct slice item, const char *text)
{
	struct buffer wanted = BUFFER_INIT;
	if (text)
		fixture_item(text, &wanted);
	assert_true(slice_equal(item, buffer_slice(&wanted)));
	buffer_free(&wanted);
}

static void assert_change(uint64_t seq, const char *before, const char *after)
{
	assert_int_equal(read_change(seq), 0);
	assert_item(reader.change.before, before);
	assert_item(reader.change.after, after);
	struct buffer key = BUFFER_INIT;
	fixture_key(&table, before ? before : after, &key);
	assert_true(slice_equal(reader.change.encoded_key, buffer_slice(&key)));
	buffer_free(&key);
	store_abort(txn);
}

static void reads_what_was_before_and_after(void **state)
{
	(void)state;
	fixture_put(&fixture, &table, "{'id':'a','n':1}");
	fixture_put(&fixture, &table, "{'id':'b','n':1}");
	fixture_put(&fixture, &table, "{'id':'a','n':2}");
	fixture_remove(&fixture, &table, "{'id':'a'}");
	fixture_put(&fixture, &table, "{'id':'a','n':3}");
	assert_change(1, NULL, "{'id':'a','n':1}");
	assert_change(2, NULL, "{'id':'b','n':1}");
	assert_change(3, "{'id':'a','n':1}", "{'id':'a','n':2}");
	assert_change(4, "{'id':'a','n':2}", NULL);
	assert_change(5, NULL, "{'id':'a','n':3}");
}

static void reads_what_a_restored_table_had_before(void **state)
{
	(void)state;
	struct table restored;
	fixture_put(&fixture, &table, "{'id':'a','n':1}");
	fixture_put(&fixture, &table, "{'id':'a','n':2}");
	fixture_restore(&fixture, &table, 1, "restored", &restored);
	assert_int_equal(fixture_remove(&fixture, &restored, "{'id':'a'}"), 2);
	uint32_t number = table.number;
	table.number = restored.number;
	assert_change(2, "{'id':'a','n':1}", NULL);
	table.number = number;
	table_free(&restored);
}

/* Keys may change while a table is empty; what was told by the old ones is told so for ever. */
static void tells_by_the_keys_it_had(void **state)
{
	struct json *document;
	struct buffer line = BUFFER_INIT;
	struct change_context context = { 0 };
	static const char text[] = "{\"KeySchema\":[{\"AttributeName\":\"no\",\"KeyType\":\"HASH\"}],"
				   "\"AttributeDefinitions\":[{\"AttributeName\":\"no\",\"AttributeType\":\"S\"}]}";
	(void)state;
	fixture_put(&fixture, &table, "{'id':'a','no':'1'}");
	fixture_remove(&fixture, &table, "{'id':'a'}");
	assert_int_equal(json_parse(slice_of_text(text), &json_default_limits, &document, NULL), 0);
	struct batch *batch = fixture_begin(&fixture);
	assert_int_equal(table_update(batch, &table, document, &context, NULL), 0);
	fixture_commit(batch);
	json_free(document);
	txn = fixture_read(&fixture);
	struct table current;
	assert_int_equal(table_load(txn, table.number, TIME_NOW, &current), 0);
	store_abort(txn);
	fixture_put(&fixture, &current, "{'id':'a','no':'1'}");
	static const char *const keys[] = { "\"Keys\":{\"id\":", "\"Keys\":{\"id\":", "\"Keys\":{\"no\":" };
	for (uint64_t i = 0; i < 9; i++) {
		uint64_t seq = i < 3 ? i + 1 : i < 6 ? 6 - i : (i * 2) % 3 + 1;
		assert_int_equal(read_change(seq), 0);
		buffer_clear(&line);
		assert_int_equal(change_append_line(&current, &reader.change, &line), 0);
		assert_non_null(strstr(buffer_text(&line), keys[seq - 1]));
		store_abort(txn);
	}
	buffer_free(&line);
	table_free(&current);
}

static void tells_who(void **state)
{
	struct buffer item;
	struct change_result result;
	struct batch *batch = fixture_begin(&fixture);
	struct change_context context = { 0 };
	struct slice author = slice_of_text("{\"by\":\"pitr\"}");
	(void)state;
	fixture_item("{'id':'a'}", &item);
	assert_int_equal(batch_author(batch, author, &context.author), 0);
	assert_int_equal(batch_put(batch, &table, buffer_slice(&item), &context, &result, NULL), 0);
	fixture_commit(batch);
	buffer_free(&item);
	assert_int_equal(read_change(1), 0);
	assert_true(slice_equal(reader.change.author, author));
	store_abort(txn);
}

static void tells_a_version_that_is_missing(void **state)
{
	(void)state;
	fixture_put(&fixture, &table, "{'id':'a','n':1}");
	fixture_put(&fixture, &table, "{'id':'a','n':2}");
	assert_int_equal(read_change(2), 0);
	uint64_t number = reader.change.entry.number;
	store_abort(txn);
	assert_int_equal(store_begin(history_store(fixture.history), true, &txn), 0);
	struct layout_key key = layout_version(table.number, number, 1);
	assert_int_equal(store_delete(txn, STORE_VERSIONS, layout_slice(&key)), 0);
	assert_int_equal(store_commit(txn), 0);
	assert_int_equal(read_change(2), -EIO);
	store_abort(txn);
}

/* What is written is what pitr import reads. */
static void a_line_is_a_streams_record(void **state)
{
	struct buffer line = BUFFER_INIT, wanted;
	struct record record = { 0 };
	(void)state;
	fixture_put(&fixture, &table, "{'id':'a','n':1}");
	clock_set(START + 1234567);
	fixture_put(&fixture, &table, "{'id':'a','n':2}");
	assert_int_equal(read_change(2), 0);
	assert_int_equal(change_append_line(&table, &reader.change, &line), 0);
	assert_int_equal(record_parse(buffer_slice(&line), &record, NULL), 0);
	assert_int_equal(record.format, RECORD_STREAMS);
	assert_true(record.time_us == START + 1234567 && record.op == RECORD_PUT);
	assert_string_equal(record.sequence, "2");
	assert_true(slice_equal(record.table_name, slice_of_text("orders")));
	fixture_item("{'id':'a','n':2}", &wanted);
	assert_true(slice_equal(record.item, buffer_slice(&wanted)));
	record_free(&record);
	buffer_free(&wanted);
	buffer_free(&line);
	store_abort(txn);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_its_form_for_ever),
		cmocka_unit_test(a_deletion_by_ttl_says_so),
		cmocka_unit_test(without_images_the_key_is_told_all_the_same),
		cmocka_unit_test_setup_teardown(reads_what_was_before_and_after, open_table, close_table),
		cmocka_unit_test_setup_teardown(reads_what_a_restored_table_had_before, open_table, close_table),
		cmocka_unit_test_setup_teardown(tells_by_the_keys_it_had, open_table, close_table),
		cmocka_unit_test_setup_teardown(tells_who, open_table, close_table),
		cmocka_unit_test_setup_teardown(tells_a_version_that_is_missing, open_table, close_table),
		cmocka_unit_test_setup_teardown(a_line_is_a_streams_record, open_table, close_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
