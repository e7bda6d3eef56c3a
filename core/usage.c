#include "usage.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "layout.h"
#include "lineage.h"
#include "pack.h"
#include "pin.h"
#include "reach.h"
#include "retention_needs.h"
#include "state.h"

#define GIGABYTE ((double)(UINT64_C(1) << 30))
#define STORAGE_DOLLARS 0.25
#define PITR_DOLLARS 0.20
#define BACKUP_DOLLARS 0.10
#define SEQ_KEY_BYTES 6
#define PROGRESS_RECORDS 4096
#define INDEX_VALUE_BYTES 4 /* of a node number, most often */

struct measuring {
	struct store_txn *txn;
	const struct table *table;
	struct usage *usage;
	const struct usage_progress *progress; /* may be NULL */
	uint64_t records;
	struct retention_needs needs;
	uint64_t floor; /* the first state of the window alone */
	struct buffer kept;
	/* The node that was looked at last: its packs come one after the other, the newest first. */
	uint8_t node[STORE_KEY_MAX];
	size_t node_size;
	uint64_t end; /* where the version begins that follows the next pack */
	uint64_t nodes, living;
	uint64_t index_bytes; /* of living nodes */
};

/* --- Versions ------------------------------------------------------------------------------------------------------- */

/* What the pack would take with its newest version alone. */
static int newest_size(struct measuring *m, struct slice pack, unsigned count, size_t *ret_size)
{
	*ret_size = pack.size;
	if (count == 1)
		return 0;
	buffer_clear(&m->kept);
	int r = pack_keep(pack, 1, &m->kept);
	*ret_size = m->kept.size;
	return r;
}

static bool is_next_node(struct measuring *m, struct slice key)
{
	size_t size = key.size - SEQ_KEY_BYTES;
	bool is_same = size == m->node_size && memcmp(key.data, m->node, size) == 0;
	memcpy(m->node, key.data, size);
	m->node_size = size;
	return !is_same;
}

static void add_node(struct measuring *m, const struct pack_header *header, bool is_living)
{
	m->nodes++;
	m->usage->lives += header->kind == NODE_ITEM;
	if (!is_living)
		return;
	m->living++;
	m->index_bytes += layout_index(m->table->number, header->encoded_key, 0).size + INDEX_VALUE_BYTES;
}

/* How many of the versions only pins keep. A removal from before the window stays with what it ended. */
static uint64_t count_pinned(struct measuring *m, const struct version *versions, unsigned count)
{
	uint64_t pinned = 0;
	for (unsigned i = 0; i < count; i++) {
		bool has_ended = versions[i].is_removal && versions[i].seq <= m->floor && i + 1 < count;
		bool is_in_window = m->end > m->floor && !has_ended;
		if (!is_in_window && retention_needs_any(&m->needs, versions[i].seq, m->end))
			pinned++;
		m->end = versions[i].seq;
	}
	return pinned;
}

/* Versions in one pack share what the newest living one leaves of it. */
static int add_pack(struct measuring *m, struct slice key, struct slice pack)
{
	struct pack_header header;
	struct version versions[PACK_VERSIONS_MAX];
	size_t live = 0;
	bool is_first = is_next_node(m, key);
	int r = pack_versions(pack, &header, versions);
	if (r == -EIO) {
		m->usage->history_bytes += key.size + pack.size;
		return 0;
	}
	bool is_living = is_first && !r && !versions[0].is_removal && m->needs.is_alive;
	if (!r && is_first)
		add_node(m, &header, is_living);
	if (!r && is_living)
		r = newest_size(m, pack, header.count, &live);
	if (r)
		return r;
	if (is_first)
		m->end = SEQ_NEVER;
	live += is_living ? key.size : 0;
	uint64_t history = key.size + pack.size - live;
	uint64_t older = header.count - is_living, pinned = count_pinned(m, versions, header.count);
	m->usage->versions += header.count;
	m->usage->live_bytes += live;
	m->usage->history_bytes += history;
	if (older > 0)
		m->usage->pinned_bytes += history * pinned / older;
	return 0;
}

/* --- Walking -------------------------------------------------------------------------------------------------------- */

