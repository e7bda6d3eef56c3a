#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "item.h"
#include "item_json.h"
#include "number.h"

#define COLLECTION_SHOWN_MAX 200 /* bytes of a set quoted in a message */

struct member {
	size_t name_start, value_start;
	struct slice key; /* what it is sorted by: the name in a map, the bytes in a set */
	struct slice value;
};

/* Members stand in `values` in the order given; names likewise, so that each ends where the next begins. */
struct value_builder {
	enum value_tag tag;
	struct buffer names, values;
	struct member *members;
	size_t count, capacity;
	bool is_out_of_memory;
};

void value_append_bytes(struct buffer *out, enum value_tag tag, struct slice bytes)
{
	assert(tag == VALUE_S || tag == VALUE_N || tag == VALUE_B);
	buffer_append_byte(out, (uint8_t)tag);
	buffer_append_blob(out, bytes);
}

void value_append_plain(struct buffer *out, enum value_tag tag)
{
	assert(tag == VALUE_TRUE || tag == VALUE_FALSE || tag == VALUE_NULL);
	buffer_append_byte(out, (uint8_t)tag);
}

int value_builder_new(enum value_tag tag, struct value_builder **ret_builder)
{
	struct value_builder *builder = calloc(1, sizeof(*builder));
	if (builder == NULL)
		return -ENOMEM;
	builder->tag = tag;
	*ret_builder = builder;
	return 0;
}

void value_builder_free(struct value_builder *builder)
{
	if (builder == NULL)
		return;
	buffer_free(&builder->names);
	buffer_free(&builder->values);
	free(builder->members);
	free(builder);
}

static struct member *add_member(struct value_builder *builder)
{
	if (builder->count == builder->capacity) {
		size_t capacity = builder->capacity < 8 ? 8 : builder->capacity * 2;
		struct member *members = reallocarray(builder->members, capacity, sizeof(*members));
		if (members == NULL) {
			builder->is_out_of_memory = true;
			return NULL;
		}
		builder->members = members;
		builder->capacity = capacity;
	}
	return &builder->members[builder->count++];
}

struct buffer *value_builder_member(struct value_builder *builder, struct slice name)
{
	struct member *member = add_member(builder);
	if (member != NULL)
		*member = (struct member){ .name_start = builder->names.size, .value_start = builder->values.size };
	if (builder->tag == VALUE_M)
		buffer_append_slice(&builder->names, name);
	return &builder->values;
}

static bool is_set(enum value_tag tag)
{
	return tag == VALUE_SS || tag == VALUE_NS || tag == VALUE_BS;
}

static struct slice part(const struct buffer *all, size_t start, size_t end)
{
	return slice_of(all->size > 0 ? all->data + start : NULL, end - start);
}

static void resolve(struct value_builder *builder)
{
	size_t name_end = builder->names.size, value_end = builder->values.size;
	for (size_t i = builder->count; i-- > 0;) {
		struct member *member = &builder->members[i];
		member->value = part(&builder->values, member->value_start, value_end);
		member->key = part(&builder->names, member->name_start, name_end);
		if (is_set(builder->tag)) {
			struct reader r = reader_of(member->value);
			struct value value;
			bool is_read = value_read(&r, &value) && reader_left(&r) == 0;
			assert(is_read);
			(void)is_read;
			member->key = value.bytes;
		}
		name_end = member->name_start;
		value_end = member->value_start;
	}
}

static int compare_bytes(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	return slice_compare(x->key, y->key);
}

static int compare_numbers(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	return number_compare(x->key, y->key);
}

static size_t varint_size(uint64_t value)
{
	size_t size = 1;
	for (; value >= 0x80; value >>= 7)
		size++;
	return size;
}

/* The set as given, "[a, a]", for the message about its duplicates. */
static void show_collection(const struct value_builder *builder, struct buffer *out)
{
	struct reader r = reader_of(buffer_slice(&builder->values));
	struct value value;
	const char *separator = "[";
	while (reader_left(&r) > 0 && value_read(&r, &value)) {
		buffer_append_text(out, separator);
		if (out->size + value.bytes.size > COLLECTION_SHOWN_MAX) {
			buffer_append_text(out, "...");
			break;
		}
		if (builder->tag == VALUE_BS)
			base64_append(out, value.bytes);
		else
			buffer_append_slice(out, value.bytes);
		separator = ", ";
	}
	buffer_append_text(out, "]");
}

