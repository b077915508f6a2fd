#include "sweep/report_data.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/paired.h"

/* ---- the axes ------------------------------------------------------------------------------------ */

static int find_group(const ReportData *d, const Result *r) {
    int i = 0;
    while (i < d->group_count &&
           (strcmp(d->groups[i].solver, r->solver) != 0 || d->groups[i].eta != r->eta))
        i++;
    return i;
}

static int find_nfe(const ReportData *d, int nfe) {
    int i = 0;
    while (i < d->nfe_count && d->nfe[i] != nfe) i++;
    return i;
}

static int find_schedule(const ReportData *d, const char *name) {
    int i = 0;
    while (i < d->schedule_count && strcmp(d->schedules[i], name) != 0) i++;
    return i;
}

static int find_range(const ReportData *d, uint64_t first) {
    int i = 0;
    while (i < d->range_count && d->ranges[i] != first) i++;
    return i;
}

static void add_to_axes(ReportData *d, const Result *r) {
    const int group = find_group(d, r), schedule = find_schedule(d, r->schedule);
    if (group == d->group_count) {
        memcpy(d->groups[group].solver, r->solver, sizeof r->solver);
        d->groups[d->group_count++].eta = r->eta;
    }
    if (schedule == d->schedule_count)
        memcpy(d->schedules[d->schedule_count++], r->schedule, sizeof r->schedule);
    if (find_nfe(d, r->nfe) == d->nfe_count) d->nfe[d->nfe_count++] = r->nfe;
    if (find_range(d, r->first) == d->range_count) d->ranges[d->range_count++] = r->first;
}

