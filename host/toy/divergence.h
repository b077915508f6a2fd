/* The Kullback-Leibler divergence KL(data || samples) over bins that know the data's distribution
 * exactly. */
#ifndef KAIROS_TOY_DIVERGENCE_H
#define KAIROS_TOY_DIVERGENCE_H

#include <stdbool.h>

#include "error.h"
#include "toy/mixture.h"

/* Bins that the data are equally likely to fall into, each with probability 1 / count.  Points: a bin
 * each, which reaches half-way to the neighbours.  Gaussians: between the quantiles of the mixture. */
typedef struct {
    int count;
    double *edge; /* [count + 1]; the first and last are infinite */
} Bins;

bool bins_create(Bins *bins, const Mixture *mixture, int count,
                 Error *error); /* points: count does not matter */
void bins_free(Bins *bins);
int bins_find(const Bins *bins, double x); /* NaN falls into the last */

/* sum of ln(p / q_i) / count, p = 1 / count, of known masses q [count].  A mass below 1e-300 counts as
 * that. */
double divergence_of_masses(const double *mass, int count);

/* The same, estimated from `total` samples with n_i of them in bin i: q_i is (n_i + 1/2) / total.  The
 * half takes away the bias of -ln(n_i), 1 / (2 n_i), to first order (Haldane 1956 and Anscombe 1956,
 * for log odds), where the plain estimate is too large by (count - 1) / (2 total); so values about 0
 * may be slightly negative. */
double divergence_of_counts(const long long *n, int count, long long total);

#endif
