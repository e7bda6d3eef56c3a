#include "tests/stress/writers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/stress/readers.h"
#include "tests/stress/world.h"

enum way {
	WAY_REWRITE,   /* > k.json */
	WAY_IN_PIECES, /* the same, piece by piece */
	WAY_SYNCED,    /* with fsync */
	WAY_RENAME,    /* .k.json.tmp, mv */
	WAY_ASIDE,     /* mv k.json k.json~, > k.json, rm k.json~ */
	WAY_ANEW,      /* rm, > k.json */
	WAY_REMOVE,
	WAYS
};

/* Where an item of the owner's was changed last: another mount may not know of it yet. */
struct owned {
	unsigned mount;
};

static char text[ITEM_TEXT_MAX];

static int write_file(const char *path, int flags, const char *from, size_t size, size_t piece, bool is_synced)
{
	int file = open(path, O_WRONLY | O_CREAT | flags, 0600), code = 0;
	if (file < 0)
		return -errno;
	for (size_t done = 0; done < size && !code;) {
		ssize_t n = write(file, from + done, size - done < piece ? size - done : piece);
		code = n < 0 ? -errno : 0;
		done += (size_t)(n < 0 ? 0 : n);
	}
	if (!code && is_synced && fsync(file) < 0)
		code = -errno;
	if (close(file) < 0 && !code)
		code = -errno;
	return code;
}

static int remove_file(const char *path, bool is_there)
{
	return unlink(path) < 0 && (errno != ENOENT || is_there) ? -errno : 0;
}

static int write_in_a_way(const char *path, enum way way, size_t size, bool is_there)
{
	char aside[PATH_SIZE + 8];
	const char *name = strrchr(path, '/') + 1;
	int result = 0;
	switch (way) {
	case WAY_IN_PIECES:
		return write_file(path, O_TRUNC, text, size, 1 + size / 4, false);
	case WAY_SYNCED:
		return write_file(path, O_TRUNC, text, size, size, true);
	case WAY_RENAME:
		snprintf(aside, sizeof(aside), "%.*s.%s.tmp", (int)(name - path), path, name);
		result = write_file(aside, O_TRUNC, text, size, size, below(4) == 0);
		return result ? result : (rename(aside, path) < 0 ? -errno : 0);
	case WAY_ASIDE:
		snprintf(aside, sizeof(aside), "%s~", path);
		if (is_there && rename(path, aside) < 0)
			return -errno;
		result = write_file(path, O_TRUNC, text, size, size, below(2) == 0);
		return result ? result : remove_file(aside, is_there);
	case WAY_ANEW:
		result = remove_file(path, is_there);
		return result ? result : write_file(path, O_EXCL, text, size, size, false);
	case WAY_REMOVE:
		return remove_file(path, is_there);
	default:
		return write_file(path, O_TRUNC, text, size, size, false);
	}
}

/* The directory of a partition is there while it has items, or while its mount remembers it. */
static int change_once(
	const struct visit *visit, unsigned item, const char *path, enum way way, size_t size, bool is_there)
{
	char partition[PATH_SIZE];
	int result = write_in_a_way(path, way, size, is_there);
	if (item_table(item) != TABLES - 1)
		return result;
	visit_path(visit, partition, "gamma/p%u", item_owner(item));
	for (unsigned tries = 0; result == -ENOENT && way != WAY_REMOVE && tries < 100 && !visit_is_excused(visit);
		tries++) {
		if (mkdir(partition, 0700) < 0 && errno != EEXIST)
			return -errno;
		result = write_in_a_way(path, way, size, false);
		sleep_ms(1);
	}
	return result;
}

/* After a change that failed since the mount went: it was done, or it was not. */
static void find_out(unsigned mount, unsigned item, uint64_t counter)
{
	char path[PATH_SIZE], name[PATH_SIZE];
	static char found[ITEM_TEXT_MAX];
	struct visit visit;
	ssize_t size = -ENOTCONN;
	item_path(item, false, name);
	while (visit_begin(mount, &visit)) {
		visit_path(&visit, path, "%s", name);
		size = read_whole(path, found, sizeof(found));
		if (!visit_is_excused(&visit))
			break;
	}
	if (atomic_load(&world->is_over))
		return;
	uint64_t is = size < 0 ? 0 : item_counter(item, found, (size_t)size);
	struct state before = item_state(item);
	if (is && (is == counter || (is == before.counter && before.is_there)))
		item_done(item, is, true);
	else if (size == -ENOENT && (world->items[item].may_lack == counter || !before.is_there))
		item_done(item, before.is_there ? counter : before.counter, false);
	else
		fail(size < 0 ? (int)size : 0,
			"%s has %zd bytes of change %llu after the mount went; it was at %llu, and %llu was begun",
			path, size, (unsigned long long)is, (unsigned long long)before.counter,
			(unsigned long long)counter);
}

