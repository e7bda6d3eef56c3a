/* Numbers: 25 for each day since 1970, first the day itself, then its hours. Places: days and hours, from 1 on; in an hour the
 * microseconds of its instants. */
#include "calendardir.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "calendar.h"
#include "clock.h"
#include "mount.h"
#include "periods.h"
#include "resolve.h"

#define DAY_NAME_SIZE 10
#define NUMBERS_A_DAY 25
#define HOURS_A_DAY 24

enum level { LEVEL_TOP, LEVEL_DAY, LEVEL_HOUR };

/* A stretch of time that is a directory. */
struct stretch {
	enum level level;
	int64_t begin_us, end_us;
};

static int stretch_of(uint64_t number, struct stretch *ret_stretch)
{
	uint64_t value;
	int64_t day_us, hour;

	*ret_stretch = (struct stretch){ .level = LEVEL_TOP, .end_us = INT64_MAX };
	if (number == NUMBER_DIRECTORY)
		return 0;
	if (!branch_value(number, &value) || value / NUMBERS_A_DAY >= (uint64_t)(INT64_MAX / DAY_US))
		return -ENOENT;
	day_us = (int64_t)(value / NUMBERS_A_DAY) * DAY_US;
	hour = (int64_t)(value % NUMBERS_A_DAY) - 1;
	*ret_stretch = hour < 0
			       ? (struct stretch){ LEVEL_DAY, day_us, day_us + DAY_US }
			       : (struct stretch){ LEVEL_HOUR, day_us + hour * HOUR_US, day_us + (hour + 1) * HOUR_US };
	return 0;
}

/* The day or hour below `above` that a time lies in. */
static struct stretch stretch_at(const struct stretch *above, int64_t time_us)
{
	int64_t length_us = above->level == LEVEL_TOP ? DAY_US : HOUR_US;
	int64_t begin_us = time_us / length_us * length_us;

	return (struct stretch){ above->level == LEVEL_TOP ? LEVEL_DAY : LEVEL_HOUR, begin_us, begin_us + length_us };
}

static uint64_t number_of(const struct stretch *stretch)
{
	uint64_t day = (uint64_t)(stretch->begin_us / DAY_US), hour = (uint64_t)(stretch->begin_us % DAY_US / HOUR_US);

	return branch_number(day * NUMBERS_A_DAY + (stretch->level == LEVEL_HOUR ? 1 + hour : 0));
}

static void name_of(const struct stretch *stretch, char ret_name[INSTANT_TEXT_MAX])
{
	instant_format(stretch->begin_us, ret_name, INSTANT_TEXT_MAX);
	if (stretch->level == LEVEL_DAY) {
		ret_name[DAY_NAME_SIZE] = '\0';
	} else {
		memmove(ret_name, ret_name + DAY_NAME_SIZE + 1, 2);
		ret_name[2] = '\0';
	}
}

void calendardir_path(const struct view *view, uint64_t number, struct buffer *out)
{
	const struct stretch top = { .level = LEVEL_TOP };
	struct stretch stretch, day;
	char name[INSTANT_TEXT_MAX];

	buffer_append_text(out, view->path);
	if (stretch_of(number, &stretch) < 0 || stretch.level == LEVEL_TOP)
		return;
	day = stretch_at(&top, stretch.begin_us);
	name_of(&day, name);
	buffer_append_format(out, "/%s", name);
	if (stretch.level == LEVEL_HOUR) {
		name_of(&stretch, name);
		buffer_append_format(out, "/%s", name);
	}
}

static int open_periods(
	struct mount *mount, struct store_txn *txn, const struct view *view, struct periods **ret_periods)
{
	struct table table;
	int result;

	if (view->table.number == CATALOGUE)
		return periods_open(mount->history, txn, NULL, ret_periods);
	result = attree_table(txn, view, &table);
	if (result < 0)
		return result;
	result = periods_open(mount->history, txn, &table, ret_periods);
	table_free(&table);
	return result;
}

/* What is listed begins elsewhere once something was forgotten. */
static uint16_t salt_of(int64_t first_us)
{
	return (uint16_t)(((uint64_t)first_us * UINT64_C(0x9E3779B97F4A7C15) >> 32) % 1000);
}

