#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "instant.h"
#include "instant_zone.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct instant_zone *zone_of(const char *name)
{
	struct instant_zone *zone = NULL;
	struct error error = { 0 };
	if (instant_zone_new(name, &zone, &error) < 0)
		fail_msg("zone %s: %s", name, error.message);
	return zone;
}

static int64_t time_in(const char *text, const struct instant_zone *zone)
{
	struct instant instant;
	struct error error = { 0 };
	if (instant_parse(slice_of_text(text), zone, &instant, &error) < 0)
		fail_msg("%s: %s", text, error.message);
	assert_int_equal(instant.kind, INSTANT_AT);
	return instant.time_us;
}

static void zones_apply_where_none_is_written(void **state)
{
	static const struct {
		const char *zone, *text, *utc;
	} cases[] = {
		{ "UTC", "2025-03-01T12:30:00", "2025-03-01T12:30:00" },
		{ "+02:00", "2025-03-01T12:30:00", "2025-03-01T10:30:00" },
		{ "-05:30", "2025-03-01", "2025-03-01T05:30:00" },
		{ "+0200", "2025-03-01T12:30:00Z", "2025-03-01T12:30:00" },
		{ "+02:00", "1740832200", "2025-03-01T12:30:00" },
		{ "Europe/Berlin", "2025-03-01T12:30:00", "2025-03-01T11:30:00" },
		{ "Europe/Berlin", "2025-03-01T12:30:00Z", "2025-03-01T12:30:00" },
		{ "Europe/Berlin", "2025-07-01T12:30:00.5", "2025-07-01T10:30:00.5" },
		{ "Europe/Berlin", "20250701T1230", "2025-07-01T10:30:00" },
		{ "Europe/Berlin", "2025-07-01", "2025-06-30T22:00:00" },
		{ "Europe/Berlin", "1975-07-01T12:00", "1975-07-01T11:00:00" },
		/* skipped: 2025-03-30 02:00 to 03:00; repeated: 2025-10-26 02:00 to 03:00 */
		{ "Europe/Berlin", "2025-03-30T01:59:59", "2025-03-30T00:59:59" },
		{ "Europe/Berlin", "2025-03-30T02:00:00", "2025-03-30T01:00:00" },
		{ "Europe/Berlin", "2025-03-30T02:30:00", "2025-03-30T01:30:00" },
		{ "Europe/Berlin", "2025-03-30T03:00:00", "2025-03-30T01:00:00" },
		{ "Europe/Berlin", "2025-10-26T01:59:59", "2025-10-25T23:59:59" },
		{ "Europe/Berlin", "2025-10-26T02:00:00", "2025-10-26T00:00:00" },
		{ "Europe/Berlin", "2025-10-26T02:59:59", "2025-10-26T00:59:59" },
		{ "Europe/Berlin", "2025-10-26T03:00:00", "2025-10-26T02:00:00" },
		/* after the table of every file: by rule */
		{ "Europe/Berlin", "2100-07-01T12:00", "2100-07-01T10:00:00" },
		{ "Europe/Berlin", "2100-01-01T12:00", "2100-01-01T11:00:00" },
		{ "Europe/Berlin", "4252-07-01T12:00", "4252-07-01T10:00:00" },
		{ "Europe/Berlin", "4252-12-31T23:59:59", "4252-12-31T22:59:59" },
		{ "America/New_York", "2025-03-09T02:30", "2025-03-09T07:30:00" },
		{ "America/New_York", "2060-07-04T00:00", "2060-07-04T04:00:00" },
		{ "America/New_York", "2060-11-07T01:30", "2060-11-07T05:30:00" },
		{ "Australia/Sydney", "2050-01-01T00:00", "2049-12-31T13:00:00" },
		{ "Australia/Sydney", "2050-07-01T00:00", "2050-06-30T14:00:00" },
		{ "Europe/Dublin", "2050-01-01T12:00", "2050-01-01T12:00:00" },
		{ "Europe/Dublin", "2050-07-01T12:00", "2050-07-01T11:00:00" },
		{ "Asia/Kolkata", "2025-03-01T12:30", "2025-03-01T07:00:00" },
		{ "Asia/Kathmandu", "2050-03-01T12:30", "2050-03-01T06:45:00" },
		{ "Pacific/Kiritimati", "2025-03-01T12:30", "2025-02-28T22:30:00" },
		{ "Pacific/Apia", "2011-12-29T12:00", "2011-12-29T22:00:00" },
		{ "Pacific/Apia", "2011-12-31T12:00", "2011-12-30T22:00:00" },
		{ "America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00" },
		{ "America/Argentina/Buenos_Aires", "2050-03-01T12:00", "2050-03-01T15:00:00" },
		{ "Etc/GMT+2", "2025-03-01T12:00", "2025-03-01T14:00:00" },
		{ "EST5EDT", "2025-07-01T12:00", "2025-07-01T16:00:00" },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char text[INSTANT_TEXT_MAX];
		struct instant_zone *zone = zone_of(cases[i].zone);
		instant_format(time_in(cases[i].text, zone), text, sizeof(text));
		if (strcmp(text, cases[i].utc) != 0)
			fail_msg("%s in %s: %s", cases[i].text, cases[i].zone, text);
		instant_zone_free(zone);
	}
}

