#include <errno.h>
#include <string.h>

#include "commit.h"
#include "key.h"
#include "keying.h"
#include "mount.h"
#include "name.h"
#include "names.h"
#include "resolve.h"
#include "restore.h"
#include "restoring.h"
#include "restoring_parts.h"

void restoring_note(struct mount *mount, const struct view *view, const struct who *who)
{
	struct sessions *sessions = mount->restoring->sessions;

	if (view != NULL && view->is_alias &&
		(view->table.is_restoring || sessions_is_open(sessions, view->table.number)))
		sessions_wrote(sessions, view->table.number, who->pid);
}

bool restoring_is_loose(const struct view *view, uint64_t parent, struct slice name)
{
	enum name_kind kind = names_classify(PLACE_FLAT, name).kind;

	return view != NULL && view->is_alias && view->table.schema.has_sort &&
	       parent == nodeid_of(view->slot, NUMBER_DIRECTORY) && (kind == NAME_ITEM || kind == NAME_ITEM_AT);
}

/* --- keys --- */

/* The name an item's file had while nothing was known but that keys are texts. */
static size_t name_of_key(struct slice encoded, char *ret_name)
{
	struct buffer storage = BUFFER_INIT;
	struct key key;
	size_t size = 0;

	if (encoded.size > 0 && key_decode(encoded, &storage, &key) == 0)
		size = name_of_value(&key.partition, ".json", ret_name, NULL);
	buffer_free(&storage);
	return size;
}

static int set_keys(struct mount *mount, const struct view *view, const struct table *like, const struct who *who,
	struct error *error)
{
	struct change_context context;
	struct batch *batch;
	int result = commit_begin(mount, who, &batch, &context, error);

	if (result < 0)
		return result;
	result = commit_finish(batch, restore_set_keys(batch, &view->table, like, &context, error), error);
	if (result == 0)
		resolve_refresh_all(mount, view);
	return result;
}

/* Can the keys of the table still be any? */
static bool is_unsettled(struct store_txn *txn, const struct view *view)
{
	struct restore_progress progress;
	struct table table;
	bool is;

	if (table_load(txn, view->table.number, TIME_NOW, &table) < 0)
		return false;
	is = table.is_restoring && restore_progress(txn, &table, &progress) == 0 && progress.expected < 0 &&
	     progress.items == 0;
	table_free(&table);
	return is;
}

/* What the table is like, for the keys to be taken from; -ENOENT: they are settled, or nothing is known. */
static int find_like(struct mount *mount, const struct view *view, struct slice key, struct slice item,
	const struct table *from, struct table *ret_like)
{
	char name[FILE_NAME_MAX + 1];
	struct store_txn *txn;
	size_t size = name_of_key(key, name);
	int result = store_begin(mount->store, false, &txn);

	if (result < 0)
		return result;
	if (!is_unsettled(txn, view))
		result = -ENOENT;
	else if (from != NULL)
		result = table_copy(from, ret_like);
	else
		result = keying_of_item(mount, txn, item, slice_of(name, size), ret_like);
	store_abort(txn);
	return result;
}

/* Before the first item. */
static int settle_keys(struct mount *mount, const struct view *view, struct slice key, struct slice item,
	const struct table *from, const struct who *who, struct error *error)
{
	struct sessions *sessions = mount->restoring->sessions;
	struct table like;
	int result;

	if (sessions_has_keys(sessions, view->table.number))
		return 0;
	result = find_like(mount, view, key, item, from, &like);
	if (result == 0) {
		result = set_keys(mount, view, &like, who, error);
		table_free(&like);
	}
	if (result == 0 || result == -ENOENT)
		sessions_set_keys(sessions, view->table.number);
	return result == -ENOENT ? 0 : result;
}

void restoring_expect_partition(struct mount *mount, uint64_t parent, const char *name, const struct who *who)
{
	struct restoring *restoring = mount->restoring;
	struct view *view = views_get(mount->views, nodeid_slot(parent));
	struct store_txn *txn;
	struct table like;
	int result = -ENOENT;

	if (view == NULL || !view->is_alias || view->table.schema.has_sort ||
		nodeid_number(parent) != NUMBER_DIRECTORY || strchr(".@", name[0]) != NULL) {
		view_put(view);
		return;
	}
	pthread_mutex_lock(&restoring->keys_lock);
	if (!sessions_has_keys(restoring->sessions, view->table.number) &&
		store_begin(mount->store, false, &txn) == 0) {
		if (is_unsettled(txn, view))
			result = keying_of_partition(mount, txn, slice_of_text(name), &like);
		store_abort(txn);
	}
	if (result == 0) {
		(void)set_keys(mount, view, &like, who, NULL);
		table_free(&like);
	}
	pthread_mutex_unlock(&restoring->keys_lock);
	view_put(view);
}

/* --- items --- */

static bool is_key_of(const struct key_schema *schema, const struct key *key)
{
	return key->has_sort == schema->has_sort && key->partition.tag == schema->partition.type &&
	       (!schema->has_sort || key->sort.tag == schema->sort.type);
}

static int own_key(const struct view *view, struct slice item, struct buffer *out, struct error *error)
{
	struct key key;
	int result = key_of_item(item, &view->table.schema, &key, error);

	if (result < 0)
		return result;
	key_append_encoded(&key, out);
	return buffer_error(out);
}

/* The key an item gets that was written under `named`. */
static int choose_key(struct store_txn *txn, const struct view *view, struct slice named, struct slice item,
	struct buffer *out, struct error *error)
{
	struct buffer storage = BUFFER_INIT;
	char name[FILE_NAME_MAX + 1];
	struct key key;
	bool fits = named.size > 0 && key_decode(named, &storage, &key) == 0 && is_key_of(&view->table.schema, &key);

