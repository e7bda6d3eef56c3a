#include "instant.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "calendar.h"
#include "clock.h"
#include "instant_zone.h"

#define YEAR_FIRST 1970
#define YEAR_LAST 4252
#define EPOCH_DIGITS 10
#define FRACTION_DIGITS 6
#define SHOWN_MAX 60

#define ACCEPTED_FORMS                                                                                                 \
	"write 2025-03-01T12:30:00 (also with .123456, Z or +02:00), 20250301T123000Z, 2025-03-01, 1740832200, -15m, " \
	"latest, earliest or seq-123"

/* A time of day on a date, as written. */
struct local_time {
	struct calendar_date date;
	int hour, minute, second;
	int64_t fraction_us;
	bool has_offset;
	int offset;
};

static bool is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

static bool take(struct reader *r, char wanted)
{
	if (reader_left(r) == 0 || *r->at != (uint8_t)wanted)
		return false;
	r->at++;
	return true;
}

static size_t digits_ahead(const struct reader *r)
{
	size_t count = 0;
	while (count < reader_left(r) && is_digit(r->at[count]))
		count++;
	return count;
}

/* Exactly `count` digits, which may be followed by more. */
static bool take_number(struct reader *r, size_t count, int64_t *ret_value)
{
	int64_t value = 0;
	if (digits_ahead(r) < count)
		return false;
	for (size_t i = 0; i < count; i++)
		value = value * 10 + (*r->at++ - '0');
	*ret_value = value;
	return true;
}

static bool take_two(struct reader *r, int *ret_value)
{
	int64_t value;
	if (!take_number(r, 2, &value))
		return false;
	*ret_value = (int)value;
	return true;
}

/* The parsers of parts return NULL, or the reason for a refusal. */

static const char *take_fraction(struct reader *r, int64_t *ret_us)
{
	int64_t value = 0;
	*ret_us = 0;
	if (!take(r, '.'))
		return NULL;
	size_t count = digits_ahead(r);
	if (count == 0)
		return "digits are missing after the point";
	for (size_t i = 0; i < count || i < FRACTION_DIGITS; i++) {
		int digit = i < count ? *r->at++ - '0' : 0;
		if (i >= FRACTION_DIGITS && digit != 0)
			return "times are kept to the microsecond, 6 digits after the point";
		if (i < FRACTION_DIGITS)
			value = value * 10 + digit;
	}
	*ret_us = value;
	return NULL;
}

static const char *take_date(struct reader *r, struct calendar_date *ret_date)
{
	size_t digits = digits_ahead(r);
	if (digits != 4 && digits != 8)
		return "a date has 4 digits of year, or 8 digits in all; epoch seconds have 10 digits";
	bool has_dashes = digits == 4;
	if (!take_number(r, 4, &ret_date->year) || (has_dashes && !take(r, '-')) || !take_two(r, &ret_date->month) ||
		(has_dashes && !take(r, '-')) || !take_two(r, &ret_date->day))
		return "the date is not complete";
	if (ret_date->year < YEAR_FIRST || ret_date->year > YEAR_LAST)
		return "years are 1970 to 4252";
	if (!calendar_is_date(*ret_date))
		return "there is no such day";
	return NULL;
}

static const char *take_time_of_day(struct reader *r, struct local_time *local)
{
	if (!take_two(r, &local->hour))
		return "the hour is missing";
	bool has_colons = take(r, ':');
	if (!take_two(r, &local->minute))
		return "the minute is missing";
	bool has_seconds = has_colons ? take(r, ':') : digits_ahead(r) > 0;
	if (has_seconds && !take_two(r, &local->second))
		return "the second is missing";
	if (local->hour > 23)
		return "hours are 00 to 23";
	if (local->minute > 59)
		return "minutes are 00 to 59";
	if (local->second > 59)
		return "seconds are 00 to 59, leap seconds are not kept";
	return has_seconds ? take_fraction(r, &local->fraction_us) : NULL;
}

static const char *take_offset(struct reader *r, struct local_time *local)
{
	if (reader_left(r) == 0)
		return NULL;
	local->has_offset = true;
	struct slice rest = slice_of(r->at, reader_left(r));
	bool is_utc = rest.size == 1 && (rest.data[0] == 'Z' || rest.data[0] == 'z');
	if (!is_utc && !instant_offset_parse(rest, &local->offset))
		return "what follows the time is not a zone; a zone is Z or an offset such as +02:00";
	r->at = r->end;
	return NULL;
}

