/* Retention against a plain model: random histories of several tables, restored ones among them, with pins that come,
 * expire and go, settings that change, tables that are deleted, and a clock that moves, while steps run in between.
 *
 * After everything: a state that can be read is exactly what it was, and a state that is needed can be read. When the steps
 * have ended: what is stored is what the model says is needed, record for record, and as much was forgotten as was foretold. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/hash.h"
#include "core/layout.h"
#include "core/log.h"
#include "core/node.h"
#include "core/pack.h"
#include "core/pin.h"
#include "core/retention.h"
#include "core/retention_state.h"
#include "core/roster.h"
#include "tests/support/consistency.h"
#include "tests/support/fixture.h"

#define START (INT64_C(1740832200) * SECOND_US)
#define KEYS 24u
#define PARTITION_KEYS 6u
#define NEVER UINT64_MAX
#define TABLES_ALIVE_MAX 6

struct change {
	uint64_t seq;
	int64_t time_us;
	unsigned key;
	uint64_t content; /* 0: removed */
};

struct known_pin {
	uint64_t number, seq;
	bool is_range;
	int64_t expires_us;
	struct known_table *child;
};

struct known_table {
	struct table table;
	bool has_sort, is_alive, is_purged;
	struct known_table *parent;
	uint64_t base;          /* changes up to it are inherited */
	uint64_t floor;         /* the store's; below it states may have been forgotten already */
	uint64_t highest;       /* that it may have come to by now */
	struct change *changes; /* inherited ones too */
	size_t count, room;
	struct known_pin *pins;
	size_t pin_count, pin_room;
};

static struct {
	uint64_t seed, random, operation, operations, checks, stale, settled;
	struct fixture fixture;
	int64_t clock_us;
	struct known_table **tables;
	size_t count, room;
	unsigned names;
	uint64_t contents, last_pin;
} run;

static void fail(const struct known_table *table, const char *what, uint64_t a, uint64_t b)
{
	printf("operation %llu of seed %llu: table %s (%u): %s: %llu, %llu\nagain: --seed %llu --operations %llu\n"
	       "0 passed, 1 failed\n",
		(unsigned long long)run.operation, (unsigned long long)run.seed, table ? table->table.name : "-",
		table ? table->table.number : 0, what, (unsigned long long)a, (unsigned long long)b,
		(unsigned long long)run.seed, (unsigned long long)run.operation + 1);
	exit(1);
}

static void expect(const struct known_table *table, const char *what, int64_t got, int64_t wanted)
{
	run.checks++;
	if (got != wanted)
		fail(table, what, (uint64_t)got, (uint64_t)wanted);
}

static uint64_t below(uint64_t bound)
{
	return fixture_random_below(&run.random, bound);
}

static void *grow(void *items, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return items;
	*room = *room ? 2 * *room : 16;
	items = realloc(items, *room * size);
	if (!items)
		abort();
	return items;
}

static int64_t now_us(void)
{
	struct store_txn *txn = fixture_read(&run.fixture);
	int64_t now = history_now(run.fixture.history, txn);
	store_abort(txn);
	return now;
}

/* --- items --- */

/* Key 5 of every partition has a name that is cut. */
static void append_name(struct buffer *out, const char *prefix, unsigned key)
{
	buffer_append_format(out, "%s%u", prefix, key);
	for (unsigned i = 0; key % PARTITION_KEYS == 5 && i < 300; i++)
		buffer_append_byte(out, 'x');
}

static void append_key(const struct known_table *table, unsigned key, struct buffer *out)
{
	buffer_append_text(out, "{'id':'");
	if (table->has_sort)
		buffer_append_format(out, "p%u','sort':'", key / PARTITION_KEYS);
	append_name(out, "k", key);
	buffer_append_byte(out, '\'');
}

