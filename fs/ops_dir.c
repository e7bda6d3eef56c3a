/* opendir, readdir, readdirplus, fsyncdir: listings that hold nothing between messages, since the place of an entry in
 * its directory never changes.
 *
 *   cookie 1, 2, 3      ".", "..", ".table.json" (in the root: "restore")
 *          16 + n       after n slots of the store's directory (or tables, places of a branch, kept files)
 *          2^62 + id    private entries, in the order they were made */
#include "ops.h"

#include <errno.h>
#include <stdlib.h>

#include "attr.h"
#include "attree.h"
#include "commit.h"
#include "loop.h"
#include "overtaken.h"
#include "resolve.h"
#include "target.h"

#define COOKIE_SELF 1
#define COOKIE_ABOVE 2
#define COOKIE_TABLE_FILE 3
#define COOKIE_RESTORE 3
#define COOKIE_NODES UINT64_C(16)
#define COOKIE_PRIVATE (UINT64_C(1) << 62)

struct listing {
	struct mount *mount;
	fuse_req_t req;
	struct store_txn *txn;
	struct target directory;
	bool is_plus, is_full;
	uint64_t offset;       /* the cookie to go on after */
	uint64_t last;         /* that of the last entry */
	struct buffer entries; /* never more than its capacity */
	/* References the kernel gets: to nodes of the directory's own view, counted together at the end; and to others (uint64_t each), counted
	 * at once, for their slots could be given away before the end of a long listing. */
	uint32_t slot;
	int64_t in_slot;
	struct buffer referred;
};

static void refer(struct listing *listing, uint64_t nodeid)
{
	if (listing->slot != 0 && nodeid_slot(nodeid) == listing->slot) {
		listing->in_slot++;
		return;
	}
	buffer_append_u64(&listing->referred, nodeid);
	if (!listing->referred.is_out_of_memory)
		attr_count(listing->mount, nodeid, 1);
}

/* The kernel didn't get the entries. */
static void unrefer(struct listing *listing)
{
	struct reader reader = reader_of(buffer_slice(&listing->referred));

	while (reader_left(&reader) > 0)
		attr_count(listing->mount, reader_u64(&reader), -1);
}

/* False: it did not fit any more. */
static bool add(struct listing *listing, const char *name, const struct fuse_entry_param *entry, uint64_t cookie)
{
	struct buffer *out = &listing->entries;
	size_t room = out->capacity - out->size, size;
	char *at = (char *)out->data + out->size;

	size = listing->is_plus ? fuse_add_direntry_plus(listing->req, at, room, name, entry, (off_t)cookie)
				: fuse_add_direntry(listing->req, at, room, name, &entry->attr, (off_t)cookie);
	listing->is_full = size > room;
	if (listing->is_full)
		return false;
	out->size += size;
	listing->last = cookie;
	if (listing->is_plus && entry->ino != 0)
		refer(listing, entry->ino);
	return true;
}

/* "." and ".." have no attributes here: the kernel knows both directories. */
static void add_dots(struct listing *listing)
{
	struct fuse_entry_param entry = { 0 };
	struct stat self;

	entry.attr.st_mode = S_IFDIR;
	if (attr_of_target(listing->mount, listing->txn, &listing->directory, &self) == 0)
		entry.attr.st_ino = self.st_ino;
	if (listing->offset < COOKIE_SELF)
		add(listing, ".", &entry, COOKIE_SELF);
	entry.attr.st_ino = NODEID_ROOT;
	if (listing->offset < COOKIE_ABOVE && !listing->is_full)
		add(listing, "..", &entry, COOKIE_ABOVE);
}

static int add_target(struct listing *listing, const char *name, uint64_t nodeid, uint64_t cookie)
{
	struct fuse_entry_param entry;
	struct target target;
	int result = target_load(listing->mount, listing->txn, nodeid, &target);

	if (result == 0)
		result = attr_entry(listing->mount, listing->txn, &target, &entry);
	if (result == 0)
		add(listing, name, &entry, cookie);
	target_release(&target);
	return result;
}

static uint64_t first_place(const struct listing *listing)
{
	return listing->offset > COOKIE_NODES ? listing->offset - COOKIE_NODES : 0;
}

/* --- tables --- */

static int add_table(struct listing *listing, const struct table *table, uint64_t cookie)
{
	struct slice name = slice_of_text(table->name);
	struct view *view;
	int result = listing->directory.kind == TARGET_STORE
			     ? resolve_store_table(listing->mount, listing->txn, &listing->directory, name, &view)
			     : resolve_live_table(listing->mount, listing->txn, name, &view);

	if (result < 0)
		return result == -ENOENT ? 0 : result;
	result = add_target(listing, table->name, nodeid_of(view->slot, NUMBER_DIRECTORY), cookie);
	view_put(view);
	return result == -ESTALE ? 0 : result;
}

