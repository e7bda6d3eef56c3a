/* The records of the store itself and of its tables in META, and authors; and records of tables that are not there. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "author.h"
#include "hash.h"
#include "news.h"
#include "pin.h"
#include "retention_state.h"
#include "verify_parts.h"

static const struct verify_about of_store = { .part = "store" };

/* --- META --- */

static const struct {
	char kind;
	bool is_by_table;
	const char *what;
} kinds[] = {
	{ 'f', false, "the store's format and identity" },
	{ 's', false, "the store's counters" },
	{ 't', true, "a table's counters" },
	{ 'c', false, "the news of a commit" },
	{ 'j', false, "how far a writer's journal was worked off" },
	{ 'b', true, "since when an imported table exists" },
	{ 'd', false, "the settings of new tables" },
	{ 'l', true, "what a table was restored from" },
	{ 'p', true, "a backup, hold or restored table" },
	{ 'q', false, "the number of the last backup or hold" },
	{ 'g', true, "how far a table's retention is" },
	{ 'h', false, "how far the store's retention is" },
	{ 'r', true, "how far a restore is" },
	{ 'x', true, "a drill's temporary table" },
};

struct meta {
	struct verify *verify;
	uint64_t pin_number; /* the greatest */
	bool has_format, has_state, has_tables, is_damaged;
};

/* 1: the catalogue has or had it. */
static int is_known(struct verify *verify, uint32_t table)
{
	struct node node;
	int r = table == CATALOGUE ? 0 : node_read(verify->txn, CATALOGUE, table, SEQ_MAX, &node, NULL);
	return r == -ENOENT ? 0 : r && !verify_is_damage(r) ? r : 1;
}

static int check_owner(struct meta *meta, uint32_t table, const char *what)
{
	int r = is_known(meta->verify, table);
	return r == 1  ? 0
	       : r < 0 ? r
		       : verify_tell(meta->verify, of_store,
				 "a record (%s) is of table number %" PRIu32 ", which there never was", what, table);
}

static int check_meta(struct meta *meta, const struct verify_walk *walk)
{
	size_t i = 0;
	char kind = (char)walk->key.data[0];
	if (kind == 'u')
		return 0; /* the census */
	while (i < sizeof(kinds) / sizeof(kinds[0]) && kinds[i].kind != kind)
		i++;
	if (i == sizeof(kinds) / sizeof(kinds[0]))
		return verify_tell(meta->verify, of_store,
			"a record of an unknown kind (byte %u) is not of this version", (unsigned)walk->key.data[0]);
	meta->has_format |= kind == 'f';
	meta->has_state |= kind == 's';
	meta->has_tables |= kind == 't';
	meta->is_damaged |= walk->is_damaged;
	uint32_t table = (uint32_t)(kind == 'p' ? verify_key_number(walk->key, 1, 4)
						: verify_key_number(walk->key, 1, (unsigned)walk->key.size - 1));
	if (kind == 'p' && walk->key.size >= 6) {
		uint64_t number = verify_key_number(walk->key, walk->key.size - 6, 6);
		meta->pin_number = number > meta->pin_number ? number : meta->pin_number;
	}
	if (!walk->is_damaged)
		return kinds[i].is_by_table ? check_owner(meta, table, kinds[i].what) : 0;
	return kinds[i].is_by_table
		       ? verify_tell(meta->verify, of_store, "a record (%s, of table number %" PRIu32 ") is damaged",
				 kinds[i].what, table)
		       : verify_tell(meta->verify, of_store, "a record (%s) is damaged", kinds[i].what);
}

/* Every commit leaves a note, for as long as the one WATCH_COMMITS later has not taken its place. */
static int check_news(struct meta *meta)
{
	struct verify *verify = meta->verify;
	uint64_t last = verify->state.commits, first = last >= WATCH_COMMITS ? last - WATCH_COMMITS + 1 : 1;
	int r = 0;
	for (uint64_t commit = first; commit <= last && !r; commit++) {
		struct reader note;
		struct news_range range = { 0 };
		r = news_read(verify->txn, commit, &note);
		if (!r && (r = news_next_range(&note, &range)) >= 0)
			r = 0;
		if (r && verify_is_damage(r))
			r = verify_tell(verify, of_store,
				"the news of commit %" PRIu64
				" are missing or another's: mounts forgot all they knew then",
				commit);
	}
	return r;
}

static int check_pin_number(struct meta *meta)
{
	struct layout_key key = layout_meta('q');
	struct slice value;
	int r = store_get(meta->verify->txn, STORE_META, layout_slice(&key), &value);
	struct reader reader = reader_of(r ? (struct slice){ 0 } : value);
	uint64_t last = r ? 0 : reader_varint(&reader);
	if (r && !verify_is_damage(r))
		return r;
	return r == -EIO || last >= meta->pin_number
		       ? 0
		       : verify_tell(meta->verify, of_store,
				 "a backup or hold has number %" PRIu64 ", but only %" PRIu64 " were given",
				 meta->pin_number, last);
}

