#include "schedule/curve.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/json.h"
#include "schedule/times.h"

enum { MIN_LEVELS = 4, FILE_LIMIT = 64 << 20 };
static const double MAX_GAP = 4; /* factor between neighbouring levels */

bool curve_create(Curve *curve, int levels, Error *error) {
    *curve = (Curve){0};
    double *block = levels >= 1 ? calloc((size_t)levels, 5 * sizeof(double)) : NULL;
    if (levels < 1) return fail(error, "a curve of %d noise levels: expected 1 or more", levels);
    if (block == NULL) return fail(error, "out of memory for a curve of %d noise levels", levels);
    curve->levels = levels;
    curve->sigma = block;
    curve->squared_error = block + levels;
    curve->standard_error = block + 2 * (size_t)levels;
    curve->entropy_error = block + 3 * (size_t)levels;
    curve->rescaled_error = block + 4 * (size_t)levels;
    return true;
}

void curve_free(Curve *curve) {
    free(curve->sigma);
    *curve = (Curve){0};
}

/* ---- checks ------------------------------------------------------------------------------------- */

static bool check_increase(const double *sigma, int levels, const char *name, Error *error) {
    for (int i = 0; i < levels; i++) {
        /* Networks take float32. */
        if (!((float)sigma[i] > 0 && isfinite((float)sigma[i])))
            return fail(error, "%s: sigma[%d] is %g, expected a positive number", name, i, sigma[i]);
        if (i > 0 && sigma[i] <= sigma[i - 1])
            return fail(error, "%s: sigma[%d] = %.9g follows %.9g, expected increasing levels", name, i,
                        sigma[i], sigma[i - 1]);
    }
    return true;
}

bool curve_check_levels(const double *sigma, int levels, const char *name, Error *error) {
    if (!check_increase(sigma, levels, name, error)) return false;
    if (levels < MIN_LEVELS)
        return fail(error, "%s: %d noise levels are too few to integrate over, expected %d or more",
                    name, levels, MIN_LEVELS);
    for (int i = 1; i < levels; i++)
        if (sigma[i] > MAX_GAP * sigma[i - 1])
            return fail(error,
                        "%s: a gap between sigma[%d] = %.9g and sigma[%d] = %.9g, expected "
                        "neighbours within a factor of %g: measure more levels",
                        name, i - 1, sigma[i - 1], i, sigma[i], MAX_GAP);
    return true;
}

static bool check_values(const double *values, int levels, const char *name, const char *key,
                         Error *error) {
    for (int i = 0; i < levels; i++)
        if (!(values[i] >= 0 && isfinite(values[i])))
            return fail(error, "%s: %s[%d] is %g, expected a finite number, not negative", name, key, i,
                        values[i]);
    return true;
}

static bool check_numbers(const Curve *curve, const char *name, Error *error) {
    return check_increase(curve->sigma, curve->levels, name, error) &&
           check_values(curve->squared_error, curve->levels, name, "squared_error", error) &&
           check_values(curve->standard_error, curve->levels, name, "standard_error", error) &&
           check_values(curve->entropy_error, curve->levels, name, "entropy_error", error) &&
           check_values(curve->rescaled_error, curve->levels, name, "rescaled_entropy_error", error);
}

bool curve_check(const Curve *curve, const char *name, Error *error) {
    return check_numbers(curve, name, error) &&
           curve_check_levels(curve->sigma, curve->levels, name, error);
}

/* ---- reading ------------------------------------------------------------------------------------ */

/* Values that are not there stay as they are. */
static bool take_values(double *target, JsonDoubles values, size_t levels, const char *name,
                        const char *key, Error *error) {
    if (values.values == NULL) return true;
    if (values.count != levels)
        return fail(error, "%s: %s has %zu values, sigma has %zu", name, key, values.count, levels);
    memcpy(target, values.values, levels * sizeof *target);
    return true;
}

typedef struct {
    JsonDoubles sigma, squared, standard, entropy, rescaled;
} Arrays;

