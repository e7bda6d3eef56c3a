#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup.h"
#include "clock.h"
#include "describe.h"
#include "json.h"
#include "tests/support/fixture.h"

#define NOON_US INT64_C(1740832200250000) /* 2025-03-01T12:30:00.25Z */

static int set_up(void **state)
{
	return fixture_begin_test(state, NOON_US);
}

static struct json *parse(struct buffer *text)
{
	struct json *root;
	struct error error = { 0 };
	if (json_parse(buffer_slice(text), &json_default_limits, &root, &error) < 0)
		fail_msg("%s: %s", error.message, buffer_text(text));
	return root;
}

static struct json *describe(struct fixture *fixture, const struct table *table)
{
	struct buffer text = BUFFER_INIT;
	struct snapshot live = snapshot_live(table->number);
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(describe_table(txn, table, &live, &text), 0);
	store_abort(txn);
	struct json *root = parse(&text);
	buffer_free(&text);
	return root;
}

static void assert_json(const struct json *root, const char *name, const char *expected)
{
	struct buffer text = BUFFER_INIT;
	const struct json *member = json_member(root, name);
	if (!member)
		fail_msg("there is no member %s", name);
	json_append(&text, member);
	assert_string_equal(buffer_text(&text), expected);
	buffer_free(&text);
}

static void test_a_plain_table(void **state)
{
	struct fixture *fixture = *state;
	struct table table;
	fixture_create(fixture, "orders", NULL, &table);
	fixture_put(fixture, &table, "{'id':'1','n':12}");
	struct json *root = describe(fixture, &table);
	assert_json(root, "TableName", "\"orders\"");
	assert_json(root, "KeySchema", "[{\"AttributeName\":\"id\",\"KeyType\":\"HASH\"}]");
	assert_json(root, "AttributeDefinitions", "[{\"AttributeName\":\"id\",\"AttributeType\":\"S\"}]");
	assert_json(root, "TableStatus", "\"ACTIVE\"");
	assert_json(root, "CreationDateTime", "1740832200.25");
	assert_json(root, "ItemCount", "1");
	assert_json(root, "TableSizeBytes", "6");
	assert_json(root, "TableArn", "\"arn:aws:dynamodb:local:000000000000:table/orders\"");
	assert_json(root, "BillingModeSummary", "{\"BillingMode\":\"PAY_PER_REQUEST\"}");
	assert_json(root, "ProvisionedThroughput",
		"{\"NumberOfDecreasesToday\":0,\"ReadCapacityUnits\":0,\"WriteCapacityUnits\":0}");
	assert_json(root, "DeletionProtectionEnabled", "false");
	assert_true(slice_equal(json_name(json_first(root)), slice_of_text("TableName")));
	static const char *const own[] = { "TableNumber", "CreatedUs", "ExistsFromUs", "PointInTimeRecovery",
		"BillingMode" };
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		assert_null(json_member(root, own[i]));
	json_free(root);
	table_free(&table);
}

