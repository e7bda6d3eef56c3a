#include "model.h"

#include <stdlib.h>
#include <string.h>

#include "fixture.h"

enum undo_kind { UNDO_CREATE, UNDO_DROP, UNDO_CHANGE };

struct model_undo {
	enum undo_kind kind;
	struct model_table *table;
};

/* Room for one more. */
static void *grow(void *array, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return array;
	*room = *room ? 2 * *room : 8;
	array = realloc(array, *room * size);
	fixture_require(array != NULL, "out of memory for the model", NULL);
	return array;
}

static void note(struct model *model, enum undo_kind kind, struct model_table *table)
{
	model->undo = grow(model->undo, model->undo_count, &model->undo_room, sizeof(*model->undo));
	model->undo[model->undo_count++] = (struct model_undo){ kind, table };
}

static void free_table(struct model_table *table)
{
	for (size_t k = 0; k < MODEL_KEYS; k++) {
		for (size_t i = 0; i < table->keys[k].count; i++)
			buffer_free(&table->keys[k].versions[i].item);
		free(table->keys[k].versions);
		buffer_free(&table->keys[k].encoded);
	}
	for (size_t p = 0; p < MODEL_KEYS / MODEL_SORTS; p++) {
		free(table->partitions[p].lives);
		buffer_free(&table->partitions[p].encoded);
	}
	free(table->changes);
	table_free(&table->table);
	free(table);
}

void model_free(struct model *model)
{
	for (size_t i = 0; i < model->count; i++)
		free_table(model->tables[i]);
	free(model->tables);
	free(model->undo);
	*model = (struct model){ 0 };
}

struct model_table *model_create(
	struct model *model, const struct table *table, bool is_import, int64_t begin_us, int64_t change_us)
{
	struct model_table *made = calloc(1, sizeof(*made));
	fixture_require(made != NULL, "out of memory for the model", NULL);
	made->table = *table;
	made->is_import = is_import;
	made->begin_us = begin_us;
	made->end_us = INT64_MAX;
	model->tables = grow(model->tables, model->count, &model->room, sizeof(struct model_table *));
	model->tables[model->count++] = made;
	model->last_us = change_us;
	note(model, UNDO_CREATE, made);
	return made;
}

static void restore_key(const struct model_key *from, uint64_t seq, struct model_key *key)
{
	size_t count = 0;
	while (count < from->count && from->versions[count].seq <= seq)
		count++;
	if (!count)
		return;
	const struct model_version *last = &from->versions[count - 1];
	key->versions = grow(key->versions, key->count, &key->room, sizeof(*key->versions));
	key->versions[key->count++] = *last;
	key->versions[0].item = BUFFER_INIT;
	buffer_append_slice(&key->versions[0].item, buffer_slice(&last->item));
	buffer_append_slice(&key->encoded, buffer_slice(&from->encoded));
}

static void restore_partition(struct model_table *table, unsigned p, const struct model_life *life)
{
	struct model_partition *partition = &table->partitions[p];
	partition->lives = grow(partition->lives, partition->count, &partition->room, sizeof(*partition->lives));
	partition->lives[partition->count++] = (struct model_life){ life->begin, UINT64_MAX };
	for (unsigned k = p * MODEL_SORTS; k < (p + 1) * MODEL_SORTS; k++)
		partition->alive += model_find(table, k, SEQ_MAX) != NULL;
}

struct model_table *model_restore(
	struct model *model, const struct table *table, const struct model_table *from, uint64_t seq, int64_t time_us)
{
	struct model_table *made = model_create(model, table, false, time_us, time_us);
	made->base = seq;
	model_totals(from, seq, &made->base_items, &made->base_bytes);
	for (unsigned k = 0; k < MODEL_KEYS; k++)
		restore_key(&from->keys[k], seq, &made->keys[k]);
	for (unsigned p = 0; p < MODEL_KEYS / MODEL_SORTS; p++) {
		const struct model_life *life = model_partition(from, p, seq);
		if (life)
			restore_partition(made, p, life);
	}
	return made;
}

void model_drop(struct model *model, struct model_table *table, int64_t time_us)
{
	table->end_us = time_us;
	model->last_us = time_us;
	note(model, UNDO_DROP, table);
}

static void begin_in_partition(struct model_partition *partition, uint64_t seq)
{
	if (partition->alive++)
		return;
	partition->lives = grow(partition->lives, partition->count, &partition->room, sizeof(*partition->lives));
	partition->lives[partition->count++] = (struct model_life){ seq, UINT64_MAX };
}

