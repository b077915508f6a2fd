#include "sweep/report.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "io/json.h"
#include "sweep/report_chart.h"
#include "sweep/report_data.h"
#include "sweep/report_style.h"
#include "sweep/sweep.h"

static const double RELATIVE_MOST = 60; /* per cent: worse schedules would flatten the others' lines */

enum { SWEEP_LIMIT = 256 << 20, SHEET_LIMIT = 16 << 20 };

typedef struct {
    FILE *page;
    const char *outdir;
    ReportData data;
    json_t *sweep;      /* sweep.json, or an empty object */
    ChartPoint *points; /* for a chart's lines: room for every schedule at every x */
    ChartLine *lines;
} Report;

/* ---- text ---------------------------------------------------------------------------------------- */

/* As the text of HTML; control characters are left out. */
static void write_text(FILE *page, const char *text) {
    for (; *text != '\0'; text++) switch (*text) {
            case '<':
                fputs("&lt;", page);
                break;
            case '>':
                fputs("&gt;", page);
                break;
            case '&':
                fputs("&amp;", page);
                break;
            case '"':
                fputs("&quot;", page);
                break;
            default:
                if ((unsigned char)*text >= ' ' || *text == '\n') fputc(*text, page);
        }
}

static void write_base64(FILE *page, const uint8_t *data, size_t size) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        const unsigned two = i + 1 < size, three = i + 2 < size;
        const unsigned bits = (unsigned)data[i] << 16 | (two ? (unsigned)data[i + 1] << 8 : 0) |
                              (three ? data[i + 2] : 0u);
        fputc(digits[bits >> 18], page);
        fputc(digits[bits >> 12 & 63], page);
        fputc(two ? digits[bits >> 6 & 63] : '=', page);
        fputc(three ? digits[bits & 63] : '=', page);
    }
}

static const char *sweep_text(const Report *r, const char *key) {
    const char *text = json_string_value(json_object_get(r->sweep, key));
    return text != NULL ? text : "";
}

/* ---- the head ------------------------------------------------------------------------------------ */

static void write_head(const Report *r) {
    FILE *page = r->page;
    const ReportData *d = &r->data;
    const long long cells = json_integer_value(json_object_get(r->sweep, "cells"));
    fprintf(page,
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
            "<title>kairos: noise schedules compared</title>\n<style>\n%s</style></head><body>\n"
            "<h1>Noise schedules compared</h1>\n<p>",
            report_style);
    write_text(page, sweep_text(r, "description"));
    fprintf(page, "</p>\n<p class=\"soft\">Model ");
    write_text(page, sweep_text(r, "net"));
    if (d->results.count > 0)
        fprintf(page, "; %lld images a cell, %d disjoint range%s of seeds", d->results.rows[0].images,
                d->range_count, d->range_count == 1 ? "" : "s");
    fprintf(page, "; %zu", d->results.count);
    if (cells > 0) fprintf(page, " of %lld", cells);
    fprintf(page, " cells are done.</p>\n");
}

/* A sentence for each solver: which schedule to take. */
static void write_summary(const Report *r) {
    const ReportData *d = &r->data;
    fprintf(r->page, "<h2>In short</h2>\n<ul>\n");
    for (int g = 0; g < d->group_count; g++) {
        char name[64];
        const char *comma = "";
        report_group_name(&d->groups[g], name);
        fprintf(r->page, "<li>%s: the lowest distance is ", name);
        for (int n = 0; n < d->nfe_count; n++) {
            const int best = report_best(d, g, n);
            if (best < 0) continue;
            const ReportCell cell = report_cell(d, g, n, best);
            int tied = 0;
            for (int s = 0; s < d->schedule_count; s++) tied += report_cell(d, g, n, s).tied;
            fprintf(r->page, "%s<b class=\"key s%d\">%s</b> at NFE %d (%.3g", comma,
                    best % CHART_COLOURS, d->schedules[best], d->nfe[n], cell.mean);
            if (best != d->baseline && !isnan(cell.ratio))
                fprintf(r->page, ", %.0f %% below %s", 100 * (1 - cell.ratio),
                        d->schedules[d->baseline]);
            fprintf(r->page, tied > 0 ? "; not clearly, see the table)" : ")");
            comma = ", ";
        }
        fprintf(r->page, ".</li>\n");
    }
    fprintf(r->page, "</ul>\n");
}

