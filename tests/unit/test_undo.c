#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/author.h"
#include "core/item_json.h"
#include "core/restore.h"
#include "core/retention.h"
#include "tests/support/undoing.h"

#define START UNDOING_START
#define AT(seconds) UNDOING_AT(seconds)
#define EVER AT(1000000)

static int open_store(void **state)
{
	return fixture_begin_test(state, START);
}

static void assert_counts(struct undo_counts counts, uint64_t changes, uint64_t brought_back, uint64_t reverted,
	uint64_t removed, uint64_t conflicts, uint64_t unchanged)
{
	assert_int_equal(counts.changes, changes);
	assert_int_equal(counts.brought_back, brought_back);
	assert_int_equal(counts.reverted, reverted);
	assert_int_equal(counts.removed, removed);
	assert_int_equal(counts.conflicts, conflicts);
	assert_int_equal(counts.unchanged, unchanged);
}

static void assert_live(struct fixture *f, const struct table *table, const char *wanted)
{
	struct buffer text = BUFFER_INIT;
	assert_string_equal(fixture_show_live(f, table, &text), wanted);
	buffer_free(&text);
}

static void reverses_a_window_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	struct table table;
	fixture_create(f, "orders", NULL, &table);
	undoing_change(f, &table, 1, "ann", "{'id':'a','n':1}");
	undoing_change(f, &table, 2, "ann", "{'id':'b','n':1}");
	undoing_change(f, &table, 3, "ann", "{'id':'c','n':1}");
	undoing_change(f, &table, 10, "script", "-{'id':'a'}");
	undoing_change(f, &table, 11, "script", "{'id':'b','n':2}");
	undoing_change(f, &table, 12, "script", "{'id':'d','n':1}");
	undoing_change(f, &table, 13, "script", "{'id':'b','n':3}");
	undoing_change(f, &table, 20, "ann", "{'id':'c','n':2}");
	undoing_change(f, &table, 21, "ann", "{'id':'e','n':1}");
	struct undo_options options = { .from_us = AT(10), .to_us = AT(13) };
	assert_counts(undoing_do(f, &table, &options), 4, 1, 1, 1, 0, 0);
	assert_live(f, &table,
		"b.json {\"id\":\"b\",\"n\":1}\nc.json {\"id\":\"c\",\"n\":2}\ne.json {\"id\":\"e\",\"n\":1}\n"
		"a.json {\"id\":\"a\",\"n\":1}\n");
	/* Again: everything is as it was. */
	assert_counts(undoing_do(f, &table, &options), 4, 0, 0, 0, 0, 3);
	table_free(&table);
}

static void takes_both_ends_of_the_window(void **state)
{
	struct fixture *f = *state;
	struct table table;
	fixture_create(f, "orders", NULL, &table);
	undoing_change(f, &table, 1, "ann", "{'id':'a'}");
	undoing_change(f, &table, 2, "ann", "{'id':'b'}");
	undoing_change(f, &table, 3, "ann", "{'id':'c'}");
	struct undo_options options = { .from_us = AT(2), .to_us = AT(2) };
	clock_set(AT(5));
	assert_counts(undoing_do(f, &table, &options), 1, 0, 0, 1, 0, 0);
	assert_live(f, &table, "a.json {\"id\":\"a\"}\nc.json {\"id\":\"c\"}\n");
	options = (struct undo_options){ .from_us = AT(4), .to_us = EVER };
	assert_counts(undoing_do(f, &table, &options), 1, 1, 0, 0, 0, 0);
	options = (struct undo_options){ .from_us = 0, .to_us = AT(1) - 1 };
	assert_counts(undoing_do(f, &table, &options), 0, 0, 0, 0, 0, 0);
	options = (struct undo_options){ .from_us = AT(2) + 1, .to_us = AT(3) - 1 };
	assert_counts(undoing_do(f, &table, &options), 0, 0, 0, 0, 0, 0);
	options = (struct undo_options){ .from_us = 0, .to_us = EVER };
	assert_counts(undoing_do(f, &table, &options), 5, 0, 0, 3, 0, 0);
	assert_live(f, &table, "");
	table_free(&table);
	fixture_create(f, "empty", NULL, &table);
	assert_counts(undoing_do(f, &table, &options), 0, 0, 0, 0, 0, 0);
	table_free(&table);
}

