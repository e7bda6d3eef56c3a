/* Undos of random histories, against a plain model of both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/undoing.h"

#define AT(seconds) UNDOING_AT(seconds)

static int open_store(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	clock_set(AT(0));
	fixture_open(fixture);
	*state = fixture;
	return 0;
}

static int close_store(void **state)
{
	fixture_close(*state);
	free(*state);
	clock_reset();
	return 0;
}

#define KEYS 12
#define ATTRIBUTES 3
#define CHANGES 150
#define USERS 3

static const char *const users[USERS] = { "ann", "bob", "script" };

struct plain {
	bool is_there;
	int attributes[ATTRIBUTES]; /* 0: not there */
};

struct plain_change {
	unsigned key, user;
	int second;
	struct plain before, after;
};

struct history_model {
	struct plain now[KEYS];
	struct plain_change changes[CHANGES];
	unsigned count;
};

static bool is_equal(const struct plain *a, const struct plain *b)
{
	return a->is_there == b->is_there &&
	       (!a->is_there || memcmp(a->attributes, b->attributes, sizeof(a->attributes)) == 0);
}

static void print_item(const struct plain *plain, unsigned key, char text[128])
{
	int size = snprintf(text, 128, "%s{'id':'k%u'", plain->is_there ? "" : "-", key);
	for (int i = 0; i < ATTRIBUTES && plain->is_there; i++)
		if (plain->attributes[i])
			size += snprintf(text + size, 128 - (size_t)size, ",'%c':%d", 'a' + i, plain->attributes[i]);
	snprintf(text + size, 128 - (size_t)size, "}");
}

static void change_at_random(
	struct fixture *f, const struct table *table, struct history_model *model, int second, uint64_t *random)
{
	unsigned key = (unsigned)fixture_random_below(random, KEYS),
		 user = (unsigned)fixture_random_below(random, USERS);
	struct plain next = model->now[key];
	if (next.is_there && fixture_random_below(random, 4) == 0) {
		next = (struct plain){ 0 };
	} else {
		next.is_there = true;
		next.attributes[fixture_random_below(random, ATTRIBUTES)] = (int)fixture_random_below(random, 4);
	}
	char text[128];
	print_item(&next, key, text);
	uint64_t seq = undoing_change(f, table, second, users[user], text);
	assert_int_equal(seq != 0, !is_equal(&next, &model->now[key]));
	if (!seq)
		return;
	model->changes[model->count++] = (struct plain_change){ key, user, second, model->now[key], next };
	model->now[key] = next;
}

/* What an undo is asked for. */
struct wish {
	int from, to;
	bool is_user[USERS];
	int attribute_is; /* the expression "a = N"; -1: none */
	unsigned ops;
	enum undo_conflicts conflicts;
};

static bool is_wished(const struct wish *wish, const struct plain_change *change)
{
	unsigned op = !change->before.is_there ? CHANGE_INSERT : change->after.is_there ? CHANGE_MODIFY : CHANGE_REMOVE;
	if (change->second < wish->from || change->second > wish->to || !wish->is_user[change->user])
		return false;
	if (wish->ops && !(wish->ops & 1u << op))
		return false;
	return wish->attribute_is < 0 ||
	       (change->before.is_there && change->before.attributes[0] == wish->attribute_is) ||
	       (change->after.is_there && change->after.attributes[0] == wish->attribute_is);
}

struct verdict {
	bool is_chosen, is_conflict;
	unsigned changes;
	struct plain result;
};

/* The plain way to merge: runs of wished and other changes from the first wished one on, attribute by attribute. */
static bool merge_plainly(const struct history_model *model, const struct wish *wish, unsigned key, struct plain before,
	struct plain now, struct plain *ret_result)
{
	bool is_ours[ATTRIBUTES] = { 0 }, is_others[ATTRIBUTES] = { 0 }, has_begun = false, side = true;
	struct plain from = before, at = before;
	for (unsigned i = 0; i <= model->count; i++) {
		const struct plain_change *change = &model->changes[i];
		bool is_end = i == model->count;
		if (!is_end && (change->key != key || (!has_begun && !is_wished(wish, change))))
			continue;
		bool next_side = is_end ? !side : is_wished(wish, change);
		has_begun = true;
		if (next_side != side) {
			if (!at.is_there || !from.is_there)
				return false;
			for (int a = 0; a < ATTRIBUTES; a++)
				(side ? is_ours : is_others)[a] |= from.attributes[a] != at.attributes[a];
			from = at;
			side = next_side;
		}
		if (!is_end)
			at = change->after;
	}
	*ret_result = now;
	for (int a = 0; a < ATTRIBUTES; a++) {
		if (is_ours[a] && is_others[a] && before.attributes[a] != now.attributes[a])
			return false;
		if (is_ours[a])
			ret_result->attributes[a] = before.attributes[a];
	}
	return true;
}

static struct verdict judge(const struct history_model *model, const struct wish *wish, unsigned key)
{
	struct verdict verdict = { .result = model->now[key] };
	struct plain before = { 0 }, after = { 0 };
	bool has_other = false, is_between = false;
	for (unsigned i = 0; i < model->count; i++) {
		const struct plain_change *change = &model->changes[i];
		if (change->key != key)
			continue;
		if (!is_wished(wish, change)) {
			has_other = verdict.is_chosen;
			continue;
		}
		is_between |= has_other;
		if (!verdict.is_chosen)
			before = change->before;
		after = change->after;
		verdict.is_chosen = true;
		verdict.changes++;
	}
	if (!verdict.is_chosen || is_equal(&before, &model->now[key]))
		return verdict;
	verdict.is_conflict = is_between || !is_equal(&after, &model->now[key]);
	if (!verdict.is_conflict || wish->conflicts == UNDO_CONFLICTS_UNDO) {
		verdict.result = before;
		verdict.is_conflict = false;
	} else if (wish->conflicts == UNDO_CONFLICTS_MERGE) {
		verdict.is_conflict = !before.is_there || !after.is_there || !model->now[key].is_there ||
				      !merge_plainly(model, wish, key, before, model->now[key], &verdict.result);
		if (verdict.is_conflict)
			verdict.result = model->now[key];
	}
	return verdict;
}

