/* A table's changes over time as a picture: inserts, changes and deletes above each other, each with a scale of its own, so that a few deletes
 * are seen beside many inserts; below them how many items the table had; and what stands out, in words.
 *
 * In the terminal here, as SVG in chart_svg.h; both show the same. */
#ifndef PITR_TOOLS_CHART_H
#define PITR_TOOLS_CHART_H

#include "timeline.h"
#include "timeline_spike.h"
#include "tools/screen.h"

struct chart {
	const char *table;
	bool is_ended;            /* the table was dropped: its states don't stand below its name any more */
	int64_t from_us, to_us;   /* what was asked for, both in it */
	int64_t begin_us, bin_us; /* of the first bin; how long they are */
	size_t count;
	const struct timeline_bin *bins;
	uint64_t items_before; /* of the table before the first */
	const struct timeline_spike *spikes;
	size_t spike_count;
};

/* Kinds of changes: a name in the plural, a sign, and colours. */
struct chart_kind {
	enum change_op op;
	char sign;
	const char *name;
	enum screen_role role;
	const char *color; /* of the web; told apart by people who don't see all colours, on light and dark ground */
};
#define CHART_KINDS 3
extern const struct chart_kind chart_kinds[CHART_KINDS];

uint64_t chart_value(const struct timeline_bin *bin, enum change_op op);
uint64_t chart_sum(const struct chart *chart, enum change_op op);
/* The bin with most of them; count when there are none. */
size_t chart_busiest(const struct chart *chart, enum change_op op);
/* The bin a time lies in. */
size_t chart_bin(const struct chart *chart, int64_t time_us);

/* "orders, 2025-03-01T06:00:00 to 2025-03-01T10:00:00 UTC, 5 min a bar" */
void chart_append_title(const struct chart *chart, struct buffer *out);
/* "2025-03-01T09:15:00  5,000 deletes in 40 s, by cleanup-orders (ann)" */
void chart_append_spike(const struct timeline_spike *spike, struct buffer *out);
/* What stands out in a bin, though it may begin before and end after it; NULL: nothing. */
const struct timeline_spike *chart_spike_in(const struct chart *chart, enum change_op op, size_t bin);
/* "5,000 at 09:15": the count and time of a bin, or of what stands out when all of that lies in the bin. */
void chart_mark_text(const struct chart *chart, enum change_op op, size_t bin, char text[80]);
/* When a bin begins, as short as it can be: "09:15", "Mar 1 09:15", "2021-07-04". */
void chart_bin_text(const struct chart *chart, size_t bin, char text[32]);

/* How many bins fit beside the scale, one column each. */
size_t chart_columns(int columns);
/* `chart` has at most so many bins. */
void chart_draw(const struct chart *chart, int columns, bool is_utf8, struct buffer *out);

#endif
