#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The child has said itself what went wrong. */
static _Noreturn void wait_for_child(int fd)
{
	char told = 'f';

	while (read(fd, &told, 1) < 0 && errno == EINTR)
		;
	_exit(told == 's' ? EXIT_SUCCESS : EXIT_FAILURE);
}

int daemon_start(struct daemon_waiters *waiters)
{
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	fflush(NULL);
	child = fork();
	if (child < 0)
		return -errno;
	if (child > 0) {
		close(ends[1]);
		wait_for_child(ends[0]);
	}
	close(ends[0]);
	waiters->parent_fd = ends[1];
	setsid();
	return 0;
}

static void leave_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		if (null > STDERR_FILENO)
			close(null);
	}
	(void)!chdir("/");
}

static void tell(int *fd, bool is_ready)
{
	if (*fd < 0)
		return;
	(void)!write(*fd, is_ready ? "s" : "f", 1);
	close(*fd);
	*fd = -1;
}

void daemon_tell(struct daemon_waiters *waiters, bool is_ready)
{
	if (waiters->parent_fd >= 0 && is_ready)
		leave_terminal();
	tell(&waiters->ready_fd, is_ready);
	tell(&waiters->parent_fd, is_ready);
}
