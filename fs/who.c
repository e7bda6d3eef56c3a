#include "who.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "author.h"
#include "monotonic.h"

#define PROCESS_FRESH_MS 20

/* The name of a process is asked for again only after a moment: copying many files asks for each of them. */
static void read_process(pid_t pid, char *ret_process, size_t size)
{
	char path[64];
	ssize_t count = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%ld/comm", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		count = read(fd, ret_process, size - 1);
		close(fd);
	}
	ret_process[count > 0 ? count : 0] = '\0';
	ret_process[strcspn(ret_process, "\n")] = '\0';
}

struct who who_of(uid_t uid, gid_t gid, pid_t pid)
{
	static _Thread_local struct who last;
	static _Thread_local int64_t last_ms;
	int64_t now_ms = monotonic_ms();

	if (last.pid != pid || last.uid != uid || last.gid != gid || now_ms - last_ms > PROCESS_FRESH_MS) {
		last = (struct who){ .uid = uid, .gid = gid, .pid = pid };
		if (pid > 0)
			read_process(pid, last.process, sizeof(last.process));
		last_ms = now_ms;
	}
	return last;
}

static const char *user_name(uid_t uid)
{
	static _Thread_local struct {
		bool is_known;
		uid_t uid;
		char name[64];
	} last;
	struct passwd entry, *found = NULL;
	char text[4096];

	if (!last.is_known || last.uid != uid) {
		last.is_known = true;
		last.uid = uid;
		last.name[0] = '\0';
		if (getpwuid_r(uid, &entry, text, sizeof(text), &found) == 0 && found != NULL)
			snprintf(last.name, sizeof(last.name), "%s", entry.pw_name);
	}
	return last.name[0] == '\0' ? NULL : last.name;
}

void who_author(const struct who *who, struct buffer *out)
{
	struct author author = {
		.by = "mount",
		.user = user_name(who->uid),
		.uid = who->uid,
		.gid = who->gid,
		.pid = who->pid,
		.process = who->process[0] == '\0' ? NULL : who->process,
	};

	author_format(&author, out);
}
