/* The chart as a picture for a report: one SVG file that needs no other, readable on light and dark ground. */
#ifndef PITR_TOOLS_CHART_SVG_H
#define PITR_TOOLS_CHART_SVG_H

#include "tools/chart.h"

#define CHART_SVG_BINS 180 /* as many bins as there is room for */

void chart_svg(const struct chart *chart, struct buffer *out);

#endif
