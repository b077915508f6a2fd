/* What stands above the report's charts. */
#include <math.h>

#include "sweep/report_parts.h"
#include "sweep/sweep_failures.h"

/* ---- what the sweep is of -------------------------------------------------------------------------
 */

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* "1 range of seeds", "1 to 3 ranges of seeds": those that the tables compare. */
static void write_ranges(const Report *r) {
    const ReportData *d = &r->data;
    int fewest = d->range_count, most = 0;
    for (int g = 0; g < d->group_count; g++)
        for (int n = 0; n < d->nfe_count; n++) {
            if (!report_has(d, g, n)) continue;
            const int ranges = report_ranges(d, g, n);
            fewest = ranges < fewest ? ranges : fewest;
            most = ranges > most ? ranges : most;
        }
    fprintf(r->page, "; tables of ");
    if (fewest < most) fprintf(r->page, "%d to ", fewest);
    fprintf(r->page, "%d %srange%s of seeds", most, most > 1 ? "disjoint " : "",
            fewest == 1 && most == 1 ? "" : "s");
    if (most < d->range_count) fprintf(r->page, " (%d are begun)", d->range_count);
}

static void write_sigma_range(const Report *r) {
    const char *name, *steps;
    json_t *own, *levels;
    double low = INFINITY, high = 0;
    json_object_foreach(json_object_get(r->sweep, "levels"), name, own) {
        json_object_foreach(own, steps, levels) {
            high = fmax(high, json_number_value(json_array_get(levels, 0)));
            /* One step has its first level only. */
            if (json_array_size(levels) > 1)
                low = fmin(low, json_number_value(json_array_get(levels, json_array_size(levels) - 1)));
        }
    }
    if (high > 0) fprintf(r->page, "; noise levels from %g", high);
    if (low < high) fprintf(r->page, " down to %g", low);
}

/* One, or those that a sweep has gone on on. */
static void write_devices(FILE *page, const json_t *settings) {
    const json_t *devices = json_object_get(settings, "devices");
    if (json_array_size(devices) == 0) report_text(page, text_of(settings, "device"));
    for (size_t i = 0; i < json_array_size(devices); i++) {
        const char *name = json_string_value(json_array_get(devices, i));
        if (i > 0) fputs(" and ", page);
        report_text(page, name != NULL ? name : "?");
    }
}

/* From run.json: what all results of the folder depend on. */
static void write_settings(const Report *r) {
    const json_t *s = json_object_get(r->manifest, "settings");
    if (!json_is_object(s)) return;
    const double guidance = json_number_value(json_object_get(s, "guidance"));
    const json_int_t label = json_integer_value(json_object_get(s, "class"));
    fprintf(r->page, "<p class=\"soft\">Made by kairos ");
    report_text(r->page, text_of(r->manifest, "kairos"));
    fputs(" in ", r->page);
    report_text(r->page, text_of(s, "precision"));
    fputs(" with the ", r->page);
    report_text(r->page, text_of(s, "engine"));
    fputs(" engine on ", r->page);
    write_devices(r->page, s);
    if (guidance == 1)
        fprintf(r->page, "; no guidance");
    else
        fprintf(r->page, "; guidance %g by %s", guidance,
                json_is_string(json_object_get(s, "gnet")) ? "another network" : "the zero label");
    if (label >= 0)
        fprintf(r->page, "; class %" JSON_INTEGER_FORMAT, label);
    else
        fprintf(r->page, "; classes as each seed draws them");
    write_sigma_range(r);
    fprintf(r->page, ".</p>\n");
}

static void write_floor(const Report *r) {
    const SweepFloor *f = &r->floor;
    if (f->images == 0) return;
    fprintf(r->page,
            "<p class=\"soft\">The floor: %lld draws of a Gaussian with the reference's own mean and "
            "covariance have a distance of <b>%.3g</b> &plusmn; %.2g from it, for want of more draws. "
            "Distances "
            "of other numbers of images have another floor, and near it ratios say less than they "
            "would of more images.",
            f->images, f->distance, f->deviation);
    if (frechet_few_images(f->images, f->features))
        fprintf(r->page,
                " %lld images are few for %d features (ten for each would be %d): much of these "
                "distances is that floor.",
                f->images, f->features, FRECHET_FEW * f->features);
    fprintf(r->page, "</p>\n");
}

static void write_failures(const Report *r) {
    const json_t *failed = sweep_failures_find(r->sweep);
    size_t i;
    json_t *failure;
    if (json_array_size(failed) == 0) return;
    fprintf(r->page, "<p>Cells that failed; the next run tries them again:</p>\n<ul>\n");
    json_array_foreach(failed, i, failure) {
        fprintf(r->page, "<li>");
        report_text(r->page, text_of(failure, "cell"));
        fprintf(r->page, ": ");
        report_text(r->page, text_of(failure, "reason"));
        fprintf(r->page, "</li>\n");
    }
    fprintf(r->page, "</ul>\n");
}

