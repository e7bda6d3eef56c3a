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
#include "lineage.h"
#include "pin.h"
#include "restore.h"
#include "retention.h"
#include "roster.h"
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
	for (const char *at = text; *at; at++)
		buffer_append_byte(&quoted, (uint8_t)(*at == '\'' ? '"' : *at));
	fixture_require(json_parse(buffer_slice(&quoted), &json_default_limits, &root, NULL) == 0, text, NULL);
	buffer_free(&quoted);
	return root;
}

/* Shares the state at an instant. */
static int share(struct fixture *fixture, const struct table *from, int64_t time_us, const char *name,
	const char *overrides, struct table *ret_table, struct error *ret_error)
{
	struct instant instant = { .kind = INSTANT_AT, .time_us = time_us };
	struct change_context context = { 0 };
	struct restore_source source;
	struct json *tree = overrides ? json_of(overrides) : NULL;
	struct batch *batch = fixture_begin(fixture);
	*ret_error = (struct error){ 0 };
	int r = restore_source_at(fixture->history, batch_txn(batch), from, &instant, &source, ret_error);
	if (!r) {
		r = restore_share(batch, &source, slice_of_text(name), tree, &context, ret_table, ret_error);
		restore_source_free(&source);
	}
	if (r)
		batch_abort(batch);
	else
		fixture_commit(batch);
	json_free(tree);
	return r;
}

static void must_share(
	struct fixture *fixture, const struct table *from, int64_t time_us, const char *name, struct table *ret_table)
{
	struct error error;
	fixture_require(share(fixture, from, time_us, name, NULL, ret_table, &error) == 0, "share", &error);
}

static void make_orders(struct fixture *fixture, struct table *ret_table)
{
	fixture_create(fixture, "orders", NULL, ret_table);
	fixture_put(fixture, ret_table, "{'id':'1','n':1}");
	fixture_put(fixture, ret_table, "{'id':'2','n':2}");
	clock_set(NOON_US + 10 * SECOND_US);
	fixture_put(fixture, ret_table, "{'id':'1','n':100}");
	fixture_remove(fixture, ret_table, "{'id':'2'}");
	fixture_put(fixture, ret_table, "{'id':'3','n':3}");
	clock_set(NOON_US + 20 * SECOND_US);
}

static void test_the_whole_table_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct table orders, fixed, now;
	struct buffer out = BUFFER_INIT;
	struct restore_progress progress;
	struct table_statistics statistics;
	make_orders(fixture, &orders);
	must_share(fixture, &orders, NOON_US + 5 * SECOND_US, "fixed", &fixed);
	assert_string_equal(fixture_show_live(fixture, &fixed, &out),
		"1.json {\"id\":\"1\",\"n\":1}\n2.json {\"id\":\"2\",\"n\":2}\n");
	must_share(fixture, &orders, TIME_NOW, "now", &now);
	assert_string_equal(fixture_show_live(fixture, &now, &out),
		"1.json {\"id\":\"1\",\"n\":100}\n3.json {\"id\":\"3\",\"n\":3}\n");
	assert_false(fixed.is_restoring || !fixed.is_pitr_on);
	assert_string_not_equal(fixed.id, orders.id);
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(table_statistics(txn, fixed.number, &statistics), 0);
	assert_int_equal(statistics.items, 2);
	assert_int_equal(restore_progress(txn, &fixed, &progress), 0);
	assert_true(progress.is_shared && !progress.is_in_progress);
	assert_string_equal(progress.source, "orders");
	assert_string_equal(progress.source_id, orders.id);
	assert_int_equal(progress.source_number, orders.number);
	assert_int_equal(progress.instant_us, NOON_US + 5 * SECOND_US);
	assert_int_equal(progress.items, 2);
	assert_int_equal(restore_progress(txn, &orders, &progress), -ENOENT);
	store_abort(txn);
	buffer_free(&out);
	table_free(&orders);
	table_free(&fixed);
	table_free(&now);
}