/* -ENOENT: nothing happened in it. */
static int node_of(struct periods *periods, const struct stretch *stretch, struct branch_node *ret_node)
{
	int64_t first_us, last_us;
	int result = periods_last(periods, stretch->end_us - 1, &last_us);

	if (result == 0)
		result = last_us < stretch->begin_us ? -ENOENT : periods_next(periods, stretch->begin_us, &first_us);
	if (result < 0)
		return result;
	*ret_node = (struct branch_node){ .time_us = last_us, .salt = salt_of(first_us) };
	return 0;
}

/* --- instants --- */

static int resolve_in(struct mount *mount, struct store_txn *txn, const struct view *view,
	const struct stretch *stretch, struct slice name, const struct instant *instant, struct view **ret_view,
	struct error *error)
{
	struct resolve_place place = { .parent = nodeid_of(view->slot, number_of(stretch)) };
	struct buffer path = BUFFER_INIT;
	struct table table = { 0 };
	int result = 0;

	calendardir_path(view, number_of(stretch), &path);
	place.path = buffer_text(&path);
	if (place.path == NULL)
		return -ENOMEM;
	if (view->table.number != CATALOGUE) {
		result = attree_table(txn, view, &table);
		place.table = &table;
	}
	if (result == 0)
		result = resolve_instant_in(mount, txn, &place, name, instant, ret_view, error);
	table_free(&table);
	buffer_free(&path);
	return result;
}

static int find_instant(struct mount *mount, struct store_txn *txn, const struct view *view,
	const struct stretch *stretch, struct slice name, struct view **ret_view, struct error *error)
{
	struct instant instant;

	if (name.size < 2 || name.data[0] != '@' ||
		instant_parse(slice_of(name.data + 1, name.size - 1), NULL, &instant, error) < 0)
		return -ENOENT;
	if (instant.kind != INSTANT_AT || instant.time_us < stretch->begin_us || instant.time_us >= stretch->end_us)
		return error_set(error, -ENOENT, "here stand instants of one hour, in UTC; %.*s is none of them",
			(int)name.size, (const char *)name.data);
	return resolve_in(mount, txn, view, stretch, name, &instant, ret_view, error);
}

/* An instant that can't be seen (its table was being restored) is passed over. */
static int list_instant(struct mount *mount, struct store_txn *txn, const struct view *view,
	const struct stretch *stretch, int64_t time_us, branch_each each, void *context)
{
	const struct instant instant = { .kind = INSTANT_AT, .time_us = time_us };
	struct branch_entry entry = { .number = NUMBER_DIRECTORY };
	char name[INSTANT_TEXT_MAX + 1] = "@";
	bool goes_on;
	int result;

	instant_format(time_us, name + 1, INSTANT_TEXT_MAX);
	result = resolve_in(mount, txn, view, stretch, slice_of_text(name), &instant, &entry.view, NULL);
	if (result < 0)
		return result == -ENOENT ? 1 : result;
	goes_on = each(context, (uint64_t)time_us, name, &entry, NULL);
	view_put(entry.view);
	return goes_on;
}

/* The last change of each second. */
static int list_instants(struct mount *mount, struct store_txn *txn, const struct view *view, struct periods *periods,
	const struct stretch *stretch, uint64_t after, branch_each each, void *context)
{
	int64_t time_us = after < (uint64_t)stretch->begin_us ? stretch->begin_us : (int64_t)after + 1;
	int result;

	while ((result = periods_next(periods, time_us, &time_us)) == 0 && time_us < stretch->end_us) {
		int64_t second_us = time_us / SECOND_US * SECOND_US;

		result = periods_last(periods, second_us + SECOND_US - 1, &time_us);
		if (result == 0)
			result = list_instant(mount, txn, view, stretch, time_us, each, context);
		if (result <= 0)
			return result;
		time_us = second_us + SECOND_US;
	}
	return result == -ENOENT ? 0 : result;
}

/* --- days and hours --- */

