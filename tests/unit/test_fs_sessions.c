/* Sessions in restore/: they last as long as who copies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/sessions.h"

static struct sessions *sessions;

static int set_up(void **state)
{
	(void)state;
	return sessions_new(&sessions);
}

static int tear_down(void **state)
{
	(void)state;
	sessions_free(sessions);
	return 0;
}

/* A process that lives until it is killed. */
static pid_t start_process(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	assert_true(pid > 0);
	return pid;
}

/* Killed, but not waited for: its number is still taken. */
static void kill_process(pid_t pid)
{
	siginfo_t info;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

static bool is_busy(uint32_t table)
{
	bool is_known;

	return sessions_is_busy(sessions, table, &is_known);
}

static bool is_known(uint32_t table)
{
	bool is;

	(void)sessions_is_busy(sessions, table, &is);
	return is;
}

static void it_lasts_while_one_of_its_processes_lives(void **state)
{
	pid_t maker = start_process(), writer = start_process();

	(void)state;
	assert_false(sessions_any(sessions));
	sessions_made(sessions, 7, maker);
	sessions_wrote(sessions, 7, writer);
	assert_true(is_busy(7) && sessions_is_open(sessions, 7) && sessions_any(sessions));
	assert_false(is_known(8) || sessions_is_open(sessions, 8));
	kill_process(maker);
	assert_true(is_busy(7));
	kill_process(writer);
	assert_false(is_busy(7));
	assert_true(is_known(7) && sessions_is_open(sessions, 7));
	usleep(SESSION_GRACE_MS * 1000 + 100000);
	assert_false(sessions_is_open(sessions, 7) || sessions_any(sessions));
	waitpid(maker, NULL, 0);
	waitpid(writer, NULL, 0);
}

static void a_process_that_is_not_there_leaves_a_moment(void **state)
{
	(void)state;
	sessions_made(sessions, 7, 0);
	assert_false(is_busy(7));
	assert_true(sessions_is_open(sessions, 7));
	sessions_wrote(sessions, 7, getpid());
	assert_true(is_busy(7));
}

static void keys_are_settled_once(void **state)
{
	(void)state;
	sessions_set_keys(sessions, 7);
	assert_false(sessions_has_keys(sessions, 7));
	sessions_made(sessions, 7, getpid());
	assert_false(sessions_has_keys(sessions, 7));
	sessions_set_keys(sessions, 7);
	assert_true(sessions_has_keys(sessions, 7));
	assert_false(sessions_has_keys(sessions, 8));
}

static void of_too_many_the_oldest_goes(void **state)
{
	(void)state;
	sessions_made(sessions, 1, getpid());
	usleep(20000);
	for (uint32_t table = 2; table <= SESSIONS_MAX + 1; table++)
		sessions_made(sessions, table, getpid());
	assert_false(is_known(1));
	assert_true(is_known(2) && is_known(SESSIONS_MAX + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_lasts_while_one_of_its_processes_lives, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_process_that_is_not_there_leaves_a_moment, set_up, tear_down),
		cmocka_unit_test_setup_teardown(keys_are_settled_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(of_too_many_the_oldest_goes, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
