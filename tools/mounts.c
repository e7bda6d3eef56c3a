#include "tools/mounts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "instant.h"

#define FIELD_POINT 4 /* from the left */

/* Blanks and backslashes stand as \040 and the like. In place. */
static void unescape(char *text)
{
	char *to = text;
	for (const char *from = text; *from; to++) {
		bool is_escape = from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' &&
				 from[2] <= '7' && from[3] >= '0' && from[3] <= '7';
		*to = is_escape ? (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0')) : *from;
		from += is_escape ? 4 : 1;
	}
	*to = '\0';
}

static char *field(char *line, unsigned index)
{
	char *state = NULL, *word = strtok_r(line, " ", &state);
	for (; word && index > 0; index--)
		word = strtok_r(NULL, " ", &state);
	return word;
}

static int add(struct mounts *mounts, const char *point, const char *instant)
{
	struct mounted *list = reallocarray(mounts->list, mounts->count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	mounts->list = list;
	struct mounted *mounted = &list[mounts->count++];
	*mounted = (struct mounted){ .point = strdup(point), .instant = instant ? strdup(instant) : NULL };
	return !mounted->point || (instant && !mounted->instant) ? -ENOMEM : 0;
}

/* The source is the store's path; behind it, with -o asof, "@" and an instant. */
static bool is_of(const char *source, const char *store, const char **ret_instant)
{
	const char *at = strrchr(source, '@');
	struct instant instant;
	*ret_instant = at && instant_parse(slice_of_text(at + 1), NULL, &instant, NULL) == 0 ? at + 1 : NULL;
	if (!store)
		return true;
	if (strcmp(source, store) == 0) {
		*ret_instant = NULL;
		return true;
	}
	return *ret_instant && strlen(store) == (size_t)(at - source) && memcmp(source, store, strlen(store)) == 0;
}

/* A line of mountinfo: "... point options... - type source superoptions". */
static int take_line(struct mounts *mounts, char *line, const char *store)
{
	char *separator = strstr(line, " - ");
	if (!separator)
		return 0;
	*separator = '\0';
	char *state = NULL;
	const char *type = strtok_r(separator + 3, " \n", &state);
	char *source = strtok_r(NULL, " \n", &state);
	char *point = field(line, FIELD_POINT);
	if (!type || !source || !point || strcmp(type, "fuse.pitrfs") != 0)
		return 0;
	unescape(source);
	unescape(point);
	const char *instant;
	return is_of(source, store, &instant) ? add(mounts, point, instant) : 0;
}

int mounts_of_store(const char *store, struct mounts *ret_mounts)
{
	struct mounts mounts = { 0 };
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t capacity = 0;
	int result = 0;
	if (!file)
		return -errno;
	while (result == 0 && getline(&line, &capacity, file) >= 0)
		result = take_line(&mounts, line, store);
	free(line);
	fclose(file);
	if (result < 0)
		mounts_free(&mounts);
	else
		*ret_mounts = mounts;
	return result;
}

void mounts_free(struct mounts *mounts)
{
	for (size_t i = 0; i < mounts->count; i++) {
		free(mounts->list[i].point);
		free(mounts->list[i].instant);
	}
	free(mounts->list);
	*mounts = (struct mounts){ 0 };
}

bool mounts_program(char path[PATH_MAX])
{
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
	if (length < 0)
		return false;
	path[length] = '\0';
	char *slash = strrchr(path, '/');
	if (!slash || (size_t)(slash - path) + sizeof("/pitrfs") > PATH_MAX)
		return false;
	strcpy(slash, "/pitrfs");
	return access(path, X_OK) == 0;
}

int mounts_end(const char *mount_point, bool is_lazy)
{
	char point[PATH_MAX], fusermount[] = "fusermount3", dash_u[] = "-u", dash_uz[] = "-uz", dashes[] = "--";
	char *arguments[] = { fusermount, is_lazy ? dash_uz : dash_u, dashes, point, NULL };
	int outcome;
	snprintf(point, sizeof(point), "%s", mount_point);
	pid_t child = fork();
	if (child < 0)
		return -errno;
	if (child == 0) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(126);
		execvp(fusermount, arguments);
		_exit(127);
	}
	while (waitpid(child, &outcome, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(outcome) ? WEXITSTATUS(outcome) : 1;
}
