#include "instant_zone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "calendar.h"
#include "zone_rule.h"

#define ZONE_DIRECTORY "/usr/share/zoneinfo/"
#define ZONE_NAME_MAX 64
#define ZONE_FILE_MAX ((size_t)256 << 10)
#define TZIF_HEADER_SIZE 44
#define TZIF_COUNTS_OFFSET 20
#define TZIF_TYPE_SIZE 6
#define OFFSET_SECONDS_MAX (26 * 3600)
#define CHANGE_SECONDS_MAX (INT64_C(1) << 60)
#define RULE_YEAR_LAST 4253

/* Local times before `local_until`, and not before that of the span in front, are UTC plus `offset`. */
struct zone_span {
	int64_t local_until;
	int offset;
};

struct instant_zone {
	struct zone_span *spans;
	size_t count;
	int last_offset;     /* after all spans */
	int64_t last_change; /* the UTC second at which last_offset begins */
};

bool instant_offset_parse(struct slice text, int *ret_seconds)
{
	int digits[4];
	size_t count = 0;
	if ((text.size != 5 && text.size != 6) || (text.data[0] != '+' && text.data[0] != '-'))
		return false;
	for (size_t i = 1; i < text.size; i++) {
		if (text.size == 6 && i == 3) {
			if (text.data[i] != ':')
				return false;
			continue;
		}
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		digits[count++] = text.data[i] - '0';
	}
	int hours = digits[0] * 10 + digits[1], minutes = digits[2] * 10 + digits[3];
	if (hours > 23 || minutes > 59)
		return false;
	int seconds = hours * 3600 + minutes * 60;
	*ret_seconds = text.data[0] == '-' ? -seconds : seconds;
	return true;
}

int64_t instant_zone_to_utc(const struct instant_zone *zone, int64_t local_seconds)
{
	size_t low = 0, high = zone->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (local_seconds < zone->spans[middle].local_until)
			high = middle;
		else
			low = middle + 1;
	}
	return local_seconds - (low < zone->count ? zone->spans[low].offset : zone->last_offset);
}

/* A local time is read with the offset before the change until it is past the change by either clock. */
static int64_t local_end(int64_t change_at, int before, int after)
{
	return change_at + (before > after ? before : after);
}

/* Changes come in order of time; a second one at the same time replaces the first. */
static void add_change(struct instant_zone *zone, struct zone_change change)
{
	if (zone->count > 0 && change.at == zone->last_change) {
		struct zone_span *last = &zone->spans[zone->count - 1];
		last->local_until = local_end(change.at, last->offset, change.offset);
	} else {
		int64_t until = local_end(change.at, zone->last_offset, change.offset);
		if (zone->count > 0 && until < zone->spans[zone->count - 1].local_until)
			until = zone->spans[zone->count - 1].local_until;
		zone->spans[zone->count++] = (struct zone_span){ until, zone->last_offset };
	}
	zone->last_offset = change.offset;
	zone->last_change = change.at;
}

static int zone_alloc(size_t capacity, struct instant_zone **ret_zone)
{
	struct instant_zone *zone = calloc(1, sizeof(*zone));
	if (!zone)
		return -ENOMEM;
	zone->spans = calloc(capacity ? capacity : 1, sizeof(*zone->spans));
	if (!zone->spans) {
		free(zone);
		return -ENOMEM;
	}
	*ret_zone = zone;
	return 0;
}

static int zone_fixed(int offset, struct instant_zone **ret_zone)
{
	int r = zone_alloc(0, ret_zone);
	if (r == 0)
		(*ret_zone)->last_offset = offset;
	return r;
}

static int64_t big_endian(const uint8_t *bytes, size_t size)
{
	uint64_t value = bytes[0] & 0x80 ? UINT64_MAX : 0;
	for (size_t i = 0; i < size; i++)
		value = value << 8 | bytes[i];
	return (int64_t)value;
}

/* One data block of a TZif file, its parts borrowed from the contents. */
struct tzif {
	size_t time_size;
	size_t time_count, type_count;
	struct slice times, indexes, types;
};

enum tzif_count { TZIF_UT, TZIF_STD, TZIF_LEAP, TZIF_TIME, TZIF_TYPE, TZIF_CHAR, TZIF_COUNTS };

