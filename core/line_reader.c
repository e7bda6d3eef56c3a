#include "line_reader.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ZLIB_CONST
#include <zlib.h>

#define CHUNK_SIZE ((size_t)64 << 10)
#define GZIP_WINDOW_BITS (15 + 16) /* the largest window; 16 asks zlib for a gzip wrapper */

enum source_form { SOURCE_UNKNOWN, SOURCE_TEXT, SOURCE_GZIP };

/* Bytes go from the fd to `raw`, through zlib to `text` if they are gzip, and from `window` line by line to the caller.
 * `partial` has the beginning of a line that runs over the end of a window. */
struct line_reader {
	int fd;
	enum source_form form;
	z_stream zlib;
	bool is_at_end;          /* of the fd */
	bool is_between_members; /* gzip: in front of a member, or of the end */
	uint64_t position;
	struct slice raw_left, window;
	struct buffer partial;
	struct error failure; /* remembered, since nothing can be read after one */
	uint8_t raw[CHUNK_SIZE], text[CHUNK_SIZE];
};

int line_reader_new(int fd, struct line_reader **ret_reader)
{
	struct line_reader *reader = calloc(1, sizeof(*reader));
	if (!reader)
		return -ENOMEM;
	reader->fd = fd;
	reader->is_between_members = true;
	*ret_reader = reader;
	return 0;
}

void line_reader_free(struct line_reader *reader)
{
	if (!reader)
		return;
	if (reader->form == SOURCE_GZIP)
		inflateEnd(&reader->zlib);
	buffer_free(&reader->partial);
	free(reader);
}

uint64_t line_reader_position(const struct line_reader *reader)
{
	return reader->position;
}

static int fail_memory(struct line_reader *reader)
{
	return error_set(&reader->failure, -ENOMEM, "out of memory reading a line of the input");
}

/* Adds to the raw bytes that are left, and remembers the end. */
static int read_more(struct line_reader *reader)
{
	size_t left = reader->raw_left.size;
	assert(left < CHUNK_SIZE);
	if (left > 0)
		memmove(reader->raw, reader->raw_left.data, left);
	ssize_t got;
	do
		got = read(reader->fd, reader->raw + left, CHUNK_SIZE - left);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return error_set(&reader->failure, -errno, "cannot read the input after byte %llu: %s",
			(unsigned long long)reader->position, strerror(errno));
	reader->is_at_end = got == 0;
	reader->position += (uint64_t)got;
	reader->raw_left = slice_of(reader->raw, left + (size_t)got);
	return 0;
}

/* Looks at the first two bytes; shorter input is text. */
static int recognise(struct line_reader *reader)
{
	while (reader->raw_left.size < 2 && !reader->is_at_end) {
		int result = read_more(reader);
		if (result < 0)
			return result;
	}
	const uint8_t *raw = reader->raw_left.data;
	if (reader->raw_left.size < 2 || raw[0] != 0x1f || raw[1] != 0x8b) {
		reader->form = SOURCE_TEXT;
		return 0;
	}
	if (inflateInit2(&reader->zlib, GZIP_WINDOW_BITS) != Z_OK)
		return fail_memory(reader);
	reader->form = SOURCE_GZIP;
	return 0;
}

static int fail_gzip(struct line_reader *reader, const char *reason)
{
	return error_set(&reader->failure, -EIO,
		"the gzip input is damaged before byte %llu: %s; copy or download it again",
		(unsigned long long)reader->position, reason);
}

/* Zeros may fill the space behind the last member, as tapes and block devices have it. */
static void skip_padding(struct line_reader *reader)
{
	while (reader->raw_left.size > 0 && reader->raw_left.data[0] == 0) {
		reader->raw_left.data++;
		reader->raw_left.size--;
	}
}

/* Unpacks raw bytes into the window, which may stay empty. */
static int unpack(struct line_reader *reader)
{
	z_stream *zlib = &reader->zlib;
	zlib->next_in = reader->raw_left.data;
	zlib->avail_in = (uInt)reader->raw_left.size;
	zlib->next_out = reader->text;
	zlib->avail_out = CHUNK_SIZE;
	reader->is_between_members = false;
	int status = inflate(zlib, Z_NO_FLUSH);
	reader->raw_left = slice_of(zlib->next_in, zlib->avail_in);
	reader->window = slice_of(reader->text, CHUNK_SIZE - zlib->avail_out);
	if (status == Z_STREAM_END) {
		reader->is_between_members = true;
		return inflateReset(zlib) == Z_OK ? 0 : fail_gzip(reader, "zlib lost its state");
	}
	if (status == Z_MEM_ERROR)
		return fail_memory(reader);
	if (status != Z_OK && status != Z_BUF_ERROR)
		return fail_gzip(reader, zlib->msg ? zlib->msg : "it needs a dictionary");
	return 0;
}