static void make_item(const struct known_table *table, unsigned key, uint64_t content, struct buffer *out)
{
	struct buffer text = BUFFER_INIT;
	append_key(table, key, &text);
	buffer_append_format(&text, ",'v':%llu,'pad':'", (unsigned long long)content);
	uint64_t length = content % 97 == 0 ? 5000 : content % 7 * 40;
	for (uint64_t i = 0; i < length; i++)
		buffer_append_byte(&text, (uint8_t)('a' + (i * 7 + content / (1 + i % 5)) % 26));
	buffer_append_text(&text, "'}");
	fixture_item(buffer_text(&text), out);
	buffer_free(&text);
}

static void make_key(const struct known_table *table, unsigned key, struct buffer *out)
{
	struct buffer text = BUFFER_INIT;
	append_key(table, key, &text);
	buffer_append_byte(&text, '}');
	fixture_key(&table->table, buffer_text(&text), out);
	buffer_free(&text);
}

/* --- what is needed --- */

static uint64_t last_seq(const struct known_table *table)
{
	return table->count ? table->changes[table->count - 1].seq : table->base;
}

static uint64_t seq_at(const struct known_table *table, int64_t time_us)
{
	uint64_t seq = table->base;
	for (size_t i = 0; i < table->count; i++)
		if (table->changes[i].seq > table->base && table->changes[i].time_us <= time_us)
			seq = table->changes[i].seq;
	return seq;
}

static bool is_needed_at_all(const struct known_table *table, int64_t now);

static bool holds(const struct known_pin *pin, int64_t now)
{
	if (pin->child)
		return is_needed_at_all(pin->child, now);
	return !pin->expires_us || pin->expires_us > now;
}

static bool is_needed_at_all(const struct known_table *table, int64_t now)
{
	bool is_needed = table->is_alive;
	for (size_t i = 0; i < table->pin_count && !is_needed; i++)
		is_needed = holds(&table->pins[i], now);
	return is_needed;
}

static uint64_t floor_of(const struct known_table *table, int64_t now)
{
	uint64_t floor = NEVER;
	if (table->is_alive)
		floor = table->table.is_pitr_on ? seq_at(table, table_window_begin(&table->table, now))
						: last_seq(table);
	for (size_t i = 0; i < table->pin_count; i++)
		if (table->pins[i].is_range && table->pins[i].seq < floor && holds(&table->pins[i], now))
			floor = table->pins[i].seq;
	return floor < table->floor ? table->floor : floor;
}

static bool is_needed(const struct known_table *table, int64_t now, uint64_t first, uint64_t end)
{
	if (end > floor_of(table, now))
		return true;
	for (size_t i = 0; i < table->pin_count; i++) {
		const struct known_pin *pin = &table->pins[i];
		if (pin->seq >= first && pin->seq < end && holds(pin, now))
			return true;
	}
	return false;
}

/* --- states, compared --- */

static void contents_at(const struct known_table *table, uint64_t seq, uint64_t contents[KEYS])
{
	memset(contents, 0, KEYS * sizeof(*contents));
	for (size_t i = 0; i < table->count && table->changes[i].seq <= seq; i++)
		contents[table->changes[i].key] = table->changes[i].content;
}

static void compare_content(const struct known_table *table, struct store_txn *txn, const struct snapshot *snapshot,
	const struct node *node, unsigned key, uint64_t content)
{
	struct buffer got = BUFFER_INIT, wanted = BUFFER_INIT;
	make_item(table, key, content, &wanted);
	expect(table, "reading a content", snapshot_content(txn, snapshot, node->number, &got), 0);
	if (!slice_equal(buffer_slice(&got), buffer_slice(&wanted)))
		fail(table, "another content; state, key", snapshot->seq, key);
	buffer_free(&got);
	buffer_free(&wanted);
}

static unsigned count_listed(const struct known_table *table, struct store_txn *txn, const struct snapshot *snapshot,
	uint64_t directory, unsigned *partitions)
{
	struct snapshot_walk walk;
	struct node node;
	unsigned listed = 0;
	int r;
	expect(table, "a listing", snapshot_walk_begin(&walk, txn, snapshot, directory, 0), 0);
	while ((r = snapshot_walk_next(&walk, &node)) == 1) {
		*partitions += node.kind == NODE_PARTITION;
		listed += node.kind == NODE_PARTITION ? count_listed(table, txn, snapshot, node.number, partitions) : 1;
	}
	snapshot_walk_end(&walk);
	expect(table, "the end of a listing", r, 0);
	return listed;
}

