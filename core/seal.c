#include "seal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "change_chain.h"
#include "hash.h"
#include "instant.h"
#include "json.h"
#include "layout.h"
#include "retention_state.h"
#include "state.h"
#include "table.h"

#define FORM "pitrfs 1"
#define TEXT_MAX_SIZE (256u << 20)

void seal_free(struct seal *seal)
{
	free(seal->tables);
	*seal = (struct seal){ 0 };
}

static struct seal_table *add_table(struct seal *seal)
{
	if ((seal->count & (seal->count - 1)) == 0) {
		size_t room = seal->count ? 2 * seal->count : 1;
		struct seal_table *more = realloc(seal->tables, room * sizeof(*more));
		if (!more)
			return NULL;
		seal->tables = more;
	}
	struct seal_table *table = &seal->tables[seal->count++];
	*table = (struct seal_table){ 0 };
	return table;
}

static void digest_tables(const struct seal *seal, struct chain *ret_digest)
{
	struct buffer line = BUFFER_INIT;
	struct hash hash;
	char head[CHAIN_TEXT_SIZE], time[INSTANT_TEXT_MAX];
	hash_begin(&hash);
	for (size_t i = 0; i < seal->count; i++) {
		const struct seal_table *table = &seal->tables[i];
		chain_text(&table->head, head);
		instant_format_z(table->time_us, time, sizeof(time));
		buffer_clear(&line);
		buffer_append_format(&line, "%s %llu %s %llu %s %s\n", table->id, (unsigned long long)table->seq, head,
			(unsigned long long)table->items, table->time_us ? time : "-", table->name);
		hash_add(&hash, buffer_slice(&line));
	}
	buffer_free(&line);
	hash_end(&hash, ret_digest->head);
}

/* --- making --- */

static int seal_one(struct store_txn *txn, const struct table *table, struct seal *seal)
{
	struct table_counters counters;
	struct chain head;
	int r = counters_read(txn, table->number, &counters);
	if (!r)
		r = chain_head_at(txn, table, counters.seq, &head);
	if (r)
		return r;
	struct seal_table *sealed = add_table(seal);
	if (!sealed)
		return -ENOMEM;
	sealed->table = table->number;
	strcpy(sealed->name, table->name);
	strcpy(sealed->id, table->id);
	sealed->seq = counters.seq;
	sealed->items = counters.items;
	sealed->time_us = counters.last_us;
	sealed->head = head;
	return 0;
}

/* The first table with at least this number that lives, or of which something is kept. */
static int next_table(struct store_txn *txn, uint64_t *place, uint32_t number, struct table *ret_table)
{
	uint32_t kept = number;
	uint64_t living = *place;
	int more = table_list(txn, TIME_NOW, &living, ret_table);
	int r = more < 0 ? more : retention_next_table(txn, &kept);
	bool is_kept_first = !r && (!more || kept < ret_table->number);
	if (more > 0 && ((r && r != -ENOENT) || is_kept_first))
		table_free(ret_table);
	if (r && r != -ENOENT)
		return r;
	if (is_kept_first)
		return table_load_last(txn, kept, ret_table);
	*place = more ? living : *place;
	return more ? 0 : -ENOENT;
}

static int seal_tables(struct store_txn *txn, struct seal *seal, struct error *error)
{
	struct table table;
	uint64_t place = 0;
	table_catalogue(&table);
	int r = seal_one(txn, &table, seal);
	if (r)
		return error_set(
			error, r, "seal the catalogue: %s", r == -EIO ? "its change log is damaged" : strerror(-r));
	for (uint32_t number = CATALOGUE + 1; !(r = next_table(txn, &place, number, &table));
		number = table.number + 1) {
		r = seal_one(txn, &table, seal);
		table_free(&table);
		if (r)
			return error_set(error, r, "seal table %s: %s", table.name,
				r == -EIO ? "its change log is damaged" : strerror(-r));
	}
	return r == -ENOENT ? 0 : error_set(error, r, "seal the store: %s", strerror(-r));
}

int seal_make(struct history *history, struct store_txn *txn, struct seal *ret_seal, struct error *error)
{
	*ret_seal = (struct seal){ .time_us = history_now(history, txn) };
	strcpy(ret_seal->store, history_id(history));
	int r = seal_tables(txn, ret_seal, error);
	if (r)
		seal_free(ret_seal);
	else
		digest_tables(ret_seal, &ret_seal->digest);
	return r;
}

/* --- text --- */

static void append_time(struct buffer *out, int64_t time_us)
{
	char text[INSTANT_TEXT_MAX];
	instant_format_z(time_us, text, sizeof(text));
	buffer_append_format(out, ",\"Time\":\"%s\"", text);
}

