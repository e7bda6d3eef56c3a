#include "tools/recovery.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backup.h"
#include "json.h"
#include "text.h"
#include "tools/item_path.h"
#include "tools/output.h"

int state_word_parse(const char *word, struct state_word *ret_word, struct error *error)
{
	char *text = strdup(word);
	if (!text)
		return error_set(error, -ENOMEM, "out of memory");
	size_t length = strlen(text);
	while (length > 1 && text[length - 1] == '/')
		text[--length] = '\0';
	char *at = strchr(text, '@');
	*ret_word = (struct state_word){ .text = text, .table = text, .at = at ? at + 1 : NULL };
	if (at && at > text && at[-1] == '/')
		at[-1] = '\0';
	if (at)
		*at = '\0';
	if (text[0] != '\0' && !strchr(text, '/') && (!at || at[1] != '\0'))
		return 0;
	state_word_free(ret_word);
	return error_set(error, -EINVAL, "%s does not name a state: write TABLE, or TABLE@TIME", word);
}

void state_word_free(struct state_word *word)
{
	free(word->text);
	*word = (struct state_word){ 0 };
}

int state_word_find(struct tool *tool, struct store_txn *txn, const struct state_word *word, struct table *ret_table,
	struct snapshot *ret_snapshot, struct error *error)
{
	return item_path_table(tool, txn, word->table, word->at, ret_table, ret_snapshot, error);
}

int recovery_change(struct tool *tool, int (*work)(struct tool_change *change, void *context, struct error *error),
	void *context, struct error *error)
{
	struct tool_change change;
	int result = tool_begin(tool, &change, error);
	if (result < 0)
		return result;
	result = work(&change, context, error);
	if (result == 0)
		return batch_commit(change.batch, error);
	batch_abort(change.batch);
	return result;
}

int recovery_table_name(struct store_txn *txn, const struct pin *pin, char ret_name[256], bool *ret_is_gone)
{
	struct table table = { 0 };
	int result = table_load(txn, pin->table, TIME_NOW, &table);
	*ret_is_gone = result == -ENOENT;
	if (*ret_is_gone)
		result = backup_table(txn, pin, &table);
	if (result == 0)
		strcpy(ret_name, table.name);
	table_free(&table);
	return result;
}

int recovery_find_backup(struct store_txn *txn, const char *word, struct pin *ret_pin, struct error *error)
{
	const char *slash = strchr(word, '/');
	if (strncmp(word, "arn:", 4) == 0)
		return backup_find_arn(txn, slice_of_text(word), ret_pin, error);
	if (!slash || slash == word || slash[1] == '\0')
		return error_set(error, -EINVAL, "%s does not name a backup: write TABLE/NAME, or its ARN", word);
	int result = backup_find_name(
		txn, UINT32_MAX, slice_of(word, (size_t)(slash - word)), slice_of_text(slash + 1), ret_pin);
	if (result == -ENOENT)
		return error_set(
			error, result, "there is no backup %s; `pitr backup list` names those there are", word);
	return result < 0 ? error_set(error, result, "backup %s could not be read: %s", word, strerror(-result)) : 0;
}

const char *recovery_time(int64_t time_us, char text[INSTANT_TEXT_MAX])
{
	strcpy(text, "-");
	if (time_us != 0)
		instant_format(time_us, text, INSTANT_TEXT_MAX);
	return text;
}

void recovery_append_time(struct buffer *out, const char *name, int64_t time_us)
{
	char text[INSTANT_TEXT_MAX];
	if (time_us == 0)
		return;
	instant_format_z(time_us, text, sizeof(text));
	buffer_append_format(out, ",\"%s\":\"%s\"", name, text);
}

void recovery_append_text(struct buffer *out, const char *name, const char *text)
{
	if (out->size > 0 && out->data[out->size - 1] != '{')
		buffer_append_byte(out, ',');
	buffer_append_format(out, "\"%s\":", name);
	text_append_json(out, slice_of_text(text));
}

int recovery_print(int result, const struct error *error, const struct buffer *text)
{
	if (result == 0)
		result = buffer_error(text);
	if (result < 0)
		return error->code != 0 ? tool_fail_error(error) : tool_fail("%s", strerror(-result));
	output(buffer_slice(text));
	return STATUS_DONE;
}

struct listing {
	int (*list)(struct store_txn *txn, const char *table, bool is_json, struct buffer *out);
	const char *table;
	bool is_json;
	struct buffer text;
};

static int do_list(struct store_txn *txn, void *context, struct error *error)
{
	struct listing *listing = context;
	(void)error;
	return listing->list(txn, listing->table, listing->is_json, &listing->text);
}

int recovery_list(struct tool *tool,
	int (*list)(struct store_txn *txn, const char *table, bool is_json, struct buffer *out), const char *table,
	bool is_json, const char *none)
{
	struct listing listing = { .list = list, .table = table, .is_json = is_json };
	struct error error = { 0 };
	int status = tool_ask(tool, TOOL_PLAIN, do_list, &listing);
	if (status == STATUS_DONE)
		status = recovery_print(0, &error, &listing.text);
	if (status == STATUS_DONE && listing.text.size == 0)
		tool_say("%s", none);
	buffer_free(&listing.text);
	return status;
}