static void test_settings_and_indexes(void **state)
{
	struct fixture *fixture = *state;
	struct table table;
	fixture_create_text(fixture,
		"{'TableName':'songs','BillingMode':'PROVISIONED','TableClass':'STANDARD',"
		"'KeySchema':[{'AttributeName':'a','KeyType':'HASH'},{'AttributeName':'b','KeyType':'RANGE'}],"
		"'AttributeDefinitions':[{'AttributeName':'a','AttributeType':'S'},{'AttributeName':'b','AttributeType'"
		":'N'}],"
		"'ProvisionedThroughput':{'ReadCapacityUnits':5,'WriteCapacityUnits':6},'DeletionProtectionEnabled':"
		"true,"
		"'SSESpecification':{'Enabled':true,'KMSMasterKeyId':'k'},'Tags':[{'Key':'x','Value':'y'}],"
		"'GlobalSecondaryIndexes':[{'IndexName':'by-b','KeySchema':[{'AttributeName':'b','KeyType':'HASH'}],"
		"'Projection':{'ProjectionType':'ALL'}}],"
		"'LocalSecondaryIndexes':[{'IndexName':'loc','KeySchema':[],'Projection':{'ProjectionType':'KEYS_ONLY'}"
		"}]}",
		&table);
	struct json *root = describe(fixture, &table);
	assert_json(root, "ProvisionedThroughput",
		"{\"NumberOfDecreasesToday\":0,\"ReadCapacityUnits\":5,\"WriteCapacityUnits\":6}");
	assert_json(root, "DeletionProtectionEnabled", "true");
	assert_json(root, "TableClassSummary", "{\"TableClass\":\"STANDARD\"}");
	assert_json(root, "SSEDescription", "{\"KMSMasterKeyArn\":\"k\",\"SSEType\":\"KMS\",\"Status\":\"ENABLED\"}");
	assert_json(root, "GlobalSecondaryIndexes",
		"[{\"IndexArn\":\"arn:aws:dynamodb:local:000000000000:table/songs/index/by-b\",\"IndexName\":\"by-b\","
		"\"IndexStatus\":\"ACTIVE\",\"KeySchema\":[{\"AttributeName\":\"b\",\"KeyType\":\"HASH\"}],"
		"\"Projection\":{\"ProjectionType\":\"ALL\"},\"ProvisionedThroughput\":{\"NumberOfDecreasesToday\":0,"
		"\"ReadCapacityUnits\":0,\"WriteCapacityUnits\":0}}]");
	assert_json(root, "LocalSecondaryIndexes",
		"[{\"IndexArn\":\"arn:aws:dynamodb:local:000000000000:table/songs/index/loc\",\"IndexName\":\"loc\","
		"\"KeySchema\":[],\"Projection\":{\"ProjectionType\":\"KEYS_ONLY\"}}]");
	assert_null(json_member(root, "BillingModeSummary"));
	assert_null(json_member(root, "Tags"));
	json_free(root);
	table_free(&table);
}

static void test_a_past_instant(void **state)
{
	struct fixture *fixture = *state;
	struct table table;
	struct snapshot snapshot;
	struct buffer text = BUFFER_INIT;
	fixture_create(fixture, "orders", NULL, &table);
	fixture_put(fixture, &table, "{'id':'1'}");
	clock_set(NOON_US + SECOND_US);
	fixture_put(fixture, &table, "{'id':'2'}");
	assert_int_equal(fixture_at(fixture, &table, NOON_US + SECOND_US / 2, &snapshot), 0);
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(describe_table(txn, &table, &snapshot, &text), 0);
	store_abort(txn);
	struct json *root = parse(&text);
	assert_json(root, "ItemCount", "1");
	json_free(root);
	buffer_free(&text);
	table_free(&table);
}

static struct json *describe_file(struct fixture *fixture, const struct table *table, size_t *ret_size)
{
	struct buffer text = BUFFER_INIT;
	struct snapshot live = snapshot_live(table->number);
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(describe_table_file(fixture->history, txn, table, &live, &text), 0);
	store_abort(txn);
	assert_true(slice_starts_with(buffer_slice(&text), "{\n  \"TableName\": \"orders\",\n"));
	assert_true(slice_ends_with(buffer_slice(&text), "\n}\n"));
	*ret_size = text.size;
	struct json *root = parse(&text);
	buffer_free(&text);
	return root;
}

static void create_with_recovery(struct fixture *fixture, const char *recovery, struct table *ret_table)
{
	char request[512];
	snprintf(request, sizeof(request),
		"{'TableName':'orders','BillingMode':'PAY_PER_REQUEST',"
		"'KeySchema':[{'AttributeName':'id','KeyType':'HASH'}],"
		"'AttributeDefinitions':[{'AttributeName':'id','AttributeType':'S'}],"
		"'PointInTimeRecoverySpecification':%s}",
		recovery);
	fixture_create_text(fixture, request, ret_table);
}

