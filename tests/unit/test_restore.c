#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "describe.h"
#include "layout.h"
#include "pin.h"
#include "restore.h"
#include "tests/support/fixture.h"

#define NOON_US INT64_C(1740832200250000) /* 2025-03-01T12:30:00.25Z */

static int set_up(void **state)
{
	return fixture_begin_test(state, NOON_US);
}

static struct json *json_of(const char *text)
{
	struct buffer quoted = BUFFER_INIT;
	struct json *root;
	for (; *text; text++)
		buffer_append_byte(&quoted, (uint8_t)(*text == '\'' ? '"' : *text));
	fixture_require(json_parse(buffer_slice(&quoted), &json_default_limits, &root, NULL) == 0, text, NULL);
	buffer_free(&quoted);
	return root;
}

static struct table find(struct fixture *fixture, const char *name)
{
	struct table table;
	struct store_txn *txn = fixture_read(fixture);
	fixture_require(table_find(txn, slice_of_text(name), TIME_NOW, &table, NULL) == 0, name, NULL);
	store_abort(txn);
	return table;
}

static bool is_restoring(struct fixture *fixture, const char *name)
{
	struct table table = find(fixture, name);
	table_free(&table);
	return table.is_restoring;
}

static struct restore_progress progress_of(struct fixture *fixture, const char *name)
{
	struct table table = find(fixture, name);
	struct restore_progress progress;
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(restore_progress(txn, &table, &progress), 0);
	store_abort(txn);
	table_free(&table);
	return progress;
}

/* What `.table.json` says of a state. */
static struct json *document_of(struct fixture *fixture, const struct table *table, const struct snapshot *snapshot)
{
	struct buffer text = BUFFER_INIT;
	struct json *root;
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(describe_table_file(fixture->history, txn, table, snapshot, &text), 0);
	store_abort(txn);
	assert_int_equal(json_parse(buffer_slice(&text), &json_default_limits, &root, NULL), 0);
	buffer_free(&text);
	return root;
}

static void begin_copy(struct fixture *fixture, const char *name, const struct table *like, struct table *ret_table)
{
	struct error error = { 0 };
	struct change_context context = { 0 };
	struct batch *batch = fixture_begin(fixture);
	fixture_require(restore_begin(batch, slice_of_text(name), like, &context, ret_table, &error) == 0,
		"begin a restore", &error);
	fixture_commit(batch);
}

static int expect(
	struct fixture *fixture, const struct table *table, const struct json *document, struct error *ret_error)
{
	struct change_context context = { 0 };
	struct batch *batch = fixture_begin(fixture);
	*ret_error = (struct error){ 0 };
	int r = restore_expect(batch, table, document, &context, ret_error);
	if (r)
		batch_abort(batch);
	else
		fixture_commit(batch);
	return r;
}

static void must_expect(struct fixture *fixture, const struct table *table, const struct json *document)
{
	struct error error;
	if (expect(fixture, table, document, &error))
		fail_msg("%s", error.message);
}

/* Has items 1 to 3, of which 1 was changed and 3 came after the snapshot. */
static void make_orders(struct fixture *fixture, struct table *ret_table, struct snapshot *ret_snapshot)
{
	fixture_create(fixture, "orders", NULL, ret_table);
	fixture_put(fixture, ret_table, "{'id':'1','n':1}");
	fixture_put(fixture, ret_table, "{'id':'2','n':2}");
	clock_set(NOON_US + 10 * SECOND_US);
	assert_int_equal(fixture_at(fixture, ret_table, NOON_US + 5 * SECOND_US, ret_snapshot), 0);
	fixture_put(fixture, ret_table, "{'id':'1','n':100}");
	fixture_put(fixture, ret_table, "{'id':'3','n':3}");
}

/* --- copying --- */