static void takes_changes_by_number(void **state)
{
	struct fixture *f = *state;
	struct table table;
	struct undo_counts counts;
	fixture_create(f, "orders", NULL, &table);
	struct batch *batch = fixture_begin(f);
	fixture_put_in(batch, &table, "{'id':'a'}", AT(-3));
	fixture_put_in(batch, &table, "{'id':'b'}", AT(-3));
	fixture_put_in(batch, &table, "{'id':'c'}", AT(-3));
	fixture_put_in(batch, &table, "{'id':'d'}", AT(-2));
	fixture_commit(batch);
	struct undo_options options = { .from_seq = 2, .to_seq = 2 };
	assert_counts(undoing_do(f, &table, &options), 1, 0, 0, 1, 0, 0);
	options = (struct undo_options){ .from_seq = 3, .to_us = AT(-2) };
	assert_counts(undoing_do(f, &table, &options), 2, 0, 0, 2, 0, 0);
	assert_live(f, &table, "a.json {\"id\":\"a\"}\n");
	struct store_txn *txn = fixture_read(f);
	options = (struct undo_options){ .from_seq = 3, .to_seq = 2 };
	assert_int_equal(undo_plan(f->history, txn, &table, &options, NULL, NULL, &counts, NULL), -EINVAL);
	options = (struct undo_options){ .from_seq = 3, .to_seq = 8 };
	assert_int_equal(undo_plan(f->history, txn, &table, &options, NULL, NULL, &counts, NULL), -ENOENT);
	store_abort(txn);
	table_free(&table);
}

/* The one item an undo tells of. */
struct told {
	struct undo_item item;
	struct buffer before, after, now, result, later;
	unsigned count;
	struct store_txn *txn;
	int answer;
};

static void keep(struct buffer *out, struct slice item)
{
	buffer_clear(out);
	if (item.size)
		assert_int_equal(item_to_json(item, ITEM_PLAIN, ITEM_COMPACT, NULL, out), 0);
}

static int tell(void *context, const struct undo_item *item)
{
	struct told *told = context;
	struct slice author;
	told->item = *item;
	told->count++;
	keep(&told->before, item->before);
	keep(&told->after, item->after);
	keep(&told->now, item->now);
	keep(&told->result, item->result);
	buffer_clear(&told->later);
	if (item->later_author && author_text(told->txn, item->later_author, &author) == 0)
		buffer_append_slice(&told->later, author);
	return told->answer;
}

static void told_free(struct told *told)
{
	buffer_free(&told->before);
	buffer_free(&told->after);
	buffer_free(&told->now);
	buffer_free(&told->result);
	buffer_free(&told->later);
}

static int plan(struct fixture *f, const struct table *table, const struct undo_options *options, struct told *told,
	struct undo_counts *ret_counts)
{
	told->count = 0;
	told->txn = fixture_read(f);
	int r = undo_plan(f->history, told->txn, table, options, tell, told, ret_counts, NULL);
	store_abort(told->txn);
	return r;
}

