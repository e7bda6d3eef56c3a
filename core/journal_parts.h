/* What the files share that write journals and bring them in. See writer.h for the format. */
#ifndef PITR_JOURNAL_PARTS_H
#define PITR_JOURNAL_PARTS_H

#include "journal.h"

#define JOURNAL_MAGIC "pitrjnl1"
#define JOURNAL_HEADER_SIZE 24u
#define JOURNAL_RECORD_HEAD 12u
#define JOURNAL_RECORD_MAX (2u << 20)
#define JOURNAL_OP_PUT 1
#define JOURNAL_OP_REMOVE 2

void journal_id_text(const uint8_t id[16], char text[33]);
/* Brings to the disk which journals there are. */
int journal_sync_directory(struct history *history);

#endif