/* ---- distances ----------------------------------------------------------------------------------- */

/* Relative: to the baseline's distance, range by range of seeds. */
static ChartPoint point_of(const ReportData *d, int g, int n, int s, bool relative) {
    const ReportCell cell = report_cell(d, g, n, s);
    ChartPoint p = {d->nfe[n], cell.mean, cell.low, cell.high};
    if (!relative || cell.ranges == 0) return p;
    p.y = 100 * (cell.ratio - 1);
    p.low = INFINITY;
    p.high = -INFINITY;
    for (int i = 0; i < d->range_count; i++) {
        const double ratio = report_distance(d, g, n, s, i) / report_distance(d, g, n, d->baseline, i);
        if (isnan(ratio)) continue;
        p.low = fmin(p.low, 100 * (ratio - 1));
        p.high = fmax(p.high, 100 * (ratio - 1));
    }
    return p;
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
                points[count++] = point_of(d, group, n, s, relative);
        }
        r->lines[s] = (ChartLine){d->schedules[s], s, points, count};
    }
    if (relative)
        snprintf(title, sizeof title, "Distance, %% above or below %s", d->schedules[d->baseline]);
    else
        snprintf(title, sizeof title, "Frechet distance (lower is better)");
    const Chart chart = {.title = title,
                         .x_label = "network evaluations (NFE)",
                         .log_x = true,
                         .log_y = !relative,
                         .x_ticks = ticks,
                         .x_tick_count = tick_count,
                         .y_most = relative ? RELATIVE_MOST : 0,
                         .markers = true,
                         .labels = true,
                         .lines = r->lines,
                         .line_count = d->schedule_count};
    fprintf(r->page, "<div class=\"card\">");
    chart_write(r->page, &chart);
    fprintf(r->page, "</div>\n");
    free(ticks);
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
    if (s != d->baseline && !isnan(cell.ratio))
        fprintf(r->page, "<small>%s%.1f %%</small>", cell.ratio < 1 ? "&minus;" : "+",
                100 * fabs(cell.ratio - 1));
    fprintf(r->page, "</td>");
}

static void write_table(const Report *r, int g) {
    const ReportData *d = &r->data;
    fprintf(r->page, "<div class=\"card scroll\"><table><thead><tr><th>NFE</th>");
    for (int n = 0; n < d->nfe_count; n++)
        if (report_has(d, g, n)) fprintf(r->page, "<th>%d</th>", d->nfe[n]);
    fprintf(r->page, "</tr></thead><tbody>\n");
    for (int s = 0; s < d->schedule_count; s++) {
        fprintf(r->page, "<tr><th class=\"key s%d\">%s</th>", s % CHART_COLOURS, d->schedules[s]);
        for (int n = 0; n < d->nfe_count; n++)
            if (report_has(d, g, n)) write_cell(r, g, n, s);
        fprintf(r->page, "</tr>\n");
    }
    fprintf(r->page, "</tbody></table></div>\n");
}

