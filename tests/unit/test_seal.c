#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/change_chain.h"
#include "core/clock.h"
#include "core/hash.h"
#include "core/layout.h"
#include "core/retention.h"
#include "core/retention_state.h"
#include "core/seal.h"
#include "tests/support/consistency.h"
#include "tests/support/fixture.h"

#define START INT64_C(1740830400000000)

static int open_store(void **state)
{
	return fixture_begin_test(state, START);
}

static void make(struct fixture *f, struct seal *ret_seal)
{
	struct error error = { 0 };
	struct store_txn *txn = fixture_read(f);
	int r = seal_make(f->history, txn, ret_seal, &error);
	store_abort(txn);
	fixture_require(r == 0, "make a seal", &error);
}

static void change_often(struct fixture *f, const struct table *table, unsigned count)
{
	struct batch *batch = fixture_begin(f);
	for (unsigned i = 0; i < count; i++) {
		char item[64];
		snprintf(item, sizeof(item), "{'id':'%u','n':%u}", i % 7, i);
		if (i % 11 == 10)
			fixture_remove_in(batch, table, "{'id':'3'}", 0);
		else
			fixture_put_in(batch, table, item, 0);
	}
	fixture_commit(batch);
}

static const struct seal_table *table_of(const struct seal *seal, const char *name)
{
	for (size_t i = 0; i < seal->count; i++)
		if (!strcmp(seal->tables[i].name, name))
			return &seal->tables[i];
	return NULL;
}

static void assert_equal_seals(const struct seal *a, const struct seal *b)
{
	assert_string_equal(a->store, b->store);
	assert_int_equal(a->time_us, b->time_us);
	assert_int_equal(a->count, b->count);
	assert_memory_equal(&a->digest, &b->digest, sizeof(a->digest));
	for (size_t i = 0; i < a->count; i++) {
		assert_string_equal(a->tables[i].name, b->tables[i].name);
		assert_string_equal(a->tables[i].id, b->tables[i].id);
		assert_int_equal(a->tables[i].seq, b->tables[i].seq);
		assert_int_equal(a->tables[i].items, b->tables[i].items);
		assert_int_equal(a->tables[i].time_us, b->tables[i].time_us);
		assert_memory_equal(&a->tables[i].head, &b->tables[i].head, sizeof(a->tables[i].head));
	}
}

/* Empty tables, restored ones and ended ones too. */
static void seals_every_table(void **state)
{
	struct fixture *f = *state;
	struct table orders, empty, restored, gone;
	struct seal seal;
	struct chain head;
	fixture_create(f, "orders", NULL, &orders);
	fixture_create(f, "empty", NULL, &empty);
	fixture_create(f, "gone", NULL, &gone);
	change_often(f, &orders, 100);
	change_often(f, &gone, 3);
	fixture_restore(f, &orders, 50, "restored", &restored);
	fixture_drop(f, &gone);
	make(f, &seal);
	assert_int_equal(seal.count, 5);
	assert_string_equal(seal.store, history_id(f->history));
	assert_string_equal(seal.tables[0].id, "catalogue");
	assert_int_equal(seal.tables[0].seq, 5);
	assert_int_equal(table_of(&seal, "orders")->seq, 100);
	assert_int_equal(table_of(&seal, "empty")->seq, 0);
	assert_int_equal(table_of(&seal, "gone")->seq, 3);
	assert_int_equal(table_of(&seal, "restored")->seq, 50);
	chain_begin(empty.id, 0, &head);
	assert_memory_equal(&head, &table_of(&seal, "empty")->head, sizeof(head));
	chain_begin(restored.id, 50, &head);
	assert_memory_equal(&head, &table_of(&seal, "restored")->head, sizeof(head));
	seal_free(&seal);
	table_free(&orders);
	table_free(&empty);
	table_free(&restored);
	table_free(&gone);
}

