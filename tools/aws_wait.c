#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "tools/aws.h"
#include "tools/verbs.h"

/* As long as AWS's waiters: 25 times 20 seconds. */
#define WAIT_SECONDS 500
#define BELL_MS 1000

struct waiter {
	const char *name; /* on the command line */
	struct aws_operation operation;
	bool is_there; /* what is waited for */
};

static const struct waiter *chosen(const struct tool *tool);

static int find(struct aws_call *call)
{
	return aws_table(call->txn, call->request, AWS_TO_DESCRIBE, &call->table, call->error) < 0
		       ? call->error->code
		       : call->table.is_restoring;
}

/* 1: it is as it should be; 0: not yet. */
static int look(struct tool *tool, const struct json *request, bool is_there, struct error *error)
{
	struct aws_call call = { .tool = tool, .request = request, .error = error };
	int result = aws_read(&call, find);
	if (result < 0 && result != -ENOENT)
		return result;
	return is_there ? result == 0 : result == -ENOENT;
}

static bool is_over(const struct timespec *until)
{
	struct timespec now;
	clock_deadline(0, &now);
	return now.tv_sec > until->tv_sec || (now.tv_sec == until->tv_sec && now.tv_nsec >= until->tv_nsec);
}

static int wait_for(struct tool *tool, const struct json *request, struct buffer *response, struct error *error)
{
	const struct waiter *waiter = chosen(tool);
	struct timespec until;
	uint64_t commit = 0;
	(void)response;
	clock_deadline(WAIT_SECONDS * 1000, &until);
	for (;;) {
		int result = look(tool, request, waiter->is_there, error);
		if (result != 0)
			return result < 0 ? result : 0;
		if (is_over(&until))
			return error_set(
				error, -ETIMEDOUT, "Waiter %s failed: Max attempts exceeded", waiter->operation.name);
		commit = history_wait_commit(tool->history, commit, BELL_MS);
	}
}

static const struct aws_parameter wait_parameters[] = {
	{ "TableName", "table-name", AWS_TEXT, AWS_REQUIRED },
	{ 0 },
};

static const struct waiter waiters[] = {
	{ "table-exists", { "TableExists", wait_parameters, false, .run = wait_for, .has_no_response = true }, true },
	{ "table-not-exists", { "TableNotExists", wait_parameters, false, .run = wait_for, .has_no_response = true },
		false },
};

/* The waiter's name stands right before the options. */
static const struct waiter *chosen(const struct tool *tool)
{
	for (size_t i = 0; i < sizeof(waiters) / sizeof(waiters[0]); i++)
		if (strcmp(tool->verb_argv[-1], waiters[i].name) == 0)
			return &waiters[i];
	return NULL;
}

static int run_wait(struct tool *tool)
{
	if (tool->verb_argc == 0)
		return tool_usage(tool, "for what? table-exists or table-not-exists");
	tool->verb_argv++;
	tool->verb_argc--;
	const struct waiter *waiter = chosen(tool);
	if (!waiter)
		return tool_usage(
			tool, "%s is not waited for here; table-exists and table-not-exists are", tool->verb_argv[-1]);
	return aws_run(tool, &waiter->operation);
}

const struct verb verb_wait = {
	.name = "wait",
	.summary = "until a table is there, or gone",
	.usage = "table-exists|table-not-exists --table-name NAME",
	.help = "table-exists returns as soon as the table is ACTIVE, table-not-exists as soon as there is none of "
		"that\n"
		"name; after 500 seconds they give up, as AWS's do.\n",
	.run = run_wait,
};
