/* Who made a change, for people, in one form everywhere: "rsync (ann, pid 4711): INC-17", "pitr put (ann)", "import of changes.jsonl.gz",
 * "TTL". */
#ifndef PITR_TOOLS_AUTHOR_TEXT_H
#define PITR_TOOLS_AUTHOR_TEXT_H

#include "author_label.h"
#include "bytes.h"

/* Of an author's text (author.h); "unknown" for an empty one. Without control characters. */
void author_text_append(struct slice author_text, struct buffer *out);

/* Text from anywhere, made fit for a terminal: control characters become '?'. Cut to `max_bytes`, with "..." in place of the rest. */
void author_text_append_plain(struct slice text, size_t max_bytes, struct buffer *out);

#endif
