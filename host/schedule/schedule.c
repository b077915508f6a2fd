#include "schedule/schedule.h"

#include <math.h>
#include <stdlib.h>

#include "io/json.h"

enum { MAX_STEPS = 1000000, FILE_LIMIT = 64 << 20 };

static bool allocate(Schedule *schedule, int steps, Error *error) {
    schedule->steps = steps;
    schedule->sigma = calloc((size_t)steps + 1, sizeof *schedule->sigma);
    return schedule->sigma != NULL || fail(error, "out of memory for %d noise levels", steps);
}

bool schedule_check_ends(double sigma_min, double sigma_max, Error *error) {
    return (sigma_min > 0 && sigma_min < sigma_max && isfinite(sigma_max)) ||
           fail(error, "noise levels from %g down to %g: expected sigma_max > sigma_min > 0", sigma_max,
                sigma_min);
}

bool schedule_create(Schedule *schedule, int steps, double sigma_min, double sigma_max, Error *error) {
    *schedule = (Schedule){0, NULL};
    if (steps < 1 || steps > MAX_STEPS)
        return fail(error, "%d steps: expected 1 to %d", steps, MAX_STEPS);
    if (!schedule_check_ends(sigma_min, sigma_max, error) || !allocate(schedule, steps, error))
        return false;
    schedule->sigma[steps - 1] = sigma_min;
    schedule->sigma[0] = sigma_max;
    return true;
}

bool schedule_finish(Schedule *schedule, Error *error) {
    const double *sigma = schedule->sigma;
    for (int i = 0; i < schedule->steps; i++) {
        if (sigma[i] > sigma[i + 1]) continue;
        fail(error, "%d steps are too many, or too fine at one end: level %d is %.17g, the next %.17g",
             schedule->steps, i, sigma[i], sigma[i + 1]);
        schedule_free(schedule);
        return false;
    }
    return true;
}

bool schedule_edm(Schedule *schedule, int steps, double sigma_min, double sigma_max, double rho,
                  Error *error) {
    if (!(rho > 0 && isfinite(rho))) return fail(error, "rho is %g: expected a positive number", rho);
    if (!schedule_create(schedule, steps, sigma_min, sigma_max, error)) return false;
    const double high = pow(sigma_max, 1 / rho), low = pow(sigma_min, 1 / rho);
    for (int i = 1; i < steps - 1; i++)
        schedule->sigma[i] = pow(high + i * (low - high) / (steps - 1), rho);
    return schedule_finish(schedule, error);
}

bool schedule_log_uniform(Schedule *schedule, int steps, double sigma_min, double sigma_max,
                          Error *error) {
    if (!schedule_create(schedule, steps, sigma_min, sigma_max, error)) return false;
    const double high = log(sigma_max), low = log(sigma_min);
    for (int i = 1; i < steps - 1; i++) schedule->sigma[i] = exp(high + i * (low - high) / (steps - 1));
    return schedule_finish(schedule, error);
}

bool schedule_gaussian(Schedule *schedule, int steps, double sigma_min, double sigma_max, double c,
                       Error *error) {
    if (!(c > 0 && isfinite(c))) return fail(error, "c is %g: expected a positive number", c);
    if (!schedule_create(schedule, steps, sigma_min, sigma_max, error)) return false;
    const double high = atan(sigma_max / c), low = atan(sigma_min / c);
    for (int i = 1; i < steps - 1; i++)
        schedule->sigma[i] = c * tan(high + i * (low - high) / (steps - 1));
    return schedule_finish(schedule, error);
}

static bool take_levels(Schedule *schedule, JsonDoubles levels, const char *path, Error *error) {
    size_t count = levels.count;
    if (count > 0 && levels.values[count - 1] == 0) count--;
    if (count < 1 || count > MAX_STEPS)
        return fail(error, "%s: sigma has %zu positive levels, expected 1 to %d", path, count,
                    MAX_STEPS);
    if (!allocate(schedule, (int)count, error)) return false;
    for (size_t i = 0; i < count; i++) {
        const double sigma = levels.values[i];
        if (!((float)sigma > 0 && isfinite((float)sigma)))
            return fail(error, "%s: sigma[%zu] is %g, expected a positive number", path, i, sigma);
        if (i > 0 && sigma >= schedule->sigma[i - 1])
            return fail(error, "%s: sigma[%zu] = %g follows %g, expected decreasing levels", path, i,
                        sigma, schedule->sigma[i - 1]);
        schedule->sigma[i] = sigma;
    }
    return true;
}

bool schedule_read(Schedule *schedule, const char *path, Error *error) {
    *schedule = (Schedule){0, NULL};
    json_t *root = json_read_file(path, FILE_LIMIT, error);
    if (root == NULL) return false;
    if (json_object_get(root, "squared_error") != NULL) {
        json_decref(root);
        return fail(
            error,
            "%s is a curve of kairos measure, no schedule: give it as --curve, with the kind of "
            "schedule to make of it",
            path);
    }
    JsonDoubles levels = {0};
    const char *kind = NULL, *comment = NULL;
    const json_t *provenance = NULL;
    const JsonField fields[] = {{"sigma", JSON_FIELD_DOUBLES, &levels, true, 0, 0},
                                {"kind", JSON_FIELD_TEXT, &kind, false, 0, 0},
                                {"comment", JSON_FIELD_TEXT, &comment, false, 0, 0},
                                {"provenance", JSON_FIELD_OBJECT, &provenance, false, 0, 0}};
    const bool ok = json_read_fields(root, path, fields, sizeof fields / sizeof *fields, error) &&
                    take_levels(schedule, levels, path, error);
    if (!ok) schedule_free(schedule);
    free(levels.values);
    json_decref(root);
    return ok;
}

void schedule_free(Schedule *schedule) {
    free(schedule->sigma);
    schedule->sigma = NULL;
}
