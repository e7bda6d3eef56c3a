/* Scales as people read them: times on an axis, and numbers and durations in words. */
#ifndef PITR_TOOLS_CHART_AXIS_H
#define PITR_TOOLS_CHART_AXIS_H

#include <stddef.h>
#include <stdint.h>

#define TICKS_MAX 32

struct tick {
	int64_t time_us;
	char label[16]; /* "09:15", "Mar 1", "Mar 2021" */
};

/* Round times with begin <= time < end, at most `most` (up to TICKS_MAX). How many. */
size_t axis_ticks(int64_t begin_us, int64_t end_us, size_t most, struct tick ticks[TICKS_MAX]);

/* 1,234,567 */
void axis_count(uint64_t count, char text[32]);
/* The same in at most 5 characters: 1.2M. */
void axis_short(uint64_t count, char text[32]);
/* 40 s, 1 min 20 s, 2 h, 14 days */
void axis_duration(int64_t duration_us, char text[32]);

#endif
