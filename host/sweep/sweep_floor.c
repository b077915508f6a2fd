#include "sweep/sweep_floor.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/json.h"
#include "sweep/sweep.h"

enum { FILE_LIMIT = 256 << 20, SLOW_FEATURES = 2048 };

SweepFloor sweep_floor_find(const json_t *sweep) {
    const json_t *json = json_object_get(sweep, "floor");
    const SweepFloor floor = {json_integer_value(json_object_get(json, "images")),
                              (int)json_integer_value(json_object_get(json, "features")),
                              json_number_value(json_object_get(json, "distance")),
                              json_number_value(json_object_get(json, "deviation"))};
    const bool known = floor.images > 0 && floor.features > 0 && isfinite(floor.distance) &&
                       floor.distance > 0 && floor.deviation >= 0;
    return known ? floor : (SweepFloor){0};
}

/* Six digits: the libraries' last ones may depend on their threads. */
static json_t *rounded(double value) {
    char text[32];
    snprintf(text, sizeof text, "%.6g", value);
    return json_real(strtod(text, NULL));
}

static bool add_floor(json_t *root, const Gaussian *reference, long long images, Error *error) {
    FrechetFloor floor;
    if (!frechet_floor(reference, images, frechet_floor_sets(reference->features), &floor, error))
        return false;
    json_t *json = json_pack("{sI si so so si}", "images", (json_int_t)images, "features",
                             reference->features, "distance", rounded(floor.mean), "deviation",
                             rounded(floor.deviation), "sets", floor.sets);
    return json_object_set_new(root, "floor", json) == 0 || fail(error, "out of memory for the floor");
}

bool sweep_floor_keep(const char *outdir, const Gaussian *reference, long long images, bool quiet,
                      Error *error) {
    char path[PATH_MAX];
    if (!sweep_path(outdir, "sweep.json", path, error)) return false;
    json_t *root = json_read_file(path, FILE_LIMIT, error);
    if (root == NULL) return false;
    const SweepFloor old = sweep_floor_find(root);
    const bool known = old.images == images && old.features == reference->features;
    if (!known && !quiet && reference->features >= SLOW_FEATURES)
        fprintf(stderr, "computing the distances' floor, of %d features: half a minute or more\n",
                reference->features);
    const bool ok =
        known || (add_floor(root, reference, images, error) && json_write_file(path, root, error));
    json_decref(root);
    return ok;
}