static void test_the_file_keeps_its_length_while_time_passes(void **state)
{
	struct fixture *fixture = *state;
	struct table table;
	size_t size, size_later;
	create_with_recovery(fixture, "{'PointInTimeRecoveryEnabled':true}", &table);
	clock_set(NOON_US + 2 * SECOND_US + 123456);
	struct json *root = describe_file(fixture, &table, &size);
	assert_json(root, "PointInTimeRecoveryDescription",
		"{\"EarliestRestorableDateTime\":1740832200.25,\"LatestRestorableDateTime\":1740832202,"
		"\"PointInTimeRecoveryStatus\":\"ENABLED\",\"RecoveryPeriodInDays\":35}");
	json_free(root);
	clock_set(NOON_US + 3 * SECOND_US + 654321);
	json_free(describe_file(fixture, &table, &size_later));
	assert_int_equal(size, size_later);
	clock_set(NOON_US + 40 * DAY_US);
	root = describe_file(fixture, &table, &size);
	assert_json(root, "PointInTimeRecoveryDescription",
		"{\"EarliestRestorableDateTime\":1741264201,\"LatestRestorableDateTime\":1744288200,"
		"\"PointInTimeRecoveryStatus\":\"ENABLED\",\"RecoveryPeriodInDays\":35}");
	json_free(root);
	table_free(&table);
}

static void test_the_file_of_other_periods(void **state)
{
	struct fixture *fixture = *state;
	struct table table;
	size_t size;
	create_with_recovery(fixture, "{'PointInTimeRecoveryEnabled':false}", &table);
	struct json *root = describe_file(fixture, &table, &size);
	assert_json(root, "PointInTimeRecoveryDescription", "{\"PointInTimeRecoveryStatus\":\"DISABLED\"}");
	json_free(root);
	fixture_drop(fixture, &table);
	table_free(&table);
	create_with_recovery(fixture, "{'PointInTimeRecoveryEnabled':true,'RecoveryPeriodInDays':'forever'}", &table);
	root = describe_file(fixture, &table, &size);
	struct slice period;
	assert_true(
		json_get_text(json_member(root, "PointInTimeRecoveryDescription"), "RecoveryPeriodInDays", &period));
	assert_true(slice_equal(period, slice_of_text("forever")));
	json_free(root);
	table_free(&table);
}

/* --- restored tables and snapshots --- */

static struct json *describe_file_at(
	struct fixture *fixture, const struct table *table, const struct snapshot *snapshot)
{
	struct buffer text = BUFFER_INIT;
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(describe_table_file(fixture->history, txn, table, snapshot, &text), 0);
	store_abort(txn);
	struct json *root = parse(&text);
	buffer_free(&text);
	return root;
}

static void test_a_snapshot_says_which_it_is(void **state)
{
	struct fixture *fixture = *state;
	struct table table;
	struct snapshot snapshot;
	struct pin pin;
	struct change_context context = { 0 };
	char expected[256];
	fixture_create(fixture, "orders", NULL, &table);
	fixture_put(fixture, &table, "{'id':'1'}");
	clock_set(NOON_US + SECOND_US);
	assert_int_equal(fixture_at(fixture, &table, NOON_US + SECOND_US / 2, &snapshot), 0);
	struct json *root = describe_file_at(fixture, &table, &snapshot);
	snprintf(expected, sizeof(expected),
		"{\"Instant\":\"2025-03-01T12:30:00.75Z\",\"SequenceNumber\":1,\"Table\":\"orders\",\"TableId\":\"%"
		"s\"}",
		table.id);
	assert_json(root, "Snapshot", expected);
	assert_json(root, "ItemCount", "1");
	json_free(root);
	struct batch *batch = fixture_begin(fixture);
	assert_int_equal(backup_create(batch, &table, &snapshot, slice_of_text("nightly"), &context, &pin, NULL), 0);
	fixture_commit(batch);
	snapshot = snapshot_of_pin(&pin);
	root = describe_file_at(fixture, &table, &snapshot);
	assert_json(json_member(root, "Snapshot"), "Backup",
		"\"arn:aws:dynamodb:local:000000000000:table/orders/backup/01740832201250-00000001\"");
	json_free(root);
	struct snapshot live = snapshot_live(table.number);
	root = describe_file_at(fixture, &table, &live);
	assert_null(json_member(root, "Snapshot"));
	json_free(root);
	table_free(&table);
}

