#include "change_grep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "item_json.h"

/* An item's file, and those of its lines that match. */
struct side {
	struct buffer text, lines; /* lines: struct slice each, into the text */
};

struct change_grep {
	const regex_t *pattern;
	struct item_order order;
	struct side before, after;
};

int change_grep_new(const regex_t *pattern, const struct key_schema *schema, struct change_grep **ret_grep)
{
	struct change_grep *grep = calloc(1, sizeof(*grep));
	if (!grep)
		return -ENOMEM;
	grep->pattern = pattern;
	grep->order.partition = slice_of_text(schema->partition.name);
	if (schema->has_sort)
		grep->order.sort = slice_of_text(schema->sort.name);
	*ret_grep = grep;
	return 0;
}

static void free_side(struct side *side)
{
	buffer_free(&side->text);
	buffer_free(&side->lines);
}

void change_grep_free(struct change_grep *grep)
{
	if (!grep)
		return;
	free_side(&grep->before);
	free_side(&grep->after);
	free(grep);
}

static int compare_lines(const void *a, const void *b)
{
	return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

/* The lines that match, sorted. */
static int find_lines(const struct change_grep *grep, struct slice item, struct side *side)
{
	buffer_clear(&side->text);
	buffer_clear(&side->lines);
	if (!item.size)
		return 0;
	int r = item_to_json(item, ITEM_PLAIN, ITEM_PRETTY, &grep->order, &side->text);
	if (r)
		return r;
	buffer_append_byte(&side->text, '\n');
	if (buffer_error(&side->text))
		return -ENOMEM;
	uint8_t *at = side->text.data, *end = at + side->text.size - 1;
	while (at < end) {
		uint8_t *next = memchr(at, '\n', (size_t)(end - at) + 1);
		uint8_t *line_end = next > at && next[-1] == ',' ? next - 1 : next;
		struct slice line = slice_of(at, (size_t)(line_end - at));
		*line_end = '\0';
		if (regexec(grep->pattern, (const char *)at, 0, NULL, 0) == 0)
			buffer_append(&side->lines, &line, sizeof(line));
		at = next + 1;
	}
	if (side->lines.size)
		qsort(side->lines.data, side->lines.size / sizeof(struct slice), sizeof(struct slice), compare_lines);
	return buffer_error(&side->lines);
}

int change_grep_matches(struct change_grep *grep, struct slice before, struct slice after)
{
	int r = find_lines(grep, before, &grep->before);
	if (!r)
		r = find_lines(grep, after, &grep->after);
	if (r)
		return r;
	if (grep->before.lines.size != grep->after.lines.size)
		return 1;
	const struct slice *old = (const void *)grep->before.lines.data, *new = (const void *)grep->after.lines.data;
	for (size_t i = 0; i < grep->before.lines.size / sizeof(*old); i++)
		if (!slice_equal(old[i], new[i]))
			return 1;
	return 0;
}
