/* Numbers: the three directories, the summary, and two for each item that is different, by the place of its first change: its file, and
 * the directory of its partition in which it is the first of its kind. */
#include "diffrange.h"

#include <errno.h>

#include "difference.h"
#include "difffile.h"
#include "key.h"
#include "mount.h"
#include "name.h"
#include "orders.h"

enum { VALUE_ADDED = DIFFERENCE_ADDED, VALUE_REMOVED = DIFFERENCE_REMOVED, VALUE_CHANGED = DIFFERENCE_CHANGED };
#define VALUE_SUMMARY 4
#define VALUE_ITEMS 8

static const char *const names[] = { NULL, "added", "removed", "changed", "summary.json" };

enum thing_kind { THING_TOP, THING_KIND, THING_PARTITION, THING_ITEM, THING_SUMMARY };

struct thing {
	enum thing_kind thing;
	enum difference_kind kind; /* of a directory of one */
	uint64_t place;            /* of an item, or of the first in a partition */
};

static int thing_of(uint64_t number, struct thing *ret_thing)
{
	uint64_t value;

	*ret_thing = (struct thing){ .thing = THING_TOP };
	if (number == NUMBER_DIRECTORY)
		return 0;
	if (!branch_value(number, &value) || value == 0 || (value > VALUE_SUMMARY && value < VALUE_ITEMS))
		return -ENOENT;
	if (value >= VALUE_ITEMS) {
		ret_thing->thing = value % 2 == 0 ? THING_ITEM : THING_PARTITION;
		ret_thing->place = (value - VALUE_ITEMS) / 2;
	} else if (value == VALUE_SUMMARY) {
		ret_thing->thing = THING_SUMMARY;
	} else {
		ret_thing->thing = THING_KIND;
		ret_thing->kind = (enum difference_kind)value;
	}
	return 0;
}

static uint64_t number_of_item(uint64_t place)
{
	return branch_number(VALUE_ITEMS + 2 * place);
}

static uint64_t number_of_partition(uint64_t place)
{
	return branch_number(VALUE_ITEMS + 2 * place + 1);
}

static int begin(struct store_txn *txn, const struct view *view, uint64_t after, struct difference_walk *walk)
{
	return difference_begin(walk, txn, view->table.number, view->from.seq, view->snapshot.seq, after);
}

static int get_order(struct mount *mount, struct store_txn *txn, const struct view *view, struct kept_order **ret_kept)
{
	return orders_get(
		mount->orders, mount->history, txn, view->table.number, view->from.seq, view->snapshot.seq, ret_kept);
}

/* One of which the key is known; what is damaged says so itself when it is read. */
static int at_place(struct difference_walk *walk, uint64_t place, struct difference *ret_difference)
{
	int result = difference_at(walk, place, ret_difference);

	return result == -EIO && ret_difference->encoded_key.size > 0 ? 0 : result;
}

/* --- names --- */

/* Of its item, or of its partition. */
static int name_of(struct slice encoded_key, bool is_partition, char ret_name[FILE_NAME_MAX + 1])
{
	struct buffer storage = BUFFER_INIT;
	struct key key;
	int result = key_decode(encoded_key, &storage, &key);

	if (result == 0)
		name_of_value(key.has_sort && !is_partition ? &key.sort : &key.partition, is_partition ? "" : ".json",
			ret_name, NULL);
	buffer_free(&storage);
	return result;
}

static int partition_of(struct slice encoded_key, struct buffer *out)
{
	struct buffer storage = BUFFER_INIT;
	struct key key;
	int result = key_decode(encoded_key, &storage, &key);

	if (result == 0)
		key_append_partition(&key.partition, out);
	buffer_free(&storage);
	return result < 0 ? result : buffer_error(out);
}

/* The partition of a directory, and of which kind it tells. */
static int read_partition(struct difference_walk *walk, struct thing *thing, struct buffer *out)
{
	struct difference difference;
	int result = at_place(walk, thing->place, &difference);

	if (result < 0)
		return result;
	thing->kind = difference.kind;
	return partition_of(difference.encoded_key, out);
}

static int key_of_name(
	struct store_txn *txn, const struct view *view, struct slice partition, struct slice name, struct buffer *out)
{
	int result = snapshot_key_of_name(txn, &view->table, partition, name, out, NULL);

	return result == -EINVAL ? -ENOENT : result;
}

/* --- finding --- */

static int find_top(struct slice name, uint64_t *ret_number)
{
	for (uint64_t value = VALUE_ADDED; value <= VALUE_SUMMARY; value++) {
		if (slice_equal(name, slice_of_text(names[value]))) {
			*ret_number = branch_number(value);
			return 0;
		}
	}
	return -ENOENT;
}

