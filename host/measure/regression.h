/* The regression estimator (Cochran, Sampling Techniques, 3rd ed., 1977, ch. 7): the mean of a quantity
 * over a population, from a random sample of it and from controls whose population means are known:
 *     mean = sample mean + slopes . (controls' population means - controls' sample means),
 * the slopes by least squares.  What the controls explain of the spread has no part in the error.
 *
 * The error is that of a linear model with residuals of the same size everywhere; where they grow with
 * the controls it is too small for samples of few images for each control. */
#ifndef KAIROS_REGRESSION_H
#define KAIROS_REGRESSION_H

#include <stdint.h>

#include "error.h"

enum { REGRESSION_CONTROLS = 8 }; /* at most */

typedef struct {
    int64_t n;    /* size of the sample */
    int controls; /* 0: mean and standard error of the sample itself */
    int rank;     /* of the controls that differ, linearly independent */
    double sample_mean[REGRESSION_CONTROLS];
    double inverse[REGRESSION_CONTROLS]
                  [REGRESSION_CONTROLS]; /* of the sums of squares about the mean */
    double leverage;                     /* of the population's mean in the sample */
} Regression;

/* Sums over the sample of the controls [controls], less their population means, and of the products of
 * these [controls][controls].  Fails where LAPACK does. */
bool regression_create(Regression *regression, int64_t n, int controls, const double *sums,
                       const double *products, Error *error);

typedef struct {
    double mean, error; /* and its standard error; INFINITY for samples too small for one */
} Estimate;

/* Of a quantity: the sums over the sample of itself, its square, and its products with the controls,
 * these less their population means. */
Estimate regression_estimate(const Regression *regression, double sum, double square,
                             const double *products);

#endif