static void leaves_alone_what_was_changed_again(void **state)
{
	struct fixture *f = *state;
	struct table table;
	struct told told = { 0 };
	struct undo_counts counts;
	fixture_create(f, "orders", NULL, &table);
	undoing_change(f, &table, 1, "ann", "{'id':'a','n':1,'m':1}");
	undoing_change(f, &table, 10, "script", "{'id':'a','n':2,'m':1}");
	undoing_change(f, &table, 20, "bob", "{'id':'a','n':2,'m':5}");
	struct undo_options options = { .from_us = AT(10), .to_us = AT(10) };
	assert_int_equal(plan(f, &table, &options, &told, &counts), 0);
	assert_counts(counts, 1, 0, 0, 0, 1, 0);
	assert_int_equal(told.item.action, UNDO_CONFLICT);
	assert_false(told.item.was_conflict);
	assert_string_equal(buffer_text(&told.before), "{\"id\":\"a\",\"m\":1,\"n\":1}");
	assert_string_equal(buffer_text(&told.after), "{\"id\":\"a\",\"m\":1,\"n\":2}");
	assert_string_equal(buffer_text(&told.now), "{\"id\":\"a\",\"m\":5,\"n\":2}");
	assert_string_equal(buffer_text(&told.result), "{\"id\":\"a\",\"m\":5,\"n\":2}");
	assert_string_equal(buffer_text(&told.later), "{\"by\":\"test\",\"user\":\"bob\"}");
	assert_true(told.item.later_us == AT(20));
	assert_true(told.item.first_us == AT(10) && told.item.last_us == AT(10));
	assert_counts(undoing_do(f, &table, &options), 1, 0, 0, 0, 1, 0);
	assert_live(f, &table, "a.json {\"id\":\"a\",\"m\":5,\"n\":2}\n");
	/* Attribute by attribute there is none. */
	options.conflicts = UNDO_CONFLICTS_MERGE;
	counts = undoing_do(f, &table, &options);
	assert_counts(counts, 1, 0, 1, 0, 0, 0);
	assert_int_equal(counts.decided, 1);
	assert_live(f, &table, "a.json {\"id\":\"a\",\"m\":5,\"n\":1}\n");
	options.conflicts = UNDO_CONFLICTS_UNDO;
	assert_counts(undoing_do(f, &table, &options), 1, 0, 1, 0, 0, 0);
	assert_live(f, &table, "a.json {\"id\":\"a\",\"m\":1,\"n\":1}\n");
	told_free(&told);
	table_free(&table);
}

static void merges_attribute_by_attribute(void **state)
{
	struct fixture *f = *state;
	struct table table;
	struct undo_options options = { .from_us = AT(10), .to_us = AT(19), .conflicts = UNDO_CONFLICTS_MERGE };
	fixture_create(f, "orders", NULL, &table);
	undoing_change(f, &table, 1, "ann", "{'id':'a','gone':1,'n':1,'same':1,'z':{'x':[1]}}");
	undoing_change(f, &table, 2, "ann", "{'id':'b','n':1}");
	undoing_change(f, &table, 3, "ann", "{'id':'c','n':1}");
	undoing_change(f, &table, 4, "ann", "{'id':'d','n':1}");
	undoing_change(f, &table, 10, "script", "{'added':1,'id':'a','n':2,'same':2,'z':{'x':[1]}}");
	undoing_change(f, &table, 11, "script", "{'id':'b','n':2}");
	undoing_change(f, &table, 12, "script", "{'id':'c','n':2}");
	undoing_change(f, &table, 13, "script", "-{'id':'d'}");
	undoing_change(f, &table, 14, "script", "{'id':'e','n':2}");
	undoing_change(f, &table, 20, "bob", "{'added':1,'id':'a','late':7,'n':2,'same':1,'z':{'x':[2]}}");
	undoing_change(f, &table, 21, "bob", "{'id':'b','n':3}");
	undoing_change(f, &table, 22, "bob", "-{'id':'c'}");
	undoing_change(f, &table, 23, "bob", "{'id':'d','n':9}");
	undoing_change(f, &table, 24, "bob", "{'id':'e','n':2,'o':1}");
	struct undo_counts counts = undoing_do(f, &table, &options);
	assert_counts(counts, 5, 0, 1, 0, 4, 0);
	assert_int_equal(counts.decided, 1);
	assert_live(f, &table,
		"a.json {\"gone\":1,\"id\":\"a\",\"late\":7,\"n\":1,\"same\":1,\"z\":{\"x\":[2]}}\n"
		"b.json {\"id\":\"b\",\"n\":3}\ne.json {\"id\":\"e\",\"n\":2,\"o\":1}\nd.json "
		"{\"id\":\"d\",\"n\":9}\n");
	table_free(&table);
}

static void keeps_what_a_merge_would_make_too_large(void **state)
{
	struct fixture *f = *state;
	struct table table;
	struct undo_options options = { .from_us = AT(10), .to_us = AT(19), .conflicts = UNDO_CONFLICTS_MERGE };
	char *large = malloc(300001), *text = malloc(300100);
	memset(large, 'x', 300000);
	large[300000] = '\0';
	fixture_create(f, "orders", NULL, &table);
	snprintf(text, 300100, "{'id':'a','one':'%s'}", large);
	undoing_change(f, &table, 1, "ann", text);
	undoing_change(f, &table, 10, "script", "{'id':'a'}");
	snprintf(text, 300100, "{'id':'a','two':'%s'}", large);
	undoing_change(f, &table, 20, "bob", text);
	assert_counts(undoing_do(f, &table, &options), 1, 0, 0, 0, 1, 0);
	free(large);
	free(text);
	table_free(&table);
}

