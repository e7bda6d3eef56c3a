#include "json_quick.h"

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Of eight bytes at once: does one of them end the run of characters that stand for themselves? */
static bool has_end(uint64_t eight)
{
	uint64_t quote = eight ^ EACH('"'), backslash = eight ^ EACH('\\');
	uint64_t found = ((eight - EACH(0x20)) & ~eight) | ((quote - EACH(1)) & ~quote) |
			 ((backslash - EACH(1)) & ~backslash) | eight;
	return (found & EACH(0x80)) != 0;
}

static bool is_plain(uint8_t byte)
{
	return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

bool json_quick_string(const uint8_t **at, const uint8_t *end, struct slice *ret_text)
{
	const uint8_t *start = *at + 1, *byte = start;
	for (;;) {
		for (uint64_t eight; (size_t)(end - byte) >= sizeof(eight); byte += sizeof(eight)) {
			memcpy(&eight, byte, sizeof(eight));
			if (has_end(eight))
				break;
		}
		while (byte < end && is_plain(*byte))
			byte++;
		if (byte == end || *byte < 0x80)
			break;
		size_t length = utf8_sequence_length(slice_of(byte, (size_t)(end - byte)));
		if (length == 0)
			return false;
		byte += length;
	}
	if (byte == end || *byte != '"')
		return false;
	*ret_text = slice_of(start, (size_t)(byte - start));
	*at = byte + 1;
	return true;
}

static bool skip_digits(const uint8_t **at, const uint8_t *end)
{
	const uint8_t *start = *at;
	while (*at < end && **at >= '0' && **at <= '9')
		++*at;
	return *at > start;
}

bool json_quick_number(const uint8_t **at, const uint8_t *end, struct slice *ret_text)
{
	const uint8_t *start = *at, *byte = start;
	if (*byte == '-')
		byte++;
	const uint8_t *first = byte;
	if (!skip_digits(&byte, end) || (*first == '0' && byte - first > 1))
		return false;
	if (byte < end && *byte == '.') {
		byte++;
		if (!skip_digits(&byte, end))
			return false;
	}
	if (byte < end && (*byte == 'e' || *byte == 'E')) {
		byte++;
		if (byte < end && (*byte == '+' || *byte == '-'))
			byte++;
		if (!skip_digits(&byte, end))
			return false;
	}
	*ret_text = slice_of(start, (size_t)(byte - start));
	*at = byte;
	return true;
}
