#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "drill.h"
#include "retention.h"
#include "tools/item_path.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/recovery.h"
#include "tools/verbs.h"

static struct option gc_options[] = {
	{ .name = "dry-run", .letter = 'n', .kind = OPTION_FLAG },
	{ .name = "table", .letter = 't', .kind = OPTION_VALUE },
	{ .name = "json", .kind = OPTION_FLAG },
	{ .name = NULL },
};

static int collect(struct tool *tool, struct retention_counts *counts, struct error *error)
{
	struct progress progress;
	char size[32];
	unsigned leftovers;
	int result = drill_clear(tool->history, &leftovers, error);
	if (result < 0)
		return result;
	progress_begin(&progress);
	while ((result = retention_step(tool->history, counts, error)) > 0) {
		output_size(counts->bytes, size, sizeof(size));
		progress_show(&progress, "%" PRIu64 " versions forgotten, %s", counts->versions, size);
	}
	progress_end(&progress);
	return result;
}

static int find_table(struct tool *tool, const char *name, uint32_t *ret_number, struct error *error)
{
	struct store_txn *txn;
	struct table table;
	*ret_number = UINT32_MAX;
	if (!name)
		return 0;
	int result = store_begin(history_store(tool->history), /* is_writable= */ false, &txn);
	if (result < 0)
		return error_set(error, result, "the store could not be read: %s", strerror(-result));
	result = item_path_live_table(txn, name, &table, error);
	store_abort(txn);
	if (result < 0)
		return result;
	*ret_number = table.number;
	table_free(&table);
	return 0;
}

static int preview(struct tool *tool, struct retention_counts *counts, struct error *error)
{
	uint32_t number;
	int result = find_table(tool, option_value(gc_options, "table"), &number, error);
	return result < 0 ? result : retention_preview(tool->history, number, counts, error);
}

static void append_json(struct buffer *out, const struct retention_counts *counts, bool is_dry)
{
	buffer_append_format(out,
		"{\"isDryRun\":%s,\"versions\":%" PRIu64 ",\"lives\":%" PRIu64 ",\"logBlocks\":%" PRIu64
		",\"bytes\":%" PRIu64 ",\"expired\":%" PRIu64 ",\"deletedTables\":%" PRIu64 "}\n",
		is_dry ? "true" : "false", counts->versions, counts->lives, counts->log_blocks, counts->bytes,
		counts->pins, counts->tables);
}

static void append_text(struct buffer *out, const struct retention_counts *counts, bool is_dry)
{
	char size[32];
	output_size(counts->bytes, size, sizeof(size));
	buffer_append_format(out,
		"%s: %" PRIu64 " version%s, %" PRIu64 " of them the last of an item's life, %" PRIu64
		" block%s of the change log: %s\n",
		is_dry ? "would forget" : "forgot", counts->versions, output_plural(counts->versions), counts->lives,
		counts->log_blocks, output_plural(counts->log_blocks), size);
	if (counts->pins > 0)
		buffer_append_format(out, "expired: %" PRIu64 " holds and backups of deleted tables\n", counts->pins);
	if (counts->tables > 0)
		buffer_append_format(out, "gone for good: %" PRIu64 " deleted table%s\n", counts->tables,
			output_plural(counts->tables));
}

static int run_gc(struct tool *tool)
{
	struct retention_counts counts = { 0 };
	struct buffer text = BUFFER_INIT;
	struct error error = { 0 };
	bool is_dry = option_is_given(gc_options, "dry-run");
	if (tool->positionals.count > 0)
		return tool_usage(tool, "unexpected argument: %s", tool->positionals.values[0]);
	if (option_is_given(gc_options, "table") && !is_dry)
		return tool_usage(tool, "--table goes with --dry-run: what is done is done for the whole store");
	int status = tool_open(tool, /* is_writable= */ !is_dry);
	if (status != STATUS_DONE)
		return status;
	int result = (is_dry ? preview : collect)(tool, &counts, &error);
	(option_is_given(gc_options, "json") ? append_json : append_text)(&text, &counts, is_dry);
	status = recovery_print(result, &error, &text);
	buffer_free(&text);
	return status;
}

const struct verb verb_gc = {
	.name = "gc",
	.summary = "forget what no window, backup, hold or restored table needs",
	.usage = "[--dry-run [--table TABLE]] [--json]",
	.help = "Does at once what every writable mount does by itself, little by little: takes away the versions that "
		"have left\n"
		"their table's window and that nothing else needs. Writers are not held up. The space is used again; "
		"the "
		"file does\n"
		"not shrink.\n\n"
		"Tables that an interrupted drill has left are dropped.\n\n"
		"--dry-run says what would go, and changes nothing.\n",
	.run = run_gc,
	.options = gc_options,
};
