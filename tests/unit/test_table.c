#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "tests/support/fixture.h"

#define START INT64_C(1740830400000000)

static struct fixture fixture;

static int open_store(void **state)
{
	(void)state;
	clock_set(START);
	fixture_open(&fixture);
	return 0;
}

static int close_store(void **state)
{
	(void)state;
	fixture_close(&fixture);
	clock_reset();
	return 0;
}

/* The number of the table of that name at an instant; 0: none. */
static uint32_t number_at(const char *name, int64_t time_us)
{
	struct store_txn *txn = fixture_read(&fixture);
	struct table table;
	struct error error = { 0 };
	int r = table_find(txn, slice_of_text(name), time_us, &table, &error);
	uint32_t number = r ? 0 : table.number;
	if (!r)
		table_free(&table);
	else
		assert_string_equal(error.aws, "ResourceNotFoundException");
	store_abort(txn);
	assert_true(r == 0 || r == -ENOENT);
	return number;
}

static int load_at(uint32_t number, int64_t time_us, struct table *ret_table)
{
	struct store_txn *txn = fixture_read(&fixture);
	int r = table_load(txn, number, time_us, ret_table);
	store_abort(txn);
	return r;
}

static const char *names_at(int64_t time_us)
{
	static char names[1000];
	struct store_txn *txn = fixture_read(&fixture);
	struct table table;
	uint64_t place = 0;
	names[0] = '\0';
	int r;
	while ((r = table_list(txn, time_us, &place, &table)) == 1) {
		strcat(strcat(names, table.name), " ");
		table_free(&table);
	}
	assert_int_equal(r, 0);
	store_abort(txn);
	return names;
}

static struct json *parse(const char *text)
{
	struct buffer quoted = BUFFER_INIT;
	struct json *tree = NULL;
	for (; *text; text++)
		buffer_append_byte(&quoted, (uint8_t)(*text == '\'' ? '"' : *text));
	assert_int_equal(json_parse(buffer_slice(&quoted), &json_default_limits, &tree, NULL), 0);
	buffer_free(&quoted);
	return tree;
}

static int update(const struct table *table, const char *document, struct error *error)
{
	struct change_context context = { 0 };
	struct json *tree = parse(document);
	struct batch *batch = fixture_begin(&fixture);
	int r = table_update(batch, table, tree, &context, error);
	json_free(tree);
	if (r)
		batch_abort(batch);
	else
		fixture_commit(batch);
	return r;
}

static void begins_and_ends(void **state)
{
	struct table first, second;
	(void)state;
	fixture_create(&fixture, "orders", NULL, &first);
	assert_int_equal(first.created_us, START);
	assert_int_equal(first.exists_from_us, START);
	clock_set(START + 1000);
	fixture_put(&fixture, &first, "{'id':'a'}");
	clock_set(START + 2000);
	fixture_drop(&fixture, &first);
	clock_set(START + 3000);
	fixture_create(&fixture, "orders", NULL, &second);
	assert_int_not_equal(first.number, second.number);
	assert_string_not_equal(first.id, second.id);
	assert_int_equal(number_at("orders", START - 1), 0);
	assert_int_equal(number_at("orders", START), first.number);
	assert_int_equal(number_at("orders", START + 1999), first.number);
	assert_int_equal(number_at("orders", START + 2000), 0);
	assert_int_equal(number_at("orders", START + 3000), second.number);
	assert_int_equal(number_at("orders", TIME_NOW), second.number);
	assert_string_equal(names_at(START + 1000), "orders ");
	assert_string_equal(names_at(START + 2500), "");
	struct buffer shown = BUFFER_INIT;
	struct snapshot snapshot;
	assert_int_equal(fixture_at(&fixture, &first, START + 1500, &snapshot), 0);
	assert_string_equal(fixture_show(&fixture, &first, &snapshot, &shown), "a.json {\"id\":\"a\"}\n");
	assert_string_equal(fixture_show_live(&fixture, &second, &shown), "");
	buffer_free(&shown);
	table_free(&first);
	table_free(&second);
}

