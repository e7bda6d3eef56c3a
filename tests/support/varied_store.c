#include "tests/support/varied_store.h"

#include <stdio.h>
#include <string.h>

#include "core/backup.h"
#include "core/clock.h"
#include "core/hold.h"
#include "core/retention.h"

#define START (INT64_C(1740832200) * SECOND_US)

struct filling {
	struct fixture *fixture;
	struct table flat, sorted, shared, young, off, gone, old;
	int64_t now_us;
};

static void create(struct filling *filling, const char *name, const char *recovery, struct table *ret_table)
{
	char text[400];
	snprintf(text, sizeof(text),
		"{'TableName':'%s','BillingMode':'PAY_PER_REQUEST','KeySchema':[{'AttributeName':'id','KeyType':'HASH'}"
		"],'AttributeDefinitions':[{'AttributeName':'id','AttributeType':'S'}],"
		"'PointInTimeRecoverySpecification':{%s}}",
		name, recovery);
	fixture_create_text(filling->fixture, text, ret_table);
}

/* One change by one of some authors, a minute after the one before. */
static uint64_t change(struct filling *filling, const struct table *table, const char *item, bool is_removal)
{
	static const char *const authors[] = { "{\"by\":\"mount\",\"user\":\"ann\"}",
		"{\"by\":\"pitr\",\"user\":\"bob\"}" };
	struct buffer text = BUFFER_INIT;
	struct change_context context = { 0 };
	struct change_result result;
	filling->now_us += 60 * SECOND_US;
	clock_set(filling->now_us);
	struct batch *batch = fixture_begin(filling->fixture);
	const char *author = authors[filling->now_us / (180 * SECOND_US) % 2];
	int r = batch_author(batch, slice_of_text(author), &context.author);
	if (is_removal) {
		fixture_key(table, item, &text);
		r = r ? r : batch_remove(batch, table, buffer_slice(&text), &context, &result, NULL);
	} else {
		fixture_item(item, &text);
		r = r ? r : batch_put(batch, table, buffer_slice(&text), &context, &result, NULL);
	}
	fixture_require(r == 0, item, NULL);
	fixture_commit(batch);
	buffer_free(&text);
	return result.seq;
}

static void put(struct filling *filling, const struct table *table, unsigned key, unsigned version)
{
	char text[128];
	snprintf(text, sizeof(text),
		table->schema.has_sort ? "{'id':'p%u','at':'k%u','v':%u,'note':'number %u'}"
				       : "{'id':'k%u.%u','v':%u,'note':'number %u'}",
		key % 3, key, version, version);
	change(filling, table, text, false);
}

static void drop_key(struct filling *filling, const struct table *table, unsigned key)
{
	char text[64];
	snprintf(text, sizeof(text), table->schema.has_sort ? "{'id':'p%u','at':'k%u'}" : "{'id':'k%u.%u'}", key % 3,
		key);
	change(filling, table, text, true);
}

static void put_long(struct filling *filling, const struct table *table, char letter)
{
	char text[700], name[401];
	memset(name, letter, 400);
	name[400] = '\0';
	snprintf(text, sizeof(text), table->schema.has_sort ? "{'id':'p0','at':'%s'}" : "{'id':'%s'}", name);
	change(filling, table, text, false);
}

static void change_many(struct filling *filling, const struct table *table)
{
	for (unsigned i = 0; i < 12; i++)
		put(filling, table, i, 1);
	for (unsigned i = 0; i < 20; i++)
		put(filling, table, 4, 2 + i);
	for (unsigned i = 0; i < 4; i++)
		drop_key(filling, table, 2 * i + 1);
	put(filling, table, 3, 7);
	put_long(filling, table, 'x');
}

