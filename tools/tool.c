#include "tools/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "author.h"
#include "tools/screen.h"

static struct option common_options[] = {
	{ .name = "store", .kind = OPTION_VALUE },
	{ .name = "tz", .kind = OPTION_VALUE },
	{ .name = "no-pager", .kind = OPTION_FLAG },
	{ .name = "color", .kind = OPTION_PERHAPS },
	{ .name = NULL },
};

/* Data goes before the talk that follows it, also where both end in one pager. */
static void begin_talk(void)
{
	fflush(stdout);
}

int tool_fail(const char *format, ...)
{
	va_list arguments;
	begin_talk();
	fputs("pitr: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return STATUS_FAILED;
}

int tool_fail_error(const struct error *error)
{
	return tool_fail("%s", error_text(error));
}

int tool_finish(int result, const struct error *error)
{
	return result < 0 ? tool_fail_error(error) : STATUS_DONE;
}

int tool_answer(const struct tool *tool, int result, const struct error *error)
{
	return result == -EINVAL ? tool_usage(tool, "%s", error_text(error)) : tool_finish(result, error);
}

int tool_usage(const struct tool *tool, const char *format, ...)
{
	va_list arguments;
	begin_talk();
	fprintf(stderr, "pitr %s: ", tool->verb);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\n`pitr help %s` shows how it is used.\n", tool->verb);
	return STATUS_USAGE;
}

void tool_say(const char *format, ...)
{
	va_list arguments;
	begin_talk();
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

static int set_zone(struct tool *tool)
{
	const char *name = option_value(common_options, "tz");
	struct error error = { 0 };
	if (!name)
		name = getenv("PITR_TZ");
	if (!name || name[0] == '\0' || instant_zone_new(name, &tool->zone, &error) == 0)
		return STATUS_DONE;
	return tool_usage(tool, "%s", error_text(&error));
}

/* What stands after the verb goes before what stands in front of it, and that before the environment. */
static int set_store(struct tool *tool)
{
	const char *path = option_value(common_options, "store");
	const char *home = getenv("HOME");
	if (!path && tool->store)
		return STATUS_DONE;
	if (!path)
		path = getenv("PITR_STORE");
	free(tool->store);
	tool->store = NULL;
	if (path && path[0] != '\0')
		tool->store = strdup(path);
	else if (home && home[0] != '\0' && asprintf(&tool->store, "%s/.local/share/pitr", home) < 0)
		tool->store = NULL;
	return tool->store ? STATUS_DONE : tool_usage(tool, "which store? Give --store DIR, or set PITR_STORE");
}

static int set_screen(struct tool *tool)
{
	static const char *const names[] = {
		[TOOL_COLOR_AUTO] = "auto", [TOOL_COLOR_ALWAYS] = "always", [TOOL_COLOR_NEVER] = "never"
	};
	const char *wanted = option_value(common_options, "color");
	tool->is_unpaged |= option_is_given(common_options, "no-pager");
	if (!wanted && option_is_given(common_options, "color"))
		wanted = names[TOOL_COLOR_ALWAYS];
	for (unsigned color = TOOL_COLOR_AUTO; wanted && color <= TOOL_COLOR_NEVER; color++)
		if (strcmp(wanted, names[color]) == 0) {
			tool->color = (enum tool_color)color;
			return STATUS_DONE;
		}
	return wanted ? tool_usage(tool, "--color is auto, always or never, not %s", wanted) : STATUS_DONE;
}

static int check_times(struct tool *tool)
{
	struct instant instant;
	struct error error = { 0 };
	for (const struct option *option = tool->options; option && option->name; option++)
		if (option->kind == OPTION_TIME && option->value &&
			tool_instant(tool, option->value, &instant, &error) < 0)
			return tool_usage(tool, "--%s: %s", option->name, error_text(&error));
	return STATUS_DONE;
}

int tool_parse(struct tool *tool)
{
	char problem[256];
	if (options_parse(tool->options, common_options, tool->verb_argc, tool->verb_argv, &tool->positionals, problem,
		    sizeof(problem)) < 0)
		return tool_usage(tool, "%s", problem);
	int status = set_store(tool);
	if (status == STATUS_DONE)
		status = set_screen(tool);
	if (status == STATUS_DONE)
		status = set_zone(tool);
	return status == STATUS_DONE ? check_times(tool) : status;
}

static int open_as(struct tool *tool, bool is_read_only, struct error *error)
{
	struct history_options options = { .is_read_only = is_read_only };
	return history_open(tool->store, &options, &tool->history, error);
}

/* Readers open for writing too where they may: it brings in what writers that died had accepted. */
int tool_open(struct tool *tool, bool is_writable)
{
	struct error error = { 0 };
	int result = open_as(tool, /* is_read_only= */ false, &error);
	if (!is_writable && (result == -EROFS || result == -EACCES || result == -EPERM))
		result = open_as(tool, /* is_read_only= */ true, &error);
	return result < 0 ? tool_fail_error(&error) : STATUS_DONE;
}

int tool_ask(struct tool *tool, enum tool_paging paging, tool_work work, void *context)
{
	struct store_txn *txn = NULL;
	struct error error = { 0 };
	if (paging == TOOL_PAGED)
		screen_begin(tool);
	int status = tool_open(tool, /* is_writable= */ false);
	if (status != STATUS_DONE)
		return status;
	int result = store_begin(history_store(tool->history), /* is_writable= */ false, &txn);
	if (result == 0)
		result = work(txn, context, &error);
	store_abort(txn);
	if (result >= 0)
		return result;
	if (error.code == 0)
		error_set(&error, result, "the store could not be read: %s", strerror(-result));
	return tool_answer(tool, result, &error);
}

/* --- Who does it ----------------------------------------------------------------------------------------------------
 */

static void append_command(const struct tool *tool, struct buffer *out)
{
	for (int i = 0; i < tool->argc; i++) {
		const char *slash = i == 0 ? strrchr(tool->argv[0], '/') : NULL;
		if (i > 0)
			buffer_append_byte(out, ' ');
		buffer_append_text(out, slash ? slash + 1 : tool->argv[i]);
	}
}

static const char *user_name(void)
{
	const struct passwd *entry = getpwuid(getuid());
	return entry ? entry->pw_name : NULL;
}

static const char *group_name(void)
{
	const struct group *entry = getgrgid(getgid());
	return entry ? entry->gr_name : NULL;
}

void tool_author(const struct tool *tool, struct buffer *out)
{
	struct buffer command = BUFFER_INIT;
	append_command(tool, &command);
	struct author author = { .by = "pitr",
		.user = user_name(),
		.uid = getuid(),
		.gid = getgid(),
		.group = group_name(),
		.pid = getpid(),
		.command = buffer_text(&command),
		.reason = tool->reason ? tool->reason : getenv("PITR_REASON") };
	author_format(&author, out);
	buffer_free(&command);
}

void tool_import_author(const char *source, const char *service, struct buffer *out)
{
	struct author author = { .by = "import",
		.user = user_name(),
		.source = source,
		.service = service,
		.reason = getenv("PITR_REASON") };
	author_format(&author, out);
}

int tool_begin(struct tool *tool, struct tool_change *ret_change, struct error *error)
{
	struct buffer author = BUFFER_INIT;
	struct tool_change change = { 0 };
	int result = batch_begin(tool->history, &change.batch, error);
	if (result < 0)
		return result;
	tool_author(tool, &author);
	result = buffer_error(&author);
	if (result == 0)
		result = batch_author(change.batch, buffer_slice(&author), &change.context.author);
	buffer_free(&author);
	if (result < 0) {
		batch_abort(change.batch);
		return error_set(error, result, "the author of the change could not be stored: %s", strerror(-result));
	}
	*ret_change = change;
	return 0;
}

/* --- Times and files ------------------------------------------------------------------------------------------------
 */

int tool_instant(const struct tool *tool, const char *text, struct instant *ret_instant, struct error *error)
{
	return instant_parse_option(text, tool->zone, ret_instant, error);
}

static int read_all(int fd, struct buffer *out)
{
	for (;;) {
		int result = buffer_reserve(out, 65536);
		if (result < 0)
			return result;
		ssize_t count = read(fd, out->data + out->size, 65536);
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return count < 0 ? -errno : 0;
		out->size += (size_t)count;
	}
}

int tool_read_file(const char *path, struct buffer *out, struct error *error)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set(error, -errno, "%s: %s", path, strerror(errno));
	int result = read_all(fd, out);
	if (!is_stdin)
		close(fd);
	return result < 0 ? error_set(error, result, "%s: %s", is_stdin ? "standard input" : path, strerror(-result))
			  : 0;
}