static void chooses_by_author_expression_and_kind(void **state)
{
	struct fixture *f = *state;
	struct table table;
	const char *by[] = { "user=script", "user=robot" };
	struct expression *large = undoing_parse("price >= 100"), *shoes = undoing_parse("kind = 'shoe'");
	const struct expression *where[] = { large, shoes };
	fixture_create(f, "orders", NULL, &table);
	undoing_change(f, &table, 1, "ann", "{'id':'a','kind':'shoe','price':10}");
	undoing_change(f, &table, 2, "ann", "{'id':'b','kind':'shoe','price':20}");
	undoing_change(f, &table, 3, "ann", "{'id':'c','kind':'coat','price':30}");
	undoing_change(f, &table, 10, "script", "{'id':'a','kind':'shoe','price':100}");
	undoing_change(f, &table, 11, "script", "{'id':'b','kind':'shoe','price':99}");
	undoing_change(f, &table, 12, "script", "{'id':'c','kind':'coat','price':300}");
	undoing_change(f, &table, 13, "ann", "{'id':'d','kind':'shoe','price':500}");
	undoing_change(f, &table, 14, "robot", "{'id':'e','kind':'shoe','price':500}");
	undoing_change(f, &table, 15, "robot", "-{'id':'e'}");
	struct undo_options options = { .from_us = AT(10), .to_us = AT(20) };
	struct undo_counts counts;
	struct told told = { 0 };
	assert_int_equal(plan(f, &table, &options, &told, &counts), 0);
	assert_counts(counts, 6, 0, 3, 1, 0, 1);
	options.by = by;
	options.by_count = 1;
	assert_int_equal(plan(f, &table, &options, &told, &counts), 0);
	assert_counts(counts, 3, 0, 3, 0, 0, 0);
	options.by_count = 2;
	options.ops = 1u << CHANGE_REMOVE;
	assert_int_equal(plan(f, &table, &options, &told, &counts), 0);
	assert_counts(counts, 1, 1, 0, 0, 0, 0);
	options.ops = 0;
	options.where = where;
	options.where_count = 1;
	assert_int_equal(plan(f, &table, &options, &told, &counts), 0);
	assert_counts(counts, 4, 0, 2, 0, 0, 1);
	options.where_count = 2;
	assert_int_equal(plan(f, &table, &options, &told, &counts), 0);
	assert_counts(counts, 3, 0, 1, 0, 0, 1);
	options.by_count = 0;
	counts = undoing_do(f, &table, &options);
	assert_counts(counts, 4, 0, 1, 1, 0, 1);
	assert_live(f, &table,
		"a.json {\"id\":\"a\",\"kind\":\"shoe\",\"price\":10}\nb.json "
		"{\"id\":\"b\",\"kind\":\"shoe\",\"price\":99}\n"
		"c.json {\"id\":\"c\",\"kind\":\"coat\",\"price\":300}\n");
	expression_free(large);
	expression_free(shoes);
	told_free(&told);
	table_free(&table);
}

