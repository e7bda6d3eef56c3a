#include "pitrdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reject.h"

/* Numbers are places in an array of the names seen: people look at few of them. */
struct pitrdir {
	int directory; /* of the store */
	pthread_mutex_t lock;
	char **names;
	size_t count, capacity;
};

int pitrdir_new(const char *store_directory, struct pitrdir **ret_pitrdir)
{
	struct pitrdir *pitrdir = calloc(1, sizeof(*pitrdir));
	int result;

	if (pitrdir == NULL)
		return -ENOMEM;
	pitrdir->directory = open(store_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (pitrdir->directory < 0) {
		result = -errno;
		free(pitrdir);
		return result;
	}
	pthread_mutex_init(&pitrdir->lock, NULL);
	*ret_pitrdir = pitrdir;
	return 0;
}

void pitrdir_free(struct pitrdir *pitrdir)
{
	if (pitrdir == NULL)
		return;
	close(pitrdir->directory);
	for (size_t i = 0; i < pitrdir->count; i++)
		free(pitrdir->names[i]);
	free(pitrdir->names);
	pthread_mutex_destroy(&pitrdir->lock);
	free(pitrdir);
}

static int stat_in(const struct pitrdir *pitrdir, const char *path, struct stat *ret_stat)
{
	if (fstatat(pitrdir->directory, path, ret_stat, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return S_ISREG(ret_stat->st_mode) ? 0 : -ENOENT;
}

static int read_in(const struct pitrdir *pitrdir, const char *path, uint64_t offset, size_t size, struct buffer *out)
{
	int fd = openat(pitrdir->directory, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), result;
	ssize_t count;

	if (fd < 0)
		return -errno;
	result = buffer_reserve(out, size);
	if (result == 0) {
		count = pread(fd, out->data + out->size, size, (off_t)offset);
		if (count < 0)
			result = -errno;
		else
			out->size += (size_t)count;
	}
	close(fd);
	return result;
}

int pitrdir_errors(const struct pitrdir *pitrdir, struct stat *ret_stat)
{
	int result = stat_in(pitrdir, REJECT_LOG, ret_stat);

	if (result == -ENOENT) {
		*ret_stat = (struct stat){ 0 };
		result = 0;
	}
	return result;
}

int pitrdir_read_errors(const struct pitrdir *pitrdir, uint64_t offset, size_t size, struct buffer *out)
{
	int result = read_in(pitrdir, REJECT_LOG, offset, size, out);

	return result == -ENOENT ? 0 : result;
}

static int path_of_name(const char *name, char *path, size_t size)
{
	if (*name == '.' || strchr(name, '/') != NULL ||
		snprintf(path, size, REJECT_DIRECTORY "/%s", name) >= (int)size)
		return -ENOENT;
	return 0;
}

static int number_of_name(struct pitrdir *pitrdir, const char *name, uint64_t *ret_number)
{
	size_t at = 0;
	int result = 0;

	pthread_mutex_lock(&pitrdir->lock);
	while (at < pitrdir->count && strcmp(pitrdir->names[at], name) != 0)
		at++;
	if (at == pitrdir->count && at == pitrdir->capacity) {
		size_t capacity = pitrdir->capacity == 0 ? 16 : pitrdir->capacity * 2;
		char **names = realloc(pitrdir->names, capacity * sizeof(*names));

		if (names == NULL)
			result = -ENOMEM;
		else
			pitrdir->names = names, pitrdir->capacity = capacity;
	}
	if (result == 0 && at == pitrdir->count) {
		pitrdir->names[at] = strdup(name);
		if (pitrdir->names[at] == NULL)
			result = -ENOMEM;
		else
			pitrdir->count++;
	}
	pthread_mutex_unlock(&pitrdir->lock);
	*ret_number = PITR_FILES + at;
	return result;
}

int pitrdir_find(struct pitrdir *pitrdir, const char *name, uint64_t *ret_number, struct stat *ret_stat)
{
	char path[512];
	int result = path_of_name(name, path, sizeof(path));

	if (result == 0)
		result = stat_in(pitrdir, path, ret_stat);
	return result < 0 ? result : number_of_name(pitrdir, name, ret_number);
}

static int path_of_number(struct pitrdir *pitrdir, uint64_t number, char *path, size_t size)
{
	int result = -ENOENT;

	pthread_mutex_lock(&pitrdir->lock);
	if (number >= PITR_FILES && number - PITR_FILES < pitrdir->count)
		result = path_of_name(pitrdir->names[number - PITR_FILES], path, size);
	pthread_mutex_unlock(&pitrdir->lock);
	return result;
}

int pitrdir_stat(struct pitrdir *pitrdir, uint64_t number, struct stat *ret_stat)
{
	char path[512];
	int result = path_of_number(pitrdir, number, path, sizeof(path));

	return result < 0 ? result : stat_in(pitrdir, path, ret_stat);
}

int pitrdir_read(struct pitrdir *pitrdir, uint64_t number, uint64_t offset, size_t size, struct buffer *out)
{
	char path[512];
	int result = path_of_number(pitrdir, number, path, sizeof(path));

	return result < 0 ? result : read_in(pitrdir, path, offset, size, out);
}

int pitrdir_unlink(struct pitrdir *pitrdir, const char *name)
{
	char path[512];
	int result = path_of_name(name, path, sizeof(path));

	if (result == 0 && unlinkat(pitrdir->directory, path, 0) < 0)
		result = -errno;
	return result;
}

static int is_file_name(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int pitrdir_list(struct pitrdir *pitrdir, uint64_t from, bool (*each)(void *context, uint64_t place, const char *name),
	void *context)
{
	struct dirent **entries;
	int count = scandirat(pitrdir->directory, REJECT_DIRECTORY, &entries, is_file_name, alphasort);
	bool goes_on = true;

	if (count < 0)
		return errno == ENOENT ? 0 : -errno;
	for (int i = 0; i < count; i++) {
		if (goes_on && (uint64_t)i >= from)
			goes_on = each(context, (uint64_t)i, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return 0;
}
