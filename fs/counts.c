#include "counts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bytes.h"

static const char *const count_names[COUNT_KINDS] = { "INIT", "LOOKUP", "FORGET", "GETATTR", "SETATTR", "MKNOD",
	"MKDIR", "UNLINK", "RMDIR", "SYMLINK", "READLINK", "RENAME", "LINK", "OPEN", "READ", "WRITE", "FLUSH",
	"RELEASE", "FSYNC", "OPENDIR", "READDIR", "READDIRPLUS", "RELEASEDIR", "FSYNCDIR", "STATFS", "GETXATTR",
	"LISTXATTR", "SETXATTR", "REMOVEXATTR", "CREATE", "COPY_FILE_RANGE", "STORE", "STORED", "AHEAD" };

static int write_all(int fd, struct slice bytes)
{
	while (bytes.size > 0) {
		ssize_t written = write(fd, bytes.data, bytes.size);

		if (written < 0)
			return -errno;
		bytes = slice_of(bytes.data + written, bytes.size - (size_t)written);
	}
	return 0;
}

int counts_write(const struct counts *counts, const char *path)
{
	struct buffer text = BUFFER_INIT;
	char temporary[PATH_MAX];
	int fd, result;

	for (size_t i = 0; i < COUNT_KINDS; i++)
		buffer_append_format(&text, "%c\"%s\":%" PRIuFAST64, i == 0 ? '{' : ',', count_names[i],
			atomic_load_explicit(&counts->of[i], memory_order_relaxed));
	buffer_append_text(&text, "}\n");
	if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary)) {
		buffer_free(&text);
		return -ENAMETOOLONG;
	}
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	result = fd < 0 ? -errno : write_all(fd, buffer_slice(&text));
	if (fd >= 0)
		close(fd);
	if (result == 0 && rename(temporary, path) < 0)
		result = -errno;
	buffer_free(&text);
	return result;
}

struct counts_writer {
	const struct counts *counts;
	const char *path;
	pthread_t thread;
	atomic_bool is_stopping;
};

static void *write_on_signal(void *context)
{
	struct counts_writer *writer = context;
	sigset_t signals;
	int received;

	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	while (!atomic_load(&writer->is_stopping)) {
		if (sigwait(&signals, &received) == 0)
			(void)counts_write(writer->counts, writer->path);
	}
	return NULL;
}

int counts_writer_start(const struct counts *counts, const char *path, struct counts_writer **ret_writer)
{
	struct counts_writer *writer = calloc(1, sizeof(*writer));
	int result;

	if (writer == NULL)
		return -ENOMEM;
	writer->counts = counts;
	writer->path = path;
	result = pthread_create(&writer->thread, NULL, write_on_signal, writer);
	if (result != 0) {
		free(writer);
		return -result;
	}
	*ret_writer = writer;
	return 0;
}

void counts_writer_stop(struct counts_writer *writer)
{
	if (writer == NULL)
		return;
	atomic_store(&writer->is_stopping, true);
	pthread_kill(writer->thread, SIGUSR1);
	pthread_join(writer->thread, NULL);
	free(writer);
}