static void test_they_live_apart(void **state)
{
	struct fixture *fixture = *state;
	struct table orders, fixed, again;
	struct buffer out = BUFFER_INIT;
	make_orders(fixture, &orders);
	must_share(fixture, &orders, NOON_US + 5 * SECOND_US, "fixed", &fixed);
	clock_set(NOON_US + 30 * SECOND_US);
	fixture_put(fixture, &fixed, "{'id':'1','n':7}");
	fixture_remove(fixture, &fixed, "{'id':'2'}");
	fixture_put(fixture, &orders, "{'id':'2','n':200}");
	assert_string_equal(fixture_show_live(fixture, &fixed, &out), "1.json {\"id\":\"1\",\"n\":7}\n");
	/* A restore of the restored, from before and after it was changed. */
	clock_set(NOON_US + 40 * SECOND_US);
	must_share(fixture, &fixed, NOON_US + 25 * SECOND_US, "again", &again);
	assert_string_equal(fixture_show_live(fixture, &again, &out),
		"1.json {\"id\":\"1\",\"n\":1}\n2.json {\"id\":\"2\",\"n\":2}\n");
	table_free(&again);
	must_share(fixture, &fixed, NOON_US + 35 * SECOND_US, "later", &again);
	fixture_drop(fixture, &orders);
	fixture_drop(fixture, &fixed);
	assert_string_equal(fixture_show_live(fixture, &again, &out), "1.json {\"id\":\"1\",\"n\":7}\n");
	buffer_free(&out);
	table_free(&orders);
	table_free(&fixed);
	table_free(&again);
}

/* The pin is where the history really goes on. */
static void test_the_parent_is_pinned(void **state)
{
	struct fixture *fixture = *state;
	struct table orders, fixed, again;
	struct lineage lineage;
	struct pin pin;
	struct pin_place place = { 0 };
	make_orders(fixture, &orders);
	must_share(fixture, &orders, NOON_US + 5 * SECOND_US, "fixed", &fixed);
	must_share(fixture, &fixed, TIME_NOW, "again", &again);
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(lineage_read(txn, again.number, &lineage), 0);
	assert_int_equal(lineage.parent, orders.number);
	assert_int_equal(pin_next(txn, orders.number, &place, &pin), 1);
	assert_int_equal(pin.kind, PIN_CHILD);
	assert_int_equal(pin.child, fixed.number);
	assert_int_equal(pin.seq, 2);
	assert_int_equal(pin.items, 2);
	assert_int_equal(pin_next(txn, orders.number, &place, &pin), 1);
	assert_int_equal(pin.child, again.number);
	assert_int_equal(pin_next(txn, orders.number, &place, &pin), 0);
	store_abort(txn);
	table_free(&orders);
	table_free(&fixed);
	table_free(&again);
}

static void test_instants_that_can_not_be_had(void **state)
{
	struct fixture *fixture = *state;
	struct table orders, none;
	struct error error;
	make_orders(fixture, &orders);
	assert_int_equal(share(fixture, &orders, NOON_US - SECOND_US, "fixed", NULL, &none, &error), -ENOENT);
	assert_non_null(strstr(error.message, "before its window"));
	assert_int_equal(share(fixture, &orders, NOON_US + DAY_US, "fixed", NULL, &none, &error), -ENOENT);
	assert_int_equal(share(fixture, &orders, TIME_NOW, "orders", NULL, &none, &error), -EEXIST);
	assert_string_equal(error.aws, "TableAlreadyExistsException");
	assert_string_equal(error.message, "Table already exists: orders");
	table_free(&orders);
}

/* --- overrides --- */

static const char songs_request[] =
	"{'TableName':'songs','BillingMode':'%s',"
	"'KeySchema':[{'AttributeName':'a','KeyType':'HASH'},{'AttributeName':'b','KeyType':'RANGE'}],"
	"'AttributeDefinitions':[{'AttributeName':'a','AttributeType':'S'},{'AttributeName':'b','AttributeType':'N'},"
	"{'AttributeName':'c','AttributeType':'S'}],%s"
	"'LocalSecondaryIndexes':[{'IndexName':'own','KeySchema':[{'AttributeName':'a','KeyType':'HASH'},"
	"{'AttributeName':'c','KeyType':'RANGE'}],'Projection':{'ProjectionType':'KEYS_ONLY'}}],"
	"'GlobalSecondaryIndexes':[{'IndexName':'by-b','KeySchema':[{'AttributeName':'b','KeyType':'HASH'}],"
	"'Projection':{'ProjectionType':'INCLUDE','NonKeyAttributes':['x','y']}%s}]}";