static int by_value(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

/* ---- reading ------------------------------------------------------------------------------------- */

static size_t place(const ReportData *d, int group, int nfe, int schedule, int range) {
    return (((size_t)group * (size_t)d->nfe_count + (size_t)nfe) * (size_t)d->schedule_count +
            (size_t)schedule) *
               (size_t)d->range_count +
           (size_t)range;
}

static bool make_axes(ReportData *d, Error *error) {
    const size_t n = d->results.count + 1;
    d->groups = calloc(n, sizeof *d->groups);
    d->nfe = calloc(n, sizeof *d->nfe);
    d->schedules = calloc(n, sizeof *d->schedules);
    d->ranges = calloc(n, sizeof *d->ranges);
    if (d->groups == NULL || d->nfe == NULL || d->schedules == NULL || d->ranges == NULL)
        return fail(error, "out of memory for the report of %zu results", d->results.count);
    for (size_t i = 0; i < d->results.count; i++) {
        const Result *r = &d->results.rows[i];
        if (r->images != d->results.rows[0].images)
            return fail(error,
                        "%s: line %zu is of %lld images, the first of %lld: distances of different "
                        "numbers of images cannot be compared",
                        d->results.path, i + 1, r->images, d->results.rows[0].images);
        add_to_axes(d, r);
    }
    qsort(d->nfe, (size_t)d->nfe_count, sizeof *d->nfe, by_value);
    d->baseline = find_schedule(d, "edm");
    if (d->baseline == d->schedule_count) d->baseline = 0;
    return true;
}

static bool make_table(ReportData *d, Error *error) {
    const size_t values = place(d, d->group_count, 0, 0, 0);
    d->distance = malloc((values + 1) * sizeof *d->distance);
    d->own = malloc(((size_t)d->range_count + 1) * sizeof *d->own);
    d->other = malloc(((size_t)d->range_count + 1) * sizeof *d->other);
    if (d->distance == NULL || d->own == NULL || d->other == NULL)
        return fail(error, "out of memory for the report of %zu results", d->results.count);
    for (size_t i = 0; i < values; i++) d->distance[i] = NAN;
    for (size_t i = 0; i < d->results.count; i++) {
        const Result *r = &d->results.rows[i];
        d->distance[place(d, find_group(d, r), find_nfe(d, r->nfe), find_schedule(d, r->schedule),
                          find_range(d, r->first))] = r->distance;
    }
    return true;
}

bool report_data_read(ReportData *data, const char *path, Error *error) {
    *data = (ReportData){.results = {.descriptor = -1}};
    if (results_read(&data->results, path, error) && make_axes(data, error) && make_table(data, error))
        return true;
    report_data_free(data);
    return false;
}

void report_data_free(ReportData *data) {
    results_close(&data->results);
    free(data->groups);
    free(data->nfe);
    free(data->schedules);
    free(data->ranges);
    free(data->distance);
    free(data->own);
    free(data->other);
    *data = (ReportData){.results = {.descriptor = -1}};
}

/* ---- what the tables say ------------------------------------------------------------------------- */

double report_distance(const ReportData *data, int group, int nfe, int schedule, int range) {
    return data->distance[place(data, group, nfe, schedule, range)];
}

static bool schedule_has(const ReportData *d, int group, int nfe, int schedule) {
    for (int r = 0; r < d->range_count; r++)
        if (!isnan(report_distance(d, group, nfe, schedule, r))) return true;
    return false;
}

bool report_has(const ReportData *d, int group, int nfe) {
    for (int s = 0; s < d->schedule_count; s++)
        if (schedule_has(d, group, nfe, s)) return true;
    return false;
}

/* Whether every schedule of the column that has a result at all has one of this range. */
static bool range_is_whole(const ReportData *d, int group, int nfe, int range) {
    for (int s = 0; s < d->schedule_count; s++)
        if (isnan(report_distance(d, group, nfe, s, range)) && schedule_has(d, group, nfe, s))
            return false;
    return true;
}

int report_ranges(const ReportData *d, int group, int nfe) {
    int count = 0;
    for (int r = 0; r < d->range_count; r++)
        count += report_has(d, group, nfe) && range_is_whole(d, group, nfe, r);
    return count;
}

/* The schedule's distances of the whole ranges, of which there are d->range_count at most: so many fit
 * into `values`.  0 if it has none at all. */
static int whole_values(const ReportData *d, int group, int nfe, int schedule, double *values) {
    int count = 0;
    for (int r = 0; r < d->range_count; r++) {
        const double value = report_distance(d, group, nfe, schedule, r);
        if (!isnan(value) && range_is_whole(d, group, nfe, r)) values[count++] = value;
    }
    return count;
}

static ReportCell spread_of(const ReportData *d, int group, int nfe, int schedule) {
    ReportCell cell = {.low = INFINITY, .high = -INFINITY, .ratio = NAN, .ratio_error = NAN};
    cell.ranges = whole_values(d, group, nfe, schedule, d->own);
    for (int i = 0; i < cell.ranges; i++) {
        cell.mean += d->own[i] / cell.ranges;
        cell.low = fmin(cell.low, d->own[i]);
        cell.high = fmax(cell.high, d->own[i]);
    }
    return cell;
}

int report_best(const ReportData *d, int group, int nfe) {
    int best = -1;
    double lowest = INFINITY;
    for (int s = 0; s < d->schedule_count; s++) {
        const ReportCell cell = spread_of(d, group, nfe, s);
        if (cell.ranges == 0 || cell.mean >= lowest) continue;
        best = s;
        lowest = cell.mean;
    }
    return best;
}

/* d->own and d->other hold the distances of the cell and of the baseline. */
static void compare_with_baseline(const ReportData *d, double baseline, ReportCell *cell) {
    const Paired paired = paired_differences(d->own, d->other, cell->ranges);
    cell->ratio = cell->mean / baseline;
    cell->ratio_error = paired.standard_error / baseline;
    cell->ratio_low = INFINITY;
    cell->ratio_high = -INFINITY;
    for (int i = 0; i < cell->ranges; i++) {
        cell->ratio_low = fmin(cell->ratio_low, d->own[i] / d->other[i]);
        cell->ratio_high = fmax(cell->ratio_high, d->own[i] / d->other[i]);
    }
}

/* d->own and d->other hold the distances of the cell and of the best. */
static bool not_told_apart(const ReportData *d, int ranges) {
    if (ranges == 1) return d->own[0] <= d->other[0] * (1 + REPORT_NEAR);
    const Paired paired = paired_differences(d->own, d->other, ranges);
    return !paired_differ(&paired);
}

/* The number of schedules that the column has something to show of. */
static int compared(const ReportData *d, int group, int nfe) {
    int count = 0;
    for (int s = 0; s < d->schedule_count; s++) count += spread_of(d, group, nfe, s).ranges > 0;
    return count;
}

ReportCell report_cell(const ReportData *d, int group, int nfe, int schedule) {
    const ReportCell base = spread_of(d, group, nfe, d->baseline);
    const int best = report_best(d, group, nfe);
    const bool alone = compared(d, group, nfe) < 2;
    ReportCell cell = spread_of(d, group, nfe, schedule); /* the last: d->own stays the cell's */
    if (cell.ranges == 0) return cell;
    cell.best = schedule == best && !alone;
    if (whole_values(d, group, nfe, d->baseline, d->other) > 0)
        compare_with_baseline(d, base.mean, &cell);
    whole_values(d, group, nfe, best, d->other);
    cell.tied = schedule != best && not_told_apart(d, cell.ranges);
    return cell;
}

void report_group_name(const ReportGroup *group, char name[64]) {
    if (strcmp(group->solver, "heun") == 0)
        snprintf(name, 64, "Heun");
    else if (group->eta == 0)
        snprintf(name, 64, "Deterministic DDIM");
    else if (group->eta == 1)
        snprintf(name, 64, "Stochastic DDIM");
    else
        snprintf(name, 64, "DDIM, eta %g", group->eta);
}
