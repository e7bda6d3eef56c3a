#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "line_reader.h"

/* A reader over bytes in a file without a name. */
struct source {
	int fd;
	struct line_reader *reader;
};

static struct source source_of(struct slice bytes)
{
	struct source source = { .fd = memfd_create("lines", MFD_CLOEXEC) };
	assert_true(source.fd >= 0);
	for (size_t done = 0; done < bytes.size;) {
		ssize_t written = pwrite(source.fd, bytes.data + done, bytes.size - done, (off_t)done);
		assert_true(written > 0);
		done += (size_t)written;
	}
	assert_int_equal(line_reader_new(source.fd, &source.reader), 0);
	return source;
}

static void source_free(struct source *source)
{
	line_reader_free(source->reader);
	close(source->fd);
}

static void assert_line(struct source *source, const char *wanted)
{
	struct slice line;
	bool is_too_long;
	struct error error = { 0 };
	int result = line_reader_next(source->reader, &line, &is_too_long, &error);
	if (result != 1)
		fail_msg("%d instead of '%s': %s", result, wanted, error.message);
	assert_false(is_too_long);
	if (line.size != strlen(wanted) || memcmp(line.data, wanted, line.size) != 0)
		fail_msg("'%.*s' instead of '%s'", (int)line.size, (const char *)line.data, wanted);
}

static void assert_end(struct source *source)
{
	struct slice line;
	bool is_too_long;
	assert_int_equal(line_reader_next(source->reader, &line, &is_too_long, NULL), 0);
	assert_int_equal(line_reader_next(source->reader, &line, &is_too_long, NULL), 0);
}

static void assert_failure(struct source *source, int code, const char *reason)
{
	struct slice line;
	bool is_too_long;
	struct error error = { 0 };
	assert_int_equal(line_reader_next(source->reader, &line, &is_too_long, &error), code);
	assert_int_equal(error.code, code);
	if (!strstr(error.message, reason))
		fail_msg("%s", error.message);
	assert_int_equal(line_reader_next(source->reader, &line, &is_too_long, &error), code);
}

/* Appends one gzip member. */
static void append_gzip(struct buffer *out, struct slice bytes)
{
	z_stream stream = { .next_in = (Bytef *)(uintptr_t)bytes.data, .avail_in = (uInt)bytes.size };
	assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	uLong bound = deflateBound(&stream, (uLong)bytes.size);
	assert_int_equal(buffer_reserve(out, bound), 0);
	stream.next_out = out->data + out->size;
	stream.avail_out = (uInt)bound;
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	out->size += bound - stream.avail_out;
	deflateEnd(&stream);
}

static void reads_lines(void **state)
{
	struct source source = source_of(slice_of_text("one\ntwo\r\n\n\r\nthree \r\nlast\r"));
	(void)state;
	assert_line(&source, "one");
	assert_line(&source, "two");
	assert_line(&source, "");
	assert_line(&source, "");
	assert_line(&source, "three ");
	assert_line(&source, "last\r");
	assert_end(&source);
	source_free(&source);
}

static void a_newline_at_the_end_begins_no_line(void **state)
{
	struct source source = source_of(slice_of_text("one\n"));
	(void)state;
	assert_line(&source, "one");
	assert_end(&source);
	source_free(&source);
}

static void short_inputs_are_text(void **state)
{
	struct source empty = source_of(slice_of(NULL, 0)), one = source_of(slice_of_text("\x1f"));
	struct source two = source_of(slice_of_text("\x1f\n"));
	(void)state;
	assert_end(&empty);
	assert_line(&one, "\x1f");
	assert_end(&one);
	assert_line(&two, "\x1f");
	assert_end(&two);
	source_free(&empty);
	source_free(&one);
	source_free(&two);
	line_reader_free(NULL);
}

/* Lines of many lengths, so that every place of a line meets the end of a chunk. */
static void append_numbered_lines(struct buffer *out, int from, int to)
{
	for (int i = from; i < to; i++)
		buffer_append_format(out, "%d %0*d\n", i, 1 + i % 97, i);
	assert_int_equal(buffer_error(out), 0);
}