static void make_songs(struct fixture *fixture, bool is_provisioned, struct table *ret_table)
{
	char request[2048];
	static const char throughput[] = "'ProvisionedThroughput':{'ReadCapacityUnits':5,'WriteCapacityUnits':6}";
	char before[128] = "", after[128] = "";
	if (is_provisioned) {
		snprintf(before, sizeof(before), "%s,", throughput);
		snprintf(after, sizeof(after), ",%s", throughput);
	}
	snprintf(request, sizeof(request), songs_request, is_provisioned ? "PROVISIONED" : "PAY_PER_REQUEST", before,
		after);
	fixture_create_text(fixture, request, ret_table);
	fixture_put(fixture, ret_table, "{'a':'x','b':1}");
	clock_set(NOON_US + SECOND_US);
}

static void check_refusal(bool is_provisioned, const char *overrides, const char *message)
{
	struct fixture fixture = { 0 };
	struct table songs, none;
	struct error error;
	fixture_open(&fixture);
	clock_set(NOON_US);
	make_songs(&fixture, is_provisioned, &songs);
	assert_int_equal(share(&fixture, &songs, TIME_NOW, "fixed", overrides, &none, &error), -EINVAL);
	assert_string_equal(error.aws, "ValidationException");
	assert_string_equal(error.message, message);
	struct store_txn *txn = fixture_read(&fixture);
	assert_int_equal(table_find(txn, slice_of_text("fixed"), TIME_NOW, &none, NULL), -ENOENT);
	store_abort(txn);
	table_free(&songs);
	fixture_close(&fixture);
}

static void test_overrides_that_are_refused(void **state)
{
	(void)state;
	static const char capacity[] =
		"{'ProvisionedThroughputOverride':{'ReadCapacityUnits':1,'WriteCapacityUnits':1}}";
	check_refusal(false, capacity, "Cannot override ProvisionedThroughput unless BillingMode is PROVISIONED");
	check_refusal(true,
		"{'BillingModeOverride':'PAY_PER_REQUEST','ProvisionedThroughputOverride':{'ReadCapacityUnits':1,"
		"'WriteCapacityUnits':1}}",
		"Cannot override ProvisionedThroughput unless BillingMode is PROVISIONED");
	check_refusal(false, "{'BillingModeOverride':'PROVISIONED'}",
		"Must override ProvisionedThroughput if BillingMode is overridden to PROVISIONED");
	check_refusal(true, "{'OnDemandThroughputOverride':{'MaxReadRequestUnits':1}}",
		"Cannot override OnDemandThroughput unless BillingMode is PAY_PER_REQUEST");
	check_refusal(false, "{'BillingModeOverride':'FREE'}",
		"1 validation error detected: Value 'FREE' at 'billingModeOverride' failed to satisfy constraint: "
		"Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]");
	check_refusal(false,
		"{'GlobalSecondaryIndexOverride':[{'IndexName':'new','KeySchema':[{'AttributeName':'c','KeyType':"
		"'HASH'}],'Projection':{'ProjectionType':'ALL'}}]}",
		"Index new does not match a secondary index that existed in the source table and cannot be created "
		"during the restore operation");
	check_refusal(false,
		"{'LocalSecondaryIndexOverride':[{'IndexName':'own','KeySchema':[{'AttributeName':'a','KeyType':"
		"'HASH'},{'AttributeName':'c','KeyType':'RANGE'}],'Projection':{'ProjectionType':'ALL'}}]}",
		"Index own does not match a secondary index that existed in the source table and cannot be created "
		"during the restore operation");
}

