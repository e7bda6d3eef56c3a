#include "item.h"

#include <errno.h>

#include "number.h"

#define ATTRIBUTE_NAME_MAX 65535

/* A length or count: a varint of the shortest form, or there would be two spellings of one item. */
static size_t read_length(struct reader *r)
{
	const uint8_t *start = r->at;
	uint64_t length = reader_varint(r);
	if (!r->is_bad && r->at - start > 1 && r->at[-1] == 0)
		r->is_bad = true;
	if (length > reader_left(r))
		r->is_bad = true;
	return r->is_bad ? 0 : (size_t)length;
}

static struct slice read_bytes(struct reader *r)
{
	return reader_bytes(r, read_length(r));
}

static void read_container(struct reader *r, struct value *ret_value)
{
	struct reader body = reader_of(read_bytes(r));
	/* Every member takes a byte or more, so a true count is never over the length. */
	ret_value->count = read_length(&body);
	ret_value->body = slice_of(body.at, reader_left(&body));
	r->is_bad = r->is_bad || body.is_bad;
}

bool value_read(struct reader *r, struct value *ret_value)
{
	const uint8_t *start = r->at;
	*ret_value = (struct value){ .tag = (enum value_tag)reader_byte(r) };
	switch (ret_value->tag) {
	case VALUE_S:
	case VALUE_N:
	case VALUE_B:
		ret_value->bytes = read_bytes(r);
		break;
	case VALUE_TRUE:
	case VALUE_FALSE:
	case VALUE_NULL:
		break;
	case VALUE_L:
	case VALUE_M:
	case VALUE_SS:
	case VALUE_NS:
	case VALUE_BS:
		read_container(r, ret_value);
		break;
	default:
		r->is_bad = true;
	}
	if (r->is_bad)
		return false;
	ret_value->whole = slice_of(start, (size_t)(r->at - start));
	return true;
}

static bool next_in_set(struct reader *r, enum value_tag tag, struct value *ret_member)
{
	*ret_member = (struct value){ .tag = tag, .bytes = read_bytes(r) };
	return !r->is_bad;
}

bool value_next(const struct value *container, struct reader *r, struct slice *ret_name, struct value *ret_member)
{
	if (r->is_bad || reader_left(r) == 0)
		return false;
	switch (container->tag) {
	case VALUE_SS:
		return next_in_set(r, VALUE_S, ret_member);
	case VALUE_NS:
		return next_in_set(r, VALUE_N, ret_member);
	case VALUE_BS:
		return next_in_set(r, VALUE_B, ret_member);
	case VALUE_L:
		return value_read(r, ret_member);
	case VALUE_M:
		*ret_name = read_bytes(r);
		return value_read(r, ret_member);
	default:
		return false;
	}
}

bool item_attribute(struct slice item, struct slice name, struct value *ret_value)
{
	struct reader whole = reader_of(item);
	struct value map;
	if (!value_read(&whole, &map) || map.tag != VALUE_M)
		return false;
	struct reader r = reader_of(map.body);
	struct slice at;
	while (value_next(&map, &r, &at, ret_value)) {
		int order = slice_compare(at, name);
		if (order == 0)
			return true;
		if (order > 0)
			return false;
	}
	return false;
}

static bool is_canonical(struct slice number)
{
	char text[NUMBER_TEXT_MAX + 1];
	size_t size = 0;
	return number_canonical(number, text, &size, NULL) == 0 && slice_equal(number, slice_of(text, size));
}

static bool is_set(enum value_tag tag)
{
	return tag == VALUE_SS || tag == VALUE_NS || tag == VALUE_BS;
}

static bool check_value(const struct value *value, unsigned level);

/* Names and set members must rise strictly. */
static bool check_order(enum value_tag tag, struct slice before, struct slice after)
{
	return tag == VALUE_NS ? number_compare(before, after) < 0 : slice_compare(before, after) < 0;
}

static bool check_members(const struct value *container, unsigned level)
{
	struct reader r = reader_of(container->body);
	struct slice name = { 0 }, before = { 0 };
	struct value member;
	size_t count = 0;
	for (; value_next(container, &r, &name, &member); count++) {
		struct slice key = container->tag == VALUE_M ? name : member.bytes;
		if (!check_value(&member, is_set(container->tag) ? level : level + 1))
			return false;
		if (count > 0 && container->tag != VALUE_L && !check_order(container->tag, before, key))
			return false;
		if (container->tag == VALUE_M &&
			(name.size == 0 || name.size > ATTRIBUTE_NAME_MAX || !utf8_is_valid(name)))
			return false;
		before = key;
	}
	return !r.is_bad && count == container->count && (count > 0 || !is_set(container->tag));
}

static bool check_value(const struct value *value, unsigned level)
{
	if (level > ITEM_MAX_DEPTH)
		return false;
	switch (value->tag) {
	case VALUE_S:
		return utf8_is_valid(value->bytes);
	case VALUE_N:
		return is_canonical(value->bytes);
	case VALUE_L:
	case VALUE_M:
	case VALUE_SS:
	case VALUE_NS:
	case VALUE_BS:
		return check_members(value, level);
	default:
		return true;
	}
}

int item_check(struct slice item)
{
	struct reader r = reader_of(item);
	struct value map;
	if (!value_read(&r, &map) || map.tag != VALUE_M || reader_left(&r) > 0)
		return -EIO;
	/* The item itself is level 0: a top-level attribute is the first. */
	return check_members(&map, 0) ? 0 : -EIO;
}

static size_t value_size(const struct value *value, unsigned level);

static size_t members_size(const struct value *container, size_t overhead, unsigned level)
{
	struct reader r = reader_of(container->body);
	struct slice name = { 0 };
	struct value member;
	size_t size = 0;
	while (value_next(container, &r, &name, &member))
		size += overhead + name.size + value_size(&member, level + 1);
	return size;
}

static size_t value_size(const struct value *value, unsigned level)
{
	if (level > ITEM_MAX_DEPTH + 1)
		return 0;
	switch (value->tag) {
	case VALUE_S:
	case VALUE_B:
		return value->bytes.size;
	case VALUE_N:
		return number_size_bytes(value->bytes);
	case VALUE_L:
	case VALUE_M:
		return 3 + members_size(value, 1, level);
	case VALUE_SS:
	case VALUE_NS:
	case VALUE_BS:
		return members_size(value, 0, level);
	default:
		return 1;
	}
}

size_t item_size_bytes(struct slice item)
{
	struct reader r = reader_of(item);
	struct value map;
	if (!value_read(&r, &map) || map.tag != VALUE_M)
		return 0;
	return members_size(&map, 0, 0);
}