static void append_table(const struct seal_table *table, struct buffer *out)
{
	char head[CHAIN_TEXT_SIZE];
	chain_text(&table->head, head);
	buffer_append_text(out, " {\"Table\":");
	json_append_string(out, slice_of_text(table->name));
	buffer_append_format(
		out, ",\"TableId\":\"%s\",\"SequenceNumber\":%llu", table->id, (unsigned long long)table->seq);
	if (table->time_us)
		append_time(out, table->time_us);
	buffer_append_format(out, ",\"Items\":%llu,\"Head\":\"%s\"}", (unsigned long long)table->items, head);
}

int seal_append_text(const struct seal *seal, struct buffer *out)
{
	char digest[CHAIN_TEXT_SIZE];
	chain_text(&seal->digest, digest);
	buffer_append_format(out, "{\"Seal\":\"" FORM "\",\"Store\":\"%s\"", seal->store);
	append_time(out, seal->time_us);
	buffer_append_text(out, ",\"Tables\":[\n");
	for (size_t i = 0; i < seal->count; i++) {
		append_table(&seal->tables[i], out);
		buffer_append_text(out, i + 1 < seal->count ? ",\n" : "\n");
	}
	buffer_append_format(out, "],\"Digest\":\"%s\"}\n", digest);
	return buffer_error(out);
}

/* --- parsing --- */

static int refuse(struct error *error, const char *what)
{
	return error_set(error, -EINVAL, "this is no seal: %s", what);
}

static bool read_text(const struct json *node, const char *name, char *ret_text, size_t size)
{
	struct slice text;
	if (!json_get_text(node, name, &text) || text.size >= size || memchr(text.data, 0, text.size))
		return false;
	memcpy(ret_text, text.data, text.size);
	ret_text[text.size] = '\0';
	return true;
}

static bool read_count(const struct json *node, const char *name, uint64_t *ret_count)
{
	int64_t count;
	bool is_good = json_get_i64(node, name, &count) && count >= 0;
	*ret_count = is_good ? (uint64_t)count : 0;
	return is_good;
}

static bool read_head(const struct json *node, const char *name, struct chain *ret_chain)
{
	struct slice text;
	return json_get_text(node, name, &text) && chain_parse(text, ret_chain) == 0;
}

static bool read_time(const struct json *node, int64_t *ret_time_us)
{
	struct slice text;
	struct instant instant;
	*ret_time_us = 0;
	if (!json_member(node, "Time"))
		return true;
	if (!json_get_text(node, "Time", &text) || instant_parse(text, NULL, &instant, NULL) ||
		instant.kind != INSTANT_AT)
		return false;
	*ret_time_us = instant.time_us;
	return true;
}

static int read_table(const struct json *node, struct seal *seal, struct error *error)
{
	struct seal_table *table = add_table(seal);
	if (!table)
		return error_set(error, -ENOMEM, "read the seal: out of memory");
	if (!read_text(node, "Table", table->name, sizeof(table->name)) ||
		!read_text(node, "TableId", table->id, sizeof(table->id)))
		return refuse(error, "a table has no name or TableId");
	if (!read_count(node, "SequenceNumber", &table->seq) || table->seq > SEQ_MAX ||
		!read_count(node, "Items", &table->items) || !read_time(node, &table->time_us) ||
		!read_head(node, "Head", &table->head))
		return error_set(error, -EINVAL,
			"this is no seal: of table %s the SequenceNumber, Time, Items or Head is missing or wrong",
			table->name);
	return 0;
}

static int read_seal(const struct json *root, struct seal *seal, struct error *error)
{
	char form[sizeof(FORM)];
	if (json_type(root) != JSON_OBJECT || !json_member(root, "Seal"))
		return refuse(error, "it has no member Seal; make one with: pitr seal");
	if (!read_text(root, "Seal", form, sizeof(form)) || strcmp(form, FORM) != 0)
		return refuse(error, "it is of another version; this program reads \"" FORM "\"");
	const struct json *tables = json_member(root, "Tables");
	if (!read_text(root, "Store", seal->store, sizeof(seal->store)) || !read_time(root, &seal->time_us) ||
		!tables || json_type(tables) != JSON_ARRAY || !read_head(root, "Digest", &seal->digest))
		return refuse(error, "Store, Time, Tables or Digest is missing or wrong");
	for (const struct json *node = json_first(tables); node; node = json_next(node)) {
		int r = read_table(node, seal, error);
		if (r)
			return r;
	}
	return 0;
}

int seal_parse(struct slice text, struct seal *ret_seal, struct error *error)
{
	static const struct json_limits limits = { .max_size = TEXT_MAX_SIZE, .max_depth = 100 };
	struct json *root;
	struct chain digest;
	*ret_seal = (struct seal){ 0 };
	int r = json_parse(text, &limits, &root, error);
	if (r)
		return r;
	r = read_seal(root, ret_seal, error);
	json_free(root);
	if (!r) {
		digest_tables(ret_seal, &digest);
		if (memcmp(&digest, &ret_seal->digest, sizeof(digest)) != 0)
			r = error_set(error, -EINVAL,
				"this seal has been altered: its digest is not of its tables; take another copy of it");
	}
	if (r)
		seal_free(ret_seal);
	return r;
}
