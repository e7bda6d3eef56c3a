#include "zone_rule.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "calendar.h"

#define NAME_LENGTH_MIN 3
#define OFFSET_HOURS_MAX 24
#define RULE_HOURS_MAX 167
#define HOUR_SECONDS 3600

static bool take(struct reader *r, char wanted)
{
	if (reader_left(r) == 0 || *r->at != (uint8_t)wanted)
		return false;
	r->at++;
	return true;
}

static bool is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

static bool is_letter(uint8_t byte)
{
	return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

static bool take_number(struct reader *r, int min, int max, int *ret_value)
{
	int value = 0;
	if (reader_left(r) == 0 || !is_digit(*r->at))
		return false;
	while (reader_left(r) > 0 && is_digit(*r->at) && value <= max)
		value = value * 10 + (*r->at++ - '0');
	*ret_value = value;
	return value >= min && value <= max;
}

/* A zone's abbreviation: letters, or letters, digits and signs in angle brackets. */
static bool skip_name(struct reader *r)
{
	bool is_quoted = take(r, '<');
	const uint8_t *start = r->at;
	while (reader_left(r) > 0) {
		uint8_t byte = *r->at;
		if (!is_letter(byte) && !(is_quoted && (is_digit(byte) || byte == '+' || byte == '-')))
			break;
		r->at++;
	}
	return r->at - start >= NAME_LENGTH_MIN && (!is_quoted || take(r, '>'));
}

/* [+-]h[h][:mm[:ss]] */
static bool take_time(struct reader *r, int hours_max, int *ret_seconds)
{
	int hours, minutes = 0, seconds = 0;
	bool is_negative = take(r, '-');
	if (!is_negative)
		take(r, '+');
	if (!take_number(r, 0, hours_max, &hours))
		return false;
	if (take(r, ':')) {
		if (!take_number(r, 0, 59, &minutes))
			return false;
		if (take(r, ':') && !take_number(r, 0, 59, &seconds))
			return false;
	}
	int total = hours * HOUR_SECONDS + minutes * 60 + seconds;
	*ret_seconds = is_negative ? -total : total;
	return true;
}

/* POSIX counts offsets to the west; here they are to the east. */
static bool take_offset(struct reader *r, int *ret_offset)
{
	int west;
	if (!take_time(r, OFFSET_HOURS_MAX, &west))
		return false;
	*ret_offset = -west;
	return true;
}

static bool take_weekday(struct reader *r, struct zone_day *ret_day)
{
	ret_day->kind = ZONE_DAY_WEEKDAY;
	return take_number(r, 1, 12, &ret_day->month) && take(r, '.') && take_number(r, 1, 5, &ret_day->week) &&
	       take(r, '.') && take_number(r, 0, 6, &ret_day->day);
}

/* ,date[/time] */
static bool take_day(struct reader *r, struct zone_day *ret_day)
{
	bool is_date = false;
	*ret_day = (struct zone_day){ .seconds = 2 * HOUR_SECONDS };
	if (!take(r, ','))
		return false;
	if (take(r, 'M')) {
		is_date = take_weekday(r, ret_day);
	} else if (take(r, 'J')) {
		ret_day->kind = ZONE_DAY_JULIAN;
		is_date = take_number(r, 1, 365, &ret_day->day);
	} else {
		ret_day->kind = ZONE_DAY_NUMBER;
		is_date = take_number(r, 0, 365, &ret_day->day);
	}
	return is_date && (!take(r, '/') || take_time(r, RULE_HOURS_MAX, &ret_day->seconds));
}

static bool take_summer(struct reader *r, struct zone_rule *rule)
{
	rule->has_summer = true;
	rule->summer_offset = rule->standard_offset + HOUR_SECONDS;
	if (!skip_name(r))
		return false;
	if (reader_left(r) > 0 && *r->at != ',' && !take_offset(r, &rule->summer_offset))
		return false;
	return take_day(r, &rule->summer_begins) && take_day(r, &rule->summer_ends);
}

int zone_rule_parse(struct slice text, struct zone_rule *ret_rule)
{
	struct reader r = reader_of(text);
	struct zone_rule rule = { 0 };
	if (!skip_name(&r) || !take_offset(&r, &rule.standard_offset))
		return -EINVAL;
	if (reader_left(&r) > 0 && !take_summer(&r, &rule))
		return -EINVAL;
	if (reader_left(&r) > 0)
		return -EINVAL;
	*ret_rule = rule;
	return 0;
}

static int64_t days_of_weekday(const struct zone_day *day, int64_t year)
{
	int64_t first = calendar_days((struct calendar_date){ year, day->month, 1 });
	int64_t to_weekday = calendar_remainder(day->day - calendar_weekday(first), 7);
	int64_t of_month = to_weekday + 7 * (day->week - 1);
	if (of_month >= calendar_month_days(year, day->month))
		of_month -= 7;
	return first + of_month;
}

/* The moment of a rule's day, in seconds of a clock that shows `offset`. */
static int64_t moment(const struct zone_day *day, int64_t year, int offset)
{
	int64_t days = calendar_days((struct calendar_date){ year, 1, 1 });
	switch (day->kind) {
	case ZONE_DAY_WEEKDAY:
		days = days_of_weekday(day, year);
		break;
	case ZONE_DAY_JULIAN:
		days += day->day - 1 + (calendar_is_leap_year(year) && day->day >= 60);
		break;
	case ZONE_DAY_NUMBER:
		days += day->day;
		break;
	}
	return days * CALENDAR_DAY_SECONDS + day->seconds - offset;
}

void zone_rule_changes(const struct zone_rule *rule, int64_t year, struct zone_change ret_changes[2])
{
	assert(rule->has_summer);
	struct zone_change begin = { moment(&rule->summer_begins, year, rule->standard_offset), rule->summer_offset };
	struct zone_change end = { moment(&rule->summer_ends, year, rule->summer_offset), rule->standard_offset };
	bool is_begin_first = begin.at <= end.at;
	ret_changes[0] = is_begin_first ? begin : end;
	ret_changes[1] = is_begin_first ? end : begin;
}
