/* One table: what it is by the catalogue and its own counters, then its records, then its states. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "layout.h"
#include "pin.h"
#include "reach.h"
#include "restore_document.h"
#include "table_document.h"
#include "verify_parts.h"
#include "verify_record.h"

static struct verify_about about(const struct verify_table *table, const char *part)
{
	return (struct verify_about){ table, part, 0, table->table.number, { 0 } };
}

/* --- what it is --- */

/* Of a table that has ended, as it was before. */
static int load_description(struct verify *verify, uint32_t number, struct verify_table *ret)
{
	struct node node;
	struct node_place place;
	struct buffer description = BUFFER_INIT;
	int r = node_read(verify->txn, CATALOGUE, number, SEQ_MAX, &node, &place);
	ret->is_alive = !r && !node.version.is_removal;
	if (!r && node.version.is_removal)
		r = node_read(verify->txn, CATALOGUE, number, node.version.seq - 1, &node, &place);
	if (!r)
		r = pack_content(place.pack, place.place, &description);
	if (!r)
		r = table_from_document(number, &description, &ret->table);
	buffer_free(&description);
	return r;
}

int verify_load_table(struct verify *verify, uint32_t number, struct verify_table *ret)
{
	*ret = (struct verify_table){ .verify = verify };
	if (number == CATALOGUE) {
		table_catalogue(&ret->table);
		ret->is_alive = ret->is_described = true;
		return 0;
	}
	int r = load_description(verify, number, ret);
	ret->is_described = !r;
	if (r && verify_is_damage(r)) {
		ret->table = (struct table){ .number = number };
		snprintf(ret->table.name, sizeof(ret->table.name), "(table %" PRIu32 ")", number);
		r = 0;
	}
	return r;
}

void verify_unload_table(struct verify_table *table)
{
	table_free(&table->table);
	sorter_free(table->versions);
	table->versions = NULL;
}

/* --- what its own records say --- */

/* Without counters, those of the last change are taken. */
static int read_counters(struct verify_table *table)
{
	struct verify *verify = table->verify;
	struct log_entry last;
	int r = counters_read(verify->txn, table->table.number, &table->counters);
	bool is_there = !r && table->counters.seq;
	int found = is_there ? -ENOENT : log_last(verify->txn, table->table.number, &last);
	if (is_there || (!r && found == -ENOENT))
		return 0;
	if (r && !verify_is_damage(r))
		return r;
	if (found)
		last = (struct log_entry){ 0 };
	table->counters = (struct table_counters){ .next_number = NODE_NUMBER_MAX,
		.seq = last.seq,
		.items = last.items,
		.bytes = last.bytes,
		.last_us = last.time_us };
	table->has_no_counters = true;
	return verify_tell(verify, about(table, "counters"),
		"the table's counters are damaged or missing: it cannot be changed, and is told to be empty");
}

static int read_lineage(struct verify_table *table)
{
	struct verify *verify = table->verify;
	struct restore_progress progress;
	int r = lineage_read(verify->txn, table->table.number, &table->lineage);
	table->has_lineage = !r;
	if (!r || (r != -ENOENT && !verify_is_damage(r)))
		return r;
	table->lineage = (struct lineage){ 0 };
	bool is_shared = table->is_described && table->table.number != CATALOGUE && table->counters.seq &&
			 !restore_record_read(buffer_slice(&table->table.description), &progress) && progress.is_shared;
	if (r == -ENOENT && !is_shared)
		return 0;
	/* Nothing that was inherited can be looked at. */
	table->is_lost = true;
	return verify_tell(verify, about(table, "lineage"),
		"what the table was restored from is not known any more: what it did not change itself cannot be read");
}

static int read_retention(struct verify_table *table)
{
	struct verify *verify = table->verify;
	struct pin_place place = { 0 };
	struct pin pin;
	int r = retention_table_read(verify->txn, table->table.number, &table->retention);
	if (r && !verify_is_damage(r))
		return r;
	if (r) {
		table->is_lost = true;
		r = verify_tell(verify, about(table, "retention"),
			"how much of the table's history was dropped is not known any more: past states cannot be "
			"shown");
		if (r)
			return r;
	}
	r = pin_next(verify->txn, table->table.number, &place, &pin);
	table->has_pins = r != 0;
	table->first = table->retention.floor > table->lineage.base ? table->retention.floor : table->lineage.base;
	table->is_ended = table->retention.floor == UINT64_MAX;
	return r == 1 || verify_is_damage(r) ? 0 : r;
}

/* --- what they say against the settings --- */

static int check_floor(struct verify_table *table)
{
	uint64_t allowed = UINT64_MAX, floor = table->retention.floor;
	struct verify *verify = table->verify;
	int r = 0;
	uint64_t dropped = floor < table->counters.seq ? floor : table->counters.seq;
	verify->counts.dropped += dropped > table->lineage.base ? dropped - table->lineage.base : 0;
	if (!floor || table->table.number == CATALOGUE || !table->is_described)
		return 0;
	if (!table->is_alive)
		return 0; /* what is pinned of it is looked at with the pins */
	if (!table->table.is_pitr_on)
		allowed = table->counters.seq;
	else
		r = reach_begin(
			verify->txn, &table->table, table_window_begin(&table->table, verify->now_us), &allowed);
	if (r && !verify_is_damage(r))
		return r;
	if (floor <= allowed || floor <= table->lineage.base)
		return 0;
	return verify_tell(verify, about(table, "retention"),
		"changes up to %" PRIu64 " were dropped, but the table's window begins after change %" PRIu64
		": what lies between should be there",
		floor, allowed);
}

static int check_counters(struct verify_table *table)
{
	struct verify *verify = table->verify;
	const struct table_counters *counters = &table->counters;
	if (counters->last_us > verify->state.last_us && verify->state.last_us)
		return verify_tell(verify, about(table, "counters"),
			"the last change is later than the last commit of the store: one of their records is older");
	if (table->has_lineage && table->lineage.base > counters->seq)
		return verify_tell(verify, about(table, "counters"),
			"the table has had fewer changes than what it was restored from: its counters are older");
	return 0;
}

/* --- all of it --- */

/* Whatever a table of which so much is missing has of its own. */
static int check_records(struct verify_table *table)
{
	int r = sorter_new(table->verify->directory, sizeof(struct verify_version), &table->versions);
	if (!r)
		r = verify_versions(table);
	if (!r)
		r = verify_log(table);
	if (!r)
		r = verify_index(table);
	return r ? r : verify_rosters(table);
}

static int check(struct verify_table *table)
{
	bool is_gone = table->is_ended && !table->has_pins;
	int r = check_floor(table);
	if (!r)
		r = check_counters(table);
	/* The rest of a table of which nothing is needed goes step by step. */
	if (r || is_gone || table->is_lost)
		return r;
	r = check_records(table);
	if (!r)
		r = verify_pins(table);
	return r || table->is_ended ? r : verify_states(table);
}

int verify_one_table(struct verify *verify, uint32_t number)
{
	struct verify_table table;
	int r = verify_load_table(verify, number, &table);
	if (!r && !table.is_described)
		r = verify_tell(verify, about(&table, "catalogue"),
			"the description of table number %" PRIu32 " cannot be read: the table cannot be shown",
			number);
	if (!r)
		r = read_counters(&table);
	if (!r)
		r = read_lineage(&table);
	if (!r)
		r = read_retention(&table);
	verify->counts.tables += number != CATALOGUE;
	if (!r)
		r = check(&table);
	verify_unload_table(&table);
	return r;
}
