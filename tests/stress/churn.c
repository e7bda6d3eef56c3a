#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/stress/readers.h"
#include "tests/stress/writers.h"

static bool is_over(void)
{
	return atomic_load(&world->is_over);
}

/* Waits for what others did to come through; a mount that went excuses everything. */
static bool is_removed(const struct visit *visit, const char *path)
{
	int64_t began_ms = now_ms();
	while (rmdir(path) < 0) {
		if (visit_is_excused(visit))
			return false;
		if ((errno != ENOTEMPTY && errno != EBUSY && errno != ENOENT) || now_ms() - began_ms > LATE_MS) {
			fail(errno, "rmdir %s", path);
			return false;
		}
		if (errno == ENOENT)
			return true;
		sleep_ms(5);
	}
	return true;
}

/* --- tables --- */

static int put_file(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600), code = 0;
	if (file < 0)
		return -errno;
	if (write(file, text, strlen(text)) < 0)
		code = -errno;
	if (close(file) < 0 && !code)
		code = -errno;
	return code;
}

static void use_table(const struct visit *visit, const char *table, unsigned items)
{
	char path[2 * PATH_SIZE];
	int result = mkdir(table, 0700) < 0 ? -errno : 0;
	for (unsigned i = 0; i < items && !result; i++) {
		snprintf(path, sizeof(path), "%s/%u.json", table, i);
		result = put_file(path, "{\"n\": 1}");
	}
	for (unsigned i = 0; i < items && !result; i++) {
		snprintf(path, sizeof(path), "%s/%u.json", table, i);
		result = unlink(path) < 0 ? -errno : 0;
	}
	if (result && !visit_is_excused(visit))
		fail(result, "a table's life: %s", table);
	else if (!result)
		(void)is_removed(visit, table);
}

/* What a mount that went has left of a table. */
static void sweep(const struct visit *visit, const char *table)
{
	char path[2 * PATH_SIZE];
	DIR *directory = opendir(table);
	if (!directory)
		return;
	for (struct dirent *entry; (entry = readdir(directory));) {
		snprintf(path, sizeof(path), "%s/%s", table, entry->d_name);
		if (entry->d_name[0] != '.')
			(void)unlink(path);
	}
	closedir(directory);
	(void)is_removed(visit, table);
}

void churn_tables(void)
{
	struct visit visit;
	char path[PATH_SIZE], last[PATH_SIZE] = "";
	doing("make and drop tables");
	for (unsigned n = 0; visit_begin(below(WRITABLE_MOUNTS), &visit); n++) {
		if (*last) {
			visit_path(&visit, path, "%s", last);
			sweep(&visit, path);
		}
		snprintf(last, sizeof(last), "table-%u", n);
		visit_path(&visit, path, "%s", last);
		if (!visit_is_excused(&visit))
			use_table(&visit, path, below(8));
		sleep_ms(below(100));
	}
}

/* --- restores --- */

static ssize_t copy_file(int from_directory, const char *name, const char *to)
{
	int from = openat(from_directory, name, O_RDONLY),
	    file = from < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL, 0600);
	ssize_t n = file < 0 ? -errno : 1;
	while (n > 0)
		n = copy_file_range(from, NULL, file, NULL, 1u << 20, 0);
	if (n < 0 && file >= 0)
		n = -errno;
	if (file >= 0 && close(file) < 0 && !n)
		n = -errno;
	if (from >= 0)
		close(from);
	return n;
}

/* cp -r ALPHA/@T restore/NAME: .table.json comes first. `path` is what was made last. */
static int copy_state(const char *source, const char *target, char *path)
{
	DIR *directory;
	ssize_t result;
	strcpy(path, target);
	if (mkdir(target, 0700) < 0 || !(directory = opendir(source)))
		return -errno;
	snprintf(path, 2 * PATH_SIZE, "%s/.table.json", target);
	result = copy_file(dirfd(directory), ".table.json", path);
	for (struct dirent *entry; !result && (entry = readdir(directory));) {
		snprintf(path, 2 * PATH_SIZE, "%s/%s", target, entry->d_name);
		if (entry->d_name[0] != '.')
			result = copy_file(dirfd(directory), entry->d_name, path);
	}
	closedir(directory);
	return (int)result;
}

static int restore(
	const struct visit *visit, const struct instant_state *instant, const char *name, bool is_shared, char *path)
{
	char source[PATH_SIZE], target[PATH_SIZE];
	visit_path(visit, target, "restore/%s", name);
	if (is_shared) {
		snprintf(source, sizeof(source), "../alpha/%s", instant->name);
		strcpy(path, target);
		return symlink(source, target) < 0 ? -errno : 0;
	}
	visit_path(visit, source, "alpha/%s", instant->name);
	return copy_state(source, target, path);
}

