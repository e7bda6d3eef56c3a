#include "patch.h"

#include <errno.h>

#include "item.h"
#include "item_json_form.h"
#include "json.h"

/* One operation. The pointer is the path as RFC 6901 writes it, and the place an operation finds there when those before it are done. */
typedef int (*operation_each)(void *context, const char *op, struct slice pointer, struct slice path,
	struct slice before, struct slice after);

struct patch {
	struct buffer pointer, path;
	operation_each each;
	void *context;
};

/* Where the paths were before a step into a value. */
struct mark {
	size_t pointer, path;
};

static struct mark mark_of(const struct patch *patch)
{
	return (struct mark){ patch->pointer.size, patch->path.size };
}

static void go_back(struct patch *patch, struct mark mark)
{
	patch->pointer.size = mark.pointer;
	patch->path.size = mark.path;
}

static bool is_plain_name(struct slice name)
{
	for (size_t i = 0; i < name.size; i++) {
		uint8_t c = name.data[i];
		if (c <= ' ' || c == '.' || c == '[' || c == ']' || c == '"' || c == 0x7f)
			return false;
	}
	return name.size > 0;
}

static void go_to_member(struct patch *patch, struct slice name, bool is_escaped)
{
	buffer_append_text(&patch->pointer, is_escaped ? "/$" : "/");
	for (size_t i = 0; i < name.size; i++) {
		if (name.data[i] == '~' || name.data[i] == '/')
			buffer_append_text(&patch->pointer, name.data[i] == '~' ? "~0" : "~1");
		else
			buffer_append_byte(&patch->pointer, name.data[i]);
	}
	if (patch->path.size)
		buffer_append_byte(&patch->path, '.');
	if (is_plain_name(name))
		buffer_append_slice(&patch->path, name);
	else
		json_append_string(&patch->path, name);
}

static void go_to_element(struct patch *patch, size_t place_in_pointer, size_t place)
{
	buffer_append_format(&patch->pointer, "/%zu", place_in_pointer);
	buffer_append_format(&patch->path, "[%zu]", place);
}

/* `before` or `after` NULL: not there. */
static int tell(struct patch *patch, const struct value *before, const struct value *after)
{
	static const struct slice nothing;
	int r = buffer_error(&patch->pointer) ? buffer_error(&patch->pointer) : buffer_error(&patch->path);
	if (r)
		return r;
	r = patch->each(patch->context,
		!before  ? "add"
		: !after ? "remove"
			 : "replace",
		buffer_slice(&patch->pointer), buffer_slice(&patch->path), before ? before->whole : nothing,
		after ? after->whole : nothing);
	return r < 0 ? r : 0;
}

/* --- comparing --- */

/* The members of a map or list in order. */
struct members {
	struct value container;
	struct reader reader;
	struct slice name;
	struct value value;
	bool is_at_end;
};

static void step(struct members *members)
{
	members->is_at_end = !value_next(&members->container, &members->reader, &members->name, &members->value);
}

static struct members members_of(const struct value *container)
{
	struct members members = { .container = *container, .reader = reader_of(container->body) };
	step(&members);
	return members;
}

static int end_of(const struct members *a, const struct members *b)
{
	return a->reader.is_bad || b->reader.is_bad ? -EIO : 0;
}

static int compare(struct patch *patch, const struct value *before, const struct value *after, unsigned level);

static int compare_member(struct patch *patch, struct slice name, bool is_escaped, const struct value *before,
	const struct value *after, unsigned level)
{
	struct mark mark = mark_of(patch);
	go_to_member(patch, name, is_escaped);
	int r = before && after ? compare(patch, before, after, level) : tell(patch, before, after);
	go_back(patch, mark);
	return r;
}

static int compare_maps(
	struct patch *patch, const struct value *before, const struct value *after, bool is_escaped, unsigned level)
{
	struct members a = members_of(before), b = members_of(after);
	int r = 0;
	while (!r && !(a.is_at_end && b.is_at_end)) {
		int order = a.is_at_end ? 1 : b.is_at_end ? -1 : slice_compare(a.name, b.name);
		r = compare_member(patch, order > 0 ? b.name : a.name, is_escaped, order <= 0 ? &a.value : NULL,
			order >= 0 ? &b.value : NULL, level + 1);
		if (order <= 0)
			step(&a);
		if (order >= 0)
			step(&b);
	}
	return r ? r : end_of(&a, &b);
}

/* What is left over is removed at one place again and again, and added at its own. */
static int compare_lists(struct patch *patch, const struct value *before, const struct value *after, unsigned level)
{
	struct members a = members_of(before), b = members_of(after);
	int r = 0;
	for (size_t place = 0; !r && !(a.is_at_end && b.is_at_end); place++) {
		struct mark mark = mark_of(patch);
		go_to_element(patch, b.is_at_end ? after->count : place, place);
		if (a.is_at_end || b.is_at_end)
			r = tell(patch, a.is_at_end ? NULL : &a.value, b.is_at_end ? NULL : &b.value);
		else
			r = compare(patch, &a.value, &b.value, level + 1);
		go_back(patch, mark);
		step(&a);
		step(&b);
	}
	return r ? r : end_of(&a, &b);
}

