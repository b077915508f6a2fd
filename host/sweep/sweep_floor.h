/* The floor of a sweep's distances, in sweep.json, so that a report needs no reference. */
#ifndef KAIROS_SWEEP_FLOOR_H
#define KAIROS_SWEEP_FLOOR_H

#include <jansson.h>

#include "quality/floor.h"

typedef struct {
    long long images; /* of a cell; 0 = the floor is not known */
    int features;
    double distance, deviation; /* mean, and standard deviation of a single range's */
} SweepFloor;

/* Of the value of sweep.json. */
SweepFloor sweep_floor_find(const json_t *sweep);

/* Computes the floor of cells of so many images, unless OUTDIR/sweep.json, which must be there, has it.
 */
bool sweep_floor_keep(const char *outdir, const Gaussian *reference, long long images, bool quiet,
                      Error *error);

#endif
