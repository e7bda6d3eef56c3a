#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char options_usage[] =
	"usage: pitrfs STORE MOUNTPOINT [-o OPTIONS] [-f] [-d] [-h] [-V]\n"
	"\n"
	"Shows the tables of a store, now and at any past instant, as directories of JSON files.\n"
	"\n"
	"  -o OPTION[,OPTION...]\n"
	"     ro                read-only; the fastest way to read the past\n"
	"     nolock            with ro: touches no file of the store; for read-only media and stores nobody writes "
	"to\n"
	"     asof=T            the whole store as it was at T, tables only, read-only; T as behind '@': "
	"2025-03-01T12:30:00, -2h\n"
	"     json=plain        items as plain JSON (the default)\n"
	"     json=dynamodb     items as DynamoDB JSON\n"
	"     tz=ZONE           times without a zone are of this zone: Europe/Berlin, UTC, +02:00\n"
	"     xattr             user.pitr.time, .seq, .operation and .author on every item\n"
	"     allow_other       other users may use the mount, as far as the modes of files allow\n"
	"     powersave         lets idle processors sleep while many requests come in: slower\n"
	"     uid=N gid=N       owner of all files\n"
	"     umask=MODE        permissions taken away from all files, octal\n"
	"     ready_fd=N        writes 's' to this descriptor when the mount answers, 'f' when it fails\n"
	"     clock_file=PATH   takes the time from a file, for tests\n"
	"     count_file=PATH   writes the number of FUSE messages there on SIGUSR1 and at the end\n"
	"  -f                   stays in the foreground\n"
	"  -d                   shows every request and answer; stays in the foreground\n"
	"  -h, --help           this text\n"
	"  -V, --version        the versions of pitrfs and libfuse\n"
	"\n"
	"Unmount with: fusermount3 -u MOUNTPOINT\n";

struct setting {
	const char *name;
	int (*apply)(struct options *options, const char *value, struct error *error); /* value NULL: none given */
};

static int need_value(const char *name, const char *value, struct error *error)
{
	if (value == NULL || *value == '\0')
		return error_set(error, -EINVAL, "option %s needs a value: %s=...", name, name);
	return 0;
}

static int number_of(const char *name, const char *value, int base, long max, long *ret_number, struct error *error)
{
	char *end;
	int result = need_value(name, value, error);

	if (result < 0)
		return result;
	errno = 0;
	*ret_number = strtol(value, &end, base);
	if (errno != 0 || *end != '\0' || *ret_number < 0 || *ret_number > max)
		return error_set(error, -EINVAL, "option %s=%s: not %s number", name, value,
			base == 8 ? "an octal" : "a usable");
	return 0;
}

static int copy_value(const char *name, const char *value, char **ret_copy, struct error *error)
{
	int result = need_value(name, value, error);

	if (result < 0)
		return result;
	free(*ret_copy);
	*ret_copy = strdup(value);
	return *ret_copy == NULL ? error_set(error, -ENOMEM, "out of memory") : 0;
}

static int apply_ro(struct options *options, const char *value, struct error *error)
{
	(void)value, (void)error;
	options->is_read_only = true;
	return 0;
}

static int apply_rw(struct options *options, const char *value, struct error *error)
{
	(void)value, (void)error;
	options->is_read_only = false;
	return 0;
}

static int apply_nolock(struct options *options, const char *value, struct error *error)
{
	(void)value, (void)error;
	options->is_lock_free = true;
	return 0;
}

static int apply_allow_other(struct options *options, const char *value, struct error *error)
{
	(void)value, (void)error;
	options->is_shared = true;
	return 0;
}

static int apply_xattr(struct options *options, const char *value, struct error *error)
{
	(void)value, (void)error;
	options->has_xattr = true;
	return 0;
}

static int apply_powersave(struct options *options, const char *value, struct error *error)
{
	(void)value, (void)error;
	options->is_power_saved = true;
	return 0;
}

static int apply_json(struct options *options, const char *value, struct error *error)
{
	if (value != NULL && strcmp(value, "plain") == 0)
		options->form = ITEM_PLAIN;
	else if (value != NULL && strcmp(value, "dynamodb") == 0)
		options->form = ITEM_DYNAMODB;
	else
		return error_set(error, -EINVAL, "option json=%s: it is json=plain or json=dynamodb",
			value == NULL ? "" : value);
	return 0;
}

static int apply_tz(struct options *options, const char *value, struct error *error)
{
	return copy_value("tz", value, &options->zone, error);
}

static int apply_asof(struct options *options, const char *value, struct error *error)
{
	return copy_value("asof", value, &options->asof, error);
}

static int apply_uid(struct options *options, const char *value, struct error *error)
{
	long number;
	int result = number_of("uid", value, 10, UINT_MAX - 1L, &number, error);

	if (result == 0)
		options->uid = (uid_t)number;
	return result;
}

