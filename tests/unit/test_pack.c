#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "core/pack.h"
#include "tests/support/fixture.h"

#define KEY "Skey"

/* What went into a pack, oldest first. */
struct history_of_one {
	struct version versions[PACK_VERSIONS_MAX];
	struct buffer items[PACK_VERSIONS_MAX];
	unsigned count;
	struct buffer pack;
};

static void free_all(struct history_of_one *h)
{
	for (unsigned i = 0; i < h->count; i++)
		buffer_free(&h->items[i]);
	buffer_free(&h->pack);
	*h = (struct history_of_one){ 0 };
}

/* 0, or 1 when the pack is full. `item` empty: a removal. */
static int add(struct history_of_one *h, uint64_t seq, int64_t time_us, struct slice item)
{
	struct version version = { .seq = seq,
		.time_us = time_us,
		.is_removal = !item.size,
		.plain_size = (uint32_t)(2 * item.size),
		.dynamodb_size = (uint32_t)(3 * item.size) };
	struct buffer next = BUFFER_INIT;
	int r = h->count ? pack_add(buffer_slice(&h->pack), &version, item, &next)
			 : pack_new(NODE_ITEM, 7, 9, slice_of_text(KEY), &version, item, &next);
	assert_in_range(r, 0, 1);
	if (r) {
		assert_int_equal(next.size, 0);
		return r;
	}
	buffer_free(&h->pack);
	h->pack = next;
	version.item_bytes = (uint32_t)item.size;
	h->versions[h->count] = version;
	h->items[h->count] = BUFFER_INIT;
	buffer_append_slice(&h->items[h->count++], item);
	return 0;
}

static void assert_version(const struct version *got, const struct version *wanted)
{
	assert_int_equal(got->seq, wanted->seq);
	assert_int_equal(got->time_us, wanted->time_us);
	assert_int_equal(got->is_removal, wanted->is_removal);
	assert_int_equal(got->item_bytes, wanted->item_bytes);
	if (wanted->is_removal)
		return;
	assert_int_equal(got->plain_size, wanted->plain_size);
	assert_int_equal(got->dynamodb_size, wanted->dynamodb_size);
}

static void assert_holds(const struct history_of_one *h, struct slice pack, unsigned oldest)
{
	struct pack_header header;
	struct version version;
	struct buffer content = BUFFER_INIT;
	unsigned place;
	assert_int_equal(pack_read(pack, &header), 0);
	assert_int_equal(header.kind, NODE_ITEM);
	assert_int_equal(header.directory, 7);
	assert_int_equal(header.slot, 9);
	assert_true(slice_equal(header.encoded_key, slice_of_text(KEY)));
	assert_int_equal(header.count, h->count - oldest);
	for (unsigned i = oldest; i < h->count; i++) {
		assert_int_equal(pack_find(pack, h->versions[i].seq, &header, &version, &place), 0);
		assert_int_equal(place, h->count - 1 - i);
		assert_version(&version, &h->versions[i]);
		assert_int_equal(pack_version(pack, place, &version), 0);
		assert_version(&version, &h->versions[i]);
		assert_int_equal(pack_content(pack, place, &content), version.is_removal ? -ENOENT : 0);
		if (!version.is_removal)
			assert_true(slice_equal(buffer_slice(&content), buffer_slice(&h->items[i])));
		assert_int_equal(
			pack_find(pack, h->versions[i].seq - 1, &header, &version, &place), i == oldest ? -ENOENT : 0);
	}
	assert_int_equal(pack_version(pack, h->count - oldest, &version), -ENOENT);
	assert_int_equal(pack_content(pack, h->count - oldest, &content), -ENOENT);
	buffer_free(&content);
}

static void append_letters(struct buffer *out, size_t size, uint64_t *random)
{
	while (size--)
		buffer_append_byte(out, (uint8_t)('a' + fixture_random_below(random, 26)));
}

