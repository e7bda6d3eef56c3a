#include "tools/mounts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static int add(struct mounts *mounts, const char *point)
{
	char **points = reallocarray(mounts->points, mounts->count + 1, sizeof(*points));
	if (!points)
		return -ENOMEM;
	mounts->points = points;
	points[mounts->count] = strdup(point);
	if (!points[mounts->count])
		return -ENOMEM;
	mounts->count++;
	return 0;
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
	return store && strcmp(source, store) != 0 ? 0 : add(mounts, point);
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
	for (size_t i = 0; i < mounts->count; i++)
		free(mounts->points[i]);
	free(mounts->points);
	*mounts = (struct mounts){ 0 };
}