void report_head(const Report *r) {
    FILE *page = r->page;
    const ReportData *d = &r->data;
    const long long cells = json_integer_value(json_object_get(r->sweep, "cells"));
    const char *description = text_of(r->sweep, "description"), *net = text_of(r->sweep, "net");
    fprintf(page, "<h1>Noise schedules compared</h1>\n");
    if (*description != '\0') {
        fprintf(page, "<p>");
        report_text(page, description);
        fprintf(page, "</p>\n");
    }
    fprintf(page, "<p class=\"soft\">");
    if (*net != '\0') {
        fprintf(page, "Model ");
        report_text(page, net);
        fprintf(page, "; ");
    }
    if (d->results.count == 0) {
        fprintf(page, "no results yet.</p>\n");
        write_failures(r);
        return;
    }
    fprintf(page, "%lld images a cell", d->results.rows[0].images);
    write_ranges(r);
    fprintf(page, "; %zu", d->results.count);
    if (cells >= (long long)d->results.count) fprintf(page, " of %lld", cells);
    fprintf(page, " cells are done.</p>\n");
    write_failures(r);
    write_settings(r);
    write_floor(r);
}

/* ---- in short -------------------------------------------------------------------------------------
 */

static void write_tied(const Report *r, int g, int n) {
    const ReportData *d = &r->data;
    const char *before = report_ranges(d, g, n) > 1 ? "; not told apart from it: " : "; close to it: ";
    for (int s = 0; s < d->schedule_count; s++) {
        const ReportCell cell = report_cell(d, g, n, s);
        if (!cell.tied) continue;
        fprintf(r->page, "%s%s (%.3g)", before, d->schedules[s], cell.mean);
        before = ", ";
    }
}

static void write_best(const Report *r, int g, int n) {
    const ReportData *d = &r->data;
    const int best = report_best(d, g, n);
    if (best < 0) {
        if (report_has(d, g, n))
            fprintf(r->page, "<li>NFE %d: no range of seeds of all its schedules yet.</li>\n",
                    d->nfe[n]);
        return;
    }
    const ReportCell cell = report_cell(d, g, n, best);
    fprintf(r->page, "<li>NFE %d, %d range%s of seeds: ", d->nfe[n], cell.ranges,
            cell.ranges == 1 ? "" : "s");
    if (!cell.best) {
        fprintf(r->page, "only %s so far (%.3g).</li>\n", d->schedules[best], cell.mean);
        return;
    }
    fprintf(r->page, "the lowest %s is ", cell.ranges == 1 ? "distance" : "mean");
    fprintf(r->page, "<b class=\"key s%d\">%s</b> (%.3g", best % CHART_COLOURS, d->schedules[best],
            cell.mean);
    if (best != d->baseline && !isnan(cell.ratio)) {
        fprintf(r->page, ", %.1f", 100 * (1 - cell.ratio));
        if (!isnan(cell.ratio_error)) fprintf(r->page, " &plusmn; %.1f", 100 * cell.ratio_error);
        fprintf(r->page, " %% below %s", d->schedules[d->baseline]);
    }
    fprintf(r->page, ")");
    write_tied(r, g, n);
    fprintf(r->page, ".</li>\n");
}

static void write_method(const Report *r) {
    bool one = false, more = false;
    for (int g = 0; g < r->data.group_count; g++)
        for (int n = 0; n < r->data.nfe_count; n++) {
            one |= report_ranges(&r->data, g, n) == 1;
            more |= report_ranges(&r->data, g, n) > 1;
        }
    if (!one && !more) return;
    fprintf(r->page, "<p class=\"soft\">");
    if (one)
        fprintf(r->page,
                "Of one range of seeds no spread is known: another range may order the schedules "
                "differently. \"Close\" is within %.0f %%. ",
                100 * REPORT_NEAR);
    if (more)
        fprintf(r->page,
                "Of several ranges, schedules are compared range by range: \"not told apart\" is a "
                "mean difference that chance makes in more than 1 of 20 comparisons (Student's t, "
                "each comparison by itself). &plusmn; is a standard error. ");
    fprintf(r->page, "</p>\n");
}

void report_summary(const Report *r) {
    const ReportData *d = &r->data;
    fprintf(r->page, "<h2>In short</h2>\n<ul>\n");
    for (int g = 0; g < d->group_count; g++) {
        char name[64];
        report_group_name(&d->groups[g], name);
        fprintf(r->page, "<li>%s:\n<ul>\n", name);
        for (int n = 0; n < d->nfe_count; n++) write_best(r, g, n);
        fprintf(r->page, "</ul></li>\n");
    }
    fprintf(r->page, "</ul>\n");
    write_method(r);
}