static void back_up(struct filling *filling, const struct table *table, uint64_t seq, const char *name, bool is_hold)
{
	struct change_context context = { 0 };
	struct pin pin;
	struct error error = { 0 };
	struct batch *batch = fixture_begin(filling->fixture);
	struct snapshot snapshot = { .table = table->number, .seq = seq, .time_us = filling->now_us };
	int r = is_hold ? hold_add(batch, table, seq ? &snapshot : NULL, slice_of_text(name), "audit", 0, &context,
				  &pin, &error)
			: backup_create(batch, table, &snapshot, slice_of_text(name), &context, &pin, &error);
	fixture_require(r == 0, name, &error);
	fixture_commit(batch);
}

static void set_defaults(struct filling *filling, int days)
{
	struct table_defaults defaults = { .is_pitr_on = true, .period_days = days };
	struct batch *batch = fixture_begin(filling->fixture);
	fixture_require(table_set_defaults(batch, &defaults) == 0, "set defaults", NULL);
	batch_note(batch);
	fixture_commit(batch);
}

static void forget(struct filling *filling)
{
	struct retention_counts counts = { 0 };
	int r;
	while ((r = retention_step(filling->fixture->history, &counts, NULL)) == 1)
		;
	fixture_require(r == 0 && counts.versions > 0 && counts.log_blocks > 0, "something to forget", NULL);
}

static void import_old(struct filling *filling)
{
	struct batch *batch = fixture_begin(filling->fixture);
	fixture_create_in(batch, "old", "id", NULL, START - DAY_US, &filling->old);
	fixture_put_in(batch, &filling->old, "{'id':'imported'}", START - DAY_US);
	fixture_commit(batch);
}

static void fill_first(struct filling *filling)
{
	struct fixture *fixture = filling->fixture;
	create(filling, "flat", "'PointInTimeRecoveryEnabled':true", &filling->flat);
	fixture_create(fixture, "sorted", "at", &filling->sorted);
	create(filling, "young", "'PointInTimeRecoveryEnabled':true,'RecoveryPeriodInDays':1", &filling->young);
	create(filling, "off", "'PointInTimeRecoveryEnabled':false", &filling->off);
	create(filling, "gone", "'PointInTimeRecoveryEnabled':true", &filling->gone);
	import_old(filling);
	set_defaults(filling, 20);
	change_many(filling, &filling->flat);
	change_many(filling, &filling->sorted);
	change_many(filling, &filling->young);
	change_many(filling, &filling->off);
	back_up(filling, &filling->young, 14, "early", false);
	back_up(filling, &filling->flat, 20, "release", false);
	back_up(filling, &filling->flat, 0, "audit", true);
	put(filling, &filling->gone, 1, 1);
	put(filling, &filling->gone, 2, 1);
	fixture_restore(fixture, &filling->flat, 30, "shared", &filling->shared);
	put(filling, &filling->shared, 4, 99);
	drop_key(filling, &filling->shared, 6);
	put_long(filling, &filling->shared, 'z');
}

static void fill_rest(struct filling *filling)
{
	filling->now_us += 3 * DAY_US;
	for (unsigned i = 0; i < 70; i++)
		put(filling, &filling->young, i % 5, 1000 + i);
	filling->now_us += 2 * DAY_US;
	for (unsigned i = 0; i < 10; i++)
		put(filling, &filling->young, i % 7, 2000 + i);
	put(filling, &filling->sorted, 7, 3);
	drop_key(filling, &filling->sorted, 2);
	put(filling, &filling->shared, 8, 5);
	put(filling, &filling->off, 8, 5);
	put_long(filling, &filling->flat, 'y');
	set_defaults(filling, 30);
	fixture_drop(filling->fixture, &filling->gone);
	filling->now_us += DAY_US / 2;
	clock_set(filling->now_us);
	forget(filling);
}

void varied_store_fill(struct fixture *fixture, void (*half_way)(struct fixture *fixture))
{
	struct filling filling = { .fixture = fixture, .now_us = START };
	clock_set(START);
	fill_first(&filling);
	if (half_way)
		half_way(fixture);
	fill_rest(&filling);
	table_free(&filling.flat);
	table_free(&filling.sorted);
	table_free(&filling.shared);
	table_free(&filling.young);
	table_free(&filling.off);
	table_free(&filling.gone);
	table_free(&filling.old);
}
