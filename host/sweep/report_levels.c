/* Where the schedules' steps are. */
#include <stdio.h>
#include <stdlib.h>

#include "sweep/report_parts.h"

static int by_value(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

/* The number of steps that is shown: the one in the middle of those that have results and levels. */
static int middle_steps(const ReportData *d, const json_t *levels) {
    int *all = malloc(d->results.count * sizeof *all), count = 0;
    for (size_t i = 0; all != NULL && i < d->results.count; i++) {
        const Result *r = &d->results.rows[i];
        char key[16];
        int known = 0;
        snprintf(key, sizeof key, "%d", r->steps);
        while (known < count && all[known] != r->steps) known++;
        if (known == count && json_object_get(json_object_get(levels, r->schedule), key) != NULL)
            all[count++] = r->steps;
    }
    if (count > 0) qsort(all, (size_t)count, sizeof *all, by_value);
    const int middle = count > 0 ? all[count / 2] : 0;
    free(all);
    return middle;
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

void report_levels(Report *r) {
    const json_t *levels = json_object_get(r->sweep, "levels");
    const int steps = middle_steps(&r->data, levels);
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
        report_keys(r->page, r->lines, lines);
        fprintf(r->page, "</div></div>\n");
    }
    free(points);
}
