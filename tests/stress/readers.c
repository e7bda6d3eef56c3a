#include "tests/stress/readers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hash.h"

static char bytes[4 * ITEM_TEXT_MAX];

static void note_late(int64_t began_ms)
{
	int64_t late_ms = now_ms() - began_ms, known = atomic_load(&world->latest_ms);
	atomic_fetch_add(&world->late, 1);
	while (late_ms > known && !atomic_compare_exchange_weak(&world->latest_ms, &known, late_ms))
		;
}

/* --- an item --- */

/* A new item's file can be read while it is being written; it is no item yet. */
static bool is_beginning(unsigned item, const char *text, size_t size)
{
	static char whole[ITEM_TEXT_MAX];
	uint64_t begun = world->items[item].begun;
	for (uint64_t counter = begun; counter && counter + 4 > begun; counter--)
		if (size < item_text(item, counter, whole) && !memcmp(text, whole, size))
			return true;
	return false;
}

static bool is_gone(ssize_t result)
{
	return result == -ENOENT || result == -ESTALE;
}

static enum seen judge(const struct expectation *expectation, ssize_t size, uint64_t *ret_counter)
{
	*ret_counter = 0;
	if (size >= 0)
		*ret_counter = item_counter(expectation->item, bytes, (size_t)size);
	if (size >= 0 && !*ret_counter && !is_beginning(expectation->item, bytes, (size_t)size))
		return SEEN_WRONG;
	return expectation_end(expectation, *ret_counter);
}

static void tell_wrong(const struct visit *visit, const struct expectation *expectation, ssize_t size, uint64_t counter)
{
	struct item *item = &world->items[expectation->item];
	fail(size < 0 ? (int)size : 0,
		"item %u through %s has %zd bytes of change %llu; it was at %llu (%s), changes begun: %llu, seen "
		"absent: %llu",
		expectation->item, visit->mount->path, size, (unsigned long long)counter,
		(unsigned long long)expectation->oldest.counter, expectation->oldest.is_there ? "there" : "absent",
		(unsigned long long)item->begun, (unsigned long long)item->may_lack);
}

bool look_at_item(const struct visit *visit, unsigned item, uint64_t *ret_counter)
{
	struct expectation expectation;
	char name[PATH_SIZE], path[PATH_SIZE];
	int64_t began_ms = now_ms();
	enum seen seen = SEEN_OLD;
	bool is_first = true;
	item_path(item, false, name);
	visit_path(visit, path, "%s", name);
	expectation_begin(item, &expectation);
	for (;; is_first = false) {
		ssize_t size = read_whole(path, bytes, sizeof(bytes));
		if (visit_is_excused(visit))
			return false;
		if (size >= 0 || is_gone(size))
			seen = judge(&expectation, size, ret_counter);
		else
			seen = SEEN_WRONG;
		atomic_fetch_add(&world->reads, 1);
		if (seen == SEEN_RIGHT)
			break;
		if (seen == SEEN_WRONG || now_ms() - began_ms > LATE_MS) {
			tell_wrong(visit, &expectation, size, *ret_counter);
			return false;
		}
		sleep_ms(1);
	}
	if (!is_first)
		note_late(began_ms);
	return true;
}

void read_items(void)
{
	struct visit visit;
	uint64_t counter;
	doing("read items");
	while (visit_begin(below(MOUNTS), &visit))
		for (unsigned i = below(20); i > 0 && !atomic_load(&world->is_over); i--)
			(void)look_at_item(&visit, below(ITEMS), &counter);
}

/* --- a directory --- */

/* Calls with each file in a table's directory, those of partitions too; stops when the result is not 0. */
static int each_file(const char *path, bool has_partitions, int (*call)(void *context, int directory, const char *name),
	void *context)
{
	DIR *directory = opendir(path);
	char below_it[2 * PATH_SIZE];
	int result = 0;
	if (!directory)
		return -errno;
	for (struct dirent *entry; errno = 0, !result && (entry = readdir(directory));) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(below_it, sizeof(below_it), "%s/%s", path, entry->d_name);
		if (has_partitions && !strchr(entry->d_name, '.'))
			result = each_file(below_it, false, call, context);
		else
			result = call(context, dirfd(directory), entry->d_name);
	}
	if (!result)
		result = -errno;
	closedir(directory);
	return result;
}

