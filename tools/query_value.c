#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "tools/query_parts.h"

const struct query_value query_null = { .type = JSON_NULL };

const struct query_value *query_bool(bool is_true)
{
	static const struct query_value yes = { .type = JSON_TRUE }, no = { .type = JSON_FALSE };
	return is_true ? &yes : &no;
}

const char *query_type_name(enum json_type type)
{
	static const char *const names[] = { [JSON_NULL] = "null",
		[JSON_FALSE] = "boolean",
		[JSON_TRUE] = "boolean",
		[JSON_NUMBER] = "number",
		[JSON_STRING] = "string",
		[JSON_ARRAY] = "array",
		[JSON_OBJECT] = "object" };
	return names[type];
}

/* --- Making them ---------------------------------------------------------------------------------------------------- */

struct query_value *query_make_text(struct query_arena *arena, enum json_type type, struct slice text)
{
	struct query_value *value = query_alloc(arena, sizeof(*value) + text.size);
	if (!value)
		return NULL;
	if (text.size > 0)
		memcpy(value + 1, text.data, text.size);
	value->type = type;
	value->text = slice_of(value + 1, text.size);
	return value;
}

struct query_value *query_make_container(struct query_arena *arena, enum json_type type, size_t capacity)
{
	struct query_value *value = query_alloc(arena, sizeof(*value));
	if (!value)
		return NULL;
	value->type = type;
	value->items = query_alloc(arena, capacity * sizeof(*value->items));
	if (type == JSON_OBJECT)
		value->names = query_alloc(arena, capacity * sizeof(*value->names));
	return arena->result < 0 ? NULL : value;
}

void query_add(struct query_value *array, const struct query_value *item)
{
	array->items[array->count++] = item;
}

bool query_set(
	struct query_arena *arena, struct query_value *object, struct slice name, const struct query_value *member)
{
	size_t i = 0;
	while (i < object->count && !slice_equal(object->names[i], name) && query_step(arena))
		i++;
	if (arena->result < 0)
		return false;
	object->names[i] = name;
	object->items[i] = member;
	object->count += i == object->count;
	return true;
}

const struct query_value *query_member(const struct query_value *object, struct slice name)
{
	if (object->type == JSON_OBJECT)
		for (size_t i = 0; i < object->count; i++)
			if (slice_equal(object->names[i], name))
				return object->items[i];
	return &query_null;
}

static struct slice keep(struct query_arena *arena, struct slice text, bool copies)
{
	const struct query_value *copy = copies ? query_make_text(arena, JSON_STRING, text) : NULL;
	return copy ? copy->text : text;
}

const struct query_value *query_from_json(struct query_arena *arena, const struct json *node, bool copies)
{
	enum json_type type = json_type(node);
	if (type == JSON_NULL)
		return &query_null;
	if (type == JSON_TRUE || type == JSON_FALSE)
		return query_bool(type == JSON_TRUE);
	bool is_container = type == JSON_ARRAY || type == JSON_OBJECT;
	struct query_value *value =
		is_container ? query_make_container(arena, type, json_count(node)) : query_alloc(arena, sizeof(*value));
	if (!value)
		return NULL;
	value->type = type;
	value->text = keep(arena, json_text(node), copies);
	for (const struct json *child = json_first(node); child; child = json_next(child)) {
		const struct query_value *item = query_from_json(arena, child, copies);
		if (!item)
			return NULL;
		if (type == JSON_OBJECT)
			value->names[value->count] = keep(arena, json_name(child), copies);
		query_add(value, item);
	}
	return arena->result < 0 ? NULL : value;
}

/* --- Writing them --------------------------------------------------------------------------------------------------- */

static bool append_container(struct query_arena *arena, const struct query_value *value, struct buffer *out)
{
	bool is_object = value->type == JSON_OBJECT;
	buffer_append_byte(out, is_object ? '{' : '[');
	for (size_t i = 0; i < value->count; i++) {
		if (i > 0)
			buffer_append_byte(out, ',');
		if (is_object) {
			json_append_string(out, value->names[i]);
			buffer_append_byte(out, ':');
		}
		if (!query_append_json(arena, value->items[i], out))
			return false;
	}
	buffer_append_byte(out, is_object ? '}' : ']');
	return true;
}

/* A value may stand in another many times over. */
bool query_append_json(struct query_arena *arena, const struct query_value *value, struct buffer *out)
{
	static const char *const words[] = { [JSON_NULL] = "null", [JSON_TRUE] = "true", [JSON_FALSE] = "false" };
	if (!query_step(arena))
		return false;
	if (arena->max_used > 0 && out->size > arena->max_used)
		return query_fail(arena, -EFBIG, "the expression makes too much of its input");
	switch (value->type) {
	case JSON_ARRAY:
	case JSON_OBJECT:
		return append_container(arena, value, out);
	case JSON_STRING:
		json_append_string(out, value->text);
		return true;
	case JSON_NUMBER:
		buffer_append_slice(out, value->text);
		return true;
	case JSON_NULL:
	case JSON_FALSE:
	case JSON_TRUE:
		break;
	}
	buffer_append_text(out, words[value->type]);
	return true;
}

