#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/query_parts.h"

#define ARGUMENTS_MAX 2 /* that have types of their own; more are of the last one's */

/* What an argument may be. */
enum {
	TAKES_NUMBER = 1 << JSON_NUMBER,
	TAKES_TEXT = 1 << JSON_STRING,
	TAKES_ARRAY = 1 << JSON_ARRAY,
	TAKES_OBJECT = 1 << JSON_OBJECT,
	TAKES_NUMBERS = 1 << 8, /* an array of them */
	TAKES_TEXTS = 1 << 9,
	TAKES_REFERENCE = 1 << 10,
	TAKES_ANY = 0xff,
};

struct arguments {
	struct query_arena *arena;
	const struct query_function *function;
	size_t count;
	const struct query_value **values;  /* null in the place of a reference */
	const struct query_node *reference; /* the expression that is given, if one is */
};

typedef const struct query_value *(*work)(const struct arguments *arguments);
struct query_function {
	const char *name;
	size_t least, most; /* arguments; most 0: any number */
	unsigned takes[ARGUMENTS_MAX];
	work work;
};

/* --- Numbers -------------------------------------------------------------------------------------------------------- */

static const struct query_value *work_abs(const struct arguments *arguments)
{
	struct slice digits = arguments->values[0]->text;
	if (digits.data[0] != '-')
		return arguments->values[0];
	return query_make_text(arguments->arena, JSON_NUMBER, slice_of(digits.data + 1, digits.size - 1));
}

static const struct query_value *round_to(const struct arguments *arguments, double (*rounded)(double))
{
	char text[400];
	int64_t whole;
	struct slice digits = arguments->values[0]->text;
	if (query_is_whole(digits, &whole))
		return arguments->values[0];
	double number = rounded(query_double(digits));
	if (!isfinite(number))
		return &query_null;
	snprintf(text, sizeof(text), "%.0f", number + 0.0);
	return query_make_text(arguments->arena, JSON_NUMBER, slice_of_text(text));
}

static const struct query_value *work_ceil(const struct arguments *arguments)
{
	return round_to(arguments, ceil);
}

static const struct query_value *work_floor(const struct arguments *arguments)
{
	return round_to(arguments, floor);
}

static double sum_of(const struct query_value *numbers)
{
	double sum = 0;
	for (size_t i = 0; i < numbers->count; i++)
		sum += query_double(numbers->items[i]->text);
	return sum;
}

static const struct query_value *work_sum(const struct arguments *arguments)
{
	int64_t sum = 0, number;
	const struct query_value *numbers = arguments->values[0];
	for (size_t i = 0; i < numbers->count; i++)
		if (!query_is_whole(numbers->items[i]->text, &number) || __builtin_add_overflow(sum, number, &sum))
			return query_make_double(arguments->arena, sum_of(numbers));
	return query_make_whole(arguments->arena, sum);
}

static const struct query_value *work_avg(const struct arguments *arguments)
{
	const struct query_value *numbers = arguments->values[0];
	if (numbers->count == 0)
		return &query_null;
	return query_make_double(arguments->arena, sum_of(numbers) / (double)numbers->count);
}

static const struct query_value *work_to_number(const struct arguments *arguments)
{
	const struct query_value *value = arguments->values[0];
	if (value->type == JSON_STRING && query_is_number(value->text))
		return query_make_text(arguments->arena, JSON_NUMBER, value->text);
	return value->type == JSON_NUMBER ? value : &query_null;
}

/* --- Texts ---------------------------------------------------------------------------------------------------------- */

static bool holds_text(struct slice text, struct slice part)
{
	return part.size == 0 || (text.size > 0 && memmem(text.data, text.size, part.data, part.size));
}

static const struct query_value *work_starts_with(const struct arguments *arguments)
{
	struct slice text = arguments->values[0]->text, part = arguments->values[1]->text;
	return query_bool(part.size <= text.size && slice_equal(slice_of(text.data, part.size), part));
}