/* The new table is, within the time, what was restored. */
static void check_restored(const struct visit *visit, const struct instant_state *instant, const char *name)
{
	char path[PATH_SIZE];
	int64_t began_ms = now_ms();
	uint64_t hash = 0;
	int result;
	visit_path(visit, path, "%s", name);
	do {
		result = hash_of_state(0, path, &hash);
		if (visit_is_excused(visit) || (!result && hash == instant->hash))
			return;
		sleep_ms(5);
	} while (now_ms() - began_ms < LATE_MS);
	fail(result, "%s is not what was restored from %s", path, instant->name);
}

void churn_restores(void)
{
	struct visit visit;
	char path[2 * PATH_SIZE], name[40], last[40] = "";
	doing("restore");
	/* By whose name a mount knows that .table.json is about to be copied. */
	prctl(PR_SET_NAME, "cp");
	for (unsigned n = 0; visit_begin(below(WRITABLE_MOUNTS), &visit); n++) {
		unsigned count = atomic_load(&world->instant_count);
		const struct instant_state *instant = &world->instants[count ? below(count) : 0];
		if (*last) {
			visit_path(&visit, path, "restore/%s", last);
			(void)access(path, F_OK);
			visit_path(&visit, path, "%s", last);
			sweep(&visit, path);
			*last = '\0';
		}
		if (count && instant->table == 0 && !visit_is_excused(&visit)) {
			bool is_shared = below(2) == 0;
			snprintf(name, sizeof(name), "restored-%u", n);
			int result = restore(&visit, instant, name, is_shared, path);
			if (result && !visit_is_excused(&visit))
				fail(result, "restoring by %s: %s", is_shared ? "ln -s" : "cp", path);
			else if (!result)
				check_restored(&visit, instant, name);
			if (!result)
				snprintf(last, sizeof(last), "%s", name);
		}
		sleep_ms(below(200));
	}
}

/* --- commands --- */

static void import_something(unsigned n)
{
	char path[PATH_SIZE + 20], line[400];
	snprintf(path, sizeof(path), "%s/import", world->directory);
	snprintf(line, sizeof(line),
		"{\"eventName\":\"MODIFY\",\"dynamodb\":{\"ApproximateCreationDateTime\":%u,\"SequenceNumber\":\"%u\","
		"\"Keys\":{\"id\":{\"S\":\"%u\"}},\"NewImage\":{\"id\":{\"S\":\"%u\"},\"n\":{\"N\":\"%u\"}}}}\n",
		1740830400 + n, n + 1, n % 7, n % 7, n);
	(void)put_file(path, line);
	const char *arguments[] = { "import", "--table", "imported", path, NULL };
	int status = run_pitr(NULL, arguments);
	if (status)
		fail(0, "pitr import: exit status %d", status);
}

static void keep_for(unsigned days)
{
	char text[100];
	snprintf(text, sizeof(text), "PointInTimeRecoveryEnabled=true,RecoveryPeriodInDays=%u", days);
	const char *arguments[] = { "update-continuous-backups", "--table-name", "beta",
		"--point-in-time-recovery-specification", text, NULL };
	int status = run_pitr(NULL, arguments);
	if (status)
		fail(0, "pitr update-continuous-backups: exit status %d", status);
}

static void back_up(unsigned n)
{
	char path[PATH_SIZE];
	struct visit visit;
	if (!visit_begin(n % WRITABLE_MOUNTS, &visit))
		return;
	visit_path(&visit, path, "beta/@/backups/kept-%u", n);
	if (mkdir(path, 0700) < 0 && !visit_is_excused(&visit))
		fail(errno, "mkdir %s", path);
	else if (!visit_is_excused(&visit) && is_removed(&visit, path))
		(void)access(path, F_OK);
}

static void ask(unsigned n)
{
	static const char *const questions[][8] = {
		{ "gc", NULL },
		{ "log", "alpha", "--json", NULL },
		{ "status", "--json", NULL },
		{ "find", "beta", "--where", "attribute_exists(n)", "--json", NULL },
		{ "du", NULL },
		{ "verify", NULL },
		{ "seal", NULL },
	};
	unsigned which = n % (sizeof(questions) / sizeof(questions[0]));
	int status = run_pitr(NULL, questions[which]);
	/* find: nothing was found. */
	if (status && !(which == 3 && status == 1))
		fail(0, "pitr %s: exit status %d", questions[which][0], status);
}

void churn_commands(void)
{
	doing("commands");
	for (unsigned n = 0; !is_over(); n++) {
		switch (below(5)) {
		case 0:
			import_something(n);
			break;
		case 1:
			keep_for(1 + below(2));
			break;
		case 2:
			back_up(n);
			break;
		default:
			ask(below(1000));
			break;
		}
		sleep_ms(below(100));
	}
}