static void is_refused_when_there_is_one(void **state)
{
	struct table table, again;
	struct change_context context = { 0 };
	struct error error = { 0 };
	(void)state;
	fixture_create(&fixture, "orders", NULL, &table);
	struct batch *batch = fixture_begin(&fixture);
	assert_int_equal(table_create_default(batch, slice_of_text("orders"), &context, &again, &error), -EEXIST);
	assert_string_equal(error.aws, "ResourceInUseException");
	assert_string_equal(error.message, "Table already exists: orders");
	static const char *const wrong[] = { "restore", ".x.", "ab", "a b", "" };
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(
			table_create_default(batch, slice_of_text(wrong[i]), &context, &again, &error), -EINVAL);
	assert_int_equal(table_create_default(batch, slice_of_text("other"), &context, &again, &error), 0);
	fixture_commit(batch);
	assert_string_equal(names_at(TIME_NOW), "orders other ");
	table_free(&table);
	table_free(&again);
}

static void is_refused_with_wrong_keys(void **state)
{
	static const char *const wrong[] = {
		"{'TableName':'abc'}",
		"{'KeySchema':[{'AttributeName':'id','KeyType':'HASH'}]}",
		"{'TableName':'abc','KeySchema':[{'AttributeName':'id','KeyType':'RANGE'}],"
		"'AttributeDefinitions':[{'AttributeName':'id','AttributeType':'S'}]}",
		"{'TableName':'abc','KeySchema':[{'AttributeName':'id','KeyType':'HASH'}],"
		"'AttributeDefinitions':[{'AttributeName':'id','AttributeType':'X'}]}",
		"{'TableName':'abc','KeySchema':[{'AttributeName':'id','KeyType':'HASH'}],"
		"'AttributeDefinitions':[{'AttributeName':'di','AttributeType':'S'}]}",
		"{'TableName':'abc','KeySchema':[{'AttributeName':'id','KeyType':'HASH'}],"
		"'AttributeDefinitions':[{'AttributeName':'id','AttributeType':'S'}],"
		"'PointInTimeRecoverySpecification':{'PointInTimeRecoveryEnabled':true,'RecoveryPeriodInDays':36}}",
	};
	struct change_context context = { 0 };
	struct table table;
	(void)state;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct error error = { 0 };
		struct json *request = parse(wrong[i]);
		struct batch *batch = fixture_begin(&fixture);
		assert_int_equal(table_create(batch, request, &context, 0, &table, &error), -EINVAL);
		assert_string_equal(error.aws, "ValidationException");
		batch_abort(batch);
		json_free(request);
	}
}

static void changes_keys_only_while_empty(void **state)
{
	struct table flat, sorted, old;
	struct error error = { 0 };
	const char *keys = "{'KeySchema':[{'AttributeName':'id','KeyType':'HASH'},"
			   "{'AttributeName':'at','KeyType':'RANGE'}],'AttributeDefinitions':["
			   "{'AttributeName':'id','AttributeType':'S'},{'AttributeName':'at','AttributeType':'N'}]}";
	(void)state;
	fixture_create(&fixture, "events", NULL, &flat);
	clock_set(START + 1000);
	fixture_put(&fixture, &flat, "{'id':'a'}");
	assert_int_equal(update(&flat, keys, &error), -EINVAL);
	clock_set(START + 2000);
	fixture_remove(&fixture, &flat, "{'id':'a'}");
	clock_set(START + 3000);
	assert_int_equal(update(&flat, keys, &error), 0);
	assert_int_equal(load_at(flat.number, TIME_NOW, &sorted), 0);
	assert_true(sorted.schema.has_sort);
	assert_int_equal(sorted.schema.sort.type, VALUE_N);
	assert_string_equal(sorted.id, flat.id);
	clock_set(START + 4000);
	fixture_put(&fixture, &sorted, "{'id':'a','at':1}");
	clock_set(START + 5000);
	assert_int_equal(load_at(flat.number, START + 1500, &old), 0);
	assert_false(old.schema.has_sort);
	struct buffer shown = BUFFER_INIT;
	struct snapshot snapshot;
	assert_int_equal(fixture_at(&fixture, &old, START + 1500, &snapshot), 0);
	assert_string_equal(fixture_show(&fixture, &old, &snapshot, &shown), "a.json {\"id\":\"a\"}\n");
	assert_string_equal(fixture_show_live(&fixture, &sorted, &shown), "a/1.json {\"at\":1,\"id\":\"a\"}\n");
	buffer_free(&shown);
	table_free(&flat);
	table_free(&sorted);
	table_free(&old);
}

