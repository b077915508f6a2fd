/* Stochastic DDIM with the perfect denoiser of a mixture: by sampled paths, or by the distribution
 * itself.
 *
 * A step from level s to t (DDIM, Song et al. 2021, Eq. 12, in the EDM frame, where x_0 is predicted by
 * D(x; s)): x' = D + sqrt(t^2 - n^2) (x - D) / s + n z,   n = eta t sqrt(1 - t^2 / s^2) In the
 * variance-preserving state y = x / sqrt(1 + sigma^2), with a = 1 / (1 + sigma^2), this is that paper's
 * formula word for word, so both processes share this code. */
#ifndef KAIROS_TOY_PROCESS_H
#define KAIROS_TOY_PROCESS_H

#include <stdint.h>

#include "schedule/schedule.h"
#include "toy/divergence.h"

typedef struct {
    const Mixture *mixture;
    const Schedule *schedule;
    double eta;     /* 0 deterministic, 1 stochastic */
    double initial; /* standard deviation of x at schedule->sigma[0] */
} Process;

/* Runs paths number first .. first + paths - 1 and counts where they end: n [bins->count] is set.  Path
 * i draws element i of tensor 0 for its start and of tensor 1 + k for step k of `seed`, so the same
 * path meets the same noise under every schedule. */
void process_sample(const Process *process, uint64_t seed, uint64_t first, long long paths,
                    const Bins *bins, long long *n);

/* The probability of ending in each bin: mass [bins->count].  No random numbers; the distribution of x
 * is carried along on a grid with `cells` cells for each standard deviation of noise (16 leave the
 * divergence right to about 0.1 %). Fails if a step adds so little noise that the grid would be too
 * large. */
bool process_transport(const Process *process, int cells, const Bins *bins, double *mass, Error *error);

#endif