static ssize_t read_at(int directory, const char *name, bool is_exact)
{
	struct stat stat;
	int file = openat(directory, name, O_RDONLY);
	ssize_t n = 0, done = 0;
	if (file < 0)
		return -errno;
	while ((size_t)done < sizeof(bytes) && (n = read(file, bytes + done, sizeof(bytes) - (size_t)done)) > 0)
		done += n;
	if (n < 0)
		done = -errno;
	else if (is_exact && (fstat(file, &stat) < 0 || stat.st_size != done))
		done = -EBADMSG;
	close(file);
	return done;
}

uint64_t hash_of_item(unsigned item, uint64_t counter)
{
	static char text[ITEM_TEXT_MAX];
	size_t size = item_text(item, counter, text);
	return hash_checksum64(slice_of(text, size), item);
}

struct hashing {
	unsigned table;
	uint64_t hash;
};

static int hash_file(void *context, int directory, const char *name)
{
	struct hashing *hashing = context;
	int item = item_of_name(hashing->table, name);
	ssize_t size = item < 0 ? -EBADMSG : read_at(directory, name, true);
	if (size < 0)
		return (int)size;
	if (!item_counter((unsigned)item, bytes, (size_t)size))
		return -EBADMSG;
	hashing->hash += hash_checksum64(slice_of(bytes, (size_t)size), (uint64_t)item);
	return 0;
}

int hash_of_state(unsigned table, const char *path, uint64_t *ret_hash)
{
	struct hashing hashing = { table, 0 };
	int result = each_file(path, table == TABLES - 1, hash_file, &hashing);
	*ret_hash = hashing.hash;
	return result;
}

/* --- live tables --- */

struct walk {
	unsigned table;
	struct expectation expectations[ITEMS];
	bool is_listed[ITEMS];
	bool is_old;
};

static int walk_file(void *context, int directory, const char *name)
{
	struct walk *walk = context;
	int item = item_of_name(walk->table, name);
	uint64_t counter;
	enum seen seen;
	ssize_t size;
	if (item < 0)
		return 0; /* private */
	/* Twice only when it was made anew meanwhile, and so stands elsewhere. */
	if (walk->is_listed[item] && world->items[item].may_lack <= walk->expectations[item].oldest.counter)
		return -EEXIST;
	walk->is_listed[item] = true;
	size = read_at(directory, name, false);
	if (size < 0 && !is_gone(size))
		return (int)size;
	seen = judge(&walk->expectations[item], size, &counter);
	if (seen == SEEN_OLD)
		walk->is_old = true;
	return seen == SEEN_WRONG ? -EBADMSG : 0;
}

static int walk_once(const struct visit *visit, struct walk *walk)
{
	char path[PATH_SIZE];
	int result;
	visit_path(visit, path, "%s", table_name(walk->table));
	memset(walk->is_listed, 0, sizeof(walk->is_listed));
	walk->is_old = false;
	result = each_file(path, walk->table == TABLES - 1, walk_file, walk);
	/* A partition that has just ended. */
	if (walk->table == TABLES - 1 && is_gone(result)) {
		walk->is_old = true;
		return 0;
	}
	for (unsigned i = 0; i < ITEMS && !result; i++) {
		const struct expectation *expectation = &walk->expectations[i];
		const struct state *oldest = &expectation->oldest;
		if (item_table(i) != walk->table)
			continue;
		if (!walk->is_listed[i] && expectation_end(expectation, 0) != SEEN_RIGHT)
			walk->is_old = true;
		if (walk->is_listed[i] && !oldest->is_there && oldest->counter == world->items[i].begun)
			walk->is_old = true;
	}
	return result;
}

bool is_listed_right(const struct visit *visit, unsigned table)
{
	static struct walk walk;
	int64_t began_ms = now_ms();
	bool is_first = true;
	walk.table = table;
	for (unsigned i = 0; i < ITEMS; i++)
		expectation_begin(i, &walk.expectations[i]);
	for (;; is_first = false) {
		int result = walk_once(visit, &walk);
		atomic_fetch_add(&world->walks, 1);
		if (visit_is_excused(visit))
			return false;
		if (!result && !walk.is_old)
			break;
		if (result || now_ms() - began_ms > LATE_MS) {
			fail(result, "walking %s through %s: %s", table_name(table), visit->mount->path,
				result ? "wrong" : "still as it was long ago");
			return false;
		}
		sleep_ms(2);
	}
	if (!is_first)
		note_late(began_ms);
	return true;
}

void walk_tables(void)
{
	struct visit visit;
	doing("walk tables");
	while (visit_begin(below(MOUNTS), &visit)) {
		if (atomic_load(&world->is_steady) || atomic_load(&world->is_quiet))
			sleep_ms(2);
		else
			(void)is_listed_right(&visit, below(TABLES));
	}
}
