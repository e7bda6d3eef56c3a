/* What the parts of evidence.h share. */
#ifndef PITR_EVIDENCE_PARTS_H
#define PITR_EVIDENCE_PARTS_H

#include "bytes.h"
#include "chain.h"
#include "evidence.h"

struct evidence_facts {
	const struct table *table;
	uint64_t from, to;          /* states */
	int64_t first_us, last_us;  /* of the changes; 0: there are none */
	struct chain before, after; /* heads */
	struct evidence_counts counts;
};

/* The text of README.txt. */
void evidence_append_readme(const struct evidence_facts *facts, struct buffer *out);

#endif