static int add_tables(struct listing *listing)
{
	int64_t time_us = listing->directory.kind == TARGET_STORE ? listing->directory.view->time_us : TIME_NOW;
	uint64_t place = first_place(listing);
	struct table table;
	int result = 1;

	while (!listing->is_full && (result = table_list(listing->txn, time_us, &place, &table)) == 1) {
		result = add_table(listing, &table, COOKIE_NODES + place);
		table_free(&table);
		if (result < 0)
			return result;
	}
	return result < 0 ? result : 0;
}

static int add_restoring(struct listing *listing)
{
	uint32_t number = (uint32_t)first_place(listing);
	struct view *view;
	int result = 0;

	while (!listing->is_full && (result = restoring_next(listing->mount, listing->txn, &number, &view)) == 1) {
		if (view != NULL)
			(void)add_target(
				listing, view->name, nodeid_of(view->slot, NUMBER_DIRECTORY), COOKIE_NODES + number);
		view_put(view);
	}
	return result < 0 ? result : 0;
}

/* --- items and partitions --- */

/* A partition kept by the mount has the number the kernel knows it by. */
static void use_kept(struct listing *listing, const struct node *node, struct fuse_entry_param *entry)
{
	const struct view *view = listing->directory.view;
	struct scratch *kept;

	if (!view->is_live || node->kind != NODE_PARTITION || scratch_partitions(listing->mount->scratch) == 0)
		return;
	kept = scratch_find_partition(listing->mount->scratch, view->slot, node->encoded_key);
	if (kept != NULL) {
		entry->ino = kept->nodeid;
		entry->attr.st_ino = kept->ino;
	}
	scratch_put(kept);
}

static void add_node(struct listing *listing, const struct node *node, int64_t view_time_us)
{
	const struct view *view = listing->directory.view;
	struct fuse_entry_param entry;
	char name[FILE_NAME_MAX + 1];

	/* What is damaged has no name; looking it up says EIO. */
	if (node->version.seq == 0 || snapshot_name(&view->table, node, name) < 0)
		return;
	if (view->is_live && asides_has(listing->mount->asides, view->table.number, node->encoded_key))
		return;
	attr_node_entry(listing->mount, view, view_time_us, node, &entry);
	use_kept(listing, node, &entry);
	add(listing, name, &entry, COOKIE_NODES + node->slot + 1);
}

static int add_nodes(struct listing *listing)
{
	const struct target *directory = &listing->directory;
	struct snapshot_walk walk;
	struct node node;
	int64_t time_us;
	int result = attr_view_time(listing->txn, directory->view, &time_us);

	if (result < 0)
		return result;
	result = snapshot_walk_begin(
		&walk, listing->txn, &directory->view->snapshot, target_directory(directory), first_place(listing));
	if (result < 0)
		return result;
	while (!listing->is_full && (result = snapshot_walk_next(&walk, &node)) == 1)
		add_node(listing, &node, time_us);
	snapshot_walk_end(&walk);
	return result < 0 ? result : 0;
}

/* --- private entries --- */

/* What is stored under the same key stands among the nodes. */
static bool is_listed_already(struct listing *listing, struct scratch *scratch)
{
	struct buffer key = BUFFER_INIT;
	struct node node;
	bool is_listed;

	if (listing->directory.view == NULL || !scratch_copy_key(scratch, &key))
		return false;
	is_listed = snapshot_find(listing->txn, &listing->directory.view->snapshot, buffer_slice(&key), &node) == 0 &&
		    !asides_has(listing->mount->asides, listing->directory.view->table.number, buffer_slice(&key));
	buffer_free(&key);
	return is_listed;
}

static void add_private(struct listing *listing)
{
	const struct target *directory = &listing->directory;
	uint64_t parent = directory->scratch != NULL ? directory->scratch->nodeid : directory->nodeid;
	uint64_t id = listing->offset >= COOKIE_PRIVATE ? listing->offset & ~COOKIE_PRIVATE : 0;
	struct scratch *scratch;

	while (!listing->is_full && (scratch = scratch_next(listing->mount->scratch, parent, id)) != NULL) {
		struct buffer name = BUFFER_INIT;
		uint64_t ignored;

		id = scratch->id;
		scratch_copy_name(scratch, &ignored, &name);
		if (!is_listed_already(listing, scratch) && buffer_text(&name) != NULL)
			(void)add_target(listing, buffer_text(&name), scratch->nodeid, COOKIE_PRIVATE | id);
		buffer_free(&name);
		scratch_put(scratch);
	}
}

