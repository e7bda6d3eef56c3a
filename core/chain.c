#include "chain.h"

#include <errno.h>

#include "hash.h"

void chain_begin(const char *table_id, uint64_t base, struct chain *ret_chain)
{
	char digits[24];
	size_t at = sizeof(digits);
	do
		digits[--at] = (char)('0' + base % 10);
	while ((base /= 10) > 0);
	struct hash hash;
	hash_begin(&hash);
	hash_add(&hash, slice_of_text("pitrfs change log of table "));
	hash_add(&hash, slice_of_text(table_id));
	hash_add(&hash, slice_of_text(" after change "));
	hash_add(&hash, slice_of(digits + at, sizeof(digits) - at));
	hash_end(&hash, ret_chain->head);
}

void chain_add(struct chain *chain, struct slice line)
{
	uint8_t pair[2 * CHAIN_BYTES];
	for (unsigned i = 0; i < CHAIN_BYTES; i++)
		pair[i] = chain->head[i];
	hash_sha256(line, pair + CHAIN_BYTES);
	hash_sha256(slice_of(pair, sizeof(pair)), chain->head);
}

void chain_text(const struct chain *chain, char ret_text[CHAIN_TEXT_SIZE])
{
	hash_hex(chain->head, CHAIN_BYTES, ret_text);
	ret_text[CHAIN_TEXT_SIZE - 1] = '\0';
}

static int digit(uint8_t c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

int chain_parse(struct slice text, struct chain *ret_chain)
{
	if (text.size != CHAIN_TEXT_SIZE - 1)
		return -EINVAL;
	for (size_t i = 0; i < CHAIN_BYTES; i++) {
		int high = digit(text.data[2 * i]), low = digit(text.data[2 * i + 1]);
		if (high < 0 || low < 0)
			return -EINVAL;
		ret_chain->head[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}
