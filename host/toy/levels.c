/* The noise levels of the one-dimensional experiments. */
#include <math.h>

#include "schedule/times.h"
#include "toy/experiment.h"

static const double BETA_SLOPE = 19.9, BETA_MIN = 0.1, VP_T_MIN = 1e-3;
static const double EDM_SIGMA_MIN = 0.002, EDM_SIGMA_MAX = 80, EDM_RHO = 7;
static const double NOTHING_LEFT = 1e-10; /* relative to sigma^2, the error of not denoising */

static double vp_sigma(double t) { return sqrt(expm1(BETA_SLOPE * t * t / 2 + BETA_MIN * t)); }

static double vp_t(double sigma) {
    const double exponent = log1p(sigma * sigma);
    return 2 * exponent / (BETA_MIN + sqrt(BETA_MIN * BETA_MIN + 2 * BETA_SLOPE * exponent));
}

void toy_range(ToySde sde, double *sigma_min, double *sigma_max) {
    *sigma_min = sde == SDE_VP ? vp_sigma(VP_T_MIN) : EDM_SIGMA_MIN;
    *sigma_max = sde == SDE_VP ? vp_sigma(1) : EDM_SIGMA_MAX;
}

bool toy_curve(Curve *curve, const Mixture *mixture, int levels, double sigma_min, double sigma_max,
               Error *error) {
    Schedule grid;
    while (mixture_squared_error(mixture, sigma_min) < NOTHING_LEFT * sigma_min * sigma_min &&
           sigma_min * 1.05 < sigma_max)
        sigma_min *= 1.05;
    if (!schedule_edm(&grid, levels, sigma_min, sigma_max, EDM_RHO, error)) return false;
    bool ok = curve_create(curve, levels, error);
    for (int i = 0; ok && i < levels; i++) {
        curve->sigma[i] = grid.sigma[levels - 1 - i];
        curve->squared_error[i] = mixture_squared_error(mixture, curve->sigma[i]);
    }
    if (ok) curve->dims = 1;
    schedule_free(&grid);
    if (ok && !(ok = curve_check(curve, "the curve of the mixture", error))) curve_free(curve);
    return ok;
}

/* Equal steps in t, both ends included. */
static bool standard_levels(Schedule *schedule, ToySde sde, int steps, double sigma_min,
                            double sigma_max, Error *error) {
    if (!schedule_edm(schedule, steps, sigma_min, sigma_max, 1, error))
        return false; /* rho 1: equal in sigma */
    const double high = vp_t(sigma_max), low = vp_t(sigma_min);
    for (int i = 1; sde == SDE_VP && i < steps - 1; i++)
        schedule->sigma[i] = vp_sigma(high + i * (low - high) / (steps - 1));
    return true;
}

bool toy_schedule(Schedule *schedule, ToyTime time, ToySde sde, const Curve *curve,
                  const double *integral, int steps, double sigma_min, double sigma_max, Error *error) {
    switch (time.kind) {
        case TIME_STANDARD:
            return standard_levels(schedule, sde, steps, sigma_min, sigma_max, error);
        case TIME_EDM:
            return schedule_edm(schedule, steps, sigma_min, sigma_max, EDM_RHO, error);
        case TIME_ORDER:
            break;
    }
    return schedule_from_time(schedule, curve->sigma, integral, curve->levels, steps, curve->sigma[0],
                              sigma_max, error);
}