/* The mount through which it was changed shows it at once. */
static void look_at_once(const struct visit *visit, const char *path, unsigned item, uint64_t counter, bool is_there)
{
	static char found[ITEM_TEXT_MAX];
	ssize_t size = read_whole(path, found, sizeof(found));
	if (visit_is_excused(visit))
		return;
	uint64_t is = size < 0 ? 0 : item_counter(item, found, (size_t)size);
	if (is_there ? is != counter : size != -ENOENT)
		fail(size < 0 ? (int)size : 0, "%s: change %llu (%s) was closed, and %llu is read (%zd bytes)", path,
			(unsigned long long)counter, is_there ? "written" : "removed", (unsigned long long)is, size);
}

static void change(const struct visit *visit, unsigned mount, unsigned item, enum way way)
{
	char path[PATH_SIZE], name[PATH_SIZE];
	struct state before = item_state(item);
	bool is_removal = way == WAY_REMOVE;
	if (is_removal && !before.is_there)
		way = WAY_REWRITE, is_removal = false;
	item_path(item, false, name);
	visit_path(visit, path, "%s", name);
	uint64_t counter = item_begin(item, way >= WAY_ASIDE);
	size_t size = item_text(item, counter, text);
	int result = change_once(visit, item, path, way, size, before.is_there);
	if (result && visit_is_excused(visit)) {
		find_out(mount, item, counter);
		return;
	}
	if (result) {
		fail(result, "%s: change %llu in way %d, it %s", path, (unsigned long long)counter, way,
			before.is_there ? "was there" : "was not there");
		return;
	}
	item_done(item, counter, !is_removal);
	if (below(2) == 0)
		look_at_once(visit, path, item, counter, !is_removal);
}

/* What was closed elsewhere is committed, and so comes before what is closed next here. */
static bool leave_mount(unsigned mount, unsigned item)
{
	char path[PATH_SIZE];
	struct visit visit;
	while (visit_begin(mount, &visit)) {
		visit_path(&visit, path, "%s", table_name(item_table(item)));
		int directory = open(path, O_RDONLY | O_DIRECTORY), result = directory < 0 ? -1 : fsync(directory);
		int code = errno;
		if (directory >= 0)
			close(directory);
		/* A mount that went has committed everything. */
		if (visit_is_excused(&visit) || result == 0)
			return true;
		fail(code, "fsync of %s", path);
	}
	return false;
}

static void rest(void)
{
	atomic_fetch_add(&world->resting, 1);
	while (atomic_load(&world->is_quiet) && !atomic_load(&world->is_over))
		sleep_ms(1);
	atomic_fetch_sub(&world->resting, 1);
}

/* Some often, others now and then. */
static unsigned choose_item(unsigned owner)
{
	unsigned share = below(4) ? 4 : ITEMS_OF_OWNER;
	return owner * ITEMS_OF_OWNER + below(share);
}

void own_by_files(unsigned owner)
{
	struct owned owned[ITEMS_OF_OWNER];
	struct visit visit;
	doing("write files");
	for (unsigned i = 0; i < ITEMS_OF_OWNER; i++)
		owned[i].mount = owner % WRITABLE_MOUNTS;
	while (!atomic_load(&world->is_over)) {
		unsigned item = choose_item(owner), mount = (owner + (below(8) == 0)) % WRITABLE_MOUNTS;
		unsigned *last = &owned[item % ITEMS_OF_OWNER].mount;
		enum way way = (enum way)below(WAYS);
		uint64_t counter;
		if (atomic_load(&world->is_quiet))
			rest();
		if ((*last != mount && !leave_mount(*last, item)) || !visit_begin(mount, &visit))
			continue;
		/* Writing anew needs no knowledge of what is there; names that are moved or removed must be known. */
		if (*last != mount && way >= WAY_ASIDE && !look_at_item(&visit, item, &counter))
			continue;
		if (*last != mount && way >= WAY_ASIDE)
			sleep_ms(NOTICE_MS);
		*last = mount;
		change(&visit, mount, item, way);
		if (below(8) == 0)
			sleep_ms(below(30));
	}
}

void own_by_commands(unsigned owner)
{
	char input[PATH_SIZE + 20], name[PATH_SIZE];
	doing("pitr put and rm");
	snprintf(input, sizeof(input), "%s/document", world->directory);
	while (!atomic_load(&world->is_over)) {
		unsigned item = choose_item(owner);
		bool is_removal = item_state(item).is_there && below(5) == 0;
		uint64_t counter = item_begin(item, is_removal);
		size_t size = item_text(item, counter, text);
		item_path(item, true, name);
		(void)write_file(input, O_TRUNC, text, size, size, false);
		const char *put[] = { "put", name, NULL }, *rm[] = { "rm", name, NULL };
		int status = run_pitr(input, is_removal ? rm : put);
		if (status)
			fail(0, "pitr %s %s: exit status %d", is_removal ? "rm" : "put", name, status);
		else
			item_done(item, counter, !is_removal);
		if (atomic_load(&world->is_quiet))
			rest();
		sleep_ms(below(100));
	}
}
