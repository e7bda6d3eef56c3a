#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "error.h"
#include "hash.h"

static void test_slices_compare_by_unsigned_bytes(void **state)
{
	(void)state;
	assert_true(slice_compare(slice_of_text("a"), slice_of_text("b")) < 0);
	assert_true(slice_compare(slice_of_text("a"), slice_of_text("a\xff")) < 0);
	assert_true(slice_compare(slice_of_text("\x7f"), slice_of_text("\x80")) < 0);
	assert_true(slice_compare(slice_of_text("b"), slice_of_text("aa")) > 0);
	assert_int_equal(slice_compare(slice_of(NULL, 0), slice_of_text("")), 0);
	assert_true(slice_equal(slice_of(NULL, 0), slice_of_text("")));
	assert_false(slice_equal(slice_of_text("a"), slice_of_text("b")));
}

static void test_slices_know_their_ends(void **state)
{
	(void)state;
	assert_true(slice_starts_with(slice_of_text("abc"), "ab"));
	assert_true(slice_starts_with(slice_of(NULL, 0), ""));
	assert_false(slice_starts_with(slice_of_text("a"), "ab"));
	assert_true(slice_ends_with(slice_of_text("abc"), "bc"));
	assert_true(slice_ends_with(slice_of(NULL, 0), ""));
	assert_false(slice_ends_with(slice_of_text("c"), "bc"));
}

static void test_buffer_collects(void **state)
{
	(void)state;
	struct buffer b = BUFFER_INIT;
	assert_string_equal(buffer_text(&b), "");
	buffer_append(&b, NULL, 0);
	buffer_append_text(&b, "ab");
	buffer_append_byte(&b, 'c');
	buffer_append_slice(&b, slice_of("de", 2));
	buffer_append_format(&b, "-%d-%s", 42, "x");
	buffer_append_format(&b, "%s", "");
	assert_int_equal(b.size, 10);
	assert_string_equal(buffer_text(&b), "abcde-42-x");
	assert_int_equal(b.size, 10);
	buffer_clear(&b);
	assert_int_equal(b.size, 0);
	for (int i = 0; i < 1000; i++)
		buffer_append_format(&b, "%03d", i);
	assert_int_equal(b.size, 3000);
	assert_int_equal(buffer_error(&b), 0);
	assert_memory_equal(b.data + 2997, "999", 3);
	buffer_free(&b);
	assert_null(b.data);
}

static void test_buffer_remembers_running_out(void **state)
{
	(void)state;
	struct buffer b = BUFFER_INIT;
	buffer_append_text(&b, "kept");
	assert_int_equal(buffer_reserve(&b, SIZE_MAX), -ENOMEM);
	buffer_append_text(&b, "lost");
	buffer_append_byte(&b, 'x');
	assert_int_equal(buffer_error(&b), -ENOMEM);
	assert_null(buffer_text(&b));
	assert_int_equal(b.size, 4);
	buffer_clear(&b);
	assert_int_equal(buffer_error(&b), 0);
	buffer_free(&b);
}

static void test_integers_come_back(void **state)
{
	(void)state;
	static const uint64_t values[] = { 0, 1, 127, 128, 16383, 16384, UINT32_MAX, (uint64_t)1 << 63, UINT64_MAX };
	static const int64_t signed_values[] = { 0, -1, 1, -64, 64, INT64_MIN, INT64_MAX };
	struct buffer b = BUFFER_INIT;
	buffer_append_u32(&b, 0x01020304);
	buffer_append_u64(&b, 0x0102030405060708);
	assert_memory_equal(b.data, "\x04\x03\x02\x01\x08\x07\x06\x05\x04\x03\x02\x01", 12);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		buffer_append_varint(&b, values[i]);
	for (size_t i = 0; i < sizeof(signed_values) / sizeof(signed_values[0]); i++)
		buffer_append_zigzag(&b, signed_values[i]);
	buffer_append_blob(&b, slice_of_text("blob"));
	buffer_append_byte(&b, 7);

	struct reader r = reader_of(buffer_slice(&b));
	assert_int_equal(reader_u32(&r), 0x01020304);
	assert_true(reader_u64(&r) == 0x0102030405060708);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		assert_true(reader_varint(&r) == values[i]);
	for (size_t i = 0; i < sizeof(signed_values) / sizeof(signed_values[0]); i++)
		assert_true(reader_zigzag(&r) == signed_values[i]);
	assert_true(slice_equal(reader_blob(&r), slice_of_text("blob")));
	assert_int_equal(reader_byte(&r), 7);
	assert_int_equal(reader_left(&r), 0);
	assert_false(r.is_bad);
	buffer_free(&b);
}

static void test_varint_takes_one_to_ten_bytes(void **state)
{
	(void)state;
	struct buffer b = BUFFER_INIT;
	buffer_append_varint(&b, 127);
	assert_int_equal(b.size, 1);
	buffer_clear(&b);
	buffer_append_varint(&b, UINT64_MAX);
	assert_int_equal(b.size, 10);
	buffer_free(&b);
}

