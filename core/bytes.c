#include "bytes.h"

#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_MIN 64
#define VARINT_MAX_BYTES 10

struct slice slice_of_text(const char *text)
{
	return slice_of(text, strlen(text));
}

bool slice_equal(struct slice a, struct slice b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

int slice_compare(struct slice a, struct slice b)
{
	size_t common = a.size < b.size ? a.size : b.size;
	int order = common > 0 ? memcmp(a.data, b.data, common) : 0;
	if (order != 0)
		return order;
	return (a.size > b.size) - (a.size < b.size);
}

bool slice_starts_with(struct slice s, const char *prefix)
{
	size_t size = strlen(prefix);
	return s.size >= size && slice_equal(slice_of(s.data, size), slice_of(prefix, size));
}

bool slice_ends_with(struct slice s, const char *suffix)
{
	size_t size = strlen(suffix);
	return s.size >= size && (size == 0 || memcmp(s.data + (s.size - size), suffix, size) == 0);
}

void buffer_free(struct buffer *b)
{
	free(b->data);
	*b = BUFFER_INIT;
}

void buffer_clear(struct buffer *b)
{
	b->size = 0;
	b->is_out_of_memory = false;
}

static int grow(struct buffer *b, size_t more)
{
	if (more > PTRDIFF_MAX - b->size)
		goto no_memory;
	size_t needed = b->size + more;
	size_t capacity = b->capacity < CAPACITY_MIN ? CAPACITY_MIN : b->capacity;
	while (capacity < needed)
		capacity += capacity / 2;
	uint8_t *data = realloc(b->data, capacity);
	if (data == NULL)
		goto no_memory;
	b->data = data;
	b->capacity = capacity;
	return 0;

no_memory:
	b->is_out_of_memory = true;
	return -ENOMEM;
}

int buffer_reserve(struct buffer *b, size_t more)
{
	if (b->is_out_of_memory)
		return -ENOMEM;
	return more <= b->capacity - b->size ? 0 : grow(b, more);
}

void buffer_append_text(struct buffer *b, const char *text)
{
	buffer_append(b, text, strlen(text));
}

void buffer_append_format(struct buffer *b, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length <= 0 || buffer_reserve(b, (size_t)length + 1) < 0)
		return;
	va_start(arguments, format);
	vsnprintf((char *)b->data + b->size, (size_t)length + 1, format, arguments);
	va_end(arguments);
	b->size += (size_t)length;
}

void buffer_append_u32(struct buffer *b, uint32_t value)
{
	uint32_t bytes = htole32(value);
	buffer_append(b, &bytes, sizeof(bytes));
}

void buffer_append_u64(struct buffer *b, uint64_t value)
{
	uint64_t bytes = htole64(value);
	buffer_append(b, &bytes, sizeof(bytes));
}

void buffer_append_varint(struct buffer *b, uint64_t value)
{
	if (value < 0x80) {
		buffer_append_byte(b, (uint8_t)value);
		return;
	}
	uint8_t bytes[VARINT_MAX_BYTES];
	size_t size = 0;
	for (; value >= 0x80; value >>= 7)
		bytes[size++] = (uint8_t)(value | 0x80);
	bytes[size++] = (uint8_t)value;
	buffer_append(b, bytes, size);
}

void buffer_append_zigzag(struct buffer *b, int64_t value)
{
	buffer_append_varint(b, ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0));
}

void buffer_append_blob(struct buffer *b, struct slice s)
{
	buffer_append_varint(b, s.size);
	buffer_append_slice(b, s);
}

int buffer_error(const struct buffer *b)
{
	return b->is_out_of_memory ? -ENOMEM : 0;
}

const char *buffer_text(struct buffer *b)
{
	if (buffer_reserve(b, 1) < 0)
		return NULL;
	b->data[b->size] = '\0';
	return (const char *)b->data;
}

uint32_t reader_u32(struct reader *r)
{
	uint32_t value = 0;
	const uint8_t *bytes = reader_take(r, sizeof(value));
	if (bytes != NULL)
		memcpy(&value, bytes, sizeof(value));
	return le32toh(value);
}

uint64_t reader_u64(struct reader *r)
{
	uint64_t value = 0;
	const uint8_t *bytes = reader_take(r, sizeof(value));
	if (bytes != NULL)
		memcpy(&value, bytes, sizeof(value));
	return le64toh(value);
}

