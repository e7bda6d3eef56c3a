/* Invariant: what is written into has room for it. An item's text takes at most TEXT_PER_BYTE for each of its bytes: a false in a list is
 * one byte, and the most. */
#include <errno.h>
#include <string.h>

#include "item_json_form.h"

#define ITEM_MAX_BYTES 8192u
#define TEXT_PER_BYTE 18u

static char *put(char *at, const char *text, size_t size)
{
	memcpy(at, text, size);
	return at + size;
}

#define PUT(at, text) put(at, text, sizeof(text) - 1)

static char *put_quoted(char *at, struct slice bytes)
{
	*at++ = '"';
	memcpy(at, bytes.data, bytes.size);
	at += bytes.size;
	*at++ = '"';
	return at;
}

static char *put_base64(char *at, struct slice bytes)
{
	*at++ = '"';
	at += base64_write(bytes, at);
	*at++ = '"';
	return at;
}

static char *put_value(char *at, const struct value *value, unsigned level);

static char *put_map(char *at, const struct value *map, unsigned level)
{
	struct reader r = reader_of(map->body);
	struct slice name;
	struct value member;
	size_t count = 0;
	*at++ = '{';
	for (; value_next(map, &r, &name, &member); count++) {
		if (count)
			*at++ = ',';
		at += json_write_string(name, at);
		*at++ = ':';
		at = put_value(at, &member, level + 1);
		if (!at)
			return NULL;
	}
	*at++ = '}';
	return r.is_bad || count != map->count ? NULL : at;
}

static char *put_element(char *at, enum value_tag of, const struct value *member, unsigned level)
{
	switch (of) {
	case VALUE_SS:
		return at + json_write_string(member->bytes, at);
	case VALUE_NS:
		return put_quoted(at, member->bytes);
	case VALUE_BS:
		return put_base64(at, member->bytes);
	default:
		return put_value(at, member, level + 1);
	}
}

/* Lists and sets. */
static char *put_list(char *at, const struct value *list, unsigned level)
{
	struct reader r = reader_of(list->body);
	struct slice name;
	struct value member;
	size_t count = 0;
	*at++ = '[';
	for (; value_next(list, &r, &name, &member); count++) {
		if (count)
			*at++ = ',';
		at = put_element(at, list->tag, &member, level);
		if (!at)
			return NULL;
	}
	*at++ = ']';
	return r.is_bad || count != list->count ? NULL : at;
}

static char *put_content(char *at, const struct value *value, unsigned level)
{
	switch (value->tag) {
	case VALUE_S:
		return at + json_write_string(value->bytes, at);
	case VALUE_N:
		return put_quoted(at, value->bytes);
	case VALUE_B:
		return put_base64(at, value->bytes);
	case VALUE_FALSE:
		return PUT(at, "false");
	case VALUE_TRUE:
	case VALUE_NULL:
		return PUT(at, "true");
	case VALUE_M:
		return put_map(at, value, level);
	default:
		return put_list(at, value, level);
	}
}

static char *put_value(char *at, const struct value *value, unsigned level)
{
	if (level > ITEM_MAX_DEPTH)
		return NULL;
	const char *wrapper = item_json_wrapper(ITEM_DYNAMODB, value->tag);
	at = PUT(at, "{\"");
	at = put(at, wrapper, strlen(wrapper));
	at = PUT(at, "\":");
	at = put_content(at, value, level);
	if (at)
		*at++ = '}';
	return at;
}

static char *put_attribute(char *at, struct slice name, const struct value *value, bool is_first)
{
	if (!is_first)
		*at++ = ',';
	at += json_write_string(name, at);
	*at++ = ':';
	return put_value(at, value, 1);
}

static char *put_item(char *at, struct slice item, const struct item_order *order)
{
	const struct slice keys[] = { order->partition, order->sort };
	struct reader whole = reader_of(item);
	struct value map, value;
	size_t count = 0;
	if (!value_read(&whole, &map) || map.tag != VALUE_M || reader_left(&whole) > 0)
		return NULL;
	*at++ = '{';
	for (size_t i = 0; i < 2; i++)
		if (keys[i].size && item_attribute(item, keys[i], &value)) {
			at = put_attribute(at, keys[i], &value, count++ == 0);
			if (!at)
				return NULL;
		}
	struct reader r = reader_of(map.body);
	struct slice name;
	while (value_next(&map, &r, &name, &value)) {
		if (slice_equal(name, keys[0]) || slice_equal(name, keys[1]))
			continue;
		at = put_attribute(at, name, &value, count++ == 0);
		if (!at)
			return NULL;
	}
	*at++ = '}';
	return r.is_bad || count != map.count ? NULL : at;
}

int item_json_line(struct slice item, const struct item_order *order, struct buffer *out)
{
	static const struct item_order no_order;
	if (item.size > ITEM_MAX_BYTES)
		return -ERANGE;
	if (buffer_reserve(out, TEXT_PER_BYTE * (item.size + 1)))
		return -ENOMEM;
	char *end = put_item((char *)out->data + out->size, item, order ? order : &no_order);
	if (!end)
		return -EIO;
	out->size = (size_t)(end - (char *)out->data);
	return 0;
}
