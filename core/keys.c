/* Two streams are merged, both in the order of node numbers: in one directory these ascend with its slots, and in those of a partition's
 * later lives they are greater than in its earlier ones. */
#include "keys.h"

#include <errno.h>

/* The directory's first slot whose node has a number above `place`, when nothing is known of the node that had it. */
static int halve(struct store_txn *txn, uint32_t table, uint64_t directory, uint64_t place, uint64_t *ret_slot)
{
	struct roster_head head;
	struct roster_walk walk;
	uint64_t low = 0, number, slot;
	int r = roster_head(txn, table, directory, &head);
	uint64_t high = r ? 0 : head.slots;
	while (!r && low < high) {
		uint64_t middle = low + (high - low) / 2;
		r = roster_walk_begin(&walk, txn, table, directory, SEQ_MAX, middle);
		int more = r ? r : roster_walk_next(&walk, &number, &slot);
		if (more == 1 && number <= place)
			low = slot + 1;
		else
			high = middle;
		r = more < 0 ? more : 0;
	}
	*ret_slot = low;
	return r;
}

static int slot_after(struct store_txn *txn, uint32_t table, uint64_t directory, uint64_t place, uint64_t *ret_slot)
{
	struct node node;
	*ret_slot = 0;
	int r = place ? node_read(txn, table, place, SEQ_MAX, &node, NULL) : -ENOENT;
	if (!r && node.directory == directory)
		*ret_slot = node.slot + 1;
	if (!r || !place)
		return 0;
	return r == -ENOENT || r == -EIO ? halve(txn, table, directory, place, ret_slot) : r;
}

/* Where what lives of the keys stands. */
static int find_directory(struct keys_walk *walk, struct store_txn *txn, const struct table *table,
	const struct reach *reach, struct slice partition, uint64_t *ret_directory)
{
	struct node node;
	walk->has_alive = true;
	*ret_directory = 0;
	if (!partition.size)
		return 0;
	int r = keys_find(txn, table, reach, partition, &node);
	if (!r && node.kind != NODE_PARTITION)
		r = -ENOENT;
	walk->has_alive = !r && !node.version.is_removal;
	*ret_directory = r ? 0 : node.number;
	return r;
}

int keys_begin(struct keys_walk *walk, struct store_txn *txn, const struct table *table, const struct reach *reach,
	struct slice partition, uint64_t place)
{
	struct snapshot live = snapshot_live(table->number);
	uint64_t directory, slot = 0;
	*walk = (struct keys_walk){ .place = place, .alive_state = -1, .gone_state = -1 };
	int r = find_directory(walk, txn, table, reach, partition, &directory);
	if (!r && walk->has_alive)
		r = slot_after(txn, table->number, directory, place, &slot);
	if (!r && walk->has_alive)
		r = snapshot_walk_begin(&walk->alive, txn, &live, directory, slot);
	return r ? r : gone_walk_begin(&walk->gone, txn, table, reach, partition, place);
}

static int read_alive(struct keys_walk *walk)
{
	int r = walk->has_alive ? snapshot_walk_next(&walk->alive, &walk->next_alive) : 0;
	walk->alive_state = r == 1;
	return r < 0 ? r : 0;
}

/* A partition that lives is not gone, whatever is gone from it. */
static int read_gone(struct keys_walk *walk)
{
	struct store_txn *txn = walk->gone.txn;
	int r;
	walk->gone_state = 0;
	while (!walk->gone_state && (r = gone_walk_next(&walk->gone, &walk->next_gone)) == 1) {
		struct slice encoded_key = walk->next_gone.encoded_key;
		r = node_find(txn, walk->gone.table->number, encoded_key, SEQ_MAX, &walk->gone_node, NULL);
		if (r && r != -ENOENT && r != -EIO)
			return r;
		walk->gone_state = !r && walk->gone_node.version.is_removal;
	}
	return walk->gone_state ? 0 : r;
}

int keys_next(struct keys_walk *walk, struct node *ret_node)
{
	int r = walk->alive_state < 0 ? read_alive(walk) : 0;
	if (!r && walk->gone_state < 0)
		r = read_gone(walk);
	if (r)
		return r;
	if (!walk->alive_state && !walk->gone_state)
		return 0;
	if (walk->alive_state && (!walk->gone_state || walk->next_alive.number < walk->next_gone.number)) {
		*ret_node = walk->next_alive;
		walk->place = walk->next_alive.number;
		walk->alive_state = -1;
	} else {
		*ret_node = walk->gone_node;
		walk->place = walk->next_gone.number;
		walk->gone_state = -1;
	}
	return 1;
}

void keys_end(struct keys_walk *walk)
{
	if (walk->has_alive)
		snapshot_walk_end(&walk->alive);
	gone_walk_end(&walk->gone);
}

int keys_find(struct store_txn *txn, const struct table *table, const struct reach *reach, struct slice encoded_key,
	struct node *ret_node)
{
	struct gone gone;
	int r = node_find(txn, table->number, encoded_key, SEQ_MAX, ret_node, NULL);
	if (r || !ret_node->version.is_removal)
		return r;
	return gone_find(txn, table, reach, encoded_key, &gone);
}

/* The change that began a partition's life. */
static int birth_of(struct store_txn *txn, uint32_t table, const struct node *life, uint64_t *ret_seq)
{
	struct node node = *life;
	int r = life->version.is_removal ? node_read(txn, table, life->number, life->version.seq - 1, &node, NULL) : 0;
	*ret_seq = r ? 0 : node.version.seq;
	return r;
}

/* A partition's lives are directories of their own, each of which knows its cut names. */
static int find_cut_name(struct store_txn *txn, const struct table *table, struct slice partition,
	const uint8_t hash[NAME_HASH_BYTES], struct buffer *out)
{
	struct node life;
	uint64_t seq = SEQ_MAX;
	int r;
	while (!(r = node_find(txn, table->number, partition, seq, &life, NULL))) {
		r = snapshot_long_name(txn, table->number, life.number, partition, hash, out);
		if (r != -ENOENT)
			return r;
		r = birth_of(txn, table->number, &life, &seq);
		if (r || !seq)
			return r ? r : -ENOENT;
		seq--;
	}
	return r;
}

int keys_of_name(
	struct store_txn *txn, const struct table *table, struct slice partition, struct slice name, struct buffer *out)
{
	uint8_t hash[NAME_HASH_BYTES];
	size_t before = out->size;
	int r = snapshot_key_of_name(txn, table, partition, name, out, NULL);
	if (r == -ENOENT && partition.size && name_is_cut(name, ".json", hash))
		r = find_cut_name(txn, table, partition, hash, out);
	if (!r && out->size == before)
		r = -ENOENT;
	return r == -EINVAL ? -ENOENT : r;
}
