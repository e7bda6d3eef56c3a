/* What names mean in the directories of a mount. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fs/names.h"

struct sample {
	enum names_place place;
	const char *name;
	enum name_kind kind;
	const char *base, *instant; /* NULL: not looked at */
};

static const struct sample samples[] = {
	{ PLACE_ROOT, "orders", NAME_TABLE, NULL, NULL },
	{ PLACE_ROOT, "a.json", NAME_TABLE, NULL, NULL },
	{ PLACE_ROOT, ".pitr", NAME_PITR, NULL, NULL },
	{ PLACE_ROOT, ".pitrx", NAME_SCRATCH, NULL, NULL },
	{ PLACE_ROOT, "restore", NAME_RESTORE, NULL, NULL },
	{ PLACE_ROOT, "restored", NAME_TABLE, NULL, NULL },
	{ PLACE_RESTORE, "orders", NAME_TABLE, NULL, NULL },
	{ PLACE_RESTORE, "restore", NAME_TABLE, NULL, NULL },
	{ PLACE_RESTORE, "@2025-03-01", NAME_INSTANT, NULL, "2025-03-01" },
	{ PLACE_RESTORE, "@", NAME_RESERVED, NULL, NULL },
	{ PLACE_RESTORE, ".x", NAME_SCRATCH, NULL, NULL },
	{ PLACE_STORE, "restore", NAME_TABLE, NULL, NULL },
	{ PLACE_ROOT, ".table.json", NAME_SCRATCH, NULL, NULL },
	{ PLACE_ROOT, "@2025-03-01", NAME_INSTANT, NULL, "2025-03-01" },
	{ PLACE_ROOT, "@", NAME_AT, NULL, NULL },
	{ PLACE_ROOT, "a.json@latest", NAME_TABLE, NULL, NULL },
	{ PLACE_STORE, "orders", NAME_TABLE, NULL, NULL },
	{ PLACE_STORE, "@latest", NAME_RESERVED, NULL, NULL },
	{ PLACE_STORE, "@", NAME_RESERVED, NULL, NULL },
	{ PLACE_FLAT, "@", NAME_AT, NULL, NULL },
	{ PLACE_SORTED, "@", NAME_AT, NULL, NULL },
	{ PLACE_PARTITION, "@", NAME_RESERVED, NULL, NULL },
	{ PLACE_STORE, ".pitr", NAME_SCRATCH, NULL, NULL },
	{ PLACE_FLAT, ".table.json", NAME_TABLE_FILE, NULL, NULL },
	{ PLACE_FLAT, "1001.json", NAME_ITEM, "1001.json", NULL },
	{ PLACE_FLAT, ".1001.json.AbC", NAME_SCRATCH, NULL, NULL },
	{ PLACE_FLAT, ".json", NAME_SCRATCH, NULL, NULL },
	{ PLACE_FLAT, "4913", NAME_SCRATCH, NULL, NULL },
	{ PLACE_FLAT, "1001.json~", NAME_SCRATCH, NULL, NULL },
	{ PLACE_FLAT, "@-2h", NAME_INSTANT, NULL, "-2h" },
	{ PLACE_FLAT, "1001.json@-2h", NAME_ITEM_AT, "1001.json", "-2h" },
	{ PLACE_FLAT, "a.json@b.json", NAME_ITEM, "a.json@b.json", NULL },
	{ PLACE_FLAT, "a.json@b.json@latest", NAME_ITEM_AT, "a.json@b.json", "latest" },
	{ PLACE_FLAT, "a.json@", NAME_SCRATCH, NULL, NULL },
	{ PLACE_FLAT, ".a.json@latest", NAME_SCRATCH, NULL, NULL },
	{ PLACE_FLAT, ".json@latest", NAME_SCRATCH, NULL, NULL },
	{ PLACE_SORTED, ".table.json", NAME_TABLE_FILE, NULL, NULL },
	{ PLACE_SORTED, "ann", NAME_PARTITION, NULL, NULL },
	{ PLACE_SORTED, "ann.json", NAME_PARTITION, NULL, NULL },
	{ PLACE_SORTED, "ann@example.org", NAME_PARTITION, NULL, NULL },
	{ PLACE_SORTED, "@latest", NAME_INSTANT, NULL, "latest" },
	{ PLACE_SORTED, ".swp", NAME_SCRATCH, NULL, NULL },
	{ PLACE_PARTITION, "1.json", NAME_ITEM, "1.json", NULL },
	{ PLACE_PARTITION, "1.json@seq-3", NAME_ITEM_AT, "1.json", "seq-3" },
	{ PLACE_PARTITION, "@latest", NAME_RESERVED, NULL, NULL },
	{ PLACE_PARTITION, ".table.json", NAME_SCRATCH, NULL, NULL },
	{ PLACE_PARTITION, "x.tmp", NAME_SCRATCH, NULL, NULL },
	{ PLACE_SCRATCH, "1.json", NAME_SCRATCH, NULL, NULL },
	{ PLACE_SCRATCH, "@latest", NAME_SCRATCH, NULL, NULL },
	{ PLACE_SCRATCH, ".table.json", NAME_SCRATCH, NULL, NULL },
};

