/* The cells that a sweep could not sample, in sweep.json: "failed", an array of objects with the texts
 * "cell" and "reason".  A run begins with none, since it tries those of the run before it again. */
#ifndef KAIROS_SWEEP_FAILURES_H
#define KAIROS_SWEEP_FAILURES_H

#include <jansson.h>

#include "sweep/results.h"

/* "edm, ddim, eta 0, NFE 8, seeds 0-4999" */
enum { SWEEP_CELL_TEXT = 160 };
void sweep_cell_text(const Result *cell, char text[SWEEP_CELL_TEXT]);

/* Adds a cell to OUTDIR/sweep.json. */
bool sweep_failures_add(const char *outdir, const Result *cell, const char *reason, Error *error);

/* The array in sweep.json; NULL = there is none. */
const json_t *sweep_failures_find(const json_t *sweep);

/* Removes it. */
void sweep_failures_clear(json_t *sweep);

#endif
