#include "compress.h"

#include <errno.h>
#include <lz4.h>
#include <string.h>

#define DICTIONARY_MAX 65536u
#define PATCH_PLAIN 0
#define PATCH_LZ4 1
#define PATCH_WORTH_TRYING 24 /* shorter middles are kept as they are */

/* The compressor's table of 16 KiB is made ready anew for each use, rather than cleared. */
static _Thread_local LZ4_stream_t stream;
static _Thread_local bool has_stream;

static void begin_stream(struct slice dictionary)
{
	if (!has_stream)
		LZ4_initStream(&stream, sizeof(stream));
	has_stream = true;
	if (dictionary.size)
		LZ4_loadDict(&stream, (const char *)dictionary.data, (int)dictionary.size);
	else
		LZ4_resetStream_fast(&stream);
}

static struct slice dictionary_tail(struct slice dictionary)
{
	if (dictionary.size <= DICTIONARY_MAX)
		return dictionary;
	return slice_of(dictionary.data + dictionary.size - DICTIONARY_MAX, DICTIONARY_MAX);
}

bool compress_append(struct slice plain, struct slice dictionary, struct buffer *out)
{
	if (plain.size < 16 || plain.size > LZ4_MAX_INPUT_SIZE)
		return false;
	int room = (int)plain.size - 1;
	if (buffer_reserve(out, (size_t)room))
		return false;
	begin_stream(dictionary_tail(dictionary));
	int size = LZ4_compress_fast_continue(
		&stream, (const char *)plain.data, (char *)out->data + out->size, (int)plain.size, room, 1);
	/* After a failure the stream is fit for nothing but being made anew. */
	has_stream = size > 0;
	if (size <= 0)
		return false;
	out->size += (size_t)size;
	return true;
}

int compress_expand(struct slice packed, struct slice dictionary, size_t plain_size, struct buffer *out)
{
	if (plain_size > LZ4_MAX_INPUT_SIZE || packed.size > LZ4_MAX_INPUT_SIZE)
		return -EIO;
	int r = buffer_reserve(out, plain_size);
	if (r)
		return r;
	struct slice tail = dictionary_tail(dictionary);
	int size = LZ4_decompress_safe_usingDict((const char *)packed.data, (char *)out->data + out->size,
		(int)packed.size, (int)plain_size, (const char *)tail.data, (int)tail.size);
	if (size < 0 || (size_t)size != plain_size)
		return -EIO;
	out->size += plain_size;
	return 0;
}

static size_t common_head(struct slice a, struct slice b)
{
	size_t n = a.size < b.size ? a.size : b.size, i = 0;
	while (i < n && a.data[i] == b.data[i])
		i++;
	return i;
}

static size_t common_tail(struct slice a, struct slice b, size_t head)
{
	size_t n = (a.size < b.size ? a.size : b.size) - head, i = 0;
	while (i < n && a.data[a.size - 1 - i] == b.data[b.size - 1 - i])
		i++;
	return i;
}

void patch_append(struct slice base, struct slice target, struct buffer *out)
{
	size_t head = common_head(base, target), tail = common_tail(base, target, head);
	struct slice middle = slice_of(target.data + head, target.size - head - tail);
	buffer_append_varint(out, head);
	buffer_append_varint(out, tail);
	size_t flag = out->size;
	buffer_append_byte(out, PATCH_LZ4);
	if (middle.size >= PATCH_WORTH_TRYING && compress_append(middle, base, out))
		return;
	if (!buffer_error(out))
		out->data[flag] = PATCH_PLAIN;
	buffer_append_slice(out, middle);
}

/* The middle is made from the whole base, which must not change meanwhile. */
static int expand_between(
	struct buffer *item, size_t head, size_t tail, struct slice middle, size_t middle_size, struct buffer *spare)
{
	buffer_clear(spare);
	buffer_append(spare, item->data, head);
	int r = compress_expand(middle, buffer_slice(item), middle_size, spare);
	if (r)
		return r;
	buffer_append(spare, item->data + item->size - tail, tail);
	struct buffer swap = *item;
	*item = *spare;
	*spare = swap;
	return buffer_error(item);
}

static int replace_between(struct buffer *item, size_t head, size_t tail, struct slice middle)
{
	size_t size = head + middle.size + tail;
	int r = size > item->size ? buffer_reserve(item, size - item->size) : 0;
	if (r)
		return r;
	if (tail && size != item->size)
		memmove(item->data + head + middle.size, item->data + item->size - tail, tail);
	if (middle.size)
		memcpy(item->data + head, middle.data, middle.size);
	item->size = size;
	return 0;
}

int patch_apply(struct buffer *item, struct slice patch, size_t target_size, struct buffer *spare)
{
	struct reader r = reader_of(patch);
	uint64_t head = reader_varint(&r), tail = reader_varint(&r);
	uint8_t flag = reader_byte(&r);
	if (r.is_bad || flag > PATCH_LZ4 || head > item->size || tail > item->size - head || head + tail > target_size)
		return -EIO;
	struct slice middle = reader_bytes(&r, reader_left(&r));
	size_t middle_size = target_size - (size_t)(head + tail);
	if (flag == PATCH_LZ4)
		return expand_between(item, (size_t)head, (size_t)tail, middle, middle_size, spare);
	return middle.size == middle_size ? replace_between(item, (size_t)head, (size_t)tail, middle) : -EIO;
}
