#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup.h"
#include "clock.h"
#include "describe_backup.h"
#include "retention.h"
#include "tests/support/fixture.h"

#define NOON_US INT64_C(1740832200250000) /* 2025-03-01T12:30:00.25Z */
#define ORDERS_ARN "arn:aws:dynamodb:local:000000000000:table/orders"

static int set_up(void **state)
{
	return fixture_begin_test(state, NOON_US);
}

static int back_up(struct fixture *fixture, const struct table *table, const struct snapshot *snapshot,
	const char *name, struct pin *ret_pin, struct error *ret_error)
{
	struct change_context context = { 0 };
	struct batch *batch = fixture_begin(fixture);
	*ret_error = (struct error){ 0 };
	int r = batch_author(batch, slice_of_text("{\"by\":\"pitr\",\"user\":\"ann\"}"), &context.author);
	if (!r)
		r = backup_create(batch, table, snapshot, slice_of_text(name), &context, ret_pin, ret_error);
	if (r)
		batch_abort(batch);
	else
		fixture_commit(batch);
	return r;
}

static void must_back_up(struct fixture *fixture, const struct table *table, const struct snapshot *snapshot,
	const char *name, struct pin *ret_pin)
{
	struct error error;
	fixture_require(back_up(fixture, table, snapshot, name, ret_pin, &error) == 0, "make a backup", &error);
}

static void restore(struct fixture *fixture, const struct pin *pin, const char *name, struct table *ret_table)
{
	struct change_context context = { 0 };
	struct restore_source source;
	struct error error = { 0 };
	struct batch *batch = fixture_begin(fixture);
	fixture_require(backup_source(batch_txn(batch), pin, &source, &error) == 0, "find a backup", &error);
	fixture_require(restore_share(batch, &source, slice_of_text(name), NULL, &context, ret_table, &error) == 0,
		"restore a backup", &error);
	restore_source_free(&source);
	fixture_commit(batch);
}

static void assert_arn(struct fixture *fixture, const struct pin *pin, const char *expected)
{
	char arn[BACKUP_ARN_MAX];
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(backup_arn(txn, pin, arn), 0);
	store_abort(txn);
	assert_string_equal(arn, expected);
}

static void assert_directory(struct fixture *fixture, const struct pin *pin, const char *expected)
{
	struct buffer name = BUFFER_INIT;
	struct pin found;
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(backup_directory_name(txn, pin, &name), 0);
	assert_string_equal(buffer_text(&name), expected);
	assert_int_equal(backup_find_name(txn, pin->table, slice_of(NULL, 0), buffer_slice(&name), &found), 0);
	assert_int_equal(found.number, pin->number);
	store_abort(txn);
	buffer_free(&name);
}

static void test_a_backup_of_now(void **state)
{
	struct fixture *fixture = *state;
	struct table orders, restored;
	struct pin pin, found;
	struct buffer out = BUFFER_INIT;
	fixture_create(fixture, "orders", NULL, &orders);
	fixture_put(fixture, &orders, "{'id':'1','n':1}");
	clock_set(NOON_US + SECOND_US);
	must_back_up(fixture, &orders, NULL, "pre-release", &pin);
	assert_arn(fixture, &pin, ORDERS_ARN "/backup/01740832201250-00000001");
	assert_int_equal(pin.time_us, NOON_US + SECOND_US);
	assert_int_equal(pin.items, 1);
	assert_int_equal(pin.bytes, 6);
	assert_string_equal(pin.author, "{\"by\":\"pitr\",\"user\":\"ann\"}");
	/* The clock stands still, and yet this is later. */
	fixture_put(fixture, &orders, "{'id':'2'}");
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(
		backup_find_arn(txn, slice_of_text(ORDERS_ARN "/backup/01740832201250-00000001"), &found, NULL), 0);
	store_abort(txn);
	restore(fixture, &found, "restored", &restored);
	assert_string_equal(fixture_show_live(fixture, &restored, &out), "1.json {\"id\":\"1\",\"n\":1}\n");
	struct snapshot at;
	assert_int_equal(fixture_at(fixture, &orders, pin.time_us, &at), 0);
	assert_int_equal(at.seq, pin.seq);
	buffer_free(&out);
	table_free(&orders);
	table_free(&restored);
}

