#include "item_json_form.h"

static const struct {
	enum value_tag tag;
	const char *plain;
	const char *dynamodb;
} types[] = {
	{ VALUE_S, NULL, "S" },
	{ VALUE_N, NULL, "N" },
	{ VALUE_B, "$binary", "B" },
	{ VALUE_TRUE, NULL, "BOOL" },
	{ VALUE_FALSE, NULL, "BOOL" },
	{ VALUE_NULL, NULL, "NULL" },
	{ VALUE_L, NULL, "L" },
	{ VALUE_M, NULL, "M" },
	{ VALUE_SS, "$stringSet", "SS" },
	{ VALUE_NS, "$numberSet", "NS" },
	{ VALUE_BS, "$binarySet", "BS" },
};

const char *item_json_wrapper(enum item_form form, enum value_tag tag)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i].tag == tag)
			return form == ITEM_PLAIN ? types[i].plain : types[i].dynamodb;
	}
	return NULL;
}

size_t item_json_dollars(struct slice name, enum value_tag *ret_tag)
{
	size_t dollars = 0;
	while (dollars < name.size && name.data[dollars] == '$')
		dollars++;
	if (dollars == 0)
		return 0;
	struct slice wrapper = slice_of(name.data + dollars - 1, name.size - dollars + 1);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i].plain == NULL || !slice_equal(wrapper, slice_of_text(types[i].plain)))
			continue;
		*ret_tag = types[i].tag;
		return dollars;
	}
	return 0;
}
