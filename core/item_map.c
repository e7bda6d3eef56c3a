#include "item_map.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "number.h"

struct map map_begin(void)
{
	struct map map = { NULL, 0 };
	map.result = value_builder_new(VALUE_M, &map.builder);
	return map;
}

int map_end(struct map *map, struct buffer *out)
{
	if (map->result == 0)
		map->result = value_builder_finish(map->builder, out, NULL);
	value_builder_free(map->builder);
	map->builder = NULL;
	return map->result;
}

/* Where the value of a member goes. `scratch` takes what is lost after an error. */
static struct buffer *map_member(struct map *map, struct slice name, struct buffer *scratch)
{
	struct buffer *member = map->result == 0 ? value_builder_member(map->builder, name) : NULL;
	if (!member && map->result == 0)
		map->result = -ENOMEM;
	return member ? member : scratch;
}

void map_set_bytes(struct map *map, const char *name, enum value_tag tag, struct slice bytes)
{
	struct buffer scratch = BUFFER_INIT;
	value_append_bytes(map_member(map, slice_of_text(name), &scratch), tag, bytes);
	buffer_free(&scratch);
}

void map_set_text(struct map *map, const char *name, const char *text)
{
	map_set_bytes(map, name, VALUE_S, slice_of_text(text));
}

static void set_canonical(struct map *map, const char *name, const char *text)
{
	char canonical[NUMBER_TEXT_MAX + 1];
	size_t size;
	int result = number_canonical(slice_of_text(text), canonical, &size, NULL);
	if (result < 0)
		map->result = result;
	else
		map_set_bytes(map, name, VALUE_N, slice_of(canonical, size));
}

void map_set_number(struct map *map, const char *name, int64_t number)
{
	char text[NUMBER_TEXT_MAX + 1];
	snprintf(text, sizeof(text), "%lld", (long long)number);
	set_canonical(map, name, text);
}

void map_set_flag(struct map *map, const char *name, bool is_true)
{
	struct buffer scratch = BUFFER_INIT;
	value_append_plain(map_member(map, slice_of_text(name), &scratch), is_true ? VALUE_TRUE : VALUE_FALSE);
	buffer_free(&scratch);
}

void map_set_time(struct map *map, const char *name, int64_t time_us)
{
	char text[NUMBER_TEXT_MAX + 1];
	snprintf(text, sizeof(text), "%lld.%06d", (long long)(time_us / SECOND_US), (int)(time_us % SECOND_US));
	set_canonical(map, name, text);
}

void map_set_whole(struct map *map, struct slice name, struct slice whole)
{
	struct buffer scratch = BUFFER_INIT;
	buffer_append_slice(map_member(map, name, &scratch), whole);
	buffer_free(&scratch);
}

void map_set_map(struct map *map, const char *name, struct map *inner)
{
	struct buffer body = BUFFER_INIT;
	int result = map_end(inner, &body);
	if (result == 0)
		result = buffer_error(&body);
	if (result < 0)
		map->result = result;
	else
		map_set_whole(map, slice_of_text(name), buffer_slice(&body));
	buffer_free(&body);
}

void map_copy_members(struct map *map, const struct value *from)
{
	struct reader reader = reader_of(from->body);
	struct slice name;
	struct value member;
	while (value_next(from, &reader, &name, &member))
		map_set_whole(map, name, member.whole);
	if (reader.is_bad)
		map->result = -EIO;
}

bool item_text(struct slice item, const char *name, char *out, size_t size)
{
	struct value value;
	if (!item_attribute(item, slice_of_text(name), &value) || value.tag != VALUE_S || value.bytes.size >= size)
		return false;
	memcpy(out, value.bytes.data, value.bytes.size);
	out[value.bytes.size] = '\0';
	return true;
}

int64_t item_number(struct slice item, const char *name)
{
	struct value value;
	char text[32] = "";
	if (item_attribute(item, slice_of_text(name), &value) && value.tag == VALUE_N &&
		value.bytes.size < sizeof(text))
		memcpy(text, value.bytes.data, value.bytes.size);
	return strtoll(text, NULL, 10);
}

bool item_flag(struct slice item, const char *name)
{
	struct value value;
	return item_attribute(item, slice_of_text(name), &value) && value.tag == VALUE_TRUE;
}

bool item_map(struct slice item, const char *name, struct slice *ret_map)
{
	struct value value;
	if (!item_attribute(item, slice_of_text(name), &value) || value.tag != VALUE_M)
		return false;
	*ret_map = value.whole;
	return true;
}