static void names_are_classified(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		const struct sample *sample = &samples[i];
		struct name_parts parts = names_classify(sample->place, slice_of_text(sample->name));

		if (parts.kind != sample->kind)
			fail_msg("\"%s\" in place %d is %d, not %d", sample->name, sample->place, parts.kind,
				sample->kind);
		if (sample->base != NULL)
			assert_true(slice_equal(parts.base, slice_of_text(sample->base)));
		if (sample->instant != NULL)
			assert_true(slice_equal(parts.instant, slice_of_text(sample->instant)));
	}
}

static bool file(enum names_place place, const char *name)
{
	return names_can_be_scratch_file(place, slice_of_text(name));
}

static bool directory(enum names_place place, const char *name)
{
	return names_can_be_scratch_directory(place, slice_of_text(name));
}

static void private_files_are_what_no_item_can_be(void **state)
{
	(void)state;
	assert_true(file(PLACE_FLAT, "x.tmp"));
	assert_true(file(PLACE_FLAT, ".x.json"));
	assert_false(file(PLACE_FLAT, "x.json"));
	assert_false(file(PLACE_FLAT, "@x"));
	assert_true(file(PLACE_SORTED, "4913"));
	assert_false(file(PLACE_SORTED, "x.json"));
	assert_true(file(PLACE_ROOT, "note.txt"));
	assert_false(file(PLACE_ROOT, "x.json"));
	assert_false(file(PLACE_STORE, "note.txt"));
	assert_false(file(PLACE_RESTORE, "note.txt"));
	assert_true(file(PLACE_RESTORE, ".1.json.AbC"));
	assert_true(file(PLACE_SCRATCH, "x.json"));
	assert_true(file(PLACE_SCRATCH, "@x"));
}

static void private_directories_have_a_dot_in_front(void **state)
{
	(void)state;
	assert_true(directory(PLACE_FLAT, ".cache"));
	assert_false(directory(PLACE_FLAT, "cache"));
	assert_false(directory(PLACE_SORTED, "cache"));
	assert_false(directory(PLACE_FLAT, ".table.json"));
	assert_true(directory(PLACE_ROOT, ".cache"));
	assert_false(directory(PLACE_ROOT, ".pitr"));
	assert_false(directory(PLACE_STORE, ".cache"));
	assert_false(directory(PLACE_RESTORE, "cache"));
	assert_true(directory(PLACE_PARTITION, ".cache"));
	assert_true(directory(PLACE_SCRATCH, "cache"));
}

static void the_past_is_recognised_by_its_name(void **state)
{
	(void)state;
	assert_true(names_is_past(NAME_INSTANT));
	assert_true(names_is_past(NAME_ITEM_AT));
	assert_true(names_is_past(NAME_RESERVED));
	assert_false(names_is_past(NAME_ITEM));
	assert_false(names_is_past(NAME_SCRATCH));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_classified),
		cmocka_unit_test(private_files_are_what_no_item_can_be),
		cmocka_unit_test(private_directories_have_a_dot_in_front),
		cmocka_unit_test(the_past_is_recognised_by_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
