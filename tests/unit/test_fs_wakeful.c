/* A regular file stands for the kernel's device. */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fs/wakeful.h"

static char device[] = "/tmp/pitr-wakeful-XXXXXX";

static int make_device(void **state)
{
	int fd = mkstemp(device);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_device(void **state)
{
	(void)state;
	return unlink(device);
}

static off_t asked_bytes(void)
{
	struct stat stat_of;

	assert_int_equal(stat(device, &stat_of), 0);
	return stat_of.st_size;
}

static void awake_while_requests_come_in(void **state)
{
	struct wakeful wakeful;
	uint64_t requests = 0;

	(void)state;
	wakeful_begin(&wakeful, device);
	for (int i = 0; i < 3; i++)
		wakeful_tick(&wakeful, requests += WAKEFUL_REQUESTS - 1);
	assert_int_equal(asked_bytes(), 0);
	wakeful_tick(&wakeful, requests += WAKEFUL_REQUESTS);
	assert_true(wakeful.fd >= 0);
	assert_int_equal(asked_bytes(), 4);
	for (int i = 0; i < WAKEFUL_TICKS; i++)
		wakeful_tick(&wakeful, requests);
	assert_true(wakeful.fd >= 0);
	wakeful_tick(&wakeful, requests);
	assert_int_equal(wakeful.fd, -1);
	wakeful_tick(&wakeful, requests + WAKEFUL_REQUESTS);
	assert_true(wakeful.fd >= 0);
	wakeful_end(&wakeful);
	assert_int_equal(wakeful.fd, -1);
}

static void without_the_right_nothing_is_done(void **state)
{
	struct wakeful wakeful;

	(void)state;
	wakeful_begin(&wakeful, "/nonexistent/device");
	wakeful_tick(&wakeful, 1000);
	assert_int_equal(wakeful.fd, -1);
	wakeful_tick(&wakeful, 2000);
	assert_int_equal(wakeful.fd, -1);
	wakeful_begin(&wakeful, NULL);
	wakeful_tick(&wakeful, 1000);
	assert_int_equal(wakeful.fd, -1);
	wakeful_end(&wakeful);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(awake_while_requests_come_in, make_device, remove_device),
		cmocka_unit_test(without_the_right_nothing_is_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
