#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FILE_TEXT_MAX 31

enum clock_mode { CLOCK_WALL, CLOCK_STOPPED, CLOCK_SHIFTED, CLOCK_FILE };

static struct {
	pthread_mutex_t lock;
	enum clock_mode mode;
	int64_t value_us;
	char path[PATH_MAX];
} state = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int64_t wall_clock_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

void clock_deadline(int ms, struct timespec *ret_until)
{
	clock_gettime(CLOCK_MONOTONIC, ret_until);
	ret_until->tv_sec += ms / 1000;
	ret_until->tv_nsec += ms % 1000 * 1000000L;
	if (ret_until->tv_nsec >= 1000000000L) {
		ret_until->tv_sec++;
		ret_until->tv_nsec -= 1000000000L;
	}
}

bool clock_is_past(const struct timespec *until)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec != until->tv_sec ? now.tv_sec > until->tv_sec : now.tv_nsec >= until->tv_nsec;
}

static int64_t shifted_us(int64_t offset_us)
{
	int64_t shifted;
	if (__builtin_add_overflow(wall_clock_us(), offset_us, &shifted))
		return offset_us < 0 ? INT64_MIN : INT64_MAX;
	return shifted;
}

/* The text of the clock file, without the white space at its end. False when it cannot be read or is too long. */
static bool read_clock_file(const char *path, char text[FILE_TEXT_MAX + 1])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	ssize_t size = read(fd, text, FILE_TEXT_MAX + 1);
	close(fd);
	if (size < 0 || size > FILE_TEXT_MAX)
		return false;
	while (size > 0 && strchr(" \t\r\n", text[size - 1]))
		size--;
	text[size] = '\0';
	return true;
}

static bool parse_digits(const char *digits, int64_t *ret_value)
{
	int64_t value = 0;
	if (*digits == '\0')
		return false;
	for (; *digits; digits++) {
		if (*digits < '0' || *digits > '9')
			return false;
		if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *digits - '0', &value))
			return false;
	}
	*ret_value = value;
	return true;
}

static int64_t file_clock_us(const char *path)
{
	char text[FILE_TEXT_MAX + 1];
	int64_t value;
	if (!read_clock_file(path, text))
		return wall_clock_us();
	bool is_offset = text[0] == '+' || text[0] == '-';
	if (!parse_digits(text + is_offset, &value))
		return wall_clock_us();
	if (!is_offset)
		return value;
	return shifted_us(text[0] == '-' ? -value : value);
}

int64_t clock_now_us(void)
{
	int64_t now_us = 0;
	pthread_mutex_lock(&state.lock);
	switch (state.mode) {
	case CLOCK_WALL:
		now_us = wall_clock_us();
		break;
	case CLOCK_STOPPED:
		now_us = state.value_us;
		break;
	case CLOCK_SHIFTED:
		now_us = shifted_us(state.value_us);
		break;
	case CLOCK_FILE:
		now_us = file_clock_us(state.path);
		break;
	}
	pthread_mutex_unlock(&state.lock);
	return now_us;
}

static void set_mode(enum clock_mode mode, int64_t value_us)
{
	pthread_mutex_lock(&state.lock);
	state.mode = mode;
	state.value_us = value_us;
	pthread_mutex_unlock(&state.lock);
}

void clock_set(int64_t time_us)
{
	set_mode(CLOCK_STOPPED, time_us);
}

void clock_shift(int64_t offset_us)
{
	set_mode(CLOCK_SHIFTED, offset_us);
}

int clock_use_file(const char *path)
{
	size_t length = strlen(path);
	if (length >= sizeof(state.path))
		return -ENAMETOOLONG;
	pthread_mutex_lock(&state.lock);
	memcpy(state.path, path, length + 1);
	state.mode = CLOCK_FILE;
	pthread_mutex_unlock(&state.lock);
	return 0;
}

void clock_reset(void)
{
	set_mode(CLOCK_WALL, 0);
}
