/* The same lengths as item_json_size, in one walk for both forms, and what DynamoDB counts: this is done for every change that is written. */
#include <string.h>

#include "item_json_form.h"
#include "number.h"

struct sizes {
	size_t plain, dynamodb, bytes;
};

static void add_both(struct sizes *sizes, size_t size)
{
	sizes->plain += size;
	sizes->dynamodb += size;
}

/* The lines of `count` members, `plain` and `dynamodb` levels in, and the brackets around them. */
static void add_lines(struct sizes *sizes, size_t count, size_t plain, size_t dynamodb)
{
	add_both(sizes, 2);
	if (count == 0)
		return;
	/* Each has a newline before it and all but one a comma; the closing bracket has a newline too. */
	sizes->plain += 2 * count + 2 * (plain + 1) * count + 2 * plain;
	sizes->dynamodb += 2 * count + 2 * (dynamodb + 1) * count + 2 * dynamodb;
}

static bool add_value(struct sizes *sizes, const struct value *value, size_t plain, size_t dynamodb, unsigned level);

static void add_scalar(struct sizes *sizes, const struct value *value)
{
	size_t base64 = (value->bytes.size + 2) / 3 * 4 + 2;
	switch (value->tag) {
	case VALUE_S:
		add_both(sizes, json_string_size(value->bytes));
		sizes->bytes += value->bytes.size;
		return;
	case VALUE_N:
		add_both(sizes, value->bytes.size);
		sizes->dynamodb += 2;
		sizes->bytes += number_size_bytes(value->bytes);
		return;
	case VALUE_B:
		add_both(sizes, base64);
		sizes->bytes += value->bytes.size;
		return;
	default:
		add_both(sizes, value->tag == VALUE_FALSE ? 5 : 4);
		sizes->bytes++;
	}
}

/* Level 0 is the item itself. */
static bool add_members(
	struct sizes *sizes, const struct value *container, size_t plain, size_t dynamodb, unsigned level)
{
	bool is_map = container->tag == VALUE_M, is_set = !is_map && container->tag != VALUE_L;
	struct reader r = reader_of(container->body);
	struct slice name = { 0 };
	struct value member;
	enum value_tag wrapped;
	size_t count = 0;
	sizes->bytes += is_set || level == 0 ? 0 : 3;
	for (; value_next(container, &r, &name, &member); count++) {
		sizes->bytes += is_set || level == 0 ? 0 : 1;
		if (is_map) {
			sizes->bytes += name.size;
			add_both(sizes, json_string_size(name) + 2);
			if (level > 0 && container->count == 1 && item_json_dollars(name, &wrapped) > 0)
				sizes->plain++;
		}
		if (is_set)
			add_scalar(sizes, &member);
		else if (!add_value(sizes, &member, plain + 1, dynamodb + 1, level + 1))
			return false;
	}
	add_lines(sizes, count, plain, dynamodb);
	return !r.is_bad && count == container->count;
}

/* A wrapper is an object of one member: brackets, name, colon and space, and two more lines. */
static size_t wrapper_size(const char *wrapper, size_t indent)
{
	return 2 + strlen(wrapper) + 2 + 2 + 2 + 2 * (indent + 1) + 2 * indent;
}

static bool add_value(struct sizes *sizes, const struct value *value, size_t plain, size_t dynamodb, unsigned level)
{
	if (level > ITEM_MAX_DEPTH)
		return false;
	const char *wrapper = item_json_wrapper(ITEM_PLAIN, value->tag);
	if (wrapper != NULL)
		sizes->plain += wrapper_size(wrapper, plain++);
	sizes->dynamodb += wrapper_size(item_json_wrapper(ITEM_DYNAMODB, value->tag), dynamodb++);
	switch (value->tag) {
	case VALUE_L:
	case VALUE_M:
	case VALUE_SS:
	case VALUE_NS:
	case VALUE_BS:
		return add_members(sizes, value, plain, dynamodb, level);
	default:
		add_scalar(sizes, value);
		return true;
	}
}

size_t item_json_sizes(struct slice item, size_t *ret_plain, size_t *ret_dynamodb)
{
	struct reader r = reader_of(item);
	struct sizes sizes = { 1, 1, 0 }; /* the newline at the end */
	struct value map;
	bool is_good = value_read(&r, &map) && map.tag == VALUE_M && reader_left(&r) == 0 &&
		       add_members(&sizes, &map, 0, 0, 0);
	*ret_plain = is_good ? sizes.plain : 0;
	*ret_dynamodb = is_good ? sizes.dynamodb : 0;
	return is_good ? sizes.bytes : item_size_bytes(item);
}