static const struct query_value *work_ends_with(const struct arguments *arguments)
{
	struct slice text = arguments->values[0]->text, part = arguments->values[1]->text;
	return query_bool(
		part.size <= text.size && slice_equal(slice_of(text.data + text.size - part.size, part.size), part));
}

static const struct query_value *work_join(const struct arguments *arguments)
{
	struct slice glue = arguments->values[0]->text;
	const struct query_value *parts = arguments->values[1];
	size_t size = 0;
	for (size_t i = 0; i < parts->count; i++)
		size += parts->items[i]->text.size + (i > 0 ? glue.size : 0);
	struct query_value *joined = query_alloc(arguments->arena, sizeof(*joined) + size);
	if (!joined)
		return NULL;
	uint8_t *end = (uint8_t *)(joined + 1);
	joined->type = JSON_STRING;
	joined->text = slice_of(end, size);
	for (size_t i = 0; i < parts->count; i++) {
		struct slice pieces[] = { { glue.data, i > 0 ? glue.size : 0 }, parts->items[i]->text };
		for (size_t at = 0; at < 2; at++) {
			if (pieces[at].size > 0)
				memcpy(end, pieces[at].data, pieces[at].size);
			end += pieces[at].size;
		}
	}
	return joined;
}

static const struct query_value *work_to_string(const struct arguments *arguments)
{
	struct buffer text = BUFFER_INIT;
	const struct query_value *value = arguments->values[0];
	if (value->type == JSON_STRING)
		return value;
	value = query_append_json(arguments->arena, value, &text) && buffer_error(&text) == 0
			? query_make_text(arguments->arena, JSON_STRING, buffer_slice(&text))
			: query_fail(arguments->arena, -ENOMEM, "out of memory");
	buffer_free(&text);
	return value;
}

static size_t count_characters(struct slice text)
{
	size_t count = 0;
	for (size_t i = 0; i < text.size; i++)
		count += (text.data[i] & 0xc0) != 0x80;
	return count;
}

static const struct query_value *reverse_text(struct query_arena *arena, struct slice text)
{
	struct query_value *reversed = query_alloc(arena, sizeof(*reversed) + text.size);
	if (!reversed)
		return NULL;
	uint8_t *end = (uint8_t *)(reversed + 1) + text.size;
	reversed->type = JSON_STRING;
	reversed->text = slice_of(reversed + 1, text.size);
	for (size_t size, at = 0; at < text.size; at += size) {
		size = 1;
		while (at + size < text.size && (text.data[at + size] & 0xc0) == 0x80)
			size++;
		end -= size;
		memcpy(end, text.data + at, size);
	}
	return reversed;
}

/* --- Arrays and objects --------------------------------------------------------------------------------------------- */

static const struct query_value *work_length(const struct arguments *arguments)
{
	const struct query_value *value = arguments->values[0];
	size_t length = value->type == JSON_STRING ? count_characters(value->text) : value->count;
	return query_make_whole(arguments->arena, (int64_t)length);
}

static const struct query_value *work_reverse(const struct arguments *arguments)
{
	const struct query_value *value = arguments->values[0];
	if (value->type == JSON_STRING)
		return reverse_text(arguments->arena, value->text);
	struct query_value *reversed = query_make_container(arguments->arena, JSON_ARRAY, value->count);
	for (size_t i = value->count; reversed && i > 0; i--)
		query_add(reversed, value->items[i - 1]);
	return reversed;
}

static const struct query_value *work_contains(const struct arguments *arguments)
{
	const struct query_value *in = arguments->values[0], *wanted = arguments->values[1];
	if (in->type == JSON_STRING)
		return query_bool(wanted->type == JSON_STRING && holds_text(in->text, wanted->text));
	for (size_t i = 0; i < in->count; i++)
		if (query_equal(arguments->arena, in->items[i], wanted))
			return query_bool(true);
	return arguments->arena->result < 0 ? NULL : query_bool(false);
}