/* All records of the table in a space; `add` may be NULL. */
static int walk(struct measuring *m, enum store_space space,
	int (*add)(struct measuring *m, struct slice key, struct slice value), uint64_t *ret_bytes)
{
	struct layout_key prefix = layout_log_prefix(m->table->number);
	struct store_cursor *cursor;
	struct slice key, value;
	*ret_bytes = 0;
	int r = store_cursor_open(m->txn, space, &cursor);
	if (r)
		return r;
	for (r = store_cursor_seek(cursor, layout_slice(&prefix), &key, &value); !r;
		r = store_cursor_next(cursor, &key, &value)) {
		if (key.size <= prefix.size || memcmp(key.data, prefix.bytes, prefix.size) != 0)
			break;
		*ret_bytes += key.size + value.size;
		if (++m->records % PROGRESS_RECORDS == 0 && m->progress)
			m->progress->show(m->progress->context, m->records);
		r = add ? add(m, key, value) : 0;
		if (r)
			break;
	}
	store_cursor_close(cursor);
	return r == -ENOENT ? 0 : r;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Index and rosters serve the living and the dead alike: each has its share. */
static int add_spaces(struct measuring *m)
{
	uint64_t versions, index, roster, log;
	int r = walk(m, STORE_VERSIONS, add_pack, &versions);
	if (!r)
		r = walk(m, STORE_INDEX, NULL, &index);
	if (!r)
		r = walk(m, STORE_ROSTER, NULL, &roster);
	if (!r)
		r = walk(m, STORE_LOG, NULL, &log);
	if (r)
		return r;
	uint64_t live = least(index, m->index_bytes) + (m->nodes > 0 ? roster * m->living / m->nodes : roster);
	m->usage->live_bytes += live;
	m->usage->history_bytes += index + roster + log - live;
	return 0;
}

/* --- Windows and pins ----------------------------------------------------------------------------------------------- */

/* Of a deleted table nothing is in a window. */
static int load_floor(struct measuring *m, int64_t now_us)
{
	struct table_counters counters;
	m->floor = SEQ_NEVER;
	if (!m->needs.is_alive)
		return 0;
	int r = counters_read(m->txn, m->table->number, &counters);
	m->floor = counters.seq;
	if (r || !m->table->is_pitr_on)
		return r;
	return reach_begin(m->txn, m->table, table_window_begin(m->table, now_us), &m->floor);
}

static int count_pins(struct measuring *m)
{
	struct pin_place place = { 0 };
	struct pin pin;
	int r;
	while ((r = pin_next(m->txn, m->table->number, &place, &pin)) > 0) {
		m->usage->backups += pin.kind == PIN_BACKUP;
		m->usage->holds += pin.kind == PIN_HOLD;
		m->usage->children += pin.kind == PIN_CHILD;
	}
	return r;
}

static int load_statistics(struct measuring *m)
{
	struct table_statistics statistics;
	if (!m->needs.is_alive)
		return 0;
	int r = table_statistics(m->txn, m->table->number, &statistics);
	m->usage->items = statistics.items;
	m->usage->item_bytes = statistics.bytes;
	return r;
}

static int measure(struct measuring *m, int64_t now_us)
{
	int r = retention_needs_load(m->txn, m->table->number, now_us, /* is_foreseen= */ false, &m->needs);
	if (!r)
		r = load_statistics(m);
	if (!r)
		r = load_floor(m, now_us);
	if (!r)
		r = count_pins(m);
	return r ? r : add_spaces(m);
}

int usage_measure(struct history *history, const struct table *table, const struct usage_progress *progress,
	struct usage *ret_usage, struct error *error)
{
	struct measuring m = { .table = table, .usage = ret_usage, .progress = progress };
	*ret_usage = (struct usage){ 0 };
	int r = store_begin(history_store(history), /* is_writable= */ false, &m.txn);
	if (!r) {
		r = measure(&m, history_now(history, m.txn));
		store_abort(m.txn);
	}
	retention_needs_free(&m.needs);
	buffer_free(&m.kept);
	return r ? error_set(error, r, "table %s could not be measured: %s", table->name, strerror(-r)) : 0;
}

struct usage_price usage_price(const struct usage *usage, bool is_pitr_on, uint64_t backup_bytes)
{
	double gigabytes = ((double)usage->item_bytes + USAGE_ITEM_OVERHEAD_BYTES * (double)usage->items) / GIGABYTE;
	return (struct usage_price){
		.storage = gigabytes * STORAGE_DOLLARS,
		.pitr = is_pitr_on ? gigabytes * PITR_DOLLARS : 0,
		.backups = (double)backup_bytes / GIGABYTE * BACKUP_DOLLARS,
	};
}