static int refuse_duplicate(const struct value_builder *builder, const struct member *member, struct error *error)
{
	if (builder->tag == VALUE_M)
		return error_set_aws(error, -EINVAL, "ValidationException",
			"the attribute name \"%.*s\" is given twice; keep one of them",
			member->key.size < 200 ? (int)member->key.size : 200, (const char *)member->key.data);
	if (builder->tag == VALUE_NS)
		return error_set_aws(error, -EINVAL, "ValidationException", "Input collection contains duplicates");
	struct buffer shown = BUFFER_INIT;
	show_collection(builder, &shown);
	const char *text = buffer_text(&shown);
	error_set_aws(error, -EINVAL, "ValidationException",
		"One or more parameter values were invalid: Input collection %s%s contains duplicates.",
		text != NULL ? text : "", builder->tag == VALUE_BS ? "of type BS" : "");
	buffer_free(&shown);
	return -EINVAL;
}

static int refuse_empty(const struct value_builder *builder, struct error *error)
{
	const char *reason = builder->tag == VALUE_SS   ? "An string set  may not be empty"
			     : builder->tag == VALUE_NS ? "An number set  may not be empty"
							: "Binary sets should not be empty";
	return error_set_aws(
		error, -EINVAL, "ValidationException", "One or more parameter values were invalid: %s", reason);
}

static int sort(struct value_builder *builder, struct error *error)
{
	int (*compare)(const void *, const void *) = builder->tag == VALUE_NS ? compare_numbers : compare_bytes;
	struct member *members = builder->members;
	bool is_sorted = true;
	for (size_t i = 1; i < builder->count && is_sorted; i++)
		is_sorted = compare(&members[i - 1], &members[i]) < 0;
	if (is_sorted)
		return 0;
	qsort(members, builder->count, sizeof(*members), compare);
	for (size_t i = 1; i < builder->count; i++) {
		if (compare(&members[i - 1], &members[i]) == 0)
			return refuse_duplicate(builder, &members[i], error);
	}
	return 0;
}

static size_t member_size(enum value_tag tag, const struct member *member)
{
	size_t name = varint_size(member->key.size) + member->key.size;
	if (is_set(tag))
		return name;
	return tag == VALUE_M ? name + member->value.size : member->value.size;
}

static void append(const struct value_builder *builder, struct buffer *out)
{
	size_t size = varint_size(builder->count);
	for (size_t i = 0; i < builder->count; i++)
		size += member_size(builder->tag, &builder->members[i]);
	buffer_append_byte(out, (uint8_t)builder->tag);
	buffer_append_varint(out, size);
	buffer_append_varint(out, builder->count);
	for (size_t i = 0; i < builder->count; i++) {
		if (builder->tag != VALUE_L)
			buffer_append_blob(out, builder->members[i].key);
		if (!is_set(builder->tag))
			buffer_append_slice(out, builder->members[i].value);
	}
}

int value_builder_finish(struct value_builder *builder, struct buffer *out, struct error *error)
{
	if (builder->is_out_of_memory || buffer_error(&builder->names) < 0 || buffer_error(&builder->values) < 0)
		return error_set(error, -ENOMEM, "out of memory while building an item");
	if (is_set(builder->tag) && builder->count == 0)
		return refuse_empty(builder, error);
	resolve(builder);
	if (builder->tag != VALUE_L) {
		int rc = sort(builder, error);
		if (rc < 0)
			return rc;
	}
	append(builder, out);
	if (buffer_error(out) < 0)
		return error_set(error, -ENOMEM, "out of memory while building an item");
	return 0;
}

int item_with_attribute(struct slice item, struct slice name, struct slice value, struct buffer *out)
{
	struct reader whole = reader_of(item);
	struct value map, member;
	if (!value_read(&whole, &map) || map.tag != VALUE_M)
		return -EIO;
	/* The old attribute, or the empty place where it belongs, is from `start` to `end`. */
	struct reader r = reader_of(map.body);
	struct slice at;
	size_t start = 0, end = 0, count = map.count;
	while (value_next(&map, &r, &at, &member)) {
		int order = slice_compare(at, name);
		if (order > 0)
			break;
		end = (size_t)(r.at - map.body.data);
		if (order == 0) {
			count--;
			break;
		}
		start = end;
	}
	if (r.is_bad)
		return -EIO;
	bool is_set_now = value.size > 0;
	count += is_set_now;
	size_t added = is_set_now ? varint_size(name.size) + name.size + value.size : 0;
	buffer_append_byte(out, VALUE_M);
	buffer_append_varint(out, varint_size(count) + map.body.size - (end - start) + added);
	buffer_append_varint(out, count);
	buffer_append_slice(out, slice_of(map.body.data, start));
	if (is_set_now) {
		buffer_append_blob(out, name);
		buffer_append_slice(out, value);
	}
	buffer_append_slice(out, slice_of(map.body.data + end, map.body.size - end));
	return buffer_error(out);
}