/* --- .pitr --- */

static bool add_kept_file(void *context, uint64_t place, const char *name)
{
	struct listing *listing = context;
	struct stat stat;
	uint64_t number;

	if (pitrdir_find(listing->mount->pitrdir, name, &number, &stat) == 0)
		(void)add_target(listing, name, nodeid_of(0, number), COOKIE_NODES + place + 1);
	return !listing->is_full;
}

static int add_pitr(struct listing *listing)
{
	if (listing->directory.kind == TARGET_REJECTED)
		return pitrdir_list(listing->mount->pitrdir, first_place(listing), add_kept_file, listing);
	if (listing->offset <= COOKIE_NODES)
		(void)add_target(listing, "errors.jsonl", PITR_ERRORS, COOKIE_NODES + 1);
	if (listing->offset <= COOKIE_NODES + 1 && !listing->is_full)
		(void)add_target(listing, "rejected", PITR_REJECTED, COOKIE_NODES + 2);
	return 0;
}

/* --- below "@" --- */

static bool add_branch_entry(void *context, uint64_t place, const char *name, const struct branch_entry *found,
	const struct branch_node *node)
{
	struct listing *listing = context;
	struct fuse_entry_param entry;

	if (node == NULL) {
		(void)add_target(listing, name, nodeid_of(found->view->slot, found->number), COOKIE_NODES + place);
	} else {
		attr_leaf_entry(listing->mount, found->view, found->number, node, &entry);
		add(listing, name, &entry, COOKIE_NODES + place);
	}
	return !listing->is_full;
}

static int add_branch(struct listing *listing)
{
	struct view *view = listing->directory.view;

	return view->branch->list(listing->mount, listing->txn, view, nodeid_number(listing->directory.nodeid),
		first_place(listing), add_branch_entry, listing);
}

/* --- all of it --- */

static int add_stored(struct listing *listing)
{
	const struct target *directory = &listing->directory;

	switch (directory->kind) {
	case TARGET_ROOT:
		if (listing->offset < COOKIE_RESTORE && listing->mount->writer != NULL)
			(void)add_target(listing, "restore", NODEID_RESTORE, COOKIE_RESTORE);
		return listing->is_full ? 0 : add_tables(listing);
	case TARGET_STORE:
		return add_tables(listing);
	case TARGET_RESTORE:
		return add_restoring(listing);
	case TARGET_TABLE:
		if (listing->offset < COOKIE_TABLE_FILE)
			(void)add_target(listing, ".table.json", nodeid_of(directory->view->slot, NUMBER_TABLE_FILE),
				COOKIE_TABLE_FILE);
		return listing->is_full ? 0 : add_nodes(listing);
	case TARGET_PARTITION:
		return directory->is_stored ? add_nodes(listing) : 0;
	case TARGET_BRANCH:
		return add_branch(listing);
	case TARGET_PITR:
	case TARGET_REJECTED:
		return add_pitr(listing);
	case TARGET_DIRECTORY:
		return 0;
	default:
		return -ENOTDIR;
	}
}

static int fill(struct listing *listing)
{
	int result = 0;

	if (listing->offset < COOKIE_ABOVE)
		add_dots(listing);
	if (listing->offset < COOKIE_PRIVATE && !listing->is_full)
		result = add_stored(listing);
	if (result == 0 && !target_is_past(&listing->directory))
		add_private(listing);
	return result;
}

static int fill_buffer(struct listing *listing, size_t size)
{
	int result;

	listing->slot = listing->directory.view == NULL ? 0 : listing->directory.view->slot;
	listing->last = listing->offset;
	listing->entries.data = malloc(size);
	if (listing->entries.data == NULL)
		return -ENOMEM;
	listing->entries.capacity = size;
	result = fill(listing);
	return result < 0 ? result : buffer_error(&listing->referred);
}

/* --- what is asked for next --- */

static struct ahead_answer answer_of(const struct listing *listing, size_t size)
{
	return (struct ahead_answer){ .view = listing->directory.view,
		.nodeid = listing->directory.nodeid,
		.offset = listing->offset,
		.size = size };
}

static bool can_be_ahead(const struct listing *listing)
{
	enum target_kind kind = listing->directory.kind;

	return listing->is_plus && (kind == TARGET_TABLE || kind == TARGET_PARTITION) &&
	       target_is_past(&listing->directory);
}

static bool take_ahead(struct listing *listing, size_t size)
{
	struct mount *mount = listing->mount;
	struct ahead_answer answer = answer_of(listing, size);

	if (!can_be_ahead(listing) || !ahead_take(&mount->ahead, mount->store, listing->txn, &answer))
		return false;
	counts_add(&mount->counts, COUNT_AHEAD);
	listing->slot = listing->directory.view->slot;
	listing->last = answer.last;
	listing->in_slot = answer.references;
	listing->entries = answer.entries;
	return true;
}

