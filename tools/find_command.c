#include "tools/find_command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "instant.h"
#include "tools/mounts.h"

#define STATUS_CANNOT_TELL 125
#define STATUS_LAST 127
#define BUSY_TRIES 10
#define BUSY_WAIT_US 50000

/* --- Signals: what would end the program ends the command first ---------------------------------------------------- */

static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
#define ENDING_COUNT (sizeof(ending) / sizeof(ending[0]))

static volatile sig_atomic_t came;
static volatile pid_t running;
static struct sigaction before[ENDING_COUNT];

static void note(int signal_number)
{
	came = signal_number;
	if (running > 0)
		kill(running, signal_number);
}

static void hold_signals(void)
{
	struct sigaction action = { .sa_handler = note };
	sigemptyset(&action.sa_mask);
	came = 0;
	for (size_t i = 0; i < ENDING_COUNT; i++)
		sigaction(ending[i], &action, &before[i]);
}

static void release_signals(void)
{
	for (size_t i = 0; i < ENDING_COUNT; i++)
		sigaction(ending[i], &before[i], NULL);
	if (came)
		raise(came);
}

/* --- The mount ------------------------------------------------------------------------------------------------------ */

void find_command_path(const char *table, bool is_ended, int64_t time_us, struct buffer *out)
{
	char instant[INSTANT_TEXT_MAX];
	instant_format(time_us, instant, sizeof(instant));
	if (is_ended)
		buffer_append_format(out, "@%s/%s/", instant, table);
	else
		buffer_append_format(out, "%s/@%s/", table, instant);
}

static bool make_path(const struct find_command *command, const char *point, int64_t time_us, char path[PATH_MAX])
{
	struct buffer below = BUFFER_INIT;
	find_command_path(command->table, command->is_ended, time_us, &below);
	bool fits = buffer_error(&below) == 0 && snprintf(path, PATH_MAX, "%s/%.*s", point, (int)below.size - 1,
							 (const char *)below.data) < PATH_MAX;
	buffer_free(&below);
	return fits;
}

