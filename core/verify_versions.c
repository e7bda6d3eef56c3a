/* The versions of a table, pack by pack, newest first within a node; and that each node is where index and rosters lead. */
#include <errno.h>

#include "hash.h"
#include "item.h"
#include "item_json.h"
#include "key.h"
#include "name.h"
#include "roster.h"
#include "verify_parts.h"
#include "verify_record.h"

/* A node, as its packs have told so far. */
struct life {
	bool is_begun, is_newest_known, is_oldest_known;
	uint64_t number, directory, slot;
	enum node_kind kind;
	struct version newest;
	uint64_t oldest_seq;  /* of a version that is left */
	uint64_t oldest_pack; /* what the last pack's key says */
	struct buffer encoded_key;
};

struct scan {
	struct verify_table *table;
	struct verify *verify;
	struct life life;
	struct buffer item;
};

static struct verify_about about(const struct scan *scan, const char *part, uint64_t seq)
{
	return (struct verify_about){ scan->table, part, seq, scan->life.number,
		buffer_slice(&scan->life.encoded_key) };
}

/* --- one node --- */

/* The roster lists it as long as it lived. 1, 0 or negative. */
static int is_listed(struct scan *scan, uint64_t seq)
{
	const struct life *life = &scan->life;
	struct roster_walk walk;
	uint64_t number = 0, slot = 0;
	int r = roster_walk_begin(
		&walk, scan->verify->txn, scan->table->table.number, life->directory, seq, life->slot);
	if (!r)
		r = roster_walk_next(&walk, &number, &slot);
	return r == 1 ? number == life->number && slot == life->slot : r;
}

static int check_slot(struct scan *scan)
{
	const struct version *newest = &scan->life.newest;
	int alive = is_listed(scan, newest->is_removal ? newest->seq - 1 : SEQ_MAX);
	int dead = newest->is_removal && alive == 1 ? is_listed(scan, newest->seq) : 0;
	if (alive == 1 && !dead)
		return 0;
	if ((alive < 0 && !verify_is_damage(alive)) || (dead < 0 && !verify_is_damage(dead)))
		return alive < 0 ? alive : dead;
	return verify_tell(scan->verify, about(scan, "roster", newest->seq),
		alive < 0 || dead < 0 ? "the roster's record of where it stands cannot be read: listings of its "
					"directory miss it or end early"
		: alive               ? "the roster lists it although change %llu ended it: listings show what is gone"
			: "the roster does not list it as long as it lived (last change %llu): listings miss it",
		(unsigned long long)newest->seq);
}

static int check_found(struct scan *scan)
{
	struct node found;
	int r = node_find(scan->verify->txn, scan->table->table.number, buffer_slice(&scan->life.encoded_key),
		scan->life.oldest_seq, &found, NULL);
	if (!r && found.number == scan->life.number)
		return 0;
	if (r && !verify_is_damage(r))
		return r;
	return verify_tell(scan->verify, about(scan, "index", scan->life.oldest_seq),
		"the index does not lead to it from its key: it is listed, but cannot be opened by its name");
}

/* Names too long for a file are found by their hash. */
static int check_long_name(struct scan *scan)
{
	struct slice encoded_key = buffer_slice(&scan->life.encoded_key), value;
	struct buffer storage = BUFFER_INIT;
	struct key key;
	char name[FILE_NAME_MAX + 1];
	uint8_t hash[NAME_HASH_BYTES];
	bool is_cut = false;
	if (encoded_key.size * 3 + sizeof(".json") <= FILE_NAME_MAX)
		return 0;
	int r = key_decode(encoded_key, &storage, &key);
	if (!r) {
		const struct value *part = key.has_sort ? &key.sort : &key.partition;
		name_of_value(part, scan->life.kind == NODE_ITEM ? ".json" : "", name, &is_cut);
		name_hash_of_value(part, hash);
	}
	buffer_free(&storage);
	if (!r && is_cut) {
		struct layout_key long_name = layout_long_name(scan->table->table.number, scan->life.directory, hash);
		r = store_get(scan->verify->txn, STORE_INDEX, layout_slice(&long_name), &value);
		r = r ? r : slice_equal(value, encoded_key) ? 0 : -EIO;
	}
	if (!r)
		return 0;
	if (!verify_is_damage(r))
		return r;
	return verify_tell(scan->verify, about(scan, "index", 0),
		"the index does not lead to it from its cut file name: it is listed, but cannot be opened by that "
		"name");
}

