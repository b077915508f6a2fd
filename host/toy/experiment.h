/* The one-dimensional experiments of Stancevic, Handke, Ambrogioni 2025 (section 6.1, appendix H.2):
 * how far the samples of few steps are from the data, for steps that are equal in different times. */
#ifndef KAIROS_TOY_EXPERIMENT_H
#define KAIROS_TOY_EXPERIMENT_H

#include "schedule/curve.h"
#include "schedule/schedule.h"
#include "toy/mixture.h"

/* Both in the EDM frame, where they differ by their own time t and by where they begin.
 * EDM (variance exploding): sigma = t, x begins at N(0, sigma_max^2).
 * VP (Song et al. 2021, Eq. 32, with the constants of its appendix C): ln(1 + sigma^2) = 19.9 t^2 / 2 +
 * 0.1 t for t from 0.001 to 1 (Karras et al. 2022, table 1), and x / sqrt(1 + sigma^2) begins at N(0,
 * 1). */
typedef enum { SDE_EDM, SDE_VP } ToySde;

/* Standard: equal steps in the process's own t.  EDM: its levels with rho 7.  Order: equal steps in the
 * integral of err / sigma^order. */
typedef enum { TIME_STANDARD, TIME_EDM, TIME_ORDER } ToyTimeKind;

typedef struct {
    ToyTimeKind kind;
    double order; /* of TIME_ORDER */
} ToyTime;

enum { TOY_TIMES = 64, TOY_STEP_COUNTS = 64 };

typedef struct {
    int components;
    double width;
    MixtureLayout layout; /* unless even, every repetition has its own centres */
    ToySde sde;
    double sigma_min, sigma_max;
    double eta;
    bool exact;        /* the distribution itself instead of sampled paths */
    long long samples; /* paths of a repetition */
    int repetitions, bins;
    uint64_t seed;
    int threads; /* 0 = one for each core; results do not depend on it */
    int time_count, step_count;
    ToyTime time[TOY_TIMES];
    int steps[TOY_STEP_COUNTS];
} ToyOptions;

/* The noise levels that the process runs through by itself. */
void toy_range(ToySde sde, double *sigma_min, double *sigma_max);

/* The squared error of the mixture at `levels` levels of the EDM grid.  Data of points leave nothing to
 * be known at low noise: the curve ends at sigma_min or, above it, where the error falls below 1e-10
 * sigma^2. */
bool toy_curve(Curve *curve, const Mixture *mixture, int levels, double sigma_min, double sigma_max,
               Error *error);

/* The levels of `time`.  integral: of TIME_ORDER, its entropic_time over the curve. */
bool toy_schedule(Schedule *schedule, ToyTime time, ToySde sde, const Curve *curve,
                  const double *integral, int steps, double sigma_min, double sigma_max, Error *error);

typedef struct {
    double mean, variance,
        standard_error; /* of the KL divergence, over the repetitions; 0 for one alone */
    Schedule schedule;  /* of the first repetition */
} ToyCell;

/* cell[i * step_count + j]: time i, number of steps j.  Free with toy_free. */
bool toy_run(const ToyOptions *options, ToyCell *cell, bool quiet, Error *error);
void toy_free(const ToyOptions *options, ToyCell *cell);

#endif
