/* "@/backups": of a table its backups, of the root a directory for each table that has some, gone or not, with the system's
 * among them. A backup is a past view of the state it keeps. */
#ifndef PITR_FS_BACKUPDIR_H
#define PITR_FS_BACKUPDIR_H

#include "attree.h"

extern const struct branch backupdir_of_table;
extern const struct branch backupdir_of_store; /* backupdir_store.c */
extern const struct branch backupdir_of_name;  /* in that of the root: of all tables that ever had the name */

/* Another one whenever backups were made or deleted (attree.h). */
int backupdir_salt(struct store_txn *txn, struct branch_node *node);

/* Looks whether backups were made or deleted since it last looked, by anyone, and tells the kernel. */
struct backupdir_known {
	uint64_t commit, revision; /* of the store, and of its pins, when it last looked; at first 0 */
};
void backupdir_tell_news(struct mount *mount, struct backupdir_known *known);

#endif
