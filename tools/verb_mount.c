/* mount and umount: the friendly way to pitrfs and fusermount3. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/mounts.h"
#include "tools/verbs.h"

#define SHOWN_MAX 5
#define ASOF_MAX 128

/* --- mount ---------------------------------------------------------------------------------------------------------- */

static struct option mount_options[] = {
	{ .name = "options", .letter = 'o', .kind = OPTION_VALUE },
	{ .name = "asof", .kind = OPTION_TIME },
	{ .name = "foreground", .letter = 'f', .kind = OPTION_FLAG },
	{ .name = NULL },
};

/* The option for pitrfs, which knows another zone. STATUS_DONE, or said what is wrong. */
static int asof_option(const struct tool *tool, const char *text, char option[ASOF_MAX])
{
	char time[INSTANT_TEXT_MAX];
	struct instant instant;
	struct error error = { 0 };
	if (tool_instant(tool, text, &instant, &error) < 0)
		return tool_usage(tool, "--asof: %s", error_text(&error));
	if (instant.kind == INSTANT_SEQ)
		return tool_usage(tool, "--asof %s: change numbers belong to tables; give a time", text);
	instant_format_z(instant.time_us, time, sizeof(time));
	if (snprintf(option, ASOF_MAX, "asof=%s", tool->zone && instant.kind == INSTANT_AT ? time : text) >= ASOF_MAX)
		return tool_usage(tool, "--asof %s is no instant", text);
	return STATUS_DONE;
}

static int run_mount(struct tool *tool)
{
	char beside[PATH_MAX], pitrfs[] = "pitrfs", dash_o[] = "-o", dash_f[] = "-f";
	char *options = option_find(mount_options, "options")->value;
	const char *instant = option_find(mount_options, "asof")->value;
	char *arguments[10] = { pitrfs, tool->store }, asof[ASOF_MAX];
	size_t count = 2;
	if (tool->positionals.count != 1)
		return tool_usage(tool, "where? Give one directory");
	char *point = tool->positionals.values[0];
	if (instant && asof_option(tool, instant, asof) != STATUS_DONE)
		return STATUS_USAGE;
	if (access(tool->store, F_OK) < 0)
		return tool_fail("there is no store at %s; make one with: pitr init %s", tool->store, tool->store);
	if (mkdir(point, 0700) < 0 && errno != EEXIST)
		return tool_fail("mount at %s: %s", point, strerror(errno));
	arguments[count++] = point;
	if (options) {
		arguments[count++] = dash_o;
		arguments[count++] = options;
	}
	if (instant) {
		arguments[count++] = dash_o;
		arguments[count++] = asof;
	}
	if (option_is_given(mount_options, "foreground"))
		arguments[count++] = dash_f;
	if (mounts_program(beside))
		execv(beside, arguments);
	else
		execvp(pitrfs, arguments);
	return tool_fail("pitrfs could not be started: %s; it should stand beside pitr, or in PATH", strerror(errno));
}

const struct verb verb_mount = {
	.name = "mount",
	.summary = "show the store as files",
	.usage = "MOUNTPOINT [--asof T] [-o OPTIONS] [-f]",
	.help = "Starts pitrfs, which returns when the mount is there. The directory is made if it is missing. OPTIONS "
		"are\n"
		"those of pitrfs: ro, json=dynamodb, tz=ZONE, allow_other, uid=, gid=, umask=... -f stays in the "
		"foreground.\n\n"
		"--asof T shows the whole store as it was at T, read-only: plain tables, for tools that know nothing "
		"of instants.\n\n"
		"  pitr mount ~/tables\n"
		"  ls ~/tables/orders/@-2h\n"
		"  pitr umount ~/tables\n"
		"  pitr mount ~/evidence --asof 2025-03-01T12:30\n",
	.run = run_mount,
	.options = mount_options,
};

/* --- umount --------------------------------------------------------------------------------------------------------- */

static struct option umount_options[] = {
	{ .name = NULL },
};

