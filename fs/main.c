/* pitrfs: mounts a store. Start-up order: options, background, store, threads, mount, loop; the end in reverse. */
#include "ops.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asof.h"
#include "clock.h"
#include "commit.h"
#include "daemon.h"
#include "ending.h"
#include "forgetter.h"
#include "item_json.h"
#include "keeper.h"
#include "loop.h"
#include "options.h"
#include "resolve.h"
#include "watching.h"

#define VERSION "1.0"

enum { STATUS_DONE = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

/* All of a running program. */
struct program {
	struct options options;
	struct daemon_waiters waiters;
	struct mount mount;
	struct fuse_session *session;
	struct counts_writer *counts_writer;
	struct forgetter *forgetter;
};

static int fail(const char *what, int result, const struct error *error)
{
	fprintf(stderr, "pitrfs: %s: %s\n", what,
		error != NULL && error->code < 0 ? error_text(error) : strerror(-result));
	return result;
}

/* --- the session --- */

static void init(void *context, struct fuse_conn_info *connection)
{
	struct program *program = ((struct mount *)context)->program;

	counts_add(&program->mount.counts, COUNT_INIT);
	connection->want &= ~(unsigned)(FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_WRITEBACK_CACHE);
	connection->want |=
		connection->capable & (FUSE_CAP_READDIRPLUS | FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_ATOMIC_O_TRUNC |
					      FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_EXPIRE_ONLY);
	notifier_set_can_expire(program->mount.notifier, (connection->capable & FUSE_CAP_EXPIRE_ONLY) != 0);
	daemon_tell(&program->waiters, true);
}

static const struct fuse_lowlevel_ops operations = {
	.init = init,
	.lookup = ops_lookup,
	.forget = ops_forget,
	.forget_multi = ops_forget_multi,
	.getattr = ops_getattr,
	.setattr = ops_setattr,
	.mknod = ops_mknod,
	.mkdir = ops_mkdir,
	.unlink = ops_unlink,
	.rmdir = ops_rmdir,
	.symlink = ops_symlink,
	.readlink = ops_readlink,
	.rename = ops_rename,
	.link = ops_link,
	.open = ops_open,
	.read = ops_read,
	.write = ops_write,
	.flush = ops_flush,
	.release = ops_release,
	.fsync = ops_fsync,
	.opendir = ops_opendir,
	.readdir = ops_readdir,
	.readdirplus = ops_readdirplus,
	.releasedir = ops_releasedir,
	.fsyncdir = ops_fsyncdir,
	.statfs = ops_statfs,
	.getxattr = ops_getxattr,
	.listxattr = ops_listxattr,
	.setxattr = ops_setxattr,
	.removexattr = ops_removexattr,
	.create = ops_create,
	.copy_file_range = ops_copy_file_range,
};

/* The kernel refuses writing to a read-only mount itself, unless it is remounted: then nothing here answers. */
static struct fuse_lowlevel_ops without_writing(void)
{
	struct fuse_lowlevel_ops reading = operations;

	reading.setattr = NULL;
	reading.mknod = NULL;
	reading.mkdir = NULL;
	reading.unlink = NULL;
	reading.rmdir = NULL;
	reading.symlink = NULL;
	reading.rename = NULL;
	reading.write = NULL;
	reading.create = NULL;
	reading.copy_file_range = NULL;
	return reading;
}

/* libfuse takes a comma in a value for the next option. */
static void append_escaped(struct buffer *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == ',' || *text == '\\')
			buffer_append_byte(out, '\\');
		buffer_append_byte(out, (uint8_t)*text);
	}
}

/* What df and findmnt show as the source: the store, and the instant when there is one. */
static void append_mount_options(const struct program *program, struct buffer *out)
{
	const struct options *options = &program->options;
	char instant[INSTANT_TEXT_MAX];

	buffer_append_text(out, "subtype=pitrfs,fsname=");
	append_escaped(out, options->store);
	if (program->mount.asof != NULL) {
		instant_format_z(program->mount.asof->time_us, instant, sizeof(instant));
		buffer_append_format(out, "@%s", instant);
	}
	if (options->is_read_only)
		buffer_append_text(out, ",ro");
	if (options->is_shared)
		buffer_append_text(out, ",allow_other,default_permissions");
	buffer_append_slice(out, buffer_slice(&options->kernel));
}

