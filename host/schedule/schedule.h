/* Noise levels: sigma[0] > ... > sigma[steps-1] > sigma[steps] = 0. */
#ifndef KAIROS_SCHEDULE_H
#define KAIROS_SCHEDULE_H

#include <stdbool.h>

#include "error.h"

typedef struct {
    int steps;
    double *sigma; /* [steps + 1], the last 0 */
} Schedule;

/* Schedules from sigma_max down to sigma_min, then 0.  One step is sigma_max alone.  All fail unless
 * 0 < sigma_min < sigma_max and steps is 1 to a million. */

/* Refuses ends between which there are no noise levels. */
bool schedule_check_ends(double sigma_min, double sigma_max, Error *error);

/* Room for the levels; the ends are set, those between are 0. */
bool schedule_create(Schedule *schedule, int steps, double sigma_min, double sigma_max, Error *error);
/* Whoever fills them in ends with this: frees the schedule and fails unless the levels decrease, as
 * they cannot if there are more of them than numbers to tell them apart. */
bool schedule_finish(Schedule *schedule, Error *error);

/* The EDM levels: equal steps in sigma^(1/rho), rho > 0 (Karras et al. 2022, Eq. 5). */
bool schedule_edm(Schedule *schedule, int steps, double sigma_min, double sigma_max, double rho,
                  Error *error);

/* Equal steps in ln sigma: a constant factor between neighbours. */
bool schedule_log_uniform(Schedule *schedule, int steps, double sigma_min, double sigma_max,
                          Error *error);

/* Equal steps in arctan(sigma / c), c > 0: for data N(0, c^2) the levels of least Kullback-Leibler
 * divergence (Sabour, Fidler, Kreis, "Align Your Steps", 2024), and those of its rescaled entropy. */
bool schedule_gaussian(Schedule *schedule, int steps, double sigma_min, double sigma_max, double c,
                       Error *error);

/* Levels from a JSON file with an array `sigma`, decreasing and positive; a final 0 may be there. */
bool schedule_read(Schedule *schedule, const char *path, Error *error);

void schedule_free(Schedule *schedule);

#endif