static void write_distances(Report *r) {
    const ReportData *d = &r->data;
    for (int g = 0; g < d->group_count; g++) {
        char name[64];
        report_group_name(&d->groups[g], name);
        fprintf(r->page, "<h2>%s</h2>\n<div class=\"cards\">\n", name);
        write_distance_chart(r, g, false);
        if (d->schedule_count > 1) write_distance_chart(r, g, true);
        write_table(r, g);
        fprintf(r->page, "</div>\n");
    }
    if (d->schedule_count == 0) return;
    fprintf(r->page,
            "<p class=\"soft\">Mean over the ranges of seeds that every schedule of the column has, "
            "with its lowest and highest below, then the difference from %s. Shaded: the lowest mean. "
            "&asymp;: no higher than the shaded one in at least one range of seeds. Charts relative to "
            "%s end at "
            "+%.0f %%.</p>\n",
            d->schedules[d->baseline], d->schedules[d->baseline], RELATIVE_MOST);
}

/* ---- noise levels -------------------------------------------------------------------------------- */

/* The number of steps that is shown: the one in the middle of those that the first schedule has. */
static int middle_steps(const json_t *levels) {
    int all[64], count = 0;
    const char *key;
    json_t *value;
    json_t *first = json_object_iter_value(json_object_iter((json_t *)levels));
    json_object_foreach(first, key, value) {
        const int steps = atoi(key);
        int at = count < 64 ? count++ : 63;
        while (at > 0 && all[at - 1] > steps) all[at] = all[at - 1], at--;
        all[at] = steps;
    }
    return count > 0 ? all[count / 2] : 0;
}

static int collect_levels(Report *r, const json_t *levels, const char *steps, ChartPoint *points) {
    int lines = 0;
    for (int s = 0; s < r->data.schedule_count; s++) {
        const json_t *own = json_object_get(json_object_get(levels, r->data.schedules[s]), steps);
        const int count = (int)json_array_size(own);
        for (int i = 0; i < count; i++) {
            const double sigma = json_number_value(json_array_get(own, (size_t)i));
            points[i] = (ChartPoint){i + 1, sigma, sigma, sigma};
        }
        if (count > 0) r->lines[lines++] = (ChartLine){r->data.schedules[s], s, points, count};
        points += count;
    }
    return lines;
}

static void write_levels(Report *r) {
    const json_t *levels = json_object_get(r->sweep, "levels");
    const int steps = middle_steps(levels);
    char key[16], title[64];
    snprintf(key, sizeof key, "%d", steps);
    size_t total = 1;
    for (int s = 0; s < r->data.schedule_count; s++)
        total += json_array_size(json_object_get(json_object_get(levels, r->data.schedules[s]), key));
    ChartPoint *points = calloc(total, sizeof *points);
    const int lines = points != NULL ? collect_levels(r, levels, key, points) : 0;
    snprintf(title, sizeof title, "Noise levels of %d steps", steps);
    double ticks[32] = {1};
    int tick_count = 1;
    for (int at = steps <= 16 ? 2 : 4; at < steps && tick_count < 31; at *= 2) ticks[tick_count++] = at;
    ticks[tick_count++] = steps;
    const Chart chart = {.title = title,
                         .x_label = "step",
                         .log_y = true,
                         .x_ticks = ticks,
                         .x_tick_count = tick_count,
                         .lines = r->lines,
                         .line_count = lines};
    if (lines > 0) {
        fprintf(r->page, "<h2>Where the steps are</h2>\n<div class=\"cards\"><div class=\"card\">");
        chart_write(r->page, &chart);
        for (int i = 0; i < lines; i++)
            fprintf(r->page, "<span class=\"key s%d\">&#9632; %s</span>&ensp;\n",
                    r->lines[i].colour % CHART_COLOURS, r->lines[i].name);
        fprintf(r->page, "</div></div>\n");
    }
    free(points);
}

/* ---- images -------------------------------------------------------------------------------------- */