static int make_session(struct program *program)
{
	const struct fuse_lowlevel_ops reading = without_writing();
	struct fuse_args arguments = FUSE_ARGS_INIT(0, NULL);
	struct buffer text = BUFFER_INIT;

	append_mount_options(program, &text);
	if (buffer_text(&text) == NULL || fuse_opt_add_arg(&arguments, "pitrfs") < 0 ||
		fuse_opt_add_arg(&arguments, "-o") < 0 || fuse_opt_add_arg(&arguments, buffer_text(&text)) < 0 ||
		(program->options.is_debug && fuse_opt_add_arg(&arguments, "-d") < 0)) {
		fuse_opt_free_args(&arguments);
		buffer_free(&text);
		return fail("start", -ENOMEM, NULL);
	}
	program->session = fuse_session_new(&arguments, program->options.is_read_only ? &reading : &operations,
		sizeof(operations), &program->mount);
	fuse_opt_free_args(&arguments);
	buffer_free(&text);
	return program->session == NULL ? -EINVAL : 0;
}

/* --- the store and what serves it --- */

/* A change that was accepted can no longer be made, for its table is gone: what was in it is kept. */
static void change_refused(void *context, const struct pending_change *change, const struct error *error)
{
	struct mount *mount = context;
	struct buffer text = BUFFER_INIT;
	struct item_order order = { 0 };

	if (!change->is_removal)
		(void)item_to_json(change->item, mount->options->form, ITEM_PRETTY, &order, &text);
	(void)tell_refusal(mount->tell, "a table that is gone", buffer_slice(&text), error);
	buffer_free(&text);
}

static int open_store(struct program *program)
{
	const struct options *options = &program->options;
	struct history_options how = { .is_read_only = options->is_read_only, .is_lock_free = options->is_lock_free };
	struct mount *mount = &program->mount;
	struct error error = { 0 };
	int result = options->zone == NULL ? 0 : instant_zone_new(options->zone, &mount->zone, &error);

	if (result < 0)
		return fail(options->zone, result, &error);
	if (options->clock_file != NULL)
		result = clock_use_file(options->clock_file);
	if (result < 0)
		return fail(options->clock_file, result, NULL);
	result = history_open(options->store, &how, &mount->history, &error);
	if (result < 0)
		return fail(options->store, result, &error);
	mount->store = history_store(mount->history);
	return 0;
}

static int make_parts(struct program *program)
{
	struct mount *mount = &program->mount;
	int result = views_new(&mount->views);

	pthread_mutex_init(&mount->handles.lock, NULL);
	ahead_init(&mount->ahead);
	mount->started_us = clock_now_us();
	if (result == 0)
		result = scratch_set_new(mount->views, history_directory(mount->history), &mount->scratch);
	if (result == 0)
		result = asides_new(&mount->asides);
	if (result == 0)
		result = texts_new(&mount->texts);
	if (result == 0)
		result = orders_new(&mount->orders);
	if (result == 0)
		result = hiding_new(&mount->hiding);
	if (result == 0)
		result = restoring_new(&mount->restoring);
	if (result == 0)
		result = tell_new(mount->history, &mount->tell);
	if (result == 0)
		result = pitrdir_new(history_directory(mount->history), &mount->pitrdir);
	return result < 0 ? fail("start", result, NULL) : 0;
}

static int choose_instant(struct program *program)
{
	struct buffer notes = BUFFER_INIT;
	struct error error = { 0 };
	int result =
		program->options.asof == NULL ? 0 : asof_begin(&program->mount, program->options.asof, &notes, &error);

	if (result == 0 && notes.size > 0)
		fprintf(stderr, "pitrfs: not all tables are there:\n%s", buffer_text(&notes));
	buffer_free(&notes);
	return result < 0 ? fail("asof", result, &error) : 0;
}

static int start_threads(struct program *program)
{
	struct mount *mount = &program->mount;
	struct error error = { 0 };
	int result = 0;

	if (!program->options.is_read_only)
		result = writer_start(mount->history, change_refused, mount, &mount->writer, &error);
	if (result == 0)
		result = prefetch_start(mount, program->session, &mount->prefetch);
	if (result == 0)
		result = notifier_start(program->session, mount->prefetch, &mount->notifier);
	if (result == 0)
		result = keeper_start(mount, &mount->keeper);
	if (result == 0 && mount->writer != NULL)
		result = forgetter_start(mount, &program->forgetter);
	if (result == 0 && program->options.count_file != NULL)
		result = counts_writer_start(&mount->counts, program->options.count_file, &program->counts_writer);
	return result < 0 ? fail(program->options.store, result, &error) : 0;
}

/* Signals are waited for by threads of their own (ending.h, counts.h). */
static void block_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