static void test_a_backup_of_a_snapshot_that_survives_its_table(void **state)
{
	struct fixture *fixture = *state;
	struct table orders, restored;
	struct pin pin;
	struct snapshot snapshot;
	struct restore_progress progress;
	struct buffer out = BUFFER_INIT;
	char arn[BACKUP_ARN_MAX];
	fixture_create(fixture, "orders", "part", &orders);
	fixture_put(fixture, &orders, "{'id':'1','part':'a'}");
	clock_set(NOON_US + 10 * SECOND_US);
	fixture_put(fixture, &orders, "{'id':'2','part':'a'}");
	assert_int_equal(fixture_at(fixture, &orders, NOON_US + SECOND_US, &snapshot), 0);
	must_back_up(fixture, &orders, &snapshot, "old", &pin);
	assert_int_equal(pin.time_us, NOON_US + SECOND_US);
	assert_int_equal(pin.created_us, NOON_US + 10 * SECOND_US);
	fixture_drop(fixture, &orders);
	fixture_reopen(fixture);
	restore(fixture, &pin, "orders", &restored);
	assert_string_equal(fixture_show_live(fixture, &restored, &out), "1/a.json {\"id\":\"1\",\"part\":\"a\"}\n");
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(restore_progress(txn, &restored, &progress), 0);
	assert_int_equal(backup_arn(txn, &pin, arn), 0);
	assert_string_equal(progress.backup_arn, arn);
	store_abort(txn);
	buffer_free(&out);
	table_free(&orders);
	table_free(&restored);
}

static void test_names_need_not_be_unique(void **state)
{
	struct fixture *fixture = *state;
	struct table orders;
	struct pin first, second, other, found;
	fixture_create(fixture, "orders", NULL, &orders);
	must_back_up(fixture, &orders, NULL, "nightly", &first);
	assert_directory(fixture, &first, "nightly");
	must_back_up(fixture, &orders, NULL, "nightly", &second);
	must_back_up(fixture, &orders, NULL, "nightly.2", &other);
	assert_directory(fixture, &first, "nightly~01740832200250-00000001");
	assert_directory(fixture, &second, "nightly");
	assert_directory(fixture, &other, "nightly.2");
	struct store_txn *txn = fixture_read(fixture);
	struct slice longer = slice_of_text("nightly~01740832200250-00000002"), none = slice_of(NULL, 0);
	assert_int_equal(backup_find_name(txn, orders.number, none, longer, &found), 0);
	assert_int_equal(found.number, second.number);
	assert_int_equal(backup_find_name(txn, orders.number, none, slice_of_text("night"), &found), -ENOENT);
	assert_int_equal(backup_find_name(txn, orders.number, none, slice_of_text("nightly~"), &found), -ENOENT);
	store_abort(txn);
	struct batch *batch = fixture_begin(fixture);
	assert_int_equal(backup_delete(batch, &second, NULL), 0);
	fixture_commit(batch);
	assert_directory(fixture, &first, "nightly");
	table_free(&orders);
}

static void test_names_that_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct table orders;
	struct pin pin;
	struct error error;
	fixture_create(fixture, "orders", NULL, &orders);
	static const char *const bad[] = { "", "ab", "a b", "a/b", "a~b", "orders$DeletedTableBackup" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(back_up(fixture, &orders, NULL, bad[i], &pin, &error), -EINVAL);
		assert_string_equal(error.aws, "ValidationException");
	}
	assert_string_equal(error.message,
		"1 validation error detected: Value 'orders$DeletedTableBackup' at 'backupName' failed to satisfy "
		"constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+");
	table_free(&orders);
}

static void test_arns_of_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct table orders;
	struct pin pin, found;
	struct error error = { 0 };
	fixture_create(fixture, "orders", NULL, &orders);
	must_back_up(fixture, &orders, NULL, "nightly", &pin);
	static const char *const absent[] = { ORDERS_ARN "/backup/01740832200250-00000002",
		ORDERS_ARN "/backup/01740832200251-00000001", ORDERS_ARN "2/backup/01740832200250-00000001" };
	static const char *const bad[] = { "", ORDERS_ARN, ORDERS_ARN "/backup/", "orders/backup/x",
		ORDERS_ARN "/backup/01740832200250-00000001/x" };
	struct store_txn *txn = fixture_read(fixture);
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
		char message[256];
		assert_int_equal(backup_find_arn(txn, slice_of_text(absent[i]), &found, &error), -ENOENT);
		assert_string_equal(error.aws, "BackupNotFoundException");
		snprintf(message, sizeof(message), "Backup not found: %s", absent[i]);
		assert_string_equal(error.message, message);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(backup_find_arn(txn, slice_of_text(bad[i]), &found, &error), -EINVAL);
		assert_string_equal(error.message, "Invalid Backup ARN");
	}
	store_abort(txn);
	table_free(&orders);
}