/* What is gone is listed (gone.h), for as long as its end can be told. */
static int check_gone(struct scan *scan)
{
	const struct life *life = &scan->life;
	struct slice encoded_key = buffer_slice(&life->encoded_key), value;
	uint32_t table = scan->table->table.number;
	struct node last;
	uint8_t hash[16];
	if (life->kind != NODE_ITEM || !life->newest.is_removal || life->newest.seq <= scan->table->first)
		return 0;
	int r = node_find(scan->verify->txn, table, encoded_key, SEQ_MAX, &last, NULL);
	if (r || last.number != life->number)
		return r && !verify_is_damage(r) ? r : 0;
	hash_strong(key_encoded_partition(encoded_key), hash);
	struct layout_key gone =
		life->directory ? layout_gone_in(table, hash, life->number) : layout_gone(table, life->number);
	r = store_get(scan->verify->txn, STORE_INDEX, layout_slice(&gone), &value);
	if (!r || !verify_is_damage(r))
		return r;
	return verify_tell(scan->verify, about(scan, "index", life->newest.seq),
		"it was removed by change %llu, but is not noted as gone: deleted/ misses it",
		(unsigned long long)life->newest.seq);
}

static bool is_inherited(struct scan *scan)
{
	const struct verify_table *table = scan->table;
	struct node node;
	return table->has_lineage && node_read(scan->verify->txn, table->lineage.parent, scan->life.number,
					     table->lineage.base, &node, NULL) == 0;
}

/* All its packs have been seen. */
static int end_life(struct scan *scan)
{
	struct life *life = &scan->life;
	int r = 0;
	if (!life->is_begun)
		return 0;
	bool is_own = !is_inherited(scan);
	scan->table->nodes += is_own;
	if (life->is_newest_known && !scan->table->is_ended)
		r = check_slot(scan);
	if (!r && life->is_newest_known && !scan->table->is_ended)
		r = check_gone(scan);
	if (!r && life->is_oldest_known)
		r = check_found(scan);
	if (!r && life->is_oldest_known && is_own)
		r = check_long_name(scan);
	life->is_begun = false;
	return r;
}

/* --- one pack --- */

static bool has_right_sizes(struct scan *scan, const struct version *version)
{
	struct slice item = buffer_slice(&scan->item);
	return item.size == version->item_bytes && !item_check(item) &&
	       item_json_size(item, ITEM_PLAIN, NULL) == version->plain_size &&
	       item_json_size(item, ITEM_DYNAMODB, NULL) == version->dynamodb_size;
}

/* Versions that a change after the first state made are looked at with the change (verify_log.c). */
static int check_version(struct scan *scan, struct slice pack, unsigned place, const struct version *version)
{
	struct verify_version record;
	int r = 0;
	scan->verify->counts.versions++;
	if (!version->is_removal) {
		r = pack_content(pack, place, &scan->item);
		if (r && !verify_is_damage(r))
			return r;
		if (r || !has_right_sizes(scan, version))
			r = verify_tell(scan->verify, about(scan, "versions", version->seq),
				r ? "the version of change %llu cannot be unpacked: the item cannot be read as of then"
				  : "the version of change %llu has another size than is told: reading it ends early "
				    "or late",
				(unsigned long long)version->seq);
	}
	if (r || version->seq <= scan->table->first)
		return r;
	verify_version_write(&record, version->seq, scan->life.number, version->time_us, version->is_removal);
	return sorter_add(scan->table->versions, &record);
}

static int check_versions(
	struct scan *scan, struct slice pack, const struct pack_header *header, const struct version *versions)
{
	int r = 0;
	for (unsigned place = 0; place < header->count && !r && header->kind == NODE_ITEM; place++)
		r = check_version(scan, pack, place, &versions[place]);
	return r;
}

