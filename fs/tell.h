/* Telling people why something was refused, in the store's errors.jsonl. */
#ifndef PITR_FS_TELL_H
#define PITR_FS_TELL_H

#include "bytes.h"
#include "error.h"
#include "history.h"

struct tell;

int tell_new(struct history *history, struct tell **ret_tell);
void tell_free(struct tell *tell);

/* Keeps the bytes (may be empty) and the reason under that path. The same words about the same path are told once in
 * TELL_QUIET_MS when there are no bytes to keep. Returns error->code, always negative. */
#define TELL_QUIET_MS 10000
int tell_refusal(struct tell *tell, const char *path, struct slice bytes, const struct error *error);

#endif
