/* init, and the recorded incident. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/incident.h"
#include "tools/verbs.h"

/* --- init ----------------------------------------------------------------------------------------------------------- */

static struct option init_options[] = {
	{ .name = NULL },
};

/* Makes the directories above the store, as `mkdir -p` does. The store's own is history_init's. */
static int make_parents(const char *path)
{
	char text[PATH_MAX];
	if ((size_t)snprintf(text, sizeof(text), "%s", path) >= sizeof(text))
		return -ENAMETOOLONG;
	for (char *slash = strchr(text + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(text, 0777) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return 0;
}

static int run_init(struct tool *tool)
{
	struct error error = { 0 };
	if (tool->positionals.count > 1)
		return tool_usage(tool, "one directory, please");
	const char *directory = tool->positionals.count == 1 ? tool->positionals.values[0] : tool->store;
	int result = make_parents(directory);
	if (result < 0)
		return tool_fail("make store %s: %s", directory, strerror(-result));
	if (history_init(directory, &error) < 0)
		return tool_fail_error(&error);
	tool_say("made an empty store: %s", directory);
	if (strcmp(directory, tool->store) != 0)
		tool_say("to use it: export PITR_STORE=%s", directory);
	return STATUS_DONE;
}

const struct verb verb_init = {
	.name = "init",
	.summary = "make a store",
	.usage = "[DIR]",
	.help = "Makes an empty store in a new or empty directory: DIR, or the one that --store, PITR_STORE or the "
		"default\n"
		"(~/.local/share/pitr) names.\n",
	.run = run_init,
	.options = init_options,
};

/* --- incident ------------------------------------------------------------------------------------------------------- */

static struct option incident_options[] = {
	{ .name = NULL },
};

static int run_incident(struct tool *tool)
{
	if (tool->positionals.count > 0)
		return tool_usage(tool, "unexpected argument: %s", tool->positionals.values[0]);
	int result = incident_write(stdout);
	return result < 0 ? tool_fail("writing the incident: %s", strerror(-result)) : STATUS_DONE;
}

const struct verb verb_incident = {
	.name = "incident",
	.summary = "print a recorded incident to try things on",
	.usage = "",
	.help = "Prints a morning of an orders table as DynamoDB Streams records, the same every time: orders come in, "
		"and\n"
		"at 09:15 a script removes 5,000 of them.\n\n"
		"  pitr incident | pitr import --table orders -\n",
	.run = run_incident,
	.options = incident_options,
};
