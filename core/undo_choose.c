/* The changes of the window are sorted twice: by key and number, which brings those of a key together however many
 * lives it had, and then, one record for each key, by the first chosen change.
 *
 *   change record := 16 bytes hash of the key | u64 big-endian: number of the change, times two, plus one if chosen
 *   group record  := five u64 big-endian: struct undo_group
 *   steps         := the second half of change records, one behind the other */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "author.h"
#include "author_match.h"
#include "hash.h"
#include "node.h"
#include "sorter.h"
#include "spool.h"
#include "undo_parts.h"

#define KNOWN_AUTHORS 64
#define STEPS_AT_ONCE 512

struct change_record {
	uint8_t hash[16], step[8];
};

struct group_record {
	uint8_t fields[5][8];
};

struct undo_choice {
	struct sorter *changes, *groups;
	struct spool *steps; /* NULL: nobody asks for them */
	uint8_t waiting[STEPS_AT_ONCE][8];
	size_t waiting_count;
	uint64_t step_count;
};

/* What it takes to tell whether a change is chosen. */
struct chooser {
	struct store_txn *txn;
	const struct table *table;
	const struct undo_options *options;
	struct buffer before, after;
	struct {
		uint64_t number; /* plus one; 0: none */
		bool is_matching;
	} authors[KNOWN_AUTHORS];
};

static void put_u64(uint8_t bytes[8], uint64_t value)
{
	for (int i = 8; i-- > 0; value >>= 8)
		bytes[i] = (uint8_t)value;
}

static uint64_t get_u64(const uint8_t bytes[8])
{
	uint64_t value = 0;
	for (int i = 0; i < 8; i++)
		value = value << 8 | bytes[i];
	return value;
}

/* --- Is a change chosen? -------------------------------------------------------------------------------------------- */

static int matches_any(struct chooser *chooser, uint64_t author)
{
	struct slice text;
	int r = author_text(chooser->txn, author, &text);
	if (r == -ENOENT)
		text = slice_of_text("{}");
	else if (r)
		return r;
	for (size_t i = 0; i < chooser->options->by_count; i++) {
		r = author_matches(text, chooser->options->by[i]);
		if (r)
			return r;
	}
	return 0;
}

static int is_by(struct chooser *chooser, uint64_t author)
{
	if (!chooser->options->by_count)
		return 1;
	size_t place = author % KNOWN_AUTHORS;
	if (chooser->authors[place].number != author + 1) {
		int r = matches_any(chooser, author);
		if (r < 0)
			return r;
		chooser->authors[place].number = author + 1;
		chooser->authors[place].is_matching = r;
	}
	return chooser->authors[place].is_matching;
}

static int content_at(struct chooser *chooser, uint64_t number, uint64_t seq, struct buffer *out)
{
	struct snapshot snapshot = { .table = chooser->table->number, .seq = seq };
	return snapshot_content(chooser->txn, &snapshot, number, out);
}

/* Does every expression hold for the item before or after the change? */
static int is_where(struct chooser *chooser, const struct log_entry *entry)
{
	const struct undo_options *options = chooser->options;
	int r = 0, holds = 1;
	if (!options->where_count)
		return 1;
	buffer_clear(&chooser->before);
	buffer_clear(&chooser->after);
	if (entry->op != CHANGE_INSERT)
		r = content_at(chooser, entry->number, entry->seq - 1, &chooser->before);
	if (!r && entry->op != CHANGE_REMOVE)
		r = content_at(chooser, entry->number, entry->seq, &chooser->after);
	for (size_t i = 0; i < options->where_count && !r && holds; i++) {
		holds = entry->op == CHANGE_INSERT
				? 0
				: expression_holds(options->where[i], buffer_slice(&chooser->before));
		if (!holds && entry->op != CHANGE_REMOVE)
			holds = expression_holds(options->where[i], buffer_slice(&chooser->after));
		if (holds < 0)
			r = holds;
	}
	return r ? r : holds;
}

static int is_chosen(struct chooser *chooser, const struct log_entry *entry)
{
	if (chooser->options->ops && !(chooser->options->ops & 1u << entry->op))
		return 0;
	int r = is_by(chooser, entry->author);
	return r == 1 ? is_where(chooser, entry) : r;
}

/* --- Bringing them together ----------------------------------------------------------------------------------------- */

static int add_change(struct undo_choice *choice, struct chooser *chooser, const struct log_entry *entry, bool chosen)
{
	struct snapshot snapshot = { .table = chooser->table->number,
		.seq = entry->op == CHANGE_REMOVE ? entry->seq - 1 : entry->seq };
	struct change_record record;
	struct node node;
	int r = snapshot_node(chooser->txn, &snapshot, entry->number, &node);
	if (r)
		return r;
	hash_strong(node.encoded_key, record.hash);
	put_u64(record.step, entry->seq << 1 | chosen);
	return sorter_add(choice->changes, &record);
}

static int gather(
	struct undo_choice *choice, struct chooser *chooser, const struct undo_window *window, uint64_t *ret_changes)
{
	struct log_walk walk;
	struct log_entry entry;
	int r = log_walk_begin(&walk, chooser->txn, chooser->table->number, window->first);
	*ret_changes = 0;
	while (!r && (r = log_walk_next(&walk, &entry)) == 1 && entry.seq <= window->last) {
		int chosen = is_chosen(chooser, &entry);
		r = chosen < 0 ? chosen : add_change(choice, chooser, &entry, chosen);
		*ret_changes += chosen > 0;
	}
	return r < 0 ? r : 0;
}

