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
/* Removes the file for good: also a failure of power does not bring it back. */
int journal_remove(struct journal *journal);
/* Unless it was removed, the file is left to the next opener of the store. */
void journal_free(struct journal *journal);
/* The journal's identifier as text free of zero bytes, for batch_note_journal. */
struct slice journal_id(const struct journal *journal);
/* Writes one change. 0, or the error; then nothing of it stays. */
int journal_append(struct journal *journal, const struct pending_change *change, uint64_t position);
/* Brings everything that was appended before to the disk: it outlives a failure of power then. May be called while another thread
 * appends, by one thread at a time. When it fails, no later success means anything until the journal was emptied anew. */
int journal_sync(struct journal *journal);
/* Forgets everything, when all is committed. `is_anew`: a sync has failed, so nothing that was written may be relied on. */
int journal_empty(struct journal *journal, bool is_anew);
uint64_t journal_size_bytes(const struct journal *journal);

/* Applies one change in a batch. 1: it can no longer be applied (its table is gone, other keys), `ret_why` tells, and the
 * batch goes on. Other errors spoil the batch. */
int journal_apply(struct batch *batch, const struct pending_change *change, struct error *ret_why);

#endif
