#include "resident.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct resident resident_find(int fd)
{
	struct resident resident = { 0 };
	struct stat file;
	FILE *maps = fstat(fd, &file) == 0 ? fopen("/proc/self/maps", "re") : NULL;
	char line[4352];
	while (maps && !resident.base && fgets(line, sizeof(line), maps)) {
		uintptr_t from, to;
		unsigned high, low;
		uintmax_t inode;
		int n = sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*s %*x %x:%x %ju", &from, &to, &high, &low, &inode);
		if (n == 5 && inode == file.st_ino && high == major(file.st_dev) && low == minor(file.st_dev))
			resident = (struct resident){ (void *)from, to - from };
	}
	if (maps)
		fclose(maps);
	return resident;
}

/* Pages of files and shared memory that are mapped and present: the third number of statm. */
static size_t file_bytes(void)
{
	char text[128];
	size_t pages = 0;
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (n > 0) {
		text[n] = '\0';
		if (sscanf(text, "%*u %*u %zu", &pages) != 1)
			pages = 0;
	}
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

void resident_trim(const struct resident *resident)
{
	if (resident->base && file_bytes() > RESIDENT_KEEP_BYTES)
		madvise(resident->base, resident->size_bytes, MADV_DONTNEED);
}