static void compare_state(const struct known_table *table, struct store_txn *txn, uint64_t seq)
{
	struct snapshot snapshot = { .table = table->table.number, .seq = seq };
	uint64_t contents[KEYS];
	unsigned items = 0, parts = 0, partitions = 0;
	bool is_listed[KEYS] = { 0 };
	contents_at(table, seq == SEQ_MAX ? NEVER : seq, contents);
	for (unsigned key = 0; key < KEYS; key++) {
		struct buffer encoded = BUFFER_INIT;
		struct node node;
		make_key(table, key, &encoded);
		int r = snapshot_find(txn, &snapshot, buffer_slice(&encoded), &node);
		buffer_free(&encoded);
		if (r != (contents[key] ? 0 : -ENOENT))
			fail(table, "finding a key; state, key", seq, key);
		if (!contents[key])
			continue;
		compare_content(table, txn, &snapshot, &node, key, contents[key]);
		items++;
		parts += table->has_sort && !is_listed[key / PARTITION_KEYS];
		is_listed[key / PARTITION_KEYS] = true;
	}
	expect(table, "items listed", count_listed(table, txn, &snapshot, 0, &partitions), items);
	expect(table, "partitions listed", partitions, parts);
}

static void check_state(const struct known_table *table, uint64_t seq)
{
	int64_t now = now_us();
	struct store_txn *txn = fixture_read(&run.fixture);
	int r = retention_check(txn, table->table.number, seq);
	bool must_be_there = is_needed(table, now, seq, seq + 1);
	if (r && (r != -ESTALE || must_be_there))
		fail(table, "a state can't be read; state, result", seq, (uint64_t)(int64_t)r);
	if (!r)
		compare_state(table, txn, seq);
	else
		run.stale++;
	store_abort(txn);
}

static void check_table(const struct known_table *table)
{
	check_state(table, table->base + below(last_seq(table) - table->base + 1));
	uint64_t floor = floor_of(table, now_us());
	if (floor <= last_seq(table))
		check_state(table, floor);
	if (table->pin_count)
		check_state(table, table->pins[below(table->pin_count)].seq);
	if (!table->is_alive)
		return;
	struct store_txn *txn = fixture_read(&run.fixture);
	compare_state(table, txn, SEQ_MAX);
	store_abort(txn);
}

/* --- what is stored, counted --- */

struct stored {
	uint64_t versions, lives;
};

/* One life: its versions begin at `seqs`, the last `removed` (0: never). */
static void want_life(const struct known_table *table, int64_t now, const uint64_t *seqs, size_t count,
	uint64_t removed, struct stored *wanted)
{
	bool is_inherited = table->parent && seqs[0] <= table->base;
	uint64_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		uint64_t end = i + 1 < count ? seqs[i + 1] : removed ? removed : NEVER;
		bool is_own = !table->parent || seqs[i] > table->base;
		kept += is_own && is_needed(table, now, seqs[i], end);
	}
	wanted->versions += kept;
	wanted->lives += !is_inherited && kept;
	if (removed > table->base)
		wanted->versions += kept || (is_inherited && is_needed(table, now, removed, NEVER));
}

static void want_key(const struct known_table *table, int64_t now, unsigned key, struct stored *wanted)
{
	uint64_t *seqs = calloc(table->count + 1, sizeof(*seqs));
	size_t count = 0;
	for (size_t i = 0; i < table->count; i++) {
		const struct change *change = &table->changes[i];
		if (change->key != key)
			continue;
		if (change->content)
			seqs[count++] = change->seq;
		else {
			want_life(table, now, seqs, count, change->seq, wanted);
			count = 0;
		}
	}
	if (count)
		want_life(table, now, seqs, count, 0, wanted);
	free(seqs);
}

