#include "backupdir.h"

#include <errno.h>
#include <stdlib.h>

#include "backup.h"
#include "commit.h"
#include "hash.h"
#include "loop.h"
#include "mount.h"
#include "pin.h"
#include "resolve.h"

static int read_pin(struct store_txn *txn, const struct pin_place *place, struct pin *ret_pin)
{
	struct pin_place before = { place->table, place->seq, place->number - 1, true };
	int result = pin_next(txn, place->table, &before, ret_pin);

	return result < 0 ? result : result == 1 && ret_pin->number == place->number ? 0 : -ENOENT;
}

/* Backups of one table, or of all that ever had a name. */
static uint32_t table_of(const struct view *directory)
{
	return directory->branch == &backupdir_of_name ? UINT32_MAX : directory->table.number;
}

static struct slice table_name_of(const struct view *directory)
{
	return slice_of_text(directory->branch == &backupdir_of_name ? directory->name : directory->table.name);
}

/* --- a backup --- */

/* Under the name it is asked for by. */
static int add_backup(struct mount *mount, struct store_txn *txn, const struct view *directory, struct slice name,
	const struct pin *pin, struct view **ret_view)
{
	struct snapshot snapshot;
	struct table table;
	struct view *view;
	int result = backup_snapshot(txn, pin, &snapshot);

	if (result == 0)
		result = backup_table(txn, pin, &table);
	if (result < 0)
		return result;
	view = view_new(nodeid_of(directory->slot, NUMBER_DIRECTORY), name, directory->path);
	if (view != NULL) {
		view->written = INSTANT_SEQ;
		view->pin = (struct pin_place){ pin->table, pin->seq, pin->number, true };
	}
	return resolve_add(mount, view, &table, &snapshot, ret_view);
}

static int find_backup(struct mount *mount, struct store_txn *txn, struct view *directory, uint64_t number,
	struct slice name, struct branch_entry *ret_entry, struct error *error)
{
	struct pin pin;
	int result = backup_find_name(txn, table_of(directory), table_name_of(directory), name, &pin);

	(void)number, (void)error;
	ret_entry->number = NUMBER_DIRECTORY;
	return result < 0 ? result : add_backup(mount, txn, directory, name, &pin, &ret_entry->view);
}

/* --- lists of backups: places are their numbers --- */

struct listed {
	struct pin_place place;
	uint64_t name; /* hashed */
	bool is_newest;
};

static int compare_names(const void *a, const void *b)
{
	const struct listed *one = a, *other = b;

	if (one->name != other->name)
		return one->name > other->name ? 1 : -1;
	return (one->place.number > other->place.number) - (one->place.number < other->place.number);
}

static int compare_numbers(const void *a, const void *b)
{
	const struct listed *one = a, *other = b;

	return (one->place.number > other->place.number) - (one->place.number < other->place.number);
}

static int gather(struct store_txn *txn, const struct view *directory, struct buffer *out)
{
	struct pin_place place = { 0 };
	struct pin pin;
	int result;

	while ((result = backup_next(txn, table_of(directory), table_name_of(directory), &place, &pin)) == 1) {
		struct listed listed = { .place = place, .name = hash_checksum64(slice_of_text(pin.name), 0) };

		buffer_append(out, &listed, sizeof(listed));
	}
	return result < 0 ? result : buffer_error(out);
}

/* In order of numbers, each knowing whether it has its name for itself. */
static void put_in_order(struct listed *backups, size_t count)
{
	qsort(backups, count, sizeof(*backups), compare_names);
	for (size_t i = 0; i < count; i++)
		backups[i].is_newest = i + 1 == count || backups[i + 1].name != backups[i].name;
	qsort(backups, count, sizeof(*backups), compare_numbers);
}

static int list_one(struct mount *mount, struct store_txn *txn, const struct view *directory,
	const struct listed *listed, struct view **ret_view)
{
	struct buffer name = BUFFER_INIT;
	struct pin pin;
	int result = read_pin(txn, &listed->place, &pin);

	if (result == 0 && listed->is_newest)
		buffer_append_text(&name, pin.name);
	else if (result == 0)
		result = backup_directory_name(txn, &pin, &name);
	if (result == 0)
		result = buffer_error(&name);
	if (result == 0)
		result = add_backup(mount, txn, directory, buffer_slice(&name), &pin, ret_view);
	buffer_free(&name);
	return result;
}

static int list_backups(struct mount *mount, struct store_txn *txn, struct view *directory, uint64_t number,
	uint64_t after, branch_each each, void *context)
{
	struct buffer gathered = BUFFER_INIT;
	int result = gather(txn, directory, &gathered);
	struct listed *backups = (struct listed *)(void *)gathered.data;
	size_t count = gathered.size / sizeof(*backups);
	bool goes_on = true;

	(void)number;
	if (result == 0 && count > 0)
		put_in_order(backups, count);
	for (size_t i = 0; i < count && result == 0 && goes_on; i++) {
		struct branch_entry entry = { .number = NUMBER_DIRECTORY };

		if (backups[i].place.number <= after)
			continue;
		result = list_one(mount, txn, directory, &backups[i], &entry.view);
		if (result == 0) {
			goes_on = each(context, backups[i].place.number, entry.view->name, &entry, NULL);
			view_put(entry.view);
		}
	}
	buffer_free(&gathered);
	return result;
}

int backupdir_salt(struct store_txn *txn, struct branch_node *node)
{
	uint64_t revision;
	int result = pin_revision(txn, &revision);

	node->salt = (uint16_t)(result < 0 ? 0 : revision % 1000);
	return result;
}