static void text_goes_both_ways(void **state)
{
	struct fixture *f = *state;
	struct table orders;
	struct seal seal, again;
	struct buffer text = BUFFER_INIT, text_again = BUFFER_INIT;
	struct error error = { 0 };
	fixture_create(f, "orders", NULL, &orders);
	clock_set(START + 1234567);
	change_often(f, &orders, 70);
	make(f, &seal);
	assert_int_equal(seal_append_text(&seal, &text), 0);
	fixture_require(seal_parse(buffer_slice(&text), &again, &error) == 0, "parse", &error);
	assert_equal_seals(&seal, &again);
	assert_int_equal(seal_append_text(&again, &text_again), 0);
	assert_string_equal(buffer_text(&text), buffer_text(&text_again));
	buffer_free(&text);
	buffer_free(&text_again);
	seal_free(&seal);
	seal_free(&again);
	table_free(&orders);
}

static void assert_refused(const struct buffer *text, const char *from, const char *to, const char *message)
{
	struct buffer altered = BUFFER_INIT;
	struct seal seal;
	struct error error = { 0 };
	buffer_append_slice(&altered, buffer_slice(text));
	char *at = strstr((char *)(uintptr_t)buffer_text(&altered), from);
	assert_non_null(at);
	assert_int_equal(strlen(from), strlen(to));
	memcpy(at, to, strlen(to));
	assert_int_equal(seal_parse(buffer_slice(&altered), &seal, &error), -EINVAL);
	assert_non_null(strstr(error.message, message));
	assert_int_equal(seal.count, 0);
	buffer_free(&altered);
}

static void what_was_altered_is_refused(void **state)
{
	struct fixture *f = *state;
	struct table orders;
	struct seal seal;
	struct buffer text = BUFFER_INIT;
	fixture_create(f, "orders", NULL, &orders);
	change_often(f, &orders, 5);
	make(f, &seal);
	seal_append_text(&seal, &text);
	assert_refused(&text, "\"SequenceNumber\":5", "\"SequenceNumber\":4", "altered");
	assert_refused(&text, "\"Table\":\"orders\"", "\"Table\":\"others\"", "altered");
	assert_refused(&text, "\"Items\":1", "\"Items\":2", "altered");
	assert_refused(&text, "\"TableId\":\"catalogue\"", "\"TableId\":\"Catalogue\"", "altered");
	assert_refused(&text, "pitrfs 1", "pitrfs 2", "version");
	assert_refused(&text, "\"Seal\"", "\"Deal\"", "no member Seal");
	assert_refused(&text, "\"Digest\"", "\"Other!\"", "Digest");
	assert_refused(&text, "\"Head\"", "\"Tail\"", "Head");
	assert_refused(&text, "\"Tables\"", "\"Chairs\"", "Tables");
	assert_refused(&text, "]", "}", "");
	buffer_free(&text);
	seal_free(&seal);
	table_free(&orders);
}

/* --- where chains stand --- */

static int head_at(struct fixture *f, const struct table *table, uint64_t seq, struct chain *ret_head)
{
	struct store_txn *txn = fixture_read(f);
	int r = chain_head_at(txn, table, seq, ret_head);
	store_abort(txn);
	return r;
}

/* Each head differs from the others; -ESTALE below `floor`. */
static void assert_heads(
	struct fixture *f, const struct table *table, const struct chain *wanted, uint64_t floor, uint64_t last)
{
	struct chain head;
	for (uint64_t seq = 0; seq <= last; seq++) {
		assert_int_equal(head_at(f, table, seq, &head), seq < floor ? -ESTALE : 0);
		if (seq >= floor)
			assert_memory_equal(&head, &wanted[seq], sizeof(head));
	}
	assert_int_equal(head_at(f, table, last + 1, &head), -ENOENT);
}

static void forget(struct fixture *f)
{
	struct error error = { 0 };
	int r;
	while ((r = retention_step(f->history, NULL, &error)) == 1)
		;
	fixture_require(r == 0 && consistency_check(f->history, &error) == 0, "forget", &error);
}