static void test_the_last_item_ends_the_restore_in_its_commit(void **state)
{
	struct fixture *fixture = *state;
	struct table orders, table;
	struct snapshot snapshot;
	make_orders(fixture, &orders, &snapshot);
	begin_copy(fixture, "fixed", NULL, &table);
	assert_true(table.is_restoring);
	struct json *document = document_of(fixture, &orders, &snapshot);
	must_expect(fixture, &table, document);
	fixture_put(fixture, &table, "{'id':'1','n':1}");
	assert_true(is_restoring(fixture, "fixed"));
	struct restore_progress progress = progress_of(fixture, "fixed");
	assert_int_equal(progress.items, 1);
	assert_int_equal(progress.expected, 2);
	assert_string_equal(progress.source, "orders");
	assert_string_equal(progress.source_id, orders.id);
	assert_int_equal(progress.source_number, orders.number);
	assert_int_equal(progress.instant_us, NOON_US + 5 * SECOND_US);
	uint64_t commits = store_commit_number(history_store(fixture->history));
	fixture_put(fixture, &table, "{'id':'2','n':2}");
	assert_int_equal(store_commit_number(history_store(fixture->history)), commits + 1);
	assert_false(is_restoring(fixture, "fixed"));
	progress = progress_of(fixture, "fixed");
	assert_false(progress.is_in_progress);
	assert_int_equal(progress.items, 2);
	/* What it becomes later is no part of it. */
	fixture_put(fixture, &table, "{'id':'7'}");
	assert_int_equal(progress_of(fixture, "fixed").items, 2);
	json_free(document);
	table_free(&orders);
	table_free(&table);
}

static void test_a_batch_that_is_aborted_ends_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct table orders, table;
	struct snapshot snapshot;
	make_orders(fixture, &orders, &snapshot);
	begin_copy(fixture, "fixed", NULL, &table);
	struct json *document = document_of(fixture, &orders, &snapshot);
	must_expect(fixture, &table, document);
	struct batch *batch = fixture_begin(fixture);
	fixture_put_in(batch, &table, "{'id':'1'}", 0);
	fixture_put_in(batch, &table, "{'id':'2'}", 0);
	batch_abort(batch);
	assert_true(is_restoring(fixture, "fixed"));
	/* One batch may bring all. */
	batch = fixture_begin(fixture);
	fixture_put_in(batch, &table, "{'id':'1'}", 0);
	fixture_put_in(batch, &table, "{'id':'2'}", 0);
	fixture_commit(batch);
	assert_false(is_restoring(fixture, "fixed"));
	json_free(document);
	table_free(&orders);
	table_free(&table);
}

static void test_an_interrupted_copy_is_visible_and_can_be_finished(void **state)
{
	struct fixture *fixture = *state;
	struct table orders, table, found;
	struct snapshot snapshot;
	uint32_t number = 0;
	make_orders(fixture, &orders, &snapshot);
	begin_copy(fixture, "fixed", NULL, &table);
	struct json *document = document_of(fixture, &orders, &snapshot);
	must_expect(fixture, &table, document);
	fixture_put(fixture, &table, "{'id':'1','n':1}");
	fixture_reopen(fixture);
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(restore_next(txn, &number, &found), 1);
	assert_string_equal(found.name, "fixed");
	table_free(&found);
	assert_int_equal(restore_next(txn, &number, &found), 0);
	store_abort(txn);
	must_expect(fixture, &table, document);
	fixture_put(fixture, &table, "{'id':'1','n':1}");
	fixture_put(fixture, &table, "{'id':'2','n':2}");
	assert_false(is_restoring(fixture, "fixed"));
	number = 0;
	txn = fixture_read(fixture);
	assert_int_equal(restore_next(txn, &number, &found), 0);
	store_abort(txn);
	json_free(document);
	table_free(&orders);
	table_free(&table);
}

static void test_an_empty_snapshot_is_whole_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct table orders, table;
	struct snapshot snapshot;
	fixture_create(fixture, "orders", NULL, &orders);
	clock_set(NOON_US + SECOND_US);
	assert_int_equal(fixture_at(fixture, &orders, NOON_US + 1000, &snapshot), 0);
	struct json *document = document_of(fixture, &orders, &snapshot);
	begin_copy(fixture, "empty", NULL, &table);
	assert_true(is_restoring(fixture, "empty"));
	must_expect(fixture, &table, document);
	assert_false(is_restoring(fixture, "empty"));
	json_free(document);
	table_free(&orders);
	table_free(&table);
}

static void test_without_expectations_it_is_whole_when_accepted(void **state)
{
	struct fixture *fixture = *state;
	struct table table;
	struct change_context context = { 0 };
	begin_copy(fixture, "some", NULL, &table);
	fixture_put(fixture, &table, "{'id':'1'}");
	assert_true(is_restoring(fixture, "some"));
	for (unsigned i = 0; i < 2; i++) {
		struct batch *batch = fixture_begin(fixture);
		assert_int_equal(restore_accept(batch, &table, &context, NULL), 0);
		assert_int_equal(batch_changes(batch), i == 0);
		fixture_commit(batch);
		assert_false(is_restoring(fixture, "some"));
	}
	assert_int_equal(progress_of(fixture, "some").items, 1);
	assert_int_equal(progress_of(fixture, "some").expected, -1);
	table_free(&table);
}