/* Of up to eight bytes at once: their groups of seven bits, moved together. */
static uint64_t join_groups(uint64_t eight)
{
	eight &= UINT64_C(0x7f7f7f7f7f7f7f7f);
	eight = (eight & UINT64_C(0x007f007f007f007f)) | (eight & UINT64_C(0x7f007f007f007f00)) >> 1;
	eight = (eight & UINT64_C(0x00003fff00003fff)) | (eight & UINT64_C(0x3fff00003fff0000)) >> 2;
	return (eight & UINT64_C(0x0fffffff)) | (eight & UINT64_C(0x0fffffff00000000)) >> 4;
}

static uint64_t read_varint_bytewise(struct reader *r)
{
	uint64_t value = 0;
	for (unsigned i = 0; i < VARINT_MAX_BYTES; i++) {
		const uint8_t *byte = reader_take(r, 1);
		if (byte == NULL)
			return 0;
		if (i == VARINT_MAX_BYTES - 1 && *byte > 1)
			break;
		value |= (uint64_t)(*byte & 0x7f) << (7 * i);
		if (*byte < 0x80)
			return value;
	}
	r->is_bad = true;
	return 0;
}

uint64_t reader_long_varint(struct reader *r)
{
	uint64_t eight, ends;
	if (r->is_bad || reader_left(r) < sizeof(eight))
		return read_varint_bytewise(r);
	memcpy(&eight, r->at, sizeof(eight));
	eight = le64toh(eight);
	ends = ~eight & UINT64_C(0x8080808080808080);
	if (ends == 0)
		return read_varint_bytewise(r);
	r->at += (unsigned)__builtin_ctzll(ends) / 8 + 1;
	return join_groups(eight & (ends ^ (ends - 1)));
}

void reader_skip_varints(struct reader *r, unsigned count)
{
	uint64_t eight, ends = 0;
	if (!r->is_bad && reader_left(r) >= sizeof(eight)) {
		memcpy(&eight, r->at, sizeof(eight));
		ends = ~le64toh(eight) & UINT64_C(0x8080808080808080);
	}
	for (unsigned i = 1; i < count; i++)
		ends &= ends - (ends != 0);
	if (ends != 0)
		r->at += (unsigned)__builtin_ctzll(ends) / 8 + 1;
	for (; ends == 0 && count > 0; count--)
		(void)read_varint_bytewise(r);
}

int64_t reader_zigzag(struct reader *r)
{
	uint64_t value = reader_varint(r);
	return (int64_t)((value >> 1) ^ ((value & 1) != 0 ? UINT64_MAX : 0));
}

struct slice reader_blob(struct reader *r)
{
	uint64_t size = reader_varint(r);
	if (size > reader_left(r))
		r->is_bad = true;
	return reader_bytes(r, (size_t)size);
}

size_t utf8_sequence_length(struct slice s)
{
	if (s.size == 0)
		return 0;
	uint8_t lead = s.data[0];
	if (lead < 0x80)
		return 1;
	size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
	if (lead < 0xc2 || lead > 0xf4 || s.size < length)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((s.data[i] & 0xc0) != 0x80)
			return 0;
	}
	uint8_t second = s.data[1];
	bool is_overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
	bool is_surrogate = lead == 0xed && second > 0x9f;
	bool is_too_high = lead == 0xf4 && second > 0x8f;
	return is_overlong || is_surrogate || is_too_high ? 0 : length;
}

/* How many bytes at the start are ASCII, found eight at a time. */
static size_t ascii_prefix(struct slice s)
{
	size_t i = 0;
	for (uint64_t word; i + sizeof(word) <= s.size; i += sizeof(word)) {
		memcpy(&word, s.data + i, sizeof(word));
		if ((word & UINT64_C(0x8080808080808080)) != 0)
			break;
	}
	while (i < s.size && s.data[i] < 0x80)
		i++;
	return i;
}

bool utf8_is_valid(struct slice s)
{
	while (s.size > 0) {
		size_t length = ascii_prefix(s);
		if (length == 0)
			length = utf8_sequence_length(s);
		if (length == 0)
			return false;
		s.data += length;
		s.size -= length;
	}
	return true;
}