#define DAYS 20
static void heads_stay_what_they_were_as_the_window_moves_on(void **state)
{
	struct fixture *f = *state;
	struct table orders;
	struct chain heads[DAYS * 13 + 1];
	struct change_context context = { 0 };
	uint64_t last = 0;
	fixture_create(f, "orders", NULL, &orders);
	chain_begin(orders.id, 0, &heads[0]);
	for (int day = 0; day < DAYS; day++) {
		clock_set(START + day * DAY_US);
		for (unsigned i = 0; i < 13; i++) {
			char item[64];
			snprintf(item, sizeof(item), "{'id':'%u','n':%d}", i % 5, 100 * day + (int)i);
			last = fixture_put(f, &orders, item);
			assert_int_equal(head_at(f, &orders, last, &heads[last]), 0);
		}
	}
	assert_heads(f, &orders, heads, 0, last);
	struct batch *batch = fixture_begin(f);
	assert_int_equal(table_set_recovery(batch, &orders, true, 3, &context, NULL), 0);
	fixture_commit(batch);
	for (int day = 5; day < DAYS + 3; day += 4) {
		clock_set(START + day * DAY_US);
		forget(f);
		struct store_txn *txn = fixture_read(f);
		struct retention_table kept;
		assert_int_equal(retention_table_read(txn, orders.number, &kept), 0);
		store_abort(txn);
		assert_heads(f, &orders, heads, kept.floor, last);
	}
	struct seal seal;
	make(f, &seal);
	assert_memory_equal(&table_of(&seal, "orders")->head, &heads[last], sizeof(heads[0]));
	seal_free(&seal);
	table_free(&orders);
}

static void a_damaged_version_breaks_the_chain_only_up_to_the_next_block(void **state)
{
	struct fixture *f = *state;
	struct table orders;
	struct chain head;
	struct store_txn *txn;
	struct log_entry entry;
	fixture_create(f, "orders", NULL, &orders);
	change_often(f, &orders, 200);
	assert_int_equal(store_begin(history_store(f->history), true, &txn), 0);
	assert_int_equal(log_get(txn, orders.number, 1, &entry), 0);
	struct layout_key key = layout_version(orders.number, entry.number, 1);
	assert_int_equal(store_delete(txn, STORE_VERSIONS, layout_slice(&key)), 0);
	assert_int_equal(store_commit(txn), 0);
	assert_int_equal(head_at(f, &orders, 0, &head), 0);
	assert_int_equal(head_at(f, &orders, 30, &head), -EIO);
	assert_int_equal(head_at(f, &orders, 64, &head), 0);
	assert_int_equal(head_at(f, &orders, 200, &head), 0);
	table_free(&orders);
}

static bool is_anchored(struct fixture *f, const struct table *table, uint64_t floor)
{
	struct retention_table kept;
	struct store_txn *txn = fixture_read(f);
	assert_int_equal(retention_table_read(txn, table->number, &kept), 0);
	store_abort(txn);
	assert_int_equal(kept.floor, floor);
	return kept.is_anchored;
}

/* Ten new items a day, the window being four days; the line of change 5 can't be made again. Forgetting goes on, and once the floor lies
 * in a block behind the damage, the anchor is known again. */
static void forgetting_does_not_wait_for_what_is_damaged(void **state)
{
	struct fixture *f = *state;
	struct table orders;
	struct chain head;
	struct store_txn *txn;
	struct log_entry entry;
	struct change_context context = { 0 };
	fixture_create(f, "orders", NULL, &orders);
	for (unsigned i = 0; i < 100; i++) {
		char item[32];
		clock_set(START + i / 10 * DAY_US + i * SECOND_US);
		snprintf(item, sizeof(item), "{'id':'%u'}", i);
		fixture_put(f, &orders, item);
	}
	assert_int_equal(store_begin(history_store(f->history), true, &txn), 0);
	assert_int_equal(log_get(txn, orders.number, 5, &entry), 0);
	struct layout_key key = layout_version(orders.number, entry.number, 5);
	assert_int_equal(store_delete(txn, STORE_VERSIONS, layout_slice(&key)), 0);
	assert_int_equal(store_commit(txn), 0);
	struct batch *batch = fixture_begin(f);
	assert_int_equal(table_set_recovery(batch, &orders, true, 4, &context, NULL), 0);
	fixture_commit(batch);
	static const uint64_t floors[] = { 60, 70 };
	for (unsigned i = 0; i < 2; i++) {
		clock_set(START + (int64_t)(floors[i] / 10 + 3) * DAY_US + 3600 * SECOND_US);
		while (retention_step(f->history, NULL, NULL) == 1)
			;
		assert_int_equal(is_anchored(f, &orders, floors[i]), floors[i] > 64);
		assert_int_equal(head_at(f, &orders, floors[i], &head), floors[i] > 64 ? 0 : -EIO);
		assert_int_equal(head_at(f, &orders, 75, &head), 0);
		assert_int_equal(head_at(f, &orders, 100, &head), 0);
	}
	table_free(&orders);
}