/* --- Comparing them ------------------------------------------------------------------------------------------------- */

bool query_is_true(const struct query_value *value)
{
	switch (value->type) {
	case JSON_NULL:
	case JSON_FALSE:
		return false;
	case JSON_STRING:
		return value->text.size > 0;
	case JSON_ARRAY:
	case JSON_OBJECT:
		return value->count > 0;
	case JSON_TRUE:
	case JSON_NUMBER:
		break;
	}
	return true;
}

static int order_numbers(struct slice a, struct slice b)
{
	char text_a[NUMBER_TEXT_MAX + 1], text_b[NUMBER_TEXT_MAX + 1];
	size_t size_a, size_b;
	if (number_canonical(a, text_a, &size_a, NULL) == 0 && number_canonical(b, text_b, &size_b, NULL) == 0)
		return number_compare(slice_of(text_a, size_a), slice_of(text_b, size_b));
	double x = query_double(a), y = query_double(b);
	return (x > y) - (x < y);
}

int query_order(const struct query_value *a, const struct query_value *b)
{
	return a->type == JSON_NUMBER ? order_numbers(a->text, b->text) : slice_compare(a->text, b->text);
}

static bool are_containers_equal(struct query_arena *arena, const struct query_value *a, const struct query_value *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct query_value *other = a->type == JSON_ARRAY ? b->items[i] : query_member(b, a->names[i]);
		if (!query_equal(arena, a->items[i], other))
			return false;
	}
	/* A null may have been a member that is not there. */
	for (size_t i = 0; a->type == JSON_OBJECT && i < a->count; i++) {
		size_t at = 0;
		while (at < b->count && !slice_equal(b->names[at], a->names[i]))
			at++;
		if (at == b->count)
			return false;
	}
	return true;
}

bool query_equal(struct query_arena *arena, const struct query_value *a, const struct query_value *b)
{
	if (!query_step(arena) || a->type != b->type)
		return false;
	if (a == b)
		return true;
	if (a->type == JSON_NUMBER || a->type == JSON_STRING)
		return query_order(a, b) == 0;
	if (a->type == JSON_ARRAY || a->type == JSON_OBJECT)
		return are_containers_equal(arena, a, b);
	return true;
}

/* --- Numbers -------------------------------------------------------------------------------------------------------- */

bool query_is_number(struct slice text)
{
	size_t at = text.size > 0 && text.data[0] == '-';
	size_t start = at;
	while (at < text.size && text.data[at] >= '0' && text.data[at] <= '9')
		at++;
	if (at == start || (text.data[start] == '0' && at - start > 1))
		return false;
	if (at < text.size && text.data[at] == '.') {
		for (start = ++at; at < text.size && text.data[at] >= '0' && text.data[at] <= '9';)
			at++;
		if (at == start)
			return false;
	}
	if (at < text.size && (text.data[at] == 'e' || text.data[at] == 'E')) {
		at++;
		at += at < text.size && (text.data[at] == '+' || text.data[at] == '-');
		for (start = at; at < text.size && text.data[at] >= '0' && text.data[at] <= '9';)
			at++;
		if (at == start)
			return false;
	}
	return at == text.size;
}

/* Longer ones have digits that a double has no room for. */
double query_double(struct slice digits)
{
	char text[512] = "";
	memcpy(text, digits.data, digits.size < sizeof(text) ? digits.size : sizeof(text) - 1);
	return strtod(text, NULL);
}

bool query_is_whole(struct slice digits, int64_t *ret_value)
{
	char text[32] = "", *end;
	if (digits.size >= sizeof(text))
		return false;
	memcpy(text, digits.data, digits.size);
	errno = 0;
	*ret_value = strtoll(text, &end, 10);
	return *end == '\0' && errno == 0;
}

const struct query_value *query_make_whole(struct query_arena *arena, int64_t number)
{
	char text[32];
	snprintf(text, sizeof(text), "%lld", (long long)number);
	return query_make_text(arena, JSON_NUMBER, slice_of_text(text));
}

/* The fewest digits that read back as the same; whole ones end in ".0". */
const struct query_value *query_make_double(struct query_arena *arena, double number)
{
	char text[64];
	if (!isfinite(number))
		return &query_null;
	bool is_plain = trunc(number) == number && fabs(number) < 1e16;
	if (is_plain)
		snprintf(text, sizeof(text), "%.1f", number);
	for (int digits = 1; !is_plain && digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, number);
		if (!(strtod(text, NULL) > number) && !(strtod(text, NULL) < number))
			break;
	}
	return query_make_text(arena, JSON_NUMBER, slice_of_text(text));
}
