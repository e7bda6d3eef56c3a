#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "instant.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define T INT64_C(1740832200000000)   /* 2025-03-01T12:30:00Z */
#define DAY INT64_C(1740787200000000) /* 2025-03-01T00:00:00Z */
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US (60 * MINUTE_US)
#define LAST_US INT64_C(72044553599999999)

static int64_t time_of(const char *text)
{
	struct instant instant;
	struct error error = { 0 };
	if (instant_parse(slice_of_text(text), NULL, &instant, &error) < 0)
		fail_msg("%s: %s", text, error.message);
	assert_int_equal(instant.kind, INSTANT_AT);
	return instant.time_us;
}

static void reads_every_form_of_a_time(void **state)
{
	static const struct {
		const char *text;
		int64_t time_us;
	} cases[] = {
		{ "2025-03-01T12:30:00", T },
		{ "2025-03-01T12:30:00.5", T + 500000 },
		{ "2025-03-01T12:30:00.05", T + 50000 },
		{ "2025-03-01T12:30:00.123456", T + 123456 },
		{ "2025-03-01T12:30:00.000001", T + 1 },
		{ "2025-03-01T12:30:00.1234560", T + 123456 },
		{ "2025-03-01T12:30:00.123456000000000000000000", T + 123456 },
		{ "2025-03-01T12:30:00.0", T },
		{ "2025-03-01T12:30:00Z", T },
		{ "2025-03-01t12:30:00z", T },
		{ "2025-03-01T12:30:00.25Z", T + 250000 },
		{ "2025-03-01T12:30:00+02:00", T - 2 * HOUR_US },
		{ "2025-03-01T12:30:00.5+02:00", T + 500000 - 2 * HOUR_US },
		{ "2025-03-01T12:30:00-05:30", T + 5 * HOUR_US + 30 * MINUTE_US },
		{ "2025-03-01T12:30:00+14:00", T - 14 * HOUR_US },
		{ "2025-03-01T12:30:00-00:00", T },
		{ "2025-03-01T12:30:00+0200", T - 2 * HOUR_US },
		{ "20250301T123000Z", T },
		{ "20250301T123000", T },
		{ "20250301t123000z", T },
		{ "20250301T123000.5Z", T + 500000 },
		{ "20250301T123000+0200", T - 2 * HOUR_US },
		{ "20250301T1230", T },
		{ "2025-03-01T123000Z", T },
		{ "2025-03-01T123000", T },
		{ "2025-03-01T1230", T },
		{ "2025-03-01", DAY },
		{ "20250301", DAY },
		{ "2025-03-01T12:30", T },
		{ "2025-03-01T12:30Z", T },
		{ "2025-03-01T12:30+01:00", T - HOUR_US },
		{ "2025-03-01T00:00:00", DAY },
		{ "2025-03-01T23:59:59.999999", DAY + DAY_US - 1 },
		{ "1740832200", T },
		{ "1740832200.5", T + 500000 },
		{ "1740832200.123456", T + 123456 },
		{ "1740832200.1234560", T + 123456 },
		{ "0000000000", 0 },
		{ "9999999999", INT64_C(9999999999000000) },
		{ "1970-01-01", 0 },
		{ "1970-01-01T02:00:00+02:00", 0 },
		{ "2024-02-29", INT64_C(1709164800000000) },
		{ "2000-02-29T00:00:00", INT64_C(951782400000000) },
		{ "2038-01-19T03:14:08", INT64_C(2147483648000000) },
		{ "4252-12-31T23:59:59.999999", LAST_US },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		if (time_of(cases[i].text) != cases[i].time_us)
			fail_msg("%s: %lld", cases[i].text, (long long)time_of(cases[i].text));
}

static void reads_what_is_not_a_fixed_time(void **state)
{
	static const struct {
		const char *text;
		struct instant instant;
	} cases[] = {
		{ "-15m", { INSTANT_BEFORE_NOW, 15 * MINUTE_US, 0 } },
		{ "-2h30m", { INSTANT_BEFORE_NOW, 2 * HOUR_US + 30 * MINUTE_US, 0 } },
		{ "-1d", { INSTANT_BEFORE_NOW, DAY_US, 0 } },
		{ "-0s", { INSTANT_BEFORE_NOW, 0, 0 } },
		{ "-1w2d3h4m5s", { INSTANT_BEFORE_NOW, 9 * DAY_US + 3 * HOUR_US + 4 * MINUTE_US + 5 * SECOND_US, 0 } },
		{ "latest", { INSTANT_LATEST, 0, 0 } },
		{ "earliest", { INSTANT_EARLIEST, 0, 0 } },
		{ "seq-123", { INSTANT_SEQ, 0, 123 } },
		{ "seq-0", { INSTANT_SEQ, 0, 0 } },
		{ "seq-18446744073709551615", { INSTANT_SEQ, 0, UINT64_MAX } },
	};
	struct instant instant;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_int_equal(instant_parse(slice_of_text(cases[i].text), NULL, &instant, NULL), 0);
		assert_int_equal(instant.kind, cases[i].instant.kind);
		assert_int_equal(instant.time_us, cases[i].instant.time_us);
		assert_true(instant.seq == cases[i].instant.seq);
	}
}

