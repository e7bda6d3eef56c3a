/* Every text is an instant or is refused with a message; an instant's canonical text is the same instant. */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "instant.h"
#include "instant_zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_parsed(struct slice text, const struct instant_zone *zone)
{
	struct instant instant, again;
	struct error error = { 0 };
	char written[INSTANT_TEXT_MAX];
	int result = instant_parse(text, zone, &instant, &error);
	if (result < 0) {
		assert(result == -EINVAL && error.code == -EINVAL && error.message[0]);
		assert(!strpbrk(error.message, "\r\n"));
		return;
	}
	assert(instant.time_us >= 0 && instant.time_us <= TIME_MAX_US);
	if (instant.kind != INSTANT_AT)
		return;
	size_t length = instant_format(instant.time_us, written, sizeof(written));
	assert(instant_parse(slice_of(written, length), NULL, &again, NULL) == 0);
	assert(again.kind == INSTANT_AT && again.time_us == instant.time_us);
	length = instant_format_z(instant.time_us, written, sizeof(written));
	assert(instant_parse(slice_of(written, length), zone, &again, NULL) == 0);
	assert(again.time_us == instant.time_us);
}

/* A duration is what the instant so long before now says. */
static void check_duration(struct slice text)
{
	char *before = malloc(text.size + 1);
	struct instant instant;
	int64_t us = -1;
	assert(before);
	before[0] = '-';
	if (text.size > 0)
		memcpy(before + 1, text.data, text.size);
	int result = instant_parse_duration(text, &us);
	assert(instant_parse(slice_of(before, text.size + 1), NULL, &instant, NULL) == result);
	assert(result < 0 || (instant.kind == INSTANT_BEFORE_NOW && instant.time_us == us && us >= 0));
	free(before);
}

static void check_option_and_zone(struct slice text)
{
	char *copy = malloc(text.size + 1);
	struct instant instant;
	struct instant_zone *zone = NULL;
	assert(copy);
	if (text.size > 0)
		memcpy(copy, text.data, text.size);
	copy[text.size] = '\0';
	instant_parse_option(copy, NULL, &instant, NULL);
	if (instant_zone_new(copy, &zone, NULL) == 0)
		check_parsed(slice_of_text("2025-03-30T02:30"), zone);
	instant_zone_free(zone);
	free(copy);
}

static void check_zone_file(struct slice contents)
{
	struct instant_zone *zone = NULL;
	if (instant_zone_from_tzif(contents, &zone) < 0)
		return;
	for (int64_t local = 0; local < INT64_C(72044553600); local += INT64_C(604800) * 1000) {
		int64_t offset = local - instant_zone_to_utc(zone, local);
		assert(offset >= -49 * 3600 && offset <= 49 * 3600);
	}
	instant_zone_free(zone);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct instant_zone *berlin;
	struct slice text = slice_of(data, size);
	if (!berlin && instant_zone_new("Europe/Berlin", &berlin, NULL) < 0)
		abort();
	check_parsed(text, NULL);
	check_parsed(text, berlin);
	check_duration(text);
	check_option_and_zone(text);
	check_zone_file(text);
	return 0;
}