static bool is_below(const char *path, const char *point)
{
	size_t length = strlen(point);
	return strncmp(path, point, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static bool link_is_below(const char *link, const char *point, char target[PATH_MAX])
{
	ssize_t length = readlink(link, target, PATH_MAX - 1);
	if (length < 0)
		return false;
	target[length] = '\0';
	return is_below(target, point);
}

/* What a process holds below the mount point: its directory, or an open file. */
static bool holds(const char *process, const char *point, char target[PATH_MAX])
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "/proc/%s/cwd", process);
	if (link_is_below(path, point, target))
		return true;
	snprintf(path, sizeof(path), "/proc/%s/fd", process);
	DIR *directory = opendir(path);
	if (!directory)
		return false;
	bool is_held = false;
	struct dirent *entry;
	while (!is_held && (entry = readdir(directory))) {
		if (snprintf(path, sizeof(path), "/proc/%s/fd/%s", process, entry->d_name) < PATH_MAX)
			is_held = entry->d_name[0] != '.' && link_is_below(path, point, target);
	}
	closedir(directory);
	return is_held;
}

static void say_holder(const char *process, const char *target)
{
	char path[64], name[64] = "?";
	snprintf(path, sizeof(path), "/proc/%.20s/comm", process);
	FILE *file = fopen(path, "re");
	if (file) {
		if (fgets(name, sizeof(name), file))
			name[strcspn(name, "\n")] = '\0';
		fclose(file);
	}
	tool_say("  %s (process %s) is in %s", name, process, target);
}

static void say_holders(const char *point)
{
	DIR *directory = opendir("/proc");
	char target[PATH_MAX];
	unsigned count = 0;
	struct dirent *entry;
	if (!directory)
		return;
	while ((entry = readdir(directory)) && count < SHOWN_MAX) {
		bool is_process = entry->d_name[0] >= '1' && entry->d_name[0] <= '9';
		if (is_process && holds(entry->d_name, point, target)) {
			say_holder(entry->d_name, target);
			count++;
		}
	}
	closedir(directory);
}

static bool is_mounted(const char *point)
{
	struct mounts mounts = { 0 };
	bool is_there = false;
	if (mounts_of_store(NULL, &mounts) < 0)
		return true;
	for (size_t i = 0; i < mounts.count; i++)
		is_there = is_there || strcmp(mounts.list[i].point, point) == 0;
	mounts_free(&mounts);
	return is_there;
}

/* The absolute path, also of a mount whose process died and that answers nothing any more. */
static void absolute(const char *given, char point[PATH_MAX])
{
	char *text = strdup(given);
	size_t length = text ? strlen(text) : 0;
	if (realpath(given, point) || !text) {
		free(text);
		return;
	}
	while (length > 1 && text[length - 1] == '/')
		text[--length] = '\0';
	char *slash = strrchr(text, '/');
	if (slash)
		*slash = '\0';
	char *above = realpath(!slash ? "." : slash == text ? "/" : text, NULL);
	snprintf(point, PATH_MAX, "%s/%s", above && strcmp(above, "/") != 0 ? above : "", slash ? slash + 1 : text);
	free(above);
	free(text);
}

static int run_umount(struct tool *tool)
{
	char point[PATH_MAX];
	if (tool->positionals.count != 1)
		return tool_usage(tool, "which mount? Give its directory");
	absolute(tool->positionals.values[0], point);
	if (!is_mounted(point))
		return tool_fail("%s is no mount of pitrfs; `pitr status` lists those of a store", point);
	int result = mounts_end(point, /* is_lazy= */ false);
	if (result == 0)
		return STATUS_DONE;
	if (result == 127)
		return tool_fail("fusermount3 is not there: install fuse3, or run: umount %s", point);
	if (result < 0)
		return tool_fail("fusermount3 could not be started: %s", strerror(-result));
	tool_fail("%s could not be unmounted: something still uses it", point);
	say_holders(point);
	tool_say("Leave its directories and close its files, then try again. `fusermount3 -uz %s` hides it at once,\n"
		 "and ends it when the last of them has let go.",
		point);
	return STATUS_FAILED;
}

const struct verb verb_umount = {
	.name = "umount",
	.summary = "end a mount",
	.usage = "MOUNTPOINT",
	.help = "Everything that was closed is in the store. A mount that is still in use is not ended: who uses it is "
		"told.\n",
	.run = run_umount,
	.options = umount_options,
};
