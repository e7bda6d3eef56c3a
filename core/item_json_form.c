#include "item_json_form.h"

const char *item_json_wrapper(enum item_form form, enum value_tag tag)
{
	bool is_plain = form == ITEM_PLAIN;
	switch (tag) {
	case VALUE_S:
		return is_plain ? NULL : "S";
	case VALUE_N:
		return is_plain ? NULL : "N";
	case VALUE_TRUE:
	case VALUE_FALSE:
		return is_plain ? NULL : "BOOL";
	case VALUE_NULL:
		return is_plain ? NULL : "NULL";
	case VALUE_L:
		return is_plain ? NULL : "L";
	case VALUE_M:
		return is_plain ? NULL : "M";
	case VALUE_B:
		return is_plain ? "$binary" : "B";
	case VALUE_SS:
		return is_plain ? "$stringSet" : "SS";
	case VALUE_NS:
		return is_plain ? "$numberSet" : "NS";
	case VALUE_BS:
		return is_plain ? "$binarySet" : "BS";
	}
	return NULL;
}

size_t item_json_dollars(struct slice name, enum value_tag *ret_tag)
{
	static const enum value_tag wrapped[] = { VALUE_B, VALUE_SS, VALUE_NS, VALUE_BS };
	size_t dollars = 0;
	while (dollars < name.size && name.data[dollars] == '$')
		dollars++;
	if (dollars == 0)
		return 0;
	struct slice wrapper = slice_of(name.data + dollars - 1, name.size - dollars + 1);
	for (size_t i = 0; i < sizeof(wrapped) / sizeof(wrapped[0]); i++) {
		*ret_tag = wrapped[i];
		if (slice_equal(wrapper, slice_of_text(item_json_wrapper(ITEM_PLAIN, wrapped[i]))))
			return dollars;
	}
	return 0;
}