static void refuses_what_is_no_zone(void **state)
{
	static const char *const cases[] = { "", "Berlin", "europe/berlin", "Europe", "Europe/", "/Europe/Berlin",
		"Europe//Berlin", "../zoneinfo/UTC", "Europe/../UTC", "./UTC", "UTC/.", "tzdata.zi", "posixrules.x",
		"+2", "+02", "+2:00", "+24:00", "02:00", "+02:00:00", "Europe/Berlin ", "Europe/Berlin\n", "right/UTC",
		"Europe/Berlin/x", "leapseconds", "CET-1CEST,M3.5.0,M10.5.0/3", "Europe%2FBerlin", "\xff",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct instant_zone *zone = NULL;
		struct error error = { 0 };
		if (instant_zone_new(cases[i], &zone, &error) != -EINVAL)
			fail_msg("zone '%s' was accepted", cases[i]);
		assert_null(zone);
		assert_non_null(strstr(error.message, "Europe/Berlin"));
		assert_null(strpbrk(error.message, "\n\xff"));
	}
	instant_zone_free(NULL);
}

/* One version 2 file without changes, with a rule. */
static struct slice tzif_with_rule(char text[512], const char *rule)
{
	static const char header[] = "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
				     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4";
	static const char block[] = "\0\0\0\0\0\0LMT";
	const size_t header_size = sizeof(header) - 1, block_size = sizeof(block);
	char *at = text;
	for (int i = 0; i < 2; i++) {
		memcpy(at, header, header_size);
		memcpy(at + header_size, block, block_size);
		at += header_size + block_size;
	}
	at += snprintf(at, 400, "\n%s\n", rule);
	return slice_of(text, (size_t)(at - text));
}

static void follows_posix_rules(void **state)
{
	static const struct {
		const char *rule, *local, *utc;
	} cases[] = {
		{ "CET-1", "2025-07-01T12:00:00", "2025-07-01T11:00:00" },
		{ "<+0330>-3:30", "2025-07-01T12:00:00", "2025-07-01T08:30:00" },
		{ "XXX0:00:30", "2025-07-01T12:00:00", "2025-07-01T12:00:30" },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", "2025-07-01T12:00:00", "2025-07-01T10:00:00" },
		{ "CET-1CEST-3,M3.5.0,M10.5.0/3", "2025-07-01T12:00:00", "2025-07-01T09:00:00" },
		{ "CET-1CEST,J60,J300/3", "2024-03-01T02:59:59", "2024-03-01T01:59:59" },
		{ "CET-1CEST,J60,J300/3", "2024-03-01T03:00:00", "2024-03-01T01:00:00" },
		{ "CET-1CEST,J60,J300/3", "2023-03-01T03:00:00", "2023-03-01T01:00:00" },
		{ "CET-1CEST,59,300/3", "2024-02-29T03:00:00", "2024-02-29T01:00:00" },
		{ "CET-1CEST,59,300/3", "2023-03-01T03:00:00", "2023-03-01T01:00:00" },
		/* hours below zero and over 24, as for Greenland and Israel */
		{ "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2025-03-29T22:59:59", "2025-03-30T00:59:59" },
		{ "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2025-03-30T00:00:00", "2025-03-30T01:00:00" },
		{ "IST-2IDT,M3.4.4/26,M10.5.0", "2025-03-28T03:00:00", "2025-03-28T00:00:00" },
		{ "IST-2IDT,M3.4.4/26,M10.5.0", "2025-03-28T01:59:59", "2025-03-27T23:59:59" },
		/* summer time all the year round */
		{ "XXX3EDT4,0/0,J365/23", "2025-07-01T12:00:00", "2025-07-01T16:00:00" },
		{ "XXX3EDT4,0/0,J365/23", "2025-01-01T00:00:00", "2025-01-01T04:00:00" },
		{ "XXX3EDT4,0/0,J365/23", "2025-12-31T23:30:00", "2026-01-01T03:30:00" },
	};
	char contents[512], text[INSTANT_TEXT_MAX];
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct instant_zone *zone = NULL;
		if (instant_zone_from_tzif(tzif_with_rule(contents, cases[i].rule), &zone) < 0)
			fail_msg("rule %s was refused", cases[i].rule);
		instant_format(time_in(cases[i].local, zone), text, sizeof(text));
		if (strcmp(text, cases[i].utc) != 0)
			fail_msg("%s under %s: %s", cases[i].local, cases[i].rule, text);
		instant_zone_free(zone);
	}
}