static const char *const refused[] = {
	"",
	" ",
	"@",
	"@2025-03-01",
	"now",
	"Latest",
	"LATEST",
	"latest ",
	"earliest/",
	"yesterday",
	"T12:30",
	/* numbers */
	"1",
	"2025",
	"202503",
	"20250",
	"123456789",
	"12345678901",
	"1740832200000",
	"1740832200000000",
	"20250301123000",
	"202503011230",
	"99999999999999999999999999",
	"-1740832200",
	"+1740832200",
	"1740832200.",
	"1740832200.1234567",
	"1740832200,5",
	"1740832200Z",
	"1740832200+02:00",
	"1e10",
	"0x68",
	"1740832200.5s",
	/* dates */
	"2025-03",
	"2025-3-1",
	"2025-03-1",
	"2025-03-",
	"2025-00-01",
	"2025-13-01",
	"2025-03-00",
	"2025-03-32",
	"2025-04-31",
	"2025-02-29",
	"1900-02-29",
	"2100-02-29",
	"20250230",
	"20251301",
	"1969-12-31",
	"0000-01-01",
	"4253-01-01",
	"9999-12-31",
	"10000-01-01",
	"+12025-03-01",
	"2025/03/01",
	"2025-0301",
	"202503-01",
	"2025-03-01Z",
	"2025-03-01+02:00",
	"2025-03-01 ",
	" 2025-03-01",
	"2025-03-01/",
	"20250301Z",
	"2025-060",
	"2025-W09-6",
	"1969-12-31T23:59:59.999999",
	/* times of day */
	"2025-03-01T",
	"2025-03-01T12",
	"2025-03-01T12:",
	"2025-03-01T12:3",
	"2025-03-01T12:30:",
	"2025-03-01T12:30:0",
	"2025-03-01T24:00",
	"2025-03-01T24:00:00",
	"20250301T240000Z",
	"2025-03-01T25:00:00",
	"2025-03-01T12:60:00",
	"2025-03-01T12:30:60",
	"2016-12-31T23:59:60",
	"2016-12-31T23:59:60Z",
	"2025-03-01T12:30:61",
	"2025-03-01 12:30:00",
	"2025-03-01T12:3000",
	"2025-03-01T1230:00",
	"2025-03-01T12.5",
	"2025-03-01T12:30.5",
	"2025-03-01T-1:30:00",
	"2025-03-01T12:30:00T",
	"20250301123000Z",
	"2025-03-01TT12:30:00",
	"2025-03-01T12:30:+5",
	"20250301T12300",
	/* fractions */
	"2025-03-01T12:30:00.",
	"2025-03-01T12:30:00.Z",
	"2025-03-01T12:30:00,5",
	"2025-03-01T12:30:00.1234567",
	"2025-03-01T12:30:00.0000001",
	"2025-03-01T12:30:00.12345600000000000000001",
	"2025-03-01T12:30:00.5.5",
	"2025-03-01T12:30:00.-5",
	/* zones */
	"2025-03-01T12:30:00ZZ",
	"2025-03-01T12:30:00Z ",
	"2025-03-01T12:30:00Z/",
	"2025-03-01T12:30:00 Z",
	"2025-03-01T12:30:00+",
	"2025-03-01T12:30:00+2",
	"2025-03-01T12:30:00+02",
	"2025-03-01T12:30:00+2:00",
	"2025-03-01T12:30:00+24:00",
	"2025-03-01T12:30:00+02:60",
	"2025-03-01T12:30:00+02:00:00",
	"2025-03-01T12:30:00+02.00",
	"2025-03-01T12:30:00UTC",
	"2025-03-01T12:30:00Europe/Berlin",
	"2025-03-01T12:30:00[Europe/Berlin]",
	"2025-03-01T12:30:00\xe2\x88\x92"
	"02:00",
	"1970-01-01T00:00:00+00:01",
	"4252-12-31T23:59:59-00:01",
	/* not ASCII */
	"2025-03-01T12:30:00\xc2\xa0",
	"\xc2\xa0"
	"2025-03-01",
	"2025\xe2\x80\x91"
	"03-01",
	"\xd9\xa2\xd9\xa0",
	"2025-03-01T12:30:00\n",
	"\xff\xfe",
	/* durations and numbers of changes */
	"-",
	"-m",
	"-5",
	"-5x",
	"--5m",
	"-+5m",
	"-5m5m",
	"-30m2h",
	"-1.5h",
	"-5m ",
	"-1D",
	"-1y",
	"-99999999999999999999s",
	"-200000w",
	"seq",
	"seq-",
	"seq--1",
	"seq-+1",
	"seq-01",
	"seq-00",
	"seq-1.0",
	"seq-18446744073709551616",
	"seq-1 ",
	"SEQ-1",
	"seq1",
};