/* Items put in the very batch count, though it is not committed. */
static void changes_keys_only_while_the_batch_is_empty(void **state)
{
	struct table table;
	struct change_context context = { 0 };
	(void)state;
	struct json *keys = parse("{'KeySchema':[{'AttributeName':'no','KeyType':'HASH'}],"
				  "'AttributeDefinitions':[{'AttributeName':'no','AttributeType':'S'}]}");
	struct batch *batch = fixture_begin(&fixture);
	fixture_create_in(batch, "orders", "id", NULL, 0, &table);
	fixture_put_in(batch, &table, "{'id':'a'}", 0);
	assert_int_equal(table_update(batch, &table, keys, &context, NULL), -EINVAL);
	fixture_remove_in(batch, &table, "{'id':'a'}", 0);
	assert_int_equal(table_update(batch, &table, keys, &context, NULL), 0);
	fixture_commit(batch);
	json_free(keys);
	table_free(&table);
}

static void null_takes_a_setting_away(void **state)
{
	struct table table, tagged, plain;
	struct error error = { 0 };
	struct value value;
	(void)state;
	fixture_create(&fixture, "orders", NULL, &table);
	assert_int_equal(update(&table, "{'Tags':[{'Key':'a','Value':'b'}]}", &error), 0);
	assert_int_equal(load_at(table.number, TIME_NOW, &tagged), 0);
	assert_true(item_attribute(buffer_slice(&tagged.description), slice_of_text("Tags"), &value));
	assert_int_equal(update(&table, "{'Tags':null}", &error), 0);
	assert_int_equal(load_at(table.number, TIME_NOW, &plain), 0);
	assert_false(item_attribute(buffer_slice(&plain.description), slice_of_text("Tags"), &value));
	/* What a table can't be without stays. */
	assert_int_equal(update(&table, "{'KeySchema':null}", &error), -EINVAL);
	table_free(&table);
	table_free(&tagged);
	table_free(&plain);
}

static void settings_are_history_too(void **state)
{
	struct table table, before, after;
	struct error error = { 0 };
	struct change_context context = { 0 };
	(void)state;
	fixture_create(&fixture, "orders", NULL, &table);
	clock_set(START + 1000);
	assert_int_equal(update(&table, "{'DeletionProtectionEnabled':true}", &error), 0);
	assert_int_equal(load_at(table.number, START + 999, &before), 0);
	assert_int_equal(load_at(table.number, START + 1000, &after), 0);
	assert_false(before.is_protected);
	assert_true(after.is_protected);
	struct batch *batch = fixture_begin(&fixture);
	struct json *nothing = parse("{}");
	assert_int_equal(table_update(batch, &after, nothing, &context, &error), 0);
	assert_int_equal(batch_changes(batch), 0);
	json_free(nothing);
	/* The description from before the protection does not help. */
	assert_int_equal(table_drop(batch, &before, &context, &error), -EPERM);
	batch_abort(batch);
	table_free(&table);
	table_free(&before);
	table_free(&after);
}

static void an_old_description_changes_no_other_table(void **state)
{
	struct table old, new;
	struct change_context context = { 0 };
	struct error error = { 0 };
	(void)state;
	fixture_create(&fixture, "orders", NULL, &old);
	fixture_drop(&fixture, &old);
	struct batch *batch = fixture_begin(&fixture);
	assert_int_equal(table_drop(batch, &old, &context, &error), -ENOENT);
	assert_string_equal(error.aws, "ResourceNotFoundException");
	batch_abort(batch);
	assert_int_equal(update(&old, "{'DeletionProtectionEnabled':true}", &error), -ENOENT);
	assert_int_equal(number_at("orders", TIME_NOW), 0);
	fixture_create(&fixture, "orders", NULL, &new);
	batch = fixture_begin(&fixture);
	assert_int_equal(table_drop(batch, &old, &context, &error), -ENOENT);
	batch_abort(batch);
	assert_int_equal(number_at("orders", TIME_NOW), new.number);
	table_free(&old);
	table_free(&new);
}