static void test_reader_refuses_bad_varints(void **state)
{
	(void)state;
	struct reader over = reader_of(slice_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10));
	assert_true(reader_varint(&over) == 0 && over.is_bad);
	struct reader long_one = reader_of(slice_of("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 11));
	assert_true(reader_varint(&long_one) == 0 && long_one.is_bad);
	struct reader cut = reader_of(slice_of("\x80", 1));
	assert_true(reader_varint(&cut) == 0 && cut.is_bad);
}

static void test_reader_stays_bad_past_the_end(void **state)
{
	(void)state;
	struct reader r = reader_of(slice_of("abc", 3));
	assert_int_equal(reader_u32(&r), 0);
	assert_true(r.is_bad);
	assert_int_equal(reader_byte(&r), 0);
	assert_int_equal(reader_u64(&r), 0);
	assert_int_equal(reader_bytes(&r, 1).size, 0);

	struct reader blob = reader_of(slice_of("\x05"
						"ab",
		3));
	assert_int_equal(reader_blob(&blob).size, 0);
	assert_true(blob.is_bad);

	struct reader empty = reader_of(slice_of(NULL, 0));
	assert_int_equal(reader_bytes(&empty, 0).size, 0);
	assert_false(empty.is_bad);
	assert_int_equal(reader_byte(&empty), 0);
	assert_true(empty.is_bad);
}

static void test_utf8_knows_good_from_bad(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool is_valid;
	} cases[] = {
		{ "", true },
		{ "plain ASCII that is longer than a word", true },
		{ "\xc3\xa9", true },
		{ "12345678\xe2\x82\xac 12345678", true },
		{ "\xf0\x9f\x98\x80", true },
		{ "\xf4\x8f\xbf\xbf", true },
		{ "\xed\x9f\xbf", true },
		{ "\x80", false },
		{ "\xc0\x80", false },
		{ "\xc1\xbf", false },
		{ "\xe0\x9f\xbf", false },
		{ "\xed\xa0\x80", false },
		{ "\xf0\x8f\xbf\xbf", false },
		{ "\xf4\x90\x80\x80", false },
		{ "\xf5\x80\x80\x80", false },
		{ "\xc3", false },
		{ "\xe2\x82", false },
		{ "abcdefgh\xff", false },
		{ "\xe2\x28\xa1", false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(utf8_is_valid(slice_of_text(cases[i].text)), cases[i].is_valid);
	assert_true(utf8_is_valid(slice_of("a\0b", 3)));
	assert_int_equal(utf8_sequence_length(slice_of_text("\xe2\x82\xac.")), 3);
	assert_int_equal(utf8_sequence_length(slice_of(NULL, 0)), 0);
}

static void test_error_is_one_line_of_text(void **state)
{
	(void)state;
	struct error error = { 0 };
	assert_int_equal(error_set(&error, -EINVAL, "bad \"%s\"", "a\nb\x01\xff"), -EINVAL);
	assert_string_equal(error_text(&error), "bad \"a b ?\"");
	assert_null(error.aws);
	assert_int_equal(error_set_aws(&error, -EFBIG, "ValidationException", "too large"), -EFBIG);
	assert_string_equal(error.aws, "ValidationException");
	assert_int_equal(error_prefix(&error, "attribute %s", "a"), -EFBIG);
	assert_string_equal(error_text(&error), "attribute a: too large");
	assert_string_equal(error.aws, "ValidationException");
	assert_int_equal(error_set(&error, -EIO, "again: %s", error_text(&error)), -EIO);
	assert_string_equal(error_text(&error), "again: attribute a: too large");
}

static void test_error_is_cut_between_characters(void **state)
{
	(void)state;
	struct error error = { 0 };
	char longer[600];
	for (size_t i = 0; i + 2 < sizeof(longer); i += 2)
		memcpy(longer + i, "\xc3\xa9", 3);
	error_set(&error, -EINVAL, "%s", longer);
	assert_int_equal(strlen(error.message), 510);
	error_set(&error, -EINVAL, "x%s", longer);
	assert_int_equal(strlen(error.message), 511);
	error_prefix(&error, "yy");
	assert_true(utf8_is_valid(slice_of_text(error.message)));
	assert_true(slice_starts_with(slice_of_text(error.message), "yy: x"));
}

static void test_error_can_be_left_out(void **state)
{
	(void)state;
	assert_int_equal(error_set(NULL, -EIO, "unseen"), -EIO);
	assert_int_equal(error_set_aws(NULL, -EIO, "X", "unseen"), -EIO);
	assert_true(error_prefix(NULL, "unseen") < 0);
	struct error bare = { .code = -ENOENT };
	assert_string_equal(error_text(&bare), strerror(ENOENT));
}

static void test_hashes(void **state)
{
	(void)state;
	uint8_t hash[16], other[16] = { 0 };
	hash_strong(slice_of_text("abc"), hash);
	assert_memory_equal(hash, "\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23", 16);
	hash_strong(slice_of(NULL, 0), hash);
	assert_memory_equal(hash, "\xe3\xb0\xc4\x42", 4);
	assert_int_equal(hash_checksum(slice_of_text("abc")), (uint32_t)hash_checksum64(slice_of_text("abc"), 0));
	assert_int_not_equal(hash_checksum64(slice_of_text("abc"), 1), hash_checksum64(slice_of_text("abc"), 2));
	assert_int_not_equal(hash_checksum(slice_of_text("abc")), hash_checksum(slice_of_text("abd")));
	hash_random(hash, sizeof(hash));
	assert_memory_not_equal(hash, other, sizeof(hash));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slices_compare_by_unsigned_bytes),
		cmocka_unit_test(test_slices_know_their_ends),
		cmocka_unit_test(test_buffer_collects),
		cmocka_unit_test(test_buffer_remembers_running_out),
		cmocka_unit_test(test_integers_come_back),
		cmocka_unit_test(test_varint_takes_one_to_ten_bytes),
		cmocka_unit_test(test_reader_refuses_bad_varints),
		cmocka_unit_test(test_reader_stays_bad_past_the_end),
		cmocka_unit_test(test_utf8_knows_good_from_bad),
		cmocka_unit_test(test_error_is_one_line_of_text),
		cmocka_unit_test(test_error_is_cut_between_characters),
		cmocka_unit_test(test_error_can_be_left_out),
		cmocka_unit_test(test_hashes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