static void want_partition(const struct known_table *table, int64_t now, unsigned partition, struct stored *wanted)
{
	bool is_there[PARTITION_KEYS] = { 0 };
	unsigned alive = 0;
	uint64_t birth = 0;
	for (size_t i = 0; i < table->count; i++) {
		const struct change *change = &table->changes[i];
		if (change->key / PARTITION_KEYS != partition)
			continue;
		unsigned before = alive;
		alive += change->content != 0;
		alive -= is_there[change->key % PARTITION_KEYS];
		is_there[change->key % PARTITION_KEYS] = change->content;
		if (!before)
			birth = change->seq;
		if (!alive)
			want_life(table, now, &birth, 1, change->seq, wanted);
	}
	if (alive)
		want_life(table, now, &birth, 1, 0, wanted);
}

static bool is_of_table(struct slice key, uint32_t table)
{
	struct layout_key prefix = layout_log_prefix(table);
	return key.size > prefix.size && memcmp(key.data, prefix.bytes, prefix.size) == 0;
}

typedef void record_fn(const struct known_table *table, struct store_txn *txn, struct slice key, struct slice value,
	struct stored *stored);

static uint64_t count_records(const struct known_table *table, struct store_txn *txn, enum store_space space,
	record_fn *record, struct stored *stored)
{
	struct layout_key prefix = layout_log_prefix(table->table.number);
	struct store_cursor *cursor;
	struct slice key, value;
	uint64_t records = 0;
	expect(table, "a cursor", store_cursor_open(txn, space, &cursor), 0);
	int r = store_cursor_seek(cursor, layout_slice(&prefix), &key, &value);
	for (; !r && is_of_table(key, table->table.number); r = store_cursor_next(cursor, &key, &value)) {
		records++;
		if (record)
			record(table, txn, key, value, stored);
	}
	store_cursor_close(cursor);
	return records;
}

static void count_pack(const struct known_table *table, struct store_txn *txn, struct slice key, struct slice value,
	struct stored *stored)
{
	struct pack_header header;
	(void)txn;
	(void)key;
	expect(table, "reading a pack", pack_read(value, &header), 0);
	stored->versions += header.count;
}

static void count_index(const struct known_table *table, struct store_txn *txn, struct slice key, struct slice value,
	struct stored *stored)
{
	(void)table;
	(void)txn;
	(void)value;
	stored->lives += key.data[4] == 'k';
}

/* No full block whose nodes all died and are gone. */
static void check_block(const struct known_table *table, struct store_txn *txn, struct slice key, struct slice value,
	struct stored *stored)
{
	(void)stored;
	struct reader reader = reader_of(value);
	if (key.data[10] != 0x80) /* the level */
		return;
	uint64_t first = reader_varint(&reader);
	if (reader_byte(&reader) < ROSTER_BLOCK || !reader_left(&reader))
		return;
	for (unsigned i = 0; i < ROSTER_BLOCK; i++) {
		struct slice death = reader_bytes(&reader, 6);
		if (!memcmp(death.data, "\0\0\0\0\0", 6))
			return;
	}
	struct layout_key from = layout_version_prefix(table->table.number, first);
	struct layout_key end = layout_version_prefix(table->table.number, first + ROSTER_BLOCK);
	struct slice found, unused;
	int r = store_seek(txn, STORE_VERSIONS, layout_slice(&from), &found, &unused);
	if (r || slice_compare(found, layout_slice(&end)) >= 0)
		fail(table, "a block of a roster is left of nodes that are gone; first", first, 0);
}

