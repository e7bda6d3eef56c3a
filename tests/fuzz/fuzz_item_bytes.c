/* Raw bytes taken for an item: checked, walked, measured and shown, whether they are one or not. */
#include <stdlib.h>

#include "core/item.h"
#include "core/item_json.h"
#include "core/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static size_t walk(struct slice bytes, unsigned depth)
{
	struct reader r = reader_of(bytes);
	struct value container, member;
	struct slice name = { 0 };
	size_t count = 0;
	if (depth > ITEM_MAX_DEPTH || !value_read(&r, &container))
		return 0;
	r = reader_of(container.body);
	while (value_next(&container, &r, &name, &member)) {
		require(member.bytes.size <= bytes.size && name.size <= bytes.size);
		count += 1 + walk(member.whole, depth + 1);
	}
	return count;
}

/* The text without white space between its parts, in place. */
static void squeeze(struct buffer *text)
{
	bool is_string = false;
	size_t size = 0;
	for (size_t i = 0; i < text->size; i++) {
		uint8_t byte = text->data[i];
		if (byte == '"')
			is_string = !is_string;
		if (is_string || (byte != ' ' && byte != '\n'))
			text->data[size++] = byte;
		if (byte == '\\')
			text->data[size++] = text->data[++i];
	}
	text->size = size;
}

/* The two layouts are written by different code. */
static void check_layouts(struct slice item)
{
	struct item_order order = { slice_of_text("id"), slice_of_text("a") };
	struct buffer pretty = BUFFER_INIT, line = BUFFER_INIT;
	int r = item_to_json(item, ITEM_DYNAMODB, ITEM_PRETTY, &order, &pretty);
	require(item_to_json(item, ITEM_DYNAMODB, ITEM_COMPACT, &order, &line) == r);
	squeeze(&pretty);
	require(slice_equal(buffer_slice(&pretty), buffer_slice(&line)));
	buffer_free(&pretty);
	buffer_free(&line);
}

/* What item_check lets through must come back from its text as the same bytes, and can be changed in place. */
static void check_good(struct slice item, enum item_form form)
{
	struct buffer text = BUFFER_INIT, again = BUFFER_INIT;
	struct error error = { 0 };
	require(item_to_json(item, form, ITEM_PRETTY, NULL, &text) == 0);
	require(item_json_size(item, form, NULL) == text.size);
	int rc = item_from_json(buffer_slice(&text), form, &again, &error);
	require(rc == 0 ? slice_equal(item, buffer_slice(&again)) : item_size_bytes(item) > ITEM_MAX_SIZE_BYTES);
	buffer_free(&again);
	buffer_free(&text);
}

static void check_change(struct slice item)
{
	static const uint8_t yes[] = { VALUE_TRUE };
	struct slice name = slice_of_text("key");
	struct buffer with = BUFFER_INIT, without = BUFFER_INIT;
	struct value value;
	require(item_with_attribute(item, name, slice_of(yes, 1), &with) == 0);
	require(item_check(buffer_slice(&with)) == 0);
	require(item_attribute(buffer_slice(&with), name, &value) && value.tag == VALUE_TRUE);
	require(item_with_attribute(buffer_slice(&with), name, slice_of(NULL, 0), &without) == 0);
	if (!item_attribute(item, name, &value))
		require(slice_equal(item, buffer_slice(&without)));
	buffer_free(&with);
	buffer_free(&without);
}

static void check_encoded_key(struct slice encoded)
{
	struct buffer storage = BUFFER_INIT, again = BUFFER_INIT;
	struct key key;
	if (key_decode(encoded, &storage, &key) == 0) {
		key_append_encoded(&key, &again);
		require(slice_equal(encoded, buffer_slice(&again)));
	}
	buffer_free(&storage);
	buffer_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice bytes = slice_of(data, size);
	struct buffer text = BUFFER_INIT;
	struct value value;
	int is_item = item_check(bytes) == 0;
	int rc = item_to_json(bytes, ITEM_PLAIN, ITEM_PRETTY, NULL, &text);
	require(rc == 0 ? item_json_size(bytes, ITEM_PLAIN, NULL) == text.size : text.size == 0);
	buffer_free(&text);
	check_layouts(bytes);
	item_size_bytes(bytes);
	item_attribute(bytes, slice_of_text("key"), &value);
	walk(bytes, 0);
	if (is_item) {
		check_good(bytes, ITEM_PLAIN);
		check_good(bytes, ITEM_DYNAMODB);
		check_change(bytes);
	}
	check_encoded_key(bytes);
	return 0;
}
