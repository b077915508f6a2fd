/* Charts as SVG, inside the report's page: its style sheet has the colours (.s0 to .s11). */
#ifndef KAIROS_REPORT_CHART_H
#define KAIROS_REPORT_CHART_H

#include <stdbool.h>
#include <stdio.h>

enum { CHART_COLOURS = 12 };

typedef struct {
    double x, y;
    double low, high; /* the spread of y; equal = none is drawn */
} ChartPoint;

typedef struct {
    const char *name;
    int colour; /* class s(colour mod CHART_COLOURS) */
    const ChartPoint *points;
    int count;
} ChartLine;

typedef struct {
    const char *title, *x_label; /* the title says what y is */
    bool log_x, log_y;
    const double *x_ticks; /* NULL: 5 even ones */
    int x_tick_count;
    double y_most;        /* the chart ends there, if not 0: what is above is cut off */
    bool markers, labels; /* a mark at each point; the lines' names at their right ends */
    const ChartLine *lines;
    int line_count;
} Chart;

void chart_write(FILE *page, const Chart *chart);

#endif
