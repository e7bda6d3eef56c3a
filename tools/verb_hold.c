/* hold add, list, release. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "hold.h"
#include "tools/output.h"
#include "tools/recovery.h"
#include "tools/verbs.h"

static struct option hold_options[] = {
	{ .name = "name", .kind = OPTION_VALUE },
	{ .name = "reason", .kind = OPTION_VALUE },
	{ .name = "until", .kind = OPTION_VALUE },
	{ .name = "json", .kind = OPTION_FLAG },
	{ .name = NULL },
};

/* --- add ------------------------------------------------------------------------------------------------------------ */

struct adding {
	struct tool *tool;
	struct state_word state;
	int64_t until_us;
	struct pin pin;
};

/* A time to come, or how long from now on. */
static int parse_until(struct tool *tool, int64_t *ret_until_us)
{
	const char *text = option_value(hold_options, "until");
	struct instant instant;
	struct error error = { 0 };
	int64_t duration_us;
	*ret_until_us = 0;
	if (!text)
		return STATUS_DONE;
	if (instant_parse_duration(slice_of_text(text), &duration_us) == 0) {
		*ret_until_us = clock_now_us() + duration_us;
		return STATUS_DONE;
	}
	if (tool_instant(tool, text, &instant, &error) < 0)
		return tool_usage(tool, "--until: %s", error_text(&error));
	if (instant.kind != INSTANT_AT)
		return tool_usage(tool, "--until %s: give a time to come, or how long, such as 90d", text);
	*ret_until_us = instant.time_us;
	return STATUS_DONE;
}

static int add_work(struct tool_change *change, void *context, struct error *error)
{
	struct adding *adding = context;
	struct table table;
	struct snapshot snapshot;
	const char *name = option_value(hold_options, "name");
	int result = state_word_find(adding->tool, batch_txn(change->batch), &adding->state, &table, &snapshot, error);
	if (result < 0)
		return result;
	result = hold_add(change->batch, &table, adding->state.at ? &snapshot : NULL, slice_of_text(name),
		option_value(hold_options, "reason"), adding->until_us, &change->context, &adding->pin, error);
	table_free(&table);
	return result;
}

static int run_add(struct tool *tool)
{
	struct adding adding = { .tool = tool };
	struct error error = { 0 };
	if (tool->positionals.count != 2)
		return tool_usage(tool, "hold add: give one TABLE, or TABLE@TIME");
	if (!option_value(hold_options, "name") || !option_value(hold_options, "reason"))
		return tool_usage(tool, "hold add: --name and --reason are needed");
	int status = parse_until(tool, &adding.until_us);
	if (status != STATUS_DONE)
		return status;
	if (state_word_parse(tool->positionals.values[1], &adding.state, &error) < 0)
		return tool_usage(tool, "%s", error_text(&error));
	status = tool_open(tool, /* is_writable= */ true);
	if (status == STATUS_DONE)
		status = tool_finish(recovery_change(tool, add_work, &adding, &error), &error);
	if (status == STATUS_DONE)
		tool_say("held: %s%s%s", adding.state.table,
			adding.state.at ? "@" : ", all that its window shows now and all that comes",
			adding.state.at ? adding.state.at : "");
	state_word_free(&adding.state);
	return status;
}

/* --- release -------------------------------------------------------------------------------------------------------- */

static int release_work(struct tool_change *change, void *context, struct error *error)
{
	struct pin pin;
	return hold_release(change->batch, slice_of_text(context), &pin, error);
}

static int run_release(struct tool *tool)
{
	struct error error = { 0 };
	if (tool->positionals.count != 2)
		return tool_usage(tool, "hold release: give the hold's NAME");
	int status = tool_open(tool, /* is_writable= */ true);
	if (status != STATUS_DONE)
		return status;
	return tool_finish(recovery_change(tool, release_work, tool->positionals.values[1], &error), &error);
}

/* --- list ----------------------------------------------------------------------------------------------------------- */

