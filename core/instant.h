/* Instants as text: every form of the table in DESIGN section 3, and the canonical form.
 *
 * Ambiguities, decided: a form without a zone is UTC, or `zone` when given; a day or minute means its start;
 * 8 digits alone are a day (20250301), 10 digits are epoch seconds, any other bare number is refused; 24:00 and :60 are
 * refused; more than 6 fraction digits are refused unless the rest are zeros; years are 1970 to 4252. */
#ifndef PITR_INSTANT_H
#define PITR_INSTANT_H

#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "error.h"

#define INSTANT_TEXT_MAX 40

enum instant_kind {
	INSTANT_AT,         /* time_us is the instant */
	INSTANT_BEFORE_NOW, /* time_us is how long before now (>= 0) */
	INSTANT_LATEST,     /* the last change */
	INSTANT_EARLIEST,   /* start of the window */
	INSTANT_SEQ,        /* after the table's change number `seq` */
};

struct instant {
	enum instant_kind kind;
	int64_t time_us;
	uint64_t seq;
};

/* How zone-less forms are read: a POSIX/Olson zone name as in TZ ("Europe/Berlin"), "UTC", or an offset ("+02:00").
 * Opaque so that it can be made once. Free with instant_zone_free. A time that a change of clocks skips or repeats is
 * read as the earlier offset. */
struct instant_zone;
int instant_zone_new(const char *name, struct instant_zone **ret_zone, struct error *error); /* -EINVAL unknown zone */
void instant_zone_free(struct instant_zone *zone);

/* Parses the text after the '@' (without it). zone NULL: UTC. 0, or -EINVAL with a message that shows the accepted
 * forms. Never looks at the clock. Accepts lower-case t and z. */
int instant_parse(struct slice text, const struct instant_zone *zone, struct instant *ret_instant, struct error *error);

/* As instant_parse but also accepts a leading '@' and the words "now"; meant for command-line options. "now" is
 * INSTANT_BEFORE_NOW with 0. */
int instant_parse_option(
	const char *text, const struct instant_zone *zone, struct instant *ret_instant, struct error *error);

/* Canonical text of a time: 2025-03-01T12:30:00, with .5 to .123456 when there is a fraction (no trailing zeros).
 * UTC, no zone letter: the form that is listed. Writes a NUL; returns the length. `size` at least INSTANT_TEXT_MAX. */
size_t instant_format(int64_t time_us, char *text, size_t size);
/* The same with a Z: for messages and JSON. */
size_t instant_format_z(int64_t time_us, char *text, size_t size);

/* A duration such as 15m, 2h30m, 1d, 90s, 1w (units w d h m s, each at most once, in that order). Microseconds, or
 * -EINVAL. */
int instant_parse_duration(struct slice text, int64_t *ret_us);

#endif
