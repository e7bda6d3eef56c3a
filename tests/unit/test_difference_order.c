#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/difference_order.h"
#include "core/key.h"
#include "tests/support/fixture.h"

#define START INT64_C(1740830400000000) /* 2025-03-01T12:00:00 */
#define PARTITIONS 30
#define CHANGES 300

static int open_store(void **state)
{
	return fixture_begin_test(state, START);
}

static void make_history(struct fixture *f, struct table *ret_table, uint64_t *ret_seq)
{
	uint64_t random = 8;
	char text[64];
	fixture_create(f, "events", "s", ret_table);
	struct batch *batch = fixture_begin(f);
	for (unsigned i = 0; i < CHANGES; i++) {
		unsigned p = (unsigned)fixture_random_below(&random, PARTITIONS),
			 s = (unsigned)fixture_random_below(&random, 4);
		bool is_removal = fixture_random_below(&random, 3) == 0;
		snprintf(text, sizeof(text), "{'id':'p%u','s':'%u'%s}", p, s, is_removal ? "" : ",'n':1");
		if (!is_removal)
			snprintf(text, sizeof(text), "{'id':'p%u','s':'%u','n':%u}", p, s, i % 3);
		uint64_t seq = is_removal ? fixture_remove_in(batch, ret_table, text, 0)
					  : fixture_put_in(batch, ret_table, text, 0);
		*ret_seq = seq ? seq : *ret_seq;
	}
	fixture_commit(batch);
}

/* Whose partition it is, by its number in the name. */
static unsigned partition_of(struct slice encoded_key, struct buffer *ret_encoded)
{
	struct buffer storage = BUFFER_INIT;
	struct key key;
	char text[16] = "";
	assert_int_equal(key_decode(encoded_key, &storage, &key), 0);
	memcpy(text, key.partition.bytes.data, key.partition.bytes.size);
	buffer_clear(ret_encoded);
	key_append_partition(&key.partition, ret_encoded);
	buffer_free(&storage);
	unsigned number = PARTITIONS;
	sscanf(text, "p%u", &number);
	assert_true(number < PARTITIONS);
	return number;
}

/* Differences of a kind: how many in each partition, and the first. */
struct wanted {
	unsigned count[PARTITIONS];
	uint64_t first[PARTITIONS];
	struct buffer encoded[PARTITIONS];
	unsigned partitions;
};

static void want(struct store_txn *txn, const struct table *table, uint64_t from, uint64_t to,
	enum difference_kind kind, struct wanted *wanted)
{
	struct difference_walk walk;
	struct difference difference;
	struct buffer encoded = BUFFER_INIT;
	int r;
	assert_int_equal(difference_begin(&walk, txn, table->number, from, to, 0), 0);
	while ((r = difference_next(&walk, &difference)) == 1) {
		unsigned p = partition_of(difference.encoded_key, &encoded);
		if (difference.kind != kind)
			continue;
		if (!wanted->count[p]++) {
			wanted->first[p] = difference.place;
			wanted->partitions++;
			buffer_append_slice(&wanted->encoded[p], buffer_slice(&encoded));
		}
	}
	assert_int_equal(r, 0);
	difference_end(&walk);
	buffer_free(&encoded);
}

static void assert_kind(struct store_txn *txn, const struct table *table, const struct difference_order *order,
	uint64_t from, uint64_t to, enum difference_kind kind)
{
	struct wanted wanted = { 0 };
	uint64_t position = 0, before, place;
	unsigned partitions = 0;
	want(txn, table, from, to, kind, &wanted);
	for (; before = position, difference_order_next(order, kind, position, &position, &place) == 1; partitions++) {
		unsigned p = 0;
		while (p < PARTITIONS && (!wanted.count[p] || wanted.first[p] != place))
			p++;
		assert_true(p < PARTITIONS && position > before);
	}
	assert_int_equal(partitions, wanted.partitions);
	for (unsigned p = 0; p < PARTITIONS; p++) {
		unsigned count = 0;
		uint64_t after = 0;
		if (!wanted.count[p])
			continue;
		while (difference_order_in(order, kind, buffer_slice(&wanted.encoded[p]), after, &after) == 1)
			count += count || after == wanted.first[p];
		assert_int_equal(count, wanted.count[p]);
		buffer_free(&wanted.encoded[p]);
	}
}

static void knows_partitions_and_what_is_in_them(void **state)
{
	struct fixture *f = *state;
	struct table table;
	uint64_t seq = 0;
	make_history(f, &table, &seq);
	struct store_txn *txn = fixture_read(f);
	const uint64_t states[][2] = { { 0, seq }, { seq / 2, seq }, { seq, seq / 3 }, { seq, seq } };
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		struct difference_order *order;
		uint64_t place;
		assert_int_equal(
			difference_order_new(txn, table.number, states[i][0], states[i][1], f->directory, &order), 0);
		for (unsigned kind = DIFFERENCE_ADDED; kind <= DIFFERENCE_CHANGED; kind++)
			assert_kind(txn, &table, order, states[i][0], states[i][1], (enum difference_kind)kind);
		assert_int_equal(difference_order_in(order, DIFFERENCE_ADDED, slice_of_text("Snone"), 0, &place), 0);
		difference_order_free(order);
	}
	struct difference_order *none;
	assert_int_equal(difference_order_new(txn, table.number, 0, seq + 1, f->directory, &none), -ESTALE);
	store_abort(txn);
	table_free(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(knows_partitions_and_what_is_in_them, open_store, fixture_end_test),
	};
	return cmocka_run_group_tests_name("difference_order", tests, NULL, NULL);
}