static bool shows(const struct find_command *command, const char *point, int64_t time_us)
{
	char path[PATH_MAX];
	struct stat status;
	return make_path(command, point, time_us, path) && stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool take_mount(struct find_command *command, const char *point, int64_t time_us)
{
	if (strlen(point) >= PATH_MAX || !shows(command, point, time_us))
		return false;
	strcpy(command->point, point);
	return true;
}

static bool find_mount(struct find_command *command, const char *store, int64_t time_us)
{
	struct mounts mounts = { 0 };
	bool is_found = false;
	if (mounts_of_store(store, &mounts) < 0)
		return false;
	for (size_t i = 0; i < mounts.count && !is_found; i++)
		is_found = !mounts.list[i].instant && take_mount(command, mounts.list[i].point, time_us);
	mounts_free(&mounts);
	return is_found;
}

static int wait_for(pid_t child)
{
	int outcome;
	while (waitpid(child, &outcome, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(outcome) ? WEXITSTATUS(outcome) : STATUS_LAST + WTERMSIG(outcome);
}

/* pitrfs returns when the mount answers. What is typed at the terminal does not interrupt it. */
static int start_mount(const char *store, const char *point)
{
	char program[PATH_MAX];
	bool is_beside = mounts_program(program);
	pid_t child = fork();
	if (child < 0)
		return -errno;
	if (child == 0) {
		setpgid(0, 0);
		if (is_beside)
			execl(program, "pitrfs", store, point, "-o", "ro", (char *)NULL);
		else
			execlp("pitrfs", "pitrfs", store, point, "-o", "ro", (char *)NULL);
		_exit(STATUS_LAST);
	}
	return wait_for(child);
}

static int make_mount(struct find_command *command, const char *store, struct error *error)
{
	const char *parent = getenv("TMPDIR");
	snprintf(command->point, sizeof(command->point), "%s/pitr-find-when.XXXXXX",
		parent && parent[0] == '/' ? parent : P_tmpdir);
	if (!mkdtemp(command->point))
		return error_set(error, -errno, "%s: %s", command->point, strerror(errno));
	int status = start_mount(store, command->point);
	command->is_own = status == 0;
	if (status == 0)
		return 0;
	rmdir(command->point);
	return error_set(error, -EIO,
		status == STATUS_LAST ? "pitrfs could not be started; it should stand beside pitr, or in PATH"
				      : "the store could not be mounted for the command");
}

int find_command_begin(struct find_command *command, const struct tool *tool, const char *table, bool is_ended,
	char **arguments, int64_t time_us, struct error *error)
{
	const char *store = history_directory(tool->history);
	*command = (struct find_command){ .table = table, .is_ended = is_ended, .arguments = arguments };
	hold_signals();
	return find_mount(command, store, time_us) ? 0 : make_mount(command, store, error);
}

/* What the command has left behind may still be in it: it is given a moment, and then does not keep the mount from going. */
void find_command_end(struct find_command *command)
{
	if (command->is_own) {
		int status = mounts_end(command->point, /* is_lazy= */ false);
		for (int i = 0; i < BUSY_TRIES && status > 0; i++) {
			usleep(BUSY_WAIT_US);
			status = mounts_end(command->point, /* is_lazy= */ i == BUSY_TRIES - 1);
		}
		if (status != 0)
			tool_say("pitr: %s could not be unmounted; `fusermount3 -uz %s` does it", command->point,
				command->point);
		rmdir(command->point);
	}
	release_signals();
}

/* --- The command ---------------------------------------------------------------------------------------------------- */

/* In the child. What fails is told by its number. */
static void run_child(const struct find_command *command, const char *directory, int64_t time_us, int told)
{
	char instant[INSTANT_TEXT_MAX];
	instant_format(time_us, instant, sizeof(instant));
	for (size_t i = 0; i < ENDING_COUNT; i++)
		sigaction(ending[i], &before[i], NULL);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	if (chdir(directory) == 0 && setenv("PITR_INSTANT", instant, 1) == 0 &&
		setenv("PITR_TABLE", command->table, 1) == 0 && setenv("PWD", directory, 1) == 0)
		execvp(command->arguments[0], command->arguments);
	int code = errno;
	if (write(told, &code, sizeof(code)) < 0)
		_exit(STATUS_LAST);
	_exit(STATUS_LAST);
}

/* Its exit status; -ENOEXEC and why in *ret_code when it was not run. */
static int run(const struct find_command *command, const char *directory, int64_t time_us, int *ret_code)
{
	int ends[2];
	*ret_code = 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	fflush(stdout);
	pid_t child = fork();
	if (child == 0)
		run_child(command, directory, time_us, ends[1]);
	close(ends[1]);
	running = child;
	if (came && child > 0)
		kill(child, came);
	int status = child < 0 ? -errno : wait_for(child);
	running = 0;
	if (read(ends[0], ret_code, sizeof(*ret_code)) == (ssize_t)sizeof(*ret_code))
		status = -ENOEXEC;
	close(ends[0]);
	return status;
}

int find_command_run(struct find_command *command, int64_t time_us, struct error *error)
{
	char directory[PATH_MAX];
	int code;
	if (came)
		return error_set(error, -EINTR, "interrupted");
	if (!make_path(command, command->point, time_us, directory))
		return error_set(error, -ENAMETOOLONG, "%s: the path is too long", command->point);
	int status = run(command, directory, time_us, &code);
	if (came)
		return error_set(error, -EINTR, "interrupted");
	if (status == -ENOEXEC)
		return error_set(error, -code, "%s could not be run in %s: %s", command->arguments[0], directory,
			strerror(code));
	if (status < 0)
		return error_set(error, status, "%s could not be run: %s", command->arguments[0], strerror(-status));
	if (status > STATUS_LAST)
		return error_set(error, -ECANCELED, "%s ended with status %d in %s: that ends the search",
			command->arguments[0], status, directory);
	return status == 0 ? 1 : status == STATUS_CANNOT_TELL ? 2 : 0;
}
