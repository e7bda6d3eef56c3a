#include "spool.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Invariants: the contents are in `memory` while fd is -1 and then at most SPOOL_MEMORY_MAX bytes, else in the file,
 * whose size is `size`. */
struct spool {
	char *directory;
	uint8_t *memory;
	size_t capacity;
	int fd;
	uint64_t size;
};

int spool_new(const char *directory, struct spool **ret_spool)
{
	struct spool *spool = calloc(1, sizeof(*spool));
	if (!spool)
		return -ENOMEM;
	spool->fd = -1;
	spool->directory = strdup(directory);
	if (!spool->directory) {
		free(spool);
		return -ENOMEM;
	}
	*ret_spool = spool;
	return 0;
}

void spool_free(struct spool *spool)
{
	if (!spool)
		return;
	if (spool->fd >= 0)
		close(spool->fd);
	free(spool->memory);
	free(spool->directory);
	free(spool);
}

uint64_t spool_size(const struct spool *spool)
{
	return spool->size;
}

static bool is_in_file(const struct spool *spool)
{
	return spool->fd >= 0;
}

/* For file systems without O_TMPFILE. A descriptor or negative errno. */
static int make_unlinked_file(const char *directory)
{
	char *path;
	if (asprintf(&path, "%s/.spool-XXXXXX", directory) < 0)
		return -ENOMEM;
	int fd = mkostemp(path, O_CLOEXEC);
	int result = fd < 0 ? -errno : fd;
	if (fd >= 0)
		unlink(path);
	free(path);
	return result;
}

static int make_file(const char *directory)
{
	int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)
		return make_unlinked_file(directory);
	return -errno;
}

static int write_all(int fd, const uint8_t *bytes, size_t size, uint64_t offset)
{
	while (size > 0) {
		ssize_t done = pwrite(fd, bytes, size, (off_t)offset);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		bytes += done;
		size -= (size_t)done;
		offset += (uint64_t)done;
	}
	return 0;
}

static int move_to_file(struct spool *spool)
{
	int fd = make_file(spool->directory);
	if (fd < 0)
		return fd;
	int result = write_all(fd, spool->memory, (size_t)spool->size, 0);
	if (result < 0) {
		close(fd);
		return result;
	}
	spool->fd = fd;
	free(spool->memory);
	spool->memory = NULL;
	spool->capacity = 0;
	return 0;
}

static int reserve_memory(struct spool *spool, size_t size)
{
	size_t capacity = spool->capacity ? spool->capacity : 4096;
	assert(size <= SPOOL_MEMORY_MAX);
	if (size <= spool->capacity)
		return 0;
	while (capacity < size)
		capacity *= 2;
	uint8_t *memory = realloc(spool->memory, capacity);
	if (!memory)
		return -ENOMEM;
	spool->memory = memory;
	spool->capacity = capacity;
	return 0;
}

/* Makes room for contents of `size` bytes, in memory or by moving to a file. */
static int make_room(struct spool *spool, uint64_t size)
{
	if (is_in_file(spool))
		return 0;
	return size <= SPOOL_MEMORY_MAX ? reserve_memory(spool, (size_t)size) : move_to_file(spool);
}

ssize_t spool_read(const struct spool *spool, uint64_t offset, void *ret_bytes, size_t size)
{
	if (offset >= spool->size)
		return 0;
	if (size > spool->size - offset)
		size = (size_t)(spool->size - offset);
	if (size > SSIZE_MAX)
		size = SSIZE_MAX;
	if (!is_in_file(spool)) {
		memcpy(ret_bytes, spool->memory + offset, size);
		return (ssize_t)size;
	}
	size_t count = 0;
	while (count < size) {
		ssize_t got = pread(spool->fd, (uint8_t *)ret_bytes + count, size - count, (off_t)(offset + count));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EIO;
		count += (size_t)got;
	}
	return (ssize_t)count;
}

static int write_to_file(struct spool *spool, uint64_t offset, const void *bytes, size_t size)
{
	int result = write_all(spool->fd, bytes, size, offset);
	if (result < 0 && ftruncate(spool->fd, (off_t)spool->size) < 0)
		return -EIO;
	return result;
}

int spool_write(struct spool *spool, uint64_t offset, const void *bytes, size_t size)
{
	uint64_t end;
	if (size == 0)
		return 0;
	if (__builtin_add_overflow(offset, size, &end) || end > INT64_MAX)
		return -EFBIG;
	int result = make_room(spool, end);
	if (result < 0)
		return result;
	if (is_in_file(spool)) {
		result = write_to_file(spool, offset, bytes, size);
		if (result < 0)
			return result;
	} else {
		if (offset > spool->size)
			memset(spool->memory + spool->size, 0, (size_t)(offset - spool->size));
		memcpy(spool->memory + offset, bytes, size);
	}
	if (end > spool->size)
		spool->size = end;
	return 0;
}

int spool_truncate(struct spool *spool, uint64_t size)
{
	if (size > INT64_MAX)
		return -EFBIG;
	int result = make_room(spool, size);
	if (result < 0)
		return result;
	if (is_in_file(spool)) {
		if (ftruncate(spool->fd, (off_t)size) < 0)
			return -errno;
	} else if (size > spool->size) {
		memset(spool->memory + spool->size, 0, (size_t)(size - spool->size));
	}
	spool->size = size;
	return 0;
}

int spool_load(const struct spool *spool, struct buffer *out, size_t limit)
{
	if (spool->size > limit)
		return -EFBIG;
	size_t size = (size_t)spool->size;
	int result = buffer_reserve(out, size);
	if (result < 0)
		return result;
	if (size == 0)
		return 0;
	ssize_t count = spool_read(spool, 0, out->data + out->size, size);
	if (count < 0)
		return (int)count;
	out->size += (size_t)count;
	return 0;
}
