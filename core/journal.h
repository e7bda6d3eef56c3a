/* The file in which a writer keeps what it accepted until that is committed. See writer.h for the format.
 *
 * Positions grow by one with each change and never repeat in a journal, also after it was emptied. */
#ifndef PITR_JOURNAL_H
#define PITR_JOURNAL_H

#include "batch.h"
#include "history.h"
#include "writer.h"

#define JOURNAL_DIRECTORY "journal"

struct journal;

/* Makes and locks a new journal file. */
int journal_new(struct history *history, struct journal **ret_journal, struct error *error);
/* Removes the file when `is_done`, else leaves it to the next opener of the store. */
void journal_free(struct journal *journal, bool is_done);
/* The journal's identifier as text free of zero bytes, for batch_note_journal. */
struct slice journal_id(const struct journal *journal);
/* Writes one change. 0, or the error; then nothing of it stays. */
int journal_append(struct journal *journal, const struct pending_change *change, uint64_t position);
/* Forgets everything, when all is committed. */
int journal_empty(struct journal *journal);
uint64_t journal_size_bytes(const struct journal *journal);

/* Applies one change in a batch. 1: it can no longer be applied (its table is gone, other keys), `ret_why` tells, and the
 * batch goes on. Other errors spoil the batch. */
int journal_apply(struct batch *batch, const struct pending_change *change, struct error *ret_why);

#endif