static bool take_arrays(Curve *curve, const Arrays *a, const char *name, Error *error) {
    const size_t levels = a->sigma.count;
    if (levels < 1 || levels > INT_MAX)
        return fail(error, "%s: sigma has %zu levels, expected %d or more", name, levels, MIN_LEVELS);
    return curve_create(curve, (int)levels, error) &&
           take_values(curve->sigma, a->sigma, levels, name, "sigma", error) &&
           take_values(curve->squared_error, a->squared, levels, name, "squared_error", error) &&
           take_values(curve->standard_error, a->standard, levels, name, "standard_error", error) &&
           take_values(curve->entropy_error, a->entropy, levels, name, "entropy_error", error) &&
           take_values(curve->rescaled_error, a->rescaled, levels, name, "rescaled_entropy_error",
                       error);
}

bool curve_parse(Curve *curve, const json_t *json, const char *name, Error *error) {
    *curve = (Curve){0};
    Arrays a = {0};
    const json_t *ignored = NULL;
    int dims = 0;
    int64_t images = 0;
    const JsonField fields[] = {
        {"sigma", JSON_FIELD_DOUBLES, &a.sigma, true, 0, 0},
        {"squared_error", JSON_FIELD_DOUBLES, &a.squared, true, 0, 0},
        {"standard_error", JSON_FIELD_DOUBLES, &a.standard, false, 0, 0},
        {"entropy", JSON_FIELD_ARRAY, &ignored, false, 0, 0},
        {"rescaled_entropy", JSON_FIELD_ARRAY, &ignored, false, 0, 0},
        {"entropy_error", JSON_FIELD_DOUBLES, &a.entropy, false, 0, 0},
        {"rescaled_entropy_error", JSON_FIELD_DOUBLES, &a.rescaled, false, 0, 0},
        {"dims", JSON_FIELD_INT, &dims, true, 1, INT_MAX},
        {"images", JSON_FIELD_INT64, &images, false, 0, 9e18},
        {"provenance", JSON_FIELD_OBJECT, &ignored, false, 0, 0}};
    bool ok = json_read_fields(json, name, fields, sizeof fields / sizeof *fields, error) &&
              take_arrays(curve, &a, name, error);
    curve->dims = dims;
    curve->images = images;
    ok = ok && curve_check(curve, name, error);
    if (!ok) curve_free(curve);
    JsonDoubles *arrays[] = {&a.sigma, &a.squared, &a.standard, &a.entropy, &a.rescaled};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) free(arrays[i]->values);
    return ok;
}

bool curve_read(Curve *curve, const char *path, Error *error) {
    *curve = (Curve){0};
    json_t *json = json_read_file(path, FILE_LIMIT, error);
    if (json == NULL) return false;
    const bool ok = curve_parse(curve, json, path, error);
    json_decref(json);
    return ok;
}

/* ---- writing ------------------------------------------------------------------------------------ */

static json_t *json_doubles(const double *values, int count) {
    json_t *array = json_array();
    for (int i = 0; i < count; i++) json_array_append_new(array, json_real(values[i]));
    return array;
}

bool curve_write(const Curve *curve, const char *path, json_t *provenance, Error *error) {
    if (!check_numbers(curve, path, error)) return false;
    double *entropy = calloc((size_t)curve->levels, 2 * sizeof(double));
    if (entropy == NULL) return fail(error, "out of memory to write %s", path);
    double *rescaled = entropy + curve->levels;
    bool ok = entropic_time(curve, ORDER_ENTROPIC, RULE_CUBIC, entropy, error) &&
              entropic_time(curve, ORDER_RESCALED, RULE_CUBIC, rescaled, error);
    if (ok) {
        json_t *json = json_pack(
            "{so so so so so so so si sI}", "sigma", json_doubles(curve->sigma, curve->levels),
            "squared_error", json_doubles(curve->squared_error, curve->levels), "standard_error",
            json_doubles(curve->standard_error, curve->levels), "entropy",
            json_doubles(entropy, curve->levels), "rescaled_entropy",
            json_doubles(rescaled, curve->levels), "entropy_error",
            json_doubles(curve->entropy_error, curve->levels), "rescaled_entropy_error",
            json_doubles(curve->rescaled_error, curve->levels), "dims", curve->dims, "images",
            (json_int_t)curve->images);
        json_object_set_new(json, "provenance",
                            provenance != NULL ? json_incref(provenance) : json_object());
        ok = json != NULL ? json_write_file(path, json, error)
                          : fail(error, "out of memory to write %s", path);
        json_decref(json);
    }
    free(entropy);
    return ok;
}
