#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"
#include "tools/output.h"
#include "tools/recovery.h"
#include "tools/verbs.h"

#define DAYS_MAX 35

static struct option settings_options[] = {
	{ .name = "pitr", .kind = OPTION_VALUE },
	{ .name = "json", .kind = OPTION_FLAG },
	{ .name = NULL },
};

/* on and off leave the period as it is. */
static int parse_recovery(const char *text, struct table_defaults *defaults)
{
	char *end;
	if (strcmp(text, "on") == 0 || strcmp(text, "off") == 0) {
		defaults->is_pitr_on = strcmp(text, "on") == 0;
		return 0;
	}
	defaults->is_pitr_on = true;
	if (strcmp(text, "forever") == 0) {
		defaults->period_days = 0;
		return 0;
	}
	long days = strtol(text, &end, 10);
	if (end == text || *end != '\0' || days < 1 || days > DAYS_MAX)
		return -EINVAL;
	defaults->period_days = (int)days;
	return 0;
}

static int set_work(struct tool_change *change, void *context, struct error *error)
{
	struct table_defaults defaults;
	int result = table_defaults(batch_txn(change->batch), &defaults);
	if (result == 0)
		result = parse_recovery(context, &defaults);
	if (result == 0)
		result = table_set_defaults(change->batch, &defaults);
	return result < 0 ? error_set(error, result, "the settings could not be changed: %s", strerror(-result)) : 0;
}

static void append(struct buffer *out, const struct table_defaults *defaults, bool is_json)
{
	char days[32] = "forever";
	if (defaults->period_days > 0)
		snprintf(days, sizeof(days), "%d", defaults->period_days);
	if (!is_json) {
		buffer_append_format(out, "pitr  %s%s%s%s\n", defaults->is_pitr_on ? "on, " : "off",
			defaults->is_pitr_on ? days : "",
			!defaults->is_pitr_on || defaults->period_days == 0 ? ""
			: defaults->period_days == 1                        ? " day"
									    : " days",
			"   for tables made from now on, unless they say otherwise");
		return;
	}
	buffer_append_format(out, "{\"pointInTimeRecovery\":%s", defaults->is_pitr_on ? "true" : "false");
	if (defaults->period_days > 0)
		buffer_append_format(out, ",\"periodDays\":%s", days);
	else
		buffer_append_text(out, ",\"forever\":true");
	buffer_append_text(out, "}\n");
}

static int show(struct tool *tool)
{
	struct table_defaults defaults;
	struct store_txn *txn;
	struct buffer text = BUFFER_INIT;
	struct error error = { 0 };
	int result = store_begin(history_store(tool->history), /* is_writable= */ false, &txn);
	if (result == 0) {
		result = table_defaults(txn, &defaults);
		store_abort(txn);
	}
	if (result == 0)
		append(&text, &defaults, option_is_given(settings_options, "json"));
	int status = recovery_print(result, &error, &text);
	buffer_free(&text);
	return status;
}

static int run_settings(struct tool *tool)
{
	char *recovery = option_find(settings_options, "pitr")->value;
	struct table_defaults unused = { 0 };
	struct error error = { 0 };
	if (tool->positionals.count > 0)
		return tool_usage(tool, "unexpected argument: %s", tool->positionals.values[0]);
	if (recovery && parse_recovery(recovery, &unused) < 0)
		return tool_usage(tool, "--pitr %s: there are on, off, 1 to %d (days) and forever", recovery, DAYS_MAX);
	int status = tool_open(tool, /* is_writable= */ recovery != NULL);
	if (status == STATUS_DONE && recovery)
		status = tool_finish(recovery_change(tool, set_work, recovery, &error), &error);
	return status == STATUS_DONE ? show(tool) : status;
}

const struct verb verb_settings = {
	.name = "settings",
	.summary = "what new tables get",
	.usage = "[--pitr on|off|DAYS|forever] [--json]",
	.help = "Sets what point-in-time recovery tables have that are made or restored from now on, unless the "
		"request "
		"says\n"
		"otherwise: off, or on for 1 to 35 days, or forever. Tables there are keep theirs; "
		"`pitr update-continuous-backups`\n"
		"changes those. Without options it prints the settings.\n",
	.run = run_settings,
	.options = settings_options,
};
