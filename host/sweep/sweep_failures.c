#include "sweep/sweep_failures.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "io/json.h"
#include "sweep/sweep.h"

enum { FILE_LIMIT = 256 << 20 };

static const char failed_key[] = "failed";

void sweep_cell_text(const Result *cell, char text[SWEEP_CELL_TEXT]) {
    snprintf(text, SWEEP_CELL_TEXT, "%s, %s, eta %g, NFE %d, seeds %" PRIu64 "-%" PRIu64,
             cell->schedule, cell->solver, cell->eta, cell->nfe, cell->first, cell->last);
}

const json_t *sweep_failures_find(const json_t *sweep) {
    const json_t *failed = json_object_get(sweep, failed_key);
    return json_is_array(failed) ? failed : NULL;
}

void sweep_failures_clear(json_t *sweep) { json_object_del(sweep, failed_key); }

static bool add(json_t *sweep, const Result *cell, const char *reason) {
    char text[SWEEP_CELL_TEXT];
    sweep_cell_text(cell, text);
    if (sweep_failures_find(sweep) == NULL && json_object_set_new(sweep, failed_key, json_array()) != 0)
        return false;
    return json_array_append_new(json_object_get(sweep, failed_key),
                                 json_pack("{ss ss}", "cell", text, "reason", reason)) == 0;
}

bool sweep_failures_add(const char *outdir, const Result *cell, const char *reason, Error *error) {
    char path[PATH_MAX];
    if (!sweep_path(outdir, "sweep.json", path, error)) return false;
    json_t *sweep = json_read_file(path, FILE_LIMIT, error);
    if (sweep == NULL) return false;
    const bool ok =
        (add(sweep, cell, reason) || fail(error, "%s: out of memory for a cell that failed", path)) &&
        json_write_file(path, sweep, error);
    json_decref(sweep);
    return ok;
}