static void keeps_every_version(void **state)
{
	uint64_t random = 5;
	(void)state;
	for (int round = 0; round < 300; round++) {
		struct history_of_one h = { 0 };
		struct buffer item = BUFFER_INIT;
		uint64_t seq = 1 + fixture_random_below(&random, UINT64_C(1) << 40);
		int64_t time_us = (int64_t)fixture_random_below(&random, UINT64_C(1) << 55);
		size_t size = fixture_random_below(&random, round % 10 ? 600 : 20000) + 1;
		append_letters(&item, size, &random);
		while (h.count < PACK_VERSIONS_MAX) {
			bool is_removal = h.count && fixture_random_below(&random, 6) == 0;
			if (add(&h, seq, time_us, is_removal ? (struct slice){ 0 } : buffer_slice(&item)))
				break;
			seq += 1 + fixture_random_below(&random, 1000);
			time_us += (int64_t)fixture_random_below(&random, 3);
			for (int i = 0; i < 3; i++)
				item.data[fixture_random_below(&random, item.size)] ^= 1;
			if (fixture_random_below(&random, 4) == 0)
				append_letters(&item, 20, &random);
			assert_holds(&h, buffer_slice(&h.pack), 0);
		}
		buffer_free(&item);
		free_all(&h);
	}
}

static void is_full_at_its_limit(void **state)
{
	struct history_of_one h = { 0 };
	char item[100];
	(void)state;
	memset(item, 'x', sizeof(item));
	for (unsigned i = 0; i < PACK_VERSIONS_MAX; i++) {
		item[50] = (char)('a' + i);
		assert_int_equal(add(&h, i + 1, 1000, slice_of(item, sizeof(item))), 0);
	}
	assert_true(h.pack.size < 600);
	assert_int_equal(add(&h, 100, 1000, slice_of(item, sizeof(item))), 1);
	assert_holds(&h, buffer_slice(&h.pack), 0);
	free_all(&h);
}

static void keeps_large_items_apart_or_as_differences(void **state)
{
	struct history_of_one h = { 0 };
	struct buffer item = BUFFER_INIT, other = BUFFER_INIT;
	uint64_t random = 11;
	(void)state;
	append_letters(&item, 400000, &random);
	append_letters(&other, 400000, &random);
	assert_int_equal(add(&h, 1, 1000, buffer_slice(&item)), 0);
	assert_int_equal(add(&h, 2, 1000, buffer_slice(&other)), 1);
	item.data[200000] = '!';
	assert_int_equal(add(&h, 2, 1000, buffer_slice(&item)), 0);
	assert_true(h.pack.size < 401000);
	assert_int_equal(add(&h, 3, 1000, (struct slice){ 0 }), 1);
	assert_holds(&h, buffer_slice(&h.pack), 0);
	buffer_free(&item);
	buffer_free(&other);
	free_all(&h);
}

static void fill(struct history_of_one *h, uint64_t *random)
{
	struct buffer item = BUFFER_INIT;
	append_letters(&item, 200, random);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(add(h, 10 * i + 10, 1000 + i, i == 3 ? (struct slice){ 0 } : buffer_slice(&item)), 0);
		item.data[fixture_random_below(random, item.size)] ^= 3;
	}
	buffer_free(&item);
}

static void drops_older_versions(void **state)
{
	struct history_of_one h = { 0 };
	uint64_t random = 4;
	(void)state;
	fill(&h, &random);
	for (unsigned keep = 0; keep < 10; keep++) {
		struct buffer dropped = BUFFER_INIT;
		assert_int_equal(pack_keep(buffer_slice(&h.pack), (2u << keep) - 1, &dropped), 0);
		assert_holds(&h, buffer_slice(&dropped), keep < h.count ? h.count - 1 - keep : 0);
		buffer_free(&dropped);
	}
	free_all(&h);
}