static struct json *describe(struct fixture *fixture, const struct table *table)
{
	struct buffer text = BUFFER_INIT;
	struct json *root;
	struct snapshot live = snapshot_live(table->number);
	struct store_txn *txn = fixture_read(fixture);
	assert_int_equal(describe_table(txn, table, &live, &text), 0);
	store_abort(txn);
	assert_int_equal(json_parse(buffer_slice(&text), &json_default_limits, &root, NULL), 0);
	buffer_free(&text);
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

static void test_overrides(void **state)
{
	struct fixture *fixture = *state;
	struct table songs, table;
	struct error error;
	make_songs(fixture, true, &songs);
	assert_int_equal(share(fixture, &songs, TIME_NOW, "same", NULL, &table, &error), 0);
	struct json *same = describe(fixture, &table), *source = describe(fixture, &songs);
	static const char *const carried[] = { "KeySchema", "AttributeDefinitions", "ProvisionedThroughput" };
	for (size_t i = 0; i < sizeof(carried) / sizeof(carried[0]); i++) {
		struct buffer text = BUFFER_INIT;
		json_append(&text, json_member(source, carried[i]));
		assert_json(same, carried[i], buffer_text(&text));
		buffer_free(&text);
	}
	assert_int_equal(json_count(json_member(same, "GlobalSecondaryIndexes")), 1);
	assert_int_equal(json_count(json_member(same, "LocalSecondaryIndexes")), 1);
	json_free(same);
	json_free(source);
	table_free(&table);
	/* Without its indexes an attribute needs no definition. */
	assert_int_equal(share(fixture, &songs, TIME_NOW, "bare",
				 "{'GlobalSecondaryIndexOverride':[],'LocalSecondaryIndexOverride':[],"
				 "'BillingModeOverride':'PAY_PER_REQUEST','OnDemandThroughputOverride':"
				 "{'MaxReadRequestUnits':9},'SSESpecificationOverride':{'Enabled':true,"
				 "'KMSMasterKeyId':'k'}}",
				 &table, &error),
		0);
	struct json *bare = describe(fixture, &table);
	assert_json(bare, "GlobalSecondaryIndexes", "nothing");
	assert_json(bare, "LocalSecondaryIndexes", "nothing");
	assert_json(bare, "AttributeDefinitions",
		"[{\"AttributeName\":\"a\",\"AttributeType\":\"S\"},{\"AttributeName\":\"b\",\"AttributeType\":"
		"\"N\"}]");
	assert_json(bare, "BillingModeSummary", "{\"BillingMode\":\"PAY_PER_REQUEST\"}");
	assert_json(bare, "OnDemandThroughput", "{\"MaxReadRequestUnits\":9}");
	assert_json(bare, "SSEDescription", "{\"KMSMasterKeyArn\":\"k\",\"SSEType\":\"KMS\",\"Status\":\"ENABLED\"}");
	json_free(bare);
	table_free(&table);
	table_free(&songs);
}

static void test_an_index_can_be_renamed(void **state)
{
	struct fixture *fixture = *state;
	struct table songs, table;
	struct error error;
	make_songs(fixture, true, &songs);
	assert_int_equal(share(fixture, &songs, TIME_NOW, "renamed",
				 "{'GlobalSecondaryIndexOverride':[{'IndexName':'other','KeySchema':[{"
				 "'AttributeName':'b','KeyType':'HASH'}],'Projection':{'ProjectionType':'INCLUDE',"
				 "'NonKeyAttributes':['y','x']},'ProvisionedThroughput':{'ReadCapacityUnits':8,"
				 "'WriteCapacityUnits':9}}],'ProvisionedThroughputOverride':{'ReadCapacityUnits':1,"
				 "'WriteCapacityUnits':2}}",
				 &table, &error),
		0);
	struct json *root = describe(fixture, &table);
	const struct json *index = json_first(json_member(root, "GlobalSecondaryIndexes"));
	assert_json(index, "IndexName", "\"other\"");
	assert_json(index, "ProvisionedThroughput",
		"{\"NumberOfDecreasesToday\":0,\"ReadCapacityUnits\":8,\"WriteCapacityUnits\":9}");
	assert_json(root, "ProvisionedThroughput",
		"{\"NumberOfDecreasesToday\":0,\"ReadCapacityUnits\":1,\"WriteCapacityUnits\":2}");
	json_free(root);
	table_free(&table);
	table_free(&songs);
}

/* Not of now. */
static void test_settings_are_those_of_the_instant(void **state)
{
	struct fixture *fixture = *state;
	struct table songs, table;
	struct change_context context = { 0 };
	make_songs(fixture, true, &songs);
	clock_set(NOON_US + 10 * SECOND_US);
	struct json *settings = json_of("{'ProvisionedThroughput':{'ReadCapacityUnits':50,'WriteCapacityUnits':50}}");
	struct batch *batch = fixture_begin(fixture);
	assert_int_equal(table_update(batch, &songs, settings, &context, NULL), 0);
	fixture_commit(batch);
	clock_set(NOON_US + 20 * SECOND_US);
	must_share(fixture, &songs, NOON_US + 5 * SECOND_US, "fixed", &table);
	struct json *root = describe(fixture, &table);
	assert_json(root, "ProvisionedThroughput",
		"{\"NumberOfDecreasesToday\":0,\"ReadCapacityUnits\":5,\"WriteCapacityUnits\":6}");
	json_free(root);
	json_free(settings);
	table_free(&table);
	table_free(&songs);
}

static void put_many(struct fixture *fixture, const struct table *table, const char *prefix, unsigned count)
{
	char text[40];
	struct batch *batch = fixture_begin(fixture);
	for (unsigned n = 0; n < count; n++) {
		snprintf(text, sizeof(text), "{'id':'%s%u'}", prefix, n);
		fixture_put_in(batch, table, text, 0);
	}
	fixture_commit(batch);
}

static unsigned count_lines(const char *text)
{
	unsigned lines = 0;
	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

/* A block of the roster that the restored table had to itself is forgotten, while its source has one in the same place. */
static void test_forgotten_parts_stay_hidden(void **state)
{
	struct fixture *fixture = *state;
	struct table orders, fixed, again;
	struct buffer out = BUFFER_INIT;
	char key[40];
	int r;
	fixture_create(fixture, "orders", NULL, &orders);
	fixture_put(fixture, &orders, "{'id':'1'}");
	must_share(fixture, &orders, TIME_NOW, "fixed", &fixed);
	put_many(fixture, &orders, "later", 200);
	put_many(fixture, &fixed, "first", ROSTER_BLOCK - 1);
	put_many(fixture, &fixed, "gone", ROSTER_BLOCK);
	put_many(fixture, &fixed, "last", 5);
	struct batch *batch = fixture_begin(fixture);
	for (unsigned n = 0; n < ROSTER_BLOCK; n++) {
		snprintf(key, sizeof(key), "{'id':'gone%u'}", n);
		fixture_remove_in(batch, &fixed, key, 0);
	}
	fixture_commit(batch);
	clock_set(NOON_US + 40 * DAY_US);
	while ((r = retention_step(fixture->history, NULL, NULL)) == 1)
		;
	assert_int_equal(r, 0);
	must_share(fixture, &fixed, TIME_NOW, "again", &again);
	put_many(fixture, &fixed, "after", 30);
	fixture_put(fixture, &again, "{'id':'new'}");
	assert_int_equal(count_lines(fixture_show_live(fixture, &fixed, &out)), ROSTER_BLOCK + 35);
	assert_int_equal(count_lines(fixture_show_live(fixture, &again, &out)), ROSTER_BLOCK + 6);
	table_free(&orders);
	table_free(&fixed);
	table_free(&again);
	buffer_free(&out);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, fixture_end_test)
	const struct CMUnitTest tests[] = {
		TEST(test_the_whole_table_at_once),
		TEST(test_they_live_apart),
		TEST(test_the_parent_is_pinned),
		TEST(test_instants_that_can_not_be_had),
		cmocka_unit_test(test_overrides_that_are_refused),
		TEST(test_overrides),
		TEST(test_an_index_can_be_renamed),
		TEST(test_settings_are_those_of_the_instant),
		TEST(test_forgotten_parts_stay_hidden),
	};
	return cmocka_run_group_tests_name("restore_share", tests, NULL, NULL);
}