static void assert_numbered_lines(struct source *source, int from, int to)
{
	char wanted[200];
	for (int i = from; i < to; i++) {
		snprintf(wanted, sizeof(wanted), "%d %0*d", i, 1 + i % 97, i);
		assert_line(source, wanted);
	}
}

static void reads_many_lines_of_text_and_gzip(void **state)
{
	struct buffer text = BUFFER_INIT, gzip = BUFFER_INIT;
	(void)state;
	append_numbered_lines(&text, 0, 20000);
	append_gzip(&gzip, buffer_slice(&text));
	struct source sources[] = { source_of(buffer_slice(&text)), source_of(buffer_slice(&gzip)) };
	const uint64_t sizes[] = { text.size, gzip.size };
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(line_reader_position(sources[i].reader), 0);
		assert_numbered_lines(&sources[i], 0, 20000);
		assert_end(&sources[i]);
		assert_int_equal(line_reader_position(sources[i].reader), sizes[i]);
		source_free(&sources[i]);
	}
	buffer_free(&text);
	buffer_free(&gzip);
}

static void reads_gzip_members_in_a_row(void **state)
{
	struct buffer gzip = BUFFER_INIT;
	(void)state;
	append_gzip(&gzip, slice_of_text("one\ntw"));
	append_gzip(&gzip, slice_of(NULL, 0));
	append_gzip(&gzip, slice_of_text("o\nthree"));
	buffer_append(&gzip, "\0\0\0\0\0", 5);
	struct source source = source_of(buffer_slice(&gzip));
	assert_line(&source, "one");
	assert_line(&source, "two");
	assert_line(&source, "three");
	assert_end(&source);
	source_free(&source);
	buffer_free(&gzip);
}

static void an_empty_gzip_file_has_no_lines(void **state)
{
	struct buffer gzip = BUFFER_INIT;
	(void)state;
	append_gzip(&gzip, slice_of(NULL, 0));
	struct source source = source_of(buffer_slice(&gzip));
	assert_end(&source);
	source_free(&source);
	buffer_free(&gzip);
}

static void tells_of_gzip_that_was_cut(void **state)
{
	struct buffer gzip = BUFFER_INIT;
	(void)state;
	append_gzip(&gzip, slice_of_text("one\ntwo\n"));
	for (size_t cut = 2; cut < gzip.size; cut++) {
		struct source source = source_of(slice_of(gzip.data, cut));
		struct slice line;
		bool is_too_long;
		while (line_reader_next(source.reader, &line, &is_too_long, NULL) == 1)
			assert_int_equal(line.size, 3);
		assert_failure(&source, -EIO, "ends in the middle");
		source_free(&source);
	}
	buffer_free(&gzip);
}

/* Now and then a flipped bit changes nothing, when it refers to an equal text elsewhere. */
static void tells_of_damaged_gzip(void **state)
{
	struct buffer text = BUFFER_INIT, gzip = BUFFER_INIT;
	int failures = 0, readable = 0;
	(void)state;
	append_numbered_lines(&text, 0, 1000);
	append_gzip(&gzip, buffer_slice(&text));
	for (size_t at = 10; at < gzip.size; at += 7) {
		struct buffer read = BUFFER_INIT;
		struct slice line;
		bool is_too_long;
		int result;
		gzip.data[at] ^= 0x10;
		struct source source = source_of(buffer_slice(&gzip));
		while ((result = line_reader_next(source.reader, &line, &is_too_long, NULL)) == 1) {
			buffer_append_slice(&read, line);
			buffer_append_byte(&read, '\n');
		}
		gzip.data[at] ^= 0x10;
		if (result == 0)
			assert_true(slice_equal(buffer_slice(&read), buffer_slice(&text)));
		else
			assert_int_equal(result, -EIO);
		*(result == 0 ? &readable : &failures) += 1;
		source_free(&source);
		buffer_free(&read);
	}
	assert_true(failures > 700 && readable < 10);
	buffer_free(&text);
	buffer_free(&gzip);
}