static const struct query_value *work_keys(const struct arguments *arguments)
{
	const struct query_value *object = arguments->values[0];
	struct query_value *keys = query_make_container(arguments->arena, JSON_ARRAY, object->count);
	for (size_t i = 0; keys && i < object->count; i++) {
		const struct query_value *key = query_make_text(arguments->arena, JSON_STRING, object->names[i]);
		if (!key)
			return NULL;
		query_add(keys, key);
	}
	return keys;
}

static const struct query_value *work_values(const struct arguments *arguments)
{
	const struct query_value *object = arguments->values[0];
	struct query_value *values = query_make_container(arguments->arena, JSON_ARRAY, object->count);
	for (size_t i = 0; values && i < object->count; i++)
		query_add(values, object->items[i]);
	return values;
}

static const struct query_value *work_merge(const struct arguments *arguments)
{
	size_t count = 0;
	for (size_t i = 0; i < arguments->count; i++)
		count += arguments->values[i]->count;
	struct query_value *merged = query_make_container(arguments->arena, JSON_OBJECT, count);
	for (size_t i = 0; merged && i < arguments->count; i++) {
		const struct query_value *object = arguments->values[i];
		for (size_t at = 0; at < object->count; at++)
			if (!query_set(arguments->arena, merged, object->names[at], object->items[at]))
				return NULL;
	}
	return merged;
}

static const struct query_value *work_not_null(const struct arguments *arguments)
{
	for (size_t i = 0; i < arguments->count; i++)
		if (arguments->values[i]->type != JSON_NULL)
			return arguments->values[i];
	return &query_null;
}

static const struct query_value *work_to_array(const struct arguments *arguments)
{
	if (arguments->values[0]->type == JSON_ARRAY)
		return arguments->values[0];
	struct query_value *array = query_make_container(arguments->arena, JSON_ARRAY, 1);
	if (array)
		query_add(array, arguments->values[0]);
	return array;
}

static const struct query_value *work_type(const struct arguments *arguments)
{
	return query_make_text(
		arguments->arena, JSON_STRING, slice_of_text(query_type_name(arguments->values[0]->type)));
}

static const struct query_value *work_map(const struct arguments *arguments)
{
	const struct query_value *from = arguments->values[1];
	struct query_value *mapped = query_make_container(arguments->arena, JSON_ARRAY, from->count);
	for (size_t i = 0; mapped && i < from->count; i++) {
		const struct query_value *item = query_evaluate(arguments->arena, arguments->reference, from->items[i]);
		if (!item)
			return NULL;
		query_add(mapped, item);
	}
	return mapped;
}

/* --- Order ---------------------------------------------------------------------------------------------------------- */

struct ranked {
	const struct query_value *key, *item;
};

/* Equal ones stay in the order of their places: the array of them is in it. */
static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = *(const struct ranked *const *)a, *y = *(const struct ranked *const *)b;
	int order = query_order(x->key, y->key);
	return order != 0 ? order : (x > y) - (x < y);
}

/* Keys are all numbers or all texts. */
static bool check_keys(const struct arguments *arguments, const struct ranked *ranked, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		enum json_type type = ranked[i].key->type;
		if (type != ranked[0].key->type || (type != JSON_NUMBER && type != JSON_STRING))
			return query_fail(arguments->arena, -EINVAL,
				"%s() orders by numbers or by strings, and met %s%s", arguments->function->name,
				type == ranked[0].key->type ? "" : "both, or ", query_type_name(type));
	}
	return true;
}

/* Items with their keys: what the expression gives for each, or they themselves. */
static struct ranked *rank(const struct arguments *arguments)
{
	const struct query_value *from = arguments->values[0];
	struct ranked *ranked = query_alloc(arguments->arena, (from->count + 1) * sizeof(*ranked));
	for (size_t i = 0; ranked && i < from->count; i++) {
		ranked[i].item = ranked[i].key = from->items[i];
		if (arguments->reference)
			ranked[i].key = query_evaluate(arguments->arena, arguments->reference, from->items[i]);
		if (!ranked[i].key || !query_step(arguments->arena))
			return NULL;
	}
	return ranked && check_keys(arguments, ranked, from->count) ? ranked : NULL;
}

