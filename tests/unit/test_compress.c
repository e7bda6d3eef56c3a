#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "core/compress.h"
#include "tests/support/fixture.h"

#define SIZES 9

static const size_t sizes[SIZES] = { 0, 1, 15, 16, 100, 4000, 65535, 65600, 200000 };

/* Like text: words out of a few, now and then something new. */
static void append_random(struct buffer *out, size_t size, uint64_t *random)
{
	size_t end = out->size + size;
	while (out->size < end)
		buffer_append_format(out, "word%llu %s", (unsigned long long)fixture_random_below(random, 50),
			fixture_random_below(random, 9) ? "" : "\x01\xff");
	out->size = end;
}

static void expands_what_was_compressed(void **state)
{
	uint64_t random = 1;
	(void)state;
	for (unsigned i = 0; i < SIZES; i++)
		for (unsigned j = 0; j < SIZES; j++) {
			struct buffer plain = BUFFER_INIT, dictionary = BUFFER_INIT, packed = BUFFER_INIT,
				      again = BUFFER_INIT;
			append_random(&plain, sizes[i], &random);
			append_random(&dictionary, sizes[j], &random);
			buffer_append_text(&packed, "before");
			bool is_smaller = compress_append(buffer_slice(&plain), buffer_slice(&dictionary), &packed);
			assert_true(is_smaller == (packed.size > 6));
			assert_true(sizes[i] < 100 || is_smaller);
			if (is_smaller) {
				struct slice body = slice_of(packed.data + 6, packed.size - 6);
				assert_true(body.size < plain.size);
				assert_int_equal(
					compress_expand(body, buffer_slice(&dictionary), plain.size, &again), 0);
				assert_true(slice_equal(buffer_slice(&plain), buffer_slice(&again)));
				assert_int_equal(
					compress_expand(body, buffer_slice(&dictionary), plain.size + 1, &again), -EIO);
				assert_int_equal(
					compress_expand(body, buffer_slice(&dictionary), plain.size - 1, &again), -EIO);
			}
			buffer_free(&plain);
			buffer_free(&dictionary);
			buffer_free(&packed);
			buffer_free(&again);
		}
}

static void leaves_what_does_not_shrink(void **state)
{
	uint64_t random = 7;
	uint8_t bytes[1000];
	struct buffer out = BUFFER_INIT;
	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)fixture_random(&random);
	assert_false(compress_append(slice_of(bytes, sizeof(bytes)), (struct slice){ 0 }, &out));
	assert_int_equal(out.size, 0);
	buffer_free(&out);
}

static void assert_patch(struct slice base, struct slice target, size_t patch_max)
{
	struct buffer patch = BUFFER_INIT, again = BUFFER_INIT, spare = BUFFER_INIT;
	patch_append(base, target, &patch);
	assert_true(patch.size <= patch_max);
	buffer_append_slice(&again, base);
	assert_int_equal(patch_apply(&again, buffer_slice(&patch), target.size, &spare), 0);
	assert_true(slice_equal(target, buffer_slice(&again)));
	buffer_free(&patch);
	buffer_free(&again);
	buffer_free(&spare);
}

static void patches_any_pair(void **state)
{
	uint64_t random = 3;
	(void)state;
	assert_patch(slice_of_text("aaaa"), slice_of_text("aaaaaa"), 8);
	assert_patch(slice_of_text("aaaaaa"), slice_of_text("aaaa"), 8);
	assert_patch(slice_of_text("same"), slice_of_text("same"), 4);
	assert_patch(slice_of_text(""), slice_of_text("x"), 8);
	assert_patch(slice_of_text("x"), slice_of_text(""), 8);
	for (int i = 0; i < 2000; i++) {
		struct buffer base = BUFFER_INIT, target = BUFFER_INIT;
		append_random(&base, fixture_random_below(&random, 3000) + 1, &random);
		size_t at = fixture_random_below(&random, base.size),
		       cut = fixture_random_below(&random, base.size - at);
		buffer_append(&target, base.data, at);
		append_random(&target, fixture_random_below(&random, 100), &random);
		buffer_append(&target, base.data + at + cut, base.size - at - cut);
		assert_patch(buffer_slice(&base), buffer_slice(&target), 120);
		buffer_free(&base);
		buffer_free(&target);
	}
}

static void refuses_bad_patches(void **state)
{
	(void)state;
	struct buffer base = BUFFER_INIT, spare = BUFFER_INIT;
	buffer_append_text(&base, "0123456789");
	static const uint8_t patches[][6] = { { 11, 0, 0 }, { 6, 5, 0 }, { 5, 5, 2 }, { 5, 4, 0, 'x', 'y' },
		{ 0x80, 0x80, 0x80, 0x80, 0x80, 0x80 }, { 0, 0, 1, 0xff, 0xff, 0xff } };
	static const size_t patch_sizes[] = { 3, 3, 3, 5, 6, 6 };
	for (unsigned i = 0; i < sizeof(patch_sizes) / sizeof(patch_sizes[0]); i++)
		assert_int_equal(patch_apply(&base, slice_of(patches[i], patch_sizes[i]), 10, &spare), -EIO);
	assert_int_equal(patch_apply(&base, (struct slice){ 0 }, 10, &spare), -EIO);
	buffer_free(&base);
	buffer_free(&spare);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expands_what_was_compressed),
		cmocka_unit_test(leaves_what_does_not_shrink),
		cmocka_unit_test(patches_any_pair),
		cmocka_unit_test(refuses_bad_patches),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