static void tells_of_what_follows_gzip(void **state)
{
	struct buffer gzip = BUFFER_INIT;
	(void)state;
	append_gzip(&gzip, slice_of_text("one\n"));
	buffer_append_text(&gzip, "two\n");
	struct source source = source_of(buffer_slice(&gzip));
	assert_line(&source, "one");
	assert_failure(&source, -EIO, "damaged");
	source_free(&source);
	buffer_free(&gzip);
}

static void skips_the_rest_of_a_line_that_is_too_long(void **state)
{
	static const struct {
		size_t size;
		const char *newline;
		bool is_too_long;
	} cases[] = {
		{ RECORD_LINE_MAX - 1, "\n", false },
		{ RECORD_LINE_MAX, "\n", false },
		{ RECORD_LINE_MAX, "\r\n", false },
		{ RECORD_LINE_MAX + 1, "\n", true },
		{ RECORD_LINE_MAX + 1, "\r\n", true },
		{ RECORD_LINE_MAX + 2, "\n", true },
		{ 2 * RECORD_LINE_MAX + 100, "\n", true },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buffer text = BUFFER_INIT;
		struct slice line;
		bool is_too_long;
		buffer_append_text(&text, "before\n");
		assert_int_equal(buffer_reserve(&text, cases[i].size), 0);
		memset(text.data + text.size, '\r', cases[i].size);
		text.data[text.size + cases[i].size - 1] = 'x';
		text.size += cases[i].size;
		buffer_append_text(&text, cases[i].newline);
		buffer_append_text(&text, "after\n");
		struct source source = source_of(buffer_slice(&text));
		assert_line(&source, "before");
		assert_int_equal(line_reader_next(source.reader, &line, &is_too_long, NULL), 1);
		assert_int_equal(is_too_long, cases[i].is_too_long);
		assert_int_equal(line.size, is_too_long ? RECORD_LINE_MAX : cases[i].size);
		assert_line(&source, "after");
		assert_end(&source);
		source_free(&source);
		buffer_free(&text);
	}
}

static void *write_byte_by_byte(void *context)
{
	static const char text[] = "one\r\ntwo\n\x1f\x8b\nend";
	int fd = *(int *)context;
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		if (write(fd, text + i, 1) != 1)
			break;
	close(fd);
	return NULL;
}

static void reads_a_pipe(void **state)
{
	int ends[2];
	pthread_t writer;
	struct source source;
	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(pthread_create(&writer, NULL, write_byte_by_byte, &ends[1]), 0);
	source.fd = ends[0];
	assert_int_equal(line_reader_new(source.fd, &source.reader), 0);
	assert_line(&source, "one");
	assert_line(&source, "two");
	assert_line(&source, "\x1f\x8b");
	assert_line(&source, "end");
	assert_end(&source);
	assert_int_equal(pthread_join(writer, NULL), 0);
	source_free(&source);
}

static void tells_of_what_cannot_be_read(void **state)
{
	struct source source = { .fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	(void)state;
	assert_true(source.fd >= 0);
	assert_int_equal(line_reader_new(source.fd, &source.reader), 0);
	assert_failure(&source, -EISDIR, "cannot read");
	source_free(&source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_lines),
		cmocka_unit_test(a_newline_at_the_end_begins_no_line),
		cmocka_unit_test(short_inputs_are_text),
		cmocka_unit_test(reads_many_lines_of_text_and_gzip),
		cmocka_unit_test(reads_gzip_members_in_a_row),
		cmocka_unit_test(an_empty_gzip_file_has_no_lines),
		cmocka_unit_test(tells_of_gzip_that_was_cut),
		cmocka_unit_test(tells_of_damaged_gzip),
		cmocka_unit_test(tells_of_what_follows_gzip),
		cmocka_unit_test(skips_the_rest_of_a_line_that_is_too_long),
		cmocka_unit_test(reads_a_pipe),
		cmocka_unit_test(tells_of_what_cannot_be_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
