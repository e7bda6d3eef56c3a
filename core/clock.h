/* The only source of "now". Times are microseconds since 1970-01-01T00:00:00Z, signed 64 bits, without leap seconds. */
#ifndef PITR_CLOCK_H
#define PITR_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define SECOND_US INT64_C(1000000)
#define DAY_US (INT64_C(86400) * SECOND_US)
#define TIME_MAX_US ((INT64_C(1) << 56) - 1) /* year 4253: the largest time that fits a stored key */

/* The wall clock, or what clock_set/clock_shift made of it. Thread-safe. May step backwards, as wall clocks do. */
int64_t clock_now_us(void);

/* `ms` from now on CLOCK_MONOTONIC, for timed waits: steps of the wall clock do not touch it, nor does what follows. */
struct timespec;
void clock_deadline(int ms, struct timespec *ret_until);
bool clock_is_past(const struct timespec *until); /* zero: long ago */

/* For tests. clock_set stops the clock at `time_us`; clock_shift makes it run `offset_us` beside the wall clock.
 * clock_use_file reads the clock from a file that holds one decimal number, either the stopped time in microseconds
 * ("1740832200000000") or an offset with a sign ("+3600000000", "-5"); read anew at every call, so that a test can
 * move the clock of a running process. An unreadable file means the wall clock. clock_reset goes back to it. */
void clock_set(int64_t time_us);
void clock_shift(int64_t offset_us);
int clock_use_file(const char *path); /* path is copied; 0 or -ENAMETOOLONG */
void clock_reset(void);

#endif