/* Nothing is after an answer without entries. */
static void make_ahead(const struct listing *listing, size_t size)
{
	struct mount *mount = listing->mount;
	struct listing next = { .mount = mount,
		.txn = listing->txn,
		.directory = listing->directory,
		.is_plus = true,
		.offset = listing->last };
	struct ahead_answer answer = answer_of(&next, size);

	if (!can_be_ahead(listing) || listing->entries.size == 0)
		return;
	if (fill_buffer(&next, size) == 0 && next.referred.size == 0) {
		answer.last = next.last;
		answer.references = next.in_slot;
		answer.entries = next.entries;
		ahead_keep(&mount->ahead, mount->store, next.txn, &answer);
		return;
	}
	unrefer(&next);
	buffer_free(&next.referred);
	buffer_free(&next.entries);
}

static void reply(fuse_req_t req, struct listing *listing)
{
	if (fuse_reply_buf(req, (const char *)listing->entries.data, listing->entries.size) != -ENOENT)
		return;
	unrefer(listing);
	views_count(listing->mount->views, listing->slot, -listing->in_slot);
}

static void list(fuse_req_t req, struct mount *mount, fuse_ino_t ino, size_t size, off_t offset, bool is_plus)
{
	struct listing listing = { .mount = mount, .req = req, .is_plus = is_plus, .offset = (uint64_t)offset };
	int result;

	if (ino == NODEID_ROOT || ino == NODEID_RESTORE)
		restoring_tidy(mount, false);
	target_drain(mount, ino);
	result = target_begin(mount, ino, &listing.txn, &listing.directory);
	if (result < 0) {
		fuse_reply_err(req, -result);
		return;
	}
	result = take_ahead(&listing, size) ? 0 : fill_buffer(&listing, size);
	if (result < 0)
		unrefer(&listing);
	else if (listing.in_slot != 0)
		views_count(mount->views, listing.slot, listing.in_slot);
	if (result < 0) {
		target_end(listing.txn, &listing.directory);
		if (result == -ESTALE)
			overtaken_drop(mount, ino);
		fuse_reply_err(req, -result);
	} else {
		reply(req, &listing);
		make_ahead(&listing, size);
		target_end(listing.txn, &listing.directory);
	}
	buffer_free(&listing.entries);
	buffer_free(&listing.referred);
}

void ops_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *file)
{
	(void)file;
	list(req, ops_mount(req, COUNT_READDIR), ino, size, offset, false);
}

void ops_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *file)
{
	(void)file;
	list(req, ops_mount(req, COUNT_READDIRPLUS), ino, size, offset, true);
}

static bool is_branch_settled(struct mount *mount, uint64_t nodeid)
{
	struct store_txn *txn;
	struct target target;
	bool is_settled;

	if (target_begin(mount, nodeid, &txn, &target) < 0)
		return false;
	is_settled = target.kind == TARGET_BRANCH && target.leaf.is_settled;
	target_end(txn, &target);
	return is_settled;
}

/* Tables leave the listing of a whole store's instant when their windows do. */
static bool is_unchanging(struct mount *mount, uint64_t nodeid, const struct view *view)
{
	if (view != NULL && view->branch != NULL)
		return is_branch_settled(mount, nodeid);
	return view != NULL && !view->is_live && !view->is_store;
}

/* A read-only mount says once that directories need not be opened; the kernel then caches all listings. */
void ops_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	struct mount *mount = ops_mount(req, COUNT_OPENDIR);
	struct view *view;

	if (mount->options->is_read_only) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	view = views_get(mount->views, nodeid_slot(ino));
	file->cache_readdir = file->keep_cache = is_unchanging(mount, ino, view);
	/* The kernel then looks the name up again, and finds out. */
	if (view != NULL && overtaken_is_now(mount, view))
		fuse_reply_err(req, ESTALE);
	else
		fuse_reply_open(req, file);
	view_put(view);
}

void ops_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	(void)ops_mount(req, COUNT_RELEASEDIR), (void)ino, (void)file;
	fuse_reply_err(req, 0);
}

void ops_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *file)
{
	struct mount *mount = ops_mount(req, COUNT_FSYNCDIR);
	int result = 0;

	(void)ino, (void)datasync, (void)file;
	if (mount->writer != NULL) {
		result = commit_asides(mount, ASIDE_ANY, 0);
		if (result == 0) {
			loop_blocks();
			result = writer_drain(mount->writer, UINT32_MAX);
		}
	}
	fuse_reply_err(req, -result);
}
