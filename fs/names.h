/* What a name means in a directory of the mount. Pure: knows neither the store nor FUSE. */
#ifndef PITR_FS_NAMES_H
#define PITR_FS_NAMES_H

#include <stdbool.h>

#include "bytes.h"

/* Kinds of directories that have names of their own meaning. */
enum names_place {
	PLACE_ROOT,      /* the live root */
	PLACE_RESTORE,   /* restore/ */
	PLACE_STORE,     /* the whole store at an instant: tables only */
	PLACE_FLAT,      /* a table whose items stand in it */
	PLACE_SORTED,    /* a table with sort key: a directory for each partition */
	PLACE_PARTITION, /* items of one partition */
	PLACE_SCRATCH    /* a private directory: all names are private */
};

enum name_kind {
	NAME_TABLE,      /* may be a table's */
	NAME_PITR,       /* ".pitr" in the root */
	NAME_RESTORE,    /* "restore" in the root */
	NAME_TABLE_FILE, /* ".table.json" */
	NAME_ITEM,       /* ends in ".json", no dot in front */
	NAME_PARTITION,  /* may be a partition's */
	NAME_INSTANT,    /* "@T": `instant` is T */
	NAME_ITEM_AT,    /* "NAME.json@T": `base` is NAME.json, `instant` is T */
	NAME_AT,         /* "@": what can be listed of the past (attree.h) */
	NAME_RESERVED,   /* begins with '@' where no instant can stand */
	NAME_SCRATCH     /* private to the mount */
};

struct name_parts {
	enum name_kind kind;
	struct slice base, instant; /* borrowed from the name */
};

struct name_parts names_classify(enum names_place place, struct slice name);

/* Must a name of this kind resolve to a state that never changes? Then it can neither be made nor removed (EROFS). */
bool names_is_past(enum name_kind kind);

/* May a private file have this name? Not where it would be taken for an item that cannot be there, nor with '@' in front. */
bool names_can_be_scratch_file(enum names_place place, struct slice name);
/* The same for private directories: in tables and the root only names with a dot in front. */
bool names_can_be_scratch_directory(enum names_place place, struct slice name);

#endif