static void append_json(struct buffer *out, const struct pin *pin, const char *table, bool is_gone)
{
	buffer_append_text(out, out->data[out->size - 1] == '[' ? "{" : ",{");
	recovery_append_text(out, "name", pin->name);
	recovery_append_text(out, "table", table);
	buffer_append_format(out, ",\"isTableDeleted\":%s,\"isWholeTable\":%s", is_gone ? "true" : "false",
		pin->is_range ? "true" : "false");
	recovery_append_time(out, pin->is_range ? "from" : "at", pin->time_us);
	buffer_append_format(out, ",\"sequenceNumber\":%" PRIu64, pin->seq);
	recovery_append_time(out, "created", pin->created_us);
	recovery_append_time(out, "until", pin->expires_us);
	recovery_append_text(out, "reason", pin->reason);
	if (pin->author[0] != '\0')
		buffer_append_format(out, ",\"author\":%s", pin->author);
	buffer_append_byte(out, '}');
}

static void append_row(struct buffer *out, const struct pin *pin, const char *table, bool is_gone)
{
	char state[INSTANT_TEXT_MAX], until[INSTANT_TEXT_MAX];
	recovery_time(pin->time_us, state);
	buffer_append_format(out, "%-20s  %-20s  %s%-26s  %-26s  %s%s\n", pin->name, table,
		pin->is_range ? "from " : "at   ", state,
		pin->expires_us == 0 ? "it is released" : recovery_time(pin->expires_us, until),
		is_gone ? "(table deleted) " : "", pin->reason);
}

static int list(struct store_txn *txn, const char *of_table, bool is_json, struct buffer *out)
{
	(void)of_table;
	struct pin_place place = { 0 };
	struct pin pin;
	char table[256];
	bool is_gone;
	int result;
	if (is_json)
		buffer_append_text(out, "{\"holds\":[");
	while ((result = pin_next(txn, UINT32_MAX, &place, &pin)) > 0) {
		if (pin.kind != PIN_HOLD)
			continue;
		result = recovery_table_name(txn, &pin, table, &is_gone);
		if (result < 0)
			return result;
		if (!is_json && out->size == 0)
			buffer_append_format(
				out, "%-20s  %-20s  %-31s  %-26s  %s\n", "NAME", "TABLE", "STATE", "UNTIL", "REASON");
		(is_json ? append_json : append_row)(out, &pin, table, is_gone);
	}
	if (is_json)
		buffer_append_text(out, "]}\n");
	return result;
}

static int run_list(struct tool *tool)
{
	if (tool->positionals.count > 1)
		return tool_usage(tool, "unexpected argument: %s", tool->positionals.values[1]);
	return recovery_list(tool, list, "", option_is_given(hold_options, "json"), "no holds");
}

static int run_hold(struct tool *tool)
{
	const char *what = tool->positionals.count > 0 ? tool->positionals.values[0] : "";
	if (strcmp(what, "add") == 0)
		return run_add(tool);
	if (strcmp(what, "list") == 0)
		return run_list(tool);
	if (strcmp(what, "release") == 0)
		return run_release(tool);
	return tool_usage(tool, "hold what? There are add, list and release");
}

const struct verb verb_hold = {
	.name = "hold",
	.summary = "keep a table or a state of it against retention and deletion",
	.usage = "add TABLE[@TIME] --name NAME --reason TEXT [--until TIME] | list [--json] | release NAME",
	.help = "A held state stays whatever the table's settings are; a held table keeps every state that its window "
		"shows\n"
		"now and every later one, and can't be deleted.\n\n"
		"  pitr hold add orders@2025-03-31T23:59:59 --name audit-q1 --reason 'auditor, INC-17' --until 365d\n"
		"  pitr hold add orders --name legal --reason 'case 4711'\n"
		"  pitr hold release audit-q1\n\n"
		"--until takes a time to come, or how long (90d). Names are unique in the store.\n",
	.run = run_hold,
	.options = hold_options,
};
