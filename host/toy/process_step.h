/* One step of stochastic DDIM; the formulas are in process.h. */
#ifndef KAIROS_TOY_PROCESS_STEP_H
#define KAIROS_TOY_PROCESS_STEP_H

#include <math.h>

#include "toy/process.h"

typedef struct {
    double sigma, noise, keep; /* x' = D(x; sigma) + keep (x - D) + noise z */
} Step;

static inline Step process_step(const Process *process, int i) {
    const double s = process->schedule->sigma[i], t = process->schedule->sigma[i + 1];
    const double noise = process->eta * t * sqrt(1 - (t / s) * (t / s));
    return (Step){s, noise, sqrt(t * t - noise * noise) / s};
}

/* Without the noise.  It never falls as x rises: D does not, and 0 <= keep < 1. */
static inline double process_mean(const Process *process, Step step, double x) {
    const double d = mixture_denoise(process->mixture, x, step.sigma);
    return d + step.keep * (x - d);
}

#endif