static void test_what_to_expect_may_come_late(void **state)
{
	struct fixture *fixture = *state;
	struct table orders, table;
	struct snapshot snapshot;
	struct change_context context = { 0 };
	struct error error;
	make_orders(fixture, &orders, &snapshot);
	struct json *document = document_of(fixture, &orders, &snapshot);
	begin_copy(fixture, "late", NULL, &table);
	fixture_put(fixture, &table, "{'id':'1','n':1}");
	struct batch *batch = fixture_begin(fixture);
	assert_int_equal(restore_accept(batch, &table, &context, NULL), 0);
	fixture_commit(batch);
	must_expect(fixture, &table, document);
	assert_true(is_restoring(fixture, "late"));
	fixture_put(fixture, &table, "{'id':'2','n':2}");
	assert_false(is_restoring(fixture, "late"));
	/* Never again: it is somebody's table now. */
	assert_int_equal(expect(fixture, &table, document, &error), -EEXIST);
	assert_int_equal(expect(fixture, &orders, document, &error), -EEXIST);
	json_free(document);
	table_free(&orders);
	table_free(&table);
}

static void test_keys_and_settings_are_those_of_the_instant(void **state)
{
	struct fixture *fixture = *state;
	struct table songs, table;
	struct snapshot snapshot;
	fixture_create_text(fixture,
		"{'TableName':'songs','BillingMode':'PROVISIONED',"
		"'KeySchema':[{'AttributeName':'a','KeyType':'HASH'},{'AttributeName':'b','KeyType':'RANGE'}],"
		"'AttributeDefinitions':[{'AttributeName':'a','AttributeType':'S'},{'AttributeName':'b',"
		"'AttributeType':'N'}],'ProvisionedThroughput':{'ReadCapacityUnits':5,'WriteCapacityUnits':6},"
		"'DeletionProtectionEnabled':true,'Tags':[{'Key':'x','Value':'y'}],'TableClass':"
		"'STANDARD_INFREQUENT_ACCESS','TimeToLive':{'Enabled':true,'AttributeName':'ttl'},"
		"'StreamSpecification':{'StreamEnabled':true,'StreamViewType':'NEW_IMAGE'},"
		"'SSESpecification':{'Enabled':true,'SSEType':'KMS','KMSMasterKeyId':'k'},"
		"'PointInTimeRecoverySpecification':{'PointInTimeRecoveryEnabled':true,'RecoveryPeriodInDays':3},"
		"'GlobalSecondaryIndexes':[{'IndexName':'by-b','KeySchema':[{'AttributeName':'b','KeyType':'HASH'}],"
		"'Projection':{'ProjectionType':'ALL'},"
		"'ProvisionedThroughput':{'ReadCapacityUnits':1,'WriteCapacityUnits':2}}]}",
		&songs);
	fixture_put(fixture, &songs, "{'a':'x','b':1}");
	clock_set(NOON_US + SECOND_US);
	assert_int_equal(fixture_at(fixture, &songs, NOON_US + 1000, &snapshot), 0);
	struct json *document = document_of(fixture, &songs, &snapshot);
	begin_copy(fixture, "fixed", NULL, &table);
	must_expect(fixture, &table, document);
	table_free(&table);
	table = find(fixture, "fixed");
	fixture_put(fixture, &table, "{'a':'x','b':1}");
	struct snapshot live = snapshot_live(table.number);
	struct json *copied = document_of(fixture, &table, &live);
	static const char *const same[] = { "KeySchema", "AttributeDefinitions", "ProvisionedThroughput",
		"SSEDescription" };
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		struct buffer a = BUFFER_INIT, b = BUFFER_INIT;
		json_append(&a, json_member(document, same[i]));
		json_append(&b, json_member(copied, same[i]));
		assert_string_equal(buffer_text(&a), buffer_text(&b));
		buffer_free(&a);
		buffer_free(&b);
	}
	const struct json *index = json_first(json_member(copied, "GlobalSecondaryIndexes"));
	int64_t units;
	assert_true(json_get_i64(json_member(index, "ProvisionedThroughput"), "WriteCapacityUnits", &units));
	assert_int_equal(units, 2);
	assert_null(json_member(copied, "TableClassSummary"));
	assert_null(json_member(copied, "StreamSpecification"));
	assert_false(table.is_protected);
	assert_int_equal(table.period_days, 35);
	struct value value;
	assert_false(item_attribute(buffer_slice(&table.description), slice_of_text("Tags"), &value));
	assert_false(item_attribute(buffer_slice(&table.description), slice_of_text("TimeToLive"), &value));
	assert_string_not_equal(table.id, songs.id);
	json_free(document);
	json_free(copied);
	table_free(&songs);
	table_free(&table);
}

