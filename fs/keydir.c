#include "keydir.h"

#include "hash.h"
#include "mount.h"
#include "render.h"

int keydir_begin(struct mount *mount, struct store_txn *txn, const struct view *view, struct told *ret_told)
{
	struct table_statistics statistics = { 0 };
	int result;

	*ret_told = (struct told){ 0 };
	result = attree_table(txn, view, &ret_told->table);
	if (result == 0)
		result = reach_of(mount->history, txn, &ret_told->table, &ret_told->reach);
	if (result == 0)
		result = table_statistics(txn, ret_told->table.number, &statistics);
	ret_told->last_us =
		statistics.last_us > ret_told->table.created_us ? statistics.last_us : ret_told->table.created_us;
	return result;
}

void keydir_end(struct told *told)
{
	table_free(&told->table);
}

uint16_t keydir_salt(uint64_t one, uint64_t other)
{
	const uint64_t both[] = { one, other };

	return (uint16_t)(hash_checksum64(slice_of(both, sizeof(both)), 0) % 1000);
}

void keydir_node(const struct told *told, struct branch_node *ret_node)
{
	*ret_node = (struct branch_node){ .time_us = told->last_us,
		.salt = keydir_salt(told->reach.first_seq, told->reach.last_seq) };
}

bool keydir_name(const struct told *told, enum node_kind kind, struct slice encoded_key, char *ret_name)
{
	const struct node node = { .kind = kind, .encoded_key = encoded_key };

	return snapshot_name(&told->table, &node, ret_name) >= 0;
}

uint64_t keydir_size(const struct mount *mount, const struct version *version)
{
	return mount->options->form == ITEM_PLAIN ? version->plain_size : version->dynamodb_size;
}

int keydir_read(struct mount *mount, struct store_txn *txn, const struct view *view, uint64_t number, uint64_t seq,
	uint64_t offset, size_t size, struct buffer *out)
{
	struct view past = { .snapshot = { .table = view->table.number, .seq = seq } };
	struct node node;
	int result = snapshot_node(txn, &past.snapshot, number, &node);

	past.table = view->table;
	return result < 0 ? result : render_node(mount, txn, &past, &node, offset, size, out);
}