static void sees_changes_of_others_between(void **state)
{
	struct fixture *f = *state;
	struct table table;
	const char *by[] = { "user=script" };
	struct told told = { 0 };
	struct undo_counts counts;
	fixture_create(f, "orders", NULL, &table);
	undoing_change(f, &table, 1, "ann", "{'id':'a','m':1,'n':1}");
	undoing_change(f, &table, 9, "bob", "{'id':'a','m':1,'n':1,'o':1}");
	undoing_change(f, &table, 10, "script", "{'id':'a','m':1,'n':2,'o':1}");
	undoing_change(f, &table, 11, "bob", "{'id':'a','m':2,'n':2,'o':1}");
	undoing_change(f, &table, 12, "script", "{'id':'a','m':2,'n':3,'o':1}");
	undoing_change(f, &table, 13, "script", "{'id':'a','m':2,'n':3,'o':1,'p':1}");
	struct undo_options options = { .from_us = AT(8), .to_us = AT(20), .by = by, .by_count = 1 };
	assert_int_equal(plan(f, &table, &options, &told, &counts), 0);
	assert_counts(counts, 3, 0, 0, 0, 1, 0);
	assert_string_equal(buffer_text(&told.later), "{\"by\":\"test\",\"user\":\"bob\"}");
	assert_true(told.item.later_us == AT(11));
	options.conflicts = UNDO_CONFLICTS_MERGE;
	assert_counts(undoing_do(f, &table, &options), 3, 0, 1, 0, 0, 0);
	assert_live(f, &table, "a.json {\"id\":\"a\",\"m\":2,\"n\":1,\"o\":1}\n");
	told_free(&told);
	table_free(&table);
}

static void takes_lives_of_a_key_together(void **state)
{
	struct fixture *f = *state;
	struct table table;
	struct told told = { 0 };
	struct undo_counts counts;
	fixture_create(f, "events", "at", &table);
	undoing_change(f, &table, 1, "ann", "{'id':'p','at':'x','n':1}");
	undoing_change(f, &table, 2, "ann", "{'id':'p','at':'y','n':1}");
	undoing_change(f, &table, 10, "script", "-{'id':'p','at':'x'}");
	undoing_change(f, &table, 11, "script", "-{'id':'p','at':'y'}");
	undoing_change(f, &table, 12, "script", "{'id':'p','at':'x','n':2}");
	undoing_change(f, &table, 13, "script", "-{'id':'p','at':'x'}");
	undoing_change(f, &table, 14, "script", "{'id':'q','at':'x','n':1}");
	undoing_change(f, &table, 15, "script", "-{'id':'q','at':'x'}");
	undoing_change(f, &table, 16, "script", "{'id':'p','at':'x','n':3}");
	struct undo_options options = { .from_us = AT(10), .to_us = AT(20) };
	assert_int_equal(plan(f, &table, &options, &told, &counts), 0);
	assert_int_equal(told.count, 3);
	assert_int_equal(told.item.action, UNDO_NOTHING);
	assert_counts(undoing_do(f, &table, &options), 7, 1, 1, 0, 0, 1);
	assert_live(f, &table,
		"p/x.json {\"at\":\"x\",\"id\":\"p\",\"n\":1}\np/y.json {\"at\":\"y\",\"id\":\"p\",\"n\":1}\n");
	told_free(&told);
	table_free(&table);
}

static void is_undone_itself(void **state)
{
	struct fixture *f = *state;
	struct table table;
	const char *by[] = { "user=undo" };
	struct buffer before = BUFFER_INIT;
	fixture_create(f, "orders", NULL, &table);
	undoing_change(f, &table, 1, "ann", "{'id':'a','n':1}");
	undoing_change(f, &table, 2, "ann", "{'id':'b','n':1}");
	undoing_change(f, &table, 10, "script", "{'id':'c','n':1}");
	undoing_change(f, &table, 11, "script", "{'id':'b','n':2}");
	fixture_show_live(f, &table, &before);
	struct undo_options options = { .from_us = AT(10), .to_us = AT(20) };
	clock_set(AT(30));
	assert_counts(undoing_do(f, &table, &options), 2, 0, 1, 1, 0, 0);
	options = (struct undo_options){ .from_us = AT(30), .to_us = AT(40), .by = by, .by_count = 1 };
	assert_counts(undoing_do(f, &table, &options), 2, 1, 1, 0, 0, 0);
	assert_live(f, &table, buffer_text(&before));
	buffer_free(&before);
	table_free(&table);
}

static void goes_into_another_table(void **state)
{
	struct fixture *f = *state;
	struct table table, into;
	fixture_create(f, "orders", NULL, &table);
	fixture_create(f, "fixed", NULL, &into);
	undoing_change(f, &table, 1, "ann", "{'id':'a','n':1}");
	undoing_change(f, &table, 2, "script", "{'id':'a','n':2}");
	undoing_change(f, &into, 3, "copy", "{'id':'a','n':2}");
	struct undo_options options = { .from_us = AT(2), .to_us = AT(2) };
	assert_counts(undoing_do_into(f, &table, &into, &options), 1, 0, 1, 0, 0, 0);
	assert_live(f, &table, "a.json {\"id\":\"a\",\"n\":2}\n");
	assert_live(f, &into, "a.json {\"id\":\"a\",\"n\":1}\n");
	table_free(&table);
	table_free(&into);
}

