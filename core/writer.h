/* One writer for a mount: many small changes, few commits.
 *
 * writer_submit puts a change into the journal (a checksummed file, written without fsync) and returns: the change
 * survives the death of the process from then on. A thread commits whatever has arrived in one batch, again and again,
 * beginning 20 ms after the first of it, or at once when somebody waits.
 *
 * There are two things to wait for. A change is *committed* when every reader of the store sees it (writer_wait; until then
 * writer_pending tells a mount which keys to wait for), and *durable* when it outlives a failure of power too (writer_sync). What is committed
 * is durable; what is durable stands in the journal on the disk at least, and will be committed: within 20 ms, at once when nothing was
 * in the last 20 ms, or by the next opener of the store. One sync of the journal does for all who wait.
 *
 *   journal file := "pitrjnl1" | 16 bytes id | record... | zeros
 *   record       := u32 size of what follows the checksum | u64 checksum (seeded with the position) | varint position
 *                 | byte op | varint table | varint only_seq | blob encoded key | blob item | blob author
 *
 * Invariant: a change is committed exactly once: each commit notes the journal position it covers (batch_note_journal),
 * and a new opener of the store replays only what lies beyond (journal_recover). A journal whose owner lives is locked.
 *
 * When a commit fails (disk full), what was accepted stays in the journal and is tried again; new changes are
 * refused with that error until it works. A change that can no longer be applied (its table is gone) goes to the
 * refusal callback. */
#ifndef PITR_WRITER_H
#define PITR_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "batch.h"
#include "history.h"

struct writer;

struct pending_change {
	uint32_t table;
	bool is_removal;
	uint64_t only_seq; /* of a removal: only while this is the item's newest version; 0: whatever it is */
	struct slice encoded_key, item, author; /* author: text */
};

/* Called from the writer's thread when a change had to be given up. */
typedef void (*writer_refused)(void *context, const struct pending_change *change, const struct error *error);

int writer_start(struct history *history, writer_refused refused, void *context, struct writer **ret_writer,
	struct error *error);
/* Commits what is there, removes the journal, ends the thread. Returns the last error when something remains (then the
 * journal stays for the next opener). */
int writer_stop(struct writer *writer);

/* Copies the change. *ret_ticket grows with every change. 0, or the error that keeps the writer from accepting. */
int writer_submit(struct writer *writer, const struct pending_change *change, uint64_t *ret_ticket);
/* Waits until the ticket's change is committed, and so durable. 0, or the error that keeps it from being so. */
int writer_wait(struct writer *writer, uint64_t ticket);
/* Waits until it is durable, be it committed or not. 0, or the error that keeps it from being either. */
int writer_sync(struct writer *writer, uint64_t ticket);
/* Is a change of this key not committed yet? Its (latest) ticket then. */
bool writer_pending(struct writer *writer, uint32_t table, struct slice encoded_key, uint64_t *ret_ticket);
/* Waits for everything submitted so far for a table; UINT32_MAX: for all. */
int writer_drain(struct writer *writer, uint32_t table);

/* Did this writer make that change, not long ago? What a mount did itself its kernel knows already. */
bool writer_made(struct writer *writer, uint32_t table, uint64_t seq);

/* Commits what writers that died left in their journals. Called by history_open; also now and then by living mounts.
 * Returns how many changes were brought in, or a negative errno. */
int journal_recover(struct history *history, struct error *error);

#endif
