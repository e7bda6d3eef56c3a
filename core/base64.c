#include <errno.h>

#include "item_json.h"

#define NOT_A_DIGIT 64

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static size_t encode(struct slice bytes, const char *alphabet, bool has_padding, char *ret_text)
{
	char *at = ret_text;
	for (size_t i = 0; i < bytes.size; i += 3) {
		size_t left = bytes.size - i;
		uint32_t group = (uint32_t)bytes.data[i] << 16;
		group |= left > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0;
		group |= left > 2 ? bytes.data[i + 2] : 0;
		*at++ = alphabet[group >> 18];
		*at++ = alphabet[group >> 12 & 63];
		if (left > 1 || has_padding)
			*at++ = left > 1 ? alphabet[group >> 6 & 63] : '=';
		if (left > 2 || has_padding)
			*at++ = left > 2 ? alphabet[group & 63] : '=';
	}
	return (size_t)(at - ret_text);
}

static void append(struct buffer *out, struct slice bytes, const char *alphabet, bool has_padding)
{
	if (bytes.size > 0 && buffer_reserve(out, (bytes.size + 2) / 3 * 4) == 0)
		out->size += encode(bytes, alphabet, has_padding, (char *)out->data + out->size);
}

static uint32_t digit_of(uint8_t byte, const char *alphabet)
{
	if (byte >= 'A' && byte <= 'Z')
		return byte - 'A';
	if (byte >= 'a' && byte <= 'z')
		return byte - 'a' + 26u;
	if (byte >= '0' && byte <= '9')
		return byte - '0' + 52u;
	if (byte == (uint8_t)alphabet[62])
		return 62;
	return byte == (uint8_t)alphabet[63] ? 63 : NOT_A_DIGIT;
}

/* Text without padding. The bits left over at the end must be zero: each byte string has one spelling. */
static int decode(struct slice text, const char *alphabet, struct buffer *out)
{
	if (text.size % 4 == 1)
		return -EINVAL;
	size_t start = out->size;
	uint32_t bits = 0;
	unsigned count = 0;
	if (buffer_reserve(out, text.size / 4 * 3 + 2) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < text.size; i++) {
		uint32_t digit = digit_of(text.data[i], alphabet);
		if (digit == NOT_A_DIGIT)
			goto bad;
		bits = bits << 6 | digit;
		count += 6;
		if (count >= 8) {
			count -= 8;
			buffer_append_byte(out, (uint8_t)(bits >> count));
			bits &= (1u << count) - 1;
		}
	}
	if (bits == 0)
		return 0;

bad:
	out->size = start;
	return -EINVAL;
}

void base64_append(struct buffer *out, struct slice bytes)
{
	append(out, bytes, standard, true);
}

size_t base64_write(struct slice bytes, char *ret_text)
{
	return encode(bytes, standard, true, ret_text);
}

int base64_decode(struct slice text, struct buffer *out)
{
	if (text.size % 4 != 0)
		return -EINVAL;
	for (int padding = 0; padding < 2 && text.size > 0 && text.data[text.size - 1] == '='; padding++)
		text.size--;
	return decode(text, standard, out);
}

void base64url_append(struct buffer *out, struct slice bytes)
{
	append(out, bytes, url, false);
}

size_t base64url_write(struct slice bytes, char *ret_text)
{
	return encode(bytes, url, false, ret_text);
}

int base64url_decode(struct slice text, struct buffer *out)
{
	return decode(text, url, out);
}