static void check_stored(const struct known_table *table, int64_t now)
{
	struct store_txn *txn = fixture_read(&run.fixture);
	struct stored stored = { 0 }, wanted = { 0 };
	struct layout_key key;
	size_t bytes;
	uint64_t records = count_records(table, txn, STORE_VERSIONS, count_pack, &stored) +
			   count_records(table, txn, STORE_INDEX, count_index, &stored) +
			   count_records(table, txn, STORE_ROSTER, check_block, &stored);
	if (table->is_purged) {
		records += count_records(table, txn, STORE_LOG, NULL, NULL);
		expect(table, "records of a table that is gone", (int64_t)records, 0);
	}
	for (unsigned k = 0; k < KEYS && !table->is_purged; k++)
		want_key(table, now, k, &wanted);
	for (unsigned p = 0; p < KEYS / PARTITION_KEYS && !table->is_purged && table->has_sort; p++)
		want_partition(table, now, p, &wanted);
	expect(table, "versions stored", (int64_t)stored.versions, (int64_t)wanted.versions);
	expect(table, "lives stored", (int64_t)stored.lives, (int64_t)wanted.lives);
	expect(table, "a log block that nothing needs",
		log_unneeded(txn, table->table.number, 0, floor_of(table, now), &key, &bytes), -ENOENT);
	store_abort(txn);
}

/* --- operations --- */

/* Before something may be forgotten. */
static void note_floors(void)
{
	int64_t now = now_us();
	for (size_t i = 0; i < run.count; i++) {
		uint64_t floor = floor_of(run.tables[i], now);
		if (floor > run.tables[i]->highest)
			run.tables[i]->highest = floor;
	}
}

/* After it: the store's floors may have followed, no further. */
static void read_floors(void)
{
	struct store_txn *txn = fixture_read(&run.fixture);
	for (size_t i = 0; i < run.count; i++) {
		struct known_table *table = run.tables[i];
		struct retention_table state;
		expect(table, "a floor", retention_table_read(txn, table->table.number, &state), 0);
		if (state.floor > table->highest)
			fail(table, "the floor is too high; it, and what it may be", state.floor, table->highest);
		if (state.floor > table->floor)
			table->floor = state.floor;
	}
	store_abort(txn);
}

static struct known_table *add_table(const struct table *table, bool has_sort)
{
	struct known_table *known = calloc(1, sizeof(*known));
	if (!known)
		abort();
	known->table = *table;
	known->has_sort = has_sort;
	known->is_alive = true;
	run.tables = grow(run.tables, run.count, &run.room, sizeof(*run.tables));
	run.tables[run.count++] = known;
	return known;
}

static struct known_table *any_table(bool is_live)
{
	struct known_table *found = NULL;
	uint64_t seen = 0;
	for (size_t i = 0; i < run.count; i++)
		if ((run.tables[i]->is_alive || !is_live) && !run.tables[i]->is_purged && below(++seen) == 0)
			found = run.tables[i];
	return found;
}

static size_t count_alive(void)
{
	size_t alive = 0;
	for (size_t i = 0; i < run.count; i++)
		alive += run.tables[i]->is_alive;
	return alive;
}

static void reload(struct known_table *known)
{
	struct store_txn *txn = fixture_read(&run.fixture);
	table_free(&known->table);
	expect(known, "loading a table", table_load(txn, known->table.number, TIME_NOW, &known->table), 0);
	store_abort(txn);
}

/* Pins made since the last look. */
static void load_pins(void)
{
	struct store_txn *txn = fixture_read(&run.fixture);
	struct pin_place place = { 0 };
	struct pin pin;
	uint64_t last = run.last_pin;
	while (pin_next(txn, UINT32_MAX, &place, &pin) == 1) {
		struct known_table *table = NULL, *child = NULL;
		for (size_t i = 0; i < run.count; i++) {
			table = run.tables[i]->table.number == pin.table ? run.tables[i] : table;
			child = pin.child && run.tables[i]->table.number == pin.child ? run.tables[i] : child;
		}
		if (pin.number <= run.last_pin || !table)
			continue;
		table->pins = grow(table->pins, table->pin_count, &table->pin_room, sizeof(*table->pins));
		table->pins[table->pin_count++] =
			(struct known_pin){ pin.number, pin.seq, pin.is_range, pin.expires_us, child };
		last = pin.number > last ? pin.number : last;
	}
	run.last_pin = last;
	store_abort(txn);
}

static void drop_pin(struct known_table *table, size_t at)
{
	table->pins[at] = table->pins[--table->pin_count];
}