static int find_item(struct store_txn *txn, const struct view *view, struct difference_walk *walk,
	enum difference_kind kind, struct slice partition, struct slice name, uint64_t *ret_number)
{
	struct buffer key = BUFFER_INIT;
	struct difference difference = { .place = 0 };
	int result = key_of_name(txn, view, partition, name, &key);

	if (result == 0)
		result = difference_of(walk, buffer_slice(&key), &difference);
	if (result == -EIO && difference.place > 0)
		result = 0;
	if (result == 0 && difference.kind != kind)
		result = -ENOENT;
	if (result == 0)
		*ret_number = number_of_item(difference.place);
	buffer_free(&key);
	return result;
}

static int find_partition(struct mount *mount, struct store_txn *txn, const struct view *view,
	enum difference_kind kind, struct slice name, uint64_t *ret_number)
{
	struct buffer partition = BUFFER_INIT;
	struct kept_order *kept = NULL;
	uint64_t place = 0;
	int result = key_of_name(txn, view, slice_of(NULL, 0), name, &partition);

	if (result == 0)
		result = get_order(mount, txn, view, &kept);
	if (result == 0)
		result = difference_order_in(orders_order(kept), kind, buffer_slice(&partition), 0, &place);
	if (result == 1)
		*ret_number = number_of_partition(place);
	orders_put(kept);
	buffer_free(&partition);
	return result < 0 ? result : result == 1 ? 0 : -ENOENT;
}

static int find(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, struct slice name,
	struct branch_entry *ret_entry, struct error *error)
{
	struct difference_walk walk;
	struct buffer partition = BUFFER_INIT;
	struct thing thing;
	int result = thing_of(number, &thing);

	(void)error;
	if (result < 0)
		return result;
	result = begin(txn, view, 0, &walk);
	if (result == 0 && thing.thing == THING_PARTITION)
		result = read_partition(&walk, &thing, &partition);
	if (result == 0 && thing.thing == THING_TOP)
		result = find_top(name, &ret_entry->number);
	else if (result == 0 && thing.thing == THING_KIND && view->table.schema.has_sort)
		result = find_partition(mount, txn, view, thing.kind, name, &ret_entry->number);
	else if (result == 0)
		result = find_item(txn, view, &walk, thing.kind, buffer_slice(&partition), name, &ret_entry->number);
	difference_end(&walk);
	buffer_free(&partition);
	if (result == 0)
		ret_entry->view = view_hold(view);
	return result;
}

/* --- listing --- */

struct lister {
	struct mount *mount;
	struct store_txn *txn;
	struct view *view;
	struct difference_walk walk;
	branch_each each;
	void *context;
};

static int node_of_directory(const struct view *view, struct branch_node *ret_node)
{
	*ret_node = (struct branch_node){ .time_us = difffile_time(view), .is_settled = true };
	return 0;
}

static int list_top(struct lister *lister, uint64_t after)
{
	struct branch_entry entry = { .view = lister->view };
	struct branch_node node;
	bool goes_on = true;

	for (uint64_t value = after + 1; value <= VALUE_SUMMARY && goes_on; value++) {
		int result = value == VALUE_SUMMARY ? difffile_summary_node(lister->view, &node)
						    : node_of_directory(lister->view, &node);

		if (result < 0)
			return result;
		entry.number = branch_number(value);
		goes_on = lister->each(lister->context, value, names[value], &entry, &node);
	}
	return 0;
}

/* 1; 0: no more are wanted. */
static int list_item(struct lister *lister, const struct difference *difference)
{
	struct branch_entry entry = { .view = lister->view, .number = number_of_item(difference->place) };
	char name[FILE_NAME_MAX + 1];
	struct branch_node node;
	int result = name_of(difference->encoded_key, false, name);

	if (result == 0)
		result = difffile_node(lister->mount, lister->txn, lister->view, difference, &node);
	if (result < 0)
		return result;
	return lister->each(lister->context, difference->place, name, &entry, &node);
}

static int list_items(struct lister *lister, enum difference_kind kind)
{
	struct difference difference;
	int result;

	difffile_walks(lister->view);
	while ((result = difference_next(&lister->walk, &difference)) == 1 || result == -EIO) {
		if (difference.kind != kind || difference.encoded_key.size == 0)
			continue;
		result = list_item(lister, &difference);
		if (result != 1)
			return result;
	}
	return result;
}