static int apply_gid(struct options *options, const char *value, struct error *error)
{
	long number;
	int result = number_of("gid", value, 10, UINT_MAX - 1L, &number, error);

	if (result == 0)
		options->gid = (gid_t)number;
	return result;
}

static int apply_umask(struct options *options, const char *value, struct error *error)
{
	long number;
	int result = number_of("umask", value, 8, 0777, &number, error);

	if (result == 0) {
		options->directory_mode = 0777 & ~(mode_t)number;
		options->file_mode = 0666 & ~(mode_t)number;
	}
	return result;
}

static int apply_ready_fd(struct options *options, const char *value, struct error *error)
{
	long number;
	int result = number_of("ready_fd", value, 10, INT_MAX, &number, error);

	if (result == 0 && fcntl((int)number, F_GETFD) < 0)
		result = error_set(error, -EINVAL, "option ready_fd=%s: no such descriptor is open", value);
	if (result == 0)
		options->ready_fd = (int)number;
	return result;
}

static int apply_clock_file(struct options *options, const char *value, struct error *error)
{
	return copy_value("clock_file", value, &options->clock_file, error);
}

static int apply_count_file(struct options *options, const char *value, struct error *error)
{
	return copy_value("count_file", value, &options->count_file, error);
}

static const struct setting settings[] = {
	{ "ro", apply_ro },
	{ "rw", apply_rw },
	{ "nolock", apply_nolock },
	{ "allow_other", apply_allow_other },
	{ "xattr", apply_xattr },
	{ "powersave", apply_powersave },
	{ "json", apply_json },
	{ "tz", apply_tz },
	{ "asof", apply_asof },
	{ "uid", apply_uid },
	{ "gid", apply_gid },
	{ "umask", apply_umask },
	{ "ready_fd", apply_ready_fd },
	{ "clock_file", apply_clock_file },
	{ "count_file", apply_count_file },
};

/* What mount(8) passes on from fstab and is not for the file system, and what is so anyway. */
static const char *const ignored[] = { "defaults", "auto", "noauto", "user", "users", "nouser", "owner", "group",
	"nofail", "_netdev", "suid", "dev", "exec", "async", "atime", "diratime", "relatime", "norelatime",
	"strictatime", "nostrictatime", "lazytime", "nolazytime", "loud", "silent", "nosuid", "nodev" };
static const char *const passed_on[] = { "noexec", "noatime", "nodiratime", "sync", "dirsync" };

static bool is_among(const char *name, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(name, list[i]) == 0)
			return true;
	}
	return strncmp(name, "x-", 2) == 0 || strncmp(name, "X-", 2) == 0 || strcmp(name, "comment") == 0;
}

static int apply_option(struct options *options, char *name, struct error *error)
{
	char *value = strchr(name, '=');

	if (value != NULL)
		*value++ = '\0';
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (strcmp(name, settings[i].name) == 0)
			return settings[i].apply(options, value, error);
	}
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++) {
		if (strcmp(name, passed_on[i]) == 0) {
			buffer_append_format(&options->kernel, ",%s", name);
			return 0;
		}
	}
	if (*name == '\0' || is_among(name, ignored, sizeof(ignored) / sizeof(ignored[0])))
		return 0;
	return error_set(error, -EINVAL, "unknown option: -o %s (pitrfs --help shows all)", name);
}

/* Options stand between commas; a backslash takes the meaning from the character behind it. */
static int apply_option_list(struct options *options, const char *list, struct error *error)
{
	char *option = malloc(strlen(list) + 1);
	int result = option == NULL ? error_set(error, -ENOMEM, "out of memory") : 0;

	while (result == 0 && *list != '\0') {
		size_t size = 0;

		for (; *list != '\0' && *list != ','; list++) {
			if (list[0] == '\\' && list[1] != '\0')
				list++;
			option[size++] = *list;
		}
		option[size] = '\0';
		if (*list == ',')
			list++;
		result = apply_option(options, option, error);
	}
	free(option);
	return result;
}