static void create_table(void)
{
	static const char *const periods[] = { "", ",'RecoveryPeriodInDays':1", ",'RecoveryPeriodInDays':3",
		",'RecoveryPeriodInDays':'forever'" };
	struct buffer text = BUFFER_INIT;
	struct table table;
	bool has_sort = below(2), is_on = below(5);
	buffer_append_format(&text,
		"{'TableName':'table-%u','BillingMode':'PAY_PER_REQUEST','KeySchema':[{'AttributeName':'id',"
		"'KeyType':'HASH'}%s],'AttributeDefinitions':[{'AttributeName':'id','AttributeType':'S'}%s],"
		"'PointInTimeRecoverySpecification':{'PointInTimeRecoveryEnabled':%s%s}}",
		run.names++, has_sort ? ",{'AttributeName':'sort','KeyType':'RANGE'}" : "",
		has_sort ? ",{'AttributeName':'sort','AttributeType':'S'}" : "", is_on ? "true" : "false",
		is_on ? periods[below(4)] : "");
	fixture_create_text(&run.fixture, buffer_text(&text), &table);
	buffer_free(&text);
	add_table(&table, has_sort);
}

static void restore_table(void)
{
	struct known_table *source = any_table(below(4) != 0);
	char name[32];
	struct table table;
	if (!source || count_alive() >= TABLES_ALIVE_MAX)
		return;
	uint64_t seq = source->base + below(last_seq(source) - source->base + 1);
	struct store_txn *txn = fixture_read(&run.fixture);
	int whole = retention_check(txn, source->table.number, seq);
	store_abort(txn);
	if (whole)
		return;
	snprintf(name, sizeof(name), "table-%u", run.names++);
	fixture_restore(&run.fixture, &source->table, seq, name, &table);
	struct known_table *child = add_table(&table, source->has_sort);
	child->parent = source;
	child->base = child->floor = seq;
	for (size_t i = 0; i < source->count && source->changes[i].seq <= seq; i++) {
		child->changes = grow(child->changes, child->count, &child->room, sizeof(*child->changes));
		child->changes[child->count++] = source->changes[i];
	}
	load_pins();
}

static void change_table(struct batch *batch, struct known_table *table, unsigned span)
{
	unsigned key = (unsigned)below(span);
	struct change change = { .key = key, .content = below(5) < 2 ? 0 : ++run.contents };
	struct change_context context = { 0 };
	struct change_result result;
	struct buffer bytes = BUFFER_INIT;
	if (change.content) {
		make_item(table, key, change.content, &bytes);
		expect(table, "a put", batch_put(batch, &table->table, buffer_slice(&bytes), &context, &result, NULL),
			0);
	} else {
		make_key(table, key, &bytes);
		expect(table, "a removal",
			batch_remove(batch, &table->table, buffer_slice(&bytes), &context, &result, NULL), 0);
	}
	buffer_free(&bytes);
	if (!result.is_changed)
		return;
	change.seq = result.seq;
	change.time_us = result.time_us;
	expect(table, "a change's number", (int64_t)change.seq, (int64_t)last_seq(table) + 1);
	table->changes = grow(table->changes, table->count, &table->room, sizeof(*table->changes));
	table->changes[table->count++] = change;
}

static void change_tables(void)
{
	struct batch *batch = fixture_begin(&run.fixture);
	unsigned span = below(3) ? KEYS : 2;
	for (uint64_t i = below(12) + 1, burst = 0; i > 0; i--) {
		struct known_table *table = any_table(true);
		for (burst = table ? below(6) : 0; burst > 0; burst--)
			change_table(batch, table, span);
	}
	fixture_commit(batch);
	note_floors();
	read_floors();
}

static void set_recovery(void)
{
	struct known_table *table = any_table(true);
	struct change_context context = { 0 };
	static const int periods[] = { 0, 1, 2, 3 };
	if (!table)
		return;
	struct batch *batch = fixture_begin(&run.fixture);
	expect(table, "setting recovery",
		table_set_recovery(batch, &table->table, below(4) != 0, periods[below(4)], &context, NULL), 0);
	fixture_commit(batch);
	reload(table);
}

