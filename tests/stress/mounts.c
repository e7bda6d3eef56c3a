#include "tests/stress/mounts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_MS 60000
#define END_MS 30000

void mount_make(unsigned number, bool is_read_only)
{
	struct mount_point *mount = &world->mounts[number];
	snprintf(mount->path, sizeof(mount->path), "%.400s/mount-%u", world->directory, number);
	mount->is_read_only = is_read_only;
	atomic_store(&mount->generation, 1);
	mkdir(mount->path, 0700);
}

static void become_mount(const struct mount_point *mount, int ready, const char *options)
{
	char log[PATH_SIZE + 20];
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	snprintf(log, sizeof(log), "%s.log", mount->path);
	int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600), in = open("/dev/null", O_RDONLY);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	dup2(ready, 9);
	close(ready);
	execl(world->pitrfs, world->pitrfs, world->store, mount->path, "-f", "-o", options, (char *)NULL);
	_exit(127);
}

static void choose_options(const struct mount_point *mount, char *ret_options, size_t size)
{
	snprintf(ret_options, size, "ready_fd=9,clock_file=%s%s%s%s", getenv("PITR_CLOCK_FILE"),
		mount->is_read_only ? ",ro" : "", below(2) ? ",powersave" : "", below(4) ? "" : ",xattr");
}

bool mount_start(unsigned number)
{
	struct mount_point *mount = &world->mounts[number];
	char options[2 * PATH_SIZE], answer = 'f';
	int ready[2];
	choose_options(mount, options, sizeof(options));
	if (pipe2(ready, O_CLOEXEC) < 0)
		return false;
	/* Shared, so that the child must not write it. */
	pid_t process = fork();
	if (process == 0)
		become_mount(mount, ready[1], options);
	mount->process = process;
	close(ready[1]);
	struct pollfd poll_fd = { .fd = ready[0], .events = POLLIN };
	if (poll(&poll_fd, 1, READY_MS) <= 0 || read(ready[0], &answer, 1) != 1 || answer != 's')
		fail(0, "%s could not be mounted", mount->path);
	close(ready[0]);
	if (answer != 's')
		return false;
	atomic_fetch_add(&mount->generation, 1);
	return true;
}

static int unmount(const struct mount_point *mount, bool is_lazy)
{
	char output[PATH_SIZE + 20];
	snprintf(output, sizeof(output), "%s.unmounting", mount->path);
	char *arguments[] = { (char *)"fusermount3", (char *)(is_lazy ? "-uz" : "-u"), (char *)mount->path, NULL };
	return run(output, arguments);
}

/* Where the threads of a process stand, in the kernel. */
static void tell_threads(pid_t process)
{
	char command[200];
	snprintf(command, sizeof(command),
		"for t in /proc/%d/task/*; do printf '%%s %%s: ' \"${t##*/}\" \"$(cat $t/wchan)\"; tr '\\n' ' ' "
		"<$t/stack; echo; done",
		(int)process);
	char *arguments[] = { (char *)"sh", (char *)"-c", command, NULL };
	(void)run(NULL, arguments);
}

void mount_abort(unsigned number)
{
	struct mount_point *mount = &world->mounts[number];
	char command[2 * PATH_SIZE + 200];
	snprintf(command, sizeof(command),
		"device=$(awk -v at='%s' '$5 == at { print $3 }' /proc/self/mountinfo); "
		"echo 1 >/sys/fs/fuse/connections/${device#*:}/abort; fusermount3 -uz '%s'",
		mount->path, mount->path);
	char *arguments[] = { (char *)"sh", (char *)"-c", command, NULL };
	(void)run("/dev/null", arguments);
	if (mount->process > 0)
		kill(mount->process, SIGKILL);
}

static void wait_for_end(unsigned number)
{
	struct mount_point *mount = &world->mounts[number];
	int64_t began_ms = now_ms();
	int status = 0;
	while (waitpid(mount->process, &status, WNOHANG) == 0) {
		if (now_ms() - began_ms > END_MS) {
			fail(0, "%s: its process %d doesn't end", mount->path, (int)mount->process);
			tell_threads(mount->process);
			mount_abort(number);
			waitpid(mount->process, &status, 0);
			break;
		}
		sleep_ms(2);
	}
	if (status)
		fail(0, "%s: its process ended with status 0x%x", mount->path, (unsigned)status);
	mount->process = 0;
}

void mount_finish(unsigned number, enum mount_end how)
{
	struct mount_point *mount = &world->mounts[number];
	int64_t began_ms = now_ms();
	int status = 0;
	atomic_fetch_add(&mount->generation, 1);
	if (how == END_SIGNAL)
		kill(mount->process, SIGTERM);
	/* Busy for as long as somebody has not noticed. */
	while (how == END_UNMOUNT && (status = unmount(mount, false)) != 0 && now_ms() - began_ms < 1000)
		sleep_ms(10);
	if (status || how == END_LAZILY)
		status = unmount(mount, true);
	if (status)
		fail(0, "fusermount3 %s: exit status %d", mount->path, status);
	wait_for_end(number);
	/* Who came between found an empty directory. */
	DIR *directory = opendir(mount->path);
	for (struct dirent *entry; directory && (entry = readdir(directory));)
		if (entry->d_name[0] != '.')
			(void)unlinkat(dirfd(directory), entry->d_name, AT_REMOVEDIR);
	if (directory)
		closedir(directory);
	atomic_fetch_add(&world->ends, 1);
}

bool has_findings(void)
{
	char command[2 * PATH_SIZE + 200];
	snprintf(command, sizeof(command), "cat '%s'/sanitizer.* '%s'/mount-*.log 2>/dev/null | head -n 300 | grep .",
		world->directory, world->directory);
	char *arguments[] = { (char *)"sh", (char *)"-c", command, NULL };
	return run(NULL, arguments) == 0;
}
