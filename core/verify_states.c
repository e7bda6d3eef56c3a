/* Whole states of a table: the live one and a past one against a replay of the log, pinned ones against what was noted of them. */
#include <errno.h>
#include <inttypes.h>

#include "compare.h"
#include "item.h"
#include "pin.h"
#include "replay.h"
#include "snapshot.h"
#include "verify_parts.h"

/* --- against a replay --- */

struct replayed {
	struct verify_table *table;
	uint64_t seq;
	bool is_live;
	int ended; /* what the caller ended it with */
};

static int tell_difference(
	void *context, enum compare_kind kind, struct slice encoded_key, struct slice first, struct slice second)
{
	struct replayed *replayed = context;
	struct verify_about about = { replayed->table, "state", replayed->seq, 0, encoded_key };
	(void)first;
	(void)second;
	replayed->ended =
		verify_tell(replayed->table->verify, about, "%s %s, by the replay of the log after change %" PRIu64,
			replayed->is_live ? "the live table" : "the past state",
			kind == COMPARE_MISSING ? "does not have this item, which should be there"
			: kind == COMPARE_EXTRA ? "has this item, which should not be there"
						: "has another content of this item",
			replayed->seq);
	return replayed->ended;
}

static int compare(struct verify_table *table, uint64_t seq, bool is_live)
{
	struct verify *verify = table->verify;
	struct snapshot copy = {
		.table = table->table.number, .seq = is_live ? SEQ_MAX : seq, .time_us = is_live ? TIME_NOW : 0
	};
	struct replayed replayed = { .table = table, .seq = seq, .is_live = is_live };
	struct verify_about about = { table, "state", seq, 0, { 0 } };
	struct replay_counts counts;
	int r = replay_compare(
		verify->history, verify->txn, &table->table, seq, &copy, tell_difference, &replayed, &counts, NULL);
	verify->counts.items += counts.compared.equal + counts.compared.different;
	if (replayed.ended || (r && !verify_is_damage(r)))
		return replayed.ended ? replayed.ended : r;
	if (r)
		return verify_tell(verify, about,
			"the state after change %" PRIu64 " cannot be read as a whole: something it needs is damaged",
			seq);
	if (!counts.faults)
		return 0;
	return verify_tell(verify, about,
		"the log contradicts itself or the table's sums %" PRIu64 " times up to change %" PRIu64, counts.faults,
		seq);
}

int verify_states(struct verify_table *table)
{
	uint64_t seq = table->counters.seq, middle = table->first + (seq - table->first) / 2;
	if (!table->is_described || table->first > seq)
		return 0;
	int r = compare(table, seq, true);
	return r || middle == seq ? r : compare(table, middle, false);
}

/* --- pinned ones --- */

struct counted {
	struct verify_table *table;
	const struct pin *pin;
	struct snapshot snapshot;
	uint64_t items, bytes;
	struct buffer item;
	int ended;
};

static int count_item(void *context, const struct node *node)
{
	struct counted *counted = context;
	struct verify *verify = counted->table->verify;
	int r = snapshot_content(verify->txn, &counted->snapshot, node->number, &counted->item);
	counted->items++;
	counted->bytes += r ? 0 : item_size_bytes(buffer_slice(&counted->item));
	if (!r || !verify_is_damage(r))
		return r;
	counted->ended = verify_tell(verify,
		(struct verify_about){ counted->table, "versions", counted->pin->seq, node->number, node->encoded_key },
		"an item of the state after change %" PRIu64 ", which \"%s\" keeps, cannot be read", counted->pin->seq,
		counted->pin->name);
	return counted->ended;
}

static const char *kind_of(const struct pin *pin)
{
	return pin->kind == PIN_BACKUP   ? "backup"
	       : pin->kind == PIN_SYSTEM ? "system backup"
	       : pin->kind == PIN_HOLD   ? "hold"
					 : "restored table";
}

