#include "tools/chart_axis.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "calendar.h"
#include "clock.h"

static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* --- Numbers -------------------------------------------------------------------------------------------------------- */

void axis_count(uint64_t count, char text[32])
{
	char digits[24];
	size_t length = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, count), to = 0;
	for (size_t i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			text[to++] = ',';
		text[to++] = digits[i];
	}
	text[to] = '\0';
}

void axis_short(uint64_t count, char text[32])
{
	static const char units[] = "kMGTPE";
	double scaled = (double)count;
	int unit = -1;
	while (scaled >= 999.5 && unit < 5) {
		scaled /= 1000;
		unit++;
	}
	if (count < 10000)
		axis_count(count, text);
	else
		snprintf(text, 32, scaled < 9.95 ? "%.1f%c" : "%.0f%c", scaled, units[unit]);
}

void axis_duration(int64_t duration_us, char text[32])
{
	static const struct {
		const char *name;
		int64_t us;
	} units[] = { { "day", DAY_US }, { "h", 3600 * SECOND_US }, { "min", 60 * SECOND_US }, { "s", SECOND_US } };
	int64_t seconds_us = (duration_us + SECOND_US / 2) / SECOND_US * SECOND_US;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		int64_t count = seconds_us / units[i].us, rest = i < 3 ? seconds_us % units[i].us / units[i + 1].us : 0;
		if (count == 0)
			continue;
		int length =
			snprintf(text, 32, "%" PRId64 " %s%s", count, units[i].name, i == 0 && count > 1 ? "s" : "");
		if (rest > 0 && count < 10)
			snprintf(text + length, 32 - (size_t)length, " %" PRId64 " %s", rest, units[i + 1].name);
		return;
	}
	snprintf(text, 32, "%" PRId64 " ms", duration_us / 1000);
}

/* --- Times ---------------------------------------------------------------------------------------------------------- */

/* Of seconds, or of months. */
static const struct step {
	int64_t seconds, months;
} steps[] = { { 1, 0 }, { 2, 0 }, { 5, 0 }, { 10, 0 }, { 15, 0 }, { 30, 0 }, { 60, 0 }, { 120, 0 }, { 300, 0 },
	{ 600, 0 }, { 900, 0 }, { 1800, 0 }, { 3600, 0 }, { 7200, 0 }, { 10800, 0 }, { 21600, 0 }, { 43200, 0 },
	{ 86400, 0 }, { 2 * 86400, 0 }, { 7 * 86400, 0 }, { 14 * 86400, 0 }, { 0, 1 }, { 0, 2 }, { 0, 3 }, { 0, 6 },
	{ 0, 12 }, { 0, 24 }, { 0, 60 }, { 0, 120 }, { 0, 240 }, { 0, 600 }, { 0, 1200 } };

static int64_t month_of(int64_t time_us)
{
	struct calendar_date date = calendar_date_of(calendar_divide(time_us, DAY_US));
	return date.year * 12 + date.month - 1;
}

static int64_t month_begin_us(int64_t month)
{
	struct calendar_date date = { month / 12, (int)(month % 12) + 1, 1 };
	return calendar_days(date) * DAY_US;
}

/* The first multiple of the step at or after a time. */
static int64_t round_up(const struct step *step, int64_t time_us)
{
	if (!step->months) {
		int64_t rest = calendar_remainder(time_us, step->seconds * SECOND_US);
		return rest ? time_us - rest + step->seconds * SECOND_US : time_us;
	}
	int64_t month = month_of(time_us - 1) + 1;
	return month_begin_us((month + step->months - 1) / step->months * step->months);
}

static void set_label(const struct step *step, struct tick *tick)
{
	int64_t days = calendar_divide(tick->time_us, DAY_US),
		seconds = calendar_remainder(tick->time_us, DAY_US) / SECOND_US;
	struct calendar_date date = calendar_date_of(days);
	int hour = (int)(seconds / 3600), minute = (int)(seconds / 60 % 60);
	const char *month = month_names + (ptrdiff_t)3 * (date.month - 1);
	if (step->months >= 12)
		snprintf(tick->label, sizeof(tick->label), "%d", (int)date.year);
	else if (step->months)
		snprintf(tick->label, sizeof(tick->label), "%.3s %d", month, (int)date.year);
	else if (seconds == 0)
		snprintf(tick->label, sizeof(tick->label), "%.3s %d", month, date.day);
	else if (step->seconds % 60 == 0)
		snprintf(tick->label, sizeof(tick->label), "%02d:%02d", hour, minute);
	else
		snprintf(tick->label, sizeof(tick->label), "%02d:%02d:%02d", hour, minute, (int)(seconds % 60));
}

static size_t count_ticks(const struct step *step, int64_t begin_us, int64_t end_us, size_t most, struct tick *ticks)
{
	size_t count = 0;
	for (int64_t at = round_up(step, begin_us); at < end_us; at = round_up(step, at + 1)) {
		if (count == most)
			return most + 1;
		ticks[count].time_us = at;
		set_label(step, &ticks[count++]);
	}
	return count;
}

size_t axis_ticks(int64_t begin_us, int64_t end_us, size_t most, struct tick ticks[TICKS_MAX])
{
	if (most > TICKS_MAX)
		most = TICKS_MAX;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		size_t count = count_ticks(&steps[i], begin_us, end_us, most, ticks);
		if (count <= most)
			return count;
	}
	return 0;
}