static void test_other_keys_are_refused_once_there_are_items(void **state)
{
	struct fixture *fixture = *state;
	struct table orders, parts, table;
	struct snapshot snapshot, of_parts;
	struct error error;
	struct change_context context = { 0 };
	make_orders(fixture, &orders, &snapshot);
	fixture_create(fixture, "parts", "part", &parts);
	fixture_put(fixture, &parts, "{'id':'1','part':'a'}");
	clock_set(NOON_US + 20 * SECOND_US);
	assert_int_equal(fixture_at(fixture, &parts, NOON_US + 15 * SECOND_US, &of_parts), 0);
	struct json *document = document_of(fixture, &parts, &of_parts);
	begin_copy(fixture, "mixed", NULL, &table);
	fixture_put(fixture, &table, "{'id':'1'}");
	assert_int_equal(expect(fixture, &table, document, &error), -EINVAL);
	assert_non_null(strstr(error.message, "other keys"));
	struct batch *batch = fixture_begin(fixture);
	assert_int_equal(restore_set_keys(batch, &table, &parts, &context, &error), -EINVAL);
	assert_int_equal(restore_set_keys(batch, &table, &orders, &context, &error), 0);
	batch_abort(batch);
	/* Before there are any, the keys are what is copied first. */
	table_free(&table);
	begin_copy(fixture, "keyed", NULL, &table);
	batch = fixture_begin(fixture);
	assert_int_equal(restore_set_keys(batch, &table, &parts, &context, &error), 0);
	fixture_commit(batch);
	table_free(&table);
	table = find(fixture, "keyed");
	assert_true(table.schema.has_sort && table.is_restoring);
	assert_string_equal(progress_of(fixture, "keyed").source, "parts");
	json_free(document);
	table_free(&orders);
	table_free(&parts);
	table_free(&table);
}

static void test_two_snapshots_do_not_mix(void **state)
{
	struct fixture *fixture = *state;
	struct table orders, table;
	struct snapshot first, second;
	struct error error;
	make_orders(fixture, &orders, &first);
	clock_set(NOON_US + 20 * SECOND_US);
	assert_int_equal(fixture_at(fixture, &orders, NOON_US + 15 * SECOND_US, &second), 0);
	struct json *one = document_of(fixture, &orders, &first), *other = document_of(fixture, &orders, &second);
	begin_copy(fixture, "fixed", NULL, &table);
	must_expect(fixture, &table, one);
	must_expect(fixture, &table, other);
	assert_int_equal(progress_of(fixture, "fixed").expected, 3);
	fixture_put(fixture, &table, "{'id':'1'}");
	assert_int_equal(expect(fixture, &table, one, &error), -EINVAL);
	assert_non_null(strstr(error.message, "another snapshot"));
	json_free(one);
	json_free(other);
	table_free(&orders);
	table_free(&table);
}

/* The copy would be taken for whole with one of the state's items missing. */
static void test_items_of_another_state_do_not_count(void **state)
{
	struct fixture *fixture = *state;
	struct table orders, table;
	struct snapshot snapshot;
	struct error error;
	make_orders(fixture, &orders, &snapshot);
	struct json *document = document_of(fixture, &orders, &snapshot);
	begin_copy(fixture, "mixed", NULL, &table);
	fixture_put(fixture, &table, "{'id':'1'}");
	fixture_put(fixture, &table, "{'id':'stray'}");
	assert_int_equal(expect(fixture, &table, document, &error), -EINVAL);
	assert_non_null(strstr(error.message, "not in this state of orders"));
	fixture_remove(fixture, &table, "{'id':'stray'}");
	must_expect(fixture, &table, document);
	assert_true(is_restoring(fixture, "mixed"));
	json_free(document);
	table_free(&orders);
	table_free(&table);
}

