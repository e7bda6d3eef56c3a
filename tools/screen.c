#include "tools/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/tool.h"

#define COLUMNS_DEFAULT 80

static struct {
	pid_t pager;   /* 0: none */
	bool has_talk; /* the pager has stderr too */
	bool is_colored;
	int columns;
} screen;

static bool is_dumb(void)
{
	const char *terminal = getenv("TERM");
	return !terminal || strcmp(terminal, "dumb") == 0;
}

/* --- The pager ------------------------------------------------------------------------------------------------------ */

static bool is_installed(const char *program)
{
	const char *at = getenv("PATH");
	char path[4096];
	while (at && *at != '\0') {
		size_t length = strcspn(at, ":");
		int size = snprintf(path, sizeof(path), "%.*s/%s", (int)length, at, program);
		if (size > 0 && (size_t)size < sizeof(path) && access(path, X_OK) == 0)
			return true;
		at += length + (at[length] == ':');
	}
	return false;
}

static const char *choose_pager(void)
{
	const char *pager = getenv("PITR_PAGER");
	if (!pager)
		pager = getenv("PAGER");
	if (!pager && !is_dumb() && is_installed("less"))
		pager = "less";
	return pager && pager[0] != '\0' && strcmp(pager, "cat") != 0 ? pager : NULL;
}

/* That nobody can write any more tells the pager that this is all. */
static void let_go(void)
{
	close(STDOUT_FILENO);
	if (screen.has_talk)
		close(STDERR_FILENO);
}

static int wait_for_pager(int options)
{
	int status;
	pid_t ended;
	while ((ended = waitpid(screen.pager, &status, options)) < 0 && errno == EINTR)
		continue;
	if (ended == 0)
		return -1;
	return ended > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

/* The pager has the terminal until it ends; only then may the shell have it back. */
static void end_by_signal(int signal_number)
{
	let_go();
	wait_for_pager(0);
	if (signal_number == SIGPIPE)
		_exit(STATUS_DONE);
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

/* Whoever leaves the pager is not kept waiting for what nobody will see. */
static void end_with_pager(int signal_number)
{
	int saved = errno;
	(void)signal_number;
	int status = wait_for_pager(WNOHANG);
	if (status == 0)
		_exit(STATUS_DONE);
	if (status > 0)
		_exit(STATUS_FAILED);
	errno = saved;
}

static void handle_signals(void)
{
	static const int ending[] = { SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction action = { .sa_handler = end_by_signal };
	sigemptyset(&action.sa_mask);
	sigaddset(&action.sa_mask, SIGCHLD);
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		sigaction(ending[i], &action, NULL);
	action = (struct sigaction){ .sa_handler = end_with_pager, .sa_flags = SA_RESTART | SA_NOCLDSTOP };
	sigemptyset(&action.sa_mask);
	sigaction(SIGCHLD, &action, NULL);
}

static void run_pager(const char *pager, int input)
{
	dup2(input, STDIN_FILENO);
	setenv("LESS", "FRX", /* overwrite= */ 0);
	execl("/bin/sh", "sh", "-c", pager, (char *)NULL);
	_exit(127);
}

static void start_pager(const char *pager)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	fflush(stdout);
	pid_t child = fork();
	if (child == 0)
		run_pager(pager, ends[0]);
	close(ends[0]);
	if (child > 0) {
		screen.pager = child;
		handle_signals();
		dup2(ends[1], STDOUT_FILENO);
		setvbuf(stdout, NULL, _IOLBF, 0);
		screen.has_talk = isatty(STDERR_FILENO);
		if (screen.has_talk)
			dup2(ends[1], STDERR_FILENO);
	}
	close(ends[1]);
}

int screen_end(int status)
{
	sigset_t child;
	if (screen.pager == 0)
		return status;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	let_go();
	int result = wait_for_pager(0);
	screen.pager = 0;
	return result == 0 ? status : STATUS_FAILED;
}

bool screen_is_paged(void)
{
	return screen.pager != 0;
}

/* --- The terminal --------------------------------------------------------------------------------------------------- */

int screen_columns(void)
{
	struct winsize size;
	const char *given = getenv("COLUMNS");
	if (screen.columns == 0 && given)
		screen.columns = atoi(given);
	if (screen.columns <= 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		screen.columns = size.ws_col;
	if (screen.columns <= 0)
		screen.columns = COLUMNS_DEFAULT;
	return screen.columns;
}

static bool wants_color(const struct tool *tool, bool is_terminal)
{
	const char *none = getenv("NO_COLOR");
	if (tool->color != TOOL_COLOR_AUTO)
		return tool->color == TOOL_COLOR_ALWAYS;
	return is_terminal && !is_dumb() && (!none || none[0] == '\0');
}

void screen_begin(const struct tool *tool)
{
	bool is_terminal = isatty(STDOUT_FILENO);
	const char *pager = is_terminal && !tool->is_unpaged ? choose_pager() : NULL;
	screen.is_colored = wants_color(tool, is_terminal);
	screen_columns();
	if (pager)
		start_pager(pager);
}

const char *screen_color(enum screen_role role)
{
	static const char *const colors[] = {
		[SCREEN_PLAIN] = "\033[m",
		[SCREEN_HEADER] = "\033[1m",
		[SCREEN_CHANGE] = "\033[33m",
		[SCREEN_ADDED] = "\033[32m",
		[SCREEN_REMOVED] = "\033[31m",
		[SCREEN_CHANGED] = "\033[34m",
		[SCREEN_PLACE] = "\033[36m",
		[SCREEN_DIM] = "\033[2m",
		[SCREEN_MATCH] = "\033[1;31m",
	};
	return screen.is_colored ? colors[role] : "";
}