static void refuses_everything_else(void **state)
{
	struct instant instant;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		struct error error = { 0 };
		instant.seq = 4711;
		if (instant_parse(slice_of_text(refused[i]), NULL, &instant, &error) != -EINVAL)
			fail_msg("'%s' was accepted", refused[i]);
		assert_int_equal(instant.seq, 4711);
		assert_int_equal(error.code, -EINVAL);
		assert_non_null(strstr(error.message, "2025-03-01T12:30:00"));
		assert_non_null(strstr(error.message, "latest"));
		assert_null(strpbrk(error.message, "\n\xff\xc2"));
	}
}

static void refuses_a_nul_byte(void **state)
{
	static const char *const ends[] = { "2025-03-01\0", "-5m\0", "-5\0", "latest\0", "seq-1\0" };
	struct instant instant;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ends); i++)
		assert_int_equal(instant_parse(slice_of(ends[i], strlen(ends[i]) + 1), NULL, &instant, NULL), -EINVAL);
}

static void tells_why(void **state)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{ "2025-02-29", "no such day" },
		{ "2016-12-31T23:59:60Z", "leap seconds" },
		{ "2025-03-01T24:00:00", "hours are 00 to 23" },
		{ "2025-03-01T12:30:00.1234567", "microsecond" },
		{ "9999-12-31", "years are 1970 to 4252" },
		{ "20250301123000", "10 digits" },
		{ "-5", "units" },
		{ "2025-03-01T12:30:00+25:00", "zone" },
		{ "", "nothing" },
	};
	struct instant instant;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct error error = { 0 };
		assert_int_equal(instant_parse(slice_of_text(cases[i].text), NULL, &instant, &error), -EINVAL);
		if (!strstr(error.message, cases[i].reason))
			fail_msg("%s: %s", cases[i].text, error.message);
	}
}

static void shows_no_more_of_a_long_text_than_fits(void **state)
{
	char text[2000];
	struct instant instant;
	struct error error = { 0 };
	(void)state;
	memset(text, '7', sizeof(text));
	assert_int_equal(instant_parse(slice_of(text, sizeof(text)), NULL, &instant, &error), -EINVAL);
	assert_non_null(strstr(error.message, "777..."));
	assert_non_null(strstr(error.message, "seq-123"));
}

static void reads_options(void **state)
{
	struct instant instant;
	(void)state;
	assert_int_equal(instant_parse_option("@2025-03-01T12:30:00", NULL, &instant, NULL), 0);
	assert_int_equal(instant.time_us, T);
	assert_int_equal(instant_parse_option("2025-03-01T12:30:00", NULL, &instant, NULL), 0);
	assert_int_equal(instant.time_us, T);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(instant_parse_option(i ? "@now" : "now", NULL, &instant, NULL), 0);
		assert_int_equal(instant.kind, INSTANT_BEFORE_NOW);
		assert_int_equal(instant.time_us, 0);
	}
	assert_int_equal(instant_parse_option("-15m", NULL, &instant, NULL), 0);
	assert_int_equal(instant.kind, INSTANT_BEFORE_NOW);
	assert_int_equal(instant_parse_option("@@now", NULL, &instant, NULL), -EINVAL);
	assert_int_equal(instant_parse_option("", NULL, &instant, NULL), -EINVAL);
	assert_int_equal(instant_parse_option("@", NULL, &instant, NULL), -EINVAL);
	struct instant_zone *zone;
	assert_int_equal(instant_zone_new("+02:00", &zone, NULL), 0);
	assert_int_equal(instant_parse_option("@2025-03-01T12:30:00", zone, &instant, NULL), 0);
	assert_int_equal(instant.time_us, T - 2 * HOUR_US);
	instant_zone_free(zone);
}

