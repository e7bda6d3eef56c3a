#include "deleteddir.h"

#include <errno.h>

#include "gone.h"
#include "keydir.h"
#include "keys.h"
#include "mount.h"
#include "tablesdir.h"

/* The partition a directory is of; empty: the table's own. -ENOENT: nothing is gone from it any more. */
static int partition_of(struct store_txn *txn, const struct told *told, uint64_t number, struct slice *ret_partition)
{
	struct gone gone;
	int result;

	*ret_partition = slice_of(NULL, 0);
	if (number == NUMBER_DIRECTORY)
		return 0;
	result = gone_number(txn, &told->table, &told->reach, number, &gone);
	if (result == 0 && gone.kind != NODE_PARTITION)
		return -ENOTDIR;
	*ret_partition = gone.encoded_key;
	return result;
}

/* Its last state. */
static int last_of(struct store_txn *txn, const struct told *told, const struct gone *gone, struct node *ret_node)
{
	int result = node_read(txn, told->table.number, gone->number, gone->seq - 1, ret_node, NULL);

	return result == -ENOENT || (result == 0 && ret_node->version.is_removal) ? -EIO : result;
}

static int node_of(struct mount *mount, struct store_txn *txn, const struct told *told, const struct gone *gone,
	struct branch_node *ret_node)
{
	struct node last;
	int result;

	if (gone->kind == NODE_PARTITION) {
		*ret_node = (struct branch_node){ .time_us = gone->time_us,
			.salt = keydir_salt(told->reach.first_seq, gone->items) };
		return 0;
	}
	result = last_of(txn, told, gone, &last);
	*ret_node = (struct branch_node){ .is_file = true, .time_us = gone->time_us, .seq = gone->seq };
	if (result == 0)
		ret_node->size_bytes = keydir_size(mount, &last.version);
	return result;
}

/* --- the branch --- */

static int find_in(struct store_txn *txn, const struct told *told, uint64_t number, struct slice name,
	struct buffer *key, struct gone *ret_gone)
{
	struct slice partition;
	int result = partition_of(txn, told, number, &partition);

	if (result == 0)
		result = keys_of_name(txn, &told->table, partition, name, key);
	return result < 0 ? result : gone_find(txn, &told->table, &told->reach, buffer_slice(key), ret_gone);
}

static int find_gone(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, struct slice name,
	struct branch_entry *ret_entry, struct error *error)
{
	struct buffer key = BUFFER_INIT;
	struct told told;
	struct gone gone;
	int result = keydir_begin(mount, txn, view, &told);

	(void)error;
	if (result == 0)
		result = find_in(txn, &told, number, name, &key, &gone);
	if (result == 0)
		*ret_entry = (struct branch_entry){ view_hold(view), gone.number };
	keydir_end(&told);
	buffer_free(&key);
	return result;
}

static int list_in(struct mount *mount, struct store_txn *txn, struct view *view, const struct told *told,
	struct slice partition, uint64_t after, branch_each each, void *context)
{
	struct branch_entry entry = { .view = view };
	char name[FILE_NAME_MAX + 1];
	struct branch_node node;
	struct gone_walk walk;
	struct gone gone;
	bool goes_on = true;
	int result = gone_walk_begin(&walk, txn, &told->table, &told->reach, partition, after);

	while (result == 0 && goes_on && (result = gone_walk_next(&walk, &gone)) == 1) {
		entry.number = gone.number;
		result = 0;
		/* What is damaged is listed, and says so when it is read. */
		if (!keydir_name(told, gone.kind, gone.encoded_key, name))
			continue;
		if (node_of(mount, txn, told, &gone, &node) == 0)
			goes_on = each(context, gone.number, name, &entry, &node);
	}
	gone_walk_end(&walk);
	return result < 0 ? result : 0;
}

static int list_gone(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, uint64_t after,
	branch_each each, void *context)
{
	struct slice partition;
	struct told told;
	int result = keydir_begin(mount, txn, view, &told);

	if (result == 0)
		result = partition_of(txn, &told, number, &partition);
	if (result == 0)
		result = list_in(mount, txn, view, &told, partition, after, each, context);
	keydir_end(&told);
	return result;
}

static int gone_node(
	struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, struct branch_node *ret_node)
{
	struct told told;
	struct gone gone;
	int result = keydir_begin(mount, txn, view, &told);

	if (result == 0 && number == NUMBER_DIRECTORY) {
		keydir_node(&told, ret_node);
	} else if (result == 0) {
		result = gone_number(txn, &told.table, &told.reach, number, &gone);
		if (result == 0)
			result = node_of(mount, txn, &told, &gone, ret_node);
	}
	keydir_end(&told);
	return result;
}

static int read_gone(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, uint64_t offset,
	size_t size, struct buffer *out)
{
	struct told told;
	struct gone gone;
	int result = keydir_begin(mount, txn, view, &told);

	if (result == 0)
		result = gone_number(txn, &told.table, &told.reach, number, &gone);
	if (result == 0)
		result = gone.kind != NODE_ITEM
				 ? -EISDIR
				 : keydir_read(mount, txn, view, number, gone.seq - 1, offset, size, out);
	keydir_end(&told);
	return result;
}

const struct branch deleteddir = { .find = find_gone, .list = list_gone, .node = gone_node, .read = read_gone };

const struct branch deleteddir_of_store = {
	.find = tablesdir_find_branch, .list = tablesdir_list_branches, .node = tablesdir_node, .of_table = &deleteddir
};