static void test_a_deleted_table_leaves_a_backup(void **state)
{
	struct fixture *fixture = *state;
	struct table orders, again, restored;
	struct pin pin;
	struct pin_place place = { 0 };
	struct error error = { 0 };
	struct buffer out = BUFFER_INIT;
	fixture_create(fixture, "orders", NULL, &orders);
	fixture_put(fixture, &orders, "{'id':'1'}");
	clock_set(NOON_US + 10 * SECOND_US);
	fixture_put(fixture, &orders, "{'id':'2'}");
	clock_set(NOON_US + 20 * SECOND_US);
	fixture_drop(fixture, &orders);
	fixture_create(fixture, "orders", NULL, &again);
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(backup_next(txn, again.number, slice_of(NULL, 0), &place, &pin), 0);
	place = (struct pin_place){ 0 };
	assert_int_equal(backup_next(txn, UINT32_MAX, slice_of_text("orders"), &place, &pin), 1);
	assert_int_equal(pin.kind, PIN_SYSTEM);
	assert_true(pin.is_range);
	assert_string_equal(pin.name, "orders$DeletedTableBackup");
	assert_int_equal(pin.time_us, NOON_US);
	assert_int_equal(pin.created_us, NOON_US + 20 * SECOND_US);
	assert_int_equal(pin.expires_us, pin.created_us + 35 * DAY_US);
	assert_int_equal(pin.items, 2);
	assert_int_equal(backup_next(txn, UINT32_MAX, slice_of_text("orders"), &place, &pin), 0);
	store_abort(txn);
	assert_arn(fixture, &pin, ORDERS_ARN "/backup/01740832220250-00000000");
	assert_directory(fixture, &pin, "orders$DeletedTableBackup");
	struct batch *batch = fixture_begin(fixture);
	assert_int_equal(backup_delete(batch, &pin, &error), -EPERM);
	assert_string_equal(error.aws, "ValidationException");
	assert_non_null(strstr(error.message,
		"Invalid Request: User is not allowed to delete the system backup with arn " ORDERS_ARN
		"/backup/01740832220250-00000000. It will automatically expire on "));
	batch_abort(batch);
	restore(fixture, &pin, "restored", &restored);
	assert_string_equal(
		fixture_show_live(fixture, &restored, &out), "1.json {\"id\":\"1\"}\n2.json {\"id\":\"2\"}\n");
	buffer_free(&out);
	table_free(&orders);
	table_free(&again);
	table_free(&restored);
}

static void test_a_table_without_history_leaves_none(void **state)
{
	struct fixture *fixture = *state;
	struct table table;
	struct pin pin;
	struct pin_place place = { 0 };
	fixture_create_text(fixture,
		"{'TableName':'off','BillingMode':'PAY_PER_REQUEST','KeySchema':[{'AttributeName':'id','KeyType':"
		"'HASH'}],'AttributeDefinitions':[{'AttributeName':'id','AttributeType':'S'}],"
		"'PointInTimeRecoverySpecification':{'PointInTimeRecoveryEnabled':false}}",
		&table);
	fixture_put(fixture, &table, "{'id':'1'}");
	fixture_drop(fixture, &table);
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(pin_next(txn, UINT32_MAX, &place, &pin), 0);
	store_abort(txn);
	table_free(&table);
}

