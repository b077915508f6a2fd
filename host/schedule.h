/* Noise levels: sigma[0] > ... > sigma[steps-1] > sigma[steps] = 0. */
#ifndef KAIROS_SCHEDULE_H
#define KAIROS_SCHEDULE_H

#include <stdbool.h>

#include "error.h"

typedef struct {
    int steps;
    double *sigma; /* [steps + 1], the last 0 */
} Schedule;

/* The EDM levels (Karras et al. 2022, Eq. 5).  One step is sigma_max alone.  Fails unless
 * 0 < sigma_min < sigma_max, rho > 0 and steps >= 1. */
bool schedule_edm(Schedule *schedule, int steps, double sigma_min, double sigma_max, double rho,
                  Error *error);

/* Levels from a JSON file with an array `sigma`, decreasing and positive; a final 0 may be there. */
bool schedule_read(Schedule *schedule, const char *path, Error *error);

void schedule_free(Schedule *schedule);

#endif
