#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "core/chain.h"
#include "core/hash.h"

static void assert_hex(const uint8_t *bytes, const char *wanted)
{
	char text[65] = "";
	hash_hex(bytes, HASH_SIZE, text);
	assert_string_equal(text, wanted);
}

static void hashes_as_the_standard_says(void **state)
{
	uint8_t hash[HASH_SIZE];
	(void)state;
	hash_sha256((struct slice){ 0 }, hash);
	assert_hex(hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	hash_sha256(slice_of_text("abc"), hash);
	assert_hex(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void pieces_hash_as_the_whole(void **state)
{
	uint8_t bytes[300], whole[HASH_SIZE], pieces[HASH_SIZE];
	(void)state;
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	hash_sha256(slice_of(bytes, sizeof(bytes)), whole);
	for (unsigned piece = 1; piece < 130; piece += 9) {
		struct hash hash;
		hash_begin(&hash);
		for (size_t at = 0; at < sizeof(bytes); at += piece)
			hash_add(&hash, slice_of(bytes + at, piece < sizeof(bytes) - at ? piece : sizeof(bytes) - at));
		hash_add(&hash, (struct slice){ 0 });
		hash_end(&hash, pieces);
		assert_memory_equal(pieces, whole, HASH_SIZE);
	}
}

/* Worked out with sha256sum and xxd:
 *   head=$(printf 'pitrfs change log of table 7a after change 0' | sha256sum | cut -c-64)
 *   (echo $head; printf '{"n":1}' | sha256sum | cut -c-64) | xxd -r -p | sha256sum */
static void binds_lines_as_anybody_can(void **state)
{
	struct chain chain, other;
	(void)state;
	chain_begin("7a", 0, &chain);
	assert_hex(chain.head, "2b6d0ec157355ce4c9c382de4cb808014fc89c7351306feccaf6733d734eda59");
	chain_add(&chain, slice_of_text("{\"n\":1}"));
	assert_hex(chain.head, "2b11739be4d1e0847bc3625d9bc7d74b05449b12c16f59ec1d1115140bea06b9");
	chain_add(&chain, slice_of_text("{\"n\":2}"));
	chain_begin("7a", 0, &other);
	chain_add(&other, slice_of_text("{\"n\":2}"));
	chain_add(&other, slice_of_text("{\"n\":1}"));
	assert_memory_not_equal(chain.head, other.head, CHAIN_BYTES);
	chain_begin("7a", 12345678901, &chain);
	assert_hex(chain.head, "f3c6c676665f3dd17c117cc4e99fbe98f4286d480606e46503617cc8a21eea31");
}

static void text_goes_both_ways(void **state)
{
	struct chain chain, again;
	char text[CHAIN_TEXT_SIZE];
	(void)state;
	chain_begin("7a", 1, &chain);
	chain_text(&chain, text);
	assert_int_equal(strlen(text), CHAIN_TEXT_SIZE - 1);
	assert_int_equal(chain_parse(slice_of_text(text), &again), 0);
	assert_memory_equal(again.head, chain.head, CHAIN_BYTES);
	assert_int_equal(chain_parse(slice_of(text, CHAIN_TEXT_SIZE - 2), &again), -EINVAL);
	assert_int_equal(chain_parse(slice_of(text, CHAIN_TEXT_SIZE), &again), -EINVAL);
	text[13] = 'g';
	assert_int_equal(chain_parse(slice_of_text(text), &again), -EINVAL);
	assert_int_equal(chain_parse((struct slice){ 0 }, &again), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_as_the_standard_says),
		cmocka_unit_test(pieces_hash_as_the_whole),
		cmocka_unit_test(binds_lines_as_anybody_can),
		cmocka_unit_test(text_goes_both_ways),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
