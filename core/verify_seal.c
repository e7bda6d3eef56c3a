/* A seal against the store: of each sealed table, the chain where the seal saw it.
 *
 * Every line that is left has been hashed when this is asked (verify_log.c), so that a head is as good as all of them. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "backup.h"
#include "change_chain.h"
#include "clock.h"
#include "seal.h"
#include "verify_parts.h"

struct sealed {
	struct verify *verify;
	const struct seal_table *told;
	struct verify_table table; /* the store's */
	int64_t ended_us;          /* 0: it is alive */
};

static int tell(struct sealed *sealed, uint64_t seq, const char *what)
{
	/* Named as it is in the seal: the store may not know it. */
	struct verify_table named = { .table = sealed->table.table };
	memcpy(named.table.name, sealed->told->name, sizeof(named.table.name));
	return verify_tell(sealed->verify, (struct verify_about){ &named, "seal", seq, 0, { 0 } },
		"of change %" PRIu64 " and those before it, which were sealed: %s", sealed->told->seq, what);
}

static int tell_fate(struct sealed *sealed, uint64_t present, uint64_t dropped)
{
	const struct verify_options *options = sealed->verify->options;
	return options->sealed ? options->sealed(options->context, sealed->told, present, dropped) : 0;
}

/* The table with this id, among all that ever were. -ENOENT. */
static int find_table(struct sealed *sealed)
{
	struct verify *verify = sealed->verify;
	if (strcmp(sealed->told->id, "catalogue") == 0)
		return verify_load_table(verify, CATALOGUE, &sealed->table);
	struct verify_tables tables = { 0 };
	uint32_t number;
	bool is_found = false;
	int r = 0;
	while (!r && !is_found && !(r = verify_next_table(&tables, verify, &number))) {
		r = verify_load_table(verify, number, &sealed->table);
		is_found = !r && strcmp(sealed->table.table.id, sealed->told->id) == 0;
		if (!is_found)
			verify_unload_table(&sealed->table);
	}
	verify_end_tables(&tables);
	return r;
}

static int read_end(struct sealed *sealed)
{
	struct node node;
	sealed->ended_us = 0;
	if (sealed->table.is_alive)
		return 0;
	int r = node_read(sealed->verify->txn, CATALOGUE, sealed->table.table.number, SEQ_MAX, &node, NULL);
	if (!r)
		sealed->ended_us = node.version.time_us;
	return verify_is_damage(r) ? 0 : r;
}

/* Nothing is left of it but its place in the catalogue. */
static int check_purged(struct sealed *sealed, uint64_t changes)
{
	bool is_due =
		sealed->ended_us && (!sealed->table.table.is_pitr_on ||
					    sealed->ended_us + BACKUP_SYSTEM_DAYS * DAY_US <= sealed->verify->now_us);
	int r = tell_fate(sealed, 0, changes);
	if (r || is_due)
		return r;
	return tell(sealed, 0,
		sealed->ended_us ? "the table was deleted, but what is kept of it for 35 days is not there"
				 : "nothing is left, though the table is there: its records were taken away");
}

static int check_head(struct sealed *sealed, uint64_t base)
{
	struct chain head;
	const struct retention_table *retention = &sealed->table.retention;
	const struct table_counters *counters = &sealed->table.counters;
	uint64_t changes = sealed->told->seq - base;
	uint64_t dropped = retention->floor > base ? retention->floor - base : 0;
	if (dropped > changes)
		dropped = changes;
	if (counters->seq < sealed->told->seq)
		return tell(sealed, counters->seq,
			"the store has fewer changes now; the last were taken away, or it is an older copy");
	int r = sealed->told->seq == counters->seq && !dropped ? 0 : -ENOENT;
	head = counters->head;
	if (r)
		r = chain_head_at(sealed->verify->txn, &sealed->table.table, sealed->told->seq, &head);
	if (r == -ESTALE)
		return tell_fate(sealed, 0, changes);
	if (r)
		return verify_is_damage(r)
			       ? tell(sealed, 0, "they cannot be read as they were: something they need is damaged")
			       : r;
	if (memcmp(head.head, sealed->told->head.head, CHAIN_BYTES) != 0)
		return tell(sealed, 0, "THEY ARE NOT WHAT WAS SEALED: the store's own chain has another head there");
	return tell_fate(sealed, changes - dropped, dropped);
}

static int check_found(struct sealed *sealed)
{
	struct verify *verify = sealed->verify;
	struct verify_table *table = &sealed->table;
	uint32_t number = table->table.number;
	int r = counters_read(verify->txn, number, &table->counters);
	if (!r && (r = lineage_read(verify->txn, number, &table->lineage)) == -ENOENT) {
		table->lineage = (struct lineage){ 0 };
		r = 0;
	}
	if (!r)
		r = retention_table_read(verify->txn, number, &table->retention);
	if (!r)
		r = read_end(sealed);
	if (r)
		return verify_is_damage(r) ? tell(sealed, 0, "the table's own records are damaged") : r;
	if (sealed->told->seq <= table->lineage.base)
		return tell_fate(sealed, 0, 0);
	if (!table->counters.seq)
		return check_purged(sealed, sealed->told->seq - table->lineage.base);
	return check_head(sealed, table->lineage.base);
}

static int check_table(struct verify *verify, const struct seal_table *told)
{
	struct sealed sealed = { .verify = verify, .told = told };
	int r = find_table(&sealed);
	if (!r)
		r = check_found(&sealed);
	else if (r == -ENOENT)
		r = tell(&sealed, 0,
			"the store has never had this table: its place in the catalogue, which forgets none, was taken "
			"away, or "
			"this is an older copy");
	verify_unload_table(&sealed.table);
	return r;
}

int verify_sealed(struct verify *verify, const struct seal *seal)
{
	int r = 0;
	if (strcmp(seal->store, history_id(verify->history)) != 0)
		return verify_tell(verify, (struct verify_about){ .part = "seal" },
			"the seal is of another store (%s; this is %s)", seal->store, history_id(verify->history));
	for (size_t i = 0; i < seal->count && !r; i++)
		if (!verify->options->table || strcmp(verify->options->table, seal->tables[i].name) == 0)
			r = check_table(verify, &seal->tables[i]);
	return r;
}