/* A shared copy of the present state, and what it began with. */
static void goes_into_a_shared_copy(void **state)
{
	struct fixture *f = *state;
	struct table table, into;
	struct restore_source source;
	struct change_context context = { 0 };
	struct undo_counts counts;
	struct instant now = { .kind = INSTANT_AT, .time_us = TIME_NOW };
	struct error error = { 0 };
	fixture_create(f, "orders", NULL, &table);
	undoing_change(f, &table, 1, "ann", "{'id':'a','n':1}");
	undoing_change(f, &table, 2, "ann", "{'id':'b','n':1}");
	undoing_change(f, &table, 10, "script", "-{'id':'a'}");
	undoing_change(f, &table, 11, "script", "{'id':'c','n':2}");
	undoing_change(f, &table, 20, "ann", "{'id':'d','n':1}");
	clock_set(AT(30));
	struct undo_options options = { .from_us = AT(10), .to_us = AT(11) };
	struct batch *batch = fixture_begin(f);
	int r = restore_source_at(f->history, batch_txn(batch), &table, &now, &source, &error);
	if (!r)
		r = restore_share(batch, &source, slice_of_text("fixed"), NULL, &context, &into, &error);
	if (!r)
		r = undo_apply(batch, &table, &into, &options, &context, NULL, NULL, &counts, &error);
	fixture_require(r == 0, "undo into a shared copy", &error);
	fixture_commit(batch);
	assert_counts(counts, 2, 1, 0, 1, 0, 0);
	assert_live(f, &table,
		"b.json {\"id\":\"b\",\"n\":1}\nc.json {\"id\":\"c\",\"n\":2}\nd.json {\"id\":\"d\",\"n\":1}\n");
	const char *wanted =
		"b.json {\"id\":\"b\",\"n\":1}\nd.json {\"id\":\"d\",\"n\":1}\na.json {\"id\":\"a\",\"n\":1}\n";
	assert_live(f, &into, wanted);
	/* What it inherited is what it was before. */
	undoing_change(f, &into, 40, "script", "-{'id':'b'}");
	undoing_change(f, &into, 41, "script", "{'id':'d','n':5}");
	options = (struct undo_options){ .from_us = AT(40), .to_us = AT(41) };
	assert_counts(undoing_do(f, &into, &options), 2, 1, 1, 0, 0, 0);
	options = (struct undo_options){ .from_us = 0, .to_us = EVER };
	assert_counts(undoing_do(f, &into, &options), 6, 1, 0, 1, 0, 2);
	assert_live(f, &into,
		"d.json {\"id\":\"d\",\"n\":1}\nb.json {\"id\":\"b\",\"n\":1}\nc.json {\"id\":\"c\",\"n\":2}\n");
	restore_source_free(&source);
	table_free(&table);
	table_free(&into);
}

static void refuses_windows_that_are_not_whole(void **state)
{
	struct fixture *f = *state;
	struct table table;
	struct told told = { 0 };
	struct undo_counts counts;
	fixture_create_text(f,
		"{'TableName':'orders','BillingMode':'PAY_PER_REQUEST','KeySchema':[{'AttributeName':'id',"
		"'KeyType':'HASH'}],'AttributeDefinitions':[{'AttributeName':'id','AttributeType':'S'}]}",
		&table);
	undoing_change(f, &table, 10, "ann", "{'id':'a','n':1}");
	struct undo_options options = { .from_us = AT(1), .to_us = AT(20) };
	assert_int_equal(plan(f, &table, &options, &told, &counts), 0);
	clock_set(AT(36 * 86400));
	assert_int_equal(plan(f, &table, &options, &told, &counts), -ESTALE);
	options.from_us = AT(20 * 86400);
	assert_int_equal(plan(f, &table, &options, &told, &counts), -EINVAL);
	options.to_us = AT(21 * 86400);
	assert_int_equal(plan(f, &table, &options, &told, &counts), 0);
	assert_int_equal(told.count, 0);
	table_free(&table);
	told_free(&told);
}

