/* Text read as an item in the plain form, and back by every way there is. */
#include <stdlib.h>

#include "core/item.h"
#include "core/item_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_round(struct slice item, enum item_form form, enum item_layout layout)
{
	static const struct item_order order = { { (const uint8_t *)"b", 1 }, { (const uint8_t *)"a", 1 } };
	struct buffer text = BUFFER_INIT, again = BUFFER_INIT;
	struct error error = { 0 };
	require(item_to_json(item, form, layout, &order, &text) == 0);
	if (layout == ITEM_PRETTY)
		require(item_json_size(item, form, &order) == text.size);
	require(item_from_json(buffer_slice(&text), form, &again, &error) == 0);
	require(slice_equal(item, buffer_slice(&again)));
	buffer_free(&again);
	buffer_free(&text);
}

static void check_sizes(struct slice item)
{
	size_t plain, dynamodb;
	require(item_json_sizes(item, &plain, &dynamodb) == item_size_bytes(item));
	require(plain == item_json_size(item, ITEM_PLAIN, NULL));
	require(dynamodb == item_json_size(item, ITEM_DYNAMODB, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer item = BUFFER_INIT;
	struct error error = { 0 };
	if (item_from_json(slice_of(data, size), ITEM_PLAIN, &item, &error) == 0) {
		require(item_check(buffer_slice(&item)) == 0);
		require(item_size_bytes(buffer_slice(&item)) <= ITEM_MAX_SIZE_BYTES);
		check_sizes(buffer_slice(&item));
		check_round(buffer_slice(&item), ITEM_PLAIN, ITEM_PRETTY);
		check_round(buffer_slice(&item), ITEM_PLAIN, ITEM_COMPACT);
		check_round(buffer_slice(&item), ITEM_DYNAMODB, ITEM_PRETTY);
	} else {
		require(error.code < 0 && error.message[0] != '\0' && item.size == 0);
		require(utf8_is_valid(slice_of_text(error.message)));
	}
	buffer_free(&item);
	return 0;
}
