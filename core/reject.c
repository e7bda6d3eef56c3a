#include "reject.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "clock.h"
#include "instant.h"
#include "text.h"

static int write_all(int fd, struct slice bytes)
{
	while (bytes.size > 0) {
		ssize_t done = write(fd, bytes.data, bytes.size);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		bytes = slice_of(bytes.data + done, bytes.size - (size_t)done);
	}
	return 0;
}

/* The part of a path that tells a person what it was, safe as the end of a file name. */
static void append_stem(struct buffer *out, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash && slash[1] ? slash + 1 : path;
	size_t size = strnlen(name, 100);
	for (size_t i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)name[i];
		buffer_append_byte(out, byte == '/' || byte < 0x20 || byte >= 0x7f ? '_' : byte);
	}
}

/* Appends a name no other rejected file has: time, process, count, and what it was. */
static void append_kept_name(struct buffer *out, const char *path, int64_t now_us)
{
	static atomic_uint count;
	char time_text[INSTANT_TEXT_MAX];
	instant_format(now_us, time_text, sizeof(time_text));
	buffer_append_format(out, REJECT_DIRECTORY "/%s-%d-%u-", time_text, (int)getpid(), atomic_fetch_add(&count, 1));
	append_stem(out, path);
}

/* Keeps the bytes in a new file below the directory. A file that could not be written whole is taken away again. */
static int keep_bytes(int directory, const char *name, struct slice bytes)
{
	if (mkdirat(directory, REJECT_DIRECTORY, 0700) < 0 && errno != EEXIST)
		return -errno;
	int fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	int result = write_all(fd, bytes);
	close(fd);
	if (result < 0)
		unlinkat(directory, name, 0);
	return result;
}

static void append_errno_name(struct buffer *out, int code)
{
	const char *name = strerrorname_np(code < 0 ? -code : code);
	buffer_append_format(out, "\"%s\"", name ? name : "EIO");
}

static void append_line(
	struct buffer *out, const char *path, int64_t now_us, int code, const char *message, const char *kept_name)
{
	char time_text[INSTANT_TEXT_MAX];
	instant_format_z(now_us, time_text, sizeof(time_text));
	buffer_append_format(out, "{\"time\":\"%s\",\"path\":", time_text);
	text_append_json(out, slice_of_text(path));
	buffer_append_text(out, ",\"error\":");
	append_errno_name(out, code);
	buffer_append_text(out, ",\"message\":");
	text_append_json(out, slice_of_text(message));
	if (kept_name) {
		buffer_append_text(out, ",\"kept\":");
		text_append_json(out, slice_of_text(kept_name));
	}
	buffer_append_text(out, "}\n");
}

/* One write to a file open for appending: lines of several processes follow each other. */
static int append_to_log(int directory, struct slice line)
{
	int fd = openat(directory, REJECT_LOG, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	int result = write_all(fd, line);
	close(fd);
	return result;
}

static int record_in(int directory, const char *path, struct slice bytes, int code, const char *message)
{
	struct buffer name = BUFFER_INIT;
	struct buffer line = BUFFER_INIT;
	int64_t now_us = clock_now_us();
	int kept = 0;
	if (bytes.size > 0) {
		append_kept_name(&name, path, now_us);
		kept = buffer_error(&name);
		if (kept == 0)
			kept = keep_bytes(directory, buffer_text(&name), bytes);
	}
	append_line(&line, path, now_us, code, message, bytes.size > 0 && kept == 0 ? buffer_text(&name) : NULL);
	int result = buffer_error(&line);
	if (result == 0)
		result = append_to_log(directory, buffer_slice(&line));
	buffer_free(&name);
	buffer_free(&line);
	return kept < 0 ? kept : result;
}

int reject_record(struct history *history, const char *path, struct slice bytes, int code, const char *message)
{
	if (history_is_read_only(history))
		return -EROFS;
	int directory = open(history_directory(history), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return -errno;
	int result = record_in(directory, path, bytes, code, message);
	close(directory);
	return result;
}