static int run_loop(struct program *program)
{
	int result = loop_run(program->session, !program->options.is_power_saved);

	return result < 0 ? fail("requests from the kernel", result, NULL) : 0;
}

static int serve(struct program *program)
{
	struct mount *mount = &program->mount;
	struct ending *ending = NULL;
	int result;

	if (fuse_session_mount(program->session, program->options.mountpoint) < 0) {
		fprintf(stderr, "pitrfs: %s: it could not be mounted\n", program->options.mountpoint);
		return -EIO;
	}
	result = program->options.is_lock_free ? 0 : watching_start(mount, &mount->watching);
	if (result < 0)
		(void)fail(program->options.store, result, NULL);
	if (result == 0)
		result = ending_start(program->session, mount->notifier, mount->prefetch, &ending);
	if (result == 0)
		result = run_loop(program);
	ending_stop(ending);
	prefetch_rest(mount->prefetch);
	forgetter_stop(program->forgetter);
	program->forgetter = NULL;
	watching_stop(mount->watching);
	keeper_stop(mount->keeper);
	notifier_stop(mount->notifier);
	mount->keeper = NULL;
	mount->notifier = NULL;
	fuse_session_unmount(program->session);
	return result;
}

/* Everything that was closed is committed when this returns 0. */
static int finish(struct program *program)
{
	struct mount *mount = &program->mount;
	int result = 0;

	forgetter_stop(program->forgetter);
	keeper_stop(mount->keeper);
	notifier_stop(mount->notifier);
	prefetch_stop(mount->prefetch);
	mount->keeper = NULL;
	mount->notifier = NULL;
	mount->prefetch = NULL;
	handle_abandon_all(&mount->handles);
	if (mount->writer != NULL) {
		if (mount->asides != NULL)
			result = commit_asides(mount, ASIDE_ANY, 0);
		if (mount->restoring != NULL)
			restoring_tidy(mount, false);
		result = result < 0 ? result : writer_stop(mount->writer);
	}
	if (result < 0)
		(void)fail(
			"some changes are not committed yet; the next to open the store will try again", result, NULL);
	counts_writer_stop(program->counts_writer);
	if (program->options.count_file != NULL)
		(void)counts_write(&mount->counts, program->options.count_file);
	if (program->session != NULL)
		fuse_session_destroy(program->session);
	scratch_set_free(mount->scratch);
	ahead_free(&mount->ahead);
	view_put(mount->asof);
	views_free(mount->views);
	asides_free(mount->asides);
	texts_free(mount->texts);
	orders_free(mount->orders);
	hiding_free(mount->hiding);
	restoring_free(mount->restoring);
	tell_free(mount->tell);
	pitrdir_free(mount->pitrdir);
	history_close(mount->history);
	instant_zone_free(mount->zone);
	return result;
}

static int run(struct program *program)
{
	int result = open_store(program), finished;

	block_signals();
	if (result == 0)
		result = make_parts(program);
	if (result == 0)
		result = choose_instant(program);
	if (result == 0)
		result = make_session(program);
	if (result == 0)
		result = start_threads(program);
	if (result == 0)
		result = serve(program);
	finished = finish(program);
	daemon_tell(&program->waiters, false);
	return result < 0 || finished < 0 ? STATUS_FAILED : STATUS_DONE;
}

static int start(struct program *program, int argc, char **argv)
{
	struct error error = { 0 };
	int result = options_parse(argc, argv, &program->options, &error);

	if (result < 0) {
		fprintf(stderr,
			"pitrfs: %s\nusage: pitrfs STORE MOUNTPOINT [-o OPTIONS] [-f]; pitrfs --help says more\n",
			error_text(&error));
		return STATUS_USAGE;
	}
	if (program->options.is_help) {
		fputs(options_usage, stdout);
		return STATUS_DONE;
	}
	if (program->options.is_version) {
		printf("pitrfs %s, libfuse %s\n", VERSION, fuse_pkgversion());
		return STATUS_DONE;
	}
	program->waiters.ready_fd = program->options.ready_fd;
	result = options_check_paths(&program->options, &error);
	if (result == 0 && !program->options.is_foreground)
		result = daemon_start(&program->waiters);
	if (result < 0) {
		(void)fail("cannot mount", result, &error);
		daemon_tell(&program->waiters, false);
		return STATUS_FAILED;
	}
	return run(program);
}

int main(int argc, char **argv)
{
	struct program program = { .waiters = { .parent_fd = -1, .ready_fd = -1 } };
	int status;

	program.mount.options = &program.options;
	program.mount.program = &program;
	status = start(&program, argc, argv);
	options_free(&program.options);
	return status;
}