/* What the pack's key and its neighbours say of it. NULL: nothing is wrong. */
static const char *fault_of_pack(
	const struct scan *scan, const struct pack_header *header, const struct version *versions, uint64_t oldest)
{
	const struct verify_table *table = scan->table;
	uint64_t last = versions[header->count - 1].seq;
	if (scan->life.number >= table->counters.next_number)
		return "has a number that was never given";
	/* The oldest can have been forgotten, and left its name. */
	if (last != oldest && (last < oldest || oldest >= table->first))
		return "stands under another change than its oldest";
	if (table->has_lineage && oldest <= table->lineage.base)
		return "is older than the state the table was restored from";
	if (scan->life.is_begun &&
		(versions[0].seq >= scan->life.oldest_pack || versions[0].seq >= scan->life.oldest_seq))
		return "overlaps the next newer versions of its node";
	for (unsigned i = 1; i < header->count; i++)
		if (versions[i].seq >= versions[i - 1].seq || versions[i].time_us > versions[i - 1].time_us)
			return "has its versions in a wrong order";
	if (versions[0].seq > table->counters.seq)
		return "tells of a change that has not been made yet";
	return NULL;
}

static int begin_life(struct scan *scan, uint64_t number)
{
	int r = end_life(scan);
	buffer_clear(&scan->life.encoded_key);
	scan->life = (struct life){ .number = number,
		.is_newest_known = true,
		.oldest_pack = UINT64_MAX,
		.oldest_seq = UINT64_MAX,
		.encoded_key = scan->life.encoded_key };
	return r;
}

static int tell_damaged(struct scan *scan, const struct verify_walk *walk, uint64_t oldest)
{
	struct pack_header header;
	struct slice encoded_key = buffer_slice(&scan->life.encoded_key);
	if (!pack_read(walk->value, &header))
		encoded_key = header.encoded_key;
	scan->table->damaged++;
	scan->life.is_oldest_known = false;
	if (!scan->life.is_begun)
		scan->life.is_newest_known = false;
	return verify_tell(scan->verify,
		(struct verify_about){ scan->table, "versions", oldest, scan->life.number, encoded_key },
		"a record of versions of node %llu from change %llu on is damaged: what it was then cannot be read",
		(unsigned long long)scan->life.number, (unsigned long long)oldest);
}

static int check_pack(struct scan *scan, const struct verify_walk *walk)
{
	uint64_t number = verify_key_number(walk->key, 4, 6), oldest = SEQ_MAX - verify_key_number(walk->key, 10, 6);
	struct pack_header header;
	struct version versions[PACK_VERSIONS_MAX];
	struct life *life = &scan->life;
	int r = number == life->number && life->number ? 0 : begin_life(scan, number);
	if (r)
		return r;
	if (walk->is_damaged || walk->key.size != 16 || pack_versions(walk->value, &header, versions) || !header.count)
		return tell_damaged(scan, walk, oldest);
	const char *fault = fault_of_pack(scan, &header, versions, oldest);
	if (!life->is_begun) {
		buffer_append_slice(&life->encoded_key, header.encoded_key);
		life->newest = versions[0];
		life->kind = header.kind;
		life->directory = header.directory;
		life->slot = header.slot;
		life->is_begun = true;
	}
	life->is_oldest_known = true;
	life->oldest_pack = oldest;
	life->oldest_seq = versions[header.count - 1].seq;
	if (fault)
		r = verify_tell(scan->verify, about(scan, "versions", life->oldest_seq),
			"a record of versions of node %llu (changes %llu to %llu) %s: its past may be shown wrong",
			(unsigned long long)number, (unsigned long long)life->oldest_seq,
			(unsigned long long)versions[0].seq, fault);
	return r ? r : check_versions(scan, walk->value, &header, versions);
}

int verify_versions(struct verify_table *table)
{
	struct scan scan = { .table = table, .verify = table->verify };
	struct verify_walk walk;
	int r = verify_walk_begin(&walk, table->verify, STORE_VERSIONS, layout_log_prefix(table->table.number));
	while (!r && (r = verify_walk_next(&walk)) == 1)
		r = check_pack(&scan, &walk);
	verify_walk_end(&walk);
	if (r == -EIO)
		r = verify_tell(table->verify, about(&scan, "versions", 0),
			"versions after those of node %llu cannot be read on: a page of the store is damaged",
			(unsigned long long)scan.life.number);
	if (!r)
		r = end_life(&scan);
	buffer_free(&scan.life.encoded_key);
	buffer_free(&scan.item);
	return r;
}