static const struct query_value *work_sort(const struct arguments *arguments)
{
	size_t count = arguments->values[0]->count;
	const struct ranked *ranked = rank(arguments);
	const struct ranked **order = ranked ? query_alloc(arguments->arena, (count + 1) * sizeof(*order)) : NULL;
	struct query_value *sorted = order ? query_make_container(arguments->arena, JSON_ARRAY, count) : NULL;
	if (!sorted)
		return NULL;
	for (size_t i = 0; i < count; i++)
		order[i] = &ranked[i];
	qsort(order, count, sizeof(*order), compare_ranked);
	for (size_t i = 0; i < count; i++)
		query_add(sorted, order[i]->item);
	return sorted;
}

/* The first of the greatest, or of the least. */
static const struct query_value *choose(const struct arguments *arguments, bool wants_greatest)
{
	const struct ranked *ranked = rank(arguments), *chosen = ranked;
	size_t count = arguments->values[0]->count;
	if (!ranked)
		return NULL;
	for (size_t i = 1; i < count; i++) {
		int order = query_order(ranked[i].key, chosen->key);
		if (wants_greatest ? order > 0 : order < 0)
			chosen = &ranked[i];
	}
	return count > 0 ? chosen->item : &query_null;
}

static const struct query_value *work_max(const struct arguments *arguments)
{
	return choose(arguments, true);
}

static const struct query_value *work_min(const struct arguments *arguments)
{
	return choose(arguments, false);
}

/* --- Calling them --------------------------------------------------------------------------------------------------- */

static const struct query_function functions[] = {
	{ "abs", 1, 1, { TAKES_NUMBER }, work_abs },
	{ "avg", 1, 1, { TAKES_NUMBERS }, work_avg },
	{ "ceil", 1, 1, { TAKES_NUMBER }, work_ceil },
	{ "contains", 2, 2, { TAKES_ARRAY | TAKES_TEXT, TAKES_ANY }, work_contains },
	{ "ends_with", 2, 2, { TAKES_TEXT, TAKES_TEXT }, work_ends_with },
	{ "floor", 1, 1, { TAKES_NUMBER }, work_floor },
	{ "join", 2, 2, { TAKES_TEXT, TAKES_TEXTS }, work_join },
	{ "keys", 1, 1, { TAKES_OBJECT }, work_keys },
	{ "length", 1, 1, { TAKES_TEXT | TAKES_ARRAY | TAKES_OBJECT }, work_length },
	{ "map", 2, 2, { TAKES_REFERENCE, TAKES_ARRAY }, work_map },
	{ "max", 1, 1, { TAKES_NUMBERS | TAKES_TEXTS }, work_max },
	{ "max_by", 2, 2, { TAKES_ARRAY, TAKES_REFERENCE }, work_max },
	{ "merge", 0, 0, { TAKES_OBJECT, TAKES_OBJECT }, work_merge },
	{ "min", 1, 1, { TAKES_NUMBERS | TAKES_TEXTS }, work_min },
	{ "min_by", 2, 2, { TAKES_ARRAY, TAKES_REFERENCE }, work_min },
	{ "not_null", 1, 0, { TAKES_ANY, TAKES_ANY }, work_not_null },
	{ "reverse", 1, 1, { TAKES_ARRAY | TAKES_TEXT }, work_reverse },
	{ "sort", 1, 1, { TAKES_NUMBERS | TAKES_TEXTS }, work_sort },
	{ "sort_by", 2, 2, { TAKES_ARRAY, TAKES_REFERENCE }, work_sort },
	{ "starts_with", 2, 2, { TAKES_TEXT, TAKES_TEXT }, work_starts_with },
	{ "sum", 1, 1, { TAKES_NUMBERS }, work_sum },
	{ "to_array", 1, 1, { TAKES_ANY }, work_to_array },
	{ "to_number", 1, 1, { TAKES_ANY }, work_to_number },
	{ "to_string", 1, 1, { TAKES_ANY }, work_to_string },
	{ "type", 1, 1, { TAKES_ANY }, work_type },
	{ "values", 1, 1, { TAKES_OBJECT }, work_values },
};

