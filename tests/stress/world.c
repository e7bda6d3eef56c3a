#include "tests/stress/world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct world *world;
static uint64_t random_state;
static unsigned this_worker;

void world_make(uint64_t seed, const char *directory)
{
	pthread_mutexattr_t attributes;
	world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (world == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	world->seed = seed;
	snprintf(world->directory, sizeof(world->directory), "%s", directory);
	snprintf(world->store, sizeof(world->store), "%s/store", directory);
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	for (unsigned i = 0; i < ITEMS; i++)
		pthread_mutex_init(&world->items[i].lock, &attributes);
	pthread_mutexattr_destroy(&attributes);
}

void fail(int code, const char *format, ...)
{
	char text[1024];
	va_list arguments;
	int size;
	if (atomic_fetch_add(&world->failures, 1) > 10)
		return;
	va_start(arguments, format);
	size = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (code && (size_t)size < sizeof(text))
		snprintf(text + size, sizeof(text) - (size_t)size, ": %s", strerror(code < 0 ? -code : code));
	dprintf(STDOUT_FILENO, "FAILED (worker %u, %s): %s\n", this_worker, atomic_load(&world->doing[this_worker]),
		text);
	atomic_store(&world->is_over, true);
}

int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void sleep_ms(unsigned ms)
{
	struct timespec time = { ms / 1000, (long)(ms % 1000) * 1000000 };
	nanosleep(&time, NULL);
}

void random_begin(unsigned worker)
{
	this_worker = worker;
	random_state = world->seed * WORKERS + worker;
}

unsigned below(unsigned bound)
{
	random_state += 0x9e3779b97f4a7c15u;
	uint64_t z = random_state;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (unsigned)((z ^ (z >> 31)) % bound);
}

void doing(const char *what)
{
	atomic_store(&world->doing[this_worker], what);
}

/* --- mounts --- */

bool visit_begin(unsigned mount, struct visit *ret_visit)
{
	ret_visit->mount = &world->mounts[mount];
	while (!atomic_load(&world->is_over)) {
		ret_visit->generation = atomic_load(&ret_visit->mount->generation);
		if (ret_visit->generation % 2 == 0)
			return true;
		sleep_ms(2);
	}
	return false;
}

bool visit_is_excused(const struct visit *visit)
{
	return atomic_load(&visit->mount->generation) != visit->generation;
}

void visit_path(const struct visit *visit, char *ret_path, const char *format, ...)
{
	int size = snprintf(ret_path, PATH_SIZE, "%s/", visit->mount->path);
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(ret_path + size, PATH_SIZE - (size_t)size, format, arguments);
	va_end(arguments);
}

ssize_t read_whole(const char *path, char *bytes, size_t size)
{
	int file = open(path, O_RDONLY);
	size_t done = 0;
	ssize_t n = 1;
	int code;
	if (file < 0)
		return -errno;
	while (done < size && (n = read(file, bytes + done, size - done)) > 0)
		done += (size_t)n;
	code = n < 0 ? errno : 0;
	close(file);
	return code ? -code : (ssize_t)done;
}

/* --- programs --- */

static int run_with(const char *input, const char *output, char *const arguments[])
{
	int status;
	pid_t child = fork();
	if (child == 0) {
		int in = open(input, O_RDONLY);
		int out = output ? open(output, O_WRONLY | O_CREAT | O_APPEND, 0600) : STDOUT_FILENO;
		dup2(in, STDIN_FILENO);
		dup2(out, STDOUT_FILENO);
		dup2(out, STDERR_FILENO);
		execvp(arguments[0], arguments);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int run(const char *output, char *const arguments[])
{
	return run_with("/dev/null", output, arguments);
}

int run_pitr(const char *input, const char *const arguments[])
{
	char *all[24] = { (char *)world->pitr, (char *)"--store", world->store };
	char output[PATH_SIZE + 20];
	snprintf(output, sizeof(output), "%s/said-%u", world->directory, this_worker);
	for (unsigned i = 0; i < 20 && arguments[i]; i++)
		all[i + 3] = (char *)arguments[i];
	atomic_fetch_add(&world->commands, 1);
	return run_with(input ? input : "/dev/null", output, all);
}