/* The sheet of the first range of seeds; false if there is none. */
static bool write_sheet(const Report *r, int g, int n, int s) {
    const ReportData *d = &r->data;
    Result cell = {.eta = d->groups[g].eta, .nfe = d->nfe[n]};
    char name[128], path[PATH_MAX], *png;
    size_t size;
    memcpy(cell.solver, d->groups[g].solver, sizeof cell.solver);
    memcpy(cell.schedule, d->schedules[s], sizeof cell.schedule);
    if (isnan(report_distance(d, g, n, s, 0))) return false;
    sweep_sheet_name(&cell, name);
    if (!sweep_path(r->outdir, name, path, NULL) || !read_file(path, SHEET_LIMIT, &png, &size, NULL))
        return false;
    fprintf(r->page,
            "<figure><figcaption class=\"key s%d\">%s</figcaption><img alt=\"%s, NFE %d\" "
            "src=\"data:image/png;base64,",
            s % CHART_COLOURS, d->schedules[s], d->schedules[s], d->nfe[n]);
    write_base64(r->page, (const uint8_t *)png, size);
    fprintf(r->page, "\"></figure>\n");
    free(png);
    return true;
}

static void write_images(const Report *r) {
    const ReportData *d = &r->data;
    if (d->results.count == 0) return;
    fprintf(r->page,
            "<h2>The same seeds under each schedule</h2>\n<p class=\"soft\">Seeds from %" PRIu64
            " on, in order.</p>\n",
            d->ranges[0]);
    for (int g = 0; g < d->group_count; g++) {
        bool first = true;
        for (int n = 0; n < d->nfe_count; n++) {
            char name[64];
            if (!report_has(d, g, n)) continue;
            report_group_name(&d->groups[g], name);
            fprintf(r->page, "<details%s><summary>%s, NFE %d</summary><div class=\"cards\">\n",
                    first ? " open" : "", name, d->nfe[n]);
            for (int s = 0; s < d->schedule_count; s++) write_sheet(r, g, n, s);
            fprintf(r->page, "</div></details>\n");
            first = false;
        }
    }
}

/* ---- the page ------------------------------------------------------------------------------------ */

static void write_page(Report *r) {
    write_head(r);
    if (r->data.results.count > 0) {
        write_summary(r);
        write_distances(r);
        write_levels(r);
        write_images(r);
    }
    fprintf(r->page,
            "<p class=\"soft\">Made by kairos sweep. The numbers are in results.jsonl, the noise "
            "levels in sweep.json.</p>\n</body></html>\n");
}

static bool open_report(Report *r, Error *error) {
    char path[PATH_MAX];
    if (!sweep_path(r->outdir, "results.jsonl", path, error) ||
        !report_data_read(&r->data, path, error) || !sweep_path(r->outdir, "sweep.json", path, error))
        return false;
    r->sweep = file_exists(path) ? json_read_file(path, SWEEP_LIMIT, error) : json_object();
    const size_t schedules = (size_t)r->data.schedule_count + 1;
    r->points = calloc(schedules * ((size_t)r->data.nfe_count + 1), sizeof *r->points);
    r->lines = calloc(schedules, sizeof *r->lines);
    if (r->sweep == NULL) return false;
    return (r->points != NULL && r->lines != NULL) || fail(error, "out of memory for %s", path);
}

static bool make_page(Report *r, Error *error) {
    char *text = NULL, path[PATH_MAX];
    size_t size = 0;
    r->page = open_memstream(&text, &size);
    if (r->page == NULL) return fail(error, "out of memory for the report of %s", r->outdir);
    write_page(r);
    const bool whole = !ferror(r->page);
    const bool ok = fclose(r->page) == 0 && whole
                        ? sweep_path(r->outdir, "report.html", path, error) &&
                              write_file_atomically(path, text, size, error)
                        : fail(error, "out of memory for the report of %s", r->outdir);
    free(text);
    return ok;
}

bool report_write(const char *outdir, Error *error) {
    Report report = {.outdir = outdir, .data = {.results = {.descriptor = -1}}};
    const bool ok = open_report(&report, error) && make_page(&report, error);
    report_data_free(&report.data);
    json_decref(report.sweep);
    free(report.points);
    free(report.lines);
    return ok;
}
