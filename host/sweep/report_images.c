/* The report's images: what each schedule makes of the same seeds. */
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "sweep/report_parts.h"
#include "sweep/sheets.h"

enum { SHEET_LIMIT = 16 << 20 };

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

/* The path of a cell's sheet; false if there is none. */
static bool find_sheet(const Report *r, int g, int n, int s, int range, char path[PATH_MAX]) {
    const ReportData *d = &r->data;
    Result cell = {.eta = d->groups[g].eta, .nfe = d->nfe[n], .first = d->ranges[range]};
    memcpy(cell.solver, d->groups[g].solver, sizeof cell.solver);
    memcpy(cell.schedule, d->schedules[s], sizeof cell.schedule);
    return !isnan(report_distance(d, g, n, s, range)) &&
           sheet_find(r->outdir, &d->results, &cell, path);
}

static void write_sheet(const Report *r, int n, int s, const char *path) {
    const char *name = r->data.schedules[s];
    char *png;
    size_t size;
    if (!read_file(path, SHEET_LIMIT, &png, &size, NULL)) return;
    fprintf(r->page,
            "<figure><figcaption class=\"key s%d\">%s</figcaption><img alt=\"%s, NFE %d\" "
            "src=\"data:image/png;base64,",
            s % CHART_COLOURS, name, name, r->data.nfe[n]);
    write_base64(r->page, (const uint8_t *)png, size);
    fprintf(r->page, "\"></figure>\n");
    free(png);
}

/* The first range of seeds of which a schedule has a sheet; -1 = none. */
static int shown_range(const Report *r, int g, int n) {
    char path[PATH_MAX];
    for (int i = 0; i < r->data.range_count; i++)
        for (int s = 0; s < r->data.schedule_count; s++)
            if (find_sheet(r, g, n, s, i, path)) return i;
    return -1;
}

static void write_column(const Report *r, int g, int n, int range, bool open) {
    const ReportData *d = &r->data;
    char name[64], path[PATH_MAX];
    report_group_name(&d->groups[g], name);
    fprintf(r->page,
            "<details%s><summary>%s, NFE %d, seeds from %" PRIu64
            " on</summary><div class=\"cards\">\n",
            open ? " open" : "", name, d->nfe[n], d->ranges[range]);
    for (int s = 0; s < d->schedule_count; s++)
        if (find_sheet(r, g, n, s, range, path)) write_sheet(r, n, s, path);
    fprintf(r->page, "</div></details>\n");
}

void report_images(const Report *r) {
    const ReportData *d = &r->data;
    bool any = false;
    for (int g = 0; g < d->group_count; g++) {
        bool first = true;
        for (int n = 0; n < d->nfe_count; n++) {
            const int range = shown_range(r, g, n);
            if (range < 0) continue;
            if (!any) fprintf(r->page, "<h2>The same seeds under each schedule</h2>\n");
            write_column(r, g, n, range, first);
            first = false;
            any = true;
        }
    }
}
