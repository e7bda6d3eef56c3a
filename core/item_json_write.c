#include <errno.h>
#include <string.h>

#include "item_json_form.h"

/* One walker writes and measures: without `out` it only counts. */
struct writer {
	struct buffer *out;
	size_t size;
	enum item_form form;
	bool is_pretty;
	size_t indent;
};

static inline void put(struct writer *w, const void *data, size_t size)
{
	if (w->out != NULL)
		buffer_append(w->out, data, size);
	w->size += size;
}

static inline void put_char(struct writer *w, char c)
{
	if (w->out != NULL)
		buffer_append_byte(w->out, (uint8_t)c);
	w->size++;
}

static void put_slice(struct writer *w, struct slice s)
{
	put(w, s.data, s.size);
}

static void put_text(struct writer *w, const char *text)
{
	put(w, text, strlen(text));
}

static void put_string(struct writer *w, struct slice text)
{
	if (w->out != NULL)
		json_append_string(w->out, text);
	else
		w->size += json_string_size(text);
}

static void put_base64(struct writer *w, struct slice bytes)
{
	put_char(w, '"');
	if (w->out != NULL)
		base64_append(w->out, bytes);
	else
		w->size += (bytes.size + 2) / 3 * 4;
	put_char(w, '"');
}

/* A comma, a new line, and as much of its indentation as stands here. */
static const char line_break[] = ",\n                                                                ";
#define BREAK_BYTES (sizeof(line_break) - 1)

/* All of the text is copied, since that needs no call; what is too much is written over. */
static void put_break(struct writer *w, bool has_comma, size_t spaces)
{
	size_t size = has_comma + 1 + spaces;
	if (w->out != NULL && buffer_has_room(w->out, BREAK_BYTES)) {
		memcpy(w->out->data + w->out->size, line_break + !has_comma, BREAK_BYTES - 1);
		w->out->size += size;
	}
	w->size += size;
}

/* Between members: a comma after the first, and a new line when that is the layout. */
static void break_line(struct writer *w, bool has_comma)
{
	const size_t spaces_max = BREAK_BYTES - 3;
	if (!w->is_pretty) {
		put(w, line_break, has_comma);
		return;
	}
	size_t left = 2 * w->indent, some = left < spaces_max ? left : spaces_max;
	put_break(w, has_comma, some);
	for (left -= some; left > 0; left -= some) {
		some = left < spaces_max ? left : spaces_max;
		put(w, line_break + 2, some);
	}
}

static void open(struct writer *w, char bracket)
{
	put_char(w, bracket);
	w->indent++;
}

static void begin_member(struct writer *w, bool is_first)
{
	break_line(w, !is_first);
}

static void close(struct writer *w, char bracket, bool is_empty)
{
	w->indent--;
	if (!is_empty)
		break_line(w, false);
	put_char(w, bracket);
}

static void put_colon(struct writer *w)
{
	put_char(w, ':');
	if (w->is_pretty)
		put_char(w, ' ');
}

static void put_name(struct writer *w, struct slice name)
{
	put_string(w, name);
	put_colon(w);
}

/* The name of a lone member that could be taken for a wrapper gets one more '$'. */
static void put_escaped_name(struct writer *w, struct slice name)
{
	put(w, "\"$", 2);
	put_slice(w, name);
	put_char(w, '"');
	put_colon(w);
}

static bool write_value(struct writer *w, const struct value *value, unsigned level);
static bool write_content(struct writer *w, const struct value *value, unsigned level);

static bool write_members(struct writer *w, const struct value *container, unsigned level)
{
	bool is_map = container->tag == VALUE_M, is_set = !is_map && container->tag != VALUE_L;
	struct reader r = reader_of(container->body);
	struct slice name = { 0 };
	struct value member;
	enum value_tag wrapped;
	size_t count = 0;
	open(w, is_map ? '{' : '[');
	for (; value_next(container, &r, &name, &member); count++) {
		begin_member(w, count == 0);
		if (is_map && w->form == ITEM_PLAIN && container->count == 1 && item_json_dollars(name, &wrapped) > 0)
			put_escaped_name(w, name);
		else if (is_map)
			put_name(w, name);
		if (!(is_set ? write_content(w, &member, level) : write_value(w, &member, level + 1)))
			return false;
	}
	close(w, is_map ? '}' : ']', count == 0);
	return !r.is_bad && count == container->count;
}

static void write_number(struct writer *w, struct slice number)
{
	bool is_quoted = w->form == ITEM_DYNAMODB;
	if (is_quoted)
		put_char(w, '"');
	put_slice(w, number);
	if (is_quoted)
		put_char(w, '"');
}

