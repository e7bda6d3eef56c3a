/* What is private to the mount: files with names that are not items' (those of editors, rsync, sed), items not yet committed, private
 * directories, and partitions without items. Nothing of it is history, and nothing of it survives the mount.
 *
 * A partition is kept here when a process of this mount made it or removed its last item, so that it stands until
 * rmdir; its node number stays the same when items come and go. */
#ifndef PITR_FS_SCRATCH_H
#define PITR_FS_SCRATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "bytes.h"
#include "draft.h"
#include "error.h"
#include "index.h"
#include "views.h"

/* Nodes of slot 0 from this number on are private; the rest of the number is the id. */
#define SCRATCH_NUMBER (UINT64_C(1) << 39)

static inline bool nodeid_is_scratch(uint64_t nodeid)
{
	return nodeid_slot(nodeid) == 0 && nodeid_number(nodeid) >= SCRATCH_NUMBER;
}

enum scratch_kind { SCRATCH_FILE, SCRATCH_DIRECTORY, SCRATCH_PARTITION };

struct scratch_set;

struct scratch {
	/* Never change. */
	struct scratch_set *set;
	uint64_t id, nodeid; /* a kept partition has the node number the kernel knew it by */
	enum scratch_kind kind;
	uint64_t ino;
	/* Guarded by the set. */
	uint32_t slot; /* of the live view it stands in; 0: in the root, or below private directories of it */
	struct index_link by_node, by_name, by_parent, by_key;
	bool is_named, has_key; /* has_key: stands in by_key, as partitions do */
	uint64_t parent;
	char *name;         /* of old, once it is not named any more */
	struct buffer key;  /* encoded: a partition's, or of the item this file is to become */
	int64_t references; /* of the kernel; only when nodeid is private */
	unsigned holds;
	int64_t used_ms;
	/* Guarded by the draft's lock. */
	struct draft draft; /* files: the contents */
	mode_t mode;
	int64_t changed_us, accessed_us; /* mtime and ctime, atime */
	unsigned writers;                /* open for writing */
};

int scratch_set_new(struct views *views, const char *spool_directory, struct scratch_set **ret_set);
void scratch_set_free(struct scratch_set *set);

struct scratch_request {
	enum scratch_kind kind;
	uint64_t parent;
	struct slice name;
	uint32_t slot;
	uint64_t ino_base;
	struct slice key;     /* empty: none */
	uint64_t kept_nodeid; /* of a partition the kernel knows already; 0: a new node */
	mode_t mode;
};
/* A new one, held. -EEXIST when there is one of that name. */
int scratch_add(struct scratch_set *set, const struct scratch_request *request, struct scratch **ret_scratch);

/* All find only what is named (but for scratch_get), and return it held, or NULL. */
struct scratch *scratch_get(struct scratch_set *set, uint64_t nodeid);
struct scratch *scratch_find(struct scratch_set *set, uint64_t parent, struct slice name);
struct scratch *scratch_find_partition(struct scratch_set *set, uint32_t slot, struct slice key);
void scratch_put(struct scratch *scratch); /* NULL is fine */

void scratch_count(struct scratch_set *set, uint64_t nodeid, int64_t references);

/* Takes its name away; it lives on while the kernel or a handle refers to it. */
void scratch_unname(struct scratch *scratch);
/* Gives it another name, perhaps in another table; one that has it loses it. */
int scratch_rename(struct scratch *scratch, uint64_t parent, uint32_t slot, struct slice name);
/* The item it is to become; an empty key: none. */
int scratch_set_key(struct scratch *scratch, struct slice key);
/* A copy of its key, appended. False: it has none. */
bool scratch_copy_key(struct scratch *scratch, struct buffer *out);
/* The name and parent at the moment. */
void scratch_copy_name(struct scratch *scratch, uint64_t *ret_parent, struct buffer *out);
bool scratch_is_named(struct scratch *scratch);
uint32_t scratch_slot(struct scratch *scratch);
/* When a request last used it (monotonic_ms); scratch_find_partition does not count. */
int64_t scratch_used_ms(struct scratch *scratch);

/* The next named one of a directory after `id`, held; NULL at the end. */
struct scratch *scratch_next(struct scratch_set *set, uint64_t parent, uint64_t id);
/* Everything of a table loses its name. */
void scratch_forget_table(struct scratch_set *set, uint32_t slot);

/* How many partitions are kept; none means that scratch_find_partition finds none. */
size_t scratch_partitions(struct scratch_set *set);
/* The partition kept longest without use and without private contents, held; NULL: none. */
struct scratch *scratch_oldest_partition(struct scratch_set *set);

#endif
