#include "tools/output.h"

#include <stdlib.h>

/* As AWS's command line prints --output text: a structure is a line of its scalars, in the order of their names and behind
 * the name that it has itself; what is nested follows on lines of its own. The structures of one list have the same
 * columns. */

struct names {
	struct slice *all;
	size_t count;
	bool is_out_of_memory;
};

/* Without a name (NULL data) a line has no heading. */
struct place {
	struct buffer *out;
	struct slice name;
	const struct names *columns; /* NULL: the structure's own */
};

static void append_node(const struct place *place, const struct json *node);

static bool is_nested(const struct json *node)
{
	return json_type(node) == JSON_ARRAY || json_type(node) == JSON_OBJECT;
}

static void append_scalar(struct buffer *out, const struct json *node)
{
	switch (json_type(node)) {
	case JSON_NULL:
		buffer_append_text(out, "None");
		break;
	case JSON_TRUE:
		buffer_append_text(out, "True");
		break;
	case JSON_FALSE:
		buffer_append_text(out, "False");
		break;
	case JSON_NUMBER:
	case JSON_STRING:
		buffer_append_slice(out, json_text(node));
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		json_append(out, node);
		break;
	}
}

static void append_heading(struct buffer *out, struct slice name)
{
	for (size_t i = 0; i < name.size; i++) {
		bool is_small = name.data[i] >= 'a' && name.data[i] <= 'z';
		buffer_append_byte(out, is_small ? (uint8_t)(name.data[i] - 'a' + 'A') : name.data[i]);
	}
}

/* --- Structures ----------------------------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
	return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

static void sort_names(struct names *names)
{
	size_t kept = 0;
	if (names->count > 0)
		qsort(names->all, names->count, sizeof(*names->all), compare_names);
	for (size_t i = 0; i < names->count; i++)
		if (kept == 0 || !slice_equal(names->all[kept - 1], names->all[i]))
			names->all[kept++] = names->all[i];
	names->count = kept;
}

/* Adds the names of a structure's members that are nested, or of those that are not. */
static void add_names(struct names *names, const struct json *object, bool are_nested)
{
	struct slice *all = reallocarray(names->all, names->count + json_count(object) + 1, sizeof(*all));
	names->is_out_of_memory |= !all;
	if (!all)
		return;
	names->all = all;
	for (const struct json *member = json_first(object); member; member = json_next(member))
		if (is_nested(member) == are_nested)
			names->all[names->count++] = json_name(member);
}

static const struct json *member_of(const struct json *object, struct slice name)
{
	const struct json *member = json_first(object);
	while (member && !slice_equal(json_name(member), name))
		member = json_next(member);
	return member;
}

static void append_columns(const struct place *place, const struct names *columns, const struct json *object)
{
	if (columns->count == 0)
		return;
	append_heading(place->out, place->name);
	for (size_t i = 0; i < columns->count; i++) {
		const struct json *member = member_of(object, columns->all[i]);
		if (i > 0 || place->name.data)
			buffer_append_byte(place->out, '\t');
		if (member)
			append_scalar(place->out, member);
	}
	buffer_append_byte(place->out, '\n');
}

static bool has_name(const struct names *names, struct slice name)
{
	return names->count > 0 && bsearch(&name, names->all, names->count, sizeof(name), compare_names);
}

static void append_object(const struct place *place, const struct json *object)
{
	struct names own = { 0 }, nested = { 0 };
	add_names(&own, object, /* are_nested= */ false);
	add_names(&nested, object, /* are_nested= */ true);
	sort_names(&own);
	sort_names(&nested);
	const struct names *columns = place->columns ? place->columns : &own;
	append_columns(place, columns, object);
	for (size_t i = 0; i < nested.count; i++) {
		struct place inside = { .out = place->out, .name = nested.all[i] };
		if (!has_name(columns, nested.all[i]))
			append_node(&inside, member_of(object, nested.all[i]));
	}
	place->out->is_out_of_memory |= own.is_out_of_memory || nested.is_out_of_memory;
	free(own.all);
	free(nested.all);
}

/* --- Lists ---------------------------------------------------------------------------------------------------------- */

static bool has_type(const struct json *array, enum json_type type)
{
	const struct json *item = json_first(array);
	while (item && json_type(item) != type)
		item = json_next(item);
	return item;
}

static void append_scalars(const struct place *place, const struct json *array)
{
	size_t count = 0;
	for (const struct json *item = json_first(array); item; item = json_next(item)) {
		if (is_nested(item))
			continue;
		append_heading(place->out, place->name);
		if (count++ > 0 || place->name.data)
			buffer_append_byte(place->out, '\t');
		append_scalar(place->out, item);
		if (place->name.data)
			buffer_append_byte(place->out, '\n');
	}
	if (count > 0 && !place->name.data)
		buffer_append_byte(place->out, '\n');
}

static void append_objects(const struct place *place, const struct json *array)
{
	struct names columns = { 0 };
	for (const struct json *item = json_first(array); item; item = json_next(item))
		if (json_type(item) == JSON_OBJECT)
			add_names(&columns, item, /* are_nested= */ false);
	sort_names(&columns);
	struct place inside = { place->out, place->name, &columns };
	for (const struct json *item = json_first(array); item; item = json_next(item))
		append_node(&inside, item);
	place->out->is_out_of_memory |= columns.is_out_of_memory;
	free(columns.all);
}

static void append_array(const struct place *place, const struct json *array)
{
	struct place inside = { .out = place->out, .name = place->name };
	if (has_type(array, JSON_OBJECT)) {
		append_objects(place, array);
		return;
	}
	append_scalars(place, array);
	for (const struct json *item = json_first(array); item; item = json_next(item))
		if (is_nested(item))
			append_node(&inside, item);
}

static void append_node(const struct place *place, const struct json *node)
{
	if (json_type(node) == JSON_OBJECT) {
		append_object(place, node);
	} else if (json_type(node) == JSON_ARRAY) {
		append_array(place, node);
	} else {
		append_scalar(place->out, node);
		buffer_append_byte(place->out, '\n');
	}
}

/* Where a listing was cut stands on the last line, not among the columns. */
static void append_response(struct buffer *out, const struct json *root, const struct json *token)
{
	struct names columns = { 0 };
	struct place place = { .out = out, .columns = &columns };
	size_t kept = 0;
	add_names(&columns, root, /* are_nested= */ false);
	sort_names(&columns);
	for (size_t i = 0; i < columns.count; i++)
		if (!slice_equal(columns.all[i], json_name(token)))
			columns.all[kept++] = columns.all[i];
	columns.count = kept;
	append_object(&place, root);
	buffer_append_text(out, "NEXTTOKEN\t");
	append_scalar(out, token);
	buffer_append_byte(out, '\n');
	out->is_out_of_memory |= columns.is_out_of_memory;
	free(columns.all);
}

void output_text_append(struct buffer *out, const struct json *root, bool is_response)
{
	struct place place = { .out = out };
	const struct json *token = is_response ? json_member(root, "NextToken") : NULL;
	if (token && !is_nested(token))
		append_response(out, root, token);
	else
		append_node(&place, root);
}
