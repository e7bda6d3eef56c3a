/* A name in a live directory, and what stands there: something private, something stored, or nothing. */
#ifndef PITR_FS_SPOT_H
#define PITR_FS_SPOT_H

#include <stdbool.h>

#include "bytes.h"
#include "error.h"
#include "names.h"
#include "scratch.h"
#include "snapshot.h"
#include "store.h"
#include "target.h"

struct mount;

struct spot {
	struct mount *mount;
	struct store_txn *txn;
	struct target directory;
	const char *name; /* borrowed, or own_name */
	char own_name[FILE_NAME_MAX + 1];
	enum names_place place;
	enum name_kind kind;
	struct buffer key;       /* of the item or partition that can have this name; empty: none can */
	struct error unfit;      /* then why, with a code; for the catalogue's and private names: 0 */
	struct scratch *scratch; /* held: the private thing of that name, or the kept partition */
	bool is_stored;          /* an item or partition: */
	struct node node;
	bool is_aside; /* stored, but moved aside: as good as gone */
};

/* Waits for a change of this key that is not committed yet. -EROFS in past views, -EPERM in .pitr. On success a transaction is
 * open until spot_end, which is also fine after a failure. */
int spot_begin(struct mount *mount, uint64_t parent, const char *name, struct spot *ret_spot);
void spot_end(struct spot *spot);

/* Something stands there. */
bool spot_is_taken(const struct spot *spot);
/* The node number private things in the directory are kept under. */
uint64_t spot_parent(const struct spot *spot);
struct slice spot_name(const struct spot *spot);
/* Refuses what was asked of this name: tells `error` and gives its code. */
int spot_refuse(const struct spot *spot, const struct error *error);
/* Refuses a file of this name, which can be neither an item nor private. */
int spot_refuse_file(const struct spot *spot);
int spot_refuse_text(const struct spot *spot, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Makes the private thing of that name, held in `spot->scratch`. In a partition the directory is kept from now on. */
int spot_add_scratch(struct spot *spot, enum scratch_kind kind, mode_t mode);
/* Keeps the partition that is the directory of this spot. */
int spot_keep_directory(struct spot *spot);

#endif