static void refuses_bad_posix_rules(void **state)
{
	static const char *const cases[] = { "CE-1", "CET", "<CET-1", "<+1>-1", "CET-25", "CET-1:60", "CET-1CEST",
		"CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.0.0,M10.5.0",
		"CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J0,J300", "CET-1CEST,J366,J300", "CET-1CEST,366,J300",
		"CET-1CEST,M3.5.0/168,M10.5.0", "CET-1CEST,M3.5.0,M10.5.0x", "CET-1 ", "CET-99999999999999999999",
		"CET-1CEST,M3.5.0/,M10.5.0" };
	char contents[512];
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct instant_zone *zone = NULL;
		if (instant_zone_from_tzif(tzif_with_rule(contents, cases[i]), &zone) != -EINVAL)
			fail_msg("rule %s was accepted", cases[i]);
	}
}

static size_t read_berlin(uint8_t *bytes, size_t size)
{
	FILE *file = fopen("/usr/share/zoneinfo/Europe/Berlin", "rb");
	assert_non_null(file);
	size_t count = fread(bytes, 1, size, file);
	assert_int_equal(fclose(file), 0);
	assert_true(count > 44 && count < size);
	return count;
}

static void refuses_damaged_zone_files(void **state)
{
	static uint8_t bytes[16384];
	size_t size = read_berlin(bytes, sizeof(bytes));
	(void)state;
	for (size_t cut = 0; cut < size; cut++) {
		struct instant_zone *zone = NULL;
		uint8_t *copy = malloc(cut ? cut : 1);
		assert_non_null(copy);
		memcpy(copy, bytes, cut);
		assert_int_equal(instant_zone_from_tzif(slice_of(copy, cut), &zone), -EINVAL);
		assert_null(zone);
		free(copy);
	}
	for (size_t at = 0; at < size; at++) {
		struct instant_zone *zone = NULL;
		bytes[at] ^= 0xff;
		if (instant_zone_from_tzif(slice_of(bytes, size), &zone) == 0)
			instant_zone_to_utc(zone, 1740832200);
		instant_zone_free(zone);
		bytes[at] ^= 0xff;
	}
}

/* The C library is the oracle: it reads the same files. */
static void agrees_with_the_c_library(void **state)
{
	static const char *const names[] = { "Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
		"Africa/Casablanca", "America/Nuuk", "Asia/Jerusalem", "Antarctica/Troll", "Europe/Dublin",
		"Pacific/Chatham", "America/Havana" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct instant_zone *zone = zone_of(names[i]);
		assert_int_equal(setenv("TZ", names[i], 1), 0);
		tzset();
		for (int64_t utc = 0; utc < INT64_C(4102444800); utc += 86400 * 5 + 3600) {
			struct tm local;
			time_t seconds = utc;
			assert_non_null(localtime_r(&seconds, &local));
			int64_t shown = utc + local.tm_gmtoff;
			int64_t read = instant_zone_to_utc(zone, shown);
			time_t back = read;
			struct tm again;
			assert_non_null(localtime_r(&back, &again));
			if (read > utc || read + again.tm_gmtoff != shown)
				fail_msg("%s: %lld was read as %lld", names[i], (long long)utc, (long long)read);
		}
		instant_zone_free(zone);
	}
	assert_int_equal(unsetenv("TZ"), 0);
	tzset();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zones_apply_where_none_is_written),
		cmocka_unit_test(refuses_what_is_no_zone),
		cmocka_unit_test(follows_posix_rules),
		cmocka_unit_test(refuses_bad_posix_rules),
		cmocka_unit_test(refuses_damaged_zone_files),
		cmocka_unit_test(agrees_with_the_c_library),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
