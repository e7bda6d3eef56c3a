#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/layout.h"
#include "tests/support/fixture.h"
#include "tests/support/model.h"
#include "tests/support/model_items.h"

#define KEYS 3000

static void assert_storable(const struct layout_key *key)
{
	assert_in_range(key->size, 1, STORE_KEY_MAX);
	assert_null(memchr(key->bytes, 0, key->size));
}

static int order(struct layout_key a, struct layout_key b)
{
	assert_storable(&a);
	assert_storable(&b);
	int r = slice_compare(layout_slice(&a), layout_slice(&b));
	return r < 0 ? -1 : r > 0;
}

static void numbers_are_in_order(void **state)
{
	static const uint64_t numbers[] = { 0, 1, 127, 128, 255, 256, 16383, 16384, UINT64_C(1) << 28, SEQ_MAX - 1,
		SEQ_MAX };
	(void)state;
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct layout_key log = layout_log(3, numbers[i]);
		assert_int_equal(layout_log_seq(layout_slice(&log)), numbers[i]);
		struct layout_key meta = layout_meta_number('c', numbers[i]);
		assert_int_equal(layout_meta_read_number(layout_slice(&meta)), numbers[i]);
		if (!i)
			continue;
		assert_int_equal(order(layout_log(3, numbers[i - 1]), layout_log(3, numbers[i])), -1);
		assert_int_equal(order(layout_version(3, 9, numbers[i - 1]), layout_version(3, 9, numbers[i])), 1);
		assert_int_equal(order(layout_roster(3, 9, 0, numbers[i - 1]), layout_roster(3, 9, 0, numbers[i])), -1);
		assert_int_equal(order(meta, layout_meta_number('c', numbers[i - 1])), 1);
		assert_int_equal(order(layout_author(numbers[i - 1]), layout_author(numbers[i])), -1);
	}
	assert_int_equal(order(layout_log(3, SEQ_MAX), layout_log(4, 0)), -1);
	assert_int_equal(order(layout_log(TABLE_NUMBER_MAX - 1, SEQ_MAX), layout_log(TABLE_NUMBER_MAX, 0)), -1);
	assert_int_equal(order(layout_version(3, NODE_NUMBER_MAX, 0), layout_version(4, 0, SEQ_MAX)), -1);
}

static bool has_prefix(const struct layout_key *key, const struct layout_key *prefix)
{
	return key->size > prefix->size && !memcmp(key->bytes, prefix->bytes, prefix->size);
}

/* Keys of all kinds, of tables with every combination of key types, and random ones with the bytes that matter. */
static void collect(struct buffer *keys, size_t room)
{
	static const enum value_tag types[] = { VALUE_S, VALUE_N, VALUE_B };
	size_t count = 0;
	for (unsigned i = 0; i < 12; i++) {
		struct key_schema schema = {
			.partition = { "id", types[i % 3] }, .sort = { "at", types[i / 3 % 3] }, .has_sort = i >= 3
		};
		for (unsigned k = 0; k < MODEL_KEYS; k++)
			model_items_key(&schema, k, &keys[count++]);
	}
	uint64_t random = 12;
	while (count < room) {
		static const uint8_t bytes[] = { 0, 1, 2, 3, 'a', 0x80, 0xff };
		uint8_t value[600];
		size_t size = 1 + fixture_random_below(&random, count % 3 ? 5 : sizeof(value));
		for (size_t j = 0; j < size; j++)
			value[j] = bytes[fixture_random_below(&random, count % 2 ? 2 : sizeof(bytes))];
		struct key key = { .partition = { .tag = VALUE_B, .bytes = slice_of(value, size) } };
		key_append_encoded(&key, &keys[count++]);
	}
}

/* No lifespan of one key is found under the prefix of another, however alike they are. */
static void keys_are_told_apart(void **state)
{
	static struct buffer keys[KEYS];
	static struct layout_key lives[KEYS];
	collect(keys, KEYS);
	(void)state;
	for (size_t i = 0; i < KEYS; i++)
		lives[i] = layout_index(7, buffer_slice(&keys[i]), 1000 + i);
	for (size_t i = 0; i < KEYS; i++) {
		struct layout_key prefix = layout_index_prefix(7, buffer_slice(&keys[i]));
		struct layout_key newest = layout_index(7, buffer_slice(&keys[i]), SEQ_MAX);
		struct layout_key oldest = layout_index(7, buffer_slice(&keys[i]), 1);
		assert_true(has_prefix(&newest, &prefix) && has_prefix(&oldest, &prefix));
		assert_int_equal(order(newest, oldest), -1);
		assert_int_equal(newest.size, prefix.size + 6);
		for (size_t j = 0; j < KEYS; j++)
			if (has_prefix(&lives[j], &prefix) && lives[j].size == newest.size &&
				!slice_equal(buffer_slice(&keys[i]), buffer_slice(&keys[j])))
				fail_msg("keys %zu and %zu are taken for one another", i, j);
	}
	for (size_t i = 0; i < KEYS; i++)
		buffer_free(&keys[i]);
}

static void long_names_are_of_their_directory(void **state)
{
	uint8_t hash[16] = { 0 }, other[16] = { 0 };
	(void)state;
	other[15] = 1;
	assert_int_equal(order(layout_long_name(7, 1, hash), layout_long_name(7, 1, other)), -1);
	assert_int_equal(order(layout_long_name(7, 1, other), layout_long_name(7, 2, hash)), -1);
	memset(hash, 0xff, sizeof(hash));
	assert_int_equal(order(layout_long_name(7, 1, hash), layout_long_name(7, 1, hash)), 0);
	assert_int_equal(order(layout_author_hash(other), layout_author_hash(hash)), -1);
}

static void what_is_gone_stands_in_order_of_numbers(void **state)
{
	static const uint64_t numbers[] = { 0, 1, 127, 128, 16384, NODE_NUMBER_MAX };
	uint8_t hash[16] = { 0 }, other[16] = { 0 };
	(void)state;
	other[0] = 0xff;
	struct layout_key partition = layout_gone_partition(7, hash);
	struct layout_key life = layout_index(7, slice_of_text("Skey"), 1);
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct layout_key own = layout_gone(7, numbers[i]), within = layout_gone_in(7, hash, numbers[i]);
		assert_int_equal(layout_gone_number(layout_slice(&own)), numbers[i]);
		assert_int_equal(layout_gone_number(layout_slice(&within)), numbers[i]);
		assert_true(layout_is_gone(layout_slice(&own)) && layout_is_gone(layout_slice(&within)));
		assert_true(has_prefix(&within, &partition));
		assert_int_equal(order(own, partition), -1);
		assert_int_equal(order(within, layout_gone_partition(7, other)), -1);
		assert_int_equal(order(within, life), -1);
		if (!i)
			continue;
		assert_int_equal(order(layout_gone(7, numbers[i - 1]), own), -1);
		assert_int_equal(order(layout_gone_in(7, hash, numbers[i - 1]), within), -1);
	}
	assert_false(layout_is_gone(layout_slice(&life)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_in_order),
		cmocka_unit_test(keys_are_told_apart),
		cmocka_unit_test(long_names_are_of_their_directory),
		cmocka_unit_test(what_is_gone_stands_in_order_of_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