/* A restored table's chain begins at its base, and its source's floor is nothing to it. */
static void a_restored_table_has_a_chain_of_its_own(void **state)
{
	struct fixture *f = *state;
	struct table orders, restored;
	struct chain head, begin;
	fixture_create(f, "orders", NULL, &orders);
	change_often(f, &orders, 100);
	fixture_restore(f, &orders, 90, "restored", &restored);
	chain_begin(restored.id, 90, &begin);
	assert_int_equal(head_at(f, &restored, 89, &head), -ESTALE);
	assert_int_equal(head_at(f, &restored, 90, &head), 0);
	assert_memory_equal(&head, &begin, sizeof(head));
	assert_int_equal(head_at(f, &restored, 91, &head), -ENOENT);
	change_often(f, &restored, 100);
	forget(f);
	assert_int_equal(head_at(f, &restored, 90, &head), 0);
	assert_memory_equal(&head, &begin, sizeof(head));
	assert_int_equal(head_at(f, &restored, 150, &head), 0);
	table_free(&orders);
	table_free(&restored);
}

static struct {
	unsigned seen, failing;
	int code;
} calls;

static int fail_one(void *context, enum store_op op)
{
	(void)context, (void)op;
	return ++calls.seen == calls.failing ? calls.code : 0;
}

/* A seal that leaves a table out would let its loss pass. */
static void whatever_fails_no_table_is_left_out(void **state)
{
	static const int codes[] = { -EIO, -ENOMEM };
	struct fixture *f = *state;
	struct table orders, others, restored;
	struct seal whole, seal;
	fixture_create(f, "orders", NULL, &orders);
	fixture_create(f, "others", NULL, &others);
	change_often(f, &orders, 100);
	change_often(f, &others, 5);
	fixture_restore(f, &orders, 90, "restored", &restored);
	fixture_drop(f, &others);
	make(f, &whole);
	unsigned refused = 0;
	bool is_reached = true;
	for (calls.failing = 1; is_reached; calls.failing++) {
		struct error error = { 0 };
		calls.code = codes[calls.failing % 2];
		struct store_txn *txn = fixture_read(f);
		calls.seen = 0;
		store_set_fault_hook(history_store(f->history), fail_one, NULL);
		int r = seal_make(f->history, txn, &seal, &error);
		store_set_fault_hook(history_store(f->history), NULL, NULL);
		store_abort(txn);
		is_reached = calls.seen >= calls.failing;
		if (r) {
			assert_int_equal(r, calls.code);
			assert_int_equal(error.code, calls.code);
			refused++;
		} else {
			assert_equal_seals(&seal, &whole);
			seal_free(&seal);
		}
	}
	assert_in_range(refused, 10, calls.failing);
	seal_free(&whole);
	table_free(&orders);
	table_free(&others);
	table_free(&restored);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(whatever_fails_no_table_is_left_out, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(seals_every_table, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(text_goes_both_ways, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(what_was_altered_is_refused, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(
			heads_stay_what_they_were_as_the_window_moves_on, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(
			a_damaged_version_breaks_the_chain_only_up_to_the_next_block, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(
			forgetting_does_not_wait_for_what_is_damaged, open_store, fixture_end_test),
		cmocka_unit_test_setup_teardown(a_restored_table_has_a_chain_of_its_own, open_store, fixture_end_test),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
