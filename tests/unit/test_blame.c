#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/blame.h"
#include "tests/support/undoing.h"

#define START UNDOING_START

static int open_store(void **state)
{
	return fixture_begin_test(state, START);
}

static int append(
	void *context, struct slice name, const struct value *value, const struct log_entry *entry, bool is_older)
{
	buffer_append_slice(context, name);
	buffer_append_format(context, ":%d%s ", (int)entry->seq, is_older ? "!" : "");
	assert_true(value->whole.size > 0);
	assert_int_equal(entry->op == 0, is_older);
	return 0;
}

/* "name:change " for each attribute, with a ! when it is older than what can be told. */
static const char *blamed(struct fixture *f, const struct table *table, const char *key, uint64_t seq)
{
	static char text[1024];
	struct buffer encoded = BUFFER_INIT, out = BUFFER_INIT;
	struct store_txn *txn = fixture_read(f);
	struct reach reach;
	fixture_key(table, key, &encoded);
	assert_int_equal(reach_of(f->history, txn, table, &reach), 0);
	int r = blame(txn, table, &reach, buffer_slice(&encoded), seq, append, &out, NULL);
	snprintf(text, sizeof(text), "%s", r ? strerror(-r) : buffer_text(&out));
	store_abort(txn);
	buffer_free(&encoded);
	buffer_free(&out);
	return text;
}

static void last_change_of_each(void **state)
{
	struct fixture *f = *state;
	struct table table;
	fixture_create(f, "orders", NULL, &table);
	undoing_change(f, &table, 1, "ann", "{'id':'a','n':1,'s':'x','m':{'a':[1]}}");
	undoing_change(f, &table, 2, "bob", "{'id':'a','n':2,'s':'x','m':{'a':[1]}}");
	undoing_change(f, &table, 3, "bob", "{'id':'a','n':2,'s':'y','m':{'a':[1]},'new':1}");
	undoing_change(f, &table, 4, "bob", "{'id':'b'}");
	undoing_change(f, &table, 5, "ann", "{'id':'a','n':2,'s':'x','m':{'a':[1,2]},'new':1}");
	assert_string_equal(blamed(f, &table, "{'id':'a'}", SEQ_MAX), "id:1 m:5 n:2 new:3 s:5 ");
	assert_string_equal(blamed(f, &table, "{'id':'a'}", 4), "id:1 m:1 n:2 new:3 s:3 ");
	assert_string_equal(blamed(f, &table, "{'id':'a'}", 1), "id:1 m:1 n:1 s:1 ");
	assert_string_equal(blamed(f, &table, "{'id':'b'}", 3), strerror(ENOENT));
	/* What was taken away and set again was set then. */
	undoing_change(f, &table, 6, "ann", "{'id':'a','s':'x'}");
	undoing_change(f, &table, 7, "ann", "{'id':'a','s':'x','n':2}");
	assert_string_equal(blamed(f, &table, "{'id':'a'}", SEQ_MAX), "id:1 n:7 s:5 ");
	table_free(&table);
}

static void only_the_present_life(void **state)
{
	struct fixture *f = *state;
	struct table table;
	fixture_create(f, "orders", NULL, &table);
	undoing_change(f, &table, 1, "ann", "{'id':'a','n':1}");
	undoing_change(f, &table, 2, "ann", "-{'id':'a'}");
	assert_string_equal(blamed(f, &table, "{'id':'a'}", SEQ_MAX), strerror(ENOENT));
	undoing_change(f, &table, 3, "ann", "{'id':'a','n':1}");
	undoing_change(f, &table, 4, "ann", "{'id':'a','n':1,'x':1}");
	assert_string_equal(blamed(f, &table, "{'id':'a'}", SEQ_MAX), "id:3 n:3 x:4 ");
	table_free(&table);
}

static void keys_come_first(void **state)
{
	struct fixture *f = *state;
	struct table table;
	fixture_create(f, "songs", "z", &table);
	undoing_change(f, &table, 1, "ann", "{'id':'a','z':'1','n':1}");
	undoing_change(f, &table, 2, "ann", "{'id':'a','z':'2','n':1}");
	undoing_change(f, &table, 3, "ann", "{'id':'a','z':'1','n':2}");
	assert_string_equal(blamed(f, &table, "{'id':'a','z':'1'}", SEQ_MAX), "id:1 z:1 n:3 ");
	table_free(&table);
}

/* Of a restored table, and of a window that began later, what was before can't be told. */
static void what_is_older(void **state)
{
	struct fixture *f = *state;
	struct table table, restored;
	fixture_create(f, "orders", NULL, &table);
	undoing_change(f, &table, 1, "ann", "{'id':'a','n':1,'s':1}");
	undoing_change(f, &table, 2, "ann", "{'id':'a','n':2,'s':1}");
	fixture_restore(f, &table, SEQ_MAX, "again", &restored);
	assert_string_equal(blamed(f, &restored, "{'id':'a'}", SEQ_MAX), "id:2! n:2! s:2! ");
	undoing_change(f, &restored, 5, "ann", "{'id':'a','n':3,'s':1}");
	assert_string_equal(blamed(f, &restored, "{'id':'a'}", SEQ_MAX), "id:2! n:3 s:2! ");
	struct batch *batch = fixture_begin(f);
	struct change_context context = { 0 };
	assert_int_equal(table_set_recovery(batch, &table, /* is_on= */ true, 1, &context, NULL), 0);
	fixture_commit(batch);
	table_free(&table);
	clock_set(START + 3 * DAY_US);
	struct store_txn *txn = fixture_read(f);
	assert_int_equal(table_find(txn, slice_of_text("orders"), TIME_NOW, &table, NULL), 0);
	store_abort(txn);
	assert_string_equal(blamed(f, &table, "{'id':'a'}", SEQ_MAX), "id:2! n:2! s:2! ");
	table_free(&table);
	table_free(&restored);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(last_change_of_each, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(only_the_present_life, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(keys_come_first, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(what_is_older, open_store, fixture_end_test),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