static int backups_node(struct mount *mount, struct store_txn *txn, struct view *directory, uint64_t number,
	struct branch_node *ret_node)
{
	struct pin_place place = { 0 };
	struct pin pin;
	int result;

	(void)mount;
	if (number != NUMBER_DIRECTORY)
		return -ENOENT;
	*ret_node = (struct branch_node){ .time_us = directory->table.created_us };
	while ((result = backup_next(txn, table_of(directory), table_name_of(directory), &place, &pin)) == 1) {
		if (pin.created_us > ret_node->time_us)
			ret_node->time_us = pin.created_us;
	}
	return result < 0 ? result : backupdir_salt(txn, ret_node);
}

/* --- making and deleting --- */

static int create(struct batch *batch, uint32_t number, struct slice name, const struct change_context *context,
	struct error *error)
{
	struct snapshot live = snapshot_live(number);
	struct table table;
	struct pin pin;
	int result = table_load(batch_txn(batch), number, TIME_NOW, &table);

	if (result < 0)
		return result;
	result = backup_find_name(batch_txn(batch), number, slice_of_text(table.name), name, &pin);
	if (result == 0)
		result = -EEXIST;
	else if (result == -ENOENT)
		result = backup_create(batch, &table, &live, name, context, &pin, error);
	table_free(&table);
	return result;
}

/* What was closed before belongs to it. */
static int make_backup(struct mount *mount, const struct view *directory, struct slice name, const struct who *who,
	struct error *error)
{
	struct change_context context;
	struct batch *batch;
	int result;

	loop_blocks();
	result = writer_drain(mount->writer, directory->table.number);
	if (result < 0)
		return result;
	result = commit_begin(mount, who, &batch, &context, error);
	if (result < 0)
		return result;
	return commit_finish(batch, create(batch, directory->table.number, name, &context, error), error);
}

static int remove_backup(struct mount *mount, const struct view *directory, struct slice name, const struct who *who,
	struct error *error)
{
	struct change_context context;
	struct batch *batch;
	struct pin pin;
	int result = commit_begin(mount, who, &batch, &context, error);

	if (result < 0)
		return result;
	result = backup_find_name(batch_txn(batch), table_of(directory), table_name_of(directory), name, &pin);
	if (result == 0)
		result = backup_delete(batch, &pin, error);
	return commit_finish(batch, result, error);
}

const struct branch backupdir_of_table = {
	.find = find_backup, .list = list_backups, .node = backups_node, .make = make_backup, .remove = remove_backup
};
const struct branch backupdir_of_name = {
	.find = find_backup, .list = list_backups, .node = backups_node, .remove = remove_backup
};

/* --- news --- */

struct news {
	struct mount *mount;
	struct store_txn *txn;
	uint64_t known;      /* pins up to this number were there before */
	struct buffer names; /* hashed, of those that came: uint64_t each */
};

static int gather_new(struct news *news)
{
	struct pin_place place = { 0 };
	struct pin pin;
	int result;

	while ((result = backup_next(news->txn, UINT32_MAX, slice_of(NULL, 0), &place, &pin)) == 1) {
		if (pin.number > news->known)
			buffer_append_u64(&news->names, hash_checksum64(slice_of_text(pin.name), 0));
	}
	return result < 0 ? result : buffer_error(&news->names);
}

/* A newer one has the name now, perhaps. */
static bool is_outdone(const struct news *news, const struct view *view)
{
	struct reader reader = reader_of(buffer_slice(&news->names));
	uint64_t name = hash_checksum64(slice_of_text(view->name), 0);

	while (view->pin.number <= news->known && reader_left(&reader) > 0) {
		if (reader_u64(&reader) == name)
			return true;
	}
	return false;
}

/* A table's directory in the root's list goes with its last backup. */
static bool is_empty(struct store_txn *txn, const struct view *view)
{
	struct pin_place place = { 0 };
	struct pin pin;

	return view->branch == &backupdir_of_name &&
	       backup_next(txn, UINT32_MAX, slice_of_text(view->name), &place, &pin) == 0;
}

static void tell_view(void *context, struct view *view)
{
	struct news *news = context;
	struct pin pin;

	if (is_empty(news->txn, view))
		notifier_drop(news->mount->notifier, view->parent, slice_of_text(view->name));
	else if (view->branch == &backupdir_of_table || view->branch == &backupdir_of_store ||
		 view->branch == &backupdir_of_name)
		notifier_node(news->mount->notifier, nodeid_of(view->slot, NUMBER_DIRECTORY));
	else if (view->pin.number != 0 && (read_pin(news->txn, &view->pin, &pin) == -ENOENT || is_outdone(news, view)))
		notifier_drop(news->mount->notifier, view->parent, slice_of_text(view->name));
}

void backupdir_tell_news(struct mount *mount, struct backupdir_known *known)
{
	struct news news = { .mount = mount, .known = known->revision };
	uint64_t revision;

	if (store_commit_number(mount->store) == known->commit || store_begin(mount->store, false, &news.txn) < 0)
		return;
	if (pin_revision(news.txn, &revision) == 0 &&
		(revision == known->revision ||
			(gather_new(&news) == 0 && views_each(mount->views, UINT32_MAX, tell_view, &news) == 0)))
		*known = (struct backupdir_known){ store_shown(news.txn), revision };
	store_abort(news.txn);
	buffer_free(&news.names);
}