/* Retention has been there: the first change of an imported table is the oldest state it keeps. */
static void reaches_to_the_first_change(void **state)
{
	struct fixture *f = *state;
	struct table table;
	int r;
	struct batch *batch = fixture_begin(f);
	fixture_create_in(batch, "orders", "id", NULL, AT(-100), &table);
	fixture_put_in(batch, &table, "{'id':'a'}", AT(-100));
	fixture_put_in(batch, &table, "{'id':'b'}", AT(-90));
	fixture_commit(batch);
	while ((r = retention_step(f->history, NULL, NULL)) == 1)
		;
	assert_int_equal(r, 0);
	struct undo_options options = { .from_us = AT(-200), .to_us = AT(-95) };
	assert_counts(undoing_do(f, &table, &options), 1, 0, 0, 1, 0, 0);
	assert_live(f, &table, "b.json {\"id\":\"b\"}\n");
	table_free(&table);
}

static void ends_when_the_caller_says(void **state)
{
	struct fixture *f = *state;
	struct table table;
	struct told told = { .answer = -ECANCELED };
	struct undo_counts counts;
	struct change_context context = { 0 };
	fixture_create(f, "orders", NULL, &table);
	undoing_change(f, &table, 1, "ann", "{'id':'a','n':1}");
	undoing_change(f, &table, 2, "ann", "{'id':'b','n':1}");
	struct undo_options options = { .from_us = AT(1), .to_us = AT(2) };
	struct batch *batch = fixture_begin(f);
	told.txn = batch_txn(batch);
	assert_int_equal(undo_apply(batch, &table, NULL, &options, &context, tell, &told, &counts, NULL), -ECANCELED);
	assert_int_equal(told.count, 1);
	batch_abort(batch);
	assert_live(f, &table, "a.json {\"id\":\"a\",\"n\":1}\nb.json {\"id\":\"b\",\"n\":1}\n");
	table_free(&table);
	told_free(&told);
}

/* More changes than are sorted in memory. */
static void spills_what_is_large(void **state)
{
	struct fixture *f = *state;
	struct table table;
	enum { ITEMS = 2500, ROUNDS = 6 };
	fixture_create(f, "orders", NULL, &table);
	for (int round = 0; round < ROUNDS; round++) {
		clock_set(AT(round + 1));
		struct batch *batch = fixture_begin(f);
		for (int i = 0; i < ITEMS; i++) {
			char text[64];
			snprintf(text, sizeof(text), "{'id':'%d','n':%d}", i, round);
			fixture_put_in(batch, &table, text, 0);
		}
		fixture_commit(batch);
	}
	struct undo_options options = { .from_us = AT(2), .to_us = EVER, .conflicts = UNDO_CONFLICTS_MERGE };
	assert_counts(undoing_do(f, &table, &options), (ROUNDS - 1) * ITEMS, 0, ITEMS, 0, 0, 0);
	struct snapshot first;
	struct buffer was = BUFFER_INIT, is = BUFFER_INIT;
	assert_int_equal(fixture_at(f, &table, AT(2) - 1, &first), 0);
	assert_string_equal(fixture_show(f, &table, &first, &was), fixture_show_live(f, &table, &is));
	buffer_free(&was);
	buffer_free(&is);
	table_free(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reverses_a_window_and_nothing_else, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(takes_both_ends_of_the_window, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(takes_changes_by_number, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(leaves_alone_what_was_changed_again, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(merges_attribute_by_attribute, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(keeps_what_a_merge_would_make_too_large, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(chooses_by_author_expression_and_kind, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(sees_changes_of_others_between, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(takes_lives_of_a_key_together, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(is_undone_itself, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(goes_into_another_table, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(goes_into_a_shared_copy, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(refuses_windows_that_are_not_whole, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(reaches_to_the_first_change, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(ends_when_the_caller_says, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(spills_what_is_large, open_store, fixture_end_test),
	};
	return cmocka_run_group_tests_name("undo", tests, NULL, NULL);
}