static void test_a_changed_count_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct table orders, table;
	struct snapshot snapshot;
	struct error error;
	struct buffer text = BUFFER_INIT;
	make_orders(fixture, &orders, &snapshot);
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(describe_table_file(fixture->history, txn, &orders, &snapshot, &text), 0);
	store_abort(txn);
	struct buffer changed = BUFFER_INIT;
	const char *name = strstr(buffer_text(&text), "\"ItemCount\"");
	assert_non_null(name);
	buffer_append(&changed, buffer_text(&text), (size_t)(name - buffer_text(&text)));
	buffer_append_text(&changed, "\"ItemCount\":1,\"Was\"");
	buffer_append_text(&changed, name + strlen("\"ItemCount\""));
	struct json *document;
	assert_int_equal(json_parse(buffer_slice(&changed), &json_default_limits, &document, NULL), 0);
	buffer_free(&changed);
	begin_copy(fixture, "fixed", NULL, &table);
	assert_int_equal(expect(fixture, &table, document, &error), -EINVAL);
	assert_non_null(strstr(error.message, "has 2"));
	json_free(document);
	buffer_free(&text);
	table_free(&orders);
	table_free(&table);
}

static void test_documents_that_say_nothing_useful(void **state)
{
	struct fixture *fixture = *state;
	struct table table;
	struct error error;
	static const char keys[] = "'KeySchema':[{'AttributeName':'id','KeyType':'HASH'}],"
				   "'AttributeDefinitions':[{'AttributeName':'id','AttributeType':'N'}]";
	static const char *const bad[] = { "[]", "{'KeySchema':[]}", "{'KeySchema':'id','AttributeDefinitions':7}",
		"{%s,'GlobalSecondaryIndexes':'x'}", "{%s,'LocalSecondaryIndexes':['x']}",
		"{%s,'GlobalSecondaryIndexes':[{}]}", "{%s,'ItemCount':5,'Snapshot':'x'}",
		"{%s,'Snapshot':{'Table':'x','Instant':'2025-03-01T12:30:00Z'}}",
		"{%s,'ItemCount':-1,'Snapshot':{'Table':'x','Instant':'2025-03-01T12:30:00Z'}}",
		"{%s,'ItemCount':5,'Snapshot':{'Table':'x','Instant':'soon'}}",
		"{%s,'ItemCount':5,'Snapshot':{'Table':'x'}}" };
	begin_copy(fixture, "fixed", NULL, &table);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[512];
		const char *at = strstr(bad[i], "%s");
		snprintf(text, sizeof(text), "%.*s%s%s", at ? (int)(at - bad[i]) : (int)strlen(bad[i]), bad[i],
			at ? keys : "", at ? at + 2 : "");
		struct json *document = json_of(text);
		assert_int_equal(expect(fixture, &table, document, &error), -EINVAL);
		assert_true(error.message[0]);
		json_free(document);
	}
	/* A live table's: settings, and nothing to expect. */
	char text[512];
	snprintf(text, sizeof(text), "{%s,'ItemCount':5,'PointInTimeRecoveryDescription':{}}", keys);
	struct json *document = json_of(text);
	must_expect(fixture, &table, document);
	json_free(document);
	assert_int_equal(progress_of(fixture, "fixed").expected, -1);
	table_free(&table);
	table = find(fixture, "fixed");
	assert_int_equal(table.schema.partition.type, VALUE_N);
	table_free(&table);
}

static void test_names_that_are_taken(void **state)
{
	struct fixture *fixture = *state;
	struct table orders, table, none;
	struct error error = { 0 };
	struct change_context context = { 0 };
	fixture_create(fixture, "orders", NULL, &orders);
	begin_copy(fixture, "fixed", NULL, &table);
	struct batch *batch = fixture_begin(fixture);
	static const struct {
		const char *name;
		int code;
		const char *aws, *message;
	} cases[] = {
		{ "orders", -EEXIST, "TableAlreadyExistsException", "Table already exists: orders" },
		{ "fixed", -EEXIST, "TableInUseException", "Table: fixed is already being restored" },
		{ "bad name!", -EINVAL, "ValidationException",
			"1 validation error detected: Value 'bad name!' at 'targetTableName' failed to satisfy "
			"constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+" },
		{ "ab", -EINVAL, "ValidationException",
			"1 validation error detected: Value 'ab' at 'targetTableName' failed to satisfy constraint: "
			"Member must have length greater than or equal to 3" },
		{ "restore", -EINVAL, "ValidationException", NULL },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int r = restore_begin(batch, slice_of_text(cases[i].name), NULL, &context, &none, &error);
		assert_int_equal(r, cases[i].code);
		assert_string_equal(error.aws, cases[i].aws);
		if (cases[i].message)
			assert_string_equal(error.message, cases[i].message);
	}
	batch_abort(batch);
	/* Nor can a table of that name be made in another way. */
	batch = fixture_begin(fixture);
	assert_int_equal(table_create_default(batch, slice_of_text("fixed"), &context, &none, &error), -EEXIST);
	assert_string_equal(error.aws, "ResourceInUseException");
	batch_abort(batch);
	table_free(&orders);
	table_free(&table);
}