static void add_pin(void)
{
	struct known_table *table = any_table(below(4) != 0);
	if (!table)
		return;
	int64_t now = now_us();
	uint64_t floor = floor_of(table, now), last = last_seq(table);
	struct pin pin = { .kind = PIN_BACKUP,
		.table = table->table.number,
		.is_range = below(4) == 0 && floor <= last,
		.created_us = now,
		.expires_us = below(2) ? now + (int64_t)below(5) * DAY_US + 1 : 0 };
	uint64_t least = pin.is_range ? floor : table->base;
	pin.seq = least + below(last - least + 1);
	pin.time_us = table->table.exists_from_us;
	for (size_t i = 0; i < table->count; i++)
		if (table->changes[i].seq == pin.seq && pin.seq > table->base)
			pin.time_us = table->changes[i].time_us;
	struct batch *batch = fixture_begin(&run.fixture);
	struct snapshot state = { .table = table->table.number, .seq = pin.seq };
	if (!retention_check(batch_txn(batch), table->table.number, pin.seq)) {
		expect(table, "counting a pin's items",
			snapshot_statistics(batch_txn(batch), &state, &pin.items, &pin.bytes), 0);
		expect(table, "a pin", pin_add(batch_txn(batch), &pin), 0);
		batch_note(batch);
	}
	fixture_commit(batch);
	load_pins();
}

static void remove_pin(void)
{
	struct known_table *table = any_table(below(2));
	struct pin pin = { 0 };
	if (!table || !table->pin_count)
		return;
	size_t at = below(table->pin_count);
	if (table->pins[at].child)
		return;
	struct batch *batch = fixture_begin(&run.fixture);
	pin.table = table->table.number;
	pin.seq = table->pins[at].seq;
	pin.number = table->pins[at].number;
	int r = pin_remove(batch_txn(batch), &pin);
	if (r != -ENOENT || !table->pins[at].expires_us)
		expect(table, "removing a pin", r, 0);
	batch_note(batch);
	fixture_commit(batch);
	drop_pin(table, at);
}

static void drop_table(void)
{
	struct known_table *table = any_table(true);
	if (!table || count_alive() < 3)
		return;
	fixture_drop(&run.fixture, &table->table);
	table->is_alive = false;
	load_pins();
}

static void move_clock(void)
{
	static const int64_t ways[] = { 1000, SECOND_US, 600 * SECOND_US, 3600 * SECOND_US, DAY_US / 3, DAY_US };
	run.clock_us += (int64_t)below((uint64_t)ways[below(6)]);
	if (below(20) == 0)
		run.clock_us -= (int64_t)below((uint64_t)DAY_US);
	if (below(60) == 0)
		run.clock_us += 36 * DAY_US;
	clock_set(run.clock_us);
}

/* --- steps --- */

static void check_store(void)
{
	struct error error = { 0 };
	if (consistency_check(run.fixture.history, &error))
		fail(NULL, error.message, 0, 0);
}

static bool is_stored(const struct known_table *table, uint64_t number)
{
	struct store_txn *txn = fixture_read(&run.fixture);
	struct pin_place place = { 0 };
	struct pin pin = { 0 };
	int r;
	while ((r = pin_next(txn, table->table.number, &place, &pin)) == 1 && pin.number != number)
		;
	store_abort(txn);
	return r == 1;
}

/* Pins that had expired when a step came by: they are gone for good, even if the clock goes back. */
static void forget_expired(void)
{
	int64_t now = now_us();
	for (size_t i = 0; i < run.count; i++) {
		struct known_table *table = run.tables[i];
		for (size_t p = table->pin_count; p-- > 0;) {
			const struct known_pin *pin = &table->pins[p];
			if (!pin->child && !holds(pin, now) && !is_stored(table, pin->number))
				drop_pin(table, p);
		}
	}
}