static void end_in_partition(struct model_partition *partition, uint64_t seq)
{
	if (!--partition->alive)
		partition->lives[partition->count - 1].end = seq;
}

void model_change(struct model *model, struct model_table *table, unsigned k, struct slice encoded_key,
	struct slice item, const struct log_entry *entry)
{
	struct model_key *key = &table->keys[k];
	struct model_partition *partition = &table->partitions[k / MODEL_SORTS];
	const struct model_version *last = model_last(table, k);
	uint64_t birth = entry->op == CHANGE_INSERT ? entry->seq : last->birth;
	if (!key->encoded.size)
		buffer_append_slice(&key->encoded, encoded_key);
	key->versions = grow(key->versions, key->count, &key->room, sizeof(*key->versions));
	struct model_version *version = &key->versions[key->count++];
	*version = (struct model_version){ entry->seq, entry->number, birth, entry->time_us, !item.size, BUFFER_INIT };
	buffer_append_slice(&version->item, item);
	if (table->table.schema.has_sort && entry->op == CHANGE_INSERT)
		begin_in_partition(partition, entry->seq);
	if (table->table.schema.has_sort && entry->op == CHANGE_REMOVE)
		end_in_partition(partition, entry->seq);
	table->changes = grow(table->changes, table->count, &table->room, sizeof(*table->changes));
	table->changes[table->count++] = (struct model_change){ *entry, k };
	if (entry->time_us > model->last_us)
		model->last_us = entry->time_us;
	note(model, UNDO_CHANGE, table);
}

static void undo_change(struct model_table *table)
{
	const struct model_change *change = &table->changes[--table->count];
	struct model_key *key = &table->keys[change->key];
	struct model_partition *partition = &table->partitions[change->key / MODEL_SORTS];
	buffer_free(&key->versions[--key->count].item);
	if (!table->table.schema.has_sort)
		return;
	if (change->entry.op == CHANGE_INSERT && !--partition->alive)
		partition->count--;
	if (change->entry.op == CHANGE_REMOVE && !partition->alive++)
		partition->lives[partition->count - 1].end = UINT64_MAX;
}

void model_commit(struct model *model)
{
	while (model->undo_count) {
		struct model_table *table = model->undo[--model->undo_count].table;
		table->committed = table->count;
	}
}

void model_abort(struct model *model, int64_t last_us)
{
	while (model->undo_count) {
		struct model_undo *undo = &model->undo[--model->undo_count];
		if (undo->kind == UNDO_CREATE)
			free_table(model->tables[--model->count]);
		else if (undo->kind == UNDO_DROP)
			undo->table->end_us = INT64_MAX;
		else
			undo_change(undo->table);
	}
	model->last_us = last_us;
}

const struct model_version *model_find(const struct model_table *table, unsigned key, uint64_t seq)
{
	const struct model_version *found = NULL;
	for (size_t i = 0; i < table->keys[key].count && table->keys[key].versions[i].seq <= seq; i++)
		found = &table->keys[key].versions[i];
	return found && !found->is_removal ? found : NULL;
}

const struct model_version *model_last(const struct model_table *table, unsigned key)
{
	size_t count = table->keys[key].count;
	return count ? &table->keys[key].versions[count - 1] : NULL;
}

uint64_t model_seq_at(const struct model_table *table, int64_t time_us)
{
	uint64_t seq = table->base;
	for (size_t i = 0; i < table->count && table->changes[i].entry.time_us <= time_us; i++)
		seq = table->changes[i].entry.seq;
	return seq;
}

uint64_t model_last_seq(const struct model_table *table)
{
	return table->base + table->count;
}

void model_totals(const struct model_table *table, uint64_t seq, uint64_t *ret_items, uint64_t *ret_bytes)
{
	uint64_t last = seq < model_last_seq(table) ? seq : model_last_seq(table);
	bool is_changed = last > table->base;
	*ret_items = is_changed ? table->changes[last - table->base - 1].entry.items : table->base_items;
	*ret_bytes = is_changed ? table->changes[last - table->base - 1].entry.bytes : table->base_bytes;
}

const struct model_life *model_partition(const struct model_table *table, unsigned partition, uint64_t seq)
{
	const struct model_partition *p = &table->partitions[partition];
	for (size_t i = 0; i < p->count; i++)
		if (p->lives[i].begin <= seq && seq < p->lives[i].end)
			return &p->lives[i];
	return NULL;
}
