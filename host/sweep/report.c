#include "sweep/report.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/file.h"
#include "io/json.h"
#include "io/run_folder.h"
#include "sweep/report_parts.h"
#include "sweep/report_style.h"
#include "sweep/sweep.h"

enum { SWEEP_LIMIT = 256 << 20 };

static void write_page(Report *r) {
    fprintf(r->page,
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
            "<title>kairos: noise schedules compared</title>\n<style>\n%s</style></head><body>\n",
            report_style);
    report_head(r);
    if (r->data.results.count > 0) {
        report_summary(r);
        report_distances(r);
        report_levels(r);
        report_images(r);
    }
    fprintf(r->page,
            "<p class=\"soft\">The numbers are in results.jsonl, the noise levels in sweep.json, the "
            "settings in run.json.</p>\n</body></html>\n");
}

/* A JSON file of the folder; an empty object if it is not there.  NULL with `error` filled. */
static json_t *read_json(const Report *r, const char *name, Error *error) {
    char path[PATH_MAX];
    if (!sweep_path(r->outdir, name, path, error)) return NULL;
    return file_exists(path) ? json_read_file(path, SWEEP_LIMIT, error) : json_object();
}

static bool open_report(Report *r, Error *error) {
    char path[PATH_MAX];
    if (!sweep_path(r->outdir, RUN_RESULTS, path, error) || !report_data_read(&r->data, path, error))
        return false;
    r->sweep = read_json(r, "sweep.json", error);
    r->manifest = r->sweep != NULL ? read_json(r, "run.json", error) : NULL;
    if (r->manifest == NULL) return false;
    r->floor = sweep_floor_find(r->sweep);
    const size_t schedules = (size_t)r->data.schedule_count + 1;
    r->points = calloc(schedules * ((size_t)r->data.nfe_count + 1), sizeof *r->points);
    r->lines = calloc(schedules, sizeof *r->lines);
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
    json_decref(report.manifest);
    free(report.points);
    free(report.lines);
    return ok;
}