const struct query_function *query_function_find(struct slice name)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (slice_equal(slice_of_text(functions[i].name), name))
			return &functions[i];
	return NULL;
}

static unsigned takes(const struct query_function *function, size_t at)
{
	return function->takes[at < ARGUMENTS_MAX ? at : ARGUMENTS_MAX - 1];
}

const char *query_function_check(const struct query_node *call)
{
	const struct query_function *function = call->function;
	size_t at = 0;
	if (call->count < function->least)
		return "the function needs more arguments";
	if (function->most > 0 && call->count > function->most)
		return "the function takes fewer arguments";
	for (const struct query_node *child = call->children; child; child = child->next, at++)
		if ((child->kind == QUERY_REFERENCE) != (takes(function, at) == TAKES_REFERENCE))
			return child->kind == QUERY_REFERENCE
				       ? "an expression with & is not what the function takes there"
				       : "the function takes an expression with & there";
	return NULL;
}

static bool is_array_of(struct query_arena *arena, const struct query_value *value, enum json_type type)
{
	if (value->type != JSON_ARRAY)
		return false;
	for (size_t i = 0; i < value->count; i++)
		if (value->items[i]->type != type || !query_step(arena))
			return false;
	return true;
}

static bool is_taken(struct query_arena *arena, unsigned taken, const struct query_value *value)
{
	return (taken & 1u << value->type) || taken == TAKES_REFERENCE ||
	       ((taken & TAKES_NUMBERS) && is_array_of(arena, value, JSON_NUMBER)) ||
	       ((taken & TAKES_TEXTS) && is_array_of(arena, value, JSON_STRING));
}

static void *refuse_type(const struct arguments *arguments, size_t at, unsigned taken, const struct query_value *value)
{
	static const struct {
		unsigned takes;
		const char *name;
	} names[] = { { TAKES_NUMBER, "number" }, { TAKES_TEXT, "string" }, { TAKES_ARRAY, "array" },
		{ TAKES_OBJECT, "object" }, { TAKES_NUMBERS, "array of numbers" },
		{ TAKES_TEXTS, "array of strings" } };
	char text[128] = "";
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (taken & names[i].takes) {
			size_t size = strlen(text);
			snprintf(text + size, sizeof(text) - size, "%s%s", size > 0 ? " or " : "", names[i].name);
		}
	return query_fail(arguments->arena, -EINVAL, "%s() takes %s as argument %zu, and was given %s%s",
		arguments->function->name, text, at + 1, query_type_name(value->type),
		value->type == JSON_ARRAY ? " of others" : "");
}

const struct query_value *query_call(
	struct query_arena *arena, const struct query_node *call, const struct query_value *value)
{
	struct arguments arguments = { .arena = arena, .function = call->function };
	arguments.values = query_alloc(arena, (call->count + 1) * sizeof(*arguments.values));
	if (!arguments.values)
		return NULL;
	for (const struct query_node *child = call->children; child; child = child->next) {
		bool is_reference = child->kind == QUERY_REFERENCE;
		const struct query_value *given = is_reference ? &query_null : query_evaluate(arena, child, value);
		unsigned taken = takes(call->function, arguments.count);
		if (!given)
			return NULL;
		if (is_reference)
			arguments.reference = child->left;
		if (!is_taken(arena, taken, given))
			return refuse_type(&arguments, arguments.count, taken, given);
		arguments.values[arguments.count++] = given;
	}
	/* What it returns is the arena's. */
	/* cppcheck-suppress returnDanglingLifetime */
	return call->function->work(&arguments);
}