/* 1; 0: no more are wanted. */
static int list_partition(struct lister *lister, uint64_t position, uint64_t place)
{
	struct branch_entry entry = { .view = lister->view, .number = number_of_partition(place) };
	struct difference difference;
	char name[FILE_NAME_MAX + 1];
	struct branch_node node;
	int result = at_place(&lister->walk, place, &difference);

	if (result == 0)
		result = name_of(difference.encoded_key, true, name);
	if (result == 0)
		result = node_of_directory(lister->view, &node);
	if (result < 0)
		return result;
	return lister->each(lister->context, position, name, &entry, &node);
}

static int list_partitions(struct lister *lister, enum difference_kind kind, uint64_t after)
{
	struct kept_order *kept;
	uint64_t place;
	int result = get_order(lister->mount, lister->txn, lister->view, &kept);

	if (result < 0)
		return result;
	while ((result = difference_order_next(orders_order(kept), kind, after, &after, &place)) == 1) {
		result = list_partition(lister, after, place);
		if (result != 1)
			break;
	}
	orders_put(kept);
	return result;
}

static int list_in_partition(struct lister *lister, struct thing *thing, uint64_t after)
{
	struct buffer partition = BUFFER_INIT;
	struct kept_order *kept = NULL;
	struct difference difference;
	int result = read_partition(&lister->walk, thing, &partition);

	if (result == 0)
		result = get_order(lister->mount, lister->txn, lister->view, &kept);
	if (result == 0)
		result = 1;
	while (result == 1) {
		result = difference_order_in(orders_order(kept), thing->kind, buffer_slice(&partition), after, &after);
		if (result != 1)
			break;
		result = at_place(&lister->walk, after, &difference);
		if (result == 0)
			result = list_item(lister, &difference);
	}
	orders_put(kept);
	buffer_free(&partition);
	return result;
}

static int list(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, uint64_t after,
	branch_each each, void *context)
{
	struct lister lister = { .mount = mount, .txn = txn, .view = view, .each = each, .context = context };
	bool is_sorted = view->table.schema.has_sort;
	struct thing thing;
	int result = thing_of(number, &thing);

	if (result < 0)
		return result;
	result = begin(txn, view, is_sorted ? 0 : after, &lister.walk);
	if (result == 0 && thing.thing == THING_TOP)
		result = list_top(&lister, after);
	else if (result == 0 && thing.thing == THING_PARTITION)
		result = list_in_partition(&lister, &thing, after);
	else if (result == 0 && is_sorted)
		result = list_partitions(&lister, thing.kind, after);
	else if (result == 0)
		result = list_items(&lister, thing.kind);
	difference_end(&lister.walk);
	return result < 0 ? result : 0;
}

/* --- nodes --- */

static int node(
	struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, struct branch_node *ret_node)
{
	struct difference_walk walk;
	struct difference difference;
	struct thing thing;
	int result = thing_of(number, &thing);

	if (result < 0)
		return result;
	result = begin(txn, view, 0, &walk);
	if (result == 0 && (thing.thing == THING_ITEM || thing.thing == THING_PARTITION))
		result = at_place(&walk, thing.place, &difference);
	if (result == 0 && thing.thing == THING_ITEM)
		result = difffile_node(mount, txn, view, &difference, ret_node);
	else if (result == 0 && thing.thing == THING_SUMMARY)
		result = difffile_summary_node(view, ret_node);
	else if (result == 0)
		result = node_of_directory(view, ret_node);
	difference_end(&walk);
	return result;
}

static int read_item(struct mount *mount, struct store_txn *txn, const struct view *view, uint64_t place,
	uint64_t offset, size_t size, struct buffer *out)
{
	struct difference_walk walk;
	struct difference difference;
	int result = begin(txn, view, 0, &walk);

	if (result == 0)
		result = difference_at(&walk, place, &difference);
	if (result == 0)
		result = difffile_read(mount, txn, view, &difference, offset, size, out);
	difference_end(&walk);
	return result;
}

static int read_file(struct mount *mount, struct store_txn *txn, struct view *view, uint64_t number, uint64_t offset,
	size_t size, struct buffer *out)
{
	struct thing thing;
	int result = thing_of(number, &thing);

	if (result < 0)
		return result;
	if (thing.thing == THING_SUMMARY)
		return difffile_summary_read(mount, txn, view, offset, size, out);
	if (thing.thing != THING_ITEM)
		return -EISDIR;
	if (offset > 0 && difffile_read_kept(mount, view, thing.place, offset, size, out) == 1)
		return buffer_error(out);
	return read_item(mount, txn, view, thing.place, offset, size, out);
}

const struct branch diffrange = { .find = find, .list = list, .node = node, .read = read_file };