static void test_the_names_of_tables_that_have_backups(void **state)
{
	struct fixture *fixture = *state;
	static const char *const names[] = { "zoo", "ape", "bee", "cat" };
	struct table tables[4];
	struct pin pin;
	char name[256] = "";
	for (size_t i = 0; i < 4; i++)
		fixture_create(fixture, names[i], NULL, &tables[i]);
	must_back_up(fixture, &tables[0], NULL, "one", &pin);
	must_back_up(fixture, &tables[1], NULL, "one", &pin);
	must_back_up(fixture, &tables[1], NULL, "two", &pin);
	fixture_drop(fixture, &tables[2]);
	struct store_txn *txn = fixture_read(fixture);
	static const char *const expected[] = { "ape", "bee", "zoo" };
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(backup_next_table_name(txn, slice_of_text(name), name), 1);
		assert_string_equal(name, expected[i]);
	}
	assert_int_equal(backup_next_table_name(txn, slice_of_text(name), name), 0);
	assert_int_equal(backup_find_name(txn, UINT32_MAX, slice_of_text("ape"), slice_of_text("two"), &pin), 0);
	assert_int_equal(backup_find_name(txn, UINT32_MAX, slice_of_text("zoo"), slice_of_text("two"), &pin), -ENOENT);
	store_abort(txn);
	for (size_t i = 0; i < 4; i++)
		table_free(&tables[i]);
}

/* Whose name it shares is over: both are found by the name of their tables. */
static void test_tables_of_one_name(void **state)
{
	struct fixture *fixture = *state;
	struct table orders, again;
	struct pin old, new;
	fixture_create(fixture, "orders", NULL, &orders);
	must_back_up(fixture, &orders, NULL, "one", &old);
	fixture_drop(fixture, &orders);
	fixture_create(fixture, "orders", NULL, &again);
	assert_directory(fixture, &old, "one");
	must_back_up(fixture, &again, NULL, "one", &new);
	assert_directory(fixture, &new, "one");
	assert_directory(fixture, &old, "one~01740832200250-00000001");
	table_free(&orders);
	table_free(&again);
}

/* --- what is forgotten around them --- */

static void forget(struct fixture *fixture)
{
	struct error error = { 0 };
	int r;
	while ((r = retention_step(fixture->history, NULL, &error)) == 1)
		;
	fixture_require(r == 0, "forget", &error);
}

static void test_a_backup_outlives_the_window_and_the_table(void **state)
{
	struct fixture *fixture = *state;
	struct table orders, restored;
	struct snapshot snapshot;
	struct pin pin, none;
	struct pin_place place = { 0 };
	struct buffer out = BUFFER_INIT;
	fixture_create_text(fixture,
		"{'TableName':'orders','BillingMode':'PAY_PER_REQUEST','KeySchema':[{'AttributeName':'id','KeyType':"
		"'HASH'}],'AttributeDefinitions':[{'AttributeName':'id','AttributeType':'S'}],"
		"'PointInTimeRecoverySpecification':{'PointInTimeRecoveryEnabled':true,'RecoveryPeriodInDays':1}}",
		&orders);
	for (unsigned i = 0; i < 300; i++) {
		char text[64];
		snprintf(text, sizeof(text), "{'id':'%u','n':%u}", i % 3, i);
		fixture_put(fixture, &orders, text);
	}
	clock_set(NOON_US + SECOND_US);
	assert_int_equal(fixture_at(fixture, &orders, NOON_US + SECOND_US / 2, &snapshot), 0);
	snapshot.seq = 150;
	must_back_up(fixture, &orders, &snapshot, "half", &pin);
	clock_set(NOON_US + 10 * DAY_US);
	fixture_put(fixture, &orders, "{'id':'0','n':0}");
	forget(fixture);
	struct log_entry entry;
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(log_get(txn, orders.number, 150, &entry), -ENOENT);
	store_abort(txn);
	static const char expected[] =
		"0.json {\"id\":\"0\",\"n\":147}\n1.json {\"id\":\"1\",\"n\":148}\n2.json {\"id\":\"2\",\"n\":149}\n";
	restore(fixture, &pin, "first", &restored);
	assert_string_equal(fixture_show_live(fixture, &restored, &out), expected);
	table_free(&restored);
	fixture_drop(fixture, &orders);
	clock_set(NOON_US + 100 * DAY_US);
	forget(fixture);
	txn = fixture_read(fixture);
	assert_int_equal(backup_find_name(txn, orders.number, slice_of(NULL, 0), slice_of_text("half"), &pin), 0);
	assert_int_equal(backup_find_name(txn, orders.number, slice_of(NULL, 0),
				 slice_of_text("orders$DeletedTableBackup"), &none),
		-ENOENT);
	store_abort(txn);
	restore(fixture, &pin, "second", &restored);
	assert_string_equal(fixture_show_live(fixture, &restored, &out), expected);
	/* With the last backup goes the last of the table, but not what was restored of it. */
	struct batch *batch = fixture_begin(fixture);
	assert_int_equal(backup_delete(batch, &pin, NULL), 0);
	fixture_commit(batch);
	forget(fixture);
	assert_string_equal(fixture_show_live(fixture, &restored, &out), expected);
	txn = fixture_read(fixture);
	assert_int_equal(backup_next(txn, UINT32_MAX, slice_of(NULL, 0), &place, &none), 0);
	store_abort(txn);
	buffer_free(&out);
	table_free(&orders);
	table_free(&restored);
}

