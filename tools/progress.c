#include "tools/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "tools/screen.h"

#define SHOW_AFTER_US 1000000
#define SHOW_EVERY_US 200000

static int64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void progress_begin(struct progress *progress)
{
	*progress =
		(struct progress){ .is_terminal = isatty(STDERR_FILENO) && !screen_is_paged(), .began_us = now_us() };
}

void progress_show(struct progress *progress, const char *format, ...)
{
	va_list arguments;
	int64_t at_us = now_us();
	if (!progress->is_terminal || at_us - progress->began_us < SHOW_AFTER_US ||
		at_us - progress->shown_us < SHOW_EVERY_US)
		return;
	progress->shown_us = at_us;
	progress->is_shown = true;
	fputs("\r\033[K", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fflush(stderr);
}

void progress_end(struct progress *progress)
{
	if (progress->is_shown)
		fputs("\r\033[K", stderr);
	progress->is_shown = false;
}

int64_t progress_elapsed_us(const struct progress *progress)
{
	return now_us() - progress->began_us;
}