/* Reads a header and the block behind it. */
static int read_block(struct reader *r, size_t time_size, uint8_t *ret_version, struct tzif *ret_block)
{
	struct slice header = reader_bytes(r, TZIF_HEADER_SIZE);
	size_t counts[TZIF_COUNTS];
	if (r->is_bad || memcmp(header.data, "TZif", 4) != 0)
		return -EINVAL;
	for (size_t i = 0; i < TZIF_COUNTS; i++) {
		int64_t count = big_endian(header.data + TZIF_COUNTS_OFFSET + 4 * i, 4);
		if (count < 0 || count > (int64_t)ZONE_FILE_MAX)
			return -EINVAL;
		counts[i] = (size_t)count;
	}
	ret_block->time_size = time_size;
	ret_block->time_count = counts[TZIF_TIME];
	ret_block->type_count = counts[TZIF_TYPE];
	ret_block->times = reader_bytes(r, counts[TZIF_TIME] * time_size);
	ret_block->indexes = reader_bytes(r, counts[TZIF_TIME]);
	ret_block->types = reader_bytes(r, counts[TZIF_TYPE] * TZIF_TYPE_SIZE);
	reader_bytes(r, counts[TZIF_CHAR] + counts[TZIF_LEAP] * (time_size + 4) + counts[TZIF_STD] + counts[TZIF_UT]);
	if (r->is_bad || counts[TZIF_TYPE] == 0 || counts[TZIF_LEAP] > 0)
		return -EINVAL;
	*ret_version = header.data[4];
	return 0;
}

static int type_offset(const struct tzif *block, size_t type, int *ret_offset)
{
	if (type >= block->type_count)
		return -EINVAL;
	int64_t offset = big_endian(block->types.data + type * TZIF_TYPE_SIZE, 4);
	if (offset < -OFFSET_SECONDS_MAX || offset > OFFSET_SECONDS_MAX)
		return -EINVAL;
	*ret_offset = (int)offset;
	return 0;
}

static int add_table(struct instant_zone *zone, const struct tzif *block)
{
	int r = type_offset(block, 0, &zone->last_offset);
	for (size_t i = 0; r == 0 && i < block->time_count; i++) {
		struct zone_change change;
		change.at = big_endian(block->times.data + i * block->time_size, block->time_size);
		if (change.at < -CHANGE_SECONDS_MAX || change.at > CHANGE_SECONDS_MAX ||
			(i > 0 && change.at <= zone->last_change))
			return -EINVAL;
		r = type_offset(block, block->indexes.data[i], &change.offset);
		if (r == 0)
			add_change(zone, change);
	}
	return r;
}

/* The rule's changes after the table, year by year, as far as instants go. */
static void add_rule(struct instant_zone *zone, const struct zone_rule *rule, int64_t year)
{
	bool has_table = zone->count > 0;
	int64_t table_end = zone->last_change;
	if (!rule->has_summer && !has_table)
		zone->last_offset = rule->standard_offset;
	for (; rule->has_summer && year <= RULE_YEAR_LAST; year++) {
		struct zone_change changes[2];
		zone_rule_changes(rule, year, changes);
		for (size_t i = 0; i < 2; i++) {
			bool is_after_table = !has_table || changes[i].at > table_end;
			bool is_in_order = zone->count == 0 || changes[i].at >= zone->last_change;
			if (is_after_table && is_in_order)
				add_change(zone, changes[i]);
		}
	}
}

/* The text between the newlines behind the last block. */
static int read_footer(struct reader *r, struct zone_rule *ret_rule, bool *ret_has_rule)
{
	*ret_has_rule = false;
	if (reader_byte(r) != '\n' || reader_left(r) == 0 || r->end[-1] != '\n')
		return -EINVAL;
	struct slice text = reader_bytes(r, reader_left(r) - 1);
	if (text.size == 0)
		return 0;
	*ret_has_rule = true;
	return zone_rule_parse(text, ret_rule);
}

static int64_t year_of_table_end(const struct tzif *block)
{
	if (block->time_count == 0)
		return 1970;
	int64_t at = big_endian(block->times.data + (block->time_count - 1) * block->time_size, block->time_size);
	int64_t year = calendar_date_of(calendar_divide(at, CALENDAR_DAY_SECONDS)).year - 1;
	return year < 1900 ? 1900 : year;
}