/* --- telling --- */

static struct json *parse(struct buffer *text)
{
	struct json *root;
	struct error error = { 0 };
	if (json_parse(buffer_slice(text), &json_default_limits, &root, &error))
		fail_msg("%s: %s", error.message, buffer_text(text));
	buffer_free(text);
	return root;
}

static void assert_json(const struct json *root, const char *name, const char *expected)
{
	struct buffer text = BUFFER_INIT;
	const struct json *member = json_member(root, name);
	if (member)
		json_append(&text, member);
	assert_string_equal(member ? buffer_text(&text) : "nothing", expected);
	buffer_free(&text);
}

static void test_backups_are_told_as_aws_does(void **state)
{
	struct fixture *fixture = *state;
	struct table orders;
	struct pin pin;
	struct buffer text = BUFFER_INIT;
	fixture_create_text(fixture,
		"{'TableName':'orders','BillingMode':'PROVISIONED','KeySchema':[{'AttributeName':'id','KeyType':"
		"'HASH'}],'AttributeDefinitions':[{'AttributeName':'id','AttributeType':'S'}],"
		"'ProvisionedThroughput':{'ReadCapacityUnits':5,'WriteCapacityUnits':6},"
		"'TimeToLive':{'Enabled':true,'AttributeName':'ttl'}}",
		&orders);
	fixture_put(fixture, &orders, "{'id':'1'}");
	must_back_up(fixture, &orders, NULL, "nightly", &pin);
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(describe_backup_details(txn, &pin, "CREATING", &text), 0);
	assert_string_equal(buffer_text(&text),
		"{\"BackupArn\":\"" ORDERS_ARN "/backup/01740832200250-00000001\",\"BackupCreationDateTime\":"
		"1740832200.25,\"BackupName\":\"nightly\",\"BackupSizeBytes\":3,\"BackupStatus\":\"CREATING\","
		"\"BackupType\":\"USER\"}");
	buffer_clear(&text);
	assert_int_equal(describe_backup_summary(txn, &pin, &text), 0);
	struct json *root = parse(&text);
	assert_json(root, "BackupStatus", "\"AVAILABLE\"");
	assert_json(root, "TableName", "\"orders\"");
	assert_json(root, "TableArn", "\"" ORDERS_ARN "\"");
	json_free(root);
	assert_int_equal(describe_backup(txn, &pin, NULL, &text), 0);
	root = parse(&text);
	const struct json *source = json_member(root, "SourceTableDetails");
	assert_json(source, "KeySchema", "[{\"AttributeName\":\"id\",\"KeyType\":\"HASH\"}]");
	assert_json(source, "ItemCount", "1");
	assert_json(source, "TableCreationDateTime", "1740832200.25");
	assert_json(source, "BillingMode", "\"PROVISIONED\"");
	assert_json(source, "ProvisionedThroughput", "{\"ReadCapacityUnits\":5,\"WriteCapacityUnits\":6}");
	assert_json(root, "SourceTableFeatureDetails",
		"{\"TimeToLiveDescription\":{\"AttributeName\":\"ttl\",\"TimeToLiveStatus\":\"ENABLED\"}}");
	json_free(root);
	store_abort(txn);
	table_free(&orders);
}