static struct wish make_wish(uint64_t *random, int seconds)
{
	struct wish wish = { .from = (int)fixture_random_below(random, (uint64_t)seconds), .attribute_is = -1 };
	wish.to = wish.from + (int)fixture_random_below(random, (uint64_t)(seconds - wish.from) + 2);
	for (int i = 0; i < USERS; i++)
		wish.is_user[i] = fixture_random_below(random, 2);
	wish.is_user[fixture_random_below(random, USERS)] = true;
	if (fixture_random_below(random, 3) == 0)
		wish.attribute_is = 1 + (int)fixture_random_below(random, 3);
	if (fixture_random_below(random, 4) == 0)
		wish.ops = (1u + (unsigned)fixture_random_below(random, 7)) << 1;
	wish.conflicts = (enum undo_conflicts)fixture_random_below(random, 3);
	return wish;
}

static struct undo_counts undo_wish(struct fixture *f, const struct table *table, const struct wish *wish)
{
	char patterns[USERS][24], expression[24];
	const char *by[USERS];
	struct expression *where = NULL;
	struct undo_options options = { .from_us = AT(wish->from),
		.to_us = AT(wish->to),
		.by = by,
		.where = (const struct expression *const *)&where,
		.ops = wish->ops,
		.conflicts = wish->conflicts };
	for (int i = 0; i < USERS; i++) {
		if (!wish->is_user[i])
			continue;
		snprintf(patterns[i], sizeof(patterns[i]), "user=%s", users[i]);
		by[options.by_count++] = patterns[i];
	}
	if (wish->attribute_is >= 0) {
		snprintf(expression, sizeof(expression), "a = %d", wish->attribute_is);
		where = undoing_parse(expression);
		options.where_count = 1;
	}
	struct undo_counts counts = undoing_do(f, table, &options);
	expression_free(where);
	return counts;
}

static void assert_state(struct fixture *f, const struct table *table, const struct plain states[KEYS])
{
	struct store_txn *txn = fixture_read(f);
	struct snapshot live = snapshot_live(table->number);
	struct buffer key = BUFFER_INIT, item = BUFFER_INIT, wanted = BUFFER_INIT;
	for (unsigned k = 0; k < KEYS; k++) {
		char text[128];
		struct node node;
		snprintf(text, sizeof(text), "{'id':'k%u'}", k);
		fixture_key(table, text, &key);
		int r = snapshot_find(txn, &live, buffer_slice(&key), &node);
		assert_int_equal(r, states[k].is_there ? 0 : -ENOENT);
		if (r)
			continue;
		print_item(&states[k], k, text);
		fixture_item(text, &wanted);
		assert_int_equal(snapshot_content(txn, &live, node.number, &item), 0);
		fixture_require(slice_equal(buffer_slice(&item), buffer_slice(&wanted)), text, NULL);
	}
	store_abort(txn);
	buffer_free(&key);
	buffer_free(&item);
	buffer_free(&wanted);
}

static void one_random_history(struct fixture *f, unsigned number, uint64_t *random)
{
	static struct history_model model;
	struct table table;
	char name[32];
	snprintf(name, sizeof(name), "random-%u", number);
	model = (struct history_model){ 0 };
	clock_set(AT(number * 1000));
	fixture_create(f, name, NULL, &table);
	int second = (int)number * 1000, first = second;
	unsigned wanted = 10 + (unsigned)fixture_random_below(random, CHANGES - 10);
	while (model.count < wanted)
		change_at_random(f, &table, &model, ++second, random);
	struct wish wish = make_wish(random, second - first);
	wish.from += first;
	wish.to += first;
	struct undo_counts counts = undo_wish(f, &table, &wish);
	struct plain results[KEYS];
	unsigned changes = 0, conflicts = 0, unchanged = 0, done = 0;
	for (unsigned k = 0; k < KEYS; k++) {
		struct verdict verdict = judge(&model, &wish, k);
		bool is_same = is_equal(&verdict.result, &model.now[k]);
		results[k] = verdict.result;
		changes += verdict.changes;
		conflicts += verdict.is_conflict;
		unchanged += verdict.is_chosen && !verdict.is_conflict && is_same;
		done += !is_same;
	}
	assert_int_equal(counts.changes, changes);
	assert_int_equal(counts.conflicts, conflicts);
	assert_int_equal(counts.unchanged, unchanged);
	assert_int_equal(counts.brought_back + counts.reverted + counts.removed, done);
	assert_state(f, &table, results);
	table_free(&table);
}

static void does_as_a_plain_model(void **state)
{
	uint64_t seed = 20250301;
	const char *given = getenv("PITR_SEED");
	if (given)
		seed = strtoull(given, NULL, 10);
	for (unsigned i = 0; i < 25; i++)
		one_random_history(*state, i + 1, &seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(does_as_a_plain_model, open_store, close_store),
	};
	return cmocka_run_group_tests_name("undo of random histories", tests, NULL, NULL);
}
