#include "process.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Beyond this nothing of an environment is looked at. */
#define ENVIRONMENT_MAX ((size_t)1 << 18)

/* Places in /proc/PID/stat, counted from the one after the name. */
enum { PLACE_STATE = 0, PLACE_STARTED = 19, PLACE_ENVIRONMENT = 47 };

static int open_file(pid_t pid, const char *file)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, file);
	return open(path, O_RDONLY | O_CLOEXEC);
}

bool process_file(pid_t pid, const char *file, char *ret_text, size_t size)
{
	ssize_t count;
	int fd = open_file(pid, file);

	if (fd < 0)
		return false;
	count = read(fd, ret_text, size - 1);
	close(fd);
	ret_text[count > 0 ? count : 0] = '\0';
	return count > 0;
}

static uint64_t number_at(const char *fields, int place)
{
	while (place-- > 0 && fields != NULL) {
		fields = strchr(fields, ' ');
		fields = fields == NULL ? NULL : fields + 1;
	}
	return fields == NULL ? 0 : strtoull(fields, NULL, 10);
}

bool process_look(pid_t pid, struct process_facts *ret_facts)
{
	char text[1024];
	const char *name, *end;

	if (pid <= 0 || !process_file(pid, "stat", text, sizeof(text)))
		return false;
	/* The name before the last bracket can hold anything. */
	name = strchr(text, '(');
	end = strrchr(text, ')');
	if (name == NULL || end == NULL || end[1] != ' ')
		return false;
	*ret_facts = (struct process_facts){ .state = end[2],
		.started = number_at(end + 2, PLACE_STARTED),
		.environment = number_at(end + 2, PLACE_ENVIRONMENT) };
	snprintf(ret_facts->name, sizeof(ret_facts->name), "%.*s", (int)(end - name - 1), name + 1);
	return true;
}

/* Up to ENVIRONMENT_MAX bytes; the variables end in NULs. */
static size_t read_environment(int fd, char *environment)
{
	size_t size = 0;
	ssize_t count;

	while (size < ENVIRONMENT_MAX && (count = read(fd, environment + size, ENVIRONMENT_MAX - size)) > 0)
		size += (size_t)count;
	environment[size] = '\0';
	return size;
}

static const char *find_variable(const char *environment, size_t size, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = environment; at < environment + size; at += strlen(at) + 1) {
		if (strncmp(at, name, length) == 0 && at[length] == '=')
			return at + length + 1;
	}
	return NULL;
}

bool process_variable(pid_t pid, const char *name, char *ret_value, size_t size)
{
	char *environment;
	const char *value = NULL;
	int fd = open_file(pid, "environ");

	if (fd < 0)
		return false;
	environment = malloc(ENVIRONMENT_MAX + 1);
	if (environment != NULL)
		value = find_variable(environment, read_environment(fd, environment), name);
	close(fd);
	if (value != NULL)
		snprintf(ret_value, size, "%s", value);
	free(environment);
	return value != NULL;
}
