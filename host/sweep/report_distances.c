/* The report's distances: charts against NFE, and tables. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/report_parts.h"

static const double RELATIVE_MOST = 60; /* per cent: worse schedules would flatten the others' lines */

/* Relative: to the baseline's distance, range by range of seeds. */
static ChartPoint point_of(const ReportData *d, int n, const ReportCell *cell, bool relative) {
    if (!relative) return (ChartPoint){d->nfe[n], cell->mean, cell->low, cell->high};
    return (ChartPoint){d->nfe[n], 100 * (cell->ratio - 1), 100 * (cell->ratio_low - 1),
                        100 * (cell->ratio_high - 1)};
}

static void write_distance_chart(Report *r, int group, bool relative) {
    const ReportData *d = &r->data;
    double *ticks = calloc((size_t)d->nfe_count + 1, sizeof *ticks);
    char title[160];
    int tick_count = 0;
    for (int n = 0; ticks != NULL && n < d->nfe_count; n++)
        if (report_has(d, group, n)) ticks[tick_count++] = d->nfe[n];
    for (int s = 0; s < d->schedule_count; s++) {
        ChartPoint *points = r->points + (size_t)s * (size_t)d->nfe_count;
        int count = 0;
        for (int n = 0; n < d->nfe_count; n++) {
            const ReportCell cell = report_cell(d, group, n, s);
            if (cell.ranges > 0 && (!relative || !isnan(cell.ratio)))
                points[count++] = point_of(d, n, &cell, relative);
        }
        r->lines[s] = (ChartLine){d->schedules[s], s, points, count};
    }
    if (relative)
        snprintf(title, sizeof title, "Distance, %% above or below %s", d->schedules[d->baseline]);
    else
        snprintf(title, sizeof title, "Frechet distance (lower is better)");
    const bool labels = chart_labels_fit(r->lines, d->schedule_count);
    const Chart chart = {.title = title,
                         .x_label = "network evaluations (NFE)",
                         .log_x = true,
                         .log_y = !relative,
                         .x_ticks = ticks,
                         .x_tick_count = tick_count,
                         .y_most = relative ? RELATIVE_MOST : 0,
                         .y_line = relative ? 0 : r->floor.distance,
                         .y_line_name = "floor",
                         .bars = true,
                         .labels = labels,
                         .lines = r->lines,
                         .line_count = d->schedule_count};
    fprintf(r->page, "<div class=\"card\">");
    chart_write(r->page, &chart);
    if (!labels) report_keys(r->page, r->lines, d->schedule_count);
    fprintf(r->page, "</div>\n");
    free(ticks);
}

static void write_ratio(FILE *page, const ReportCell *cell) {
    fprintf(page, "<small>%s%.1f", cell->ratio < 1 ? "&minus;" : "+", 100 * fabs(cell->ratio - 1));
    if (!isnan(cell->ratio_error)) fprintf(page, " &plusmn; %.1f", 100 * cell->ratio_error);
    fprintf(page, " %%</small>");
}

static void write_cell(const Report *r, int g, int n, int s) {
    const ReportData *d = &r->data;
    const ReportCell cell = report_cell(d, g, n, s);
    if (cell.ranges == 0) {
        fprintf(r->page, "<td>&ndash;</td>");
        return;
    }
    fprintf(r->page, "<td%s><b>%.4g</b>%s", cell.best ? " class=\"best\"" : "", cell.mean,
            cell.tied ? "&nbsp;&asymp;" : "");
    if (cell.ranges > 1) fprintf(r->page, "<small>%.4g &ndash; %.4g</small>", cell.low, cell.high);
    if (s != d->baseline && !isnan(cell.ratio)) write_ratio(r->page, &cell);
    fprintf(r->page, "</td>");
}

static void write_table(const Report *r, int g) {
    const ReportData *d = &r->data;
    fprintf(r->page, "<div class=\"card scroll\"><table><thead><tr><th>NFE</th>");
    for (int n = 0; n < d->nfe_count; n++)
        if (report_has(d, g, n)) fprintf(r->page, "<th>%d</th>", d->nfe[n]);
    fprintf(r->page, "</tr></thead><tbody>\n");
    for (int s = 0; s < d->schedule_count; s++) {
        fprintf(r->page, "<tr><th>");
        report_key(r->page, s, d->schedules[s]);
        fprintf(r->page, "</th>");
        for (int n = 0; n < d->nfe_count; n++)
            if (report_has(d, g, n)) write_cell(r, g, n, s);
        fprintf(r->page, "</tr>\n");
    }
    fprintf(r->page, "</tbody></table></div>\n");
}

static void write_legend(const Report *r) {
    const char *baseline = r->data.schedules[r->data.baseline];
    fprintf(
        r->page,
        "<p class=\"soft\">Mean over the ranges of seeds that every schedule of the column has, "
        "with its lowest and highest below (the bars of the charts), then the difference from %s, of "
        "several ranges with its standard error. Shaded: the lowest mean. &asymp;: not told apart "
        "from it or, of one range, within %.0f %% of it. Charts relative to %s end at +%.0f %%.</p>\n",
        baseline, 100 * REPORT_NEAR, baseline, RELATIVE_MOST);
}

void report_distances(Report *r) {
    const ReportData *d = &r->data;
    for (int g = 0; g < d->group_count; g++) {
        char name[64];
        report_group_name(&d->groups[g], name);
        fprintf(r->page, "<h2>%s</h2>\n", name);
        if (strcmp(d->groups[g].solver, "heun") == 0)
            fprintf(r->page,
                    "<p class=\"soft\">Heun's NFE is 2 steps &minus; 1: where an even NFE was "
                    "asked for, it made one evaluation less.</p>\n");
        fprintf(r->page, "<div class=\"cards\">\n");
        write_distance_chart(r, g, false);
        if (d->schedule_count > 1) write_distance_chart(r, g, true);
        write_table(r, g);
        fprintf(r->page, "</div>\n");
    }
    write_legend(r);
}