static int tell_pin(struct verify_table *table, const struct pin *pin, const char *what)
{
	return verify_tell(table->verify, (struct verify_about){ table, "pins", pin->seq, 0, { 0 } },
		"the %s \"%s\" of the state after change %" PRIu64 " %s", kind_of(pin), pin->name, pin->seq, what);
}

/* Item for item: nothing else tells of it any more. */
static int check_state(struct verify_table *table, const struct pin *pin)
{
	struct counted counted = { .table = table, .pin = pin, .snapshot = snapshot_of_pin(pin) };
	counted.snapshot.seq = pin->seq;
	int r = compare_walk(table->verify->txn, &counted.snapshot, count_item, &counted);
	buffer_free(&counted.item);
	if (counted.ended)
		return counted.ended;
	if (r)
		return verify_is_damage(r) ? tell_pin(table, pin, "cannot be listed: something it needs is damaged")
					   : r;
	table->verify->counts.items += counted.items;
	return counted.items == pin->items && counted.bytes == pin->bytes
		       ? 0
		       : tell_pin(table, pin, "has not the items that it had when it was made");
}

static int check_statistics(struct verify_table *table, const struct pin *pin)
{
	struct snapshot snapshot = { .table = table->table.number, .seq = pin->seq };
	uint64_t items, bytes;
	int r = snapshot_statistics(table->verify->txn, &snapshot, &items, &bytes);
	if (r)
		return verify_is_damage(r) ? tell_pin(table, pin, "is not told by the log any more") : r;
	return items == pin->items && bytes == pin->bytes
		       ? 0
		       : tell_pin(table, pin, "tells another number or size of items than the log");
}

static int check_child(struct verify_table *table, const struct pin *pin)
{
	struct lineage lineage;
	int r = lineage_read(table->verify->txn, pin->child, &lineage);
	if (!r && lineage.parent == table->table.number && lineage.base == pin->seq)
		return 0;
	if (r && !verify_is_damage(r))
		return r;
	return tell_pin(table, pin, "is for a table that does not say it was restored from it");
}

static int check_pin(struct verify_table *table, const struct pin *pin)
{
	/* Of the system's, the number and size of items are those of the end. */
	bool is_state = pin->kind == PIN_BACKUP || pin->kind == PIN_CHILD || (pin->kind == PIN_HOLD && !pin->is_range);
	int r = pin->kind == PIN_CHILD ? check_child(table, pin) : 0;
	if (r)
		return r;
	if (pin->seq > table->counters.seq)
		return tell_pin(table, pin, "is of a change that was never made");
	if (pin->is_range && pin->seq < table->retention.floor)
		return tell_pin(table, pin, "keeps everything from then on, but a part of that was dropped");
	if (!is_state)
		return 0;
	return pin->seq >= table->first ? check_statistics(table, pin) : check_state(table, pin);
}

/* What a restored table reads through must be kept. */
static int check_parent(struct verify_table *table)
{
	struct verify *verify = table->verify;
	struct pin_place place = { 0 };
	struct pin pin;
	int r;
	while ((r = pin_next(verify->txn, table->lineage.parent, &place, &pin)) == 1)
		if (pin.kind == PIN_CHILD && pin.child == table->table.number && pin.seq == table->lineage.base)
			return 0;
	if (r && !verify_is_damage(r))
		return r;
	return verify_tell(verify, (struct verify_about){ table, "lineage", 0, 0, { 0 } },
		"nothing keeps the state the table was restored from, of table number %" PRIu32
		": retention may drop what it needs",
		table->lineage.parent);
}

int verify_pins(struct verify_table *table)
{
	struct pin_place place = { 0 };
	struct pin pin;
	int r = table->has_lineage ? check_parent(table) : 0, more = 0;
	while (!r && (more = pin_next(table->verify->txn, table->table.number, &place, &pin)) == 1)
		r = check_pin(table, &pin);
	if (r || !more)
		return r;
	if (!verify_is_damage(more))
		return more;
	return verify_tell(table->verify, (struct verify_about){ table, "pins", place.seq, 0, { 0 } },
		"the backups, holds and restored tables of states after change %" PRIu64 " cannot be read", place.seq);
}
