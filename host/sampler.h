/* Solvers from noise to images.  Each is a function of a few lines that reads like its formula. */
#ifndef KAIROS_SAMPLER_H
#define KAIROS_SAMPLER_H

#include "denoiser.h"
#include "schedule/schedule.h"

typedef enum {
    SOLVER_DDIM, /* NFE = steps */
    SOLVER_HEUN  /* EDM's second order, NFE = 2 steps - 1 */
} Solver;

typedef struct {
    Solver solver;
    double eta; /* of DDIM: 0 deterministic, 1 stochastic */
    const Schedule *schedule;
} SamplerOptions;

typedef struct {
    Denoiser *denoiser;
    SamplerOptions options;
    Tensor x;        /* device [batch,h,w,c] F32: the state, in the end the samples */
    Tensor carry;    /* Heun's half-finished update; data NULL for DDIM */
    uint64_t *seeds; /* device [batch] */
    int32_t *counts; /* device [batch] */
    /* host [batch]: how many values of each image of the last run are infinite or not a number */
    int32_t *nonfinite;
} Sampler;

bool sampler_create(Sampler *sampler, Denoiser *denoiser, SamplerOptions options, Error *error);
void sampler_destroy(Sampler *sampler);

/* Called after every network evaluation of the batch. */
typedef void SamplerProgress(void *user);

/* Samples n images, 1 <= n <= the denoiser's batch, into sampler->x (images 0 .. n - 1).
 * seeds: host [n]; labels: host [n], -1 = the zero label.  `noise`, if not NULL, receives the initial
 * noise before its scaling by sigma[0], host [n,h,w,c].  Waits for the images, and counts what of them
 * is not finite (sampler_check).  Errors are kept in the context. */
void sampler_run(Sampler *sampler, const uint64_t *seeds, const int32_t *labels, int n, float *noise,
                 SamplerProgress *progress, void *user);

/* Whether the n images of the last run are finite.  If not, `error` names the first seed of one that is
 * not, and what may help; also fails with the context's error. */
bool sampler_check(const Sampler *sampler, const uint64_t *seeds, int n, Error *error);

/* Whether that is why sampler_check failed. */
bool sampler_has_nonfinite(const Sampler *sampler);

/* Network evaluations of an image. */
int sampler_nfe(SamplerOptions options);

#endif