static void formats_the_canonical_form(void **state)
{
	static const struct {
		int64_t time_us;
		const char *text;
	} cases[] = {
		{ T, "2025-03-01T12:30:00" },
		{ T + 500000, "2025-03-01T12:30:00.5" },
		{ T + 123456, "2025-03-01T12:30:00.123456" },
		{ T + 1, "2025-03-01T12:30:00.000001" },
		{ T + 100, "2025-03-01T12:30:00.0001" },
		{ 0, "1970-01-01T00:00:00" },
		{ -1, "1969-12-31T23:59:59.999999" },
		{ INT64_C(951782400000000), "2000-02-29T00:00:00" },
		{ LAST_US, "4252-12-31T23:59:59.999999" },
	};
	char text[INSTANT_TEXT_MAX], text_z[INSTANT_TEXT_MAX];
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		size_t length = instant_format(cases[i].time_us, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
		assert_int_equal(length, strlen(text));
		length = instant_format_z(cases[i].time_us, text_z, sizeof(text_z));
		assert_int_equal(length, strlen(text) + 1);
		assert_int_equal(strncmp(text, text_z, length - 1), 0);
		assert_int_equal(text_z[length - 1], 'Z');
	}
	assert_true(instant_format(INT64_MIN, text, sizeof(text)) < sizeof(text));
	assert_true(instant_format_z(INT64_MAX, text, sizeof(text)) < sizeof(text));
}

static void every_formatted_time_is_read_back(void **state)
{
	uint64_t random = 1;
	(void)state;
	for (int i = 0; i < 100000; i++) {
		char text[INSTANT_TEXT_MAX];
		random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		int64_t time_us = (int64_t)(random >> 8) % (LAST_US + 1);
		instant_format(time_us, text, sizeof(text));
		assert_true(time_of(text) == time_us);
		instant_format_z(time_us, text, sizeof(text));
		assert_true(time_of(text) == time_us);
	}
}

static void reads_durations(void **state)
{
	static const struct {
		const char *text;
		int64_t us; /* -1: refused */
	} cases[] = {
		{ "15m", 15 * MINUTE_US },
		{ "2h30m", 150 * MINUTE_US },
		{ "1d", DAY_US },
		{ "90s", 90 * SECOND_US },
		{ "1w", 7 * DAY_US },
		{ "1w1d1h1m1s", 8 * DAY_US + HOUR_US + MINUTE_US + SECOND_US },
		{ "0s", 0 },
		{ "007s", 7 * SECOND_US },
		{ "72057594037s", INT64_C(72057594037) * SECOND_US },
		{ "72057594038s", -1 },
		{ "119141w", INT64_C(119141) * 7 * DAY_US },
		{ "119143w", -1 },
		{ "", -1 },
		{ "5", -1 },
		{ "m", -1 },
		{ "5m3", -1 },
		{ "30m2h", -1 },
		{ "1h1h", -1 },
		{ "-5m", -1 },
		{ "+5m", -1 },
		{ "1.5h", -1 },
		{ "5 m", -1 },
		{ " 5m", -1 },
		{ "5M", -1 },
		{ "5ms", -1 },
		{ "9223372036854775807w", -1 },
		{ "9223372036854775808s", -1 },
		{ "99999999999999999999999s", -1 },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t us = -1;
		int result = instant_parse_duration(slice_of_text(cases[i].text), &us);
		if (us != cases[i].us || result != (us < 0 ? -EINVAL : 0))
			fail_msg("%s: %d, %lld", cases[i].text, result, (long long)us);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_form_of_a_time),
		cmocka_unit_test(reads_what_is_not_a_fixed_time),
		cmocka_unit_test(refuses_everything_else),
		cmocka_unit_test(refuses_a_nul_byte),
		cmocka_unit_test(tells_why),
		cmocka_unit_test(shows_no_more_of_a_long_text_than_fits),
		cmocka_unit_test(reads_options),
		cmocka_unit_test(formats_the_canonical_form),
		cmocka_unit_test(every_formatted_time_is_read_back),
		cmocka_unit_test(reads_durations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