static void step(void)
{
	note_floors();
	for (uint64_t i = below(3) + 1; i > 0; i--)
		if (retention_step(run.fixture.history, NULL, NULL) < 0)
			fail(NULL, "a step", 0, 0);
	read_floors();
	forget_expired();
	if (below(4) == 0)
		check_store();
}

/* What the model knows of pins and tables that go. */
static void forget_gone(void)
{
	int64_t now = now_us();
	for (size_t i = 0; i < run.count; i++) {
		struct known_table *table = run.tables[i];
		for (size_t p = table->pin_count; p-- > 0;)
			if (!holds(&table->pins[p], now))
				drop_pin(table, p);
	}
	for (size_t i = 0; i < run.count; i++)
		run.tables[i]->is_purged = !is_needed_at_all(run.tables[i], now);
}

static void settle(void)
{
	struct retention_counts wanted, got = { 0 };
	struct error error = { 0 };
	int r;
	note_floors();
	if (retention_preview(run.fixture.history, UINT32_MAX, &wanted, &error))
		fail(NULL, error.message, 0, 0);
	while ((r = retention_step(run.fixture.history, &got, &error)) == 1)
		;
	if (r)
		fail(NULL, error.message, 0, 0);
	read_floors();
	expect(NULL, "versions forgotten", (int64_t)got.versions, (int64_t)wanted.versions);
	expect(NULL, "lives forgotten", (int64_t)got.lives, (int64_t)wanted.lives);
	expect(NULL, "log blocks forgotten", (int64_t)got.log_blocks, (int64_t)wanted.log_blocks);
	expect(NULL, "bytes forgotten", (int64_t)got.bytes, (int64_t)wanted.bytes);
	expect(NULL, "pins forgotten", (int64_t)got.pins, (int64_t)wanted.pins);
	expect(NULL, "tables forgotten", (int64_t)got.tables, (int64_t)wanted.tables);
	forget_gone();
	for (size_t i = 0; i < run.count; i++)
		check_stored(run.tables[i], now_us());
	check_store();
	run.settled++;
}

static void operate(void)
{
	uint64_t choice = below(100);
	move_clock();
	if (choice < 40)
		change_tables();
	else if (choice < 60)
		step();
	else if (choice < 64 && count_alive() < TABLES_ALIVE_MAX)
		create_table();
	else if (choice < 69)
		restore_table();
	else if (choice < 74)
		set_recovery();
	else if (choice < 82)
		add_pin();
	else if (choice < 87)
		remove_pin();
	else if (choice < 89)
		drop_table();
	else if (choice < 92)
		settle();
	else if (any_table(false))
		check_table(any_table(false));
}

static void free_all(void)
{
	for (size_t i = 0; i < run.count; i++) {
		table_free(&run.tables[i]->table);
		free(run.tables[i]->changes);
		free(run.tables[i]->pins);
		free(run.tables[i]);
	}
	free(run.tables);
}

int main(int argc, char **argv)
{
	run.operations = 800;
	hash_random(&run.seed, sizeof(run.seed));
	run.seed >>= 24;
	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--seed"))
			run.seed = strtoull(argv[i + 1], NULL, 10);
		else if (!strcmp(argv[i], "--operations"))
			run.operations = strtoull(argv[i + 1], NULL, 10);
	}
	run.random = run.seed;
	run.clock_us = START;
	printf("seed %llu, %llu operations\n", (unsigned long long)run.seed, (unsigned long long)run.operations);
	fflush(stdout);
	clock_set(run.clock_us);
	fixture_open(&run.fixture);
	for (; run.operation < run.operations; run.operation++)
		operate();
	settle();
	for (size_t i = 0; i < run.count; i++)
		check_table(run.tables[i]);
	printf("%zu tables, %llu comparisons, %llu states were gone, settled %llu times\n", run.count,
		(unsigned long long)run.checks, (unsigned long long)run.stale, (unsigned long long)run.settled);
	fixture_close(&run.fixture);
	free_all();
	printf("1 passed, 0 failed\n");
	return 0;
}
