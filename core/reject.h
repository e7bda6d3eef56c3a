/* What was refused: the bytes kept in STORE/rejected/, the reason in STORE/errors.jsonl. One line each:
 *   {"time":"2025-03-01T12:30:00Z","path":"orders/1001.json","error":"EINVAL","message":"...","kept":"rejected/..."} */
#ifndef PITR_REJECT_H
#define PITR_REJECT_H

#include "error.h"
#include "history.h"

/* Keeps `bytes` (may be empty: nothing is kept, only told). Best effort on a full disk: returns the error then. Does
 * nothing on a read-only history (-EROFS). Thread-safe; lines of several processes do not mix. */
int reject_record(struct history *history, const char *path, struct slice bytes, int code, const char *message);

#define REJECT_DIRECTORY "rejected"
#define REJECT_LOG "errors.jsonl"

#endif
