/* What FUSE costs a file system that does nothing for it: the files of a directory, read-only, by the high-level library
 * and all its defaults. plain_fuse DIRECTORY MOUNTPOINT [-f] [-o OPTION]... */
#define FUSE_USE_VERSION 314
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int root;

/* Paths of libfuse begin with a slash. */
static const char *below(const char *path)
{
	return path[1] == '\0' ? "." : path + 1;
}

static int plain_getattr(const char *path, struct stat *stat, struct fuse_file_info *info)
{
	(void)info;
	return fstatat(root, below(path), stat, AT_SYMLINK_NOFOLLOW) == -1 ? -errno : 0;
}

static int plain_readdir(const char *path, void *into, fuse_fill_dir_t fill, off_t offset, struct fuse_file_info *info,
	enum fuse_readdir_flags flags)
{
	int fd = openat(root, below(path), O_RDONLY | O_DIRECTORY);
	DIR *directory = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *entry;

	(void)offset, (void)info, (void)flags;
	if (directory == NULL)
		return -errno;
	while ((entry = readdir(directory)) != NULL && fill(into, entry->d_name, NULL, 0, 0) == 0)
		;
	closedir(directory);
	return 0;
}

static int plain_open(const char *path, struct fuse_file_info *info)
{
	int fd = openat(root, below(path), info->flags);

	if (fd == -1)
		return -errno;
	info->fh = (uint64_t)fd;
	return 0;
}

static int plain_read(const char *path, char *into, size_t size, off_t offset, struct fuse_file_info *info)
{
	ssize_t length = pread((int)info->fh, into, size, offset);

	(void)path;
	return length == -1 ? -errno : (int)length;
}

static int plain_release(const char *path, struct fuse_file_info *info)
{
	(void)path;
	close((int)info->fh);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct fuse_operations operations = {
		.getattr = plain_getattr,
		.readdir = plain_readdir,
		.open = plain_open,
		.read = plain_read,
		.release = plain_release,
	};

	if (argc < 3) {
		fprintf(stderr, "usage: plain_fuse DIRECTORY MOUNTPOINT [-f] [-o OPTION]...\n");
		return 2;
	}
	root = open(argv[1], O_RDONLY | O_DIRECTORY);
	if (root == -1) {
		perror(argv[1]);
		return 1;
	}
	argv[1] = argv[0];
	return fuse_main(argc - 1, argv + 1, &operations, NULL);
}