static int find_stretch(struct mount *mount, struct store_txn *txn, const struct view *view,
	const struct stretch *above, struct slice name, uint64_t *ret_number)
{
	char text[INSTANT_TEXT_MAX];
	struct branch_node ignored;
	struct instant instant;
	struct periods *periods;
	struct stretch stretch;
	int result;

	if (above->level == LEVEL_TOP && name.size == DAY_NAME_SIZE && instant_parse(name, NULL, &instant, NULL) == 0 &&
		instant.kind == INSTANT_AT)
		stretch = stretch_at(above, instant.time_us);
	else if (above->level == LEVEL_DAY && name.size == 2)
		stretch = stretch_at(above,
			above->begin_us + ((name.data[0] - '0') * 10 + (name.data[1] - '0')) % HOURS_A_DAY * HOUR_US);
	else
		return -ENOENT;
	name_of(&stretch, text);
	if (!slice_equal(name, slice_of_text(text)))
		return -ENOENT;
	result = open_periods(mount, txn, view, &periods);
	if (result < 0)
		return result;
	result = node_of(periods, &stretch, &ignored);
	periods_close(periods);
	*ret_number = number_of(&stretch);
	return result;
}

static uint64_t place_of(const struct stretch *stretch)
{
	return stretch->level == LEVEL_DAY ? CALENDARDIR_PLACES + (uint64_t)(stretch->begin_us / DAY_US)
					   : 1 + (uint64_t)(stretch->begin_us % DAY_US / HOUR_US);
}

/* Where what has a place beyond `after` begins. */
static int64_t time_after(const struct stretch *above, uint64_t after)
{
	if (above->level == LEVEL_DAY)
		return above->begin_us + (int64_t)after * HOUR_US;
	return after < CALENDARDIR_PLACES ? 0 : (int64_t)(after - CALENDARDIR_PLACES + 1) * DAY_US;
}

static int list_stretches(struct view *view, struct periods *periods, const struct stretch *above, uint64_t after,
	branch_each each, void *context)
{
	struct branch_entry entry = { .view = view };
	int64_t time_us = time_after(above, after);
	char name[INSTANT_TEXT_MAX];
	struct branch_node node;
	bool goes_on = true;
	int result = 0;

	while (goes_on && (result = periods_next(periods, time_us, &time_us)) == 0 && time_us < above->end_us) {
		struct stretch stretch = stretch_at(above, time_us);

		result = node_of(periods, &stretch, &node);
		if (result < 0)
			return result;
		entry.number = number_of(&stretch);
		name_of(&stretch, name);
		goes_on = each(context, place_of(&stretch), name, &entry, &node);
		time_us = stretch.end_us;
	}
	return result == -ENOENT ? 0 : result;
}

/* --- all of it --- */

int calendardir_find(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, struct slice name,
	struct branch_entry *ret_entry, struct error *error)
{
	struct stretch stretch;
	int result = stretch_of(number, &stretch);

	ret_entry->number = NUMBER_DIRECTORY;
	if (result == 0 && stretch.level == LEVEL_HOUR)
		return find_instant(mount, txn, view, &stretch, name, &ret_entry->view, error);
	if (result == 0)
		result = find_stretch(mount, txn, view, &stretch, name, &ret_entry->number);
	if (result == 0)
		ret_entry->view = view_hold(view);
	return result;
}

int calendardir_list(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, uint64_t after,
	branch_each each, void *context)
{
	struct periods *periods;
	struct stretch stretch;
	int result = stretch_of(number, &stretch);

	if (result == 0)
		result = open_periods(mount, txn, view, &periods);
	if (result < 0)
		return result;
	result = stretch.level == LEVEL_HOUR ? list_instants(mount, txn, view, periods, &stretch, after, each, context)
					     : list_stretches(view, periods, &stretch, after, each, context);
	periods_close(periods);
	return result;
}

int calendardir_node(
	struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, struct branch_node *ret_node)
{
	struct periods *periods;
	struct stretch stretch;
	int result = stretch_of(number, &stretch);

	if (result == 0)
		result = open_periods(mount, txn, view, &periods);
	if (result < 0)
		return result;
	result = node_of(periods, &stretch, ret_node);
	periods_close(periods);
	if (result == -ENOENT && stretch.level == LEVEL_TOP) {
		*ret_node = (struct branch_node){ .time_us = view->table.created_us };
		result = 0;
	}
	return result;
}
