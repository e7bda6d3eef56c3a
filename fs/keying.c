#include "keying.h"

#include <errno.h>

#include "key.h"
#include "mount.h"
#include "name.h"
#include "snapshot.h"

struct search {
	struct store_txn *txn;
	struct slice item, name; /* item empty: a partition is looked for */
	bool wants_equal;        /* only a table that has this very item */
	struct table *table;
	int result; /* -ENOENT until one is found */
};

/* Is this what the file of such an item is called? */
static bool is_name_of(const struct key *key, struct slice name)
{
	char expected[FILE_NAME_MAX + 1];

	name_of_value(key->has_sort ? &key->sort : &key->partition, ".json", expected, NULL);
	return slice_equal(slice_of_text(expected), name);
}

static bool has_item(struct store_txn *txn, const struct snapshot *snapshot, const struct key *key, struct slice item)
{
	struct buffer encoded = BUFFER_INIT, found = BUFFER_INIT;
	struct node node;
	bool has = false;

	key_append_encoded(key, &encoded);
	if (buffer_error(&encoded) == 0 && snapshot_find(txn, snapshot, buffer_slice(&encoded), &node) == 0 &&
		snapshot_content(txn, snapshot, node.number, &found) == 0)
		has = slice_equal(buffer_slice(&found), item);
	buffer_free(&encoded);
	buffer_free(&found);
	return has;
}

static bool has_partition(
	struct store_txn *txn, const struct snapshot *snapshot, const struct table *table, struct slice name)
{
	struct node node;

	return table->schema.has_sort && snapshot_find_name(txn, snapshot, table, 0, name, &node, NULL) == 0;
}

static bool fits(const struct search *search, const struct snapshot *snapshot, const struct table *table)
{
	struct key key;

	if (search->item.size == 0)
		return has_partition(search->txn, snapshot, table, search->name);
	return key_of_item(search->item, &table->schema, &key, NULL) == 0 && is_name_of(&key, search->name) &&
	       (!search->wants_equal || has_item(search->txn, snapshot, &key, search->item));
}

static bool look_at_view(void *context, struct view *view)
{
	struct search *search = context;

	if (fits(search, &view->snapshot, &view->table))
		search->result = table_copy(&view->table, search->table);
	return search->result == -ENOENT;
}

static void look_at_tables(struct search *search)
{
	uint64_t place = 0;
	struct table table;
	int result;

	while (search->result == -ENOENT && (result = table_list(search->txn, TIME_NOW, &place, &table)) != 0) {
		struct snapshot snapshot;

		if (result < 0) {
			search->result = result;
			return;
		}
		snapshot = snapshot_live(table.number);
		if (!table.is_restoring && fits(search, &snapshot, &table)) {
			*search->table = table;
			search->result = 0;
			return;
		}
		table_free(&table);
	}
}

static void look_everywhere(struct mount *mount, struct search *search)
{
	int result = views_recent(mount->views, look_at_view, search);

	if (result < 0)
		search->result = result;
	look_at_tables(search);
}

int keying_of_item(
	struct mount *mount, struct store_txn *txn, struct slice item, struct slice name, struct table *ret_table)
{
	struct search search = {
		.txn = txn, .item = item, .name = name, .wants_equal = true, .table = ret_table, .result = -ENOENT
	};

	look_everywhere(mount, &search);
	search.wants_equal = false;
	if (search.result == -ENOENT)
		look_everywhere(mount, &search);
	return search.result;
}

int keying_of_partition(struct mount *mount, struct store_txn *txn, struct slice name, struct table *ret_table)
{
	struct search search = { .txn = txn, .name = name, .table = ret_table, .result = -ENOENT };

	look_everywhere(mount, &search);
	return search.result;
}