int verify_meta(struct verify *verify)
{
	struct meta meta = { .verify = verify };
	struct verify_walk walk;
	struct layout_key all = { .size = 0 }, first = { .bytes = { 1 }, .size = 1 };
	int r = verify_walk_begin(&walk, verify, STORE_META, all);
	walk.from = first;
	while (!r && (r = verify_walk_next(&walk)) == 1)
		r = check_meta(&meta, &walk);
	verify_walk_end(&walk);
	if (r == -EIO)
		r = verify_tell(verify, of_store, "the store's own records cannot be read on: a page of it is damaged");
	if (!r && !meta.has_format)
		r = verify_tell(verify, of_store, "the record of the store's format is missing: it cannot be opened");
	if (!r && !meta.has_state && meta.has_tables)
		r = verify_tell(verify, of_store, "the store's counters are missing: times of changes can repeat");
	if (!r)
		r = check_news(&meta);
	if (!r)
		r = check_pin_number(&meta);
	if (r || meta.is_damaged)
		return r;
	r = store_check_census(verify->txn);
	return !verify_is_damage(r)
		       ? r
		       : verify_tell(verify, of_store,
				 "the records of the store and its tables are not, as a whole, those that were "
				 "written: one was taken away, added, or is an older one (settings, backups, "
				 "retention)");
}

/* --- authors --- */

static int check_author(struct verify *verify, const struct verify_walk *walk, uint64_t *count)
{
	struct verify_about about = { .part = "authors" };
	bool is_text = walk->key.data[0] == 'i';
	uint64_t number = is_text ? verify_key_number(walk->key, 1, 6) : 0;
	uint8_t hash[16];
	struct slice value, text = walk->value;
	struct reader reader = reader_of(walk->value);
	int r = 0;
	if (walk->is_damaged)
		return verify_tell(verify, about,
			is_text ? "the record of author %" PRIu64 " is damaged: who made those changes is not known"
				: "a record that finds an author (%" PRIu64 ") is damaged: it cannot be used again",
			number);
	*count += is_text;
	if (!is_text)
		r = author_text(verify->txn, reader_varint(&reader), &text);
	hash_strong(r ? (struct slice){ 0 } : text, hash);
	struct layout_key by_hash = layout_author_hash(hash);
	if (!r && is_text)
		r = store_get(verify->txn, STORE_AUTHORS, layout_slice(&by_hash), &value);
	if (!r && is_text) {
		reader = reader_of(value);
		r = reader_varint(&reader) == number ? 0 : -EIO;
	} else if (!r) {
		r = slice_equal(layout_slice(&by_hash), walk->key) ? 0 : -EIO;
	}
	return !verify_is_damage(r) ? r
				    : verify_tell(verify, about,
					      is_text ? "author %" PRIu64 " is not found by its text, or as another"
						      : "the hash of an author's text (%" PRIu64
							") leads to no author, or to another",
					      number);
}

int verify_authors(struct verify *verify)
{
	struct verify_about about = { .part = "authors" };
	struct layout_key all = { .size = 0 }, first = { .bytes = { 1 }, .size = 1 };
	struct verify_walk walk;
	uint64_t count = 0, before = verify->counts.findings;
	int r = verify_walk_begin(&walk, verify, STORE_AUTHORS, all);
	walk.from = first;
	while (!r && (r = verify_walk_next(&walk)) == 1)
		r = check_author(verify, &walk, &count);
	verify_walk_end(&walk);
	if (r == -EIO)
		r = verify_tell(verify, about, "authors cannot be read on: a page of the store is damaged");
	if (r || verify->counts.findings != before || count == verify->state.authors)
		return r;
	return verify_tell(verify, about, "%" PRIu64 " authors were noted, and %" PRIu64 " are there",
		verify->state.authors, count);
}

/* --- strays --- */

static int check_strays(struct verify *verify, enum store_space space)
{
	for (uint32_t table = CATALOGUE, found; table < TABLE_NUMBER_MAX; table = found) {
		struct layout_key from = layout_log_prefix(table + 1);
		struct slice key = { 0 }, value;
		int r = store_seek(verify->txn, space, layout_slice(&from), &key, &value);
		if (r && !(r == -EIO && key.size))
			return verify_is_damage(r) ? 0 : r; /* told with the table */
		/* A damaged key can stand in a wrong place. */
		found = (uint32_t)verify_key_number(key, 0, 4);
		found = found > table ? found : table + 1;
		int known = is_known(verify, found);
		if (known == 0)
			known = verify_tell(verify, of_store,
				"there are records of table number %" PRIu32
				", which there never was, or whose place in the catalogue is lost",
				found);
		if (known < 0)
			return known;
	}
	return 0;
}

int verify_strays(struct verify *verify)
{
	static const enum store_space spaces[] = { STORE_VERSIONS, STORE_INDEX, STORE_ROSTER, STORE_LOG };
	int r = 0;
	for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]) && !r; i++)
		r = check_strays(verify, spaces[i]);
	return r;
}
