#include "historydir.h"

#include <errno.h>

#include "historyfile.h"
#include "keydir.h"
#include "keys.h"
#include "mount.h"
#include "tablesdir.h"
#include "versions.h"

/* What a directory's number stands for: the table (no key), a partition, an item. */
struct place {
	enum node_kind kind;
	struct slice encoded_key; /* borrowed from the transaction */
};

static int place_of(struct store_txn *txn, const struct told *told, uint64_t number, struct place *ret_place)
{
	struct node node, last;
	int result;

	*ret_place = (struct place){ .kind = NODE_PARTITION };
	if (number == NUMBER_DIRECTORY)
		return 0;
	result = node_read(txn, told->table.number, number, SEQ_MAX, &node, NULL);
	if (result == 0)
		result = keys_find(txn, &told->table, &told->reach, node.encoded_key, &last);
	*ret_place = (struct place){ node.kind, node.encoded_key };
	return result == -ENOENT ? -ESTALE : result;
}

/* The directory of an item: it changes with its last version and, when the first leaves what can be told, with the first. */
static int item_node(
	struct store_txn *txn, const struct told *told, const struct node *last, struct branch_node *ret_node)
{
	struct node first;
	int result = versions_first(txn, told->table.number, last->encoded_key, &told->reach, &first, NULL);

	*ret_node = (struct branch_node){ .time_us = last->version.time_us };
	if (result == 0)
		ret_node->salt = keydir_salt(first.version.seq, last->version.seq);
	return result;
}

static int node_of(
	struct store_txn *txn, const struct told *told, const struct node *last, struct branch_node *ret_node)
{
	if (last->kind == NODE_ITEM)
		return item_node(txn, told, last, ret_node);
	keydir_node(told, ret_node);
	return 0;
}

/* --- the branch --- */

static int find_key(struct store_txn *txn, struct view *view, const struct told *told, struct slice partition,
	struct slice name, struct branch_entry *ret_entry)
{
	struct buffer key = BUFFER_INIT;
	struct node last;
	int result = keys_of_name(txn, &told->table, partition, name, &key);

	if (result == 0)
		result = keys_find(txn, &told->table, &told->reach, buffer_slice(&key), &last);
	if (result == 0)
		*ret_entry = (struct branch_entry){ view_hold(view), last.number };
	buffer_free(&key);
	return result;
}

static int find_name(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, struct slice name,
	struct branch_entry *ret_entry, struct error *error)
{
	struct place place;
	struct told told;
	int result = keydir_begin(mount, txn, view, &told);

	(void)error;
	if (result == 0)
		result = place_of(txn, &told, number, &place);
	if (result == 0)
		result = place.kind == NODE_ITEM
				 ? historyfile_find(mount, txn, view, &told, place.encoded_key, name, ret_entry)
				 : find_key(txn, view, &told, place.encoded_key, name, ret_entry);
	keydir_end(&told);
	return result;
}

static int list_keys(struct store_txn *txn, struct view *view, const struct told *told, struct slice partition,
	uint64_t after, branch_each each, void *context)
{
	struct branch_entry entry = { .view = view };
	char name[FILE_NAME_MAX + 1];
	struct branch_node node;
	struct keys_walk walk;
	struct node last;
	bool goes_on = true;
	int result = keys_begin(&walk, txn, &told->table, &told->reach, partition, after);

	while (result == 0 && goes_on && (result = keys_next(&walk, &last)) == 1) {
		result = 0;
		/* What is damaged has no name; looking it up says EIO. */
		if (last.kind == 0 || !keydir_name(told, last.kind, last.encoded_key, name) ||
			node_of(txn, told, &last, &node) < 0)
			continue;
		entry.number = last.number;
		goes_on = each(context, walk.place, name, &entry, &node);
	}
	keys_end(&walk);
	return result < 0 ? result : 0;
}

static int list_names(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, uint64_t after,
	branch_each each, void *context)
{
	struct place place;
	struct told told;
	int result = keydir_begin(mount, txn, view, &told);

	if (result == 0)
		result = place_of(txn, &told, number, &place);
	if (result == 0)
		result = place.kind == NODE_ITEM
				 ? historyfile_list(mount, txn, view, &told, place.encoded_key, after, each, context)
				 : list_keys(txn, view, &told, place.encoded_key, after, each, context);
	keydir_end(&told);
	return result;
}

static int directory_node(
	struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, struct branch_node *ret_node)
{
	struct place place;
	struct told told;
	struct node last;
	int result = keydir_begin(mount, txn, view, &told);

	if (result == 0)
		result = place_of(txn, &told, number, &place);
	if (result == 0 && number == NUMBER_DIRECTORY)
		keydir_node(&told, ret_node);
	else if (result == 0) {
		result = keys_find(txn, &told.table, &told.reach, place.encoded_key, &last);
		if (result == 0)
			result = node_of(txn, &told, &last, ret_node);
	}
	keydir_end(&told);
	return result;
}

const struct branch historydir = { .find = find_name, .list = list_names, .node = directory_node };

const struct branch historydir_of_store = {
	.find = tablesdir_find_branch, .list = tablesdir_list_branches, .node = tablesdir_node, .of_table = &historydir
};