static void imported_tables_exist_from_their_first_change(void **state)
{
	struct table imported, other;
	struct batch *batch = fixture_begin(&fixture);
	(void)state;
	fixture_create_in(batch, "fires", "id", NULL, START - 1000000, &imported);
	fixture_put_in(batch, &imported, "{'id':'a'}", START - 1000000);
	fixture_put_in(batch, &imported, "{'id':'b'}", START - 500000);
	fixture_commit(batch);
	clock_set(START + 1000);
	fixture_create(&fixture, "orders", NULL, &other);
	assert_int_equal(imported.exists_from_us, START - 1000000);
	assert_int_equal(imported.created_us, START);
	assert_int_equal(number_at("fires", START - 1000001), 0);
	assert_int_equal(number_at("fires", START - 1000000), imported.number);
	assert_int_equal(number_at("fires", START), imported.number);
	assert_int_equal(number_at("fires", TIME_NOW), imported.number);
	assert_string_equal(names_at(START - 1000001), "");
	assert_string_equal(names_at(START - 1), "fires ");
	assert_string_equal(names_at(START + 1000), "fires orders ");
	struct table loaded;
	assert_int_equal(load_at(imported.number, START - 1000001, &loaded), -ENOENT);
	assert_int_equal(load_at(imported.number, START - 3, &loaded), 0);
	assert_string_equal(loaded.name, "fires");
	table_free(&loaded);
	assert_int_equal(load_at(other.number, START - 3, &loaded), -ENOENT);
	struct buffer shown = BUFFER_INIT;
	struct snapshot snapshot;
	assert_int_equal(fixture_at(&fixture, &imported, START - 600000, &snapshot), 0);
	assert_string_equal(fixture_show(&fixture, &imported, &snapshot, &shown), "a.json {\"id\":\"a\"}\n");
	buffer_free(&shown);
	table_free(&imported);
	table_free(&other);
}

static void a_name_stands_for_one_table_at_an_instant(void **state)
{
	struct table first, second;
	struct change_context context = { 0 };
	struct error error = { 0 };
	(void)state;
	fixture_create(&fixture, "fires", NULL, &first);
	clock_set(START + 1000);
	fixture_drop(&fixture, &first);
	clock_set(START + 5000);
	struct json *request = parse("{'TableName':'fires','KeySchema':[{'AttributeName':'id','KeyType':'HASH'}],"
				     "'AttributeDefinitions':[{'AttributeName':'id','AttributeType':'S'}]}");
	struct batch *batch = fixture_begin(&fixture);
	assert_int_equal(table_create(batch, request, &context, START + 1000, &second, &error), -EEXIST);
	assert_int_equal(table_create(batch, request, &context, START + 1001, &second, &error), 0);
	fixture_commit(batch);
	assert_int_equal(number_at("fires", START + 999), first.number);
	assert_int_equal(number_at("fires", START + 1000), 0);
	assert_int_equal(number_at("fires", START + 1001), second.number);
	json_free(request);
	table_free(&first);
	table_free(&second);
}

static void begins_after_the_last_commit_whatever_the_clock_says(void **state)
{
	struct table first, second;
	(void)state;
	fixture_create(&fixture, "first", NULL, &first);
	clock_set(START - 10 * SECOND_US);
	fixture_create(&fixture, "second", NULL, &second);
	assert_int_equal(second.created_us, START + 1);
	assert_int_equal(second.exists_from_us, START + 1);
	assert_int_equal(number_at("second", START), 0);
	assert_int_equal(number_at("second", START + 1), second.number);
	table_free(&first);
	table_free(&second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(begins_and_ends, open_store, close_store),
		cmocka_unit_test_setup_teardown(is_refused_when_there_is_one, open_store, close_store),
		cmocka_unit_test_setup_teardown(is_refused_with_wrong_keys, open_store, close_store),
		cmocka_unit_test_setup_teardown(changes_keys_only_while_empty, open_store, close_store),
		cmocka_unit_test_setup_teardown(changes_keys_only_while_the_batch_is_empty, open_store, close_store),
		cmocka_unit_test_setup_teardown(null_takes_a_setting_away, open_store, close_store),
		cmocka_unit_test_setup_teardown(settings_are_history_too, open_store, close_store),
		cmocka_unit_test_setup_teardown(an_old_description_changes_no_other_table, open_store, close_store),
		cmocka_unit_test_setup_teardown(imported_tables_exist_from_their_first_change, open_store, close_store),
		cmocka_unit_test_setup_teardown(a_name_stands_for_one_table_at_an_instant, open_store, close_store),
		cmocka_unit_test_setup_teardown(
			begins_after_the_last_commit_whatever_the_clock_says, open_store, close_store),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