static void test_a_table_in_progress_can_be_dropped_and_used_by_nobody(void **state)
{
	struct fixture *fixture = *state;
	struct table table;
	struct error error = { 0 };
	struct pin pin;
	struct pin_place place = { 0 };
	uint32_t number = 0;
	begin_copy(fixture, "fixed", NULL, &table);
	fixture_put(fixture, &table, "{'id':'1'}");
	assert_int_equal(restore_check_usable(&table, &error), -ENOENT);
	assert_string_equal(error.aws, "ResourceNotFoundException");
	assert_string_equal(error.message, "Requested resource not found: Table: fixed not found");
	fixture_drop(fixture, &table);
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(restore_next(txn, &number, &table), 0);
	assert_int_equal(pin_next(txn, UINT32_MAX, &place, &pin), 0);
	store_abort(txn);
	table_free(&table);
	begin_copy(fixture, "fixed", NULL, &table);
	table_free(&table);
}

/* A change of its settings leaves a restored table its origin. */
static void test_settings_change_and_the_origin_stays(void **state)
{
	struct fixture *fixture = *state;
	struct table orders, table;
	struct snapshot snapshot;
	struct change_context context = { 0 };
	make_orders(fixture, &orders, &snapshot);
	begin_copy(fixture, "fixed", &orders, &table);
	struct json *settings = json_of("{'DeletionProtectionEnabled':true}");
	struct batch *batch = fixture_begin(fixture);
	assert_int_equal(table_update(batch, &table, settings, &context, NULL), 0);
	fixture_commit(batch);
	assert_string_equal(progress_of(fixture, "fixed").source, "orders");
	assert_true(is_restoring(fixture, "fixed"));
	json_free(settings);
	table_free(&orders);
	table_free(&table);
}

static void test_names_of_snapshots_become_names_of_tables(void **state)
{
	(void)state;
	struct buffer name = BUFFER_INIT;
	restore_own_name(slice_of_text("2025-03-01T12:30:00.5"), &name);
	assert_string_equal(buffer_text(&name), "restored-2025-03-01T12-30-00.5");
	buffer_clear(&name);
	restore_own_name(slice_of_text("2025-03-01T12:30:00+02:00"), &name);
	assert_string_equal(buffer_text(&name), "restored-2025-03-01T12-30-00-02-00");
	buffer_free(&name);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, fixture_end_test)
	const struct CMUnitTest tests[] = {
		TEST(test_the_last_item_ends_the_restore_in_its_commit),
		TEST(test_a_batch_that_is_aborted_ends_nothing),
		TEST(test_an_interrupted_copy_is_visible_and_can_be_finished),
		TEST(test_an_empty_snapshot_is_whole_at_once),
		TEST(test_without_expectations_it_is_whole_when_accepted),
		TEST(test_what_to_expect_may_come_late),
		TEST(test_keys_and_settings_are_those_of_the_instant),
		TEST(test_other_keys_are_refused_once_there_are_items),
		TEST(test_two_snapshots_do_not_mix),
		TEST(test_items_of_another_state_do_not_count),
		TEST(test_a_changed_count_is_refused),
		TEST(test_documents_that_say_nothing_useful),
		TEST(test_names_that_are_taken),
		TEST(test_a_table_in_progress_can_be_dropped_and_used_by_nobody),
		TEST(test_settings_change_and_the_origin_stays),
		TEST(test_names_of_snapshots_become_names_of_tables),
	};
	return cmocka_run_group_tests_name("restore", tests, NULL, NULL);
}