/* The value without its wrapper. */
static bool write_content(struct writer *w, const struct value *value, unsigned level)
{
	switch (value->tag) {
	case VALUE_S:
		put_string(w, value->bytes);
		return true;
	case VALUE_N:
		write_number(w, value->bytes);
		return true;
	case VALUE_B:
		put_base64(w, value->bytes);
		return true;
	case VALUE_TRUE:
		put_text(w, "true");
		return true;
	case VALUE_FALSE:
		put_text(w, "false");
		return true;
	case VALUE_NULL:
		put_text(w, w->form == ITEM_DYNAMODB ? "true" : "null");
		return true;
	default:
		return write_members(w, value, level);
	}
}

static bool write_value(struct writer *w, const struct value *value, unsigned level)
{
	if (level > ITEM_MAX_DEPTH)
		return false;
	const char *wrapper = item_json_wrapper(w->form, value->tag);
	if (wrapper == NULL)
		return write_content(w, value, level);
	open(w, '{');
	begin_member(w, true);
	put_char(w, '"');
	put_text(w, wrapper);
	put_char(w, '"');
	put_colon(w);
	if (!write_content(w, value, level))
		return false;
	close(w, '}', false);
	return true;
}

static bool write_attribute(struct writer *w, struct slice name, const struct value *value, bool is_first)
{
	begin_member(w, is_first);
	put_name(w, name);
	return write_value(w, value, 1);
}

/* The keys, in their order; tells how many. An attribute that is not there is left out. */
static bool write_keys(struct writer *w, struct slice item, const struct item_order *order, size_t *ret_count)
{
	const struct slice names[] = { order->partition, order->sort };
	struct value value;
	*ret_count = 0;
	for (size_t i = 0; i < 2; i++) {
		if (names[i].size == 0 || !item_attribute(item, names[i], &value))
			continue;
		if (!write_attribute(w, names[i], &value, *ret_count == 0))
			return false;
		++*ret_count;
	}
	return true;
}

static bool write_item(struct writer *w, struct slice item, const struct item_order *order)
{
	static const struct item_order no_order;
	struct reader whole = reader_of(item);
	struct value map, value;
	if (order == NULL)
		order = &no_order;
	if (!value_read(&whole, &map) || map.tag != VALUE_M || reader_left(&whole) > 0)
		return false;
	size_t count = 0;
	open(w, '{');
	if (!write_keys(w, item, order, &count))
		return false;
	struct reader r = reader_of(map.body);
	struct slice name;
	while (value_next(&map, &r, &name, &value)) {
		if (slice_equal(name, order->partition) || slice_equal(name, order->sort))
			continue;
		if (!write_attribute(w, name, &value, count == 0))
			return false;
		count++;
	}
	close(w, '}', count == 0);
	if (w->is_pretty)
		put(w, "\n", 1);
	return !r.is_bad && count == map.count;
}

int item_to_json(struct slice item, enum item_form form, enum item_layout layout, const struct item_order *order,
	struct buffer *out)
{
	struct writer w = { .out = out, .form = form, .is_pretty = layout == ITEM_PRETTY };
	size_t start = out->size;
	if (form == ITEM_DYNAMODB && layout == ITEM_COMPACT) {
		int r = item_json_line(item, order, out);
		if (r != -ERANGE)
			return r;
	}
	/* Text is about twice as long as the bytes; a guess that saves most of the growing. */
	buffer_reserve(out, 2 * item.size + BREAK_BYTES);
	bool is_good = write_item(&w, item, order);
	if (buffer_error(out) < 0)
		return -ENOMEM;
	if (!is_good) {
		out->size = start;
		return -EIO;
	}
	return 0;
}

int value_to_json(struct slice value, enum item_form form, enum item_layout layout, unsigned indent, struct buffer *out)
{
	struct writer w = { .out = out, .form = form, .is_pretty = layout == ITEM_PRETTY, .indent = indent };
	struct reader r = reader_of(value);
	struct value read;
	size_t start = out->size;
	bool is_good = value_read(&r, &read) && reader_left(&r) == 0 && write_value(&w, &read, 1);
	if (buffer_error(out) < 0)
		return -ENOMEM;
	if (!is_good) {
		out->size = start;
		return -EIO;
	}
	return 0;
}

size_t item_json_size(struct slice item, enum item_form form, const struct item_order *order)
{
	struct writer w = { .form = form, .is_pretty = true };
	return write_item(&w, item, order) ? w.size : 0;
}
