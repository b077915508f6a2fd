/* The Frechet distance of two Gaussians (Dowson and Landau 1982; Heusel et al. 2017). */
#ifndef KAIROS_FRECHET_H
#define KAIROS_FRECHET_H

#include "quality/statistics.h"

/* *distance = ||mu1 - mu2||^2 + Tr(S1 + S2 - 2 (S1 S2)^1/2), also where the covariances are singular
 * or 0; never negative, and 0 where it is below its rounding.
 * Fails if the numbers of features differ or a covariance has an eigenvalue that is clearly negative.
 */
bool frechet_distance(const Gaussian *a, const Gaussian *b, double *distance, Error *error);

#endif
