#include "shared.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

#define SHARED_SIZE 4096

struct page {
	_Atomic int64_t served_us;
	_Atomic uint32_t bell;
	_Atomic int64_t writing_us;
	_Atomic int64_t
		turn_us; /* when it was last taken, of a clock that all processes share; the last taker knows it */
};

struct shared {
	struct page *page;
	bool is_writable;
};

static void *map_file(const char *directory, bool is_read_only, bool *ret_is_writable)
{
	char path[4096];
	if ((size_t)snprintf(path, sizeof(path), "%s/shared", directory) >= sizeof(path))
		return MAP_FAILED;
	*ret_is_writable = true;
	int fd = open(path, O_RDWR | O_CLOEXEC | (is_read_only ? 0 : O_CREAT), 0600);
	if (fd < 0) {
		*ret_is_writable = false;
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0)
		return MAP_FAILED;
	struct stat file;
	void *page = MAP_FAILED;
	if (fstat(fd, &file) == 0 &&
		(file.st_size >= SHARED_SIZE || (*ret_is_writable && ftruncate(fd, SHARED_SIZE) == 0)))
		page = mmap(NULL, SHARED_SIZE, PROT_READ | (*ret_is_writable ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
	close(fd);
	return page;
}

int shared_open(const char *directory, bool is_read_only, bool is_lock_free, struct shared **ret_shared)
{
	struct shared *shared = calloc(1, sizeof(*shared));
	if (!shared)
		return -ENOMEM;
	void *page = is_lock_free ? MAP_FAILED : map_file(directory, is_read_only, &shared->is_writable);
	if (page == MAP_FAILED) {
		shared->is_writable = true;
		page = mmap(NULL, SHARED_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	}
	if (page == MAP_FAILED) {
		free(shared);
		return -ENOMEM;
	}
	shared->page = page;
	*ret_shared = shared;
	return 0;
}

void shared_close(struct shared *shared)
{
	if (!shared)
		return;
	munmap(shared->page, SHARED_SIZE);
	free(shared);
}

int64_t shared_served(const struct shared *shared)
{
	return atomic_load(&shared->page->served_us);
}

void shared_serve(struct shared *shared, int64_t time_us)
{
	int64_t served = shared_served(shared);
	while (shared->is_writable && served < time_us)
		if (atomic_compare_exchange_weak(&shared->page->served_us, &served, time_us))
			return;
}

int64_t shared_writing(const struct shared *shared)
{
	return atomic_load(&shared->page->writing_us);
}

void shared_set_writing(struct shared *shared, int64_t time_us)
{
	if (shared->is_writable)
		atomic_store(&shared->page->writing_us, time_us);
}

void shared_forget_writing(struct shared *shared, int64_t time_us)
{
	if (shared->is_writable)
		atomic_compare_exchange_strong(&shared->page->writing_us, &time_us, 0);
}

bool shared_take_turn(struct shared *shared, int64_t lease_ms, int64_t *turn)
{
	struct timespec time;
	clock_deadline(0, &time);
	int64_t now_us = (int64_t)time.tv_sec * SECOND_US + time.tv_nsec / 1000;
	int64_t taken_us = atomic_load(&shared->page->turn_us);
	bool is_mine = taken_us != 0 && taken_us == *turn;
	/* A time that is still to come is of another life of the machine. */
	bool is_free = taken_us > now_us || now_us - taken_us > lease_ms * 1000;
	if (!shared->is_writable || (!is_mine && !is_free) ||
		!atomic_compare_exchange_strong(&shared->page->turn_us, &taken_us, now_us))
		return false;
	*turn = now_us;
	return true;
}

void shared_ring(struct shared *shared)
{
	if (!shared->is_writable)
		return;
	atomic_fetch_add(&shared->page->bell, 1);
	syscall(SYS_futex, &shared->page->bell, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

uint32_t shared_bell(const struct shared *shared)
{
	return atomic_load(&shared->page->bell);
}

void shared_wait(struct shared *shared, uint32_t known, int timeout_ms)
{
	struct timespec timeout = { timeout_ms / 1000, timeout_ms % 1000 * 1000000L };
	if (syscall(SYS_futex, &shared->page->bell, FUTEX_WAIT, known, &timeout, NULL, 0) < 0 && errno != ETIMEDOUT &&
		errno != EAGAIN && errno != EINTR)
		nanosleep(&timeout, NULL);
}