static int64_t local_to_utc(const struct local_time *local, const struct instant_zone *zone)
{
	int64_t seconds = calendar_days(local->date) * CALENDAR_DAY_SECONDS + local->hour * 3600 + local->minute * 60 +
			  local->second;
	if (local->has_offset)
		return seconds - local->offset;
	return zone ? instant_zone_to_utc(zone, seconds) : seconds;
}

static const char *parse_calendar(struct reader *r, const struct instant_zone *zone, int64_t *ret_us)
{
	const int64_t end_seconds = calendar_days((struct calendar_date){ YEAR_LAST + 1, 1, 1 }) * CALENDAR_DAY_SECONDS;
	struct local_time local = { 0 };
	const char *reason = take_date(r, &local.date);
	if (!reason && (take(r, 'T') || take(r, 't'))) {
		reason = take_time_of_day(r, &local);
		if (!reason)
			reason = take_offset(r, &local);
	} else if (!reason && reader_left(r) > 0) {
		reason = "what follows the date is not a time of day that begins with T";
	}
	if (reason)
		return reason;
	int64_t seconds = local_to_utc(&local, zone);
	if (seconds < 0 || seconds >= end_seconds)
		return "years are 1970 to 4252";
	*ret_us = seconds * SECOND_US + local.fraction_us;
	return NULL;
}

static const char *parse_epoch(struct reader *r, int64_t *ret_us)
{
	int64_t seconds, fraction_us;
	if (!take_number(r, EPOCH_DIGITS, &seconds))
		return "epoch seconds have 10 digits";
	const char *reason = take_fraction(r, &fraction_us);
	if (!reason && reader_left(r) > 0)
		reason = "nothing may follow epoch seconds";
	if (!reason)
		*ret_us = seconds * SECOND_US + fraction_us;
	return reason;
}

static const char *parse_seq(struct reader *r, uint64_t *ret_seq)
{
	uint64_t seq = 0;
	size_t count = digits_ahead(r);
	if (count == 0 || count != reader_left(r) || (count > 1 && *r->at == '0'))
		return "a change number is decimal digits without leading zeros";
	while (reader_left(r) > 0) {
		uint64_t digit = (uint64_t)(*r->at++ - '0');
		if (__builtin_mul_overflow(seq, 10, &seq) || __builtin_add_overflow(seq, digit, &seq))
			return "no change number is that large";
	}
	*ret_seq = seq;
	return NULL;
}

static const char *parse_kind(struct slice text, const struct instant_zone *zone, struct instant *instant)
{
	struct reader r = reader_of(text);
	if (slice_equal(text, slice_of_text("latest"))) {
		instant->kind = INSTANT_LATEST;
		return NULL;
	}
	if (slice_equal(text, slice_of_text("earliest"))) {
		instant->kind = INSTANT_EARLIEST;
		return NULL;
	}
	if (slice_starts_with(text, "seq-")) {
		instant->kind = INSTANT_SEQ;
		r.at += 4;
		return parse_seq(&r, &instant->seq);
	}
	if (take(&r, '-')) {
		instant->kind = INSTANT_BEFORE_NOW;
		if (instant_parse_duration(slice_of(r.at, reader_left(&r)), &instant->time_us) < 0)
			return "a time before now is numbers with the units w d h m s in that order, such as -2h30m";
		return NULL;
	}
	instant->kind = INSTANT_AT;
	if (digits_ahead(&r) == 0)
		return text.size == 0 ? "there is nothing" : "it does not begin like a time";
	if (digits_ahead(&r) == EPOCH_DIGITS)
		return parse_epoch(&r, &instant->time_us);
	return parse_calendar(&r, zone, &instant->time_us);
}

/* Text from outside, fit for one line of a message. */
static void show(struct slice text, char shown[SHOWN_MAX + 4])
{
	size_t size = text.size < SHOWN_MAX ? text.size : SHOWN_MAX;
	for (size_t i = 0; i < size; i++)
		shown[i] = text.data[i] >= ' ' && text.data[i] <= '~' ? (char)text.data[i] : '?';
	strcpy(shown + size, text.size > size ? "..." : "");
}

