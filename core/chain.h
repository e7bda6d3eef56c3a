/* The hash chain that binds each change of a table to all before it.
 *
 *   head(base) = SHA-256("pitrfs change log of table " TableId " after change " base)      base: 0, or lineage.h's
 *   head(n)    = SHA-256(head(n-1) as 32 bytes | SHA-256(line(n)) as 32 bytes)             line: change.h, without its newline
 *
 * So whoever has the lines of a stretch of changes as text, and the head before them, can work out the head after them
 * with nothing but SHA-256. The catalogue's TableId is "catalogue". */
#ifndef PITR_CHAIN_H
#define PITR_CHAIN_H

#include <stdint.h>

#include "bytes.h"

#define CHAIN_BYTES 32
#define CHAIN_TEXT_SIZE 65 /* 64 digits of hex and a NUL */

struct chain {
	uint8_t head[CHAIN_BYTES];
};

void chain_begin(const char *table_id, uint64_t base, struct chain *ret_chain);
/* Binds one more change. */
void chain_add(struct chain *chain, struct slice line);
/* Lower-case hex. */
void chain_text(const struct chain *chain, char ret_text[CHAIN_TEXT_SIZE]);
/* -EINVAL: it is no such text. */
int chain_parse(struct slice text, struct chain *ret_chain);

#endif
