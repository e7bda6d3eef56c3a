/* A process is looked at again only after a moment: copying many files asks for it with each of them. Its environment is read once for each
 * program it runs: that takes a lock of the process, which another of its threads may hold while it waits for this mount. */
#include "who.h"

#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "author.h"
#include "loop.h"
#include "monotonic.h"
#include "process.h"

#define PROCESS_FRESH_MS 20
#define PROCESSES_KNOWN 8

struct known {
	struct who who;
	int64_t looked_ms;
	uint64_t started, environment; /* of the program whose reason is known */
};

static void look(struct known *known)
{
	struct process_facts facts = { 0 };
	struct who *who = &known->who;

	if (!process_look(who->pid, &facts)) {
		who->process[0] = who->reason[0] = '\0';
		known->environment = 0;
		return;
	}
	memcpy(who->process, facts.name, sizeof(who->process));
	if (facts.started == known->started && facts.environment == known->environment)
		return;
	known->started = facts.started;
	known->environment = facts.environment;
	who->reason[0] = '\0';
	if (facts.environment == 0)
		return;
	loop_blocks();
	process_variable(who->pid, "PITR_REASON", who->reason, sizeof(who->reason));
}

struct who who_of(uid_t uid, gid_t gid, pid_t pid)
{
	static _Thread_local struct known processes[PROCESSES_KNOWN];
	struct known *known = &processes[(size_t)pid % PROCESSES_KNOWN];
	int64_t now_ms = monotonic_ms();

	if (known->who.pid != pid)
		*known = (struct known){ .who.pid = pid };
	known->who.uid = uid;
	known->who.gid = gid;
	if (known->looked_ms == 0 || now_ms - known->looked_ms > PROCESS_FRESH_MS) {
		look(known);
		known->looked_ms = now_ms;
	}
	return known->who;
}

/* --- names --- */

/* The last one that was asked for. */
struct name {
	bool is_known;
	uint32_t id;
	char text[64];
};

static const char *text_of(const struct name *name)
{
	return name->text[0] == '\0' ? NULL : name->text;
}

static const char *user_name(uid_t uid)
{
	static _Thread_local struct name last;
	struct passwd entry, *found = NULL;
	char text[4096];

	if (!last.is_known || last.id != uid) {
		last = (struct name){ .is_known = true, .id = uid };
		if (getpwuid_r(uid, &entry, text, sizeof(text), &found) == 0 && found != NULL)
			snprintf(last.text, sizeof(last.text), "%s", entry.pw_name);
	}
	return text_of(&last);
}

static const char *group_name(gid_t gid)
{
	static _Thread_local struct name last;
	struct group entry, *found = NULL;
	char text[16384];

	if (!last.is_known || last.id != gid) {
		last = (struct name){ .is_known = true, .id = gid };
		if (getgrgid_r(gid, &entry, text, sizeof(text), &found) == 0 && found != NULL)
			snprintf(last.text, sizeof(last.text), "%s", entry.gr_name);
	}
	return text_of(&last);
}

static void format(const struct who *who, struct buffer *out)
{
	struct author author = {
		.by = "mount",
		.user = user_name(who->uid),
		.uid = who->uid,
		.gid = who->gid,
		.group = group_name(who->gid),
		.pid = who->pid,
		.process = who->process[0] == '\0' ? NULL : who->process,
		.reason = who->reason[0] == '\0' ? NULL : who->reason,
	};

	author_format(&author, out);
}

static bool is_same(const struct who *a, const struct who *b)
{
	return a->pid == b->pid && a->uid == b->uid && a->gid == b->gid && strcmp(a->process, b->process) == 0 &&
	       strcmp(a->reason, b->reason) == 0;
}

void who_author(const struct who *who, struct buffer *out)
{
	static _Thread_local struct {
		struct who who;
		size_t size; /* 0: none */
		char text[1024];
	} last;
	size_t start = out->size;

	if (last.size > 0 && is_same(&last.who, who)) {
		buffer_append(out, last.text, last.size);
		return;
	}
	format(who, out);
	last.size = 0;
	if (buffer_error(out) == 0 && out->size - start <= sizeof(last.text)) {
		last.who = *who;
		last.size = out->size - start;
		memcpy(last.text, out->data + start, last.size);
	}
}