int instant_zone_from_tzif(struct slice contents, struct instant_zone **ret_zone)
{
	struct reader r = reader_of(contents);
	struct tzif block;
	struct zone_rule rule;
	bool has_rule = false;
	uint8_t version;
	int result = read_block(&r, 4, &version, &block);
	if (result == 0 && version >= '2') {
		result = read_block(&r, 8, &version, &block);
		if (result == 0)
			result = read_footer(&r, &rule, &has_rule);
	}
	if (result < 0)
		return result;
	int64_t year = year_of_table_end(&block);
	size_t of_rule = has_rule && year <= RULE_YEAR_LAST ? 2 * (size_t)(RULE_YEAR_LAST - year + 1) : 0;
	struct instant_zone *zone;
	result = zone_alloc(block.time_count + of_rule, &zone);
	if (result < 0)
		return result;
	result = add_table(zone, &block);
	if (result < 0) {
		instant_zone_free(zone);
		return result;
	}
	if (has_rule)
		add_rule(zone, &rule, year);
	*ret_zone = zone;
	return 0;
}

/* Names of zones are words of letters, digits, '_', '+' and '-' between single slashes; a dot never occurs in one, so
 * that a name cannot lead out of the directory. */
static bool is_zone_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/";
	size_t length = strlen(name);
	return length > 0 && length <= ZONE_NAME_MAX && strspn(name, allowed) == length && name[0] != '/' &&
	       name[length - 1] != '/' && !strstr(name, "//");
}

static int read_all(int fd, struct buffer *out)
{
	struct stat status;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || status.st_size > (off_t)ZONE_FILE_MAX)
		return -EINVAL;
	int result = buffer_reserve(out, (size_t)status.st_size);
	while (result == 0 && out->size < (size_t)status.st_size) {
		ssize_t got = read(fd, out->data + out->size, (size_t)status.st_size - out->size);
		if (got < 0 && errno != EINTR)
			result = -errno;
		if (got == 0)
			break;
		if (got > 0)
			out->size += (size_t)got;
	}
	return result;
}

static int read_zone_file(const char *name, struct buffer *out)
{
	char path[sizeof(ZONE_DIRECTORY) + ZONE_NAME_MAX];
	snprintf(path, sizeof(path), "%s%s", ZONE_DIRECTORY, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	int result = read_all(fd, out);
	close(fd);
	return result;
}

static int zone_from_file(const char *name, struct instant_zone **ret_zone, struct error *error)
{
	struct buffer contents = BUFFER_INIT;
	int result = read_zone_file(name, &contents);
	if (result == 0)
		result = instant_zone_from_tzif(buffer_slice(&contents), ret_zone);
	buffer_free(&contents);
	if (result == 0)
		return 0;
	if (result == -ENOMEM)
		return error_set(error, result, "out of memory reading time zone %s", name);
	if (result == -ENOENT || result == -ENOTDIR)
		return error_set(error, -EINVAL,
			"no time zone %s in " ZONE_DIRECTORY ": write a name such as Europe/Berlin (package tzdata), "
			"UTC, or an offset such as +02:00",
			name);
	if (result == -EINVAL)
		return error_set(error, -EINVAL,
			ZONE_DIRECTORY "%s is not a usable time zone (damaged, or with leap seconds): write a name "
				       "such as Europe/Berlin, UTC, or an offset such as +02:00",
			name);
	return error_set(error, -EINVAL, "cannot read time zone " ZONE_DIRECTORY "%s: %s", name, strerror(-result));
}

int instant_zone_new(const char *name, struct instant_zone **ret_zone, struct error *error)
{
	int offset = 0;
	int result;
	if (strcmp(name, "UTC") == 0 || instant_offset_parse(slice_of_text(name), &offset)) {
		result = zone_fixed(offset, ret_zone);
		return result < 0 ? error_set(error, result, "out of memory making time zone %s", name) : 0;
	}
	if (is_zone_name(name))
		return zone_from_file(name, ret_zone, error);
	return error_set(error, -EINVAL,
		"this is not the name of a time zone: write one such as Europe/Berlin, UTC, or an offset such as "
		"+02:00");
}

void instant_zone_free(struct instant_zone *zone)
{
	if (!zone)
		return;
	free(zone->spans);
	free(zone);
}