/* A map of one member whose name stands for a wrapper is written with one '$' more (item_json.h). */
static bool is_escaped_map(const struct value *map)
{
	struct members members = members_of(map);
	enum value_tag wrapped;
	return map->count == 1 && !members.is_at_end && item_json_dollars(members.name, &wrapped) > 0;
}

/* The names in a map that becomes such a map, or ends to be one, or gets another such name, change as they are written. */
static int compare_inner_maps(
	struct patch *patch, const struct value *before, const struct value *after, unsigned level)
{
	bool is_escaped = is_escaped_map(before), is_escaped_after = is_escaped_map(after);
	if (is_escaped || is_escaped_after) {
		struct members a = members_of(before), b = members_of(after);
		if (!is_escaped || !is_escaped_after || !slice_equal(a.name, b.name))
			return tell(patch, before, after);
	}
	return compare_maps(patch, before, after, is_escaped, level);
}

static int compare(struct patch *patch, const struct value *before, const struct value *after, unsigned level)
{
	if (slice_equal(before->whole, after->whole))
		return 0;
	if (level > ITEM_MAX_DEPTH)
		return -EIO;
	if (before->tag == VALUE_M && after->tag == VALUE_M)
		return compare_inner_maps(patch, before, after, level);
	if (before->tag == VALUE_L && after->tag == VALUE_L)
		return compare_lists(patch, before, after, level);
	return tell(patch, before, after);
}

static bool read_item(struct slice item, struct value *ret_map)
{
	struct reader r = reader_of(item);
	return value_read(&r, ret_map) && ret_map->tag == VALUE_M && reader_left(&r) == 0;
}

static int walk(struct slice before, struct slice after, operation_each each, void *context)
{
	struct patch patch = { .each = each, .context = context };
	struct value from, to;
	if (!read_item(before, &from) || !read_item(after, &to))
		return -EIO;
	int r = compare_maps(&patch, &from, &to, false, 0);
	buffer_free(&patch.pointer);
	buffer_free(&patch.path);
	return r;
}

/* --- telling --- */

struct teller {
	patch_each each;
	void *context;
};

static int tell_path(
	void *context, const char *op, struct slice pointer, struct slice path, struct slice before, struct slice after)
{
	struct teller *teller = context;
	(void)pointer;
	return teller->each(teller->context, op, path, before, after);
}

int patch_walk(struct slice before, struct slice after, patch_each each, void *context)
{
	struct teller teller = { each, context };
	return walk(before, after, tell_path, &teller);
}

struct text {
	struct buffer *out;
	enum item_layout layout;
	unsigned indent;
	bool is_begun;
};

static void break_line(struct text *text, unsigned levels)
{
	if (text->layout == ITEM_PRETTY)
		buffer_append_format(text->out, "\n%*s", 2 * (int)(text->indent + levels), "");
}

static void append_name(struct text *text, const char *name, bool is_first)
{
	if (!is_first)
		buffer_append_byte(text->out, ',');
	break_line(text, 2);
	buffer_append_format(text->out, text->layout == ITEM_PRETTY ? "\"%s\": " : "\"%s\":", name);
}

static int append_operation(
	void *context, const char *op, struct slice pointer, struct slice path, struct slice before, struct slice after)
{
	struct text *text = context;
	int r = 0;
	(void)path;
	(void)before;
	buffer_append_byte(text->out, text->is_begun ? ',' : '[');
	text->is_begun = true;
	break_line(text, 1);
	buffer_append_byte(text->out, '{');
	append_name(text, "op", true);
	json_append_string(text->out, slice_of_text(op));
	append_name(text, "path", false);
	json_append_string(text->out, pointer);
	if (after.size) {
		append_name(text, "value", false);
		r = value_to_json(after, ITEM_PLAIN, text->layout, text->indent + 2, text->out);
	}
	break_line(text, 1);
	buffer_append_byte(text->out, '}');
	return r;
}

int patch_to_json(struct slice before, struct slice after, bool is_pretty, unsigned indent, struct buffer *out)
{
	struct text text = { out, is_pretty ? ITEM_PRETTY : ITEM_COMPACT, indent, false };
	size_t start = out->size;
	int r = walk(before, after, append_operation, &text);
	if (text.is_begun)
		break_line(&text, 0);
	buffer_append_text(out, text.is_begun ? "]" : "[]");
	if (!r)
		r = buffer_error(out);
	if (r)
		out->size = start;
	return r;
}
