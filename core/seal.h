/* Seals: the heads of all chains at one moment, to be kept elsewhere and held against the store later.
 *
 * As JSON:
 *   {"Seal":"pitrfs 1","Store":"<store id>","Time":"2025-03-01T10:00:00Z","Tables":[
 *      {"Table":"orders","TableId":"..","SequenceNumber":22963,"Time":"..","Items":5400,"Head":"<64 hex digits>"},..],
 *    "Digest":"<64 hex digits>"}
 * Digest is the SHA-256 of the lines "<TableId> <SequenceNumber> <Head> <Items> <Time, or -> <Table>\n" in the order of Tables, the catalogue
 * first: what is written down when one line must do. When the seal was made, its own Time, is nothing it can prove, and no part of that. */
#ifndef PITR_SEAL_H
#define PITR_SEAL_H

#include <stdint.h>

#include "bytes.h"
#include "chain.h"
#include "error.h"
#include "history.h"

struct seal_table {
	uint32_t table; /* its number; not in the text */
	char name[256], id[37];
	uint64_t seq, items;
	int64_t time_us; /* of that change; 0: there was none */
	struct chain head;
};

struct seal {
	char store[37];
	int64_t time_us;
	struct seal_table *tables;
	size_t count;
	struct chain digest;
};

/* Of all tables of which anything is kept, ended ones too. Free with seal_free. */
int seal_make(struct history *history, struct store_txn *txn, struct seal *ret_seal, struct error *error);
void seal_free(struct seal *seal);
int seal_append_text(const struct seal *seal, struct buffer *out);
/* -EINVAL with what is wrong: it is no seal, or its digest is not of its tables. */
int seal_parse(struct slice text, struct seal *ret_seal, struct error *error);

#endif