static int write_steps(struct undo_choice *choice)
{
	int r = spool_write(choice->steps, spool_size(choice->steps), choice->waiting,
		choice->waiting_count * sizeof(*choice->waiting));
	if (!r)
		choice->waiting_count = 0;
	return r;
}

static int add_step(struct undo_choice *choice, const uint8_t step[8])
{
	choice->step_count++;
	if (!choice->steps)
		return 0;
	memcpy(choice->waiting[choice->waiting_count++], step, 8);
	return choice->waiting_count == STEPS_AT_ONCE ? write_steps(choice) : 0;
}

static int add_group(struct undo_choice *choice, const struct undo_group *group)
{
	struct group_record record = { 0 };
	if (!group->first_seq)
		return 0;
	put_u64(record.fields[0], group->first_seq);
	put_u64(record.fields[1], group->last_seq);
	put_u64(record.fields[2], group->foreign_seq);
	put_u64(record.fields[3], group->steps);
	put_u64(record.fields[4], group->step_count);
	return sorter_add(choice->groups, &record);
}

/* `last_foreign` is the last change so far that was not chosen: it lies between if a chosen one follows. */
static void join(struct undo_group *group, uint64_t *last_foreign, uint64_t step)
{
	uint64_t seq = step >> 1;
	group->step_count++;
	if (!(step & 1)) {
		*last_foreign = group->first_seq ? seq : 0;
		return;
	}
	if (!group->first_seq)
		group->first_seq = seq;
	group->last_seq = seq;
	group->foreign_seq = *last_foreign;
}

static int group_by_key(struct undo_choice *choice)
{
	struct change_record record, former = { 0 };
	struct undo_group group = { 0 };
	uint64_t last_foreign = 0;
	int r;
	while ((r = sorter_next(choice->changes, &record)) == 1) {
		if (memcmp(record.hash, former.hash, sizeof(record.hash)) != 0) {
			r = add_group(choice, &group);
			group = (struct undo_group){ .steps = choice->step_count };
			last_foreign = 0;
		}
		if (r >= 0)
			r = add_step(choice, record.step);
		if (r < 0)
			return r;
		join(&group, &last_foreign, get_u64(record.step));
		former = record;
	}
	if (!r)
		r = add_group(choice, &group);
	return r || !choice->steps ? r : write_steps(choice);
}

static int begin(struct history *history, const struct undo_options *options, struct undo_choice **ret_choice)
{
	/* Nothing is written into a store that is only read. */
	const char *directory = history_is_read_only(history) ? P_tmpdir : history_directory(history);
	struct undo_choice *choice = calloc(1, sizeof(*choice));
	if (!choice)
		return -ENOMEM;
	*ret_choice = choice;
	int r = sorter_new(directory, sizeof(struct change_record), &choice->changes);
	if (!r)
		r = sorter_new(directory, sizeof(struct group_record), &choice->groups);
	if (!r && options->conflicts == UNDO_CONFLICTS_MERGE)
		r = spool_new(directory, &choice->steps);
	return r;
}

int undo_choose(struct history *history, struct store_txn *txn, const struct table *table,
	const struct undo_options *options, const struct undo_window *window, uint64_t *ret_changes,
	struct undo_choice **ret_choice)
{
	struct chooser *chooser = calloc(1, sizeof(*chooser));
	struct undo_choice *choice = NULL;
	int r = chooser ? begin(history, options, &choice) : -ENOMEM;
	if (!r) {
		chooser->txn = txn;
		chooser->table = table;
		chooser->options = options;
		r = gather(choice, chooser, window, ret_changes);
		buffer_free(&chooser->before);
		buffer_free(&chooser->after);
	}
	free(chooser);
	if (!r)
		r = group_by_key(choice);
	if (choice) {
		sorter_free(choice->changes);
		choice->changes = NULL;
	}
	if (r) {
		undo_choice_free(choice);
		return r;
	}
	*ret_choice = choice;
	return 0;
}

void undo_choice_free(struct undo_choice *choice)
{
	if (!choice)
		return;
	sorter_free(choice->changes);
	sorter_free(choice->groups);
	spool_free(choice->steps);
	free(choice);
}

int undo_choice_next(struct undo_choice *choice, struct undo_group *ret_group)
{
	struct group_record record;
	int r = sorter_next(choice->groups, &record);
	if (r == 1)
		*ret_group = (struct undo_group){ get_u64(record.fields[0]), get_u64(record.fields[1]),
			get_u64(record.fields[2]), get_u64(record.fields[3]), get_u64(record.fields[4]) };
	return r;
}

int undo_choice_step(const struct undo_choice *choice, const struct undo_group *group, uint64_t i, uint64_t *ret_seq,
	bool *ret_is_chosen)
{
	uint8_t step[8];
	ssize_t got = spool_read(choice->steps, (group->steps + i) * sizeof(step), step, sizeof(step));
	if (got != (ssize_t)sizeof(step))
		return got < 0 ? (int)got : -EIO;
	*ret_seq = get_u64(step) >> 1;
	*ret_is_chosen = get_u64(step) & 1;
	return 0;
}
