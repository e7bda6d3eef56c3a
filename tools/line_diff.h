/* Which lines of two texts are different: the shortest script of removed and added lines (Myers 1986), or, when the texts have little in
 * common, one that is not the shortest. */
#ifndef PITR_TOOLS_LINE_DIFF_H
#define PITR_TOOLS_LINE_DIFF_H

#include <stdbool.h>

#include "bytes.h"

struct lines {
	struct slice *lines; /* owned; they point into the text, and have no newline */
	bool *is_different;  /* not in the other text */
	size_t count;
};

struct line_diff {
	struct lines before, after;
};

/* The texts stay the caller's, and must outlive it. 0 or -ENOMEM. */
int line_diff_begin(struct line_diff *diff, struct slice before, struct slice after);
void line_diff_end(struct line_diff *diff);

#endif
