#include "names.h"

#include <string.h>

#include "name.h"

static bool is_text(struct slice name, const char *text)
{
	return slice_equal(name, slice_of_text(text));
}

static bool begins_with(struct slice name, char character)
{
	return name.size > 0 && name.data[0] == (uint8_t)character;
}

/* Splits NAME.json@T at the last ".json@". */
static void split_item_at(struct slice name, struct name_parts *ret_parts)
{
	static const char mark[] = ".json@";
	const size_t mark_size = sizeof(mark) - 1;

	if (begins_with(name, '.') || name.size <= mark_size)
		return;
	for (size_t at = name.size - mark_size; at > 0; at--) {
		if (memcmp(name.data + at, mark, mark_size) != 0)
			continue;
		if (at + mark_size == name.size)
			return;
		ret_parts->kind = NAME_ITEM_AT;
		ret_parts->base = slice_of(name.data, at + mark_size - 1);
		ret_parts->instant = slice_of(name.data + at + mark_size, name.size - at - mark_size);
		return;
	}
}

static struct name_parts classify_at_sign(enum names_place place, struct slice name)
{
	struct name_parts parts = { .kind = NAME_RESERVED };

	if (place == PLACE_RESTORE && name.size > 1) {
		parts.kind = NAME_INSTANT;
		parts.instant = slice_of(name.data + 1, name.size - 1);
	} else if (place == PLACE_ROOT || place == PLACE_FLAT || place == PLACE_SORTED) {
		parts.kind = name.size == 1 ? NAME_AT : NAME_INSTANT;
		parts.instant = slice_of(name.data + 1, name.size - 1);
	}
	return parts;
}

static struct name_parts classify_in_items(struct slice name)
{
	struct name_parts parts = { .kind = NAME_SCRATCH };

	if (name_is_item_name(name))
		parts = (struct name_parts){ .kind = NAME_ITEM, .base = name };
	else
		split_item_at(name, &parts);
	return parts;
}

struct name_parts names_classify(enum names_place place, struct slice name)
{
	struct name_parts parts = { .kind = NAME_SCRATCH, .base = name };

	if (place == PLACE_SCRATCH)
		return parts;
	if (begins_with(name, '@'))
		return classify_at_sign(place, name);
	if (place == PLACE_ROOT && is_text(name, ".pitr"))
		parts.kind = NAME_PITR;
	else if ((place == PLACE_FLAT || place == PLACE_SORTED) && is_text(name, ".table.json"))
		parts.kind = NAME_TABLE_FILE;
	else if (begins_with(name, '.'))
		parts.kind = NAME_SCRATCH;
	else if (place == PLACE_ROOT && is_text(name, "restore"))
		parts.kind = NAME_RESTORE;
	else if (place == PLACE_ROOT || place == PLACE_STORE || place == PLACE_RESTORE)
		parts.kind = NAME_TABLE;
	else if (place == PLACE_SORTED)
		parts.kind = NAME_PARTITION;
	else
		return classify_in_items(name);
	return parts;
}

bool names_is_past(enum name_kind kind)
{
	return kind == NAME_AT || kind == NAME_INSTANT || kind == NAME_ITEM_AT || kind == NAME_RESERVED;
}

bool names_can_be_scratch_file(enum names_place place, struct slice name)
{
	if (place == PLACE_SCRATCH)
		return true;
	if (place == PLACE_STORE || begins_with(name, '@'))
		return false;
	/* A file by which somebody meant a table is not to be lost with the mount. */
	if (place == PLACE_RESTORE)
		return begins_with(name, '.');
	return !name_is_item_name(name);
}

bool names_can_be_scratch_directory(enum names_place place, struct slice name)
{
	if (place == PLACE_SCRATCH)
		return true;
	return place != PLACE_STORE && begins_with(name, '.') && !is_text(name, ".pitr") &&
	       !is_text(name, ".table.json");
}
