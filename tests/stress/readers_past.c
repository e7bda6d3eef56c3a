#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "tests/stress/readers.h"

static char bytes[4 * ITEM_TEXT_MAX];

/* --- states that no longer change --- */

bool is_forgotten(const struct instant_state *instant, int result)
{
	return instant->table == 1 && clock_now_us() - instant->time_us > DAY_US - SECOND_US &&
	       (result == -ESTALE || result == -ENOENT);
}

static void check_state(const struct visit *visit, const struct instant_state *instant)
{
	char path[PATH_SIZE];
	uint64_t hash;
	visit_path(visit, path, "%s/%s", table_name(instant->table), instant->name);
	int result = hash_of_state(instant->table, path, &hash);
	atomic_fetch_add(&world->past_walks, 1);
	if (visit_is_excused(visit) || is_forgotten(instant, result))
		return;
	if (result || hash != instant->hash)
		fail(result, "%s is not what it was", path);
}

void walk_past(void)
{
	struct visit visit;
	doing("walk past states");
	while (visit_begin(below(MOUNTS), &visit)) {
		unsigned count = atomic_load(&world->instant_count);
		if (count)
			check_state(&visit, &world->instants[below(count)]);
		else
			sleep_ms(10);
	}
}

/* --- histories of items --- */

static bool is_excused(const struct visit *visit, unsigned table, int result)
{
	return visit_is_excused(visit) || (table == 1 && (result == -ESTALE || result == -ENOENT));
}

/* Each version is whole, and none is told twice. */
static void check_versions(const struct visit *visit, unsigned item, const char *path, DIR *directory)
{
	static uint8_t seen[1u << 16];
	char version[2 * PATH_SIZE];
	memset(seen, 0, sizeof(seen));
	for (struct dirent *entry; (entry = readdir(directory)) && !atomic_load(&world->is_over);) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(version, sizeof(version), "%s/%s", path, entry->d_name);
		ssize_t size = read_whole(version, bytes, sizeof(bytes));
		if (is_excused(visit, item_table(item), size < 0 ? (int)size : 0))
			return;
		if (size < 0)
			fail((int)size, "%s", version);
		if (size < 0 || strstr(entry->d_name, ".deleted"))
			continue;
		uint64_t counter = item_counter(item, bytes, (size_t)size);
		if (!counter || counter > world->items[item].begun || seen[counter % sizeof(seen)]++)
			fail(0, "%s is version %llu", version, (unsigned long long)counter);
	}
}

void read_histories(void)
{
	struct visit visit;
	char path[PATH_SIZE], name[PATH_SIZE];
	doing("read histories");
	while (visit_begin(below(MOUNTS), &visit)) {
		unsigned item = below(ITEMS), table = item_table(item);
		struct expectation expectation;
		expectation_begin(item, &expectation);
		item_path(item, false, name);
		visit_path(&visit, path, "%s/@/history%s", table_name(table), strchr(name, '/'));
		DIR *directory = opendir(path);
		int code = directory ? 0 : -errno;
		if (directory) {
			check_versions(&visit, item, path, directory);
			closedir(directory);
		} else if (!is_excused(&visit, table, code) && (code != -ENOENT || expectation.oldest.counter)) {
			fail(code, "%s", path);
		}
		sleep_ms(below(20));
	}
}

/* --- the log as a text --- */

/* The last hour's file, which grows. */
static int open_last_hour(const char *path, char *ret_name)
{
	DIR *directory = opendir(path);
	int file = -1;
	*ret_name = '\0';
	if (!directory)
		return -1;
	for (struct dirent *entry; (entry = readdir(directory));)
		if (strstr(entry->d_name, ".jsonl") && strcmp(entry->d_name, ret_name) > 0)
			strcpy(ret_name, entry->d_name);
	if (*ret_name)
		file = openat(dirfd(directory), ret_name, O_RDONLY);
	closedir(directory);
	return file;
}

/* What has come since the last look is whole lines. False: there is nothing more to be had. */
static bool follow(const struct visit *visit, const char *path, int file, off_t *at)
{
	ssize_t size = pread(file, bytes, sizeof(bytes), *at);
	if (visit_is_excused(visit) || (size < 0 && errno == ESTALE))
		return false;
	if (size < 0) {
		fail(errno, "following %s at %lld", path, (long long)*at);
		return false;
	}
	const char *end = memrchr(bytes, '\n', (size_t)size);
	size_t whole = end ? (size_t)(end - bytes) + 1 : 0;
	for (const char *line = bytes; line < bytes + whole;) {
		const char *next = memchr(line, '\n', whole);
		if (line[0] != '{' || next[-1] != '}') {
			fail(0, "following %s: a line at %lld is not whole", path, (long long)*at + (line - bytes));
			return false;
		}
		line = next + 1;
	}
	*at += (off_t)whole;
	return true;
}

void follow_changes(void)
{
	struct visit visit;
	char path[PATH_SIZE], name[256];
	doing("follow the changes");
	while (visit_begin(below(MOUNTS), &visit)) {
		unsigned table = below(TABLES + 1);
		off_t at = 0;
		if (table == TABLES)
			visit_path(&visit, path, "@/changes");
		else
			visit_path(&visit, path, "%s/@/changes", table_name(table));
		int file = open_last_hour(path, name);
		if (file < 0 && *name && !is_excused(&visit, 1, -errno))
			fail(errno, "%s/%s", path, name);
		for (unsigned looks = below(100); looks > 0 && file >= 0 && follow(&visit, path, file, &at); looks--)
			sleep_ms(1);
		if (file >= 0)
			close(file);
	}
}
