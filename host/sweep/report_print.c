/* The report's tables for a terminal. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/run_folder.h"
#include "sweep/report.h"
#include "sweep/report_data.h"
#include "sweep/sweep.h"

enum { CELL_WIDTH = 9 };

/* The column before is as wide with its mark as without; no line ends with blanks. */
static void print_cell(FILE *stream, const ReportData *d, int g, int n, int s, int *blanks) {
    const ReportCell cell = report_cell(d, g, n, s);
    char text[32] = "-";
    if (cell.ranges > 0) snprintf(text, sizeof text, "%.4g", cell.mean);
    fprintf(stream, "%*s%*s", *blanks, "", CELL_WIDTH, text);
    *blanks = 2;
    if (!cell.best && !cell.tied) return;
    fprintf(stream, cell.best ? " *" : " ~");
    *blanks = 0;
}

static void print_row(FILE *stream, const ReportData *d, int g, int s, int width) {
    int blanks = 0;
    fprintf(stream, "%-*s", width, d->schedules[s]);
    for (int n = 0; n < d->nfe_count; n++)
        if (report_has(d, g, n)) print_cell(stream, d, g, n, s, &blanks);
    fprintf(stream, "\n");
}

static void print_group(FILE *stream, const ReportData *d, int g, int width) {
    const char *const heads[] = {"NFE", "ranges of seeds"};
    char name[64];
    report_group_name(&d->groups[g], name);
    fprintf(stream, "%s\n", name);
    for (int i = 0; i < 2; i++) {
        int blanks = 0;
        fprintf(stream, "%-*s", width, heads[i]);
        for (int n = 0; n < d->nfe_count; n++) {
            if (!report_has(d, g, n)) continue;
            fprintf(stream, "%*s%*d", blanks, "", CELL_WIDTH,
                    i == 0 ? d->nfe[n] : report_ranges(d, g, n));
            blanks = 2;
        }
        fprintf(stream, "\n");
    }
    for (int s = 0; s < d->schedule_count; s++) print_row(stream, d, g, s, width);
    fprintf(stream, "\n");
}

static void print_tables(FILE *stream, const ReportData *d) {
    int width = (int)strlen("ranges of seeds");
    for (int s = 0; s < d->schedule_count; s++)
        if ((int)strlen(d->schedules[s]) > width) width = (int)strlen(d->schedules[s]);
    fprintf(stream, "Frechet distances, %lld images a cell\n\n", d->results.rows[0].images);
    for (int g = 0; g < d->group_count; g++) print_group(stream, d, g, width);
    fprintf(stream, "* the lowest mean; ~ not told apart from it (of one range: within %.0f %%)\n",
            100 * REPORT_NEAR);
}

bool report_print(const char *outdir, FILE *stream, Error *error) {
    char path[PATH_MAX];
    ReportData data;
    if (!sweep_path(outdir, RUN_RESULTS, path, error) || !report_data_read(&data, path, error))
        return false;
    if (data.results.count > 0)
        print_tables(stream, &data);
    else
        fprintf(stream, "%s: no results yet\n", outdir);
    report_data_free(&data);
    return true;
}
