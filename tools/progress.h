/* How far something is, on one line of a terminal, once it has taken more than a second. Elsewhere nothing is shown. */
#ifndef PITR_TOOLS_PROGRESS_H
#define PITR_TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool is_terminal, is_shown;
	int64_t began_us, shown_us; /* by a clock that only runs forward */
};

void progress_begin(struct progress *progress);
/* Writes the line anew, unless it is too early. */
void progress_show(struct progress *progress, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Takes the line away. */
void progress_end(struct progress *progress);
/* How long it has taken. */
int64_t progress_elapsed_us(const struct progress *progress);

#endif