/* In any order, and in one step or two, the same versions make the same pack. */
static void keeps_chosen_versions(void **state)
{
	struct history_of_one h = { 0 };
	struct buffer content = BUFFER_INIT;
	uint64_t random = 5;
	(void)state;
	fill(&h, &random);
	for (unsigned chosen = 1; chosen < 1u << 8; chosen++) {
		struct buffer kept = BUFFER_INIT, before = BUFFER_INIT, again = BUFFER_INIT;
		struct version versions[PACK_VERSIONS_MAX];
		struct pack_header header;
		unsigned more = chosen | (unsigned)fixture_random_below(&random, 1u << 8), left = 0, place = 0;
		assert_int_equal(pack_keep(buffer_slice(&h.pack), chosen, &kept), 0);
		assert_int_equal(pack_versions(buffer_slice(&kept), &header, versions), 0);
		for (unsigned i = 0, at = 0; i < 8; i++) {
			const struct buffer *item = &h.items[7 - i];
			if (more >> i & 1)
				left |= (chosen >> i & 1) << at++;
			if (!(chosen >> i & 1))
				continue;
			assert_version(&versions[place], &h.versions[7 - i]);
			assert_int_equal(
				pack_content(buffer_slice(&kept), place++, &content), item->size ? 0 : -ENOENT);
			assert_true(!item->size || slice_equal(buffer_slice(&content), buffer_slice(item)));
		}
		assert_int_equal(header.count, place);
		assert_int_equal(pack_keep(buffer_slice(&h.pack), more, &before), 0);
		assert_int_equal(pack_keep(buffer_slice(&before), left, &again), 0);
		assert_true(slice_equal(buffer_slice(&again), buffer_slice(&kept)));
		buffer_free(&kept);
		buffer_free(&before);
		buffer_free(&again);
	}
	buffer_free(&content);
	free_all(&h);
}

static void keeps_partitions(void **state)
{
	struct version begin = { .seq = 5, .time_us = 50 }, end = { .seq = 9, .time_us = 90, .is_removal = true },
		       found;
	struct buffer pack = BUFFER_INIT, ended = BUFFER_INIT, content = BUFFER_INIT;
	struct pack_header header;
	unsigned place;
	(void)state;
	assert_int_equal(pack_new(NODE_PARTITION, 0, 3, slice_of_text(KEY), &begin, (struct slice){ 0 }, &pack), 0);
	assert_int_equal(pack_content(buffer_slice(&pack), 0, &content), -ENOENT);
	assert_int_equal(pack_add(buffer_slice(&pack), &end, (struct slice){ 0 }, &ended), 0);
	assert_int_equal(pack_find(buffer_slice(&ended), 8, &header, &found, &place), 0);
	assert_int_equal(header.kind, NODE_PARTITION);
	assert_int_equal(place, 1);
	assert_false(found.is_removal);
	assert_int_equal(pack_find(buffer_slice(&ended), 9, &header, &found, &place), 0);
	assert_true(found.is_removal);
	buffer_free(&pack);
	buffer_free(&ended);
	buffer_free(&content);
}

/* What reading a damaged pack gives is an error, or what reading the whole one gave. */
static void assert_right_or_refused(const struct history_of_one *h, struct slice pack)
{
	struct pack_header header;
	struct version version;
	struct buffer out = BUFFER_INIT;
	unsigned place;
	int r = pack_read(pack, &header);
	assert_true(r == -EIO || (r == 0 && header.count == h->count && header.slot == 9));
	for (unsigned i = 0; i < h->count; i++) {
		r = pack_find(pack, h->versions[i].seq, &header, &version, &place);
		assert_true(r == 0 || r == -EIO);
		if (!r)
			assert_version(&version, &h->versions[i]);
		r = pack_content(pack, h->count - 1 - i, &out);
		assert_true(r == -EIO || (h->versions[i].is_removal && r == -ENOENT) ||
			    (r == 0 && slice_equal(buffer_slice(&out), buffer_slice(&h->items[i]))));
	}
	struct version next = { .seq = 1000, .time_us = 5000 };
	buffer_clear(&out);
	r = pack_add(pack, &next, slice_of_text("next"), &out);
	assert_true(r == -EIO || r == 0);
	buffer_free(&out);
}

static void never_gives_wrong_data_of_damaged_bytes(void **state)
{
	struct history_of_one h = { 0 };
	uint64_t random = 6;
	(void)state;
	fill(&h, &random);
	for (size_t i = 0; i < h.pack.size; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			h.pack.data[i] ^= (uint8_t)(1u << bit);
			assert_right_or_refused(&h, buffer_slice(&h.pack));
			h.pack.data[i] ^= (uint8_t)(1u << bit);
		}
	for (size_t size = 0; size < h.pack.size; size++)
		assert_right_or_refused(&h, slice_of(h.pack.data, size));
	free_all(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_every_version),
		cmocka_unit_test(is_full_at_its_limit),
		cmocka_unit_test(keeps_large_items_apart_or_as_differences),
		cmocka_unit_test(drops_older_versions),
		cmocka_unit_test(keeps_chosen_versions),
		cmocka_unit_test(keeps_partitions),
		cmocka_unit_test(never_gives_wrong_data_of_damaged_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