	buffer_free(&storage);
	if (fits) {
		buffer_append_slice(out, named);
		return buffer_error(out);
	}
	if (view->table.schema.has_sort || named.size == 0)
		return own_key(view, item, out, error);
	return snapshot_key_of_name(
		txn, &view->table, slice_of(NULL, 0), slice_of(name, name_of_key(named, name)), out, error);
}

static bool is_stored(struct store_txn *txn, const struct view *view, struct slice key, struct slice item)
{
	struct buffer stored = BUFFER_INIT;
	struct node node;
	bool is = snapshot_find(txn, &view->snapshot, key, &node) == 0 &&
		  snapshot_content(txn, &view->snapshot, node.number, &stored) == 0 &&
		  slice_equal(buffer_slice(&stored), item);

	buffer_free(&stored);
	return is;
}

/* Counting tells when a copy is whole, so what is counted has to be of the state that is copied. */
static int check_expected(struct store_txn *txn, const struct table *table, struct slice key, struct error *error)
{
	struct restore_progress progress;
	struct snapshot state;
	struct node node;

	if (restore_progress(txn, table, &progress) < 0 || progress.expected < 0 || progress.source_number == 0 ||
		progress.seq == 0)
		return 0;
	state = (struct snapshot){
		.table = progress.source_number, .seq = progress.seq, .time_us = progress.instant_us
	};
	if (snapshot_find(txn, &state, key, &node) != -ENOENT)
		return 0;
	return error_set(error, -EINVAL,
		"the state of %s that is restored has no such item; when restore/%s is whole, put it into %s/ itself",
		progress.source, table->name, table->name);
}

/* 1: the item is there already. */
static int check_commit(struct mount *mount, struct store_txn *txn, const struct view *view, struct slice key,
	struct slice item, struct error *error)
{
	struct table table;
	bool may_change;
	int result = table_load(txn, view->table.number, TIME_NOW, &table);

	if (result < 0)
		return result == -ENOENT ? error_set(error, -ESTALE, "its table is gone") : result;
	may_change = restoring_may_change(mount, txn, &table);
	result = table.is_restoring ? check_expected(txn, &table, key, error) : 0;
	table_free(&table);
	if (may_change)
		return result;
	if (is_stored(txn, view, key, item))
		return 1;
	return error_set(error, -EEXIST,
		"%s is restored and stands at the root; a restore overwrites nothing: write to %s/ itself",
		view->table.name, view->table.name);
}

static int commit(struct mount *mount, const struct view *view, struct slice named, struct buffer *item,
	const struct who *who, uint64_t *ret_ticket, struct error *error)
{
	struct buffer key = BUFFER_INIT;
	struct store_txn *txn;
	int result = store_begin(mount->store, false, &txn);

	if (result < 0)
		return result;
	result = choose_key(txn, view, named, buffer_slice(item), &key, error);
	if (result == 0)
		result = commit_complete_item(view, buffer_slice(&key), item, error);
	if (result == 0)
		result = check_commit(mount, txn, view, buffer_slice(&key), buffer_slice(item), error);
	store_abort(txn);
	if (result == 0)
		result = commit_item(mount, view, buffer_slice(&key), buffer_slice(item), who, ret_ticket, error);
	buffer_free(&key);
	return result < 0 ? result : 0;
}

int restoring_commit(struct mount *mount, const struct view *view, struct slice key, struct buffer *item,
	const struct table *from, const struct who *who, uint64_t *ret_ticket, struct error *error)
{
	struct restoring *restoring = mount->restoring;
	struct view *fresh;
	int result;

	restoring_note(mount, view, who);
	pthread_mutex_lock(&restoring->keys_lock);
	result = settle_keys(mount, view, key, buffer_slice(item), from, who, error);
	pthread_mutex_unlock(&restoring->keys_lock);
	if (result < 0)
		return result;
	fresh = views_get(mount->views, view->slot);
	if (fresh == NULL || fresh->is_gone)
		result = error_set(error, -ESTALE, "its table is gone");
	else
		result = commit(mount, fresh, key, item, who, ret_ticket, error);
	view_put(fresh);
	return result;
}

/* Is it what the table was restored by? Then a copy was only made twice. */
static bool is_of_same_state(struct store_txn *txn, const struct table *table, const struct json *document)
{
	const struct json *snapshot = json_member(document, "Snapshot");
	struct restore_progress progress;
	struct instant instant;
	struct slice id, text;
	int64_t seq = 0;

	return snapshot != NULL && json_get_text(snapshot, "TableId", &id) &&
	       json_get_text(snapshot, "Instant", &text) && instant_parse(text, NULL, &instant, NULL) == 0 &&
	       restore_progress(txn, table, &progress) == 0 && progress.expected >= 0 &&
	       slice_equal(id, slice_of_text(progress.source_id)) && instant.time_us == progress.instant_us &&
	       (!json_get_i64(snapshot, "SequenceNumber", &seq) || (uint64_t)seq == progress.seq);
}

int restoring_describe(struct mount *mount, struct batch *batch, const struct table *table, const struct json *document,
	const struct change_context *context, struct error *error)
{
	int result;

	if (!table->is_restoring && is_of_same_state(batch_txn(batch), table, document))
		return 0;
	result = restore_expect(batch, table, document, context, error);
	if (result == 0)
		sessions_set_keys(mount->restoring->sessions, table->number);
	return result;
}
