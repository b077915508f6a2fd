#include "schedule.h"

#include <math.h>
#include <stdlib.h>

#include "io/json.h"

enum { MAX_STEPS = 1000000, FILE_LIMIT = 64 << 20 };

static bool allocate(Schedule *schedule, int steps, Error *error) {
    schedule->steps = steps;
    schedule->sigma = calloc((size_t)steps + 1, sizeof *schedule->sigma);
    return schedule->sigma != NULL || fail(error, "out of memory for %d noise levels", steps);
}

bool schedule_edm(Schedule *schedule, int steps, double sigma_min, double sigma_max, double rho,
                  Error *error) {
    if (steps < 1 || steps > MAX_STEPS)
        return fail(error, "%d steps: expected 1 to %d", steps, MAX_STEPS);
    if (!(sigma_min > 0 && sigma_min < sigma_max && isfinite(sigma_max)))
        return fail(error, "noise levels from %g down to %g: expected sigma_max > sigma_min > 0",
                    sigma_max, sigma_min);
    if (!(rho > 0 && isfinite(rho))) return fail(error, "rho is %g: expected a positive number", rho);
    if (!allocate(schedule, steps, error)) return false;
    const double high = pow(sigma_max, 1 / rho), low = pow(sigma_min, 1 / rho);
    schedule->sigma[0] = sigma_max;
    for (int i = 1; i < steps; i++)
        schedule->sigma[i] = pow(high + i * (low - high) / (steps - 1), rho);
    if (steps > 1) schedule->sigma[steps - 1] = sigma_min; /* not a rounding away from it */
    return true;
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
