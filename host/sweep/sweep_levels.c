#include "sweep/sweep_levels.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "io/json.h"
#include "sweep/sweep.h"
#include "sweep/sweep_failures.h"

enum { FILE_LIMIT = 256 << 20 };

const Schedule *sweep_levels_find(const SweepLevelsList *list, int schedule, int steps) {
    for (int i = 0; i < list->count; i++)
        if (list->items[i].schedule == schedule && list->items[i].levels.steps == steps)
            return &list->items[i].levels;
    return NULL;
}

bool sweep_levels_make(SweepLevelsList *list, const SweepConfig *config, const SweepCell *cells,
                       int cell_count, Error *error) {
    *list = (SweepLevelsList){calloc((size_t)cell_count, sizeof(SweepLevels)), 0};
    if (list->items == NULL) return fail(error, "out of memory for %d cells", cell_count);
    for (int i = 0; i < cell_count; i++) {
        const int schedule = cells[i].schedule, steps = cells[i].result.steps;
        if (sweep_levels_find(list, schedule, steps) != NULL) continue;
        ScheduleRequest request = config->schedules[schedule].request;
        request.steps = steps;
        SweepLevels *item = &list->items[list->count];
        Error reason = {""};
        if (!schedule_make(&item->levels, &request, &reason)) {
            sweep_levels_free(list);
            return fail(
                error, "the schedule '%s' from key 'sigma_max', %g, to key 'sigma_min', %g: %.900s",
                config->schedules[schedule].name, request.sigma_max, request.sigma_min, reason.text);
        }
        item->schedule = schedule;
        list->count++;
    }
    return true;
}

void sweep_levels_free(SweepLevelsList *list) {
    for (int i = 0; i < list->count; i++) schedule_free(&list->items[i].levels);
    free(list->items);
    *list = (SweepLevelsList){0};
}

/* ---- sweep.json ---------------------------------------------------------------------------------- */

static json_t *levels_json(const Schedule *schedule) {
    json_t *levels = json_array();
    for (int i = 0; i < schedule->steps; i++)
        if (json_array_append_new(levels, json_real(schedule->sigma[i])) != 0) break;
    return levels;
}

/* Integrals may differ in their last digits between machines. */
static bool same_levels(const json_t *old, const Schedule *schedule) {
    if (json_array_size(old) != (size_t)schedule->steps) return false;
    for (int i = 0; i < schedule->steps; i++) {
        const double was = json_number_value(json_array_get(old, (size_t)i));
        if (!(fabs(was - schedule->sigma[i]) <= 1e-9 * schedule->sigma[i])) return false;
    }
    return true;
}

/* What a schedule's levels are made of, whatever the number of steps and wherever its files lie. */
static json_t *source_of(const ScheduleRequest *request, Error *error) {
    json_t *source = schedule_request_describe(request, error);
    if (source == NULL) return NULL;
    json_object_del(source, "steps");
    json_object_del(source, "curve");
    json_object_del(source, "spectrum");
    json_object_set_new(source, "sigma_min", json_real(request->sigma_min));
    json_object_set_new(source, "sigma_max", json_real(request->sigma_max));
    return source;
}

/* A schedule keeps its source under its name, so that a number of steps which is added later is of the
 * same. */
static bool keep_sources(json_t *root, const SweepConfig *config, const char *path, Error *error) {
    json_t *all = json_object_get(root, "sources");
    if (!json_is_object(all) && json_object_set_new(root, "sources", all = json_object()) != 0)
        return fail(error, "%s: out of memory", path);
    for (int i = 0; i < config->schedule_count; i++) {
        const SweepSchedule *schedule = &config->schedules[i];
        json_t *source = source_of(&schedule->request, error);
        if (source == NULL) return false;
        const json_t *old = json_object_get(all, schedule->name);
        const bool same = old == NULL || json_equal(old, source);
        if (json_object_set_new(all, schedule->name, source) != 0)
            return fail(error, "%s: out of memory", path);
        if (!same)
            return fail(error,
                        "%s: the folder's results of the schedule '%s' were made of another curve, or "
                        "with other settings: give it another \"name\", or choose another folder",
                        path, schedule->name);
    }
    return true;
}

static bool keep_levels(json_t *root, const SweepLevelsList *list, const SweepConfig *config,
                        const char *path, Error *error) {
    json_t *all = json_object_get(root, "levels");
    for (int i = 0; i < list->count; i++) {
        const Schedule *schedule = &list->items[i].levels;
        const char *name = config->schedules[list->items[i].schedule].name;
        char steps[16];
        snprintf(steps, sizeof steps, "%d", schedule->steps);
        if (json_object_get(all, name) == NULL) json_object_set_new(all, name, json_object());
        json_t *own = json_object_get(all, name);
        const json_t *old = json_object_get(own, steps);
        if (old != NULL && !same_levels(old, schedule))
            return fail(
                error,
                "%s: the folder's results of the schedule '%s' were made with other noise levels: "
                "give it another \"name\", or choose another folder",
                path, name);
        if (old == NULL && json_object_set_new(own, steps, levels_json(schedule)) != 0)
            return fail(error, "%s: out of memory, or 'levels' is no object of objects", path);
    }
    return true;
}

/* Without results, what is there is of a run that failed at its start. */
static json_t *open_file(const char *path, bool results, Error *error) {
    json_t *root =
        results && file_exists(path) ? json_read_file(path, FILE_LIMIT, error) : json_object();
    if (root != NULL && json_object_get(root, "levels") == NULL)
        json_object_set_new(root, "levels", json_object());
    if (root == NULL || json_is_object(json_object_get(root, "levels"))) return root;
    fail(error, "%s: expected an object with an object 'levels'", path);
    json_decref(root);
    return NULL;
}

bool sweep_levels_keep(const SweepLevelsList *list, const SweepConfig *config, const char *net_name,
                       int cells, const char *outdir, bool results, Error *error) {
    char path[PATH_MAX];
    if (!sweep_path(outdir, "sweep.json", path, error)) return false;
    json_t *root = open_file(path, results, error);
    if (root == NULL) return false;
    sweep_failures_clear(root);
    const char *description = config->description != NULL ? config->description : "";
    bool ok = keep_levels(root, list, config, path, error) && keep_sources(root, config, path, error);
    ok = ok && ((json_object_set_new(root, "description", json_string(description)) == 0 &&
                 json_object_set_new(root, "net", json_name(net_name)) == 0 &&
                 json_object_set_new(root, "cells", json_integer(cells)) == 0) ||
                fail(error, "%s: out of memory", path));
    ok = ok && json_write_file(path, root, error);
    json_decref(root);
    return ok;
}
