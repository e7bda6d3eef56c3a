#include "tools/change_choice.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "author_match.h"
#include "tools/stretch.h"

const char *change_choice_op_name(enum change_op op)
{
	static const char *const names[] = {
		[CHANGE_INSERT] = "insert", [CHANGE_MODIFY] = "modify", [CHANGE_REMOVE] = "remove"
	};
	return names[op];
}

/* --- What is given -------------------------------------------------------------------------------------------------- */

/* One name, `size` bytes of a list. False: it is none. */
static bool add_op(struct change_choice *choice, const char *name, size_t size)
{
	for (unsigned op = CHANGE_INSERT; op <= CHANGE_REMOVE; op++) {
		const char *known = change_choice_op_name((enum change_op)op);
		if (strlen(known) == size && memcmp(known, name, size) == 0) {
			choice->filter.ops |= 1u << op;
			return true;
		}
	}
	return false;
}

static int parse_ops(struct tool *tool, struct change_choice *choice)
{
	const struct option *option = option_find(tool->options, "op");
	for (size_t i = 0; option && i < option->count; i++) {
		const char *at = option->values[i];
		for (size_t size; size = strcspn(at, ","), true; at += size + 1) {
			if (!add_op(choice, at, size))
				return tool_usage(tool,
					"--op is insert, modify or remove, or several with commas, not %.*s", (int)size,
					at);
			if (at[size] == '\0')
				break;
		}
	}
	return STATUS_DONE;
}

static int parse_by(struct tool *tool, struct change_choice *choice)
{
	const struct option *by = option_find(tool->options, "by");
	struct error error = { 0 };
	for (size_t i = 0; by && i < by->count; i++)
		if (author_pattern_check(by->values[i], &error) < 0)
			return tool_usage(tool, "--by %s: %s", by->values[i], error_text(&error));
	choice->filter.by = by ? (const char *const *)by->values : NULL;
	choice->filter.by_count = by ? by->count : 0;
	return STATUS_DONE;
}

static int parse_where(struct tool *tool, struct change_choice *choice)
{
	const struct option *where = option_find(tool->options, "where");
	struct error error = { 0 };
	if (!where || where->count == 0)
		return STATUS_DONE;
	choice->where = calloc(where->count, sizeof(struct expression *));
	if (!choice->where)
		return tool_fail("out of memory");
	choice->filter.where = (const struct expression *const *)choice->where;
	for (; choice->filter.where_count < where->count; choice->filter.where_count++) {
		const char *text = where->values[choice->filter.where_count];
		if (expression_parse(
			    slice_of_text(text), NULL, NULL, &choice->where[choice->filter.where_count], &error) < 0)
			return tool_usage(tool, "--where %s: %s", text, error_text(&error));
	}
	return STATUS_DONE;
}

static int parse_grep(struct tool *tool, struct change_choice *choice)
{
	const char *pattern = option_value(tool->options, "grep");
	char why[256];
	if (!pattern)
		return STATUS_DONE;
	int flags = REG_EXTENDED | REG_NOSUB | (option_is_given(tool->options, "ignore-case") ? REG_ICASE : 0);
	int code = regcomp(&choice->regex, pattern, flags);
	if (code != 0) {
		regerror(code, &choice->regex, why, sizeof(why));
		return tool_usage(tool, "--grep %s: %s", pattern, why);
	}
	choice->has_regex = true;
	choice->filter.grep = &choice->regex;
	return STATUS_DONE;
}

static void show_progress(void *context, uint64_t looked_at)
{
	struct change_choice *choice = context;
	progress_show(&choice->progress, "%" PRIu64 " changes", looked_at);
}

int change_choice_parse(struct tool *tool, struct change_choice *choice)
{
	progress_begin(&choice->progress);
	choice->filter.progress = show_progress;
	choice->filter.progress_context = choice;
	int status = parse_ops(tool, choice);
	if (status == STATUS_DONE)
		status = parse_by(tool, choice);
	if (status == STATUS_DONE)
		status = parse_where(tool, choice);
	return status == STATUS_DONE ? parse_grep(tool, choice) : status;
}

void change_choice_free(struct change_choice *choice)
{
	progress_end(&choice->progress);
	for (size_t i = 0; i < choice->filter.where_count; i++)
		expression_free(choice->where[i]);
	free(choice->where);
	if (choice->has_regex)
		regfree(&choice->regex);
}

bool change_choice_is_of_items(const struct change_choice *choice)
{
	const struct change_filter *filter = &choice->filter;
	return filter->ops != 0 || filter->where_count > 0 || filter->grep || filter->encoded_key.size > 0;
}

/* --- The window ----------------------------------------------------------------------------------------------------- */

int change_choice_window(struct tool *tool, struct store_txn *txn, const struct table *table, const struct reach *reach,
	struct change_choice *choice, struct error *error)
{
	struct change_filter *filter = &choice->filter;
	const char *from = option_value(tool->options, "from"), *to = option_value(tool->options, "to");
	struct stretch_end first = { 0 }, last = { .time_us = INT64_MAX };
	int result = from ? stretch_end_find(tool, txn, table, reach, from, &first, error) : 0;
	if (result == 0 && to)
		result = stretch_end_find(tool, txn, table, reach, to, &last, error);
	if (result < 0)
		return result;
	if (from && to && (first.time_us > last.time_us || (last.seq != 0 && first.seq > last.seq)))
		return error_set(error, -EINVAL, "--from %s is later than --to %s", from, to);
	filter->from_seq = first.seq;
	filter->to_seq = last.seq;
	filter->from_us = first.seq ? 0 : first.time_us;
	filter->to_us = last.seq ? INT64_MAX : last.time_us;
	return 0;
}
