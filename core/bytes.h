/* Borrowed slices, growable buffers, and the variable-length integers used in stored records.
 *
 * A buffer remembers that memory ran out: appends after that do nothing, and buffer_error() says -ENOMEM once at the
 * end, so that builders need no check at every step. */
#ifndef PITR_BYTES_H
#define PITR_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const uint8_t *data; /* borrowed; may be NULL when size is 0 */
	size_t size;
};

struct buffer {
	uint8_t *data; /* owned */
	size_t size, capacity;
	bool is_out_of_memory;
};

#define BUFFER_INIT ((struct buffer){ 0 })

static inline struct slice slice_of(const void *data, size_t size)
{
	return (struct slice){ data, size };
}
struct slice slice_of_text(const char *text); /* without the NUL */
bool slice_equal(struct slice a, struct slice b);
int slice_compare(struct slice a, struct slice b); /* unsigned bytes, shorter first; <0, 0, >0 */
bool slice_starts_with(struct slice s, const char *prefix);
bool slice_ends_with(struct slice s, const char *suffix);

static inline struct slice buffer_slice(const struct buffer *b)
{
	return (struct slice){ b->data, b->size };
}
void buffer_free(struct buffer *b);                /* frees and zeroes; a zeroed buffer is fine */
void buffer_clear(struct buffer *b);               /* keeps the memory */
int buffer_reserve(struct buffer *b, size_t more); /* room for `more` bytes beyond size; 0 or -ENOMEM */
static inline bool buffer_has_room(struct buffer *b, size_t more)
{
	if (__builtin_expect(b->is_out_of_memory, false))
		return false;
	return __builtin_expect(more <= b->capacity - b->size, true) || buffer_reserve(b, more) == 0;
}
static inline void buffer_append(struct buffer *b, const void *data, size_t size)
{
	if (size == 0 || !buffer_has_room(b, size))
		return;
	/* Arrays that are filled while the arguments are worked out. */
	/* cppcheck-suppress uninitvar */
	memcpy(b->data + b->size, data, size);
	b->size += size;
}
static inline void buffer_append_slice(struct buffer *b, struct slice s)
{
	buffer_append(b, s.data, s.size);
}
static inline void buffer_append_byte(struct buffer *b, uint8_t byte)
{
	if (buffer_has_room(b, 1))
		b->data[b->size++] = byte;
}
void buffer_append_text(struct buffer *b, const char *text);
void buffer_append_format(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_append_u32(struct buffer *b, uint32_t value);    /* little endian */
void buffer_append_u64(struct buffer *b, uint64_t value);    /* little endian */
void buffer_append_varint(struct buffer *b, uint64_t value); /* LEB128, 1 to 10 bytes */
void buffer_append_zigzag(struct buffer *b, int64_t value);
void buffer_append_blob(struct buffer *b, struct slice s); /* varint length, bytes */
int buffer_error(const struct buffer *b);                  /* 0 or -ENOMEM */
/* A NUL-terminated view of the contents; the NUL is not counted in size. NULL when memory ran out. Borrowed. */
const char *buffer_text(struct buffer *b);

/* Reading: a cursor over a slice that remembers having run past the end. Reads after that give 0. */
struct reader {
	const uint8_t *at, *end;
	bool is_bad;
};

static inline struct reader reader_of(struct slice s)
{
	return (struct reader){ s.data, s.size > 0 ? s.data + s.size : s.data, false };
}
static inline size_t reader_left(const struct reader *r)
{
	return (size_t)(r->end - r->at);
}
/* The next `size` bytes, or NULL (and bad from here on) when there are not as many. */
static inline const uint8_t *reader_take(struct reader *r, size_t size)
{
	if (r->is_bad || reader_left(r) < size) {
		r->is_bad = true;
		return NULL;
	}
	const uint8_t *bytes = r->at;
	if (size > 0)
		r->at += size;
	return bytes;
}
static inline uint8_t reader_byte(struct reader *r)
{
	const uint8_t *byte = reader_take(r, 1);
	return byte != NULL ? *byte : 0;
}
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
uint64_t reader_long_varint(struct reader *r); /* of more than a byte */
/* Bad when longer than 10 bytes or over 64 bits. */
static inline uint64_t reader_varint(struct reader *r)
{
	if (__builtin_expect(!r->is_bad && r->at < r->end && *r->at < 0x80, true))
		return *r->at++;
	return reader_long_varint(r);
}
/* Passes over `count` of them, at most 8. */
void reader_skip_varints(struct reader *r, unsigned count);
int64_t reader_zigzag(struct reader *r);
static inline struct slice reader_bytes(struct reader *r, size_t size)
{
	const uint8_t *bytes = reader_take(r, size);
	return r->is_bad ? slice_of(NULL, 0) : slice_of(bytes, size);
}
struct slice reader_blob(struct reader *r);

/* Valid UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool utf8_is_valid(struct slice s);
/* Length in bytes of the valid UTF-8 sequence that starts `s`; 0 when there is none. */
size_t utf8_sequence_length(struct slice s);

#endif
