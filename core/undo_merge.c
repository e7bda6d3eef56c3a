#include <errno.h>

#include "item.h"
#include "undo_parts.h"

/* The members of an item in order of their names. */
struct members {
	struct value item;
	struct reader reader;
	bool is_at_end;
	struct slice name;
	struct value value;
};

static void step(struct members *members)
{
	members->is_at_end = !value_next(&members->item, &members->reader, &members->name, &members->value);
}

static int begin(struct members *members, struct slice item)
{
	struct reader whole = reader_of(item);
	if (!value_read(&whole, &members->item) || members->item.tag != VALUE_M)
		return -EIO;
	members->reader = reader_of(members->item.body);
	step(members);
	return 0;
}

/* Which comes next: <0 the first's, >0 the second's, 0 both, of the same name. Neither is to be asked when both are at
 * their end. */
static int order(const struct members *a, const struct members *b)
{
	if (a->is_at_end || b->is_at_end)
		return a->is_at_end ? 1 : -1;
	return slice_compare(a->name, b->name);
}

/* Names of a set in order. */
struct names {
	struct reader reader;
	struct slice name;
	bool is_at_end;
};

static void step_name(struct names *names)
{
	names->is_at_end = reader_left(&names->reader) == 0;
	if (!names->is_at_end)
		names->name = reader_blob(&names->reader);
}

static struct names names_of(const struct undo_attributes *set)
{
	struct names names = { .reader = reader_of(buffer_slice(&set->names)) };
	step_name(&names);
	return names;
}

/* Is it in the set? Asked for names in order. */
static bool has(struct names *names, struct slice name)
{
	while (!names->is_at_end && slice_compare(names->name, name) < 0)
		step_name(names);
	return !names->is_at_end && slice_equal(names->name, name);
}

/* Appends the names of the set that come before `name`. */
static void append_before(struct names *names, struct slice name, struct buffer *out)
{
	while (!names->is_at_end && slice_compare(names->name, name) < 0) {
		buffer_append_blob(out, names->name);
		step_name(names);
	}
}

static void append_differing(struct names *former, struct slice name, struct buffer *out)
{
	append_before(former, name, out);
	if (!former->is_at_end && slice_equal(former->name, name))
		step_name(former);
	buffer_append_blob(out, name);
}

int undo_attributes_add(struct undo_attributes *set, struct slice from, struct slice to)
{
	struct members a = { 0 }, b = { 0 };
	struct names former = names_of(set);
	struct buffer all = BUFFER_INIT;
	int r = begin(&a, from);
	if (!r)
		r = begin(&b, to);
	while (!r && !(a.is_at_end && b.is_at_end)) {
		int which = order(&a, &b);
		if (which || !slice_equal(a.value.whole, b.value.whole))
			append_differing(&former, which > 0 ? b.name : a.name, &all);
		if (which <= 0)
			step(&a);
		if (which >= 0)
			step(&b);
	}
	for (; !r && !former.is_at_end; step_name(&former))
		buffer_append_blob(&all, former.name);
	if (!r)
		r = a.reader.is_bad || b.reader.is_bad ? -EIO : buffer_error(&all);
	if (r) {
		buffer_free(&all);
		return r;
	}
	buffer_free(&set->names);
	set->names = all;
	return 0;
}

/* What becomes of one attribute; `before` and `now` NULL: not there. 1 and which of the two it will be; 0: a conflict. */
static int choose(const struct value *before, const struct value *now, bool is_ours, bool is_others,
	const struct value **ret_value)
{
	bool is_same = before && now ? slice_equal(before->whole, now->whole) : before == now;
	*ret_value = is_ours ? before : now;
	return !is_ours || !is_others || is_same;
}

int undo_merge(struct slice before, struct slice now, const struct undo_attributes *ours,
	const struct undo_attributes *others, struct buffer *out)
{
	struct members a = { 0 }, b = { 0 };
	struct names our_names = names_of(ours), other_names = names_of(others);
	struct value_builder *builder = NULL;
	int r = begin(&a, before);
	if (!r)
		r = begin(&b, now);
	if (!r)
		r = value_builder_new(VALUE_M, &builder);
	bool is_merged = true;
	while (!r && is_merged && !(a.is_at_end && b.is_at_end)) {
		int which = order(&a, &b);
		struct slice name = which > 0 ? b.name : a.name;
		const struct value *chosen;
		is_merged = choose(which <= 0 ? &a.value : NULL, which >= 0 ? &b.value : NULL, has(&our_names, name),
			has(&other_names, name), &chosen);
		if (chosen)
			buffer_append_slice(value_builder_member(builder, name), chosen->whole);
		if (which <= 0)
			step(&a);
		if (which >= 0)
			step(&b);
	}
	buffer_clear(out);
	if (!r && (a.reader.is_bad || b.reader.is_bad))
		r = -EIO;
	if (!r && is_merged)
		r = value_builder_finish(builder, out, NULL);
	value_builder_free(builder);
	return r ? r : is_merged && item_size_bytes(buffer_slice(out)) <= ITEM_MAX_SIZE_BYTES;
}