static struct table find(struct fixture *fixture, const char *name)
{
	struct table table;
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(table_find(txn, slice_of_text(name), TIME_NOW, &table, NULL), 0);
	store_abort(txn);
	return table;
}

static void test_a_table_that_is_being_restored(void **state)
{
	struct fixture *fixture = *state;
	struct table orders, table;
	struct snapshot snapshot;
	struct change_context context = { 0 };
	fixture_create(fixture, "orders", NULL, &orders);
	fixture_put(fixture, &orders, "{'id':'1'}");
	fixture_put(fixture, &orders, "{'id':'2'}");
	clock_set(NOON_US + SECOND_US);
	assert_int_equal(fixture_at(fixture, &orders, NOON_US + SECOND_US / 2, &snapshot), 0);
	struct json *document = describe_file_at(fixture, &orders, &snapshot);
	struct batch *batch = fixture_begin(fixture);
	assert_int_equal(restore_begin(batch, slice_of_text("fixed"), NULL, &context, &table, NULL), 0);
	assert_int_equal(restore_expect(batch, &table, document, &context, NULL), 0);
	fixture_put_in(batch, &table, "{'id':'1'}", 0);
	fixture_commit(batch);
	table_free(&table);
	table = find(fixture, "fixed");
	struct json *root = describe(fixture, &table);
	assert_json(root, "TableStatus", "\"CREATING\"");
	assert_json(root, "RestoreSummary",
		"{\"RestoreDateTime\":1740832200.75,\"RestoreInProgress\":true,\"SourceTableArn\":"
		"\"arn:aws:dynamodb:local:000000000000:table/orders\"}");
	assert_null(json_member(root, "Restore"));
	json_free(root);
	struct snapshot live = snapshot_live(table.number);
	root = describe_file_at(fixture, &table, &live);
	const struct json *restore = json_member(root, "Restore");
	assert_json(restore, "InProgress", "true");
	assert_json(restore, "ItemsCopied", "1");
	assert_json(restore, "ItemsExpected", "2");
	assert_json(restore, "SourceTable", "\"orders\"");
	assert_json(restore, "Instant", "\"2025-03-01T12:30:00.75Z\"");
	assert_json(restore, "Started", "\"2025-03-01T12:30:01.25Z\"");
	json_free(root);
	/* AWS forgets where a table came from when it is whole. */
	fixture_put(fixture, &table, "{'id':'2'}");
	table_free(&table);
	table = find(fixture, "fixed");
	root = describe(fixture, &table);
	assert_json(root, "TableStatus", "\"ACTIVE\"");
	assert_null(json_member(root, "RestoreSummary"));
	json_free(root);
	root = describe_file_at(fixture, &table, &live);
	assert_json(json_member(root, "Restore"), "InProgress", "false");
	assert_json(json_member(root, "Restore"), "ItemsCopied", "2");
	json_free(root);
	json_free(document);
	table_free(&orders);
	table_free(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_plain_table, set_up, fixture_end_test),
		cmocka_unit_test_setup_teardown(test_settings_and_indexes, set_up, fixture_end_test),
		cmocka_unit_test_setup_teardown(test_a_past_instant, set_up, fixture_end_test),
		cmocka_unit_test_setup_teardown(
			test_the_file_keeps_its_length_while_time_passes, set_up, fixture_end_test),
		cmocka_unit_test_setup_teardown(test_the_file_of_other_periods, set_up, fixture_end_test),
		cmocka_unit_test_setup_teardown(test_a_snapshot_says_which_it_is, set_up, fixture_end_test),
		cmocka_unit_test_setup_teardown(test_a_table_that_is_being_restored, set_up, fixture_end_test),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
