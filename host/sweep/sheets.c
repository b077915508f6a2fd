#include "sweep/sheets.h"

#include <inttypes.h>
#include <stdio.h>

#include "io/file.h"
#include "sweep/sweep.h"

static int write_stem(const Result *cell, char name[SHEET_NAME]) {
    return snprintf(name, SHEET_NAME, "sheets/%s-%s-eta%g-nfe%d", cell->schedule, cell->solver,
                    cell->eta, cell->nfe);
}

void sheet_name(const Result *cell, char name[SHEET_NAME]) {
    const int stem = write_stem(cell, name);
    snprintf(name + stem, SHEET_NAME - (size_t)stem, "-seed%" PRIu64 ".png", cell->first);
}

bool sheet_find(const char *outdir, const Results *results, const Result *cell, char *path) {
    char name[SHEET_NAME];
    sheet_name(cell, name);
    if (sweep_path(outdir, name, path, NULL) && file_exists(path)) return true;
    if (results->count == 0 || results->rows[0].first != cell->first) return false;
    const int stem = write_stem(cell, name);
    snprintf(name + stem, SHEET_NAME - (size_t)stem, ".png");
    return sweep_path(outdir, name, path, NULL) && file_exists(path);
}