static int parse_flags(int argc, char **argv, struct options *options, struct error *error)
{
	static const struct option names[] = { { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' }, { 0 } };
	int flag, result = 0;

	opterr = 0;
	while (result == 0 && (flag = getopt_long(argc, argv, "o:fdhV", names, NULL)) != -1) {
		if (flag == 'o')
			result = apply_option_list(options, optarg, error);
		else if (flag == 'f')
			options->is_foreground = true;
		else if (flag == 'd')
			options->is_foreground = options->is_debug = true;
		else if (flag == 'h')
			options->is_help = true;
		else if (flag == 'V')
			options->is_version = true;
		else if (optopt == 'o')
			result = error_set(error, -EINVAL, "-o needs a list of options");
		else
			result = error_set(error, -EINVAL, "unknown argument: %s", argv[optind - 1]);
	}
	return result;
}

int options_parse(int argc, char **argv, struct options *ret_options, struct error *error)
{
	int result;

	*ret_options = (struct options){ .uid = getuid(), .gid = getgid(), .ready_fd = -1 };
	result = parse_flags(argc, argv, ret_options, error);
	if (result < 0 || ret_options->is_help || ret_options->is_version)
		return result;
	if (argc - optind != 2)
		return error_set(error, -EINVAL,
			argc - optind < 2 ? "a store and a mount point are needed" : "too many arguments");
	ret_options->is_read_only = ret_options->is_read_only || ret_options->asof != NULL;
	if (ret_options->is_lock_free && !ret_options->is_read_only)
		return error_set(error, -EINVAL, "option nolock is only for read-only mounts: -o ro,nolock");
	if (ret_options->directory_mode == 0 && ret_options->file_mode == 0) {
		ret_options->directory_mode = ret_options->is_shared ? 0755 : 0700;
		ret_options->file_mode = ret_options->is_shared ? 0644 : 0600;
	}
	ret_options->store = strdup(argv[optind]);
	ret_options->mountpoint = strdup(argv[optind + 1]);
	if (ret_options->store == NULL || ret_options->mountpoint == NULL)
		return error_set(error, -ENOMEM, "out of memory");
	return 0;
}

void options_free(struct options *options)
{
	free(options->store);
	free(options->mountpoint);
	free(options->zone);
	free(options->asof);
	free(options->clock_file);
	free(options->count_file);
	buffer_free(&options->kernel);
}

static int refuse_path(const char *what, const char *path, struct error *error)
{
	if (errno == ENOTCONN)
		return error_set(error, -ENOTCONN,
			"%s %s carries a mount whose process is gone; clear it first: fusermount3 -u %s", what, path,
			path);
	return error_set(error, -errno, "%s %s: %s", what, path, strerror(errno));
}

static int resolve(char **path, const char *what, struct error *error)
{
	char *absolute = realpath(*path, NULL);

	if (absolute == NULL)
		return refuse_path(what, *path, error);
	free(*path);
	*path = absolute;
	return 0;
}

/* Is `path` the directory `above`, or below it? Both absolute and resolved. */
static bool is_within(const char *path, const char *above)
{
	size_t size = strlen(above);

	if (size == 1)
		return true;
	return strncmp(path, above, size) == 0 && (path[size] == '\0' || path[size] == '/');
}

/* mountinfo writes blanks and backslashes as octal numbers. */
static void unescape(char *text)
{
	char *out = text;

	for (; *text != '\0'; text++) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] != '\0' && text[3] != '\0') {
			*out++ = (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0'));
			text += 3;
		} else {
			*out++ = *text;
		}
	}
	*out = '\0';
}

/* Is the last thing mounted there a pitrfs? */
static bool is_mounted_already(const char *mountpoint)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char *line = NULL, *rest;
	size_t capacity = 0;
	bool is_mounted = false;

	while (file != NULL && getline(&line, &capacity, file) > 0) {
		char *place = line;

		for (int i = 0; i < 4 && place != NULL; i++)
			place = strchr(place + 1, ' ');
		if (place == NULL || (rest = strchr(++place, ' ')) == NULL)
			continue;
		*rest++ = '\0';
		unescape(place);
		if (strcmp(place, mountpoint) == 0)
			is_mounted = strstr(rest, " - fuse.pitrfs ") != NULL;
	}
	free(line);
	if (file != NULL)
		fclose(file);
	return is_mounted;
}

int options_check_paths(struct options *options, struct error *error)
{
	struct stat at;
	int result = resolve(&options->store, "store", error);

	if (result == 0)
		result = resolve(&options->mountpoint, "mount point", error);
	if (result < 0)
		return result;
	if (stat(options->mountpoint, &at) < 0)
		return refuse_path("mount point", options->mountpoint, error);
	if (!S_ISDIR(at.st_mode))
		return error_set(error, -ENOTDIR, "mount point %s is not a directory", options->mountpoint);
	if (is_mounted_already(options->mountpoint))
		return error_set(error, -EBUSY,
			"a pitrfs is mounted at %s already; unmount it first: fusermount3 -u %s", options->mountpoint,
			options->mountpoint);
	if (is_within(options->mountpoint, options->store))
		return error_set(error, -EINVAL, "the mount point %s is %s the store; mount somewhere else",
			options->mountpoint, strcmp(options->mountpoint, options->store) == 0 ? "itself" : "inside");
	if (is_within(options->store, options->mountpoint))
		return error_set(error, -EINVAL,
			"the store %s is inside the mount point %s, which would hide it; mount somewhere else",
			options->store, options->mountpoint);
	return 0;
}
