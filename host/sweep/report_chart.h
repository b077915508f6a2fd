/* Charts as SVG, inside the report's page: its style sheet has the colours (.s0 to .s11). */
#ifndef KAIROS_REPORT_CHART_H
#define KAIROS_REPORT_CHART_H

#include <stdbool.h>
#include <stdio.h>

enum { CHART_COLOURS = 12, CHART_MARKS = 4 };

typedef struct {
    double x, y;
    double low, high; /* the spread of y; equal = none is drawn */
} ChartPoint;

typedef struct {
    const char *name;
    int index; /* of its colour and mark, which together are those of no other of the first 48 */
    const ChartPoint *points;
    int count;
} ChartLine;

typedef struct {
    const char *title, *x_label; /* the title says what y is */
    bool log_x, log_y;
    const double *x_ticks; /* NULL: 5 even ones */
    int x_tick_count;
    double y_most;           /* the chart ends there, if not 0: what is above is cut off */
    double y_line;           /* a dashed line across at this y, if not 0 */
    const char *y_line_name; /* written on it */
    bool bars;               /* the points' spreads */
    bool labels;             /* the lines' names at their right ends, where there is room for them */
    const ChartLine *lines;
    int line_count;
} Chart;

void chart_write(FILE *page, const Chart *chart);

/* Whether the names of the lines can stand beside their ends: all are short, and they are not many. */
bool chart_labels_fit(const ChartLine *lines, int count);

/* The mark of a line of this index, inside an SVG. */
void chart_mark(FILE *page, int index, double x, double y);

#endif