int instant_parse(struct slice text, const struct instant_zone *zone, struct instant *ret_instant, struct error *error)
{
	struct instant instant = { 0 };
	const char *reason = parse_kind(text, zone, &instant);
	if (reason) {
		char shown[SHOWN_MAX + 4];
		show(text, shown);
		return error_set(error, -EINVAL, "cannot read '%s' as a time: %s; " ACCEPTED_FORMS, shown, reason);
	}
	*ret_instant = instant;
	return 0;
}

int instant_parse_option(
	const char *text, const struct instant_zone *zone, struct instant *ret_instant, struct error *error)
{
	if (text[0] == '@')
		text++;
	if (strcmp(text, "now") == 0) {
		*ret_instant = (struct instant){ .kind = INSTANT_BEFORE_NOW };
		return 0;
	}
	return instant_parse(slice_of_text(text), zone, ret_instant, error);
}

/* The fraction's digits without the zeros at its end, with the point; nothing when it is zero. */
static char *put_digits(char *at, int number, unsigned width)
{
	for (unsigned i = width; i-- > 0; number /= 10)
		at[i] = (char)('0' + number % 10);
	return at + width;
}

static void format_fraction(int fraction_us, char text[FRACTION_DIGITS + 2])
{
	text[0] = '\0';
	if (fraction_us == 0)
		return;
	text[0] = '.';
	char *end = put_digits(text + 1, fraction_us, FRACTION_DIGITS);
	while (end[-1] == '0')
		end--;
	*end = '\0';
}

/* This is done for every change that is written. */
static size_t put_date_and_time(const struct calendar_date *date, int of_day, char *text)
{
	const int numbers[] = { (int)date->year, date->month, date->day, of_day / 3600, of_day / 60 % 60, of_day % 60 };
	static const char ends[] = "--T::";
	char *at = text;
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		at = put_digits(at, numbers[i], i ? 2 : 4);
		*at++ = ends[i];
	}
	return (size_t)(at - 1 - text);
}

static size_t format(int64_t time_us, const char *suffix, char *text, size_t size)
{
	int64_t seconds = calendar_divide(time_us, SECOND_US);
	struct calendar_date date = calendar_date_of(calendar_divide(seconds, CALENDAR_DAY_SECONDS));
	int of_day = (int)calendar_remainder(seconds, CALENDAR_DAY_SECONDS);
	char fraction[FRACTION_DIGITS + 2];
	assert(size >= INSTANT_TEXT_MAX);
	format_fraction((int)calendar_remainder(time_us, SECOND_US), fraction);
	if (date.year >= 0 && date.year <= 9999) {
		char *end = text + put_date_and_time(&date, of_day, text);
		return (size_t)(stpcpy(stpcpy(end, fraction), suffix) - text);
	}
	int length = snprintf(text, size, "%04lld-%02d-%02dT%02d:%02d:%02d%s%s", (long long)date.year, date.month,
		date.day, of_day / 3600, of_day / 60 % 60, of_day % 60, fraction, suffix);
	assert(length > 0 && (size_t)length < size);
	return (size_t)length;
}

size_t instant_format(int64_t time_us, char *text, size_t size)
{
	return format(time_us, "", text, size);
}

size_t instant_format_z(int64_t time_us, char *text, size_t size)
{
	return format(time_us, "Z", text, size);
}

static int64_t unit_us(char unit)
{
	switch (unit) {
	case 'w':
		return 7 * DAY_US;
	case 'd':
		return DAY_US;
	case 'h':
		return 3600 * SECOND_US;
	case 'm':
		return 60 * SECOND_US;
	default:
		return SECOND_US;
	}
}

int instant_parse_duration(struct slice text, int64_t *ret_us)
{
	const char *units = "wdhms";
	struct reader r = reader_of(text);
	int64_t total_us = 0;
	if (text.size == 0)
		return -EINVAL;
	while (reader_left(&r) > 0) {
		int64_t amount = 0;
		if (digits_ahead(&r) == 0)
			return -EINVAL;
		while (digits_ahead(&r) > 0)
			if (__builtin_mul_overflow(amount, 10, &amount) ||
				__builtin_add_overflow(amount, *r.at++ - '0', &amount))
				return -EINVAL;
		const char *unit = reader_left(&r) > 0 && *r.at ? strchr(units, *r.at) : NULL;
		if (!unit || __builtin_mul_overflow(amount, unit_us(*unit), &amount) ||
			__builtin_add_overflow(total_us, amount, &total_us) || total_us > TIME_MAX_US)
			return -EINVAL;
		units = unit + 1;
		r.at++;
	}
	*ret_us = total_us;
	return 0;
}