/* Fills the empty window. 1, 0 at the end, negative errno. */
static int fill_gzip(struct line_reader *reader)
{
	while (reader->window.size == 0) {
		if (reader->is_between_members)
			skip_padding(reader);
		bool is_empty = reader->raw_left.size == 0;
		if (is_empty && reader->is_at_end && reader->is_between_members)
			return 0;
		int result = is_empty && !reader->is_at_end ? read_more(reader) : unpack(reader);
		if (result < 0)
			return result;
		if (is_empty && reader->is_at_end && reader->window.size == 0 && !reader->is_between_members)
			return fail_gzip(reader, "it ends in the middle");
	}
	return 1;
}

static int fill_text(struct line_reader *reader)
{
	if (reader->raw_left.size == 0) {
		int result = reader->is_at_end ? 0 : read_more(reader);
		if (result < 0)
			return result;
	}
	reader->window = reader->raw_left;
	reader->raw_left = slice_of(NULL, 0);
	return reader->window.size > 0;
}

static int fill_window(struct line_reader *reader)
{
	int result = reader->form == SOURCE_UNKNOWN ? recognise(reader) : 0;
	if (result < 0)
		return result;
	return reader->form == SOURCE_GZIP ? fill_gzip(reader) : fill_text(reader);
}

/* Takes the window's bytes up to a newline, or all of them. True when the newline was there. */
static bool take_line(struct line_reader *reader, struct slice *ret_piece)
{
	struct slice *window = &reader->window;
	const uint8_t *newline = memchr(window->data, '\n', window->size);
	size_t size = newline ? (size_t)(newline - window->data) : window->size;
	*ret_piece = slice_of(window->data, size);
	window->data += size + (newline != NULL);
	window->size -= size + (newline != NULL);
	return newline != NULL;
}

/* Keeps as much of a line as can still be a line that is not too long, and one byte more that may be a CR. */
static int keep_partial(struct line_reader *reader, struct slice piece)
{
	size_t room = RECORD_LINE_MAX + 2 - reader->partial.size;
	buffer_append(&reader->partial, piece.data, piece.size < room ? piece.size : room);
	return buffer_error(&reader->partial) < 0 ? fail_memory(reader) : 0;
}

static int give_line(struct slice line, bool has_newline, struct slice *ret_line, bool *ret_is_too_long)
{
	if (has_newline && line.size > 0 && line.data[line.size - 1] == '\r')
		line.size--;
	*ret_is_too_long = line.size > RECORD_LINE_MAX;
	if (*ret_is_too_long)
		line.size = RECORD_LINE_MAX;
	*ret_line = line;
	return 1;
}

static int next_line(struct line_reader *reader, struct slice *ret_line, bool *ret_is_too_long)
{
	bool has_begun = false;
	buffer_clear(&reader->partial);
	for (;;) {
		struct slice piece;
		int result = reader->window.size > 0 ? 1 : fill_window(reader);
		if (result < 0)
			return result;
		if (result == 0)
			return has_begun ? give_line(buffer_slice(&reader->partial), false, ret_line, ret_is_too_long)
					 : 0;
		bool has_newline = take_line(reader, &piece);
		if (has_newline && !has_begun)
			return give_line(piece, true, ret_line, ret_is_too_long);
		has_begun = true;
		result = keep_partial(reader, piece);
		if (result < 0)
			return result;
		if (has_newline)
			return give_line(buffer_slice(&reader->partial), true, ret_line, ret_is_too_long);
	}
}

int line_reader_next(struct line_reader *reader, struct slice *ret_line, bool *ret_is_too_long, struct error *error)
{
	int result = reader->failure.code ? reader->failure.code : next_line(reader, ret_line, ret_is_too_long);
	if (result < 0 && error)
		*error = reader->failure;
	return result;
}