static void test_windows_and_settings_are_told_as_aws_does(void **state)
{
	struct fixture *fixture = *state;
	struct table orders, plain;
	struct buffer text = BUFFER_INIT;
	fixture_create_text(fixture,
		"{'TableName':'orders','BillingMode':'PAY_PER_REQUEST','KeySchema':[{'AttributeName':'id','KeyType':"
		"'HASH'}],'AttributeDefinitions':[{'AttributeName':'id','AttributeType':'S'}],"
		"'Tags':[{'Key':'x','Value':'y'},{'Key':'z','Value':''}]}",
		&orders);
	fixture_create_text(fixture,
		"{'TableName':'plain','BillingMode':'PAY_PER_REQUEST','KeySchema':[{'AttributeName':'id','KeyType':"
		"'HASH'}],'AttributeDefinitions':[{'AttributeName':'id','AttributeType':'S'}],"
		"'PointInTimeRecoverySpecification':{'PointInTimeRecoveryEnabled':false}}",
		&plain);
	clock_set(NOON_US + SECOND_US);
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(describe_continuous_backups(fixture->history, txn, &orders, &text), 0);
	assert_string_equal(buffer_text(&text),
		"{\"ContinuousBackupsStatus\":\"ENABLED\",\"PointInTimeRecoveryDescription\":{"
		"\"EarliestRestorableDateTime\":1740832200.25,\"LatestRestorableDateTime\":1740832201.25,"
		"\"PointInTimeRecoveryStatus\":\"ENABLED\",\"RecoveryPeriodInDays\":35}}");
	buffer_clear(&text);
	assert_int_equal(describe_continuous_backups(fixture->history, txn, &plain, &text), 0);
	assert_string_equal(buffer_text(&text),
		"{\"ContinuousBackupsStatus\":\"ENABLED\",\"PointInTimeRecoveryDescription\":{"
		"\"PointInTimeRecoveryStatus\":\"DISABLED\"}}");
	buffer_clear(&text);
	assert_int_equal(describe_tags(&orders, &text), 0);
	assert_string_equal(buffer_text(&text), "[{\"Key\":\"x\",\"Value\":\"y\"},{\"Key\":\"z\",\"Value\":\"\"}]");
	buffer_clear(&text);
	assert_int_equal(describe_tags(&plain, &text), 0);
	assert_string_equal(buffer_text(&text), "[]");
	buffer_clear(&text);
	assert_int_equal(describe_time_to_live(&plain, &text), 0);
	assert_string_equal(buffer_text(&text), "{\"TimeToLiveStatus\":\"DISABLED\"}");
	store_abort(txn);
	buffer_free(&text);
	table_free(&orders);
	table_free(&plain);
}

static void test_a_restored_table_is_told_as_aws_answers(void **state)
{
	struct fixture *fixture = *state;
	struct table orders, restored;
	struct pin pin;
	struct buffer text = BUFFER_INIT;
	fixture_create(fixture, "orders", NULL, &orders);
	must_back_up(fixture, &orders, NULL, "nightly", &pin);
	restore(fixture, &pin, "restored", &restored);
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(describe_restored_table(txn, &restored, &text), 0);
	store_abort(txn);
	struct json *root = parse(&text);
	assert_json(root, "TableStatus", "\"CREATING\"");

	const struct json *summary = json_member(root, "RestoreSummary");
	assert_json(summary, "RestoreInProgress", "true");
	assert_json(summary, "SourceTableArn", "\"" ORDERS_ARN "\"");
	assert_json(summary, "SourceBackupArn", "\"" ORDERS_ARN "/backup/01740832200250-00000001\"");
	assert_json(summary, "RestoreDateTime", "1740832200.25");
	json_free(root);
	table_free(&orders);
	table_free(&restored);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, fixture_end_test)
	const struct CMUnitTest tests[] = {
		TEST(test_a_backup_of_now),
		TEST(test_a_backup_of_a_snapshot_that_survives_its_table),
		TEST(test_names_need_not_be_unique),
		TEST(test_names_that_are_refused),
		TEST(test_arns_of_nothing),
		TEST(test_a_deleted_table_leaves_a_backup),
		TEST(test_a_table_without_history_leaves_none),
		TEST(test_the_names_of_tables_that_have_backups),
		TEST(test_tables_of_one_name),
		TEST(test_a_backup_outlives_the_window_and_the_table),
		TEST(test_backups_are_told_as_aws_does),
		TEST(test_windows_and_settings_are_told_as_aws_does),
		TEST(test_a_restored_table_is_told_as_aws_answers),
	};
	return cmocka_run_group_tests_name("backup", tests, NULL, NULL);
}
